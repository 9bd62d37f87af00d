/** Rows on this device's disk about what lies at relays: how far they were read, what was had of them, and what of our own they are to keep. */
import { fromHex, toHex } from './bytes.ts'
import { decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { type EpochId, parseOpId } from './ids.ts'
import { packed } from './comparison.ts'
import { ID_BYTES } from './rateless.ts'

const MAX_HAD_BYTES = 64 * 1024
const MAX_CARRIERS = 64

const idsOf = (bytes: Uint8Array): string[] => Array.from({ length: bytes.length / ID_BYTES }, (_, n) => toHex(bytes.subarray(n * ID_BYTES, (n + 1) * ID_BYTES)))
const raw = (hex: string): Uint8Array => fromHex(hex) as Uint8Array

/** Where reading a topic at a relay goes on, the rolling hash there, and when all before it was known to be here (ms). */
export interface CursorRecord { readonly cursor: number; readonly hash: Uint8Array | undefined; readonly comparedAt: number }

export const encodeCursor = (c: CursorRecord): Uint8Array => encodeCbor([c.cursor, c.hash ?? null, c.comparedAt])

export function decodeCursor(bytes: Uint8Array): CursorRecord | undefined {
  const v = decodeCbor(bytes, 128)
  // The first version kept the number alone.
  if (isUint(v)) return { cursor: v, hash: undefined, comparedAt: 0 }
  if (!isArray(v, 3)) return undefined
  const [cursor, hash, comparedAt] = v
  return isUint(cursor) && (hash === null || isBytes(hash, 32)) && isUint(comparedAt) ? { cursor, hash: hash ?? undefined, comparedAt } : undefined
}

/** Ids of parcels of a topic that were here at some time (ms). */
export interface HadRecord { readonly topic: string; readonly at: number; readonly ids: readonly string[] }

export const encodeHad = (h: HadRecord): Uint8Array => encodeCbor([raw(h.topic), h.at, packed(h.ids)])

export function decodeHad(bytes: Uint8Array): HadRecord | undefined {
  const v = decodeCbor(bytes, MAX_HAD_BYTES)
  if (!isArray(v, 3)) return undefined
  const [topic, at, ids] = v
  return isBytes(topic, 16) && isUint(at) && isBytes(ids) && ids.length % ID_BYTES === 0 ? { topic: toHex(topic), at, ids: idsOf(ids) } : undefined
}

/** An own op that relays are to keep: when it was made (ms), the epoch it goes out under, and the parcels it went out in. */
export interface OwedRecord { readonly at: number; readonly epoch: EpochId; readonly ids: readonly string[] }

export const encodeOwed = (o: OwedRecord): Uint8Array => encodeCbor([o.at, raw(o.epoch), packed(o.ids.slice(-MAX_CARRIERS))])

export function decodeOwed(bytes: Uint8Array): OwedRecord | undefined {
  const v = decodeCbor(bytes, 128 + MAX_CARRIERS * ID_BYTES)
  if (!isArray(v, 3)) return undefined
  const [at, epochBytes, ids] = v
  const epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
  return isUint(at) && epoch !== undefined && isBytes(ids) && ids.length % ID_BYTES === 0 ? { at, epoch: epoch as string as EpochId, ids: idsOf(ids) } : undefined
}
