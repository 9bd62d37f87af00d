/**
 * What devices and relays say to each other. A relay is blind: it sees topics, sizes, times and addresses.
 *
 * Topics certify themselves: topic = first 16 bytes of SHA-256(Ed25519 public key). Whoever can sign for it may write and read it; the relay keeps no list.
 *
 *   POST /v1/topics/T            pk (32) || sig (64) || parcel           sig over "tk1 post" || topic || SHA-256(parcel). Idempotent: no challenge
 *     -> Kept                    [cursor, head]
 *   GET  /v1/challenge           -> 40 bytes, good for CHALLENGE_MS
 *   POST /v1/topics/T/read       [pk, sig, challenge, since]             sig over "tk1 read" || challenge || topic
 *     -> Page                    [topic, since, [[cursor, parcel], ...], next, end, head]
 *   POST /v1/topics/T/compare, fetch   what differs from what a device has had: compare.ts
 *   GET  /v1/relay               -> JSON { version, publicKey, peerId, addresses, limits }
 *   whatever is refused          -> 4xx or 5xx, JSON { code, message }
 *   WebSocket /v1/push           the relay speaks first, with the connection's challenge; a watch is signed over "tk1 watch" || challenge || topic
 *
 *   head = [cursor, rolling hash, sig]    sig by the relay over "tk1 head" || topic || cursor || hash; h(n) = SHA-256(h(n-1) || SHA-256(parcel n)), h(0) = 32 zeros:
 *   a relay that loses, withholds or rewrites parcels contradicts what it signed
 */
import { concat, fromHex, toHex, u64, utf8 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText, isUint } from './cbor.ts'

export const MAX_PARCEL_BYTES = 1024 * 1024
/** Public key and signature before the parcel. */
export const POST_HEADER_BYTES = 96
export const MAX_POST_BYTES = POST_HEADER_BYTES + MAX_PARCEL_BYTES
export const CHALLENGE_BYTES = 40
export const CHALLENGE_MS = 5 * 60_000
export const MAX_ANNOUNCE_BYTES = 8192
/** Parcels and bytes of one page. */
export const MAX_PAGE_PARCELS = 256
export const MAX_PAGE_BYTES = 1024 * 1024
/** A page holds at least one parcel, however large. */
export const MAX_SOCKET_MESSAGE = MAX_PAGE_BYTES + MAX_PARCEL_BYTES + 65536
/** The rolling hash of a topic in which nothing was ever kept. */
export const NO_HASH: Uint8Array = new Uint8Array(32)
const MAX_RELAY_URL_CHARS = 200
const MAX_REFUSAL_CHARS = 1000
const TOPIC = /^[0-9a-f]{32}$/

/** A relay's base URL in the one form that counts: without a path, and without a slash at its end. */
export function relayUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (text.length > MAX_RELAY_URL_CHARS || url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  return url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '' ? url.origin : undefined
}

export const isTopic = (text: string): boolean => TOPIC.test(text)

export interface Head { readonly cursor: number; readonly hash: Uint8Array; readonly sig: Uint8Array }
export interface StoredParcel { readonly cursor: number; readonly bytes: Uint8Array }
/** Parcels after `since`, ascending; read on from `next`. With `end`, next is the head's cursor: a page that ends elsewhere is a contradiction. */
export interface Page { readonly topic: string; readonly since: number; readonly parcels: readonly StoredParcel[]; readonly next: number; readonly end: boolean; readonly head: Head }
export interface Kept { readonly cursor: number; readonly head: Head }

const raw = (topic: string): Uint8Array => fromHex(topic) as Uint8Array

export const postSignedBytes = (topic: string, parcelHash: Uint8Array): Uint8Array => concat(utf8('tk1 post'), raw(topic), parcelHash)
export const readSignedBytes = (topic: string, challenge: Uint8Array): Uint8Array => concat(utf8('tk1 read'), challenge, raw(topic))
export const watchSignedBytes = (topic: string, challenge: Uint8Array): Uint8Array => concat(utf8('tk1 watch'), challenge, raw(topic))
export const headSignedBytes = (topic: string, cursor: number, hash: Uint8Array): Uint8Array => concat(utf8('tk1 head'), raw(topic), u64(cursor), hash)

