/** `npm run bench -- store`: the store with many messages in real Chromium, from catching up to finding; what is in each figure says ../README.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import { build, preview } from 'vite'
import { findBrowser, isRoot, noBrowserMessage } from '../../../e2e/browser.ts'
import type { Command } from '../../api.ts'
import { UNSURE_ALONE_MS } from '../../engine/limits.ts'
import { sendFloor } from '../floors.ts'
import { questions, sentences, typed } from '../language.ts'
import { type Figure, median, quantile } from '../table.ts'
import type { Answers, AnyJob, Circumstances, Rival } from './jobs.ts'
import type { WorkerName } from './page.ts'

/** Of 0 messages only reopening is measured: what the others must be as fast as. */
export interface Amounts { readonly sizes: readonly number[]; readonly authors: number; readonly sends: number; readonly reopenings: number; readonly asks: number; readonly scrolls: number }
export const USUAL: Amounts = { sizes: [0, 10_000, 100_000], authors: 20, sends: 60, reopenings: 7, asks: 60, scrolls: 60 }
export const FULL: Amounts = { ...USUAL, sizes: [0, 10_000, 100_000, 1_000_000] }

/** Ops that the floor is measured on, at most. */
const FLOOR_OPS = 20_000
const FLAGS = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--enable-blink-features=ForceEagerMeasureMemory']
const TEXT_LETTERS = 124
/** With more messages minisearch, Yjs and Automerge, which hold all of them in memory, need minutes and gigabytes for each figure: at a million the tab ended in Yjs's. */
const IN_MEMORY_UP_TO = 100_000

/** Serves the built page with its workers, opens it in a browser of its own, and cleans up. Isolated from other origins: only so does a page learn how much memory it has. */
async function onStage<T>(play: (page: Page) => Promise<T>): Promise<T> {
  const executablePath = findBrowser()
  if (executablePath === undefined) throw new Error(noBrowserMessage())
  const folder = mkdtempSync(join(tmpdir(), 'thicket-bench-')), profile = mkdtempSync(join(tmpdir(), 'thicket-bench-profile-'))
  const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
  const settings = { configFile: false, root: import.meta.dirname, logLevel: 'error', worker: { format: 'es' }, build: { outDir: folder, emptyOutDir: true, target: 'chrome130' } } as const
  await build(settings)
  const server = await preview({ ...settings, preview: { host: '127.0.0.1', port: 0, headers: isolated } })
  try {
    const context = await chromium.launchPersistentContext(profile, { executablePath, args: isRoot ? [...FLAGS, '--no-sandbox'] : FLAGS })
    try {
      const page = await context.newPage()
      await page.goto(server.resolvedUrls?.local[0] ?? '')
      await page.waitForFunction(() => globalThis.bench !== undefined)
      return await play(page)
    } finally { await context.close() }
  } finally {
    await server.close()
    for (const used of [folder, profile]) rmSync(used, { recursive: true, force: true })
  }
}

type Hand = <J extends AnyJob>(worker: WorkerName, job: J) => Promise<Answers[J['type']]>

/** `tell`: hears of each figure when it is there; the million takes many minutes. */
export async function benchStore(amounts: Amounts = USUAL, tell: (figure: Figure) => void = () => {}): Promise<Figure[]> {
  return onStage(async (page) => {
    // Playwright's own types can't see that the answer is one of these.
    const hand: Hand = (worker, job) => page.evaluate(([worker, job]) => globalThis.bench?.do(worker, job), [worker, job] as const) as Promise<never>
    const start = (worker: WorkerName): Promise<void> => page.evaluate((worker) => { globalThis.bench?.start(worker) }, worker)
    await start('peer')
    // The rows stay in the page: they would go through a pipe as text.
    const handle = await page.evaluateHandle((authors) => globalThis.bench?.do('peer', { type: 'gather', authors }), amounts.authors)
    const place = await handle.evaluate((given) => ({ ...given as Circumstances, newcomer: [] })) as Circumstances
    const figures: Figure[] = []
    for (const size of amounts.sizes) {
      await hand('peer', { type: 'say', upTo: size })
      await start('home')
      await handle.evaluate((given, disk) => globalThis.bench?.do('home', { type: 'move-in', disk, place: given as Circumstances }), `home-${size}`)
      const scene: Scene = { page, hand, start, place, amounts, size, disk: `home-${size}`, nowMs: place.now + size * 1000 }
      for (const measure of size === 0 ? [movedIn, reopen] : [catchUp, sends, reopen, scroll, search, tending, rivals]) {
        const made = await measure(scene)
        made.forEach(tell)
        figures.push(...made)
      }
    }
    return figures
  })
}

