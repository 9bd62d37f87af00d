/** What this device has seen of each channel, and of each thread that concerns this person: a mark, and counts of what others said after it. */
import type { Row } from '../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../wire/bytes.ts'
import type { MessageRecord } from '../wire/content-records.ts'
import { type ChannelId, type OpId, parseChannelId, parseOpId, type SpaceId } from '../wire/ids.ts'
import type { ReadUpTo } from '../wire/marks.ts'
import { MAX_UNREAD_COUNTED } from './limits.ts'
import { mentionsInfo } from './messages/mentions.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'
import type { Reading, Unread } from './views.ts'

/** A channel, or a thread in it. */
export interface Spot { readonly space: SpaceId; readonly channel: ChannelId; readonly thread: OpId | undefined }

interface Mark extends Unread { readonly channel: ChannelId; readonly hlc: number }

/** One's own messages are no news. */
export const isNews = (replica: Replica, m: Pick<MessageRecord, 'author'>): boolean => m.author !== replica.me.identity

const keyOf = ({ channel, thread }: Spot): string => thread ?? channel
const none = (channel: ChannelId): Mark => ({ channel, hlc: 0, unread: 0, mentions: 0 })

export class ReadMarks implements Reading {
  /** Of each space, by channel, and by the message that began a thread. */
  private readonly spaces = new Map<SpaceId, Map<string, Mark>>()
  /** Moved on this device, and not told to the person's others yet. */
  private readonly moved = new Map<SpaceId, Map<string, Spot>>()
  private readonly news = new Set<SpaceId>()

  /** channel, or a thread's first message -> hlc || unread || mentions, and for a thread || channel */
  load(space: SpaceId, rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      const channel = parseChannelId(key.length === 16 ? key : value.subarray(24))
      if (channel === undefined || value.length !== (key.length === 16 ? 24 : 40) || (key.length !== 16 && parseOpId(key) === undefined)) continue
      this.marksIn(space).set(toHex(key), { channel, hlc: fromU64(value), unread: fromU64(value.subarray(8)), mentions: fromU64(value.subarray(16)) })
    }
  }

  private marksIn(space: SpaceId): Map<string, Mark> {
    const known = this.spaces.get(space)
    if (known !== undefined) return known
    const made = new Map<string, Mark>()
    this.spaces.set(space, made)
    return made
  }

  private markOf(spot: Spot): Mark { return this.spaces.get(spot.space)?.get(keyOf(spot)) ?? none(spot.channel) }

  unread(spot: Spot): Unread { return this.markOf(spot) }
  /** A thread is followed by who began it, has read or written in it, or was called there. */
  follows(spot: Spot): boolean { return this.spaces.get(spot.space)?.has(keyOf(spot)) === true }
  readUpTo(spot: Spot): number { return this.markOf(spot).hlc }

  /** Also of threads in the channel. */
  mentionsIn(space: SpaceId, channel: ChannelId): number {
    let sum = 0
    for (const mark of this.spaces.get(space)?.values() ?? []) if (mark.channel === channel) sum += mark.mentions
    return sum
  }

  /** Channels, and threads in them, that have something unread. */
  * unreadIn(space: SpaceId): Iterable<Spot> {
    for (const [key, { channel, unread }] of this.spaces.get(space) ?? []) if (unread > 0) yield { space, channel, thread: key === channel ? undefined : key as OpId }
  }

  private save(turn: Turn, spot: Spot, mark: Mark): void {
    this.marksIn(spot.space).set(keyOf(spot), mark)
    const counts = concat(u64(mark.hlc), u64(mark.unread), u64(mark.mentions))
    turn.out.put(`read/${spot.space}`, fromHex(keyOf(spot)) as Uint8Array, spot.thread === undefined ? counts : concat(counts, fromHex(spot.channel) as Uint8Array))
  }

  /** Counts fresh messages after the mark. */
  count(turn: Turn, replica: Replica, spot: Spot, messages: readonly MessageRecord[]): void {
    const mark = this.markOf(spot)
    const news = messages.filter((m) => isNews(replica, m) && m.place > mark.hlc)
    if (news.length === 0) return
    this.save(turn, spot, { ...mark, unread: Math.min(mark.unread + news.length, MAX_UNREAD_COUNTED), mentions: mark.mentions + calling(replica, spot.channel, news) })
  }

  /** All that is unread, looked up anew. */
  recounted(turn: Turn, replica: Replica, spot: Spot, messages: readonly MessageRecord[]): void {
    const mark = this.markOf(spot)
    const next = { ...mark, unread: messages.length, mentions: calling(replica, spot.channel, messages) }
    if (next.unread !== mark.unread || next.mentions !== mark.mentions) this.save(turn, spot, next)
  }

  /** Everything up to here has been seen. What came after it is to be counted. */
  mark(turn: Turn, spot: Spot, hlc: number): void {
    if (!this.markElsewhere(turn, spot, hlc)) return
    const moved = this.moved.get(spot.space) ?? new Map<string, Spot>()
    moved.set(keyOf(spot), spot)
    this.moved.set(spot.space, moved)
    this.news.add(spot.space)
  }

  /** Seen on another device of this person. False when nothing is new in it. */
  markElsewhere(turn: Turn, spot: Spot, hlc: number): boolean {
    const mark = this.markOf(spot)
    if (hlc <= mark.hlc && this.follows(spot)) return false
    this.save(turn, spot, { ...mark, hlc: Math.max(hlc, mark.hlc) })
    return true
  }

  /** Whether marks were moved here since the last call. */
  takeNews(space: SpaceId): boolean { return this.news.delete(space) }

  /** Marks that were moved here, as they are now: so many, the others stay to be taken next. */
  takeMoved(space: SpaceId, max: number): ReadUpTo[] {
    const moved = this.moved.get(space), some = [...moved ?? []].slice(0, max)
    for (const [key] of some) moved?.delete(key)
    return some.map(([, spot]) => ({ channel: spot.channel, thread: spot.thread, hlc: this.readUpTo(spot) }))
  }
}

/** How many of them mean this person. */
const calling = (replica: Replica, channel: ChannelId, messages: readonly MessageRecord[]): number => messages.filter((m) => callsMe(replica, channel, m)).length

export const callsMe = (replica: Replica, channel: ChannelId, m: MessageRecord): boolean => m.content !== undefined && mentionsInfo(replica, channel, m.content, m)?.me === true
