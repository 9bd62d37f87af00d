/** How much of what one device says a device takes in on one day. */
import { expect, test } from 'vitest'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { keptOp } from '../content/kept.ts'
import { MAX_SAID_BYTES_A_DAY, PAST_DAYS_A_DAY } from '../limits.ts'
import { opKey } from '../log/log.ts'
import { Out } from '../out.ts'
import { opsPartition } from '../replica.ts'
import type { ChannelId, DeviceId } from '../../wire/ids.ts'
import { decodeFrame } from '../../wire/frame.ts'
import { isSigned, type Op } from '../../wire/op.ts'
import { nextHeader, signMessage, signMessages } from './mallory.test-support.ts'

const DAY = 24 * 3600_000

/** As if that person's device had taken in so much of another's today that these bytes are left; `at`: of what was labelled then. */
async function hasTaken(h: Allotment, person: Person, of: Person, left: number, at = h.room.now): Promise<void> {
  const { quota } = person.space(h.space), { device } = of.space(h.space).me, out = new Out()
  const { taken } = quota as unknown as { readonly taken: Map<DeviceId, Map<number, number>> }
  const header = { ...nextHeader(of.space(h.space), 'message', 'ff'.repeat(16) as ChannelId, at), chanPrev: undefined }
  quota.took({ now: h.room.now, out }, header, MAX_SAID_BYTES_A_DAY - left - (taken.get(device)?.get(Math.floor(at / DAY)) ?? 0))
  await person.disk.save(out.saves)
}

/** Their own app refuses nothing any more. */
const freed = (h: Allotment, person: Person): unknown => Object.assign(person.space(h.space), { isFull: () => false })
/** Until the same hour of the next day. */
const nextDay = async (h: Allotment): Promise<void> => { h.room.now += DAY; await h.room.pass(60_000) }
const shown = (h: Allotment, ...people: Person[]): Promise<string[][]> => Promise.all(people.map((person) => h.texts(person)))

test('S31 of what Mallory says Alice and Bob take in so much on one day, live, by comparing and after a restart; what others say comes, and his comes the next day', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), mallory = await h.joins('Mallory')
  freed(h, mallory)
  await h.say(mallory, 'one')
  await h.room.pass(1000)
  // Alice's day is full before Bob's.
  await hasTaken(h, h.alice, mallory, 0)
  await hasTaken(h, bob, mallory, 1)
  await h.say(mallory, 'two')
  await h.room.pass(1000)
  h.room.goesOffline(bob)
  for (const text of ['three', 'four']) await h.say(mallory, text)
  await h.say(h.alice, 'Enough')
  await h.room.comesOnline(bob)
  await h.room.pass(60_000)
  expect(await shown(h, h.alice, bob)).toEqual([['Mallory: one', 'Alice: Enough'], ['Mallory: one', 'Mallory: two', 'Alice: Enough']])
  for (const person of [h.alice, bob]) await h.room.startsAgain(person)
  await h.room.pass(60_000)
  expect(await shown(h, h.alice, bob)).toEqual([['Mallory: one', 'Alice: Enough'], ['Mallory: one', 'Mallory: two', 'Alice: Enough']])
  await nextDay(h)
  for (const texts of await shown(h, h.alice, bob)) expect(texts.toSorted()).toEqual(['Alice: Enough', 'Mallory: four', 'Mallory: one', 'Mallory: three', 'Mallory: two'])
  expect(h.alice.space(h.space).log.vector()).toEqual(bob.space(h.space).log.vector())
})

test('S31 what was put off comes from the relay where nobody else is here any more, also after a restart', async () => {
  const h = await Allotment.begin(), mallory = await h.joins('Mallory')
  freed(h, mallory)
  h.room.canDial = false
  h.room.leaves(h.alice)
  await h.room.comesBack(h.alice)
  await hasTaken(h, h.alice, mallory, 0)
  await h.say(mallory, 'one')
  await h.room.pass(1000)
  expect(await h.texts(h.alice)).toEqual([])
  h.room.leaves(mallory)
  await h.room.startsAgain(h.alice)
  await h.room.pass(60_000)
  expect(await h.texts(h.alice)).toEqual([])
  await nextDay(h)
  expect(await h.texts(h.alice)).toEqual(['Mallory: one'])
})

test('S31 a past has the days on which it was said, a flood those since its author was invited, and the days to come are today', async () => {
  const h = await Allotment.begin()
  h.room.now += 3 * DAY
  const { link } = await h.does(h.alice, { type: 'create-invite' })
  h.room.now += 3 * DAY
  const mallory = await h.joins('Mallory', link), { now } = h.room
  /** The last of what was said at these times, in a channel of its own. */
  const takes = async (...times: readonly number[]): Promise<number> => {
    const { channel } = await h.does(h.alice, { type: 'create-channel', name: 'bed' })
    await h.room.pass(1000)
    for (const at of times) {
      const { seq, prev, chanSeq, chanPrev } = nextHeader(mallory.space(h.space), 'message', channel, at, h.alice.space(h.space))
      await h.hand(h.alice, [(await signMessage(mallory.space(h.space), channel, 'Weeds', at, { seq, prev, chanSeq, chanPrev })).bytes])
    }
    return (await h.does(h.alice, { type: 'get-messages', channel })).messages.length
  }
  for (const at of [now, now - 3 * DAY]) await hasTaken(h, h.alice, mallory, 0, at)
  for (const at of [0, now - 5 * DAY, now - 3 * DAY, now, now + 20 * DAY]) expect(await takes(at)).toBe(0)
  expect(await takes(now - 2 * DAY, now - DAY)).toBe(2)
  // Whoever goes back in their chain gains nothing.
  await hasTaken(h, h.alice, mallory, 100, now - DAY)
  expect(await takes(now - DAY, now - 2 * DAY)).toBe(1)
})

