/** Many devices that want the same at once, and one that never stops. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import type { Op } from '../../wire/op.ts'
import type { Person } from '../engines.test-support.ts'
import { KEPT_EPOCH_STATES, MAX_COMMITS_A_STEP, MAX_SIDE_STATES, RENEW_AFTER_MS } from '../limits.ts'
import { due } from '../reconcile.ts'
import { alone, hand, home, type Home, joins, of, renews, say, texts, tipOf } from './home.test-support.ts'

const N = 21
const commitsOf = (h: Home, person: Person): Op[] => [...of(h, person).log.authority.values()].filter((op) => op.header.type === 'commit')

async function crowd(): Promise<{ h: Home; people: Person[] }> {
  const h = await home()
  const people = [h.alice]
  for (let i = 1; i < N; i++) people.push(await joins(h, `Guest${i}`))
  return { h, people }
}

test('G15 twenty-one devices that see the same change, each alone, make a commit each and then agree; keys all a week old are renewed one after the other', async () => {
  const { h, people } = await crowd()
  const bob = people[1] as Person, others = people.filter((person) => person !== bob)
  const before = commitsOf(h, h.alice).length
  for (const person of others) h.room.goesOffline(person)
  h.room.leaves(bob)
  const identity = of(h, bob).me.identity
  const kick = await alone(h, h.alice, (turn, replica) => replica.append(turn, 'kick', encodeAuthorityBody({ type: 'kick', identity, cuts: replica.authority.cutsFor(identity, replica.log.deviceHeads) })))
  await hand(h, [kick], ...others)
  await h.room.pass(30_000)
  for (const person of others) expect(commitsOf(h, person).length - before).toBe(1)
  for (const person of others) await h.room.comesOnline(person)
  await h.room.pass(30_000)
  expect(new Set(others.map((person) => tipOf(h, person))).size).toBe(1)
  // One of them counts; that the others' did not is no reason for another.
  expect(commitsOf(h, h.alice).length - before).toBe(N - 1)
  for (const person of others) expect(of(h, person).groups.states.size).toBeLessThanOrEqual(KEPT_EPOCH_STATES + 1 + MAX_SIDE_STATES)
  await say(h, people[5] as Person, 'Goodbye Bob')
  expect(await texts(h, people[7] as Person)).toEqual(['Goodbye Bob'])
  const after = commitsOf(h, h.alice).length
  h.room.now += RENEW_AFTER_MS
  await h.room.pass(120_000)
  const made = commitsOf(h, h.alice).length - after
  expect(made).toBeGreaterThanOrEqual(N - 1)
  expect(made).toBeLessThanOrEqual(2 * N)
  expect(new Set(others.map((person) => tipOf(h, person))).size).toBe(1)
  for (const person of others) expect(due(of(h, person).everyone, h.room.now).type).toBe('nothing')
}, 120_000)

test('G15 a member who commits without end keeps nobody from talking, nor from being put out', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  h.room.leaves(mallory)
  const storm: Op[] = []
  for (let i = 0; i < 3 * MAX_COMMITS_A_STEP; i++) storm.push(await renews(h, mallory))
  await hand(h, storm, h.alice, bob)
  await say(h, bob, 'Do you hear the wind?')
  expect(await texts(h, h.alice)).toEqual(['Do you hear the wind?'])
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, mallory).me.identity })
  await h.room.pass(1000)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  expect(of(h, bob).groups.tree.nodes.get(tipOf(h, bob))?.leaves).not.toContain(of(h, mallory).me.device)
}, 60_000)
