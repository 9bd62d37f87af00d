import { expect, test } from 'vitest'
import { EMPTY_VIEW, refused, withPage, withPending } from '../channel-view.ts'
import { ALICE, fromAlice, fromBob, NOON, opId, pageOf } from '../messages.test-support.ts'
import { rowsOf, type Row } from './rows.ts'

const DAY_MS = 24 * 60 * 60_000
const said = (row: Row): string => (row.type === 'message' ? (row.leads ? `${row.authorName}: ` : '') + row.text : row.type)
const rows = (...messages: Parameters<typeof pageOf>[0]): string[] => rowsOf(withPage(EMPTY_VIEW, pageOf(messages), 0), ALICE).map(said)

test('an empty channel has a beginning', () => {
  expect(rows()).toEqual(['start'])
})

test('what one person says in a row stands under one name', () => {
  expect(rows(fromBob('hi', 1), fromBob('all', 2), fromAlice('hey', 3), fromBob('so', 4))).toEqual(['start', 'day', 'Bob: hi', 'all', 'Alice: hey', 'Bob: so'])
})

test('after a pause the name is said again', () => {
  expect(rows(fromBob('hi', 1), fromBob('still', 8), fromBob('back', 16))).toEqual(['start', 'day', 'Bob: hi', 'still', 'Bob: back'])
})

test('a new day has a line, and the name is said again', () => {
  expect(rows(fromBob('night', 1, { sentAt: NOON }), fromBob('morning', 2, { sentAt: NOON + DAY_MS }))).toEqual(['start', 'day', 'Bob: night', 'day', 'Bob: morning'])
})

test('above what is new stands a line, and the name is said again', () => {
  const view = { ...withPage(EMPTY_VIEW, pageOf([fromBob('old', 1), fromBob('new', 2)]), 0), divider: { at: opId('new'), isSeen: false } }
  expect(rowsOf(view, ALICE).map(said)).toEqual(['start', 'day', 'Bob: old', 'divider', 'Bob: new'])
})

test('what the engine has not saved stands at the end, with its reason', () => {
  const view = refused(withPending(withPage(EMPTY_VIEW, pageOf([fromBob('hi', 1)]), 0), { key: 4, text: 'oh', at: NOON + 90_000 }), 4, 'Full.')
  expect(rowsOf(view, ALICE).at(-1)).toMatchObject({ author: ALICE.identity, text: 'oh', mine: true, id: undefined, state: { type: 'refused', pending: 4, reason: 'Full.' } })
})

test('no two rows have one key', () => {
  const view = withPending(withPage(EMPTY_VIEW, pageOf([fromBob('a', 1), fromAlice('b', 2, { sentAt: NOON + DAY_MS })]), 1), { key: 1, text: 'c', at: NOON })
  const keys = rowsOf(view, ALICE).map((row) => row.key)
  expect(new Set(keys).size).toBe(keys.length)
})
