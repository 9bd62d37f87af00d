/**
 * The part of the api about who may do what: roles, removals, ownership, settings, devices. What nobody may undo is decided nowhere else than in
 * the engine; `may` and `mayActOn` only say beforehand what it would not refuse, so that an app need not offer it.
 */
import type { MessageInfo } from '../api.ts'
import type { AuthorityType, RoleId } from '../wire/authority.ts'
import type { NoteContent } from '../wire/content.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId, OpId, SpaceId } from '../wire/ids.ts'
import type { Permission } from '../wire/permissions.ts'

export type AuthorityCommand = AuthorityQuestion | AuthorityAct

/** Anyone who has the space may ask. */
export type AuthorityQuestion =
  | { readonly type: 'list-roles'; readonly space: SpaceId }
  | { readonly type: 'list-bans'; readonly space: SpaceId }
  | { readonly type: 'list-overrides'; readonly space: SpaceId; readonly channel: ChannelId }
  | { readonly type: 'list-devices'; readonly space: SpaceId }
  /** Digits that are the same for all who share the keys of everyone's group, or of a channel's: read out, they show that nobody sits in between. Others after each change. */
  | { readonly type: 'group-code'; readonly space: SpaceId; readonly channel?: ChannelId }
  /** Digits that two people see alike, on all their devices and in all spaces, if each has the other's true identity. */
  | { readonly type: 'person-code'; readonly space: SpaceId; readonly member: IdentityId }
  /** This person has compared the digits of person-code, now; or takes that back. For all their devices, and nobody else. */
  | { readonly type: 'mark-checked'; readonly space: SpaceId; readonly member: IdentityId; readonly on: boolean }
  | { readonly type: 'get-recovery'; readonly space: SpaceId }
  /** Acts come in their order, the last `limit` (50) before `before` (left out: the newest). */
  | { readonly type: 'list-audit'; readonly space: SpaceId; readonly limit?: number; readonly before?: OpId }
  /** Messages, and what was said about messages, that are here and don't count, and why: everyone's for those who manage messages, one's own for others. The newest before `before`; go on from `next`. */
  | { readonly type: 'list-hidden'; readonly space: SpaceId; readonly channel: ChannelId; readonly limit?: number; readonly before?: OpId }
  /** Why an act does not count. */
  | { readonly type: 'explain'; readonly space: SpaceId; readonly op: OpId }

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
  /** Whoever doesn't manage messages waits so long (ms, at most six hours) between two messages there; 0: they needn't. */
  | { readonly type: 'set-slow-mode'; readonly space: SpaceId; readonly channel: ChannelId; readonly everyMs: number }
  | { readonly type: 'delete-channel'; readonly space: SpaceId; readonly channel: ChannelId }
  /** Whether who comes later reads what was said before. 'from-join' takes back the links there are: their kits at the relays hold the keys of the past. */
  /** channel: of a private one, and of those with the same readers. */
  | { readonly type: 'set-history'; readonly space: SpaceId; readonly channel?: ChannelId; readonly history: HistoryPolicy }
  /** Where the space's mail lies, one to four relays: every device follows. Links made from then on name them; what was posted at relays that were left stays there. */
  | { readonly type: 'set-relays'; readonly space: SpaceId; readonly relays: readonly string[] }
  /**
   * What is said is deleted on every device of the space after so long (at least an hour), or when a channel has more bytes (at least a MiB); left out: never. For one
   * channel, or for all that don't say it themselves; `follows`: the channel does as the space again. It begins a day after it was set, so that it can be taken back.
   */
  | { readonly type: 'set-retention'; readonly space: SpaceId; readonly channel?: ChannelId; readonly afterMs?: number; readonly maxBytes?: number; readonly follows?: boolean }
  /** What was said in the channel before this time (ms since 1970) is deleted on every device of the space, a day from now. It can't be undone after that. */
  | { readonly type: 'clear-channel'; readonly space: SpaceId; readonly channel: ChannelId; readonly before: number }
  /** Lets somebody read what was said while the history was for all, who came by a link that doesn't give it: one made before a removal. */
  | { readonly type: 'share-history'; readonly space: SpaceId; readonly member: IdentityId }
  /** It can do nothing more and comes back never. One's own always; others' with the permission to kick, and more power. */
  | { readonly type: 'revoke-device'; readonly space: SpaceId; readonly device: DeviceId }
  /** For an owner who gets lost: so many of these members may name a new one. A later set replaces it. */
  | { readonly type: 'set-recovery'; readonly space: SpaceId; readonly threshold: number; readonly members: readonly IdentityId[] }
  | { readonly type: 'end-recovery'; readonly space: SpaceId }
  /** As one of the set: a signature for `member` as the new owner, to be given to whoever collects them. Changes nothing by itself. */
  | { readonly type: 'sign-recovery'; readonly space: SpaceId; readonly member: IdentityId }
  /** Makes `member` the owner, with the signatures of enough of the set. One's own need not be among them. */
  | { readonly type: 'recover'; readonly space: SpaceId; readonly member: IdentityId; readonly signatures: readonly string[] }

/** How long what is said is kept: for so long (ms), and at most so many bytes of a channel; 0: no end. */
export interface Keeps { readonly afterMs: number; readonly maxBytes: number }

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
  /** What this person calls it; empty: nothing, and of others' devices. */
  readonly name: string
  /** The one that answers. */
  readonly here: boolean
  readonly online: boolean
  readonly addedAt: number
  readonly mayRevoke: boolean
}

