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
