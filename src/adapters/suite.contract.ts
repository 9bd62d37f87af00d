/** What every ciphersuite must do, whatever computes it: published vectors, strict verdicts, and the same bytes for the same Random. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import type { Ciphersuite, Random } from '../ports.ts'
import { concat, fromHex, toHex, utf8 } from '../wire/bytes.ts'
import { seededRandom } from './random.ts'
import edges from './vectors/ed25519-edges.json' with { type: 'json' }

const hex = (text: string): Uint8Array => {
  const bytes = fromHex(text)
  if (bytes === undefined) throw new Error(`not hex: ${text}`)
  return bytes
}
const NONE = new Uint8Array()

/** Every encoding whose y is that of a point of small order, canonical or not, with either sign. */
function smallOrderEncodings(): Uint8Array[] {
  const p = ed25519.Point.Fp.ORDER
  const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const out: Uint8Array[] = []
  for (let k = 0n; k < 8n; k++) {
    const { y } = k === 0n ? ed25519.Point.ZERO.toAffine() : torsion.multiplyUnsafe(k).toAffine()
    for (const value of [y, y + p]) {
      for (const sign of [0n, 1n]) if (value < 1n << 255n) out.push(hex((value | (sign << 255n)).toString(16).padStart(64, '0')).reverse())
    }
  }
  return out
}

/** Gives these bytes, once. */
const just = (bytes: Uint8Array): Random => ({ bytes: (length) => { expect(length).toBe(bytes.length); return bytes.slice() } })

export function suiteContract(name: string, make: (random: Random) => Promise<Ciphersuite>): void {
  describe(`the ciphersuite on ${name}`, () => {
    hashing(make)
    signing(make)
    sealing(make)
    mls(make)
  })
}

