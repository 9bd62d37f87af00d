/** Who comes by a link while nobody is there finds all that was done, also by those who didn't know of the link. */
import { expect, test } from 'vitest'
import { home, type Home, joins, of } from './group/home.test-support.ts'
import { type Person, RELAY } from './engines.test-support.ts'
import { OWED_FOR_MS } from './limits.ts'

const describes = (h: Home, person: Person, about: string) => h.room.ask(person, { type: 'set-profile', about })
const makesLink = async (h: Home, person: Person): Promise<string> => (await h.room.ask(person, { type: 'create-invite', space: h.space, expiresInMs: 2 * OWED_FOR_MS })).link
const actsOf = (h: Home, person: Person): string[] => [...of(h, person).log.authority.keys()].sort()

/** Comes by the link while nobody is here, and the relay has let go of what members wrote to each other: what of the others' acts is not here, what waits for something, and what they are. */
async function comesAlone(h: Home, link: string, all: readonly string[]): Promise<{ readonly lacks: number; readonly waits: number; readonly state: string }> {
  h.room.forgets(new Set(h.room.people.flatMap((person) => [...of(h, person).mail.topics.keys()])))
  const carol = await joins(h, 'Carol', link)
  await h.room.pass(5000)
  const here = new Set(actsOf(h, carol)), { log } = of(h, carol)
  return { lacks: all.filter((id) => !here.has(id)).length, waits: log.parked.count, state: of(h, carol).state() }
}

const ALL_IS_WELL = { lacks: 0, waits: 0, state: 'member' }

test('S32 what came in after a link was made, by somebody who had not heard of it, gets into its kit by who made the link', async () => {
  const h = await home(), bob = await joins(h, 'Bob')
  h.room.goesOffline(bob)
  h.room.goesOffline(h.alice)
  await describes(h, bob, 'Bees')
  const link = await makesLink(h, h.alice)
  await h.room.comesOnline(bob)
  h.room.leaves(bob)
  await h.room.comesOnline(h.alice)
  await describes(h, h.alice, 'Apples')
  const all = actsOf(h, h.alice)
  expect(all).toEqual(expect.arrayContaining(actsOf(h, bob)))
  h.room.leaves(h.alice)
  expect(await comesAlone(h, link, all)).toEqual(ALL_IS_WELL)
})

test('S32 who hears of a link adds to its kit what they did before, and its maker did not know', async () => {
  const h = await home(), bob = await joins(h, 'Bob')
  h.room.goesOffline(bob)
  await describes(h, bob, 'Bees')
  const link = await makesLink(h, h.alice)
  await h.room.pass(2000)
  h.room.leaves(h.alice)
  await h.room.comesOnline(bob)
  await describes(h, bob, 'Bees and pears')
  const all = actsOf(h, bob)
  expect(all).toEqual(expect.arrayContaining(actsOf(h, h.alice)))
  h.room.leaves(bob)
  expect(await comesAlone(h, link, all)).toEqual(ALL_IS_WELL)
})

test('S20 a relay that lost a kit gets it again from who made the link, who is to put nothing else there again', async () => {
  const h = await home(), bob = await joins(h, 'Bob'), link = await makesLink(h, h.alice)
  await h.room.pass(60_000)
  h.room.leaves(bob)
  h.room.forgets()
  h.room.now += OWED_FOR_MS
  for (const topic of of(h, h.alice).mail.topics.keys()) h.alice.queue.push({ type: 'rolled-back', relay: RELAY, topic })
  await h.room.pass(5000)
  h.room.leaves(h.alice)
  const { lacks, waits } = await comesAlone(h, link, actsOf(h, h.alice))
  expect({ lacks, waits }).toEqual({ lacks: 0, waits: 0 })
})

test('S32 what its author did knowing the link is put into the kit once', async () => {
  const h = await home(), bob = await joins(h, 'Bob')
  await h.room.pass(60_000)
  const before = h.room.kept, acts = actsOf(h, bob).length
  await describes(h, bob, 'Bees')
  await h.room.pass(5000)
  // One for members, one for the link's kit.
  expect([actsOf(h, h.alice).length - acts, h.room.kept - before]).toEqual([1, 2])
})
