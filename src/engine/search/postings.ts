/**
 * Which messages have a word, and where in them: lists of rising numbers of messages, and for each a set of places. A place is the number of the word in its message (in a script without
 * spaces: of the character) modulo 16, so that a phrase is proposed from the lists of its words alone: of messages of twenty words that have all of them, but not in a row, one in fifty is.
 *
 * A list is cut into pieces of PIECE messages, each packed by itself, so that who wants the newest, or those near some, reads few of them:
 *
 *   piece       k (1 byte) || bits of each occurrence, the highest first || zeros up to the byte
 *   occurrence  distance to the message before (the first: to the piece's base), 2^k at a time as zeros and a one, the rest in k bits || place in 4 bits, of what has places
 *
 * A distance of 0 is a further place in the same message. What is no word has no places, and the distances less one are packed. (Golomb 1966, Rice 1979: k fits how far apart they are on the whole.)
 */
import type { Packer } from './packed.ts'

/** Rising numbers of messages, and for each a bit for each place. */
export interface List { readonly numbers: Uint32Array; readonly places: Uint16Array }

const PLACES = 16, PLACE_BITS = 4
const SORTED_BELOW = 2 ** PLACES
const NOTHING: List = { numbers: new Uint32Array(), places: new Uint16Array() }
/** Messages of one piece: some kilobytes. */
export const PIECE = 2048
/** More bits no distance has. */
const MAX_K = 26

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

/** Bits, the highest of each byte first. */
export class Bits {
  private bytes = new Uint8Array(1024)
  private at = 0

  clear(): void {
    this.bytes.fill(0, 0, (this.at + 7) >> 3)
    this.at = 0
  }

  private room(bits: number): void {
    const wanted = ((this.at + bits) >> 3) + 1
    if (wanted <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, wanted))
    grown.set(this.bytes)
    this.bytes = grown
  }

  put(value: number, bits: number): void {
    this.room(bits)
    for (let left = bits; left > 0;) {
      const free = 8 - (this.at & 7), taken = Math.min(free, left)
      left -= taken
      this.bytes[this.at >> 3] = (this.bytes[this.at >> 3] as number) | (((value >>> left) & ((1 << taken) - 1)) << (free - taken))
      this.at += taken
    }
  }

  /** So many zeros, and a one. */
  count(zeros: number): void {
    this.room(zeros)
    this.at += zeros
    this.put(1, 1)
  }

  /** What was put. */
  give(packer: Packer): void { packer.sizedPart(this.bytes, (this.at + 7) >> 3) }
}

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

  clear(): void {
    this.terms.length = 0
    this.starts.length = 1
    this.length = 0
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
    const { numbers, places } = this, both = new Float64Array(this.length - from)
    for (let i = 0; i < both.length; i++) both[i] = (numbers[from + i] as number) * SORTED_BELOW + (places[from + i] as number)
    both.sort()
    for (let i = 0; i < both.length; i++) {
      const one = both[i] as number
      numbers[from + i] = Math.floor(one / SORTED_BELOW)
      places[from + i] = one % SORTED_BELOW
    }
  }

  get isEmpty(): boolean { return this.length === this.starts.at(-1) }

  list(n: number): List { return { numbers: this.numbers.subarray(this.starts[n], this.starts[n + 1]), places: this.places.subarray(this.starts[n], this.starts[n + 1]) } }
}

/** Packs a piece of a list, from one place in it up to another, whose numbers are not below `base`. */
export function packPiece(bits: Bits, term: string, { numbers, places }: List, base: number, from = 0, end = numbers.length): void {
  const isPlaced = hasPlaces(term), mean = ((numbers[end - 1] ?? base) - base + 1) / Math.max(1, end - from) - (isPlaced ? 0 : 1)
  const k = mean <= 1 ? 0 : Math.min(MAX_K, Math.max(0, Math.round(Math.log2(mean * Math.LN2))))
  bits.clear()
  bits.put(k, 8)
  let last = base - 1
  for (let i = from; i < end; i++) {
    const number = numbers[i] as number
    let gap = number - last
    last = number
    if (!isPlaced) { putGap(bits, gap - 1, k); continue }
    for (let left = places[i] as number; left !== 0; left &= left - 1) {
      putGap(bits, gap, k)
      bits.put(31 - Math.clz32(left & -left), PLACE_BITS)
      gap = 0
    }
  }
}

function putGap(bits: Bits, gap: number, k: number): void {
  bits.count(gap >>> k)
  bits.put(gap & ((1 << k) - 1), k)
}

/** Calls for each message of a piece, with its places; false when it is damaged. `docs`: numbers are below. */
export function readPiece(term: string, bytes: Uint8Array, base: number, docs: number, visit: (number: number, places: number) => void): boolean {
  const isPlaced = hasPlaces(term), k = bytes[0] ?? MAX_K + 1, end = 8 * bytes.length, rest = isPlaced ? k + PLACE_BITS : k, unit = 2 ** k
  if (k > MAX_K) return false
  let at = 8, last = base - 1, places = 0
  for (;;) {
    let zeros = 0, byte = 0
    while (at < end && (byte = ((bytes[at >> 3] as number) << (at & 7)) & 255) === 0) {
      const left = 8 - (at & 7)
      zeros += left
      at += left
    }
    if (at >= end) {
      if (zeros > 7 || at === 8) return false
      break
    }
    const before = Math.clz32(byte) - 24
    zeros += before
    at += before + 1
    if (at + rest > end) return false
    let value = 0
    for (let left = rest; left > 0;) {
      const free = 8 - (at & 7), taken = Math.min(free, left)
      value = (value << taken) | (((bytes[at >> 3] as number) >> (free - taken)) & ((1 << taken) - 1))
      at += taken
      left -= taken
    }
    const gap = zeros * unit + (isPlaced ? value >>> PLACE_BITS : value + 1)
    if (gap > 0 && last >= base) { visit(last, places); places = 0 }
    last += gap
    if (last < base || last >= docs) return false
    places |= isPlaced ? 1 << (value & (PLACES - 1)) : 0
  }
  visit(last, places)
  return true
}

/** Messages from one number up to another, marked one by one: what any of some lists has. */
export class Union {
  private readonly from: number
  private readonly marks: Uint8Array
  private readonly places: Uint16Array
  private count = 0

  constructor(from: number, to: number) {
    this.from = from
    this.marks = new Uint8Array(to - from)
    this.places = new Uint16Array(to - from)
  }

  add(number: number, places: number): void {
    const n = number - this.from
    this.places[n] = (this.places[n] as number) | places
    if (this.marks[n] === 0) { this.marks[n] = 1; this.count++ }
  }

  list(): List {
    if (this.count === 0) return NOTHING
    const out: List = { numbers: new Uint32Array(this.count), places: new Uint16Array(this.count) }
    for (let n = 0, at = 0; at < this.count; n++) if (this.marks[n] === 1) { out.places[at] = this.places[n] as number; out.numbers[at++] = this.from + n }
    return out
  }
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

/** How many at the start of a list are so, where none after them is. */
export function countWhile<T>(items: ArrayLike<T>, isSo: (item: T) => boolean): number {
  let low = 0, high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isSo(items[middle] as T)) low = middle + 1; else high = middle
  }
  return low
}

/** Whether a rising list has any from one number up to another. */
export const hasAny = (numbers: Uint32Array, from: number, to: number): boolean => (numbers[countWhile(numbers, (number) => number < from)] ?? to) < to
