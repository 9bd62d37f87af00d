import { expect, test } from 'vitest'
import type { MemberInfo, SpaceInfo } from '../../api.ts'
import { ALICE, BOB, identityId, spaceId } from '../messages.test-support.ts'
import { knownPeople, meetingPlace } from './people.ts'

const CAROL = { identity: identityId('carol'), name: 'Carol' }
const ALLOTMENT = spaceId('allotment'), VILLAGE = spaceId('village'), CHAT = spaceId('chat')
const space = (id: typeof ALLOTMENT, name: string, kind: SpaceInfo['kind'] = 'space'): SpaceInfo =>
  ({ space: id, kind, name, state: 'member', role: 'member', relays: [], unread: 0, mentions: 0, history: 'all', may: [], timedOutUntil: 0, keeps: { afterMs: 0, maxBytes: 0 }, lastAt: 0 })
const member = ({ identity, name }: typeof BOB, me = false): MemberInfo => ({ member: identity, name, role: 'member', power: 0, roles: [], timedOutUntil: 0, about: '', emoji: '', colour: 0, check: 'none', online: me, me, mayActOn: [] })
const SPACES = [space(ALLOTMENT, 'Allotment'), space(VILLAGE, 'Village'), space(CHAT, 'Bob', 'dm')]
const MEMBERS = new Map([[ALLOTMENT, [member(ALICE, true), member(BOB)]], [VILLAGE, [member(ALICE, true), member(CAROL), member(BOB)]], [CHAT, [member(ALICE, true), member(BOB)]]])

test('everybody is there once, with all the spaces where Alice meets them', () => {
  const people = knownPeople(SPACES, (id) => MEMBERS.get(id) ?? [])
  expect(people.map((p) => [p.name, ...p.spaces.map((s) => s.name)])).toEqual([['Bob', 'Allotment', 'Village'], ['Carol', 'Village']])
})

test('people are written to where all of them are', () => {
  const [bob, carol] = knownPeople(SPACES, (id) => MEMBERS.get(id) ?? [])
  if (bob === undefined || carol === undefined) expect.fail('they are not there')
  expect(meetingPlace([bob])).toBe(ALLOTMENT)
  expect(meetingPlace([bob, carol])).toBe(VILLAGE)
  expect(meetingPlace([carol, { ...bob, spaces: bob.spaces.slice(0, 1) }])).toBeUndefined()
})
