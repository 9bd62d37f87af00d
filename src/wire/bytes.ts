/** The few things done with raw bytes everywhere. Ids are lower-case hex strings in memory and raw bytes on the wire. */
/** Half a byte by its character, 255 for what is none; and the characters of each byte. */
const NIBBLES = new Uint8Array(128).fill(255)
const HIGH = new Uint8Array(256), LOW = new Uint8Array(256)
for (let n = 0; n < 16; n++) {
  const char = n.toString(16).charCodeAt(0)
  NIBBLES[char] = n
  for (let m = 0; m < 16; m++) { HIGH[16 * n + m] = char; LOW[16 * m + n] = char }
}

export const toHex = (bytes: Uint8Array): string => hexAt(bytes, 0, bytes.length)

/** The hex of a part. Eight bytes at a time: a text put together from single characters is slow to make and slow to compare. */
export function hexAt(bytes: Uint8Array, from: number, length: number): string {
  let out = '', at = from
  const char = String.fromCharCode, end = from + length
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at] as number, b = bytes[at + 1] as number, c = bytes[at + 2] as number, d = bytes[at + 3] as number
    const e = bytes[at + 4] as number, f = bytes[at + 5] as number, g = bytes[at + 6] as number, h = bytes[at + 7] as number
    out += char(
      HIGH[a] as number, LOW[a] as number, HIGH[b] as number, LOW[b] as number, HIGH[c] as number, LOW[c] as number, HIGH[d] as number, LOW[d] as number,
      HIGH[e] as number, LOW[e] as number, HIGH[f] as number, LOW[f] as number, HIGH[g] as number, LOW[g] as number, HIGH[h] as number, LOW[h] as number,
    )
  }
  for (; at < end; at++) out += char(HIGH[bytes[at] as number] as number, LOW[bytes[at] as number] as number)
  return out
}

/** Parses lower-case hex; undefined for anything else (odd length, capitals, other characters). */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined
  const out = new Uint8Array(text.length / 2)
  return putHex(out, 0, text) ? out : undefined
}

/** Writes lower-case hex into bytes; false, and who knows what written, for anything else. */
export function putHex(out: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i += 2) {
    const high = NIBBLES[text.charCodeAt(i)] ?? 255, low = NIBBLES[text.charCodeAt(i + 1)] ?? 255
    if ((high | low) === 255) return false
    out[at + i / 2] = (high << 4) | low
  }
  return true
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) { out.set(part, at); at += part.length }
  return out
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** Orders byte strings as unsigned numbers, shorter first when one is a prefix of the other. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const d = (a[i] as number) - (b[i] as number)
    if (d !== 0) return d
  }
  return a.length - b.length
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** Decodes strict UTF-8; undefined when the bytes are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try { return decoder.decode(bytes) } catch { return undefined }
}

/** Unsigned 64-bit big-endian, so that byte order is number order. `value` is a safe integer, 0 or more. */
export function u64(value: number): Uint8Array {
  const out = new Uint8Array(8)
  putU64(out, 0, value)
  return out
}

export function putU64(out: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  for (let i = 0; i < 4; i++) { out[at + i] = high >>> (24 - 8 * i); out[at + 4 + i] = value >>> (24 - 8 * i) }
}

export function fromU64(bytes: Uint8Array): number {
  let out = 0
  for (let i = 0; i < 8; i++) out = out * 256 + (bytes[i] as number)
  return out
}

const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** base64url without padding (RFC 4648, section 5), for links. */
export function toBase64Url(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i] as number, b = bytes[i + 1], c = bytes[i + 2]
    out += B64.charAt(a >> 2) + B64.charAt(((a & 3) << 4) | ((b ?? 0) >> 4))
    if (b !== undefined) out += B64.charAt(((b & 15) << 2) | ((c ?? 0) >> 6))
    if (c !== undefined) out += B64.charAt(c & 63)
  }
  return out
}

/** Parses canonical base64url without padding; undefined for anything else. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const out = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0, held = 0, at = 0
  for (const char of text) {
    held = ((held << 6) | B64.indexOf(char)) & 0xffff
    bits += 6
    if (bits >= 8) { bits -= 8; out[at++] = (held >> bits) & 255 }
  }
  return toBase64Url(out) === text ? out : undefined
}
