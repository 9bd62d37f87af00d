/** Who reads what was said before: newcomers, second devices, those who were away; and that nobody else is ever told. */
import { expect, test } from 'vitest'
import { concat, fromHex } from '../wire/bytes.ts'
import { encodeGroupBody, encodeSecrets } from '../wire/group.ts'
import type { EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Person } from './engines.test-support.ts'
import { alone, hand, home, type Home, joins, lastSaid, of, pass, renews, say, texts, tipOf } from './group/home.test-support.ts'
import { mayHave } from './history.ts'
import { LABELS } from './labels.ts'
import { KEPT_EPOCH_STATES } from './limits.ts'
import { Out } from './out.ts'

/** Everything that this person's device could read a past message with. */
const keysOf = (h: Home, person: Person): Set<EpochId> => new Set(of(h, person).groups.keys.epochs())
const link = async (h: Home, by: Person = h.alice): Promise<string> => (await h.room.ask(by, { type: 'create-invite', space: h.space })).link
const removes = (h: Home, who: Person) => h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, who).me.identity })

test('H1 from the moment the policy is "from join" nobody who comes later gets a key of what was said before, by kit, link, bundle or grant', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  await say(h, h.alice, 'For everyone, always')
  const open = tipOf(h, h.alice)
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  await say(h, bob, 'For those who are here')
  expect(tipOf(h, bob)).not.toBe(open)
  const carol = await joins(h, 'Carol', await link(h))
  await say(h, bob, 'Carol is here')
  // Fights over the tip, renewals, restarts and quiet days bring nothing either.
  await hand(h, [await renews(h, bob), await renews(h, h.alice)], h.alice, bob, carol)
  await carol.restart()
  await h.room.pass(60_000)
  await say(h, h.alice, 'Still here')
  expect(await texts(h, carol)).toEqual(['Carol is here', 'Still here'])
  const { tree } = of(h, carol).groups
  const hers = of(h, carol).me.device
  for (const epoch of keysOf(h, carol)) expect(tree.nodes.get(epoch)?.leaves).toContain(hers)
  expect(await texts(h, bob)).toEqual(['For everyone, always', 'For those who are here', 'Carol is here', 'Still here'])
  // And she may not have them, whoever is asked.
  for (const epoch of keysOf(h, bob)) expect(mayHave(of(h, bob).everyone, hers, epoch)).toBe(tree.nodes.get(epoch)?.leaves.includes(hers))
})

test('H1 who hears of "from join" begins another epoch before saying anything', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  h.room.goesOffline(h.alice)
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  pass(h, [...of(h, h.alice).log.authority.values()].filter((op) => op.header.type === 'spaceHistory'), bob)
  await say(h, bob, 'For those who are here')
  await h.room.pass(5000)
  expect(of(h, bob).everyone.historyPolicy).toBe('fromJoin')
  expect(of(h, bob).everyone.isOpen((await lastSaid(h, bob)).header.epoch as EpochId)).toBe(false)
})

test('H1 who is added on a branch that had not heard of "from join" is led to nothing that was said there before', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  await say(h, h.alice, 'Old stories')
  for (const person of [bob, carol]) h.room.goesOffline(person)
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  const dave = await joins(h, 'Dave', await link(h))
  // Two to one, Bob and Carol go on on a branch of their own.
  const ours = await renews(h, bob)
  await hand(h, [ours], bob, carol)
  for (const person of [bob, carol]) await say(h, person, 'Before we heard of it')
  for (const person of [bob, carol]) await h.room.comesOnline(person)
  await h.room.pass(120_000)
  expect(of(h, h.alice).groups.tree.path()).toContain(ours.id)
  await say(h, h.alice, 'Welcome')
  expect(await texts(h, dave)).toEqual(['Welcome'])
  for (const epoch of keysOf(h, dave)) expect(of(h, dave).groups.tree.isUnder(ours.id, epoch)).toBe(false)
})

test('H1 when everything is for all again, whoever comes then is led to nothing that was said in between', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  await say(h, bob, 'For those who are here')
  const closed = (await lastSaid(h, bob)).header.epoch as EpochId
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'all' })
  await say(h, h.alice, 'For everyone')
  const carol = await joins(h, 'Carol', await link(h))
  await h.room.pass(10_000)
  expect(await texts(h, carol)).toEqual(['For everyone'])
  expect(keysOf(h, carol).has(closed)).toBe(false)
})

