/** How outcomes of pure functions are kept for all devices of one process (alike.ts). */
import { inRange, mergeEntries } from '../adapters/disk-tree.ts'
import type { mergeRange } from '../adapters/disk-overlay.ts'

export const latin = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** What is larger is known by itself too, since looking it up by its bytes takes long: trees and commits, which come from rows and ops, and are never written over. */
const LARGE = 4096

/** By the bytes, words and numbers it is given; functions that it is given are everywhere the same. */
export function byBytes<Given extends readonly unknown[], Made>(make: (...given: Given) => Made): (...given: Given) => Made {
  const known = new Map<string, Made>(), large = new WeakMap<Uint8Array, Map<string, Made>>()
  return (...given) => {
    const bytes = given.find((one) => one instanceof Uint8Array) as Uint8Array, isLarge = bytes.length > LARGE
    const words = given.map((one) => (one instanceof Uint8Array || typeof one === 'function' ? '' : String(one))).join(' ')
    const itself = isLarge ? large.get(bytes)?.get(words) : undefined
    if (itself !== undefined) return itself
    const name = `${words} ${latin(bytes)}`, made = known.get(name) ?? make(...given)
    known.set(name, made)
    if (isLarge) large.set(bytes, (large.get(bytes) ?? new Map<string, Made>()).set(words, made))
    return made
  }
}

export function byObject<Given extends object, Made>(make: (given: Given) => Made): (given: Given) => Made {
  const known = new WeakMap<Given, Made>()
  return (given) => {
    const found = known.get(given) ?? make(given)
    known.set(given, found)
    return found
  }
}

/** By the tree or leaf that it is about; what it is worked out with is everywhere the same. */
export function byFirst<Given extends object, Made>(make: (given: Given, tool: unknown) => Promise<Made>): (given: Given, tool: unknown) => Promise<Made> {
  const known = new WeakMap<Given, Promise<Made>>()
  return (given, tool) => {
    const found = known.get(given) ?? make(given, tool)
    known.set(given, found)
    return found
  }
}

/** Rows as they lie there, not copies: nobody here writes over what they have read. */
export function sharingRows(): typeof mergeRange {
  return async (edits, query, below) =>
    mergeEntries(inRange(edits.entries, { from: query.from ?? new Uint8Array(), to: query.to }), query.limit, query.reverse ?? false, edits.isDropped ? async () => [] : below)
}
