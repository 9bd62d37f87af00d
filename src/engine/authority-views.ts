/** What clients see of roles, bans, overrides, devices and the recovery set. */
import type { BanInfo, DeviceInfo, OverrideInfo, RecoveryInfo, RoleInfo } from '../api/authority.ts'
import { EVERYONE } from '../wire/authority.ts'
import type { ChannelId, DeviceId } from '../wire/ids.ts'
import { HLC_STEP } from '../wire/op.ts'
import { namesOf } from '../wire/permissions.ts'
import type { Replica } from './replica.ts'
import { actsOnMember, actsOnRole } from './rights.ts'
import { isListed } from './views.ts'

export function roleInfos({ authority: { state }, me }: Replica): RoleInfo[] {
  const holders = new Map<string, number>()
  for (const { roles } of state.members.values()) for (const role of roles) holders.set(role, (holders.get(role) ?? 0) + 1)
  return [...state.roles].map(([role, r]): RoleInfo => ({
    role, name: r.name, power: r.power, permissions: namesOf(r.permissions), everyone: role === EVERYONE,
    holders: role === EVERYONE ? state.members.size : (holders.get(role) ?? 0), may: actsOnRole(state, me.identity, role),
  })).sort((a, b) => Number(a.everyone) - Number(b.everyone) || b.power - a.power || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.role < b.role ? -1 : 1))
}

export function banInfos({ authority, log, me }: Replica): BanInfo[] {
  return [...authority.state.bans].flatMap(([member, op]): BanInfo[] => {
    const header = log.authority.get(op)?.header
    const by = header === undefined ? undefined : authority.identityOf(header.device)
    if (header === undefined || by === undefined) return []
    return [{
      member, name: authority.nameOf(member), by, byName: authority.nameOf(by), at: Math.floor(header.hlc / HLC_STEP),
      mayLift: authority.refuse(me.identity, { type: 'unban', identity: member }) === undefined,
    }]
  })
}

export function overrideInfos(replica: Replica, channel: ChannelId): OverrideInfo[] | undefined {
  if (!isListed(replica, channel)) return undefined
  return replica.authority.state.channels.get(channel)?.overrides.map((o) => ({ role: o.role, member: o.identity, allow: namesOf(o.allow), deny: namesOf(o.deny) }))
}

export function recoveryInfo({ authority: { state: { recovery } }, me }: Replica): { readonly recovery?: RecoveryInfo } {
  if (recovery === undefined) return {}
  return { recovery: { threshold: recovery.threshold, members: recovery.identities, maySign: recovery.identities.includes(me.identity) } }
}

export function deviceInfos({ authority: { state }, me, log }: Replica, online: ReadonlySet<DeviceId>, nameOf: (device: DeviceId) => string): DeviceInfo[] {
  const added = new Map<DeviceId, number>()
  for (const { header } of log.authority.values()) added.set(header.device, Math.min(header.hlc, added.get(header.device) ?? header.hlc))
  return [...state.devices].map(([device, { identity }]): DeviceInfo => ({
    device, member: identity, mine: identity === me.identity, name: identity === me.identity ? nameOf(device) : '', here: device === me.device, online: device === me.device || online.has(device),
    addedAt: Math.floor((added.get(device) ?? 0) / HLC_STEP), mayRevoke: actsOnMember(state, me.identity, identity).includes('revoke-device'),
  }))
}
