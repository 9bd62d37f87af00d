/** The plaintext of a content op, and its padding. Sealed by src/engine/content. */
import { decodeCbor, encodeCbor, isArray, isText } from './cbor.ts'

/** Four bytes a character at most, and the frame around it. */
export const MAX_CONTENT_BYTES = 64 * 1024

export type Content = { readonly type: 'message'; readonly text: string }

export const CONTENT_TYPES: ReadonlySet<string> = new Set<Content['type']>(['message'])

export function encodeContent(content: Content): Uint8Array {
  switch (content.type) {
    case 'message': return encodeCbor([content.text])
  }
}

export function decodeContent(type: string, bytes: Uint8Array, maxChars: number): Content | undefined {
  const v = decodeCbor(bytes, MAX_CONTENT_BYTES)
  switch (type) {
    case 'message': {
      if (!isArray(v, 1) || !isText(v[0], maxChars) || v[0] === '') return undefined
      return { type: 'message', text: v[0] }
    }
    default: return undefined
  }
}

/** Pads to 64 bytes times a power of two: a one and zeros (ISO/IEC 7816-4), so that lengths tell little. */
export function pad(bytes: Uint8Array, smallest = 64): Uint8Array {
  let size = smallest
  while (size < bytes.length + 1) size *= 2
  const out = new Uint8Array(size)
  out.set(bytes)
  out[bytes.length] = 0x80
  return out
}

/** undefined when the padding is not of the form above. */
export function unpad(bytes: Uint8Array): Uint8Array | undefined {
  let end = bytes.length - 1
  while (end >= 0 && bytes[end] === 0) end--
  return end >= 0 && bytes[end] === 0x80 ? bytes.subarray(0, end) : undefined
}

/** Pads to Padmé sizes (Nikitin et al., PETS 2019) above 8 KiB and to 256 B * 2^k below: what a relay sees of a parcel's size. */
export function padEnvelope(bytes: Uint8Array): Uint8Array {
  const length = bytes.length + 1
  if (length <= 8192) return pad(bytes, 256)
  const exponent = Math.floor(Math.log2(length))
  const last = exponent - (Math.floor(Math.log2(exponent)) + 1)
  const step = 2 ** last
  const out = new Uint8Array(Math.ceil(length / step) * step)
  out.set(bytes)
  out[bytes.length] = 0x80
  return out
}
