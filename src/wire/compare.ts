/**
 * Finding out what differs between what a device has had of a topic and what a relay keeps of it, without telling either whole (rateless.ts).
 *
 *   POST /v1/topics/T/compare  [pk, sig, challenge, upTo, ask]     signed as a request to read
 *     ask  [0, seed, from, count] symbols of the ids of its parcels | [1, since] the ids themselves
 *     -> [head, upTo, told]    told  [0, symbols] | [1, ids, next, end]
 *        The ids are told instead of symbols where that is shorter, or where there are too many to make symbols of.
 *        upTo is the cursor up to which parcels are compared: 0 at first, then what the relay said, so that what arrives meanwhile confuses nothing.
 *   POST /v1/topics/T/fetch    [pk, sig, challenge, ids]
 *     -> [[[cursor, parcel], ...], looked]    those there are of the first `looked` ids: ask again for the rest
 *
 * An id is the first 16 bytes of a parcel's SHA-256.
 */
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { ID_BYTES, MAX_SYMBOLS, readSymbols, SYMBOL_BYTES, type Symbols, symbolsCbor } from './rateless.ts'
import { CHALLENGE_BYTES, type Head, headCbor, MAX_PAGE_BYTES, MAX_PAGE_PARCELS, MAX_PARCEL_BYTES, readHead, type StoredParcel } from './relay.ts'

/** Ids in one list: half a MiB. */
export const MAX_LISTED = 32_768
/** Ids in one request for parcels. */
export const MAX_FETCHED = MAX_PAGE_PARCELS
export const MAX_COMPARE_REQUEST_BYTES = 512 + MAX_FETCHED * ID_BYTES
export const MAX_COMPARE_ANSWER_BYTES = 1024 + Math.max(MAX_LISTED * ID_BYTES, 2 * MAX_SYMBOLS * SYMBOL_BYTES)
export const MAX_FETCH_ANSWER_BYTES = MAX_PAGE_BYTES + MAX_PARCEL_BYTES + 65536

export type Ask =
  | { readonly type: 'symbols'; readonly seed: number; readonly from: number; readonly count: number }
  | { readonly type: 'ids'; readonly since: number }

/** `next`: the cursor of the last id in the list, or at the end the one up to which all was listed. */
export type Told =
  | { readonly type: 'symbols'; readonly symbols: Symbols }
  | { readonly type: 'ids'; readonly ids: Uint8Array; readonly next: number; readonly end: boolean }

interface Signed { readonly pk: Uint8Array; readonly sig: Uint8Array; readonly challenge: Uint8Array }
export interface CompareRequest extends Signed { readonly upTo: number; readonly ask: Ask }
export interface CompareAnswer { readonly head: Head; readonly upTo: number; readonly told: Told }
export interface FetchRequest extends Signed { readonly ids: Uint8Array }
export interface FetchAnswer { readonly parcels: readonly StoredParcel[]; readonly looked: number }

const askCbor = (ask: Ask): Cbor => (ask.type === 'symbols' ? [0, ask.seed, ask.from, ask.count] : [1, ask.since])

function readAsk(v: Cbor | undefined): Ask | undefined {
  if (!isArray(v)) return undefined
  const [type, first, from, count] = v
  if (type === 1) return v.length === 2 && isUint(first) ? { type: 'ids', since: first } : undefined
  if (type !== 0 || v.length !== 4 || !isUint(first, 0xffff_ffff) || !isUint(from, 0xffff_ffff) || !isUint(count, MAX_SYMBOLS) || count === 0) return undefined
  return { type: 'symbols', seed: first, from, count }
}

const isSigned = (pk: Cbor | undefined, sig: Cbor | undefined, challenge: Cbor | undefined): boolean => isBytes(pk, 32) && isBytes(sig, 64) && isBytes(challenge, CHALLENGE_BYTES)
const signedOf = (v: readonly Cbor[]): Signed => ({ pk: v[0] as Uint8Array, sig: v[1] as Uint8Array, challenge: v[2] as Uint8Array })

