/**
 * Bodies of the group's ops, in the pseudo-channel beside authority. MLS follows authority; these carry it.
 *
 *   commit  [parent epoch, mls bytes, external?, welcome, group info, tree hash, ec, back-link, relay key]
 *   bundle  [under epoch, [[epoch, sealed secret], ...]]     secrets of losing branches, sealed under the tip's
 *   keyWant [[epoch, ...]]                                  a device lacks secrets that are meant for it
 *   grant   [keyWant op, sealed]                            those secrets, HPKE to that device's box key of [[epoch, secret], ...]
 *   historyShare [identity]                                 who came without the open past may have it
 *   commitReject [epoch, why]                                the author holds the parent's state and can't process the commit
 */
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { fromHex } from './bytes.ts'
import { type EpochId, type IdentityId, type OpId, parseIdentityId, parseOpId } from './ids.ts'

export const MAX_COMMIT_BYTES = 400 * 1024
/** Nonce (24), tag (16) and a 32-byte secret. */
export const SEALED_SECRET_BYTES = 72
export const MAX_BUNDLE_EPOCHS = 64
export const MAX_WANTED_EPOCHS = 256
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
  /**
   * Commitment to the two keys by which newcomers reach the members of this epoch: SHA-256("tk1 kit check" || envelope key || relay key). What is laid for them has to match. Commits of earlier
   * versions have none.
   */
  readonly kitCheck: Uint8Array | undefined
}

export interface BundleBody {
  readonly type: 'bundle'
  readonly under: EpochId
  readonly secrets: readonly { readonly epoch: EpochId; readonly sealed: Uint8Array }[]
}

/** What failed: MLS itself, the leaves it gave, or the epoch's secret, its newcomers' keys or its tree against their commitments. */
const BREAKAGES = ['mls', 'leaves', 'check', 'tree'] as const
export type Breakage = (typeof BREAKAGES)[number]

export interface RejectBody {
  readonly type: 'commitReject'
  readonly epoch: EpochId
  readonly why: Breakage
}

export interface WantBody { readonly type: 'keyWant'; readonly epochs: readonly EpochId[] }
export interface GrantBody { readonly type: 'grant'; readonly want: OpId; readonly sealed: Uint8Array }
export interface ShareBody { readonly type: 'historyShare'; readonly identity: IdentityId }

export type GroupBody = CommitBody | BundleBody | RejectBody | WantBody | GrantBody | ShareBody

/** Epochs' secrets, as they are sealed in a grant. */
export type Secrets = readonly { readonly epoch: EpochId; readonly secret: Uint8Array }[]

const raw = (id: OpId | IdentityId): Uint8Array => fromHex(id) as Uint8Array

export function encodeGroupBody(body: GroupBody): Uint8Array {
  switch (body.type) {
    case 'commit':
      return encodeCbor([raw(body.parent), body.mls, body.external, body.welcome ?? NONE, body.groupInfo, body.treeHash, body.check, body.backLink ?? NONE, body.relayKey ?? NONE, ...(body.kitCheck === undefined ? [] : [body.kitCheck])])
    case 'bundle':
      return encodeCbor([raw(body.under), body.secrets.map((s) => [raw(s.epoch), s.sealed])])
    case 'commitReject':
      return encodeCbor([raw(body.epoch), BREAKAGES.indexOf(body.why)])
    case 'keyWant': return encodeCbor([body.epochs.map(raw)])
    case 'grant': return encodeCbor([raw(body.want), body.sealed])
    case 'historyShare': return encodeCbor([raw(body.identity)])
  }
}

export function decodeGroupBody(type: string, bytes: Uint8Array): GroupBody | undefined {
  switch (type) {
    case 'commit': return decodeCommit(decodeCbor(bytes, MAX_COMMIT_BYTES))
    case 'bundle': return decodeBundle(decodeCbor(bytes, 128 + MAX_BUNDLE_EPOCHS * 128))
    case 'commitReject': return decodeReject(decodeCbor(bytes, 64))
    case 'keyWant': return decodeWant(decodeCbor(bytes, 16 + MAX_WANTED_EPOCHS * 40))
    case 'grant': return decodeGrant(decodeCbor(bytes, 256 + MAX_WANTED_EPOCHS * 72))
    case 'historyShare': return decodeShare(decodeCbor(bytes, 64))
    default: return undefined
  }
}

export const encodeSecrets = (secrets: Secrets): Uint8Array => encodeCbor(secrets.map((s) => [raw(s.epoch), s.secret]))

