/**
 * A second resolver, written from ../RULES.md and not from the code: plain sets, everything from scratch, no index and no cleverness.
 * Slow and short on purpose. The real one must agree with it on every history.
 */
import { type AuthorityBody, certBoxKey, certSignature, certSignedBytes, decodeAuthorityBody, deviceConsentBytes, EVERYONE, identityOfKey, isAuthorityType, joinProofBytes, recoverBytes, revokeProofBytes } from '../../wire/authority.ts'
import { fromHex } from '../../wire/bytes.ts'
import { decodeHeader, type Op } from '../../wire/op.ts'
import type { SpaceId } from '../../wire/ids.ts'
import { PERMISSIONS as P } from '../../wire/permissions.ts'
import { toySuite, toyVerify } from './village.test-support.ts'

const sha = (...parts: readonly Uint8Array[]): Uint8Array => toySuite.sha256(...parts)
const ALL = Object.values(P).reduce((a, b) => a | b, 0)
const FIRST = P.invite | P.send | P.react | P.attach | P.thread | P.speak
const bits = (n: number): number => n.toString(2).replaceAll('0', '').length

interface Entry { readonly op: Op; readonly id: string; readonly past: Set<string>; readonly depth: number; readonly body: AuthorityBody | undefined; author: string | undefined; flawed: boolean; offer: string | undefined; fork: { device: string; seq: number } | undefined }
type Lasting = { entry: Entry; targets: string[]; device: string | undefined; takes: 'all' | 'power' | 'other'; power: number; rank: number }
type Frozen = { chanSeq: number; seq: number; fixers: Lasting[] }
/** What a set of live ops says. */
interface Said { owner: string | undefined; members: Set<string>; roles: Map<string, { power: number; permissions: number; name: string }>; held: Map<string, Set<string>>; power: (i: string | undefined) => number; may: (i: string) => number; devices: Map<string, string>; live: Entry[] }

type AudienceBody = Extract<AuthorityBody, { type: 'audience' }>

export class Reference {
  private readonly all: Entry[] = []
  private readonly byId = new Map<string, Entry>()
  private voids = new Set<string>()
  private powers = new Map<string, number>()
  space = ''

  private readonly verifies: typeof toyVerify

  /** Ops in causal order, signed as `verifies` can tell. */
  constructor(ops: readonly Op[], verifies = toyVerify) {
    this.verifies = verifies
    for (const op of ops) this.note(op)
    this.run()
  }

  isVoid(id: string): boolean { return this.voids.has(id) }
  now(): Said { return this.said(this.all.filter((e) => !this.voids.has(e.id))) }

  private note(op: Op): void {
    const parents = [...op.header.deps, ...(op.header.chanPrev === undefined ? [] : [op.header.chanPrev])].map((id) => this.byId.get(id) as Entry)
    const past = new Set(parents.flatMap((p) => [p.id, ...p.past]))
    const body = decodeAuthorityBody(op.header.type, op.body)
    const depth = parents.reduce((d, p) => Math.max(d, p.depth + 1), 0)
    const entry: Entry = { op, id: op.id, past, depth, body, author: undefined, flawed: false, offer: undefined, fork: undefined }
    if (body?.type === 'genesis' && this.space === '') this.space = op.id
    entry.author = this.speaker(entry)
    entry.flawed = (isAuthorityType(op.header.type) && body === undefined) || (op.header.type === 'genesis' && this.space !== op.id) || !this.proper(entry)
    this.all.push(entry)
    this.byId.set(op.id, entry)
  }

  private certs(device: string): Entry[] {
    return this.all.filter((e) => !e.flawed && (e.body?.type === 'deviceAdd' ? e.body.device === device : (e.body?.type === 'genesis' || e.body?.type === 'join') && e.op.header.device === device))
  }

  private speaker(e: Entry): string | undefined {
    if (e.body?.type === 'genesis' || e.body?.type === 'join') return identityOfKey(e.body.identityPk, sha)
    return this.certs(e.op.header.device).filter((c) => e.past.has(c.id)).sort(smaller)[0]?.author
  }

