/** The first hour of a group: Alice makes a space, Bob comes by her link, and they talk, straight from browser to browser. */
import { expect, test } from './fixtures.ts'

test('Alice makes a space, Bob joins by her link, and both write', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('The key is under the pot')
  const link = await alice.invite()

  await bob.join(link)
  await bob.isIn('Allotment')
  await bob.write('Found it')
  await alice.sees('Found it')
  await alice.write('Mind the slugs')
  await bob.sees('Mind the slugs')

  await expect(alice.messageState('Mind the slugs')).toHaveText(/delivered/i)
  await expect(alice.member('Bob')).toBeVisible()
  await expect(bob.member('Alice')).toBeVisible()
})

test('they talk directly, and go on when the relay dies', async ({ person, relay }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)

  // Three witnesses: what the app says, what the browsers' connections say, and that it goes on without the relay.
  for (const person of [alice, bob]) {
    // A first attempt fails now and then, and the next one waits a while.
    await expect(person.connectionChip()).toHaveAccessibleName(/direct/i, { timeout: 60_000 })
    await expect.poll(async () => (await person.connections()).open).toBeGreaterThan(0)
  }
  await relay.kill()
  const before = (await bob.connections()).bytesReceived
  await alice.write('The relay is gone')
  await bob.sees('The relay is gone')
  expect((await bob.connections()).bytesReceived).toBeGreaterThan(before)
  await bob.write('And we are not')
  await alice.sees('And we are not')
  await expect(alice.messageState('The relay is gone')).toHaveText(/delivered/i)

  // Nothing was lost for those who come by the relay later.
  await relay.start()
  await alice.write('The relay is back')
  await bob.sees('The relay is back')
})

test('Bob joins while Alice, who invited him, is not there', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('I am on the train, make yourself at home')
  const link = await alice.invite()
  await expect(alice.messageState('I am on the train')).toHaveText(/relay/i)
  await alice.everythingIsAtTheRelay()
  await alice.leave()

  await bob.join(link)
  await bob.isIn('Allotment')
  await bob.sees('I am on the train, make yourself at home')
  await bob.write('Thank you, I will')
  await bob.leave()

  await alice.open()
  await alice.sees('Thank you, I will')
})

test('two people who joined by one link, each while nobody was there, meet', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob'), carol = person('Carol')
  await alice.start()
  await alice.createSpace('Allotment')
  const link = await alice.invite()
  await alice.everythingIsAtTheRelay()
  await alice.leave()

  await bob.join(link)
  await bob.isIn('Allotment')
  await bob.write('Bob was here')
  await bob.everythingIsAtTheRelay()
  await bob.leave()

  await carol.join(link)
  await carol.isIn('Allotment')
  await carol.write('Carol too')
  await alice.open()
  await alice.sees('Bob was here')
  await alice.sees('Carol too')
})
