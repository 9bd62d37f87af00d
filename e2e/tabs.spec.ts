/** Several tabs of one profile are one device: one tab does the work, and when it goes another takes over. */
import { expect, test } from './fixtures.ts'

test('two tabs share one conversation, and it survives the tab that led', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)

  const leading = alice.page
  alice.lookAt(await alice.secondTab())
  await alice.isIn('Allotment')
  await alice.write('From my second tab')
  await bob.sees('From my second tab')
  await bob.write('I see')
  await alice.sees('I see')

  await leading.close()
  await alice.write('The first tab is closed')
  await bob.sees('The first tab is closed')
  await bob.write('Still here?')
  await alice.sees('Still here?')
  expect((await alice.messages()).filter(text => text.startsWith('The first tab'))).toHaveLength(1)
})

test('the other tab can go as well', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  const other = await alice.secondTab()
  await other.close()
  await alice.write('I am still talking')
})
