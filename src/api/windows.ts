/**
 * Watched windows: what a question about messages answers, kept true. Whoever watches is answered with a page, and from then on told what changes in it, and nobody else is.
 * A line (a channel or a thread) is watched between the ends of its page, and behind its last message where that is the newest; of threads, pins and what is searched for the first so many.
 */
import type { OpId, SpaceId } from '../wire/ids.ts'
import type { MessageInfo, MessageQuestion, SearchQuestion } from './messages.ts'

/** Lines stand oldest first, as they are answered; pins and what was found newest first; threads as they went on. */
export type WatchedQuestion = Extract<MessageQuestion | SearchQuestion, { readonly type: 'get-messages' | 'list-threads' | 'list-pins' | 'search-messages' }>

export type WindowCommand =
  /** `window`: a number of the client's own, from 1 on, for what it is told of it. One that it has already shows something else from now on. */
  | { readonly type: 'watch-messages'; readonly window: number; readonly question: WatchedQuestion }
  /** `limit` (50) more at one end; of a list always `older`. What is added is told as a change, before the answer. Of very many those at the other end are let go. */
  | { readonly type: 'grow-window'; readonly window: number; readonly to: 'older' | 'newer'; readonly limit?: number }
  | { readonly type: 'close-window'; readonly window: number }

/** With what was found, where it was searched for. */
export interface WindowRow { readonly message: MessageInfo; readonly space?: SpaceId; readonly snippet?: string; readonly marks?: readonly (readonly [number, number])[] }

/** more: there are older ones, or of a list further ones. newer: the line goes on behind the last. The rest is as the question's own answer has it. */
export interface WindowEnds { readonly more: boolean; readonly newer: boolean; readonly missing?: number; readonly unclear?: readonly string[]; readonly since?: number; readonly isPacked?: true }

export interface WindowResults {
  'watch-messages': WindowEnds & { readonly rows: readonly WindowRow[]; readonly firstUnread?: OpId }
  'grow-window': Record<never, never>
  'close-window': Record<never, never>
}

/** Those that are gone leave, and those that are new, changed or elsewhere now; then each of `rows` is put where it stands, in their order: `at` counts from 0 in what comes of it. */
export interface WindowChange extends WindowEnds {
  readonly gone: readonly OpId[]
  readonly rows: readonly (WindowRow & { readonly at: number })[]
}

/** To the client that watches. */
export type WindowUpdate = { readonly type: 'window'; readonly window: number } & WindowChange
