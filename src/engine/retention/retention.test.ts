/** How long things are kept, told with Alice, Bob and Carol, their engines and their disks. */
import { expect, test } from 'vitest'
import type { Command, MessageInfo } from '../../api.ts'
import { utf8 } from '../../wire/bytes.ts'
import type { ChannelId, OpId, SpaceId } from '../../wire/ids.ts'
import { huskOf, type Op } from '../../wire/op.ts'
import { type Person, RELAY, Room } from '../engines.test-support.ts'
import { Out } from '../out.ts'
import { keptOp } from '../content/kept.ts'
import { opsPartition } from '../replica.ts'
import { signMessages, whisper } from '../sync/mallory.test-support.ts'

const HOUR = 3600_000, DAY = 24 * HOUR
interface Home { readonly room: Room; readonly alice: Person; readonly bob: Person; readonly space: SpaceId; readonly channel: ChannelId }

async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const h = { room, alice, space, channel }
  return { ...h, bob: await joins(h, 'Bob') }
}

async function joins(h: Omit<Home, 'bob'>, name: string): Promise<Person> {
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  const person = await h.room.person(name)
  await h.room.ask(person, { type: 'join', link })
  await h.room.pass(2000)
  return person
}

async function say(h: Home, person: Person, text: string, more: { thread?: OpId; replyTo?: OpId } = {}): Promise<OpId> {
  const { messageId } = await h.room.ask(person, { type: 'send-message', space: h.space, channel: h.channel, text, ...more })
  await h.room.pass(500)
  return messageId
}

const read = async (h: Home, person: Person, thread?: OpId): Promise<readonly MessageInfo[]> =>
  (await h.room.ask(person, { type: 'get-messages', space: h.space, channel: h.channel, ...(thread === undefined ? {} : { thread }) })).messages
const texts = async (h: Home, person: Person): Promise<string[]> => (await read(h, person)).map((m) => m.text)
const finds = async (h: Home, person: Person, query: string): Promise<string[]> => (await h.room.ask(person, { type: 'search-messages', query })).results.map((r) => r.message.text)
const keep = (h: Home, afterMs: number, channel?: ChannelId): Command => ({ type: 'set-retention', space: h.space, ...(afterMs === 0 ? {} : { afterMs }), ...(channel === undefined ? {} : { channel }) })

/** Whether these letters stand in any row of somebody's disk, as text or in what a row of the index makes of it. */
function isOnDisk(person: Person, text: string): boolean {
  const wanted = utf8(text.toLowerCase())
  for (const { entries } of person.disk.snapshot().partitions.values()) {
    for (const { value = new Uint8Array() } of entries) {
      if (new TextDecoder('latin1').decode(value).toLowerCase().includes(new TextDecoder('latin1').decode(wanted))) return true
    }
  }
  return false
}

async function opsOf(h: Home, person: Person): Promise<Op[]> {
  return (await person.disk.range(opsPartition(h.space, h.channel), { limit: 10_000 })).map((row) => keptOp(person.space(h.space), h.channel, row) ?? expect.fail('an op does not decode'))
}

/** Gives ops to an engine as if they had come over a connection of their own. */
async function hand(h: Home, to: Person, ops: readonly Uint8Array[]): Promise<number> {
  const turn = { now: h.room.now, out: new Out() }
  const { accepted } = await to.engine.take(turn, to.space(h.space), ops)
  await to.engine.telling.messages(turn, to.space(h.space))
  await to.disk.save(turn.out.step().saves)
  return accepted.length
}

test('R1 what was said more than a week ago goes from all disks, a day after Alice said so, and what is younger stays', async () => {
  const h = await home()
  const old = await say(h, h.alice, 'Xylophone lessons on Monday')
  await h.room.ask(h.bob, { type: 'react', space: h.space, message: old, emoji: '👍', on: true })
  await h.room.ask(h.alice, { type: 'edit-message', space: h.space, message: old, text: 'Xylophone lessons on Tuesday' })
  await h.room.ask(h.alice, { type: 'pin-message', space: h.space, message: old, on: true })
  await say(h, h.bob, 'I bring my zither')
  await h.room.sleep(6 * DAY + 12 * HOUR)
  await say(h, h.alice, 'Who has the key?')
  await h.room.ask(h.alice, keep(h, 7 * DAY))
  expect(await finds(h, h.bob, 'zither')).toEqual(['I bring my zither'])
  await h.room.sleep(23 * HOUR)
  expect(await texts(h, h.bob)).toHaveLength(3)
  await h.room.sleep(3 * HOUR)
  for (const person of [h.alice, h.bob]) {
    expect(await texts(h, person)).toEqual(['Who has the key?'])
    expect(await finds(h, person, 'xylophone')).toEqual([])
    expect((await h.room.ask(person, { type: 'list-pins', space: h.space, channel: h.channel })).messages).toEqual([])
    for (const word of ['xylophone', 'zither']) expect(isOnDisk(person, word), word).toBe(false)
    for (const partition of ['notes', 'pins', 'voidpins', 'active'] as const) expect(await person.disk.range(`${partition}/${h.space}/${h.channel}`, { limit: 9 })).toEqual([])
    expect(await person.disk.range(`noted/${h.space}`, { limit: 9 })).toEqual([])
    expect(person.updates).toContainEqual({ type: 'revised', space: h.space })
  }
})

