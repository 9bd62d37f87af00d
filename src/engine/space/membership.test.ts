/** Membership rules as stories: each line a command and its outcome. Rule numbers are those of ../RULES.md. */
import { test } from 'vitest'
import { tell } from './story.test-support.ts'

const HOME = `
  alice founds Home
  alice invites door
  bob joins door
  carol joins door
`
const MODERATED = `${HOME}
  alice makes mod 50 kick,ban,roles,channels,invite,timeout,messages
  alice gives mod bob
`

test('A1 nobody is in but the founder and those who join', () => tell(`
  alice founds Home
  members: alice
  owner: alice
  force bob calls-himself Bob -> not-a-member
  bob joins door -> unknown-invite
  alice invites door
  bob joins door
  members: alice bob
`))

test('A2 who lacks a permission can do nothing that needs it', () => tell(`${HOME}
  bob kicks carol -> no-permission
  bob bans carol -> no-permission
  bob opens garden -> no-permission
  bob makes king 10 kick -> no-permission
  bob names-space Mine -> no-permission
  force bob kicks carol -> no-permission
  members: alice bob carol
`))

test('A3 power acts only on strictly lower power', () => tell(`${MODERATED}
  alice gives mod carol
  bob kicks carol -> power-too-low
  bob kicks alice -> power-too-low
  bob takes mod carol -> power-too-low
  alice kicks carol
  members: alice bob
`))

test('A4 power gives only power strictly below its own, and only permissions it has', () => tell(`${MODERATED}
  bob makes peer 50 kick -> grants-too-much
  bob makes helper 49 space -> grants-too-much
  bob makes helper 49 kick
  bob gives helper carol
  roles carol: helper
  bob gives mod carol -> power-too-low
  bob empowers helper 50 -> grants-too-much
  bob invites back mod -> power-too-low
  bob invites side helper
  dave joins side
  roles dave: helper
`))

test('A5 a kick ends membership, and an invite made after it lets the person in again', () => tell(`${MODERATED}
  bob kicks carol
  members: alice bob
  force carol calls-herself C -> not-a-member
  carol joins door -> invite-before-removal
  alice invites again
  carol joins again
  members: alice bob carol
  roles carol:
`))

test('A6 a ban holds against every invite and every device until it is lifted by equal power', () => tell(`${MODERATED}
  alice bans carol
  alice invites again
  carol joins again -> banned
  carol+phone joins again -> banned
  bob unbans carol -> power-too-low
  alice unbans carol
  carol joins again -> invite-before-removal
`.replace('carol joins again -> invite-before-removal', `carol joins again
  members: alice bob carol`)))

test('A7 the owner leaves only after handing over, and there is one owner at any time', () => tell(`${HOME}
  alice leaves -> owner-must-transfer
  bob hands-over-to bob -> owner-only
  alice hands-over-to zoe -> unknown-member
  alice hands-over-to bob
  owner: bob
  alice hands-over-to carol -> owner-only
  alice leaves
  members: bob carol
`))

test('A8 an invite has uses, an end and a way to take it back', () => tell(`
  alice founds Home
  alice invites one - 1
  alice invites short - 5 1
  alice invites gone
  alice withdraws gone
  bob joins one
  carol joins one -> invite-used-up
  carol joins short -> invite-expired
  carol joins gone -> invite-revoked
  members: alice bob
  force bob withdraws one -> no-permission
`))

test('A9 a device counts while its identity is in and nobody revoked it', () => tell(`${HOME}
  bob links bob+phone
  devices: alice bob bob+phone carol
  carol links bob+tablet -> bad-signature
  bob+phone unlinks bob
  devices: alice bob+phone carol
  force bob calls-himself Bobby -> device-revoked
  bob+phone calls-himself Bobby
  bob+phone revokes alice -> no-permission
  alice kicks bob
  devices: alice carol
`))

test('A9 a device that its person’s key vouches for in this space adds itself, and no other of theirs need be there', () => tell(`${HOME}
  bob+phone adds-itself
  devices: alice bob bob+phone carol
  bob+phone adds-itself -> exists
  bob+phone unlinks bob
  bob+phone calls-himself Bobby
  force bob adds-itself -> device-revoked
  force zoe adds-itself -> not-a-member
  alice kicks bob
  force bob+tablet adds-itself -> not-a-member
  devices: alice carol
`))

test('A12 a device that adds itself without having heard of its person’s removal is beyond the cut', () => tell(`${HOME}
  apart alice carol | bob bob+phone
  alice kicks bob
  bob+phone adds-itself
  bob+phone calls-himself Bobby
  together
  members: alice carol
  devices: alice carol
`))

test('A10 channels are made, named and closed by those who may', () => tell(`${MODERATED}
  bob opens garden
  bob opens garden -> exists
  bob renames garden yard
  channels: yard
  bob closes garden
  bob renames garden grave -> unknown-channel
  channels:
`))

test('A11 everyone has a role nobody gives, takes, names or raises', () => tell(`${MODERATED}
  alice gives everyone bob -> everyone-role
  alice empowers everyone 10 -> everyone-role
  alice abolishes everyone -> everyone-role
  bob permits everyone send,react
  carol invites side -> no-permission
`))

test('A12 what the removed did at the same time is void, and what rests on it', () => tell(`${MODERATED}
  apart alice carol | bob dave
  bob opens garden
  bob invites side
  dave joins side
  alice kicks bob
  together
  void bob: removed
  void dave: unknown-invite
  members: alice carol
  channels:
`))

test('A13 what the kicker had seen stays', () => tell(`${MODERATED}
  bob opens garden
  bob invites side
  dave joins side
  alice kicks bob
  channels: garden
  members: alice carol dave
`))

test('A14 a demotion voids the use of power at the same time, not what any member may do for itself', () => tell(`${MODERATED}
  apart alice carol | bob
  bob kicks carol
  bob calls-himself Robert
  alice takes mod bob
  together
  members: alice bob carol
  void bob: valid
  roles bob:
`))

test('A15 of two who remove each other the more powerful one stays', () => tell(`${MODERATED}
  alice makes guard 40 kick
  alice makes weak 30 kick
  alice gives guard carol
  apart alice | bob | carol
  bob kicks carol
  carol kicks bob -> power-too-low
  together
  members: alice bob
`))

test('A16 two hand-overs at the same time make one owner', () => tell(`${HOME}
  alice links alice+phone
  apart alice | alice+phone | bob | carol
  alice hands-over-to bob
  alice+phone hands-over-to carol
  together
`).then((story) => {
  const owners = new Set([...story.village.devices.values()].map((d) => d.authority.state.owner))
  if (owners.size !== 1) throw new Error('the devices disagree on the owner')
}))

test('A17 nobody who did not know it removes the new owner', () => tell(`${MODERATED}
  apart alice | bob carol
  bob kicks carol
  alice hands-over-to carol
  together
  owner: carol
  members: alice bob carol
  void bob: became-owner
`))

test('A17 what was done against a device nobody knew stays that, though it becomes the new owner\'s', () => tell(`${MODERATED}
  apart alice | bob carol
  force bob revokes carol+phone -> unknown-device
  carol links carol+phone
  alice hands-over-to carol
  together
  owner: carol
  void bob: unknown-device
`))
