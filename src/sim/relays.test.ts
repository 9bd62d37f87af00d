/** A space's relays change, die, forget and refuse; the conversation goes on. */
import { describe, expect, test } from 'vitest'
import { garden, ONE, TWO } from './neighbours.test-support.ts'

describe('S21 a space’s relays', () => {
  test('S21 when Alice adds a relay, Bob’s device follows, and what is said reaches him by either', async () => {
    const { alice, bob, ask, say, texts, relay, office, world, space, channel, checks } = await garden()
    await ask(alice, { type: 'set-relays', space, relays: [ONE, TWO] })
    expect((await ask(bob, { type: 'list-spaces' })).spaces[0]?.relays).toEqual([ONE, TWO])
    await bob.stop()
    relay(ONE).isUp = false
    office.lookAround()
    await say(alice, space, channel, 'The old relay is gone')
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['The old relay is gone'])
    expect(checks.violation).toBeUndefined()
  })

  test('S21 Bob, who was away, finds at the relay that was left that it was left, and reads on at the new one', async () => {
    const { alice, bob, ask, say, texts, world, space, channel } = await garden()
    await bob.stop()
    await ask(alice, { type: 'set-relays', space, relays: [TWO] })
    await say(alice, space, channel, 'Here from now on')
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['Here from now on'])
    expect((await ask(bob, { type: 'list-spaces' })).spaces[0]?.relays).toEqual([TWO])
  })

  test('S21 the relay that is left hears of it even when Alice closes her tab at once, and was offline', async () => {
    const { alice, bob, ask, world, relay, office, space } = await garden()
    await bob.stop()
    relay(ONE).isUp = false
    office.lookAround()
    await ask(alice, { type: 'set-relays', space, relays: [TWO] })
    await alice.stop()
    relay(ONE).isUp = true
    await alice.start()
    await world.runFor(10_000)
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect((await ask(bob, { type: 'list-spaces' })).spaces[0]?.relays).toEqual([TWO])
  })

  test('S21 a relay that is new gets what it would miss: Carol comes in by it alone, and reads what was said before', async () => {
    const { alice, bob, carol, ask, say, texts, relay, office, world, space, channel } = await garden()
    await say(alice, space, channel, 'Said before')
    await ask(alice, { type: 'set-relays', space, relays: [ONE, TWO] })
    await world.runFor(60_000)
    const { invites } = await ask(alice, { type: 'list-invites', space })
    relay(ONE).isUp = false
    office.lookAround()
    await alice.stop()
    await bob.stop()
    await ask(carol, { type: 'join', link: invites[0]?.link ?? '' })
    expect(await texts(carol, space, channel)).toEqual(['Said before'])
  })

  test('S21 while one relay refuses, the other keeps what is said', async () => {
    const { alice, bob, ask, say, texts, relay, world, space, channel } = await garden([ONE, TWO])
    await bob.stop()
    relay(ONE).post = () => ({ type: 'topic-full' })
    await say(alice, space, channel, 'There is room elsewhere')
    const { messages } = await ask(alice, { type: 'get-messages', space, channel })
    expect(messages.map(({ state }) => state.type)).toEqual(['relay'])
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['There is room elsewhere'])
  })

  test('S21 only who may manage the space changes them, and only to a few addresses', async () => {
    const { alice, bob, world, space } = await garden()
    const refused = async (node: typeof alice, relays: readonly string[]): Promise<string | undefined> => {
      const codes: (string | undefined)[] = []
      node.ask({ type: 'set-relays', space, relays }, (reply) => codes.push(reply.ok ? 'done' : reply.error.code))
      await world.runFor(1000)
      return codes[0]
    }
    expect(await refused(bob, [TWO])).toBe('not-allowed')
    expect(await refused(alice, [])).toBe('bad-request')
    expect(await refused(alice, ['ftp://one.example'])).toBe('bad-request')
    expect(await refused(alice, ['https://one.example/path'])).toBe('bad-request')
    expect(await refused(alice, [1, 2, 3, 4, 5].map((n) => `https://relay${n}.example`))).toBe('limit-reached')
    expect(await refused(alice, [`${TWO}/`, TWO])).toBe('done')
  })
})
