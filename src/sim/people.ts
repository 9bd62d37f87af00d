/**
 * The people of the simulation, and what they and their surroundings do: one action at a time, drawn from the seed.
 * People only know what their own app tells them; what they said is written down, so that the checks can look for it.
 */
import type { Command, CommandType, ErrorCode, Reply, Results } from '../api.ts'
import type { Checks } from './checks.ts'
import type { Peopled } from './liveness.ts'
import type { PostOffice } from './mailbox.ts'
import type { Ether } from './network.ts'
import type { SimNode } from './node.ts'
import type { World } from './world.ts'

const FIRST_NAMES = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin', 'Frank', 'Grace', 'Heidi', 'Ivan', 'Judy', 'Ken', 'Laura', 'Mike', 'Nora', 'Oscar', 'Peggy']

/** As many people as wanted, no two of one name. */
export const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${FIRST_NAMES[i % FIRST_NAMES.length]}${i < FIRST_NAMES.length ? '' : ` ${Math.floor(i / FIRST_NAMES.length) + 1}`}`)

/** In fair weather an invite reaches the relay, and a joiner the space, within this. */
const WELCOME_MS = 10_000

interface SpaceModel extends Peopled { readonly links: string[]; readonly joined: Set<SimNode> }

export interface Setting {
  readonly world: World
  readonly ether: Ether
  readonly office: PostOffice
  readonly nodes: readonly SimNode[]
  readonly checks: Checks
}

type Action = (people: People) => void | Promise<void>

/** How often each action is drawn, against the others. */
const DEEDS: readonly (readonly [number, Action])[] = [
  [40, (p) => p.say()], [4, (p) => p.createSpace()], [8, (p) => p.invite()], [16, (p) => p.join()], [3, (p) => p.createChannel()], [3, (p) => p.renameChannel()], [2, (p) => p.renameMe()],
  [2, (p) => p.remove()], [5, (p) => p.goAway()], [10, (p) => p.comeBack()],
]
const MISHAPS: readonly (readonly [number, Action])[] = [
  [4, (p) => p.crash()], [3, (p) => p.breakDisk()], [3, (p) => p.partition()], [4, (p) => p.mend()], [2, (p) => p.relayTrouble()], [2, (p) => p.changeWeather()],
]

/** Refusals that people meet without anything being wrong. Any other is a finding. */
const FAIR_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'not-a-member', 'unknown-space', 'unknown-channel', 'unknown-member', 'not-allowed', 'limit-reached', 'already-member', 'link-revoked', 'link-unknown', 'relay-unreachable', 'banned',
  'link-used-up', 'disk-failed', 'disk-full', 'busy',
])

export class People {
  readonly spaces: SpaceModel[] = []
  private readonly setting: Setting
  private said = 0
  private made = 0
  /** Whose process ended or who went away. */
  private readonly away = new Set<SimNode>()

  constructor(setting: Setting) {
    this.setting = setting
    for (const node of setting.nodes) node.died = () => this.away.add(node)
  }

  async act(calm: boolean): Promise<void> {
    const actions = calm ? DEEDS : [...DEEDS, ...MISHAPS]
    const total = actions.reduce((sum, [weight]) => sum + weight, 0)
    let draw = this.setting.world.chance.int(total)
    for (const [weight, action] of actions) {
      draw -= weight
      if (draw < 0) return void (await action(this))
    }
  }

  /** Everyone starts the app for the first time; Alice makes a space and invites. */
  async begin(): Promise<void> {
    for (const node of this.setting.nodes) {
      await node.start()
      this.ask(node, { type: 'set-up', name: node.name })
      await this.setting.world.settle()
    }
    await this.setting.world.runFor(500)
    this.createSpace(this.setting.nodes[0])
    await this.setting.world.runFor(500)
    this.invite()
    await this.setting.world.runFor(500)
  }

  /** All faults end, everyone comes back. */
  async heal(): Promise<void> {
    const { world, ether, office, nodes } = this.setting
    world.faults = false
    for (const node of nodes) node.nextSave = 'none'
    this.mend()
    ether.weather = { ...ether.weather, gossipLoss: 0, breaks: 0, deafDials: 0, latency: { from: 5, to: 120 } }
    for (const relay of office.relays.values()) { relay.isUp = true; relay.withholds = false }
    office.lookAround()
    office.pushAll()
    for (const node of nodes) if (!node.isRunning) await this.start(node)
  }

  /** Somebody who isn't in a space is invited and says hello; undefined when that worked or everybody is in. */
  async welcome(): Promise<string | undefined> {
    const { world, nodes } = this.setting
    for (const space of this.spaces) {
      const members: string[] = []
      this.ask(space.creator, { type: 'list-members', space: space.id }, (list) => { members.push(...list.members.map(({ name }) => name)) })
      await world.settle()
      const guest = nodes.find((node) => !members.includes(node.name))
      if (guest === undefined) continue
      const link = await this.freshLink(space)
      if (link === undefined) return `L5: ${space.creator.name} can't invite anybody`
      let isIn = false
      this.ask(guest, { type: 'join', link }, () => { isIn = true; space.joined.add(guest); space.joinedAt.set(guest.name, world.now) })
      await world.runFor(WELCOME_MS)
      if (!isIn) return `L5: ${guest.name} was invited by ${space.creator.name} and didn't get in`
      this.say({ node: guest, space })
    }
    return undefined
  }

  /** One made now: to somebody who was removed, those made before are worth nothing. Ten may have been given out already: one of them is taken back. */
  private async freshLink(space: SpaceModel): Promise<string | undefined> {
    const links: string[] = []
    for (let tries = 0; tries < 2 && links.length === 0; tries++) {
      this.ask(space.creator, { type: 'create-invite', space: space.id }, ({ link }) => { links.push(link) })
      await this.setting.world.runFor(WELCOME_MS)
      if (links.length > 0) break
      this.ask(space.creator, { type: 'list-invites', space: space.id }, ({ invites }) => {
        const live = invites.find((invite) => invite.state === 'live')
        if (live !== undefined) this.ask(space.creator, { type: 'revoke-invite', space: space.id, invite: live.invite })
      })
      await this.setting.world.runFor(WELCOME_MS)
    }
    return links[0]
  }

  private get running(): SimNode[] { return this.setting.nodes.filter((node) => node.isRunning) }
  private pick<T>(from: readonly T[]): T | undefined { return this.setting.world.chance.pick(from) }

  private ask<T extends CommandType>(node: SimNode, command: Command & { readonly type: T }, then: (result: Results[T]) => void = () => {}): void {
    const { world, checks } = this.setting
    node.ask(command, (reply: Reply) => {
      if (reply.ok) return then(reply.result as Results[T])
      world.note(`${node.name} is refused ${command.type}: ${reply.error.code}`)
      if (!FAIR_REFUSALS.has(reply.error.code)) checks.failed(node.name, `${command.type} is refused: ${reply.error.code}: ${reply.error.message}`)
    })
  }

  /** Somebody who runs the app, and a space of theirs. */
  private someMember(): { node: SimNode; space: SpaceModel } | undefined {
    const space = this.pick(this.spaces)
    const node = space === undefined ? undefined : this.pick(this.running.filter((one) => space.joined.has(one)))
    return space === undefined || node === undefined ? undefined : { node, space }
  }

  createSpace(by = this.pick(this.running)): void {
    if (by === undefined || this.spaces.length >= 2) return
    const relays = [...this.setting.office.relays.keys()]
    this.ask(by, { type: 'create-space', name: `space ${++this.made}`, relays }, ({ space }) => this.spaces.push({ id: space, creator: by, links: [], joined: new Set([by]), joinedAt: new Map(), hadRemovals: false }))
  }

  invite(): void {
    const space = this.pick(this.spaces)
    if (space?.creator.isRunning) this.ask(space.creator, { type: 'create-invite', space: space.id }, ({ link }) => space.links.push(link))
  }

  join(): void {
    const space = this.pick(this.spaces)
    const link = space === undefined ? undefined : this.pick(space.links)
    const node = this.pick(this.running.filter((one) => !space?.joined.has(one)))
    if (space === undefined || link === undefined || node === undefined) return
    this.ask(node, { type: 'join', link }, () => { space.joined.add(node); space.joinedAt.set(node.name, this.setting.world.now) })
  }

  say(found = this.someMember()): void {
    if (found === undefined) return
    const { node, space } = found
    this.ask(node, { type: 'list-channels', space: space.id }, ({ channels }) => {
      const channel = this.pick(channels)?.channel
      if (channel === undefined) return
      this.ask(node, { type: 'list-members', space: space.id }, ({ members }) => {
        const text = `${node.name} says ${++this.said}`
        const said = { space: space.id, channel, author: node.name, text, at: this.setting.world.now, to: new Set(members.map((member) => member.name)) }
        this.setting.checks.said.set(text, said)
        this.ask(node, { type: 'send-message', space: space.id, channel, text }, () => { this.setting.checks.accepted.add(said) })
      })
    })
  }

  createChannel(): void {
    const found = this.someMember()
    if (found !== undefined) this.ask(found.node, { type: 'create-channel', space: found.space.id, name: `channel ${++this.made}` })
  }

  renameChannel(): void {
    const found = this.someMember()
    if (found === undefined) return
    const { node, space } = found
    this.ask(node, { type: 'list-channels', space: space.id }, ({ channels }) => {
      const channel = this.pick(channels)?.channel
      if (channel !== undefined) this.ask(node, { type: 'rename-channel', space: space.id, channel, name: `renamed ${++this.made}` })
    })
  }

  /** Away and back to the same name: names tell the checks who is who. */
  renameMe(): void {
    const node = this.pick(this.running)
    if (node !== undefined) this.ask(node, { type: 'set-name', name: node.name })
  }

  remove(): void {
    const space = this.pick(this.spaces)
    if (space === undefined || !space.creator.isRunning || space.joined.size < 3) return
    this.ask(space.creator, { type: 'list-members', space: space.id }, ({ members }) => {
      const member = this.pick(members.filter((one) => !one.me))
      if (member === undefined) return
      // Even if it fails to be answered, it may have been done.
      space.hadRemovals = true
      this.ask(space.creator, { type: 'remove-member', space: space.id, member: member.member })
    })
  }

  private async start(node: SimNode): Promise<void> {
    this.away.delete(node)
    await node.start()
    await this.setting.world.settle()
    this.setting.checks.restarted(node)
  }

  async goAway(): Promise<void> {
    const { running } = this
    const node = running.length > 1 ? this.pick(running) : undefined
    if (node === undefined) return
    this.setting.world.note(`${node.name} goes away`)
    await node.stop()
    this.away.add(node)
  }

  async comeBack(): Promise<void> {
    const node = this.pick(this.setting.nodes.filter((one) => !one.isRunning))
    if (node === undefined) return
    this.setting.world.note(`${node.name} comes back`)
    await this.start(node)
    this.ask(node, { type: 'set-name', name: node.name })
  }

  crash(): void {
    const node = this.pick(this.running)
    if (node === undefined) return
    const how = this.setting.world.chance.int(3)
    if (how === 0) { node.kill(); this.away.add(node) }
    else node.nextSave = how === 1 ? 'die-before' : 'die-after'
  }

  breakDisk(): void {
    const node = this.pick(this.running)
    if (node !== undefined && node.nextSave === 'none') node.nextSave = this.setting.world.chance.percent(50) ? 'fail' : 'full'
  }

  /** Two or three sides; relays fall on sides as machines do. */
  partition(): void {
    const { world, ether, office, nodes } = this.setting
    const sides = world.chance.between(2, 3)
    const machines = [...nodes.map((node) => node.name), ...office.relays.keys()]
    ether.partition(new Map(machines.map((machine) => [machine, world.chance.int(sides)])))
    world.note(`a partition into ${sides}`)
    office.lookAround()
  }

  mend(): void {
    this.setting.ether.partition(new Map())
    this.setting.world.note('no partition')
    this.setting.office.lookAround()
  }

  relayTrouble(): void {
    const { world, office } = this.setting
    const relay = this.pick([...office.relays.values()])
    if (relay === undefined) return
    switch (world.chance.int(5)) {
      case 0: case 1: relay.isUp = !relay.isUp; break
      case 2: relay.withholds = !relay.withholds; break
      case 3: office.replay(relay); break
      case 4: office.forget(relay)
    }
    world.note(`relay ${relay.url}: ${relay.isUp ? 'up' : 'down'}${relay.withholds ? ', withholds' : ''}`)
    office.lookAround()
    if (!relay.withholds) office.pushAll()
  }

  changeWeather(): void {
    const { chance } = this.setting.world
    const slow = chance.percent(30)
    this.setting.ether.weather = {
      latency: slow ? { from: 200, to: 3000 } : { from: 5, to: 120 }, gossipLoss: chance.pick([0, 10, 60]) ?? 0, gossipDoubles: chance.pick([0, 30]) ?? 0,
      breaks: chance.pick([0, 5, 50]) ?? 0, deafDials: chance.pick([0, 20, 60]) ?? 0,
    }
  }
}
