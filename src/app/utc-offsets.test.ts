import { expect, test } from 'vitest'
import { utcOffsets } from './utc-offsets.ts'

test('in Berlin clocks are an hour further ahead from the last Sunday in March to the last one in October, from one in the morning of UTC', () => {
  const summers = [[Date.UTC(2020, 2, 29, 1), Date.UTC(2020, 9, 25, 1)], [Date.UTC(2021, 2, 28, 1), Date.UTC(2021, 9, 31, 1)]] as const
  const berlin = (at: number): number => (summers.some(([from, to]) => at >= from && at < to) ? 120 : 60)
  expect(utcOffsets(Date.UTC(2021, 11, 24), berlin)).toEqual([[0, 60], [summers[0][0], 120], [summers[0][1], 60], [summers[1][0], 120], [summers[1][1], 60]])
})

test('where clocks are never changed one offset says it', () => {
  expect(utcOffsets(Date.UTC(2026, 10, 22), () => 330)).toEqual([[0, 330]])
})
