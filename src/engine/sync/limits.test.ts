/** What Alice's device does where a peer brings it to a limit of syncing: it goes no further, and what is owed comes all the same. */
import { expect, test } from 'vitest'
import type { Row } from '../../ports.ts'
import { compare } from '../../wire/bytes.ts'
import { decodeFrame } from '../../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type OpId, type SpaceId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import type { VectorEntry } from '../../wire/vector.ts'
import { type Person, RELAY, Room } from '../engines.test-support.ts'
import { MAX_ASK_BYTES, MAX_ASK_OPS, MAX_ASKED_SPACES, MAX_BATCH_BYTES, MAX_BRANCH_ASKS, REMEMBERED_OPS } from '../limits.ts'
import { Log, opKey } from '../log/log.ts'
import { toySuite } from '../space/village.test-support.ts'
import { lackedBy, Wants } from './comparing.ts'
import { home, signMessages, signRule, whisper } from './mallory.test-support.ts'
import { Answer } from './serving.ts'

const deviceOf = (n: number): DeviceId => n.toString(16).padStart(64, '0') as DeviceId
const channelOf = (n: number): ChannelId => n.toString(16).padStart(32, '0') as ChannelId

test('of branches that a peer makes up so many are asked for, and what others wrote is asked for all the same', async () => {
  const h = await home(), alice = h.alice.space(h.space), mallory = h.mallory.space(h.space)
  whisper(h.mallory, h.alice, h.space, await signMessages(mallory, h.channel, ['Hello'], h.room.now))
  await h.room.pass(100)
  const branches = Array.from({ length: MAX_BRANCH_ASKS + 100 }, (_, n): VectorEntry => ({ channel: h.channel, device: mallory.me.device, chanSeq: 1, head: n.toString(16).padStart(16, '0') }))
  const wants = new Wants(mallory.me.device), other = channelOf(7)
  const asks = (): number => wants.next(alice, false).filter((range) => range.device === mallory.me.device).length
  wants.note(alice, [...branches, { channel: other, device: deviceOf(9), chanSeq: 5, head: 'ab'.repeat(8) }])
  let asked = 0
  for (let n = 0; n < 5; n++) asked += asks()
  expect(asked).toBe(MAX_BRANCH_ASKS)
  expect(wants.next(alice, false)).toEqual([{ channel: other, device: deviceOf(9), from: 1, to: 5 }])
})

test('one answer has so many bytes and what fits beside them into its last frame, and the next has the rest', async () => {
  const h = await home(), alice = h.alice.space(h.space), { device } = h.mallory.space(h.space).me
  const op = await signRule(h.mallory.space(h.space), 'profile', new Uint8Array(60_000), h.room.now), count = 150
  const rows = Array.from({ length: count }, (_, n): Row => ({ key: opKey(device, n + 1), value: op.bytes }))
  const answers: number[] = []
  for (let from = 1; from <= count;) {
    const answer = new Answer([{ channel: AUTHORITY_CHANNEL, device, from, to: count }], true), frames: number[] = []
    const send = (ops: readonly Uint8Array[]): void => { frames.push(ops.reduce((sum, bytes) => sum + bytes.length, 0)); from += ops.length }
    for (let read = answer.next(); read !== undefined; read = answer.next()) {
      const { query } = read
      const full = answer.took(alice, rows.filter(({ key }) => compare(key, query.from as Uint8Array) >= 0 && compare(key, query.to as Uint8Array) < 0).slice(0, query.limit))
      if (full !== undefined) send(full.ops)
    }
    send(answer.rest(alice).ops)
    expect(Math.max(...frames)).toBeLessThanOrEqual(MAX_BATCH_BYTES)
    answers.push(frames.reduce((sum, bytes) => sum + bytes, 0))
  }
  expect(Math.max(...answers)).toBeLessThanOrEqual(MAX_ASK_BYTES + MAX_BATCH_BYTES)
  expect(answers.reduce((sum, bytes) => sum + bytes, 0)).toBe(count * op.bytes.length)
  expect(answers).toHaveLength(3)
})

