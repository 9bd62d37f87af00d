/**
 * Sealing what people write. The nonce is synthetic over header and padded text: n = HMAC(nonce key, header || text)[0..24], unique because
 * the header is, safe when a restored backup repeats itself, and rebuildable by any member who has the text. The header that is
 * authenticated has a zero body hash, since the hash covers the ciphertext.
 *
 *   body = nonce (24) || XChaCha20-Poly1305(K, nonce, header, padded text)
 */
import type { Ciphersuite } from '../../ports.ts'
import { concat, equal, toHex } from '../../wire/bytes.ts'
import { type Content, decodeContent, encodeContent, padText, unpad } from '../../wire/content.ts'
import type { OpId } from '../../wire/ids.ts'
import { encodeHeader, encodeOp, headerBytes, isHeader, MAX_HEADER_BYTES, type Op, type OpHeader } from '../../wire/op.ts'
import { MAX_MESSAGE_CHARS } from '../limits.ts'
import type { ContentKey } from './keys.ts'

const ZERO_HASH: Uint8Array = new Uint8Array(32)
const NONCE_BYTES = 24, LEAST_BYTES = 40
/** Where a header stands while its op is opened, and a padded text while it is sealed: a fresh place for each of a long history would be half of the work. */
const space = new Uint8Array(MAX_HEADER_BYTES), textSpace = new Uint8Array(4096)

/** `header` is complete but for its body hash. */
export function sealContent(suite: Ciphersuite, key: ContentKey, header: OpHeader, content: Content): Uint8Array {
  return seal(suite, key, encodeHeader({ ...header, bodyHash: ZERO_HASH }), padText(encodeContent(content)))
}

function seal(suite: Ciphersuite, key: ContentKey, aad: Uint8Array, padded: Uint8Array): Uint8Array {
  const nonce = nonceFor(suite, key, aad, padded)
  return concat(nonce, suite.seal(key.key, nonce, aad, padded))
}

const nonceFor = (suite: Ciphersuite, key: ContentKey, aad: Uint8Array, padded: Uint8Array): Uint8Array => suite.hmac(key.nonceKey, aad, padded).subarray(0, NONCE_BYTES)

/** The header with a zero body hash, to be read before anything else is opened. */
function authenticated(op: Op): Uint8Array {
  const header = headerBytes(op), aad = space.subarray(0, header.length)
  aad.set(header)
  // The body's hash is the last field.
  return aad.fill(0, aad.length - ZERO_HASH.length)
}

const isSealedBy = (key: ContentKey, op: Op): boolean => op.header.kid !== undefined && equal(op.header.kid, key.kid)

/** undefined when the op isn't what its author's key sealed: shown to nobody. */
export function openContent(suite: Ciphersuite, key: ContentKey, op: Op): Content | undefined {
  const plain = isSealedBy(key, op) ? op.plain ?? open(suite, key, op) : undefined
  return plain === undefined ? undefined : decodeContent(op.header.type, plain, MAX_MESSAGE_CHARS)
}

function open(suite: Ciphersuite, key: ContentKey, op: Op): Uint8Array | undefined {
  const padded = op.body.length < LEAST_BYTES ? undefined : suite.open(key.key, op.body.subarray(0, NONCE_BYTES), authenticated(op), op.body.subarray(NONCE_BYTES))
  return padded === undefined ? undefined : unpad(padded)
}

/** What an op says, for others to make it anew: undefined where that would make another op, as of an author who pads or chooses nonces by rules of their own. */
export function textOf(suite: Ciphersuite, key: ContentKey, op: Op): Uint8Array | undefined {
  if (!isSealedBy(key, op)) return undefined
  if (op.plain !== undefined) return op.plain
  const plain = open(suite, key, op)
  if (plain === undefined) return undefined
  const padded = padText(plain)
  const isSame = padded.length === op.body.length - LEAST_BYTES && equal(nonceFor(suite, key, authenticated(op), padded), op.body.subarray(0, NONCE_BYTES))
  return isSame ? plain : undefined
}

/** The op that says this in this place: the same bytes that its author made, if it was the author's text. undefined where no decoder would take it. */
export function remake(suite: Ciphersuite, key: ContentKey, given: Omit<OpHeader, 'bodyHash' | 'kid'>, plain: Uint8Array, sig: Uint8Array): Op | undefined {
  const { space, audience, channel, device, seq, prev, chanSeq, chanPrev, deps, type, hlc, epoch } = given
  const header = { space, audience, channel, device, seq, prev, chanSeq, chanPrev, deps, type, hlc, kid: key.kid, epoch, bodyHash: ZERO_HASH }
  if (!isHeader(header)) return undefined
  const head = encodeHeader(header), padded = padText(plain, textSpace)
  const nonce = nonceFor(suite, key, head, padded)
  header.bodyHash = suite.sha256(nonce, suite.sealBriefly(key.key, nonce, head, padded))
  head.set(header.bodyHash, head.length - ZERO_HASH.length)
  return new Remade(toHex(suite.sha256(head)) as OpId, header, sig, plain, suite, key)
}

/** Of a history nearly all ops are kept as what they say: few are ever wanted as one piece of bytes, and those are sealed once more. */
class Remade implements Op {
  readonly id: OpId
  readonly header: OpHeader
  readonly sig: Uint8Array
  readonly plain: Uint8Array
  /** Not copied with the rest. */
  readonly #suite: Ciphersuite
  readonly #key: ContentKey
  #whole: Uint8Array | undefined

  constructor(id: OpId, header: OpHeader, sig: Uint8Array, plain: Uint8Array, suite: Ciphersuite, key: ContentKey) {
    this.id = id
    this.header = header
    this.sig = sig
    this.plain = plain
    this.#suite = suite
    this.#key = key
  }

  get body(): Uint8Array { return seal(this.#suite, this.#key, encodeHeader({ ...this.header, bodyHash: ZERO_HASH }), padText(this.plain)) }
  get bytes(): Uint8Array { return (this.#whole ??= encodeOp(encodeHeader(this.header), this.body, this.sig)) }
}
