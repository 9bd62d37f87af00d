/**
 * XChaCha20-Poly1305 at once. Whoever takes in or serves a history seals every op of it anew, for which libsodium, in WebAssembly, takes a fifth of the time that noble takes. It is large
 * and most sittings seal little, so it is loaded when so much has been sealed that it is worth it; until then, and where there is no WebAssembly, noble does it. Both give
 * the same bytes.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import type { Ciphersuite } from '../ports.ts'

export type Aead = Pick<Ciphersuite, 'seal' | 'sealBriefly' | 'open'>

/** Calls after which more are to be expected. */
const MANY = 128
const KEY_BYTES = 32, NONCE_BYTES = 24, TAG_BYTES = 16
/** Key, nonce, what is authenticated, and the text: of nearly all ops. */
const PLACE_BYTES = 16 * 1024

const nobleSeal: Aead['seal'] = (key, nonce, aad, plaintext) => xchacha20poly1305(key, nonce, aad).encrypt(plaintext)

export const nobleAead: Aead = {
  seal: nobleSeal,
  sealBriefly: nobleSeal,
  open(key, nonce, aad, ciphertext) {
    try { return xchacha20poly1305(key, nonce, aad).decrypt(ciphertext) } catch { return undefined }
  },
}

/** What libsodium's wrappers stand on: addresses in its memory, lengths as low and high half. */
interface Sodium {
  /** Replaced when its memory grows. */
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _crypto_aead_xchacha20poly1305_ietf_encrypt(out: number, noLength: null, text: number, textBytes: number, high: 0, aad: number, aadBytes: number, aadHigh: 0, noSecret: null, nonce: number, key: number): number
  _crypto_aead_xchacha20poly1305_ietf_decrypt(out: number, noLength: null, noSecret: null, sealed: number, sealedBytes: number, high: 0, aad: number, aadBytes: number, aadHigh: 0, nonce: number, key: number): number
}

/** Rejects where it can't be loaded. What is small goes through a place of its own in libsodium's memory: the wrappers take and free one for each part each time, which costs more than sealing. */
export async function loadSodiumAead(): Promise<Aead> {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  const raw = (sodium as typeof sodium & { readonly libsodium: Sodium }).libsodium
  const keyAt = raw._malloc(PLACE_BYTES), nonceAt = keyAt + KEY_BYTES, start = nonceAt + NONCE_BYTES
  /** Puts all there; gives where the text stands, which what is made of it is written over. */
  const laid = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): number => {
    const heap = raw.HEAPU8, at = start + aad.length
    heap.set(key, keyAt)
    heap.set(nonce, nonceAt)
    heap.set(aad, start)
    heap.set(text, at)
    return at
  }
  const fits = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): boolean =>
    key.length === KEY_BYTES && nonce.length === NONCE_BYTES && KEY_BYTES + NONCE_BYTES + aad.length + text.length + TAG_BYTES <= PLACE_BYTES
  const sealBriefly: Aead['sealBriefly'] = (key, nonce, aad, plaintext) => {
    if (!fits(key, nonce, aad, plaintext)) return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, null, nonce, key)
    const at = laid(key, nonce, aad, plaintext)
    raw._crypto_aead_xchacha20poly1305_ietf_encrypt(at, null, at, plaintext.length, 0, start, aad.length, 0, null, nonceAt, keyAt)
    return raw.HEAPU8.subarray(at, at + plaintext.length + TAG_BYTES)
  }
  return {
    sealBriefly,
    seal: (...given) => sealBriefly(...given).slice(),
    open(key, nonce, aad, ciphertext) {
      if (ciphertext.length < TAG_BYTES || !fits(key, nonce, aad, ciphertext)) {
        try { return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, ciphertext, aad, nonce, key) } catch { return undefined }
      }
      const at = laid(key, nonce, aad, ciphertext)
      const failed = raw._crypto_aead_xchacha20poly1305_ietf_decrypt(at, null, null, at, ciphertext.length, 0, start, aad.length, 0, nonceAt, keyAt)
      return failed === 0 ? raw.HEAPU8.slice(at, at + ciphertext.length - TAG_BYTES) : undefined
    },
  }
}

/** `load`: what takes noble's place after many calls. */
export function createAead(load: () => Promise<Aead> = loadSodiumAead): Aead {
  let aead = nobleAead, calls = 0
  const count = (): void => {
    if (++calls === MANY) load().then((better) => { aead = better }, () => undefined)
  }
  return {
    seal(...given) { count(); return aead.seal(...given) },
    sealBriefly(...given) { count(); return aead.sealBriefly(...given) },
    open(...given) { count(); return aead.open(...given) },
  }
}
