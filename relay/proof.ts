/** Proofs that somebody holds a topic's key, and the relay's own signature. Ed25519 by Node; a topic's key is in every request, since the relay keeps none. */
import { createHash, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'
import { concat, fromU64, toHex, u64 } from '../src/wire/bytes.ts'
import { CHALLENGE_BYTES, CHALLENGE_MS, headSignedBytes, type Head } from '../src/wire/relay.ts'

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())

/** Whether this key is the topic's, and signed these bytes. */
export function provesTopic(topic: string, pk: Uint8Array, sig: Uint8Array, signed: Uint8Array): boolean {
  if (toHex(sha256(pk).subarray(0, 16)) !== topic) return false
  try { return verify(null, signed, publicKey(pk), sig) } catch { return false }
}

const publicKey = (pk: Uint8Array): KeyObject => createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(pk).toString('base64url') } })

/** The relay's signing key from its 32-byte seed. */
export class RelayKey {
  readonly publicKey: Uint8Array
  private readonly key: KeyObject

  constructor(seed: Uint8Array) {
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    this.key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    const jwk = createPublicKey(this.key).export({ format: 'jwk' })
    this.publicKey = new Uint8Array(Buffer.from(jwk.x ?? '', 'base64url'))
  }

  /** What the relay stands by: this topic has this many parcels with this rolling hash. */
  head(topic: string, end: { readonly cursor: number; readonly hash: Uint8Array }): Head {
    return { cursor: end.cursor, hash: end.hash, sig: new Uint8Array(sign(null, headSignedBytes(topic, end.cursor, end.hash), this.key)) }
  }
}

/** Challenges without memory: a time and a MAC over it, so that a flood of requests costs no room. */
export class Challenges {
  private readonly secret: Uint8Array

  constructor(secret: Uint8Array) { this.secret = secret }

  make(now: number): Uint8Array {
    const at = u64(now)
    return concat(at, this.mac(at))
  }

  accepts(challenge: Uint8Array, now: number): boolean {
    if (challenge.length !== CHALLENGE_BYTES) return false
    const at = challenge.slice(0, 8)
    if (!timingSafeEqual(this.mac(at), challenge.subarray(8))) return false
    const age = now - fromU64(at)
    return age >= 0 && age <= CHALLENGE_MS
  }

  private mac(at: Uint8Array): Uint8Array { return new Uint8Array(createHmac('sha256', this.secret).update(at).digest()) }
}
