/** Chance: the system's for people, a seeded one for the simulator and for tests, which must run twice alike. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Random } from '../ports.ts'
import { concat, utf8 } from '../wire/bytes.ts'

/** What one call of getRandomValues gives at most (Web Cryptography API, 10.1.1). */
const QUOTA_BYTES = 65_536

export function systemRandom(): Random {
  return {
    bytes(length) {
      const out = new Uint8Array(length)
      for (let at = 0; at < length; at += QUOTA_BYTES) crypto.getRandomValues(out.subarray(at, Math.min(length, at + QUOTA_BYTES)))
      return out
    },
  }
}

/**
 * A stream that depends on the seed alone: xoshiro128** (Blackman and Vigna, 2018), 128 bits of state, filled from SHA-256 of the seed.
 * It is fast and even, and no secret: whoever sees its output can continue it.
 */
export function seededRandom(seed: number | string | Uint8Array): Random {
  const start = sha256(concat(utf8('tk1 seeded random'), seed instanceof Uint8Array ? seed : utf8(String(seed))))
  const view = new DataView(start.buffer, start.byteOffset)
  // The only state it can't leave is all zero, which no one will find a SHA-256 input for.
  let a = view.getUint32(0), b = view.getUint32(4), c = view.getUint32(8), d = view.getUint32(12)
  const next = (): number => {
    const word = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a; d ^= b; b ^= c; a ^= d; c ^= t
    d = rotate(d, 11)
    return word
  }
  return {
    bytes(length) {
      const out = new Uint8Array(length)
      for (let at = 0; at < length; at += 4) {
        const word = next()
        for (let i = 0; i < 4 && at + i < length; i++) out[at + i] = word >>> (8 * i)
      }
      return out
    },
  }
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))