test('R1 whoever takes it back within the day has lost nothing, and neither does a channel that says otherwise', async () => {
  const h = await home()
  await say(h, h.alice, 'Where is the ladder?')
  await h.room.sleep(40 * DAY)
  await h.room.ask(h.alice, keep(h, HOUR))
  await h.room.sleep(20 * HOUR)
  await h.room.ask(h.alice, keep(h, 0))
  await h.room.sleep(3 * DAY)
  expect(await texts(h, h.bob)).toEqual(['Where is the ladder?'])
  await h.room.ask(h.alice, keep(h, 0, h.channel))
  await h.room.ask(h.alice, keep(h, HOUR))
  await h.room.sleep(3 * DAY)
  expect(await texts(h, h.bob)).toEqual(['Where is the ladder?'])
  await h.room.ask(h.alice, { type: 'set-retention', space: h.space, channel: h.channel, follows: true })
  await h.room.sleep(3 * HOUR)
  expect(await texts(h, h.bob)).toEqual([])
})

test('R1 clearing a channel takes what was said before, and never what is said after a device heard of it', async () => {
  const h = await home()
  await say(h, h.bob, 'first')
  await h.room.sleep(HOUR)
  const before = h.room.now
  await say(h, h.bob, 'second')
  await h.room.ask(h.alice, { type: 'clear-channel', space: h.space, channel: h.channel, before })
  await h.room.sleep(2 * DAY)
  for (const person of [h.alice, h.bob]) expect(await texts(h, person)).toEqual(['second'])
  expect(await h.room.reply(h.alice, { type: 'clear-channel', space: h.space, channel: h.channel, before: h.room.now + DAY })).toMatchObject({ ok: false, error: { code: 'bad-request' } })
})

test('R1 a clock that is a year ahead takes nothing that others keep, neither of what is here nor of what comes in; set right, it takes what is due', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, 30 * DAY))
  for (let day = 0; day < 3; day++) await h.room.sleep(DAY)
  await say(h, h.alice, 'Ten sacks of compost')
  h.bob.aheadMs = 365 * DAY
  for (let hour = 0; hour < 5; hour++) await h.room.sleep(HOUR)
  await say(h, h.alice, 'And two of lime')
  h.room.goesOffline(h.bob)
  await h.bob.restart()
  for (let day = 0; day < 3; day++) await h.room.sleep(DAY)
  expect(await texts(h, h.bob)).toEqual(['Ten sacks of compost', 'And two of lime'])
  h.bob.aheadMs = 0
  await h.room.comesOnline(h.bob)
  await h.room.sleep(HOUR)
  for (const person of [h.alice, h.bob]) expect(await texts(h, person)).toEqual(['Ten sacks of compost', 'And two of lime'])
  for (let day = 0; day < 28; day++) await h.room.sleep(DAY + HOUR)
  for (const person of [h.alice, h.bob]) expect(await texts(h, person)).toEqual([])
  expect(isOnDisk(h.bob, 'compost')).toBe(false)
})

test('R1 whoever hears of nobody deletes all the same, by the time that passes while they look; and who is alone goes by their own clock', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, 7 * DAY))
  await h.room.sleep(DAY + HOUR)
  await say(h, h.alice, 'Seven days at most')
  h.room.goesOffline(h.bob)
  for (let day = 0; day < 6; day++) await h.room.sleep(DAY)
  expect(await texts(h, h.bob)).toEqual(['Seven days at most'])
  for (let day = 0; day < 2; day++) { await h.bob.restart(); await h.room.sleep(DAY) }
  expect(await texts(h, h.bob)).toEqual([])
  const carol = await h.room.person('Carol'), { space, channel } = await h.room.ask(carol, { type: 'create-space', name: 'Diary', relays: [RELAY] })
  await h.room.ask(carol, { type: 'set-retention', space, afterMs: 30 * DAY })
  await h.room.ask(carol, { type: 'send-message', space, channel, text: 'Dear diary' })
  await h.room.sleep(40 * DAY)
  expect((await h.room.ask(carol, { type: 'get-messages', space, channel })).messages).toEqual([])
})