export const decodeSecrets = (bytes: Uint8Array): Secrets | undefined => secretsFrom(decodeCbor(bytes, 16 + MAX_WANTED_EPOCHS * 72))

export const secretsFrom = (list: Cbor | undefined): Secrets | undefined =>
  isArray(list) && list.length <= MAX_WANTED_EPOCHS ? pairs(list, 32)?.map(({ epoch, bytes: secret }) => ({ epoch, secret })) : undefined

const optional = (v: Cbor | undefined, length?: number): Uint8Array | null | undefined =>
  !isBytes(v) ? undefined : v.length === 0 ? null : length === undefined || v.length === length ? v : undefined

function decodeCommit(v: Cbor | undefined): CommitBody | undefined {
  if (!isArray(v, 9) && !isArray(v, 10)) return undefined
  const [parentBytes, mls, external, welcomeBytes, groupInfo, treeHash, check, backBytes, relayBytes, kitCheck] = v
  const parent = isBytes(parentBytes, 32) ? parseOpId(parentBytes) : undefined
  const welcome = optional(welcomeBytes), backLink = optional(backBytes, SEALED_SECRET_BYTES), relayKey = optional(relayBytes, SEALED_SECRET_BYTES)
  if (parent === undefined || !isBytes(mls) || mls.length === 0 || typeof external !== 'boolean' || !isBytes(groupInfo) || groupInfo.length > 8192) return undefined
  if (!isBytes(treeHash, 32) || !isBytes(check, 32) || welcome === undefined || backLink === undefined || relayKey === undefined || (kitCheck !== undefined && !isBytes(kitCheck, 32))) return undefined
  return { type: 'commit', parent, mls, external, welcome: welcome ?? undefined, groupInfo, treeHash, check, backLink: backLink ?? undefined, relayKey: relayKey ?? undefined, kitCheck }
}

function decodeBundle(v: Cbor | undefined): BundleBody | undefined {
  if (!isArray(v, 2)) return undefined
  const [underBytes, list] = v
  const under = isBytes(underBytes, 32) ? parseOpId(underBytes) : undefined
  if (under === undefined || !isArray(list) || list.length === 0 || list.length > MAX_BUNDLE_EPOCHS) return undefined
  const secrets = pairs(list, SEALED_SECRET_BYTES)?.map(({ epoch, bytes: sealed }) => ({ epoch, sealed }))
  if (secrets === undefined) return undefined
  return { type: 'bundle', under, secrets }
}

/** Epochs, each with so many bytes. */
function pairs(list: readonly Cbor[], length: number): { epoch: EpochId; bytes: Uint8Array }[] | undefined {
  const out: { epoch: EpochId; bytes: Uint8Array }[] = []
  for (const item of list) {
    if (!isArray(item, 2)) return undefined
    const [epochBytes, bytes] = item
    const epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
    if (epoch === undefined || !isBytes(bytes, length)) return undefined
    out.push({ epoch, bytes })
  }
  return out
}

function decodeWant(v: Cbor | undefined): WantBody | undefined {
  if (!isArray(v, 1)) return undefined
  const [list] = v
  if (!isArray(list) || list.length === 0 || list.length > MAX_WANTED_EPOCHS) return undefined
  const epochs = list.map((item) => (isBytes(item, 32) ? parseOpId(item) : undefined)).filter((epoch) => epoch !== undefined)
  return epochs.length === list.length && new Set(epochs).size === epochs.length ? { type: 'keyWant', epochs } : undefined
}

function decodeGrant(v: Cbor | undefined): GrantBody | undefined {
  if (!isArray(v, 2)) return undefined
  const [wantBytes, sealed] = v
  const want = isBytes(wantBytes, 32) ? parseOpId(wantBytes) : undefined
  return want === undefined || !isBytes(sealed) ? undefined : { type: 'grant', want, sealed }
}

function decodeShare(v: Cbor | undefined): ShareBody | undefined {
  const identity = isArray(v, 1) && isBytes(v[0], 32) ? parseIdentityId(v[0]) : undefined
  return identity === undefined ? undefined : { type: 'historyShare', identity }
}

function decodeReject(v: Cbor | undefined): RejectBody | undefined {
  if (!isArray(v, 2)) return undefined
  const [epochBytes, whyIndex] = v
  const epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
  const why = isUint(whyIndex) ? BREAKAGES[whyIndex] : undefined
  return epoch === undefined || why === undefined ? undefined : { type: 'commitReject', epoch, why }
}
