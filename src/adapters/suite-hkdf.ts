/** HKDF (RFC 5869) over the ciphersuite's SHA-256. */
import type { Sha256 } from './suite-sha256.ts'

export interface Hkdf {
  extract(salt: Uint8Array, secret: Uint8Array): Uint8Array
  /** At most 255 * 32 bytes. */
  expand(key: Uint8Array, length: number, ...info: readonly Uint8Array[]): Uint8Array
}

const BLOCK = 32
const NONE = new Uint8Array()

export const createHkdf = (sha: Sha256): Hkdf => ({
  extract: (salt, secret) => sha.hmac(salt, [secret]),
  expand(key, length, ...info) {
    if (length > 255 * BLOCK) throw new RangeError(`HKDF gives at most ${255 * BLOCK} bytes`)
    const out = new Uint8Array(length)
    for (let n = 1, at = 0, last: Uint8Array = NONE; at < length; n++, at += BLOCK) {
      last = sha.hmac(key, [last, ...info, new Uint8Array([n])])
      out.set(last.subarray(0, length - at), at)
    }
    return out
  },
})
