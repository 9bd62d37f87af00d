import { encodeRatchetTree, type RatchetTree } from 'ts-mls/ratchetTree.js'
import { verifyParentHashes } from 'ts-mls/parentHash.js'
import { treeHash, treeHashRoot } from 'ts-mls/treeHash.js'
import { expect, test } from 'vitest'
import { commit, createGroup, createKeyPackage, type MlsSelf, type MlsState } from '../engine/group/mls.ts'
import { GROUP, must, NOTHING, people, YEAR } from '../engine/group/mls-people.ts'
import { decodeOp } from '../wire/op.ts'
import { byBytes, byFirst, byObject } from './alike-memory.ts'
import { treeEncoder, treeHasher } from './alike-trees.ts'

type Hasher = typeof treeHash
const hashed = treeHasher(undefined, 'treeHash') as Hasher, root = treeHasher(undefined, 'treeHashRoot') as typeof treeHashRoot, written = treeEncoder()

/** One alone, then more, then one of them gone, then fresh keys on the way up, then more again. */
async function trees(): Promise<{ all: MlsState[]; hash: Parameters<typeof treeHashRoot>[1] }> {
  const world = await people(3), { ctx } = world, founder = await world.person()
  const all = [await createGroup(ctx, founder, GROUP)]
  const next = async (add: number, remove: readonly number[]): Promise<void> => {
    const packages = await Promise.all(Array.from({ length: add }, async () => (await createKeyPackage(ctx, await world.person() as MlsSelf, YEAR)).public))
    all.push(must(await commit(ctx, all.at(-1) as MlsState, { ...NOTHING, add: packages, remove })).state)
  }
  for (const [add, remove] of [[1, []], [3, []], [0, [1, 4]], [0, []], [9, []], [0, [11]], [300, []]] as const) await next(add, remove)
  return { all, hash: ctx.suite.mls.hash }
}

test('trees are hashed and written from what is remembered as ts-mls does it', async () => {
  const { all, hash } = await trees()
  for (const { ratchetTree } of all) {
    expect(written(ratchetTree)).toEqual(encodeRatchetTree(ratchetTree))
    expect(await root(ratchetTree, hash)).toEqual(await treeHashRoot(ratchetTree, hash))
    // Known trees, and other ones of the same nodes.
    for (const tree of [ratchetTree, [...ratchetTree]] as RatchetTree[]) for (let at = 0; at < Math.min(tree.length, 40); at++) expect(await hashed(tree, at as never, hash)).toEqual(await treeHash(tree, at as never, hash))
  }
  expect(all.at(-1)?.ratchetTree.length).toBeGreaterThan(600)
})

test('what is remembered by a tree is of that tree alone', async () => {
  const { all, hash } = await trees(), verify = byFirst(verifyParentHashes as never) as typeof verifyParentHashes
  const last = all.at(-1)?.ratchetTree as RatchetTree, spoilt = last.map((node) => (node?.nodeType === 'parent' ? { ...node, parent: { ...node.parent, parentHash: new Uint8Array(32) } } : node)) as RatchetTree
  expect([await verify(last, hash), await verify(spoilt, hash), await verify(last, hash)]).toEqual([true, false, true])
})

test('what is remembered by bytes is of all of them, of words beside them, and of nothing that was written over', () => {
  let worked = 0
  const make = byBytes((type: string, bytes: Uint8Array, more = false) => { worked++; return `${type} ${bytes.join()} ${more}` }), bytes = Uint8Array.of(1, 2)
  expect([make('a', bytes), make('a', Uint8Array.of(1, 2)), make('b', bytes), make('a', bytes, true)]).toEqual(['a 1,2 false', 'a 1,2 false', 'b 1,2 false', 'a 1,2 true'])
  expect(worked).toBe(3)
  bytes[0] = 7
  expect([make('a', bytes), make('a', bytes.subarray(1))]).toEqual(['a 7,2 false', 'a 2 false'])
  const sum = byObject((some: readonly number[]) => some.reduce((all, n) => all + n, 0))
  expect([sum([1, 2]), sum([1, 3])]).toEqual([3, 4])
  expect(byBytes(decodeOp)(Uint8Array.of(1), (some) => some)).toBe(undefined)
})
