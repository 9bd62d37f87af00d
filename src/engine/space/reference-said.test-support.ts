/** What a set of ops says, for the second resolver (reference.test-support.ts): members, roles, powers, devices, each computed from all of them. */
import { type AuthorityBody, EVERYONE } from '../../wire/authority.ts'
import type { Op } from '../../wire/op.ts'
import { PERMISSIONS as P } from '../../wire/permissions.ts'

export const ALL = Object.values(P).reduce((a, b) => a | b, 0)
const FIRST = P.invite | P.send | P.react | P.attach | P.thread | P.speak
const bits = (n: number): number => n.toString(2).replaceAll('0', '').length

export interface Entry {
  readonly op: Op
  readonly id: string
  readonly past: Set<string>
  readonly depth: number
  readonly body: AuthorityBody | undefined
  author: string | undefined
  flawed: boolean
  offer: Entry | undefined
  fork: { device: string; seq: number } | undefined
}
/** The power of each op's author at the op's own past. */
export type Powers = Map<string, number>
/** What a set of live ops says. */
export interface Said { owner: string | undefined; members: Set<string>; roles: Map<string, { power: number; permissions: number; name: string }>; held: Map<string, Set<string>>; power: (i: string | undefined) => number; may: (i: string) => number; devices: Map<string, string>; live: Entry[]; powers: Powers }

export const smaller = (a: Entry, b: Entry): number => (a.id < b.id ? -1 : 1)

/** Taking away wins over what happened at the same time. */
const stands = (adds: Entry[], ends: Entry[]): Entry[] => adds.filter((a) => ends.every((x) => a.past.has(x.id)))

/** The last write in force; of several at the same time the most restrictive, then the one of more power. */
export function register<T>(powers: Powers, writes: Entry[], value: (e: Entry) => T, restrict: (a: T, b: T) => number = () => 0): { value: T; entry: Entry } | undefined {
  const last = writes.filter((w) => !writes.some((later) => later.past.has(w.id)))
  const power = (e: Entry): number => powers.get(e.id) ?? 0
  last.sort((a, b) => restrict(value(a), value(b)) || power(b) - power(a) || smaller(a, b))
  return last[0] === undefined ? undefined : { value: value(last[0]), entry: last[0] }
}

export function said(live: Entry[], powers: Powers): Said {
  const of = <T extends AuthorityBody['type']>(...types: T[]) => live.filter((e): e is Entry & { body: Extract<AuthorityBody, { type: T }> } => e.body !== undefined && (types as string[]).includes(e.body.type))
  const outs = (i: string): Entry[] => live.filter((e) => (e.body?.type === 'leave' && e.author === i) || ((e.body?.type === 'kick' || e.body?.type === 'ban') && e.body.identity === i))
  const members = new Set<string>()
  for (const j of of('genesis', 'join')) if (stands([j], outs(j.author as string)).length > 0) members.add(j.author as string)
  const dm = of('genesis')[0]?.body.dm
  const owner = dm !== undefined ? undefined : register(powers, of('genesis', 'ownerTransfer', 'recover'), (e) => (e.body?.type === 'ownerTransfer' || e.body?.type === 'recover' ? (e.body.to as string) : e.author))?.value
  const roles = new Map<string, { power: number; permissions: number; name: string }>()
  for (const role of new Set([EVERYONE, ...of('roleCreate').map((e) => e.body.role)])) {
    if (of('roleDelete').some((e) => e.body.role === role)) continue
    const about = live.filter((e) => (e.body !== undefined && 'role' in e.body && e.body.role === role) || (role === EVERYONE && e.body?.type === 'genesis'))
    const power = register(powers, about.filter((e) => e.body?.type === 'roleCreate' || e.body?.type === 'rolePower'), (e) => (e.body as { power: number }).power, (a, b) => a - b)?.value ?? 0
    const permissions = register(powers, about.filter((e) => e.body?.type === 'roleCreate' || e.body?.type === 'rolePermissions' || e.body?.type === 'genesis'), (e) => (e.body?.type === 'genesis' ? (dm === undefined ? FIRST : FIRST | P.channels | P.space) : (e.body as { permissions: number }).permissions), (a, b) => bits(a) - bits(b))?.value ?? 0
    const name = register(powers, about.filter((e) => e.body?.type === 'roleCreate' || e.body?.type === 'roleName'), (e) => (e.body as { name: string }).name)?.value ?? ''
    roles.set(role, { power, permissions, name })
  }
  const held = new Map<string, Set<string>>()
  for (const e of of('roleAssign', 'join')) {
    const offer = e.offer?.body
    const [who, role] = e.body.type === 'roleAssign' ? [e.body.identity, e.body.role] : [e.author as string, offer?.type === 'invite' ? offer.role : undefined]
    if (role === undefined || !roles.has(role)) continue
    const ends = [...outs(who), ...of('roleUnassign').filter((u) => u.body.identity === who && u.body.role === role)]
    if (stands([e], ends).length > 0) held.set(who, (held.get(who) ?? new Set()).add(role))
  }
  const power = (i: string | undefined): number => i === undefined || !members.has(i) ? 0 : i === owner ? 100 : Math.max(0, ...[...(held.get(i) ?? [])].map((r) => roles.get(r)?.power ?? 0))
  const may = (i: string): number => !members.has(i) ? 0 : i === owner ? ALL : [EVERYONE, ...(held.get(i) ?? [])].reduce((all, r) => all | (roles.get(r)?.permissions ?? 0), 0)
  const devices = new Map<string, string>()
  const certifying = live.filter((e) => e.body?.type === 'genesis' || e.body?.type === 'join' || e.body?.type === 'deviceAdd').sort(smaller)
  for (const c of certifying) {
    const device = c.body?.type === 'deviceAdd' ? c.body.device : c.op.header.device
    if (!devices.has(device)) devices.set(device, of('deviceRevoke').some((r) => r.body.device === device) ? '' : (c.author as string))
  }
  return { owner, members, roles, held, power, may, devices, live, powers }
}
