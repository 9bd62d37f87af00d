/**
 * What a person notes for their own devices alone: registers, sealed like marks (marks.ts) under a key that only these devices have.
 *
 *   parcel   CBOR [1, [[kind, id, value, at], ...]]
 *   row      kind, id -> CBOR [value, at]
 *
 *   kind 1   about a person (identity id): SHA-256 of the digits that were compared with them; empty: none
 *   kind 2   about a device (device id): what its person calls it, in UTF-8; empty: nothing
 *
 * `at` (ms, of the device's clock) only orders the writes of one register. A list of marks is no such parcel, so each is told from the other.
 */
import { fromHex, toHex } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { MAX_MARKS_BYTES } from './marks.ts'

export const OWN_KINDS = { check: 1, device: 2 } as const
export type OwnKind = keyof typeof OWN_KINDS
export interface OwnNote { readonly kind: OwnKind; readonly id: string; readonly value: Uint8Array; readonly at: number }

const VERSION = 1
/** A name of 64 characters in UTF-8. */
export const MAX_OWN_VALUE = 256
/** So that a parcel has room for all of them at their longest. */
export const MAX_OWN_NOTES = 40

export const encodeOwnNotes = (notes: readonly OwnNote[]): Uint8Array => encodeCbor([VERSION, notes.map((n) => [OWN_KINDS[n.kind], fromHex(n.id) as Uint8Array, n.value, n.at])])

export function decodeOwnNotes(bytes: Uint8Array): OwnNote[] | undefined {
  const v = decodeCbor(bytes, MAX_MARKS_BYTES)
  if (!isArray(v, 2) || v[0] !== VERSION || !isArray(v[1]) || v[1].length > MAX_OWN_NOTES) return undefined
  const notes = v[1].map((item) => (isArray(item, 4) ? noteOf(item[0], item[1], item[2], item[3]) : undefined)).filter((note) => note !== undefined)
  return notes.length === v[1].length ? notes : undefined
}

export const ownNoteKey = ({ kind, id }: Pick<OwnNote, 'kind' | 'id'>): Uint8Array => Uint8Array.of(OWN_KINDS[kind], ...(fromHex(id) as Uint8Array))
export const encodeOwnNote = ({ value, at }: OwnNote): Uint8Array => encodeCbor([value, at])

export function decodeOwnNote(key: Uint8Array, row: Uint8Array): OwnNote | undefined {
  const v = decodeCbor(row, 1024)
  return isArray(v, 2) ? noteOf(key[0], key.subarray(1), v[0], v[1]) : undefined
}

function noteOf(kindNumber: Cbor | undefined, id: Cbor | undefined, value: Cbor | undefined, at: Cbor | undefined): OwnNote | undefined {
  const kind = kindNumber === OWN_KINDS.check ? 'check' : kindNumber === OWN_KINDS.device ? 'device' : undefined
  if (kind === undefined || !isBytes(id, 32) || !isBytes(value) || value.length > MAX_OWN_VALUE || !isUint(at)) return undefined
  return { kind, id: toHex(id), value, at }
}

/** Of two writes of one register the later counts; at the same time the one that says less: bytes that come first. */
export function laterOf(a: OwnNote, b: OwnNote): OwnNote {
  if (a.at !== b.at) return a.at > b.at ? a : b
  return toHex(a.value) <= toHex(b.value) ? a : b
}
