import { encodeMlsMessage } from 'ts-mls'
import { verifyParentHashes } from 'ts-mls/parentHash.js'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../wire/bytes.ts'
import { decodeCommitMessage, decodeTree, encodeRatchetTree, MAX_MLS_COMMIT_BYTES, MAX_STATE_BYTES } from './mls-codec.ts'
import {
  commit, createGroup, createKeyPackage, decodeKeyPackage, decodeState, encodeState, encodeTree, epochAuthenticator, externalCommit, groupInfo, inspectCommit, joinFromWelcome,
  leaves, type Made, mlsEpoch, type MlsContext, type MlsSelf, type MlsState, processCommit, treeHash,
} from './mls.ts'
import { GROUP, must, NOTHING, type People, people, pick, secretOf, welcomeOf, YEAR } from './mls-people.ts'

/** Alice founds a group and adds the others in one commit. */
async function founded(world: People, count: number): Promise<{ all: MlsSelf[]; states: MlsState[]; made: Made }> {
  const { ctx } = world
  const all: MlsSelf[] = []
  for (let i = 0; i < count; i++) all.push(await world.person())
  const packages = []
  for (const who of all.slice(1)) packages.push(await createKeyPackage(ctx, who, YEAR))
  const first = await createGroup(ctx, all[0] as MlsSelf, GROUP)
  const made = must(await commit(ctx, first, { ...NOTHING, add: packages.map((p) => p.public) }))
  const states = [made.state]
  for (const [i, pkg] of packages.entries()) states.push(must(await joinFromWelcome(ctx, welcomeOf(made), made.tree, pkg, all[i + 1] as MlsSelf)))
  return { all, states, made }
}

const [ALICE, BOB, CAROL] = [0, 1, 2] as const

