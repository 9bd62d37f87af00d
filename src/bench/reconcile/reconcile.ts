/**
 * Two stores of opaque ids find out what one lacks, by three methods, beside each other in one run. Of the million that both have nothing need be told; how near
 * a method comes to that, and what it costs the processors of both, is measured here. README.md says what was chosen by it.
 */
import { type Figure, worked } from '../table.ts'
import { compareByBloom } from './bloom.ts'
import { compareByRanges } from './ranges.ts'
import { compareRateless } from './rateless.ts'
import type { Store } from '../../wire/rateless.ts'
import { makePair, type Outcome } from './store.ts'

const METHODS: readonly { readonly name: string; readonly where: 'anywhere' | 'newest'; readonly compare: (full: Store, lacking: Store) => Outcome }[] = [
  { name: 'rateless IBLT', where: 'anywhere', compare: compareRateless },
  { name: 'ranges, anywhere', where: 'anywhere', compare: compareByRanges },
  { name: 'ranges, newest', where: 'newest', compare: compareByRanges },
  { name: 'Bloom filter', where: 'anywhere', compare: compareByBloom },
]

export async function benchReconcile(missing: readonly number[], size: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const count of missing) {
    for (const { name, where, compare } of METHODS) {
      const pair = makePair(size, count, where)
      let outcome: Outcome | undefined
      const ms = await worked(() => { outcome = compare(pair.full, pair.lacking) })
      if (outcome === undefined) throw new Error('nothing was compared')
      const note = (what: string, value: number, unit: string): void => { figures.push({ what: `${name}: ${what}`, value, unit, at: count }) }
      note('bytes', outcome.bytes, 'B')
      note('round trips', outcome.roundTrips, '')
      note('CPU of both', ms, 'ms')
      note('overlooked', [...pair.missing].filter((id) => !outcome?.found.has(id)).length, 'ids')
    }
  }
  return figures
}
