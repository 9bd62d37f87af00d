/** What Alice and Bob tell each other to find out what they lack, and in which order they ask for it. */
import { expect, test, vi } from 'vitest'
import { decodeFrame, encodeFrame, MAX_DIGESTS, MAX_FRAME_PAYLOAD } from '../../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId } from '../../wire/ids.ts'
import { decodeVector, encodeVector, MAX_VECTOR_CHANNELS, type VectorEntry } from '../../wire/vector.ts'
import { MAX_ASK_OPS, MAX_LACKING } from '../limits.ts'
import type { Replica } from '../replica.ts'
import { answerDigests, digestsFor, partsOf, Wants } from './comparing.ts'
import { makeHello } from './greeting.ts'
import { type Home, home, sendFrame, sessionToken, signMessages, whisper } from './mallory.test-support.ts'
import { DeviceNames } from './names.ts'

/** What a person would tell the others of what they hold: to any member alike, where all channels are everyone's. */
const digestsOf = (replica: Replica): ReturnType<typeof digestsFor> => digestsFor(replica, replica.me.device)
const channelOf = (n: number): ChannelId => n.toString(16).padStart(32, '0') as ChannelId
const deviceOf = (n: number): DeviceId => n.toString(16).padStart(64, '0') as DeviceId
const entry = (channel: ChannelId, device: number, chanSeq: number, head = device): VectorEntry => ({ channel, device: deviceOf(device), chanSeq, head: head.toString(16).padStart(16, '0') })

test('S8 who holds the same tells nothing but digests, and each knows that the other has all', async () => {
  const h = await home()
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: 'Hello' })
  await h.room.pass(1000)
  const alice = h.alice.space(h.space), bob = h.bob.space(h.space)
  expect(digestsOf(alice)).toEqual(digestsOf(bob))
  expect(digestsOf(alice).map((d) => d.channel)).toEqual([AUTHORITY_CHANNEL, h.channel])
  const { parts, same } = answerDigests(alice, bob.me.device, digestsOf(bob))
  expect(parts).toEqual([])
  expect(same.filter((e) => e.channel === h.channel)).toMatchObject([{ device: alice.me.device, chanSeq: 1 }])
})

test('S8 a space that has had more channels than a digest holds tells of all that are there, and of some that are deleted', async () => {
  const h = await home()
  const alice = h.alice.space(h.space)
  const deleted = Array.from({ length: MAX_DIGESTS + 10 }, (_, n) => channelOf(n + 1))
  vi.spyOn(alice.log, 'channels', 'get').mockReturnValue([...deleted, AUTHORITY_CHANNEL, h.channel])
  vi.spyOn(alice.log, 'digest').mockReturnValue('ab'.repeat(8))
  vi.spyOn(alice, 'mayHave').mockReturnValue(true)
  const told = digestsOf(alice).map((d) => d.channel)
  expect(told).toHaveLength(MAX_DIGESTS)
  expect(told).toContain(AUTHORITY_CHANNEL)
  expect(told).toContain(h.channel)
  const bytes = encodeFrame({ type: 'digest', token: new Uint8Array(16), channels: digestsOf(alice) })
  expect(decodeFrame(bytes)).toMatchObject({ type: 'digest' })
  vi.restoreAllMocks()
})

test('S8 vectors of many channels are told in parts that can be read', () => {
  const many = Array.from({ length: MAX_VECTOR_CHANNELS + 10 }, (_, n) => entry(channelOf(n + 1), 1, 1))
  const parts = partsOf(many)
  expect(parts.flat()).toEqual(many)
  for (const part of parts) expect(decodeVector(encodeVector(part))).toEqual(part)
})

