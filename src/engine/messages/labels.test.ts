/** The order of messages when clocks are wrong. */
import { expect, test } from 'vitest'
import { labelAt, placeAt } from './labels.ts'

const STEP = 1024, SECOND = 1000, MINUTE = 60 * SECOND, DAY = 24 * 3600 * SECOND, YEAR = 365 * DAY
const now = 1_800_000_000_000

test('M9 what people say whose clocks agree to a few minutes stands alike everywhere, even while somebody else writes from the future', () => {
  // Alice has read a message from next year; Bob's clock is four minutes behind hers.
  const hers = labelAt(now, (now + YEAR) * STEP)
  expect(hers).toBeGreaterThan(now * STEP)
  expect([placeAt(hers, now), placeAt(hers, now - 4 * MINUTE)]).toEqual([hers, hers])
  expect(labelAt(now, hers)).toBeGreaterThan(hers - 1)
})

test('M9 whose clock is years behind reads what was said meanwhile in its order', () => {
  const told = [0, 2 * SECOND, MINUTE, 3 * DAY, YEAR, YEAR + 5 * SECOND, 8 * YEAR].map((later) => (now + later) * STEP)
  const places = told.map((label) => placeAt(label, now - 3 * YEAR))
  expect(places).toEqual([...places].sort((a, b) => a - b))
  expect(new Set(places).size).toBe(places.length)
})

test('M9 a label from the future stands no further ahead than a quarter of an hour: what is said later stands below it', () => {
  const place = placeAt((now + 100 * YEAR) * STEP, now)
  expect(place).toBeLessThan((now + 15 * MINUTE) * STEP)
  expect(place).toBeLessThan(placeAt(labelAt(now + 20 * MINUTE, place), now + 20 * MINUTE))
})