  /** A16: signatures inside bodies, and cuts and references that lie in the op's own past. */
  private proper(e: Entry): boolean {
    const { body } = e, device = e.op.header.device, space = this.space as SpaceId
    if (body === undefined) return true
    if ('cuts' in body && body.cuts.some((c) => c.authority !== undefined && !(e.past.has(c.authority) && this.byId.get(c.authority)?.op.header.device === c.device))) return false
    const certified = (of: typeof device): boolean => 'cert' in body && this.verifies(body.identityPk, certSignature(body.cert), certSignedBytes(of, certBoxKey(body.cert)))
    switch (body.type) {
      case 'genesis': return certified(device)
      case 'join': {
        const offers = this.all.filter((o) => !o.flawed && o.body?.type === 'invite' && o.body.invite === body.invite && e.past.has(o.id)).sort(smaller).slice(0, 4)
        e.offer = offers.find((o) => o.body?.type === 'invite' && this.verifies(o.body.joinPk, body.proof, joinProofBytes(space, body.invite, device, e.author as never)))?.id
        return certified(device) && (offers.length === 0 || e.offer !== undefined)
      }
      case 'deviceAdd': return identityOfKey(body.identityPk, sha) === e.author && certified(body.device) && this.verifies(fromHex(body.device) as Uint8Array, body.consent, deviceConsentBytes(space, body.device, e.author as never))
      case 'deviceRevoke': return body.proof === undefined || (identityOfKey(body.proof.identityPk, sha) === e.author && this.verifies(body.proof.identityPk, body.proof.signature, revokeProofBytes(space, body.device)))
      case 'recover': {
        const set = e.past.has(body.set) ? this.byId.get(body.set)?.body : undefined
        return set?.type === 'recoverySet' && set.threshold > 0 && body.signatures.length >= set.threshold && body.signatures.every((s) => set.identities.includes(identityOfKey(s.identityPk, sha)) && this.verifies(s.identityPk, s.signature, recoverBytes(space, body.set, body.to)))
      }
      case 'forkProof': {
        const a = decodeHeader(body.first), b = decodeHeader(body.second)
        if (a === undefined || b === undefined || a.device !== b.device || a.space !== space || b.space !== space) return false
        e.fork = { device: a.device, seq: Math.min(a.seq, b.seq) }
        return true
      }
      default: return true
    }
  }

  // ---- what a set of ops says ----

  /** Taking away wins over what happened at the same time. */
  private stands(adds: Entry[], ends: Entry[]): Entry[] { return adds.filter((a) => ends.every((x) => a.past.has(x.id))) }

  private register<T>(writes: Entry[], value: (e: Entry) => T, restrict: (a: T, b: T) => number = () => 0): { value: T; entry: Entry } | undefined {
    const last = writes.filter((w) => !writes.some((later) => later.past.has(w.id)))
    const power = (e: Entry): number => this.powers.get(e.id) ?? 0
    last.sort((a, b) => restrict(value(a), value(b)) || power(b) - power(a) || smaller(a, b))
    return last[0] === undefined ? undefined : { value: value(last[0]), entry: last[0] }
  }

