/** What an op may do at its own past, for the second resolver: RULES.md's table of rights, one line each. */
import { type AuthorityBody, EVERYONE } from '../../wire/authority.ts'
import { PERMISSIONS as P } from '../../wire/permissions.ts'
import { ALL, type Entry, register, type Said, smaller } from './reference-said.test-support.ts'

type AudienceBody = Extract<AuthorityBody, { type: 'audience' }>

export function permits(e: Entry, s: Said): boolean {
  const { body } = e, me = e.author, device = e.op.header.device
  const of = <T extends AuthorityBody['type']>(type: T) => s.live.filter((x): x is Entry & { body: Extract<AuthorityBody, { type: T }> } => x.body?.type === type)
  if (body?.type === 'genesis') return true
  if (me === undefined) return false
  const openBans = (i: string) => of('ban').filter((b) => b.body.identity === i && !of('unban').some((u) => u.body.identity === i && u.past.has(b.id)))
  const certOf = (d: string) => s.live.filter((x) => (x.body?.type === 'deviceAdd' ? x.body.device === d : (x.body?.type === 'genesis' || x.body?.type === 'join') && x.op.header.device === d)).sort(smaller)[0]
  const dm = of('genesis')[0]?.body.dm
  if (body?.type === 'join') {
    if (dm?.includes(me as never) === false) return false
    const offer = s.live.find((x) => x === e.offer)
    if (offer?.body?.type !== 'invite' || openBans(me).length > 0 || of('deviceRevoke').some((r) => r.body.device === device)) return false
    if ((certOf(device)?.author ?? me) !== me || (s.devices.get(device) === me && s.members.has(me))) return false
    const removals = s.live.filter((x) => (x.body?.type === 'kick' || x.body?.type === 'ban') && x.body.identity === me)
    return !of('inviteRevoke').some((r) => r.body.invite === body.invite) && removals.every((r) => offer.past.has(r.id))
      && e.op.header.hlc / 1024 <= offer.body.expiresAt && of('join').filter((j) => j.body.invite === body.invite).length < offer.body.uses
  }
  if (!s.members.has(me) || (s.devices.get(device) !== me && !(body?.type === 'deviceAdd' && body.device === device))) return false
  if (body === undefined) return true
  if (dm !== undefined && ['channelDelete', 'channelOverride', 'channelAudience', 'audience', 'audienceHistory', 'clear'].includes(body.type)) return false
  const can = (bit: number): boolean => (s.may(me) & bit) !== 0
  const over = (i: string): boolean => s.power(i) < s.power(me)
  const overRole = (r: string): boolean => s.roles.has(r) && (s.roles.get(r)?.power ?? 0) < s.power(me)
  const opened = (n: number): boolean => n === 0 || (of('audience').some((a) => a.body.audience === n) && !ended(s).has(n))
  const channels = (): string[] => of('channelCreate').map((c) => c.body.channel).filter((c) => !of('channelDelete').some((d) => d.body.channel === c))
  switch (body.type) {
    case 'leave': return s.owner !== me
    case 'keyPackage': case 'profile': case 'about': case 'forkProof': return true
    case 'recover': {
      const set = register(s.powers, of('recoverySet'), (x) => x.id)?.value
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
    case 'unban': return can(P.ban) && openBans(body.identity).length > 0 && openBans(body.identity).every((b) => (s.powers.get(b.id) ?? 0) <= s.power(me))
    case 'timeout': return can(P.timeout) && s.members.has(body.identity) && over(body.identity)
    case 'deviceAdd': return certOf(body.device) === undefined && !of('deviceRevoke').some((r) => r.body.device === body.device)
    case 'deviceRevoke': {
      const target = certOf(body.device)?.author
      if (target === undefined || of('deviceRevoke').some((r) => r.body.device === body.device)) return false
      return target === me ? body.proof !== undefined || body.device === device : can(P.kick) && over(target)
    }
    case 'roleCreate': return can(P.roles) && body.role !== EVERYONE && !of('roleCreate').some((r) => r.body.role === body.role) && body.power < s.power(me) && (body.permissions & ~ALL) === 0 && (body.permissions & ~s.may(me)) === 0
    case 'roleName': return can(P.roles) && body.role !== EVERYONE && overRole(body.role)
    case 'roleDelete': return can(P.roles) && body.role !== EVERYONE && overRole(body.role)
    case 'rolePower': return can(P.roles) && body.role !== EVERYONE && overRole(body.role) && body.power < s.power(me)
    case 'rolePermissions': return can(P.roles) && overRole(body.role) && (body.permissions & ~ALL) === 0 && (body.permissions & ~(s.roles.get(body.role)?.permissions ?? 0) & ~s.may(me)) === 0
    case 'roleAssign': return body.role !== EVERYONE && s.members.has(body.identity) && !(s.held.get(body.identity)?.has(body.role) ?? false) && can(P.roles) && overRole(body.role) && over(body.identity)
    case 'roleUnassign': return s.members.has(body.identity) && (s.held.get(body.identity)?.has(body.role) ?? false) && (body.identity === me || (can(P.roles) && overRole(body.role) && over(body.identity)))
    case 'channelCreate': return can(P.channels) && !/^0+$/.test(body.channel) && !of('channelCreate').some((c) => c.body.channel === body.channel) && opened(body.audience)
    case 'channelRename': case 'channelTopic': case 'channelPlace': case 'channelDelete': case 'clear': case 'slowMode': return can(P.channels) && channels().includes(body.channel) && (body.type !== 'slowMode' || of('genesis')[0]?.body.dm === undefined)
    case 'retention': return isSensible(body) && (body.channel === undefined ? can(P.space) : can(P.channels) && channels().includes(body.channel))
    case 'channelOverride':
      if (!can(P.channels) || !channels().includes(body.channel) || (body.role === undefined) === (body.identity === undefined)) return false
      if (((body.allow | body.deny) & ~s.may(me)) !== 0 || (body.allow & body.deny) !== 0) return false
      return body.role === undefined ? s.members.has(body.identity as string) && over(body.identity as string) : overRole(body.role)
    case 'channelAudience': return can(P.channels) && channels().includes(body.channel) && opened(body.audience)
    case 'audience': case 'audienceHistory': return can(P.channels) && (body.type === 'audience' ? mayName(body, me, s) : decides(body.audience, me, s) === true)
    case 'spaceRename': case 'spaceHistory': case 'spaceRelays': return can(P.space)
    case 'ownerTransfer': return s.owner === me && body.to !== me && s.members.has(body.to)
    case 'recoverySet': return s.owner === me && body.threshold <= body.identities.length && (body.threshold > 0 || body.identities.length === 0)
  }
}

/** Audiences that had channels, all deleted. */
function ended(s: Said): Set<number> {
  const gone = new Set(s.live.flatMap((x) => (x.body?.type === 'channelDelete' ? [x.body.channel] : [])))
  const had = s.live.flatMap((x) => (x.body?.type === 'channelCreate' || x.body?.type === 'channelAudience' ? [x.body] : []))
  return new Set(had.map((b) => b.audience).filter((n) => had.every((b) => b.audience !== n || gone.has(b.channel))))
}

/** Who opens an audience is among its readers; then one of its readers changes them, or the owner. */
function mayName(body: AudienceBody, me: string, s: Said): boolean {
  const all = s.live.flatMap((x) => (x.body?.type === 'audience' ? [x.body.audience] : []))
  return body.audience !== 0 && (decides(body.audience, me, s) ?? (new Set(all.filter((n) => !ended(s).has(n))).size < 64 && named(body, me, s)))
}

/** Undefined where nobody has opened it. */
function decides(audience: number, me: string, s: Said): boolean | undefined {
  const said = s.live.filter((x) => x.body?.type === 'audience' && x.body.audience === audience)
  const readers = register(s.powers, said, (x) => x.body as AudienceBody, (a, b) => a.roles.length + a.identities.length - b.roles.length - b.identities.length)?.value
  return readers === undefined ? undefined : s.owner === me || named(readers, me, s)
}

const isSensible = (b: Extract<AuthorityBody, { type: 'retention' }>): boolean =>
  b.follows ? b.channel !== undefined && b.afterMs + b.maxBytes === 0 : !(b.afterMs > 0 && b.afterMs < 3600_000) && !(b.maxBytes > 0 && b.maxBytes < 1_048_576)
const named = (b: AudienceBody, me: string, s: Said): boolean => b.identities.includes(me as never) || b.roles.some((r) => r === EVERYONE || s.held.get(me)?.has(r) === true)
