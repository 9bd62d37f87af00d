/** The ciphersuite object that ts-mls asks for, made of the same parts and the same Random as everything else. */
import type { CiphersuiteImpl } from 'ts-mls'
import type { Random } from '../ports.ts'
import { equal } from '../wire/bytes.ts'
import type { Ed25519 } from './suite-ed25519.ts'
import type { Hkdf } from './suite-hkdf.ts'
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, gcm, type Hpke } from './suite-hpke.ts'
import type { Sha256 } from './suite-sha256.ts'
import { PrivateKey, PublicKey, type X25519 } from './suite-x25519.ts'

const NONE = new Uint8Array()

export interface Parts { readonly ed25519: Ed25519; readonly x25519: X25519; readonly hpke: Hpke; readonly sha: Sha256; readonly hkdf: Hkdf }

export function createMls({ ed25519, x25519, hpke, sha, hkdf }: Parts, random: Random): CiphersuiteImpl {
  return {
    name: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
    rng: { randomBytes: (length) => random.bytes(length) },
    hash: {
      digest: async (data) => sha.hash([data]),
      mac: async (key, data) => sha.hmac(key, [data]),
      verifyMac: async (key, mac, data) => equal(mac, sha.hmac(key, [data])),
    },
    kdf: {
      extract: async (salt, ikm) => hkdf.extract(salt, ikm),
      expand: async (prk, info, length) => hkdf.expand(prk, length, info),
      size: 32,
    },
    signature: {
      sign: (secretKey, message) => ed25519.sign(secretKey, message),
      verify: (publicKey, message, signature) => ed25519.verify(publicKey, signature, message),
      async keygen() {
        const signKey = random.bytes(32)
        return { signKey, publicKey: await ed25519.publicKey(signKey) }
      },
    },
    hpke: mlsHpke(x25519, hpke, random),
  }
}

function mlsHpke(x25519: X25519, hpke: Hpke, random: Random): CiphersuiteImpl['hpke'] {
  const keyPair = async (privateKey: PrivateKey) => ({ privateKey, publicKey: new PublicKey(privateKey) })
  return {
    keyLength: AEAD_KEY_BYTES,
    nonceLength: AEAD_NONCE_BYTES,
    open: (key, enc, ciphertext, info, aad = NONE) => hpke.open(ownPrivate(key), enc, info, aad, ciphertext),
    seal: (key, plaintext, info, aad = NONE) => hpke.seal(ownPublic(key), info, aad, plaintext),
    exportSecret: (key, context, length, info) => hpke.exportTo(ownPublic(key), info, context, length),
    importSecret: (key, context, enc, length, info) => hpke.exportFrom(ownPrivate(key), enc, info, context, length),
    async importPrivateKey(bytes) { return new PrivateKey(sized(bytes), x25519) },
    async importPublicKey(bytes) { return new PublicKey(sized(bytes)) },
    exportPublicKey: async (key) => ownPublic(key).read(),
    exportPrivateKey: async (key) => ownPrivate(key).bytes,
    encryptAead: async (key, nonce, aad, plaintext) => (await gcm(key, nonce, aad ?? NONE)).encrypt(plaintext),
    decryptAead: async (key, nonce, aad, ciphertext) => (await gcm(key, nonce, aad ?? NONE)).decrypt(ciphertext),
    deriveKeyPair: (ikm) => keyPair(hpke.deriveKey(ikm)),
    generateKeyPair: () => keyPair(hpke.deriveKey(random.bytes(32))),
  }
}

function ownPublic(key: CryptoKey): PublicKey {
  if (key instanceof PublicKey) return key
  throw new TypeError('A key of another ciphersuite')
}

function ownPrivate(key: CryptoKey): PrivateKey {
  if (key instanceof PrivateKey) return key
  throw new TypeError('A key of another ciphersuite')
}

function sized(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 32) throw new RangeError('An X25519 key has 32 bytes')
  return bytes
}
