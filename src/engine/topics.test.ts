/** Where mail lies at the relay, and that nobody loses any when that place changes. */
import { expect, test } from 'vitest'
import { hand, home, type Home, joins, of, renews, say, texts, tipOf } from './group/home.test-support.ts'
import type { Op } from '../wire/op.ts'
import type { Person } from './engines.test-support.ts'
import { PRESENCE_EVERY_MS, TOPIC_USED_MS } from './limits.ts'

const topicOf = async (h: Home, person: Person): Promise<string> => {
  const { everyone, mail } = of(h, person)
  return (await mail.topicOf(everyone.relayKeysInUse()[0] as Uint8Array)).topic
}

test('G17 after a week the topic is another, for everyone; who was away reads on from the old one, and what they write there is read', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  await say(h, h.alice, 'First week')
  const first = await topicOf(h, h.alice)
  h.room.leaves(carol)
  h.room.goesOffline(bob)
  h.room.now += TOPIC_USED_MS
  await h.room.pass(60_000)
  await say(h, h.alice, 'Second week')
  const second = await topicOf(h, h.alice)
  expect(second).not.toBe(first)
  // Bob has not heard of it, and his own device has begun another: whichever branch wins, nothing is lost.
  await say(h, bob, 'From my island')
  await h.room.comesOnline(bob)
  await h.room.pass(60_000)
  h.room.leaves(h.alice)
  h.room.leaves(bob)
  await h.room.comesBack(carol)
  await h.room.pass(60_000)
  expect((await texts(h, carol)).sort()).toEqual(['First week', 'From my island', 'Second week'])
  await h.room.comesBack(h.alice)
  await h.room.pass(60_000)
  expect((await texts(h, h.alice)).sort()).toEqual(['First week', 'From my island', 'Second week'])
  expect(await topicOf(h, carol)).toBe(await topicOf(h, h.alice))
})

test('G17 a removal begins another topic, of which the removed know nothing', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const before = await topicOf(h, h.alice)
  expect(of(h, bob).mail.topics.has(before)).toBe(true)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, bob).me.identity })
  await h.room.pass(10_000)
  const after = await topicOf(h, h.alice)
  expect(after).not.toBe(before)
  expect([of(h, carol).mail.topics.has(after), of(h, bob).mail.topics.has(after)]).toEqual([true, false])
  expect(of(h, bob).state()).toBe('removed')
})

test('G17 within a week the topic stays, whatever is committed', async () => {
  const h = await home()
  const first = await topicOf(h, h.alice)
  const bob = await joins(h, 'Bob')
  h.room.now += TOPIC_USED_MS / 2
  await joins(h, 'Carol')
  await h.room.pass(60_000)
  expect([await topicOf(h, h.alice), await topicOf(h, bob)]).toEqual([first, first])
})

test('G17 who comes later, while all are away, finds what was said in the topics before', async () => {
  const h = await home()
  await say(h, h.alice, 'First week')
  h.room.now += TOPIC_USED_MS
  await h.room.pass(60_000)
  await say(h, h.alice, 'Second week')
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  h.room.leaves(h.alice)
  const bob = await joins(h, 'Bob', link)
  await h.room.pass(10_000)
  expect(await texts(h, bob)).toEqual(['First week', 'Second week'])
})

test('G17 who begins one topic after the other closes none that others still write to', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  h.room.leaves(mallory)
  h.room.goesOffline(bob)
  h.room.now += TOPIC_USED_MS
  const tip = tipOf(h, mallory), storm: Op[] = []
  for (let i = 0; i < 20; i++) storm.push(await renews(h, mallory, tip))
  await hand(h, storm, h.alice)
  await h.alice.restart()
  await h.room.pass(1000)
  await say(h, bob, 'From my island')
  h.room.canDial = false
  await h.room.comesOnline(bob)
  await h.room.pass(60_000)
  expect(await texts(h, h.alice)).toEqual(['From my island'])
})

test('G17 Bob was away for twenty topics, and the relay has forgotten all that would lead him on: the others still read one of those that he knows', async () => {
  const h = await home(), bob = await joins(h, 'Bob')
  h.room.leaves(bob)
  for (let week = 0; week < 20; week++) {
    h.room.now += TOPIC_USED_MS + 3600_000
    await h.room.pass(60_000)
  }
  expect(of(h, h.alice).groups.keys.relayKeys.size).toBeGreaterThan(20)
  await h.alice.restart()
  await h.room.pass(1000)
  h.room.relayForgets()
  await h.room.comesBack(bob)
  await h.room.pass(5 * PRESENCE_EVERY_MS)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  await say(h, bob, 'How the beans have grown')
  await h.room.pass(1000)
  expect(await texts(h, h.alice)).toEqual(['How the beans have grown'])
})

test('what was noted of a topic goes when nobody reads it any more and no relay keeps anything of it', async () => {
  const h = await home()
  const topics: string[] = []
  for (let week = 0; week < 20; week++) {
    await say(h, h.alice, `Week ${week}`)
    topics.push(await topicOf(h, h.alice))
    h.room.now += TOPIC_USED_MS + 3600_000
    // Her device never stays awake for long enough to compare.
    h.alice.wakes.delete('audit')
    await h.room.pass(60_000)
  }
  expect(new Set(topics).size).toBe(20)
  const noted = (): string[] => topics.filter((topic) => [...h.alice.disk.snapshot().partitions.keys()].includes(`owed/${h.space}/${topic}`))
  expect(noted()).toEqual(topics)
  await h.alice.restart()
  await h.room.pass(2 * 3600_000)
  const replica = of(h, h.alice)
  const inUse = topics.filter((topic) => replica.mail.topics.has(topic))
  expect(inUse.length).toBeLessThan(20)
  expect(noted().filter((topic) => !inUse.includes(topic))).toEqual([])
  for (const topic of topics) expect(replica.mail.had.knows(topic)).toBe(inUse.includes(topic))
  await h.alice.restart()
  await h.room.pass(1000)
  for (const topic of topics) expect(of(h, h.alice).mail.had.knows(topic)).toBe(inUse.includes(topic))
  expect(await texts(h, h.alice)).toHaveLength(20)
})

test('who left where nobody could hear it, and asks to come back, still tells it after a restart', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  h.room.goesOffline(bob)
  await h.room.ask(bob, { type: 'leave-space', space: h.space })
  await h.room.reply(bob, { type: 'join', link: h.link })
  await bob.restart()
  const posted = new Set<string>(), step = bob.engine.step.bind(bob.engine)
  bob.engine.step = async (input, now) => {
    const made = await step(input, now)
    for (const send of made.sends) if (send.type === 'post') posted.add(send.parcelId)
    return made
  }
  await h.room.pass(100)
  expect(of(h, bob).state()).toBe('joining')
  expect(posted.size).toBeGreaterThan(0)
})
