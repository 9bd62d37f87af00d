/** What people do to each other at the same time, and what they are told when some of it does not count in the end. */
import { expect, test } from 'vitest'
import type { ActInfo } from '../api/authority.ts'
import { Allotment } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'

/** "Bob spaceRename removed because Alice kick"; the reason stands there only for what does not count. */
const inWords = (act: ActInfo): string =>
  [act.byName, act.kind, act.reason?.code, ...(act.becauseOf === undefined ? [] : ['because', act.becauseOf.byName, act.becauseOf.kind])].filter((word) => word !== undefined).join(' ')
const told = (person: Person, type: 'undone' | 'restored' = 'undone'): string[] => person.updates.flatMap((u) => (u.type === type ? u.acts.map(inWords) : []))
const audit = async (h: Allotment, person: Person): Promise<string[]> => (await h.does(person, { type: 'list-audit', limit: 200 })).acts.map(inWords)

const expectAgreement = (h: Allotment, ...people: Person[]): void => {
  for (const person of people) expect(person.space(h.space).authority.stateHash(), person.name).toBe(h.alice.space(h.space).authority.stateHash())
}

test('Bob renames the space while Alice, who does not know it, removes him: who saw the new name is told why it is gone', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Gardeners', 40, ['space'], bob)
  await h.apart([h.alice], async () => {
    await h.does(bob, { type: 'rename-space', name: 'Bob’s bed' })
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    expect((await h.room.ask(carol, { type: 'list-spaces' })).spaces[0]?.name).toBe('Bob’s bed')
  })
  expect((await h.room.ask(carol, { type: 'list-spaces' })).spaces[0]?.name).toBe('Allotment')
  expect(told(carol)).toEqual(['Bob spaceRename removed because Alice kick'])
  expect(told(bob)).toEqual(['Bob spaceRename removed because Alice kick'])
  // Alice never saw it count.
  expect(told(h.alice)).toEqual([])
  expect(await audit(h, h.alice)).toEqual(await audit(h, carol))
  expect(await audit(h, h.alice)).toContain('Bob spaceRename removed because Alice kick')
  expectAgreement(h, carol)
  expect(await h.inGroup(carol)).toEqual(['Alice', 'Carol'])
})

test('Alice removes Bob while Bob bans Carol: Carol is in, and Bob’s ban is explained', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Gardeners', 40, ['ban'], bob)
  await h.apart([h.alice, bob, carol], async () => {
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.does(bob, { type: 'ban-member', member: h.id(carol) })
    await h.say(carol, 'What is going on?')
  })
  for (const person of [h.alice, carol]) {
    expect(await h.names(person)).toEqual(['Alice', 'Carol'])
    expect(await h.inGroup(person)).toEqual(['Alice', 'Carol'])
    expect(await h.texts(person)).toEqual(['Carol: What is going on?'])
  }
  expect((await h.does(carol, { type: 'list-bans' })).bans).toEqual([])
  const ban = (await h.does(carol, { type: 'list-audit' })).acts.find((act) => act.kind === 'ban')
  if (ban === undefined) expect.fail('the audit does not know Bob’s ban')
  expect(ban).toMatchObject({ state: 'void', about: { member: h.id(carol), memberName: 'Carol' }, reason: { code: 'removed' } })
  expect((await h.does(carol, { type: 'explain', op: ban.op })).steps.map(inWords)).toEqual(['Bob ban removed because Alice kick', 'Alice kick'])
  expectAgreement(h, carol)
})

test('two moderators remove each other: one outcome, told to the one who lost', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Elders', 60, ['kick'], bob)
  await h.role('Gardeners', 40, ['kick', 'ban'], carol)
  const dave = await h.joins('Dave')
  await h.apart([bob, carol], async () => {
    await h.does(bob, { type: 'remove-member', member: h.id(carol) })
    expect(await h.refusal(carol, { type: 'remove-member', member: h.id(bob) })).toMatchObject({ reason: 'power-too-low' })
    await h.does(carol, { type: 'remove-member', member: h.id(dave) })
  })
  expect(await h.names(h.alice)).toEqual(['Alice', 'Bob', 'Dave'])
  expect(told(carol)).toContain('Carol kick removed because Bob kick')
  expect(await h.inGroup(h.alice)).toEqual(['Alice', 'Bob', 'Dave'])
  expectAgreement(h, bob, dave)
  // Whose removal was undone goes on as if nothing had been.
  await h.say(dave, 'Still here')
  await h.room.pass(10_000)
  expect(await h.texts(h.alice)).toEqual(['Dave: Still here'])
})

