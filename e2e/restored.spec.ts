/** A profile that is put back from a copy has forgotten what its device signed since. */
import { expect, test } from './fixtures.ts'

const BEFORE = 'Before the backup', SINCE = ['Since the backup', 'And once more'], AFTER = ['Where was I?', 'And on we go']

test('Bob restores his browser from a copy: what he said since comes back, he goes on under a new key, and nobody loses a word', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await bob.join(await alice.invite())
  await bob.write(BEFORE)
  await alice.sees(BEFORE)
  const copy = await bob.backsUp()
  await bob.open()
  for (const text of SINCE) { await bob.write(text); await alice.sees(text) }
  await bob.everythingIsAtTheRelay()

  await bob.restores(copy)
  await bob.open()
  await bob.sees(BEFORE)
  await bob.write(AFTER[0] ?? '')
  for (const text of SINCE) await bob.sees(text)
  await expect(bob.page.getByText('put back to an earlier state')).toBeVisible()
  await alice.sees(AFTER[0] ?? '')
  await bob.write(AFTER[1] ?? '')
  await alice.sees(AFTER[1] ?? '')
  await alice.write('Welcome back')
  await bob.sees('Welcome back')
  // A fork would have frozen his device, and hidden from everybody what it said from there on.
  for (const reader of [alice, bob]) expect((await reader.messages()).sort()).toEqual([BEFORE, ...SINCE, ...AFTER, 'Welcome back'].sort())
})

test('everybody is away when he does: the relay tells him', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await bob.join(await alice.invite())
  await expect(alice.member('Bob')).toBeVisible()
  await alice.leave()
  const copy = await bob.backsUp()
  await bob.open()
  await bob.write('Since the backup')
  await expect(bob.messageState('Since the backup')).toHaveText(/relay/i)
  await bob.restores(copy)
  await bob.open()
  await bob.write('Where was I?')
  await bob.sees('Since the backup')
  await expect(bob.messageState('Where was I?')).toHaveText(/relay/i)
  await alice.open()
  await alice.sees('Since the backup')
  await alice.sees('Where was I?')
  expect(await alice.messages()).toEqual(['Since the backup', 'Where was I?'])
})
