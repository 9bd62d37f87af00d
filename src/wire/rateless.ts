/**
 * A rateless invertible Bloom lookup table (Yang, Gilad, Alizadeh: Practical Rateless Set Reconciliation, SIGCOMM 2024). Each id is in symbol 0 and in ever fewer
 * of those that follow, at places that hang off the id. A symbol is the XOR of its ids, the XOR of their checks, and their number. What two stores share
 * cancels out when their symbols are subtracted; a symbol in which one id is left shows it, and with it taken out of its other symbols, the next shows. About
 * 1.4 symbols for each difference are enough, however large the stores are, and whoever tells symbols needs to know nothing about the other.
 */
import { type Cbor, isArray, isBytes, isUint } from './cbor.ts'

/** Ids are the first 16 bytes of hashes, kept as four words each. */
export const ID_BYTES = 16
export const WORDS = 4

/** No id may be in a store twice: it would cancel itself out. */
export interface Store { readonly size: number; readonly ids: Uint32Array }

/** A store of ids that follow each other in bytes. */
export function storeOf(packed: Uint8Array): Store {
  const size = Math.floor(packed.length / ID_BYTES)
  const ids = new Uint32Array(size * WORDS)
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  for (let at = 0; at < ids.length; at++) ids[at] = view.getUint32(4 * at)
  return { size, ids }
}

