/**
 * Places in a list that people reorder at the same time (channels, categories): hex strings whose byte order is the list's order. A place between two
 * others always exists, so moving one entry writes that entry alone, and two people who move different things don't disturb each other. Two who
 * choose the same place are told apart by the entry's id.
 */
import { fromHex, toHex } from '../../wire/bytes.ts'

/** Bytes of a place that the wire takes. */
export const MAX_PLACE_BYTES = 64
const MIDDLE = 128

/**
 * A place after `before` and before `after`; '' for before the first and after the last. Never ends in a zero byte, or nothing would fit before it.
 * undefined when the two are not in order, or the place would be too long: then the list's places are to be written anew with `placesFor`.
 */
export function placeBetween(before: string, after: string): string | undefined {
  if (after !== '' && before >= after) return undefined
  const low = fromHex(before), high = fromHex(after)
  if (low === undefined || high === undefined) return undefined
  const out: number[] = []
  let bounded = after !== ''
  for (let i = 0; i < MAX_PLACE_BYTES; i++) {
    const from = low[i] ?? 0, to = bounded ? (high[i] ?? 0) : 256
    if (to - from > 1) return toHex(Uint8Array.from([...out, from + ((to - from) >> 1)]))
    out.push(from)
    if (to > from) bounded = false
  }
  return undefined
}

/** Evenly spread places for a whole list. */
export function placesFor(length: number): string[] {
  const width = length < MIDDLE ? 1 : 4
  const step = Math.floor((256 ** width - 1) / (length + 1))
  return Array.from({ length }, (_, i) => {
    const value = (i + 1) * step
    const bytes = Array.from({ length: width }, (__, at) => Math.floor(value / 256 ** (width - 1 - at)) % 256)
    return toHex(Uint8Array.from([...bytes, MIDDLE]))
  })
}

/** In list order. */
export const inPlace = <T>(entries: Iterable<readonly [string, T]>, placeOf: (entry: T) => string): (readonly [string, T])[] =>
  [...entries].sort(([idA, a], [idB, b]) => {
    const x = placeOf(a), y = placeOf(b)
    return x !== y ? (x < y ? -1 : 1) : idA < idB ? -1 : 1
  })
