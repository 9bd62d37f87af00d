/** A channel for some: the others don't see that it is there. And what was done, for everybody to read. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'

test('Alice makes a channel for Bob and herself: Carol sees nothing of it before she is let in', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob'), carol = person('Carol')
  await alice.startsSpaceWith('Allotment', bob, carol)
  await expect(alice.member('Bob')).toBeVisible()
  await expect(alice.member('Carol')).toBeVisible()

  await alice.page.getByRole('button', { name: 'New channel' }).click()
  await alice.page.getByLabel('Name of the channel').fill('surprise')
  await alice.page.getByRole('checkbox', { name: /Private/ }).check()
  await alice.page.getByRole('checkbox', { name: 'Bob' }).check()
  await expectAccessible(alice, 'a private channel')
  await alice.page.getByRole('button', { name: 'Create', exact: true }).click()
  // Before it is open she would write in the channel where she is.
  await expect(alice.page.getByRole('textbox', { name: 'Message #surprise' })).toBeVisible()
  await alice.write('Carol turns forty on Sunday')
  await bob.openChannel('surprise')
  await bob.sees('Carol turns forty on Sunday')
  await expect(carol.page.getByRole('button', { name: /^surprise/ })).toHaveCount(0)

  await alice.page.getByRole('button', { name: 'Options of surprise' }).click()
  await alice.page.getByRole('menuitem', { name: 'Who reads it' }).click()
  await alice.page.getByRole('checkbox', { name: 'Carol' }).check()
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await carol.openChannel('surprise')
  await expect(carol.message('Carol turns forty on Sunday'), 'what was said before stays with those who could read it').toHaveCount(0)

  await alice.write('and is told about it now')
  await carol.sees('and is told about it now')

  await alice.opens('What was done here')
  await expect(alice.page.getByRole('list', { name: 'What was done here' })).toContainText('Bob joined.')
  await expectAccessible(alice, 'what was done')
})

test('Alice lets whoever comes to read a private channel later read what is said before, from now on', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)
  await expect(alice.member('Bob')).toBeVisible()
  await alice.page.getByRole('button', { name: 'New channel' }).click()
  await alice.page.getByLabel('Name of the channel').fill('board')
  await alice.page.getByRole('checkbox', { name: /Private/ }).check()
  await alice.page.getByRole('button', { name: 'Create', exact: true }).click()
  await expect(alice.page.getByRole('textbox', { name: 'Message #board' })).toBeVisible()

  await alice.page.getByRole('button', { name: 'Options of board' }).click()
  await alice.page.getByRole('menuitem', { name: 'What new readers can read' }).click()
  await alice.page.getByRole('radio', { name: 'Also what is written before they come' }).check()
  await expectAccessible(alice, 'what new readers can read')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(alice.page.getByRole('dialog')).toHaveCount(0)
  await alice.write('The key hangs behind the shed')

  await alice.page.getByRole('button', { name: 'Options of board' }).click()
  await alice.page.getByRole('menuitem', { name: 'Who reads it' }).click()
  await alice.page.getByRole('checkbox', { name: 'Bob' }).check()
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await bob.openChannel('board')
  // The owner goes on from his coming: from then on it can be told.
  await alice.write('Bob is one of us now')
  await bob.sees('Bob is one of us now')
  await bob.sees('The key hangs behind the shed')
})