interface Scene {
  readonly page: Page
  readonly hand: Hand
  readonly start: (worker: WorkerName) => Promise<void>
  readonly place: Circumstances
  readonly amounts: Amounts
  readonly size: number
  readonly disk: string
  readonly nowMs: number
}

const openJob = ({ disk, place, nowMs }: Scene) => ({ type: 'open', disk, place: { space: place.space, channel: place.channel, now: nowMs, peer: place.peer, other: place.other } } as const)

/** Opens the space as its person does, who looks at the last messages: of that the disk knows at the next start. */
async function look(scene: Scene): Promise<void> {
  const { hand, place: { space, channel } } = scene
  await hand('home', openJob(scene))
  await hand('home', { type: 'ask', commands: [{ type: 'get-messages', space, channel, limit: 50 }], pauseMs: 0 })
}

/** Opened once, as a space is that was joined, so that nothing is left to be done at the next start. */
async function movedIn(scene: Scene): Promise<Figure[]> {
  await look(scene)
  await scene.hand('home', { type: 'ask', commands: [{ type: 'list-spaces' }], pauseMs: UNSURE_ALONE_MS + 1000 })
  return []
}

async function catchUp(scene: Scene): Promise<Figure[]> {
  const { hand, page, size } = scene, at = size
  await hand('home', openJob(scene))
  const empty = await page.evaluate(() => globalThis.bench?.memory('home')) ?? Number.NaN
  await page.evaluate(() => { globalThis.bench?.connect() })
  const { ms, indexedMs, mergedMs } = await hand('home', { type: 'catch-up', count: size })
  const memory = await page.evaluate(() => globalThis.bench?.memory('home')) ?? Number.NaN
  await hand('home', { type: 'close' })
  await scene.start('home')
  const { floor, naive } = await hand('peer', { type: 'floors', count: Math.min(size, FLOOR_OPS) })
  const { bytes } = await hand('home', { type: 'stored', disk: scene.disk }), rate = size / (ms / 1000)
  return [
    { what: 'catch up: received, verified, opened, saved', value: rate, unit: '/s', at, beside: `${(rate / floor).toFixed(3)} of the floor, ${(rate / naive).toFixed(2)} x the naive way; must 0.3 of the floor` },
    { what: 'catch up, and all of it in the search index', value: size / (indexedMs / 1000), unit: '/s', at },
    { what: 'catch up, until the search index is in few segments', value: mergedMs - indexedMs, unit: 'ms', at },
    { what: 'floor: head signatures, segments of 1000', value: floor, unit: '/s', at },
    { what: 'naive: signature, sealing and record an op', value: naive, unit: '/s', at },
    { what: 'on disk, all indexes and search included', value: bytes / size, unit: 'B/op', at, beside: `text ${TEXT_LETTERS}; must 150 more than the text` },
    { what: 'memory of the worker, before', value: empty / 1e6, unit: 'MB', at },
    { what: 'memory of the worker, after catching up', value: memory / 1e6, unit: 'MB', at, beside: 'must 150 at 1 M' },
  ]
}

