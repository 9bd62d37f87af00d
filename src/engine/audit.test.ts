/** Alice and Bob find out what differs between what they had of a relay and what it keeps, without reading all of it again. */
import { expect, test } from 'vitest'
import { u64 } from '../wire/bytes.ts'
import { decodeEnvelope, encodeEnvelope } from '../wire/envelope.ts'
import { Allotment } from './allotment.test-support.ts'
import { type Person, RELAY } from './engines.test-support.ts'
import type { Input } from './input.ts'
import { AUDIT_EVERY_MS, AUDIT_LOOK_MS, MAX_UNOPENED, MAX_UNOPENED_BYTES, PACKED_IDS, PARCELS_KEPT_MS } from './limits.ts'
import { Out } from './out.ts'
import { AUTHORITY_CHANNEL } from '../wire/ids.ts'

/** All that an engine is told from now on. */
function hears(person: Person): Input[] {
  const inputs: Input[] = [], { engine } = person, step = engine.step.bind(engine)
  engine.step = (input, now) => { inputs.push(input); return step(input, now) }
  return inputs
}
const parcelsIn = (inputs: readonly Input[], type: 'parcels' | 'found'): number => inputs.reduce((sum, input) => sum + (input.type === type ? input.parcels.length : 0), 0)
const texts = async (a: Allotment, person: Person): Promise<string[]> => (await a.room.ask(person, { type: 'get-messages', space: a.space, channel: a.channel, limit: 200 })).messages.map(({ text }) => text)

test('S20 Bob, whose place is lost, is given what he lacks and nothing else', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  for (let n = 0; n < 30; n++) await a.say(a.alice, `Word ${n}`)
  a.room.leaves(bob)
  await a.say(a.alice, 'While he was away')
  await bob.disk.save([{ type: 'drop', partition: `cursors/${a.space}` }])
  await bob.restart()
  bob.isHere = true
  const heard = hears(bob)
  await a.room.pass(2000)
  expect((await texts(a, bob)).at(-1)).toBe('While he was away')
  expect(parcelsIn(heard, 'found')).toBeGreaterThan(0)
  expect(parcelsIn(heard, 'found')).toBeLessThan(10)
  expect(parcelsIn(heard, 'parcels')).toBeLessThan(10)
  await a.say(a.alice, 'And now')
  expect((await texts(a, bob)).at(-1)).toBe('And now')
})

test('S20 a comparison that comes to nothing, or loses something on its way, is followed by reading from the start', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  await a.say(a.alice, 'Read')
  for (const lies of ['nothing', 'lost'] as const) {
    a.room.leaves(bob)
    await a.say(a.alice, `Missed: ${lies}`)
    await bob.disk.save([{ type: 'drop', partition: `cursors/${a.space}` }])
    await bob.restart()
    bob.isHere = true
    const { engine } = bob, step = engine.step.bind(engine)
    engine.step = (input, now) => {
      if (input.type === 'found') return step({ ...input, parcels: [] }, now)
      return step(input.type === 'compared' && lies === 'nothing' ? { ...input, result: undefined } : input, now)
    }
    await a.room.pass(2000)
    expect((await texts(a, bob)).at(-1)).toBe(`Missed: ${lies}`)
  }
})

test('S20 once a week what was read is compared, and Bob goes on reading meanwhile', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  await a.say(a.alice, 'Read')
  const topic = [...bob.space(a.space).mail.topics.keys()][0] as string
  const comparisons = (inputs: readonly Input[]): number => inputs.filter((input) => input.type === 'compared' && input.topic === topic).length
  const heard = hears(bob)
  a.room.leaves(a.alice)
  a.room.now += AUDIT_EVERY_MS
  await a.room.pass(2 * AUDIT_LOOK_MS)
  expect(comparisons(heard)).toBe(1)
  expect(heard.some((input) => input.type === 'found')).toBe(false)
})

test('S20 what was had is on disk in few rows, and a restart knows all of it', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  for (let n = 0; n < PACKED_IDS + 20; n++) await a.say(a.alice, `Word ${n}`)
  const rows = await bob.disk.range(`had/${a.space}`, { limit: 10_000 })
  expect(rows.length).toBeLessThan(PACKED_IDS)
  await bob.disk.save([{ type: 'drop', partition: `cursors/${a.space}` }])
  await bob.restart()
  const heard = hears(bob)
  await a.room.pass(2000)
  expect(heard.some((input) => input.type === 'compared')).toBe(true)
  expect(parcelsIn(heard, 'found') + parcelsIn(heard, 'parcels')).toBeLessThan(10)
})

/** Parcels that nobody can open, `bytes` of them each. */
const junk = (count: number, bytes = 64, from = 0): Uint8Array[] => Array.from({ length: count }, (_, n) => encodeEnvelope(u64(from + n), new Uint8Array(24), new Uint8Array(bytes)))
async function isTold(a: Allotment, person: Person, topic: string, parcels: readonly Uint8Array[]): Promise<void> {
  person.queue.push({ type: 'parcels', relay: RELAY, topic, parcels: parcels.map((bytes) => ({ cursor: 0, bytes })), next: 0, end: true })
  await a.room.pass(100)
}
const unopened = (a: Allotment, person: Person) => person.disk.range(person.space(a.space).mail.unopened.partition, { limit: 10_000 })

