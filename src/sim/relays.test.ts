/** A space's relays change, die, forget and refuse; the conversation goes on. */
import { describe, expect, test, vi } from 'vitest'
import type { SimNode } from './node.ts'
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

/** Alice has left for another relay, which rests on what Bob did and the former one never got. Bob is away, and Carol has come by the old link. */
async function leftFor(before: (all: Awaited<ReturnType<typeof garden>>) => Promise<void>) {
  const all = await garden(), { alice, bob, carol, ask, world, relay, office, space, link } = all
  relay(ONE).isUp = false
  office.lookAround()
  await ask(bob, { type: 'set-profile', about: 'Bees' })
  await ask(alice, { type: 'set-relays', space, relays: [TWO] })
  await bob.stop()
  relay(ONE).isUp = true
  office.lookAround()
  await world.runFor(10_000)
  await before(all)
  await ask(carol, { type: 'join', link })
  await world.runFor(60_000)
  const relaysOf = async (node: SimNode): Promise<readonly string[] | undefined> => (await ask(node, { type: 'list-spaces' })).spaces[0]?.relays
  return { ...all, relaysOf }
}

describe('S34 a relay that a space has left', () => {
  test('S34 Carol, who can’t place the news that it was left, meets Alice there, and follows', async () => {
    const { alice, carol, relaysOf, say, texts, space, channel } = await leftFor(async () => {})
    expect(await relaysOf(carol)).toEqual([TWO])
    await say(carol, space, channel, 'Hello')
    expect(await texts(alice, space, channel)).toEqual(['Hello'])
  })

  test('S34 Carol, who never meets anybody there, is read by Alice, finds what she lacked, and follows', async () => {
    const { alice, carol, relaysOf, say, texts, world, relay, space, channel } = await leftFor(({ alice }) => alice.stop())
    expect(await relaysOf(carol)).toEqual([ONE])
    await say(carol, space, channel, 'Is anybody here?')
    await carol.stop()
    const post = vi.spyOn(relay(ONE), 'post')
    await alice.start()
    await world.runFor(60_000)
    expect(await texts(alice, space, channel)).toEqual(['Is anybody here?'])
    await say(alice, space, channel, 'Over here')
    expect(post.mock.calls.length).toBe(1)
    await alice.stop()
    await carol.start()
    await world.runFor(60_000)
    expect(await relaysOf(carol)).toEqual([TWO])
    expect(await texts(carol, space, channel)).toEqual(['Is anybody here?', 'Over here'])
  })

  test('S34 that forgets gets the news again from Alice, and nothing of what was said, so that Bob, who was away, follows', async () => {
    const { alice, bob, ask, say, texts, world, relay, office, space, channel } = await garden()
    await bob.stop()
    const text = 'Before '.repeat(400)
    for (let n = 0; n < 8; n++) await say(alice, space, channel, `${text}${n}`)
    await ask(alice, { type: 'set-relays', space, relays: [TWO] })
    const post = vi.spyOn(relay(ONE), 'post')
    office.forget(relay(ONE))
    await world.runFor(120_000)
    const bytes = post.mock.calls.reduce((sum, [, parcel]) => sum + parcel.length, 0)
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(8 * text.length)
    await alice.stop()
    await bob.start()
    await world.runFor(60_000)
    expect((await ask(bob, { type: 'list-spaces' })).spaces[0]?.relays).toEqual([TWO])
    expect(await texts(bob, space, channel)).toHaveLength(8)
  })
})
