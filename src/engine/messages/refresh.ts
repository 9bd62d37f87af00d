/** Looks again at messages of which something changed: brings their rows up to date, and tells clients how they look now. */
import type { MessageInfo } from '../../api.ts'
import { encodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { counts } from './counting.ts'
import { placeOf, rowKey, rowsOf } from './places.ts'
import { describe, findMessages, readNotes, type Seen } from './reading.ts'
import { recount } from './unread.ts'

export function refresh(engine: Engine, turn: Turn, replica: Replica): void | Promise<void> {
  const ids = replica.inbox.begin()
  if (ids.length === 0) return undefined
  const at = { questions: engine.questions, replica }
  return findMessages(at, turn, ids, (found, messages) => readNotes(at, found, messages, true, (later, seen) => {
    for (const one of seen) {
      bringUpToDate(later, replica, one)
      if (one.folded.isDeleted || one.folded.edit !== undefined) engine.searching.note(later, replica, one)
    }
    const { reading } = engine
    const less = seen.filter(({ channel, record, folded }) => folded.isDeleted && record.content !== undefined && record.place > reading.markOf(replica.id, channel))
    for (const channel of new Set(less.map((s) => s.channel))) recount(engine, later, replica, channel)
    return describe(at, later, seen.filter((s) => counts(replica, s.channel, s.record, 'message')), (last, infos) => {
      for (const [channel, list] of byChannel(infos)) engine.telling.tellMessages(last, replica, channel, list)
      replica.inbox.end()
      engine.touch(last, replica)
    })
  }))
}

function bringUpToDate(turn: Turn, replica: Replica, { channel, record, folded }: Seen): void {
  const next: MessageRecord = { ...record, noted: record.noted || replica.inbox.isExpected(record.id), content: folded.isDeleted ? undefined : record.content }
  if (next.noted !== record.noted || next.content !== record.content) {
    turn.out.put(rowsOf(replica.id, channel, record.thread), rowKey(placeOf(channel, record)), encodeMessage(next))
  }
  replica.inbox.done(turn, record.id)
}

function byChannel(infos: readonly MessageInfo[]): Map<ChannelId, MessageInfo[]> {
  const out = new Map<ChannelId, MessageInfo[]>()
  for (const info of infos) {
    const list = out.get(info.channel)
    if (list === undefined) out.set(info.channel, [info]); else list.push(info)
  }
  return out
}