  said(live: Entry[]): Said {
    const of = <T extends AuthorityBody['type']>(...types: T[]) => live.filter((e): e is Entry & { body: Extract<AuthorityBody, { type: T }> } => e.body !== undefined && (types as string[]).includes(e.body.type))
    const outs = (i: string): Entry[] => live.filter((e) => (e.body?.type === 'leave' && e.author === i) || ((e.body?.type === 'kick' || e.body?.type === 'ban') && e.body.identity === i))
    const members = new Set<string>()
    for (const j of of('genesis', 'join')) if (this.stands([j], outs(j.author as string)).length > 0) members.add(j.author as string)
    const dm = of('genesis')[0]?.body.dm
    const owner = dm !== undefined ? undefined : this.register(of('genesis', 'ownerTransfer', 'recover'), (e) => (e.body?.type === 'ownerTransfer' || e.body?.type === 'recover' ? (e.body.to as string) : e.author))?.value
    const roles = new Map<string, { power: number; permissions: number; name: string }>()
    for (const role of new Set([EVERYONE, ...of('roleCreate').map((e) => e.body.role)])) {
      if (of('roleDelete').some((e) => e.body.role === role)) continue
      const about = live.filter((e) => (e.body !== undefined && 'role' in e.body && e.body.role === role) || (role === EVERYONE && e.body?.type === 'genesis'))
      const power = this.register(about.filter((e) => e.body?.type === 'roleCreate' || e.body?.type === 'rolePower'), (e) => (e.body as { power: number }).power, (a, b) => a - b)?.value ?? 0
      const permissions = this.register(about.filter((e) => e.body?.type === 'roleCreate' || e.body?.type === 'rolePermissions' || e.body?.type === 'genesis'), (e) => (e.body?.type === 'genesis' ? (dm === undefined ? FIRST : FIRST | P.channels | P.space) : (e.body as { permissions: number }).permissions), (a, b) => bits(a) - bits(b))?.value ?? 0
      const name = this.register(about.filter((e) => e.body?.type === 'roleCreate' || e.body?.type === 'roleName'), (e) => (e.body as { name: string }).name)?.value ?? ''
      roles.set(role, { power, permissions, name })
    }
    const held = new Map<string, Set<string>>()
    for (const e of of('roleAssign', 'join')) {
      const offer = e.offer === undefined ? undefined : this.byId.get(e.offer)?.body
      const [who, role] = e.body.type === 'roleAssign' ? [e.body.identity, e.body.role] : [e.author as string, offer?.type === 'invite' ? offer.role : undefined]
      if (role === undefined || !roles.has(role)) continue
      const ends = [...outs(who), ...of('roleUnassign').filter((u) => u.body.identity === who && u.body.role === role)]
      if (this.stands([e], ends).length > 0) held.set(who, (held.get(who) ?? new Set()).add(role))
    }
    const power = (i: string | undefined): number => i === undefined || !members.has(i) ? 0 : i === owner ? 100 : Math.max(0, ...[...(held.get(i) ?? [])].map((r) => roles.get(r)?.power ?? 0))
    const may = (i: string): number => !members.has(i) ? 0 : i === owner ? ALL : [EVERYONE, ...(held.get(i) ?? [])].reduce((all, r) => all | (roles.get(r)?.permissions ?? 0), 0)
    const devices = new Map<string, string>()
    const certifying = live.filter((e) => e.body?.type === 'genesis' || e.body?.type === 'join' || e.body?.type === 'deviceAdd').sort(smaller)
    for (const c of certifying) {
      const device = c.body?.type === 'deviceAdd' ? c.body.device : c.op.header.device
      if (!devices.has(device)) devices.set(device, of('deviceRevoke').some((r) => r.body.device === device) ? '' : (c.author as string))
    }
    return { owner, members, roles, held, power, may, devices, live }
  }

  // ---- one op at its past ----

