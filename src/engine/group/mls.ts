/**
 * MLS (RFC 9420) as the engine uses it: a small, typed layer over a patched ts-mls (patches/), in one ciphersuite,
 * MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519.
 *
 * A group is a chain of epochs. A member holds a state per epoch; a commit, made from one state, leads to the next: it adds and removes
 * leaves (devices) and renews the committer's keys along its path in a ratchet tree, so that a removed device can't follow. Whoever is
 * added gets a Welcome; whoever holds the group info and tree may join by an external commit. Here commits may branch: a state is never
 * changed, and any number of commits can be processed from it.
 *
 * Commits are PublicMessages, so that everyone can check whom they add and remove (inspectCommit); each carries a path. Who may do what
 * is not decided here: `validate` asks the engine. Results for input from outside are values, { reason } where it is refused.
 */
import type { ClientConfig, ClientState, GroupState, KeyPackage, PrivateKeyPackage, Proposal } from 'ts-mls'
// Module by module: the index loads ts-mls's own crypto providers and @hpke/core with them, none of which we use.
import { createGroup as createMlsGroup, decodeGroupState, encodeGroupState, joinGroup } from 'ts-mls/clientState.js'
import { createCommit, createGroupInfoWithExternalPub, joinGroupExternal } from 'ts-mls/createCommit.js'
import { defaultKeyPackageEqualityConfig } from 'ts-mls/keyPackageEqualityConfig.js'
import { defaultKeyRetentionConfig } from 'ts-mls/keyRetentionConfig.js'
import { generateKeyPackageWithKey, makeKeyPackageRef, verifyKeyPackage } from 'ts-mls/keyPackage.js'
import { mlsExporter } from 'ts-mls/keySchedule.js'
import { verifyLeafNodeSignatureKeyPackage } from 'ts-mls/leafNode.js'
import { encodeMlsMessage } from 'ts-mls/message.js'
import { defaultPaddingConfig } from 'ts-mls/paddingConfig.js'
import { processPublicMessage } from 'ts-mls/processMessages.js'
import { emptyPskIndex } from 'ts-mls/pskIndex.js'
import type { Ciphersuite, SigningKey } from '../../ports.ts'
import { equal, toHex } from '../../wire/bytes.ts'
import {
  decodeCommitMessage, decodeCredential, decodeGroupInfoMessage, decodeKeyPackageMessage, decodeTree, decodeWelcomeMessage, decodeWhole, encodeCredential, encodeKeyPackage,
  encodeRatchetTree, inspectCommit, type LeafCredential, leafCredential, MAX_STATE_BYTES, type SeenCommit,
} from './mls-codec.ts'

export { inspectCommit, type LeafCredential, type SeenCommit }

export interface MlsContext {
  readonly suite: Ciphersuite
  /** The engine's authority: may this device, of this identity, be in the group at all? */
  validate(credential: LeafCredential, signatureKey: Uint8Array): boolean
}

/** The device we are: its Ed25519 key signs its leaf, its public key is its id. */
export interface MlsSelf { readonly identity: Uint8Array; readonly device: SigningKey; readonly certHash: Uint8Array }

/** Seconds since 1970, both inclusive. Written into a key package; read by the engine, which knows the time. */
export interface Lifetime { readonly notBefore: number; readonly notAfter: number }

/** One epoch as one device holds it. Never changed once made: any number of commits can be processed from it. */
export type MlsState = Readonly<GroupState>

export interface Refused { readonly reason: string }

/** A commit and all that others need of it. The state is the committer's own: it can't process its own commit. */
export interface Made {
  readonly state: MlsState
  /** Framed MLSMessage holding a PublicMessage. */
  readonly commit: Uint8Array
  /** For those added, without tree; undefined when nobody was. */
  readonly welcome: Uint8Array | undefined
  /** Of the new epoch, without tree, good for external commits. */
  readonly groupInfo: Uint8Array
  readonly tree: Uint8Array
}

/** The public half is what others add us by; the secret half stays here. One package may serve several Welcomes (a last resort). */
export interface OwnKeyPackage { readonly public: Uint8Array; readonly secret: Uint8Array }

export interface SeenKeyPackage { readonly credential: LeafCredential; readonly signatureKey: Uint8Array; readonly ref: Uint8Array; readonly lifetime: Lifetime }

const MLS_NAME = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'
/** The one refusal that says nothing against the commit. */
export const REMOVES_US = 'removes this device'
const FOREVER: Lifetime = { notBefore: 0, notAfter: Number.MAX_SAFE_INTEGER }
const STATE_VERSION = 1