test('R1 a message that began a thread stays as a tombstone while somebody still answers, and then goes too', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, 7 * DAY))
  await h.room.sleep(DAY)
  const root = await say(h, h.alice, 'Quinces, anyone?')
  await h.room.sleep(5 * DAY)
  await say(h, h.bob, 'I take ten', { thread: root })
  await h.room.sleep(3 * DAY)
  expect(await read(h, h.bob)).toMatchObject([{ id: root, text: '', deleted: true, replies: { count: 1 } }])
  expect(await read(h, h.bob, root)).toMatchObject([{ text: 'I take ten' }])
  expect(isOnDisk(h.bob, 'quinces')).toBe(false)
  await h.room.sleep(5 * DAY)
  for (const person of [h.alice, h.bob]) {
    expect(await read(h, person)).toEqual([])
    expect(await person.disk.range(`places/${h.space}`, { limit: 9 })).toEqual([])
  }
})

test('R2 headers and signatures stay: the chain is whole, and what is due is not looked at again after a restart', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, DAY))
  for (const text of ['one', 'two', 'three']) await say(h, h.alice, text)
  const before = await opsOf(h, h.bob)
  await h.room.sleep(3 * DAY)
  const after = await opsOf(h, h.bob)
  expect(after.map((op) => [op.id, op.isHusk])).toEqual(before.map((op) => [op.id, true]))
  for (const op of after) expect(await h.bob.space(h.space).log.verify(op)).toBe(true)
  await h.bob.restart()
  await h.room.sleep(HOUR)
  expect(h.bob.space(h.space).retention.chainsDue(h.channel, h.room.now)).toEqual([])
  await say(h, h.alice, 'four')
  expect(await texts(h, h.bob)).toEqual(['four'])
})

test('R3 Carol comes later: she gets headers of what is gone, and all that is not, from peers and from the relay', async () => {
  for (const way of ['peers', 'relay'] as const) {
    const h = await home()
    await h.room.ask(h.alice, keep(h, 7 * DAY))
    await say(h, h.alice, 'Long ago')
    await say(h, h.bob, 'Very long ago')
    await h.room.sleep(9 * DAY)
    await say(h, h.alice, 'Lately')
    if (way === 'relay') { h.room.leaves(h.alice); h.room.leaves(h.bob); h.room.canDial = false; await h.room.comesBack(h.alice) }
    const carol = await joins(h, 'Carol')
    await h.room.sleep(DAY)
    expect(await texts(h, carol), way).toEqual(['Lately'])
    expect(isOnDisk(carol, 'long ago')).toBe(false)
    await say(h, carol, 'Hello')
    expect(await texts(h, h.alice)).toEqual(['Lately', 'Hello'])
  }
})

test('R3 an op that is due comes in without its body, and again and again changes nothing', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, DAY))
  await h.room.sleep(DAY)
  await say(h, h.alice, 'Rhubarb')
  const ops = await opsOf(h, h.bob)
  await h.room.sleep(3 * DAY)
  for (const op of ops) await hand(h, h.bob, [op.bytes])
  expect(await texts(h, h.bob)).toEqual([])
  expect((await opsOf(h, h.bob)).every((op) => op.isHusk)).toBe(true)
  // What Bob has not had before, too, and at once: not only when he looks for what is due the next time.
  h.room.goesOffline(h.bob)
  await say(h, h.alice, 'Gooseberries')
  const late = (await opsOf(h, h.alice)).filter((op) => op.isHusk !== true)
  for (let day = 0; day < 3; day++) await h.room.sleep(DAY)
  expect(await hand(h, h.bob, late.map((op) => op.bytes))).toBe(1)
  expect((await opsOf(h, h.bob)).map((op) => op.isHusk)).toEqual([true, true])
  expect(isOnDisk(h.bob, 'gooseberries')).toBe(false)
})

