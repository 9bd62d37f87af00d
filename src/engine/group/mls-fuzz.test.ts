/**
 * Random histories: people are added, join from outside, rejoin, renew, are removed, and commits branch, as they do without anyone who
 * orders them. After each commit everyone who should be in the new epoch is, with the same secrets, and everyone removed is not.
 *
 *   MLS_HISTORIES=2000 MLS_STEPS=100 vitest run src/engine/group/mls-fuzz.test.ts     the long run
 *   MLS_SEED=17                                                                       one history again
 */
import { decryptWithLabel } from 'ts-mls/crypto/hpke.js'
import { encode } from 'ts-mls/codec/tlsEncoder.js'
import { groupContextEncoder } from 'ts-mls/groupContext.js'
import { initializeEpoch } from 'ts-mls/keySchedule.js'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../wire/bytes.ts'
import { decodeCommitMessage } from './mls-codec.ts'
import {
  commit, createGroup, createKeyPackage, decodeState, encodeState, encodeTree, epochAuthenticator, exportSecret, externalCommit, groupInfo, inspectCommit, joinFromWelcome, leaves,
  type Made, type MlsSelf, type MlsState, type OwnKeyPackage, processCommit,
} from './mls.ts'
import { GROUP, must, type People, people, pick, secretOf, welcomeOf, YEAR } from './mls-people.ts'

const HISTORIES = Number(process.env['MLS_HISTORIES'] ?? 60)
const STEPS = Number(process.env['MLS_STEPS'] ?? 50)
const ONLY = process.env['MLS_SEED']
const PEOPLE = 9

/** An epoch, with the state of each who is in it, by their number. */
interface Epoch {
  readonly parent: Epoch | undefined
  readonly made: Pick<Made, 'commit' | 'tree' | 'groupInfo'>
  readonly states: Map<number, MlsState>
  readonly secret: string
}

interface History { readonly world: People; readonly all: readonly MlsSelf[]; readonly epochs: Epoch[] }

async function play(seed: string): Promise<History> {
  const world = await people(seed)
  const all: MlsSelf[] = []
  for (let i = 0; i < PEOPLE; i++) all.push(await world.person())
  const first = await createGroup(world.ctx, all[0] as MlsSelf, GROUP)
  const root: Epoch = {
    parent: undefined, states: new Map([[0, first]]), secret: await secretOf(world.ctx, first),
    made: { commit: new Uint8Array(), tree: encodeTree(first), groupInfo: await groupInfo(world.ctx, first) },
  }
  const history: History = { world, all, epochs: [root] }
  for (let step = 0; step < STEPS; step++) await takeStep(history)
  return history
}

/** One commit on the newest epoch or, one time in six, on one a few back: a branch. */
async function takeStep(history: History): Promise<void> {
  const { world: { random }, epochs } = history
  const back = pick(random, 6) === 0 ? pick(random, Math.min(4, epochs.length)) : 0
  const parent = epochs[epochs.length - 1 - back] as Epoch
  const inside = [...parent.states.keys()], outside = history.all.map((_, i) => i).filter((i) => !parent.states.has(i))
  const chance = pick(random, 10)
  if (chance === 0) return joinFromOutside(history, parent, pick(random, PEOPLE))
  if (chance === 1 && outside.length > 0) return joinFromOutside(history, parent, choose(history, outside))
  const by = choose(history, inside)
  const others = inside.filter((i) => i !== by)
  const remove = chance < 4 && others.length > 0 ? [choose(history, others)] : chance === 4 ? others.filter(() => pick(random, 2) === 0) : []
  const add = chance > 5 || chance === 3 ? outside.filter(() => pick(random, 3) === 0) : []
  return change(history, parent, by, add, remove)
}

const choose = (history: History, from: readonly number[]): number => from[pick(history.world.random, from.length)] as number

async function change(history: History, parent: Epoch, by: number, add: readonly number[], remove: readonly number[]): Promise<void> {
  const { world: { ctx }, all } = history
  const state = parent.states.get(by) as MlsState
  const packages = new Map<number, OwnKeyPackage>()
  for (const i of add) packages.set(i, await createKeyPackage(ctx, all[i] as MlsSelf, YEAR))
  const gone = remove.map((i) => leafOf(state, all[i] as MlsSelf))
  const made = must(await commit(ctx, state, { add: [...packages.values()].map((p) => p.public), remove: gone, authenticatedData: new Uint8Array([1]) }))
  const seen = inspectCommit(made.commit)
  expect(seen).toMatchObject({ hasPath: true, otherProposals: false, removedLeaves: gone, sender: { type: 'member', leaf: leafOf(state, all[by] as MlsSelf) } })
  expect(seen?.addedLeaves.map((l) => toHex(l.device))).toEqual(add.map((i) => toHex((all[i] as MlsSelf).device.publicKey)))
  const states = await follow(history, parent, made, [by, ...remove])
  for (const [i, pkg] of packages) states.set(i, must(await joinFromWelcome(ctx, welcomeOf(made), made.tree, pkg, all[i] as MlsSelf)))
  states.set(by, made.state)
  await settle(history, parent, made, states, remove)
}