/** Fresh HPKE keys in a package signed by the device. */
export async function createKeyPackage(ctx: MlsContext, me: MlsSelf, lifetime: Lifetime): Promise<OwnKeyPackage> {
  const { publicPackage, privatePackage } = await makeKeyPackage(ctx, me, lifetime)
  const secret = new Uint8Array(64)
  secret.set(privatePackage.initPrivateKey)
  secret.set(privatePackage.hpkePrivateKey, 32)
  return { public: encodeKeyPackage(publicPackage), secret }
}

/** undefined unless both signatures are right and the credential names the key that made them. Lifetime and authority are the caller's to check. */
export async function decodeKeyPackage(ctx: MlsContext, bytes: Uint8Array): Promise<SeenKeyPackage | undefined> {
  const keyPackage = decodeKeyPackageMessage(bytes)
  const credential = keyPackage === undefined ? undefined : leafCredential(keyPackage.leafNode)
  if (keyPackage === undefined || credential === undefined || keyPackage.cipherSuite !== MLS_NAME) return undefined
  const { mls } = ctx.suite
  const { leafNode } = keyPackage
  if (equal(keyPackage.initKey, leafNode.hpkePublicKey) || !await verifyKeyPackage(keyPackage, mls.signature)) return undefined
  if (!await verifyLeafNodeSignatureKeyPackage(leafNode, mls.signature)) return undefined
  const lifetime = { notBefore: Number(leafNode.lifetime.notBefore), notAfter: Number(leafNode.lifetime.notAfter) }
  return { credential, signatureKey: leafNode.signaturePublicKey, ref: await makeKeyPackageRef(keyPackage, mls.hash), lifetime }
}

/** Until when (s) a package is good; undefined when it is none. */
export function packageEnd(bytes: Uint8Array): number | undefined {
  const leaf = decodeKeyPackageMessage(bytes)?.leafNode
  return leaf === undefined ? undefined : Number(leaf.lifetime.notAfter)
}

/** Epoch 0, with this device alone in it. */
export async function createGroup(ctx: MlsContext, me: MlsSelf, groupId: Uint8Array): Promise<MlsState> {
  const { publicPackage, privatePackage } = await makeKeyPackage(ctx, me, FOREVER)
  return kept(await createMlsGroup(groupId, publicPackage, privatePackage, [], ctx.suite.mls, config(ctx)))
}

/** Adds and removes, or, with neither, renews this device's keys. */
export async function commit(
  ctx: MlsContext, state: MlsState,
  change: { readonly add: readonly Uint8Array[]; readonly remove: readonly number[]; readonly authenticatedData: Uint8Array },
): Promise<Made | Refused> {
  const proposals: Proposal[] = change.remove.map((removed) => ({ proposalType: 'remove', remove: { removed } }))
  for (const bytes of change.add) {
    const keyPackage = decodeKeyPackageMessage(bytes)
    if (keyPackage === undefined) return { reason: 'a key package is malformed' }
    proposals.push({ proposalType: 'add', add: { keyPackage } })
  }
  return attempt(async () => {
    const made = await createCommit(
      { state: active(ctx, state), cipherSuite: ctx.suite.mls },
      { wireAsPublicMessage: true, extraProposals: proposals, authenticatedData: change.authenticatedData },
    )
    const welcome = made.welcome === undefined ? undefined : encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome: made.welcome })
    return finish(ctx, made.newState, encodeMlsMessage(made.commit), welcome)
  })
}

/** The next state. Refuses what inspectCommit can't vouch for; `state` stays usable whatever happens. */
export async function processCommit(ctx: MlsContext, state: MlsState, bytes: Uint8Array): Promise<MlsState | Refused> {
  const seen = inspectCommit(bytes), message = decodeCommitMessage(bytes)
  if (seen === undefined || message === undefined) return { reason: 'malformed' }
  const objection = objectionTo(seen, state)
  if (objection !== undefined) return { reason: objection }
  return attempt(async () => {
    const { newState } = await processPublicMessage(active(ctx, state), message, emptyPskIndex, ctx.suite.mls)
    return checked(newState)
  })
}

