/** What a thief has of a stolen state, and for how long; and the keys by which devices are added while they are away. */
import { expect, test, vi } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import type { Row } from '../../ports.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { fromHex, toHex } from '../../wire/bytes.ts'
import type { ChannelId, EpochId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { openAside } from '../asides.ts'
import type { Person } from '../engines.test-support.ts'
import { usablePackages } from '../key-packages.ts'
import { KEPT_EPOCH_STATES, KEPT_PACKAGES, KEY_PACKAGE_AFTER_MS, KEY_PACKAGE_LIFETIME_S, PRESENCE_EVERY_MS, RENEW_AFTER_MS, STATE_KEPT_MS, TOPIC_USED_MS } from '../limits.ts'
import { Out } from '../out.ts'
import { Replica } from '../replica.ts'
import { signRule } from '../sync/mallory.test-support.ts'
import { alone, hand, home, type Home, joins, of, renews, say, texts, tipOf } from './home.test-support.ts'
import { createKeyPackage, type Lifetime } from './mls.ts'

/** All that lies on a device's disk of this space, its states and secrets too. */
async function steal(h: Home, person: Person): Promise<Row[][]> {
  const rows: Row[][] = []
  for (const partition of Replica.partitions(h.space)) rows.push(await person.disk.range(partition, { limit: 10_000 }))
  return rows
}

/** The epochs whose secrets the thief comes to with what was stolen and every op that was made since. */
async function thiefReads(h: Home, victim: Person, stolen: Row[][], from: Person): Promise<Set<EpochId>> {
  const random = seededRandom(99)
  const thief = new Replica({ suite: await createSuite(random), random }, of(h, victim).me, h.space, of(h, victim).record)
  await thief.load(stolen)
  const turn = { now: h.room.now, out: new Out() }
  await thief.receive(turn, [...of(h, from).log.authority.values()].map((op) => op.bytes))
  while ((await thief.settle(turn)).length > 0) continue
  return new Set(thief.groups.keys.epochs())
}

const commitsBy = (h: Home, person: Person, after: EpochId): Op[] => {
  const path = of(h, h.alice).groups.tree.path()
  return path.slice(path.indexOf(after) + 1).map((epoch) => of(h, h.alice).log.authority.get(epoch) as Op).filter((op) => op.header.device === of(h, person).me.device)
}

test('G8 who stole a device\'s states reads on until the device\'s keys are renewed on the branch that counts, and nothing after that', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  await say(h, h.alice, 'Before the theft')
  const stolen = await steal(h, bob)
  const atTheft = tipOf(h, h.alice)
  await hand(h, [await renews(h, carol)], h.alice, bob)
  await say(h, h.alice, 'The thief still reads this')
  expect((await thiefReads(h, bob, stolen, h.alice)).has(tipOf(h, h.alice))).toBe(true)
  // A week later Bob renews his keys while he is alone; the others go on without, and their branch wins.
  h.room.goesOffline(bob)
  h.room.now += RENEW_AFTER_MS
  await h.room.pass(30_000)
  const lost = tipOf(h, bob)
  await say(h, h.alice, 'We are more')
  await say(h, carol, 'Two to one')
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect(of(h, h.alice).groups.tree.path()).not.toContain(lost)
  // By himself he renewed them again.
  expect(commitsBy(h, bob, atTheft)).toHaveLength(1)
  await say(h, h.alice, 'For Bob and Carol only')
  expect(await texts(h, bob)).toContain('For Bob and Carol only')
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  const read = await thiefReads(h, bob, stolen, h.alice)
  const renewed = commitsBy(h, bob, atTheft)[0]?.id as EpochId
  expect(read.has(of(h, h.alice).groups.tree.nodes.get(renewed)?.parent as EpochId)).toBe(true)
  const { tree } = of(h, h.alice).groups
  for (const epoch of read) expect(tree.isUnder(epoch, renewed)).toBe(false)
})

test('G16 a package that was used is followed by a fresh one, and its secret is forgotten with the next', async () => {
  const h = await home()
  // Bob comes in while Alice, unseen, goes on: her branch wins, and she adds him by his package.
  h.room.goesOffline(h.alice)
  const lonely = await renews(h, h.alice)
  const bob = await joins(h, 'Bob')
  const first = of(h, bob).authority.state.keyPackages.get(of(h, bob).me.device)
  await h.room.comesOnline(h.alice)
  await hand(h, [lonely], bob)
  await h.room.pass(30_000)
  expect(of(h, h.alice).groups.tree.path()).toContain(lonely.id)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  const packages = [...of(h, h.alice).log.authority.values()].filter((op) => op.header.type === 'keyPackage' && op.header.device === of(h, bob).me.device)
  expect(packages).toHaveLength(2)
  expect(of(h, h.alice).authority.state.keyPackages.get(of(h, bob).me.device)).not.toEqual(first)
  h.room.now += KEY_PACKAGE_AFTER_MS
  await h.room.pass(120_000)
  expect(of(h, bob).groups.packages.size).toBe(KEPT_PACKAGES)
  expect(await bob.disk.range(`packages/${h.space}`, { limit: 10 })).toHaveLength(KEPT_PACKAGES)
  expect([...of(h, bob).groups.packages.values()].some((pkg) => Buffer.from(pkg.public).equals(Buffer.from(first as Uint8Array)))).toBe(false)
  await say(h, h.alice, 'Welcome')
  expect(await texts(h, bob)).toEqual(['Welcome'])
})

