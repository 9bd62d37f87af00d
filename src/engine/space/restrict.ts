/**
 * Restrictive ops: whom they hit, and which of the target's ops lie beyond the cut, that is: were made without having seen the restriction,
 * and were not seen by its author. A removal takes all such ops, a demotion only those that needed power.
 */
import { type AuthorityBody, type Cut, MAX_POWER, type RoleId } from '../../wire/authority.ts'
import type { IdentityId } from '../../wire/ids.ts'
import { cutsOf, type History, type Node } from './history.ts'
import type { ReasonCode } from './reasons.ts'
import type { View } from './view.ts'

/** What a restriction takes away: everything an identity does, one device, the use of power, or (reading) only the right to write in some channels. */
export type Takes = 'membership' | 'device' | 'power' | 'reading' | 'nothing'

export interface Restriction {
  readonly index: number
  readonly takes: Takes
  readonly targets: readonly IdentityId[]
  readonly cuts: ReadonlyMap<string, Cut>
  readonly power: number
  /** Why ops beyond the cut are void. */
  readonly code: ReasonCode
  /** Among equals the owner's own moves come first and recoveries last: only the owner ends an ownership that is alive. */
  readonly rank: 0 | 1 | 2
}

type RoleShape = Extract<AuthorityBody, { type: 'rolePower' | 'rolePermissions' | 'roleDelete' }>

/** The restriction that a permitted op is, in the light of what its author had seen; undefined for any other op. */
export function restrictionOf(history: History, node: Node, view: View): Restriction | undefined {
  const { body, author } = node
  if (body === undefined || author === undefined) return undefined
  const make = (takes: Takes, targets: readonly IdentityId[], code: ReasonCode, rank: 0 | 1 | 2 = 1): Restriction => ({
    index: node.index, takes, targets, code, rank, power: rank === 2 ? MAX_POWER : view.power(author), cuts: new Map(cutsOf(body).map((c) => [c.device, c])),
  })
  switch (body.type) {
    case 'kick': case 'ban': return make('membership', [body.identity], 'removed')
    case 'roleUnassign': return body.identity === author ? undefined : make('power', [body.identity], 'demoted')
    case 'rolePower': case 'rolePermissions': case 'roleDelete':
      return lowers(body, view) ? make('power', weaker(history, view, author, (i) => holds(view, i, body.role)), 'demoted') : undefined
    case 'deviceRevoke': {
      const cert = view.certificate(body.device)
      const target = cert === undefined ? undefined : history.node(cert).author
      return target === undefined ? undefined : make('device', [target], 'revoked')
    }
    case 'audience': {
      return view.any(`audience ${body.audience}`) ? make('reading', weaker(history, view, author, (i) => !view.isNamed(body, i)), 'demoted') : undefined
    }
    case 'ownerTransfer': return make('power', [author], 'demoted', 0)
    case 'recoverySet': return make('nothing', [], 'recovered', 0)
    case 'recover': {
      const owner = view.owner()
      return make('power', owner === undefined ? [] : [owner], 'recovered', 2)
    }
    default: return undefined
  }
}

export const isRestrictive = (body: AuthorityBody | undefined): boolean => body !== undefined && RESTRICTIVE.has(body.type)
const RESTRICTIVE: ReadonlySet<AuthorityBody['type']> = new Set<AuthorityBody['type']>([
  'kick', 'ban', 'roleUnassign', 'rolePower', 'rolePermissions', 'roleDelete', 'deviceRevoke', 'audience', 'ownerTransfer', 'recoverySet', 'recover',
])

function lowers(body: RoleShape, view: View): boolean {
  switch (body.type) {
    case 'roleDelete': return true
    case 'rolePower': return body.power < view.rolePower(body.role)
    case 'rolePermissions': return (view.rolePermissions(body.role) & ~body.permissions) !== 0
  }
}

const holds = (view: View, identity: IdentityId, role: RoleId): boolean => /^0+$/.test(role) || view.rolesOf(identity).includes(role)

/** A change of a role hits only those of its holders whom the author could also have acted on one by one. */
function weaker(history: History, view: View, author: IdentityId, hit: (identity: IdentityId) => boolean): IdentityId[] {
  const power = view.power(author)
  return [...history.identities].filter((i) => i !== author && view.isMember(i) && hit(i) && view.power(i) < power).sort()
}

/** Ops that a demotion's cut leaves alone: what every member may do for itself, and other parts' ops. */
function needsPower(node: Node): boolean {
  const { body } = node
  if (body === undefined) return false
  switch (body.type) {
    case 'genesis': case 'join': case 'leave': case 'keyPackage': case 'profile': case 'about': case 'deviceAdd': case 'forkProof': case 'recover': return false
    case 'deviceRevoke': return body.proof === undefined && body.device !== node.device
    case 'roleUnassign': return body.identity !== node.author
    default: return true
  }
}

/** Whether the cut's prefix of the device's chain holds this op. */
function inPrefix(history: History, node: Node, restriction: Restriction): boolean {
  const cut = restriction.cuts.get(node.device)
  const last = cut?.authority === undefined ? undefined : history.indexOf(cut.authority)
  return last !== undefined && (last === node.index || history.node(last).past.has(node.index))
}

export function hits(history: History, node: Node, restriction: Restriction): boolean {
  if (node.author === undefined || !restriction.targets.includes(node.author)) return false
  if (restriction.takes !== 'device') return true
  const body = history.node(restriction.index).body
  return body?.type === 'deviceRevoke' && body.device === node.device
}

/** Whether the restriction makes this op void. */
export function isBeyond(history: History, node: Node, restriction: Restriction): boolean {
  const { index, takes } = restriction
  if (takes === 'reading' || takes === 'nothing' || node.index === index || node.body?.type === 'genesis') return false
  if (node.past.has(index) || !hits(history, node, restriction)) return false
  // Nobody is removed who is not in: a cut can't take the joining that it presupposes.
  if (node.body?.type === 'join' && history.node(index).past.has(node.index)) return false
  if (takes === 'power' && !needsPower(node)) return false
  const own = history.node(index)
  if (own.device === node.device && own.past.has(node.index)) return false
  return !inPrefix(history, node, restriction)
}

/** Whether a removal fixed this op as part of the chain that counts: then a fork found later does not void it. */
export const isFixed = (history: History, node: Node, restriction: Restriction): boolean =>
  (restriction.takes === 'membership' || restriction.takes === 'device') && hits(history, node, restriction) && inPrefix(history, node, restriction)

/** Who becomes owner by this op. */
export const newOwner = (node: Node): IdentityId | undefined =>
  node.body?.type === 'ownerTransfer' || node.body?.type === 'recover' ? node.body.to : undefined

export const concurrent = (a: Node, b: Node): boolean => a.index !== b.index && !a.past.has(b.index) && !b.past.has(a.index)
