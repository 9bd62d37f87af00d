/**
 * Invite links, and the kit that waits for a joiner at the relay.
 *
 *   link     <app>/#/join/<base64url(CBOR [1, space, secret, expiresAt, space name, inviter, [relay, ...]] || 4 bytes of its SHA-256)>
 *   parcel   HPKE to the invite's box key, of
 *   kit      ops    [1, [op bytes, ...]]                     the authority log, in pieces
 *            group  [2, epoch, group info, tree, envelope key, [[epoch, secret], ...], relay key]
 *
 * The part behind # never reaches a server. Whoever has the link may join, so it is worth as much as the space's door key.
 */
import { concat, equal, fromBase64Url, fromHex, toBase64Url } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText, isUint } from './cbor.ts'
import { type Secrets, secretsFrom } from './group.ts'
import { type EpochId, parseOpId, parseSpaceId, type SpaceId } from './ids.ts'
import { MAX_OP_BYTES } from './op.ts'

type Sha256 = (bytes: Uint8Array) => Uint8Array
const LINK_VERSION = 1
export const LINK_PATH = '/#/join/'
export const INVITE_SECRET_BYTES = 16
const MAX_LINK_CHARS = 4096
const MAX_KIT_BYTES = 1024 * 1024

export interface InviteLink {
  readonly space: SpaceId
  readonly secret: Uint8Array
  readonly expiresAt: number
  readonly spaceName: string
  readonly inviterName: string
  readonly relays: readonly string[]
}

export function encodeLink(link: InviteLink, base: string, sha256: Sha256): string {
  const bytes = encodeCbor([LINK_VERSION, fromHex(link.space) as Uint8Array, link.secret, link.expiresAt, link.spaceName, link.inviterName, [...link.relays]])
  return base.replace(/\/+$/, '') + LINK_PATH + toBase64Url(concat(bytes, sha256(bytes).subarray(0, 4)))
}

/** 'newer' for a link of a later version, undefined for anything that is not a link of ours or was damaged on the way. */
export function decodeLink(text: string, sha256: Sha256): InviteLink | 'newer' | undefined {
  if (text.length > MAX_LINK_CHARS) return undefined
  const at = text.indexOf('#/join/')
  const all = at < 0 ? undefined : fromBase64Url(text.slice(at + 7).trim())
  if (all === undefined || all.length < 8) return undefined
  const bytes = all.subarray(0, -4)
  if (!equal(all.subarray(-4), sha256(bytes).subarray(0, 4))) return undefined
  const v = decodeCbor(bytes, MAX_LINK_CHARS)
  if (!isArray(v) || !isUint(v[0])) return undefined
  if (v[0] > LINK_VERSION) return 'newer'
  const [, spaceBytes, secret, expiresAt, spaceName, inviterName, list] = v
  const space = isBytes(spaceBytes, 32) ? parseSpaceId(spaceBytes) : undefined
  if (v.length !== 7 || space === undefined || !isBytes(secret, INVITE_SECRET_BYTES) || !isUint(expiresAt)) return undefined
  if (!isText(spaceName, 64) || !isText(inviterName, 64) || !isArray(list) || list.length > 4) return undefined
  const relays = list.filter((url): url is string => isText(url, 200) && /^https?:\/\/[^\s/]+/.test(url))
  return relays.length === list.length ? { space, secret, expiresAt, spaceName, inviterName, relays } : undefined
}

export type Kit =
  | { readonly type: 'ops'; readonly ops: readonly Uint8Array[] }
  | {
      readonly type: 'group'
      readonly epoch: EpochId
      readonly groupInfo: Uint8Array
      readonly tree: Uint8Array
      /** Opens and seals envelopes of this epoch. */
      readonly envelopeSecret: Uint8Array
      /** Its secret and others, where newcomers may read what was said before. */
      readonly secrets: Secrets
      readonly relayKey: Uint8Array
    }

export function encodeKit(kit: Kit): Uint8Array {
  switch (kit.type) {
    case 'ops': return encodeCbor([1, [...kit.ops]])
    case 'group': return encodeCbor([2, fromHex(kit.epoch) as Uint8Array, kit.groupInfo, kit.tree, kit.envelopeSecret, kit.secrets.map((s) => [fromHex(s.epoch) as Uint8Array, s.secret]), kit.relayKey])
  }
}

export function decodeKit(bytes: Uint8Array): Kit | undefined {
  const v = decodeCbor(bytes, MAX_KIT_BYTES)
  if (!isArray(v)) return undefined
  if (v[0] === 1) {
    const list: Cbor | undefined = v[1]
    if (v.length !== 2 || !isArray(list) || list.length > 4096) return undefined
    const ops = list.filter((op): op is Uint8Array => isBytes(op) && op.length <= MAX_OP_BYTES)
    return ops.length === list.length ? { type: 'ops', ops } : undefined
  }
  const [kind, epochBytes, groupInfo, tree, envelopeSecret, list, relayKey] = v
  const epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
  if (kind !== 2 || v.length !== 7 || epoch === undefined || !isBytes(groupInfo) || !isBytes(tree) || !isBytes(envelopeSecret, 32)) return undefined
  const secrets = secretsFrom(list)
  if (secrets === undefined || !isBytes(relayKey, 32)) return undefined
  return { type: 'group', epoch, groupInfo, tree, envelopeSecret, secrets, relayKey }
}
