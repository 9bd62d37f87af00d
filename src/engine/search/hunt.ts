/** Finds messages of one space: the index proposes, and what the disk holds of each proposal decides. */
import type { Row } from '../../ports.ts'
import { decodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import type { OpId } from '../../wire/ids.ts'
import { MAX_SEARCH_LOOKS } from '../limits.ts'
import { decodePlace, messageRow, messagesByPrefix, type Place, placesByPrefix } from '../messages/places.ts'
import { messageCounts } from '../messages/counting.ts'
import { type Located, type Seen, withNotes, wordsOf } from '../messages/reading.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import { Finder, type Proposal, soughtBy } from './finder.ts'
import type { Keeper } from './keeper.ts'
import { meets, type Names, type Span } from './match.ts'
import type { Query } from './query.ts'
import { calledIn, searchedText } from './terms.ts'

/** Proposals looked at in one go at least: nearly all are what was asked for, so no more than are wanted, but where they are not, few at a time would be slow. */
const PAGE = 16

export interface Hit { readonly replica: Replica; readonly seen: Seen; readonly text: string; readonly spans: readonly Span[] }

/** Newest first, `more` when there may be others behind the last; what is not indexed yet is not found. */
export interface Catch { readonly hits: readonly Hit[]; readonly more: boolean }

/** `from`: go on behind this message. */
export function* hunt(replica: Replica, keeper: Keeper, turn: () => Turn, query: Query, names: Names, limit: number, from: Located | undefined): Reading<Catch> {
  if (query.isBlank) return { hits: [], more: false }
  yield* keeper.begin(turn)
  let upTo = from?.record.place
  const hits: Hit[] = [], looked = new Set<OpId>()
  const isBehind = ({ place, id }: MessageRecord): boolean => from === undefined || place < from.record.place || (place === from.record.place && id < from.record.id)
  let finder = new Finder(keeper.index, soughtBy(query, names, upTo))
  for (let looks = 0; looks < MAX_SEARCH_LOOKS;) {
    const count = Math.max(PAGE, Math.min(2 * PAGE, limit + 1 - hits.length)), proposals = yield* finder.next(count)
    const rows = typeof proposals === 'string' ? proposals : yield* rowsOf(replica, finder, proposals)
    looks += count
    if (rows === 'damaged') { keeper.restart(turn()); return { hits, more: false } }
    if (rows === 'changed' || typeof proposals === 'string') { finder = new Finder(keeper.index, soughtBy(query, names, upTo)); continue }
    // Where one stood that is gone there may be another one: each is looked at once.
    const messages = messagesIn(replica, proposals, rows).filter(({ record }) => isBehind(record) && !looked.has(record.id) && looked.add(record.id))
    for (const hit of yield* check(replica, query, names, messages)) {
      hits.push(hit)
      if (hits.length > limit) return { hits: hits.slice(0, limit), more: true }
    }
    upTo = proposals.at(-1)?.hlc ?? upTo
    if (proposals.length < count) return { hits, more: false }
  }
  return { hits, more: true }
}

/** Those that count, newest first as they were proposed. */
function messagesIn(replica: Replica, proposals: readonly Proposal[], rows: readonly (readonly Row[])[]): Located[] {
  return proposals.flatMap(({ channel, hlc, start, id = start }, i) => (rows[i] ?? []).flatMap((row): Located[] => {
    const record = decodeMessage(row.value)
    return record === undefined || record.place !== hlc || !record.id.startsWith(id) || !isListed(replica, channel) || !messageCounts(replica, channel, record) ? [] : [{ channel, record }]
  }))
}

/** Those of the messages that are what was asked for, in their order. */
function* check(replica: Replica, query: Query, names: Names, messages: readonly Located[]): Reading<Hit[]> {
  const hits: Hit[] = []
  for (const seen of yield* withNotes(replica, messages, false)) {
    const { record, channel } = seen, words = wordsOf(seen)
    if (words === undefined) continue
    const text = searchedText(words)
    const spans = meets(query, names, { text, author: record.author, channel, hlc: record.place, isReply: record.content?.replyTo !== undefined, mentions: calledIn(words) })
    if (spans !== undefined) hits.push({ replica, seen, text, spans })
  }
  return hits
}

/** Where a message stands in its channel the index knows, and those that were said at about one time lie together. Only one in a thread has to be looked up by its id. */
function* rowsOf(replica: Replica, finder: Finder, proposals: readonly Proposal[]): Reading<(readonly Row[])[] | 'damaged' | 'changed'> {
  const ownLine = ({ channel, hlc, start, id = start }: Proposal) => messagesByPrefix(replica.id, channel, hlc, id)
  const rows = [...yield proposals.map(ownLine)]
  // Several of that time, in several parts of the index: the id says which of them is meant.
  const crowded = proposals.flatMap((proposal, i) => (proposal.id === undefined && (rows[i] ?? []).length > 1 ? [{ proposal, i }] : []))
  if (crowded.length > 0) {
    const missed = yield* finder.name(crowded.map(({ proposal }) => proposal))
    if (missed !== undefined) return missed
    for (const [n, found] of (yield crowded.map(({ proposal }) => ownLine(proposal))).entries()) rows[crowded[n]?.i ?? 0] = found
  }
  const others = proposals.flatMap(({ channel, hlc, id }, i) => (id !== undefined && rows[i]?.length === 0 ? [{ channel, hlc, id, i }] : []))
  const found: { readonly place: Place; readonly i: number }[] = []
  for (const [n, places] of (yield others.map(({ id }) => placesByPrefix(replica.id, id))).entries()) {
    const other = others[n]
    for (const place of places.map(decodePlace)) if (other !== undefined && place?.channel === other.channel && place.place === other.hlc) found.push({ place, i: other.i })
  }
  for (const [n, row] of (yield found.map(({ place }) => messageRow(replica.id, place))).entries()) { const { i } = found[n] ?? { i: 0 }; rows[i] = [...rows[i] ?? [], ...row] }
  return rows
}
