/**
 * What a hostile member's ops come to: each is taken in, since its author is a member and others must be able to see it, and changes nothing. Mallory makes
 * them on her own device; Alice and Bob go on.
 */
import { expect, test } from 'vitest'
import { encodeCbor } from '../../wire/cbor.ts'
import { fromHex } from '../../wire/bytes.ts'
import { decodeGroupBody, encodeGroupBody, MAX_BUNDLE_EPOCHS, MAX_WANTED_EPOCHS } from '../../wire/group.ts'
import type { EpochId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { LABELS } from '../labels.ts'
import { MAX_WANTS_OF_ONE, MUTE_AT_POINTS } from '../limits.ts'
import { alone, breaks, hand, home, type Home, joins, of, renews, say, texts, tipOf } from './home.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { commit, type MlsState, processCommit } from './mls.ts'

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)
const says = (h: Home, mallory: Person, type: string, body: Uint8Array): Promise<Op> => alone(h, mallory, (turn, replica) => replica.append(turn, type, body))

/** Malformed, oversized and contradictory bodies of every op of the group. */
const BROKEN: readonly (readonly [what: string, type: string, body: (tip: EpochId) => Uint8Array])[] = [
  ['a commit of nothing', 'commit', () => new Uint8Array()],
  ['a commit that is no list', 'commit', () => encodeCbor(7)],
  ['a commit whose MLS bytes are noise', 'commit', (tip) => encodeCbor([raw(tip), fill(500, 9), false, fill(0, 0), fill(0, 0), fill(32, 1), fill(32, 2), fill(0, 0), fill(0, 0)])],
  ['a commit with group info beyond its limit', 'commit', (tip) => encodeCbor([raw(tip), fill(500, 9), false, fill(0, 0), fill(9000, 0), fill(32, 1), fill(32, 2), fill(0, 0), fill(0, 0)])],
  ['a commit on an epoch that nobody made', 'commit', () => encodeCbor([fill(32, 5), fill(500, 9), true, fill(0, 0), fill(0, 0), fill(32, 1), fill(32, 2), fill(0, 0), fill(0, 0)])],
  ['a bundle of nothing', 'bundle', (tip) => encodeCbor([raw(tip), []])],
  ['a bundle beyond its limit', 'bundle', (tip) => encodeCbor([raw(tip), Array.from({ length: MAX_BUNDLE_EPOCHS + 1 }, () => [raw(tip), fill(72, 1)])])],
  ['a bundle of what is no epoch, under none', 'bundle', () => encodeGroupBody({ type: 'bundle', under: 'ab'.repeat(32) as EpochId, secrets: [{ epoch: 'cd'.repeat(32) as EpochId, sealed: fill(72, 1) }] })],
  ['a bundle of noise under the tip', 'bundle', (tip) => encodeGroupBody({ type: 'bundle', under: tip, secrets: [{ epoch: tip, sealed: fill(72, 1) }] })],
  ['a rejection of no epoch', 'commitReject', () => encodeGroupBody({ type: 'commitReject', epoch: 'ab'.repeat(32) as EpochId, why: 'mls' })],
  ['a rejection of the tip that works', 'commitReject', (tip) => encodeGroupBody({ type: 'commitReject', epoch: tip, why: 'mls' })],
  ['a rejection for no reason there is', 'commitReject', (tip) => encodeCbor([raw(tip), 99])],
  ['a request for nothing', 'keyWant', () => encodeCbor([[]])],
  ['a request beyond its limit', 'keyWant', () => encodeCbor([Array.from({ length: MAX_WANTED_EPOCHS + 1 }, (_, i) => fill(32, i % 256))])],
  ['a request for the same twice', 'keyWant', (tip) => encodeCbor([[raw(tip), raw(tip)]])],
  ['a grant to a request that nobody made', 'grant', () => encodeGroupBody({ type: 'grant', want: 'ab'.repeat(32) as EpochId, sealed: fill(200, 1) })],
  ['a grant of nothing', 'grant', () => encodeCbor([fill(32, 1)])],
  ['the past shared with nobody', 'historyShare', () => encodeGroupBody({ type: 'historyShare', identity: 'ab'.repeat(32) as never })],
  ['the past shared with noise', 'historyShare', () => encodeCbor([fill(5, 1)])],
]