test('S8 receipts at the relay say what is new since the last one, and all again in another epoch', async () => {
  const h = await home()
  h.room.canDial = false
  const alice = h.alice.space(h.space), bob = h.bob.space(h.space)
  const open = vi.spyOn(alice.mail, 'open')
  const says = async (text: string): Promise<void> => { await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text }); await h.room.pass(10_000) }
  const receipts = (): number[] => open.mock.results.flatMap(({ value }) => (typeof value === 'object' && value.type === 'receipt' && value.device === bob.me.device ? [value.vector.length] : []))
  await h.room.ask(h.carol, { type: 'send-message', space: h.space, channel: h.channel, text: 'Of Carol' })
  await h.room.pass(10_000)
  open.mockClear()
  await says('First')
  await says('Second')
  expect(receipts()).toEqual([1, 1])
  open.mockClear()
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  await h.room.pass(10_000)
  await says('Third')
  expect(receipts()).toEqual([2, 1])
  vi.restoreAllMocks()
})

test('S8 only the vectors of channels that differ are told', async () => {
  const h = await home()
  h.room.leaves(h.bob)
  h.room.leaves(h.mallory)
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: 'While Bob is away' })
  const alice = h.alice.space(h.space), bob = h.bob.space(h.space)
  const { parts } = answerDigests(alice, bob.me.device, digestsOf(bob))
  expect(parts).toHaveLength(1)
  expect(new Set(parts[0]?.map((e) => e.channel))).toEqual(new Set([h.channel]))
})

test('S8 a message counts as delivered to somebody whose digest is equal, without another word', async () => {
  const h = await home()
  for (const other of [h.bob, h.carol, h.mallory]) h.room.leaves(other)
  const { messageId } = await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: 'Anyone?' })
  const alice = h.alice.space(h.space), bob = h.bob.space(h.space)
  const state = async (): Promise<unknown> => {
    const { messages } = await h.room.ask(h.alice, { type: 'get-messages', space: h.space, channel: h.channel })
    return messages.find((m) => m.id === messageId)?.state
  }
  expect(await state()).toEqual({ type: 'relay' })
  await h.room.comesBack(h.bob)
  h.alice.updates.length = 0
  sendFrame(h.bob, h.alice, { type: 'digest', token: sessionToken(h.bob, h.alice, h.space), channels: digestsOf(bob) })
  await h.room.pass(1)
  expect(digestsOf(bob)).toEqual(digestsOf(alice))
  expect(await state()).toMatchObject({ type: 'delivered', to: 1 })
})

test('S8 authority is asked for by itself before all else, then what somebody opened, then the rest', async () => {
  const h = await home()
  const replica = h.alice.space(h.space)
  const [one, two, three] = [channelOf(1), channelOf(2), channelOf(3)] as const
  const wants = new Wants(deviceOf(9))
  wants.note(replica, [entry(AUTHORITY_CHANNEL, 9, 2), entry(one, 9, 1), entry(two, 9, 1), entry(three, 9, 1)])
  expect(wants.next(replica, false).map((r) => r.channel)).toEqual([AUTHORITY_CHANNEL])
  replica.opened.note(three)
  replica.opened.note(two)
  const later = new Wants(deviceOf(9))
  later.note(replica, [entry(one, 9, 1), entry(two, 9, 1), entry(three, 9, 1)])
  expect(later.next(replica, false).map((r) => r.channel)).toEqual([two, three, one])
  expect(later.next(replica, true)).toEqual([])
})

test('S8 an ask is for so many ops, and what is opened meanwhile comes with the next', async () => {
  const h = await home()
  const replica = h.alice.space(h.space)
  const [one, two] = [channelOf(1), channelOf(2)] as const
  const wants = new Wants(deviceOf(9))
  wants.note(replica, [entry(one, 9, 5 * MAX_ASK_OPS), entry(two, 9, 7)])
  expect(wants.next(replica, false)).toEqual([{ channel: one, device: deviceOf(9), from: 1, to: MAX_ASK_OPS }])
  replica.opened.note(two)
  expect(wants.next(replica, true).slice(0, 1)).toEqual([{ channel: two, device: deviceOf(9), from: 1, to: 7 }])
})