/** Joins as one whom a commit added. `pkg` is the key package it was added by. */
export async function joinFromWelcome(ctx: MlsContext, welcomeBytes: Uint8Array, treeBytes: Uint8Array, pkg: OwnKeyPackage, me: MlsSelf): Promise<MlsState | Refused> {
  const welcome = decodeWelcomeMessage(welcomeBytes), tree = decodeTree(treeBytes), keyPackage = decodeKeyPackageMessage(pkg.public)
  if (welcome === undefined || tree === undefined || keyPackage === undefined || pkg.secret.length !== 64) return { reason: 'malformed' }
  // RFC 9420, 12.4.3.1; ts-mls doesn't ask.
  if (welcome.cipherSuite !== MLS_NAME) return { reason: 'of another ciphersuite' }
  const secrets: PrivateKeyPackage = { initPrivateKey: pkg.secret.slice(0, 32), hpkePrivateKey: pkg.secret.slice(32), signaturePrivateKey: me.device.secretKey }
  return attempt(async () => checked(await joinGroup(welcome, keyPackage, secrets, emptyPskIndex, ctx.suite.mls, tree, undefined, config(ctx))))
}

/** Joins without anybody's help, from group info and tree. A leaf this device left behind in the tree is removed by the same commit. */
export async function externalCommit(ctx: MlsContext, infoBytes: Uint8Array, treeBytes: Uint8Array, me: MlsSelf, authenticatedData: Uint8Array): Promise<Made | Refused> {
  const info = decodeGroupInfoMessage(infoBytes), tree = decodeTree(treeBytes)
  if (info === undefined || tree === undefined) return { reason: 'malformed' }
  if (info.groupContext.cipherSuite !== MLS_NAME) return { reason: 'of another ciphersuite' }
  return attempt(async () => {
    const { publicPackage, privatePackage } = await makeKeyPackage(ctx, me, FOREVER)
    const stale = tree.some((node) => node?.nodeType === 'leaf' && equal(node.leaf.signaturePublicKey, me.device.publicKey))
    const made = await joinGroupExternal(info, publicPackage, privatePackage, stale, ctx.suite.mls, tree, config(ctx), authenticatedData)
    return finish(ctx, made.newState, encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage: made.publicMessage }), undefined)
  })
}

/** Group info without tree that lets its reader join by an external commit. */
export async function groupInfo(ctx: MlsContext, state: MlsState): Promise<Uint8Array> {
  const info = await createGroupInfoWithExternalPub(active(ctx, state), [], ctx.suite.mls)
  return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_group_info', groupInfo: info })
}

/** The ratchet tree as newcomers need it: public, the same for every member of the epoch. */
export const encodeTree = (state: MlsState): Uint8Array => encodeRatchetTree(state.ratchetTree)

/** MLS's own tree hash (RFC 9420, 7.8). Not the hash of encodeTree. */
export const treeHash = (state: MlsState): Uint8Array => state.groupContext.treeHash

/** MLS exporter (RFC 9420, 8.5). */
export const exportSecret = (ctx: MlsContext, state: MlsState, label: string, context: Uint8Array, length: number): Promise<Uint8Array> =>
  mlsExporter(state.keySchedule.exporterSecret, label, context, length, ctx.suite.mls)

/** Equal for all who are in the same epoch, and secret: members compare it to know that nobody sits between them. */
export const epochAuthenticator = (state: MlsState): Uint8Array => state.keySchedule.epochAuthenticator

export const mlsEpoch = (state: MlsState): number => Number(state.groupContext.epoch)

export interface Leaf extends LeafCredential { readonly index: number }

export function leaves(state: MlsState): Leaf[] {
  return state.ratchetTree.flatMap((node, i) => {
    const credential = node?.nodeType === 'leaf' ? decodeCredential(node.leaf.credential) : undefined
    return credential === undefined ? [] : [{ index: i / 2, ...credential }]
  })
}

/** Everything, secrets too: for the disk, which seals it. */
export function encodeState(state: MlsState): Uint8Array {
  const body = encodeGroupState(state)
  const out = new Uint8Array(1 + body.length)
  out[0] = STATE_VERSION
  out.set(body, 1)
  return out
}

export function decodeState(bytes: Uint8Array, maxBytes = MAX_STATE_BYTES): MlsState | undefined {
  if (bytes[0] !== STATE_VERSION || bytes.length > maxBytes) return undefined
  return decodeWhole(bytes.subarray(1), maxBytes, decodeGroupState, encodeGroupState)
}

