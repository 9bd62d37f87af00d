/**
 * Everything that a client (the page, the headless peer's line, the simulator's people) and an engine's host say to each other.
 * A Command is answered by exactly one Reply with the same id; Updates come on their own.
 * Ids are hex strings, times milliseconds since 1970, links full URLs.
 */
import type { AuthorityCommand, AuthorityResults, AuthorityUpdate, HistoryPolicy, Keeps, MemberAct, Reason } from './api/authority.ts'
import type { MessageCommand, MessageResults, MessageUpdate } from './api/messages.ts'
import type { RoleId } from './wire/authority.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId, SpaceId } from './wire/ids.ts'
import type { Permission } from './wire/permissions.ts'

export type { FoundMessage, MessageInfo, ReactionInfo, ReplyInfo, SendState, UtcOffset } from './api/messages.ts'

export type Command =
  | AuthorityCommand
  | MessageCommand
  /** First start: makes identity and device. Refused with 'already-set-up' later; set-name renames. With `anew` also where there was somebody, and the disk was emptied. */
  | { readonly type: 'set-up'; readonly name: string; readonly anew?: boolean }
  | { readonly type: 'set-name'; readonly name: string }
  /** What others see of this person in every space, beside the name. What is left out stays. */
  | { readonly type: 'set-profile'; readonly about?: string; readonly emoji?: string; readonly colour?: number }
  /** A name for a device of one's own, which only these see; empty: none. */
  | { readonly type: 'name-device'; readonly device: DeviceId; readonly name: string }
  /** On a device that is in no space: a code for another device of the same person, which answers it with link-device. */
  | { readonly type: 'ask-to-link' }
  /** Makes the device whose screen shows `request` one of this person's. The answer is for that device alone, and good for an hour. Only where the recovery phrase is. */
  | { readonly type: 'link-device'; readonly request: string }
  /** Takes the answer: from now on this device is that person's, and joins their spaces by itself. */
  | { readonly type: 'finish-link'; readonly answer: string }
  /** The words by which this person can be had again. Only on the device where they began, and where the phrase was entered. */
  | { readonly type: 'recovery-phrase' }
  /** On a linked device: it can do from now on what only the phrase allows. On one that is in no space: it becomes that person's, who comes back into spaces by invites; the name is for one that has none yet. */
  | { readonly type: 'enter-phrase'; readonly phrase: string; readonly name?: string }
  /** Relay base URLs for new spaces and for joining, the first preferred. */
  | { readonly type: 'create-space'; readonly name: string; readonly relays?: readonly string[] }
  | { readonly type: 'list-spaces' }
  /** A conversation with members of a space: the one there is with just these people, or a new one. They are let in by themselves. */
  | { readonly type: 'open-dm'; readonly space: SpaceId; readonly members: readonly IdentityId[] }
  | { readonly type: 'rename-space'; readonly space: SpaceId; readonly name: string }
  | { readonly type: 'leave-space'; readonly space: SpaceId }
  /** readers: only they read what is written there, by name or by a role; whoever makes it is one of them. Left out: everyone. */
  | { readonly type: 'create-channel'; readonly space: SpaceId; readonly name: string; readonly kind?: ChannelKind | 'category'; readonly category?: ChannelId; readonly readers?: Readers }
  /** Who reads what is written from now on; left out: everyone. What was said before stays with those who could read it then. */
  | { readonly type: 'set-readers'; readonly space: SpaceId; readonly channel: ChannelId; readonly readers?: Readers }
  /** Behind another one, or to the front; into a category, or left out: into none. Categories are moved in the same way, and are renamed and deleted like channels. */
  | { readonly type: 'move-channel'; readonly space: SpaceId; readonly channel: ChannelId; readonly category?: ChannelId; readonly after?: ChannelId }
  | { readonly type: 'rename-channel'; readonly space: SpaceId; readonly channel: ChannelId; readonly name: string }
  | { readonly type: 'list-channels'; readonly space: SpaceId }
  | { readonly type: 'list-members'; readonly space: SpaceId }
  | { readonly type: 'remove-member'; readonly space: SpaceId; readonly member: IdentityId }
  /** role: what whoever comes by it holds at once; uses: how many may join through it (left out: 100); expiresInMs from now (left out: 7 days); base: URL of the app that the link opens. */
  | { readonly type: 'create-invite'; readonly space: SpaceId; readonly role?: RoleId; readonly uses?: number; readonly expiresInMs?: number; readonly base?: string }
  | { readonly type: 'list-invites'; readonly space: SpaceId }
  | { readonly type: 'revoke-invite'; readonly space: SpaceId; readonly invite: InviteId }
  /** What a link says before joining: decodes only, asks nobody. */
  | { readonly type: 'read-link'; readonly link: string }
  /** Resolves when this device is a member with readable channels, or with a plain error. Goes on trying in the background when 'waiting'. */
  | { readonly type: 'join'; readonly link: string }
  | { readonly type: 'status' }
  /** How much room the spaces take on this device. */
  | { readonly type: 'storage' }
  /** This device keeps so many bytes of each channel, or of this one, ready to read (0: no limit; none: this one like the others); older messages are packed away until somebody goes there. Nobody else is told. */
  | { readonly type: 'keep-here'; readonly space: SpaceId; readonly channel?: ChannelId; readonly maxBytes?: number }
  /** Tidies the disk, which happens by itself as well: what was deleted leaves it for good, and room is given back. Answered when it is done. */
  | { readonly type: 'compact' }
  /** Looks at all there is on the disk, beside everything else; what is damaged is cut out and fetched again. */
  | { readonly type: 'check-storage' }
  /** All that is on this device in one file, sealed under a passphrase; and such a file onto a device that is in no space. One at a time. */
  | { readonly type: 'save-copy'; readonly passphrase: string }
  | { readonly type: 'take-copy'; readonly file: string; readonly passphrase: string }
  | { readonly type: 'cancel-copy' }

