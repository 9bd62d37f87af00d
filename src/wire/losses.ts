/**
 * What a disk has lost: a run of rows in the order in which it keeps them, all partitions one after the other. A row's place in that order is its
 * partition's name with the length in front, then its key.
 *
 *   row of a loss = [from, to]        places; to: exclusive, null for the end
 */
import { compare, concat, utf8 } from './bytes.ts'
import { decodeCbor, encodeCbor, isArray, isBytes } from './cbor.ts'

/** Where a disk notes what it lost until the engine has dealt with it. */
export const LOST_PARTITION = 'lost'
const MAX_PLACE_BYTES = 2048

export interface Loss { readonly from: Uint8Array; readonly to: Uint8Array | undefined }

/** Where a partition's rows begin. Names are at most 255 bytes of UTF-8. */
export function partitionPrefix(partition: string): Uint8Array {
  const name = utf8(partition)
  return concat(Uint8Array.of(name.length), name)
}

/** The first place after all that begin with this prefix. UTF-8 has no byte 255, so the last byte can always be counted up. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const out = prefix.slice()
  out[out.length - 1] = (out[out.length - 1] as number) + 1
  return out
}

export const encodeLoss = ({ from, to }: Loss): Uint8Array => encodeCbor([from, to ?? null])

export function decodeLoss(bytes: Uint8Array): Loss | undefined {
  const v = decodeCbor(bytes, 2 * MAX_PLACE_BYTES)
  if (!isArray(v, 2)) return undefined
  const [from, to] = v
  if (!isBytes(from) || from.length > MAX_PLACE_BYTES || (to !== null && (!isBytes(to) || to.length > MAX_PLACE_BYTES))) return undefined
  return { from, to: to ?? undefined }
}

/** The keys of one partition that a loss holds; undefined: none. */
export function lostIn({ from, to }: Loss, partition: string): { readonly from: Uint8Array; readonly to: Uint8Array | undefined } | undefined {
  const prefix = partitionPrefix(partition), end = afterPrefix(prefix)
  if (compare(from, end) >= 0 || (to !== undefined && compare(to, prefix) <= 0)) return undefined
  const first = compare(from, prefix) <= 0 ? new Uint8Array() : from.slice(prefix.length)
  const isWithin = to !== undefined && compare(to, end) < 0
  return { from: first, to: isWithin ? to.slice(prefix.length) : undefined }
}
