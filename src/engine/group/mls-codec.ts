/**
 * MLS messages as bytes, from outside: sizes bounded before ts-mls sees them, one encoding each. ts-mls's decoders throw on some bad
 * input, accept lengths written the long way and stop before trailing bytes; here a decoded value is encoded again and compared.
 */
import type { Credential, GroupInfo, KeyPackage, LeafNode, MLSMessage, Proposal, ProposalOrRef, PublicMessage, RatchetTree, Welcome } from 'ts-mls'
import { encode } from 'ts-mls/codec/tlsEncoder.js'
import { decodeMlsMessage, encodeMlsMessage } from 'ts-mls/message.js'
import { decodeRatchetTree, ratchetTreeEncoder } from 'ts-mls/ratchetTree.js'
import { concat, equal } from '../../wire/bytes.ts'
import { readUsualCommit } from './usual-commit.ts'

/** About 290 bytes with our credential and no extensions. */
export const MAX_KEY_PACKAGE_BYTES = 1024
/** A path over a cold tree seals one secret to every member, about 85 bytes each: 2500 devices, or fewer with a batch of key packages. */
export const MAX_MLS_COMMIT_BYTES = 256 * 1024
/** About 180 bytes for each newcomer. */
export const MAX_WELCOME_BYTES = 64 * 1024
export const MAX_GROUP_INFO_BYTES = 8192
/** About 190 bytes a device. */
export const MAX_TREE_BYTES = 1024 * 1024
/** Leaves and parents: 4096 devices. Blank nodes cost one byte each, so that bytes alone don't bound the work. */
export const MAX_TREE_NODES = 8191
/** The tree, the keys of one path and the key schedule. */
export const MAX_STATE_BYTES = MAX_TREE_BYTES + 64 * 1024

/** Who a leaf belongs to. In MLS a basic credential: identity id || device public key || certificate hash, 32 bytes each. */
export interface LeafCredential { readonly identity: Uint8Array; readonly device: Uint8Array; readonly certHash: Uint8Array }

export const encodeCredential = (c: LeafCredential): Credential => ({ credentialType: 'basic', identity: concat(c.identity, c.device, c.certHash) })

export function decodeCredential(credential: Credential): LeafCredential | undefined {
  if (credential.credentialType !== 'basic' || !('identity' in credential) || credential.identity.length !== 96) return undefined
  const bytes = credential.identity
  return { identity: bytes.slice(0, 32), device: bytes.slice(32, 64), certHash: bytes.slice(64) }
}

/** The credential of a leaf whose signature key is the device it names. */
export function leafCredential(leaf: LeafNode): LeafCredential | undefined {
  const credential = decodeCredential(leaf.credential)
  return credential !== undefined && equal(credential.device, leaf.signaturePublicKey) ? credential : undefined
}

/** Runs a ts-mls decoder over the whole input: undefined when it throws, refuses, leaves bytes over, or would encode differently. */
export function decodeWhole<T>(
  bytes: Uint8Array, maxBytes: number, decode: (b: Uint8Array, offset: number) => [T, number] | undefined, encodeAgain: (value: T) => Uint8Array,
): T | undefined {
  if (bytes.length > maxBytes) return undefined
  try {
    // A copy: what ts-mls decodes are views into its input, which the caller may reuse.
    const decoded = decode(bytes.slice(), 0)
    return decoded !== undefined && decoded[1] === bytes.length && equal(encodeAgain(decoded[0]), bytes) ? decoded[0] : undefined
  } catch { return undefined }
}

const decodeMessage = (bytes: Uint8Array, maxBytes: number): MLSMessage | undefined => decodeWhole(bytes, maxBytes, decodeMlsMessage, encodeMlsMessage)

export const encodeKeyPackage = (keyPackage: KeyPackage): Uint8Array => encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage })

export function decodeKeyPackageMessage(bytes: Uint8Array): KeyPackage | undefined {
  const message = decodeMessage(bytes, MAX_KEY_PACKAGE_BYTES)
  return message?.wireformat === 'mls_key_package' ? message.keyPackage : undefined
}

export function decodeWelcomeMessage(bytes: Uint8Array): Welcome | undefined {
  const message = decodeMessage(bytes, MAX_WELCOME_BYTES)
  return message?.wireformat === 'mls_welcome' ? message.welcome : undefined
}

export function decodeGroupInfoMessage(bytes: Uint8Array): GroupInfo | undefined {
  const message = decodeMessage(bytes, MAX_GROUP_INFO_BYTES)
  return message?.wireformat === 'mls_group_info' ? message.groupInfo : undefined
}

