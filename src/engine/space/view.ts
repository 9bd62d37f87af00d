/**
 * What a set of ops says: who is a member, with which power, what things are called. The set is the non-void part of a past, or of everything.
 *
 * Two questions come back everywhere. A *presence* (member, role holder, ban) is there when one op that adds it has seen every op that takes it away:
 * taking away wins over what happened at the same time. A *register* (name, power) has the value of the write that no other write has seen;
 * among several the most restrictive, then the one by the more powerful author, then the smaller op id.
 */
import { EVERYONE, MAX_POWER, type RoleId } from '../../wire/authority.ts'
import type { AuthorityBody, AuthorityType, BodyOf } from '../../wire/authority.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId } from '../../wire/ids.ts'
import type { History, Node } from './history.ts'
import type { Past } from './past.ts'
import type { About, OverrideState } from './state.ts'
import { ALL_PERMISSIONS, count, DM_PERMISSIONS, FIRST_PERMISSIONS } from './permissions.ts'

/** What `resolve` has decided so far, by op number. */
export interface Decided {
  isVoid(index: number): boolean
  /** Of the author at its filtered past. */
  powerOf(index: number): number
}

export class View {
  readonly history: History
  private readonly decided: Decided
  /** undefined: everything. */
  private readonly past: Past | undefined
  /** One op that counts although it is not in the past: "as if its author had seen it". */
  private readonly also: number | undefined

  constructor(history: History, decided: Decided, past?: Past, also?: number) {
    this.history = history
    this.decided = decided
    this.past = past
    this.also = also
  }

  private live(index: number): boolean {
    return (this.past === undefined || this.past.has(index) || index === this.also) && !this.decided.isVoid(index)
  }

  private node(index: number): Node { return this.history.node(index) }
  private saw(later: number, earlier: number): boolean { return this.node(later).past.has(earlier) }

  body<T extends AuthorityType>(index: number, type: T): BodyOf<T> | undefined {
    const { body } = this.node(index)
    return body?.type === type ? (body as BodyOf<T>) : undefined
  }

  /** Live writes of a key, in causal order. */
  *each(key: string): Iterable<number> {
    for (const index of this.history.writes(key)) if (this.live(index)) yield index
  }

  any(key: string): boolean {
    for (const index of this.history.writes(key)) if (this.live(index)) return true
    return false
  }

  /** Whether `index` has seen every live write of `key`. */
  sawAll(index: number, key: string): boolean {
    for (const other of this.history.writes(key)) if (other !== index && this.live(other) && !this.saw(index, other)) return false
    return true
  }

  /** The register's writing op; `restrict` is negative where the first value is the more restrictive one. */
  register(key: string, restrict: (a: AuthorityBody, b: AuthorityBody) => number = () => 0): number | undefined {
    const writes = this.history.writes(key)
    const last: number[] = []
    for (let i = writes.length - 1; i >= 0; i--) {
      const index = writes[i] as number
      if (!this.live(index) || last.some((other) => this.saw(other, index))) continue
      last.push(index)
    }
    let best = last[0]
    for (const index of last) if (best !== undefined && index !== best && this.before(index, best, restrict)) best = index
    return best
  }

  private before(a: number, b: number, restrict: (a: AuthorityBody, b: AuthorityBody) => number): boolean {
    const order = restrict(this.node(a).body as AuthorityBody, this.node(b).body as AuthorityBody)
    if (order !== 0) return order < 0
    const power = this.decided.powerOf(b) - this.decided.powerOf(a)
    return power !== 0 ? power < 0 : this.node(a).id < this.node(b).id
  }

  // ---- people ----

  /** Those whom a direct conversation is for; undefined in other spaces. */
  dm(): readonly IdentityId[] | undefined {
    const first = this.history.nodes[0]?.body
    return first?.type === 'genesis' ? first.dm : undefined
  }

  /** Nobody, in a direct conversation. */
  owner(): IdentityId | undefined {
    if (this.dm() !== undefined) return undefined
    const index = this.register('owner', () => 0)
    const body = index === undefined ? undefined : this.node(index).body
    if (index === undefined || body === undefined) return undefined
    return body.type === 'ownerTransfer' || body.type === 'recover' ? body.to : this.node(index).author
  }

  isMember(identity: IdentityId): boolean {
    for (const join of this.each(`in ${identity}`)) if (this.sawAll(join, `out ${identity}`)) return true
    return false
  }

  isBanned(identity: IdentityId): boolean { return this.openBans(identity).length > 0 }