  permits(e: Entry, s: Said): boolean {
    const { body } = e, me = e.author, device = e.op.header.device
    const of = <T extends AuthorityBody['type']>(type: T) => s.live.filter((x): x is Entry & { body: Extract<AuthorityBody, { type: T }> } => x.body?.type === type)
    if (body?.type === 'genesis') return true
    if (me === undefined) return false
    const openBans = (i: string) => of('ban').filter((b) => b.body.identity === i && !of('unban').some((u) => u.body.identity === i && u.past.has(b.id)))
    const certOf = (d: string) => s.live.filter((x) => (x.body?.type === 'deviceAdd' ? x.body.device === d : (x.body?.type === 'genesis' || x.body?.type === 'join') && x.op.header.device === d)).sort(smaller)[0]
    const dm = of('genesis')[0]?.body.dm
    if (body?.type === 'join') {
      if (dm?.includes(me as never) === false) return false
      const offer = e.offer === undefined ? undefined : s.live.find((x) => x.id === e.offer)
      if (offer?.body?.type !== 'invite' || openBans(me).length > 0 || of('deviceRevoke').some((r) => r.body.device === device)) return false
      if ((certOf(device)?.author ?? me) !== me || (s.devices.get(device) === me && s.members.has(me))) return false
      const removals = s.live.filter((x) => (x.body?.type === 'kick' || x.body?.type === 'ban') && x.body.identity === me)
      return !of('inviteRevoke').some((r) => r.body.invite === body.invite) && removals.every((r) => offer.past.has(r.id))
        && e.op.header.hlc / 1024 <= offer.body.expiresAt && of('join').filter((j) => j.body.invite === body.invite).length < offer.body.uses
    }
    if (!s.members.has(me) || s.devices.get(device) !== me) return false
    if (body === undefined) return true
    if (dm !== undefined && ['channelDelete', 'channelOverride', 'channelAudience', 'audience', 'audienceHistory', 'clear'].includes(body.type)) return false
    const can = (bit: number): boolean => (s.may(me) & bit) !== 0
    const over = (i: string): boolean => s.power(i) < s.power(me)
    const overRole = (r: string): boolean => s.roles.has(r) && (s.roles.get(r)?.power ?? 0) < s.power(me)
    const opened = (n: number): boolean => n === 0 || (of('audience').some((a) => a.body.audience === n) && !this.ended(s).has(n))
    const channels = (): string[] => of('channelCreate').map((c) => c.body.channel).filter((c) => !of('channelDelete').some((d) => d.body.channel === c))
    switch (body.type) {
      case 'leave': return s.owner !== me
      case 'keyPackage': case 'profile': case 'about': case 'forkProof': return true
      case 'recover': {
        const set = this.register(of('recoverySet'), (x) => x.id)?.value
        return set === body.set && s.members.has(body.to)
      }
      case 'invite':
        if (!can(P.invite) || of('invite').some((i) => i.body.invite === body.invite)) return false
        return body.role === undefined || (body.role !== EVERYONE && can(P.roles) && overRole(body.role))
      case 'inviteRevoke': {
        const made = of('invite').filter((i) => i.body.invite === body.invite)
        return made.length > 0 && (made.every((m) => m.author === me) || can(P.kick))
      }
      case 'kick': return can(P.kick) && s.members.has(body.identity) && over(body.identity)
      case 'ban': return can(P.ban) && over(body.identity)
      case 'unban': return can(P.ban) && openBans(body.identity).length > 0 && openBans(body.identity).every((b) => (this.powers.get(b.id) ?? 0) <= s.power(me))
      case 'timeout': return can(P.timeout) && s.members.has(body.identity) && over(body.identity)
      case 'deviceAdd': return certOf(body.device) === undefined && !of('deviceRevoke').some((r) => r.body.device === body.device)
      case 'deviceRevoke': {
        const target = certOf(body.device)?.author
        if (target === undefined || of('deviceRevoke').some((r) => r.body.device === body.device)) return false
        return target === me ? body.proof !== undefined : can(P.kick) && over(target)
      }
      case 'roleCreate': return can(P.roles) && body.role !== EVERYONE && !of('roleCreate').some((r) => r.body.role === body.role) && body.power < s.power(me) && (body.permissions & ~ALL) === 0 && (body.permissions & ~s.may(me)) === 0
      case 'roleName': return can(P.roles) && body.role !== EVERYONE && overRole(body.role)
      case 'roleDelete': return can(P.roles) && body.role !== EVERYONE && overRole(body.role)
      case 'rolePower': return can(P.roles) && body.role !== EVERYONE && overRole(body.role) && body.power < s.power(me)
      case 'rolePermissions': return can(P.roles) && overRole(body.role) && (body.permissions & ~ALL) === 0 && (body.permissions & ~(s.roles.get(body.role)?.permissions ?? 0) & ~s.may(me)) === 0
      case 'roleAssign': return body.role !== EVERYONE && s.members.has(body.identity) && !(s.held.get(body.identity)?.has(body.role) ?? false) && can(P.roles) && overRole(body.role) && over(body.identity)
      case 'roleUnassign': return s.members.has(body.identity) && (s.held.get(body.identity)?.has(body.role) ?? false) && (body.identity === me || (can(P.roles) && overRole(body.role) && over(body.identity)))
      case 'channelCreate': return can(P.channels) && !/^0+$/.test(body.channel) && !of('channelCreate').some((c) => c.body.channel === body.channel) && opened(body.audience)
      case 'channelRename': case 'channelTopic': case 'channelPlace': case 'channelDelete': case 'clear': return can(P.channels) && channels().includes(body.channel)
      case 'retention': return isSensible(body) && (body.channel === undefined ? can(P.space) : can(P.channels) && channels().includes(body.channel))
      case 'channelOverride':
        if (!can(P.channels) || !channels().includes(body.channel) || (body.role === undefined) === (body.identity === undefined)) return false
        if (((body.allow | body.deny) & ~s.may(me)) !== 0 || (body.allow & body.deny) !== 0) return false
        return body.role === undefined ? s.members.has(body.identity as string) && over(body.identity as string) : overRole(body.role)
      case 'channelAudience': return can(P.channels) && channels().includes(body.channel) && opened(body.audience)
      case 'audience': case 'audienceHistory': return can(P.channels) && (body.type === 'audience' ? this.mayName(body, me, s) : this.decides(body.audience, me, s) === true)
      case 'spaceRename': case 'spaceHistory': case 'spaceRelays': return can(P.space)
      case 'ownerTransfer': return s.owner === me && body.to !== me && s.members.has(body.to)
      case 'recoverySet': return s.owner === me && body.threshold <= body.identities.length && (body.threshold > 0 || body.identities.length === 0)
    }
  }

