/** The people of the simulation, and the spaces they share: who is there, what they said, and how they begin, come back and welcome somebody new. */
import type { Command, CommandType, ErrorCode, Reply, Results } from '../api.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import type { RoleId } from '../wire/authority.ts'
import type { Checks } from './checks.ts'
import { createSpace, DEEDS, type Deed, invite, LINK_MS, say, type Someone } from './deeds.ts'
import { DEVICE_DEEDS } from './deeds-devices.ts'
import { FRAME_DEEDS } from './deeds-frame.ts'
import { PRIVATE_DEEDS } from './deeds-private.ts'
import type { Peopled, Said } from './liveness.ts'
import { lie } from './liars.ts'
import type { PostOffice } from './mailbox.ts'
import { mend, MISHAPS, WIDE_MISHAPS } from './mishaps.ts'
import type { Ether } from './network.ts'
import { SUCCEED_UNREAD_MS } from '../engine/limits.ts'
import type { SimNode } from './node.ts'
import type { Chance, World } from './world.ts'

const FIRST_NAMES = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin', 'Frank', 'Grace', 'Heidi', 'Ivan', 'Judy', 'Ken', 'Laura', 'Mike', 'Nora', 'Oscar', 'Peggy']

/** As many people as wanted, no two of one name. */
export const namesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${FIRST_NAMES[i % FIRST_NAMES.length]}${i < FIRST_NAMES.length ? '' : ` ${Math.floor(i / FIRST_NAMES.length) + 1}`}`)

/** Against what people do and what befalls them. */
const LIES_DRAWN = 30
/** In fair weather an invite reaches the relay, and a joiner the space, within this. */
const WELCOME_MS = 10_000
/** Two clocks that are wrong by this agree to five minutes: what people say by them stands alike everywhere (M9). */
export const SMALL_SKEW_MS = 150_000
/** Nearly one: links live for one, and must not end for somebody whose clock is early by this. */
const YEAR_MS = 364 * 24 * 3600_000
/** A new day begins in it, by anybody's clock. */
export const NIGHT_MS = 26 * 3600_000

/** `by`: whose app made it. */
export interface Link { readonly link: string; readonly by: SimNode }

export interface SpaceModel extends Peopled {
  readonly madeAt: number
  readonly links: Link[]
  readonly joined: Set<SimNode>
  roles?: RoleId[]
}

export interface Setting {
  readonly world: World
  readonly ether: Ether
  readonly office: PostOffice
  readonly nodes: readonly SimNode[]
  readonly checks: Checks
}

/** Refusals that people meet without anything being wrong. Any other is a finding. */
const FAIR_REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'not-a-member', 'mending', 'unknown-space', 'unknown-channel', 'unknown-member', 'unknown-role', 'unknown-message', 'unknown-invite', 'not-allowed', 'limit-reached', 'already-member', 'link-revoked',
  'link-unknown', 'link-expired', 'link-used-up', 'relay-unreachable', 'banned', 'disk-failed', 'disk-full', 'busy', 'older', 'no-recovery', 'recovery-incomplete', 'recovery-invalid',
])

export class People {
  readonly spaces: SpaceModel[] = []
  readonly setting: Setting
  private numbers = 0

  constructor(setting: Setting) { this.setting = setting }

  get chance(): Chance { return this.setting.world.chance }
  get now(): number { return this.setting.world.now }
  get nodes(): readonly SimNode[] { return this.setting.nodes }
  get running(): SimNode[] { return this.nodes.filter((node) => node.isRunning && !node.isSpare) }
  get relays(): string[] { return [...this.setting.office.relays.keys()] }
  isHonest(name: string): boolean { return this.setting.checks.isHonest(name) }
  pick<T>(from: readonly T[]): T | undefined { return this.chance.pick(from) }
  note(line: string): void { this.setting.world.note(line) }
  /** Another one each time. */
  number(): number { return ++this.numbers }

  /** One thing happens, drawn from the seed. */
  async act(calm: boolean, isWide: boolean): Promise<void> {
    const lies: (readonly [number, Deed])[] = this.nodes.some(({ name }) => !this.isHonest(name)) ? [[LIES_DRAWN, lie]] : []
    const wide = isWide ? [...PRIVATE_DEEDS, ...FRAME_DEEDS, ...DEVICE_DEEDS] : []
    const actions: readonly (readonly [number, Deed])[] = calm ? [...DEEDS, ...wide] : [...DEEDS, ...wide, ...MISHAPS, ...isWide ? WIDE_MISHAPS : [], ...lies]
    let draw = this.chance.int(actions.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, action] of actions) {
      draw -= weight
      if (draw < 0) return void (await action(this))
    }
  }

  /** Everyone starts the app for the first time; Alice makes a space and invites. */
  async begin(calm: boolean): Promise<void> {
    for (const node of this.nodes) {
      // Alice's is right, so that somebody can always be invited.
      if (!calm && !node.isSpare && node !== this.nodes[0]) node.setClock(this.wrongClock())
      await node.start()
      if (!node.isSpare) this.ask(node, { type: 'set-up', name: node.name })
      await this.setting.world.settle()
    }
    await this.setting.world.runFor(500)
    createSpace(this, this.nodes[0])
    await this.setting.world.runFor(500)
    const [space] = this.spaces
    if (space !== undefined) invite(this, { node: space.creator, space })
    await this.setting.world.runFor(500)
  }

  /** Mostly right, at times wrong by a little, seldom by a year. */
  private wrongClock(): number {
    const draw = this.chance.int(20)
    if (draw < 12) return 0
    return draw === 18 ? YEAR_MS : draw === 19 ? -YEAR_MS : this.chance.between(-SMALL_SKEW_MS, SMALL_SKEW_MS)
  }

  /** All faults end, everyone comes back. */
  async heal(): Promise<void> {
    const { world, ether, office } = this.setting
    world.faults = false
    for (const node of this.nodes) { node.nextSave = 'none'; node.fullUntil = 0 }
    mend(this)
    ether.weather = { ...ether.weather, gossipLoss: 0, breaks: 0, deafDials: 0, latency: { from: 5, to: 120 } }
    for (const relay of office.relays.values()) { relay.isUp = true; relay.withholds = false }
    office.lookAround()
    office.pushAll()
    for (const node of this.nodes) if (!node.isRunning) await this.start(node)
    for (const node of this.nodes.filter(({ isDamaged }) => isDamaged)) { this.ask(node, { type: 'check-storage' }); await world.settle() }
    await world.settle()
  }

  /** Everybody is away for a night, or for so long. */
  async sleep(ms = (): number => NIGHT_MS): Promise<void> {
    const { running } = this
    this.note('everybody sleeps')
    for (const node of running) await node.stop()
    await this.setting.world.runFor(ms())
    for (const node of running) await this.start(node)
  }

  async start(node: SimNode): Promise<void> {
    await node.start()
    await this.setting.world.settle()
    this.setting.checks.restarted(node)
  }

  /** Somebody who isn't in a space is invited and says hello; undefined when that worked or everybody is in. */
  async welcome(): Promise<string | undefined> {
    const { world, nodes } = this.setting
    for (const space of this.spaces) {
      if (space.isConversation) continue
      const host = this.ownerOf(space)
      const names: string[] = []
      if (host !== undefined) this.ask(host, { type: 'list-members', space: space.id }, ({ members }) => { names.push(...members.map(({ name }) => name)) })
      const banned: string[] = []
      if (host !== undefined) this.ask(host, { type: 'list-bans', space: space.id }, ({ bans }) => { banned.push(...bans.map(({ name }) => name)) })
      await world.settle()
      // By a clock that is so much further than its maker's the link has ended.
      const isInTime = (node: SimNode): boolean => Math.max(node.skewMs, node.skewMs - (host?.skewMs ?? 0)) < YEAR_MS
      const guest = nodes.find((node) => !node.isSecond && !node.isSpare && !names.includes(node.name) && !banned.includes(node.name) && isInTime(node) && this.isHonest(node.name))
      if (host === undefined || guest === undefined) continue
      // Who waits for what only they could have said, in a space where nobody else is, signs nothing meanwhile.
      if (host.engine?.succession.isBehind === true && !host.engine.succession.isStuck) await world.runFor(SUCCEED_UNREAD_MS)
      const link = await this.freshLink(host, space)
      if (link === undefined) return `L5: ${host.name} can't invite anybody`
      let isIn = false
      this.ask(guest, { type: 'join', link }, () => { isIn = true; this.hasJoined(space, guest) })
      await world.runFor(WELCOME_MS)
      if (!isIn) return `L5: ${guest.name} was invited by ${host.name} and didn't get in`
      say(this, { node: guest, space })
    }
    return undefined
  }

  /** Whoever owns a space by their own account, honest. */
  ownerOf(space: Peopled): SimNode | undefined {
    return this.nodes.find(({ name, engine }) => {
      const replica = engine?.replicas.get(space.id)
      return this.isHonest(name) && replica?.state() === 'member' && replica.authority.state.owner === replica.me.identity
    })
  }

  /** Whose view of a space all others are held against: its owner's. A conversation has none: there it is who began it, or where that device was taken out since, another that is in it. */
  judgeOf(space: Peopled): SimNode {
    const isIn = ({ name, engine }: SimNode): boolean => this.isHonest(name) && engine?.replicas.get(space.id)?.state() === 'member'
    return this.ownerOf(space) ?? (isIn(space.creator) ? space.creator : this.nodes.find(isIn)) ?? space.creator
  }

  /** One made now: to somebody who was removed, those made before are worth nothing. Ten may have been given out already: one of them is taken back. */
  private async freshLink(host: SimNode, space: SpaceModel): Promise<string | undefined> {
    const links: string[] = []
    // People who didn't know of each other's links may have made some more than there may be.
    for (let tries = 0; tries < 6 && links.length === 0; tries++) {
      this.ask(host, { type: 'create-invite', space: space.id, expiresInMs: LINK_MS }, ({ link }) => { links.push(link) })
      await this.setting.world.runFor(WELCOME_MS)
      if (links.length > 0) break
      this.ask(host, { type: 'list-invites', space: space.id }, ({ invites }) => {
        const live = invites.find(({ state }) => state === 'live')
        if (live !== undefined) this.ask(host, { type: 'revoke-invite', space: space.id, invite: live.invite })
      })
      await this.setting.world.runFor(WELCOME_MS)
    }
    return links[0]
  }

  ask<T extends CommandType>(node: SimNode, command: Command & { readonly type: T }, then: (result: Results[T]) => void = () => {}): void {
    const { world, checks } = this.setting
    node.ask(command, (reply: Reply) => {
      if (reply.ok) return then(reply.result as Results[T])
      world.note(`${node.name} is refused ${command.type}: ${reply.error.code}`)
      if (!FAIR_REFUSALS.has(reply.error.code)) checks.failed(node.name, `${command.type} is refused: ${reply.error.code}: ${reply.error.message}`)
    })
  }

  someMember(): Someone | undefined {
    const space = this.pick(this.spaces)
    const node = space === undefined ? undefined : this.pick(this.running.filter((one) => space.joined.has(one)))
    return space === undefined || node === undefined ? undefined : { node, space }
  }

  made(id: SpaceId, creator: SimNode, how: Partial<Pick<SpaceModel, 'isConversation' | 'joined'>> = {}): void {
    this.spaces.push({
      id, creator, madeAt: this.now, links: [], joined: new Set([creator]), joinedAt: new Map(), restricted: new Set(), misled: new Set(), lackPast: false, isConversation: false,
      narrowed: new Set(), byRole: new Set(), cleared: new Map(), ...how,
    })
  }

  hasJoined(space: SpaceModel, node: SimNode): void {
    space.joined.add(node)
    space.joinedAt.set(node.person, this.now)
  }

  // ---- what was said ----

  says(node: SimNode, space: SpaceModel, channel: ChannelId, to: ReadonlySet<string>): Said {
    const said: Said = { space: space.id, channel, author: node.person, text: `${node.name} says ${this.number()}`, at: this.now, to, isTakenBack: false }
    this.setting.checks.said.set(said.text, said)
    return said
  }

  /** Its author was told that it is kept. */
  accepted(said: Said): void { this.setting.checks.accepted.add(said) }

  saysInstead(before: string, text: string): void {
    const said = this.setting.checks.said.get(before)
    if (said !== undefined) this.setting.checks.said.set(text, said)
  }

  takesBack(text: string): void {
    const said = this.setting.checks.said.get(text)
    if (said !== undefined) said.isTakenBack = true
  }
}
