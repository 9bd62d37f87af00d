/**
 * Which commits count, decided from ops alone: everyone who has the same ops decides the same, with or without the group's state.
 *
 * The form of a commit follows from its bytes and its parent (`shapeOf`) and never changes: what is malformed is no child of its parent. Whether
 * its author might do it follows from authority at its past (`objectionTo`), and may change while ops come in that void others: so it is asked anew.
 */
import { equal, toHex } from '../../wire/bytes.ts'
import type { CommitBody } from '../../wire/group.ts'
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import type { ChainPlace } from '../../wire/op.ts'
import type { LeafCredential, SeenCommit } from './mls.ts'
import type { EpochNode } from './tree.ts'

/** What the group must know of authority. `op` is a commit or a rejection: asked is what counts in its past. */
export interface Membership {
  /** The certificate by which a device was authorised in an op's past. */
  certificateAt(op: OpId, device: DeviceId): Certificate | undefined
  /** Of the op's author, there. */
  powerBehind(op: OpId): number
  isVoid(op: OpId): boolean
  /** Whether an op's author knew of another when making it. */
  hasSeen(op: OpId, other: OpId): boolean
  identityOf(device: DeviceId): IdentityId | undefined
  isCut(place: ChainPlace): boolean
  /** Another number when ops have come in; and when they may have changed how earlier ones stand. */
  size(): number
  upheavals(): number
}

export interface Certificate { readonly identity: IdentityId; readonly certHash: Uint8Array }

/** A commit's effect on the leaves, and whom authority must know for it. */
export interface Shape {
  readonly leaves: readonly (DeviceId | undefined)[]
  readonly added: readonly LeafCredential[]
  /** Without the external committer's own stale leaf. */
  readonly removed: readonly DeviceId[]
  /** The committer's new leaf. */
  readonly own: LeafCredential
}

export type Malformed =
  | 'other-group' | 'other-epoch' | 'other-proposals' | 'no-path' | 'unbound' | 'not-the-author' | 'removes-blank' | 'removes-itself' | 'pushes-out' | 'adds-twice'
export type Objection = 'void' | 'uncertified' | 'adds-unauthorised' | 'removes-authorised'

/** `binding` is the authenticated data that ties a commit to its space, author and parent. */
export function shapeOf(parent: EpochNode, author: DeviceId, body: CommitBody, seen: SeenCommit, groupId: Uint8Array, binding: Uint8Array): Shape | Malformed {
  if (!equal(seen.groupId, groupId)) return 'other-group'
  if (seen.epoch !== parent.depth) return 'other-epoch'
  if (seen.otherProposals) return 'other-proposals'
  if (seen.pathLeaf === undefined) return 'no-path'
  if (!equal(seen.authenticatedData, binding)) return 'unbound'
  const isMember = seen.sender.type === 'member'
  if (body.external === isMember || hexDevice(seen.pathLeaf.device) !== author) return 'not-the-author'
  if (seen.sender.type === 'member' && parent.leaves[seen.sender.leaf] !== author) return 'not-the-author'
  const leaves = [...parent.leaves]
  const removed: DeviceId[] = []
  for (const leaf of seen.removedLeaves) {
    const device = leaves[leaf]
    if (device === undefined) return 'removes-blank'
    if (isMember && device === author) return 'removes-itself'
    if (!isMember && device !== author) return 'pushes-out'
    if (isMember) removed.push(device)
    leaves[leaf] = undefined
  }
  const present = new Set(leaves)
  let blank = leaves.indexOf(undefined)
  for (const leaf of isMember ? seen.addedLeaves : [seen.pathLeaf]) {
    const device = hexDevice(leaf.device)
    if (present.has(device)) return 'adds-twice'
    present.add(device)
    // RFC 9420, section 7.7: a new leaf takes the leftmost blank place.
    if (blank >= 0) { leaves[blank] = device; blank = leaves.indexOf(undefined, blank) } else leaves.push(device)
  }
  return { leaves, added: seen.addedLeaves, removed, own: seen.pathLeaf }
}

/** Why a well-formed commit does not count, as things stand. */
export function objectionTo(epoch: EpochId, shape: Shape, members: Membership): Objection | undefined {
  if (members.isVoid(epoch)) return 'void'
  const isCertified = (leaf: LeafCredential): boolean => {
    const known = members.certificateAt(epoch, hexDevice(leaf.device))
    return known !== undefined && equal(known.certHash, leaf.certHash) && known.identity === toHex(leaf.identity)
  }
  if (!isCertified(shape.own)) return 'uncertified'
  if (!shape.added.every(isCertified)) return 'adds-unauthorised'
  return shape.removed.some((device) => members.certificateAt(epoch, device) !== undefined) ? 'removes-authorised' : undefined
}

export const hexDevice = (bytes: Uint8Array): DeviceId => toHex(bytes) as DeviceId
