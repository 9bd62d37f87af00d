/** Links that lead nowhere say so, in a sentence, and leave the app as it was. */
import { expect, test } from './fixtures.ts'

/** Turns one character in the middle of the secret part of a link into another. */
const damage = (link: string): string => {
  const at = link.indexOf('#') + Math.floor((link.length - link.indexOf('#')) / 2)
  return link.slice(0, at) + (link[at] === 'A' ? 'B' : 'A') + link.slice(at + 1)
}

test('damaged, cut off, foreign and empty links', async ({ person, relay }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  const link = await alice.invite()
  await bob.start()
  const bad = {
    damaged: [damage(link), /damaged or incomplete/], 'cut off': [link.slice(0, -12), /damaged or incomplete/], empty: [`${relay.url}/#/join/`, /damaged or incomplete/],
    foreign: [`${relay.url}/#/somewhere/else`, /not an invite link/],
  } as const
  for (const [kind, [address, sentence]] of Object.entries(bad)) {
    await bob.follow(address)
    await expect(bob.page.getByRole('alert'), kind).toContainText(sentence)
    await bob.page.getByRole('button', { name: 'Close' }).click()
    await expect(bob.page.getByRole('button', { name: 'Create a space' })).toBeVisible()
  }
})

test('a link that was taken back', async ({ person }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  await alice.createSpace('Allotment')
  const link = await alice.invite()
  await alice.revokeInvite()
  await alice.everythingIsAtTheRelay()
  await bob.join(link)
  await expect(bob.page.getByRole('alert')).toContainText(/taken back|revoked/i)
})

test('a link that has expired', async ({ person, peer, relay }) => {
  const alice = person('Alice'), gardener = peer('Gardener')
  const { space } = await gardener.ask('create-space', { name: 'Allotment' })
  const { link, expiresAt } = await gardener.ask('create-invite', { space, expiresInMs: 1, base: relay.url })
  await expect.poll(() => Date.now()).toBeGreaterThan(expiresAt)
  await alice.start()
  await alice.follow(link)
  await expect(alice.page.getByRole('alert')).toContainText(/expired/i)
})
