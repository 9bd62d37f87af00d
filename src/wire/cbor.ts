/**
 * Deterministic CBOR (RFC 8949, section 4.2) with limits: the outer layer of every format in this folder.
 * Only what our formats need passes: unsigned and negative integers, byte strings, text, arrays, maps with text keys, booleans, null.
 */
import { decode as cborDecode, encode as cborEncode } from 'cborg'
import { equal } from './bytes.ts'

export type Cbor = number | string | boolean | null | Uint8Array | readonly Cbor[] | { readonly [key: string]: Cbor }

const MAX_DEPTH = 16

/** Canonical CBOR. Always a plain Uint8Array: in Node cborg hands out Buffers, whose slice() is a view where everyone expects a copy. */
export function encodeCbor(value: Cbor): Uint8Array {
  const bytes = cborEncode(value, { float64: true })
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Decodes canonical CBOR of at most `maxBytes`; undefined when it is anything else, trailing bytes included. Never throws. */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): Cbor | undefined {
  if (bytes.length === 0 || bytes.length > maxBytes || tooDeep(bytes)) return undefined
  try {
    const value = cborDecode(bytes, {
      strict: true, allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false,
      rejectDuplicateMapKeys: true,
    }) as Cbor
    // cborg accepts unsorted maps and floats that are integers: only what we would have written is canonical.
    return equal(encodeCbor(value), bytes) ? value : undefined
  } catch { return undefined }
}

/** Bounds nesting before the recursive decoder runs, so that a deep input can't exhaust the stack. */
function tooDeep(bytes: Uint8Array): boolean {
  const left: number[] = []
  let at = 0
  while (at < bytes.length) {
    const major = (bytes[at] as number) >> 5
    const info = (bytes[at] as number) & 31
    let size = info
    at++
    if (info >= 24) {
      const width = 1 << (info - 24)
      if (info > 27 || at + width > bytes.length) return false
      size = 0
      for (let i = 0; i < width; i++) size = size * 256 + (bytes[at + i] as number)
      at += width
    }
    if (major === 2 || major === 3) at += size
    if (major === 4 || major === 5) {
      const items = major === 5 ? size * 2 : size
      if (items > bytes.length) return true
      left.push(items)
      if (left.length > MAX_DEPTH) return true
      if (items > 0) continue
      left.pop()
    }
    while (left.length > 0) {
      const rest = (left.pop() as number) - 1
      if (rest > 0) { left.push(rest); break }
    }
  }
  return false
}

export const isArray = (v: Cbor | undefined, length?: number): v is readonly Cbor[] =>
  Array.isArray(v) && (length === undefined || v.length === length)
export const isBytes = (v: Cbor | undefined, length?: number): v is Uint8Array =>
  v instanceof Uint8Array && (length === undefined || v.length === length)
export const isText = (v: Cbor | undefined, maxChars: number): v is string => typeof v === 'string' && v.length <= maxChars
export const isUint = (v: Cbor | undefined, max = Number.MAX_SAFE_INTEGER): v is number =>
  typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 && v <= max