async function sends(scene: Scene): Promise<Figure[]> {
  const { hand, page, place: { space, channel }, amounts, size: at } = scene
  await look(scene)
  // Until then a device that nobody has told how far it is known signs nothing.
  await hand('home', { type: 'ask', commands: [{ type: 'list-spaces' }], pauseMs: UNSURE_ALONE_MS + 1000 })
  // At once before, with nothing else to do here: what else the machine does is much the same.
  const floor = (await sendFloor(page, amounts.sends)).send
  const sentence = sentences()
  const commands = Array.from({ length: amounts.sends }, (): Command => ({ type: 'send-message', space, channel, text: sentence() }))
  const { ms, replies } = await hand('home', { type: 'ask', commands, pauseMs: 30 })
  refuseNone(replies)
  return [
    { what: 'send to saved, p50', value: median(ms), unit: 'ms', at, beside: `${(median(ms) / median(floor)).toFixed(1)} x hash, sign, encrypt and a strict put; must 1.7` },
    { what: 'send to saved, p95', value: quantile(ms, 0.95), unit: 'ms', at, beside: `${(quantile(ms, 0.95) / quantile(floor, 0.95)).toFixed(1)} x the same; must 3` },
  ]
}

const refuseNone = (replies: Answers['ask']['replies']): void => { for (const reply of replies) if (!reply.ok) throw new Error(`the engine refused: ${reply.error.message}`) }

async function reopen(scene: Scene): Promise<Figure[]> {
  const { hand, start, place: { space, channel }, amounts, size: at, page } = scene
  const opens: number[] = [], shown: number[] = [], whole: number[] = []
  for (let n = 0; n < amounts.reopenings; n++) {
    await hand('home', { type: 'close' })
    const began = await page.evaluate(() => performance.now())
    await start('home')
    const { ms: openMs } = await hand('home', openJob(scene))
    const { ms: [shownMs = Number.NaN], replies } = await hand('home', { type: 'ask', commands: [{ type: 'get-messages', space, channel, limit: 50 }], pauseMs: 0 })
    whole.push(await page.evaluate(() => performance.now()) - began)
    const [reply] = replies
    if (!reply?.ok || !('messages' in reply.result) || reply.result.messages.length !== Math.min(50, at)) throw new Error('the engine did not give 50 messages')
    opens.push(openMs)
    shown.push(shownMs)
  }
  const memory = await page.evaluate(() => globalThis.bench?.memory('home')) ?? Number.NaN
  return [
    { what: 'reopen: script run to spaces open', value: median(opens), unit: 'ms', at },
    { what: 'reopen: from there to the last 50 messages', value: median(shown), unit: 'ms', at, beside: 'both together must be 25 at 100 k, 40 at 1 M' },
    { what: 'reopen: with starting the worker', value: median(whole), unit: 'ms', at },
    { what: 'memory of the worker, reopened', value: memory / 1e6, unit: 'MB', at },
  ]
}

async function scroll(scene: Scene): Promise<Figure[]> {
  const { hand, place: { space, channel }, amounts, size: at } = scene
  const some = await hand('peer', { type: 'some', count: 2 * amounts.scrolls }), commands = (from: number, isTold: boolean): Command[] => some.slice(from, from + amounts.scrolls).map(({ id, order }) => (
    { type: 'get-messages', space, channel, around: id, ...(isTold ? { order } : {}), limit: 50 }
  ))
  const byId = await hand('home', { type: 'ask', commands: commands(0, false), pauseMs: 0 }), told = await hand('home', { type: 'ask', commands: commands(amounts.scrolls, true), pauseMs: 0 })
  refuseNone([...byId.replies, ...told.replies])
  return [['50 messages around any', byId.ms] as const, ['50 messages around one that was shown before', told.ms] as const].flatMap(([what, ms]) => [
    { what: `${what}, p50`, value: median(ms), unit: 'ms', at }, { what: `${what}, p95`, value: quantile(ms, 0.95), unit: 'ms', at },
  ])
}

