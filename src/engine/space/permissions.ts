/** What a role lets its holders do. Bits of one number: part of signed ops, so never renumbered. */
export const PERMISSIONS = {
  /** Make and take back own invites. */
  invite: 1,
  /** Create, rename, order and delete channels, their topics and overrides, and audiences. */
  channels: 2,
  /** Create, change, give and take roles below the own power. */
  roles: 4,
  kick: 8,
  ban: 16,
  timeout: 32,
  /** Delete or pin what others wrote. */
  messages: 64,
  /** Name, history policy and relays of the space. */
  space: 128,
  send: 256,
  react: 512,
  attach: 1024,
  thread: 2048,
  /** Address everyone at once. */
  everyone: 4096,
  speak: 8192,
} as const

export type Permission = keyof typeof PERMISSIONS

export const ALL_PERMISSIONS = Object.values(PERMISSIONS).reduce((all, bit) => all | bit, 0)
/** Everyone's, in a new space. */
export const FIRST_PERMISSIONS =
  PERMISSIONS.invite | PERMISSIONS.send | PERMISSIONS.react | PERMISSIONS.attach | PERMISSIONS.thread | PERMISSIONS.speak

export const has = (permissions: number, permission: Permission): boolean => (permissions & PERMISSIONS[permission]) !== 0

/** How many are set: of two sets, the smaller is the more restrictive. */
export function count(permissions: number): number {
  let n = 0
  for (let rest = permissions; rest !== 0; rest &= rest - 1) n++
  return n
}
