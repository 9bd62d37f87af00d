/** What is different in one channel, and why; what newcomers can read; and what doesn't count. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

async function opensRights(person: Person, channel: string): Promise<void> {
  await person.page.getByRole('button', { name: `Options of ${channel}` }).click()
  await person.page.getByRole('menuitem', { name: 'Who may do what here' }).click()
}

test('Alice keeps a channel for news: Bob is told why he can’t write there and who can change it, until he may again', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 360 })
  await alice.startsSpaceWith('Allotment', bob)
  await expect(alice.member('Bob')).toBeVisible()

  await opensRights(alice, 'general')
  await expect(alice.page.getByText('Nothing is different here')).toBeVisible()
  await expectAccessible(alice, 'the rights in a channel')
  await alice.page.getByLabel('Add a role or a person').selectOption('Everyone (role)')
  await alice.page.getByRole('group', { name: 'Write', exact: true }).getByRole('radio', { name: 'No' }).check()
  await expectAccessible(alice, 'the rights of a role in a channel')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(alice.page.getByRole('button', { name: /Everyone.*Write: no/ })).toBeVisible()
  await alice.page.keyboard.press('Escape')

  await expect(bob.page.getByText('Writing here is turned off for everyone.')).toBeVisible()
  await expect(bob.page.getByText(/Alice changed who may do what in the channel “general”\. .*Alice can change that\./)).toBeVisible()
  await expect(bob.composer()).toHaveCount(0)
  await expectAccessible(bob, 'a channel where one may not write')
  await alice.write('The water is back on')
  await bob.sees('The water is back on')

  await opensRights(alice, 'general')
  await alice.page.getByLabel('Add a role or a person').selectOption('Bob')
  await alice.page.getByRole('group', { name: 'Write', exact: true }).getByRole('radio', { name: 'Yes' }).check()
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(alice.page.getByRole('button', { name: /Bob.*Write: yes/ })).toBeVisible()
  await alice.page.keyboard.press('Escape')
  await expect(bob.composer()).toBeVisible()
  await bob.write('Thank you')
  await alice.sees('Thank you')
})

test('Alice closes the past: who comes later reads what is written from then on', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('Between us founders')
  await alice.opens('What newcomers can read')
  await alice.page.getByRole('radio', { name: /after they join/ }).check()
  await expect(alice.page.getByText(/invite links will be taken back/)).toBeVisible()
  await expectAccessible(alice, 'what newcomers can read')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(alice.page.getByRole('dialog')).toHaveCount(0)
  await bob.join(await alice.invite())
  await bob.isIn('Allotment')
  await alice.write('Welcome, Bob')
  await bob.sees('Welcome, Bob')
  await expect(bob.message('Between us founders')).toHaveCount(0)
})

test('Bob writes while he is cut off, and can’t know that his role is gone: both find his words, and why they don’t count', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 1280 })
  await alice.startsSpaceWith('Allotment', bob)
  await expect(alice.member('Bob')).toBeVisible()
  await alice.opens('Messages that don’t count')
  await expect(alice.page.getByText('There are none in this channel.')).toBeVisible()
  await alice.page.keyboard.press('Escape')

  // Only reporters write here, and Bob is one.
  await alice.opens('Roles')
  await alice.page.getByRole('button', { name: 'New role' }).click()
  await alice.page.getByLabel('Name of the role').fill('Reporter')
  await alice.page.getByRole('checkbox', { name: 'Write messages' }).check()
  await alice.page.getByRole('button', { name: 'Create', exact: true }).click()
  await alice.page.getByRole('button', { name: /^Everyone/ }).click()
  await alice.page.getByRole('checkbox', { name: 'Write messages' }).uncheck()
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await alice.page.keyboard.press('Escape')
  await expect(bob.page.getByText('None of your roles lets you write here.')).toBeVisible()
  await alice.doesWith('Bob', 'Roles')
  await alice.page.getByRole('checkbox', { name: /Reporter/ }).check()
  await expect(bob.composer()).toBeVisible()
  await bob.write('Frost tonight')
  await alice.sees('Frost tonight')

  await bob.goOffline()
  await alice.page.getByRole('checkbox', { name: /Reporter/ }).uncheck()
  await expect(alice.member('Bob')).not.toContainText('Reporter')
  await alice.page.keyboard.press('Escape')
  await bob.write('I said what I said')
  await bob.comeBack()
  await expect(bob.page.getByText('None of your roles lets you write here.')).toBeVisible()
  await expect(bob.message('I said what I said')).toHaveCount(0)
  await bob.opens('Messages that don’t count')
  await expect(bob.page.getByRole('list', { name: 'Messages that don’t count' }).getByRole('listitem'))
    .toHaveText([/I said what I said.*It doesn’t count: at the same time, not known to you, Alice took the role “Reporter” from you/])
  await expect(async () => {
    await alice.page.keyboard.press('Escape')
    await alice.opens('Messages that don’t count')
    await expect(alice.page.getByRole('list', { name: 'Messages that don’t count' })).toContainText('not known to Bob, you took the role “Reporter” from Bob', { timeout: 2000 })
  }).toPass()
  await expectAccessible(alice, 'messages that don’t count')
})
