/**
 * A copy of all that is on a disk: one file, sealed under a passphrase.
 *
 *   file  = "thicket copy" || version (1) || length of the lock (1) || lock || piece*
 *   lock  = canonical CBOR [salt (16), KiB, passes]       of Argon2id, as for a locked disk (adapters/vault-ways.ts)
 *   piece = length (4) || AES-256-GCM(key, nonce, aad = all before the first piece, plain)
 *   nonce = number of the piece, from 0 (8) || 0 (3) || 1 for the last one, else 0        the key is this file's alone, so counting is safe
 *
 *   plain of the first piece = canonical CBOR [made at]         it opens with the right passphrase only, whatever has happened to the rest
 *   plain of the others      = canonical CBOR [partition, [[key, value], ...]], squeezed (adapters/disk-squeeze.ts)
 *
 * Nothing can be left out, put in, moved or cut off: each piece is sealed with its number, and the last one says that it is the last.
 */
import { concat, equal, u64, utf8 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText, isUint } from './cbor.ts'

const MAGIC = utf8('thicket copy')
const VERSION = 1
/** Bytes of a file before the lock. */
export const COPY_PREFACE_BYTES = MAGIC.length + 2
/** Rows of a piece are collected up to here; a larger row has one to itself. */
export const PIECE_BYTES = 64 * 1024
/** The largest row of a disk has below 4 MiB, and its name, its key and the seal around it some hundred bytes. */
export const MAX_PIECE_BYTES = 4 * 1024 * 1024 + 8 * 1024
const MAX_NAME_BYTES = 255, MAX_KEY_BYTES = 1024

/** On the disk. Key 0: a copy is being taken, and what is here is a half of it. */
export const TAKING = { partition: 'copy', key: Uint8Array.of(0) } as const
/** Who is on a disk: the last that a copy brings. */
export const ME_PARTITION = 'me'
/** There, where the engine finds it at its next start: this disk was taken from a copy, and must not go on under the keys of where that was made. */
export const TAKEN_KEY = Uint8Array.of(6)

/** All before the pieces; what they are sealed with. */
export function encodeCopyHead(lock: Uint8Array): Uint8Array {
  return concat(MAGIC, Uint8Array.of(VERSION, lock.length), lock)
}

/** From the first bytes: how long the lock behind them is. undefined: not a copy. */
export function decodeCopyPreface(bytes: Uint8Array): { readonly lockBytes: number } | 'newer' | undefined {
  if (bytes.length !== COPY_PREFACE_BYTES || !equal(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined
  const version = bytes[MAGIC.length] as number, lockBytes = bytes[MAGIC.length + 1] as number
  return version > VERSION ? 'newer' : version < VERSION || lockBytes === 0 ? undefined : { lockBytes }
}

export function pieceNonce(number: number, isLast: boolean): Uint8Array { return concat(u64(number), Uint8Array.of(0, 0, 0, isLast ? 1 : 0)) }

export interface CopyHello { readonly madeAt: number }
export const encodeCopyHello = ({ madeAt }: CopyHello): Uint8Array => encodeCbor([madeAt])

export function decodeCopyHello(bytes: Uint8Array): CopyHello | undefined {
  const v = decodeCbor(bytes, 16)
  return isArray(v, 1) && isUint(v[0]) ? { madeAt: v[0] } : undefined
}

interface Row { readonly key: Uint8Array; readonly value: Uint8Array }
export interface CopyRows { readonly partition: string; readonly rows: readonly Row[] }
export const encodeCopyRows = ({ partition, rows }: CopyRows): Uint8Array => encodeCbor([partition, rows.map(({ key, value }) => [key, value])])

export function decodeCopyRows(bytes: Uint8Array): CopyRows | undefined {
  const v = decodeCbor(bytes, MAX_PIECE_BYTES)
  if (!isArray(v, 2)) return undefined
  const [partition, list] = v
  if (!isText(partition, MAX_NAME_BYTES) || !isArray(list)) return undefined
  const rows = list.map(decodeRow)
  return rows.every((row) => row !== undefined) ? { partition, rows } : undefined
}

function decodeRow(v: Cbor): Row | undefined {
  if (!isArray(v, 2)) return undefined
  const [key, value] = v
  return isBytes(key) && key.length <= MAX_KEY_BYTES && isBytes(value) ? { key, value } : undefined
}
