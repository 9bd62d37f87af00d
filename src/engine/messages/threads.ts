/**
 * Threads: messages that stand not in the channel but below one of it, their root. What a root says of its thread (how many, when last) is counted when a
 * reply comes or goes and kept in its row; and so that a channel's threads can be listed, those that lately went on first, there is
 *
 *   active/<space>/<channel>   place of the last reply (of a forum's post without any: its own) || root's id -> nothing
 *
 * A crash loses what was counted in memory, never a reply: its root is looked at again, and counted from the rows.
 */
import { concat, fromHex, u64 } from '../../wire/bytes.ts'
import type { MessageRecord } from '../../wire/content-records.ts'
import type { ChannelId, OpId, SpaceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { MAX_THREAD_COUNTED } from '../limits.ts'
import { callsMe } from '../read-marks.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { messageCounts } from './counting.ts'
import type { Seen } from './reading.ts'
import { readWindow } from './windows.ts'

export interface Tally { readonly replies: number; readonly lastReply: number }

export const activePartition = (space: SpaceId, channel: ChannelId): string => `active/${space}/${channel}`
export const activeKey = (place: number, root: OpId): Uint8Array => concat(u64(place), fromHex(root) as Uint8Array)

/** Where a root stands among the active; undefined: there is no thread. */
export const activePlace = (m: Pick<MessageRecord, 'lastReply' | 'place' | 'content' | 'thread'>): number | undefined =>
  m.thread !== undefined ? undefined : m.lastReply > 0 ? m.lastReply : m.content?.title !== undefined ? m.place : undefined

export class Threads {
  /** Replies that came since their root was looked at last. */
  private readonly fresh = new Map<OpId, MessageRecord[]>()
  /** What is known of threads without reading them. */
  private readonly tallies = new Map<OpId, Tally>()
  private readonly uncounted = new Set<OpId>()

  replied(root: OpId, reply: MessageRecord): void {
    const list = this.fresh.get(root)
    if (list === undefined) this.fresh.set(root, [reply]); else list.push(reply)
  }

  /** What is known of the thread no longer holds. */
  countAnew(root: OpId): void {
    this.tallies.delete(root)
    this.uncounted.add(root)
  }

  /** It isn't here yet: what came below it is counted when it comes. */
  isMissing(root: OpId): void { if (this.fresh.delete(root)) this.countAnew(root) }

  /** Nothing holds any more: somebody was removed, or lost a right. */
  forgetAll(): OpId[] {
    const roots = [...this.tallies.keys()]
    for (const root of roots) this.countAnew(root)
    return roots
  }

  /** How many count in a root's thread now; undefined: as its row says. */
  * tally(replica: Replica, { channel, record }: Seen, fresh: readonly MessageRecord[]): Reading<Tally | undefined> {
    const known = this.tallies.get(record.id)
    if (known === undefined && fresh.length === 0 && !this.uncounted.has(record.id)) return undefined
    const tally = known === undefined ? tallyOf((yield* this.read(replica, channel, record.id))) : tallyOf(fresh, known)
    this.uncounted.delete(record.id)
    this.tallies.set(record.id, tally)
    return tally
  }

  private * read(replica: Replica, channel: ChannelId, root: OpId): Reading<MessageRecord[]> {
    const { messages } = yield* readWindow(replica, { channel, thread: root }, { type: 'end' }, MAX_THREAD_COUNTED)
    return messages.map(({ record }) => record).filter((m) => m.content !== undefined && messageCounts(replica, channel, m))
  }

  /** New replies below a root that is here now, those that count. */
  takeFresh(replica: Replica, { channel, record }: Seen): MessageRecord[] {
    const fresh = this.fresh.get(record.id) ?? []
    this.fresh.delete(record.id)
    return fresh.filter((reply) => messageCounts(replica, channel, reply))
  }
}

const tallyOf = (replies: readonly MessageRecord[], before: Tally = { replies: 0, lastReply: 0 }): Tally =>
  ({ replies: before.replies + replies.length, lastReply: replies.reduce((last, m) => Math.max(last, m.place), before.lastReply) })

/** Counts new replies as unread where the thread is this person's business: they began it, wrote or read there, or are called. */
export function noteUnread(engine: Engine, turn: Turn, replica: Replica, { channel, record }: Seen, fresh: readonly MessageRecord[]): void {
  const spot = { space: replica.id, channel, thread: record.id }
  const own = fresh.filter((reply) => reply.device === replica.me.device)
  if (own.length > 0) engine.reading.mark(turn, spot, Math.max(...own.map((reply) => reply.place)))
  if (!engine.reading.follows(spot) && record.author !== replica.me.identity && !fresh.some((reply) => callsMe(replica, channel, reply))) return
  engine.reading.count(turn, replica, spot, fresh)
}
