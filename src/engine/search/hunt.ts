/** Finds messages of one space: the index proposes, and what the disk holds of each proposal decides. */
import { decodeMessage } from '../../wire/content-records.ts'
import { MAX_SEARCH_LOOKS } from '../limits.ts'
import { decodePlace, messageRow, type Place, placesByPrefix } from '../messages/places.ts'
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

/** Proposals looked at in one go: more reads at a time are quicker, but each search would look at more than it needs. */
const PAGE = 32

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
  for (let looked = 0; looked < MAX_SEARCH_LOOKS; looked += PAGE) {
    const docs = yield* finder.next(PAGE)
    if (docs === 'damaged') { keeper.restart(turn()); return { hits, more: false } }
    if (docs === 'changed') { finder = new Finder(keeper.index, soughtBy(query, names, last?.hlc)); continue }
    for (const hit of yield* check(replica, query, names, docs.filter((doc) => last === undefined || newestFirst(last, doc) < 0))) {
      hits.push(hit)
      if (hits.length > limit) return { hits: hits.slice(0, limit), more: true }
    }
    last = docs.at(-1) ?? last
    if (docs.length < PAGE) return { hits, more: false }
  }
  return { hits, more: true }
}

/** Those of the proposals that are what was asked for, in their order. */
function* check(replica: Replica, query: Query, names: Names, docs: readonly Doc[]): Reading<Hit[]> {
  const places: Place[] = []
  for (const [i, rows] of (yield docs.map((doc) => placesByPrefix(replica.id, doc.id))).entries()) {
    const doc = docs[i]
    for (const place of rows.map(decodePlace)) if (place !== undefined && place.channel === doc?.channel && place.place === doc.hlc) places.push(place)
  }
  const messages = (yield places.map((place) => messageRow(replica.id, place))).flatMap((rows, i): Located[] => {
    const record = rows[0] === undefined ? undefined : decodeMessage(rows[0].value), channel = places[i]?.channel
    return record === undefined || channel === undefined || !isListed(replica, channel) || !messageCounts(replica, channel, record) ? [] : [{ channel, record }]
  })
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
