/**
 * Where messages and what is said about them stand on the disk:
 *
 *   messages/<space>/<channel>   place || message id -> the message, oldest first
 *   threads/<space>/<channel>    first message's id || place || message id -> a message in its thread
 *   places/<space>               message id -> channel || place, and for one in a thread || its first message's id
 *   notes/<space>/<channel>      message id || kind || op id -> a note about it
 *   pins/<space>/<channel>       message id, of messages ever pinned: where to look for pins
 *   voidpins/<space>/<channel>   message id, of those whose pin didn't count when it came: looked at last, as anybody may make as many as they like
 */
import type { RangeQuery, Row } from '../../ports.ts'
import { concat, fromHex, fromU64, putHex, putU64, u64 } from '../../wire/bytes.ts'
import { type ChannelId, type OpId, parseChannelId, parseOpId, type SpaceId } from '../../wire/ids.ts'
import type { MessageRecord, NoteRecord } from '../../wire/content-records.ts'
import type { NoteContent } from '../../wire/content.ts'
import { partitionsOf } from '../partitions.ts'

export interface Place { readonly channel: ChannelId; readonly thread: OpId | undefined; readonly place: number; readonly id: OpId }

export interface Question { readonly partition: string; readonly query: RangeQuery }

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
/** The least key after this one. */
export const after = (key: Uint8Array): Uint8Array => concat(key, new Uint8Array(1))
const one = (partition: string, key: Uint8Array): Question => ({ partition, query: { from: key, to: after(key), limit: 1 } })

/** The least key that doesn't begin with this one; ids never consist of 0xff alone. */
function behind(prefix: Uint8Array): Uint8Array {
  const out = prefix.slice()
  for (let i = out.length - 1; i >= 0; i--) {
    if (out[i] !== 0xff) { out[i] = (out[i] as number) + 1; return out.slice(0, i + 1) }
  }
  return out
}
const under = (prefix: Uint8Array): { from: Uint8Array; to: Uint8Array } => ({ from: prefix, to: behind(prefix) })

export const placesPartition: (space: SpaceId) => string = partitionsOf('places')
const messagesPartition = partitionsOf('messages')
export const notesPartition = (space: SpaceId, channel: ChannelId): string => `notes/${space}/${channel}`
export const pinsPartition = (space: SpaceId, channel: ChannelId): string => `pins/${space}/${channel}`
export const voidPinsPartition = (space: SpaceId, channel: ChannelId): string => `voidpins/${space}/${channel}`

export const placeOf = (channel: ChannelId, m: Pick<MessageRecord, 'id' | 'place' | 'thread'>): Place => ({ channel, thread: m.thread, place: m.place, id: m.id })

/** Of all threads of a channel. */
export const threadsPartition = (space: SpaceId, channel: ChannelId): string => `threads/${space}/${channel}`
export const rowsOf = (space: SpaceId, channel: ChannelId, thread: OpId | undefined): string => (thread === undefined ? messagesPartition(space, channel) : threadsPartition(space, channel))
export function rowKey(p: Pick<Place, 'id' | 'place' | 'thread'>): Uint8Array {
  const at = p.thread === undefined ? 0 : 32, out = new Uint8Array(at + 8 + 32)
  if (p.thread !== undefined) putHex(out, 0, p.thread)
  putU64(out, at, p.place)
  putHex(out, at + 8, p.id)
  return out
}
export const messageRow = (space: SpaceId, p: Place): Question => one(rowsOf(space, p.channel, p.thread), rowKey(p))

/** All messages of a channel, or of a thread in it. */
export function messageRows(space: SpaceId, channel: ChannelId, thread: OpId | undefined): { readonly partition: string; readonly from: Uint8Array; readonly to: Uint8Array } {
  const bounds = thread === undefined ? { from: new Uint8Array(), to: u64(Number.MAX_SAFE_INTEGER) } : under(raw(thread))
  return { partition: rowsOf(space, channel, thread), ...bounds }
}

export const placeRow = (space: SpaceId, message: OpId): Question => one(placesPartition(space), raw(message))
/** Places of messages whose id begins so; hex. */
export const placesByPrefix = (space: SpaceId, prefix: string): Question => ({ partition: placesPartition(space), query: { ...under(raw(prefix)), limit: 4 } })
/** Messages of a channel's own line at this place whose id begins so; hex. */
export function messagesByPrefix(space: SpaceId, channel: ChannelId, place: number, prefix: string): Question {
  const bytes = raw(prefix), from = new Uint8Array(8 + bytes.length)
  putU64(from, 0, place)
  from.set(bytes, 8)
  return { partition: rowsOf(space, channel, undefined), query: { ...under(from), limit: 4 } }
}
export function encodePlace(p: Place): Uint8Array {
  const out = new Uint8Array(p.thread === undefined ? 24 : 56)
  putHex(out, 0, p.channel)
  putU64(out, 16, p.place)
  if (p.thread !== undefined) putHex(out, 24, p.thread)
  return out
}

export function decodePlace(row: Row | undefined): Place | undefined {
  if (row === undefined || (row.value.length !== 24 && row.value.length !== 56)) return undefined
  const channel = parseChannelId(row.value.subarray(0, 16)), id = parseOpId(row.key)
  const thread = row.value.length === 24 ? undefined : parseOpId(row.value.subarray(24))
  return channel === undefined || id === undefined ? undefined : { channel, thread, place: fromU64(row.value.subarray(16, 24)), id }
}

/** Those that decide come first. */
const KINDS: Readonly<Record<NoteContent['type'], number>> = { delete: 0, remove: 1, unpin: 2, pin: 3, edit: 4, unreact: 5, reaction: 6 }

export const noteKey = (note: Pick<NoteRecord, 'id' | 'content'>): Uint8Array => concat(raw(note.content.message), new Uint8Array([KINDS[note.content.type]]), raw(note.id))
/** Those of one message, or so many of them, from a key on. */
export const noteRows = (space: SpaceId, channel: ChannelId, message: OpId, limit: number, from?: Uint8Array): Question =>
  ({ partition: notesPartition(space, channel), query: { ...under(raw(message)), ...(from === undefined ? {} : { from }), limit } })
