/**
 * Random histories: a small space with people of different powers, who act on each other, mostly within their rights, hear of each other late or never,
 * and now and then lie: act without the right, with old knowledge, with cuts that cut too much, or twice at one place of their chain.
 */
import fc from 'fast-check'
import type { AuthorityBody, Cut } from '../../wire/authority.ts'
import type { IdentityId, OpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { Authority } from './authority.ts'
import { predecessors } from './history.ts'
import { PERMISSIONS } from '../../wire/permissions.ts'
import { ALL_PERMISSIONS } from './permissions.ts'
import { channelNamed, type Device, inviteNamed, roleNamed, shuffled, toySuite, Village } from './village.test-support.ts'

/** One decision: who, what, about whom, and how. Numbers are taken modulo the choices there are. */
export type Decision = readonly [who: number, what: number, about: number, which: number, how: number]
export const decisions = (maxLength: number): fc.Arbitrary<Decision[]> =>
  fc.array(fc.tuple(fc.nat(63), fc.nat(255), fc.nat(63), fc.nat(63), fc.nat(255)), { minLength: 1, maxLength, size: 'max' })

const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'alice+phone', 'bob+phone', 'carol+phone'] as const
const ROLES = ['admin', 'mod', 'guide', 'fresh'] as const
const INVITES = ['door', 'gate', 'narrow', 'fresh-door'] as const
const CHANNELS = ['garden', 'kitchen'] as const
const MOST = PERMISSIONS.kick | PERMISSIONS.ban | PERMISSIONS.roles | PERMISSIONS.channels | PERMISSIONS.invite | PERMISSIONS.timeout | PERMISSIONS.space

export class Histories {
  readonly village = new Village()
  /** Knows every op, each resolved as it is made: the incremental way. */
  readonly all = new Authority(toySuite)
  readonly ops: Op[] = []
  private readonly byId = new Map<OpId, Op>()
  /** What each device has seen: op ids with their pasts. */
  private readonly seen = new Map<string, Set<OpId>>()
  /** The most power that anyone was seen to have. */
  readonly maxPower = new Map<IdentityId, number>()
  private clock = 1024

  device(name: string): Device { return this.village.device(name) }
  sight(name: string): Set<OpId> {
    const known = this.seen.get(name)
    if (known !== undefined) return known
    const made = new Set<OpId>()
    this.seen.set(name, made)
    return made
  }

  /** Heads of what a device has seen. */
  heads(name: string): OpId[] {
    const sight = this.sight(name)
    const followed = new Set([...sight].flatMap((id) => predecessors(this.byId.get(id) as Op)))
    return [...sight].filter((id) => !followed.has(id)).sort().slice(0, 16)
  }

