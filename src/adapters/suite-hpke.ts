/**
 * HPKE (RFC 9180) base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM: the one that MLS's first ciphersuite names.
 * Written out instead of taken from ts-mls, whose HPKE draws ephemeral keys from the runtime and so can't be run twice alike.
 * AES runs in noble: the plaintexts are path secrets of 32 bytes, for which WebCrypto's two calls take longer. Its tables take some milliseconds to make, which no start is to wait for.
 */
import type { Random } from '../ports.ts'
import { concat, utf8 } from '../wire/bytes.ts'
import type { Hkdf } from './suite-hkdf.ts'
import { PrivateKey, type PublicKey, type X25519 } from './suite-x25519.ts'
import { unhurried } from './timers.ts'

export interface Hpke {
  deriveKey(ikm: Uint8Array): PrivateKey
  /** Draws from Random before its first wait: callers that start many at once still draw in the order they started them. */
  seal(to: PublicKey, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<{ enc: Uint8Array; ct: Uint8Array }>
  /** Rejects when the tag is wrong or the encapsulated key is bad. */
  open(key: PrivateKey, enc: Uint8Array, info: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>
  exportTo(to: PublicKey, info: Uint8Array, context: Uint8Array, length: number): Promise<{ enc: Uint8Array; secret: Uint8Array }>
  exportFrom(key: PrivateKey, enc: Uint8Array, info: Uint8Array, context: Uint8Array, length: number): Promise<Uint8Array>
}

let aes: Promise<typeof import('@noble/ciphers/aes.js')> | undefined
const loadAes = (): Promise<typeof import('@noble/ciphers/aes.js')> => aes ??= import('@noble/ciphers/aes.js').catch((error: unknown) => { aes = undefined; throw error })
/** When the app has been opened. What is asked for only when it is needed may be gone from where the app came from by then. */
const LOADED_AFTER_MS = 2000
unhurried(LOADED_AFTER_MS, () => { loadAes().catch(() => undefined) })

/** AES-GCM. Rejects where it can't be loaded. */
export const gcm = async (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => (await loadAes()).gcm(key, nonce, aad)

export const ENCAPSULATED_BYTES = 32
export const AEAD_KEY_BYTES = 16
export const AEAD_NONCE_BYTES = 12
const NONE = new Uint8Array()
const VERSION = utf8('HPKE-v1')
/** KEM 0x0020 alone, and KEM 0x0020, KDF 0x0001, AEAD 0x0001 (RFC 9180, 4.1 and 5.1). */
const KEM_ID = concat(utf8('KEM'), new Uint8Array([0, 0x20]))
const HPKE_ID = concat(utf8('HPKE'), new Uint8Array([0, 0x20, 0, 1, 0, 1]))

/** Labeled HKDF, and what is made with it. */
function schedules({ extract, expand }: Hkdf) {
  const labeledExtract = (id: Uint8Array, salt: Uint8Array, label: string, secret: Uint8Array): Uint8Array => extract(salt, concat(VERSION, id, utf8(label), secret))
  const labeledExpand = (id: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
    expand(key, length, new Uint8Array([length >> 8, length]), VERSION, id, utf8(label), info)
  return {
    /** The secret of a key pair (7.1.3). */
    ownSecret: (ikm: Uint8Array): Uint8Array => labeledExpand(KEM_ID, labeledExtract(KEM_ID, NONE, 'dkp_prk', ikm), 'sk', NONE, 32),
    /** 4.1. */
    sharedSecret: (agreed: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array =>
      labeledExpand(KEM_ID, labeledExtract(KEM_ID, NONE, 'eae_prk', agreed), 'shared_secret', concat(enc, recipient), 32),
    /** Key, nonce and exporter secret of a context that seals one message (5.1). */
    schedule(shared: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array; exporter: Uint8Array } {
      const base = new Uint8Array([0])
      const context = concat(base, labeledExtract(HPKE_ID, NONE, 'psk_id_hash', NONE), labeledExtract(HPKE_ID, NONE, 'info_hash', info))
      const secret = labeledExtract(HPKE_ID, shared, 'secret', NONE)
      return {
        key: labeledExpand(HPKE_ID, secret, 'key', context, AEAD_KEY_BYTES),
        nonce: labeledExpand(HPKE_ID, secret, 'base_nonce', context, AEAD_NONCE_BYTES),
        exporter: labeledExpand(HPKE_ID, secret, 'exp', context, 32),
      }
    },
    exported: (exporter: Uint8Array, context: Uint8Array, length: number): Uint8Array => labeledExpand(HPKE_ID, exporter, 'sec', context, length),
  }
}

export function createHpke(x25519: X25519, hkdf: Hkdf, random: Random): Hpke {
  const { ownSecret, sharedSecret, schedule, exported } = schedules(hkdf)
  const deriveKey = (ikm: Uint8Array): PrivateKey => new PrivateKey(ownSecret(ikm), x25519)

  async function encapsulate(ephemeral: PrivateKey, to: PublicKey): Promise<{ enc: Uint8Array; shared: Uint8Array }> {
    const enc = await ephemeral.publicBytes(), recipient = await to.read()
    return { enc, shared: sharedSecret(await x25519.agree(ephemeral.bytes, recipient), enc, recipient) }
  }

  const decapsulate = async (key: PrivateKey, enc: Uint8Array): Promise<Uint8Array> =>
    sharedSecret(await x25519.agree(key.bytes, enc), enc, await key.publicBytes())

  return {
    deriveKey,
    async seal(to, info, aad, plaintext) {
      const ephemeral = deriveKey(random.bytes(32))
      const { enc, shared } = await encapsulate(ephemeral, to)
      const { key, nonce } = schedule(shared, info)
      return { enc, ct: (await gcm(key, nonce, aad)).encrypt(plaintext) }
    },
    async open(privateKey, enc, info, aad, ciphertext) {
      const { key, nonce } = schedule(await decapsulate(privateKey, enc), info)
      return (await gcm(key, nonce, aad)).decrypt(ciphertext)
    },
    async exportTo(to, info, context, length) {
      const ephemeral = deriveKey(random.bytes(32))
      const { enc, shared } = await encapsulate(ephemeral, to)
      return { enc, secret: exported(schedule(shared, info).exporter, context, length) }
    },
    async exportFrom(privateKey, enc, info, context, length) {
      return exported(schedule(await decapsulate(privateKey, enc), info).exporter, context, length)
    },
  }
}
