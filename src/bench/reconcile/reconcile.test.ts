/** What is measured must be right: each method finds what is missing, and says nothing that isn't. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareByBloom } from './bloom.ts'
import { compareByRanges } from './ranges.ts'
import { Coder, compareRateless, Decoder, decodeSymbols, encodeSymbols } from './rateless.ts'
import { benchReconcile } from './reconcile.ts'
import { makePair, type Store, WORDS } from './store.ts'

const some = (store: Store, from: number, to: number): Store => ({ size: to - from, ids: store.ids.slice(from * WORDS, to * WORDS) })

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

test('symbols show what each of two stores lacks of the other', () => {
  const { full } = makePair(1000, 0, 'anywhere')
  const alice = some(full, 0, 990), bob = some(full, 20, 1000)
  const decoder = new Decoder(1)
  decoder.take(new Coder(bob, 1).block(100), new Coder(alice, 1).block(100))
  expect(decoder.isDone).toBe(true)
  expect(decoder.theirs).toHaveLength(10)
})

test('what one block left open the next ones settle', () => {
  const pair = makePair(2000, 200, 'anywhere')
  const theirs = new Coder(pair.full, 3), ours = new Coder(pair.lacking, 3), decoder = new Decoder(3)
  let blocks = 0
  for (; !decoder.isDone && blocks < 20; blocks++) decoder.take(theirs.block(64), ours.block(64))
  expect(blocks).toBeGreaterThan(3)
  expect(blocks).toBeLessThan(8)
  expect(new Set(decoder.theirs)).toEqual(pair.missing)
})

test('about 1.4 symbols for each difference', () => {
  const { bytes } = compareRateless(makePair(20_000, 2000, 'anywhere').full, makePair(20_000, 2000, 'anywhere').lacking)
  expect(bytes / 2000).toBeLessThan(45)
})

test('symbols come back as they were, and nothing else does', () => {
  const symbols = new Coder(makePair(500, 0, 'anywhere').full, 1).block(32)
  const bytes = encodeSymbols(symbols)
  expect(decodeSymbols(bytes, 0, 32)).toEqual(symbols)
  expect(decodeSymbols(bytes, 0, 31)).toBeUndefined()
  expect(decodeSymbols(bytes, 1, 32)).toBeUndefined()
  for (let length = 0; length < bytes.length; length++) expect(decodeSymbols(bytes.subarray(0, length), 0, 32)).toBeUndefined()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (random) => { expect(decodeSymbols(random, 0, 32)).toBeUndefined() }))
})

test('symbols that are lies end in nothing found that was not told, and never in an endless search', () => {
  const { full } = makePair(100, 0, 'anywhere')
  fc.assert(fc.property(fc.uint8Array({ minLength: 32 * 24, maxLength: 32 * 24 }), fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 32, maxLength: 32 }), (sums, counts) => {
    const decoder = new Decoder(1)
    decoder.take({ size: 100, from: 0, sums: new Uint32Array(sums.slice().buffer), counts: Int32Array.from(counts) }, new Coder(full, 1).block(32))
    expect(decoder.theirs.length).toBeLessThanOrEqual(32)
  }))
})

test('all figures are there', async () => {
  const figures = await benchReconcile([0, 10], 1000)
  expect(figures.filter((f) => f.what.endsWith('bytes')).map((f) => f.what)).toHaveLength(8)
  expect(figures.filter((f) => f.what.endsWith('overlooked') && !f.what.startsWith('Bloom')).every((f) => f.value === 0)).toBe(true)
})
