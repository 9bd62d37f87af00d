/** Messages with their terms turned into terms with their messages, all in a few rows of numbers: a history has millions of words, and a list or a map for each of its messages would cost more than the rest. */
import type { List } from './postings.ts'

/** Each term with its places; the same one may come again with further places. */
export interface Spoken {
  forEach(visit: (places: number, term: string) => void): void
  /** The same, each as a part of a text: most of a history's words are known, and a string for each that is heard again would cost more than finding it. */
  forEachPart?(visit: VisitPart): void
}
export type VisitPart = (places: number, text: string, from: number, end: number) => void

/** So many terms at most are looked at before the crowded ones. */
const MOST_LOOKS = 16

export class Inverting {
  private readonly terms: string[] = []
  /** Of each term: by that it is found, and only what has the same is compared letter by letter. */
  private readonly hashes: number[] = []
  /** By hash: the number of a term plus one, where there was room behind its own place; 0: none. Twice as many as there are terms, a power of two. */
  private slots = new Int32Array(4096)
  /** Terms for which there was no room near their place: whoever writes many words of one hash slows nobody down. */
  private readonly crowded = new Map<string, number>()
  /** Of each term in how many messages it is, the last of them, and where that stands in the rows below. */
  private readonly lengths: number[] = []
  private readonly last: number[] = []
  private readonly lastAt: number[] = []
  /** As they came: term, message and places. */
  private of = new Uint32Array(4096)
  private numbers = new Uint32Array(4096)
  private places = new Uint16Array(4096)
  private length = 0

  /** Numbers must rise. */
  add(number: number, terms: Spoken): void {
    if (terms.forEachPart === undefined) terms.forEach((places, term) => this.put(number, places, this.find(term, 0, term.length)))
    else terms.forEachPart((places, text, from, end) => this.put(number, places, this.find(text, from, end)))
  }

  /** The number of a term. */
  private find(text: string, from: number, end: number): number {
    const hash = hashOf(text, from, end), { slots, terms, hashes } = this, mask = slots.length - 1
    for (let looks = 0, slot = hash & mask; looks < MOST_LOOKS; looks++, slot = (slot + 1) & mask) {
      const n = (slots[slot] as number) - 1
      if (n < 0) return this.make(text.slice(from, end), hash)
      if (hashes[n] === hash && isPart(terms[n] as string, text, from, end)) return n
    }
    const term = text.slice(from, end)
    return this.crowded.get(term) ?? this.make(term, hash)
  }

  private make(term: string, hash: number): number {
    const n = this.terms.push(term) - 1
    this.hashes.push(hash)
    this.lengths.push(0)
    this.last.push(-1)
    this.lastAt.push(0)
    if (2 * this.terms.length <= this.slots.length) { this.lay(n); return n }
    this.slots = new Int32Array(2 * this.slots.length)
    this.crowded.clear()
    for (let each = 0; each <= n; each++) this.lay(each)
    return n
  }

  private lay(n: number): void {
    const { slots } = this, mask = slots.length - 1
    let slot = (this.hashes[n] as number) & mask
    for (let looks = 0; looks < MOST_LOOKS; looks++, slot = (slot + 1) & mask) if (slots[slot] === 0) { slots[slot] = n + 1; return }
    this.crowded.set(this.terms[n] as string, n)
  }

  private put(number: number, places: number, n: number): void {
    if (this.last[n] === number) {
      const at = this.lastAt[n] as number
      this.places[at] = (this.places[at] as number) | places
      return
    }
    if (this.length === this.of.length) this.grow()
    this.last[n] = number
    this.lastAt[n] = this.length
    this.lengths[n] = (this.lengths[n] as number) + 1
    this.of[this.length] = n
    this.numbers[this.length] = number
    this.places[this.length++] = places
  }

  private grow(): void {
    const { of, numbers, places } = this
    this.of = new Uint32Array(2 * this.length)
    this.numbers = new Uint32Array(2 * this.length)
    this.places = new Uint16Array(2 * this.length)
    this.of.set(of)
    this.numbers.set(numbers)
    this.places.set(places)
  }

  /** Gives each term, in their order, with where its list begins and ends in the rows of all. */
  each(visit: (term: string, all: List, from: number, end: number) => void): void {
    const { terms, lengths, length } = this
    /** Where each list goes on: when all are laid, where it ends. */
    const ends = new Uint32Array(terms.length), numbers = new Uint32Array(length), places = new Uint16Array(length)
    for (let n = 1; n < ends.length; n++) ends[n] = (ends[n - 1] as number) + (lengths[n - 1] as number)
    for (let at = 0; at < length; at++) {
      const n = this.of[at] as number, to = ends[n] as number
      numbers[to] = this.numbers[at] as number
      places[to] = this.places[at] as number
      ends[n] = to + 1
    }
    const order = terms.map((_, n) => n).sort((a, b) => ((terms[a] as string) < (terms[b] as string) ? -1 : 1)), all = { numbers, places }
    for (const n of order) visit(terms[n] as string, all, (ends[n] as number) - (lengths[n] as number), ends[n] as number)
  }
}

/** FNV-1a, its higher bits mixed into the lower ones. */
export function hashOf(text: string, from: number, end: number): number {
  let hash = end - from
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 15)
}

function isPart(term: string, text: string, from: number, end: number): boolean {
  if (term.length !== end - from) return false
  for (let at = from; at < end; at++) if (term.charCodeAt(at - from) !== text.charCodeAt(at)) return false
  return true
}