/** A message of Alice's comes to Bob before the commit that began its epoch; `between` happens before that comes. */
async function comesEarly(a: Allotment, bob: Person, between: () => Promise<void>): Promise<void> {
  const late: (() => void)[] = a.room.onTheWay = []
  await a.does(a.alice, { type: 'set-history', history: 'from-join' })
  await a.room.pass(5000)
  await a.say(a.alice, 'After')
  a.room.onTheWay = undefined
  const [message, ...rest] = late.reverse()
  message?.()
  await a.room.pass(100)
  await between()
  for (const post of rest) { post(); await a.room.pass(100) }
  await a.room.pass(5000)
  a.room.leaves(a.alice)
  expect(await texts(a, bob)).toContain('Before')
}

test('S20 what comes by the relay before its key and is crowded out is fetched again, not forgotten', async () => {
  const a = await Allotment.begin()
  a.room.canDial = false
  const bob = await a.joins('Bob')
  await a.say(a.alice, 'Before')
  await a.room.pass(5000)
  const [topic] = bob.space(a.space).mail.topics.keys()
  await comesEarly(a, bob, async () => {
    await isTold(a, bob, topic as string, junk(MAX_UNOPENED + 10))
    expect(await unopened(a, bob)).toHaveLength(MAX_UNOPENED)
  })
  expect(await texts(a, bob)).toEqual(['Before'])
  a.room.now += AUDIT_EVERY_MS
  await a.room.pass(2 * AUDIT_LOOK_MS)
  expect(await texts(a, bob)).toEqual(['Before', 'After'])
})

test('S27 Mallory, who was removed and knows an old topic, fills it with what nobody can open: what comes by the new one before its key is kept, over a restart as well', async () => {
  const a = await Allotment.begin()
  a.room.canDial = false
  const bob = await a.joins('Bob'), mallory = await a.joins('Mallory'), [old] = mallory.space(a.space).mail.topics.keys()
  await a.say(a.alice, 'Before')
  await a.does(a.alice, { type: 'remove-member', member: a.id(mallory) })
  await a.room.pass(60_000)
  await comesEarly(a, bob, async () => {
    expect(await unopened(a, bob)).toHaveLength(1)
    await isTold(a, bob, old as string, junk(MAX_UNOPENED))
    await bob.restart()
    await a.room.pass(100)
    await isTold(a, bob, old as string, junk(100, 64, MAX_UNOPENED))
    expect(await unopened(a, bob)).toHaveLength(MAX_UNOPENED)
  })
  expect(await texts(a, bob)).toEqual(['Before', 'After'])
})

test('S27 of what nobody can open so many bytes are kept, the newest of a topic, each once', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), [topic] = bob.space(a.space).mail.topics.keys()
  const size = 512 * 1024, room = Math.floor(MAX_UNOPENED_BYTES / size)
  for (let n = 0; n < room + 5; n += 5) for (const _ of ['twice', 'the same']) await isTold(a, bob, topic as string, junk(5, size - 100, n))
  const rows = await unopened(a, bob), hints = rows.map(({ value }) => decodeEnvelope(value)?.hint)
  expect(rows.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThanOrEqual(MAX_UNOPENED_BYTES)
  expect(rows.length).toBe(room)
  expect(hints.at(-1)).toEqual(u64(Math.ceil((room + 5) / 5) * 5 - 1))
})

test('what comes without its key, and changes for a relay that the space left and that is gone, wait as long as relays keep parcels', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), { mail } = bob.space(a.space), topic = [...mail.topics.values()][0] ?? expect.fail('no topic')
  await isTold(a, bob, topic.topic, junk(MAX_UNOPENED))
  // The relay that is gone answers nothing.
  const carry = a.room.carryOut.bind(a.room), out = new Out()
  a.room.carryOut = (person, step) => carry(person, { ...step, sends: step.sends.filter((send) => !('relay' in send) || send.relay === RELAY) })
  mail.post({ now: a.room.now, out }, topic, new Uint8Array(9), { channel: AUTHORITY_CHANNEL, chanSeq: 1 }, ['http://gone.test'])
  await bob.disk.save(out.saves)
  const waiting = async (): Promise<number[]> => [(await unopened(a, bob)).length, (await bob.disk.range(mail.partition('outbox'), { limit: 10_000 })).length]
  await a.room.sleep(PARCELS_KEPT_MS / 2)
  await bob.restart()
  await a.room.pass(2 * AUDIT_LOOK_MS)
  expect(await waiting()).toEqual([MAX_UNOPENED, 1])
  await a.room.sleep(PARCELS_KEPT_MS / 2)
  await a.room.pass(2 * AUDIT_LOOK_MS)
  expect(await waiting()).toEqual([0, 0])
  const { mail: later } = bob.space(a.space)
  await isTold(a, bob, topic.topic, junk(1))
  expect(await waiting()).toEqual([1, 0])
  expect(later.waitingAt('http://gone.test').size).toBe(0)
})
