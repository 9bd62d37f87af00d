/** Sums of permissions. */
import { type Permission, PERMISSIONS } from '../../wire/permissions.ts'

export const ALL_PERMISSIONS = Object.values(PERMISSIONS).reduce((all, bit) => all | bit, 0)
/** Everyone's, in a new space. */
export const FIRST_PERMISSIONS =
  PERMISSIONS.invite | PERMISSIONS.send | PERMISSIONS.react | PERMISSIONS.attach | PERMISSIONS.thread | PERMISSIONS.speak

/** Everybody's in a direct conversation, which has no owner. */
export const DM_PERMISSIONS = FIRST_PERMISSIONS | PERMISSIONS.channels | PERMISSIONS.space

export const has = (permissions: number, permission: Permission): boolean => (permissions & PERMISSIONS[permission]) !== 0

/** How many are set: of two sets, the smaller is the more restrictive. */
export function count(permissions: number): number {
  let n = 0
  for (let rest = permissions; rest !== 0; rest &= rest - 1) n++
  return n
}
