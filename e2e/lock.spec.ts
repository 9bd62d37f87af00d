/** The lock of a browser's disk: a passphrase, a code on paper, and every tab at once. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import { filesOf } from './marker.ts'
import type { Person } from './person.ts'

const PHRASE = 'four horses staple correctly'

test('Alice locks Thicket with a passphrase: nothing opens without it, in no tab and after no restart, and her code opens it when she has forgotten', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('The key is under the pot')
  const code = await alice.setsLock(PHRASE)
  const other = await alice.secondTab()
  await expect(other.getByText('The key is under the pot')).toBeVisible()

  await alice.locksNow()
  for (const page of [alice.page, other]) {
    await expect(page.getByRole('heading', { name: 'Thicket is locked' })).toBeVisible()
    await expect(page.getByText('The key is under the pot')).toBeHidden()
  }
  await expectAccessible(alice, 'locked')
  await alice.tries('something else')
  await expect(alice.page.getByRole('alert')).toHaveText('That does not open it. Try again.')
  await alice.tries(PHRASE)
  await alice.sees('The key is under the pot')
  await expect(other.getByText('The key is under the pot')).toBeVisible()
  await alice.write('and it opens')
  await other.close()

  await alice.restart()
  await expect(alice.page.getByRole('heading', { name: 'Thicket is locked' })).toBeVisible()
  await alice.page.getByRole('button', { name: 'Forgotten?' }).click()
  await alice.page.getByLabel('Unlock code').fill(code.toLowerCase())
  await alice.page.keyboard.press('Enter')
  await alice.sees('and it opens')
})

/** What opens the disk now: the end of the envelope is the data key, sealed. */
const sealedKey = async (person: Person): Promise<Buffer> => Buffer.from(await person.page.evaluate(() => new Promise<number[]>((resolve, reject) => {
  const opening = indexedDB.open('thicket')
  opening.onerror = () => { reject(opening.error ?? new Error('not opened')) }
  opening.onsuccess = () => {
    const found = opening.result.transaction('keys').objectStore('keys').get('envelope')
    found.onsuccess = () => { opening.result.close(); resolve([...found.result as Uint8Array].slice(-48)) }
  }
})))

test('who takes the files finds nothing of what opened them before she locked them', async ({ person }) => {
  const alice = person('Alice')
  const isInFiles = (sealed: Buffer): boolean => [...filesOf(alice.profile)].some(([, bytes]) => bytes.includes(sealed))
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('The key is under the pot')
  const alone = await sealedKey(alice)
  expect(isInFiles(alone), 'what opens it is found').toBe(true)
  await alice.setsLock(PHRASE)
  const locked = await sealedKey(alice)
  expect([isInFiles(alone), isInFiles(locked)]).toEqual([false, true])
  await alice.locksNow()
  await alice.tries(PHRASE)
  await alice.sees('The key is under the pot')
})

test('a passkey opens it, too', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.hasAuthenticator()
  await alice.createSpace('Allotment')
  await alice.write('Behind a fingerprint')
  await alice.setsLock(PHRASE)
  await alice.openLock()
  const { page } = alice, current = page.getByLabel('Current passphrase'), add = page.getByRole('button', { name: 'Add a passkey' })
  await expect(add).toBeDisabled()
  await current.fill('four wrong horses')
  await add.click()
  await expect(page.getByRole('alert')).toHaveText(/That does not open it/u)
  await current.fill(PHRASE)
  await add.click()
  await expect(page.getByRole('button', { name: 'Add another passkey' })).toBeVisible()
  await page.getByRole('button', { name: 'Lock now, in all tabs' }).click()
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await alice.sees('Behind a fingerprint')
  await alice.openLock()
  await current.fill(PHRASE)
  await page.getByRole('button', { name: 'Remove the passkey' }).click()
  await expect(add).toBeVisible()
  await page.getByRole('button', { name: 'Lock now, in all tabs' }).click()
  await alice.tries(PHRASE)
  await alice.sees('Behind a fingerprint')
})
