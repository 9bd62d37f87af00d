/** What apps are told beforehand is what authority would say. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AuthorityBody, EVERYONE } from '../wire/authority.ts'
import type { IdentityId } from '../wire/ids.ts'
import { actsOnMember, actsOnRole, permissionsIn } from './rights.ts'
import { decisions, type Histories, randomHistory } from './space/history.test-support.ts'
import { channelNamed, roleNamed } from './space/village.test-support.ts'

const proof = { identityPk: new Uint8Array(32), signature: new Uint8Array(64) }

function checkMembers({ all }: Histories): void {
  const { state } = all
  const may = (me: IdentityId, body: AuthorityBody): boolean => all.refuse(me, body) === undefined
  for (const me of state.members.keys()) for (const identity of state.members.keys()) {
    const devices = [...state.devices].filter(([, d]) => d.identity === identity).map(([device]) => device)
    const roles = [...state.roles.keys()]
    const expected = [
      may(me, { type: 'kick', identity, cuts: [] }) && 'remove-member',
      may(me, { type: 'ban', identity, cuts: [] }) && 'ban-member',
      may(me, { type: 'timeout', identity, until: 1 }) && 'time-out-member',
      roles.some((role) => may(me, { type: 'roleAssign', role, identity })) && 'give-role',
      roles.some((role) => may(me, { type: 'roleUnassign', role, identity, cuts: [] })) && 'take-role',
      devices.some((device) => may(me, { type: 'deviceRevoke', device, cuts: [], proof: me === identity ? proof : undefined })) && 'revoke-device',
      may(me, { type: 'ownerTransfer', to: identity, cuts: [] }) && 'transfer-ownership',
    ].filter((act) => act !== false)
    const told = actsOnMember(state, me, identity).filter((act) => act !== 'revoke-device' || devices.length > 0)
    expect(told.sort()).toEqual(expected.sort())
  }
}

function checkRoles({ all }: Histories): void {
  for (const me of all.state.members.keys()) for (const role of all.state.roles.keys()) {
    const told = actsOnRole(all.state, me, role)
    expect(told.includes('delete-role')).toBe(all.refuse(me, { type: 'roleDelete', role, cuts: [] }) === undefined)
    expect(told.includes('change-role')).toBe(all.refuse(me, { type: 'rolePermissions', role, permissions: 0, cuts: [] }) === undefined)
  }
}

test('acts on members and roles that are offered are those that are not refused, and no others', () => fc.assert(fc.asyncProperty(decisions(40), async (steps) => {
  const h = await randomHistory(steps)
  checkMembers(h)
  checkRoles(h)
}), { numRuns: 150 }))

test('permissions in a channel are the same by the state and by the ops', () => fc.assert(
  fc.asyncProperty(decisions(12), fc.array(fc.tuple(fc.nat(5), fc.nat(0x3fff), fc.nat(0x3fff)), { maxLength: 8 }), async (steps, overrides) => {
    const h = await randomHistory(steps)
    const owner = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].find((name) => h.device(name).identity === h.all.state.owner) as string
    h.everyoneHears()
    const channel = channelNamed('shed')
    await h.say(owner, { type: 'channelCreate', channel, name: 'shed', kind: 'text', audience: 0 })
    for (const [whom, allow, bits] of overrides) {
      const subject = whom === 0 ? { role: EVERYONE, identity: undefined } : whom < 4 ? { role: roleNamed(['admin', 'mod', 'guide'][whom - 1] as string), identity: undefined }
        : { role: undefined, identity: h.device(whom === 4 ? 'erin' : 'carol').identity }
      await h.say(owner, { type: 'channelOverride', channel, ...subject, allow, deny: bits & ~allow })
    }
    const { state } = h.all
    const made = state.channels.get(channel)
    if (made === undefined) return
    for (const me of state.members.keys()) expect(permissionsIn(state, me, made)).toBe(h.all.permissionsIn(me, channel))
  }), { numRuns: 150 }))
