/**
 * Sealing what people write. The nonce is synthetic over header and padded text: n = HMAC(nonce key, header || text)[0..24], unique because
 * the header is, safe when a restored backup repeats itself, and rebuildable by any member who has the text. The header that is
 * authenticated has a zero body hash, since the hash covers the ciphertext.
 *
 *   body = nonce (24) || XChaCha20-Poly1305(K, nonce, header, padded text)
 */
import type { Ciphersuite } from '../../ports.ts'
import { concat, equal } from '../../wire/bytes.ts'
import { type Content, decodeContent, encodeContent, pad, unpad } from '../../wire/content.ts'
import { encodeHeader, headerBytes, MAX_HEADER_BYTES, type Op, type OpHeader } from '../../wire/op.ts'
import { MAX_MESSAGE_CHARS } from '../limits.ts'
import type { ContentKey } from './keys.ts'

const ZERO_HASH = new Uint8Array(32)
/** Where a header stands while its op is opened: a fresh place for each of a long history would be half of the work. */
const space = new Uint8Array(MAX_HEADER_BYTES)

/** `header` is complete but for its body hash. */
export function sealContent(suite: Ciphersuite, key: ContentKey, header: OpHeader, content: Content): Uint8Array {
  const aad = encodeHeader({ ...header, bodyHash: ZERO_HASH })
  const padded = pad(encodeContent(content))
  const nonce = suite.hmac(key.nonceKey, aad, padded).subarray(0, 24)
  return concat(nonce, suite.seal(key.key, nonce, aad, padded))
}

/** undefined when the op isn't what its author's key sealed: shown to nobody. */
export function openContent(suite: Ciphersuite, key: ContentKey, op: Op): Content | undefined {
  if (op.header.kid === undefined || !equal(op.header.kid, key.kid) || op.body.length < 40) return undefined
  const header = headerBytes(op), aad = space.subarray(0, header.length)
  aad.set(header)
  // The body's hash is the last field.
  aad.fill(0, aad.length - ZERO_HASH.length)
  const padded = suite.open(key.key, op.body.subarray(0, 24), aad, op.body.subarray(24))
  const plain = padded === undefined ? undefined : unpad(padded)
  return plain === undefined ? undefined : decodeContent(op.header.type, plain, MAX_MESSAGE_CHARS)
}
