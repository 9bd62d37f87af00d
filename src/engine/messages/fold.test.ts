/** What notes make of a message, as laws: a set of notes means the same in any order, and however often each came. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NoteContent } from '../../wire/content.ts'
import type { NoteRecord } from '../../wire/content-records.ts'
import type { DeviceId, IdentityId, OpId } from '../../wire/ids.ts'
import { MAX_NOTES_OF_ONE, MAX_REACTION_KINDS } from '../limits.ts'
import { firstOfEach, fold, PLAIN } from './fold.ts'

const opId = (n: number): OpId => n.toString(16).padStart(64, '0') as OpId
const [alice, bob, carol] = ['a', 'b', 'c'].map((c) => c.repeat(64) as IdentityId) as [IdentityId, IdentityId, IdentityId]
const message = opId(0xffff)
const alices = { author: alice }

function note(n: number, author: IdentityId, content: NoteContent, hlc = n): NoteRecord {
  return { id: opId(n), device: author as string as DeviceId, author, audience: 0, seq: n, chanSeq: n, hlc, deps: [], content }
}
const edit = (n: number, author: IdentityId, text: string, hlc = n) => note(n, author, { type: 'edit', message, text }, hlc)
const reaction = (n: number, author: IdentityId, emoji: string) => note(n, author, { type: 'reaction', message, emoji })
const unreact = (n: number, author: IdentityId, ...notes: number[]) => note(n, author, { type: 'unreact', message, notes: notes.map(opId) })
const pin = (n: number, author: IdentityId) => note(n, author, { type: 'pin', message })
const unpin = (n: number, author: IdentityId, ...notes: number[]) => note(n, author, { type: 'unpin', message, notes: notes.map(opId) })

const ids = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 3 })
const contents: fc.Arbitrary<NoteContent> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('one', 'two', 'three').map((text): NoteContent => ({ type: 'edit', message, text })) },
  { weight: 6, arbitrary: fc.constantFrom('🌱', '👋', '🌧️').map((emoji): NoteContent => ({ type: 'reaction', message, emoji })) },
  { weight: 3, arbitrary: ids.map((notes): NoteContent => ({ type: 'unreact', message, notes: notes.map(opId) })) },
  { weight: 3, arbitrary: fc.constant<NoteContent>({ type: 'pin', message }) },
  { weight: 2, arbitrary: ids.map((notes): NoteContent => ({ type: 'unpin', message, notes: notes.map(opId) })) },
  { weight: 1, arbitrary: fc.constantFrom<NoteContent>({ type: 'delete', message }, { type: 'remove', message }) },
)
const histories = fc.array(fc.tuple(fc.constantFrom(alice, bob, carol), contents, fc.nat(5)), { maxLength: 10 })
  .map((all) => all.map(([author, content, hlc], n) => note(n, author, content, hlc)))

/** Maps compare by their entries in order: the order of reactions is part of what is shown. */
const shown = (notes: readonly NoteRecord[]) => { const { reactions, ...rest } = fold(alices, notes); return { ...rest, reactions: [...reactions] } }

test('M1 a set of notes means the same in any order, and however often each came', () => {
  const shuffled = histories.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2, maxLength: all.length * 2 })))
  fc.assert(fc.property(shuffled, ([all, mixed]) => {
    const unique = [...new Map(mixed.map((n) => [n.id, n])).values()]
    expect(shown(unique)).toEqual(shown(all))
    expect(shown(mixed)).toEqual(shown(all))
  }), { numRuns: 2000 })
})

test('M1 taking in two sets one after the other means what their union means', () => {
  fc.assert(fc.property(histories, fc.nat(10), (all, at) => {
    const first = all.slice(0, at), second = all.slice(at)
    expect(shown([...second, ...first])).toEqual(shown([...first, ...second]))
  }), { numRuns: 500 })
})

