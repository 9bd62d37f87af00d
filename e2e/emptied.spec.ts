/** Something happens to a browser's database alone: what is kept of it elsewhere tells at the next start, also without a network. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures.ts'
import type { Person } from './person.ts'

/** Where Chromium keeps the databases of sites. */
const databases = (person: Person): string => join(person.profile, 'Default', 'IndexedDB')

async function twoPeople(person: (name: string) => Person): Promise<readonly [Person, Person]> {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await bob.join(await alice.invite())
  await bob.write('First')
  await alice.sees('First')
  await bob.appIsKept()
  return [alice, bob]
}

test('Bob’s database is gone: he is told so, offline too, and starts anew when he says so', async ({ person }) => {
  const [alice, bob] = await twoPeople(person)
  const link = await alice.invite()
  await bob.leave()
  rmSync(databases(bob), { recursive: true })

  bob.tap.cut()
  await bob.open()
  await expect(bob.page.getByRole('alert')).toContainText('storage is empty, and it was not before')
  await expect(bob.page.getByRole('button', { name: 'Start', exact: true })).toBeHidden()
  await bob.reload()
  await expect(bob.page.getByRole('alert')).toContainText('enter it. You are yourself again')
  bob.tap.mend()
  await bob.page.getByLabel('Your name').fill('Bob')
  await bob.page.getByRole('button', { name: 'Start anew' }).click()
  await expect(bob.page.getByRole('button', { name: 'Create a space' }).first()).toBeVisible()
  await bob.restart()
  await expect(bob.page.getByRole('button', { name: 'Create a space' }).first()).toBeVisible()
  await expect(bob.page.getByText('storage is empty')).toBeHidden()
  await bob.join(link)
  await bob.sees('First')
})

test('Bob’s database alone was put back: offline he is told at once and nothing is signed; connected he goes on under a new key', async ({ person }) => {
  const [alice, bob] = await twoPeople(person)
  await bob.leave()
  const copy = `${bob.profile}-databases`
  cpSync(databases(bob), copy, { recursive: true })
  await bob.open()
  await bob.write('Second')
  await alice.sees('Second')
  await bob.everythingIsAtTheRelay()
  await bob.leave()
  rmSync(databases(bob), { recursive: true })
  cpSync(copy, databases(bob), { recursive: true })
  rmSync(copy, { recursive: true })

  bob.tap.cut()
  await bob.open()
  await expect(bob.page.getByText('older than what was last done here')).toBeVisible()
  await bob.sees('First')
  await bob.write('Third')
  await expect(bob.messageState('Third')).toHaveText(/securing/i)
  bob.tap.mend()
  await bob.sees('Second')
  await expect(bob.page.getByText('put back to an earlier state')).toBeVisible()
  await alice.sees('Third')
  await bob.write('Fourth')
  await alice.sees('Fourth')
  expect((await alice.messages()).sort()).toEqual(['First', 'Second', 'Third', 'Fourth'].sort())
})
