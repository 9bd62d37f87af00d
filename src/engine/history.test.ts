/** Who reads what was said before: newcomers, second devices, those who were away; and that nobody else is ever told. */
import { expect, test } from 'vitest'
import { encodeGroupBody, encodeSecrets } from '../wire/group.ts'
import type { EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Person } from './engines.test-support.ts'
import { alone, hand, home, type Home, joins, of, renews, say, texts, tipOf } from './group/home.test-support.ts'
import { mayHave } from './history.ts'
import { LABELS } from './labels.ts'
import { KEPT_EPOCH_STATES } from './limits.ts'

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

test('H3 a link made before a removal lets people in without the past; who comes by a later one reads all, through the gap too', async () => {
  const h = await home()
  const old = await link(h)
  const mallory = await joins(h, 'Mallory')
  await say(h, h.alice, 'Before')
  await removes(h, mallory)
  await say(h, h.alice, 'After')
  const bob = await joins(h, 'Bob', old)
  await say(h, bob, 'Hello')
  const carol = await joins(h, 'Carol', await link(h))
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Hello'])
  expect(await texts(h, carol)).toEqual(['Before', 'After', 'Hello'])
})

test('H4 somebody who may invite shares the past with who came without it, and whoever is there answers', async () => {
  const h = await home()
  const old = await link(h)
  const mallory = await joins(h, 'Mallory'), dave = await joins(h, 'Dave')
  await say(h, h.alice, 'Before')
  await removes(h, mallory)
  const bob = await joins(h, 'Bob', old)
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

test('H4 sharing by another than the owner counts once somebody above them has gone on from it', async () => {
  const h = await home()
  const old = await link(h)
  const mallory = await joins(h, 'Mallory'), dave = await joins(h, 'Dave')
  await say(h, h.alice, 'Before')
  await removes(h, mallory)
  const bob = await joins(h, 'Bob', old)
  h.room.leaves(h.alice)
  await h.room.ask(dave, { type: 'share-history', space: h.space, member: of(h, bob).me.identity })
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual([])
  await h.room.comesBack(h.alice)
  await h.room.ask(h.alice, { type: 'rename-space', space: h.space, name: 'Gardens' })
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Before'])
})

test('H4 sharing by who may not invite is refused, and that of somebody removed at the same time comes to nothing', async () => {
  const h = await home()
  const old = await link(h)
  const mallory = await joins(h, 'Mallory'), dave = await joins(h, 'Dave')
  await say(h, h.alice, 'Before')
  await removes(h, mallory)
  const bob = await joins(h, 'Bob', old)
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

test('H6 a wrong grant tells nothing and keeps nobody from giving the right one', async () => {
  const h = await home()
  const old = await link(h)
  const eve = await joins(h, 'Eve'), mallory = await joins(h, 'Mallory')
  await say(h, h.alice, 'Before')
  await removes(h, eve)
  const bob = await joins(h, 'Bob', old)
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
  const { suite } = of(h, mallory).world
  const box = of(h, mallory).authority.state.devices.get(want.device)?.boxKey as Uint8Array
  const lie = await alone(h, mallory, async (turn, replica) => replica.append(turn, 'grant', encodeGroupBody({
    type: 'grant', want: want.op, sealed: await suite.sealTo(box, LABELS.grant, new Uint8Array(), encodeSecrets(want.epochs.map((epoch) => ({ epoch, secret: new Uint8Array(32).fill(1) })))),
  })))
  await h.room.comesBack(bob)
  await hand(h, [lie], bob)
  expect(await texts(h, bob)).toEqual([])
  await h.room.comesBack(h.alice)
  await h.room.pass(60_000)
  expect(await texts(h, bob)).toEqual(['Before'])
})
