/** What a relay forgot comes back to it from those who had put it there. */
import { describe, expect, test } from 'vitest'
import type { Command, CommandType, Results } from '../api.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import { Checks } from './checks.ts'
import { PostOffice, type Relay } from './mailbox.ts'
import { Ether } from './network.ts'
import { SimNode } from './node.ts'
import { World } from './world.ts'

const RELAY = 'https://one.example'

async function village(names: readonly string[]) {
  const world = new World('lost mail')
  const ether = new Ether(world)
  const office = new PostOffice(world, ether, [RELAY])
  const checks = new Checks(world)
  const nodes = names.map((name) => new SimNode(world, ether, office, name, 'lost mail', () => undefined, checks))
  const ask = async <T extends CommandType>(node: SimNode, command: Command & { readonly type: T }): Promise<Results[T]> => {
    const results: Results[T][] = []
    node.ask(command, (reply) => { if (reply.ok) results.push(reply.result as Results[T]) })
    await world.runFor(10_000)
    const [result] = results
    if (result === undefined) throw new Error(`${node.name} is not answered: ${command.type}`)
    return result
  }
  for (const node of nodes) {
    await node.start()
    await ask(node, { type: 'set-up', name: node.name })
  }
  const texts = async (node: SimNode, space: SpaceId, channel: ChannelId): Promise<string[]> => {
    const { messages } = await ask(node, { type: 'get-messages', space, channel })
    return messages.map(({ text }) => text)
  }
  const say = (node: SimNode, space: SpaceId, channel: ChannelId, text: string): Promise<unknown> => {
    checks.said.set(text, { space, channel, author: node.name, text, at: world.now, to: new Set(names), isTakenBack: false })
    return ask(node, { type: 'send-message', space, channel, text })
  }
  return { world, office, relay: office.relays.get(RELAY) as Relay, nodes, ask, texts, say, checks }
}

async function spaceOfTwo() {
  const all = await village(['Alice', 'Bob', 'Carol'])
  const [alice, bob, carol] = all.nodes as [SimNode, SimNode, SimNode]
  const { space, channel } = await all.ask(alice, { type: 'create-space', name: 'Garden', relays: [RELAY] })
  const { link } = await all.ask(alice, { type: 'create-invite', space })
  await all.ask(bob, { type: 'join', link })
  return { ...all, alice, bob, carol, space, channel, link }
}

describe('S20 when the only relay forgets everything', () => {
  test('S20 a message for somebody who is away is posted again by its author, with the channel it is in', async () => {
    const { world, office, relay, alice, bob, ask, texts, say, space, checks } = await spaceOfTwo()
    await bob.stop()
    const { channel } = await ask(alice, { type: 'create-channel', space, name: 'beds' })
    await say(alice, space, channel, 'The beans are up')
    office.forget(relay)
    await world.runFor(60_000)
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['The beans are up'])
    expect(checks.violation).toBeUndefined()
  })

  test('S20 so is what the author wrote before a restart, and the relay forgot while the author was away', async () => {
    const { world, office, relay, alice, bob, texts, say, space, channel } = await spaceOfTwo()
    await bob.stop()
    await say(alice, space, channel, 'Frost tonight')
    await alice.stop()
    office.forget(relay)
    await alice.start()
    await world.runFor(60_000)
    await alice.stop()
    await bob.start()
    await world.runFor(10_000)
    expect(await texts(bob, space, channel)).toEqual(['Frost tonight'])
  })

  test('S20 a link that was given out goes on working', async () => {
    const { world, office, relay, alice, bob, carol, ask, space, channel, link, texts, say } = await spaceOfTwo()
    await say(alice, space, channel, 'Welcome')
    office.forget(relay)
    await world.runFor(60_000)
    await alice.stop()
    await bob.stop()
    await ask(carol, { type: 'join', link })
    expect(await texts(carol, space, channel)).toEqual(['Welcome'])
  })

  test('S20 who was away since the space was made reads who has come since', async () => {
    const { world, office, relay, nodes, ask } = await village(['Alice', 'Bob'])
    const [alice, bob] = nodes as [SimNode, SimNode]
    const { space } = await ask(alice, { type: 'create-space', name: 'Garden', relays: [RELAY] })
    const { link } = await ask(alice, { type: 'create-invite', space })
    await alice.stop()
    await ask(bob, { type: 'join', link })
    office.forget(relay)
    await world.runFor(60_000)
    await bob.stop()
    await alice.start()
    await world.runFor(10_000)
    const { members } = await ask(alice, { type: 'list-members', space })
    expect(members.map(({ name }) => name).sort()).toEqual(['Alice', 'Bob'])
  })

  test('S20 a relay that forgets all the time gets what it lost once a minute, not as often as it likes', async () => {
    const { world, office, relay, alice, bob, say, space, channel } = await spaceOfTwo()
    await bob.stop()
    await say(alice, space, channel, 'Once')
    let posts = 0
    const post = relay.post.bind(relay)
    relay.post = (...args) => { posts++; return post(...args) }
    office.forget(relay)
    await world.runFor(5000)
    const once = posts
    for (let i = 0; i < 20; i++) { office.forget(relay); await world.runFor(1000) }
    expect(once).toBeGreaterThan(0)
    expect(posts).toBeLessThan(2 * once + 20)
  })
})
