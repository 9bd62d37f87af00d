/**
 * Ways to open a vault besides the device's own key: what a person knows or holds becomes a wrapping key.
 *
 *   passphrase  params = canonical CBOR [salt (16), KiB, passes]      Argon2id (RFC 9106), one lane, of the passphrase in NFKC
 *   recovery    params = salt (16)                                    HKDF of a random code of 130 bits, shown once
 *   passkey     params = canonical CBOR [credential id, salt (32)]    HKDF of what the authenticator's PRF makes of the salt (WebAuthn level 3, 10.1.4)
 *
 * The cost of a passphrase is measured on the device that sets it, so that trying one takes about half a second there, and is never less than
 * OWASP's least. A stolen disk can be tried offline: the passphrase's own strength is what is left then, and the app says so.
 */
import { decodeCbor, encodeCbor, isArray, isBytes, isUint } from '../wire/cbor.ts'

/** How a locked disk can be opened. The same as in api.ts, which adapters don't know. */
export type LockWay = { readonly type: 'passphrase' } | { readonly type: 'recovery' } | { readonly type: 'passkey'; readonly credential: Uint8Array; readonly salt: Uint8Array }

/** What a person brings to open it. */
export type Secret =
  | { readonly type: 'passphrase'; readonly text: string }
  | { readonly type: 'recovery'; readonly code: string }
  | { readonly type: 'passkey'; readonly credential: Uint8Array; readonly output: Uint8Array }

export interface Cost { readonly kib: number; readonly passes: number }

/** Argon2id with at least so much (OWASP); what a device without patience gets. */
export const LEAST: Cost = { kib: 19 * 1024, passes: 2 }
export const USUAL: Cost = { kib: 64 * 1024, passes: 3 }
/** Above this, parameters are damage or an attack on our memory. */
const MAX_KIB = 1024 * 1024
const MAX_PASSES = 16
/** Ms that one try should take on the device that sets the passphrase. */
const AIM_MS = 500
export const SALT_BYTES = 16
export const PASSKEY_SALT_BYTES = 32
export const MIN_PASSPHRASE_CHARS = 8
export const MAX_PASSPHRASE_CHARS = 1024
const MAX_CREDENTIAL_BYTES = 1023

/** The wrapping key of a passphrase; slow on purpose. */
export async function passphraseKey(text: string, params: Uint8Array): Promise<CryptoKey | undefined> {
  const known = decodePassphraseParams(params)
  if (known === undefined || text.length > MAX_PASSPHRASE_CHARS) return undefined
  return importKey(await argon(text, known.salt, known.cost))
}

export function encodePassphraseParams(salt: Uint8Array, { kib, passes }: Cost): Uint8Array { return encodeCbor([salt, kib, passes]) }

export function decodePassphraseParams(params: Uint8Array): { readonly salt: Uint8Array; readonly cost: Cost } | undefined {
  const v = decodeCbor(params, 64)
  if (!isArray(v, 3)) return undefined
  const [salt, kib, passes] = v
  if (!isBytes(salt, SALT_BYTES) || !isUint(kib) || !isUint(passes) || kib < 8 || kib > MAX_KIB || passes < 1 || passes > MAX_PASSES) return undefined
  return { salt, cost: { kib, passes } }
}

async function argon(text: string, salt: Uint8Array, { kib, passes }: Cost): Promise<Uint8Array> {
  // WebAssembly of its own, fetched when a passphrase is first used.
  const { argon2id } = await import('hash-wasm')
  return argon2id({ password: text.normalize('NFKC'), salt, parallelism: 1, iterations: passes, memorySize: kib, hashLength: 32, outputType: 'binary' })
}

/** The cost at which one try takes about AIM_MS here. `now`: ms, of any clock that doesn't jump. */
export async function calibrate(now: () => number): Promise<Cost> {
  const before = now()
  await argon('calibrate', new Uint8Array(SALT_BYTES), LEAST)
  const perUnit = Math.max(1, now() - before) / (LEAST.kib * LEAST.passes)
  for (const passes of [4, 3, 2]) if (perUnit * USUAL.kib * passes <= AIM_MS * 2 && passes <= USUAL.passes) return { kib: USUAL.kib, passes }
  const kib = Math.floor(AIM_MS / (perUnit * LEAST.passes) / 1024) * 1024
  return { kib: Math.max(LEAST.kib, Math.min(USUAL.kib, kib)), passes: LEAST.passes }
}

/** Crockford's letters: none is taken for another one. 26 of them carry 130 bits. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CODE_LETTERS = 26

/** A new code, in groups that people can write down. */
export function newRecoveryCode(random: (length: number) => Uint8Array): string {
  const letters = [...random(CODE_LETTERS)].map((byte) => LETTERS[byte & 31] as string).join('')
  return (letters.match(/.{1,5}/gu) ?? []).join('-')
}

/** However it was typed; undefined when it can't be one. */
export function cleanRecoveryCode(typed: string): string | undefined {
  if (typed.length > 200) return undefined
  const letters = typed.toUpperCase().replace(/[\s-]/gu, '').replace(/O/gu, '0').replace(/[IL]/gu, '1')
  return letters.length === CODE_LETTERS && [...letters].every((letter) => LETTERS.includes(letter)) ? letters : undefined
}

export async function recoveryKey(typed: string, salt: Uint8Array): Promise<CryptoKey | undefined> {
  const letters = cleanRecoveryCode(typed)
  return letters === undefined ? undefined : derive(new TextEncoder().encode(letters), salt, 'thicket recovery code')
}

export const encodePasskeyParams = (credential: Uint8Array, salt: Uint8Array): Uint8Array => encodeCbor([credential, salt])

export function decodePasskeyParams(params: Uint8Array): { readonly credential: Uint8Array; readonly salt: Uint8Array } | undefined {
  const v = decodeCbor(params, MAX_CREDENTIAL_BYTES + 64)
  if (!isArray(v, 2)) return undefined
  const [credential, salt] = v
  return isBytes(credential) && credential.length > 0 && credential.length <= MAX_CREDENTIAL_BYTES && isBytes(salt, PASSKEY_SALT_BYTES) ? { credential, salt } : undefined
}

export async function passkeyKey(output: Uint8Array, salt: Uint8Array): Promise<CryptoKey | undefined> {
  return output.length === 32 ? derive(output, salt, 'thicket passkey') : undefined
}

async function derive(secret: Uint8Array, salt: Uint8Array, label: string): Promise<CryptoKey> {
  const key = await crypto.subtle.importKey('raw', secret as Uint8Array<ArrayBuffer>, 'HKDF', false, ['deriveBits'])
  const how = { name: 'HKDF', hash: 'SHA-256', salt: salt as Uint8Array<ArrayBuffer>, info: new TextEncoder().encode(label) }
  return importKey(new Uint8Array(await crypto.subtle.deriveBits(how, key, 256)))
}

const importKey = (bytes: Uint8Array): Promise<CryptoKey> => crypto.subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, 'AES-GCM', false, ['encrypt', 'decrypt'])
