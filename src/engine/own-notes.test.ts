/** What Alice notes for her own devices, and whom she has compared digits with. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pad } from '../wire/content.ts'
import { decodePayload, encodePayload } from '../wire/envelope.ts'
import { decodeMarks } from '../wire/marks.ts'
import { decodeOwnNotes, encodeOwnNotes, laterOf, MAX_OWN_NOTES, MAX_OWN_VALUE, type OwnNote } from '../wire/own-notes.ts'
import { Allotment } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'

const names = async (h: Allotment, person: Person): Promise<string[]> => (await h.does(person, { type: 'list-devices' })).devices.map((d) => d.name).sort()
const check = async (h: Allotment, by: Person, of: Person): Promise<string | undefined> => (await h.sees(by, of))?.check
const deviceOf = (person: Person) => person.engine.me?.device ?? expect.fail(`${person.name} is nobody`)

/** Alice's laptop, her phone that she linked, and Bob. */
async function home(): Promise<{ h: Allotment; bob: Person; phone: Person }> {
  const h = await Allotment.begin(), bob = await h.joins('Bob'), phone = await h.room.person('phone', true)
  await h.links(h.alice, phone)
  await h.room.pass(5000)
  return { h, bob, phone }
}

test('O1 Alice names her devices: each of hers shows it, Bob sees none of it, and an empty name takes it back', async () => {
  const { h, bob, phone } = await home()
  await h.room.ask(h.alice, { type: 'name-device', device: deviceOf(phone), name: ' Old phone ' })
  await h.room.ask(phone, { type: 'name-device', device: deviceOf(h.alice), name: 'Laptop' })
  await h.room.pass(2000)
  expect([await names(h, h.alice), await names(h, phone), await names(h, bob)]).toEqual([['', 'Laptop', 'Old phone'], ['', 'Laptop', 'Old phone'], ['', '', '']])
  await h.room.ask(phone, { type: 'name-device', device: deviceOf(phone), name: '' })
  await h.room.pass(2000)
  expect(await names(h, h.alice)).toEqual(['', '', 'Laptop'])
  for (const [device, name] of [[deviceOf(bob), 'Spy'], [deviceOf(phone), 'x'.repeat(65)]] as const) expect((await h.room.reply(h.alice, { type: 'name-device', device, name }))?.ok).toBe(false)
})

test('O1 what two devices noted apart comes out alike on both, and a tablet that is linked later is told all of it, once', async () => {
  const { h, phone } = await home()
  await h.apart([h.alice, phone], async () => {
    await h.room.ask(h.alice, { type: 'name-device', device: deviceOf(phone), name: 'First' })
    h.room.now += 5000
    await h.room.ask(phone, { type: 'name-device', device: deviceOf(phone), name: 'Second' })
  })
  expect([await names(h, h.alice), await names(h, phone)]).toEqual([['', '', 'Second'], ['', '', 'Second']])
  const tablet = await h.room.person('tablet', true)
  await h.links(h.alice, tablet)
  await h.room.pass(10_000)
  expect((await names(h, tablet)).filter((name) => name !== '')).toEqual(['Second'])
  await tablet.restart()
  await h.room.pass(1000)
  expect((await names(h, tablet)).filter((name) => name !== '')).toEqual(['Second'])
})

test('O1 merging writes of a register: any order, any grouping and any repetition give the same', () => {
  const note: fc.Arbitrary<OwnNote> = fc.record({ kind: fc.constant('device' as const), id: fc.constant('ab'.repeat(32)), at: fc.nat(3), value: fc.uint8Array({ maxLength: 2 }) })
  fc.assert(fc.property(note, note, note, (a, b, c) => {
    expect(laterOf(a, b)).toEqual(laterOf(b, a))
    expect(laterOf(laterOf(a, b), c)).toEqual(laterOf(a, laterOf(b, c)))
    expect(laterOf(a, a)).toEqual(a)
    expect([a, b]).toContain(laterOf(a, b))
  }))
})

