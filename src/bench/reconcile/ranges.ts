/**
 * Range-based reconciliation (Meyer 2023; negentropy): both have their ids in one order. Whoever is asked about a range compares its fingerprint; where it differs,
 * the range is cut in sixteen and each part's fingerprint goes back, until a part is small enough to be listed. Cheap where differences lie together,
 * as the newest do; dear where they lie anywhere.
 *
 * The order is that in which ids came to the full store: a stand-in for (time, id), which both could sort by.
 */
import { ID_BYTES, type Store, WORDS } from '../../wire/rateless.ts'
import { idAt, type Outcome } from './store.ts'

const PARTS = 16
/** Ids of a range that are listed instead of cut. */
const LISTED = 32
const FINGERPRINT_BYTES = 16
/** Of a bound (a time as a varint and the bytes of an id that tell it from its neighbour) and of the kind of what follows. */
const BOUND_BYTES = 8

/** `from` and `to` are places in the common order. */
interface Range { readonly from: number; readonly to: number; readonly print: string | undefined }

/** A store's ids by their place in the common order, with sums over all before each, so that any range's fingerprint is a subtraction. */
class Ordered {
  readonly store: Store
  private readonly placeOf: Int32Array
  private readonly sums: Uint32Array

  constructor(store: Store, places: Int32Array) {
    this.store = store
    this.placeOf = places
    this.sums = new Uint32Array((store.size + 1) * WORDS)
    for (let n = 0; n < store.size; n++) for (let w = 0; w < WORDS; w++) this.sums[(n + 1) * WORDS + w] = (this.sums[n * WORDS + w] as number) + (store.ids[n * WORDS + w] as number)
  }

  /** The first id at or after a place. */
  at(place: number): number {
    let low = 0, high = this.store.size
    while (low < high) { const middle = (low + high) >>> 1; if ((this.placeOf[middle] as number) < place) low = middle + 1; else high = middle }
    return low
  }

  place(n: number): number { return this.placeOf[n] as number }

  print(from: number, to: number): string {
    const out = [to - from]
    for (let w = 0; w < WORDS; w++) out.push(((this.sums[to * WORDS + w] as number) - (this.sums[from * WORDS + w] as number)) >>> 0)
    return out.join()
  }
}

export function compareByRanges(full: Store, lacking: Store): Outcome {
  const [has, lacks] = order(full, lacking)
  const found = new Set<string>()
  let bytes = BOUND_BYTES + FINGERPRINT_BYTES, messages = 1
  // Whoever lacks begins with one range over everything.
  let ranges: Range[] = [{ from: 0, to: full.size, print: lacks.print(0, lacks.store.size) }]
  for (let turn = 0; ranges.length > 0; turn++) {
    const mine = turn % 2 === 0 ? has : lacks
    const answer: Range[] = []
    let size = 0
    for (const range of ranges) {
      const from = mine.at(range.from), to = mine.at(range.to)
      if (range.print === mine.print(from, to)) continue
      if (range.print === undefined) {
        // A list came. Who has all answers with what is not in it; who lacks sees that at once.
        for (const id of missingIn(has, lacks, range)) { found.add(id); if (mine === has) size += ID_BYTES }
        continue
      }
      for (const part of cut(mine, range, from, to)) {
        answer.push(part)
        size += BOUND_BYTES + (part.print === undefined ? (mine.at(part.to) - mine.at(part.from)) * ID_BYTES : FINGERPRINT_BYTES)
      }
    }
    if (size > 0 || turn === 0) { bytes += size + 1; messages++ }
    ranges = answer
  }
  return { found, bytes, roundTrips: Math.ceil(messages / 2) }
}

/** The parts of a range as their holder tells them. */
function cut(mine: Ordered, range: Range, from: number, to: number): Range[] {
  if (to - from <= LISTED) return [{ from: range.from, to: range.to, print: undefined }]
  const bounds = Array.from({ length: PARTS + 1 }, (_, k) => from + Math.floor(((to - from) * k) / PARTS))
  return bounds.slice(1).map((end, k) => {
    const begin = bounds[k] as number
    return { from: k === 0 ? range.from : mine.place(begin), to: k === PARTS - 1 ? range.to : mine.place(end), print: mine.print(begin, end) }
  })
}

function missingIn(has: Ordered, lacks: Ordered, range: Range): string[] {
  const known = new Set<string>()
  for (let n = lacks.at(range.from); n < lacks.at(range.to); n++) known.add(idAt(lacks.store, n))
  const out: string[] = []
  for (let n = has.at(range.from); n < has.at(range.to); n++) { const id = idAt(has.store, n); if (!known.has(id)) out.push(id) }
  return out
}

/** Each id's place is that in the full store; the other has the same order with gaps. */
function order(full: Store, lacking: Store): [Ordered, Ordered] {
  const places = new Int32Array(lacking.size)
  for (let n = 0, at = 0; n < lacking.size; n++, at++) {
    while (!isSame(full, at, lacking, n)) at++
    places[n] = at
  }
  return [new Ordered(full, Int32Array.from({ length: full.size }, (_, n) => n)), new Ordered(lacking, places)]
}

function isSame(a: Store, n: number, b: Store, m: number): boolean {
  for (let w = 0; w < WORDS; w++) if (a.ids[n * WORDS + w] !== b.ids[m * WORDS + w]) return false
  return true
}