/** At least one role's holders or one member. */
export interface Readers { readonly roles?: readonly RoleId[]; readonly members?: readonly IdentityId[] }

/** text: what people write, in one line of time. forum: posts, each with a thread below it. */
export type ChannelKind = 'text' | 'forum'

export type CommandType = Command['type']

export interface SpaceInfo {
  readonly space: SpaceId
  /** dm: a conversation between a few people, equal in it, apart from the space where they met. Its name is theirs. */
  readonly kind: 'space' | 'dm'
  readonly name: string
  /** joining: the join is sent and no member's device has let us in yet. removed: we are no longer a member; history stays readable. mending: damage took what says whether we are; others are asked. */
  readonly state: 'joining' | 'member' | 'removed' | 'mending'
  readonly role: 'owner' | 'member'
  readonly relays: readonly string[]
  readonly unread: number
  /** Of the unread, those that mean this person. */
  readonly mentions: number
  readonly history: HistoryPolicy
  /** What this person may do here, but for what other people or roles stand above it. */
  readonly may: readonly Permission[]
  /** This person's time-out (ms since 1970); 0: none. */
  readonly timedOutUntil: number
  /** How long what is said is kept, in channels that don't say it themselves. */
  readonly keeps: Keeps
  /** Of a conversation: when something was last said there, or else when it was opened (ms since 1970), by the clock of who did; 0 of spaces. */
  readonly lastAt: number
}

export interface ChannelInfo {
  readonly channel: ChannelId
  readonly name: string
  readonly topic: string
  readonly kind: ChannelKind
  /** Channels in none come first, then those of each category, each in their order. */
  readonly category: ChannelId | undefined
  readonly unread: number
  /** Of the unread, those that mean this person. */
  readonly mentions: number
  /** As in the space, changed by the channel's overrides. */
  readonly may: readonly Permission[]
  /** How long what is said is kept; undefined: as the space says. */
  readonly keeps: Keeps | undefined
  /** Who doesn't manage messages waits so long between two (ms); 0: they needn't. And when this person may write the next one (ms since 1970); 0: now. */
  readonly slowMs: number
  readonly nextAt: number
  /** Not everyone's. Channels that one may not read are not listed. */
  readonly private: boolean
  /** Of a private channel. */
  readonly readers: Required<Readers> | undefined
  /** Of a private channel: what new readers can read. Others are as the space says. */
  readonly history: HistoryPolicy | undefined
  /** waiting: we may read it, and nobody who is in its group has let our device in yet. It goes on by itself. */
  readonly state: 'readable' | 'waiting'
}

