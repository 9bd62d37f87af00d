/** Keeps the benchmarks from rotting unseen: each runs here at a size of seconds. What they measure is no test's business. */
import { expect, test } from 'vitest'
import { benchAuthority } from './authority.ts'
import { benchBulk } from './bulk.ts'
import { benchAssemblies } from './assemblies.ts'
import { benchCrowd, benchTown } from './crowd.ts'
import { benchGroups } from './groups.ts'
import { PARTS } from './parts.ts'
import { benchSearch } from './search.ts'
import { benchFresh, benchSync, benchVectors } from './sync.ts'
import { benchPlace } from './place.ts'
import { type Figure, growth, lines, median, quantile, spread } from './table.ts'

/** What was measured, each once, each a number. */
function measured(figures: readonly Figure[]): string[] {
  expect(figures.filter((f) => !Number.isFinite(f.value))).toEqual([])
  return [...new Set(figures.map((f) => f.what))]
}

test('all parts load', () => {
  expect(Object.keys(PARTS)).toEqual(expect.arrayContaining(['app', 'engine', 'relay']))
  for (const { title, run } of Object.values(PARTS).flat()) expect([title.length > 0, typeof run]).toEqual([true, 'function'])
})

test('authority is measured from scratch and by one op more', async () => {
  expect(measured(await benchAuthority([60]))).toEqual(['from scratch: take in', 'from scratch: resolve', 'one more: profile', 'one more: join', 'one more: kick'])
})

test('groups are measured from their making to their size', async () => {
  expect(measured(await benchGroups([3]))).toEqual(expect.arrayContaining(['join from a welcome', 'update: create', 'add one: process', 'remove one: process', 'join from outside', 'state']))
})

test('sync is measured until nothing is missing', async () => {
  expect(measured(await benchSync([0, 4], 2))).toEqual(['bytes, both ways', 'round trips, from hello to the last of them', 'CPU of who lacks them', 'CPU of who has them', 'bytes a missing op', 'floor: its text, deflated with all others', 'the same ops as they are signed and kept'])
  expect(measured(await benchFresh(2, 2))).toEqual(['a fresh message over its text'])
  expect(measured(await benchVectors([3]))).toEqual(['vector', 'tell it', 'compare it'])
})

test('search is measured by kinds of questions', async () => {
  expect(measured(await benchSearch([1100], 3))).toEqual(expect.arrayContaining(['index over text', 'open', 'full check', 'compaction', 'a phrase, p95', 'a word by looking at every message']))
})

test('a crowd is measured as it gathers, talks, splits and meets again', async () => {
  const figures = await benchCrowd([3])
  expect(measured(figures)).toEqual(expect.arrayContaining(['everyone joins: heard by a member', 'a word by each: said to shown', 'halves meet again: until all is everywhere']))
  expect(figures.find((f) => f.what === 'a word by each: delivered')?.value).toBe(6)
})

test('a town of whom two are here is measured like a crowd', async () => {
  const figures = await benchTown([4], 2)
  expect(measured(figures)).toEqual(expect.arrayContaining(['the last 1 join: heard by one of them', 'halves meet again: until all is everywhere']))
  expect(figures.find((f) => f.what === 'a word by each: delivered')?.value).toBe(2)
})

test('a space of four who all come at once is measured like a crowd, and has one epoch after two', async () => {
  const told: Figure[] = [], figures = await benchAssemblies([4], (figure) => { told.push(figure) })
  expect(told).toEqual(figures)
  expect(measured(figures)).toEqual(expect.arrayContaining(['everyone comes at once: heard by a member', 'halves meet again: until all are in one epoch', 'all of it: most memory']))
  expect(figures.find((f) => f.what === '100 words by 20: delivered')?.value).toBe(300)
}, 60_000)

test('bulk verification is measured beside one signature an op', async () => {
  expect(measured(await benchBulk([6], 2))).toEqual(expect.arrayContaining(['verify: every signature', 'verify: ends of chains vouch']))
})

test('a lost place is measured by comparing and by reading from the start', async () => {
  const figures = await benchPlace([0, 5], 300)
  expect(measured(figures)).toEqual(['compared: bytes', 'compared: time', 'compared: parcels given', 'from the start: bytes', 'from the start: time'])
  expect(figures.filter((f) => f.what === 'compared: parcels given').map((f) => f.value)).toEqual([0, 5])
}, 60_000)

test('a median is a value that was measured, and p95 stands beside it where there are enough of them', () => {
  const ten = [5, 1, 4, 2, 3, 9, 8, 7, 6, 10], hundred = Array.from({ length: 100 }, (_, i) => 99 - i)
  expect(median(ten)).toBe(6)
  expect(quantile(hundred, 0.95)).toBe(95)
  expect(spread('few', ten, 'ms')).toEqual([{ what: 'few', value: 6, unit: 'ms', beside: 'median of 10' }])
  expect(spread('many', hundred, 'ms', 'a floor').map((figure) => [figure.what, figure.value, figure.beside])).toEqual([['many', 50, 'a floor'], ['many, p95', 95, undefined]])
})

test('figures of several sizes are one row that says how it grows', () => {
  const flat = [10, 1000].map((at) => ({ what: 'look up', value: 3, unit: 'ms', at }))
  const square = [10, 100].map((at) => ({ what: 'compare all', value: at * at, unit: 'ms', at }))
  expect([growth(flat), growth(square)]).toEqual([0, 2])
  const [head, ...rows] = lines([...flat, ...square, { what: 'once', value: 1234, unit: 'KB' }]).map((line) => line.split(/\s+/))
  expect(head).toEqual(['', '10', '100', '1,000'])
  expect(rows).toEqual([['look', 'up', '3.00', '3.00', 'ms', 'size^0.0'], ['compare', 'all', '100.0', '10,000', 'ms', 'size^2.0'], ['once', '1,234', 'KB']])
})
