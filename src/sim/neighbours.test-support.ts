/** People with whole hosts in virtual time and fair weather, for stories about what a few of them and their relays do. */
import type { Command, CommandType, Results } from '../api.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import { Checks } from './checks.ts'
import { PostOffice, type Relay } from './mailbox.ts'
import { Ether } from './network.ts'
import { SimNode } from './node.ts'
import { World } from './world.ts'

export const ONE = 'https://one.example', TWO = 'https://two.example'

export async function neighbours(names: readonly string[], liars: readonly string[] = []) {
  const world = new World('neighbours')
  const ether = new Ether(world)
  const office = new PostOffice(world, ether, [ONE, TWO])
  const checks = new Checks(world, new Set(liars))
  const nodes = names.map((name) => new SimNode(world, ether, office, name, 'neighbours', () => undefined, checks))
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
  const say = (node: SimNode, space: SpaceId, channel: ChannelId, text: string) => {
    checks.said.set(text, { space, channel, author: node.name, text, at: world.now, to: new Set(names), isTakenBack: false })
    return ask(node, { type: 'send-message', space, channel, text })
  }
  return { world, office, relay: (url: string): Relay => office.relays.get(url) as Relay, nodes, ask, texts, say, checks }
}

/** Alice's garden, in which Bob is; Carol has the link. */
export async function garden(relays: readonly string[] = [ONE]) {
  const all = await neighbours(['Alice', 'Bob', 'Carol'])
  const [alice, bob, carol] = all.nodes as [SimNode, SimNode, SimNode]
  const { space, channel } = await all.ask(alice, { type: 'create-space', name: 'Garden', relays })
  const { link } = await all.ask(alice, { type: 'create-invite', space })
  await all.ask(bob, { type: 'join', link })
  return { ...all, alice, bob, carol, space, channel, link }
}