test('demoted while he renames a channel, Bob is told that it does not count; his name and words stay', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  const role = await h.role('Gardeners', 40, ['channels'], bob)
  await h.apart([bob], async () => {
    await h.does(bob, { type: 'rename-channel', channel: h.channel, name: 'bobs-corner' })
    await h.room.ask(bob, { type: 'set-name', name: 'Bobby' })
    await h.say(bob, 'Nice, isn’t it?')
    await h.does(h.alice, { type: 'take-role', member: h.id(bob), role })
  })
  for (const person of [h.alice, bob, carol]) {
    expect((await h.does(person, { type: 'list-channels' })).channels.map((c) => c.name)).toEqual(['general'])
    expect(await h.names(person)).toEqual(['Alice', 'Bobby', 'Carol'])
    expect(await h.texts(person)).toEqual(['Bobby: Nice, isn’t it?'])
  }
  expect(told(bob)).toEqual(['Bobby channelRename demoted because Alice roleUnassign'])
  expectAgreement(h, bob, carol)
})

test('what falls with a grant is told down to the act that decided', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Elders', 60, ['roles', 'channels'], bob)
  const low = await h.role('Gardeners', 40, ['channels'])
  await h.apart([h.alice], async () => {
    await h.does(bob, { type: 'give-role', member: h.id(carol), role: low })
    await h.room.pass(2000)
    await h.does(carol, { type: 'rename-channel', channel: h.channel, name: 'carols-corner' })
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
  })
  expect(told(carol)).toContain('Carol channelRename no-permission because Alice kick')
  const act = (await h.does(carol, { type: 'list-audit' })).acts.find((a) => a.kind === 'channelRename')
  if (act === undefined) expect.fail('the audit does not know the rename')
  expect((await h.does(carol, { type: 'explain', op: act.op })).steps.map((step) => `${step.byName} ${step.kind}`)).toEqual(['Carol channelRename', 'Bob roleAssign', 'Alice kick'])
})

test('what was undone and counts again is told, too', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol'), dave = await h.joins('Dave')
  await h.role('Elders', 60, ['kick'], bob)
  await h.role('Gardeners', 40, ['kick', 'space'], carol)
  // Alice removes Bob, who removes Carol, who renames: Dave hears of it from the end.
  h.room.goesOffline(h.alice)
  h.room.goesOffline(bob)
  await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
  await h.does(bob, { type: 'remove-member', member: h.id(carol) })
  await h.does(carol, { type: 'rename-space', name: 'Carol’s bed' })
  const name = async (): Promise<string | undefined> => (await h.room.ask(dave, { type: 'list-spaces' })).spaces[0]?.name
  expect(await name()).toBe('Carol’s bed')
  await h.room.comesOnline(bob)
  await h.room.pass(5000)
  expect(await name()).toBe('Allotment')
  expect(told(dave)).toEqual(['Carol spaceRename removed because Bob kick'])
  await h.room.comesOnline(h.alice)
  await h.room.pass(60_000)
  expect(await name()).toBe('Carol’s bed')
  expect(told(dave, 'restored')).toContain('Carol spaceRename')
  expect(told(dave)).toContain('Bob kick removed because Alice kick')
})

