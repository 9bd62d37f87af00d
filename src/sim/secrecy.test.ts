/** People who open private channels and change who reads them, while some are away and mail is lost: nobody else ever holds anything of it. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Command, CommandType, Results } from '../api.ts'
import { Audience } from '../engine/audience.ts'
import { Replica } from '../engine/replica.ts'
import type { ChannelId, IdentityId, SpaceId } from '../wire/ids.ts'
import { Checks } from './checks.ts'
import { PostOffice } from './mailbox.ts'
import { Ether } from './network.ts'
import { SimNode } from './node.ts'
import { u1OthersHoldNothing } from './secrecy.ts'
import { World } from './world.ts'

const NAMES = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin']
const RELAY = 'https://one.example'

afterEach(() => { vi.restoreAllMocks() })

class Street {
  readonly world: World
  readonly checks: Checks
  readonly nodes: readonly SimNode[]
  private readonly ether: Ether
  private readonly ids = new Map<string, IdentityId>()
  private space: SpaceId | undefined
  private words = 0
  /** Private channels and who reads them now, by name. */
  private readonly channels = new Map<ChannelId, readonly string[]>()

  constructor(seed: string) {
    this.world = new World(seed)
    this.ether = new Ether(this.world)
    const office = new PostOffice(this.world, this.ether, [RELAY])
    this.checks = new Checks(this.world)
    this.nodes = NAMES.map((name) => new SimNode(this.world, this.ether, office, name, seed, () => undefined, this.checks))
  }

  private get alice(): SimNode { return this.nodes[0] as SimNode }

  /** undefined: refused, or not answered in time. */
  private async ask<T extends CommandType>(node: SimNode, command: Command & { readonly type: T }, waitMs = 2000): Promise<Results[T] | undefined> {
    const results: Results[T][] = []
    node.ask(command, (reply) => { if (reply.ok) results.push(reply.result as Results[T]) })
    await this.world.runFor(waitMs)
    return results[0]
  }

  async begin(): Promise<void> {
    for (const node of this.nodes) {
      await node.start()
      const me = await this.ask(node, { type: 'set-up', name: node.name })
      if (me !== undefined) this.ids.set(node.name, me.identity)
    }
    this.space = (await this.ask(this.alice, { type: 'create-space', name: 'Street', relays: [RELAY] }))?.space
    const link = (await this.ask(this.alice, { type: 'create-invite', space: this.here }))?.link
    for (const node of this.nodes.slice(1)) expect(await this.ask(node, { type: 'join', link: link as string }, 10_000)).toBeDefined()
    this.ether.weather = { ...this.ether.weather, gossipLoss: 40 }
  }

  private get here(): SpaceId { return this.space as SpaceId }
  private idsOf(names: readonly string[]): IdentityId[] { return names.map((name) => this.ids.get(name) as IdentityId) }

  /** Alice and some others: never all. */
  private someReaders(): string[] { return ['Alice', ...this.world.chance.shuffle(NAMES.slice(1)).slice(0, this.world.chance.between(1, 3))] }

  async act(): Promise<void> {
    const { chance } = this.world
    const draw = chance.int(100)
    if (draw < 15 && this.channels.size < 3) return this.open()
    if (draw < 35) return this.change()
    if (draw < 50) return this.comeOrGo()
    return this.say()
  }

  async open(): Promise<void> {
    const names = this.someReaders()
    const made = await this.ask(this.alice, { type: 'create-channel', space: this.here, name: 'shed', readers: { members: this.idsOf(names) } })
    if (made !== undefined) this.channels.set(made.channel, names)
  }

  private async change(): Promise<void> {
    const channel = this.world.chance.pick([...this.channels.keys()])
    const names = this.someReaders()
    if (channel === undefined) return
    if (await this.ask(this.alice, { type: 'set-readers', space: this.here, channel, readers: { members: this.idsOf(names) } }) !== undefined) this.channels.set(channel, names)
  }

  /** Alice stays. */
  private async comeOrGo(): Promise<void> {
    const node = this.world.chance.pick(this.nodes.slice(1)) as SimNode
    if (node.isRunning) await node.stop(); else await node.start()
    await this.world.runFor(1000)
  }

  private async say(): Promise<void> {
    const node = this.world.chance.pick(this.nodes.filter((one) => one.isRunning)) as SimNode
    const listed = (await this.ask(node, { type: 'list-channels', space: this.here }, 10))?.channels ?? []
    const channel = this.world.chance.pick(listed.filter((one) => one.private))
    if (channel !== undefined) await this.saying(node, channel.channel)
  }

  private async saying(node: SimNode, channel: ChannelId): Promise<string> {
    const text = `${node.name} says ${++this.words}`
    this.checks.said.set(text, { space: this.here, channel, author: node.name, text, at: this.world.now, to: new Set(), isTakenBack: false })
    await this.ask(node, { type: 'send-message', space: this.here, channel, text })
    return text
  }

  /** What somebody holds and shouldn't. */
  leak(): string | undefined {
    const replicas = this.nodes.flatMap(({ name, engine }) => { const replica = engine?.replicas.get(this.here); return replica === undefined ? [] : [{ name, replica }] })
    for (const { name, replica } of replicas) {
      const problem = u1OthersHoldNothing(replica, replicas.map((other) => other.replica))
      if (problem !== undefined) return `U1: ${name} ${problem}`
    }
    return this.checks.violation?.message
  }

  /** Everyone is back, and everyone who reads a channel says a last word there: who of them lacks one. */
  async lastWords(): Promise<string[]> {
    this.ether.weather = { ...this.ether.weather, gossipLoss: 0 }
    for (const node of this.nodes) if (!node.isRunning) await node.start()
    await this.world.runFor(5 * 60_000)
    const lacking: string[] = []
    for (const [channel, names] of this.channels) {
      const readers = this.nodes.filter(({ name }) => names.includes(name))
      const words: string[] = []
      for (const reader of readers) words.push(await this.saying(reader, channel))
      await this.world.runFor(60_000)
      for (const reader of readers) {
        const seen = (await this.ask(reader, { type: 'get-messages', space: this.here, channel }))?.messages.map(({ text }) => text) ?? []
        lacking.push(...words.filter((word) => !seen.includes(word)).map((word) => `${reader.name} lacks ${word}`))
      }
    }
    return lacking
  }

  end(): void { for (const node of this.nodes) node.kill() }
}