test('S8 of a channel with more than fits, each chain comes as far as the others, so that what was written at one time comes at one time', async () => {
  const h = await home()
  const replica = h.alice.space(h.space), one = channelOf(1), { device } = replica.me
  const wants = new Wants(device)
  wants.note(replica, [entry(one, 1, 30_000), entry(one, 2, 10_000), entry(one, 3, 5)])
  const first = wants.next(replica, false)
  expect(first.map(({ from, to }) => [from, to])).toEqual([[1, 3000], [1, 1000]])
  const many = new Wants(device)
  many.note(replica, Array.from({ length: 2000 }, (_, n) => entry(one, n, n < 1000 ? 2 : 5000)))
  const asked = many.next(replica, false).map(({ from, to }) => to - from + 1)
  expect(asked.reduce((sum, ops) => sum + ops)).toBeLessThanOrEqual(MAX_ASK_OPS)
  expect(asked.filter((ops) => ops === 2)).toHaveLength(1000)
})

test('S8 a channel of thirty thousand devices is told in parts that each fit a frame', () => {
  const vector = Array.from({ length: 30_000 }, (_, n) => [entry(channelOf(1), n, 2 ** 40 + n, 2 * n), entry(channelOf(1), n, 2 ** 40 + n, 2 * n + 1)]).flat()
  const parts = partsOf(vector)
  expect(parts.flat()).toEqual(vector)
  for (const part of parts) {
    const chains = part.map(({ device, chanSeq, head }) => ({ device, chanSeq, head }))
    const bytes = encodeFrame({ type: 'vector', token: new Uint8Array(16), told: [{ channel: channelOf(1), chains }], asks: false })
    expect(bytes.length).toBeLessThan(MAX_FRAME_PAYLOAD)
    expect(decodeFrame(bytes)).toMatchObject({ type: 'vector' })
    expect(part.length % 2).toBe(0)
  }
})

test('S8 whoever claims to have chains without end makes us note so many', async () => {
  const h = await home()
  const replica = h.alice.space(h.space)
  const wants = new Wants(deviceOf(9))
  for (let from = 0; from < MAX_LACKING + 20_000; from += 10_000) wants.note(replica, Array.from({ length: 10_000 }, (_, n) => entry(channelOf(1), from + n, 1)))
  expect((wants as unknown as { lacking: Map<string, unknown> }).lacking.size).toBe(MAX_LACKING)
})

test('S8 what two devices each have alone, both have after they met', async () => {
  const h = await home()
  for (const person of [h.bob, h.carol, h.mallory]) h.room.leaves(person)
  const forAlice = await signMessages(h.mallory.space(h.space), h.channel, ['To Alice', 'To Alice only'], h.room.now)
  whisper(h.mallory, h.alice, h.space, forAlice)
  await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Seeds' })
  await h.room.comesBack(h.bob)
  await h.room.pass(60_000)
  expect(digestsOf(h.bob.space(h.space))).toEqual(digestsOf(h.alice.space(h.space)))
  expect(h.bob.space(h.space).log.head(h.channel, h.mallory.space(h.space).me.device)?.chanSeq).toBe(2)
})

/** What kinds of frames two people send each other from now on. */
function overheard({ room, alice, bob }: Home): string[] {
  const out: string[] = []
  room.seesFrame = (bytes, from, to) => { if ((from === alice && to === bob) || (from === bob && to === alice)) out.push(`${from.name}: ${decodeFrame(bytes)?.type}`) }
  return out
}