  /** Audiences that had channels, all deleted. */
  private ended(s: Said): Set<number> {
    const gone = new Set(s.live.flatMap((x) => (x.body?.type === 'channelDelete' ? [x.body.channel] : [])))
    const had = s.live.flatMap((x) => (x.body?.type === 'channelCreate' || x.body?.type === 'channelAudience' ? [x.body] : []))
    return new Set(had.map((b) => b.audience).filter((n) => had.every((b) => b.audience !== n || gone.has(b.channel))))
  }

  /** Who opens an audience is among its readers; then one of its readers changes them, or the owner. */
  private mayName(body: AudienceBody, me: string, s: Said): boolean {
    const all = s.live.flatMap((x) => (x.body?.type === 'audience' ? [x.body.audience] : []))
    return body.audience !== 0 && (this.decides(body.audience, me, s) ?? (new Set(all.filter((n) => !this.ended(s).has(n))).size < 64 && named(body, me, s)))
  }

  /** Undefined where nobody has opened it. */
  private decides(audience: number, me: string, s: Said): boolean | undefined {
    const said = s.live.filter((x) => x.body?.type === 'audience' && x.body.audience === audience)
    const readers = this.register(said, (x) => x.body as AudienceBody, (a, b) => a.roles.length + a.identities.length - b.roles.length - b.identities.length)?.value
    return readers === undefined ? undefined : s.owner === me || named(readers, me, s)
  }

  // ---- restrictions ----

  private lasting(e: Entry, s: Said): Lasting | undefined {
    const { body } = e, me = e.author as string
    if (body === undefined) return undefined
    const as = (takes: Lasting['takes'], targets: string[], rank = 1, device?: string): Lasting => ({ entry: e, targets, takes, rank, device, power: rank === 2 ? 100 : s.power(me) })
    const holders = (role: string): string[] => [...s.members].filter((i) => i !== me && (role === EVERYONE || s.held.get(i)?.has(role) === true) && s.power(i) < s.power(me))
    switch (body.type) {
      case 'kick': case 'ban': return as('all', [body.identity])
      case 'roleUnassign': return body.identity === me ? undefined : as('power', [body.identity])
      case 'roleDelete': return as('power', holders(body.role))
      case 'rolePower': return body.power < (s.roles.get(body.role)?.power ?? 0) ? as('power', holders(body.role)) : undefined
      case 'rolePermissions': return ((s.roles.get(body.role)?.permissions ?? 0) & ~body.permissions) !== 0 ? as('power', holders(body.role)) : undefined
      case 'deviceRevoke': return as('all', [...this.certs(body.device)].filter((c) => s.live.includes(c)).sort(smaller).slice(0, 1).map((c) => c.author as string), 1, body.device)
      case 'ownerTransfer': return as('power', [me], 0)
      case 'recoverySet': return as('other', [], 0)
      case 'recover': return as('power', s.owner === undefined ? [] : [s.owner], 2)
      default: return undefined
    }
  }