export const encodePost = (pk: Uint8Array, sig: Uint8Array, parcel: Uint8Array): Uint8Array => concat(pk, sig, parcel)

export function decodePost(bytes: Uint8Array): { pk: Uint8Array; sig: Uint8Array; parcel: Uint8Array } | undefined {
  if (bytes.length <= POST_HEADER_BYTES || bytes.length > MAX_POST_BYTES) return undefined
  return { pk: bytes.slice(0, 32), sig: bytes.slice(32, POST_HEADER_BYTES), parcel: bytes.slice(POST_HEADER_BYTES) }
}

export const headCbor = (h: Head): Cbor => [h.cursor, h.hash, h.sig]

export function readHead(v: Cbor | undefined): Head | undefined {
  if (!isArray(v, 3)) return undefined
  const [cursor, hash, sig] = v
  return isUint(cursor) && isBytes(hash, 32) && isBytes(sig, 64) ? { cursor, hash, sig } : undefined
}

export const encodeKept = (k: Kept): Uint8Array => encodeCbor([k.cursor, headCbor(k.head)])

export function decodeKept(bytes: Uint8Array): Kept | undefined {
  const v = decodeCbor(bytes, 512)
  if (!isArray(v, 2)) return undefined
  const head = readHead(v[1])
  return isUint(v[0]) && head !== undefined ? { cursor: v[0], head } : undefined
}

export interface ReadRequest { readonly pk: Uint8Array; readonly sig: Uint8Array; readonly challenge: Uint8Array; readonly since: number }

export const encodeRead = (r: ReadRequest): Uint8Array => encodeCbor([r.pk, r.sig, r.challenge, r.since])

export function decodeRead(bytes: Uint8Array): ReadRequest | undefined {
  const v = decodeCbor(bytes, 512)
  if (!isArray(v, 4)) return undefined
  const [pk, sig, challenge, since] = v
  return isBytes(pk, 32) && isBytes(sig, 64) && isBytes(challenge, CHALLENGE_BYTES) && isUint(since) ? { pk, sig, challenge, since } : undefined
}

const pageCbor = (p: Page): Cbor[] => [raw(p.topic), p.since, p.parcels.map((x) => [x.cursor, x.bytes]), p.next, p.end, headCbor(p.head)]

function readPage(v: readonly Cbor[]): Page | undefined {
  const [topic, since, list, next, end, headValue] = v
  const head = readHead(headValue)
  if (v.length !== 6 || !isBytes(topic, 16) || !isUint(since) || !isArray(list) || list.length > MAX_PAGE_PARCELS || !isUint(next)) return undefined
  if (typeof end !== 'boolean' || head === undefined || (end && next !== head.cursor)) return undefined
  const parcels: StoredParcel[] = []
  let last = since
  for (const item of list) {
    if (!isArray(item, 2) || !isUint(item[0]) || !isBytes(item[1]) || item[1].length > MAX_PARCEL_BYTES) return undefined
    if (item[0] <= last) return undefined
    last = item[0]
    parcels.push({ cursor: item[0], bytes: item[1] })
  }
  if (parcels.length > 0 && (next < last || head.cursor < next)) return undefined
  return { topic: toHex(topic), since, parcels, next, end, head }
}

export const encodePage = (p: Page): Uint8Array => encodeCbor(pageCbor(p))

export function decodePage(bytes: Uint8Array): Page | undefined {
  const v = decodeCbor(bytes, MAX_SOCKET_MESSAGE)
  return isArray(v) ? readPage(v) : undefined
}

// ---- refusals ----

/** Why a relay said no. `code` is for programs and stable; the message is for people. */
export interface Refusal { readonly code: string; readonly message: string }

export const encodeRefusal = (r: Refusal): string => JSON.stringify({ code: r.code, message: r.message })

