/** What this device has seen of each channel: a mark, and counts of what others said after it. */
import type { Row } from '../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../wire/bytes.ts'
import type { MessageRecord } from '../wire/content-records.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import { MAX_UNREAD_COUNTED } from './limits.ts'
import { mentionsInfo } from './messages/mentions.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'
import type { Reading, Unread } from './views.ts'

interface Mark extends Unread { readonly hlc: number }

const NOTHING: Mark = { hlc: 0, unread: 0, mentions: 0 }

/** One's own messages are no news. */
export const isNews = (replica: Replica, m: Pick<MessageRecord, 'author'>): boolean => m.author !== replica.me.identity

export class ReadMarks implements Reading {
  private readonly marks = new Map<string, Mark>()

  load(space: SpaceId, rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      if (value.length === 24) this.marks.set(space + toHex(key), { hlc: fromU64(value), unread: fromU64(value.subarray(8)), mentions: fromU64(value.subarray(16)) })
    }
  }

  unread(space: string, channel: ChannelId): Unread { return this.marks.get(space + channel) ?? NOTHING }
  markOf(space: SpaceId, channel: ChannelId): number { return this.marks.get(space + channel)?.hlc ?? 0 }

  private save(turn: Turn, space: SpaceId, channel: ChannelId, mark: Mark): void {
    this.marks.set(space + channel, mark)
    turn.out.put(`read/${space}`, fromHex(channel) as Uint8Array, concat(u64(mark.hlc), u64(mark.unread), u64(mark.mentions)))
  }

  /** Counts fresh messages after the mark. */
  count(turn: Turn, replica: Replica, channel: ChannelId, messages: readonly MessageRecord[]): void {
    const mark = this.marks.get(replica.id + channel) ?? NOTHING
    const news = messages.filter((m) => isNews(replica, m) && m.place > mark.hlc)
    if (news.length === 0) return
    this.save(turn, replica.id, channel, { hlc: mark.hlc, unread: Math.min(mark.unread + news.length, MAX_UNREAD_COUNTED), mentions: mark.mentions + calling(replica, channel, news) })
  }

  /** All that is unread, looked up anew. */
  recounted(turn: Turn, replica: Replica, channel: ChannelId, messages: readonly MessageRecord[]): void {
    const mark = this.marks.get(replica.id + channel) ?? NOTHING
    const next = { hlc: mark.hlc, unread: messages.length, mentions: calling(replica, channel, messages) }
    if (next.unread !== mark.unread || next.mentions !== mark.mentions) this.save(turn, replica.id, channel, next)
  }

  /** Everything up to here has been seen. What came after it is to be counted. */
  mark(turn: Turn, space: SpaceId, channel: ChannelId, hlc: number): void {
    const mark = this.marks.get(space + channel) ?? NOTHING
    if (hlc > mark.hlc) this.save(turn, space, channel, { ...mark, hlc })
  }
}

/** How many of them mean this person. */
const calling = (replica: Replica, channel: ChannelId, messages: readonly MessageRecord[]): number =>
  messages.filter((m) => m.content !== undefined && mentionsInfo(replica, channel, m.content, m)?.me === true).length
