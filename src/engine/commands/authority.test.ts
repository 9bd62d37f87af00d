/** What people do to each other in a space, by commands, as they would from the app. */
import { expect, test } from 'vitest'
import { Allotment } from '../allotment.test-support.ts'

test('Bob, made a moderator, can remove Carol, and the app shows each what they may', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  expect((await h.sees(bob, carol))?.mayActOn).toEqual([])
  expect(await h.refusal(bob, { type: 'remove-member', member: h.id(carol) })).toMatchObject({ code: 'not-allowed', reason: 'no-permission', message: 'You need a role that lets you remove people. Ask the owner, or someone who manages roles.' })
  const role = await h.role('Gardeners', 40, ['kick', 'roles'], bob)
  expect(await h.sees(carol, bob)).toMatchObject({ power: 40, roles: [role], mayActOn: [] })
  expect((await h.sees(bob, carol))?.mayActOn).toEqual(['remove-member', 'revoke-device'])
  expect((await h.sees(bob, h.alice))?.mayActOn).toEqual([])
  expect(await h.refusal(bob, { type: 'remove-member', member: h.id(h.alice) })).toMatchObject({ code: 'not-allowed', reason: 'power-too-low' })
  const { spaces } = await h.room.ask(bob, { type: 'list-spaces' })
  expect(spaces[0]?.may).toEqual(['invite', 'roles', 'kick', 'send', 'react', 'attach', 'thread', 'speak'])
  await h.does(bob, { type: 'remove-member', member: h.id(carol) })
  expect(await h.names(h.alice)).toEqual(['Alice', 'Bob'])
  expect(await h.inGroup(h.alice)).toEqual(['Alice', 'Bob'])
})

test('a role can be made, changed, given, taken and deleted, and everyone hears of it', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const role = await h.role('Gardeners', 40, ['channels'], bob)
  await h.does(h.alice, { type: 'change-role', role, name: 'Diggers', power: 30, permissions: ['channels', 'kick'] })
  const { roles } = await h.does(bob, { type: 'list-roles' })
  expect(roles).toMatchObject([
    { role, name: 'Diggers', power: 30, permissions: ['channels', 'kick'], everyone: false, holders: 1, may: [] },
    { name: '', power: 0, everyone: true, holders: 2, may: [] },
  ])
  expect(bob.updates.filter((u) => u.type === 'roles').at(-1)).toEqual({ type: 'roles', space: h.space, roles })
  expect((await h.does(h.alice, { type: 'list-roles' })).roles.map((r) => r.may)).toEqual([['change-role', 'delete-role', 'give-role'], ['change-role']])
  await h.does(h.alice, { type: 'take-role', member: h.id(bob), role })
  expect(await h.refusal(bob, { type: 'create-channel', name: 'compost' })).toMatchObject({ reason: 'no-permission' })
  await h.does(h.alice, { type: 'give-role', member: h.id(bob), role })
  await h.does(h.alice, { type: 'delete-role', role })
  expect(await h.sees(bob, bob)).toMatchObject({ power: 0, roles: [] })
  expect(await h.refusal(h.alice, { type: 'give-role', member: h.id(bob), role })).toMatchObject({ code: 'unknown-role' })
})

test('nobody gives more than they have, nor a role as strong as themselves', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const own = await h.role('Gardeners', 40, ['roles', 'kick'], bob)
  expect(await h.refusal(bob, { type: 'create-role', name: 'Kings', power: 40, permissions: [] })).toMatchObject({ code: 'not-allowed', reason: 'grants-too-much' })
  expect(await h.refusal(bob, { type: 'create-role', name: 'Banners', power: 10, permissions: ['ban'] })).toMatchObject({ reason: 'grants-too-much' })
  expect(await h.refusal(bob, { type: 'change-role', role: own, power: 90 })).toMatchObject({ reason: 'power-too-low' })
  expect(await h.refusal(h.alice, { type: 'create-role', name: 'Gods', power: 100, permissions: [] })).toMatchObject({ code: 'bad-request' })
  expect(await h.refusal(bob, { type: 'create-role', name: '  ', power: 1, permissions: [] })).toMatchObject({ code: 'name-empty' })
  expect(await h.refusal(bob, { type: 'create-role', name: 'Helpers', power: 39, permissions: ['kick'] })).toBeUndefined()
})

test('what is so already is answered as done and writes nothing', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const role = await h.role('Gardeners', 40, ['kick'], bob)
  const before = h.alice.space(h.space).log.authority.size
  await h.does(h.alice, { type: 'give-role', member: h.id(bob), role })
  await h.does(h.alice, { type: 'unban-member', member: h.id(bob) })
  await h.does(h.alice, { type: 'end-time-out', member: h.id(bob) })
  await h.does(h.alice, { type: 'change-role', role, name: 'Gardeners', power: 40, permissions: ['kick'] })
  expect(h.alice.space(h.space).log.authority.size).toBe(before)
})

