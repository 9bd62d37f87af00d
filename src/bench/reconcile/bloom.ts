/**
 * A Bloom filter: who lacks something sends a filter of all it has; the other tells what is surely not in it. One round trip whatever is missing, the
 * whole set's bytes even for nothing, and one in a hundred missing ids is overlooked until the next time, with another seed.
 */
import { ID_BYTES, mix, type Store, WORDS } from '../../wire/rateless.ts'
import { idAt, type Outcome } from './store.ts'

/** For one in a hundred taken for known: 1.44 * log2(100) bits an id, and log2(100) hashes. */
const BITS_PER_ID = 9.585
const HASHES = 7

export function compareByBloom(full: Store, lacking: Store, seed = 1): Outcome {
  const bits = Math.ceil((lacking.size * BITS_PER_ID) / 32) * 32
  const filter = new Uint32Array(bits / 32)
  for (let n = 0; n < lacking.size; n++) places(lacking, n, bits, seed, (at) => { filter[at >>> 5] = (filter[at >>> 5] as number) | (1 << (at & 31)); return true })
  const found = new Set<string>()
  for (let n = 0; n < full.size; n++) {
    const isIn = places(full, n, bits, seed, (at) => ((filter[at >>> 5] as number) & (1 << (at & 31))) !== 0)
    if (!isIn) found.add(idAt(full, n))
  }
  return { found, bytes: filter.byteLength + 8 + found.size * ID_BYTES, roundTrips: 1 }
}

/** Until `visit` says no; true when it never did. Two hashes make all (Kirsch and Mitzenmacher 2006). */
function places(store: Store, n: number, bits: number, seed: number, visit: (at: number) => boolean): boolean {
  const [a = 0, b = 0, c = 0, d = 0] = store.ids.subarray(n * WORDS, (n + 1) * WORDS)
  const first = mix(a, b, c, d, seed), step = mix(a, b, c, d, seed + 1) | 1
  for (let k = 0; k < HASHES; k++) if (!visit(((first + Math.imul(k, step)) >>> 0) % bits)) return false
  return true
}
