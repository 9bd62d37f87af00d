/**
 * Which messages have a word, and where in them: lists of rising numbers of messages, and for each a set of places. A place is the number of the word in its message (in a script without
 * spaces: of the character) modulo 16, so that a phrase is proposed from the lists of its words alone: of messages of twenty words that have all of them, but not in a row, one in fifty is.
 *
 * Packed, each occurrence is one number: the distance to the message before, times 16, plus the place; with distance 0 it is a further one in the same message. What is no word has no places.
 */
import type { Packer } from './packed.ts'

/** Rising numbers of messages, and for each a bit for each place. */
export interface List { readonly numbers: Uint32Array; readonly places: Uint16Array }

const PLACES = 16
const SORTED_BELOW = 2 ** PLACES
const NOTHING: List = { numbers: new Uint32Array(), places: new Uint16Array() }

/** The bit of a place. */
export const placeBit = (at: number): number => 1 << (at % PLACES)

/** All places there are. */
export const ANYWHERE = 0xffff
/** The places so far before these. */
export function placesBack(places: number, distance: number): number {
  const back = ((distance % PLACES) + PLACES) % PLACES
  return ((places >>> back) | (places << (PLACES - back))) & ANYWHERE
}

/** Who wrote it, where, what it has: terms that are no words begin with this, and stand nowhere. */
export const NO_WORD = '\u0001'
const hasPlaces = (term: string): boolean => term.charCodeAt(0) !== 1

/** Lists of many terms in two rows of numbers: most are short, and an array for each would cost more than what is in it. */
export class Lists {
  readonly terms: string[] = []
  /** Where each list begins; at last, where the last one ends. */
  readonly starts: number[] = [0]
  private numbers: Uint32Array
  private places: Uint16Array
  private length = 0

  constructor(room = 1024) {
    this.numbers = new Uint32Array(room)
    this.places = new Uint16Array(room)
  }

  add(number: number, places: number): void {
    if (this.length === this.numbers.length) {
      const { numbers, places: old } = this
      this.numbers = new Uint32Array(2 * this.length)
      this.numbers.set(numbers)
      this.places = new Uint16Array(2 * this.length)
      this.places.set(old)
    }
    this.numbers[this.length] = number
    this.places[this.length++] = places
  }

  /** What was added since the last one is the list of this term. */
  end(term: string): void {
    const from = this.starts.at(-1) ?? 0
    for (let i = from + 1; i < this.length; i++) if ((this.numbers[i] as number) < (this.numbers[i - 1] as number)) { this.sort(from); break }
    this.terms.push(term)
    this.starts.push(this.length)
  }

  /** Number and places in one: sorting such is many times as fast as sorting pairs. */
  private sort(from: number): void {
    const both = Float64Array.from({ length: this.length - from }, (_, i) => (this.numbers[from + i] as number) * SORTED_BELOW + (this.places[from + i] as number)).sort()
    for (const [i, one] of both.entries()) {
      this.numbers[from + i] = Math.floor(one / SORTED_BELOW)
      this.places[from + i] = one % SORTED_BELOW
    }
  }

  get isEmpty(): boolean { return this.length === this.starts.at(-1) }

  list(n: number): List { return { numbers: this.numbers.subarray(this.starts[n], this.starts[n + 1]), places: this.places.subarray(this.starts[n], this.starts[n + 1]) } }

  pack(packer: Packer, n: number): void {
    const isPlaced = hasPlaces(this.terms[n] ?? ''), end = this.starts[n + 1] ?? 0
    let last = -1
    for (let i = this.starts[n] ?? 0; i < end; i++) {
      const number = this.numbers[i] as number
      let gap = number - last
      last = number
      if (!isPlaced) { packer.number(gap); continue }
      for (let bits = this.places[i] as number; bits !== 0; bits &= bits - 1) {
        packer.number(gap * PLACES + 31 - Math.clz32(bits & -bits))
        gap = 0
      }
    }
  }

  /** Of a segment of so many messages; false when it is damaged. */
  unpack(term: string, bytes: Uint8Array, docs: number): boolean {
    const isPlaced = hasPlaces(term)
    let at = 0, last = -1, places = 0
    while (at < bytes.length) {
      let byte = bytes[at++] as number, value = byte & 127, scale = 128
      while (byte >= 128) {
        const next = bytes[at++]
        if (next === undefined || scale > 0x1000_0000) return false
        byte = next
        value += (byte & 127) * scale
        scale *= 128
      }
      const gap = isPlaced ? Math.floor(value / PLACES) : value
      if (gap === 0 && (last < 0 || !isPlaced)) return false
      if (gap > 0 && last >= 0) { this.add(last, places); places = 0 }
      last += gap
      if (last >= docs) return false
      if (isPlaced) places |= 1 << (value % PLACES)
    }
    if (last >= 0) this.add(last, places)
    this.end(term)
    return true
  }
}

export function unpackList(term: string, bytes: Uint8Array, docs: number): List | undefined {
  const lists = new Lists(bytes.length)
  return lists.unpack(term, bytes, docs) ? lists.list(0) : undefined
}

/** In any of some lists of numbers below `docs`. */
export function inAny(lists: readonly List[], docs: number): List {
  const [first] = lists
  if (first === undefined) return NOTHING
  if (lists.length === 1) return first
  const marks = new Uint8Array(docs), places = new Uint16Array(docs)
  let count = 0
  for (const list of lists) {
    for (let i = 0; i < list.numbers.length; i++) {
      const n = list.numbers[i] as number
      places[n] = (places[n] as number) | (list.places[i] as number)
      if (marks[n] === 0) { marks[n] = 1; count++ }
    }
  }
  const out: List = { numbers: new Uint32Array(count), places: new Uint16Array(count) }
  for (let n = 0, at = 0; at < count; n++) if (marks[n] === 1) { out.places[at] = places[n] as number; out.numbers[at++] = n }
  return out
}

/** In both lists, with what is of the second so many places behind what is of the first. The places are those of the first. */
export function inRow(a: List, b: List, distance: number): List {
  const out: List = { numbers: new Uint32Array(Math.min(a.numbers.length, b.numbers.length)), places: new Uint16Array(Math.min(a.numbers.length, b.numbers.length)) }
  let i = 0, j = 0, n = 0
  while (i < a.numbers.length && j < b.numbers.length) {
    const x = a.numbers[i] as number, y = b.numbers[j] as number
    if (x < y) { i++; continue }
    if (x > y) { j++; continue }
    const both = (a.places[i++] as number) & placesBack(b.places[j++] as number, distance)
    if (both !== 0) { out.places[n] = both; out.numbers[n++] = x }
  }
  return { numbers: out.numbers.subarray(0, n), places: out.places.subarray(0, n) }
}

/** In both of two rising lists. */
export function inBoth(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(Math.min(a.length, b.length))
  let i = 0, j = 0, n = 0
  while (i < a.length && j < b.length) {
    const x = a[i] as number, y = b[j] as number
    if (x === y) { out[n++] = x; i++; j++ } else if (x < y) i++; else j++
  }
  return out.subarray(0, n)
}

/** Of a rising list what is not below `first` and below `end`. */
export const between = (numbers: Uint32Array, first: number, end: number): Uint32Array => numbers.subarray(countBelow(numbers, first), countBelow(numbers, end))

function countBelow(numbers: Uint32Array, bound: number): number {
  let low = 0, high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] as number) < bound) low = middle + 1; else high = middle
  }
  return low
}