test('G16 who came in on a branch that nobody has the state for any more is added by the package that came with their joining', async () => {
  const h = await home()
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, expiresInMs: 2 * TOPIC_USED_MS })
  h.room.goesOffline(h.alice)
  h.room.now += TOPIC_USED_MS
  const before = tipOf(h, h.alice), lonely: Op[] = []
  for (let i = 0; i < KEPT_EPOCH_STATES + 2; i++) lonely.push(await renews(h, h.alice))
  await h.room.pass(60_000)
  expect(of(h, h.alice).groups.states.has(before)).toBe(false)
  const bob = await joins(h, 'Bob', link)
  h.room.canDial = false
  await h.room.comesOnline(h.alice)
  await hand(h, lonely, bob)
  await h.room.pass(60_000)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  await say(h, h.alice, 'There you are')
  expect(await texts(h, bob)).toEqual(['There you are'])
})

test('S25 who knows of a tip that it can not open goes on saying where it is, so that those who can find it', async () => {
  const h = await home()
  const carol = await joins(h, 'Carol')
  h.room.goesOffline(h.alice)
  const lonely = await renews(h, h.alice)
  const bob = await joins(h, 'Bob')
  h.room.canDial = false
  h.room.leaves(bob)
  await h.room.comesBack(bob)
  await hand(h, [lonely], bob)
  expect(tipOf(h, bob)).toBe(lonely.id)
  expect(of(h, bob).groups.keys.has(lonely.id)).toBe(false)
  await h.room.pass(10 * PRESENCE_EVERY_MS)
  expect(carol.engine.present.devices(of(h, carol), h.room.now)).toContain(of(h, bob).me.device)
})

test('S25 where Mallory, who was removed, could open all that Bob can seal, Bob calls the others, each alone', async () => {
  const h = await home()
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  const carol = await joins(h, 'Carol', (await h.room.ask(h.alice, { type: 'create-invite', space: h.space })).link)
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  const mallory = await joins(h, 'Mallory', link)
  h.room.goesOffline(h.alice)
  const known = new Set(of(h, h.alice).log.authority.keys())
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, mallory).me.identity })
  await h.room.pass(5000)
  const bob = await joins(h, 'Bob', link)
  // By everyone else's clock Bob's key package is not good yet: nobody can add him.
  for (const one of [h.alice, carol]) of(h, one).groups.unusable.add(of(h, bob).me.device)
  h.room.canDial = false
  for (const one of [bob, carol, mallory]) h.room.leaves(one)
  for (const one of [bob, carol, mallory]) await h.room.comesBack(one)
  await hand(h, [...of(h, h.alice).log.authority.values()].filter(({ id }) => !known.has(id)), bob, carol)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  expect(of(h, bob).groups.keys.has(tipOf(h, bob))).toBe(false)
  const read = vi.spyOn(of(h, carol).mail, 'open')
  await h.room.pass(10 * PRESENCE_EVERY_MS)
  expect(carol.engine.present.devices(of(h, carol), h.room.now)).toContain(of(h, bob).me.device)
  // Carol has every key that Mallory has: of where Bob is there is nothing that Mallory could open, too.
  const said = read.mock.results.flatMap(({ value }) => (typeof value === 'object' ? [value] : [])), calls = said.flatMap((one) => (one.type === 'aside' ? [one.sealed] : []))
  expect(said.some((one) => one.type === 'presence' && one.device === of(h, bob).me.device)).toBe(false)
  expect(calls.length).toBeGreaterThan(0)
  for (const sealed of calls) expect(await openAside(of(h, mallory), sealed)).toBeUndefined()
  // They meet, and Bob comes in behind Alice's commit.
  h.room.canDial = true
  await h.room.comesOnline(h.alice)
  await h.room.pass(60_000)
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  expect(of(h, bob).groups.states.has(tipOf(h, bob))).toBe(true)
})

test('G16 nobody is added by a package that is over, not good yet, or made for ever', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  const now = Math.floor(h.room.now / 1000), day = 24 * 3600
  const laysOut = (lifetime: Lifetime): Promise<Op> => alone(h, bob, async (turn, replica) => {
    const { me, groups } = replica
    const made = await createKeyPackage(groups.mls, { identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash }, lifetime)
    return replica.append(turn, 'keyPackage', encodeAuthorityBody({ type: 'keyPackage', bytes: made.public, lastResort: true }))
  })
  const isUsable = async (lifetime: Lifetime): Promise<boolean> => {
    await hand(h, [await laysOut(lifetime)], h.alice)
    return (await usablePackages(of(h, h.alice).everyone, [of(h, bob).me.device], h.room.now)).length === 1
  }
  expect(await isUsable({ notBefore: now - day, notAfter: now + 30 * day })).toBe(true)
  expect(await isUsable({ notBefore: now - 90 * day, notAfter: now - 1 })).toBe(false)
  expect(await isUsable({ notBefore: now + 3600, notAfter: now + 30 * day })).toBe(false)
  expect(await isUsable({ notBefore: 0, notAfter: Number.MAX_SAFE_INTEGER })).toBe(false)
  expect(await isUsable({ notBefore: now - day, notAfter: now + KEY_PACKAGE_LIFETIME_S })).toBe(true)
})