/** What leaks in a few steps. */
async function leaks(seed: string, steps: number): Promise<string | undefined> {
  const street = new Street(seed)
  await street.begin()
  await street.open()
  for (let step = 0; step < steps && street.leak() === undefined; step++) await street.act()
  const leak = street.leak()
  street.end()
  return leak
}

describe('U1 in a street where private channels open, change hands and lose mail', () => {
  test.each([1, 2, 3])('U1 nobody holds anything of a channel that was never theirs, and in the end its readers read each other: seed %i', async (seed) => {
    const street = new Street(`street ${seed}`)
    await street.begin()
    await street.open()
    for (let step = 0; step < 40; step++) {
      await street.act()
      expect(street.leak()).toBeUndefined()
    }
    expect(await street.lastWords()).toEqual([])
    expect(street.leak()).toBeUndefined()
    street.end()
  }, 120_000)

  test('U1 an engine that gives everybody what is sealed for a few is found out', async () => {
    vi.spyOn(Replica.prototype, 'mayHave').mockReturnValue(true)
    expect(await leaks('planted', 30)).toMatch(/^U1: .* holds ops/)
  }, 60_000)

  test('U1 an engine that lets everybody into every group is found out', async () => {
    vi.spyOn(Audience.prototype, 'devices', 'get').mockImplementation(function (this: Audience) { return this.replica.authority.state.devices })
    expect(await leaks('planted', 30)).toMatch(/^(U1: .* holds secrets|I\d)/)
  }, 60_000)
})
