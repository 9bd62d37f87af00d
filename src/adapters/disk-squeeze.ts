/**
 * Makes pages of a disk smaller before they are sealed. Rows of one page repeat each other: the same space, channel, author and epoch in each, 32 bytes at a time, and the same
 * words. What was there before is named by how far back it lies, in the block format of LZ4 (lz4_Block_format.md in lz4/lz4), which is made and read with a few
 * operations a byte: the slower, better compressions would take longer than the disk saves. How well a page is squeezed shows in its length, in steps of 256 bytes, to
 * who has the raw store; that says how much its rows have in common, of which there are a hundred, and nothing of one of them.
 *
 *   squeezed page = 5 || its length (4) || sequences        5 is the first byte of no other block (disk-format.ts); a page that this would not make smaller stays as it is
 *   sequence = token || literals' length beyond 14, in 255s || literals || distance back (2, little end first) || match's length beyond 18, in 255s
 *   token    = (literals' length, at most 15) * 16 + (match's length - 4, at most 15)          the last sequence ends with its literals
 */

const SQUEEZED = 5
const HEAD_BYTES = 5
/** Above what any page has: its largest row is below 4 MiB. No more than this is made of a few bytes. */
const MAX_BYTES = 16 * 1024 * 1024
const MIN_MATCH = 4
/** The last match begins before the last twelve bytes and ends before the last five, as the format asks. */
const END_LITERALS = 5, MATCH_LIMIT = 12
const MAX_DISTANCE = 65_535
const HASH_BITS = 13
/** After so many looks in vain, steps grow by one: what can't be made smaller (ciphertext, signatures) is passed over fast. */
const SKIP_BITS = 5

/** Below this many bytes a loop takes less time than a call. */
const SHORT = 96

/** Where four bytes with this hash were seen last, plus one. One table for all: nothing here waits. */
const table = new Int32Array(1 << HASH_BITS)

/** Where a page is made smaller: most are far below this, and a fresh place for each would be filled with zeros first. */
const SPACE_BYTES = 128 * 1024
const space = new Uint8Array(SPACE_BYTES)

/** The page, or what becomes of it. */
export function squeeze(page: Uint8Array): Uint8Array {
  const most = HEAD_BYTES + page.length + Math.ceil(page.length / 255) + 16, out = most <= SPACE_BYTES ? space : new Uint8Array(most)
  out[0] = SQUEEZED
  new DataView(out.buffer).setUint32(1, page.length)
  const end = putAll(out, HEAD_BYTES, page)
  return end < page.length ? out.slice(0, end) : page
}

function putAll(out: Uint8Array, start: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const limit = bytes.length - MATCH_LIMIT
  table.fill(0)
  let at = 0, anchor = 0, to = start
  while (at < limit) {
    let found = -1
    for (let looks = 1 << SKIP_BITS; at < limit; at += looks++ >> SKIP_BITS) {
      const four = view.getUint32(at, true), slot = Math.imul(four, 0x9e3779b1) >>> (32 - HASH_BITS)
      const before = (table[slot] as number) - 1
      table[slot] = at + 1
      if (before >= 0 && at - before <= MAX_DISTANCE && view.getUint32(before, true) === four) { found = before; break }
    }
    if (found < 0) break
    while (at > anchor && found > 0 && bytes[at - 1] === bytes[found - 1]) { at--; found-- }
    const most = bytes.length - END_LITERALS
    let end = at + MIN_MATCH
    for (let from = found + MIN_MATCH; end < most && bytes[end] === bytes[from]; end++) from++
    to = putSequence(out, to, bytes, anchor, at)
    to = putMatch(out, to, at - anchor, at - found, end - at)
    at = end
    anchor = at
  }
  return putSequence(out, to, bytes, anchor, bytes.length)
}

/** Token without its match, and literals. */
function putSequence(out: Uint8Array, start: number, bytes: Uint8Array, from: number, end: number): number {
  const length = end - from
  let to = start
  out[to++] = Math.min(length, 15) << 4
  to = putRest(out, to, length - 15)
  if (length < SHORT) for (let at = from; at < end; at++) out[to++] = bytes[at] as number
  else { out.set(bytes.subarray(from, end), to); to += length }
  return to
}

function putMatch(out: Uint8Array, start: number, literals: number, distance: number, length: number): number {
  const token = start - literals - (literals < 15 ? 1 : 2 + Math.floor((literals - 15) / 255))
  out[token] = (out[token] as number) | Math.min(length - MIN_MATCH, 15)
  out[start] = distance & 255
  out[start + 1] = distance >> 8
  return putRest(out, start + 2, length - MIN_MATCH - 15)
}

function putRest(out: Uint8Array, start: number, rest: number): number {
  let to = start
  if (rest < 0) return to
  for (; rest >= 255; rest -= 255) out[to++] = 255
  out[to++] = rest
  return to
}

/** The page again. undefined for what `squeeze` would not have made; a page that was left as it is passes as it is. */
export function unsqueeze(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== SQUEEZED) return bytes
  if (bytes.length < HEAD_BYTES) return undefined
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
  return length > MAX_BYTES ? undefined : readAll(bytes, length)
}

function readAll(bytes: Uint8Array, length: number): Uint8Array | undefined {
  const out = new Uint8Array(length), end = bytes.length
  let at = HEAD_BYTES, to = 0
  const rest = (): number => {
    let sum = 0
    for (let byte = 255; byte === 255; sum += byte) byte = bytes[at++] ?? Infinity
    return sum
  }
  for (;;) {
    const token = bytes[at++]
    if (token === undefined) return undefined
    let literals = token >> 4
    if (literals === 15) literals += rest()
    if (literals > length - to || literals > end - at) return undefined
    if (literals < SHORT) for (const stop = to + literals; to < stop;) out[to++] = bytes[at++] as number
    else { out.set(bytes.subarray(at, at + literals), to); at += literals; to += literals }
    if (at === end) return to === length && (token & 15) === 0 ? out : undefined
    const distance = (bytes[at] as number) + 256 * (bytes[at + 1] ?? MAX_DISTANCE)
    at += 2
    let match = (token & 15) + MIN_MATCH
    if (match === 15 + MIN_MATCH) match += rest()
    if (distance === 0 || distance > to || match > length - to) return undefined
    // From what was just written: nearer than it is long, it repeats itself.
    if (match < SHORT || distance < match) for (const stop = to + match; to < stop; to++) out[to] = out[to - distance] as number
    else { out.copyWithin(to, to - distance, to - distance + match); to += match }
  }
}
