/**
 * Where the data key of a disk comes from. The key itself, 32 random bytes, is never stored bare: an envelope holds it wrapped,
 * once for each way it may be opened.
 *
 *   envelope = canonical CBOR [1, [[type, params, nonce (12), AES-256-GCM(wrapping key, nonce, aad, data key)], ...]]
 *   aad      = canonical CBOR ["thicket data key", type, params]
 *
 * Each platform has one way today; passphrase, passkey and recovery phrase become further types in the same list (params: their salt
 * and cost), and changing one of them rewrites the envelope, not the disk.
 *
 * - 'browser': a WebCrypto key that can be used but not exported, kept in IndexedDB beside the blocks. No script can read it out or
 *   send it away. It does NOT protect from someone who has the whole browser profile, or who runs code on this origin:
 *   they can use the key as we do.
 * - 'file': 32 bytes in a file of mode 0600 beside the database. It protects a database that is copied or backed up WITHOUT that file,
 *   and from other users of the machine. It does NOT protect from someone who has the folder, this user's account, or root.
 */
import { DiskError } from '../ports.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText } from '../wire/cbor.ts'
import { DATA_KEY_BYTES } from './seal-blocks.ts'

const VERSION = 1
const NONCE_BYTES = 12
const MAX_ENVELOPE_BYTES = 16 * 1024
/** Ways to open one disk: a passphrase, a phrase for recovery, and a passkey on each device stay far below. */
const MAX_WRAPS = 32

export interface Wrap {
  readonly type: string
  readonly params: Uint8Array
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

export interface Kept { readonly wrappingKey: CryptoKey | undefined; readonly envelope: Uint8Array | undefined }

/** The key of this device and the envelope it opens, as a platform keeps them. */
export interface Keyring {
  readonly type: 'browser' | 'file'
  load(): Promise<Kept>
  newWrappingKey(): Promise<CryptoKey>
  /** Durable when it resolves: the first block is sealed after it. */
  keep(wrappingKey: CryptoKey, envelope: Uint8Array): Promise<void>
}

/**
 * The data key of a disk, 32 bytes. Makes one only for a disk that has no blocks yet (`isNew`): a disk whose key is gone is told as 'corrupt',
 * never covered by a new one. `kept`: what the keyring has, where that has been asked for.
 */
export async function openDataKey(keyring: Keyring, isNew: () => Promise<boolean>, kept?: Kept): Promise<Uint8Array> {
  const { wrappingKey, envelope } = kept ?? await keyring.load()
  if (wrappingKey !== undefined && envelope !== undefined) {
    const dataKey = await unwrapDataKey(envelope, keyring.type, wrappingKey)
    if (dataKey === undefined) throw new DiskError('corrupt', 'The key of this device does not open the disk: one of the two is damaged or belongs to another.')
    return dataKey
  }
  if (!await isNew()) throw new DiskError('corrupt', 'The disk is there and its key is gone.')
  const dataKey = crypto.getRandomValues(new Uint8Array(DATA_KEY_BYTES))
  const fresh = await keyring.newWrappingKey()
  await keyring.keep(fresh, encodeEnvelope([await wrapDataKey(dataKey, keyring.type, new Uint8Array(), fresh)]))
  return dataKey
}

export async function wrapDataKey(dataKey: Uint8Array, type: string, params: Uint8Array, wrappingKey: CryptoKey): Promise<Wrap> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const how = { name: 'AES-GCM', iv: nonce, additionalData: aadOf(type, params) }
  const sealed = await crypto.subtle.encrypt(how, wrappingKey, dataKey as Uint8Array<ArrayBuffer>)
  return { type, params, nonce, sealed: new Uint8Array(sealed) }
}

/** The data key by the first wrap of this type that the key opens; undefined when none does. Never throws. */
export async function unwrapDataKey(envelope: Uint8Array, type: string, wrappingKey: CryptoKey): Promise<Uint8Array | undefined> {
  for (const wrap of decodeEnvelope(envelope) ?? []) {
    if (wrap.type !== type) continue
    const how = { name: 'AES-GCM', iv: wrap.nonce as Uint8Array<ArrayBuffer>, additionalData: aadOf(type, wrap.params) }
    try {
      const opened = await crypto.subtle.decrypt(how, wrappingKey, wrap.sealed as Uint8Array<ArrayBuffer>)
      if (opened.byteLength === DATA_KEY_BYTES) return new Uint8Array(opened)
    } catch { /* Not this key's wrap: WebCrypto says so by throwing. */ }
  }
  return undefined
}

const aadOf = (type: string, params: Uint8Array): Uint8Array<ArrayBuffer> => encodeCbor(['thicket data key', type, params]) as Uint8Array<ArrayBuffer>

export const encodeEnvelope = (wraps: readonly Wrap[]): Uint8Array =>
  encodeCbor([VERSION, wraps.map(({ type, params, nonce, sealed }) => [type, params, nonce, sealed])])

/** Wraps of types this program doesn't know are kept: a newer one may have added them. */
export function decodeEnvelope(bytes: Uint8Array): Wrap[] | undefined {
  const v = decodeCbor(bytes, MAX_ENVELOPE_BYTES)
  if (!isArray(v, 2) || v[0] !== VERSION || !isArray(v[1]) || v[1].length > MAX_WRAPS) return undefined
  const wraps = v[1].map(decodeWrap)
  return wraps.every(wrap => wrap !== undefined) ? wraps : undefined
}

function decodeWrap(v: Cbor): Wrap | undefined {
  if (!isArray(v, 4)) return undefined
  const [type, params, nonce, sealed] = v
  if (!isText(type, 32) || !isBytes(params) || !isBytes(nonce, NONCE_BYTES) || !isBytes(sealed, DATA_KEY_BYTES + 16)) return undefined
  return { type, params, nonce, sealed }
}
