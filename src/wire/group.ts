/**
 * Bodies of the group's ops, in the pseudo-channel beside authority. MLS follows authority; these carry it.
 *
 *   commit  [parent epoch, mls bytes, external?, welcome, group info, tree hash, ec, back-link, relay key]
 *   bundle  [under epoch, [[epoch, sealed secret], ...]]     secrets of losing branches, sealed under the tip's
 *   commitReject [epoch, why]                                the author holds the parent's state and can't process the commit
 */
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { fromHex } from './bytes.ts'
import { type EpochId, type OpId, parseOpId } from './ids.ts'

export const MAX_COMMIT_BYTES = 400 * 1024
/** Nonce (24), tag (16) and a 32-byte secret. */
export const SEALED_SECRET_BYTES = 72
export const MAX_BUNDLE_EPOCHS = 64
const NONE = new Uint8Array()

export interface CommitBody {
  readonly type: 'commit'
  readonly parent: EpochId
  /** Framed MLSMessage holding a PublicMessage (RFC 9420, section 6), so that everyone can check its proposals. */
  readonly mls: Uint8Array
  readonly external: boolean
  /** Welcome without tree, when someone was added. */
  readonly welcome: Uint8Array | undefined
  /** Group info of the new epoch without tree: with the tree, all that an external join needs. */
  readonly groupInfo: Uint8Array
  /** SHA-256 of the encoded ratchet tree of the new epoch. */
  readonly treeHash: Uint8Array
  /** Commitment to the epoch secret: SHA-256("tk1 ec" || secret). A key from anywhere is believed only if it matches. */
  readonly check: Uint8Array
  /** The parent epoch's secret, sealed under this one's: history for newcomers, where the policy says so. */
  readonly backLink: Uint8Array | undefined
  /** The space's relay key sealed under this epoch's secret; left out where this epoch starts a new one (after a removal). */
  readonly relayKey: Uint8Array | undefined
}

export interface BundleBody {
  readonly type: 'bundle'
  readonly under: EpochId
  readonly secrets: readonly { readonly epoch: EpochId; readonly sealed: Uint8Array }[]
}

/** What failed: MLS itself, the leaves it gave, or the epoch's secret against its commitment. */
const BREAKAGES = ['mls', 'leaves', 'check'] as const
export type Breakage = (typeof BREAKAGES)[number]

export interface RejectBody {
  readonly type: 'commitReject'
  readonly epoch: EpochId
  readonly why: Breakage
}

export type GroupBody = CommitBody | BundleBody | RejectBody

const raw = (id: OpId): Uint8Array => fromHex(id) as Uint8Array

export function encodeGroupBody(body: GroupBody): Uint8Array {
  switch (body.type) {
    case 'commit':
      return encodeCbor([raw(body.parent), body.mls, body.external, body.welcome ?? NONE, body.groupInfo, body.treeHash, body.check, body.backLink ?? NONE, body.relayKey ?? NONE])
    case 'bundle':
      return encodeCbor([raw(body.under), body.secrets.map((s) => [raw(s.epoch), s.sealed])])
    case 'commitReject':
      return encodeCbor([raw(body.epoch), BREAKAGES.indexOf(body.why)])
  }
}

export function decodeGroupBody(type: string, bytes: Uint8Array): GroupBody | undefined {
  switch (type) {
    case 'commit': return decodeCommit(decodeCbor(bytes, MAX_COMMIT_BYTES))
    case 'bundle': return decodeBundle(decodeCbor(bytes, 128 + MAX_BUNDLE_EPOCHS * 128))
    case 'commitReject': return decodeReject(decodeCbor(bytes, 64))
    default: return undefined
  }
}

const optional = (v: Cbor | undefined, length?: number): Uint8Array | null | undefined =>
  !isBytes(v) ? undefined : v.length === 0 ? null : length === undefined || v.length === length ? v : undefined

function decodeCommit(v: Cbor | undefined): CommitBody | undefined {
  if (!isArray(v, 9)) return undefined
  const [parentBytes, mls, external, welcomeBytes, groupInfo, treeHash, check, backBytes, relayBytes] = v
  const parent = isBytes(parentBytes, 32) ? parseOpId(parentBytes) : undefined
  const welcome = optional(welcomeBytes), backLink = optional(backBytes, SEALED_SECRET_BYTES), relayKey = optional(relayBytes, SEALED_SECRET_BYTES)
  if (parent === undefined || !isBytes(mls) || mls.length === 0 || typeof external !== 'boolean' || !isBytes(groupInfo) || groupInfo.length > 8192) return undefined
  if (!isBytes(treeHash, 32) || !isBytes(check, 32) || welcome === undefined || backLink === undefined || relayKey === undefined) return undefined
  return { type: 'commit', parent, mls, external, welcome: welcome ?? undefined, groupInfo, treeHash, check, backLink: backLink ?? undefined, relayKey: relayKey ?? undefined }
}

function decodeBundle(v: Cbor | undefined): BundleBody | undefined {
  if (!isArray(v, 2)) return undefined
  const [underBytes, list] = v
  const under = isBytes(underBytes, 32) ? parseOpId(underBytes) : undefined
  if (under === undefined || !isArray(list) || list.length === 0 || list.length > MAX_BUNDLE_EPOCHS) return undefined
  const secrets: { epoch: EpochId; sealed: Uint8Array }[] = []
  for (const item of list) {
    if (!isArray(item, 2)) return undefined
    const [epochBytes, sealed] = item
    const epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
    if (epoch === undefined || !isBytes(sealed, SEALED_SECRET_BYTES)) return undefined
    secrets.push({ epoch, sealed })
  }
  return { type: 'bundle', under, secrets }
}

function decodeReject(v: Cbor | undefined): RejectBody | undefined {
  if (!isArray(v, 2)) return undefined
  const [epochBytes, whyIndex] = v
  const epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
  const why = isUint(whyIndex) ? BREAKAGES[whyIndex] : undefined
  return epoch === undefined || why === undefined ? undefined : { type: 'commitReject', epoch, why }
}