  pastOf(ids: readonly OpId[]): Set<OpId> {
    const out = new Set<OpId>()
    const open = [...ids]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (out.has(id)) continue
      out.add(id)
      open.push(...predecessors(this.byId.get(id) as Op))
    }
    return out
  }

  async say(name: string, body: AuthorityBody | { readonly type: string }, how: { deps?: readonly OpId[]; seq?: number; prev?: OpId | undefined } = {}): Promise<Op> {
    const by = this.device(name)
    this.clock += 1024
    const op = this.village.make(by, body, { deps: this.heads(name), hlc: this.clock, ...how })
    if (body.type === 'genesis') this.village.space = op.id as never
    await this.all.add(op)
    for (const [identity, m] of this.all.state.members) this.maxPower.set(identity, Math.max(m.power, this.maxPower.get(identity) ?? 0))
    const own = this.all.powerAt(by.device, [op.id])
    this.maxPower.set(by.identity, Math.max(own, this.maxPower.get(by.identity) ?? 0))
    this.ops.push(op)
    this.byId.set(op.id, op)
    this.sight(name).add(op.id)
    if (op.header.seq > by.seq) { by.seq = op.header.seq; by.last = op.id }
    return op
  }

  hear(name: string, from: string): void { for (const id of this.sight(from)) this.sight(name).add(id) }
  everyoneHears(): void { for (const name of PEOPLE) for (const id of this.byId.keys()) this.sight(name).add(id) }

  cuts(name: string, identity: IdentityId): Cut[] {
    const last = new Map<string, Op>()
    for (const id of this.sight(name)) {
      const op = this.byId.get(id) as Op
      const known = last.get(op.header.device)
      if (this.all.identityOf(op.header.device) === identity && (known === undefined || known.header.seq < op.header.seq)) last.set(op.header.device, op)
    }
    return [...last.values()].sort((a, b) => (a.header.device < b.header.device ? -1 : 1)).map((op, n) => {
      const cut = { device: op.header.device, seq: op.header.seq, head: op.id, authority: op.id }, kind = (this.ops.length + n) % 4
      const chains = CHANNELS.map((channel, c) => ({ channel: channelNamed(channel), chanSeq: (this.ops.length + c) % 5 })).filter((_, c) => c !== kind % 3).sort((a, b) => (a.channel < b.channel ? -1 : 1))
      return kind === 0 ? cut : { ...cut, ends: { all: kind === 1, chains } }
    })
  }

  /** Alice's space with an admin, a moderator, a guide and plain members. */
  async begin(): Promise<this> {
    const v = this.village
    const say = async (name: string, body: AuthorityBody): Promise<void> => { await this.say(name, body); this.everyoneHears() }
    await say('alice', v.genesis(this.device('alice')))
    await say('alice', { type: 'roleCreate', role: roleNamed('admin'), name: 'admin', power: 70, permissions: MOST | ALL_PERMISSIONS })
    await say('alice', { type: 'roleCreate', role: roleNamed('mod'), name: 'mod', power: 50, permissions: MOST })
    await say('alice', { type: 'roleCreate', role: roleNamed('guide'), name: 'guide', power: 20, permissions: MOST })
    await say('alice', v.invite('door'))
    for (const name of ['bob', 'carol', 'dave', 'erin']) await say(name, v.join(this.device(name), 'door'))
    await say('alice', { type: 'roleAssign', role: roleNamed('admin'), identity: this.device('bob').identity })
    await say('alice', { type: 'roleAssign', role: roleNamed('mod'), identity: this.device('carol').identity })
    await say('alice', { type: 'roleAssign', role: roleNamed('mod'), identity: this.device('dave').identity })
    return this
  }

  async play(steps: readonly Decision[]): Promise<this> {
    for (const step of steps) await this.step(step)
    return this
  }

  private async step([who, what, about, which, how]: Decision): Promise<void> {
    const name = PEOPLE[who % PEOPLE.length] as string
    const other = PEOPLE[about % PEOPLE.length] as string
    if (what % 5 === 0) { if (which % 3 === 0) this.everyoneHears(); else this.hear(name, other); return }
    if (this.sight(name).size === 0) { this.hear(name, 'alice'); return }
    // Strangers mostly try to get in.
    const stranger = !this.all.state.devices.has(this.device(name).device) && how % 4 !== 0
    const body = stranger && how % 8 === 1 ? this.village.addItself(this.device(name)) : this.body(name, other, stranger ? 17 : what >> 1, which, how)
    const lie = how % 16 === 2 && which % 4 !== 0 ? 15 : how % 16
    // Old knowledge: only what stood behind some op of the past, and its own chain.
    const known = [...this.sight(name)]
    const deps = lie === 1 ? [known[which % known.length] as OpId] : this.heads(name)
    const by = this.device(name)
    const past = [...deps, ...(by.last === undefined ? [] : [by.last])]
    if (lie > 0 && lie !== 2 && body.type !== 'join' && 'type' in body && this.all.refuse(by.identity, body as AuthorityBody, past) !== undefined) return
    const own = this.ops.filter((op) => op.header.device === by.device)
    const at = lie === 2 && own.length > 1 ? (own[which % own.length] as Op) : undefined
    const chain = at === undefined || at.body.length === 0 ? {} : { seq: at.header.seq, prev: at.header.prev }
    if (at !== undefined && at.header.type === 'genesis') return
    await this.say(name, body, { deps, ...chain })
  }

  private body(name: string, other: string, what: number, which: number, how: number): AuthorityBody {
    const v = this.village
    const by = this.device(name), target = this.device(other)
    const role = roleNamed(ROLES[which % ROLES.length] as string), channel = channelNamed(CHANNELS[which % CHANNELS.length] as string)
    const invite = INVITES[which % INVITES.length] as string
    const cuts = (identity: IdentityId): Cut[] => (how % 16 === 3 ? [] : this.cuts(name, identity))
    const all = (): Cut[] => (how % 16 === 3 ? [] : [...this.all.state.members.keys()].flatMap((i) => this.cuts(name, i)).sort((a, b) => (a.device < b.device ? -1 : 1)))
    const identity = target.identity
    switch (what % 27) {
      case 0: case 1: case 2: return { type: 'kick', identity, cuts: cuts(identity) }
      case 3: case 4: return { type: 'ban', identity, cuts: cuts(identity) }
      case 5: return { type: 'unban', identity }
      case 6: case 7: return { type: 'roleUnassign', role, identity, cuts: cuts(identity) }
      case 8: case 9: return { type: 'roleAssign', role, identity }
      case 10: return { type: 'rolePower', role, power: (how * 7) % 100, cuts: all() }
      case 11: return { type: 'rolePermissions', role, permissions: how % 3 === 0 ? MOST : how % 3 === 1 ? PERMISSIONS.kick | PERMISSIONS.roles : PERMISSIONS.invite, cuts: all() }
      case 12: return { type: 'roleDelete', role, cuts: all() }
      case 13: return { type: 'roleCreate', role, name: `role ${how % 3}`, power: (how * 3) % 100, permissions: how % 2 === 0 ? MOST : PERMISSIONS.send }
      case 14: case 15: return v.invite(invite, { uses: invite === 'narrow' ? 1 : 3, ...(how % 3 === 0 ? { role: ROLES[how % ROLES.length] as string } : {}), expiresAt: how % 7 === 0 ? 10 : 1e12 })
      case 16: return { type: 'inviteRevoke', invite: inviteNamed(invite) }
      case 17: case 18: case 19: return v.join(by, how % 11 === 0 ? 'forged' : invite)
      case 20: return { type: 'leave' }
      case 21: return how % 3 === 0 ? v.deviceAdd(target) : v.deviceAdd(this.device(`${by.person}+phone`))
      case 22: return how % 2 === 0 ? { type: 'deviceRevoke', device: target.device, cuts: cuts(identity), proof: undefined } : { ...(v.revokeOwn(by, target) as Extract<AuthorityBody, { type: 'deviceRevoke' }>), cuts: cuts(identity) }
      case 23: return how % 2 === 0 ? { type: 'ownerTransfer', to: identity, cuts: cuts(by.identity) } : this.recovery(by, target, how)
      case 24: return how % 3 === 0 ? { type: 'channelCreate', channel, name: `channel ${how % 5}`, kind: 'text', audience: how % 2 } : how % 6 === 4 ? (how % 4 === 0 ? (how % 8 === 4 ? { type: 'slowMode', channel, everyMs: how * 1000 } : { type: 'clear', channel, before: how }) : { type: 'retention', channel: how % 8 < 4 ? channel : undefined, follows: how % 5 === 0, afterMs: how % 5 === 0 ? 0 : how * 3600_000, maxBytes: 0 })
        : how % 3 === 1 ? { type: 'channelRename', channel, name: `name ${how % 5}` } : { type: 'channelDelete', channel }
      case 25: return how % 7 === 6 ? { type: 'audienceHistory', audience: 1 + (how % 2), historyPolicy: how % 4 < 2 ? 'all' : 'fromJoin' } : how % 3 === 0 ? { type: 'channelAudience', channel, audience: how % 2 }
        : { type: 'audience', audience: 1 + (how % 2), roles: how % 4 === 1 ? [role] : [], identities: [...new Set([identity, ...(how % 5 === 0 ? [] : [by.identity])])].sort(), cuts: all() }
      default: return how % 3 === 0 ? { type: 'spaceRename', name: `Home ${how % 9}` } : how % 3 === 1 ? { type: 'profile', name: `me ${how % 9}` } : { type: 'timeout', identity, until: how }
    }
  }

  private recovery(by: Device, to: Device, how: number): AuthorityBody {
    const sets = this.ops.filter((op) => op.header.type === 'recoverySet' && this.sight(by.name).has(op.id))
    const trusted = ['carol', 'dave', 'erin'].map((n) => this.device(n))
    const set = sets[how % Math.max(1, sets.length)]
    if (set === undefined) return { type: 'recoverySet', threshold: 2, identities: trusted.slice(0, 2 + (how % 2)).map((d) => d.identity).sort() }
    const owner = this.all.state.owner as IdentityId
    const recover = this.village.recover(by, set.id, to, trusted.slice(0, 2), owner) as Extract<AuthorityBody, { type: 'recover' }>
    return { ...recover, cuts: this.cuts(by.name, owner) }
  }

  /** A fresh device that gets the ops in another causal order; with `known`, what another device found of the signatures in them. */
  async replayed(seed: number, ops: readonly Op[] = this.ops, known?: Authority): Promise<Authority> {
    let x = seed | 1
    const pick = (n: number): number => { x = (Math.imul(x, 1103515245) + 12345) >>> 0; return (x >>> 8) % n }
    const authority = new Authority(toySuite)
    for (const op of shuffled(ops, pick)) await authority.add(op, known?.proofOf(op.id))
    return authority
  }
}

export const randomHistory = async (steps: readonly Decision[]): Promise<Histories> => (await new Histories().begin()).play(steps)