test('M2 the text is the author\'s last edit by label, then by id; others\' edits change nothing', () => {
  expect(fold(alices, []).edit).toBeUndefined()
  expect(fold(alices, [edit(1, alice, 'old', 5), edit(2, alice, 'new', 6)]).edit?.words.text).toBe('new')
  expect(fold(alices, [edit(2, alice, 'same time, greater id', 5), edit(1, alice, 'same time', 5)]).edit?.words.text).toBe('same time, greater id')
  expect(fold(alices, [edit(3, bob, 'not yours', 9)]).edit).toBeUndefined()
})

test('M3 a deletion wins over everything, before and after it', () => {
  const much = [edit(1, alice, 'text'), reaction(2, bob, '🌱'), pin(3, bob), edit(9, alice, 'later')]
  expect(fold(alices, [...much, note(5, alice, { type: 'delete', message })])).toEqual({ ...PLAIN, isDeleted: true })
  expect(fold(alices, [...much, note(5, bob, { type: 'remove', message })])).toEqual({ ...PLAIN, isDeleted: true })
  expect(fold(alices, [note(5, bob, { type: 'delete', message })]).isDeleted).toBe(false)
})

test('M4 reactions at the same time are all there, one for each person and emoji', () => {
  const { reactions } = fold(alices, [reaction(1, bob, '🌱'), reaction(2, carol, '🌱'), reaction(3, bob, '👋'), reaction(4, bob, '🌱')])
  expect([...reactions]).toEqual([['🌱', [bob, carol]], ['👋', [bob]]])
})

test('M4 taking back names what its author had seen: a reaction made at the same time on another device stays', () => {
  expect([...fold(alices, [reaction(1, bob, '🌱'), unreact(2, bob, 1)]).reactions]).toEqual([])
  expect([...fold(alices, [reaction(1, bob, '🌱'), reaction(3, bob, '🌱'), unreact(2, bob, 1)]).reactions]).toEqual([['🌱', [bob]]])
  expect([...fold(alices, [reaction(1, bob, '🌱'), unreact(2, carol, 1)]).reactions]).toEqual([['🌱', [bob]]])
})

test('M4 as many kinds as fit are shown, the oldest first', () => {
  const many = Array.from({ length: MAX_REACTION_KINDS + 5 }, (_, n) => reaction(n, bob, `${n}`))
  expect([...fold(alices, many).reactions.keys()]).toEqual(Array.from({ length: MAX_REACTION_KINDS }, (_, n) => `${n}`))
})

test('M5 a pin stands until every pin there is was taken back, by anybody who may pin', () => {
  expect(fold(alices, [pin(1, bob)]).isPinned).toBe(true)
  expect(fold(alices, [pin(1, bob), unpin(2, carol, 1)]).isPinned).toBe(false)
  expect(fold(alices, [pin(1, bob), pin(3, alice), unpin(2, carol, 1)]).isPinned).toBe(true)
})

test('M11 of what one device says of one kind the first are heard, in whatever portions they came and were let go; nobody else is', () => {
  const flood = Array.from({ length: 2 * MAX_NOTES_OF_ONE }, (_, n) => note(1 + n, bob, { type: 'remove', message }, 2 * MAX_NOTES_OF_ONE - n))
  const others = [note(9001, carol, { type: 'remove', message }), edit(9002, bob, 'mine'), reaction(9003, bob, '🌱')]
  const kept = (notes: readonly NoteRecord[]) => firstOfEach(notes).heard.map((n) => n.chanSeq).sort((a, b) => a - b)
  const expected = [...flood.slice(0, MAX_NOTES_OF_ONE), ...others].map((n) => n.chanSeq)
  fc.assert(fc.property(fc.shuffledSubarray([...flood, ...others], { minLength: flood.length + others.length }), fc.nat(600), (mixed, at) => {
    expect(kept(mixed)).toEqual(expected)
    expect(kept([...firstOfEach(mixed.slice(0, at)).heard, ...mixed.slice(at)])).toEqual(expected)
  }), { numRuns: 50 })
})
