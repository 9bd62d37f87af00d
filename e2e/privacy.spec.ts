/** What others get to see: no host that nobody chose, and no word of what was said. */
import { join } from 'node:path'
import { expect, test } from './fixtures.ts'
import { filesOf, placesOf } from './marker.ts'
import type { Person } from './person.ts'

/** Asked for by the browser itself, on an empty page too, whatever flags it is given. None of them is of any use to an app. */
const BROWSERS_OWN = /^(accounts|clients\d*)\.google\.com|^(update|optimizationguide-pa|content-autofill|safebrowsing)\.googleapis\.com|\.gvt1\.com/

test('no host is contacted but the relay that they came to', async ({ person, relay }) => {
  const alice = person('Alice'), bob = person('Bob')
  await alice.start()
  const asked: string[] = []
  // Of the page, its worker and the service worker alike.
  alice.hears(request => asked.push(new URL(request.url()).host))
  await alice.createSpace('Allotment')
  await bob.join(await alice.invite())
  await bob.isIn('Allotment')
  await bob.write('Who else hears this?')
  await alice.sees('Who else hears this?')
  await alice.appIsKept()
  await alice.reload()
  await alice.sees('Who else hears this?')
  await expect(alice.connectionChip()).toHaveAccessibleName(/direct/i)

  const chosen = new URL(relay.url).host
  const strangers = (person: Person): string[] => [...person.tap.hosts].filter(host => host !== chosen && !BROWSERS_OWN.test(host))
  expect(asked).toContain(chosen)
  expect(asked.filter(host => host !== chosen)).toEqual([])
  expect(alice.tap.hosts).toContain(chosen)
  expect([...strangers(alice), ...strangers(bob)]).toEqual([])
  expect((await alice.connections()).open, 'there are connections whose servers could be looked at').toBeGreaterThan(0)
  expect([...(await alice.connections()).iceServers, ...(await bob.connections()).iceServers]).toEqual([])
})

test('what was said is nowhere in the relay, nowhere on its lines, and nowhere in the profile on disk', async ({ person, relay }) => {
  const SAID = 'xylophone-quartz-said', SPACE = 'xylophone-quartz-space', PLANTED = 'xylophone-quartz-planted'
  const alice = person('Alice'), bob = person('Bob', { webrtc: false })
  await alice.start()
  await alice.createSpace(SPACE)
  await alice.write(SAID)
  await bob.join(await alice.invite())
  await bob.sees(SAID)
  await bob.write(`${SAID}, indeed`)
  await alice.sees(`${SAID}, indeed`)
  await alice.everythingIsAtTheRelay()
  await alice.plants(PLANTED)

  await alice.leave()
  await bob.leave()
  await relay.stop()
  const lines = [...alice.tap.recorded(), ...bob.tap.recorded()].map((bytes, i) => [`line ${i}`, bytes] as const)
  const folder = [...filesOf(alice.profile)], bobsFolder = [...filesOf(bob.profile)]
  // Would we find anything at all? What is sent and stored in clear, we do.
  expect(placesOf(`${PLANTED}-request`, lines), 'a planted request').not.toEqual([])
  expect(placesOf(`${PLANTED}-socket`, lines), 'a planted WebSocket message').not.toEqual([])
  expect(placesOf(`${PLANTED}-small`, folder), 'a planted row').not.toEqual([])
  expect(placesOf(`${PLANTED}-large-end`, folder), 'a planted large row').not.toEqual([])

  for (const secret of [SAID, SPACE]) {
    expect(placesOf(secret, filesOf(relay.data)), 'in the relay').toEqual([])
    expect(placesOf(secret, lines), 'on the line').toEqual([])
  }
  // Not the space's name: a browser keeps the titles of its tabs and the links that it opened in its history, in clear.
  expect(placesOf(SAID, folder), 'in Alice\'s profile').toEqual([])
  expect(placesOf(SAID, bobsFolder), 'in Bob\'s profile').toEqual([])
})

test('what is typed is not in what the browser keeps of a tab to open it again', async ({ person }) => {
  const TYPED = 'xylophone-quartz-typed', CHANGED = 'xylophone-quartz-changed', KEPT = 'xylophone-quartz-kept'
  const alice = person('Alice')
  await alice.start()
  await alice.createSpace('Allotment')
  await alice.write('What shall we plant?')
  await alice.chooses('What shall we plant?', 'Edit')
  await alice.page.getByRole('textbox', { name: 'Edit' }).fill(CHANGED)
  await alice.composer().fill(TYPED)
  // A field like any other, typed in last: once that is found, so would be the others.
  await alice.page.evaluate(() => { document.body.append(Object.assign(document.createElement('textarea'), { id: 'planted' })) })
  await alice.page.locator('#planted').fill(KEPT)
  await expect.poll(() => placesOf(KEPT, filesOf(join(alice.profile, 'Default/Sessions'))), 'a field like any other').not.toEqual([])
  await alice.leave()
  const folder = [...filesOf(alice.profile)]
  expect(placesOf(TYPED, folder), 'a message that is being written').toEqual([])
  expect(placesOf(CHANGED, folder), 'a message that is being changed').toEqual([])
})
