/**
 * The part of the api about who may do what: roles, removals, ownership, settings, devices. What nobody may undo is decided nowhere else than in
 * the engine; `may` and `mayActOn` only say beforehand what it would not refuse, so that an app need not offer it.
 */
import type { RoleId } from '../wire/authority.ts'
import type { ChannelId, DeviceId, IdentityId, OpId, SpaceId } from '../wire/ids.ts'
import type { Permission } from '../wire/permissions.ts'

export type AuthorityCommand = AuthorityQuestion | AuthorityAct

/** Anyone who has the space may ask. */
export type AuthorityQuestion =
  | { readonly type: 'list-roles'; readonly space: SpaceId }
  | { readonly type: 'list-bans'; readonly space: SpaceId }
  | { readonly type: 'list-overrides'; readonly space: SpaceId; readonly channel: ChannelId }
  | { readonly type: 'list-devices'; readonly space: SpaceId }

/** What changes something. Whatever is so already is answered as done. */
export type AuthorityAct =
  /** power 0-99, below one's own; permissions only of those one has. */
  | { readonly type: 'create-role'; readonly space: SpaceId; readonly name: string; readonly power: number; readonly permissions: readonly Permission[] }
  /** What is left out stays. Of everyone's role only the permissions change. */
  | { readonly type: 'change-role'; readonly space: SpaceId; readonly role: RoleId; readonly name?: string; readonly power?: number; readonly permissions?: readonly Permission[] }
  | { readonly type: 'delete-role'; readonly space: SpaceId; readonly role: RoleId }
  | { readonly type: 'give-role'; readonly space: SpaceId; readonly member: IdentityId; readonly role: RoleId }
  /** Laying down a role of one's own needs no permission. */
  | { readonly type: 'take-role'; readonly space: SpaceId; readonly member: IdentityId; readonly role: RoleId }
  /** Out, and no invite lets them in again until the ban is lifted. Also of people who left or were removed before. */
  | { readonly type: 'ban-member'; readonly space: SpaceId; readonly member: IdentityId }
  | { readonly type: 'unban-member'; readonly space: SpaceId; readonly member: IdentityId }
  /** Until then (ms since 1970) nothing they write counts. */
  | { readonly type: 'time-out-member'; readonly space: SpaceId; readonly member: IdentityId; readonly until: number }
  | { readonly type: 'end-time-out'; readonly space: SpaceId; readonly member: IdentityId }
  /** The owner becomes a member like others, with the roles held. */
  | { readonly type: 'transfer-ownership'; readonly space: SpaceId; readonly member: IdentityId }
  /** For one role's holders or one member, in one channel; both lists empty ends it. */
  | { readonly type: 'set-override'; readonly space: SpaceId; readonly channel: ChannelId; readonly role?: RoleId; readonly member?: IdentityId; readonly allow: readonly Permission[]; readonly deny: readonly Permission[] }
  | { readonly type: 'set-topic'; readonly space: SpaceId; readonly channel: ChannelId; readonly topic: string }
  | { readonly type: 'delete-channel'; readonly space: SpaceId; readonly channel: ChannelId }
  /** Whether who comes later reads what was said before. */
  | { readonly type: 'set-history'; readonly space: SpaceId; readonly history: HistoryPolicy }
  /** It can do nothing more and comes back never. One's own always; others' with the permission to kick, and more power. */
  | { readonly type: 'revoke-device'; readonly space: SpaceId; readonly device: DeviceId }

export type HistoryPolicy = 'all' | 'from-join'

export interface RoleInfo {
  readonly role: RoleId
  /** Empty for everyone's. */
  readonly name: string
  readonly power: number
  readonly permissions: readonly Permission[]
  /** All members hold it: it can't be given, taken or deleted. */
  readonly everyone: boolean
  readonly holders: number
  readonly may: readonly RoleAct[]
}
export type RoleAct = 'change-role' | 'delete-role' | 'give-role'

/** What one may do to a member. give-role, take-role: some role at least. */
export type MemberAct = 'remove-member' | 'ban-member' | 'time-out-member' | 'give-role' | 'take-role' | 'revoke-device' | 'transfer-ownership'

export interface BanInfo { readonly member: IdentityId; readonly name: string; readonly by: IdentityId; readonly byName: string; readonly at: number; readonly mayLift: boolean }
export interface OverrideInfo { readonly role: RoleId | undefined; readonly member: IdentityId | undefined; readonly allow: readonly Permission[]; readonly deny: readonly Permission[] }
export interface DeviceInfo {
  readonly device: DeviceId
  readonly member: IdentityId
  readonly mine: boolean
  /** The one that answers. */
  readonly here: boolean
  readonly online: boolean
  readonly addedAt: number
  readonly mayRevoke: boolean
}

export interface AuthorityResults {
  'create-role': { readonly role: RoleId }
  'change-role': Record<never, never>
  'delete-role': Record<never, never>
  'give-role': Record<never, never>
  'take-role': Record<never, never>
  'list-roles': { readonly roles: readonly RoleInfo[] }
  'ban-member': Record<never, never>
  'unban-member': Record<never, never>
  'list-bans': { readonly bans: readonly BanInfo[] }
  'time-out-member': Record<never, never>
  'end-time-out': Record<never, never>
  'transfer-ownership': Record<never, never>
  'set-override': Record<never, never>
  'list-overrides': { readonly overrides: readonly OverrideInfo[] }
  'set-topic': Record<never, never>
  'delete-channel': Record<never, never>
  'set-history': Record<never, never>
  'list-devices': { readonly devices: readonly DeviceInfo[] }
  'revoke-device': Record<never, never>
}

export type AuthorityUpdate =
  /** The strongest first, everyone's last. */
  | { readonly type: 'roles'; readonly space: SpaceId; readonly roles: readonly RoleInfo[] }

/** Why an act was refused, or does not count. Stable; `by` and `permission` say more where there is more. */
export interface Reason {
  readonly code: ReasonCode
  /** The op that made it so, where one did. */
  readonly by?: OpId
  /** The one that is missing. */
  readonly permission?: Permission
}

export type ReasonCode =
  /** The op itself: not readable; a signature inside it is wrong; a cut names what its author can't have seen. */
  | 'malformed' | 'bad-signature' | 'bad-cut'
  /** The author. */
  | 'not-a-member' | 'device-not-authorised' | 'device-revoked' | 'no-permission' | 'power-too-low' | 'owner-only' | 'grants-too-much' | 'timed-out'
  /** What it is about. */
  | 'unknown-member' | 'unknown-role' | 'unknown-channel' | 'unknown-invite' | 'unknown-audience' | 'unknown-ban' | 'unknown-device'
  | 'exists' | 'everyone-role' | 'device-taken' | 'limit-reached' | 'owner-must-transfer' | 'nothing-to-do'
  /** Joining. */
  | 'banned' | 'invite-expired' | 'invite-used-up' | 'invite-revoked' | 'invite-before-removal'
  /** What others did at the same time: `by` says which op. */
  | 'removed' | 'demoted' | 'revoked' | 'became-owner' | 'recovered' | 'forked'
