/** Which commits count, clause by clause: one good commit, and what is wrong with each that differs in one thing. */
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../wire/bytes.ts'
import type { CommitBody } from '../../wire/group.ts'
import type { DeviceId, EpochId, IdentityId } from '../../wire/ids.ts'
import type { LeafCredential, SeenCommit } from './mls.ts'
import type { EpochNode } from './tree.ts'
import { type Certificate, type Malformed, type Membership, objectionTo, type Objection, type Shape, shapeOf } from './validity.ts'

const id = (name: string): string => Buffer.from(name.padEnd(32, '.')).toString('hex')
const raw = (name: string): Uint8Array => fromHex(id(name)) as Uint8Array
const device = (name: string): DeviceId => id(`${name}'s phone`) as DeviceId
const leaf = (name: string): LeafCredential => ({ identity: raw(name), device: raw(`${name}'s phone`), certHash: raw(`${name}'s certificate`) })

const space = raw('space'), binding = raw('binding'), epoch = id('epoch') as EpochId
const parent: EpochNode = {
  id: id('parent') as EpochId, parent: undefined, depth: 4, author: device('Alice'), removes: false, at: 0, leaves: [device('Alice'), device('Bob'), undefined, device('Carol')], children: [],
}
const body: CommitBody = {
  type: 'commit', parent: parent.id, mls: new Uint8Array(), external: false, welcome: undefined, groupInfo: new Uint8Array(), treeHash: new Uint8Array(), check: new Uint8Array(),
  backLink: undefined, relayKey: undefined, kitCheck: undefined,
}
/** Alice adds Dave and removes Bob. */
const good: SeenCommit = {
  groupId: space, epoch: 4, sender: { type: 'member', leaf: 0 }, addedLeaves: [leaf('Dave')], removedLeaves: [1], authenticatedData: binding,
  hasPath: true, otherProposals: false, pathLeaf: leaf('Alice'), externalLeaf: undefined,
}
/** Carol comes back in place of her old leaf. */
const back: SeenCommit = { ...good, sender: { type: 'external' }, addedLeaves: [], removedLeaves: [3], pathLeaf: leaf('Carol'), externalLeaf: leaf('Carol') }

const shape = (author: string, seen: SeenCommit, external = false): Shape | Malformed => shapeOf(parent, device(author), { ...body, external }, seen, space, binding)

describe('G11 the form of a commit follows from its bytes and its parent', () => {
  test('G11 newcomers take the leftmost blank leaves, after the removals', () => {
    expect(shape('Alice', good)).toMatchObject({ leaves: [device('Alice'), device('Dave'), undefined, device('Carol')], removed: [device('Bob')] })
    expect(shape('Carol', back, true)).toMatchObject({ leaves: [device('Alice'), device('Bob'), device('Carol'), undefined], removed: [] })
    expect(shape('Dave', { ...back, removedLeaves: [], pathLeaf: leaf('Dave') }, true)).toMatchObject({ leaves: [device('Alice'), device('Bob'), device('Dave'), device('Carol')] })
  })

  test.each<[string, Malformed, string, Partial<SeenCommit>]>([
    ['of another space', 'other-group', 'Alice', { groupId: raw('elsewhere') }],
    ['on an epoch of another number', 'other-epoch', 'Alice', { epoch: 5 }],
    ['with a proposal that has no place here', 'other-proposals', 'Alice', { otherProposals: true }],
    ['without a path: whom it removes could follow it', 'no-path', 'Alice', { pathLeaf: undefined, hasPath: false }],
    ['carried out of another op', 'unbound', 'Alice', { authenticatedData: raw('another binding') }],
    ['from a leaf that is not its author\'s', 'not-the-author', 'Alice', { sender: { type: 'member', leaf: 3 } }],
    ['from a leaf that is blank', 'not-the-author', 'Alice', { sender: { type: 'member', leaf: 2 } }],
    ['that puts another device in its author\'s place', 'not-the-author', 'Alice', { pathLeaf: leaf('Dave') }],
    ['signed as an op by another', 'not-the-author', 'Bob', {}],
    ['that removes a blank leaf', 'removes-blank', 'Alice', { removedLeaves: [2] }],
    ['that removes a leaf outside the tree', 'removes-blank', 'Alice', { removedLeaves: [900] }],
    ['that removes one leaf twice', 'removes-blank', 'Alice', { removedLeaves: [1, 1] }],
    ['that removes its author', 'removes-itself', 'Alice', { removedLeaves: [0] }],
    ['that adds a device twice', 'adds-twice', 'Alice', { addedLeaves: [leaf('Dave'), leaf('Dave')] }],
    ['that adds who is there', 'adds-twice', 'Alice', { addedLeaves: [leaf('Carol')] }],
  ])('G11 refused: %s', (_, why, author, wrong) => { expect(shape(author, { ...good, ...wrong })).toBe(why) })

  test.each<[string, Malformed, string, Partial<SeenCommit>, boolean]>([
    ['a join from outside that its op calls a member\'s', 'not-the-author', 'Carol', {}, false],
    ['a join as somebody else', 'not-the-author', 'Dave', {}, true],
    ['a join that pushes another out', 'pushes-out', 'Carol', { removedLeaves: [1] }, true],
    ['a join by who is there, and stays there', 'adds-twice', 'Carol', { removedLeaves: [] }, true],
  ])('G11 refused: %s', (_, why, author, wrong, external) => { expect(shape(author, { ...back, ...wrong }, external)).toBe(why) })

  test('G11 refused: a member\'s commit whose op calls it a join', () => { expect(shape('Alice', good, true)).toBe('not-the-author') })
})

