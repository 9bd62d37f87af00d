/** What a group does when its members lie, part and meet again. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { encodeGroupBody } from '../../wire/group.ts'
import { toHex } from '../../wire/bytes.ts'
import type { EpochId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { LABELS } from '../labels.ts'
import { KEPT_EPOCH_STATES, MAX_SIDE_STATES } from '../limits.ts'
import { Out } from '../out.ts'
import { Replica } from '../replica.ts'
import { alone, breaks, hand, home, type Home, joins, lastSaid, of, pass, renews, say, texts, tipOf } from './home.test-support.ts'
import { pick } from './mls-people.ts'
import type { Person } from '../engines.test-support.ts'

test.each(['mls', 'check', 'tree', 'kit', 'no kit'] as const)('G13 a commit that can\'t be processed (%s) is put aside by one who stands above its author, for everyone alike', async (how) => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory'), before = tipOf(h, h.alice)
  const bad = await breaks(h, mallory, how)
  h.room.leaves(mallory)
  await hand(h, [bad], bob)
  expect(tipOf(h, bob)).toBe(bad.id)
  h.room.leaves(bob)
  await hand(h, [bad], h.alice)
  await h.room.pass(10_000)
  await h.room.comesBack(bob)
  await h.room.pass(10_000)
  for (const person of [h.alice, bob]) expect(of(h, person).groups.tree.path()).toContain(before)
  for (const person of [h.alice, bob]) expect(of(h, person).groups.stands(bad.id)).toBe(false)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  // Who comes later has no state to check it with, and sees the same.
  const carol = await joins(h, 'Carol')
  expect(of(h, carol).groups.stands(bad.id)).toBe(false)
  await say(h, carol, 'All well here?')
  expect(await texts(h, bob)).toEqual(['All well here?'])
})

test('G13 without anyone above the author two must say so, and a third of those who hold the parent\'s state', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol'), mallory = await joins(h, 'Mallory')
  h.room.leaves(h.alice)
  const bad = await breaks(h, mallory, 'check')
  h.room.leaves(mallory)
  h.room.leaves(carol)
  await hand(h, [bad], bob)
  await h.room.pass(3000)
  const rejects = [...of(h, bob).log.authority.values()].filter((op) => op.header.type === 'commitReject')
  expect(rejects.map((op) => op.header.device)).toEqual([of(h, bob).me.device])
  expect(of(h, bob).groups.stands(bad.id)).toBe(true)
  await h.room.comesBack(carol)
  await h.room.pass(10_000)
  expect(of(h, bob).groups.stands(bad.id)).toBe(false)
  expect(of(h, carol).groups.stands(bad.id)).toBe(false)
  expect(tipOf(h, bob)).toBe(tipOf(h, carol))
})

test('G13 nobody is taken at their word who has no leaf in the parent, or was removed and says it late', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const good = await renews(h, carol)
  const lies = (person: Person): Promise<Op> => alone(h, person, (turn, replica) => replica.append(turn, 'commitReject', encodeGroupBody({ type: 'commitReject', epoch: good.id, why: 'mls' })))
  await hand(h, [good], h.alice, bob)
  const dave = await joins(h, 'Dave'), eve = await joins(h, 'Eve')
  await hand(h, [await lies(dave), await lies(eve)], h.alice)
  expect(of(h, h.alice).groups.stands(good.id)).toBe(true)
  h.room.leaves(bob)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, bob).me.identity })
  const late = await lies(bob), second = await lies(carol)
  await hand(h, [late, second], h.alice)
  expect(of(h, h.alice).log.authority.has(late.id)).toBe(true)
  expect(of(h, h.alice).groups.stands(good.id)).toBe(true)
})

test('G12 a branch that grew from the joining of a banned member\'s guest falls with it, whoever went on from there', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const before = tipOf(h, h.alice)
  h.room.leaves(h.alice)
  // Bob's friend comes in by Bob's link; Carol, honest, goes on from there.
  const { link } = await h.room.ask(bob, { type: 'create-invite', space: h.space })
  const dave = await joins(h, 'Dave', link)
  await say(h, carol, 'Hello Dave')
  const theirs = tipOf(h, carol)
  expect(theirs).not.toBe(before)
  const ban = await alone(h, h.alice, (turn, replica) => replica.append(turn, 'ban', encodeAuthorityBody({
    type: 'ban', identity: of(h, bob).me.identity, cuts: replica.authority.cutsFor(of(h, bob).me.identity, replica.log.deviceHeads),
  })))
  await h.room.comesBack(h.alice)
  await hand(h, [ban], carol)
  await h.room.pass(20_000)
  for (const person of [h.alice, carol]) {
    const { groups, authority } = of(h, person)
    expect(authority.state.devices.has(of(h, dave).me.device)).toBe(false)
    expect(groups.tree.path()).not.toContain(theirs)
    expect(groups.tree.path()).toContain(before)
  }
  expect(tipOf(h, carol)).toBe(tipOf(h, h.alice))
  await everyOrder(h, carol, 12)
})

test('G6 G12 G13 the same ops in any order lead to the same epoch', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol'), mallory = await joins(h, 'Mallory')
  const fork = tipOf(h, h.alice)
  const left = await renews(h, bob), right = await renews(h, carol), bad = await breaks(h, mallory, 'mls')
  await hand(h, [left, right, bad], h.alice, bob, carol)
  await h.room.pass(20_000)
  await say(h, bob, 'Which way?')
  expect(of(h, h.alice).groups.tree.nodes.get(fork)?.children).toHaveLength(3)
  await everyOrder(h, h.alice, 20)
})

/** Somebody else's log, delivered to fresh devices in many orders. */
async function everyOrder(h: Home, person: Person, times: number): Promise<void> {
  const expected = of(h, person)
  const ops = [...expected.log.authority.values()].map((op) => op.bytes)
  for (let seed = 1; seed <= times; seed++) {
    const random = seededRandom(seed)
    const fresh = new Replica({ suite: await createSuite(random), random }, expected.me, h.space, expected.record)
    const left = [...ops]
    while (left.length > 0) await fresh.receive({ now: h.room.now, out: new Out() }, left.splice(pick(random, left.length), 1))
    expect(fresh.log.authority.size).toBe(ops.length)
    expect(fresh.groups.commits.size).toBe(expected.groups.commits.size)
    const whole = new Replica({ suite: await createSuite(random), random }, expected.me, h.space, expected.record)
    await whole.receive({ now: h.room.now, out: new Out() }, ops)
    expect(fresh.groups.tree.path()).toEqual(whole.groups.tree.path())
  }
}

