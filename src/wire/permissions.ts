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

export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as readonly Permission[]

/** By name, in the order of the bits. */
export const namesOf = (permissions: number): Permission[] => PERMISSION_NAMES.filter((name) => (permissions & PERMISSIONS[name]) !== 0)
export const bitsOf = (names: readonly Permission[]): number => names.reduce((all, name) => all | PERMISSIONS[name], 0)
