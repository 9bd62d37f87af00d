/**
 * SHA-256 at once and in WebAssembly where there is any: the engine hashes each op's header and body, and in JavaScript that costs twice the time and
 * leaves several small buffers behind each time. Noble stands in where WebAssembly is missing or forbidden.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import type { IHasher } from 'hash-wasm'
import sha256Wasm from 'hash-wasm/dist/sha256.umd.min.js'
import { equal } from '../wire/bytes.ts'

export interface Sha256 {
  hash(parts: readonly Uint8Array[]): Uint8Array
  hmac(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array
}

const BLOCK = 64
const SPACE = 16 * 1024

export async function createSha256(only?: 'noble'): Promise<Sha256> {
  if (only === 'noble') return noble
  let hasher: IHasher
  // The file of this hash alone, in the worker's own script: the module with all of them takes longer to load than a disk to open.
  try { hasher = await sha256Wasm.createSHA256() } catch { return noble }
  /** What is hashed is put together here: each update costs as much as a hundred bytes. */
  const space = new Uint8Array(SPACE)
  const hash = (parts: readonly Uint8Array[]): Uint8Array => {
    let end = 0
    hasher.init()
    for (const part of parts) {
      if (end + part.length > SPACE) { if (end > 0) hasher.update(space.subarray(0, end)); end = 0 }
      if (part.length > SPACE) hasher.update(part); else { space.set(part, end); end += part.length }
    }
    if (end > 0) hasher.update(space.subarray(0, end))
    return hasher.digest('binary')
  }
  let pads = padsOf(new Uint8Array(BLOCK))
  return {
    hash,
    /** RFC 2104. */
    hmac(key, parts) {
      const block = key.length > BLOCK ? hash([key]) : key
      // A history is sealed under few keys.
      if (!equal(block, pads.block)) pads = padsOf(block)
      return hash([pads.outer, hash([pads.inner, ...parts])])
    },
  }
}

function padsOf(block: Uint8Array): { readonly block: Uint8Array; readonly inner: Uint8Array; readonly outer: Uint8Array } {
  const padded = new Uint8Array(BLOCK)
  padded.set(block)
  return { block: block.slice(), inner: padded.map((b) => b ^ 0x36), outer: padded.map((b) => b ^ 0x5c) }
}

const noble: Sha256 = {
  hash(parts) {
    const hasher = nobleSha256.create()
    for (const part of parts) hasher.update(part)
    return hasher.digest()
  },
  hmac(key, parts) {
    const mac = hmac.create(nobleSha256, key)
    for (const part of parts) mac.update(part)
    return mac.digest()
  },
}