test('G18 broken, oversized, premature and contradictory ops of the group are kept and change nothing, live and after a restart', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  const tip = tipOf(h, h.alice)
  h.room.leaves(mallory)
  for (const [what, type, body] of BROKEN) {
    const op = await says(h, mallory, type, body(tip))
    await hand(h, [op], h.alice, bob)
    for (const person of [h.alice, bob]) {
      expect(of(h, person).log.authority.has(op.id), what).toBe(true)
      expect(tipOf(h, person), what).toBe(tip)
      expect(of(h, person).groups.stands(tip), what).toBe(true)
    }
  }
  await h.room.pass(60_000)
  expect([tipOf(h, h.alice), tipOf(h, bob)]).toEqual([tip, tip])
  expect([...of(h, h.alice).log.authority.values()].filter((op) => op.header.device !== of(h, mallory).me.device && ['grant', 'commitReject', 'bundle'].includes(op.header.type))).toEqual([])
  await bob.restart()
  await h.room.pass(1000)
  await say(h, bob, 'Nothing happened')
  expect(await texts(h, h.alice)).toEqual(['Nothing happened'])
})

test('A30 a commit of the group that doesn\'t count stands among what was done, with why', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  h.room.leaves(mallory)
  const noise = await says(h, mallory, 'commit', new Uint8Array()), broken = await breaks(h, mallory, 'tree')
  await hand(h, [noise, broken], h.alice, bob)
  await h.room.pass(60_000)
  const { acts } = await h.room.ask(bob, { type: 'list-audit', space: h.space })
  expect(acts.filter((act) => act.kind === 'commit')).toMatchObject([
    { op: noise.id, byName: 'Mallory', state: 'void', reason: { code: 'malformed' } }, { op: broken.id, byName: 'Mallory', state: 'void', reason: { code: 'rejected' } },
  ])
  expect((await h.room.ask(bob, { type: 'explain', space: h.space, op: broken.id })).steps).toMatchObject([{ op: broken.id, reason: { code: 'rejected' } }])
})

test('S11 a back-link that tells a wrong key is listed with that reason by who can open it, counted against its author, and changes nothing else', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory'), tip = tipOf(h, mallory), lies: Op[] = []
  for (let n = 0; n < MUTE_AT_POINTS / 10; n++) lies.push(await breaks(h, mallory, 'link', tip))
  h.room.leaves(mallory)
  await hand(h, lies, h.alice, bob)
  await h.room.pass(5000)
  for (const person of [h.alice, bob]) {
    const listed = async (): Promise<readonly unknown[]> => (await h.room.ask(person, { type: 'list-audit', space: h.space })).acts.filter((act) => act.kind === 'commit').map((act) => [act.byName, act.reason?.code])
    expect(await listed()).toEqual(lies.map(() => ['Mallory', 'wrong-keys']))
    expect((await h.room.ask(person, { type: 'status' })).muted).toMatchObject([{ name: 'Mallory', fault: 'untrue' }])
    await h.room.startsAgain(person)
    await h.room.pass(1000)
    expect(await listed()).toEqual(lies.map(() => ['Mallory', 'wrong-keys']))
    expect((await h.room.ask(person, { type: 'status' })).muted).toEqual([])
  }
  await say(h, bob, 'All the same')
  expect(await texts(h, h.alice)).toEqual(['All the same'])
  // Who comes later is told what was said before by those who were here.
  const carol = await joins(h, 'Carol')
  await h.room.pass(60_000)
  expect((await h.room.ask(carol, { type: 'list-audit', space: h.space })).acts.filter((act) => act.kind === 'commit').map((act) => act.reason?.code)).toEqual(['wrong-keys'])
  expect([await texts(h, carol), (await h.room.ask(carol, { type: 'status' })).muted]).toEqual([['All the same'], []])
})

test('A30 keys told, asked for and shared where that doesn\'t count stand among what was done, with why', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  h.room.leaves(mallory)
  const types = ['bundle', 'keyWant', 'grant', 'historyShare', 'commitReject'] as const
  const broken: Op[] = []
  for (const type of types) broken.push(await says(h, mallory, type, new Uint8Array([1])))
  await hand(h, broken, h.alice, bob)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: of(h, mallory).me.identity })
  const late = await says(h, mallory, 'bundle', encodeGroupBody({ type: 'bundle', under: tipOf(h, mallory), secrets: [] }))
  await hand(h, [late], h.alice, bob)
  await h.room.pass(60_000)
  const { acts } = await h.room.ask(bob, { type: 'list-audit', space: h.space })
  expect(acts.filter((act) => act.byName === 'Mallory' && act.kind !== 'join').map((act) => [act.op, act.kind, act.reason?.code])).toEqual([
    ...broken.map((op, i) => [op.id, types[i], 'malformed']), [late.id, 'bundle', 'removed'],
  ])
  // What counts is the devices' own business.
  expect(acts.filter((act) => act.kind === 'bundle' || act.kind === 'commit').every((act) => act.state === 'void')).toBe(true)
})