test('H5 a person\u2019s further device is told nothing before it has a leaf at the tip', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol'), phone = await h.room.person('Phone', true)
  await say(h, h.alice, 'Old stories')
  const before = tipOf(h, carol)
  h.room.goesOffline(carol)
  const { request } = await h.room.ask(phone, { type: 'ask-to-link' })
  await h.room.ask(phone, { type: 'finish-link', answer: (await h.room.ask(bob, { type: 'link-device', request })).answer })
  await h.room.pass(5000)
  // On Carol's own branch, which has her vote, the phone's coming in is no part of the tip.
  const ours = await renews(h, carol), his = [...of(h, bob).log.authority.values()].filter((op) => !of(h, carol).log.authority.has(op.id))
  await of(h, carol).receive({ now: h.room.now, out: new Out() }, his.map((op) => op.bytes))
  const { everyone } = of(h, carol), device = phone.device ?? expect.fail('no phone')
  expect(tipOf(h, carol)).toBe(ours.id)
  expect(everyone.devices.get(device)?.identity).toBe(of(h, bob).me.identity)
  expect(mayHave(everyone, of(h, bob).me.device, before)).toBe(true)
  expect(mayHave(everyone, device, before)).toBe(false)
  expect(mayHave(of(h, h.alice).everyone, device, before)).toBe(true)
})

test('H1 links that were there end with "from join": their kits hold the past', async () => {
  const h = await home()
  await say(h, h.alice, 'Old stories')
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  const bob = await h.room.person('Bob')
  expect(await h.room.reply(bob, { type: 'join', link: h.link })).toMatchObject({ ok: false, error: { code: 'link-revoked' } })
})

test('H2 with the policy "all" again, newcomers read what was said under it, before and since, and nothing in between', async () => {
  const h = await home()
  await say(h, h.alice, 'Open')
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  await say(h, h.alice, 'Closed')
  const bob = await joins(h, 'Bob', await link(h))
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'all' })
  await say(h, h.alice, 'Open again')
  const carol = await joins(h, 'Carol', await link(h))
  await h.room.pass(60_000)
  expect(await texts(h, carol)).toEqual(['Open', 'Open again'])
  // Bob came when nobody was to read the past: that he did not read it stays so.
  expect(await texts(h, bob)).toEqual(['Open again'])
  expect(await texts(h, h.alice)).toEqual(['Open', 'Closed', 'Open again'])
})

test('H3 a link made before a removal holds none of the past, but who comes in by it, for all to see, is told by those who are there', async () => {
  const h = await home()
  const old = await link(h)
  const mallory = await joins(h, 'Mallory')
  await say(h, h.alice, 'Before')
  await removes(h, mallory)
  await say(h, h.alice, 'After')
  h.room.leaves(h.alice)
  const bob = await joins(h, 'Bob', old)
  await say(h, bob, 'Hello')
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Hello'])
  await h.room.comesBack(h.alice)
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Before', 'After', 'Hello'])
  const carol = await joins(h, 'Carol', await link(h))
  expect(await texts(h, carol)).toEqual(['Before', 'After', 'Hello'])
})

test('H3 an old link by another than the owner gives the past once somebody above them has gone on from the joining; till then nothing that comes of it does', async () => {
  const h = await home()
  const mallory = await joins(h, 'Mallory'), dave = await joins(h, 'Dave', await link(h))
  const old = await link(h, dave)
  await say(h, h.alice, 'Before')
  await removes(h, mallory)
  await say(h, h.alice, 'After')
  h.room.leaves(h.alice)
  // Perhaps Mallory again. A link of their own gives no more than they have, nor does their word.
  const somebody = await joins(h, 'Somebody', old)
  await say(h, somebody, 'Hello')
  const puppet = await joins(h, 'Somebody else', await link(h, somebody))
  await h.room.ask(somebody, { type: 'share-history', space: h.space, member: of(h, puppet).me.identity })
  await h.room.pass(60_000)
  for (const person of [somebody, puppet]) expect(await texts(h, person)).toEqual(['Hello'])
  expect(await texts(h, dave)).toEqual(['Before', 'After', 'Hello'])
  await h.room.comesBack(h.alice)
  await h.room.ask(h.alice, { type: 'rename-space', space: h.space, name: 'Gardens' })
  await h.room.pass(60_000)
  for (const person of [somebody, puppet]) expect(await texts(h, person)).toEqual(['Before', 'After', 'Hello'])
})