function hashing(make: (random: Random) => Promise<Ciphersuite>): void {
  test('hashes parts as one (FIPS 180-2), and authenticates and expands (RFC 4231, RFC 5869)', async () => {
    const suite = await make(seededRandom(1))
    expect(toHex(suite.sha256(utf8('a'), NONE, utf8('bc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(toHex(suite.hmac(utf8('Jefe'), utf8('what do ya '), utf8('want for nothing?')))).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
    const prk = hex('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    expect(toHex(suite.expand(prk, 42, hex('f0f1f2f3'), hex('f4f5f6f7f8f9')))).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
  })
}

function signing(make: (random: Random) => Promise<Ciphersuite>): void {
  test('signs as RFC 8032 does', async () => {
    const suite = await make(seededRandom(1))
    const key = await suite.signingKey(hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'))
    expect(toHex(key.publicKey)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
    const signature = await suite.sign(key.secretKey, hex('72'))
    expect(toHex(signature)).toBe('92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00')
    expect(await suite.verify(key.publicKey, signature, hex('72'))).toBe(true)
    expect(await suite.verify(key.publicKey, signature, hex('73'))).toBe(false)
  })

  test.each(edges.cases)('verifies strictly: $why', async ({ message, publicKey, signature, valid }) => {
    const suite = await make(seededRandom(1))
    expect(await suite.verify(hex(publicKey), hex(signature), hex(message))).toBe(valid)
  })

  test('accepts no small-order point in any encoding, as key or in a signature', async () => {
    const suite = await make(seededRandom(1))
    const key = await suite.signingKey(new Uint8Array(32).fill(3)), message = utf8('hello')
    const signature = await suite.sign(key.secretKey, message)
    const encodings = smallOrderEncodings()
    // Eight points and their second encodings (y + p), each with both signs.
    expect(new Set(encodings.map(toHex)).size).toBe(14)
    for (const point of encodings) {
      // With A of small order, S = 0 and R = A pass the bare equation for one message in eight.
      for (let i = 0; i < 24; i++) expect(await suite.verify(point, concat(point, new Uint8Array(32)), new Uint8Array([i]))).toBe(false)
      expect(await suite.verify(key.publicKey, concat(point, signature.subarray(32)), message)).toBe(false)
    }
  })

  test('rejects S + L, every changed bit, and other lengths', async () => {
    const suite = await make(seededRandom(1))
    const key = await suite.signingKey(new Uint8Array(32).fill(4)), message = utf8('hello')
    const signature = await suite.sign(key.secretKey, message)
    const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + ed25519.Point.Fn.ORDER
    const malleable = concat(signature.subarray(0, 32), hex(s.toString(16).padStart(64, '0')).reverse())
    expect(await suite.verify(key.publicKey, malleable, message)).toBe(false)
    for (let n = 0; n < 64; n++) expect(await suite.verify(key.publicKey, signature.map((b, i) => (i === n ? b ^ (1 << (n % 8)) : b)), message)).toBe(false)
    for (const length of [0, 32, 63]) expect(await suite.verify(key.publicKey, signature.subarray(0, length), message)).toBe(false)
    expect(await suite.verify(key.publicKey.subarray(1), signature, message)).toBe(false)
    expect(await suite.verify(key.publicKey, concat(signature, NONE), message)).toBe(true)
  })
}

function sealing(make: (random: Random) => Promise<Ciphersuite>): void {
  test('seals and opens XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, A.3.1)', async () => {
    const suite = await make(seededRandom(1))
    const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'), nonce = hex('404142434445464748494a4b4c4d4e4f5051525354555657')
    const text = utf8("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")
    const aad = hex('50515253c0c1c2c3c4c5c6c7')
    const sealed = suite.seal(key, nonce, aad, text)
    expect(toHex(sealed).slice(0, 32)).toBe('bd6d179d3e83d43b9576579493c0e939')
    expect(toHex(sealed).slice(-32)).toBe('c0875924c1c7987947deafd8780acf49')
    expect(suite.open(key, nonce, aad, sealed)).toEqual(text)
    expect(suite.open(key, nonce, NONE, sealed)).toBeUndefined()
    expect(suite.open(key, nonce, aad, sealed.subarray(0, 10))).toBeUndefined()
  })

  test('seals to a key and opens from it (RFC 9180, A.1.1)', async () => {
    const suite = await make(just(hex('7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234')))
    const info = utf8('Ode on a Grecian Urn'), aad = utf8('Count-0'), text = utf8('Beauty is truth, truth beauty')
    const bob = await suite.boxKey(hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'))
    expect(toHex(bob.publicKey)).toBe('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d')
    const sealed = await suite.sealTo(bob.publicKey, info, aad, text)
    expect(toHex(sealed)).toBe('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a')
    expect(await suite.openFrom(bob.secretKey, info, aad, sealed)).toEqual(text)
    expect(await suite.openFrom(bob.secretKey, info, NONE, sealed)).toBeUndefined()
    for (let n = 0; n < sealed.length; n++) {
      expect(await suite.openFrom(bob.secretKey, info, aad, sealed.subarray(0, n))).toBeUndefined()
      expect(await suite.openFrom(bob.secretKey, info, aad, sealed.map((b, i) => (i === n ? b ^ 1 : b)))).toBeUndefined()
    }
    // An encapsulated key of small order would make the secret known to all.
    expect(await suite.openFrom(bob.secretKey, info, aad, concat(new Uint8Array(32), sealed.subarray(32)))).toBeUndefined()
  })
}

function mls(make: (random: Random) => Promise<Ciphersuite>): void {
  test('gives MLS the HPKE of RFC 9180, exports included', async () => {
    const suite = await make(just(hex('7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234')))
    const { hpke } = suite.mls
    const bob = await hpke.deriveKeyPair(hex('6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037'))
    expect(toHex(await hpke.exportPrivateKey(bob.privateKey))).toBe('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8')
    expect(toHex(await hpke.exportPublicKey(bob.publicKey))).toBe('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d')
    const info = utf8('Ode on a Grecian Urn'), context = utf8('TestContext')
    const { enc, secret } = await hpke.exportSecret(bob.publicKey, context, 32, info)
    expect(toHex(secret)).toBe('e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931')
    expect(await hpke.importSecret(bob.privateKey, context, enc, 32, info)).toEqual(secret)
    await expect(hpke.importPublicKey(new Uint8Array(31))).rejects.toThrow()
  })

  test('draws everything from its Random, in the order of the calls', async () => {
    const draw = async (): Promise<string[]> => {
      const suite = await make(seededRandom('order'))
      const { hpke, signature, rng } = suite.mls
      const to = await hpke.importPublicKey((await suite.boxKey(new Uint8Array(32).fill(1))).publicKey)
      const sealed = await Promise.all([1, 2, 3].map((n) => hpke.seal(to, new Uint8Array([n]), NONE)))
      const pair = await hpke.generateKeyPair()
      return [...sealed.flatMap((s) => [s.enc, s.ct]), await hpke.exportPublicKey(pair.publicKey), (await signature.keygen()).publicKey, rng.randomBytes(8)].map(toHex)
    }
    expect(await draw()).toEqual(await draw())
  })
}