  private inCut(e: Entry, r: Lasting): boolean {
    const body = r.entry.body as { cuts?: readonly { device: string; authority: string | undefined }[] }
    const last = body.cuts?.find((c) => c.device === e.op.header.device)?.authority
    return last !== undefined && (last === e.id || this.byId.get(last)?.past.has(e.id) === true)
  }

  private aims(e: Entry, r: Lasting): boolean { return e.author !== undefined && r.targets.includes(e.author) && (r.device === undefined || r.device === e.op.header.device) }

  private beyond(e: Entry, r: Lasting): boolean {
    if (r.takes === 'other' || e === r.entry || e.body?.type === 'genesis' || e.past.has(r.entry.id) || !this.aims(e, r)) return false
    if ((r.takes === 'power' && !needsPower(e)) || (e.body?.type === 'join' && r.entry.past.has(e.id))) return false
    return !(e.op.header.device === r.entry.op.header.device && r.entry.past.has(e.id)) && !this.inCut(e, r)
  }

  private apart(a: Entry, b: Entry): boolean { return a !== b && !a.past.has(b.id) && !b.past.has(a.id) }

  /** Void because of a choice, by the cut or by the rules around ownership. */
  private blocked(r: Lasting, chosen: Lasting[]): string[] {
    const out = this.all.filter((e) => this.beyond(e, r)).map((e) => e.id)
    for (const e of this.all) {
      const to = becomes(e)
      if (to === undefined || e.flawed || !this.apart(e, r.entry)) continue
      if ((r.takes === 'all' && r.device === undefined && r.targets.includes(to)) || (r.power === 100 && e.body?.type === 'recover')) out.push(e.id)
    }
    const to = becomes(r.entry)
    if (to === undefined) return out
    for (const e of this.all) {
      const { body } = e
      if (body === undefined || e.flawed || !this.apart(e, r.entry) || chosen.some((c) => c.entry === e)) continue
      const left = body.type === 'leave' && e.author === to
      const hit = (body.type === 'kick' || body.type === 'ban' || body.type === 'roleUnassign') ? body.identity === to : body.type === 'deviceRevoke' && this.certs(body.device).some((c) => c.author === to && e.past.has(c.id))
      if (left || (hit && e.author !== to)) out.push(e.id)
    }
    return out
  }

  // ---- the loop ----

  private run(): void {
    const surplus = new Set<string>(), frozen = new Map<string, Frozen>()
    for (;;) {
      const late = new Set<Entry>(), never = new Set<Entry>()
      let chosen = this.round(surplus, frozen, late, never)
      for (let again = 0; again < 8; again++) {
        const fallen = chosen.map((r) => r.entry).filter((e) => this.voids.has(e.id))
        if (fallen.length === 0) break
        for (const e of fallen) (late.has(e) ? never : late).add(e)
        chosen = this.round(surplus, frozen, late, never)
      }
      if (!this.forks(frozen, chosen) && !this.overused(surplus)) return
    }
  }

  private round(surplus: Set<string>, frozen: Map<string, Frozen>, late: Set<Entry>, never: Set<Entry>): Lasting[] {
    const chosen: Lasting[] = [], blocked = new Set(surplus)
    for (;;) {
      const waiting: Lasting[] = []
      this.voids = new Set()
      this.powers = new Map()
      for (const e of this.all) {
        const s = this.said(this.all.filter((x) => e.past.has(x.id) && !this.voids.has(x.id)))
        if (e.flawed || blocked.has(e.id) || this.isFrozen(e, frozen) || !this.permits(e, s)) { this.voids.add(e.id); continue }
        if (e.body !== undefined && e.body.type !== 'profile' && e.body.type !== 'about' && e.body.type !== 'keyPackage') this.powers.set(e.id, s.power(e.author))
        const r = this.lasting(e, s)
        if (r !== undefined && !never.has(e) && !chosen.some((c) => c.entry === e)) waiting.push(r)
      }
      waiting.sort((a, b) => Number(late.has(a.entry)) - Number(late.has(b.entry)) || b.power - a.power || a.rank - b.rank || (a.rank === 0 ? 0 : a.entry.depth - b.entry.depth) || smaller(a.entry, b.entry))
      const next = waiting[0]
      if (next === undefined) return chosen
      const owners = chosen.map((c) => c.entry).filter((e) => becomes(e) !== undefined && this.apart(e, next.entry)).map(becomes)
      const spared: Lasting = next.rank === 1 ? { ...next, targets: next.targets.filter((t) => !owners.includes(t)) } : next
      chosen.push(spared)
      for (const id of this.blocked(spared, chosen)) blocked.add(id)
    }
  }