async function search(scene: Scene): Promise<Figure[]> {
  const { hand, place: { space }, amounts, size: at } = scene
  const sentence = sentences(), texts = Array.from({ length: Math.min(at, 1000) }, sentence)
  const asked = questions(amounts.asks, amounts.authors, (n) => texts[n % texts.length] ?? '')
  const command = (query: string): Command => ({ type: 'search-messages', query, space, limit: 25 })
  const first = await hand('home', { type: 'ask', commands: [command('the first ')], pauseMs: 0 })
  const { ms, replies } = await hand('home', { type: 'ask', commands: asked.map((question) => command(typed(question))), pauseMs: 0 })
  refuseNone(replies)
  const unclear = replies.find((reply) => reply.ok && 'unclear' in reply.result && reply.result.unclear.length > 0)
  if (unclear !== undefined) throw new Error(`the search was not understood: ${JSON.stringify(unclear)}`)
  const theirs = await (async () => { await scene.start('rivals'); return at > IN_MEMORY_UP_TO ? undefined : hand('rivals', { type: 'minisearch', count: at, asks: amounts.asks }) })()
  const beside = (figure: string | undefined): { beside?: string } => (figure === undefined ? {} : { beside: `minisearch ${figure}` })
  const figures: Figure[] = [{ what: 'first search after reopening: loads the index', value: first.ms[0] ?? Number.NaN, unit: 'ms', at, beside: `${theirs === undefined ? '' : `minisearch ${theirs.loadMs.toFixed(0)} ms; `}must 25` }]
  if (theirs !== undefined) figures.push({ what: 'minisearch: index', value: theirs.bytes / at, unit: 'B/op', at, beside: `built in ${(theirs.buildMs / 1000).toFixed(1)} s` })
  for (const kind of new Set(asked.map((question) => question.kind))) {
    const own = ms.filter((_, n) => asked[n]?.kind === kind), other = theirs?.asks[kind]
    figures.push(
      { what: `search ${kind}, p50`, value: median(own), unit: 'ms', at, ...beside(other && median(other).toFixed(2)) },
      { what: `search ${kind}, p95`, value: quantile(own, 0.95), unit: 'ms', at, ...beside(other && quantile(other, 0.95).toFixed(2)) },
    )
  }
  await hand('home', { type: 'close' })
  return figures
}

async function tending({ hand, start, disk, place: { space }, size: at }: Scene): Promise<Figure[]> {
  await start('home')
  const { bytes: indexBytes, loadMs } = await hand('home', { type: 'index', disk, space })
  const { compactMs, longestMs, checkMs } = await hand('home', { type: 'tend', disk })
  const { bytes } = await hand('home', { type: 'stored', disk })
  return [
    { what: 'search index', value: indexBytes / at, unit: 'B/op', at, beside: `text ${TEXT_LETTERS}; must 0.4 of it` },
    { what: 'search index: loaded', value: loadMs, unit: 'ms', at, beside: 'a fresh worker, the disk open; must 25' },
    { what: 'compaction of all that came in', value: compactMs, unit: 'ms', at },
    { what: 'compaction: longest piece', value: longestMs, unit: 'ms', at },
    { what: 'on disk, compacted', value: bytes / at, unit: 'B/op', at },
    { what: 'full check', value: checkMs, unit: 'ms', at, beside: `${(bytes / 1e6 / (checkMs / 1000)).toFixed(0)} MB/s` },
  ]
}

async function rivals(scene: Scene): Promise<Figure[]> {
  const { hand, start, amounts, size: at } = scene, figures: Figure[] = []
  const note = (who: string, rival: Rival): void => {
    figures.push(
      { what: `${who}: append one, kept (relaxed)`, value: median(rival.appends), unit: 'ms', at },
      { what: `${who}: reopen to 50 messages`, value: median(rival.reopenMs), unit: 'ms', at },
      { what: `${who}: on disk, no index`, value: rival.stored / at, unit: 'B/op', at },
      { what: `${who}: to another device`, value: rival.bytes / at, unit: 'B/op', at },
    )
  }
  if (at > IN_MEMORY_UP_TO) return []
  await start('rivals')
  note('Yjs', await hand('rivals', { type: 'yjs', count: at, appends: amounts.sends, reopenings: Math.min(3, amounts.reopenings) }))
  await start('rivals')
  note('Automerge', await hand('rivals', { type: 'automerge', count: at, appends: amounts.sends, reopenings: Math.min(3, amounts.reopenings) }))
  return figures
}