/** In their order, also those without channels. */
export interface CategoryInfo { readonly category: ChannelId; readonly name: string }

/** What a person says of themself, and how they look without a picture: empty texts say nothing; colour is one of twelve, 0 that of the id. */
export interface Profile { readonly about: string; readonly emoji: string; readonly colour: number }

/**
 * Whether this person compared digits with somebody. changed: they did, and the digits are others now. namesake: not with this one, but with another person of the same name.
 */
export type CheckState = 'none' | 'checked' | 'changed' | 'namesake'

export interface MemberInfo extends Profile {
  readonly member: IdentityId
  readonly name: string
  readonly check: CheckState
  readonly role: 'owner' | 'member'
  readonly power: number
  /** But for everyone's. */
  readonly roles: readonly RoleId[]
  /** Ms since 1970; 0: none. */
  readonly timedOutUntil: number
  readonly online: boolean
  readonly me: boolean
  readonly mayActOn: readonly MemberAct[]
}

export interface InviteInfo {
  readonly invite: InviteId
  /** Only for invites that this device made: other members don't know the secret. */
  readonly link: string | undefined
  readonly createdBy: IdentityId
  readonly role: RoleId | undefined
  readonly uses: number
  readonly used: number
  readonly expiresAt: number
  readonly state: 'live' | 'expired' | 'used-up' | 'revoked'
}

export interface PeerStatus {
  /** The connection's peer id. */
  readonly peer: string
  readonly path: 'direct' | 'relayed'
  /** Known once the peer has proved which member it is. */
  readonly device: DeviceId | undefined
  readonly name: string | undefined
}

/** Somebody who sent what no honest app sends, and is not listened to until then: a connection, or a device by whatever connection it comes. */
export type MutedPeer = ({ readonly peer: string } | { readonly device: DeviceId; readonly name: string | undefined }) & { readonly until: number; readonly fault: string }

export interface RelayStatus { readonly url: string; readonly state: 'up' | 'down' }

export interface StatusInfo {
  readonly peers: readonly PeerStatus[]
  readonly relays: readonly RelayStatus[]
  /** Own messages that nobody else is known to have, and own changes that no relay has. */
  readonly queued: number
  readonly muted: readonly MutedPeer[]
}

/** Bytes on this device, nearly: all of it; members, keys and mail; the search index; each channel, with the log it is made from; what else there is, with channels that are not listed. */
export interface SpaceRoom {
  readonly space: SpaceId
  readonly bytes: number
  readonly keys: number
  readonly search: number
  readonly other: number
  /** What this device keeps ready to read of each channel at most; 0: no limit. */
  readonly keepsHere: number
  /** `follows`: it has no limit of its own. */
  readonly channels: readonly { readonly channel: ChannelId; readonly bytes: number; readonly keepsHere: number; readonly follows: boolean }[]
}

/** hasPhrase: this device can link and end devices, and sign recoveries. stuck: it was put back to an earlier state and writes nothing until the phrase is entered or it is linked again. */
export interface MeInfo { readonly identity: IdentityId; readonly device: DeviceId; readonly name: string; readonly hasPhrase: boolean; readonly stuck: boolean; readonly profile: Profile }

export type LinkInfo =
  | { readonly type: 'invite'; readonly space: SpaceId; readonly spaceName: string; readonly inviterName: string; readonly relays: readonly string[]; readonly expiresAt: number }

/** Whose fault and what next, in a sentence for people. `code` is for programs and stable; `reason` says more where authority refused. */
export interface ApiError { readonly code: ErrorCode; readonly message: string; readonly reason?: Reason }

