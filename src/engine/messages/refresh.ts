/** Looks again at messages of which something changed: brings their rows up to date, and tells clients how they look now. */
import type { MessageInfo } from '../../api.ts'
import { encodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import type { ChannelId, OpId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { forgetMessage } from '../retention/emptying.ts'
import type { Turn } from '../turn.ts'
import { messageCounts } from './counting.ts'
import { gapOf } from './pace.ts'
import { noteKey, notesPartition, placeOf, rowKey, rowsOf } from './places.ts'
import { described, type Located, located, type Seen, withNotes } from './reading.ts'
import { activeKey, activePartition, activePlace, noteUnread, type Tally } from './threads.ts'
import { recount } from './unread.ts'

export function refresh(engine: Engine, turn: Turn, replica: Replica): void | Promise<void> {
  const ids = replica.inbox.begin()
  if (ids.length === 0) return undefined
  return engine.questions.follow(turn, (running) => lookAgain(engine, running, replica, ids), (last, infos) => {
    for (const [channel, list] of byChannel(infos)) engine.telling.tellMessages(last, replica, channel, list)
    replica.inbox.end()
    engine.touch(last, replica)
  })
}

function* lookAgain(engine: Engine, turn: () => Turn, replica: Replica, ids: readonly OpId[]): Reading<MessageInfo[]> {
  const shown: Seen[] = [], here: Located[] = []
  for (const one of yield* located(replica, ids)) here.push(yield* withGap(engine, turn, replica, one))
  for (const id of ids) if (!here.some(({ record }) => record.id === id)) replica.threads.isMissing(id)
  for (const one of yield* withNotes(replica, here, true)) {
    for (const note of one.spare) turn().out.delete(notesPartition(replica.id, one.channel), noteKey(note))
    const fresh = replica.threads.takeFresh(replica, one)
    const tally = yield* replica.threads.tally(replica, one, fresh)
    if (fresh.length > 0) noteUnread(engine, turn(), replica, one, fresh)
    if (one.folded.isDeleted && one.record.content !== undefined) uncount(engine, turn(), replica, one)
    if (isSpent(replica, one, tally, turn().now)) { forgetMessage(engine, turn(), replica, one, [], false); continue }
    const record = bringUpToDate(turn(), replica, one, tally)
    if (one.folded.isDeleted || one.folded.edit !== undefined || one.isRestored === true) engine.searching.note(turn(), replica, one)
    if (messageCounts(replica, one.channel, record)) shown.push({ ...one, record })
  }
  return yield* described(replica, engine.reading, shown)
}

/** In a channel that ever had a slow mode a message is shown when its chain has told how long after the one before it was written (A35). */
function* withGap(engine: Engine, turn: () => Turn, replica: Replica, one: Located): Reading<Located> {
  const { channel, record } = one, gap = record.gap === undefined ? yield* gapOf(replica, channel, record) : undefined
  if (gap === undefined) return one
  const spaced = { channel, record: { ...record, gap } }
  turn().out.put(rowsOf(replica.id, channel, record.thread), rowKey(placeOf(channel, record)), encodeMessage(spaced.record))
  if (!messageCounts(replica, channel, spaced.record)) uncount(engine, turn(), replica, spaced)
  return spaced
}

/** The tombstone of a message that is due, whose thread has gone as well. */
const isSpent = (replica: Replica, { channel, record }: Seen, tally: Tally | undefined, now: number): boolean =>
  record.content === undefined && (tally?.replies ?? record.replies) === 0 && replica.retention.isDue({ channel, hlc: record.hlc }, now)

/** A deleted message is neither unread nor a reply, nor is one that doesn't count. */
function uncount(engine: Engine, turn: Turn, replica: Replica, { channel, record }: Located): void {
  const spot = { space: replica.id, channel, thread: record.thread }
  if (record.place > engine.reading.readUpTo(spot)) recount(engine, turn, replica, spot)
  if (record.thread === undefined) return
  replica.threads.countAnew(record.thread)
  replica.inbox.expect(turn, record.thread)
}

function bringUpToDate(turn: Turn, replica: Replica, { channel, record, folded, isRestored }: Seen, tally: Tally | undefined): MessageRecord {
  const next: MessageRecord = { ...record, ...tally, noted: record.noted || replica.inbox.isExpected(record.id), content: folded.isDeleted ? undefined : record.content }
  if (next.noted !== record.noted || isRestored === true || next.content !== record.content || next.replies !== record.replies || next.lastReply !== record.lastReply) {
    turn.out.put(rowsOf(replica.id, channel, record.thread), rowKey(placeOf(channel, record)), encodeMessage(next))
  }
  const before = activePlace(record), now = activePlace(next), active = activePartition(replica.id, channel)
  if (before !== now) {
    if (before !== undefined) turn.out.delete(active, activeKey(before, record.id))
    if (now !== undefined) turn.out.put(active, activeKey(now, record.id), new Uint8Array(1))
  }
  replica.inbox.done(turn, record.id)
  return next
}

function byChannel(infos: readonly MessageInfo[]): Map<ChannelId, MessageInfo[]> {
  const out = new Map<ChannelId, MessageInfo[]>()
  for (const info of infos) {
    const list = out.get(info.channel)
    if (list === undefined) out.set(info.channel, [info]); else list.push(info)
  }
  return out
}
