/**
 * A device's side of a comparison: what to ask a relay next, and what its answers come to. First a few symbols, then as many as their numbers call for, then an eighth
 * more at a time. When symbols take more than the list of ids would, the list is asked for: so it never costs more than about twice the list.
 */
import { fromHex, toHex } from './bytes.ts'
import type { Ask, Told } from './compare.ts'
import { Coder, Decoder, ID_BYTES, MAX_SYMBOLS, storeOf, SYMBOL_BYTES } from './rateless.ts'

const FIRST_SYMBOLS = 32

export class Comparison {
  private readonly held: ReadonlySet<string>
  private readonly seed: number
  private readonly coder: Coder
  private readonly decoder: Decoder
  /** Ids of the relay's, once they are told one by one. */
  private listed: Set<string> | undefined
  private made = 0
  /** How many ids the relay has; it may not change while we compare. */
  private size: number | undefined
  private next: Ask | undefined

  /** `held`: ids one after the other; `seed`: by chance, so that nobody makes parcels that spoil it. */
  constructor(held: Uint8Array, seed: number) {
    this.held = new Set(idsOf(held))
    this.seed = seed
    this.coder = new Coder(storeOf(packed(this.held)), seed)
    this.decoder = new Decoder(seed)
    this.next = { type: 'symbols', seed, from: 0, count: FIRST_SYMBOLS }
  }

  /** undefined when all is known. */
  get ask(): Ask | undefined { return this.next }

  /** What the relay has and we lack, as hex. */
  get lacking(): string[] { return this.listed === undefined ? this.decoder.theirs.filter((id) => !this.held.has(id)) : [...this.listed].filter((id) => !this.held.has(id)) }

  /** What we have and the relay lacks, as hex. */
  get surplus(): string[] { return this.listed === undefined ? this.decoder.ours.filter((id) => this.held.has(id)) : [...this.held].filter((id) => !this.listed?.has(id)) }

  /** False when the answer contradicts those before it: the relay's parcels have changed, and it is best to begin anew. */
  take(told: Told): boolean {
    if (told.type === 'ids') {
      this.listed ??= new Set()
      for (const id of idsOf(told.ids)) this.listed.add(id)
      this.next = told.end ? undefined : { type: 'ids', since: told.next }
      return true
    }
    const { symbols } = told
    this.size ??= symbols.size
    if (this.listed !== undefined || symbols.size !== this.size || symbols.from !== this.made) return false
    const count = symbols.counts.length
    this.decoder.take(symbols, this.coder.block(count))
    this.made += count
    if (this.decoder.isDone) { this.next = undefined; return true }
    const wanted = Math.max(Math.ceil(1.4 * this.decoder.atLeast) + 8 - this.made, Math.ceil(this.made / 8), FIRST_SYMBOLS)
    const isDear = (this.made + wanted) * SYMBOL_BYTES > this.size * ID_BYTES
    this.next = isDear ? { type: 'ids', since: 0 } : { type: 'symbols', seed: this.seed, from: this.made, count: Math.min(wanted, MAX_SYMBOLS) }
    return true
  }
}

function* idsOf(bytes: Uint8Array): Iterable<string> {
  for (let at = 0; at + ID_BYTES <= bytes.length; at += ID_BYTES) yield toHex(bytes.subarray(at, at + ID_BYTES))
}

/** Ids as bytes, one after the other. */
export const packed = (ids: Iterable<string>): Uint8Array => fromHex([...ids].join('')) as Uint8Array
