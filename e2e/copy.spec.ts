/** All that a person has, in a file of their own: saved in one browser, opened in another. */
import { join } from 'node:path'
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import { withOwnDisk } from './own-disk.ts'
import type { Person } from './person.ts'

const SECRET = 'slugs under the lettuce'

/** Opens the settings, saves a copy, and answers with the file. */
async function saveCopy(person: Person): Promise<string> {
  await person.page.getByRole('button', { name: 'Settings', exact: true }).click()
  await person.page.getByRole('button', { name: 'Save a copy of everything' }).click()
  await expectAccessible(person, 'saving a copy')
  const save = person.page.getByRole('button', { name: 'Save the copy' })
  await person.page.getByLabel('Passphrase of the copy').fill('short')
  await person.page.getByLabel('Once more').fill('other')
  await save.click()
  await expect(person.page.getByRole('alert')).toBeVisible()
  await person.page.getByLabel('Once more').fill('short')
  await save.click()
  await expect(person.page.getByRole('alert')).toContainText('at least 8 characters')
  await person.page.getByLabel('Passphrase of the copy').fill(SECRET)
  await person.page.getByLabel('Once more').fill(SECRET)
  const download = person.page.waitForEvent('download')
  await save.press('Enter')
  const file = join(person.profile, 'saved.thicket'), saved = await download
  expect(saved.suggestedFilename()).toMatch(/^thicket-\d{4}-\d\d-\d\d\.thicket$/)
  await saved.saveAs(file)
  await expect(person.page.getByRole('status').filter({ hasText: 'in your downloads' })).toBeVisible()
  await person.page.keyboard.press('Escape')
  return file
}

async function chooseCopy(person: Person): Promise<void> {
  await person.open()
  await person.page.getByRole('button', { name: 'I use Thicket on another device' }).click()
  await person.page.getByRole('button', { name: 'I have a saved copy' }).click()
}

async function openCopy(person: Person, file: string, passphrase: string): Promise<void> {
  await person.page.getByLabel('The file').setInputFiles(file)
  await person.page.getByLabel('Passphrase of the copy').fill(passphrase)
  await person.page.getByRole('button', { name: 'Open', exact: true }).press('Enter')
}

test('Bob opens the copy he saved in another browser: all is there, and both go on beside each other', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob'), laptop = person('Laptop', { width: 360 })
  await alice.start()
  await alice.createSpace('Allotment')
  await bob.join(await alice.invite())
  for (const text of ['First', 'Second']) { await bob.write(text); await alice.sees(text) }
  const file = await saveCopy(bob)

  await chooseCopy(laptop)
  await expectAccessible(laptop, 'opening a copy')
  expect(await laptop.page.evaluate(() => document.documentElement.scrollWidth), 'no sideways scroll').toBeLessThanOrEqual(360)
  await openCopy(laptop, file, 'slugs under the roses')
  await expect(laptop.page.getByRole('alert')).toContainText('does not open this copy')
  await openCopy(laptop, file, SECRET)
  await laptop.sees('Second')
  await laptop.sees('First')

  await laptop.write('From the laptop')
  await bob.write('From the old one')
  for (const one of [alice, bob, laptop]) { await one.sees('From the laptop'); await one.sees('From the old one') }
  await laptop.restart()
  await laptop.sees('From the laptop')
})

test('a file that is no copy, or a half of one, is refused in a sentence, and the browser is as it was', async ({ person }) => {
  const alice = person('Alice')
  await chooseCopy(alice)
  await alice.page.getByLabel('The file').setInputFiles({ name: 'photo.thicket', mimeType: 'application/octet-stream', buffer: Buffer.from('not a copy'.repeat(100)) })
  await alice.page.getByLabel('Passphrase of the copy').fill(SECRET)
  await alice.page.getByRole('button', { name: 'Open', exact: true }).click()
  await expect(alice.page.getByRole('alert')).toContainText('not a copy made by Thicket')
  await alice.page.getByRole('button', { name: 'Back' }).click()
  await alice.introduce()
  await alice.createSpace('Allotment')
})

test('a newer version keeps things in another form: Alice saves a copy first, and then all is there', async ({ person, relay }) => {
  const alice = person('Alice', { width: 360, colorScheme: 'light' })
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('Before the change')
  await withOwnDisk(alice, relay.url, "makeOlder('thicket', 1)")
  await alice.page.goto(relay.url)
  await expect(alice.page.getByRole('heading', { name: 'bring your data to a new form' })).toBeVisible()
  await expectAccessible(alice, 'before the change')
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth), 'no sideways scroll').toBeLessThanOrEqual(360)
  await alice.page.getByLabel('Passphrase of the copy').fill(SECRET)
  await alice.page.getByLabel('Once more').fill(SECRET)
  const download = alice.page.waitForEvent('download')
  await alice.page.getByRole('button', { name: 'Save the copy' }).press('Enter')
  await (await download).saveAs(join(alice.profile, 'before.thicket'))
  await alice.page.getByRole('button', { name: 'Go on', exact: true }).press('Enter')
  await alice.sees('Before the change')
  await alice.write('After the change')
  await alice.restart()
  await alice.sees('After the change')
})
