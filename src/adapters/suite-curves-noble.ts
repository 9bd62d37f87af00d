/** Both curves in JavaScript, for runtimes whose WebCrypto lacks them: a file of its own, as hardly anybody needs it and making its tables takes as long as opening a database. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, equal } from '../wire/bytes.ts'
import { type Ed25519, littleEndian, ORDER } from './suite-ed25519.ts'
import type { X25519 } from './suite-x25519.ts'

const { Point } = ed25519

export const nobleEd25519: Ed25519 = {
  publicKey: async (seed) => ed25519.getPublicKey(seed),
  sign: async (seed, message) => ed25519.sign(message, seed),
  // Not noble's own verify: that one multiplies by the cofactor and so accepts signatures which WebCrypto engines reject.
  async verify(publicKey, signature, message) {
    try {
      const r = signature.subarray(0, 32)
      const k = littleEndian(sha512(concat(r, publicKey, message))) % ORDER
      const s = littleEndian(signature.subarray(32))
      const point = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(publicKey).multiplyUnsafe(k))
      return equal(point.toBytes(), r)
    } catch { return false }
  },
}

export const nobleX25519: X25519 = {
  publicKey: async (secretKey) => x25519.getPublicKey(secretKey),
  agree: async (secretKey, publicKey) => x25519.getSharedSecret(secretKey, publicKey),
}