test('an answer to a vector that lacks more than one holds has a part of every chain', async () => {
  const h = await home(), alice = h.alice.space(h.space)
  const authors = Array.from({ length: 10 }, (_, n) => deviceOf(n + 1))
  for (const device of authors) alice.log.restoreTip(h.channel, device, { chanSeq: MAX_ASK_OPS, seq: MAX_ASK_OPS, id: device as string as OpId, hlc: 0, branch: undefined })
  const { ranges } = lackedBy(alice, h.bob.space(h.space).me.device, [{ channel: h.channel, chains: [{ device: deviceOf(1), chanSeq: 100, head: 'ab'.repeat(8) }] }])
  expect(ranges.map(({ device }) => device)).toEqual(authors)
  expect(ranges[0]?.from).toBe(101)
  expect(ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBe(MAX_ASK_OPS)
})

test('a peer with many spaces is asked about a few at a time, and in the end all is here', async () => {
  const room = new Room(), alice = await room.person('Alice'), bob = await room.person('Bob'), spaces: { readonly space: SpaceId; readonly channel: ChannelId }[] = []
  for (let n = 0; n < MAX_ASKED_SPACES + 2; n++) {
    const made = await room.ask(alice, { type: 'create-space', name: `Allotment ${n}`, relays: [RELAY] })
    await room.ask(bob, { type: 'join', link: (await room.ask(alice, { type: 'create-invite', space: made.space })).link })
    spaces.push(made)
  }
  await room.pass(5000)
  room.isSilent = true
  room.canDial = false
  for (const [one, other] of [[alice, bob], [bob, alice]] as const) one.queue.push({ type: 'peer-down', peer: other.peer })
  await room.pass(1)
  for (const { space, channel } of spaces) await room.ask(alice, { type: 'send-message', space, channel, text: 'While Bob is away' })
  let open = 0, most = 0
  room.seesFrame = (bytes, from) => {
    const frame = decodeFrame(bytes)
    if (from === bob && ((frame?.type === 'vector' && frame.asks) || (frame?.type === 'ask' && frame.ranges.length > 0))) most = Math.max(most, ++open)
    if (from === alice && frame?.type === 'ops' && !frame.more) open--
  }
  for (const [one, other] of [[alice, bob], [bob, alice]] as const) one.queue.push({ type: 'peer-up', peer: other.peer, path: 'direct' })
  await room.pass(100)
  expect([most, open]).toEqual([MAX_ASKED_SPACES, 0])
  const reach = (person: Person): (number | undefined)[] => spaces.map(({ space, channel }) => person.space(space).log.head(channel, alice.space(space).me.device)?.chanSeq)
  expect(reach(bob)).toEqual(reach(alice))
})

test('so many ops are remembered by number; an older one that comes again is looked for on the disk, not taken for new', () => {
  const log = new Log(toySuite), device = deviceOf(1), channel = channelOf(1)
  const idOf = (n: number): OpId => n.toString(16).padStart(64, '0') as OpId
  const op = (n: number): Op => ({ id: idOf(n), header: { channel, device, seq: n, chanSeq: n, chanPrev: n === 1 ? undefined : idOf(n - 1), deps: [], hlc: n }, bytes: new Uint8Array(1) }) as unknown as Op
  for (let n = 1; n <= REMEMBERED_OPS + 10; n++) log.add(op(n))
  expect(log.place(op(11)).type).toBe('known')
  expect(log.place(op(5)).type).toBe('unsure')
  expect(log.place(op(REMEMBERED_OPS + 11)).type).toBe('next')
  const { recent } = log as unknown as { readonly recent: ReadonlyMap<DeviceId, ReadonlyMap<number, unknown>> }
  expect(recent.get(device)?.size).toBe(REMEMBERED_OPS)
})
