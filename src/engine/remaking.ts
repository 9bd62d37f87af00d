/**
 * Making of ops what was made of them before and isn't there any more, or may not be. The clock has gone on since a message came, and may have been wrong then: a message stays
 * where it stood (messages/labels.ts), which its row says, or what `places` has of it. So what stands at a place is looked through first, and nothing is made of what came back until then.
 */
import { fromHex } from '../wire/bytes.ts'
import { decodeMessage, type MessageRecord } from '../wire/content-records.ts'
import type { ChannelId, DeviceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Row } from '../ports.ts'
import { keptOp } from './content/kept.ts'
import type { OpRow } from './content/locked.ts'
import { activeKey, activePartition, activePlace } from './messages/threads.ts'
import { after, decodePlace, encodePlace, messageRow, type Place, placeOf, placeRow, placesPartition, rowKey, rowsOf, threadsPartition } from './messages/places.ts'
import { PAUSE, type Reading } from './reading.ts'
import { opsPartition, type Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** Rows looked at in one piece. */
export const PIECE = 256

export interface ReadOp { readonly op: Op; readonly key: Uint8Array }

/** Makes of ops of a channel what isn't there. `key`: of the op's row. What others said about a message may be here already: it is looked at again. */
export function* makeAgain(turn: () => Turn, replica: Replica, ops: readonly ReadOp[]): Reading<void> {
  const whole = ops.filter(({ op }) => op.isHusk !== true), said = whole.filter(({ op }) => op.header.type === 'message')
  const places = (yield said.map(({ op }) => placeRow(replica.id, op.id))).map(([row]) => decodePlace(row))
  const found = places.filter((place) => place !== undefined), rows = yield found.map((place) => messageRow(replica.id, place))
  const here = new Set(found.flatMap(({ id }, i) => (record(rows[i]?.[0]) === undefined ? [] : [id])))
  const stood = new Map(found.map(({ id, place }) => [id, place]))
  for (const { op, key } of whole) {
    // What became due meanwhile stays away.
    if (here.has(op.id) || replica.retention.isDue(op.header, turn().now)) continue
    if (op.header.type === 'message') {
      replica.inbox.expect(turn(), op.id)
      replica.threads.countAnew(op.id)
    }
    replica.readContent(turn(), op, key, stood.get(op.id))
  }
}

/** Rows of the log that came back, or that the log took for news. */
export function* readAgain(turn: () => Turn, replica: Replica, rows: readonly OpRow[]): Reading<void> {
  const answers = yield rows.map(({ channel, key }) => ({ partition: opsPartition(replica.id, channel), query: { from: key, to: after(key), limit: 1 } }))
  yield* makeAgain(turn, replica, rows.flatMap(({ channel, key }, i) => {
    const row = answers[i]?.[0], op = row && keptOp(replica, channel, row)
    return op === undefined ? [] : [{ op, key }]
  }))
  for (const row of rows) replica.locked.done(turn(), row)
}

/** Each message of a channel that is there is found by its id again, at one place; of two the one stays that is known by its id. */
export function* placeAgain(turn: () => Turn, replica: Replica, channel: ChannelId): Reading<void> {
  for (const partition of [rowsOf(replica.id, channel, undefined), threadsPartition(replica.id, channel)]) {
    for (let from: Uint8Array | undefined = new Uint8Array(); from !== undefined;) {
      const [rows = []]: readonly (readonly Row[])[] = yield [{ partition, query: { from, limit: PIECE } }]
      const records = rows.flatMap((row) => record(row) ?? [])
      noteReaches(turn(), replica, channel, records)
      const known = (yield records.map(({ id }) => placeRow(replica.id, id))).map(([row]) => decodePlace(row))
      const elsewhere = known.filter((place, i) => place !== undefined && place.place !== records[i]?.place)
      const answers = yield elsewhere.map((place) => messageRow(replica.id, place as Place))
      const standing = new Map(elsewhere.map((place, i) => [place?.id, record(answers[i]?.[0])]))
      for (const [i, one] of records.entries()) {
        const other = standing.get(one.id)
        if (other !== undefined && other.place !== one.place) takeAway(turn(), replica, channel, one, other)
        else if (known[i]?.place !== one.place) turn().out.put(placesPartition(replica.id), fromHex(one.id) as Uint8Array, encodePlace(placeOf(channel, one)))
        standing.set(one.id, other ?? one)
      }
      const last: Row | undefined = rows[PIECE - 1]
      from = last === undefined ? undefined : after(last.key)
      yield PAUSE
    }
  }
}

/** How far chains went on this disk of which the log knows less: what comes of them up to there is no news. */
export function noteReaches(turn: Turn, { log, holes }: Replica, channel: ChannelId, ops: readonly { readonly device: DeviceId; readonly chanSeq: number }[]): void {
  const reaches = new Map<DeviceId, number>()
  for (const { device, chanSeq } of ops) reaches.set(device, Math.max(chanSeq, reaches.get(device) ?? 0))
  for (const [device, chanSeq] of reaches) if (chanSeq > log.tipsOf(channel, device).reduce((most, tip) => Math.max(most, tip.chanSeq), 0)) holes.noteReach(turn, { channel, device, chanSeq })
}

/** Where the chains of this device itself end, the log has to know before it signs anything more. In the order of their ops. */
export function retrace(turn: Turn, replica: Replica, op: Op): void {
  const tip = op.header.device === replica.me.device ? replica.log.retraceTo(op) : undefined
  if (tip !== undefined) replica.keepEnd(turn, op.header, tip)
}

const record = (row: Row | undefined): MessageRecord | undefined => (row === undefined ? undefined : decodeMessage(row.value))

/** The second row of a message that stands elsewhere, too. */
function takeAway(turn: Turn, replica: Replica, channel: ChannelId, spare: MessageRecord, stays: MessageRecord): void {
  turn.out.delete(rowsOf(replica.id, channel, spare.thread), rowKey(placeOf(channel, spare)))
  const at = activePlace(spare)
  if (at !== undefined && at !== activePlace(stays)) turn.out.delete(activePartition(replica.id, channel), activeKey(at, spare.id))
  if (spare.thread === undefined) return
  replica.threads.countAnew(spare.thread)
  replica.inbox.expect(turn, spare.thread)
}
