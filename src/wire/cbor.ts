/**
 * Deterministic CBOR (RFC 8949, section 4.2) with limits: the outer layer of every format in this folder.
 * Only what our formats need passes: unsigned and negative integers, byte strings, text, arrays, maps with text keys, booleans, null.
 *
 * Written here because half of taking in a history was spent in a general codec, which had to encode again what it had read to know whether it was
 * canonical. This reader takes each item in its one canonical form or not at all; cbor.test.ts holds it against that general codec.
 */
import { compare, fromUtf8, putHex, utf8 } from './bytes.ts'

export type Cbor = number | string | boolean | null | Uint8Array | readonly Cbor[] | { readonly [key: string]: Cbor }

/** Arrays and maps inside each other: a deeper input must not exhaust the stack. */
const MAX_DEPTH = 16
const UINT = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5
const FALSE = 0xf4, TRUE = 0xf5, NULL = 0xf6
const LARGEST = Number.MAX_SAFE_INTEGER
/** Texts up to here are mostly ASCII and read faster by hand than by a decoder that has to be called. */
const SHORT_TEXT = 32

// ---- writing ----

/** Written into, one value behind the other: a buffer for each would cost more than the writing. */
const SPACE = 16 * 1024
let space = new Uint8Array(SPACE)
/** Where the value that is being written begins, and how far it goes. */
let start = 0
let end = 0

/** Canonical CBOR. */
export function encodeCbor(value: Cbor): Uint8Array {
  end = start
  write(value)
  const out = space.slice(start, end)
  if (space.length > SPACE) renew()
  return out
}

/** A large one isn't kept. */
function renew(): void {
  space = new Uint8Array(SPACE)
  start = 0
}

/** What is made millions of times is written item by item, without a list of arrays in between: in the same bytes. */
export interface Items {
  list(length: number): void
  uint(n: number): void
  bytes(bytes: Uint8Array): void
  /** Bytes, from lower-case hex. */
  hex(text: string): void
  text(text: string): void
  yes(is: boolean): void
  none(): void
}

const items: Items = {
  list(length) { room(9); writeHead(ARRAY, length) },
  uint(n) { room(9); writeNumber(n) },
  bytes(bytes) { room(9); writeHead(BYTES, bytes.length); writeRaw(bytes) },
  hex(text) { room(9 + text.length / 2); writeHead(BYTES, text.length / 2); putHex(space, end, text); end += text.length / 2 },
  text(text) { room(9); writeText(text) },
  yes(is) { room(1); space[end++] = is ? TRUE : FALSE },
  none() { room(1); space[end++] = NULL },
}

/**
 * Canonical CBOR of one item that `put` writes. What it calls must not write CBOR of its own meanwhile. A part of a larger buffer, of which others have the rest: for what is copied before long,
 * as rows are by a disk; kept for long it would keep all of that.
 */
export function encodeItems(put: (items: Items) => void): Uint8Array {
  end = start
  put(items)
  const out = space.subarray(start, end)
  if (space.length > SPACE) renew(); else start = end
  return out
}

function room(bytes: number): void {
  if (end + bytes <= space.length) return
  const next = new Uint8Array(Math.max(SPACE, (end - start) * 2, end - start + bytes))
  next.set(space.subarray(start, end))
  space = next
  end -= start
  start = 0
}

function write(value: Cbor): void {
  room(9)
  if (typeof value === 'number') writeNumber(value)
  else if (typeof value === 'string') writeText(value)
  else if (value instanceof Uint8Array) { writeHead(BYTES, value.length); writeRaw(value) }
  else if (value === null) space[end++] = NULL
  else if (typeof value === 'boolean') space[end++] = value ? TRUE : FALSE
  else if (Array.isArray(value)) { writeHead(ARRAY, value.length); for (const item of value as readonly Cbor[]) write(item) }
  else writeMap(value as { readonly [key: string]: Cbor })
}

/** The caller has made room for 9 bytes. */
function writeHead(major: number, n: number): void {
  const first = major << 5
  if (n < 24) { space[end++] = first | n; return }
  let width = 1
  if (n < 0x100) space[end++] = first | 24
  else if (n < 0x1_0000) { space[end++] = first | 25; width = 2 }
  else if (n < 0x1_0000_0000) { space[end++] = first | 26; width = 4 }
  else { space[end++] = first | 27; width = 8 }
  let rest = n
  for (let at = end + width - 1; at >= end; at--) { space[at] = rest % 256; rest = Math.floor(rest / 256) }
  end += width
}

function writeNumber(n: number): void {
  if (!Number.isSafeInteger(n)) throw new Error(`${n} has no place in our formats`)
  if (n < 0) writeHead(NEGATIVE, -1 - n); else writeHead(UINT, n)
}

function writeRaw(bytes: Uint8Array): void {
  room(bytes.length)
  space.set(bytes, end)
  end += bytes.length
}

function writeText(text: string): void {
  const { length } = text
  if (length < 24) {
    room(1 + length)
    space[end] = (TEXT << 5) | length
    let n = 0
    for (; n < length; n++) {
      const code = text.charCodeAt(n)
      if (code >= 0x80) break
      space[end + 1 + n] = code
    }
    if (n === length) { end += 1 + length; return }
  }
  const bytes = utf8(text)
  room(9)
  writeHead(TEXT, bytes.length)
  writeRaw(bytes)
}

function writeMap(map: { readonly [key: string]: Cbor }): void {
  const keys = Object.keys(map).map((key) => ({ key, bytes: utf8(key) }))
  keys.sort((a, b) => a.bytes.length - b.bytes.length || compare(a.bytes, b.bytes))
  writeHead(MAP, keys.length)
  for (const { key } of keys) { write(key); write(map[key] as Cbor) }
}