test('S11 S6 a bundle that tells wrong keys is believed by nobody, stands among what was done with why, and counts against who signed it, whoever brought it', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  await say(h, h.alice, 'Before')
  await renews(h, mallory)
  const { groups } = of(h, mallory), tip = tipOf(h, mallory), parent = groups.commits.get(tip)?.parent as EpochId
  const right = groups.keys.secret(parent) as Uint8Array, under = groups.keys.secret(tip) as Uint8Array
  const seal = (secret: Uint8Array): Uint8Array => groups.keys.sealSecret(under, LABELS.bundle, secret)
  const bundles: Op[] = []
  for (const secret of [right, fill(32, 1)]) bundles.push(await says(h, mallory, 'bundle', encodeGroupBody({ type: 'bundle', under: tip, secrets: [{ epoch: parent, sealed: seal(secret) }] })))
  const lies = [...bundles.slice(1)]
  for (let n = 0; n < MUTE_AT_POINTS / 10; n++) lies.push(await says(h, mallory, 'bundle', encodeGroupBody({ type: 'bundle', under: tip, secrets: [{ epoch: parent, sealed: fill(72, n) }] })))
  h.room.leaves(mallory)
  await hand(h, [...of(h, mallory).log.authority.values()].filter((op) => !of(h, bob).log.authority.has(op.id)), h.alice, bob)
  await h.room.pass(5000)
  for (const person of [h.alice, bob]) {
    const { acts } = await h.room.ask(person, { type: 'list-audit', space: h.space })
    expect(acts.filter((act) => act.kind === 'bundle').map((act) => [act.op, act.byName, act.reason?.code])).toEqual(lies.map((op) => [op.id, 'Mallory', 'wrong-keys']))
    expect((await h.room.ask(person, { type: 'status' })).muted).toMatchObject([{ name: 'Mallory', fault: 'untrue' }])
    expect(of(h, person).groups.keys.secret(parent)).toEqual(right)
    // What was counted once is not counted again at every start.
    await h.room.startsAgain(person)
    await h.room.pass(1000)
    expect((await h.room.ask(person, { type: 'status' })).muted).toEqual([])
    expect((await h.room.ask(person, { type: 'list-audit', space: h.space })).acts.filter((act) => act.kind === 'bundle')).toHaveLength(lies.length)
  }
})

test('G11 a commit on an epoch that its author had not seen is no child of it, in whatever order they come', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), mallory = await joins(h, 'Mallory')
  const unseen = await renews(h, bob)
  const body = decodeGroupBody('commit', unseen.body)
  if (body?.type !== 'commit') expect.fail('no commit')
  // Mallory goes on from Bob's epoch, in a commit that is right in all, but names nothing of Bob's as seen.
  const late = await alone(h, mallory, async (turn, replica) => {
    const { groups, me, world } = replica
    const state = await processCommit(groups.mls, groups.states.get(body.parent) as MlsState, body.mls)
    if ('reason' in state) return undefined
    const made = await commit(groups.mls, state, { add: [], remove: [], authenticatedData: groups.binding(me.device, unseen.id) })
    if ('reason' in made) return undefined
    const secret = await groups.secretOf(made.state, unseen.id, made.commit), check = groups.keys.check(secret), kitCheck = groups.keys.kitCheck(secret, undefined), treeHash = world.suite.sha256(made.tree)
    return replica.append(turn, 'commit', encodeGroupBody({
      type: 'commit', parent: unseen.id, mls: made.commit, external: false, welcome: undefined, groupInfo: made.groupInfo, treeHash, check, backLink: undefined, relayKey: undefined, kitCheck,
    }))
  })
  await hand(h, [late, unseen], h.alice)
  await hand(h, [unseen, late], bob)
  for (const person of [h.alice, bob]) expect(of(h, person).groups.tree.nodes.get(unseen.id)?.children).toEqual([])
})

test('G18 a flood of requests costs only who makes it, and is answered with nothing that is not theirs', async () => {
  const h = await home()
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  await say(h, h.alice, 'Not for Mallory')
  const secret = tipOf(h, h.alice)
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  const mallory = await joins(h, 'Mallory', link)
  const flood: Op[] = []
  for (let i = 0; i < MAX_WANTS_OF_ONE + 20; i++) flood.push(await says(h, mallory, 'keyWant', encodeGroupBody({ type: 'keyWant', epochs: [secret] })))
  await hand(h, flood, h.alice)
  await h.room.pass(120_000)
  expect(of(h, h.alice).groups.grants.unanswered()).toHaveLength(MAX_WANTS_OF_ONE)
  expect([...of(h, h.alice).log.authority.values()].filter((op) => op.header.type === 'grant')).toEqual([])
  expect(of(h, mallory).groups.keys.has(secret)).toBe(false)
})