test('S8 who meets again says hello once, tells at once what it holds, and the answer to that is what it lacked', async () => {
  const h = await home()
  for (const person of [h.bob, h.carol, h.mallory]) h.room.leaves(person)
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: 'While Bob is away' })
  h.room.isSilent = true
  h.room.canDial = false
  const heard = overheard(h)
  h.bob.isHere = true
  for (const [one, other] of [[h.alice, h.bob], [h.bob, h.alice]] as const) one.queue.push({ type: 'peer-down', peer: other.peer }, { type: 'peer-up', peer: other.peer, path: 'direct' })
  await h.room.pass(10)
  expect(heard.filter((what) => what.startsWith('Alice')).slice(0, 3)).toEqual(['Alice: hello', 'Alice: vector', 'Alice: ops'])
  expect(heard.filter((what) => /hello|digest|ask/.test(what))).toHaveLength(2)
  expect(digestsOf(h.bob.space(h.space))).toEqual(digestsOf(h.alice.space(h.space)))
})

test('S8 who hears of a difference in a round that the other began gets all of it at once, authority and what rests on that', async () => {
  const h = await home()
  const silence = vi.spyOn(h.alice.engine.peers, 'spread').mockReturnValue(new Set())
  h.room.isSilent = true
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Seeds' })
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel, text: 'Beans' })
  silence.mockRestore()
  const alice = h.alice.space(h.space), bob = h.bob.space(h.space)
  expect(digestsOf(bob)).not.toEqual(digestsOf(alice))
  sendFrame(h.alice, h.bob, { type: 'digest', token: sessionToken(h.alice, h.bob, h.space), channels: digestsOf(alice) })
  await h.room.pass(10)
  expect(digestsOf(bob)).toEqual(digestsOf(alice))
})

test('S8 where some channels are not for everyone, a hello tells of none, and they are compared by those who may know of them', async () => {
  const h = await home()
  const carols = h.carol.space(h.space).me.identity
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Surprise', readers: { members: [carols], roles: [] } })
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel, text: 'A cake?' })
  await h.room.pass(10_000)
  const told: string[] = []
  h.room.seesFrame = (bytes, _from, to) => { const frame = decodeFrame(bytes); if (to === h.bob && frame?.type === 'digest') told.push(...frame.channels.map((c) => c.channel)) }
  expect((await makeHello(h.alice.space(h.space), new Uint8Array(32), new Uint8Array(16), 'a', 'b')).channels).toBeUndefined()
  expect((await makeHello(h.bob.space(h.space), new Uint8Array(32), new Uint8Array(16), 'a', 'b')).channels).toEqual(digestsOf(h.bob.space(h.space)))
  h.room.leaves(h.bob)
  await h.room.comesBack(h.bob)
  await h.room.pass(60_000)
  expect(new Set(told)).toEqual(new Set([AUTHORITY_CHANNEL]))
  expect(h.bob.space(h.space).log.digest(channel)).toBeUndefined()
  expect(h.carol.space(h.space).log.digest(channel)).toEqual(h.alice.space(h.space).log.digest(channel))
})

test('S8 devices whose ids begin alike are named whole, and one that nobody knows is no one', () => {
  const [one, twin, other] = [`${'ab'.repeat(8)}${'01'.repeat(24)}`, `${'ab'.repeat(8)}${'02'.repeat(24)}`, 'cd'.repeat(32)] as [DeviceId, DeviceId, DeviceId]
  const names = new DeviceNames({ size: 3, everCertified: new Set([one, twin, other]) })
  expect([one, twin, other].map((device) => names.of(device))).toEqual([one, twin, 'cd'.repeat(8)])
  expect(['ab'.repeat(8), one, twin, 'cd'.repeat(8), 'ef'.repeat(8)].map((name) => names.whole(name))).toEqual([undefined, one, twin, other, undefined])
  const told = [{ channel: channelOf(1), chains: [{ device: 'ab'.repeat(8), chanSeq: 1, head: '00'.repeat(8) }, { device: 'cd'.repeat(8), chanSeq: 2, head: '00'.repeat(8) }] }]
  expect(names.vectorOf(told)).toEqual({ vector: [{ channel: channelOf(1), device: other, chanSeq: 2, head: '00'.repeat(8) }], unknown: 1 })
})
