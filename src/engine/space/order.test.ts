import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inPlace, MAX_PLACE_BYTES, placeBetween, placesFor } from './order.ts'

test('A31 a place between two others exists and lies between them, however often one squeezes in', () => {
  fc.assert(fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }), (moves) => {
    const list: string[] = []
    for (const move of moves) {
      const at = move % (list.length + 1)
      const place = placeBetween(list[at - 1] ?? '', list[at] ?? '')
      if (place === undefined) throw new Error('no place')
      list.splice(at, 0, place)
    }
    expect([...list].sort()).toEqual(list)
    expect(new Set(list).size).toBe(list.length)
  }), { numRuns: 500 })
})

test('A31 always squeezing into the same gap ends in undefined, not in a wrong place', () => {
  let low = '40', rounds = 0
  for (let place = placeBetween(low, '41'); place !== undefined; place = placeBetween(low, '41')) {
    expect(place > low && place < '41').toBe(true)
    expect(place.length / 2).toBeLessThanOrEqual(MAX_PLACE_BYTES)
    low = place
    rounds++
  }
  expect(rounds).toBeGreaterThan(400)
  expect(placeBetween('41', '40')).toBeUndefined()
  expect(placeBetween('40', '40')).toBeUndefined()
})

test('A31 a fresh list has room everywhere', () => {
  for (const n of [1, 2, 100, 127, 128, 1024]) {
    const places = placesFor(n)
    expect([...new Set(places)].sort()).toEqual(places)
    expect(placeBetween('', places[0] as string)).toBeDefined()
    expect(placeBetween(places[n - 1] as string, '')).toBeDefined()
    for (let i = 1; i < n; i++) expect(placeBetween(places[i - 1] as string, places[i] as string)).toBeDefined()
  }
})

test('A31 equal places are told apart by id, so that all see one order', () => {
  const entries = [['b', '80'], ['a', '80'], ['c', '40'], ['d', '']] as const
  expect(inPlace(entries, (p) => p).map(([id]) => id)).toEqual(['d', 'c', 'a', 'b'])
  expect(inPlace([...entries].reverse(), (p) => p).map(([id]) => id)).toEqual(['d', 'c', 'a', 'b'])
})
