/** Why somebody may not do something in a channel: which of the rules that stand there said no last. The engine decides; this only finds the words. */
import type { ChannelInfo, MemberInfo, SpaceInfo } from '../../api.ts'
import type { OverrideInfo, RoleInfo } from '../../api/authority.ts'
import type { Permission } from '../../wire/permissions.ts'

/** What can be allowed or denied for one channel. */
export const IN_CHANNEL = ['send', 'react', 'thread', 'everyone', 'messages'] as const satisfies readonly Permission[]

/** no-role: no role gives it, and nothing here either. */
export type Denial = { readonly type: 'no-role' | 'everyone' | 'me' } | { readonly type: 'role'; readonly role: RoleInfo }

/** undefined: it isn't denied. Everyone's rule comes first, then those of roles together (one yes is enough), then the person's own. */
export function denialOf(permission: Permission, channel: ChannelInfo, space: SpaceInfo, me: MemberInfo, roles: readonly RoleInfo[], overrides: readonly OverrideInfo[]): Denial | undefined {
  if (channel.may.includes(permission)) return undefined
  let denial: Denial | undefined = space.may.includes(permission) ? undefined : { type: 'no-role' }
  const everyones = roles.find((r) => r.everyone)?.role
  const layer = (of: readonly OverrideInfo[], found: (one: OverrideInfo) => Denial): void => {
    if (of.some((o) => o.allow.includes(permission))) { denial = undefined; return }
    const denying = of.find((o) => o.deny.includes(permission))
    if (denying !== undefined) denial = found(denying)
  }
  layer(overrides.filter((o) => o.role !== undefined && o.role === everyones), () => ({ type: 'everyone' }))
  layer(overrides.filter((o) => o.role !== undefined && me.roles.includes(o.role)), (one) => {
    const role = roles.find((r) => r.role === one.role)
    return role === undefined ? { type: 'everyone' } : { type: 'role', role }
  })
  layer(overrides.filter((o) => o.member === me.member), () => ({ type: 'me' }))
  return denial
}
