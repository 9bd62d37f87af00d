import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Drafts } from './drafts.ts'
import { channelId, GARDEN, spaceId } from './messages.test-support.ts'

const SPACE = spaceId('allotment')
const SHED = channelId('shed')
let kept: string[]
let drafts: Drafts

beforeEach(() => {
  vi.useFakeTimers()
  kept = []
  drafts = new Drafts({ keep: (_, channel, text) => kept.push(`${channel === GARDEN ? 'garden' : 'shed'}: ${text}`), fetch: () => Promise.resolve('from before') })
})
afterEach(() => { vi.useRealTimers() })

test('the engine is told when the person pauses, not at every letter', () => {
  for (const text of ['t', 'te', 'tea']) drafts.change(SPACE, GARDEN, text)
  expect(kept).toEqual([])
  vi.advanceTimersByTime(1000)
  expect(kept).toEqual(['garden: tea'])
})

test('what was sent is forgotten at once', () => {
  drafts.change(SPACE, GARDEN, 'tea?')
  drafts.change(SPACE, GARDEN, '')
  expect(kept).toEqual(['garden: '])
  vi.advanceTimersByTime(1000)
  expect(kept).toHaveLength(1)
})

test('each channel has its own, also when one goes to another in the middle of a word', () => {
  drafts.change(SPACE, GARDEN, 'tea')
  drafts.change(SPACE, SHED, 'spade')
  drafts.flush()
  expect(kept).toEqual(['garden: tea', 'shed: spade'])
  expect([drafts.known(GARDEN), drafts.known(SHED)]).toEqual(['tea', 'spade'])
})

test('after a reload it is asked for, and never stands in the way of what is written meanwhile', async () => {
  expect(drafts.known(GARDEN)).toBeUndefined()
  expect(await drafts.fetch(SPACE, GARDEN)).toBe('from before')
  const late = drafts.fetch(SPACE, SHED)
  drafts.change(SPACE, SHED, 'new')
  expect(await late).toBe('new')
})

test('opening a channel and writing nothing tells the engine nothing', () => {
  drafts.change(SPACE, GARDEN, '')
  vi.advanceTimersByTime(1000)
  expect(kept).toEqual([])
})
