/** What a relay forgot comes back to it from those who had put it there. */
import { describe, expect, test } from 'vitest'
import { garden, neighbours, ONE } from './neighbours.test-support.ts'
import type { SimNode } from './node.ts'

describe('S20 when the only relay forgets everything', () => {
  test('S20 a message for somebody who is away is posted again by its author, with the channel it is in', async () => {
    const { world, office, relay, alice, bob, ask, texts, say, space, checks } = await garden()
    await bob.stop()
    const { channel } = await ask(alice, { type: 'create-channel', space, name: 'beds' })
    await say(alice, space, channel, 'The beans are up')
    office.forget(relay(ONE))
    await world.runFor(60_000)
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['The beans are up'])
    expect(checks.violation).toBeUndefined()
  })

  test('S20 so is what the author wrote before a restart, and the relay forgot while the author was away', async () => {
    const { world, office, relay, alice, bob, texts, say, space, channel } = await garden()
    await bob.stop()
    await say(alice, space, channel, 'Frost tonight')
    await alice.stop()
    office.forget(relay(ONE))
    await alice.start()
    await world.runFor(60_000)
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['Frost tonight'])
  })

  test('S20 a link that was given out goes on working', async () => {
    const { world, office, relay, alice, bob, carol, ask, space, channel, link, texts, say } = await garden()
    await say(alice, space, channel, 'Welcome')
    office.forget(relay(ONE))
    await world.runFor(60_000)
    await alice.stop()
    await bob.stop()
    await ask(carol, { type: 'join', link })
    expect(await texts(carol, space, channel)).toEqual(['Welcome'])
  })

  test('S20 who was away since the space was made reads who has come since', async () => {
    const { world, office, relay, nodes, ask } = await neighbours(['Alice', 'Bob'])
    const [alice, bob] = nodes as [SimNode, SimNode]
    const { space } = await ask(alice, { type: 'create-space', name: 'Garden', relays: [ONE] })
    const { link } = await ask(alice, { type: 'create-invite', space })
    await alice.stop()
    await ask(bob, { type: 'join', link })
    office.forget(relay(ONE))
    await world.runFor(60_000)
    await bob.stop()
    await alice.start()
    await world.runFor(10_000)
    const { members } = await ask(alice, { type: 'list-members', space })
    expect(members.map(({ name }) => name).sort()).toEqual(['Alice', 'Bob'])
  })

  test('S20 a relay that forgets all the time gets what it lost once a minute, not as often as it likes', async () => {
    const { world, office, relay, alice, bob, say, space, channel } = await garden()
    await bob.stop()
    await say(alice, space, channel, 'Once')
    let posts = 0
    const one = relay(ONE), post = one.post.bind(one)
    one.post = (...args) => { posts++; return post(...args) }
    office.forget(relay(ONE))
    await world.runFor(5000)
    const once = posts
    for (let i = 0; i < 20; i++) { office.forget(relay(ONE)); await world.runFor(1000) }
    expect(once).toBeGreaterThan(0)
    expect(posts).toBeLessThan(2 * once + 20)
  })
})

describe('S20 when what a relay keeps is not what was had of it', () => {
  test('S20 Bob, away, finds a relay that was wiped and filled again beyond his place: he notices, and misses nothing', async () => {
    const { world, office, relay, alice, bob, texts, say, space, channel, checks } = await garden()
    await say(alice, space, channel, 'Before')
    await bob.stop()
    await say(alice, space, channel, 'Meanwhile')
    office.forget(relay(ONE))
    await world.runFor(10_000)
    const words = Array.from({ length: 40 }, (_, n) => `Row ${n}`)
    for (const word of words) await say(alice, space, channel, word)
    await alice.stop()
    await bob.start()
    await world.runFor(20_000)
    expect(await texts(bob, space, channel)).toEqual(['Before', 'Meanwhile', ...words])
    expect(checks.violation).toBeUndefined()
  })

  test('S20 a single parcel that the relay lost in silence is put there again by its author within a week', async () => {
    const { world, relay, alice, bob, texts, say, space, channel } = await garden()
    await bob.stop()
    const one = relay(ONE), topics = new Map<string, number>()
    const post = one.post.bind(one)
    one.post = (topic, parcel, now) => {
      const posted = post(topic, parcel, now)
      if (posted.type === 'kept') topics.set(topic, posted.cursor)
      return posted
    }
    await say(alice, space, channel, 'Lost')
    const [[topic = '', cursor = 0] = []] = topics
    one.lose(topic, cursor)
    await alice.stop()
    await world.runFor(8 * 24 * 3600_000)
    await alice.start()
    await world.runFor(120_000)
    await alice.stop()
    await bob.start()
    await world.runFor(20_000)
    expect(await texts(bob, space, channel)).toEqual(['Lost'])
  })
})
