/** The tabs of one profile: one leads, the others use its worker, and any of them can take over. With the real worker, engine and disk. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test'
import { serveFixture, type Served } from './worker-fixture.ts'
import type {} from './worker-fixture/tabs.ts'

let served: Served, profile: BrowserContext

test.beforeAll(async () => { served = await serveFixture() })
test.afterAll(async () => { await served.stop() })
test.beforeEach(async () => { profile = await served.browser.newContext() })
test.afterEach(async () => { await profile.close() })

async function open(): Promise<Page> {
  const page = await profile.newPage()
  page.on('pageerror', error => { console.log(error.message) })
  await page.goto(`${served.origin}tabs.html`)
  await page.waitForFunction(() => window.tabs.heard.some(message => message.type === 'update' && message.update.type === 'me'))
  return page
}

const setUp = (page: Page): Promise<void> => page.evaluate(async () => {
  const { reply } = await window.tabs.ask({ type: 'set-up', name: 'Alice' })
  if (!reply.ok) throw new Error(reply.error.message)
})

/** The identity as this tab last heard it. */
const identity = (page: Page): Promise<string | undefined> => page.evaluate(() => {
  const last = window.tabs.heard.findLast(message => message.type === 'update' && message.update.type === 'me')
  return last?.type === 'update' && last.update.type === 'me' ? last.update.me?.identity : undefined
})

/** Waits for the identity to be heard after this many messages; the time at which it was, in ms since 1970. */
const heardMeAfter = (page: Page, count: number): Promise<number> => page.waitForFunction(after => {
  const index = window.tabs.heard.findIndex((message, n) => n >= after && message.type === 'update' && message.update.type === 'me')
  return index < 0 ? undefined : window.tabs.at[index]
}, count).then(async handle => Number(await handle.jsonValue()))

test('two tabs, one identity; the leading one closes, and the other takes over within two seconds', async () => {
  const first = await open()
  await setUp(first)
  const second = await open()
  expect(await identity(second)).toBe(await identity(first))
  expect(second.workers()).toHaveLength(0)

  // A space made in one tab is seen in the other.
  await second.evaluate(() => window.tabs.ask({ type: 'create-space', name: 'Garden' }))
  await first.waitForFunction(() => window.tabs.heard.some(message => message.type === 'update' && message.update.type === 'spaces' && message.update.spaces.some(space => space.name === 'Garden')))

  const count = await second.evaluate(() => window.tabs.heard.length)
  const closedAt = Date.now()
  await first.close()
  const tookMs = await heardMeAfter(second, count) - closedAt
  test.info().annotations.push({ type: 'takeover', description: `${tookMs} ms` })
  expect(tookMs).toBeLessThan(2000)

  const { reply } = await second.evaluate(() => window.tabs.ask({ type: 'list-spaces' }))
  expect(reply).toMatchObject({ ok: true, result: { spaces: [{ name: 'Garden' }] } })
  expect(second.workers()).toHaveLength(1)
})

test('a command under way when the leader closes is answered', async () => {
  const first = await open()
  await setUp(first)
  const second = await open()
  const asking = second.evaluate(async () => {
    const replies = await Promise.all([window.tabs.ask({ type: 'create-space', name: 'Shed' }), window.tabs.ask({ type: 'list-spaces' })])
    return replies.map(({ reply }) => reply.ok || reply.error.code)
  })
  await first.close()
  const [create, list] = await asking
  expect([true, 'busy']).toContain(create)
  expect(list).toBe(true)
})

test('a leading tab that goes to another page lets the next tab lead, and comes back as its client', async () => {
  const first = await open()
  await setUp(first)
  const second = await open()
  const count = await second.evaluate(() => window.tabs.heard.length)
  await first.goto(served.origin)
  await heardMeAfter(second, count)
  expect(second.workers()).toHaveLength(1)
  await first.goBack()
  await first.waitForFunction(() => window.tabs.heard.some(message => message.type === 'update' && message.update.type === 'me'))
  const { reply } = await first.evaluate(() => window.tabs.ask({ type: 'list-spaces' }))
  expect(reply.ok).toBe(true)
  expect(await identity(first)).toBe(await identity(second))
})