  /** Bans that no unban has seen. */
  openBans(identity: IdentityId): number[] {
    const unbans = [...this.each(`unban ${identity}`)]
    return [...this.each(`ban ${identity}`)].filter((ban) => !unbans.some((unban) => this.saw(unban, ban)))
  }

  roleExists(role: RoleId): boolean { return role === EVERYONE || (this.any(`role ${role}`) && !this.any(`unrole ${role}`)) }

  private roleGiven(grant: number): RoleId | undefined {
    const node = this.node(grant)
    if (node.body?.type === 'roleAssign') return node.body.role
    const invite = node.invite === undefined ? undefined : this.node(node.invite).body
    return invite?.type === 'invite' ? invite.role : undefined
  }

  /** Roles that exist and were given since the last removal, without everyone's. */
  rolesOf(identity: IdentityId): RoleId[] {
    const out = new Set<RoleId>()
    for (const grant of this.each(`grants ${identity}`)) {
      const role = this.roleGiven(grant)
      if (role === undefined || out.has(role) || !this.roleExists(role)) continue
      if (this.sawAll(grant, `out ${identity}`) && this.sawAll(grant, `ungrant ${identity} ${role}`)) out.add(role)
    }
    return [...out].sort()
  }

  rolePower(role: RoleId): number {
    const index = this.register(`rpower ${role}`, (a, b) => powerIn(a) - powerIn(b))
    return index === undefined ? 0 : powerIn(this.node(index).body as AuthorityBody)
  }

  rolePermissions(role: RoleId): number {
    const index = this.register(`perms ${role}`, (a, b) => count(permissionsIn(a)) - count(permissionsIn(b)))
    return index === undefined ? 0 : permissionsIn(this.node(index).body as AuthorityBody)
  }

  /** 0-100; 0 for those who aren't members, too. */
  power(identity: IdentityId): number {
    if (!this.isMember(identity)) return 0
    if (this.owner() === identity) return MAX_POWER
    return this.rolesOf(identity).reduce((most, role) => Math.max(most, this.rolePower(role)), 0)
  }

  permissions(identity: IdentityId): number {
    if (!this.isMember(identity)) return 0
    if (this.owner() === identity) return ALL_PERMISSIONS
    return this.rolesOf(identity).reduce((all, role) => all | this.rolePermissions(role), this.rolePermissions(EVERYONE))
  }

  /** As they last called themselves, members or not. */
  nameOf(identity: IdentityId): string {
    const index = this.register(`name ${identity}`)
    const body = index === undefined ? undefined : this.node(index).body
    return body?.type === 'profile' ? body.name : body?.type === 'join' || body?.type === 'genesis' ? body.displayName : ''
  }

  aboutOf(identity: IdentityId): About {
    const said = (key: string): BodyOf<'about'> | undefined => {
      const index = this.register(`${key} ${identity}`)
      return index === undefined ? undefined : this.body(index, 'about')
    }
    return { text: said('about')?.text, emoji: said('face')?.emoji, colour: said('colour')?.colour }
  }

  // ---- devices ----

  /** The op whose certificate makes this device that identity's: of several, the first by id. */
  certificate(device: DeviceId): number | undefined {
    let best: number | undefined
    for (const cert of this.each(`cert ${device}`)) if (best === undefined || this.node(cert).id < this.node(best).id) best = cert
    return best
  }

  /** The member whose device this is. */
  deviceOwner(device: DeviceId): IdentityId | undefined {
    const cert = this.certificate(device)
    if (cert === undefined || this.any(`revoke ${device}`)) return undefined
    const identity = certifiedBy(this.node(cert))
    return identity !== undefined && this.isMember(identity) ? identity : undefined
  }

  powerOf(index: number): number { return this.decided.powerOf(index) }

  countRoles(): number { return [...this.history.roles].filter((role) => this.roleExists(role)).length }
  /** Those that ended make room. */
  countAudiences(): number {
    const ended = this.endedAudiences()
    return [...this.history.audiences].filter((audience) => !ended.has(audience) && this.any(`audience ${audience}`)).length
  }

  /** Audiences all of whose channels, now and before, are deleted: nobody reads anything by them any more. */
  endedAudiences(): ReadonlySet<number> {
    const had = new Set<number>(), has = new Set<number>()
    for (const channel of this.history.channels) {
      const into = this.channelExists(channel) ? has : had
      for (const index of this.each(`caudience ${channel}`)) into.add(audienceIn(this.node(index).body as AuthorityBody))
    }
    return new Set([...had].filter((audience) => !has.has(audience)))
  }

