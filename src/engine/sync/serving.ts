/**
 * One answer to what a peer asked for: chain by chain, a few rows read at a time, a frame when one is full. A peer that asks anew gets another answer instead.
 *
 * Each frame speaks for itself: where a part of a chain ends with ops that have no signature of their own, more of it is read, up to one that has, whatever was asked for.
 */
import type { RangeQuery, Row } from '../../ports.ts'
import type { AskRange } from '../../wire/frame.ts'
import type { ChannelId, DeviceId, OpId } from '../../wire/ids.ts'
import { isSigned } from '../../wire/op.ts'
import { MAX_ASK_BYTES, MAX_ASK_OPS, MAX_BATCH_BYTES, MAX_UNSIGNED, SERVED_ROWS } from '../limits.ts'
import { opKey } from '../log/log.ts'
import { type Given, givenOf } from '../content/given.ts'
import { unvouched } from '../log/vouching.ts'
import { after } from '../messages/places.ts'
import type { Replica } from '../replica.ts'
import { pack, type Packed } from './packing.ts'

/** Rows of one chain: a place may hold several, so these are keys. `to` is exclusive. `isTail`: what speaks for the end of a part that was read. */
export interface ChainRows { readonly channel: ChannelId; readonly device: DeviceId; readonly from: Uint8Array; readonly to: Uint8Array; readonly isTail?: true }

const beginOf = (id: OpId): string => id.slice(0, 16)

export class Answer {
  private ranges: readonly ChainRows[]
  /** As it is: the peer can't open what is packed. */
  private readonly isPlain: boolean
  /** How many ops and bytes may still go before the peer must ask again. */
  private allowance = MAX_ASK_OPS
  private allowedBytes = MAX_ASK_BYTES
  /** What has been read and not been sent: a frame holds what it can, whichever chains it is of. */
  private ready: Given[] = []
  private readyBytes = 0

  /** First bytes of ids that the reader has: what it told, and what was sent before. */
  private readonly known: Set<string>

  constructor(ranges: readonly AskRange[], isPlain: boolean, known: ReadonlySet<string> = new Set()) {
    this.ranges = ranges.map((r) => ({ channel: r.channel, device: r.device, from: opKey(r.device, r.from), to: opKey(r.device, r.to + 1) }))
    this.isPlain = isPlain
    this.known = new Set(known)
  }

  private get limit(): number { return this.ranges[0]?.isTail === true ? 2 * MAX_UNSIGNED : Math.min(SERVED_ROWS, this.allowance) }
  private get isSpent(): boolean { return this.allowance <= 0 || this.allowedBytes <= 0 }

  /** What to read next; undefined when all was read that may be. */
  next(): { readonly channel: ChannelId; readonly query: RangeQuery } | undefined {
    const range = this.ranges[0]
    if (range === undefined || (this.isSpent && range.isTail !== true)) return undefined
    return { channel: range.channel, query: { from: range.from, to: range.to, limit: this.limit } }
  }

  /** Rows that were read of the first chain, none where the peer may not have them any more. Gives what fills a frame. */
  took(replica: Replica, rows: readonly Row[]): Packed | undefined {
    const [range, ...others] = this.ranges
    if (range === undefined) return undefined
    let read = 0, isVouchedFor = false, full: Packed | undefined
    for (const op of givenOf(replica, range.channel, rows, this.isPlain)) {
      if (isVouchedFor) break
      const bytes = op?.size ?? 0
      if (!this.hasRoom(bytes) && read === 0) full = this.frame(replica, bytes)
      if (!this.hasRoom(bytes)) break
      if (op !== undefined) this.ready.push(op)
      this.readyBytes += bytes
      this.allowedBytes -= bytes
      read++
      isVouchedFor = range.isTail === true && op !== undefined && isSigned(op) && this.reachOfOpen(range) === undefined
    }
    const last = rows[read - 1], isOver = last === undefined || isVouchedFor || (read === rows.length && rows.length < this.limit)
    this.allowance -= read
    const rest = last === undefined ? range : { ...range, from: after(last.key) }
    this.ranges = isOver || this.isSpent ? [...this.tailOf(rest), ...others] : [rest, ...others]
    return full
  }

  /** Whatever the size of the first. */
  private hasRoom(bytes: number): boolean { return this.readyBytes === 0 || this.readyBytes + bytes <= MAX_BATCH_BYTES }

  /** Where to look for what speaks for the end of what was read. */
  private tailOf(range: ChainRows): ChainRows[] {
    const reach = range.isTail === true ? undefined : this.reachOfOpen(range)
    return reach === undefined ? [] : [{ ...range, to: opKey(range.device, reach + MAX_UNSIGNED + 1), isTail: true }]
  }

  /** The last place of a chain for which nothing speaks yet. */
  private reachOfOpen({ channel, device }: ChainRows): number | undefined {
    const open = unvouched(this.ready)
    return this.ready.findLast(({ id, header: h }) => open.has(id) && h.channel === channel && h.device === device)?.header.chanSeq
  }

  /** All that is ready but what nothing speaks for yet: that goes with the next frame, if there is room for it beside what comes now. */
  private frame(replica: Replica, nextBytes = 0): Packed {
    const open = unvouched(this.ready), later = this.ready.filter((op) => open.has(op.id))
    const laterBytes = later.reduce((sum, { size }) => sum + size, 0), isLater = laterBytes + nextBytes <= MAX_BATCH_BYTES
    const ops = isLater ? this.ready.filter((op) => !open.has(op.id)) : this.ready
    this.ready = isLater ? later : []
    this.readyBytes = isLater ? laterBytes : 0
    if (this.isPlain) return { packed: [], ops: ops.flatMap((op) => op.whole()?.bytes ?? []) }
    const packed = pack(replica, ops, { nameOf: (device) => replica.names.of(device), has: (id) => this.known.has(beginOf(id)) })
    // Only from the next frame on: this one's packs are opened in an order of their own.
    for (const { id } of ops) this.known.add(beginOf(id))
    return packed
  }

  /** The end of the answer. What nothing speaks for is kept back: a disk that was damaged may lack it. */
  rest(replica: Replica): Packed {
    const open = unvouched(this.ready)
    this.ready = this.ready.filter((op) => !open.has(op.id))
    return this.frame(replica)
  }
}
