/** The few things done with raw bytes everywhere. Ids are lower-case hex strings in memory and raw bytes on the wire. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

export const toHex = bytesToHex

/** Parses lower-case hex; undefined for anything else (odd length, capitals, other characters). */
export function fromHex(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-f]*$/.test(text) ? hexToBytes(text) : undefined
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
  new DataView(out.buffer).setBigUint64(0, BigInt(value))
  return out
}

export function fromU64(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0))
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
