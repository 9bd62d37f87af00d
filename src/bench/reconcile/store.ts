/** Two stores of ids that mean nothing to whoever compares them, as a relay's parcels do: one has all, the other lacks some, in the order in which they came. */
import { type Store, WORDS } from '../../wire/rateless.ts'

export interface Pair { readonly full: Store; readonly lacking: Store; readonly missing: ReadonlySet<string> }

export const idAt = (store: Store, n: number): string => [...store.ids.subarray(n * WORDS, (n + 1) * WORDS)].map((w) => w.toString(16).padStart(8, '0')).join('')

/** `where`: missing ones lie anywhere, or are the newest. */
export function makePair(size: number, missing: number, where: 'anywhere' | 'newest'): Pair {
  const random = words(size + missing)
  const full: Store = { size, ids: Uint32Array.from({ length: size * WORDS }, random) }
  const gone = new Set<number>()
  while (gone.size < missing) gone.add(where === 'newest' ? size - 1 - gone.size : random() % size)
  const ids = new Uint32Array((size - missing) * WORDS)
  let at = 0
  for (let n = 0; n < size; n++) {
    if (gone.has(n)) continue
    ids.set(full.ids.subarray(n * WORDS, (n + 1) * WORDS), at)
    at += WORDS
  }
  return { full, lacking: { size: size - missing, ids }, missing: new Set([...gone].map((n) => idAt(full, n))) }
}

/** Words that look random, the same for the same seed (xorshift128). */
function words(seed: number): () => number {
  let x = seed | 1, y = 362436069, z = 521288629, w = 88675123
  return () => {
    const t = x ^ (x << 11)
    x = y; y = z; z = w
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8)
    return w >>> 0
  }
}

/** What one comparison came to. `found`: ids that the one who lacks them was told of. */
export interface Outcome { readonly found: ReadonlySet<string>; readonly bytes: number; readonly roundTrips: number }
