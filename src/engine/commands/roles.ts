/** Roles: what they are called, how strong they are, what they let people do, and who holds them. */
import type { AuthorityBody } from '../../wire/authority.ts'
import { type Cut, EVERYONE, MAX_POWER, parseRoleId, type RoleId } from '../../wire/authority.ts'
import { bitsOf } from '../../wire/permissions.ts'
import { cutsOf } from '../cuts.ts'
import { fail } from '../errors.ts'
import type { Replica } from '../replica.ts'
import { type AskedIn, change, changeAll, named, type Refusal, type Run } from './asked.ts'

const powerful = (power: number): Refusal => (power < MAX_POWER ? undefined : fail('bad-request', 'A role has a power of 0 to 99.'))

export function createRole(asked: AskedIn, c: Run<'create-role'>): Promise<Refusal> | Refusal {
  const wrong = named(c.name) ?? powerful(c.power)
  if (wrong !== undefined) return wrong
  const role = parseRoleId(asked.engine.world.random.bytes(16)) as RoleId
  return change(asked, { type: 'roleCreate', role, name: c.name.trim(), power: c.power, permissions: bitsOf(c.permissions) }, { role })
}

export function changeRole(asked: AskedIn, c: Run<'change-role'>): Promise<Refusal> | Refusal {
  const { replica } = asked
  const wrong = (c.name === undefined ? undefined : named(c.name)) ?? (c.power === undefined ? undefined : powerful(c.power))
  if (wrong !== undefined) return wrong
  const before = replica.authority.state.roles.get(c.role)
  if (before === undefined) return fail('unknown-role')
  const bodies: AuthorityBody[] = []
  if (c.name !== undefined && c.name.trim() !== before.name) bodies.push({ type: 'roleName', role: c.role, name: c.name.trim() })
  if (c.power !== undefined && c.power !== before.power) bodies.push({ type: 'rolePower', role: c.role, power: c.power, cuts: c.power < before.power ? cutsOfHolders(replica, c.role) : [] })
  const permissions = c.permissions === undefined ? before.permissions : bitsOf(c.permissions)
  if (permissions !== before.permissions) {
    bodies.push({ type: 'rolePermissions', role: c.role, permissions, cuts: (before.permissions & ~permissions) !== 0 ? cutsOfHolders(replica, c.role) : [] })
  }
  return changeAll(asked, bodies)
}

export function deleteRole(asked: AskedIn, c: Run<'delete-role'>): Promise<Refusal> {
  return change(asked, { type: 'roleDelete', role: c.role, cuts: cutsOfHolders(asked.replica, c.role) })
}

export function giveRole(asked: AskedIn, c: Run<'give-role'>): Promise<Refusal> {
  return change(asked, { type: 'roleAssign', role: c.role, identity: c.member })
}

export function takeRole(asked: AskedIn, c: Run<'take-role'>): Promise<Refusal> {
  const { replica } = asked
  // Laying down one's own takes nothing back.
  const cuts = c.member === replica.me.identity ? [] : cutsOf(replica, [c.member])
  return change(asked, { type: 'roleUnassign', role: c.role, identity: c.member, cuts })
}

/** How far we have seen everyone whom a change of this role may hit: what they did before is theirs. */
function cutsOfHolders(replica: Replica, role: RoleId): Cut[] {
  const { members } = replica.authority.state
  const mine = members.get(replica.me.identity)?.power ?? 0
  return cutsOf(replica, [...members].flatMap(([identity, member]) => (member.power < mine && (role === EVERYONE || member.roles.includes(role)) ? [identity] : [])))
}
