/** Messages with their terms turned into terms with their messages, all in a few rows of numbers: a history has millions of words, and a list or a map for each of its messages would cost more than the rest. */
import type { List } from './postings.ts'

/** Each term with its places; the same one may come again with further places. */
export interface Spoken { forEach(visit: (places: number, term: string) => void): void }

export class Inverting {
  private readonly known = new Map<string, number>()
  private readonly terms: string[] = []
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
  add(number: number, terms: Spoken): void { terms.forEach((places, term) => this.put(number, places, term)) }

  private put(number: number, places: number, term: string): void {
    const known = this.known.get(term), n = known ?? this.terms.push(term) - 1
    if (known === undefined) { this.known.set(term, n); this.lengths.push(0); this.last.push(-1); this.lastAt.push(0) }
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
