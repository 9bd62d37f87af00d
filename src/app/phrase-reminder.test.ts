/** Alice is asked to write her recovery phrase down when she comes back, then once a week, until she has. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PhraseReminder } from './phrase-reminder.svelte.ts'

const HOUR = 3600_000, WEEK = 168 * HOUR

beforeEach(() => {
  const kept = new Map<string, string>()
  vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) })
})
afterEach(() => { vi.unstubAllGlobals() })

const opens = (now: number): PhraseReminder => new PhraseReminder(now)

test('not in her first hour, then when she opens the app again', () => {
  expect(opens(0).isDue).toBe(false)
  expect(opens(HOUR - 1).isDue).toBe(false)
  expect(opens(HOUR).isDue).toBe(true)
})

test('“later” is a week', () => {
  opens(0)
  const asked = opens(2 * HOUR)
  asked.later(2 * HOUR)
  expect([asked.isDue, opens(3 * HOUR).isDue, opens(2 * HOUR + WEEK).isDue]).toEqual([false, false, true])
})

test('when she has written it down, never again', () => {
  opens(0)
  opens(2 * HOUR).written()
  expect(opens(100 * WEEK).isDue).toBe(false)
})

test('a clock that was a year ahead once puts it off by nothing', () => {
  opens(52 * WEEK)
  expect(opens(2 * HOUR).isDue).toBe(true)
})

test('where the browser keeps nothing, she is left alone', () => {
  vi.stubGlobal('localStorage', undefined)
  const asked = opens(0)
  asked.later(0)
  expect([asked.isDue, opens(WEEK).isDue]).toEqual([false, false])
})
