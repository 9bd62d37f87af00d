/** Away from the network, and from power: what was written is there, and arrives once and in order. */
import { expect, test } from './fixtures.ts'

const ARRIVED = ['first', 'second', 'third'].map(word => `The ${word} thing I thought of`)

test('Bob reloads in a tunnel, reads, writes, and comes out: everything arrives once and in order', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('Read this on the way')
  await bob.join(await alice.invite())
  await bob.sees('Read this on the way')
  await bob.appIsKept()

  await bob.goOffline()
  await bob.reload()
  await bob.sees('Read this on the way')
  for (const text of ARRIVED) await bob.write(text)
  await expect(bob.messageState(ARRIVED[2] ?? '')).toHaveText(/queued/i)
  await expect(bob.connectionChip()).toHaveAccessibleName(/offline/i)
  await bob.reload()
  await bob.sees(ARRIVED[2] ?? '')
  await alice.write('Where are you?')

  await bob.comeBack()
  await bob.sees('Where are you?')
  await alice.sees(ARRIVED[2] ?? '')
  await expect(bob.messageState(ARRIVED[2] ?? '')).toHaveText(/delivered/i)
  expect((await alice.messages()).filter(text => ARRIVED.includes(text))).toEqual(ARRIVED)
  expect((await bob.messages()).filter(text => ARRIVED.includes(text))).toEqual(ARRIVED)
})

test('the power goes right after Enter: the message is there afterwards', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('Said in time')
  // As soon as its row says no more that it is being saved, it is on disk: save, then tell.
  await expect(alice.messageState('Said in time')).not.toHaveText(/saving/i)
  await alice.kill()
  await alice.open()
  await alice.sees('Said in time')
  expect((await alice.messages()).filter(text => text === 'Said in time')).toHaveLength(1)
  await alice.write('And life goes on')
  await alice.sees('And life goes on')
})

test('the power goes in the middle of a conversation, and the conversation goes on', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.startsSpaceWith('Allotment', bob)
  await expect(alice.member('Bob')).toBeVisible()
  await bob.write('Before the thunderstorm')
  await expect(bob.messageState('Before the thunderstorm')).not.toHaveText(/saving/i)
  await bob.kill()
  await alice.write('Hello?')
  await bob.open()
  await bob.sees('Hello?')
  await bob.write('Back again')
  await alice.sees('Before the thunderstorm')
  await alice.sees('Back again')
  expect((await alice.messages()).filter(text => text === 'Before the thunderstorm')).toHaveLength(1)
})

test('the app itself starts with the network cut, on a first visit that made nothing yet', async ({ person }) => {
  const alice = person('Alice')
  await alice.start()
  await alice.appIsKept()
  await alice.goOffline()
  await alice.reload()
  await alice.createSpace('Made on the train')
  await alice.write('Written on the train')
  await expect(alice.messageState('Written on the train')).toHaveText(/queued/i)
})
