/** The benchmarks in the browser, each a few times: they must not rot between the days on which somebody measures. What they measure is no test's business. */
import { expect, test } from '@playwright/test'
import { benchSizes } from '../src/bench/sizes.ts'
import { benchStore } from '../src/bench/store/store.ts'
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
  expect(measured(await benchTalk({ joins: 1, messages: 2, dials: 1, channels: 1 }))).toEqual(expect.arrayContaining([
    'link to first message, inviter online', 'link to first message, inviter offline', 'Enter to own row on the screen', 'Enter to saved', 'Enter to the other\'s screen, direct',
    'Enter to the other\'s screen, through the relay', 'app opened to a direct path', '  of it, relay reached to a direct path: presence, and dial through the relay', 'channel pressed to its messages, pointer on it before',
  ]))
})

test('sending and reopening are measured in the worker alone', async () => {
  expect(measured(await benchWorker([60]))).toEqual(expect.arrayContaining(['send to saved, 60 messages there', 'reopen: disk open to 50 messages, 60 messages']))
})

test('the store is measured from catching up to finding', async () => {
  const figures = await benchStore({ sizes: [0, 60], authors: 3, sends: 2, reopenings: 1, asks: 1, scrolls: 2 })
  expect(measured(figures)).toEqual(expect.arrayContaining([
    'catch up: received, verified, opened, saved', 'on disk, all indexes and search included', 'memory of the worker, after catching up', 'send to saved, p50', 'reopen: with starting the worker',
    '50 messages around any, p50', 'search a phrase, p95', 'compaction: longest piece', 'on disk, compacted', 'full check', 'Yjs: reopen to 50 messages', 'Automerge: on disk, no index',
  ]))
})
