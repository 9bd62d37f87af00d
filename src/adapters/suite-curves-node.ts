/**
 * Ed25519 and X25519 by Node's own library, at once: WebCrypto there hands each small job to another thread, which in the headless peer
 * and in simulated worlds costs more than the work itself. Held to the same contract as the others (suite.contract.ts).
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, sign, verify } from 'node:crypto'
import { concat, equal, fromHex, toHex } from '../wire/bytes.ts'
import type { Ed25519 } from './suite-ed25519.ts'
import type { X25519 } from './suite-x25519.ts'

/** What stands before the 32 bytes of a key in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const ED25519_KEY = { secret: fromHex('302e020100300506032b657004220420') as Uint8Array, public: fromHex('302a300506032b6570032100') as Uint8Array }
const X25519_KEY = { secret: fromHex('302e020100300506032b656e04220420') as Uint8Array, public: fromHex('302a300506032b656e032100') as Uint8Array }
/** Keys held, a few hundred bytes each: making one of bytes takes as long as using it. */
const CACHE_KEYS = 1024

const secretOf = (prefix: Uint8Array, seed: Uint8Array): KeyObject => createPrivateKey({ key: Buffer.from(concat(prefix, seed)), format: 'der', type: 'pkcs8' })
const publicOf = (prefix: Uint8Array, bytes: Uint8Array): KeyObject => createPublicKey({ key: Buffer.from(concat(prefix, bytes)), format: 'der', type: 'spki' })
const bytesOf = (secret: KeyObject): Uint8Array => new Uint8Array(createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32))

/** Keeps the CACHE_KEYS values made last. */
function remembered<Value>(make: (bytes: Uint8Array) => Value): (bytes: Uint8Array) => Value {
  const known = new Map<string, Value>()
  return (bytes) => {
    const name = toHex(bytes), found = known.get(name)
    if (found !== undefined) return found
    const value = make(bytes)
    known.set(name, value)
    const oldest = known.size > CACHE_KEYS ? known.keys().next().value : undefined
    if (oldest !== undefined) known.delete(oldest)
    return value
  }
}

export function nodeCurves(): { ed25519: Ed25519; x25519: X25519 } {
  const signer = remembered((seed) => secretOf(ED25519_KEY.secret, seed)), verifier = remembered((bytes) => publicOf(ED25519_KEY.public, bytes))
  const signed = remembered((seed) => bytesOf(signer(seed)))
  const boxer = remembered((seed) => secretOf(X25519_KEY.secret, seed)), boxed = remembered((seed) => bytesOf(boxer(seed)))
  return {
    ed25519: {
      publicKey: async (seed) => signed(seed).slice(),
      sign: async (seed, message) => new Uint8Array(sign(null, message, signer(seed))),
      async verify(key, signature, message) {
        try { return verify(null, message, verifier(key), signature) } catch { return false }
      },
    },
    x25519: {
      publicKey: async (secretKey) => boxed(secretKey).slice(),
      async agree(secretKey, publicKey) {
        const shared = new Uint8Array(diffieHellman({ privateKey: boxer(secretKey), publicKey: publicOf(X25519_KEY.public, publicKey) }))
        if (equal(shared, new Uint8Array(32))) throw new Error('X25519: all-zero result')
        return shared
      },
    },
  }
}
