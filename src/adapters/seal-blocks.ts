/**
 * Seals the blocks of a disk under its data key.
 *
 *   block key(i) = HKDF-SHA256(data key, "thicket disk block" || i), i = first byte of the block's id
 *   sealed       = 1 || nonce (12, random) || AES-256-GCM(block key, nonce, aad = "thicket disk" || id, length (4) || content || zeros)
 *
 * The id is associated data, so a block that was moved to another's place doesn't open there. 256 keys keep random 96-bit nonces safe:
 * a collision stays below 2^-32 for the first 2^32 blocks under each of them. Content is padded, so that a stored block
 * doesn't show the length of a message to the byte.
 *
 * WebCrypto's AES-GCM beside noble's XChaCha20 in a Chromium worker: 9 against 28 us at 1.5 KB, 190 against 600 us at 64 KB.
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concat, fromHex, toHex, u64, utf8 } from '../wire/bytes.ts'
import type { BlockId } from './disk-blocks.ts'

const VERSION = 1
const NONCE_BYTES = 12
const PAD_BYTES = 256
export const DATA_KEY_BYTES = 32

export interface Sealer {
  /** A fresh random id, never used before. */
  newId(): BlockId
  /** The same id for the same name and number, and no one without the data key can tell which. */
  idOf(name: string, number: number): BlockId
  seal(id: BlockId, content: Uint8Array): Promise<Uint8Array>
  /** undefined for anything but what was sealed under this id. Never throws. */
  open(id: BlockId, sealed: Uint8Array): Promise<Uint8Array | undefined>
}

/** A sealer over a data key of 32 bytes. */
export function createSealer(dataKey: Uint8Array): Sealer {
  if (dataKey.length !== DATA_KEY_BYTES) throw new RangeError(`A data key has ${DATA_KEY_BYTES} bytes, this one ${dataKey.length}.`)
  const master = dataKey.slice()
  // Begun once: with its key an HMAC takes twice as long.
  const ids = hmac.create(sha256, hkdf(sha256, master, undefined, utf8('thicket disk id'), 32))
  const base = crypto.subtle.importKey('raw', own(master), 'HKDF', false, ['deriveKey'])
  const keys = new Map<number, Promise<CryptoKey>>()

  function keyOf(rawId: Uint8Array): Promise<CryptoKey> {
    const index = rawId[0] as number
    let key = keys.get(index)
    if (key === undefined) {
      const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: own(concat(utf8('thicket disk block'), Uint8Array.of(index))) }
      key = base.then((from) => crypto.subtle.deriveKey(how, from, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']))
      keys.set(index, key)
    }
    return key
  }

  const aadOf = (rawId: Uint8Array): Uint8Array<ArrayBuffer> => concat(utf8('thicket disk'), rawId) as Uint8Array<ArrayBuffer>

  return {
    newId: () => toHex(crypto.getRandomValues(new Uint8Array(16))),
    idOf: (name, number) => toHex(ids.clone().update(u64(number)).update(utf8(name)).digest().subarray(0, 16)),

    async seal(id, content) {
      const rawId = fromHex(id) as Uint8Array
      const padded = new Uint8Array(Math.ceil((content.length + 4) / PAD_BYTES) * PAD_BYTES)
      new DataView(padded.buffer).setUint32(0, content.length)
      padded.set(content, 4)
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData: aadOf(rawId) }, await keyOf(rawId), padded)
      return concat(Uint8Array.of(VERSION), nonce, new Uint8Array(sealed))
    },

    async open(id, sealed) {
      const rawId = fromHex(id)
      if (rawId === undefined || rawId.length !== 16 || sealed.length <= NONCE_BYTES || sealed[0] !== VERSION) return undefined
      const iv = own(sealed.subarray(1, 1 + NONCE_BYTES)), body = own(sealed.subarray(1 + NONCE_BYTES))
      let padded: Uint8Array
      try {
        padded = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: aadOf(rawId) }, await keyOf(rawId), body))
      } catch { return undefined }
      if (padded.length < 4) return undefined
      const length = new DataView(padded.buffer).getUint32(0)
      return length <= padded.length - 4 ? padded.subarray(4, 4 + length) : undefined
    },
  }
}

/** WebCrypto's types refuse views that could stand on shared memory; ours never do. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>
