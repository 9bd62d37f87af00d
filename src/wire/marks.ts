/**
 * How far a person has read, for their other devices alone: sealed under a key that only these can make, inside the envelope that all members open.
 *
 *   [[channel, first message of a thread or null, hlc up to which all was seen], ...]
 */
import { fromHex } from './bytes.ts'
import { decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { type ChannelId, type OpId, parseChannelId, parseOpId } from './ids.ts'

export const MAX_MARKS = 200
/** Each has at most 61 bytes, and all are padded to a power of two; nonce and tag are around them. */
export const MAX_MARKS_BYTES = 16 * 1024 + 24 + 16

export interface ReadUpTo { readonly channel: ChannelId; readonly thread: OpId | undefined; readonly hlc: number }

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export const encodeMarks = (marks: readonly ReadUpTo[]): Uint8Array => encodeCbor(marks.map((m) => [raw(m.channel), m.thread === undefined ? null : raw(m.thread), m.hlc]))

export function decodeMarks(bytes: Uint8Array): ReadUpTo[] | undefined {
  const list = decodeCbor(bytes, MAX_MARKS_BYTES)
  if (!isArray(list) || list.length > MAX_MARKS) return undefined
  const out: ReadUpTo[] = []
  for (const item of list) {
    if (!isArray(item, 3)) return undefined
    const [channelBytes, threadBytes, hlc] = item
    const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined
    const thread = isBytes(threadBytes, 32) ? parseOpId(threadBytes) : undefined
    if (channel === undefined || (threadBytes !== null && thread === undefined) || !isUint(hlc)) return undefined
    out.push({ channel, thread, hlc })
  }
  return out
}