test('Carol, banned, is out with every link until the ban is lifted, and then comes back as anyone', async () => {
  const h = await Allotment.begin()
  const carol = await h.joins('Carol')
  const fresh = await h.does(h.alice, { type: 'create-invite' })
  await h.does(h.alice, { type: 'ban-member', member: h.id(carol) })
  await h.room.pass(1000)
  expect((await h.does(h.alice, { type: 'list-bans' })).bans).toMatchObject([{ member: h.id(carol), name: 'Carol', by: h.id(h.alice), byName: 'Alice', mayLift: true }])
  expect(await h.inGroup(h.alice)).toEqual(['Alice'])
  expect(await h.room.reply(carol, { type: 'join', link: h.link })).toMatchObject({ ok: false, error: { code: 'banned' } })
  expect(await h.room.reply(carol, { type: 'join', link: fresh.link })).toMatchObject({ ok: false, error: { code: 'banned' } })
  // What she had stays hers to read.
  expect((await h.room.ask(carol, { type: 'list-spaces' })).spaces).toMatchObject([{ space: h.space, state: 'removed', name: 'Allotment' }])
  await h.does(h.alice, { type: 'unban-member', member: h.id(carol) })
  const again = await h.does(h.alice, { type: 'create-invite' })
  await h.room.ask(carol, { type: 'join', link: again.link })
  expect(await h.names(h.alice)).toEqual(['Alice', 'Carol'])
})

test('Carol, who was removed, does not come back by a link made before, and does by one made after', async () => {
  const h = await Allotment.begin()
  const carol = await h.joins('Carol')
  const before = await h.does(h.alice, { type: 'create-invite' })
  await h.does(h.alice, { type: 'remove-member', member: h.id(carol) })
  expect(await h.room.reply(carol, { type: 'join', link: before.link })).toMatchObject({ ok: false, error: { code: 'link-revoked', reason: { code: 'invite-before-removal' } } })
  const after = await h.does(h.alice, { type: 'create-invite' })
  await h.room.ask(carol, { type: 'join', link: after.link })
  await h.room.pass(2000)
  await h.say(carol, 'Sorry about the beans')
  expect(await h.texts(h.alice)).toEqual(['Carol: Sorry about the beans'])
})

test('Alice hands the space over to Bob: he owns it, she is a member with the role she holds', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  expect(await h.refusal(h.alice, { type: 'leave-space' })).toMatchObject({ code: 'not-allowed', reason: 'owner-must-transfer' })
  expect(await h.refusal(bob, { type: 'transfer-ownership', member: h.id(carol) })).toMatchObject({ code: 'not-allowed', reason: 'owner-only' })
  await h.does(h.alice, { type: 'transfer-ownership', member: h.id(bob) })
  for (const person of [h.alice, bob, carol]) {
    expect((await h.members(person)).map((m) => [m.name, m.role, m.power])).toEqual([['Bob', 'owner', 100], ['Alice', 'member', 0], ['Carol', 'member', 0]])
  }
  expect(await h.refusal(h.alice, { type: 'rename-space', name: 'Mine' })).toMatchObject({ reason: 'no-permission' })
  await h.does(h.alice, { type: 'leave-space' })
  expect(await h.names(bob)).toEqual(['Bob', 'Carol'])
})

test('in one channel a role may write what others may not, and the app knows', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  const role = await h.role('Gardeners', 40, [], bob)
  const { roles } = await h.does(h.alice, { type: 'list-roles' })
  const everyone = roles.find((r) => r.everyone)?.role
  if (everyone === undefined) expect.fail('there is no role of everyone')
  await h.does(h.alice, { type: 'set-override', channel: h.channel, role: everyone, allow: [], deny: ['send', 'react'] })
  await h.does(h.alice, { type: 'set-override', channel: h.channel, role, allow: ['send'], deny: [] })
  const may = async (person: typeof bob) => (await h.does(person, { type: 'list-channels' })).channels[0]?.may
  expect(await may(bob)).toContain('send')
  expect(await may(bob)).not.toContain('react')
  expect(await may(carol)).not.toContain('send')
  expect((await h.does(bob, { type: 'list-overrides', channel: h.channel })).overrides).toHaveLength(2)
  expect(await h.refusal(h.alice, { type: 'set-override', channel: h.channel, role, allow: ['send'], deny: ['send'] })).toMatchObject({ code: 'bad-request' })
  expect(await h.refusal(h.alice, { type: 'set-override', channel: h.channel, allow: [], deny: [] })).toMatchObject({ code: 'bad-request' })
  await h.does(h.alice, { type: 'set-override', channel: h.channel, role: everyone, allow: [], deny: [] })
  expect(await may(carol)).toContain('send')
})

