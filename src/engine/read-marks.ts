/** What this device has seen of each channel: a mark and a count of what came after it. */
import type { Row } from '../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../wire/bytes.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import type { MessageRecord } from '../wire/content-records.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'
import type { Reading } from './views.ts'

export class ReadMarks implements Reading {
  private readonly marks = new Map<string, { hlc: number; unread: number }>()

  load(space: SpaceId, rows: readonly Row[]): void {
    for (const row of rows) {
      if (row.value.length === 16) this.marks.set(space + toHex(row.key), { hlc: fromU64(row.value), unread: fromU64(row.value.subarray(8)) })
    }
  }

  unread(space: string, channel: ChannelId): number { return this.marks.get(space + channel)?.unread ?? 0 }

  private save(turn: Turn, space: SpaceId, channel: ChannelId, mark: { hlc: number; unread: number }): void {
    this.marks.set(space + channel, mark)
    turn.out.put(`read/${space}`, fromHex(channel) as Uint8Array, concat(u64(mark.hlc), u64(mark.unread)))
  }

  /** Counts fresh messages of others after the mark. */
  count(turn: Turn, replica: Replica, channel: ChannelId, messages: readonly MessageRecord[]): void {
    const mark = this.marks.get(replica.id + channel) ?? { hlc: 0, unread: 0 }
    const news = messages.filter((m) => m.author !== replica.me.identity && m.place > mark.hlc).length
    if (news > 0) this.save(turn, replica.id, channel, { hlc: mark.hlc, unread: mark.unread + news })
  }

  /** Everything up to here has been seen. */
  mark(turn: Turn, space: SpaceId, channel: ChannelId, hlc: number): void {
    const mark = this.marks.get(space + channel)
    if (mark !== undefined && mark.hlc >= hlc && mark.unread === 0) return
    this.save(turn, space, channel, { hlc: Math.max(hlc, mark?.hlc ?? 0), unread: 0 })
  }
}