  countChannels(): number { return [...this.history.channels].filter((channel) => this.channelExists(channel)).length }

  // ---- invites ----

  /** Joins that count. */
  used(invite: InviteId): number {
    let n = 0
    // Asked for each join, and there are as many: not by `each`.
    for (const join of this.history.writes(`joins ${invite}`)) if (this.live(join)) n++
    return n
  }

  // ---- channels ----

  channelExists(channel: ChannelId): boolean { return this.any(`channel ${channel}`) && !this.any(`unchannel ${channel}`) }

  /** Permissions in one channel: everyone's override first, then those of roles together, then the identity's own. */
  permissionsIn(identity: IdentityId, channel: ChannelId): number {
    const base = this.permissions(identity)
    if (this.owner() === identity || base === 0) return base
    let out = this.withOverrides(base, channel, [`${EVERYONE} `])
    out = this.withOverrides(out, channel, this.rolesOf(identity).map((role) => `${role} `))
    return this.withOverrides(out, channel, [` ${identity}`])
  }

  overrides(channel: ChannelId): OverrideState[] {
    const out = new Map<string, OverrideState>()
    for (const index of this.each(`overrides ${channel}`)) {
      const subject = this.body(index, 'channelOverride')
      const key = `${subject?.role ?? ''} ${subject?.identity ?? ''}`
      const winner = out.has(key) ? undefined : this.register(`override ${channel} ${key}`, (a, b) => openness(a) - openness(b))
      const body = winner === undefined ? undefined : this.body(winner, 'channelOverride')
      if (body !== undefined) out.set(key, { role: body.role, identity: body.identity, allow: body.allow, deny: body.deny })
    }
    return [...out].filter(([, o]) => o.allow !== 0 || o.deny !== 0).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, o]) => o)
  }

  /** The op that says who reads an audience: of several at once, the one with the fewest readers. */
  audience(audience: number): number | undefined { return this.register(`audience ${audience}`, (a, b) => readers(a) - readers(b)) }

  /** For whom what is written in a channel is sealed: of several at once, not everyone. */
  channelAudience(channel: ChannelId): number {
    const index = this.register(`caudience ${channel}`, (a, b) => (audienceIn(a) === 0 ? 1 : 0) - (audienceIn(b) === 0 ? 1 : 0))
    return index === undefined ? 0 : audienceIn(this.node(index).body as AuthorityBody)
  }

  /** Whether somebody is among an audience's readers: by name or by a role. */
  reads(identity: IdentityId, audience: number): boolean {
    const index = audience === 0 ? undefined : this.audience(audience)
    const body = index === undefined ? undefined : this.body(index, 'audience')
    if (audience !== 0 && body === undefined) return false
    return this.isMember(identity) && (body === undefined || this.isNamed(body, identity))
  }

  /** Whether an audience as this op says it holds somebody. */
  isNamed(body: BodyOf<'audience'>, identity: IdentityId): boolean {
    return body.identities.includes(identity) || body.roles.includes(EVERYONE) || (body.roles.length > 0 && this.rolesOf(identity).some((role) => body.roles.includes(role)))
  }

  private withOverrides(base: number, channel: ChannelId, subjects: readonly string[]): number {
    let allow = 0, deny = 0
    for (const subject of subjects) {
      const index = this.register(`override ${channel} ${subject}`, (a, b) => openness(a) - openness(b))
      const body = index === undefined ? undefined : this.body(index, 'channelOverride')
      if (body !== undefined) { allow |= body.allow; deny |= body.deny }
    }
    return (base & ~deny) | allow
  }
}

/** The identity a device-certifying op speaks for. */
export const certifiedBy = (node: Node): IdentityId | undefined => node.author

const powerIn = (body: AuthorityBody): number => (body.type === 'roleCreate' || body.type === 'rolePower' ? body.power : 0)
const permissionsIn = (body: AuthorityBody): number =>
  body.type === 'roleCreate' || body.type === 'rolePermissions' ? body.permissions : body.type === 'genesis' ? (body.dm === undefined ? FIRST_PERMISSIONS : DM_PERMISSIONS) : 0
const audienceIn = (body: AuthorityBody): number => (body.type === 'channelCreate' || body.type === 'channelAudience' ? body.audience : 0)
const readers = (body: AuthorityBody): number => (body.type === 'audience' ? body.roles.length + body.identities.length : 0)
const openness = (body: AuthorityBody): number => (body.type === 'channelOverride' ? count(body.allow) - count(body.deny) : 0)
