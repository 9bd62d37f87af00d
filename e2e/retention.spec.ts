/** How long messages are kept, and what takes the room on this device. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import { filesOf, placesOf } from './marker.ts'
import { withOwnDisk } from './own-disk.ts'
import type { Person } from './person.ts'

test('Alice says how long messages are kept, in the space and in a channel, by keyboard; Bob reads it in the log and may not change it', async ({ person }) => {
  const alice = person('Alice', { width: 1280 }), bob = person('Bob', { width: 1280 })
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('The beans are in')
  const link = await alice.invite()
  await bob.join(link)
  await bob.isIn('Allotment')

  await alice.opens('How long messages are kept')
  const dialog = alice.page.getByRole('dialog', { name: 'How long messages are kept' })
  await expect(dialog).toContainText('All messages are kept.')
  await dialog.getByLabel('Delete messages').focus()
  await alice.page.keyboard.type('After 30')
  await expect(dialog).toContainText('Pinned messages go too. Nobody can bring them back.')
  await expect(dialog).toContainText('This begins a day after you save it.')
  await expectAccessible(alice, 'how long messages are kept')
  await alice.page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toBeHidden()

  await alice.page.getByRole('navigation', { name: 'Channels' }).getByRole('button', { name: 'general', exact: true }).click({ button: 'right' })
  await alice.page.getByRole('menuitem', { name: 'How long messages are kept' }).click()
  const inChannel = alice.page.getByRole('dialog', { name: 'How long messages are kept in #general' })
  await expect(inChannel.getByLabel('Delete messages').locator('option:checked')).toHaveText('As everywhere in the space (keep for 30 days)')
  await inChannel.getByLabel('Delete messages').selectOption('After 7 days')
  await inChannel.getByLabel('Keep at most').selectOption('50 MB of each channel')
  await inChannel.getByRole('button', { name: 'Save' }).click()
  await expect(inChannel).toBeHidden()

  await bob.opens('What was done here')
  await expect(bob.page.getByRole('dialog')).toContainText('Alice kept messages for 30 days in the space')
  await expect(bob.page.getByRole('dialog')).toContainText('Alice kept messages for 7 days, up to 50 MB in the channel “general”')
  await bob.page.keyboard.press('Escape')
  await bob.page.getByRole('button', { name: 'Space settings' }).click()
  await expect(bob.page.getByRole('menuitem', { name: 'How long messages are kept' })).toHaveCount(0)
  await expect(bob.message('The beans are in'), 'nothing goes before its time').toBeVisible()
})

test('on a phone, Alice sees what takes the room, keeps less, and tidies up', async ({ person }) => {
  const alice = person('Alice', { width: 360 })
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('The beans are in')
  await alice.page.getByRole('button', { name: 'Show spaces and channels' }).click()
  await alice.page.getByRole('button', { name: 'Settings', exact: true }).click()
  await alice.page.getByRole('button', { name: 'What takes the room' }).click()
  const dialog = alice.page.getByRole('dialog', { name: 'What takes the room' })
  const space = dialog.getByRole('region', { name: 'Allotment' })
  await space.getByText('Channels and the rest').click()
  for (const line of [/#general.*(byte|kB|MB)/, /Search index/, /Members and keys/]) await expect(space.getByRole('listitem').filter({ hasText: line })).toBeVisible()
  await space.getByRole('button', { name: 'Free up room in Allotment…' }).click()
  await space.getByLabel('Of Allotment').focus()
  await alice.page.keyboard.type('At most 10')
  await expect(space.getByLabel('Of #general').locator('option:checked')).toHaveText('As the space: at most 10 MB')
  await space.getByLabel('Of #general').selectOption('Everything')
  await expect(space.getByLabel('Of #general').locator('option:checked')).toHaveText('Everything')
  await space.getByLabel('Of #general').selectOption('As the space: at most 10 MB')
  await expect(space.getByLabel('Of #general').locator('option:checked')).toHaveText('As the space: at most 10 MB')
  await expect(space).toContainText('They come back when you scroll to them')
  await expectAccessible(alice, 'what takes the room')
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth), 'no sideways scroll').toBeLessThanOrEqual(360)
  await dialog.getByRole('button', { name: 'Tidy up now' }).click()
  await expect(dialog.getByRole('status').filter({ hasText: 'Tidied up' })).toBeVisible()
  await dialog.getByRole('button', { name: 'Check storage' }).click()
  await expect(dialog.getByRole('status').filter({ hasText: 'Everything on this device can be read' })).toBeVisible()
  await space.getByRole('button', { name: 'Keep less of #general' }).click()
  await alice.page.getByLabel('Delete messages').selectOption('After 90 days')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toBeVisible()
  await alice.page.reload()
  await alice.page.getByRole('button', { name: 'Show spaces and channels' }).click()
  await alice.page.getByRole('button', { name: 'Settings', exact: true }).click()
  await alice.page.getByRole('button', { name: 'What takes the room' }).click()
  await space.getByRole('button', { name: 'Free up room in Allotment…' }).click()
  await expect(space.getByLabel('Of Allotment').locator('option:checked'), 'it is kept').toHaveText('At most 10 MB a channel')
})

const DAY_MS = 24 * 3600_000

/** From the next load on the app's worker lives so much later. Browsers have no switch for a worker's clock: its script is handed to it with another one. */
async function later(person: Person, ms: number): Promise<void> {
  await person.page.context().route('**/assets/main-*.js', async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, body: `{ const now = Date.now.bind(Date); Date.now = () => now() + ${ms} }\n${await answer.text()}` })
  })
}

