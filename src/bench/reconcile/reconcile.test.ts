/** What is measured must be right: each method finds what is missing, and says nothing that isn't. */
import { describe, expect, test } from 'vitest'
import { compareByBloom } from './bloom.ts'
import { compareByRanges } from './ranges.ts'
import { compareRateless } from './rateless.ts'
import { benchReconcile } from './reconcile.ts'
import { makePair } from './store.ts'

describe.each(['anywhere', 'newest'] as const)('ids that lie %s', (where) => {
  test.each([[0, 1000], [1, 1000], [7, 5000], [300, 5000], [5000, 5000]])('%i missing of %i', (missing, size) => {
    const pair = makePair(size, missing, where)
    expect(compareRateless(pair.full, pair.lacking).found).toEqual(pair.missing)
    expect(compareByRanges(pair.full, pair.lacking).found).toEqual(pair.missing)
    const { found } = compareByBloom(pair.full, pair.lacking)
    for (const id of found) expect(pair.missing).toContain(id)
    expect(found.size).toBeGreaterThanOrEqual(Math.floor(missing * 0.95))
  })
})

test('about 1.4 symbols for each difference', () => {
  const { bytes } = compareRateless(makePair(20_000, 2000, 'anywhere').full, makePair(20_000, 2000, 'anywhere').lacking)
  expect(bytes / 2000).toBeLessThan(45)
})

test('all figures are there', async () => {
  const figures = await benchReconcile([0, 10], 1000)
  expect(figures.filter((f) => f.what.endsWith('bytes')).map((f) => f.what)).toHaveLength(8)
  expect(figures.filter((f) => f.what.endsWith('overlooked') && !f.what.startsWith('Bloom')).every((f) => f.value === 0)).toBe(true)
})
