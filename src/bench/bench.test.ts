/** Keeps the benchmarks from rotting unseen; what they measure is no test's business. */
import { expect, test } from 'vitest'
import { PARTS } from './parts.ts'
import { median, quantile, spread } from './table.ts'

test('all parts load', () => {
  expect(Object.keys(PARTS)).toEqual(expect.arrayContaining(['app', 'engine', 'relay']))
  for (const { title, run } of Object.values(PARTS)) expect([title.length > 0, typeof run]).toEqual([true, 'function'])
})

test('a median is a value that was measured, and p95 stands beside it where there are enough of them', () => {
  const ten = [5, 1, 4, 2, 3, 9, 8, 7, 6, 10], hundred = Array.from({ length: 100 }, (_, i) => 99 - i)
  expect(median(ten)).toBe(6)
  expect(quantile(hundred, 0.95)).toBe(95)
  expect(spread('few', ten, 'ms')).toEqual([{ what: 'few', value: 6, unit: 'ms', beside: 'median of 10' }])
  expect(spread('many', hundred, 'ms', 'a floor').map((figure) => [figure.what, figure.value, figure.beside])).toEqual([['many', 50, 'a floor'], ['many, p95', 95, undefined]])
})
