/** A browser's disk is damaged, and among what is gone is what the person's own place in the space follows from. */
import { expectAccessible } from './accessible.ts'
import { expect, test } from './fixtures.ts'
import { withOwnDisk } from './own-disk.ts'
import type { Person } from './person.ts'
import type { Relay } from './relay.ts'

async function losesWhileOffline(bob: Person, relay: Relay, type: string): Promise<void> {
  expect(await withOwnDisk(bob, relay.url, `loseOps('thicket', '${type}')`)).toBe(1)
  bob.tap.cut()
  await bob.page.goto(relay.url)
  await expect(bob.page.getByText('This space is being repaired').first()).toBeVisible()
  await expectAccessible(bob, type)
  await expect(bob.page.getByText('no longer a member')).toBeHidden()
}

test('the first op of the space is gone: Bob’s phone says so, offline too, and has all back from the relay while Alice is away', async ({ person, relay }) => {
  const alice = person('Alice'), bob = person('Bob', { width: 360 })
  await alice.startsSpaceWith('Allotment', bob)
  await bob.write('First')
  await alice.sees('First')
  await bob.appIsKept()
  await bob.everythingIsAtTheRelay()
  await alice.leave()

  await losesWhileOffline(bob, relay, 'genesis')
  await expect(bob.page.getByRole('heading', { name: 'Damaged space' }).first()).toBeVisible()
  expect(await bob.page.evaluate(() => document.documentElement.scrollWidth), 'no sideways scroll').toBeLessThanOrEqual(360)
  bob.tap.mend()
  await bob.isIn('Allotment')
  await bob.sees('First')
  await bob.write('Second')
  await alice.open()
  await alice.sees('Second')
})

test('Bob’s own joining is gone: he reads what he has, nobody says that it counts no longer, and Alice gives the joining back', async ({ person, relay }) => {
  const alice = person('Alice'), bob = person('Bob', { colorScheme: 'light' })
  await alice.startsSpaceWith('Allotment', bob)
  await bob.write('First')
  await alice.sees('First')
  await bob.appIsKept()

  await losesWhileOffline(bob, relay, 'join')
  await expect(bob.message('First')).toContainText('Bob')
  await expect(bob.messageState('First')).not.toContainText('count')
  await expect(bob.composer()).toBeHidden()
  bob.tap.mend()
  await bob.isIn('Allotment')
  await expect(bob.messageState('First')).toHaveText(/delivered/i)
  await alice.write('Welcome back')
  await bob.sees('Welcome back')
})
