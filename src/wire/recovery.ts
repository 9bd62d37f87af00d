/**
 * A signature for naming a new owner, as its giver hands it to whoever collects them: by message, on paper, aloud if need be.
 *
 *   base64url(CBOR [1, space, recovery set, new owner, identity public key, signature] || 4 bytes of its SHA-256)
 *
 * The first three say what was signed (recoverBytes in authority.ts), so that one for another space, set or person is told from a forged one.
 */
import { concat, equal, fromBase64Url, fromHex, toBase64Url } from './bytes.ts'
import { decodeCbor, encodeCbor, isArray, isBytes } from './cbor.ts'
import { type IdentityId, type OpId, parseIdentityId, parseOpId, parseSpaceId, type SpaceId } from './ids.ts'

export interface RecoverySignature {
  readonly space: SpaceId
  /** The op that named the set. */
  readonly set: OpId
  readonly to: IdentityId
  readonly identityPk: Uint8Array
  readonly signature: Uint8Array
}

type Sha256 = (bytes: Uint8Array) => Uint8Array
const VERSION = 1
export const MAX_RECOVERY_SIGNATURE_CHARS = 512
const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export function encodeRecoverySignature(s: RecoverySignature, sha256: Sha256): string {
  const bytes = encodeCbor([VERSION, raw(s.space), raw(s.set), raw(s.to), s.identityPk, s.signature])
  return toBase64Url(concat(bytes, sha256(bytes).subarray(0, 4)))
}

/** undefined for what is none, is damaged, or of a version that isn't known here. */
export function decodeRecoverySignature(text: string, sha256: Sha256): RecoverySignature | undefined {
  if (text.length > MAX_RECOVERY_SIGNATURE_CHARS) return undefined
  const all = fromBase64Url(text.trim())
  if (all === undefined || all.length < 8) return undefined
  const bytes = all.subarray(0, -4)
  if (!equal(all.subarray(-4), sha256(bytes).subarray(0, 4))) return undefined
  const v = decodeCbor(bytes, MAX_RECOVERY_SIGNATURE_CHARS)
  if (!isArray(v, 6) || v[0] !== VERSION) return undefined
  const [, spaceBytes, setBytes, toBytes, identityPk, signature] = v
  const space = isBytes(spaceBytes, 32) ? parseSpaceId(spaceBytes) : undefined
  const set = isBytes(setBytes, 32) ? parseOpId(setBytes) : undefined
  const to = isBytes(toBytes, 32) ? parseIdentityId(toBytes) : undefined
  if (space === undefined || set === undefined || to === undefined || !isBytes(identityPk, 32) || !isBytes(signature, 64)) return undefined
  return { space, set, to, identityPk, signature }
}
