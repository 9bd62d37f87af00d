/** Categories and the order of channels: by menu, by keyboard and by dragging, and the same for everybody. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

/** The channels in no category, and those of a category. */
const channels = (person: Person, category?: string) => (category === undefined ? person.page.getByRole('navigation', { name: 'Channels' }).getByRole('list').first() : person.page.getByRole('list', { name: `Channels in ${category}` })).getByRole('listitem')

async function chooses(person: Person, of: string, item: string): Promise<void> {
  await person.page.getByRole('button', { name: `Options of ${of}`, exact: true }).click()
  await person.page.getByRole('menuitem', { name: item, exact: true }).click()
}

test('Alice sorts her channels into categories, without a mouse as well, and Bob sees them so', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)
  await alice.createChannel('beans')
  await alice.createChannel('peas')

  await alice.opens('New category')
  await alice.page.getByLabel('Name of the category').fill('Plants')
  await alice.page.keyboard.press('Enter')
  await expect(alice.page.getByText('Nothing in it yet')).toBeVisible()
  await chooses(alice, 'beans', 'Move to a category')
  await alice.page.getByRole('combobox', { name: 'Category' }).selectOption('Plants')
  await expectAccessible(alice, 'moving a channel')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(channels(alice, 'Plants')).toHaveText(['beans'])

  // By keyboard: over the edge into the category, and up there. The channel keeps the focus.
  await alice.page.getByRole('button', { name: 'peas', exact: true }).focus()
  await alice.page.keyboard.press('Alt+Shift+ArrowDown')
  await expect(channels(alice, 'Plants')).toHaveText(['peas', 'beans'])
  await expect(alice.page.getByText('peas is now 1 of 2 in Plants')).toBeAttached()
  await expect(alice.page.getByRole('button', { name: 'peas', exact: true })).toBeFocused()
  await alice.page.keyboard.press('Alt+Shift+ArrowDown')
  await expect(channels(alice, 'Plants')).toHaveText(['beans', 'peas'])
  await expect(channels(bob, 'Plants')).toHaveText(['beans', 'peas'])

  await alice.page.getByRole('button', { name: 'peas', exact: true }).dragTo(alice.page.getByRole('button', { name: 'general', exact: true }), { targetPosition: { x: 30, y: 4 } })
  await expect(channels(alice)).toHaveText(['peas', 'general'])

  await alice.page.getByRole('button', { name: 'New channel in Plants' }).click()
  await alice.page.getByLabel('Name of the channel').fill('garlic')
  await alice.page.keyboard.press('Enter')
  await expect(channels(bob, 'Plants')).toHaveText(['beans', 'garlic'])
  await expectAccessible(alice, 'channels in categories')

  // Folded, only what is open or unread stays in sight.
  await alice.page.getByRole('button', { name: 'Plants', exact: true }).click()
  await expect(channels(alice, 'Plants')).toHaveText(['garlic'])
  await alice.opens('New category')
  await alice.page.getByLabel('Name of the category').fill('Tools')
  await alice.page.keyboard.press('Enter')
  await chooses(alice, 'the category Tools', 'Move up')
  await expect(bob.page.getByRole('navigation', { name: 'Channels' }).getByRole('heading', { level: 3 })).toHaveText(['Tools', 'Plants'])
  await chooses(alice, 'the category Plants', 'Rename')
  await alice.page.getByLabel('Name of the category').fill('Beds')
  await alice.page.keyboard.press('Enter')
  await expect(channels(bob, 'Beds')).toHaveText(['beans', 'garlic'])
  await chooses(alice, 'the category Beds', 'Delete the category')
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete the category' }).click()
  // They keep the places they had: among the others, wherever that is.
  await expect.poll(async () => (await channels(bob).allTextContents()).map((text) => text.trim()).sort()).toEqual(['beans', 'garlic', 'general', 'peas'])
})
