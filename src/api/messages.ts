/** The part of the api about what people say: writing, what is done with a message afterwards, reading, and who is writing now. */
import type { RoleId } from '../wire/authority.ts'
import type { ActRef, Reason } from './authority.ts'
import type { ChannelId, IdentityId, OpId, SpaceId } from '../wire/ids.ts'
import type { WindowCommand, WindowResults, WindowUpdate } from './windows.ts'

export type MessageCommand = MessageQuestion | MessageAct | SearchQuestion | WindowCommand

/** Reading, and what concerns this device only: also for those who are members no more. */
export type MessageQuestion =
  /**
   * A window of a channel, or of the thread that this message began, at most `limit` (50) messages, oldest to newest: the newest, or those before, after or
   * around one (or around where what is unread begins). order: where that one stands, for who was told it before: then it is not looked for among all there are.
   */
  | { readonly type: 'get-messages'; readonly space: SpaceId; readonly channel: ChannelId; readonly thread?: OpId; readonly limit?: number
    readonly before?: OpId; readonly after?: OpId; readonly around?: OpId; readonly order?: number; readonly unread?: boolean }
  /** Messages that began threads, and the posts of a forum: those that lately went on first, with this tag, `limit` (50) of them behind `before`. */
  | { readonly type: 'list-threads'; readonly space: SpaceId; readonly channel: ChannelId; readonly tag?: string; readonly limit?: number; readonly before?: OpId }
  | { readonly type: 'list-pins'; readonly space: SpaceId; readonly channel: ChannelId }
  | { readonly type: 'retry-message'; readonly space: SpaceId; readonly message: OpId }
  /** This person has seen the channel, or the thread, up to this message: shared with their other devices, and nobody else. */
  | { readonly type: 'mark-read'; readonly space: SpaceId; readonly channel: ChannelId; readonly message: OpId }
  /** What is written and not sent yet, in one channel or thread, on this device only. Empty: none. */
  | { readonly type: 'keep-draft'; readonly space: SpaceId; readonly channel: ChannelId; readonly thread?: OpId; readonly text: string }
  | { readonly type: 'get-draft'; readonly space: SpaceId; readonly channel: ChannelId; readonly thread?: OpId }

/** From then on (ms since 1970), how many minutes clocks are ahead of UTC; the first one of a list before that, too. */
export type UtcOffset = readonly [from: number, minutes: number]

export type SearchQuestion =
  /**
   * Words, "a phrase", word*, from: in: mentions: has:link|code|reply before: after: during: (search/query.ts). Everywhere, or in one space or channel.
   * before: go on behind this result. best: of the newest matches those that say most, on one page. utcOffsets: what a day is where the person is, since clocks are changed there twice a year.
   */
  | { readonly type: 'search-messages'; readonly query: string; readonly space?: SpaceId; readonly channel?: ChannelId; readonly limit?: number; readonly before?: OpId
    readonly order?: 'newest' | 'best'; readonly utcOffsets?: readonly UtcOffset[] }

export type MessageAct =
  /** thread: below the message of the channel that begins it. A forum takes posts, with a title, and what is written in their threads. */
  | ({ readonly type: 'send-message'; readonly space: SpaceId; readonly channel: ChannelId; readonly replyTo?: OpId; readonly thread?: OpId } & WordsGiven)
  /** One's own only. What is left out is said no more, but for the title and tags of a post. */
  | ({ readonly type: 'edit-message'; readonly space: SpaceId; readonly message: OpId } & WordsGiven)
  /** For everyone: one's own, or anybody's with the right to manage messages. */
  | { readonly type: 'delete-message'; readonly space: SpaceId; readonly message: OpId }
  | { readonly type: 'react'; readonly space: SpaceId; readonly message: OpId; readonly emoji: string; readonly on: boolean }
  | { readonly type: 'pin-message'; readonly space: SpaceId; readonly message: OpId; readonly on: boolean }
  /** This person is writing now: said as often as one likes, told to others as often as is useful, kept nowhere. */
  | { readonly type: 'typing'; readonly space: SpaceId; readonly channel: ChannelId }

/** Who is meant is said beside the text, so that names in it may change and no text means more than it says. Roles and everyone need a permission. */
export interface WordsGiven {
  readonly text: string
  readonly mentions?: readonly IdentityId[]
  readonly mentionRoles?: readonly RoleId[]
  readonly mentionEveryone?: boolean
  /** Posts only, where they are needed: up to 120 characters, and five tags. */
  readonly title?: string
  readonly tags?: readonly string[]
}

/**
 * What became of an own message. securing: waits for the group's next epoch before it can be sealed; queued: saved here, nobody else has it;
 * relay: a relay keeps it; delivered: `to` of `of` other members have it; failed: refused for good, with a plain reason; retry-message tries again; void: here,
 * but by what came in it doesn't count, so that nobody else is shown it.
 * received: somebody else's.
 */
