/** Who reads an audience, by a state. 0 is everyone's. */
import { EVERYONE } from '../../wire/authority.ts'
import type { DeviceId, IdentityId } from '../../wire/ids.ts'
import type { DeviceState, SpaceState } from './state.ts'

export function reads(state: SpaceState, audience: number, identity: IdentityId): boolean {
  const member = state.members.get(identity)
  const named = state.audiences.get(audience)
  if (member === undefined || audience === 0) return member !== undefined
  return named !== undefined && (named.identities.includes(identity) || named.roles.some((role) => role === EVERYONE || member.roles.includes(role)))
}

/** The devices of its readers: those that belong into its group. */
export function readerDevices(state: SpaceState, audience: number): ReadonlyMap<DeviceId, DeviceState> {
  if (audience === 0) return state.devices
  return new Map([...state.devices].filter(([, { identity }]) => reads(state, audience, identity)))
}