test('topic, history and the end of a channel', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const { channel } = await h.does(h.alice, { type: 'create-channel', name: 'compost' })
  await h.does(h.alice, { type: 'set-topic', channel, topic: 'Heaps and bins' })
  await h.does(h.alice, { type: 'set-history', history: 'from-join' })
  expect((await h.does(bob, { type: 'list-channels' })).channels).toMatchObject([{ name: 'general', topic: '' }, { name: 'compost', topic: 'Heaps and bins' }])
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]?.history).toBe('from-join')
  expect(await h.refusal(h.alice, { type: 'set-topic', channel, topic: 'x'.repeat(1025) })).toMatchObject({ code: 'text-too-long' })
  expect(await h.refusal(bob, { type: 'delete-channel', channel })).toMatchObject({ reason: 'no-permission' })
  await h.does(h.alice, { type: 'delete-channel', channel })
  expect((await h.does(bob, { type: 'list-channels' })).channels).toHaveLength(1)
  expect(await h.refusal(h.alice, { type: 'delete-channel', channel })).toMatchObject({ code: 'unknown-channel' })
})

test('what is done about a private channel is no business of those who don’t read it, also when it is gone', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Gardeners', 40, ['channels'], bob, carol)
  const { channel } = await h.does(h.alice, { type: 'create-channel', name: 'surprise', readers: { members: [h.id(bob)] } })
  await h.does(bob, { type: 'set-topic', channel, topic: 'Carol’s birthday' })
  const knows = async (person: typeof bob) => (await h.does(person, { type: 'list-audit', limit: 200 })).acts.filter((act) => act.about.channel === channel || act.kind === 'audience').map((act) => act.kind)
  expect(await knows(bob)).toEqual(['audience', 'channelCreate', 'channelPlace', 'channelTopic'])
  expect(await knows(carol)).toEqual([])
  expect(await h.refusal(carol, { type: 'set-topic', channel, topic: 'What is this?' })).toMatchObject({ code: 'unknown-channel' })
  expect(await h.refusal(carol, { type: 'delete-channel', channel })).toMatchObject({ code: 'unknown-channel' })
  expect(await h.refusal(carol, { type: 'list-overrides', channel })).toMatchObject({ code: 'unknown-channel' })
  expect(await h.refusal(carol, { type: 'list-hidden', channel })).toMatchObject({ code: 'unknown-channel' })
  await h.does(bob, { type: 'delete-channel', channel })
  expect(await knows(bob)).toContain('channelDelete')
  expect(await knows(carol)).toEqual([])
})

test('whoever comes by a link with a role holds it at once', async () => {
  const h = await Allotment.begin()
  const role = await h.role('Gardeners', 40, ['channels'])
  const { link, invite } = await h.does(h.alice, { type: 'create-invite', role, uses: 2, expiresInMs: 3600_000 })
  const bob = await h.joins('Bob', link)
  expect(await h.sees(h.alice, bob)).toMatchObject({ power: 40, roles: [role] })
  const { invites } = await h.does(h.alice, { type: 'list-invites' })
  expect(invites.find((i) => i.invite === invite)).toMatchObject({ role, uses: 2, used: 1, expiresAt: expect.any(Number), state: 'live' })
  expect(await h.refusal(bob, { type: 'create-invite', role })).toMatchObject({ code: 'not-allowed', reason: 'no-permission' })
})

test('a device that Alice revokes writes no more, and gets no key of what follows', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  const device = bob.space(h.space).me.device
  const { devices } = await h.does(h.alice, { type: 'list-devices' })
  expect(devices.find((d) => d.device === device)).toMatchObject({ member: h.id(bob), mine: false, here: false, mayRevoke: true })
  expect(await h.refusal(bob, { type: 'revoke-device', device: h.alice.space(h.space).me.device })).toMatchObject({ reason: 'no-permission' })
  expect(await h.refusal(h.alice, { type: 'revoke-device', device: 'ab'.repeat(32) as typeof device })).toMatchObject({ code: 'unknown-device' })
  await h.does(h.alice, { type: 'revoke-device', device })
  expect(await h.refusal(bob, { type: 'send-message', channel: h.channel, text: 'Hello?' })).toMatchObject({ code: 'not-a-member' })
  await h.say(h.alice, 'Bob lost his phone')
  await h.room.pass(10_000)
  expect(await h.inGroup(h.alice)).toEqual(['Alice'])
  expect(await h.texts(bob)).toEqual([])
})
