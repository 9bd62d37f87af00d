/**
 * Windows of a channel or a thread: so many messages that count, before, after or around one. Rows are read in the order of places, so a window doesn't
 * shift when something arrives meanwhile; what is void is passed over.
 */
import type { RangeQuery } from '../../ports.ts'
import { compare, concat, fromHex, u64 } from '../../wire/bytes.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import type { ChannelId, OpId } from '../../wire/ids.ts'
import { all, type Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { isShown } from './counting.ts'
import { after, messageRows, rowKey } from './places.ts'
import type { Located } from './reading.ts'

/** A channel, or a thread in it. */
export interface Where { readonly channel: ChannelId; readonly thread: OpId | undefined }

/** Oldest first; whether there are others before and after. */
export interface Window { readonly messages: readonly Located[]; readonly older: boolean; readonly newer: boolean }

/** The key before which, and from which on, rows are cut. */
export type Cut = { readonly type: 'end' } | { readonly type: 'before' | 'after' | 'around'; readonly key: Uint8Array }

/** The key of the first row that may come after everything with this place or an earlier one. */
export const keyBehind = (where: Where, place: number): Uint8Array => concat(where.thread === undefined ? new Uint8Array() : fromHex(where.thread) as Uint8Array, u64(place + 1))

/** `floor`: what stands before this place in the channel is not all here. */
export function* readWindow(replica: Replica, where: Where, cut: Cut, limit: number, floor = 0): Reading<Window> {
  const { from: first, to } = messageRows(replica.id, where.channel, where.thread), from = floor === 0 ? first : u64(floor)
  if (cut.type === 'after') {
    const later = yield* some(replica, where, { from: after(cut.key), to }, limit)
    return { messages: later.found, older: true, newer: later.more }
  }
  if (cut.type === 'around') {
    const half = limit >> 1
    const none = { found: [], more: false }, [later = none, near = none] = yield* all([some(replica, where, { from: cut.key, to }, limit - half), some(replica, where, { from, to: cut.key, reverse: true }, half)])
    // What the end of the line has too few of comes from before.
    const missing = limit - half - later.found.length, last = near.found.at(-1)
    const far = missing > 0 && near.more ? yield* some(replica, where, { from, to: last === undefined ? cut.key : rowKey(last.record), reverse: true }, missing) : { found: [], more: near.more }
    return { messages: [...far.found.reverse(), ...near.found.reverse(), ...later.found], older: far.more, newer: later.more }
  }
  const earlier = yield* some(replica, where, { from, to: cut.type === 'end' ? to : cut.key, reverse: true }, limit)
  return { messages: earlier.found.reverse(), older: earlier.more, newer: cut.type === 'before' }
}

/** From one key on, to before another one, or to the ends; `max` of them at most, the newest. */
export function* readBetween(replica: Replica, where: Where, from: Uint8Array | undefined, to: Uint8Array | undefined, max: number): Reading<Window> {
  const rows = messageRows(replica.id, where.channel, where.thread)
  const { found, more } = yield* some(replica, where, { from: from ?? rows.from, to: to ?? rows.to, reverse: true }, max)
  return { messages: found.reverse(), older: from !== undefined || more, newer: to !== undefined }
}

/** Reads on until there are enough that count, and whether there is one more. */
function* some(replica: Replica, { channel, thread }: Where, range: Pick<RangeQuery, 'reverse'> & { readonly from: Uint8Array; readonly to: Uint8Array }, count: number): Reading<{ found: Located[]; more: boolean }> {
  const { partition } = messageRows(replica.id, channel, thread)
  const found: Located[] = []
  let { from, to } = range
  while (compare(from, to) < 0) {
    const limit = count - found.length + 1
    const [rows = []] = yield [{ partition, query: { ...range, from, to, limit } }]
    for (const row of rows) {
      const record = decodeMessage(row.value)
      if (record !== undefined && isShown(replica, channel, record)) found.push({ channel, record })
    }
    const last = rows[rows.length - 1]
    if (found.length > count) return { found: found.slice(0, count), more: true }
    if (last === undefined || rows.length < limit) return { found, more: false }
    if (range.reverse === true) to = last.key; else from = after(last.key)
  }
  return { found, more: false }
}
