/**
 * Cryptography for the engine: hashes and XChaCha20-Poly1305 from WebAssembly, at once, because the engine makes many small ones and a
 * WebCrypto call costs more in waiting than in work; Ed25519 and X25519 from WebCrypto, ten times faster there, with noble standing in
 * where a browser lacks them; processes of Node bring their own. All give the same bytes and the same verdicts: suite.contract.ts runs on each.
 *
 *   suite-ed25519.ts   strict signatures      suite-x25519.ts   key agreement      suite-curves-*.ts   both in Node, and where WebCrypto lacks one
 *   suite-sha256.ts    hashes                 suite-hkdf.ts     keys from keys
 *   suite-xchacha.ts   sealing and opening
 *   suite-hpke.ts      RFC 9180 base mode     suite-mls.ts      what ts-mls asks for, over the same Random
 */
import type { Ciphersuite, Random } from '../ports.ts'
import { concat } from '../wire/bytes.ts'
import { createEd25519, type Ed25519, strict } from './suite-ed25519.ts'
import { createHkdf } from './suite-hkdf.ts'
import { createHpke, ENCAPSULATED_BYTES } from './suite-hpke.ts'
import { createMls } from './suite-mls.ts'
import { createSha256 } from './suite-sha256.ts'
import { createX25519, PrivateKey, PublicKey, type X25519 } from './suite-x25519.ts'
import { type Aead, createAead, nobleAead } from './suite-xchacha.ts'

export type Engine = 'webcrypto' | 'noble'

export interface Curves { readonly ed25519: Ed25519; readonly x25519: X25519 }

/** `by` forces one engine, or brings the curves along; left out, WebCrypto is used for each algorithm that this runtime has. */
export async function createSuite(random: Random, by?: Engine | Curves, aead: Aead = by === 'noble' ? nobleAead : createAead()): Promise<Ciphersuite> {
  const brought = typeof by === 'object'
  const ed25519 = strict(brought ? by.ed25519 : await createEd25519(by))
  const x25519 = brought ? by.x25519 : await createX25519(by)
  const sha = await createSha256(by === 'noble' ? by : undefined), hkdf = createHkdf(sha)
  const hpke = createHpke(x25519, hkdf, random)
  return {
    sha256: (...parts) => sha.hash(parts),
    hmac: (key, ...parts) => sha.hmac(key, parts),
    expand: hkdf.expand,
    seal: aead.seal,
    sealBriefly: aead.sealBriefly,
    open: aead.open,
    async signingKey(seed) {
      return { publicKey: await ed25519.publicKey(seed), secretKey: seed.slice() }
    },
    sign: (secretKey, message) => ed25519.sign(secretKey, message),
    verify: (publicKey, signature, message) => ed25519.verify(publicKey, signature, message),
    async sealTo(publicKey, info, aad, plaintext) {
      const sealed = await hpke.seal(new PublicKey(publicKey), info, aad, plaintext)
      return concat(sealed.enc, sealed.ct)
    },
    async openFrom(secretKey, info, aad, sealed) {
      const enc = sealed.subarray(0, ENCAPSULATED_BYTES)
      try { return await hpke.open(new PrivateKey(secretKey, x25519), enc, info, aad, sealed.subarray(ENCAPSULATED_BYTES)) } catch { return undefined }
    },
    async boxKey(seed) {
      return { publicKey: await x25519.publicKey(seed), secretKey: seed.slice() }
    },
    mls: createMls({ ed25519, x25519, hpke, sha, hkdf }, random),
  }
}