/** Also by one whose leaf is in the tree already: then the old leaf goes with the same commit. */
async function joinFromOutside(history: History, parent: Epoch, by: number): Promise<void> {
  const { world: { ctx }, all } = history
  const made = must(await externalCommit(ctx, parent.made.groupInfo, parent.made.tree, all[by] as MlsSelf, new Uint8Array([2])))
  expect(inspectCommit(made.commit)).toMatchObject({ sender: { type: 'external' }, otherProposals: false, removedLeaves: { length: parent.states.has(by) ? 1 : 0 } })
  const states = await follow(history, parent, made, [by])
  states.set(by, made.state)
  await settle(history, parent, made, states, parent.states.has(by) ? [by] : [])
}

/** Every member but `except` processes the commit, half of them from a state that came back from the disk. */
async function follow(history: History, parent: Epoch, made: Made, except: readonly number[]): Promise<Map<number, MlsState>> {
  const { ctx, random } = history.world
  const states = new Map<number, MlsState>()
  for (const [i, state] of parent.states) {
    if (except.includes(i)) continue
    const from = pick(random, 2) === 0 ? state : decodeState(encodeState(state))
    expect(from).toBeDefined()
    states.set(i, must(await processCommit(ctx, from as MlsState, made.commit)))
  }
  return states
}

async function settle(history: History, parent: Epoch, made: Made, states: Map<number, MlsState>, removed: readonly number[]): Promise<void> {
  const { world: { ctx }, all } = history
  const secret = await secretOf(ctx, made.state), authenticator = toHex(epochAuthenticator(made.state))
  for (const state of states.values()) {
    expect(await secretOf(ctx, state)).toBe(secret)
    expect(toHex(epochAuthenticator(state))).toBe(authenticator)
    expect(toHex(encodeTree(state))).toBe(toHex(made.tree))
  }
  expect(secret).not.toBe(parent.secret)
  const members = leaves(made.state).map((l) => toHex(l.device)).sort()
  expect(members).toEqual([...states.keys()].map((i) => toHex((all[i] as MlsSelf).device.publicKey)).sort())
  for (const i of removed) await expectLockedOut(history, parent.states.get(i) as MlsState, made)
  history.epochs.push({ parent, made, states, secret })
}

/** Someone removed, with the whole of their old state and all that was published, gets nowhere. */
async function expectLockedOut(history: History, old: MlsState, made: Made): Promise<void> {
  const { ctx, suite: { mls } } = history.world
  expect(await processCommit(ctx, old, made.commit)).toHaveProperty('reason')
  // The context of the new epoch is public. What they lack is the commit secret, which must not be a guess either.
  const zero = new Uint8Array(32)
  const guess = await initializeEpoch(old.keySchedule.initSecret, zero, made.state.groupContext, zero, mls.kdf)
  expect(toHex(guess.keySchedule.exporterSecret)).not.toBe(toHex(made.state.keySchedule.exporterSecret))
  const content = decodeCommitMessage(made.commit)?.content
  if (content?.contentType !== 'commit') throw new Error('not a commit')
  const context = encode(groupContextEncoder)({ ...old.groupContext, epoch: old.groupContext.epoch + 1n, treeHash: made.state.groupContext.treeHash })
  for (const node of content.commit.path?.nodes ?? []) {
    for (const { kemOutput, ciphertext } of node.encryptedPathSecret) {
      for (const key of Object.values(old.privatePath.privateKeys)) {
        const opened = decryptWithLabel(await mls.hpke.importPrivateKey(key), 'UpdatePathNode', context, kemOutput, ciphertext, mls.hpke)
        await expect(opened).rejects.toThrow()
      }
    }
  }
}

const leafOf = (state: MlsState, who: MlsSelf): number => leaves(state).find((l) => toHex(l.device) === toHex(who.device.publicKey))?.index ?? -1

/** States of long ago are as good as new: nothing that was processed from them has touched them. */
async function expectPastIntact(history: History): Promise<void> {
  const { ctx } = history.world
  for (const epoch of history.epochs) {
    for (const state of epoch.states.values()) expect(await secretOf(ctx, state)).toBe(epoch.secret)
    const [who, state] = [...(epoch.parent?.states ?? [])].find(([i]) => epoch.states.has(i)) ?? []
    if (who === undefined || state === undefined) continue
    const again = await processCommit(ctx, state, epoch.made.commit)
    // Whoever made it holds its result already and can't process it.
    if (!('reason' in again)) expect(toHex(await exportSecret(ctx, again, 'tk1 test', new Uint8Array([7]), 32))).toBe(epoch.secret)
  }
}

describe('random histories of a group', () => {
  const seeds = ONLY === undefined ? Array.from({ length: HISTORIES }, (_, i) => String(i)) : [ONLY]
  test.each(seeds)('seed %s: all members agree, the removed are locked out, the past stays usable', async (seed) => {
    const history = await play(seed)
    expect(history.epochs).toHaveLength(STEPS + 1)
    await expectPastIntact(history)
  }, 60_000)
})