export function decodeCommitMessage(bytes: Uint8Array): PublicMessage | undefined {
  const message = decodeMessage(bytes, MAX_MLS_COMMIT_BYTES)
  return message?.wireformat === 'mls_public_message' ? message.publicMessage : undefined
}

export const encodeRatchetTree: (tree: RatchetTree) => Uint8Array = encode(ratchetTreeEncoder)

export function decodeTree(bytes: Uint8Array): RatchetTree | undefined {
  const tree = decodeWhole(bytes, MAX_TREE_BYTES, decodeRatchetTree, encodeRatchetTree)
  return tree !== undefined && tree.length <= MAX_TREE_NODES ? tree : undefined
}

/** A commit as anyone can read it, member or not. Nothing here is verified: signatures and tags need the state. */
export interface SeenCommit {
  readonly groupId: Uint8Array
  /** Of the epoch it starts from. */
  readonly epoch: number
  readonly sender: { readonly type: 'member'; readonly leaf: number } | { readonly type: 'external' }
  readonly addedLeaves: readonly LeafCredential[]
  readonly removedLeaves: readonly number[]
  readonly authenticatedData: Uint8Array
  readonly hasPath: boolean
  /** Something that is neither Add nor Remove, nor the one ExternalInit of an external commit: PSKs, references to proposals sent apart, and so on. */
  readonly otherProposals: boolean
  /** The committer's new leaf, as its path has it. */
  readonly pathLeaf: LeafCredential | undefined
  /** The same, where the committer joins by this commit. */
  readonly externalLeaf: LeafCredential | undefined
}

/** Reads a commit without any state; undefined for anything malformed, also when a leaf in it has no credential of ours. */
export function inspectCommit(bytes: Uint8Array): SeenCommit | undefined {
  return bytes.length > MAX_MLS_COMMIT_BYTES ? undefined : readUsualCommit(bytes) ?? inspectAnyCommit(bytes)
}

/** The same, whatever its form. */
export function inspectAnyCommit(bytes: Uint8Array): SeenCommit | undefined {
  const message = decodeCommitMessage(bytes)
  if (message === undefined || message.content.contentType !== 'commit') return undefined
  const { groupId, epoch, sender, authenticatedData, commit } = message.content
  if (epoch > BigInt(Number.MAX_SAFE_INTEGER) || (sender.senderType !== 'member' && sender.senderType !== 'new_member_commit')) return undefined
  const external = sender.senderType === 'new_member_commit'
  const pathLeaf = commit.path === undefined ? undefined : leafCredential(commit.path.leafNode)
  if (commit.path !== undefined && pathLeaf === undefined) return undefined
  const seen = sortProposals(commit.proposals)
  if (seen === undefined) return undefined
  return {
    groupId, epoch: Number(epoch), authenticatedData, hasPath: pathLeaf !== undefined, pathLeaf, externalLeaf: external ? pathLeaf : undefined,
    sender: sender.senderType === 'member' ? { type: 'member', leaf: sender.leafIndex } : { type: 'external' },
    addedLeaves: seen.addedLeaves, removedLeaves: seen.removedLeaves,
    otherProposals: seen.others > 0 || seen.externalInits !== (external ? 1 : 0) || (external && (seen.addedLeaves.length > 0 || seen.removedLeaves.length > 1)),
  }
}

interface Sorted { addedLeaves: LeafCredential[]; removedLeaves: number[]; externalInits: number; others: number }

function sortProposals(list: readonly ProposalOrRef[]): Sorted | undefined {
  const seen: Sorted = { addedLeaves: [], removedLeaves: [], externalInits: 0, others: 0 }
  for (const item of list) {
    if (item.proposalOrRefType === 'reference') { seen.others++; continue }
    if (!sortProposal(item.proposal, seen)) return undefined
  }
  return seen
}

/** False when an added leaf has no credential of ours. */
function sortProposal(proposal: Proposal, seen: Sorted): boolean {
  switch (proposal.proposalType) {
    case 'add': {
      const leaf = leafCredential(proposal.add.keyPackage.leafNode)
      if (leaf === undefined) return false
      seen.addedLeaves.push(leaf)
      return true
    }
    case 'remove': seen.removedLeaves.push(proposal.remove.removed); return true
    case 'external_init': seen.externalInits++; return true
    default: seen.others++; return true
  }
}