test('O1 a parcel has room for as many notes as go in it, at their longest', () => {
  const longest: OwnNote = { kind: 'device', id: 'ab'.repeat(32), at: Number.MAX_SAFE_INTEGER, value: new Uint8Array(MAX_OWN_VALUE) }
  const bytes = encodeOwnNotes(Array.from({ length: MAX_OWN_NOTES }, () => longest))
  expect(decodeOwnNotes(bytes)).toHaveLength(MAX_OWN_NOTES)
  expect(decodePayload(encodePayload({ type: 'marks', sealed: new Uint8Array(pad(bytes).length + 40) }))).toBeDefined()
  expect(decodeOwnNotes(encodeOwnNotes([...decodeOwnNotes(bytes) ?? [], longest]))).toBeUndefined()
  expect(decodeMarks(bytes)).toBeUndefined()
})

test('V3 Alice has compared digits with Bob: she sees it on all her devices, Bob and Carol don’t, and she can take it back', async () => {
  const { h, bob, phone } = await home()
  const carol = await h.joins('Carol')
  expect(await check(h, h.alice, bob)).toBe('none')
  await h.does(h.alice, { type: 'mark-checked', member: h.id(bob), on: true })
  await h.room.pass(2000)
  expect([await check(h, h.alice, bob), await check(h, phone, bob), await check(h, bob, h.alice), await check(h, carol, bob)]).toEqual(['checked', 'checked', 'none', 'none'])
  expect(h.alice.updates.findLast((u) => u.type === 'members')).toMatchObject({ members: expect.arrayContaining([expect.objectContaining({ name: 'Bob', check: 'checked' })]) })
  await phone.restart()
  await h.room.pass(1000)
  expect(await check(h, phone, bob)).toBe('checked')
  await h.does(phone, { type: 'mark-checked', member: h.id(bob), on: false })
  await h.room.pass(2000)
  expect([await check(h, h.alice, bob), await check(h, phone, bob)]).toEqual(['none', 'none'])
  expect((await h.refusal(h.alice, { type: 'mark-checked', member: h.id(h.alice), on: true }))?.code).toBe('unknown-member')
})

test('V3 somebody else comes and calls herself Bob: she is not the one whom Alice checked, and that is said; a new device of the real Bob changes nothing', async () => {
  const { h, bob } = await home()
  await h.does(h.alice, { type: 'mark-checked', member: h.id(bob), on: true })
  const mallory = await h.joins('Mallory')
  expect(await check(h, h.alice, mallory)).toBe('none')
  await h.room.ask(mallory, { type: 'set-name', name: ' BOB' })
  const bobsPhone = await h.room.person('bobs phone', true)
  await h.links(bob, bobsPhone)
  await h.room.pass(5000)
  expect([await check(h, h.alice, mallory), await check(h, h.alice, bob), await check(h, mallory, bob)]).toEqual(['namesake', 'checked', 'none'])
})

test('V3 this device becomes somebody else’s: what was compared as the former person is said to have changed', async () => {
  const { h, bob } = await home()
  const tablet = await h.room.person('Dora')
  await h.room.ask(tablet, { type: 'join', link: h.link })
  await h.room.pass(3000)
  await h.does(tablet, { type: 'mark-checked', member: h.id(bob), on: true })
  expect(await check(h, tablet, bob)).toBe('checked')
  // The note stays on the disk of a device that leaves all spaces and begins again as another.
  const notes = await tablet.disk.range('own', { limit: 10 })
  const fresh = await h.joins('Fresh')
  await fresh.disk.save(notes.map(({ key, value }) => ({ type: 'put' as const, partition: 'own', key, value })))
  await fresh.restart()
  await h.room.pass(2000)
  expect(await check(h, fresh, bob)).toBe('changed')
  await h.does(fresh, { type: 'mark-checked', member: h.id(bob), on: true })
  expect(await check(h, fresh, bob)).toBe('checked')
})
