/** What a crowd says of who is here and of what it holds: here ten are one. */
import { expect, test, vi } from 'vitest'
import { type Home, home, joins, of, say, texts } from './group/home.test-support.ts'
import type { Person } from './engines.test-support.ts'
import { CROWD_EACH_MS, PEOPLE_TOGETHER_MS, PRESENCE_EVERY_MS, RECEIPT_AFTER_MS } from './limits.ts'

vi.mock('./limits.ts', async (original) => ({ ...await original<typeof import('./limits.ts')>(), CROWD: 5, ANSWERS_IN_CROWD: 1, CROWD_EACH_MS: 5000, PEOPLE_TOGETHER_MS: 10_000 }))

const SIZE = 10
const LONG_MS = 10 * 60_000
const EVERY_MS = (SIZE - 1) * CROWD_EACH_MS

/** How often each has said where they are, and posted something, since. */
async function crowd(): Promise<{ h: Home; said: (what: 'announce' | 'post') => number[]; since: () => void }> {
  const h = await home(), { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 100 })
  while (h.room.people.length < SIZE) await joins(h, `Person ${h.room.people.length}`, link)
  await h.room.pass(LONG_MS)
  const sends: { readonly by: Person; readonly type: string }[] = []
  for (const by of h.room.people) {
    const step = by.engine.step.bind(by.engine)
    by.engine.step = async (input, now) => { const made = await step(input, now); sends.push(...made.sends.map(({ type }) => ({ by, type }))); return made }
  }
  return { h, said: (what) => h.room.people.map((person) => sends.filter(({ by, type }) => by === person && type === what).length), since: () => { sends.length = 0 } }
}

const here = (h: Home, person: Person): number => person.engine.present.devices(of(h, person), h.room.now).size

test('S29 in a crowd everybody says the more seldom where they are the more are here, and nobody counts as gone for it', async () => {
  const { h, said, since } = await crowd()
  h.room.canDial = false
  for (const one of h.room.people) for (const other of h.room.people) if (one !== other) one.queue.push({ type: 'peer-down', peer: other.peer })
  for (let passed = 0; passed < LONG_MS; passed += PRESENCE_EVERY_MS) {
    await h.room.pass(PRESENCE_EVERY_MS)
    for (const person of h.room.people) expect(here(h, person)).toBe(SIZE - 1)
  }
  for (const times of said('announce')) expect(times).toBeLessThanOrEqual(LONG_MS / EVERY_MS + 1)
  since()
  // Who leaves is missed all the same, if later.
  h.room.people.slice(3).forEach((person) => { person.isHere = false })
  await h.room.pass(4 * EVERY_MS)
  expect(h.room.people.slice(0, 3).map((person) => here(h, person))).toEqual([2, 2, 2])
  await h.room.pass(LONG_MS)
  for (const times of said('announce').slice(0, 3)) expect(times).toBeGreaterThan(LONG_MS / PRESENCE_EVERY_MS - 2)
}, 60_000)

test('S29 of a crowd a few answer who comes, who hears of all by and by', async () => {
  const { h, said } = await crowd(), [, bob] = h.room.people as [Person, Person]
  h.room.leaves(bob)
  await h.room.pass(5 * EVERY_MS)
  const away = said('announce').slice(2)
  h.room.canDial = false
  await bob.restart()
  await h.room.comesBack(bob)
  const answers = said('announce').slice(2).reduce((sum, n, i) => sum + n - (away[i] ?? 0), 0)
  expect(answers).toBeLessThanOrEqual(3)
  await h.room.pass(2 * EVERY_MS)
  expect(here(h, bob)).toBe(SIZE - 1)
}, 60_000)

test('S29 in a crowd receipts go out later and not all at once, however much is said meanwhile', async () => {
  const { h, said, since } = await crowd()
  await say(h, h.alice, 'First')
  since()
  await h.room.pass(RECEIPT_AFTER_MS + 1000)
  expect(said('post').slice(1)).toEqual(Array.from({ length: SIZE - 1 }, () => 0))
  for (let n = 0; n < 100; n++) { await say(h, h.alice, `Word ${n}`); await h.room.pass(RECEIPT_AFTER_MS / 3) }
  for (const times of said('post').slice(1)) {
    expect(times).toBeGreaterThan(1)
    expect(times).toBeLessThanOrEqual((100 * (RECEIPT_AFTER_MS / 3 + 100)) / (EVERY_MS / 2) + 1)
  }
  for (const person of h.room.people) expect((await texts(h, person)).length).toBeGreaterThan(49)
}, 60_000)

test('S29 in a crowd clients are told together of who comes and goes, and of all of them', async () => {
  const { h } = await crowd(), { alice, people } = { ...h, people: h.room.people.slice(1, 4) }
  const told = () => alice.updates.filter((update) => update.type === 'members')
  for (const person of people) h.room.leaves(person)
  await h.room.pass(LONG_MS)
  expect(told().at(-1)?.members.filter(({ online }) => online).length).toBe(SIZE - people.length)
  const before = told().length
  for (const person of people) { await person.restart(); await h.room.comesBack(person) }
  await h.room.pass(PEOPLE_TOGETHER_MS)
  expect(told().at(-1)?.members.filter(({ online }) => online).length).toBe(SIZE)
  expect(told().length - before).toBeLessThan(people.length)
}, 60_000)

test('S29 in a crowd who comes is counted at once, though clients are told later', async () => {
  const { h } = await crowd(), { alice, people } = { ...h, people: h.room.people.slice(1, 4) }
  for (const person of people) h.room.leaves(person)
  await h.room.pass(LONG_MS)
  // Told of just now: what comes is told of later.
  for (const person of people.slice(0, 1)) { await person.restart(); await h.room.comesBack(person) }
  const before = alice.updates.filter(({ type }) => type === 'members').length, crowdBefore = alice.engine.meeting.crowd(of(h, alice))
  for (const person of people.slice(1)) { await person.restart(); await h.room.comesBack(person) }
  expect(alice.engine.meeting.crowd(of(h, alice)) - crowdBefore).toBe(2)
  expect(alice.updates.filter(({ type }) => type === 'members').length).toBe(before)
}, 60_000)
