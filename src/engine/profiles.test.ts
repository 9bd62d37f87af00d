/** What Bob says of himself, and who sees it. */
import { expect, test } from 'vitest'
import type { MeInfo, Profile } from '../api.ts'
import { Allotment } from './allotment.test-support.ts'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { type Person, RELAY } from './engines.test-support.ts'
import { home, signRule, whisper } from './sync/mallory.test-support.ts'

const BEES: Profile = { about: 'Bees, mostly', emoji: '🐝', colour: 3 }
const NOTHING: Profile = { about: '', emoji: '', colour: 0 }
const shown = async (h: Allotment, by: Person, of: Person): Promise<Partial<Profile>> => {
  const { about, emoji, colour } = await h.sees(by, of) ?? {}
  return { ...(about !== undefined && { about }), ...(emoji !== undefined && { emoji }), ...(colour !== undefined && { colour }) }
}
const told = (person: Person): MeInfo['profile'] | undefined => person.updates.flatMap((u) => (u.type === 'me' ? [u.me] : [])).at(-1)?.profile

test('Bob says what he likes to be asked about: everyone sees it, a part can be changed alone, and taken back', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  expect(await shown(h, h.alice, bob)).toEqual(NOTHING)
  await h.room.ask(bob, { type: 'set-profile', ...BEES, about: `  ${BEES.about} ` })
  await h.room.pass(1000)
  expect(await shown(h, h.alice, bob)).toEqual(BEES)
  expect(told(bob)).toEqual(BEES)
  await h.room.ask(bob, { type: 'set-profile', about: '' })
  await h.room.pass(1000)
  expect(await shown(h, h.alice, bob)).toEqual({ ...BEES, about: '' })
  await bob.restart()
  await h.room.pass(1000)
  expect(told(bob)).toEqual({ ...BEES, about: '' })
})

test('it goes along into spaces that Bob joins later, and his phone, which he links later still, has it and changes it for all', async () => {
  const h = await Allotment.begin()
  const bob = await h.room.person('Bob')
  await h.room.ask(bob, { type: 'set-profile', ...BEES })
  await h.room.ask(bob, { type: 'join', link: h.link })
  await h.room.pass(5000)
  expect(await shown(h, h.alice, bob)).toEqual(BEES)
  const { space } = await h.room.ask(bob, { type: 'create-space', name: 'Hives', relays: [RELAY] })
  const phone = await h.room.person('phone', true)
  await h.links(bob, phone)
  await h.room.pass(5000)
  expect(told(phone)).toEqual(BEES)
  await h.room.ask(phone, { type: 'set-profile', colour: 0 })
  await h.room.pass(2000)
  expect(told(bob)).toEqual({ ...BEES, colour: 0 })
  expect((await h.room.ask(bob, { type: 'list-members', space })).members[0]).toMatchObject({ ...BEES, colour: 0 })
  expect(await shown(h, h.alice, bob)).toEqual({ ...BEES, colour: 0 })
})

test('what is too long, in several lines, no emoji or no colour is refused and changes nothing', async () => {
  const h = await Allotment.begin()
  const wrong = [{ about: 'x'.repeat(191) }, { about: 'two\nlines' }, { emoji: 'a sentence' }, { emoji: 'x'.repeat(33) }, { colour: 13 }]
  const codes = await Promise.all(wrong.map(async (part) => { const reply = await h.room.reply(h.alice, { type: 'set-profile', ...part }); return reply?.ok === false ? reply.error.code : 'done' }))
  expect(codes).toEqual(['text-too-long', 'bad-request', 'bad-request', 'bad-request', 'bad-request'])
  expect(await shown(h, h.alice, h.alice)).toEqual(NOTHING)
})

test('who lost a role keeps what they said of themself, and it changes nothing about who may do what', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const role = await h.role('Keeper', 40, ['channels'], bob)
  await h.apart([h.alice, bob], async () => {
    await h.room.ask(bob, { type: 'set-profile', ...BEES })
    await h.does(h.alice, { type: 'take-role', member: h.id(bob), role })
  })
  expect(await shown(h, h.alice, bob)).toEqual(BEES)
  expect((await h.sees(h.alice, bob))?.power).toBe(0)
})

test('on a device that is frozen, where nothing it says counts, it is said once and not without end', async () => {
  const { room, alice, mallory, space } = await home(), { me } = mallory.space(space)
  const branches = [await signRule(mallory.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'One' }), room.now), await signRule(mallory.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'Other' }), room.now)]
  whisper(alice, mallory, space, branches)
  await room.pass(60_000)
  expect(mallory.space(space).authority.equivocations).toEqual([me.device])
  await room.ask(mallory, { type: 'set-profile', ...BEES })
  await room.pass(60_000)
  expect([...mallory.space(space).log.authority.values()].filter((op) => op.header.type === 'about').length).toBeLessThanOrEqual(2)
})
