import { expect, test } from 'vitest'
import type { ChannelInfo, MemberInfo, SpaceInfo } from '../../api.ts'
import type { OverrideInfo, RoleInfo } from '../../api/authority.ts'
import { EVERYONE, parseRoleId, type RoleId } from '../../wire/authority.ts'
import { BOB, GARDEN, spaceId } from '../messages.test-support.ts'
import { denialOf } from './denial.ts'

const GARDENER = parseRoleId('1'.repeat(32)) as RoleId
const role = (id: RoleId, name: string): RoleInfo => ({ role: id, name, power: 0, permissions: [], everyone: id === EVERYONE, holders: 1, may: [] })
const ROLES = [role(GARDENER, 'Gardener'), role(EVERYONE, '')]
const bob: MemberInfo = { member: BOB.identity, name: 'Bob', role: 'member', power: 0, roles: [GARDENER], timedOutUntil: 0, about: '', emoji: '', colour: 0, check: 'none', online: true, me: true, mayActOn: [] }
const channel = (may: ChannelInfo['may']): ChannelInfo => ({ channel: GARDEN, name: 'garden', topic: '', kind: 'text', category: undefined, unread: 0, mentions: 0, may, keeps: undefined, slowMs: 0, nextAt: 0, private: false, readers: undefined, history: undefined, state: 'readable' })
const space = (may: SpaceInfo['may']): SpaceInfo => ({ space: spaceId('allotment'), kind: 'space', name: 'Allotment', state: 'member', role: 'member', relays: [], unread: 0, mentions: 0, history: 'all', may, timedOutUntil: 0, keeps: { afterMs: 0, maxBytes: 0 }, lastAt: 0 })
const no = (of: Partial<OverrideInfo>): OverrideInfo => ({ role: undefined, member: undefined, allow: [], deny: ['send'], ...of })
const why = (overrides: readonly OverrideInfo[], mayInSpace: SpaceInfo['may'] = ['send']) => denialOf('send', channel([]), space(mayInSpace), bob, ROLES, overrides)

test('what Bob may do is not denied', () => {
  expect(denialOf('send', channel(['send']), space([]), bob, ROLES, [no({ role: EVERYONE })])).toBeUndefined()
})

test('the rule that said no last is the reason', () => {
  expect(why([no({ role: EVERYONE })])).toEqual({ type: 'everyone' })
  expect(why([no({ role: EVERYONE }), no({ role: GARDENER })])).toMatchObject({ type: 'role', role: { name: 'Gardener' } })
  expect(why([no({ role: EVERYONE, allow: ['send'], deny: [] }), no({ member: BOB.identity })])).toEqual({ type: 'me' })
})

test('where no rule of the channel says anything, no role gives it', () => {
  expect(why([], [])).toEqual({ type: 'no-role' })
})