test('the audit is read in pages, from the newest back, and knows no act that isn’t there', async () => {
  const h = await Allotment.begin()
  for (const name of ['one', 'two', 'three']) await h.does(h.alice, { type: 'rename-space', name })
  const last = await h.does(h.alice, { type: 'list-audit', limit: 2 })
  expect(last.acts.map((act) => act.about.text)).toEqual(['two', 'three'])
  expect(last.more).toBe(true)
  const before = await h.does(h.alice, { type: 'list-audit', before: last.acts[0]?.op as ActInfo['op'] })
  expect(before.acts.map((act) => act.kind)).toEqual(['genesis', 'channelCreate', 'channelPlace', 'invite', 'spaceRename'])
  expect(before.more).toBe(false)
  expect(await h.refusal(h.alice, { type: 'list-audit', before: 'ab'.repeat(32) as ActInfo['op'] })).toMatchObject({ code: 'unknown-act' })
  expect(await h.refusal(h.alice, { type: 'explain', op: 'ab'.repeat(32) as ActInfo['op'] })).toMatchObject({ code: 'unknown-act' })
})

test('Alice makes Bob the owner while Carol, who does not know, removes him: nobody removes the owner', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Elders', 60, ['kick'], carol)
  await h.apart([carol], async () => {
    await h.does(carol, { type: 'remove-member', member: h.id(bob) })
    await h.does(h.alice, { type: 'transfer-ownership', member: h.id(bob) })
  })
  for (const person of [h.alice, bob, carol]) {
    expect((await h.members(person)).map((m) => [m.name, m.role])).toEqual([['Bob', 'owner'], ['Carol', 'member'], ['Alice', 'member']])
    expect(await h.inGroup(person)).toEqual(['Alice', 'Bob', 'Carol'])
  }
  expect(told(carol)).toContain('Carol kick became-owner because Alice ownerTransfer')
  expectAgreement(h, bob, carol)
  await h.say(bob, 'Thank you, Alice')
  await h.room.pass(10_000)
  expect(await h.texts(carol)).toEqual(['Bob: Thank you, Alice'])
})

test('a device that was signed out while it acted alone: what it did does not count, what it had shown before does', async () => {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.role('Gardeners', 40, ['channels'], bob)
  await h.does(bob, { type: 'create-channel', name: 'before' })
  await h.room.pass(2000)
  await h.apart([bob], async () => {
    await h.does(bob, { type: 'create-channel', name: 'after' })
    await h.does(h.alice, { type: 'revoke-device', device: bob.space(h.space).me.device })
  })
  for (const person of [h.alice, carol]) expect((await h.does(person, { type: 'list-channels' })).channels.map((c) => c.name)).toEqual(['general', 'before'])
  expect(told(bob)).toContain('Bob channelCreate revoked because Alice deviceRevoke')
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]?.state).toBe('removed')
  expect(await h.inGroup(carol)).toEqual(['Alice', 'Carol'])
  expectAgreement(h, carol)
})

test('two people take the last use of a link at once: one stays, the other is told and comes back by another link', async () => {
  const h = await Allotment.begin()
  const { link } = await h.does(h.alice, { type: 'create-invite', uses: 1 })
  const bob = await h.room.person('Bob'), carol = await h.room.person('Carol')
  // Both have heard all the relay knows, and neither hears of the other before having joined.
  for (const person of [bob, carol]) person.queue.push({ type: 'command', client: 1, id: 9000, command: { type: 'join', link } })
  h.room.onTheWay = []
  await h.room.pass(200)
  expect([bob, carol].map((p) => p.replies.get(9000)?.ok)).toEqual([true, true])
  h.room.arrive()
  await h.room.pass(60_000)
  const names = await h.names(h.alice)
  expect(names).toHaveLength(2)
  const [stayed, lost] = names.includes('Bob') ? [bob, carol] : [carol, bob]
  expect(told(lost)).toEqual([`${lost.name} join invite-used-up because Alice invite`])
  expect((await h.room.ask(lost, { type: 'list-spaces' })).spaces[0]?.state).toBe('removed')
  expect(await h.inGroup(h.alice)).toEqual(['Alice', stayed.name].sort())
  const again = await h.does(h.alice, { type: 'create-invite' })
  await h.room.ask(lost, { type: 'join', link: again.link })
  await h.room.pass(5000)
  expect(await h.names(stayed)).toEqual(['Alice', 'Bob', 'Carol'])
  await h.say(lost, 'In at last')
  await h.room.pass(10_000)
  expect(await h.texts(stayed)).toEqual([`${lost.name}: In at last`])
})
