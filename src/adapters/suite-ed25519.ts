/**
 * Ed25519 (RFC 8032), strict, so that every member of a space gives the same verdict on the same bytes: engines differ on malleable and
 * degenerate signatures, and a log whose validity depends on the browser splits. Checked here, before any engine sees it: S < L, point
 * encodings canonical, neither A nor R of small order. What remains is the equation without cofactor, which all WebCrypto engines use
 * and the stand-in computes too.
 */
import { concat, equal, fromBase64Url, fromHex, toHex } from '../wire/bytes.ts'

export interface Ed25519 {
  publicKey(seed: Uint8Array): Promise<Uint8Array>
  sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array>
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean>
}

/** The order of the base point (RFC 8032, 5.1). */
export const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
/** The prime of the field. */
const FIELD = 2n ** 255n - 19n
/** The y coordinates of the eight points of small order, canonical (little-endian, sign bit clear): orders 4, 1, 2 and 8. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  '01' + '00'.repeat(31),
  'ec' + 'ff'.repeat(30) + '7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])
/** A PKCS #8 private key (RFC 8410) is this and the 32-byte seed. */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420') as Uint8Array
/** Imported keys held, a few hundred bytes each: a space's active devices fit. */
const CACHE_KEYS = 512

/** One engine's verdicts, which are not to be used without `strict`. */
export async function createEd25519(only?: 'webcrypto' | 'noble'): Promise<Ed25519> {
  return only !== 'noble' && (only === 'webcrypto' || await hasWebCrypto()) ? webCrypto() : noble()
}

export const strict = (raw: Ed25519): Ed25519 => ({
  ...raw,
  verify: async (publicKey, signature, message) => isStrict(publicKey, signature) && raw.verify(publicKey, signature, message),
})

/** True when no engine may judge this signature its own way. */
function isStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  return littleEndian(signature.subarray(32)) < ORDER && isPlainPoint(publicKey) && isPlainPoint(signature.subarray(0, 32))
}

/** Canonical y and not of small order. Whether the point is on the curve is for the equation to say. */
function isPlainPoint(bytes: Uint8Array): boolean {
  const y = bytes.slice()
  y[31] = (y[31] as number) & 127
  return littleEndian(y) < FIELD && !SMALL_ORDER_Y.has(toHex(y))
}

export const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.slice().reverse())}`)

/** RFC 8032, 7.1, test 1. */
const KNOWN_SEED = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60') as Uint8Array
const KNOWN_KEY = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a') as Uint8Array

/** Held against what is written down: a first use of noble takes as long as opening a disk. */
async function hasWebCrypto(): Promise<boolean> {
  const message = new Uint8Array([1])
  try {
    const native = webCrypto()
    return equal(await native.publicKey(KNOWN_SEED), KNOWN_KEY) && await native.verify(KNOWN_KEY, await native.sign(KNOWN_SEED, message), message)
  } catch { return false }
}

function webCrypto(): Ed25519 {
  const subtle = globalThis.crypto.subtle
  const publicKeys = new Map<string, Promise<CryptoKey>>()
  const secretKeys = new Map<string, Promise<CryptoKey>>()
  const publicKey = (bytes: Uint8Array) => cached(publicKeys, bytes, () => subtle.importKey('raw', new Uint8Array(bytes), 'Ed25519', false, ['verify']))
  const secretKey = (seed: Uint8Array) => cached(secretKeys, seed, () => subtle.importKey('pkcs8', new Uint8Array(concat(PKCS8_PREFIX, seed)), 'Ed25519', false, ['sign']))
  return {
    async publicKey(seed) {
      // The only way in which WebCrypto says it.
      const { x } = await subtle.exportKey('jwk', await subtle.importKey('pkcs8', new Uint8Array(concat(PKCS8_PREFIX, seed)), 'Ed25519', true, ['sign']))
      return fromBase64Url(x ?? '') ?? (await noble()).publicKey(seed)
    },
    sign: async (seed, message) => new Uint8Array(await subtle.sign('Ed25519', await secretKey(seed), new Uint8Array(message))),
    async verify(key, signature, message) {
      try { return await subtle.verify('Ed25519', await publicKey(key), new Uint8Array(signature), new Uint8Array(message)) } catch { return false }
    },
  }
}

/** Keeps the CACHE_KEYS imported last; a failed import is not kept. */
function cached(keys: Map<string, Promise<CryptoKey>>, bytes: Uint8Array, load: () => Promise<CryptoKey>): Promise<CryptoKey> {
  const name = toHex(bytes)
  const known = keys.get(name)
  if (known !== undefined) return known
  const loading = load()
  keys.set(name, loading)
  loading.catch(() => { keys.delete(name) })
  const oldest = keys.size > CACHE_KEYS ? keys.keys().next().value : undefined
  if (oldest !== undefined) keys.delete(oldest)
  return loading
}

const noble = async (): Promise<Ed25519> => (await import('./suite-curves-noble.ts')).nobleEd25519
