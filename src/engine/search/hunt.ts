/** Finds messages of one space: the index proposes, and what the disk holds of each proposal decides. */
import type { Row } from '../../ports.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import { MAX_SEARCH_LOOKS } from '../limits.ts'
import { decodePlace, messageRow, messagesByPrefix, type Place, placesByPrefix } from '../messages/places.ts'
import { messageCounts } from '../messages/counting.ts'
import { type Located, type Seen, withNotes, wordsOf } from '../messages/reading.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import { Finder, soughtBy } from './finder.ts'
import type { Keeper } from './keeper.ts'
import { meets, type Names, type Span } from './match.ts'
import type { Query } from './query.ts'
import { calledIn, searchedText } from './terms.ts'
import { ID_BYTES, newestFirst, type Doc } from './segment.ts'

/** Proposals looked at in one go at least: nearly all are what was asked for, so no more than are wanted, but where they are not, few at a time would be slow. */
const PAGE = 16

export interface Hit { readonly replica: Replica; readonly seen: Seen; readonly text: string; readonly spans: readonly Span[] }

/** Newest first, `more` when there may be others behind the last; what is not indexed yet is not found. */
export interface Catch { readonly hits: readonly Hit[]; readonly more: boolean }

/** `from`: go on behind this message. */
export function* hunt(replica: Replica, keeper: Keeper, turn: () => Turn, query: Query, names: Names, limit: number, from: Located | undefined): Reading<Catch> {
  if (query.isBlank) return { hits: [], more: false }
  yield* keeper.begin(turn)
  let last: Doc | undefined = from === undefined ? undefined : { channel: from.channel, hlc: from.record.place, id: from.record.id.slice(0, 2 * ID_BYTES) }
  const hits: Hit[] = []
  let finder = new Finder(keeper.index, soughtBy(query, names, last?.hlc))
  for (let looked = 0; looked < MAX_SEARCH_LOOKS;) {
    const count = Math.max(PAGE, Math.min(2 * PAGE, limit + 1 - hits.length)), docs = yield* finder.next(count)
    looked += count
    if (docs === 'damaged') { keeper.restart(turn()); return { hits, more: false } }
    if (docs === 'changed') { finder = new Finder(keeper.index, soughtBy(query, names, last?.hlc)); continue }
    for (const hit of yield* check(replica, query, names, docs.filter((doc) => last === undefined || newestFirst(last, doc) < 0))) {
      hits.push(hit)
      if (hits.length > limit) return { hits: hits.slice(0, limit), more: true }
    }
    last = docs.at(-1) ?? last
    if (docs.length < count) return { hits, more: false }
  }
  return { hits, more: true }
}

/** Those of the proposals that are what was asked for, in their order. */
function* check(replica: Replica, query: Query, names: Names, docs: readonly Doc[]): Reading<Hit[]> {
  const rows = yield* rowsOf(replica, docs)
  const messages = docs.flatMap((doc, i) => (rows[i] ?? []).flatMap((row): Located[] => {
    const record = decodeMessage(row.value), { channel } = doc
    return record === undefined || record.place !== doc.hlc || !record.id.startsWith(doc.id) || !isListed(replica, channel) || !messageCounts(replica, channel, record) ? [] : [{ channel, record }]
  }))
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
function* rowsOf(replica: Replica, docs: readonly Doc[]): Reading<(readonly Row[])[]> {
  const rows = [...yield docs.map((doc) => messagesByPrefix(replica.id, doc.channel, doc.hlc, doc.id))]
  const others = docs.flatMap((doc, i) => (rows[i]?.length === 0 ? [{ doc, i }] : []))
  const found: { readonly place: Place; readonly i: number }[] = []
  for (const [n, places] of (yield others.map(({ doc }) => placesByPrefix(replica.id, doc.id))).entries()) {
    const other = others[n]
    for (const place of places.map(decodePlace)) if (other !== undefined && place?.channel === other.doc.channel && place.place === other.doc.hlc) found.push({ place, i: other.i })
  }
  for (const [n, row] of (yield found.map(({ place }) => messageRow(replica.id, place))).entries()) { const { i } = found[n] ?? { i: 0 }; rows[i] = [...rows[i] ?? [], ...row] }
  return rows
}