test('a message whose time is over leaves the disk: no row of it, no word of it in any file of the profile, and the blocks it lay in are gone', async ({ person, relay }) => {
  const SAID = 'xylophone-quartz-over', KEPT = 'marmalade-zenith-kept', PLANTED = 'xylophone-quartz-planted'
  // Without a service worker, which would hand out the worker's script as it is.
  const alice = person('Alice', { script: () => { Reflect.deleteProperty(Navigator.prototype, 'serviceWorker') } })
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write(SAID)
  const rows = async (): Promise<readonly [string, Buffer][]> => [['rows', Buffer.from(String(await withOwnDisk(alice, relay.url, "readRows('thicket')")), 'latin1')]]
  /** Ids of the sealed blocks as they lie there, and how each begins. */
  const blocks = (): Promise<readonly (readonly [string, string])[]> => alice.page.evaluate(async () => {
    const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => { request.onsuccess = () => { resolve(request.result) }; request.onerror = () => { reject(request.error) } })
    const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    const db = await done(indexedDB.open('thicket')), store = db.transaction('blocks').objectStore('blocks')
    const [ids, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll() as IDBRequest<Uint8Array[]>)])
    db.close()
    return ids.map((id, i) => [hex(new Uint8Array(id as ArrayBuffer)), hex((values[i] as Uint8Array).subarray(0, 64))] as const)
  })
  expect(placesOf(SAID, await rows()), 'while it is kept, it is in its rows').not.toEqual([])
  const before = new Map(await blocks())
  await alice.page.goto(relay.url)
  await alice.opens('How long messages are kept')
  await alice.page.getByLabel('Delete messages').selectOption('After 7 days')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await expect(alice.page.getByRole('dialog')).toBeHidden()

  await later(alice, 9 * DAY_MS)
  await alice.page.reload()
  await alice.sees(SAID)
  await expect(alice.message(SAID)).toBeHidden({ timeout: 60_000 })
  await alice.write(KEPT)
  await alice.page.getByRole('button', { name: 'Settings', exact: true }).click()
  await alice.page.getByRole('button', { name: 'What takes the room' }).click()
  await alice.page.getByRole('button', { name: 'Tidy up now' }).click()
  await expect(alice.page.getByRole('status').filter({ hasText: 'Tidied up' })).toBeVisible()

  const after = await rows()
  expect(placesOf(KEPT, after), 'what is kept is there').not.toEqual([])
  // A word of it, too, as an index would have it.
  for (const said of [SAID, 'xylophone']) expect(placesOf(said, after), said).toEqual([])
  const left = await blocks()
  expect(left.filter(([id, start]) => before.get(id) === start), 'every block was written anew or deleted').toEqual([])
  await alice.page.goto(relay.url)
  await alice.plants(PLANTED)
  await alice.leave()
  const folder = [...filesOf(alice.profile)]
  expect(placesOf(`${PLANTED}-small`, folder), 'a planted row').not.toEqual([])
  for (const said of [SAID, KEPT]) expect(placesOf(said, folder), said).toEqual([])
})
