import { expect, test } from 'vitest'
import type { MemberInfo } from '../../api.ts'
import { BOB, NOON } from '../messages.test-support.ts'
import { actionsOn } from './member-actions.ts'

const bob = (more: Partial<MemberInfo>): MemberInfo => ({ member: BOB.identity, name: 'Bob', role: 'member', power: 0, roles: [], timedOutUntil: 0, about: '', emoji: '', colour: 0, check: 'none', online: true, me: false, mayActOn: [], ...more })

test('what the engine would refuse is not offered', () => {
  expect(actionsOn(bob({}), NOON)).toEqual(['message', 'person'])
  expect(actionsOn(bob({ mayActOn: ['remove-member'] }), NOON)).toEqual(['message', 'person', 'remove'])
  expect(actionsOn(bob({ mayActOn: ['remove-member', 'ban-member', 'time-out-member', 'give-role', 'revoke-device', 'transfer-ownership'] }), NOON))
    .toEqual(['message', 'person', 'roles', 'time-out', 'hand-over', 'remove', 'ban'])
})

test('who may invite can let others read the past, and not oneself', () => {
  expect([actionsOn(bob({}), NOON, true), actionsOn(bob({ role: 'owner' }), NOON, true), actionsOn(bob({ me: true }), NOON, true)]).toEqual([['message', 'person', 'share-history'], ['message', 'person'], []])
})

test('who may only lay down a role of their own can do that', () => {
  expect(actionsOn(bob({ me: true, mayActOn: ['take-role', 'revoke-device'] }), NOON)).toEqual(['roles'])
})

test('a time-out can be ended while it lasts, and given again after it', () => {
  const timedOut = bob({ mayActOn: ['time-out-member'], timedOutUntil: NOON + 1 })
  expect(actionsOn(timedOut, NOON)).toEqual(['message', 'person', 'end-time-out'])
  expect(actionsOn(timedOut, NOON + 1)).toEqual(['message', 'person', 'time-out'])
})