export type ErrorCode =
  | 'bad-request' | 'not-set-up' | 'already-set-up' | 'unknown-space' | 'unknown-channel' | 'unknown-member' | 'unknown-message' | 'unknown-invite'
  | 'unknown-role' | 'unknown-device' | 'unknown-act' | 'unknown-window'
  /** Linking devices: not such a code or answer, or not for this device. */
  | 'linking-invalid'
  /** Only the identity's own key can do this, and it is not on this device; what was typed is no phrase, or not this person's. */
  | 'needs-phrase' | 'phrase-invalid'
  /** Recovery: the owner has named nobody; a signature does not count; too few are here. */
  | 'no-recovery' | 'recovery-invalid' | 'recovery-incomplete'
  | 'not-allowed' | 'not-a-member' | 'mending' | 'name-empty' | 'name-too-long' | 'text-empty' | 'text-too-long' | 'limit-reached'
  /** Links: not one of ours or damaged; made by a newer version; past its end; taken back; all uses taken; nobody reachable knows it (yet). */
  | 'link-invalid' | 'link-newer' | 'link-expired' | 'link-revoked' | 'link-used-up' | 'link-unknown' | 'relay-unreachable' | 'already-member' | 'banned'
  /** This device was put back to what it once was, and goes on under a new key. */
  | 'put-back'
  /** The disk is from before what this device did last: it signs nothing until others have told. Or it is empty, and there was somebody. */
  | 'older' | 'emptied'
  /** A part of the disk could not be read: it is fetched again where it can be. */
  | 'damaged'
  /** Copies: not its passphrase; no copy, or a damaged one; made by a newer version; the storage here is damaged; a passphrase that is too short; given up. */
  | 'copy-locked' | 'copy-invalid' | 'copy-newer' | 'copy-damaged' | 'passphrase-short' | 'cancelled'
  | 'disk-full' | 'disk-failed' | 'busy' | 'internal'

export interface Results extends AuthorityResults, MessageResults {
  'set-up': { readonly identity: IdentityId; readonly device: DeviceId }
  'set-name': Record<never, never>
  'set-profile': Record<never, never>
  'name-device': Record<never, never>
  'ask-to-link': { readonly request: string }
  /** missing: where this person may invite nobody; an invite by somebody else leads there. */
  'link-device': { readonly answer: string; readonly spaces: number; readonly missing: readonly SpaceId[] }
  'finish-link': { readonly identity: IdentityId; readonly device: DeviceId; readonly name: string; readonly spaces: number }
  'recovery-phrase': { readonly phrase: string }
  'enter-phrase': { readonly identity: IdentityId; readonly device: DeviceId }
  'create-space': { readonly space: SpaceId; readonly channel: ChannelId }
  'open-dm': { readonly space: SpaceId; readonly channel: ChannelId }
  'list-spaces': { readonly spaces: readonly SpaceInfo[] }
  'rename-space': Record<never, never>
  'leave-space': Record<never, never>
  'create-channel': { readonly channel: ChannelId }
  'move-channel': Record<never, never>
  'rename-channel': Record<never, never>
  'set-readers': Record<never, never>
  'list-channels': { readonly channels: readonly ChannelInfo[]; readonly categories: readonly CategoryInfo[] }
  'list-members': { readonly members: readonly MemberInfo[] }
  'remove-member': Record<never, never>
  'create-invite': { readonly invite: InviteId; readonly link: string; readonly expiresAt: number }
  'list-invites': { readonly invites: readonly InviteInfo[] }
  'revoke-invite': Record<never, never>
  'read-link': LinkInfo
  'join': { readonly space: SpaceId }
  'status': StatusInfo
  'storage': { readonly spaces: readonly SpaceRoom[] }
  'compact': Record<never, never>
  'keep-here': Record<never, never>
  /** Places that were damaged. */
  'check-storage': { readonly damaged: number }
  /** device: which the copy becomes where it is taken; left out: it will have to be let in anew. */
  'save-copy': { readonly file: string; readonly bytes: number; readonly device?: DeviceId }
  'take-copy': Record<never, never>
  'cancel-copy': Record<never, never>
}

export type Result = { [T in CommandType]: Results[T] }[CommandType]

export type Reply<T extends CommandType = CommandType> =
  | { readonly id: number; readonly ok: true; readonly result: Results[T] }
  | { readonly id: number; readonly ok: false; readonly error: ApiError }

