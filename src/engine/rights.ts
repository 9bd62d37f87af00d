/**
 * What one person may do, for apps that offer only what would not be refused. Told from the state alone, so that it can be told of everyone at every
 * change; that authority itself would say the same is tested on random histories.
 */
import type { MemberAct, RoleAct } from '../api/authority.ts'
import { EVERYONE, type RoleId } from '../wire/authority.ts'
import type { IdentityId } from '../wire/ids.ts'
import { type Permission, PERMISSIONS } from '../wire/permissions.ts'
import { has } from './space/permissions.ts'
import type { ChannelState, MemberState, SpaceState } from './space/state.ts'

/** Permissions in a channel: everyone's override first, then those of the roles held together, then the person's own. */
export function permissionsIn(state: SpaceState, identity: IdentityId, { overrides }: Pick<ChannelState, 'overrides'>): number {
  const member = state.members.get(identity)
  if (member === undefined) return 0
  if (identity === state.owner) return member.permissions
  let out = member.permissions
  const layers = [
    overrides.filter((o) => o.role === EVERYONE),
    overrides.filter((o) => o.role !== undefined && o.role !== EVERYONE && member.roles.includes(o.role)),
    overrides.filter((o) => o.identity === identity),
  ]
  for (const layer of layers) {
    const allow = layer.reduce((all, o) => all | o.allow, 0), deny = layer.reduce((all, o) => all | o.deny, 0)
    out = (out & ~deny) | allow
  }
  return out
}

const NEEDED: readonly (readonly [MemberAct, Permission])[] = [['remove-member', 'kick'], ['ban-member', 'ban'], ['time-out-member', 'timeout'], ['revoke-device', 'kick']]

/** Roles that one may give and take. */
export function managedRoles(state: SpaceState, me: IdentityId): RoleId[] {
  const mine = state.members.get(me)
  return mine === undefined ? [] : [...state.roles].filter(([role, r]) => role !== EVERYONE && mayManage(mine, r)).map(([role]) => role)
}

/** `managed` is the same for all members: whoever asks about many hands it in. */
export function actsOnMember(state: SpaceState, me: IdentityId, member: IdentityId, managed = managedRoles(state, me)): MemberAct[] {
  const mine = state.members.get(me), target = state.members.get(member)
  if (mine === undefined || target === undefined) return []
  if (me === member) return [...(target.roles.length > 0 ? ['take-role' as const] : []), 'revoke-device']
  const out: MemberAct[] = []
  if (target.power < mine.power) {
    for (const [act, permission] of NEEDED) if (has(mine.permissions, permission)) out.push(act)
    if (managed.some((role) => !target.roles.includes(role))) out.push('give-role')
    if (managed.some((role) => target.roles.includes(role))) out.push('take-role')
  }
  if (state.owner === me) out.push('transfer-ownership')
  return out
}

export function actsOnRole(state: SpaceState, me: IdentityId, role: RoleId): RoleAct[] {
  const mine = state.members.get(me), known = state.roles.get(role)
  if (mine === undefined || known === undefined || !mayManage(mine, known)) return []
  return role === EVERYONE ? ['change-role'] : ['change-role', 'delete-role', 'give-role']
}

const mayManage = (mine: MemberState, role: { readonly power: number }): boolean => (mine.permissions & PERMISSIONS.roles) !== 0 && role.power < mine.power