describe('members', () => {
  test('Alice founds, Bob comes by Welcome, Carol by herself, and all three hold the same secrets', async () => {
    const world = await people(1), { ctx } = world
    const { states, made } = await founded(world, 2)
    const [alice1, bob1] = states as [MlsState, MlsState]
    const carol = await world.person()
    const joined = must(await externalCommit(ctx, made.groupInfo, made.tree, carol, new Uint8Array([5])))
    const alice = must(await processCommit(ctx, alice1, joined.commit)), bob = must(await processCommit(ctx, bob1, joined.commit))
    for (const state of [alice, bob]) {
      expect(await secretOf(ctx, state)).toBe(await secretOf(ctx, joined.state))
      expect(epochAuthenticator(state)).toEqual(epochAuthenticator(joined.state))
      expect(treeHash(state)).toEqual(treeHash(joined.state))
    }
    expect(mlsEpoch(alice)).toBe(2)
    expect(leaves(alice).map((l) => l.index)).toEqual([0, 1, 2])
    expect(leaves(alice)[2]).toEqual({ index: 2, identity: carol.identity, device: carol.device.publicKey, certHash: carol.certHash })
    expect(inspectCommit(joined.commit)?.externalLeaf?.device).toEqual(carol.device.publicKey)
    expect(inspectCommit(joined.commit)?.authenticatedData).toEqual(new Uint8Array([5]))
  })

  test('two commits from one state: everyone can follow both, and the state they came from stays what it was', async () => {
    const world = await people(2), { ctx } = world
    const { states } = await founded(world, 3)
    const [alice, bob, carol] = states as [MlsState, MlsState, MlsState]
    const before = encodeState(carol)
    const left = must(await commit(ctx, alice, NOTHING)), right = must(await commit(ctx, bob, NOTHING))
    const carolLeft = must(await processCommit(ctx, carol, left.commit)), carolRight = must(await processCommit(ctx, carol, right.commit))
    expect(await secretOf(ctx, carolLeft)).toBe(await secretOf(ctx, left.state))
    expect(await secretOf(ctx, carolRight)).toBe(await secretOf(ctx, right.state))
    expect(await secretOf(ctx, carolLeft)).not.toBe(await secretOf(ctx, carolRight))
    expect(encodeState(carol)).toEqual(before)
    const further = must(await commit(ctx, carolLeft, NOTHING))
    expect(await secretOf(ctx, must(await processCommit(ctx, left.state, further.commit)))).toBe(await secretOf(ctx, further.state))
    expect(await processCommit(ctx, carolRight, further.commit)).toHaveProperty('reason')
  })

  test('Alice, left alone, has a commit secret that the removed Bob can not guess to be zero', async () => {
    const world = await people(3), { ctx } = world
    const { states } = await founded(world, 2)
    const [alice, bob] = states as [MlsState, MlsState]
    const made = must(await commit(ctx, alice, { ...NOTHING, remove: [BOB] }))
    expect(inspectCommit(made.commit)?.hasPath).toBe(true)
    expect(await processCommit(ctx, bob, made.commit)).toEqual({ reason: 'removes this device' })
    const { initializeEpoch } = await import('ts-mls/keySchedule.js')
    const zero = new Uint8Array(32)
    const guess = await initializeEpoch(bob.keySchedule.initSecret, zero, made.state.groupContext, zero, world.suite.mls.kdf)
    expect(guess.keySchedule.exporterSecret).not.toEqual(made.state.keySchedule.exporterSecret)
  })

  test('Bob, who lost his state, joins anew in place of his old leaf, even when nobody else is there', async () => {
    const world = await people(4), { ctx } = world
    const { all, states, made } = await founded(world, 2)
    const back = must(await externalCommit(ctx, made.groupInfo, made.tree, all[BOB] as MlsSelf, new Uint8Array()))
    expect(leaves(back.state)).toHaveLength(2)
    expect(await secretOf(ctx, must(await processCommit(ctx, states[ALICE] as MlsState, back.commit)))).toBe(await secretOf(ctx, back.state))
    expect(await processCommit(ctx, states[BOB] as MlsState, back.commit)).toEqual({ reason: 'removes this device' })
    const alone = await createGroup(ctx, all[ALICE] as MlsSelf, GROUP)
    const again = must(await externalCommit(ctx, await groupInfo(ctx, alone), encodeTree(alone), all[ALICE] as MlsSelf, new Uint8Array()))
    expect(leaves(again.state)).toHaveLength(1)
  })

  test('one key package serves two Welcomes, as a last resort must', async () => {
    const world = await people(5), { ctx } = world
    const alice = await world.person(), bob = await world.person()
    const pkg = await createKeyPackage(ctx, bob, YEAR)
    for (let i = 0; i < 2; i++) {
      const made = must(await commit(ctx, await createGroup(ctx, alice, GROUP), { ...NOTHING, add: [pkg.public] }))
      expect(await secretOf(ctx, must(await joinFromWelcome(ctx, welcomeOf(made), made.tree, pkg, bob)))).toBe(await secretOf(ctx, made.state))
    }
  })

  test('a state comes back from the disk whole, and not from bytes that are cut, longer, or of another version', async () => {
    const world = await people(6), { ctx } = world
    const { states } = await founded(world, 3)
    const bytes = encodeState(states[BOB] as MlsState)
    const back = decodeState(bytes) as MlsState
    expect(encodeState(back)).toEqual(bytes)
    const made = must(await commit(ctx, back, NOTHING))
    expect(await secretOf(ctx, must(await processCommit(ctx, states[ALICE] as MlsState, made.commit)))).toBe(await secretOf(ctx, made.state))
    for (let n = 0; n < bytes.length; n++) expect(decodeState(bytes.subarray(0, n))).toBeUndefined()
    expect(decodeState(new Uint8Array([...bytes, 0]))).toBeUndefined()
    expect(decodeState(new Uint8Array([2, ...bytes.subarray(1)]))).toBeUndefined()
    expect(decodeState(bytes, bytes.length - 1)).toBeUndefined()
    expect(decodeState(new Uint8Array(MAX_STATE_BYTES + 2).fill(1))).toBeUndefined()
  })
})

describe('repeatable', () => {
  async function story(seed: string, engine: 'webcrypto' | 'noble'): Promise<string[]> {
    const world = await people(seed, engine), { ctx } = world
    const { all, states, made } = await founded(world, 5)
    const removed = must(await commit(ctx, states[CAROL] as MlsState, { add: [], remove: [BOB], authenticatedData: new Uint8Array([3]) }))
    const joined = must(await externalCommit(ctx, removed.groupInfo, removed.tree, all[BOB] as MlsSelf, new Uint8Array([4])))
    return [made, removed, joined].flatMap((m) => [m.commit, m.welcome ?? new Uint8Array(), m.groupInfo, m.tree, encodeState(m.state)].map(toHex))
  }

  test('the same seed gives the same bytes, on WebCrypto and on noble alike', async () => {
    const first = await story('seed', 'webcrypto')
    expect(await story('seed', 'webcrypto')).toEqual(first)
    expect(await story('seed', 'noble')).toEqual(first)
    expect(await story('another', 'webcrypto')).not.toEqual(first)
  })
})

