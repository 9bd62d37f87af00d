import { beforeEach, expect, test } from 'vitest'
import { Drafts, type Spot } from './drafts.ts'
import { channelId, GARDEN, opId, spaceId } from './messages.test-support.ts'

const SPACE = spaceId('allotment')
const BED: Spot = { space: SPACE, channel: GARDEN }
const SHED: Spot = { space: SPACE, channel: channelId('shed') }
const BEANS: Spot = { ...BED, thread: opId('beans') }
const NAMES = new Map([[BED, 'garden'], [SHED, 'shed'], [BEANS, 'beans']])
/** What the engine was told, and how it answers. */
let told: string[]
let answers: ((isKept: boolean) => void)[]
let drafts: Drafts

beforeEach(() => {
  told = []
  answers = []
  drafts = new Drafts({
    keep: (spot, text) => {
      told.push(`${NAMES.get(spot)}: ${text}`)
      return new Promise((resolve) => answers.push(resolve))
    },
    fetch: () => Promise.resolve('from before'),
  })
})

async function answer(isKept = true): Promise<void> {
  answers.shift()?.(isKept)
  await Promise.resolve()
  await Promise.resolve()
}

test('the engine has the first letter at once, and the rest when that is on disk', async () => {
  for (const text of ['t', 'te', 'tea']) drafts.change(BED, text)
  expect(told).toEqual(['garden: t'])
  await answer()
  expect(told).toEqual(['garden: t', 'garden: tea'])
  await answer()
  expect(told).toHaveLength(2)
})

test('a page that goes waits for nothing', () => {
  for (const text of ['t', 'tea']) drafts.change(BED, text)
  drafts.flush()
  expect(told).toEqual(['garden: t', 'garden: tea'])
})

test('each channel and each thread has its own, also when one goes to another in the middle of a word', async () => {
  drafts.change(BED, 'tea')
  drafts.change(SHED, 'spade')
  drafts.change(BEANS, 'runner')
  await answer()
  await answer()
  expect(told).toEqual(['garden: tea', 'shed: spade', 'beans: runner'])
  expect([drafts.known(BED), drafts.known(SHED), drafts.known(BEANS)]).toEqual(['tea', 'spade', 'runner'])
})

test('what could not be kept is told again with the next letter, and what is newer comes first', async () => {
  drafts.change(BED, 'tea')
  await answer(false)
  expect(told).toEqual(['garden: tea'])
  drafts.change(BED, 'teas')
  expect(told).toEqual(['garden: tea', 'garden: teas'])
})

test('after a reload it is asked for, and never stands in the way of what is written meanwhile', async () => {
  expect(drafts.known(BED)).toBeUndefined()
  expect(await drafts.fetch(BED)).toBe('from before')
  const late = drafts.fetch(SHED)
  drafts.change(SHED, 'new')
  expect(await late).toBe('new')
})

test('opening a channel and writing nothing tells the engine nothing', () => {
  drafts.change(BED, '')
  expect(told).toEqual([])
})