export interface RecoveryInfo { readonly threshold: number; readonly members: readonly IdentityId[]; readonly maySign: boolean }

/**
 * What devices do for the groups by themselves; listed where it doesn't count. commit: a change of a group's keys; commitReject: that one can't be followed; bundle, keyWant, grant: keys told to all, asked for and told
 * to one device; historyShare: somebody shown what was said before.
 */
export type GroupAct = 'commit' | 'commitReject' | 'bundle' | 'keyWant' | 'grant' | 'historyShare'

/** One act of somebody: what it was, and whom or what it was about. */
export interface ActRef {
  readonly op: OpId
  /** As in signed ops, so it stays as it is. */
  readonly kind: AuthorityType | GroupAct
  /** undefined only for acts of strangers, which never count. */
  readonly by: IdentityId | undefined
  readonly byName: string
  readonly about: Subject
}

/** What fits the kind. Names are those of now, or the last there were. */
export interface Subject {
  readonly member?: IdentityId
  readonly memberName?: string
  readonly role?: RoleId
  readonly roleName?: string
  readonly channel?: ChannelId
  readonly channelName?: string
  readonly invite?: InviteId
  readonly device?: DeviceId
  /** What was written: a name, a topic. */
  readonly text?: string
  readonly power?: number
  readonly permissions?: readonly Permission[]
  readonly until?: number
  /** Of a slow mode. */
  readonly everyMs?: number
  readonly history?: HistoryPolicy
  /** Left out of a channel's: it follows the space. */
  readonly keeps?: Keeps
}

export interface ActInfo extends ActRef {
  readonly mine: boolean
  /** Ms since 1970, as its author's device had it. */
  readonly at: number
  readonly state: 'counts' | 'void'
  /** Of a void one. */
  readonly reason?: Reason
  /** The act that counts and decided against a void one, where one did: not always the nearest reason, see `explain`. */
  readonly becauseOf?: ActRef
}

export interface HiddenInfo {
  readonly message: MessageInfo
  /** What was said about the message, and doesn't count; left out: the message itself. */
  readonly note?: HiddenNote
  readonly reason: Reason
  readonly becauseOf?: ActRef
}

export interface HiddenNote {
  readonly id: OpId
  readonly kind: NoteContent['type']
  readonly by: IdentityId
  readonly byName: string
  readonly at: number
  /** The new words, or the emoji. */
  readonly text?: string
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
  'set-slow-mode': Record<never, never>
  'delete-channel': Record<never, never>
  'set-history': Record<never, never>
  'set-relays': Record<never, never>
  'share-history': Record<never, never>
  'set-retention': Record<never, never>
  'clear-channel': Record<never, never>
  'group-code': { readonly code: string; readonly epoch: OpId }
  'person-code': { readonly code: string }
  'mark-checked': Record<never, never>
  'list-devices': { readonly devices: readonly DeviceInfo[] }
  'revoke-device': Record<never, never>
  /** Left out: the owner has named nobody. */
  'get-recovery': { readonly recovery?: RecoveryInfo }
  'set-recovery': Record<never, never>
  'end-recovery': Record<never, never>
  'sign-recovery': { readonly signature: string }
  'recover': Record<never, never>
  'list-audit': { readonly acts: readonly ActInfo[]; readonly more: boolean }
  'list-hidden': { readonly messages: readonly HiddenInfo[]; readonly next?: OpId }
  /** From the act itself to the one that counts and decided the matter; the act alone where it counts. */
  'explain': { readonly steps: readonly ActInfo[] }
}

export type AuthorityUpdate =
  /** The strongest first, everyone's last. */
  | { readonly type: 'roles'; readonly space: SpaceId; readonly roles: readonly RoleInfo[] }
  /** Acts that had counted here count no longer, or again, because of what came in: one's own first. `more`: how many are not told of. */
  | { readonly type: 'undone'; readonly space: SpaceId; readonly acts: readonly ActInfo[]; readonly more: number }
  | { readonly type: 'restored'; readonly space: SpaceId; readonly acts: readonly ActInfo[]; readonly more: number }
  /** Somebody did something: ask again for what is shown of bans, overrides, devices, invites, recovery or the audit. */
  | { readonly type: 'acts'; readonly space: SpaceId }

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
  | 'malformed' | 'bad-signature' | 'bad-cut' | 'too-many-devices'
  /** A change of the group's keys: it puts out somebody who is in; those who could process it say that it can't be. Keys told to others: not the ones they are said to be. */
  | 'still-in' | 'rejected' | 'wrong-keys'
  /** The author. */
  | 'not-a-member' | 'device-not-authorised' | 'device-revoked' | 'no-permission' | 'power-too-low' | 'owner-only' | 'grants-too-much' | 'timed-out' | 'not-a-reader' | 'not-in-dm' | 'not-its-author' | 'too-soon'
  /** What it is about. */
  | 'unknown-member' | 'unknown-role' | 'unknown-channel' | 'unknown-invite' | 'unknown-audience' | 'unknown-ban' | 'unknown-device'
  | 'exists' | 'everyone-role' | 'device-taken' | 'limit-reached' | 'owner-must-transfer' | 'nothing-to-do'
  /** Joining. */
  | 'banned' | 'invite-expired' | 'invite-used-up' | 'invite-revoked' | 'invite-before-removal'
  /** What others did at the same time: `by` says which op. */
  | 'removed' | 'demoted' | 'revoked' | 'became-owner' | 'recovered' | 'forked'
