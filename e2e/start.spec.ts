/** A first visit over a bad line: what isn't needed isn't waited for, and what is needed is fetched again. */
import { readdirSync } from 'node:fs'
import { expect, test } from './fixtures.ts'

/** The path of a part of the built app: its name carries a hash. */
function pathOf(name: string): string {
  const file = readdirSync(new URL('../dist/assets', import.meta.url)).find(each => each.startsWith(`${name}-`) && each.endsWith('.js'))
  if (file === undefined) throw new Error(`There is no ${name} in the built app.`)
  return `/assets/${file}`
}

for (const [how, hindrance] of [['does not come', 'breaks'], ['takes its time', 60_000]] as const) test(`the service worker ${how}: the app starts all the same`, async ({ person }) => {
  const alice = person('Alice')
  alice.tap.hindered.set('/sw.js', hindrance)
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('Hello')
  expect(await alice.page.evaluate(() => navigator.serviceWorker.controller)).toBeNull()
})

test('the worker’s script does not come at first: the app says so, and starts as soon as it does', async ({ person }) => {
  const alice = person('Alice'), script = pathOf('main')
  alice.tap.hindered.set(script, 'breaks')
  await alice.open()
  await expect(alice.page.getByText('could not be fetched')).toBeVisible()
  alice.tap.hindered.delete(script)
  await alice.introduce()
  await alice.createSpace('Allotment')
  await alice.write('Hello')
})

test('the screen of a space does not come: the app says so, and what can be done', async ({ person }) => {
  const alice = person('Alice'), script = pathOf('Space')
  alice.tap.hindered.set(script, 'breaks')
  await alice.start()
  await alice.page.getByRole('button', { name: 'Create a space' }).first().click()
  await alice.page.getByLabel('Name of the space').fill('Allotment')
  await alice.page.keyboard.press('Enter')
  await expect(alice.page.getByRole('alert')).toContainText('could not be fetched')
  alice.tap.hindered.delete(script)
  await alice.page.getByRole('button', { name: 'Reload' }).click()
  await alice.isIn('Allotment')
})

test('the network’s part does not come at first: two people meet directly all the same', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob'), script = pathOf('network-libp2p')
  alice.tap.hindered.set(script, 'breaks')
  await alice.startsSpaceWith('Allotment', bob)
  await expect.poll(() => alice.console.some(line => line.includes('network could not be fetched'))).toBe(true)
  alice.tap.hindered.delete(script)
  await expect(alice.connectionChip()).toHaveAccessibleName(/direct/i, { timeout: 45_000 })
})
