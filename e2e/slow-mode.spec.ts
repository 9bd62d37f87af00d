/** A channel in which people wait between two messages. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

async function slows(person: Person, pause: string): Promise<void> {
  await person.page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name: 'general', exact: true }).click({ button: 'right' })
  await person.page.getByRole('menuitem', { name: 'Slow mode' }).click()
  const dialog = person.page.getByRole('dialog', { name: 'Slow mode in #general' })
  await dialog.getByLabel('One message of each person every').selectOption(pause)
  await expectAccessible(person, 'slow mode')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toBeHidden()
}

test('Alice slows a channel down: Bob waits between two messages and keeps what he typed, Alice doesn’t; then she ends it', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 360 })
  await alice.start()
  await alice.createSpace('Allotment')
  const link = await alice.invite()
  await bob.join(link)
  await bob.isIn('Allotment')

  await slows(alice, '1 minute')
  await bob.write('Is there water?')
  await alice.sees('Is there water?')
  await expect(bob.page.getByText(/Slow mode: you can write again in (1 minute|\d+ seconds?)\./)).toBeVisible()
  const typed = bob.page.getByLabel('Message #general')
  await typed.fill('Hello?')
  await typed.press('Enter')
  await expect(bob.page.getByRole('button', { name: 'Send' })).toBeDisabled()
  await expect(typed, 'stays for later').toHaveValue('Hello?')
  await alice.write('There is.')
  await alice.write('Since noon.')
  await bob.sees('Since noon.')
  await expect(alice.message('Hello?')).toHaveCount(0)

  await slows(alice, 'No slow mode')
  await expect(bob.page.getByText(/Slow mode:/)).toHaveCount(0)
  await typed.press('Enter')
  await alice.sees('Hello?')
})
