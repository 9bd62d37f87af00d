/** Alice's allotment, where somebody talks too much. */
import { expect, test } from 'vitest'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'

const SLOW = 30_000

/** Alice, Bob and Mallory in a channel with slow mode; Mallory's app does as he likes. */
async function slow(): Promise<{ readonly h: Allotment; readonly bob: Person; readonly mallory: Person }> {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), mallory = await h.joins('Mallory')
  await h.does(h.alice, { type: 'set-slow-mode', channel: h.channel, everyMs: SLOW })
  await h.room.pass(1000)
  return { h, bob, mallory: await freed(h, mallory) }
}

/** As after a change to their app: it waits for nothing. */
async function freed(h: Allotment, person: Person): Promise<Person> {
  Object.assign(person.space(h.space).pace, { nextAt: () => 0, spaced: (_: unknown, header: unknown) => header })
  return person
}

const nextAt = async (h: Allotment, person: Person): Promise<number> => (await h.does(person, { type: 'list-channels' })).channels[0]?.nextAt ?? -1

test('A35 in slow mode Bob is told when he may write again; reacting he may at once, and who manages messages is not slowed', async () => {
  const { h, bob } = await slow()
  expect(await nextAt(h, bob)).toBe(0)
  const said = h.room.now, { messageId } = await h.say(bob, 'One')
  expect(await nextAt(h, bob)).toBe(said + SLOW)
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'Two' })).toMatchObject({ code: 'not-allowed', reason: 'too-soon' })
  await h.does(bob, { type: 'react', message: messageId, emoji: '🌱', on: true })
  await bob.restart()
  await h.room.pass(6000)
  expect(await nextAt(h, bob)).toBe(said + SLOW)
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'Two' })).toMatchObject({ reason: 'too-soon' })
  for (const text of ['Slowly', 'please']) await h.say(h.alice, text)
  h.room.now = said + SLOW
  await h.say(bob, 'Two')
  await h.does(h.alice, { type: 'set-slow-mode', channel: h.channel, everyMs: 0 })
  await h.say(bob, 'Three')
  await h.room.pass(1000)
  for (const person of [h.alice, bob]) expect(await h.texts(person)).toEqual(['Bob: One', 'Alice: Slowly', 'Alice: please', 'Bob: Two', 'Bob: Three'])
})

test('A35 what Mallory writes too soon is shown to nobody, now, after a restart, and to who comes later; the list of what doesn’t count says why', async () => {
  const { h, bob, mallory } = await slow()
  for (const text of ['Seeds!', 'Cheap seeds!']) await h.say(mallory, text)
  await h.does(mallory, { type: 'react', message: (await h.say(h.alice, 'Stop')).messageId, emoji: '💰', on: true })
  await h.say(mallory, 'Very cheap!')
  await h.room.pass(SLOW)
  await h.say(mallory, 'Sorry')
  await h.room.pass(1000)
  const carol = await h.joins('Carol')
  await bob.restart()
  await h.room.pass(6000)
  for (const person of [h.alice, bob, carol]) {
    expect(await h.texts(person)).toEqual(['Mallory: Seeds!', 'Alice: Stop', 'Mallory: Sorry'])
    expect((await h.does(person, { type: 'list-channels' })).channels[0]?.unread).toBe(person === h.alice ? 2 : 3)
  }
  const { messages } = await h.does(h.alice, { type: 'list-hidden', channel: h.channel })
  expect(messages.map((m) => [m.message.text, m.reason.code])).toEqual([['Cheap seeds!', 'too-soon'], ['Very cheap!', 'too-soon']])
})

test('A35 whoever had not heard of it is not slowed: what Bob said meanwhile counts', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await h.apart([bob], async () => {
    await h.does(h.alice, { type: 'set-slow-mode', channel: h.channel, everyMs: SLOW })
    for (const text of ['One', 'Two', 'Three']) await h.say(bob, text)
  })
  for (const person of [h.alice, bob]) expect(await h.texts(person)).toEqual(['Bob: One', 'Bob: Two', 'Bob: Three'])
})

test('A35 somebody’s clock that is ahead takes nothing from who waits as long as it takes', async () => {
  const { h, bob } = await slow()
  const ahead = await h.joins('Dave')
  // Dave's clock is four minutes ahead, so that labels stand still for everybody else that long.
  h.room.now += 240_000
  ahead.queue.push({ type: 'command', client: 1, id: 9000, command: { type: 'send-message', space: h.space, channel: h.channel, text: 'From the future' } })
  await h.room.pass(0)
  h.room.now -= 240_000
  await h.room.pass(1000)
  for (const text of ['One', 'Two', 'Three']) { await h.say(bob, text); await h.room.pass(SLOW) }
  expect((await h.texts(h.alice)).filter((text) => text.startsWith('Bob'))).toEqual(['Bob: One', 'Bob: Two', 'Bob: Three'])
})

test('A35 what waited to be secured goes out at the pace of the channel, and all of it counts', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  h.room.goesOffline(bob)
  await h.does(h.alice, { type: 'set-slow-mode', channel: h.channel, everyMs: SLOW })
  await bob.restart()
  for (const text of ['One', 'Two', 'Three']) await h.say(bob, text)
  await h.room.comesOnline(bob)
  await h.room.pass(10_000)
  expect(await h.texts(h.alice)).toEqual(['Bob: One'])
  await h.room.pass(2 * SLOW)
  expect(await h.texts(h.alice)).toEqual(['Bob: One', 'Bob: Two', 'Bob: Three'])
})
