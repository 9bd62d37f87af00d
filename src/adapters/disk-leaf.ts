/**
 * A leaf as its block holds it. Who looks for a row reads a page of some hundred of them, for a search some dozens of such pages: so all keys are laid out in one place, where they can be looked through, and
 * rows are made of what is asked for alone. Two arrays for each row would take longer than opening the block, and more memory than what is in it.
 */
import type { Row } from '../ports.ts'
import type { Leaf } from './disk-format.ts'
import type { KeyRange } from './disk-tree.ts'

/** Of each row: where its key ends among the keys, and where its value begins and ends in the block. */
const FIELDS = 3

export class PackedLeaf implements Leaf {
  readonly type = 'leaf'
  readonly #block: Uint8Array
  readonly #keys: Uint8Array
  readonly #ends: Uint32Array

  constructor(block: Uint8Array, keys: Uint8Array, ends: Uint32Array) {
    this.#block = block
    this.#keys = keys
    this.#ends = ends
  }

  /** What it takes in memory: of the block the whole buffer, which may be longer than what is in it. */
  get bytes(): number { return this.#block.buffer.byteLength + this.#keys.length + this.#ends.byteLength }

  get length(): number { return this.#ends.length / FIELDS }
  get rows(): readonly Row[] { return this.#rows(0, this.length) }

  /** Up to `limit` rows with from <= key < to, from the lower end, or downwards from the upper one. */
  some({ from, to }: KeyRange, limit: number, reverse: boolean): Row[] {
    const start = this.#notBelow(from), end = to === undefined ? this.length : Math.max(start, this.#notBelow(to))
    return reverse ? this.#rows(Math.max(start, end - limit), end).reverse() : this.#rows(start, Math.min(end, start + limit))
  }

  #rows(start: number, end: number): Row[] {
    const out: Row[] = []
    for (let n = start; n < end; n++) out.push({ key: this.#keys.subarray(this.#keyStart(n), this.#end(n)), value: this.#block.subarray(this.#ends[FIELDS * n + 1], this.#ends[FIELDS * n + 2]) })
    return out
  }

  #keyStart(n: number): number { return n === 0 ? 0 : this.#end(n - 1) }
  #end(n: number): number { return this.#ends[FIELDS * n] as number }

  /** The first row whose key isn't below this one. */
  #notBelow(key: Uint8Array): number {
    let low = 0, high = this.length
    while (low < high) {
      const mid = (low + high) >> 1
      if (this.#isBelow(mid, key)) low = mid + 1; else high = mid
    }
    return low
  }

  #isBelow(n: number, key: Uint8Array): boolean {
    const keys = this.#keys, start = this.#keyStart(n), length = this.#end(n) - start
    for (let i = 0; i < length && i < key.length; i++) {
      const difference = (keys[start + i] as number) - (key[i] as number)
      if (difference !== 0) return difference < 0
    }
    return length < key.length
  }
}

/** Where keys are put together: most pages have less. */
let space = new Uint8Array(16 * 1024)

/** The rows of a leaf, from `at` on to the block's end; undefined for anything that an encoder wouldn't have written (disk-format.ts). */
export function decodeLeaf(block: Uint8Array, start: number): PackedLeaf | undefined {
  let at = start, isBad = false
  const number = (): number => {
    let value = 0, scale = 1
    for (let n = 0; n < 8; n++) {
      const byte = block[at++]
      if (byte === undefined) break
      value += (byte & 127) * scale
      if (byte < 128) {
        if ((byte === 0 && n > 0) || !Number.isSafeInteger(value)) break
        return value
      }
      scale *= 128
    }
    isBad = true
    return 0
  }
  const count = number()
  // Three bytes at least are a row: before anything is allocated for so many.
  if (isBad || count * 3 > block.length - at) return undefined
  const ends = new Uint32Array(FIELDS * count)
  let before = 0, last = 0
  for (let n = 0; n < count; n++) {
    const shared = number(), rest = number(), from = at, end = last + shared + rest
    // Only the longest shared prefix is canonical: so the first byte of the rest says which key is behind the other.
    const isInOrder = n === 0 || (rest > 0 && (shared === last - before || (block[from] as number) > (space[before + shared] as number)))
    if (isBad || shared > last - before || rest > block.length - from || !isInOrder) return undefined
    if (end > space.length) space = grown(space, end)
    for (let i = 0; i < shared; i++) space[last + i] = space[before + i] as number
    for (let i = 0; i < rest; i++) space[last + shared + i] = block[from + i] as number
    at += rest
    const length = number()
    if (isBad || length > block.length - at) return undefined
    before = last
    last = end
    ends[FIELDS * n] = end
    ends[FIELDS * n + 1] = at
    ends[FIELDS * n + 2] = at += length
  }
  return at === block.length ? new PackedLeaf(block, space.slice(0, last), ends) : undefined
}

function grown(bytes: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(Math.max(2 * bytes.length, least))
  out.set(bytes)
  return out
}
