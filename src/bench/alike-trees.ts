/** Ratchet trees, hashed and written by what is remembered of their nodes, for all devices of one process (alike.ts). */
import type { LeafNode, ParentNode, RatchetTree } from 'ts-mls'
import { encode } from 'ts-mls/codec/tlsEncoder.js'
import { nodeEncoder } from 'ts-mls/ratchetTree.js'
import { encodeLeafNodeHashInput, encodeParentNodeHashInput } from 'ts-mls/treeHash.js'
import { latin } from './alike-memory.ts'

type Digest = (bytes: Uint8Array) => Promise<Uint8Array>
const leaves = new WeakMap<LeafNode, Map<number, Promise<Uint8Array>>>(), parents = new Map<string, Promise<Uint8Array>>(), roots = new WeakMap<RatchetTree, Map<number, Promise<Uint8Array>>>()
const NO_LEAVES = new Map<number, Promise<Uint8Array>>()

/** RFC 9420, 7.8, of nodes that are remembered: leaves are the same objects on all devices, parents are known by what is hashed of them. */
async function hashOf(tree: RatchetTree, at: number, digest: Digest): Promise<Uint8Array> {
  const node = tree[at], level = levelOf(at)
  if (level === 0) {
    const leafNode = node?.nodeType === 'leaf' ? node.leaf : undefined
    const byIndex = leafNode === undefined ? NO_LEAVES : leaves.get(leafNode) ?? new Map<number, Promise<Uint8Array>>()
    if (leafNode !== undefined) leaves.set(leafNode, byIndex)
    const found = byIndex.get(at) ?? digest(encodeLeafNodeHashInput({ nodeType: 'leaf', leafIndex: at / 2, leafNode }))
    byIndex.set(at, found)
    return found
  }
  const parentNode = node?.nodeType === 'parent' ? node.parent : undefined
  const leftHash = await hashOf(tree, at - 2 ** (level - 1), digest), rightHash = await hashOf(tree, at + 2 ** (level - 1), digest)
  const name = `${nameOf(parentNode)}${latin(leftHash)}${latin(rightHash)}`
  const found = parents.get(name) ?? digest(encodeParentNodeHashInput({ nodeType: 'parent', parentNode, leftHash, rightHash }))
  parents.set(name, found)
  return found
}

const nameOf = (node: ParentNode | undefined): string => (node === undefined ? '' : `${latin(node.hpkePublicKey)} ${latin(node.parentHash)} ${node.unmergedLeaves.join()} `)
/** Trailing ones of its place (RFC 9420, appendix C). */
const levelOf = (at: number): number => { let level = 0; while ((at >> level) & 1) level++; return level }
const rootOf = (width: number): number => { let root = 1; while (2 * root - 1 < width) root *= 2; return root - 1 }

export function treeHasher(_real: unknown, name: string): unknown {
  const at = (tree: RatchetTree, index: number, { digest }: { digest: Digest }): Promise<Uint8Array> => {
    const known = roots.get(tree) ?? new Map<number, Promise<Uint8Array>>()
    roots.set(tree, known)
    const found = known.get(index) ?? hashOf(tree, index, digest)
    known.set(index, found)
    return found
  }
  return name === 'treeHash' ? at : (tree: RatchetTree, hash: { digest: Digest }) => at(tree, rootOf(tree.length), hash)
}

const written = new WeakMap<LeafNode, Uint8Array>(), above = new Map<string, Uint8Array>(), trees = new WeakMap<RatchetTree, Uint8Array>()
const ABSENT = Uint8Array.of(0)

/** As ts-mls writes it (RFC 9420, 12.4.3.3): what stands in front of each node says that there is one, and in front of all how many bytes they are. */
export function treeEncoder(): (tree: RatchetTree) => Uint8Array {
  return (tree) => {
    const known = trees.get(tree)
    if (known !== undefined) return known.slice()
    let end = tree.length
    while (end > 0 && tree[end - 1] === undefined) end--
    const parts = tree.slice(0, end).map((node) => {
      if (node === undefined) return ABSENT
      if (node.nodeType === 'parent') {
        const name = nameOf(node.parent), parent = above.get(name) ?? Buffer.concat([Uint8Array.of(1), encode(nodeEncoder)(node)])
        above.set(name, parent)
        return parent
      }
      const leaf = written.get(node.leaf) ?? Buffer.concat([Uint8Array.of(1), encode(nodeEncoder)(node)])
      written.set(node.leaf, leaf)
      return leaf
    })
    const body = Buffer.concat(parts), { length } = body
    const front = length < 64 ? [length] : length < 16_384 ? [64 | (length >> 8), length & 255] : [128 | (length >>> 24), (length >> 16) & 255, (length >> 8) & 255, length & 255]
    const out = new Uint8Array(front.length + length)
    out.set(front)
    out.set(body, front.length)
    trees.set(tree, out)
    return out.slice()
  }
}
