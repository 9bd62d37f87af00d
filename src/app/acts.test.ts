import { expect, test } from 'vitest'
import type { ActInfo } from '../api/authority.ts'
import type { IdentityId, OpId } from '../wire/ids.ts'
import { restored, undone } from './acts.ts'

const ALICE = 'a'.repeat(64) as IdentityId, BOB = 'b'.repeat(64) as IdentityId
const op = 'c'.repeat(64) as OpId
const rename: ActInfo = {
  op, kind: 'spaceRename', by: BOB, byName: 'Bob', about: { text: 'Hut' }, mine: false, at: 1, state: 'void', reason: { code: 'removed', by: op },
  becauseOf: { op, kind: 'kick', by: ALICE, byName: 'Alice', about: { member: BOB, memberName: 'Bob' } },
}

test('Carol, Alice and Bob are each told of Bob’s undone rename in their own words', () => {
  expect(undone(rename, undefined)).toBe('Bob renamed the space to “Hut”. This was undone: at the same time, not known to Bob, Alice removed Bob.')
  expect(undone(rename, ALICE)).toBe('Bob renamed the space to “Hut”. This was undone: at the same time, not known to Bob, you removed Bob.')
  expect(undone({ ...rename, mine: true }, BOB)).toBe('You renamed the space to “Hut”. This was undone: at the same time, not known to you, Alice removed you.')
})

test('without an act that decided it, the reason says it', () => {
  const { becauseOf: _, ...join } = { ...rename, kind: 'join' as const, about: { text: 'Bob' }, reason: { code: 'invite-used-up' as const } }
  expect(undone(join, ALICE)).toBe('Bob joined. This was undone: others had taken the last uses of the link.')
})

test('what counts again is said so', () => {
  expect(restored(rename, ALICE)).toBe('Bob renamed the space to “Hut”. This counts again.')
})
