/** X25519 (RFC 7748): by WebCrypto where it is, else by noble. Keys stay raw bytes until used, so that handling them costs no waiting. */
import { concat, equal, fromBase64Url, fromHex } from '../wire/bytes.ts'

export interface X25519 {
  publicKey(secretKey: Uint8Array): Promise<Uint8Array>
  /** Rejects when a key is malformed or the result is all zero (RFC 9180, 7.1.4). */
  agree(secretKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array>
}

/** ts-mls types its keys as CryptoKey but only hands them back to us: these have that shape around raw bytes. */
export class PublicKey {
  readonly type = 'public'
  readonly algorithm = { name: 'X25519' }
  readonly extractable = true
  readonly usages: KeyUsage[] = []
  private readonly source: Uint8Array | PrivateKey
  constructor(source: Uint8Array | PrivateKey) { this.source = source }
  async read(): Promise<Uint8Array> { return this.source instanceof PrivateKey ? this.source.publicBytes() : this.source }
}

export class PrivateKey {
  readonly type = 'private'
  readonly algorithm = { name: 'X25519' }
  readonly extractable = true
  readonly usages: KeyUsage[] = ['deriveBits']
  readonly bytes: Uint8Array
  private readonly curve: X25519
  private known: Promise<Uint8Array> | undefined
  constructor(bytes: Uint8Array, curve: X25519) { this.bytes = bytes; this.curve = curve }
  /** Computed when first asked for: of most path keys that MLS derives nobody ever asks. */
  publicBytes(): Promise<Uint8Array> { return this.known ??= this.curve.publicKey(this.bytes) }
}

const PKCS8_PREFIX = fromHex('302e020100300506032b656e04220420') as Uint8Array

export async function createX25519(only?: 'webcrypto' | 'noble'): Promise<X25519> {
  return only !== 'noble' && (only === 'webcrypto' || await hasWebCrypto()) ? webCrypto() : (await import('./suite-curves-noble.ts')).nobleX25519
}

/** RFC 7748, 5.2: the number nine, times the base point. */
const KNOWN_SECRET = fromHex('09'.padEnd(64, '0')) as Uint8Array
const KNOWN_PUBLIC = fromHex('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079') as Uint8Array

async function hasWebCrypto(): Promise<boolean> {
  try { return equal(await webCrypto().publicKey(KNOWN_SECRET), KNOWN_PUBLIC) } catch { return false }
}

function webCrypto(): X25519 {
  const subtle = globalThis.crypto.subtle
  const load = (secretKey: Uint8Array) => subtle.importKey('pkcs8', new Uint8Array(concat(PKCS8_PREFIX, secretKey)), 'X25519', true, ['deriveBits'])
  return {
    async publicKey(secretKey) {
      const jwk = await subtle.exportKey('jwk', await load(secretKey))
      const x = fromBase64Url(jwk.x ?? '')
      if (x?.length !== 32) throw new Error('X25519: this runtime exports no public key')
      return x
    },
    async agree(secretKey, publicKey) {
      const theirs = await subtle.importKey('raw', new Uint8Array(publicKey), 'X25519', true, [])
      const shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: theirs }, await load(secretKey), 256))
      if (equal(shared, new Uint8Array(32))) throw new Error('X25519: all-zero result')
      return shared
    },
  }
}
