/** All know the same acts, and two sides go on from different ones, since what would decide it is said where the other can't read. */
import { expect, test } from 'vitest'
import { PRESENCE_EVERY_MS } from '../limits.ts'
import { hand, home, joins, lastSaid, of, renews, say, tipOf } from './home.test-support.ts'

test('S30 two sides that know of each other’s commits and can open neither’s words say alone where they are, and choose the same tip when they have met', async () => {
  const h = await home(), people = [await joins(h, 'Carol'), await joins(h, 'Dave')]
  await h.room.pass(60_000)
  const all = [h.alice, ...people], before = tipOf(h, h.alice)
  for (const person of all) h.room.goesOffline(person)
  const made = await Promise.all(people.map(async (person) => ({ person, commit: await renews(h, person, before) })))
  // Of two commits that one person each goes on from, the one with the smaller id counts, until Alice has gone on from the other.
  const [lone, other] = made.sort((a, b) => (a.commit.id < b.commit.id ? -1 : 1))
  if (lone === undefined || other === undefined) throw new Error('two commits')
  await hand(h, [other.commit], h.alice)
  await say(h, h.alice, 'From here')
  for (const person of all) of(h, person).groups.states.delete([before])
  await hand(h, [other.commit], lone.person)
  await hand(h, [await lastSaid(h, h.alice)], other.person)
  await hand(h, [lone.commit], h.alice, other.person)
  for (const person of all) await h.room.comesOnline(person)
  expect(all.map((person) => tipOf(h, person))).toEqual(expect.arrayContaining([lone.commit.id, other.commit.id]))
  await h.room.pass(6 * PRESENCE_EVERY_MS)
  expect(all.map((person) => tipOf(h, person) === tipOf(h, h.alice))).toEqual([true, true, true])
})
