/** What a space of many costs who comes to it, and those who are there. */
import { expect, test } from 'vitest'
import { commit, createGroup, encodeTree, groupInfo, mlsEpoch, type MlsState } from './group/mls.ts'
import { type Home, home, joins, of, say, texts, tipOf } from './group/home.test-support.ts'
import type { Person } from './engines.test-support.ts'
import { groupTopic, inviteTopic } from './invites.ts'
import { GROUPS_AHEAD, LATE_TREE_MS, MAX_KITS_OF_EPOCH, TREE_AT_ONCE } from './limits.ts'
import { concat, fromHex } from '../wire/bytes.ts'
import type { CommitBody } from '../wire/group.ts'
import type { InviteId } from '../wire/ids.ts'
import { encodeKit } from '../wire/invite.ts'
import { LABELS } from './labels.ts'

/** Parcels that this person has been handed, by topic. */
function countsParcels(person: Person): Map<string, number> {
  const counts = new Map<string, number>(), { engine } = person, step = engine.step.bind(engine)
  engine.step = (input, now) => {
    if (input.type === 'parcels' && input.parcels.length > 0) counts.set(input.topic, (counts.get(input.topic) ?? 0) + input.parcels.length)
    return step(input, now)
  }
  return counts
}

async function topicsOf(h: Home, invite: InviteId): Promise<{ readonly log: string; readonly group: string }> {
  const { authority, world } = of(h, h.alice), seed = authority.state.invites.get(invite)?.topicSeed as Uint8Array
  return { log: (await inviteTopic(world, seed)).topic, group: (await groupTopic(world, seed, tipOf(h, h.alice))).topic }
}

test('S23 the newcomer reads the group of the tip and of none before the last few, however many have come', async () => {
  const h = await home()
  const { link, invite } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 20 })
  for (const name of ['Bob', 'Carol', 'Dan', 'Eve', 'Frank', 'Grace']) await joins(h, name, link)
  const { log, group } = await topicsOf(h, invite)
  const heidi = await h.room.person('Heidi'), counts = countsParcels(heidi)
  await h.room.ask(heidi, { type: 'join', link })
  const others = [...counts].filter(([topic]) => topic !== log && h.room.boxOf(topic).length > 0)
  expect(counts.get(group)).toBe(1)
  expect(others.length).toBeLessThanOrEqual(GROUPS_AHEAD + 1)
  await h.room.pass(10_000)
  await say(h, heidi, 'Here')
  expect(await texts(h, h.alice)).toEqual(['Here'])
})

test('S23 where the tip\u2019s group is lost, one before it is a way in as well', async () => {
  const h = await home()
  await say(h, h.alice, 'Before')
  const { link, invite } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 20 })
  await joins(h, 'Bob', link)
  const { group } = await topicsOf(h, invite)
  h.room.relayForgets(group)
  const carol = await joins(h, 'Carol', link)
  await h.room.pass(60_000)
  await say(h, carol, 'Here')
  expect(await texts(h, h.alice)).toEqual(['Before', 'Here'])
  expect(tipOf(h, carol)).toBe(tipOf(h, h.alice))
})

test('S23 in a crowd the tree goes to the relays when nobody has come for a while, and once', async () => {
  const h = await home()
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 100 })
  for (let n = 1; n <= TREE_AT_ONCE; n++) h.room.leaves(await joins(h, `Guest ${n}`, link))
  const topic = (await of(h, h.alice).mail.topicOf(of(h, h.alice).everyone.relayKeysInUse()[0] as Uint8Array)).topic
  const trees = (): number => h.room.boxOf(topic).filter((bytes) => bytes.length > 6000).length
  const before = trees()
  await joins(h, 'Late', link)
  expect(trees()).toBe(before)
  await h.room.pass(LATE_TREE_MS)
  expect(trees()).toBe(before + 1)
  await h.room.pass(LATE_TREE_MS)
  expect(trees()).toBe(before + 1)
}, 60_000)

test('G13 what Mallory lays as the tip\u2019s group, before or after the true one, keeps nobody out', async () => {
  const h = await home()
  const { link, invite } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 20 })
  const mallory = await joins(h, 'Mallory', link)
  const { group } = await topicsOf(h, invite), { authority, world, groups } = of(h, mallory), tip = tipOf(h, mallory)
  const lays = async (groupInfo: Uint8Array, tree: Uint8Array): Promise<Uint8Array> => {
    const kit = encodeKit({ type: 'group', epoch: tip, groupInfo, tree, envelopeSecret: new Uint8Array(32), relayKey: new Uint8Array(32), secrets: [] })
    const aad = concat(fromHex(h.space) as Uint8Array, fromHex(invite) as Uint8Array)
    return world.suite.sealTo(authority.state.invites.get(invite)?.sealPk as Uint8Array, LABELS.inviteKit, aad, kit)
  }
  const tree = groups.treeFor((groups.commits.get(tip) as CommitBody).treeHash) as Uint8Array
  const { groupInfo } = groups.commits.get(tip) as CommitBody
  // The last one is the true group, with keys by which nobody hears who comes in.
  const before = [await lays(new Uint8Array(200), tree), await lays(groupInfo, tree.slice(1)), await lays(groupInfo, tree)]
  const after = await Promise.all(Array.from({ length: MAX_KITS_OF_EPOCH }, (_, n) => lays(new Uint8Array(n), tree)))
  h.room.relayHolds(group, [...before, ...h.room.boxOf(group), ...after])
  const carol = await joins(h, 'Carol', link)
  await h.room.pass(10_000)
  await say(h, carol, 'Here')
  expect(await texts(h, h.alice)).toEqual(['Here'])
})

test('G13 a group of Mallory\u2019s own, sound in itself and laid first with the tip\u2019s true keys, lets nobody into it', async () => {
  const h = await home()
  const { link, invite } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 20 })
  const mallory = await joins(h, 'Mallory', link)
  const { group } = await topicsOf(h, invite), { authority, world, groups, me } = of(h, mallory), tip = tipOf(h, mallory), { mls, keys, tree } = groups
  let own: MlsState = await createGroup(mls, { identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash }, fromHex(h.space) as Uint8Array)
  while (mlsEpoch(own) < (tree.nodes.get(tip)?.depth ?? 0)) {
    const made = await commit(mls, own, { add: [], remove: [], authenticatedData: new Uint8Array() })
    if ('reason' in made) expect.fail(made.reason)
    own = made.state
  }
  const kit = encodeKit({
    type: 'group', epoch: tip, groupInfo: await groupInfo(mls, own), tree: encodeTree(own), envelopeSecret: keys.envelope(tip)?.key as Uint8Array, relayKey: keys.relayKeys.get(tip) as Uint8Array, secrets: [],
  })
  const laid = await world.suite.sealTo(authority.state.invites.get(invite)?.sealPk as Uint8Array, LABELS.inviteKit, concat(fromHex(h.space) as Uint8Array, fromHex(invite) as Uint8Array), kit)
  h.room.relayHolds(group, [laid, ...h.room.boxOf(group)])
  const carol = await joins(h, 'Carol', link)
  // Who came in by the true one reads what is said at once, without being let in by somebody else first.
  expect(of(h, h.alice).groups.stands(tipOf(h, carol))).toBe(true)
  expect(of(h, h.alice).groups.tree.nodes.get(tipOf(h, h.alice))?.author).toBe(of(h, carol).me.device)
  await say(h, carol, 'Here')
  expect(await texts(h, h.alice)).toEqual(['Here'])
})
