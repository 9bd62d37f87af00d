/**
 * One piece of bytes as what it has that another one, much like it, has not. Every state of a group holds the whole ratchet tree, of which a commit changes one path.
 *
 *   difference = SHA-256 of the target (8 of its bytes), and parts: count (4) || bytes said anew || place in the base (4) || count taken from there (4)
 */
import { concat, equal } from '../../wire/bytes.ts'

type Sha256 = (bytes: Uint8Array) => Uint8Array

const CHECK_BYTES = 8
/** Bytes that are looked for as one: about as many as a place to copy from takes. */
const WINDOW = 16
const TABLE_SIZE = 1 << 16

export function encodeDifference(base: Uint8Array, target: Uint8Array, sha256: Sha256): Uint8Array {
  const places = placesOf(base), view = viewOf(target), parts = [sha256(target).subarray(0, CHECK_BYTES)]
  let said = 0
  for (let at = 0; at + WINDOW <= target.length;) {
    let from = places[hash(view, at)] as number, to = at
    if (from < 0 || lengthOfSame(base, from, target, to) < WINDOW) { at++; continue }
    while (from > 0 && to > said && base[from - 1] === target[to - 1]) { from--; to-- }
    const count = lengthOfSame(base, from, target, to)
    parts.push(u32(to - said), target.subarray(said, to), u32(from), u32(count))
    at = said = to + count
  }
  return concat(...parts, u32(target.length - said), target.subarray(said), u32(0), u32(0))
}

/** The target again; undefined for what is no difference, and for one from another base. */
export function decodeDifference(base: Uint8Array, difference: Uint8Array, sha256: Sha256): Uint8Array | undefined {
  const view = viewOf(difference), parts: Uint8Array[] = []
  for (let at = CHECK_BYTES; at < difference.length;) {
    const anew = at + 4 <= difference.length ? view.getUint32(at) : Infinity, next = at + 4 + anew
    if (next + 8 > difference.length) return undefined
    const from = view.getUint32(next), count = view.getUint32(next + 4)
    if (from + count > base.length) return undefined
    parts.push(difference.subarray(at + 4, next), base.subarray(from, from + count))
    at = next + 8
  }
  const target = concat(...parts)
  return equal(sha256(target).subarray(0, CHECK_BYTES), difference.subarray(0, CHECK_BYTES)) ? target : undefined
}

/** Where in the base the windows at every sixteenth byte stand, by their hash; -1 where there is none. */
function placesOf(base: Uint8Array): Int32Array {
  const places = new Int32Array(TABLE_SIZE).fill(-1), view = viewOf(base)
  for (let at = 0; at + WINDOW <= base.length; at += WINDOW) places[hash(view, at)] = at
  return places
}

const hash = (view: DataView, at: number): number =>
  (Math.imul(view.getUint32(at) ^ Math.imul(view.getUint32(at + 4), 0x85ebca6b), 0x9e3779b1) ^ Math.imul(view.getUint32(at + 8) ^ Math.imul(view.getUint32(at + 12), 0xc2b2ae35), 0x27d4eb2f)) >>> 16

function lengthOfSame(base: Uint8Array, from: number, target: Uint8Array, to: number): number {
  const most = Math.min(base.length - from, target.length - to)
  let n = 0
  while (n < most && base[from + n] === target[to + n]) n++
  return n
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

function u32(n: number): Uint8Array {
  const out = new Uint8Array(4)
  viewOf(out).setUint32(0, n)
  return out
}
