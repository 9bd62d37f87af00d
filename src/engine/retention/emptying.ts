/**
 * Deletes what is due, some ops of one chain at a time: their bodies in the log, and whatever was made of them here, which is the message, what was noted about it,
 * its words in the search index, and the parcel that still waited for a relay. Headers and signatures stay, so the chain is as verifiable as before.
 *
 * Where a damaged disk has lost the key of an epoch, a header can't be made again of what is kept under it: it says what the op was sealed as. Such an op goes as a whole, and is asked
 * for at its place like what the damage took itself; others have its header.
 */
import type { Row } from '../../ports.ts'
import { encodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import { fromHex, fromU64, toHex } from '../../wire/bytes.ts'
import { type ChannelId, type DeviceId, type EpochId, type OpId, parseOpId } from '../../wire/ids.ts'
import { decodeKeptOp } from '../../wire/kept-op.ts'
import { huskOf, type Op } from '../../wire/op.ts'
import { openContent } from '../content/content.ts'
import { headOf, keptOp, lockingEpoch } from '../content/kept.ts'
import type { Engine } from '../engine.ts'
import { MAX_NOTES_READ, RETENTION_ROWS } from '../limits.ts'
import { opKey } from '../log/log.ts'
import { PLAIN } from '../messages/fold.ts'
import { messageRows, noteKey, noteRows, notesPartition, pinsPartition, placeOf, placesByPrefix, placesPartition, rowKey, rowsOf, voidPinsPartition } from '../messages/places.ts'
import { type Located, located } from '../messages/reading.ts'
import { activeKey, activePartition, activePlace } from '../messages/threads.ts'
import type { Reading } from '../reading.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'

type Turns = () => Turn
interface Entry { readonly key: Uint8Array; readonly op: Op; readonly chanSeq: number; readonly hlc: number }
/** One that can't be made again. */
interface Locked extends Omit<Entry, 'op'> { readonly op: undefined; readonly row: Row; readonly epoch: EpochId }

/** One piece of a chain: how many bodies were deleted, and whether there may be more that is due. */
export function* emptySome(engine: Engine, turn: Turns, replica: Replica, channel: ChannelId, device: DeviceId): Reading<{ readonly deleted: number; readonly more: boolean }> {
  const { retention } = replica
  const from = retention.emptiedUpTo(channel, device) + 1
  const [rows = []] = yield [{ partition: opsPartition(replica.id, channel), query: { from: opKey(device, from), to: opKey(device, Number.MAX_SAFE_INTEGER), limit: RETENTION_ROWS } }]
  const entries = rows.flatMap((row): (Entry | Locked)[] => {
    const { key } = row, chanSeq = fromU64(key.subarray(32)), op = keptOp(replica, channel, row), epoch = op === undefined ? lockingEpoch(replica, row) : undefined
    if (op !== undefined) return [{ key, op, chanSeq, hlc: op.header.hlc }]
    return epoch === undefined ? [] : [{ key, op, chanSeq, hlc: headOf(replica, row)?.hlc ?? 0, row, epoch }]
  })
  // What was said before something that is due is due as well, whatever its label.
  const due = entries.slice(0, entries.findLastIndex(({ hlc }) => retention.isDue({ channel, hlc }, turn().now)) + 1)
  const last = due.at(-1), next = entries[due.length]
  if (next !== undefined) retention.goesOnWith(channel, device, next.hlc)
  if (last === undefined) return { deleted: 0, more: false }
  const whole = due.filter((one): one is Entry => one.op !== undefined && one.op.isHusk !== true), locked = due.filter((one): one is Locked => one.op === undefined)
  yield* forgetMessages(engine, turn, replica, whole.filter(({ op }) => op.header.type === 'message').map(({ op }) => op.id))
  yield* forgetMessages(engine, turn, replica, yield* messagesOf(replica, device, locked))
  yield* forgetNotes(turn, replica, channel, whole.filter(({ op }) => op.header.type !== 'message').map(({ op }) => op))
  const later = turn()
  for (const { key, op } of whole) {
    later.out.put(opsPartition(replica.id, channel), key, huskOf(op).bytes)
    replica.locked.forget(later, op.header, key)
    if (device === replica.me.device) replica.mail.forget(later, channel, op.header.chanSeq)
  }
  for (const { key, chanSeq, epoch } of locked) {
    later.out.delete(opsPartition(replica.id, channel), key)
    replica.holes.note(later, { channel, device, from: chanSeq, to: chanSeq })
    replica.locked.forget(later, { channel, epoch }, key)
  }
  const more = next === undefined && rows.length === RETENTION_ROWS
  // A forked chain has several ops at one place: it is done with when nothing is left there that may become due.
  const reach = last.chanSeq, first = due[0]?.chanSeq
  const isDone = more ? first === reach : next?.chanSeq !== reach
  retention.emptiedTo(later, channel, device, isDone ? reach : reach - 1)
  return { deleted: whole.length + locked.length, more }
}

/** What was made of them while their key was here. Of its id a row has the first bytes. */
function* messagesOf(replica: Replica, device: DeviceId, locked: readonly Locked[]): Reading<OpId[]> {
  const marks = locked.flatMap(({ row }) => { const kept = decodeKeptOp(row.value); return kept?.type === 'message' ? [toHex(kept.mark)] : [] })
  const ids = (yield marks.map((mark) => placesByPrefix(replica.id, mark))).flat().flatMap(({ key }) => parseOpId(key) ?? [])
  const places = new Set(locked.map(({ chanSeq }) => chanSeq))
  return (yield* located(replica, ids)).flatMap(({ record }) => (record.device === device && places.has(record.chanSeq) ? [record.id] : []))
}

function* forgetMessages(engine: Engine, turn: Turns, replica: Replica, ids: readonly OpId[]): Reading<void> {
  if (ids.length === 0) return
  const here = yield* located(replica, ids)
  const replies = yield here.map(({ channel, record }) => {
    const { partition, from, to } = messageRows(replica.id, channel, record.id)
    return { partition, query: { from, to, limit: 1 } }
  })
  const notes = yield here.map(({ channel, record }) => noteRows(replica.id, channel, record.id, MAX_NOTES_READ))
  for (const [i, one] of here.entries()) forgetMessage(engine, turn(), replica, one, notes[i] ?? [], (replies[i]?.length ?? 0) > 0)
}

/** `isRoot`: replies below it are still here. Then it stays as a tombstone until they are gone: nobody could read them otherwise. */
export function forgetMessage(engine: Engine, turn: Turn, replica: Replica, { channel, record }: Located, notes: readonly Row[], isRoot: boolean): void {
  const { out } = turn, id = fromHex(record.id) as Uint8Array
  for (const { key } of notes) out.delete(notesPartition(replica.id, channel), key)
  for (const partition of [pinsPartition, voidPinsPartition]) out.delete(partition(replica.id, channel), id)
  if (record.content !== undefined) engine.searching.note(turn, replica, { channel, record, folded: { ...PLAIN, isDeleted: true } })
  if (record.thread !== undefined) {
    replica.threads.countAnew(record.thread)
    replica.inbox.expect(turn, record.thread)
  }
  const rows = rowsOf(replica.id, channel, record.thread), key = rowKey(placeOf(channel, record))
  const stays: MessageRecord = { ...record, content: undefined, noted: false }
  const before = activePlace(record), now = isRoot ? activePlace(stays) : undefined
  if (before !== undefined && before !== now) out.delete(activePartition(replica.id, channel), activeKey(before, record.id))
  if (isRoot) return out.put(rows, key, encodeMessage(stays))
  replica.inbox.done(turn, record.id)
  out.delete(rows, key)
  out.delete(placesPartition(replica.id), id)
}

/** Notes whose message is still here go with it: a deletion that went first would bring the message back. */
function* forgetNotes(turn: Turns, replica: Replica, channel: ChannelId, ops: readonly Op[]): Reading<void> {
  const notes = ops.flatMap((op) => {
    const { audience, epoch } = op.header
    const key = replica.audiences.get(audience)?.groups.keys.contentKey(epoch as EpochId, channel)
    const content = key === undefined ? undefined : openContent(replica.world.suite, key, op)
    return content === undefined || content.type === 'message' ? [] : [{ id: op.id, content }]
  })
  const here = new Set((yield* located(replica, notes.map(({ content }) => content.message))).map(({ record }) => record.id))
  for (const note of notes) {
    if (here.has(note.content.message)) continue
    turn().out.delete(notesPartition(replica.id, channel), noteKey(note))
    replica.inbox.done(turn(), note.content.message)
  }
}
