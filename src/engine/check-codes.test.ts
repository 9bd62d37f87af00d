/** Digits that Alice and Bob read to each other. */
import { expect, test } from 'vitest'
import type { Person } from './engines.test-support.ts'
import { hand, home, type Home, joins, of, renews, tipOf } from './group/home.test-support.ts'

const codeOf = async (h: Home, person: Person): Promise<string> => (await h.room.ask(person, { type: 'group-code', space: h.space })).code
const withPerson = async (h: Home, person: Person, other: Person): Promise<string> =>
  (await h.room.ask(person, { type: 'person-code', space: h.space, member: of(h, other).me.identity })).code

test('V1 everyone in the group sees the same digits; others after every change', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const code = await codeOf(h, h.alice)
  expect(code).toMatch(/^(\d{5} ){5}\d{5}$/)
  expect([await codeOf(h, bob), await codeOf(h, carol)]).toEqual([code, code])
  await hand(h, [await renews(h, carol)], h.alice, bob)
  expect(await codeOf(h, bob)).not.toBe(code)
  expect(await codeOf(h, bob)).toBe(await codeOf(h, h.alice))
})

test('V1 who is kept apart by somebody in between sees other digits than the rest', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  // Whoever sits between hands Bob one branch and Alice another.
  h.room.goesOffline(h.alice)
  h.room.goesOffline(bob)
  await hand(h, [await renews(h, carol)], h.alice)
  await hand(h, [await renews(h, bob)], bob)
  expect(tipOf(h, bob)).not.toBe(tipOf(h, h.alice))
  expect(await codeOf(h, bob)).not.toBe(await codeOf(h, h.alice))
})

test('V2 two people see the same digits for each other, in every space, and others for somebody who has only taken the name', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Bob')
  const code = await withPerson(h, h.alice, bob)
  expect(code).toMatch(/^(\d{5} ){11}\d{5}$/)
  expect(await withPerson(h, bob, h.alice)).toBe(code)
  expect(await withPerson(h, h.alice, mallory)).not.toBe(code)
  const { space } = await h.room.ask(bob, { type: 'create-space', name: 'Elsewhere', relays: [] })
  expect(await h.room.reply(bob, { type: 'person-code', space, member: of(h, h.alice).me.identity })).toMatchObject({ ok: false, error: { code: 'unknown-member' } })
  expect(await h.room.reply(bob, { type: 'person-code', space: h.space, member: of(h, bob).me.identity })).toMatchObject({ ok: false })
})

test('V1 a private channel has digits of its own, for its readers only', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'surprise', readers: { roles: [], members: [of(h, bob).me.identity] } })
  await h.room.pass(10_000)
  const code = async (person: Person) => h.room.reply(person, { type: 'group-code', space: h.space, channel })
  expect(await h.room.ask(bob, { type: 'group-code', space: h.space, channel })).toEqual(await h.room.ask(h.alice, { type: 'group-code', space: h.space, channel }))
  expect((await h.room.ask(bob, { type: 'group-code', space: h.space, channel })).code).not.toBe(await codeOf(h, bob))
  expect(await code(carol)).toMatchObject({ ok: false, error: { code: 'unknown-channel' } })
})