describe('G12 a commit counts if authority at its past permits all of it', () => {
  const certificate = (name: string): Certificate => ({ identity: id(name) as IdentityId, certHash: raw(`${name}'s certificate`) })
  function objection(seen: SeenCommit, author: string, known: Record<string, Certificate>, isVoid = false): Objection | undefined {
    const made = shape(author, seen, seen.sender.type === 'external')
    if (typeof made === 'string') expect.fail(made)
    const members: Membership = {
      certificateAt: (_, d) => Object.entries(known).find(([name]) => device(name) === d)?.[1],
      powerBehind: () => 0, isVoid: () => isVoid, hasSeen: () => true, identityOf: () => undefined, isCut: () => false, size: () => 0, upheavals: () => 0,
    }
    return objectionTo(epoch, made, members)
  }
  const all = { Alice: certificate('Alice'), Carol: certificate('Carol'), Dave: certificate('Dave') }

  test('G12 adding the authorised and removing who is not any more', () => {
    expect(objection(good, 'Alice', all)).toBeUndefined()
    expect(objection(back, 'Carol', all)).toBeUndefined()
  })
  test('G12 refused: by an author whose op is void', () => { expect(objection(good, 'Alice', all, true)).toBe('void') })
  test('G12 refused: a join by a device that is not authorised, or under another certificate or name than its own', () => {
    expect(objection(back, 'Carol', { Alice: all.Alice })).toBe('uncertified')
    expect(objection({ ...back, pathLeaf: { ...leaf('Carol'), certHash: raw('forged') } }, 'Carol', all)).toBe('uncertified')
    expect(objection({ ...back, pathLeaf: { ...leaf('Carol'), identity: raw('Alice') } }, 'Carol', all)).toBe('uncertified')
  })
  test('G12 refused: adding a device that is not authorised, or under another certificate or name than its own', () => {
    expect(objection(good, 'Alice', { Alice: all.Alice })).toBe('adds-unauthorised')
    expect(objection(good, 'Alice', { ...all, Dave: certificate('Eve') })).toBe('adds-unauthorised')
    expect(objection({ ...good, addedLeaves: [{ ...leaf('Dave'), certHash: raw('forged') }] }, 'Alice', all)).toBe('adds-unauthorised')
  })
  test('G12 refused: removing who is still a member', () => { expect(objection(good, 'Alice', { ...all, Bob: certificate('Bob') })).toBe('removes-authorised') })
})