test('U4 who hears of a removal puts the removed out before saying anything', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  const hers = of(h, mallory).me
  h.room.goesOffline(h.alice)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: hers.identity })
  pass(h, [...of(h, h.alice).log.authority.values()].filter((op) => op.header.type === 'kick'), bob)
  await say(h, bob, 'She is out')
  expect(of(h, bob).authority.state.members.has(hers.identity)).toBe(false)
  const { epoch } = (await lastSaid(h, bob)).header
  expect(of(h, bob).groups.tree.nodes.get(epoch as EpochId)?.leaves).not.toContain(hers.device)
})

test('G14 states are bounded whatever is committed, in memory and on disk, and a restart changes nothing', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  const storm: Op[] = []
  const from = tipOf(h, mallory)
  for (let i = 0; i < 40; i++) storm.push(await renews(h, mallory, from))
  for (let i = 0; i < 40; i++) storm.push(await renews(h, bob, i === 0 ? from : storm.at(-1)?.id))
  await hand(h, storm, h.alice, bob, mallory)
  await h.room.pass(10_000)
  await say(h, h.alice, 'What was that?')
  for (const person of [h.alice, bob]) {
    const { groups } = of(h, person)
    expect(groups.states.size).toBeLessThanOrEqual(KEPT_EPOCH_STATES + 1 + MAX_SIDE_STATES)
    const rows = await person.disk.range(`states/${h.space}`, { limit: 1000 })
    expect(rows.map((row) => toHex(row.key)).sort()).toEqual([...groups.states.keys()].sort())
    expect(groups.trees.size).toBeLessThanOrEqual(80)
  }
  const before = [...of(h, bob).groups.states.keys()].sort()
  await bob.restart()
  await h.room.pass(1000)
  expect([...of(h, bob).groups.states.keys()].sort()).toEqual(before)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  await say(h, bob, 'A storm')
  expect(await texts(h, h.alice)).toEqual(['What was that?', 'A storm'])
})

test('G14 a clock that is half a year ahead takes no state early, whatever one other dates ahead; and what is two weeks old goes by what others say', async () => {
  const h = await home(), day = 24 * 3600_000
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol'), mallory = await joins(h, 'Mallory')
  await say(h, carol, 'Hello')
  const held = (): string[] => [...of(h, bob).groups.states.keys()].sort(), before = held()
  expect(before.length).toBeGreaterThan(2)
  bob.aheadMs = 180 * day
  const hers = await renews(h, h.alice)
  await hand(h, [hers], bob, carol, mallory)
  await h.room.pass(1000)
  expect(held()).toEqual(expect.arrayContaining([...before, hers.id]))
  // Mallory says that it is so late.
  const { now } = h.room
  h.room.now += 180 * day
  const theirs = await renews(h, mallory)
  h.room.now = now
  await hand(h, [theirs], bob, h.alice, carol)
  await h.room.pass(1000)
  expect(held()).toEqual(expect.arrayContaining([...before, hers.id, theirs.id]))
  await h.room.sleep(20 * day)
  const late = [await renews(h, h.alice)]
  await hand(h, late, bob, carol)
  late.push(await renews(h, carol))
  await hand(h, late, bob, h.alice)
  await h.room.pass(1000)
  for (const epoch of before) expect(held()).not.toContain(epoch)
  expect(held()).toEqual(expect.arrayContaining(late.map(({ id }) => id)))
})

