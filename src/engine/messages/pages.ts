/** What each question about messages answers: a page of a line, of threads, of what is pinned. Readings, so that a watched window can be looked at again in the same way. */
import type { MessageInfo, Results } from '../../api.ts'
import type { MessageQuestion } from '../../api/messages.ts'
import type { Row } from '../../ports.ts'
import { fromU64 } from '../../wire/bytes.ts'
import { type ChannelId, type OpId, parseOpId } from '../../wire/ids.ts'
import type { MessageRecord } from '../../wire/content-records.ts'
import type { Engine } from '../engine.ts'
import { MAX_MESSAGES_PAGE, MAX_PINS_PAGES, MAX_PINS_READ } from '../limits.ts'
import { isNews } from '../read-marks.ts'
import { PAUSE, type Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { packedLabel, unpackSome } from '../retention/away.ts'
import type { Turn } from '../turn.ts'
import { messageCounts } from './counting.ts'
import { draftInfo } from './infos.ts'
import { after, decodePlace, messageRow, pinsPartition, type Place, placeRow, rowKey, voidPinsPartition } from './places.ts'
import { described, type Located, located, type Seen, withNotes } from './reading.ts'
import { activeKey, activePartition, activePlace } from './threads.ts'
import { type Cut, keyBehind, readBetween, readWindow, type Where, type Window } from './windows.ts'

type Asked<T extends MessageQuestion['type']> = MessageQuestion & { readonly type: T }

export const pageOf = (limit: number | undefined): number => Math.min(Math.max(1, limit ?? 50), MAX_MESSAGES_PAGE)

/** `own`: this device's own records among the messages, whose states may still move. */
export interface LinePage { readonly own: readonly MessageRecord[]; readonly result: Results['get-messages'] }

/** A message as the first of a thread in the channel; undefined when it is none, or isn't here. */
export function* rootOf(replica: Replica, channel: ChannelId, id: OpId): Reading<Located | undefined> {
  const [root] = yield* located(replica, [id])
  return root?.channel === channel && root.record.thread === undefined && messageCounts(replica, channel, root.record) ? root : undefined
}

/** undefined: the message that it begins with, or whose thread it is, isn't here. */
export function* linePage(engine: Engine, turn: () => Turn, replica: Replica, c: Asked<'get-messages'>): Reading<LinePage | undefined> {
  const where: Where = { channel: c.channel, thread: c.thread }
  if (c.thread !== undefined && (yield* rootOf(replica, c.channel, c.thread)) === undefined) return undefined
  const cut = c.unread === true ? { type: 'around' as const, key: keyBehind(where, engine.reading.readUpTo({ space: replica.id, ...where })) } : yield* cutFor(engine, replica, where, c)
  return cut === undefined ? undefined : yield* shown(engine, replica, where, yield* unpackedWindow(engine, turn, replica, where, cut, pageOf(c.limit)))
}

/** What of it is packed away on this device is unpacked first. */
function* unpackedWindow(engine: Engine, turn: () => Turn, replica: Replica, where: Where, cut: Cut, limit: number): Reading<Window> {
  for (;;) {
    const floor = where.thread === undefined ? engine.retaining.away(replica).floorOf(where.channel) : 0
    const isBelow = (cut.type === 'around' || cut.type === 'after') && fromU64(cut.key) < floor
    const page = isBelow ? undefined : yield* readWindow(replica, where, cut, limit, floor)
    if (page !== undefined && (page.older || floor === 0)) return page
    if (!(yield* unpackSome(engine, turn, replica, where.channel))) return page ?? (yield* readWindow(replica, where, cut, limit))
    yield PAUSE
  }
}

/** A line between two of its messages, both included, or to its ends; `max` of them at most, the newest. */
export function* lineBetween(engine: Engine, replica: Replica, where: Where, from: MessageInfo | undefined, to: MessageInfo | undefined, max: number): Reading<LinePage> {
  const keyOf = (m: MessageInfo): Uint8Array => rowKey({ id: m.id, place: m.order, thread: where.thread })
  return yield* shown(engine, replica, where, yield* readBetween(replica, where, from && keyOf(from), to && after(keyOf(to)), max))
}

function* shown(engine: Engine, replica: Replica, where: Where, page: Window): Reading<LinePage> {
  const seen: readonly Seen[] = yield* withNotes(replica, page.messages, false)
  const infos: readonly MessageInfo[] = yield* described(replica, engine.reading, seen)
  // What waits to be sealed stands behind the newest.
  const drafts = page.newer ? [] : (engine.drafts.get(replica.id)?.of(where.channel) ?? []).filter((draft) => draft.content.thread === where.thread)
  const mark = engine.reading.readUpTo({ space: replica.id, ...where })
  const firstUnread = seen.find(({ record }) => record.place > mark && isNews(replica, record))?.record.id
  const missing = replica.holes.count(where.channel)
  const messages = [...infos, ...drafts.map((draft) => draftInfo(replica, draft))]
  return {
    own: seen.map(({ record }) => record).filter((record) => record.device === replica.me.device),
    result: { messages, more: page.older, newer: page.newer, ...(firstUnread === undefined ? {} : { firstUnread }), ...(missing === 0 ? {} : { missing }) },
  }
}

function* cutFor(engine: Engine, replica: Replica, { channel, thread }: Where, c: Asked<'get-messages'>): Reading<Cut | undefined> {
  const id = c.before ?? c.after ?? c.around
  if (id === undefined) return { type: 'end' }
  // Where it stands is all that is needed of it: its row is among those that are read next. Who knows that spares a look among the ids of all messages, of which a history that came in lately has many lists.
  const told: Place | undefined = c.order === undefined ? undefined : { channel, thread, place: c.order, id }
  const [[known] = []] = told === undefined ? [] : yield [messageRow(replica.id, told)]
  const at = known === undefined ? decodePlace((yield [placeRow(replica.id, id)])[0]?.[0]) : told
  const packed = at === undefined && thread === undefined ? yield* packedLabel(engine, replica, channel, id) : undefined
  const place = at ?? (packed === undefined ? undefined : { channel, thread, place: packed, id })
  if (place === undefined || place.channel !== channel || place.thread !== thread) return undefined
  return { type: c.before !== undefined ? 'before' : c.after !== undefined ? 'after' : 'around', key: rowKey(place) }
}

/** Those that lately went on first; undefined: there is nothing to go on before. */
export function* threadsPage(engine: Engine, replica: Replica, c: Asked<'list-threads'>, count: number): Reading<Results['list-threads'] | undefined> {
  const found: Seen[] = []
  const before = c.before === undefined ? undefined : yield* rootOf(replica, c.channel, c.before)
  const place = before === undefined ? undefined : activePlace(before.record)
  if (c.before !== undefined && place === undefined) return undefined
  let to = place === undefined || c.before === undefined ? undefined : activeKey(place, c.before)
  while (found.length <= count) {
    const [rows = []] = yield [{ partition: activePartition(replica.id, c.channel), query: { ...(to === undefined ? {} : { to }), limit: count + 1, reverse: true } }]
    const roots = rows.map((row) => parseOpId(row.key.subarray(8))).filter((id) => id !== undefined)
    const here = (yield* located(replica, roots)).filter(({ channel, record }) => channel === c.channel && messageCounts(replica, channel, record))
    for (const seen of yield* withNotes(replica, here, false)) if (!seen.folded.isDeleted && hasTag(seen, c.tag)) found.push(seen)
    to = rows[rows.length - 1]?.key
    if (rows.length <= count || to === undefined) break
  }
  return { threads: yield* described(replica, engine.reading, found.slice(0, count)), more: found.length > count }
}

function hasTag({ folded, record }: Seen, tag: string | undefined): boolean {
  return tag === undefined || (folded.edit?.words ?? record.content)?.tags?.includes(tag) === true
}

export function* pinsPage(engine: Engine, replica: Replica, channel: ChannelId): Reading<MessageInfo[]> {
  return yield* described(replica, engine.reading, yield* nowPinned(replica, channel))
}

/** Everything pinned in the channel, the newest messages first. Of those that ever were most may be no more. */
export function* nowPinned(replica: Replica, channel: ChannelId): Reading<Seen[]> {
  const out = new Map<OpId, Seen>()
  for (const partition of [pinsPartition(replica.id, channel), voidPinsPartition(replica.id, channel)]) {
    let from: Uint8Array | undefined = new Uint8Array()
    for (let page = 0; from !== undefined && page < MAX_PINS_PAGES; page++) {
      const [rows = []]: readonly (readonly Row[])[] = yield [{ partition, query: { from, limit: MAX_PINS_READ } }]
      const seen = yield* withNotes(replica, yield* located(replica, idsOf(rows)), false)
      for (const s of seen) if (s.channel === channel && s.folded.isPinned && s.record.content !== undefined && messageCounts(replica, channel, s.record)) out.set(s.record.id, s)
      const last: Row | undefined = rows[MAX_PINS_READ - 1]
      from = last === undefined ? undefined : after(last.key)
      if (from !== undefined) yield PAUSE
    }
  }
  return [...out.values()].sort((a, b) => b.record.place - a.record.place)
}

const idsOf = (rows: readonly Row[]): OpId[] => rows.map((row) => parseOpId(row.key)).filter((id) => id !== undefined)