/** Of four words, one that changes with every bit of them (the finish of MurmurHash3, word by word). */
export function mix(a: number, b: number, c: number, d: number, seed: number): number {
  let h = seed
  for (const word of [a, b, c, d]) {
    h = Math.imul(h ^ word, 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    h ^= h >>> 16
  }
  return h >>> 0
}

/** An id, two words of check, the number of ids less what it is on average. */
const CHECK_WORDS = 2
const SUM = WORDS + CHECK_WORDS
/** What a symbol takes on the wire, about. */
export const SYMBOL_BYTES = 4 * SUM + 4
/** Symbols in one answer: half a MiB. */
export const MAX_SYMBOLS = 16_384
const MAX_SIZE = 2 ** 31 - 1

/** Symbols `from` up to `from + counts.length` of a store of `size` ids. */
export interface Symbols { readonly size: number; readonly from: number; readonly sums: Uint32Array; readonly counts: Int32Array }

/** An id's next place, and the state of what its places are drawn from. */
interface Walk { state: number; next: number }

/** The gaps grow with the place: symbol i has one in 1 + i/2 of all ids. */
function step(walk: Walk): void {
  walk.state = (Math.imul(walk.state, 0x9e3779b1) + 0x7f4a7c15) >>> 0
  const r = (mix(walk.state, 0, 0, 0, 7) + 1) / 0x1_0000_0000
  walk.next += Math.ceil((walk.next + 1.5) * (1 / Math.sqrt(r) - 1))
}

/** Makes symbols of a store, in order, a block at a time. */
export class Coder {
  private readonly store: Store
  private readonly seed: number
  private readonly states: Uint32Array
  private readonly nexts: Float64Array
  private made = 0

  constructor(store: Store, seed: number) {
    this.store = store
    this.seed = seed
    this.states = new Uint32Array(store.size)
    this.nexts = new Float64Array(store.size)
    for (let n = 0; n < store.size; n++) this.states[n] = this.hash(n, seed)
  }

  /** Passes over symbols that were told before. */
  skip(count: number): void { this.made += count }

  private hash(n: number, seed: number): number {
    const { ids } = this.store
    return mix(ids[n * WORDS] as number, ids[n * WORDS + 1] as number, ids[n * WORDS + 2] as number, ids[n * WORDS + 3] as number, seed)
  }

  block(count: number): Symbols {
    const from = this.made, to = from + count
    const sums = new Uint32Array(count * SUM), counts = new Int32Array(count)
    const walk: Walk = { state: 0, next: 0 }
    for (let n = 0; n < this.store.size; n++) {
      if ((this.nexts[n] as number) >= to) continue
      walk.state = this.states[n] as number
      walk.next = this.nexts[n] as number
      while (walk.next < from) step(walk)
      const one = this.hash(n, this.seed + 1), two = this.hash(n, this.seed + 2)
      for (; walk.next < to; step(walk)) {
        const at = (walk.next - from) * SUM
        for (let w = 0; w < WORDS; w++) sums[at + w] = (sums[at + w] as number) ^ (this.store.ids[n * WORDS + w] as number)
        sums[at + WORDS] = (sums[at + WORDS] as number) ^ one
        sums[at + WORDS + 1] = (sums[at + WORDS + 1] as number) ^ two
        counts[walk.next - from] = (counts[walk.next - from] as number) + 1
      }
      this.states[n] = walk.state
      this.nexts[n] = walk.next
    }
    this.made = to
    return { size: this.store.size, from, sums, counts }
  }
}

interface Found { readonly words: readonly number[]; readonly sign: number; readonly one: number; readonly two: number; readonly walk: Walk }

/** Finds what differs, from the symbols of both. */
export class Decoder {
  private readonly seed: number
  private sums = new Uint32Array(0)
  private counts = new Int32Array(0)
  private readonly found: Found[] = []

  constructor(seed: number) { this.seed = seed }

  /** Whether nothing is left. Symbol 0 has every id. */
  get isDone(): boolean { return this.counts.length > 0 && this.counts[0] === 0 && this.sums.subarray(0, SUM).every((w) => w === 0) }

  /** Ids that the other has and we lack, as hex. */
  get theirs(): string[] { return this.ids(1) }
  /** Ids that we have and the other lacks. Who tells lies can have any id appear on either side. */
  get ours(): string[] { return this.ids(-1) }

  private ids(side: number): string[] { return this.found.filter(({ sign }) => sign === side).map(({ words }) => words.map((w) => w.toString(16).padStart(8, '0')).join('')) }

  /** At least so many differences are left: their number shows in symbol 0, unless both lack some. */
  get atLeast(): number { return Math.abs(this.counts[0] ?? 0) + this.found.length }

  take(theirs: Symbols, ours: Symbols): void {
    const from = this.counts.length, to = from + theirs.counts.length
    const sums = new Uint32Array(to * SUM), counts = new Int32Array(to)
    sums.set(this.sums)
    counts.set(this.counts)
    for (let n = 0; n < theirs.sums.length; n++) sums[from * SUM + n] = (theirs.sums[n] as number) ^ (ours.sums[n] as number)
    for (let n = 0; n < theirs.counts.length; n++) counts[from + n] = (theirs.counts[n] as number) - (ours.counts[n] as number)
    this.sums = sums
    this.counts = counts
    for (const one of this.found) this.remove(one)
    const open = Array.from({ length: to }, (_, n) => n)
    // More differences than symbols can't be told apart: whoever shows that many makes them up, and could have us search for ever.
    for (let at = open.pop(); at !== undefined && this.found.length < to; at = open.pop()) {
      const one = this.single(at)
      if (one === undefined) continue
      this.found.push(one)
      open.push(...this.remove(one))
    }
  }

  /** The one id that is left in a symbol. */
  private single(at: number): Found | undefined {
    const sign = this.counts[at] as number
    if (sign !== 1 && sign !== -1) return undefined
    const [a = 0, b = 0, c = 0, d = 0, one = 0, two = 0] = this.sums.subarray(at * SUM, (at + 1) * SUM)
    if (mix(a, b, c, d, this.seed + 1) !== one || mix(a, b, c, d, this.seed + 2) !== two) return undefined
    return { words: [a, b, c, d], sign, one, two, walk: { state: mix(a, b, c, d, this.seed), next: 0 } }
  }

  /** Takes an id out of all symbols made so far, from where it was taken out before; gives their numbers. */
  private remove({ words, sign, one, two, walk }: Found): number[] {
    const touched: number[] = []
    for (; walk.next < this.counts.length; step(walk)) {
      const at = walk.next * SUM
      const parts = [...words, one, two]
      for (let w = 0; w < SUM; w++) this.sums[at + w] = (this.sums[at + w] as number) ^ (parts[w] as number)
      this.counts[walk.next] = (this.counts[walk.next] as number) - sign
      touched.push(walk.next)
    }
    return touched
  }
}

/** How many ids are in a symbol on average: only what differs from that has to be told. */
const average = (size: number, at: number): number => Math.round(size / (1 + at / 2))

export const symbolsCbor = ({ size, from, sums, counts }: Symbols): Cbor =>
  [size, from, new Uint8Array(sums.buffer, sums.byteOffset, sums.byteLength), [...counts].map((count, n) => zigzag(count - average(size, from + n)))]

/** undefined for what is malformed or other than was asked for. */
export function readSymbols(v: Cbor | undefined, from: number, count: number): Symbols | undefined {
  if (!isArray(v, 4)) return undefined
  const [size, first, sumBytes, list] = v
  if (!isUint(size, MAX_SIZE) || first !== from || !isBytes(sumBytes, count * SUM * 4) || !isArray(list, count)) return undefined
  const counts = new Int32Array(count)
  for (let n = 0; n < count; n++) {
    const told: Cbor | undefined = list[n]
    if (!isUint(told, 0xffff_ffff)) return undefined
    counts[n] = unzigzag(told) + average(size, from + n)
  }
  return { size, from, sums: new Uint32Array(sumBytes.slice().buffer), counts }
}

const zigzag = (n: number): number => (n < 0 ? -2 * n - 1 : 2 * n)
const unzigzag = (n: number): number => (n % 2 === 1 ? -(n + 1) / 2 : n / 2)
