/** Searching everything that this device may read, also without a network. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'

test('Bob finds by keyboard what Alice said long before, offline, and is taken to it', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('The key is under the flowerpot')
  for (let n = 1; n <= 90; n++) await alice.composer().fill(`Row ${n}`).then(() => alice.composer().press('Enter'))
  await alice.sees('Row 90')
  await alice.everythingIsAtTheRelay()
  const link = await alice.invite()
  await bob.join(link)
  await bob.isIn('Allotment')
  // Where he begins to read depends on what came first: Esc goes to the latest.
  await expect(async () => {
    await bob.page.keyboard.press('Escape')
    await expect(bob.message('Row 90')).toBeVisible({ timeout: 1000 })
  }).toPass()
  await alice.createChannel('shed')
  await bob.openChannel('shed')
  await bob.goOffline()

  await bob.page.keyboard.press('Control+f')
  await bob.page.getByRole('combobox', { name: 'Search', exact: true }).fill('from:alice "under the flow')
  const found = bob.page.getByRole('listbox', { name: 'What was found' }).getByRole('option')
  await expect(found).toHaveCount(1)
  await expect(found.locator('mark')).toHaveText(['under', 'the', 'flowerpot'])
  await expectAccessible(bob, 'search results')
  await bob.page.keyboard.press('Enter')
  await expect(bob.page.getByRole('textbox', { name: 'Message #general' })).toBeVisible()
  await expect(bob.message('The key is under the flowerpot')).toBeInViewport()
  await bob.page.keyboard.press('Control+f')
  await bob.page.getByRole('combobox', { name: 'Search', exact: true }).fill('xylophone')
  await expect(bob.page.getByText('Nothing found.')).toBeVisible()
})