test('H3 who came by an old link and is put out by the first who could hears nothing of the past', async () => {
  const h = await home()
  const mallory = await joins(h, 'Mallory'), dave = await joins(h, 'Dave', await link(h))
  const old = await link(h, dave)
  await removes(h, mallory)
  await say(h, h.alice, 'After')
  h.room.leaves(h.alice)
  const somebody = await joins(h, 'Somebody', old)
  h.room.onTheWay = []
  await h.room.comesBack(h.alice)
  await removes(h, somebody)
  h.room.arrive()
  await h.room.pass(60_000)
  expect([...keysOf(h, somebody)].some((epoch) => of(h, h.alice).groups.tree.nodes.get(epoch)?.leaves.includes(of(h, somebody).me.device) !== true)).toBe(false)
})

/** Somebody who came while the past was nobody's to read, though it is open: only a word gives it to them. */
async function comesBetween(h: Home): Promise<Person> {
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  const bob = await joins(h, 'Bob', await link(h))
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'all' })
  return bob
}

test('H4 somebody who may invite shares the past with who came without it, and whoever is there answers', async () => {
  const h = await home()
  const dave = await joins(h, 'Dave')
  await say(h, h.alice, 'Before')
  const bob = await comesBetween(h)
  await h.room.ask(h.alice, { type: 'share-history', space: h.space, member: of(h, bob).me.identity })
  h.room.leaves(h.alice)
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Before'])
  const grants = [...of(h, dave).log.authority.values()].filter((op) => op.header.type === 'grant')
  expect(grants.map((op) => op.header.device)).toEqual([of(h, dave).me.device])
  // It is on his disk: he asks once.
  await bob.restart()
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Before'])
  expect([...of(h, dave).log.authority.values()].filter((op) => op.header.type === 'keyWant')).toHaveLength(1)
})

test('H4 sharing by another than the owner counts once somebody above them has gone on from it, and never what they had no right to', async () => {
  const h = await home()
  const dave = await joins(h, 'Dave')
  await say(h, h.alice, 'Before')
  const bob = await comesBetween(h), erin = await joins(h, 'Erin', await link(h, bob))
  const shares = (by: Person, member: Person) => h.room.ask(by, { type: 'share-history', space: h.space, member: of(h, member).me.identity })
  await shares(bob, erin)
  h.room.leaves(h.alice)
  await shares(dave, bob)
  await h.room.pass(60_000)
  for (const person of [bob, erin]) expect(await texts(h, person)).toEqual([])
  await h.room.comesBack(h.alice)
  await h.room.ask(h.alice, { type: 'rename-space', space: h.space, name: 'Gardens' })
  await h.room.pass(60_000)
  // Now that Bob has it, so has whom he shared it with.
  for (const person of [bob, erin]) expect(await texts(h, person)).toEqual(['Before'])
})

test('H4 sharing by who may not invite is refused, and that of somebody removed at the same time comes to nothing', async () => {
  const h = await home()
  const dave = await joins(h, 'Dave')
  await say(h, h.alice, 'Before')
  const bob = await comesBetween(h)
  const member = of(h, bob).me.identity
  h.room.leaves(h.alice)
  h.room.onTheWay = []
  await h.room.ask(dave, { type: 'share-history', space: h.space, member })
  h.room.leaves(dave)
  h.room.leaves(bob)
  await h.room.comesBack(h.alice)
  const { roles } = await h.room.ask(h.alice, { type: 'list-roles', space: h.space })
  const everyone = roles.find((r) => r.everyone)?.role
  if (everyone === undefined) expect.fail('no role of everyone')
  await removes(h, dave)
  h.room.arrive()
  await h.room.ask(h.alice, { type: 'change-role', space: h.space, role: everyone, permissions: ['send'] })
  await h.room.comesBack(bob)
  await h.room.pass(60_000)
  const shared = [...of(h, bob).log.authority.values()].find((op) => op.header.type === 'historyShare')
  expect(shared === undefined ? undefined : of(h, bob).authority.verdict(shared.id).type).toBe('void')
  expect(await texts(h, bob)).toEqual([])
  expect(await h.room.reply(bob, { type: 'share-history', space: h.space, member })).toMatchObject({ ok: false, error: { code: 'not-allowed', reason: { permission: 'invite' } } })
})

