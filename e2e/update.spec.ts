/** The app as an app: it can be installed, and a new version waits until it is asked for. */
import { expect, test } from './fixtures.ts'

test('a browser may install it', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.appIsKept()
  expect(await alice.whyNotInstallable()).toEqual([])
})

test('a new version asks before it takes over', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.appIsKept()
  const before = await alice.page.evaluate(() => performance.timeOrigin)
  await alice.getsANewVersion()

  const offer = alice.page.getByRole('status').filter({ hasText: /new version|update/i })
  await expect(offer).toBeVisible()
  expect(await alice.page.evaluate(() => performance.timeOrigin), 'nothing reloaded unasked').toBe(before)
  await offer.getByRole('button', { name: /update|reload|restart/i }).click()
  await expect.poll(() => alice.page.evaluate(() => performance.timeOrigin).catch(() => before)).not.toBe(before)
  await alice.isIn('Allotment')
})