/** undefined for everything that a relay doesn't say: what stands between us and it (a proxy, a hotel's login page) answers with errors too. */
export function decodeRefusal(text: string): Refusal | undefined {
  if (text.length > MAX_REFUSAL_CHARS) return undefined
  let value: unknown
  try { value = JSON.parse(text) } catch { return undefined }
  if (typeof value !== 'object' || value === null || !('code' in value) || !('message' in value)) return undefined
  const { code, message } = value
  return typeof code === 'string' && /^[a-z-]{1,40}$/.test(code) && typeof message === 'string' ? { code, message } : undefined
}

// ---- the push socket ----

export type FromRelay =
  | { readonly type: 'challenge'; readonly challenge: Uint8Array }
  | { readonly type: 'page'; readonly page: Page }
  | { readonly type: 'announced'; readonly topic: string; readonly bytes: Uint8Array }
  /** A watch that was refused, and why. */
  | { readonly type: 'refused'; readonly topic: string; readonly reason: string }
  | { readonly type: 'pong' }

export type ToRelay =
  | { readonly type: 'watch'; readonly topic: string; readonly pk: Uint8Array; readonly sig: Uint8Array; readonly since: number }
  | { readonly type: 'unwatch'; readonly topic: string }
  | { readonly type: 'announce'; readonly topic: string; readonly bytes: Uint8Array }
  /** Is anybody there? Browsers can't send WebSocket's own pings, and a dead line looks like a quiet one. */
  | { readonly type: 'ping' }

export function encodeFromRelay(m: FromRelay): Uint8Array {
  switch (m.type) {
    case 'challenge': return encodeCbor([1, m.challenge])
    case 'page': return encodeCbor([2, ...pageCbor(m.page)])
    case 'announced': return encodeCbor([3, raw(m.topic), m.bytes])
    case 'refused': return encodeCbor([4, raw(m.topic), m.reason])
    case 'pong': return encodeCbor([5])
  }
}

export function decodeFromRelay(bytes: Uint8Array): FromRelay | undefined {
  const v = decodeCbor(bytes, MAX_SOCKET_MESSAGE)
  if (!isArray(v)) return undefined
  switch (v[0]) {
    case 1: return v.length === 2 && isBytes(v[1], CHALLENGE_BYTES) ? { type: 'challenge', challenge: v[1] } : undefined
    case 2: {
      const page = readPage(v.slice(1))
      return page === undefined ? undefined : { type: 'page', page }
    }
    case 3: return v.length === 3 && isBytes(v[1], 16) && isBytes(v[2]) && v[2].length <= MAX_ANNOUNCE_BYTES ? { type: 'announced', topic: toHex(v[1]), bytes: v[2] } : undefined
    case 4: return v.length === 3 && isBytes(v[1], 16) && isText(v[2], 200) ? { type: 'refused', topic: toHex(v[1]), reason: v[2] } : undefined
    case 5: return v.length === 1 ? { type: 'pong' } : undefined
    default: return undefined
  }
}

export function encodeToRelay(m: ToRelay): Uint8Array {
  switch (m.type) {
    case 'watch': return encodeCbor([1, raw(m.topic), m.pk, m.sig, m.since])
    case 'unwatch': return encodeCbor([2, raw(m.topic)])
    case 'announce': return encodeCbor([3, raw(m.topic), m.bytes])
    case 'ping': return encodeCbor([4])
  }
}

export function decodeToRelay(bytes: Uint8Array): ToRelay | undefined {
  const v = decodeCbor(bytes, MAX_ANNOUNCE_BYTES + 256)
  if (isArray(v, 1) && v[0] === 4) return { type: 'ping' }
  if (!isArray(v) || !isBytes(v[1], 16)) return undefined
  const topic = toHex(v[1])
  switch (v[0]) {
    case 1: {
      const [, , pk, sig, since] = v
      return v.length === 5 && isBytes(pk, 32) && isBytes(sig, 64) && isUint(since) ? { type: 'watch', topic, pk, sig, since } : undefined
    }
    case 2: return v.length === 2 ? { type: 'unwatch', topic } : undefined
    case 3: return v.length === 3 && isBytes(v[2]) && v[2].length <= MAX_ANNOUNCE_BYTES ? { type: 'announce', topic, bytes: v[2] } : undefined
    default: return undefined
  }
}
