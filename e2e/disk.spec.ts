/** The disk where it lives: in a worker of a real browser, on its IndexedDB, through its crashes, its quota and other tabs. */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, expect, type Page, test } from '@playwright/test'
import { build, preview, type PreviewServer } from 'vite'
import { DISK_CONTRACT } from '../src/adapters/disk.contract.ts'
import { findBrowser } from './browser.ts'
import type {} from './disk-fixture/page.ts'
import type { Job } from './disk-fixture/worker.ts'
import { killBrowser } from './kill.ts'
import { filesOf, placesOf } from './marker.ts'

const FLAGS = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

let server: PreviewServer, folder: string, origin: string
let profile: string, context: BrowserContext | undefined

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thicket-fixture-'))
  const root = new URL('./disk-fixture', import.meta.url).pathname
  const settings = { configFile: false, root, logLevel: 'error', worker: { format: 'es' }, build: { outDir: folder, emptyOutDir: true, target: 'chrome130', minify: false } } as const
  await build(settings)
  server = await preview({ ...settings, preview: { host: '127.0.0.1', port: 0 } })
  origin = server.resolvedUrls?.local[0] ?? ''
})

test.afterAll(async () => {
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

test.beforeEach(() => { profile = mkdtempSync(join(tmpdir(), 'thicket-profile-')) })
test.afterEach(async () => {
  await context?.close()
  context = undefined
  rmSync(profile, { recursive: true, force: true })
})

/** A tab of this test's profile; starts the browser when it isn't running. */
async function tab(): Promise<Page> {
  context ??= await chromium.launchPersistentContext(profile, { executablePath: findBrowser() ?? '', args: FLAGS })
  const page = await context.newPage()
  await page.goto(origin)
  await page.waitForFunction(() => 'disk' in window)
  return page
}

const ask = (page: Page, job: Job): Promise<unknown> => page.evaluate(job => window.disk(job), job)

/** kill -9 of the whole browser. */
async function kill(): Promise<void> {
  if (context) await killBrowser(context, profile)
  context = undefined
}

/** With a file before the database, in which small saves count, and without. */
const TAILS = [false, true]

for (const tail of TAILS) test(`the contract holds${tail ? ', with a tail' : ''}`, async () => {
  const page = await tab()
  for (const { name } of DISK_CONTRACT) await test.step(name, () => ask(page, { type: 'contract', story: name, tail }))
})

test('damage by chance: flipped, cut, grown, dropped, swapped, rolled back: always found', async () => {
  const page = await tab()
  const opened = await ask(page, { type: 'damage', name: 'damaged', cases: 150 })
  // Only where all heads are hit, it doesn't open.
  expect(opened).toBeGreaterThan(100)
})

for (const tail of TAILS) test(`kill -9 in the middle of writing, again and again: nothing acknowledged is missing, nothing is half there${tail ? ', with a tail' : ''}`, async () => {
  let known = 0
  for (let round = 0; round < 4; round++) {
    const page = await tab()
    await ask(page, { type: 'open', name: 'disk', tail })
    const found = Number(await ask(page, { type: 'count', name: 'disk' }))
    expect(found, `round ${round}`).toBeGreaterThanOrEqual(known)
    known = found
    const enough = found + 70 + round * 37
    const reached = new Promise<void>(resolve => {
      void page.exposeFunction('acknowledge', (n: number) => {
        known = Math.max(known, n + 1)
        if (known >= enough) resolve()
      }).then(() => ask(page, { type: 'write', name: 'disk', from: found, count: 100_000, text: 'hello Bob' }).catch(() => undefined))
    })
    await reached
    await kill()
  }
  const page = await tab()
  await ask(page, { type: 'open', name: 'disk', tail })
  expect(Number(await ask(page, { type: 'count', name: 'disk' }))).toBeGreaterThanOrEqual(known)
})

/** The log that Chromium writes to now. */
function newestLog(): string | undefined {
  const folder = join(profile, 'Default/IndexedDB')
  const logs = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => /\d+\.log$/.test(file)).sort() : []
  return logs.length > 0 ? join(folder, logs.at(-1) ?? '') : undefined
}

/** Its end is half a record: a head (LevelDB's log_format.md: sum, length, type), and nothing of what should follow. */
function tear(log: string): void {
  const head = readFileSync(log).subarray(0, 7)
  head.writeUInt16LE(100, 4)
  head[6] = 1
  appendFileSync(log, head)
}

test('a browser that is killed in the middle of a write, twice, keeps its database', async () => {
  for (let found = 0; found <= 40; found += 20) {
    const before = newestLog()
    const page = await tab()
    await ask(page, { type: 'open', name: 'disk' })
    expect(await ask(page, { type: 'count', name: 'disk' })).toBe(found)
    await ask(page, { type: 'write', name: 'disk', from: found, count: 20, text: 'hello Bob' })
    // Who writes first sees to that.
    expect(newestLog()).not.toBe(before)
    await kill()
    tear(newestLog() ?? '')
  }
})

test('a full quota refuses the save and loses nothing; with room again it goes on', async () => {
  const page = await tab()
  let saved = 0
  await page.exposeFunction('acknowledge', () => { saved++ })
  const devtools = await page.context().newCDPSession(page)
  // Before the first use: Chromium believes for half a minute what it was told last.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(origin).origin, quotaSize: 4_000_000 })
  await ask(page, { type: 'open', name: 'disk' })
  await expect(ask(page, { type: 'write', name: 'disk', from: 0, count: 10_000, text: 'too much '.repeat(10_000) })).rejects.toThrow('full:')
  expect(saved).toBeGreaterThan(3)
  expect(await ask(page, { type: 'count', name: 'disk' })).toBe(saved)
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(origin).origin })
  await expect.poll(() => ask(page, { type: 'write', name: 'disk', from: saved, count: 1, text: 'room again' }).then(() => true, () => false)).toBe(true)
  expect(await ask(page, { type: 'count', name: 'disk' })).toBe(saved)
})