  private isFrozen(e: Entry, frozen: Map<string, Frozen>): boolean {
    const at = frozen.get(e.op.header.device)
    if (at === undefined || e.body?.type === 'genesis' || (e.op.header.chanSeq < at.chanSeq && e.op.header.seq < at.seq)) return false
    return !at.fixers.some((r) => this.aims(e, r) && this.inCut(e, r))
  }

  private forks(frozen: Map<string, Frozen>, chosen: Lasting[]): boolean {
    const found = new Map<string, { chanSeq: number; seq: number }>()
    for (const a of this.all) for (const b of this.all) {
      const x = a.op.header, y = b.op.header
      if (a === b || x.device !== y.device || (x.chanSeq !== y.chanSeq && x.seq !== y.seq)) continue
      found.set(x.device, { seq: Infinity, chanSeq: Math.min(x.chanSeq, y.chanSeq, found.get(x.device)?.chanSeq ?? Infinity) })
    }
    for (const e of this.all) {
      if (e.fork === undefined || this.voids.has(e.id)) continue
      const known = found.get(e.fork.device)
      found.set(e.fork.device, { chanSeq: known?.chanSeq ?? Infinity, seq: Math.min(e.fork.seq, known?.seq ?? Infinity) })
    }
    let more = false
    for (const [device, at] of found) {
      const known = frozen.get(device)
      if (known !== undefined && known.chanSeq <= at.chanSeq && known.seq <= at.seq) continue
      frozen.set(device, { ...at, fixers: known?.fixers ?? chosen.filter((r) => r.takes === 'all') })
      if (this.all.some((e) => e.op.header.device === device && !this.voids.has(e.id) && this.isFrozen(e, frozen))) more = true
    }
    return more
  }

  private overused(surplus: Set<string>): boolean {
    let more = false
    for (const offer of this.all) {
      const { body } = offer
      if (body?.type !== 'invite') continue
      const joins = this.all.filter((j) => j.offer === offer.id && !this.voids.has(j.id))
      const seen = (j: Entry): number => this.all.filter((e) => !joins.some((rival) => rival.author === e.author) && (this.powers.get(e.id) ?? 0) >= (this.powers.get(offer.id) ?? 0) && !this.voids.has(e.id) && e.past.has(j.id)).length
      joins.sort((a, b) => seen(b) - seen(a) || a.depth - b.depth || smaller(a, b))
      for (const j of joins.slice(body.uses)) { surplus.add(j.id); more = true }
    }
    return more
  }
}

const isSensible = (b: Extract<AuthorityBody, { type: 'retention' }>): boolean =>
  b.follows ? b.channel !== undefined && b.afterMs + b.maxBytes === 0 : !(b.afterMs > 0 && b.afterMs < 3600_000) && !(b.maxBytes > 0 && b.maxBytes < 1_048_576)
const named = (b: AudienceBody, me: string, s: Said): boolean => b.identities.includes(me as never) || b.roles.some((r) => r === EVERYONE || s.held.get(me)?.has(r) === true)
const smaller = (a: Entry, b: Entry): number => (a.id < b.id ? -1 : 1)
const becomes = (e: Entry): string | undefined => (e.body?.type === 'ownerTransfer' || e.body?.type === 'recover' ? e.body.to : undefined)
function needsPower(e: Entry): boolean {
  const { body } = e
  if (body === undefined || ['genesis', 'join', 'leave', 'keyPackage', 'profile', 'about', 'deviceAdd', 'forkProof', 'recover'].includes(body.type)) return false
  if (body.type === 'deviceRevoke') return body.proof === undefined
  return !(body.type === 'roleUnassign' && body.identity === e.author)
}