test('R3 nobody hides from Bob what should be there: a header alone is refused while nothing that was ever said lets it be gone', async () => {
  const h = await home()
  h.room.goesOffline(h.bob)
  await say(h, h.alice, 'Meet at noon')
  const said = await opsOf(h, h.alice)
  for (const afterMs of [0, 7 * DAY]) {
    if (afterMs > 0) { await h.room.ask(h.alice, keep(h, afterMs)); await hand(h, h.bob, [...h.alice.space(h.space).log.authority.values()].map((op) => op.bytes)) }
    expect(await hand(h, h.bob, said.map((op) => huskOf(op).bytes)), String(afterMs)).toBe(0)
  }
  await hand(h, h.bob, said.map((op) => op.bytes))
  expect(await texts(h, h.bob)).toEqual(['Meet at noon'])
})

test('R3 what Bob still waits to send is not sent once it is due', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, DAY))
  await h.room.sleep(DAY)
  h.room.goesOffline(h.bob)
  h.room.onTheWay = []
  await say(h, h.bob, 'A plan for tonight')
  expect(await h.bob.disk.range(`outbox/${h.space}`, { limit: 9 })).not.toEqual([])
  for (let day = 0; day < 3; day++) await h.room.sleep(DAY)
  expect(await h.bob.disk.range(`outbox/${h.space}`, { limit: 9 })).toEqual([])
})

test('R4 deleting decides nothing: the same ops count, the same epoch is the tip, and all hold the same', async () => {
  const h = await home()
  for (let i = 0; i < 5; i++) await say(h, i % 2 === 0 ? h.alice : h.bob, `message ${i}`)
  await h.room.ask(h.alice, keep(h, DAY))
  const [a, b] = [h.alice.space(h.space), h.bob.space(h.space)]
  const before = { tip: a.groups.tip(), digest: a.log.digest(h.channel), verdicts: (await opsOf(h, h.alice)).map((op) => a.authority.contentVerdict(op.header)) }
  await h.room.sleep(3 * DAY)
  expect({ tip: b.groups.tip(), digest: b.log.digest(h.channel), verdicts: (await opsOf(h, h.bob)).map((op) => b.authority.contentVerdict(op.header)) }).toEqual(before)
})

test('R1 of a deleted channel nothing stays on the disk but headers', async () => {
  const h = await home()
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'shed' })
  await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel, text: 'Parsnips' })
  await h.room.pass(1000)
  expect(isOnDisk(h.bob, 'parsnips')).toBe(true)
  await h.room.ask(h.alice, { type: 'delete-channel', space: h.space, channel })
  await h.room.sleep(DAY + HOUR)
  for (const person of [h.alice, h.bob]) {
    expect(isOnDisk(person, 'parsnips')).toBe(false)
    expect(await person.disk.range(`messages/${h.space}/${channel}`, { limit: 9 })).toEqual([])
  }
})

test('R2 of a place that holds two messages, as of a forked chain, each goes when it is due', async () => {
  const h = await home()
  await h.room.ask(h.alice, keep(h, 7 * DAY))
  await h.room.sleep(2 * DAY)
  const forger = h.bob.space(h.space)
  h.room.leaves(h.bob)
  const [early] = await signMessages(forger, h.channel, ['Turnips'], h.room.now)
  await h.room.sleep(4 * DAY)
  const [late] = await signMessages(forger, h.channel, ['Cabbages'], h.room.now)
  for (const op of [early, late]) { whisper(h.bob, h.alice, h.space, op === undefined ? [] : [op]); await h.room.pass(100) }
  expect((await opsOf(h, h.alice)).map((op) => op.header.chanSeq)).toEqual([1, 1])
  for (let day = 0; day < 4; day++) await h.room.sleep(DAY)
  expect([isOnDisk(h.alice, 'turnips'), isOnDisk(h.alice, 'cabbages')]).toEqual([false, true])
  for (let day = 0; day < 4; day++) await h.room.sleep(DAY)
  expect([isOnDisk(h.alice, 'turnips'), isOnDisk(h.alice, 'cabbages')]).toEqual([false, false])
})