test('G14 who was alone for longer than anyone keeps states comes back by itself, and nothing that was said is lost to anybody', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  h.room.leaves(bob)
  await say(h, h.alice, 'Where is Bob?')
  await say(h, carol, 'On an island')
  // On his island Bob goes on by himself, further than states reach back.
  const island: Op[] = []
  for (let i = 0; i < KEPT_EPOCH_STATES + 3; i++) island.push(await renews(h, bob))
  island.push(await alone(h, bob, (turn, replica) => replica.appendContent(turn, h.channel, tipOf(h, bob), { type: 'message', text: 'Day 35' })))
  await hand(h, [await renews(h, carol)], h.alice)
  const theirs = tipOf(h, h.alice)
  // With Alice's word there are two for this branch, and Bob's one.
  await say(h, h.alice, 'We go on')
  await h.room.comesBack(bob)
  await hand(h, island, h.alice, carol)
  await h.room.pass(60_000)
  for (const person of [h.alice, bob, carol]) {
    expect(of(h, person).groups.tree.path()).toContain(theirs)
    expect((await texts(h, person)).sort()).toEqual(['Day 35', 'On an island', 'We go on', 'Where is Bob?'])
  }
  expect(of(h, bob).groups.commits.get(tipOf(h, bob))).toBeDefined()
  expect(of(h, h.alice).groups.tree.path().some((epoch) => of(h, h.alice).groups.commits.get(epoch)?.external && of(h, h.alice).groups.tree.nodes.get(epoch)?.author === of(h, bob).me.device && epoch !== theirs)).toBe(true)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
})

test('G14 a branch counts as told when somebody told it last, whoever is heard first: nobody loses its state sooner than others, nor by a restart', async () => {
  const h = await home(), hour = 3600_000
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const left = await renews(h, bob), right = await renews(h, h.alice)
  for (const one of [h.alice, bob, carol]) h.room.goesOffline(one)
  await hand(h, [left, right], carol)
  await h.room.pass(20_000)
  await h.room.sleep(20 * hour)
  await hand(h, [left], h.alice)
  await h.room.pass(20_000)
  for (const one of [h.alice, carol]) await h.room.comesOnline(one)
  await h.room.pass(60_000)
  const { groups, log } = of(h, h.alice), lost = (groups.tree.path().includes(left.id) ? right : left).id as string as EpochId
  expect([...log.authority.values()].filter((op) => op.header.type === 'bundle').map((op) => op.header.device).sort()).toEqual([of(h, h.alice).me.device, of(h, carol).me.device].sort())
  const whoHolds = (): Person[] => [h.alice, carol].filter((one) => of(h, one).groups.states.has(lost))
  await h.room.sleep(10 * hour)
  for (const one of [h.alice, carol]) await renews(h, one)
  expect(whoHolds()).toEqual([h.alice, carol])
  for (const one of [h.alice, carol]) await one.restart()
  await h.room.pass(10_000)
  expect(whoHolds()).toEqual([h.alice, carol])
  await h.room.sleep(20 * hour)
  for (const one of [h.alice, carol]) await one.restart()
  await h.room.pass(10_000)
  expect(whoHolds()).toEqual([])
})

test('C6 a bundle that does not match what commits promised tells nothing, and keeps nobody from telling the truth', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  const left = await renews(h, bob), right = await renews(h, h.alice)
  const lie = await alone(h, mallory, (turn, replica) => replica.append(turn, 'bundle', encodeGroupBody({
    type: 'bundle', under: tipOf(h, mallory), secrets: [left, right].map(({ id }) => ({
      epoch: id, sealed: replica.groups.keys.sealSecret(replica.groups.keys.secret(tipOf(h, mallory)) as Uint8Array, LABELS.bundle, new Uint8Array(32).fill(1)),
    })),
  })))
  await hand(h, [left, right, lie], h.alice, bob)
  await h.room.pass(20_000)
  const { groups, log } = of(h, h.alice)
  const lost = groups.tree.path().includes(left.id) ? right.id : left.id
  // One honest bundle, not one of each who could make it.
  expect([...log.authority.values()].filter((op) => op.header.type === 'bundle' && op.id !== lie.id)).toHaveLength(1)
  const carol = await joins(h, 'Carol')
  expect(of(h, carol).groups.keys.has(lost)).toBe(true)
})