describe('key packages', () => {
  test('say who, until when, and are signed by the device they name', async () => {
    const world = await people(7), { ctx } = world
    const bob = await world.person(), pkg = await createKeyPackage(ctx, bob, { notBefore: 10, notAfter: 20 })
    expect(await decodeKeyPackage(ctx, pkg.public)).toMatchObject({
      credential: { identity: bob.identity, device: bob.device.publicKey, certHash: bob.certHash }, signatureKey: bob.device.publicKey, lifetime: { notBefore: 10, notAfter: 20 },
    })
  })

  test('are refused when anything in them was changed or cut', async () => {
    const world = await people(8), { ctx } = world
    const { public: bytes } = await createKeyPackage(ctx, await world.person(), YEAR)
    for (let n = 0; n < bytes.length; n++) {
      const changed = bytes.slice()
      changed[n] = (changed[n] as number) ^ (1 << pick(world.random, 8))
      expect(await decodeKeyPackage(ctx, changed)).toBeUndefined()
      expect(await decodeKeyPackage(ctx, bytes.subarray(0, n))).toBeUndefined()
    }
    expect(await decodeKeyPackage(ctx, new Uint8Array([...bytes, 0]))).toBeUndefined()
  })

  test('of a device whose key did not sign them are refused', async () => {
    const world = await people(9), { ctx } = world
    const bob = await world.person(), mallory = await world.person()
    const stolen = await createKeyPackage(ctx, { ...mallory, device: { publicKey: bob.device.publicKey, secretKey: mallory.device.secretKey } }, YEAR)
    expect(await decodeKeyPackage(ctx, stolen.public)).toBeUndefined()
  })
})