function makeKeyPackage(ctx: MlsContext, me: MlsSelf, lifetime: Lifetime): Promise<{ publicPackage: KeyPackage; privatePackage: PrivateKeyPackage }> {
  const credential = encodeCredential({ identity: me.identity, device: me.device.publicKey, certHash: me.certHash })
  // Spelt out, because ts-mls's defaults draw from Math.random (GREASE) and Date.now.
  const capabilities = { versions: ['mls10' as const], ciphersuites: [MLS_NAME as typeof MLS_NAME], extensions: [], proposals: [], credentials: ['basic' as const] }
  const span = { notBefore: BigInt(lifetime.notBefore), notAfter: BigInt(lifetime.notAfter) }
  return generateKeyPackageWithKey(credential, capabilities, span, [], { signKey: me.device.secretKey, publicKey: me.device.publicKey }, ctx.suite.mls)
}

/** What RFC 9420 or our own rules forbid and ts-mls lets pass; undefined when there is nothing. */
function objectionTo(seen: SeenCommit, state: MlsState): string | undefined {
  const { groupContext, ratchetTree } = state
  if (!equal(seen.groupId, groupContext.groupId)) return 'of another group'
  if (BigInt(seen.epoch) !== groupContext.epoch) return 'of another epoch'
  if (seen.otherProposals) return 'holds a proposal that has no place here'
  // Whoever is removed by a commit without a path can follow it.
  if (seen.pathLeaf === undefined) return 'has no path'
  const deviceAt = (leaf: number): Uint8Array | undefined => {
    const node = ratchetTree[leaf * 2]
    return node?.nodeType === 'leaf' ? node.leaf.signaturePublicKey : undefined
  }
  for (const leaf of seen.removedLeaves) if (deviceAt(leaf) === undefined) return 'removes a blank leaf'
  // Asked here, since ts-mls, when this device's own newer self rejoins, doesn't notice and walks off the tree.
  if (seen.removedLeaves.includes(state.privatePath.leafIndex)) return REMOVES_US
  // A leaf stays one device's: a committer renews its keys, it doesn't become another or push another out by rejoining.
  const owned = seen.sender.type === 'member' ? [seen.sender.leaf] : seen.removedLeaves
  const device = seen.pathLeaf.device
  for (const leaf of owned) if (!equal(deviceAt(leaf) ?? new Uint8Array(), device)) return 'puts one device in the place of another'
  return undefined
}

/** ts-mls wants its rules inside the state; ours change with authority, so they are put in for each call and left out of what is kept. */
const active = (ctx: MlsContext, state: MlsState): ClientState => ({ ...state, clientConfig: config(ctx) })

function config(ctx: MlsContext): ClientConfig {
  return {
    keyRetentionConfig: defaultKeyRetentionConfig,
    lifetimeConfig: { maximumTotalLifetime: 0n, validateLifetimeOnReceive: false },
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    paddingConfig: defaultPaddingConfig,
    authService: {
      async validateCredential(credential, signatureKey) {
        const leaf = decodeCredential(credential)
        return leaf !== undefined && equal(leaf.device, signatureKey) && ctx.validate(leaf, signatureKey)
      },
    },
  }
}

/** What a state needs from here on: no former epochs (ts-mls keeps their trees for late PrivateMessages) and no keys of nodes that are blank now. */
function kept(state: ClientState): MlsState {
  const { clientConfig: _, ...group } = state
  const privateKeys = Object.fromEntries(Object.entries(state.privatePath.privateKeys).filter(([node]) => state.ratchetTree[Number(node)] !== undefined))
  return { ...group, historicalReceiverData: new Map(), privatePath: { leafIndex: state.privatePath.leafIndex, privateKeys } }
}

/** Signature and encryption keys are unique among members (RFC 9420, 7.3); ts-mls compares the old leaves with each other, not with the new one. */
function checked(state: ClientState): MlsState | Refused {
  const seen = new Set<string>()
  for (const node of state.ratchetTree) {
    if (node === undefined) continue
    const keys = node.nodeType === 'leaf' ? [node.leaf.hpkePublicKey, node.leaf.signaturePublicKey] : [node.parent.hpkePublicKey]
    for (const key of keys) {
      const name = toHex(key)
      if (seen.has(name)) return { reason: 'a key is in the tree twice' }
      seen.add(name)
    }
  }
  return kept(state)
}

async function finish(ctx: MlsContext, newState: ClientState, bytes: Uint8Array, welcome: Uint8Array | undefined): Promise<Made | Refused> {
  const state = checked(newState)
  if ('reason' in state) return state
  return { state, commit: bytes, welcome, groupInfo: await groupInfo(ctx, state), tree: encodeTree(state) }
}

/** ts-mls answers bad input by throwing; past this line that is a value. */
async function attempt<T>(work: () => Promise<T | Refused>): Promise<T | Refused> {
  try { return await work() } catch (error) { return { reason: error instanceof Error ? error.message : 'failed' } }
}