export const encodeCompareRequest = (r: CompareRequest): Uint8Array => encodeCbor([r.pk, r.sig, r.challenge, r.upTo, askCbor(r.ask)])

export function decodeCompareRequest(bytes: Uint8Array): CompareRequest | undefined {
  const v = decodeCbor(bytes, MAX_COMPARE_REQUEST_BYTES)
  if (!isArray(v, 5) || !isSigned(v[0], v[1], v[2])) return undefined
  const ask = readAsk(v[4])
  return isUint(v[3]) && ask !== undefined ? { ...signedOf(v), upTo: v[3], ask } : undefined
}

export const encodeCompareAnswer = ({ head, upTo, told }: CompareAnswer): Uint8Array =>
  encodeCbor([headCbor(head), upTo, told.type === 'symbols' ? [0, symbolsCbor(told.symbols)] : [1, told.ids, told.next, told.end]])

/** undefined for what is malformed, or answers another question. */
export function decodeCompareAnswer(bytes: Uint8Array, ask: Ask): CompareAnswer | undefined {
  const v = decodeCbor(bytes, MAX_COMPARE_ANSWER_BYTES)
  if (!isArray(v, 3)) return undefined
  const head = readHead(v[0]), upTo = v[1], told = isUint(upTo) ? readTold(v[2], ask, upTo) : undefined
  return head !== undefined && isUint(upTo, head.cursor) && told !== undefined ? { head, upTo, told } : undefined
}

function readTold(v: Cbor | undefined, ask: Ask, upTo: number): Told | undefined {
  if (!isArray(v)) return undefined
  if (v[0] === 0 && v.length === 2 && ask.type === 'symbols') {
    const symbols = readSymbols(v[1], ask.from, ask.count)
    return symbols === undefined ? undefined : { type: 'symbols', symbols }
  }
  const [type, ids, next, end] = v
  if (type !== 1 || v.length !== 4 || !isBytes(ids) || ids.length % ID_BYTES !== 0 || ids.length > MAX_LISTED * ID_BYTES || !isUint(next, upTo) || typeof end !== 'boolean') return undefined
  // A list goes on, or it ends: otherwise it could be asked for for ever.
  return next > (ask.type === 'ids' ? ask.since : 0) || end ? { type: 'ids', ids, next, end } : undefined
}

export const encodeFetchRequest = (r: FetchRequest): Uint8Array => encodeCbor([r.pk, r.sig, r.challenge, r.ids])

export function decodeFetchRequest(bytes: Uint8Array): FetchRequest | undefined {
  const v = decodeCbor(bytes, MAX_COMPARE_REQUEST_BYTES)
  if (!isArray(v, 4) || !isSigned(v[0], v[1], v[2])) return undefined
  const ids = v[3]
  return isBytes(ids) && ids.length > 0 && ids.length % ID_BYTES === 0 && ids.length <= MAX_FETCHED * ID_BYTES ? { ...signedOf(v), ids } : undefined
}

export const encodeFetchAnswer = ({ parcels, looked }: FetchAnswer): Uint8Array => encodeCbor([parcels.map((p) => [p.cursor, p.bytes]), looked])

/** Whether the parcels are those that were asked for, their hashes say. */
export function decodeFetchAnswer(bytes: Uint8Array): FetchAnswer | undefined {
  const v = decodeCbor(bytes, MAX_FETCH_ANSWER_BYTES)
  if (!isArray(v, 2)) return undefined
  const [list, looked] = v
  if (!isArray(list) || !isUint(looked, MAX_FETCHED) || looked === 0 || list.length > looked) return undefined
  const parcels: StoredParcel[] = []
  for (const item of list) {
    if (!isArray(item, 2) || !isUint(item[0]) || !isBytes(item[1]) || item[1].length > MAX_PARCEL_BYTES) return undefined
    parcels.push({ cursor: item[0], bytes: item[1] })
  }
  return { parcels, looked }
}