/** What changed, whole: a client replaces what it shows. Messages come one by one, new or changed, by id. */
export type Update =
  | AuthorityUpdate
  | MessageUpdate
  /** isEmptied: there was somebody on this device, and its storage knows nothing of them any more. */
  | { readonly type: 'me'; readonly me: MeInfo | undefined; readonly isEmptied?: true }
  | { readonly type: 'spaces'; readonly spaces: readonly SpaceInfo[] }
  | { readonly type: 'channels'; readonly space: SpaceId; readonly channels: readonly ChannelInfo[]; readonly categories: readonly CategoryInfo[] }
  | { readonly type: 'members'; readonly space: SpaceId; readonly members: readonly MemberInfo[] }
  | { readonly type: 'status'; readonly status: StatusInfo }
  /** Something went wrong that no command asked for: a sentence for people, shown once. */
  | { readonly type: 'notice'; readonly error: ApiError }
  /** How far a check of the disk is, and at the end how many places are damaged. */
  | { readonly type: 'storage'; readonly done: number; readonly all: number; readonly damaged?: number }
  /** How far a copy is. */
  | { readonly type: 'copy'; readonly done: number; readonly all: number }

/** How a locked disk can be opened, besides by the code that was written down. */
export type LockWay = { readonly type: 'passphrase' } | { readonly type: 'recovery' } | { readonly type: 'passkey'; readonly credential: Uint8Array; readonly salt: Uint8Array }

/** locked: nothing but 'unlock' is heard; `failed` wrong tries, and none is looked at before `waitUntil`. open: no ways means that this device opens it by itself. */
export type LockInfo =
  | { readonly type: 'locked'; readonly ways: readonly LockWay[]; readonly failed: number; readonly waitUntil: number }
  | { readonly type: 'open'; readonly ways: readonly LockWay[]; readonly lockAfterMinutes: number }
  | MovingInfo

/** What is kept has to be brought to a new form first. asked: it waits for 'go-on', so that a copy can be saved before. `part` of the copy is done, up to 1. */
export interface MovingInfo { readonly type: 'moving'; readonly step: 'asked' | 'copying' | 'moving'; readonly part: number }

export type Secret =
  | { readonly type: 'passphrase'; readonly text: string }
  | { readonly type: 'recovery'; readonly code: string }
  /** What the passkey's PRF made of its way's salt: 32 bytes. */
  | { readonly type: 'passkey'; readonly credential: Uint8Array; readonly output: Uint8Array }

/** About the lock of this browser's disk: asked of the worker, not of the engine, which runs only behind an open door. `current` where there is a lock already. */
export type DoorAsk =
  | { readonly type: 'unlock'; readonly secret: Secret }
  | { readonly type: 'lock' }
  | { readonly type: 'set-passphrase'; readonly passphrase: string; readonly current?: Secret }
  | { readonly type: 'remove-lock'; readonly current: Secret }
  /** Before a device is asked to make a passkey for somebody who may not add it. */
  | { readonly type: 'prove'; readonly current: Secret }
  | { readonly type: 'add-passkey'; readonly credential: Uint8Array; readonly salt: Uint8Array; readonly output: Uint8Array; readonly current: Secret }
  /** All of them: which is on which device nobody can tell. */
  | { readonly type: 'remove-passkeys'; readonly current: Secret }
  /** 0: only when told. */
  | { readonly type: 'lock-after'; readonly minutes: number }
  /** While it is 'moving'. */
  | { readonly type: 'save-copy'; readonly passphrase: string }
  | { readonly type: 'cancel-copy' }
  | { readonly type: 'go-on' }

/** `recovery`: the code that opens it when the passphrase is forgotten, shown this once. `file`: of a copy. A refusal is a sentence for people. */
export type DoorAnswer = { readonly ok: true; readonly recovery?: string; readonly file?: string } | { readonly ok: false; readonly message: string }

/** Over the worker's port: commands in, replies and updates out. A new client first gets 'lock', 'me', 'spaces' and 'status'. */
export type ToWorker =
  | { readonly type: 'command'; readonly id: number; readonly command: Command }
  | { readonly type: 'door'; readonly id: number; readonly ask: DoorAsk }
  /** Somebody is at the device. */
  | { readonly type: 'active' }
export type FromWorker =
  | { readonly type: 'reply'; readonly reply: Reply }
  | { readonly type: 'update'; readonly update: Update }
  | { readonly type: 'door'; readonly id: number; readonly answer: DoorAnswer }
  | { readonly type: 'lock'; readonly lock: LockInfo }

/** What the app is given to talk through: the worker of this tab, or the leading tab's. Survives a change of leader by itself. */
export interface ClientPort {
  post(message: ToWorker): void
  listen(receive: (message: FromWorker) => void): void
}
