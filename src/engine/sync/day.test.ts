/** How much one device may put on everybody's disk in a day. */
import { expect, test } from 'vitest'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { MAX_AUTHORITY_BYTES_A_DAY, MAX_OPS_A_DAY } from '../limits.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type OpId } from '../../wire/ids.ts'
import { MAX_OP_BYTES } from '../../wire/op.ts'
import { signMessage } from './mallory.test-support.ts'

const DAY = 24 * 3600_000

/** As if that device had written so much today in a channel already that these many more are taken in, on everybody's disk. */
function hasWritten(h: Allotment, writer: Person, channel: ChannelId, left: number): void {
  for (const person of h.room.people) {
    const head = person.space(h.space).log.head(channel, writer.space(h.space).me.device)
    if (head?.day === undefined) throw new Error(`${person.name} has nothing of ${writer.name}`)
    Object.assign(head.day, { from: head.chanSeq + left + 1 - MAX_OPS_A_DAY })
  }
}

/** Their own app refuses nothing any more. */
const freed = (h: Allotment, person: Person): unknown => Object.assign(person.space(h.space), { isFull: () => false })

test('S28 what Mallory writes beyond a day’s bound is taken in by nobody, live, by comparing, after a restart, or on another day; elsewhere he goes on', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), mallory = await h.joins('Mallory')
  const shed = (await h.does(h.alice, { type: 'create-channel', name: 'shed' })).channel
  await h.say(mallory, 'one')
  await h.room.pass(1000)
  hasWritten(h, mallory, h.channel, 2)
  freed(h, mallory)
  await h.say(mallory, 'two')
  h.room.goesOffline(bob)
  for (const text of ['three', 'four', 'five']) await h.say(mallory, text)
  await h.room.comesOnline(bob)
  await h.room.pass(60_000)
  await bob.restart()
  await h.room.pass(60_000)
  for (const person of [h.alice, bob]) expect(await h.texts(person)).toEqual(['Mallory: one', 'Mallory: two', 'Mallory: three'])
  h.room.now += DAY
  await h.say(mallory, 'six')
  await h.does(mallory, { type: 'send-message', channel: shed, text: 'In the shed' })
  await h.room.pass(60_000)
  for (const person of [h.alice, bob]) {
    expect(await h.texts(person)).toEqual(['Mallory: one', 'Mallory: two', 'Mallory: three'])
    expect((await h.does(person, { type: 'get-messages', channel: shed })).messages.map((m) => m.text)).toEqual(['In the shed'])
  }
})

test('S28 Bob is told before others would not take in what he does, and goes on tomorrow; what he did offline days before is not too much today', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await h.role('Gardeners', 40, ['channels'], bob)
  await h.say(bob, 'one')
  await h.does(bob, { type: 'set-topic', channel: h.channel, topic: 'Peas' })
  await h.room.pass(1000)
  for (const channel of [h.channel, AUTHORITY_CHANNEL]) hasWritten(h, bob, channel, 1)
  h.room.goesOffline(bob)
  await h.say(bob, 'two')
  await h.does(bob, { type: 'set-topic', channel: h.channel, topic: 'Beans' })
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'three' })).toMatchObject({ code: 'limit-reached' })
  expect(await h.refusal(bob, { type: 'set-topic', channel: h.channel, topic: 'Leeks' })).toMatchObject({ code: 'limit-reached' })
  for (const text of ['three', 'four']) { h.room.now += DAY; await h.say(bob, text) }
  await h.does(bob, { type: 'set-topic', channel: h.channel, topic: 'Leeks' })
  await h.room.comesOnline(bob)
  await h.room.pass(60_000)
  for (const person of [h.alice, bob]) {
    expect(await h.texts(person)).toEqual(['Bob: one', 'Bob: two', 'Bob: three', 'Bob: four'])
    expect((await h.does(person, { type: 'list-channels' })).channels[0]?.topic).toBe('Leeks')
  }
})

test('S28 whoever dates back and forth between days gains nothing', async () => {
  const h = await Allotment.begin(), mallory = await h.joins('Mallory')
  await h.say(mallory, 'one')
  await h.room.pass(1000)
  hasWritten(h, mallory, h.channel, 1)
  const liar = mallory.space(h.space), yesterday = await signMessage(liar, h.channel, 'yesterday', h.room.now - DAY)
  const { header, id } = yesterday
  const today = await signMessage(liar, h.channel, 'today', h.room.now, { seq: header.seq + 1, prev: id, chanSeq: header.chanSeq + 1, chanPrev: id })
  await h.hand(h.alice, [yesterday.bytes, today.bytes])
  expect((await h.texts(h.alice)).toSorted()).toEqual(['Mallory: one', 'Mallory: yesterday'])
})

test('S28 of authority and the groups bytes are counted, too: what goes beyond is taken in by nobody, and Bob is told before', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), mallory = await h.joins('Mallory')
  const called = async (name: string): Promise<unknown> => h.room.ask(mallory, { type: 'set-name', name })
  await called('Mal')
  await h.room.pass(1000)
  const has = (writer: Person, left: number): void => {
    for (const { log } of h.room.people.map((person) => person.space(h.space))) {
      const head = log.head(AUTHORITY_CHANNEL, writer.space(h.space).me.device)
      if (head === undefined) throw new Error('nothing of it is here')
      const { written } = log as unknown as { readonly written: Map<OpId, number> }
      written.set(head.id, MAX_AUTHORITY_BYTES_A_DAY - left)
    }
  }
  const names = async (): Promise<string[][]> => Promise.all([h.alice, bob].map((person) => h.names(person)))
  has(mallory, 500)
  freed(h, mallory)
  for (const name of ['Maly', 'Mallory again', 'Nobody']) { await called(name); await h.room.pass(1000) }
  expect(await names()).toEqual([['Alice', 'Bob', 'Maly'], ['Alice', 'Bob', 'Maly']])
  await h.role('Gardeners', 40, ['space'], bob)
  await h.room.pass(1000)
  has(bob, MAX_OP_BYTES + 500)
  expect(await h.refusal(bob, { type: 'rename-space', name: 'Beds' })).toBeUndefined()
  for (const name of ['Rows', 'Rows']) await h.refusal(bob, { type: 'rename-space', name })
  expect(await h.refusal(bob, { type: 'rename-space', name: 'Plots' })).toMatchObject({ code: 'limit-reached' })
})
