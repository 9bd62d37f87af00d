/** The benchmarks in the browser, each a few times: they must not rot between the days on which somebody measures. What they measure is no test's business. */
import { expect, test } from '@playwright/test'
import { benchSizes } from '../src/bench/sizes.ts'
import type { Figure } from '../src/bench/table.ts'
import { benchTalk } from '../src/bench/talk.ts'
import { benchWorker } from '../src/bench/worker.ts'

// Seven browsers start one after the other.
test.setTimeout(240_000)

function measured(figures: readonly Figure[]): string[] {
  expect(figures.filter((f) => !Number.isFinite(f.value) || f.value <= 0)).toEqual([])
  return figures.map((f) => f.what)
}

test('sizes, joining, writing and meeting are measured', async () => {
  expect(measured(benchSizes())).toEqual(expect.arrayContaining(['page before first paint, brotli', 'worker, brotli']))
  expect(measured(await benchTalk({ joins: 1, messages: 2, dials: 1 }))).toEqual(expect.arrayContaining([
    'link to first message, inviter online', 'link to first message, inviter offline', 'Enter to own row on the screen', 'Enter to saved', 'Enter to the other\'s screen, direct',
    'Enter to the other\'s screen, through the relay', 'app opened to a direct path', '  of it, relay reached to a direct path: presence, and dial through the relay',
  ]))
})

test('sending and reopening are measured in the worker alone', async () => {
  expect(measured(await benchWorker([60]))).toEqual(expect.arrayContaining(['send to saved, 60 messages there', 'reopen: disk open to 50 messages, 60 messages']))
})