test('G14 a state that is needed no more because its epoch turned out void goes at once, not with the next restart', async () => {
  const h = await home()
  const mallory = await joins(h, 'Mallory'), replica = of(h, h.alice)
  const late = await renews(h, mallory)
  await hand(h, [late], h.alice)
  expect(tipOf(h, h.alice)).toBe(late.id)
  const { seq, prev, chanSeq, chanPrev, deps } = late.header
  const twin = await signRule(of(h, mallory), 'profile', encodeAuthorityBody({ type: 'profile', name: 'Mal' }), h.room.now + STATE_KEPT_MS + 1, { seq, prev, chanSeq, chanPrev, deps })
  const turn = { now: h.room.now + STATE_KEPT_MS + 1, out: new Out() }
  await replica.receive(turn, [twin.bytes])
  await replica.settle(turn)
  expect(replica.groups.tip()).not.toBe(late.id)
  expect(replica.groups.states.has(late.id as string as EpochId)).toBe(false)
})

test('G13 Bob, who let go of the state of a commit of his own while its branch had lost, says nothing against it when it wins again, and comes in anew', async () => {
  const h = await home(), bob = await joins(h, 'Bob'), own = await renews(h, bob)
  await hand(h, [own], h.alice)
  await bob.disk.save([{ type: 'delete', partition: `states/${h.space}`, key: fromHex(own.id) as Uint8Array }])
  await bob.restart()
  await h.room.comesBack(bob)
  expect(tipOf(h, bob)).toBe(own.id)
  expect(of(h, bob).groups.states.has(own.id as string as EpochId)).toBe(false)
  await h.room.pass(60_000)
  expect([...of(h, h.alice).log.authority.values()].map(({ header }) => header.type)).not.toContain('commitReject')
  expect(tipOf(h, bob)).toBe(tipOf(h, h.alice))
  expect(of(h, bob).groups.states.has(tipOf(h, bob))).toBe(true)
  await say(h, bob, 'Here again')
  await h.room.pass(1000)
  expect(await texts(h, h.alice)).toEqual(['Here again'])
})

test('S25 Dave, who came in on another branch, is told what happened since: alone, where Mallory, who was removed meanwhile, could open what both branches know', async () => {
  const h = await home(), mallory = await joins(h, 'Mallory'), bob = await joins(h, 'Bob')
  h.room.canDial = false
  h.room.leaves(mallory)
  h.room.goesOffline(h.alice)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, mallory).me.identity })
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Without Mallory' })
  const dave = await joins(h, 'Dave')
  await h.room.comesOnline(h.alice)
  await h.room.pass(60_000)
  for (const person of [bob, dave]) {
    expect(tipOf(h, person)).toBe(tipOf(h, h.alice))
    expect(of(h, person).authority.state.channels.get(channel)?.name).toBe('Without Mallory')
  }
  expectUntold(h, mallory, channel)
})

test('S25 nor does Mallory hear of it who came after what both branches know, was told its secret, and was removed before Dave was heard of', async () => {
  const h = await home()
  await joins(h, 'Bob')
  h.room.canDial = false
  const held: (() => void)[] = h.room.onTheWay = [], dave = await joins(h, 'Dave')
  h.room.onTheWay = undefined
  h.room.leaves(dave)
  const mallory = await joins(h, 'Mallory')
  await say(h, h.alice, 'Welcome')
  h.room.leaves(mallory)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, mallory).me.identity })
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Without Mallory' })
  for (const post of held) post()
  await h.room.comesBack(dave)
  await h.room.pass(60_000)
  expect(of(h, dave).authority.state.channels.get(channel)?.name).toBe('Without Mallory')
  expectUntold(h, mallory, channel)
})

/** Of what lies at the relay where somebody reads, they can open something, and not the making of that channel. */
function expectUntold(h: Home, person: Person, channel: ChannelId): void {
  const secret = [...of(h, h.alice).log.authority.values()].find((op) => op.header.type === 'channelCreate' && toHex(op.body).includes(channel))
  const { mail } = of(h, person), read = [...mail.topics.keys()].flatMap((topic) => h.room.boxOf(topic)).flatMap((parcel) => {
    const payload = mail.open(parcel)
    return payload !== undefined && payload !== 'no-key' && payload.type === 'ops' ? payload.ops.map(toHex) : []
  })
  expect(read.length).toBeGreaterThan(0)
  expect(read.filter((op) => op === toHex(secret?.bytes ?? expect.fail('no channel')))).toEqual([])
}
