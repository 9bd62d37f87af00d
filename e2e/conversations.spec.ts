/** Between a few: a conversation with one person, one with several, and out again. Nobody else sees that there is one. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'

test('Alice writes to Bob from his menu, Bob answers, and Carol sees nothing of it', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 1280 }), carol = person('Carol')
  await alice.startsSpaceWith('Allotment', bob, carol)
  await expect(alice.member('Bob')).toBeVisible()

  await alice.doesWith('Bob', 'Write to them')
  await expect(alice.page.getByRole('textbox', { name: 'Message Bob' })).toBeVisible()
  await alice.write('About Carol’s birthday')
  await bob.page.getByRole('button', { name: 'Conversations, 1 unread' }).click()
  await bob.sees('About Carol’s birthday')
  await expect(bob.page.getByRole('heading', { name: 'Alice', exact: true })).toBeVisible()
  await bob.write('Cake?')
  await alice.sees('Cake?')
  await expectAccessible(alice, 'a conversation with one person')
  await expect(carol.page.getByRole('button', { name: 'Conversations', exact: true })).toBeVisible()

  // What is unread there calls as loudly as a mention.
  await alice.page.getByRole('button', { name: 'Allotment' }).click()
  await alice.isIn('Allotment')
  await bob.write('With candles')
  await expect(alice.page.getByRole('button', { name: 'Conversations, 1 unread' })).toBeVisible()
  await expect(alice.page).toHaveTitle('(1) Allotment')
  await alice.page.getByRole('button', { name: 'Conversations, 1 unread' }).click()
  await alice.sees('With candles')
  await expect(alice.page).toHaveTitle('Bob')
})

test('Alice chooses two people by keyboard, names what they have, and leaves it', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob'), carol = person('Carol')
  await alice.start()
  await alice.page.getByRole('button', { name: 'Create a space' }).first().waitFor()
  await alice.createSpace('Allotment')
  const { keyboard } = alice.page
  await alice.page.getByRole('button', { name: 'Conversations' }).click()
  await expect(alice.page.getByText('There is nobody to talk to yet.')).toBeVisible()
  await keyboard.press('Escape')
  const link = await alice.invite()
  for (const other of [bob, carol]) {
    await other.join(link)
    await other.isIn('Allotment')
    await expect(alice.member(other.name)).toBeVisible()
  }

  await alice.page.getByRole('button', { name: 'Conversations' }).focus()
  await keyboard.press('Enter')
  await alice.page.getByRole('checkbox', { name: /Bob/ }).focus()
  await keyboard.press('Space')
  await keyboard.press('Tab')
  await keyboard.press('Space')
  await expect(alice.page.getByText('With Bob and Carol')).toBeVisible()
  await expectAccessible(alice, 'people to be chosen')
  await keyboard.press('Enter')
  await expect(alice.page.getByRole('textbox', { name: 'Message Bob, Carol' })).toBeVisible()
  await alice.write('All three of us')
  await carol.page.getByRole('button', { name: 'Conversations, 1 unread' }).click()
  await carol.sees('All three of us')
  await bob.page.getByRole('button', { name: 'Conversations, 1 unread' }).click()

  await alice.page.getByRole('button', { name: 'Options of the conversation with Bob, Carol' }).click()
  await alice.page.getByRole('menuitem', { name: 'Name it' }).click()
  await alice.page.getByLabel('Name of the conversation').fill('Bean committee')
  await keyboard.press('Enter')
  await expect(carol.page.getByRole('textbox', { name: 'Message Bean committee' })).toBeVisible()

  await alice.page.getByRole('button', { name: 'Options of the conversation with Bean committee' }).click()
  await alice.page.getByRole('menuitem', { name: 'Leave the conversation' }).click()
  await expectAccessible(alice, 'leaving a conversation')
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Leave the conversation' }).click()
  await alice.isIn('Allotment')
  await expect(carol.member('Alice')).toHaveCount(0)
  await carol.write('The two of us go on')
  await bob.sees('The two of us go on')
})
