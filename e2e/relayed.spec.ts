/** Where no direct way is to be had. */
import { expect, test } from './fixtures.ts'

test('Bob\'s network lets no WebRTC through: everything still arrives, through the relay', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob', { webrtc: false })
  await alice.startsSpaceWith('Allotment', bob)
  await bob.write('The firewall here is awful')
  await alice.sees('The firewall here is awful')
  await alice.write('Good that we have a relay')
  await bob.sees('Good that we have a relay')
  await expect(alice.messageState('Good that we have a relay')).toHaveText(/delivered/i)
  await expect(bob.connectionChip()).toHaveAccessibleName(/relay/i)
  expect((await alice.connections()).open).toBe(0)
})