export type SendState =
  | { readonly type: 'received' }
  | { readonly type: 'securing' }
  | { readonly type: 'queued' }
  | { readonly type: 'relay' }
  | { readonly type: 'delivered'; readonly to: number; readonly of: number }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'void'; readonly reason: Reason; readonly becauseOf?: ActRef }

export interface MessageInfo {
  readonly id: OpId
  readonly channel: ChannelId
  readonly author: IdentityId
  readonly authorName: string
  readonly text: string
  readonly sentAt: number
  /** Place in the channel: ascending, ties by id. */
  readonly order: number
  readonly mine: boolean
  readonly state: SendState
  /** A message that was 'securing' gets its lasting id once it is sealed: drop the row with this one. */
  readonly replaces?: OpId
  /** When its author last changed the text. */
  readonly editedAt?: number
  /** A tombstone: the text is empty. */
  readonly deleted?: true
  readonly replyTo?: ReplyInfo
  /** The message that began the thread it is in: it doesn't stand in the channel. */
  readonly thread?: OpId
  /** Of the thread that it began. */
  readonly replies?: RepliesInfo
  /** Of a forum's post. */
  readonly title?: string
  readonly tags?: readonly string[]
  readonly mentions?: MentionsInfo
  /** In the order of their first use. */
  readonly reactions?: readonly ReactionInfo[]
  readonly pinned?: true
}

/** Who is meant, with their names of now; `me`: this person, by name, by a role held now, or with everyone. Roles and everyone are named only where the author might call them. */
export interface MentionsInfo {
  readonly members: readonly { readonly member: IdentityId; readonly name: string }[]
  readonly roles: readonly { readonly role: RoleId; readonly name: string }[]
  readonly everyone: boolean
  readonly me: boolean
}

/** How many messages are in a thread, and of those that this person has not seen. Threads that are not one's business (begun, written or read in, or called in) have nothing unread. */
export interface RepliesInfo { readonly count: number; readonly lastAt: number; readonly unread: number; readonly mentions: number }

/** The message answered to. missing: it isn't here (yet), or doesn't count. Its first words are there only when it is shown. */
export interface ReplyInfo { readonly id: OpId; readonly state: 'shown' | 'deleted' | 'missing'; readonly author?: IdentityId; readonly authorName: string; readonly text: string }

export interface ReactionInfo { readonly emoji: string; readonly by: readonly IdentityId[]; readonly mine: boolean }

/** A piece of its text around what was found; `marks` are from-to in UTF-16 units within it. */
export interface FoundMessage { readonly space: SpaceId; readonly message: MessageInfo; readonly snippet: string; readonly marks: readonly (readonly [number, number])[] }

export interface MessageResults extends WindowResults {
  'send-message': { readonly messageId: OpId }
  'edit-message': Record<never, never>
  'delete-message': Record<never, never>
  'react': Record<never, never>
  'pin-message': Record<never, never>
  'typing': Record<never, never>
  'list-pins': { readonly messages: readonly MessageInfo[] }
  'retry-message': Record<never, never>
  /** more, newer: there are others before, and after. firstUnread: the first of these that was not seen. */
  'get-messages': { readonly messages: readonly MessageInfo[]; readonly more: boolean; readonly newer: boolean; readonly firstUnread?: OpId
    /** Ops of the channel that were lost from this disk, and are being fetched again: messages or changes to them are missing here. */
    readonly missing?: number }
  'list-threads': { readonly threads: readonly MessageInfo[]; readonly more: boolean }
  /** unclear: parts of the query that mean nothing, as typed. since: only messages sent from then on were searched, as the index is being built, or older ones are packed away on this device (keep-here); left out: all that are here. */
  'search-messages': { readonly results: readonly FoundMessage[]; readonly more: boolean; readonly unclear: readonly string[]; readonly since?: number; readonly isPacked?: true }
  'mark-read': Record<never, never>
  'keep-draft': Record<never, never>
  'get-draft': { readonly text: string }
}

export type MessageUpdate =
  | WindowUpdate
  /** Also of threads: those have `thread`, and don't stand in the channel. */
  | { readonly type: 'messages'; readonly space: SpaceId; readonly channel: ChannelId; readonly messages: readonly MessageInfo[] }
  /** Messages of the space told before may count no longer, or count again, since somebody was removed or lost a right, or are gone, since their time is over: forget them, and ask for what is shown. */
  | { readonly type: 'revised'; readonly space: SpaceId }
  /** States of own messages that changed. */
  | { readonly type: 'states'; readonly space: SpaceId; readonly channel: ChannelId; readonly states: readonly { readonly id: OpId; readonly state: SendState }[] }
  /** Others who are writing in the channel now, whoever began first at the front; empty: nobody any more. */
  | { readonly type: 'typing'; readonly space: SpaceId; readonly channel: ChannelId; readonly members: readonly IdentityId[] }