test('R5 a channel that keeps a mebibyte: when it is more, the oldest goes for everyone, and only once', async () => {
  const h = await home()
  await h.room.ask(h.alice, { type: 'set-retention', space: h.space, channel: h.channel, maxBytes: 1024 * 1024 })
  for (let i = 0; i < 300; i++) await h.room.ask(i % 2 === 0 ? h.alice : h.bob, { type: 'send-message', space: h.space, channel: h.channel, text: `${i} ${'x'.repeat(3990)}` })
  await h.room.sleep(DAY + HOUR)
  await h.room.sleep(DAY + HOUR)
  const clears = (person: Person): number => person.space(h.space).authority.nodes.filter((node) => node.type === 'clear').length
  expect([clears(h.alice), clears(h.bob)]).toEqual([1, 1])
  const { spaces } = await h.room.ask(h.bob, { type: 'storage' })
  expect(spaces).toMatchObject([{ space: h.space, channels: [{ channel: h.channel }] }])
  let bytes = 0
  for (const kind of ['messages', 'threads', 'notes']) bytes += await h.bob.disk.size(`${kind}/${h.space}/${h.channel}`)
  expect(bytes).toBeGreaterThan(0.8 * 1024 * 1024)
  expect(bytes).toBeLessThan(1024 * 1024)
  expect((await texts(h, h.alice)).at(-1)).toMatch(/^299 /)
  await h.room.sleep(3 * DAY)
  expect(clears(h.alice)).toBe(1)
})

test('R5 of a private channel one of its readers clears what is too much, whoever else may be here first', async () => {
  const h = await home()
  const { role } = await h.room.ask(h.alice, { type: 'create-role', space: h.space, name: 'Gardener', power: 50, permissions: ['channels'] })
  await h.room.ask(h.alice, { type: 'give-role', space: h.space, member: h.bob.space(h.space).me.identity, role })
  await h.room.pass(1000)
  const device = (person: Person): string => person.space(h.space).me.device
  const reader = device(h.alice) < device(h.bob) ? h.bob : h.alice
  const { channel } = await h.room.ask(reader, { type: 'create-channel', space: h.space, name: 'shed', readers: {} })
  await h.room.ask(reader, { type: 'set-retention', space: h.space, channel, maxBytes: 1024 * 1024 })
  for (let i = 0; i < 300; i++) await h.room.ask(reader, { type: 'send-message', space: h.space, channel, text: `${i} ${'x'.repeat(3990)}` })
  for (let day = 0; day < 2; day++) await h.room.sleep(DAY + HOUR)
  expect(await reader.disk.size(`messages/${h.space}/${channel}`)).toBeLessThan(1024 * 1024)
})

test('R5 a disk that takes much more room than its rows have bytes clears as much, and no more', async () => {
  const h = await home()
  for (const person of [h.alice, h.bob]) {
    const { disk } = person
    person.disk = { ...disk, size: async (partition) => 100 * (await disk.size(partition)) }
  }
  await h.room.ask(h.alice, { type: 'set-retention', space: h.space, channel: h.channel, maxBytes: 1024 * 1024 })
  for (let i = 0; i < 20; i++) await say(h, h.alice, `${i} ${'x'.repeat(3990)}`)
  for (let day = 0; day < 2; day++) await h.room.sleep(DAY + HOUR)
  for (const person of [h.alice, h.bob]) expect((await texts(h, person)).map((text) => text.split(' ')[0])).toEqual(['18', '19'])
})

test('R5 where people talk in threads, what is oldest in these goes, and nobody says again what has been said', async () => {
  const h = await home()
  await h.room.ask(h.alice, { type: 'set-retention', space: h.space, channel: h.channel, maxBytes: 1024 * 1024 })
  const root = await say(h, h.alice, 'Root')
  for (let i = 0; i < 300; i++) await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, thread: root, text: `${i} ${'x'.repeat(3990)}` })
  for (let day = 0; day < 4; day++) await h.room.sleep(DAY + HOUR)
  expect(await h.bob.disk.size(`threads/${h.space}/${h.channel}`)).toBeLessThan(1024 * 1024)
  expect((await read(h, h.bob, root)).at(-1)?.text).toMatch(/^299 /)
  expect(h.bob.space(h.space).authority.nodes.filter((node) => node.type === 'clear')).toHaveLength(1)
})

test('the room that a space takes is the sum of its parts, and tidying the disk is answered when it is done', async () => {
  const h = await home()
  for (let i = 0; i < 20; i++) await say(h, h.alice, `Row ${i} of the beans`)
  const [room] = (await h.room.ask(h.alice, { type: 'storage' })).spaces
  expect(room).toBeDefined()
  const { bytes = 0, keys = 0, search = 0, other = 0, channels = [] } = room ?? {}
  expect(channels.map((c) => c.channel)).toEqual([h.channel])
  expect(bytes).toBe(keys + search + other + channels.reduce((sum, c) => sum + c.bytes, 0))
  expect(Math.min(keys, search, other, channels[0]?.bytes ?? 0)).toBeGreaterThan(0)
  expect(await h.room.ask(h.alice, { type: 'compact' })).toEqual({})
})
