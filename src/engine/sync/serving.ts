/** One answer to what a peer asked for: chain by chain, a few rows read at a time, a frame when one is full. A peer that asks anew gets another answer instead. */
import type { RangeQuery, Row } from '../../ports.ts'
import type { ChannelId } from '../../wire/ids.ts'
import { MAX_ASK_BYTES, MAX_ASK_OPS, MAX_BATCH_BYTES, SERVED_ROWS } from '../limits.ts'
import { after } from '../messages/places.ts'
import type { Replica } from '../replica.ts'
import { pack, type Packed } from './packing.ts'

/** Rows of one chain: a place may hold several, so these are keys. `to` is exclusive. */
export interface ChainRows { readonly channel: ChannelId; readonly from: Uint8Array; readonly to: Uint8Array }

export class Answer {
  private ranges: readonly ChainRows[]
  /** As it is: the peer can't open what is packed. */
  private readonly isPlain: boolean
  /** How many ops and bytes may still go before the peer must ask again. */
  private allowance = MAX_ASK_OPS
  private allowedBytes = MAX_ASK_BYTES
  /** What has been read and not been sent: a frame holds what it can, whichever chains it is of. */
  private ready: Uint8Array[] = []
  private readyBytes = 0

  constructor(ranges: readonly ChainRows[], isPlain: boolean) {
    this.ranges = ranges
    this.isPlain = isPlain
  }

  private get limit(): number { return Math.min(SERVED_ROWS, this.allowance) }

  /** What to read next; undefined when all was read that may be. */
  next(): { readonly channel: ChannelId; readonly query: RangeQuery } | undefined {
    const range = this.ranges[0]
    if (range === undefined || this.allowance <= 0 || this.allowedBytes <= 0) return undefined
    return { channel: range.channel, query: { from: range.from, to: range.to, limit: this.limit } }
  }

  /** Rows that were read of the first chain, none where the peer may not have them any more. Gives what fills a frame. */
  took(replica: Replica, rows: readonly Row[]): Packed | undefined {
    const [range, ...others] = this.ranges
    if (range === undefined) return undefined
    const full = rows[0] !== undefined && !this.hasRoom(rows[0]) ? this.rest(replica) : undefined
    let read = 0
    for (const row of rows) {
      if (!this.hasRoom(row)) break
      this.ready.push(row.value)
      this.readyBytes += row.value.length
      this.allowedBytes -= row.value.length
      read++
    }
    const last = rows[read - 1], isOver = last === undefined || (read === rows.length && rows.length < this.limit)
    this.allowance -= read
    this.ranges = isOver ? others : [{ ...range, from: after(last.key) }, ...others]
    return full
  }

  /** Whatever the size of the first. */
  private hasRoom(row: Row): boolean { return this.readyBytes === 0 || this.readyBytes + row.value.length <= MAX_BATCH_BYTES }

  /** What was read and is still to be sent. */
  rest(replica: Replica): Packed {
    const { ready } = this
    this.ready = []
    this.readyBytes = 0
    return this.isPlain ? { packed: [], ops: ready } : pack(replica, ready)
  }
}
