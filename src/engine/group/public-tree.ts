/**
 * The ratchet tree after a commit, worked out from what commits say in public: whom they add and remove, and the public keys of their author's path (RFC 9420, 7.5 and 12.3). So a tree that
 * nobody has any more, as where the disk of a private channel's founder was put back before anybody fetched it, can be made again by whoever has the commits. It is believed only by its hash.
 */
import type { RatchetTree } from 'ts-mls'
import { addLeafNode, removeLeafNode } from 'ts-mls/ratchetTree.js'
import { toLeafIndex } from 'ts-mls/treemath.js'
import { applyUpdatePath } from 'ts-mls/updatePath.js'
import type { Ciphersuite } from '../../ports.ts'
import { decodeCommitMessage, decodeTree, encodeRatchetTree } from './mls-codec.ts'

/** `before`: the tree of its parent; undefined for the commit that founds a group. Of a member's commits only; undefined for others, and where it can't be worked out. */
export async function treeAfter(before: Uint8Array | undefined, commit: Uint8Array, suite: Ciphersuite): Promise<Uint8Array | undefined> {
  const content = decodeCommitMessage(commit)?.content
  if (content?.contentType !== 'commit' || content.sender.senderType !== 'member' || content.commit.path === undefined) return undefined
  const { commit: { path, proposals }, sender: { leafIndex } } = content
  // Whoever founds a group is alone in it until then, and this commit replaces their leaf.
  let tree: RatchetTree | undefined = before === undefined ? [{ nodeType: 'leaf', leaf: path.leafNode }] : decodeTree(before)
  if (tree === undefined) return undefined
  const removed: number[] = [], added: Parameters<typeof addLeafNode>[1][] = []
  for (const one of proposals) {
    if (one.proposalOrRefType !== 'proposal') return undefined
    if (one.proposal.proposalType === 'remove') removed.push(one.proposal.remove.removed)
    else if (one.proposal.proposalType === 'add') added.push(one.proposal.add.keyPackage.leafNode)
    else return undefined
  }
  try {
    for (const leaf of removed) tree = removeLeafNode(tree, toLeafIndex(leaf))
    for (const leaf of added) tree = addLeafNode(tree, leaf)[0]
    return encodeRatchetTree(await applyUpdatePath(tree, toLeafIndex(leafIndex), path, suite.mls.hash, true))
  } catch {
    // ts-mls answers bad input by throwing.
    return undefined
  }
}
