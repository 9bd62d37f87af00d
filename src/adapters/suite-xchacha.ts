/**
 * XChaCha20-Poly1305 at once. Whoever takes in or serves a history seals every op of it anew, for which libsodium, in WebAssembly, takes a fifth of the time that noble takes. It is large
 * and most sittings seal little, so it is loaded when so much has been sealed that it is worth it; until then, and where there is no WebAssembly, noble does it. Both give
 * the same bytes.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import type { Ciphersuite } from '../ports.ts'

export type Aead = Pick<Ciphersuite, 'seal' | 'open'>

/** Calls after which more are to be expected. */
const MANY = 128

export const nobleAead: Aead = {
  seal: (key, nonce, aad, plaintext) => xchacha20poly1305(key, nonce, aad).encrypt(plaintext),
  open(key, nonce, aad, ciphertext) {
    try { return xchacha20poly1305(key, nonce, aad).decrypt(ciphertext) } catch { return undefined }
  },
}

/** Rejects where it can't be loaded. */
export async function loadSodiumAead(): Promise<Aead> {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  return {
    seal: (key, nonce, aad, plaintext) => sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, null, nonce, key),
    open(key, nonce, aad, ciphertext) {
      try { return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, ciphertext, aad, nonce, key) } catch { return undefined }
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
    open(...given) { count(); return aead.open(...given) },
  }
}