for (const tail of TAILS) test(`a newer program in another tab takes the disk over, and an older one is refused with a plain sentence${tail ? ', with a tail' : ''}`, async () => {
  const [old, fresh] = [await tab(), await tab()]
  await ask(old, { type: 'open', name: 'disk', tail })
  await ask(old, { type: 'write', name: 'disk', from: 0, count: 3, text: 'before' })
  expect(await ask(fresh, { type: 'upgrade', name: 'disk', version: 2 })).toBe(2)
  expect(await ask(old, { type: 'wasClosed', name: 'disk' })).toBe(true)
  await expect(ask(old, { type: 'write', name: 'disk', from: 3, count: 1, text: 'late' })).rejects.toThrow('closed:')
  await expect(ask(old, { type: 'open', name: 'disk' })).rejects.toThrow('failed: A newer version of the program made this disk')
})

test('two tabs that both think they lead: the one that fell behind is turned away, and no row is damaged', async () => {
  const [alice, other] = [await tab(), await tab()]
  for (const page of [alice, other]) await ask(page, { type: 'open', name: 'disk' })
  await ask(other, { type: 'write', name: 'disk', from: 0, count: 100, text: 'from the other tab' })
  await expect(ask(alice, { type: 'write', name: 'disk', from: 0, count: 1, text: 'from the first tab' })).rejects.toThrow('failed: Another program')
  expect(await ask(alice, { type: 'count', name: 'disk' })).toBe(100)
})

test('of two tabs only one has the tail, and with it the disk; the other waits for it, and finds what counted', async () => {
  const [alice, other] = [await tab(), await tab()]
  await ask(alice, { type: 'open', name: 'disk', tail: true })
  await ask(alice, { type: 'write', name: 'disk', from: 0, count: 20, text: 'from the first tab' })
  const waiting = ask(other, { type: 'open', name: 'disk', tail: true })
  await ask(alice, { type: 'write', name: 'disk', from: 20, count: 20, text: 'from the first tab' })
  await alice.close()
  await waiting
  expect(await ask(other, { type: 'count', name: 'disk' })).toBe(40)
})

for (const tail of TAILS) test(`nothing said is found in the profile${tail ? ', a tail included' : ''}, and the key can be used but not read`, async () => {
  const [said, planted] = ['the meeting is at noon under the oak', 'a text that is meant to be found']
  const page = await tab()
  await ask(page, { type: 'plant', text: planted })
  await ask(page, { type: 'open', name: 'disk', tail })
  await ask(page, { type: 'write', name: 'disk', from: 0, count: 150, text: said })
  expect(await ask(page, { type: 'key', name: 'disk' })).toBe('InvalidAccessError')
  await context?.close()
  context = undefined
  expect(placesOf(planted, filesOf(profile))).not.toEqual([])
  expect(placesOf(said, filesOf(profile))).toEqual([])
})
