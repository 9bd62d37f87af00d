/** What a role lets people do, while somebody chooses. */
import type { Permission } from '../../wire/permissions.ts'

/** What can be ticked. Of the rest (files, calls) there is nothing to do yet; what a role says about it stays. */
export const OFFERED = ['invite', 'channels', 'roles', 'kick', 'ban', 'timeout', 'messages', 'space', 'send', 'react', 'thread', 'everyone'] as const satisfies readonly Permission[]

/** With or without one permission. */
export const granted = (permissions: readonly Permission[], one: Permission, on: boolean): readonly Permission[] =>
  [...permissions.filter((name) => name !== one), ...(on ? [one] : [])]