describe('refused', () => {
  test('who authority does not know: added, joining, or already in a tree that is handed to us', async () => {
    const world = await people(10), { ctx } = world
    const { states, made } = await founded(world, 2)
    const mallory = await world.person()
    const strict: MlsContext = { suite: world.suite, validate: (c) => toHex(c.device) !== toHex(mallory.device.publicKey) }
    const pkg = await createKeyPackage(ctx, mallory, YEAR)
    const added = must(await commit(ctx, states[ALICE] as MlsState, { ...NOTHING, add: [pkg.public] }))
    const joined = must(await externalCommit(ctx, made.groupInfo, made.tree, mallory, new Uint8Array()))
    for (const bytes of [added.commit, joined.commit]) expect(await processCommit(strict, states[BOB] as MlsState, bytes)).toHaveProperty('reason')
    expect(await commit(strict, states[ALICE] as MlsState, { ...NOTHING, add: [pkg.public] })).toHaveProperty('reason')
    expect(await externalCommit(strict, joined.groupInfo, joined.tree, await world.person(), new Uint8Array())).toHaveProperty('reason')
    expect(await processCommit(ctx, states[BOB] as MlsState, added.commit)).not.toHaveProperty('reason')
  })

  test('a commit of another group, of another epoch, or its own', async () => {
    const world = await people(11), { ctx } = world
    const { all, states } = await founded(world, 2)
    const [alice, bob] = states as [MlsState, MlsState]
    const made = must(await commit(ctx, alice, NOTHING))
    expect(await processCommit(ctx, alice, made.commit)).toHaveProperty('reason')
    const bob2 = must(await processCommit(ctx, bob, made.commit))
    expect(await processCommit(ctx, bob2, made.commit)).toEqual({ reason: 'of another epoch' })
    const elsewhere = await createGroup(ctx, all[ALICE] as MlsSelf, new Uint8Array(32))
    expect(await processCommit(ctx, bob, must(await commit(ctx, elsewhere, NOTHING)).commit)).toEqual({ reason: 'of another group' })
  })

  test('every commit that differs by a bit, is cut or too long, and the state is none the worse', async () => {
    const world = await people(12), { ctx } = world
    const { states } = await founded(world, 3)
    const bob = states[BOB] as MlsState, before = encodeState(bob)
    const made = must(await commit(ctx, states[ALICE] as MlsState, NOTHING))
    for (let n = 0; n < made.commit.length; n++) {
      const changed = made.commit.slice()
      changed[n] = (changed[n] as number) ^ (1 << pick(world.random, 8))
      expect(await processCommit(ctx, bob, changed), `byte ${n}`).toHaveProperty('reason')
      expect(inspectCommit(made.commit.subarray(0, n))).toBeUndefined()
    }
    expect(inspectCommit(new Uint8Array([...made.commit, 0]))).toBeUndefined()
    expect(inspectCommit(new Uint8Array(MAX_MLS_COMMIT_BYTES + 1))).toBeUndefined()
    expect(encodeState(bob)).toEqual(before)
    expect(await processCommit(ctx, bob, made.commit)).not.toHaveProperty('reason')
  })

  test('welcomes, trees and group infos that differ by a byte or belong to others', async () => {
    const world = await people(13), { ctx } = world
    const alice = await world.person(), bob = await world.person(), carol = await world.person()
    const pkg = await createKeyPackage(ctx, bob, YEAR), other = await createKeyPackage(ctx, bob, YEAR)
    const made = must(await commit(ctx, await createGroup(ctx, alice, GROUP), { ...NOTHING, add: [pkg.public] }))
    const welcome = welcomeOf(made)
    expect(await joinFromWelcome(ctx, welcome, made.tree, other, bob)).toHaveProperty('reason')
    const flip = (bytes: Uint8Array, n: number): Uint8Array => bytes.map((b, i) => (i === n ? b ^ (1 << pick(world.random, 8)) : b))
    for (let n = 0; n < welcome.length; n++) expect(await joinFromWelcome(ctx, flip(welcome, n), made.tree, pkg, bob), `welcome ${n}`).toHaveProperty('reason')
    for (let n = 0; n < made.tree.length; n += 3) expect(await joinFromWelcome(ctx, welcome, flip(made.tree, n), pkg, bob), `tree ${n}`).toHaveProperty('reason')
    for (let n = 0; n < made.groupInfo.length; n += 3) {
      expect(await externalCommit(ctx, flip(made.groupInfo, n), made.tree, carol, new Uint8Array()), `info ${n}`).toHaveProperty('reason')
    }
  })

  test('a tree whose node names an unmerged leaf that is not there, at once', async () => {
    const world = await people(14), { ctx } = world
    const { made } = await founded(world, 3)
    for (const leaf of [1, 700_000_000]) {
      const tree = decodeTree(made.tree) ?? []
      const parent = { hpkePublicKey: new Uint8Array(32), parentHash: new Uint8Array(), unmergedLeaves: [leaf] }
      const lie = encodeRatchetTree(tree.map((node, i) => (i === 5 ? { nodeType: 'parent' as const, parent } : node)))
      const refused = { reason: 'Unmerged leaf did not represent a non-blank descendant leaf node' }
      expect(await externalCommit(ctx, made.groupInfo, lie, await world.person(), new Uint8Array())).toEqual(refused)
    }
  })

  test('a tree whose node hides that a newcomer below it never had its key', async () => {
    const world = await people(17), { ctx, suite } = world
    const { states } = await founded(world, 8)
    const bob = await createKeyPackage(ctx, await world.person(), YEAR)
    const removed = must(await commit(ctx, states[ALICE] as MlsState, { ...NOTHING, remove: [BOB] }))
    const eve = must(await processCommit(ctx, states[4] as MlsState, removed.commit))
    const { tree: bytes } = must(await commit(ctx, eve, { ...NOTHING, add: [bob.public] }))
    // Node 3 covers leaves 0 to 3: Alice set it while leaf 1 was blank, and Bob came back there by another's commit.
    // The half below it is a tree of its own, whose other nodes say nothing about node 3, as in a tree that a liar made to fit.
    const tree = (decodeTree(bytes) ?? []).slice(0, 7)
    expect(tree[3]?.nodeType === 'parent' && tree[3].parent.unmergedLeaves).toEqual([BOB])
    expect(await verifyParentHashes(tree, suite.mls.hash)).toBe(true)
    const lie = tree.map((node, i) => (i === 3 && node?.nodeType === 'parent' ? { ...node, parent: { ...node.parent, unmergedLeaves: [] } } : node))
    expect(await verifyParentHashes(lie, suite.mls.hash)).toBe(false)
  })

  test('a rejoin that pushes someone else out', async () => {
    const world = await people(15), { ctx } = world
    const { all, states, made } = await founded(world, 3)
    const back = must(await externalCommit(ctx, made.groupInfo, made.tree, all[BOB] as MlsSelf, new Uint8Array()))
    const message = decodeCommitMessage(back.commit)
    if (message?.content.contentType !== 'commit') throw new Error('not a commit')
    const { content } = message
    const proposals = content.commit.proposals.map((p) => (
      p.proposalOrRefType === 'proposal' && p.proposal.proposalType === 'remove' ? { ...p, proposal: { ...p.proposal, remove: { removed: CAROL } } } : p))
    const publicMessage = { ...message, content: { ...content, commit: { ...content.commit, proposals } } }
    const forged = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage })
    expect(inspectCommit(forged)?.removedLeaves).toEqual([CAROL])
    expect(await processCommit(ctx, states[ALICE] as MlsState, forged)).toEqual({ reason: 'puts one device in the place of another' })
  })

  test('the same device twice, a leaf that is blank, and a key package that is none', async () => {
    const world = await people(16), { ctx } = world
    const { all, states } = await founded(world, 2)
    const alice = states[ALICE] as MlsState
    const again = await createKeyPackage(ctx, all[BOB] as MlsSelf, YEAR)
    expect(await commit(ctx, alice, { ...NOTHING, add: [again.public] })).toHaveProperty('reason')
    expect(await commit(ctx, alice, { ...NOTHING, remove: [5] })).toHaveProperty('reason')
    expect(await commit(ctx, alice, { ...NOTHING, remove: [ALICE] })).toHaveProperty('reason')
    expect(await commit(ctx, alice, { ...NOTHING, add: [new Uint8Array(10)] })).toEqual({ reason: 'a key package is malformed' })
  })
})