// ---- reading ----

/**
 * Decodes canonical CBOR of at most `maxBytes`; undefined when it is anything else, trailing bytes included. Never throws.
 * Byte strings are copies, so that what is kept of a message doesn't keep all of it in memory.
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): Cbor | undefined {
  if (bytes.length === 0 || bytes.length > maxBytes) return undefined
  const reader = new Reader(bytes)
  const value = reader.item(0)
  return reader.at === bytes.length ? value : undefined
}

/** Reads heads of items one after the other: what formats that are read millions of times are read with, without an array for each field. */
export class Cursor {
  at = 0
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) { this.bytes = bytes }

  /** The argument of a head of this kind; -1 when something else stands here. */
  head(major: number): number {
    const first = this.bytes[this.at]
    if (first === undefined || first >> 5 !== major) return -1
    this.at++
    return this.argument(first & 31)
  }

  uint(): number { return this.head(UINT) }
  list(): number { return this.head(ARRAY) }

  /** Where a byte string of this length begins, and goes on behind it; -1 when there is none. */
  bytesOf(length: number): number {
    const at = this.head(BYTES) === length ? this.at : -1
    this.at += length
    return this.at <= this.bytes.length ? at : -1
  }

  /** A byte string of up to so many bytes, as a part of what is read. */
  view(most: number): Uint8Array | undefined {
    const length = this.head(BYTES)
    if (length < 0 || length > most || length > this.bytes.length - this.at) return undefined
    return this.bytes.subarray(this.at, (this.at += length))
  }

  text(most: number): string | undefined {
    const length = this.head(TEXT)
    return length < 0 || length > most * 4 ? undefined : this.textOf(length)
  }

  /** -1 where a shorter form would have done, where it is cut off, and where it is no safe integer. */
  protected argument(info: number): number {
    if (info < 24) return info
    if (info > 27) return -1
    const { bytes, at } = this, width = 1 << (info - 24)
    if (at + width > bytes.length) return -1
    let n = 0
    for (let i = 0; i < width; i++) n = n * 256 + (bytes[at + i] as number)
    this.at += width
    const least = width === 1 ? 24 : width === 2 ? 0x100 : width === 4 ? 0x1_0000 : 0x1_0000_0000
    return n < least || n > LARGEST ? -1 : n
  }

  protected textOf(length: number): string | undefined {
    const { bytes, at } = this
    if (length > bytes.length - at) return undefined
    this.at += length
    if (length <= SHORT_TEXT) {
      let out = '', n = 0
      for (; n < length; n++) {
        const code = bytes[at + n] as number
        if (code >= 0x80) break
        out += String.fromCharCode(code)
      }
      if (n === length) return out
    }
    return fromUtf8(bytes.subarray(at, at + length))
  }
}

class Reader extends Cursor {
  /** undefined for what is not canonical, or not of our kinds. */
  item(depth: number): Cbor | undefined {
    const first = this.bytes[this.at++]
    if (first === undefined) return undefined
    if (first >= FALSE) return first === FALSE ? false : first === TRUE ? true : first === NULL ? null : undefined
    const n = this.argument(first & 31)
    if (n < 0) return undefined
    switch (first >> 5) {
      case UINT: return n
      // The smallest safe integer is the largest with its sign turned.
      case NEGATIVE: return n < LARGEST ? -1 - n : undefined
      case BYTES: return this.raw(n)
      case TEXT: return this.textOf(n)
      case ARRAY: return depth < MAX_DEPTH ? this.array(n, depth + 1) : undefined
      case MAP: return depth < MAX_DEPTH ? this.map(n, depth + 1) : undefined
      default: return undefined
    }
  }

  private raw(length: number): Uint8Array | undefined {
    if (length > this.bytes.length - this.at) return undefined
    return this.bytes.slice(this.at, (this.at += length))
  }

  private array(length: number, depth: number): Cbor[] | undefined {
    if (length > this.bytes.length - this.at) return undefined
    const out: Cbor[] = []
    for (let n = 0; n < length; n++) {
      const value = this.item(depth)
      if (value === undefined) return undefined
      out.push(value)
    }
    return out
  }

  private map(length: number, depth: number): { readonly [key: string]: Cbor } | undefined {
    if (length * 2 > this.bytes.length - this.at) return undefined
    const out: { [key: string]: Cbor } = {}
    let before: Uint8Array | undefined
    for (let n = 0; n < length; n++) {
      const from = this.at, key = this.item(MAX_DEPTH)
      // Keys ascend by their encodings, so none comes twice. The name that sets an object's prototype is nobody's key.
      const encoded = this.bytes.subarray(from, this.at)
      if (typeof key !== 'string' || key === '__proto__' || (before !== undefined && compare(before, encoded) >= 0)) return undefined
      const value = this.item(depth)
      if (value === undefined) return undefined
      out[key] = value
      before = encoded
    }
    return out
  }
}

export const isArray = (v: Cbor | undefined, length?: number): v is readonly Cbor[] =>
  Array.isArray(v) && (length === undefined || v.length === length)
export const isBytes = (v: Cbor | undefined, length?: number): v is Uint8Array =>
  v instanceof Uint8Array && (length === undefined || v.length === length)
export const isText = (v: Cbor | undefined, maxChars: number): v is string => typeof v === 'string' && v.length <= maxChars
export const isUint = (v: Cbor | undefined, max = Number.MAX_SAFE_INTEGER): v is number =>
  typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 && v <= max