test('H5 who comes back from a branch that lost is given the keys of what was said without them, while they were a member; nobody else is', async () => {
  const h = await home()
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  const bob = await joins(h, 'Bob', await link(h)), carol = await joins(h, 'Carol', await link(h))
  h.room.leaves(bob)
  // On his island Bob goes on by himself, until he has no state any more from which the others' commits could be read.
  const island: Op[] = []
  for (let i = 0; i < KEPT_EPOCH_STATES + 3; i++) island.push(await renews(h, bob))
  await hand(h, [await renews(h, carol)], h.alice)
  await say(h, h.alice, 'Where is Bob?')
  const dave = await joins(h, 'Dave', await link(h))
  await say(h, dave, 'Who is Bob?')
  await h.room.comesBack(bob)
  await hand(h, island, h.alice, carol)
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Where is Bob?', 'Who is Bob?'])
  expect(await texts(h, dave)).toEqual(['Who is Bob?'])
  const grants = [...of(h, dave).log.authority.values()].filter((op) => op.header.type === 'grant')
  expect(grants.length).toBeGreaterThan(0)
  for (const epoch of of(h, dave).groups.keys.epochs()) expect(of(h, dave).groups.tree.nodes.get(epoch)?.leaves).toContain(of(h, dave).me.device)
})

test('H6 S11 a wrong grant tells nothing and keeps nobody from giving the right one', async () => {
  const h = await home()
  const mallory = await joins(h, 'Mallory')
  await say(h, h.alice, 'Before')
  const bob = await comesBetween(h)
  h.room.leaves(bob)
  await h.room.ask(h.alice, { type: 'share-history', space: h.space, member: of(h, bob).me.identity })
  h.room.leaves(h.alice)
  h.room.leaves(mallory)
  await h.room.comesBack(bob)
  await h.room.pass(20_000)
  const want = [...of(h, bob).groups.grants.unanswered()][0]
  if (want === undefined) expect.fail('Bob did not ask')
  await hand(h, [...of(h, bob).log.authority.values()].filter((op) => op.id === want.op), mallory)
  h.room.leaves(bob)
  const { suite } = of(h, mallory).world, aad = concat(fromHex(h.space) as Uint8Array, fromHex(want.op) as Uint8Array)
  const box = of(h, mallory).authority.state.devices.get(want.device)?.boxKey as Uint8Array
  const lie = await alone(h, mallory, async (turn, replica) => replica.append(turn, 'grant', encodeGroupBody({
    type: 'grant', want: want.op, sealed: await suite.sealTo(box, LABELS.grant, aad, encodeSecrets(want.epochs.map((epoch) => ({ epoch, secret: new Uint8Array(32).fill(1) })))),
  })))
  await h.room.comesBack(bob)
  await hand(h, [lie], bob)
  expect(await texts(h, bob)).toEqual([])
  for (const epoch of want.epochs) expect(of(h, bob).groups.keys.has(epoch)).toBe(false)
  await h.room.comesBack(h.alice)
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Before'])
  // Who asked knows it for what it is, others can't (S11).
  const listed = async (person: Person): Promise<readonly unknown[]> => (await h.room.ask(person, { type: 'list-audit', space: h.space })).acts.filter((act) => act.kind === 'grant').map((act) => [act.op, act.byName, act.reason?.code])
  expect([await listed(bob), await listed(h.alice)]).toEqual([[[lie.id, 'Mallory', 'wrong-keys']], []])
  await h.room.startsAgain(bob)
  expect(await listed(bob)).toEqual([[lie.id, 'Mallory', 'wrong-keys']])
})