test('S31 of all that is dated before yesterday so many days’ worth are taken in on one day, whatever days it is spread over, also after a restart; the rest comes the next', async () => {
  const h = await Allotment.begin()
  const { link } = await h.does(h.alice, { type: 'create-invite', expiresInMs: 30 * DAY })
  h.room.now += 20 * DAY
  const mallory = await h.joins('Mallory', link), { now } = h.room, back = (days: number): number => now - days * DAY
  const beds: ChannelId[] = [], said = new Map<ChannelId, Uint8Array>()
  for (let n = 0; n < 5; n++) beds.push((await h.does(h.alice, { type: 'create-channel', name: 'bed' })).channel)
  await h.room.pass(1000)
  // Their own words, coming from others, would prove to them that their disk was put back.
  h.room.leaves(mallory)
  const takes = async (at: number): Promise<boolean> => {
    const channel = beds.pop() as ChannelId
    const { seq, prev, chanSeq, chanPrev } = nextHeader(mallory.space(h.space), 'message', channel, at, h.alice.space(h.space))
    const { bytes } = await signMessage(mallory.space(h.space), channel, 'Weeds', at, { seq, prev, chanSeq, chanPrev })
    await h.hand(h.alice, [bytes])
    said.set(channel, bytes)
    return (await h.does(h.alice, { type: 'get-messages', channel })).messages.length === 1
  }
  for (let n = 0; n < PAST_DAYS_A_DAY; n++) await hasTaken(h, h.alice, mallory, n === 0 ? 10 : 0, back(5 + n))
  expect(await takes(back(12))).toBe(true)
  expect(await takes(back(13))).toBe(false)
  await h.alice.restart()
  await h.room.pass(10_000)
  expect(await takes(back(2))).toBe(false)
  for (const at of [back(1), now]) expect(await takes(at)).toBe(true)
  await nextDay(h)
  await h.hand(h.alice, [...said.values()])
  for (const channel of said.keys()) expect((await h.does(h.alice, { type: 'get-messages', channel })).messages).toHaveLength(1)
})

test('S31 what is put off is not asked for again that day', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), mallory = await h.joins('Mallory')
  await h.say(mallory, 'one')
  await h.room.pass(1000)
  h.room.goesOffline(bob)
  await hasTaken(h, bob, mallory, 0)
  for (const text of ['two', 'three']) await h.say(mallory, text)
  h.room.leaves(mallory)
  let given = 0
  h.room.seesFrame = (bytes, _, to) => {
    const frame = to === bob ? decodeFrame(bytes) : undefined
    if (frame?.type === 'ops') given += frame.ops.length + (frame.packed?.length ?? 0)
  }
  await h.room.comesOnline(bob)
  await h.room.pass(5000)
  for (let n = 0; n < 5; n++) { await h.say(h.alice, `Still ${n}`); await h.room.pass(60_000) }
  expect(given).toBe(0)
  expect(await h.texts(bob)).toHaveLength(6)
})

test('S31 what is put off begins behind a signature', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), mallory = await h.joins('Mallory')
  const { me: { device } } = mallory.space(h.space), log = bob.space(h.space).log
  const ops = await signMessages(mallory.space(h.space), h.channel, Array.from({ length: 80 }, (_, n) => `${n}`), h.room.now)
  h.room.leaves(mallory)
  h.room.goesOffline(bob)
  await h.hand(h.alice, ops.map((op) => op.bytes))
  await hasTaken(h, bob, mallory, 10)
  await h.room.comesOnline(bob)
  await h.room.pass(60_000)
  const reached = log.head(h.channel, device)?.chanSeq ?? 0
  expect(reached).toBeLessThan(80)
  const [last] = await bob.disk.range(opsPartition(h.space, h.channel), { from: opKey(device, reached), to: opKey(device, reached + 1), limit: 1 })
  expect(last && isSigned(keptOp(bob.space(h.space), h.channel, last) as Op)).toBe(true)
})

test('S31 Bob is told before others would put off what he says, also after a restart, and goes on tomorrow', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await hasTaken(h, bob, bob, MAX_SAID_BYTES_A_DAY / 2 + 10)
  await h.say(bob, 'one')
  await hasTaken(h, bob, bob, MAX_SAID_BYTES_A_DAY / 2)
  await bob.restart()
  await h.room.pass(10_000)
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'two' })).toMatchObject({ code: 'limit-reached', message: 'You have written as much here today as others take in. Go on tomorrow.' })
  await nextDay(h)
  await h.say(bob, 'three')
  await h.room.pass(1000)
  expect(await h.texts(h.alice)).toEqual(['Bob: one', 'Bob: three'])
})
