/**
 * Which messages of one segment have all that is sought: newest first, and no more of it is read than that takes. What is rarest leads, a stretch of its list after the other; of the others only those pieces
 * are read in which it has messages.
 */
import type { Reading } from '../reading.ts'
import { hasAny, inBoth, inRow, type List, Lists, readPiece, Union } from './postings.ts'
import type { Block, SearchIndex, SegmentInfo } from './search-index.ts'
import { BLOCK_BYTES, eachTerm, type Header, type TermBlock, termBlocks, termsKey } from './segment.ts'

/** Terms from one to another, both included. */
export interface Span { readonly first: string; readonly last: string }

/** Any term of some spans, so many places behind the first of its row. */
export interface Need { readonly any: readonly Span[]; readonly at: number }

/** In a row. */
export type Chain = readonly Need[]

export const isIn = (any: readonly Span[], term: string): boolean => any.some(({ first, last }) => term >= first && term <= last)

/** What is in no more blocks is read before it is known whether it leads: so all is there after one read. */
const FEW_BLOCKS = 3
/** Stretches of a leading list that are looked at together, in the end. */
const MOST_STRETCHES = 16
/** Messages of a stretch where nothing is sought but a time. */
const STRETCH = 1024
/** Of what leads so many are looked at first, where there is more to be sought: of a channel with all that was said in it hardly more than these are taken apart. */
const FIRST_LOOK = 256, MORE = 8

/** A term that is sought, and a piece of its list. */
interface Held { readonly term: string; readonly piece: Uint8Array; readonly base: number }
/** `held`: what is sought in each block that has been read. */
interface Placed extends Need { readonly blocks: readonly TermBlock[]; readonly held: Map<number, readonly Held[]>; weight: number }

const NONE = new Uint32Array()

/** Each block once, with all that is known to be in it. */
function together(blocks: readonly TermBlock[]): TermBlock[] {
  const known = new Map<number, TermBlock>()
  for (const one of blocks) {
    const { block, low, high } = known.get(one.block) ?? one
    known.set(one.block, { block, low: Math.min(low, one.low), high: Math.max(high, one.high) })
  }
  return [...known.values()]
}

export class Matches {
  private readonly index: SearchIndex
  private readonly info: SegmentInfo
  private readonly header: Header
  private readonly chains: Placed[][]
  private readonly end: number
  private readonly start: number
  private at: number
  private stretches = 1
  private most = FIRST_LOOK
  private isWeighed = false

  /** Of the messages numbered from `first` up to `end`. */
  constructor(index: SearchIndex, info: SegmentInfo, header: Header, chains: readonly Chain[], first: number, end: number) {
    this.index = index
    this.info = info
    this.header = header
    this.chains = chains.map((chain) => chain.map((need) => {
      const blocks = together(need.any.flatMap((span) => termBlocks(header, span.first, span.last)))
      return { ...need, blocks, held: new Map(), weight: blocks.length * BLOCK_BYTES }
    }))
    this.start = first
    this.at = first
    this.end = end
  }

  /** So many messages have been looked through. */
  get looked(): number { return Math.min(this.at, this.end) - this.start }

  /** What is read first, whatever it says: all of what is in few blocks, or else, and where it alone is sought, the start of what leads. */
  private first(): (readonly [Placed, readonly TermBlock[]])[] {
    const needs = this.chains.flat(), few = needs.filter(({ blocks }) => blocks.length === 0 || (needs.length > 1 && blocks.length <= FEW_BLOCKS))
    if (few.length > 0) return few.some(({ blocks }) => blocks.length === 0) ? [] : few.map((need) => [need, need.blocks])
    const lead = needs.reduce<Placed | undefined>((a, b) => (a === undefined || b.weight < a.weight ? b : a), undefined)
    return lead === undefined ? [] : [[lead, lead.blocks.filter(({ low, high }) => low <= this.at && high > this.at)]]
  }

  private row(block: number): Block { return { room: this.info.room, key: termsKey(this.info.segment, block) } }

  /** The next of them: of one stretch some, or none. undefined: there are no more. */
  * next(): Reading<Uint32Array | undefined | 'damaged'> {
    if (!this.isWeighed && !(yield* this.weigh())) return 'damaged'
    if (this.at >= this.end) return undefined
    const from = this.at, lead = this.chains[0]?.[0]
    this.at = lead === undefined ? from + STRETCH : this.stretchEnd(lead)
    let to = Math.min(this.at, this.end), found: Uint32Array | undefined, first = lead && (yield* this.listOf(lead, from, to, undefined))
    if (lead !== undefined && first === undefined) return 'damaged'
    if (first !== undefined && first.numbers.length > this.most && this.chains.flat().length > 1) {
      this.at = to = first.numbers[this.most] as number
      first = { numbers: first.numbers.subarray(0, this.most), places: first.places.subarray(0, this.most) }
    }
    this.most *= MORE
    for (const chain of this.chains) {
      const numbers = yield* this.inChain(chain, from, to, found, chain === this.chains[0] ? first : undefined)
      if (numbers === undefined) return 'damaged'
      found = found === undefined ? numbers : inBoth(found, numbers)
      if (found.length === 0) break
    }
    return found ?? Uint32Array.from({ length: to - from }, (_, n) => from + n)
  }

  /** Puts what is rarest first; false: a block is damaged. */
  private * weigh(): Reading<boolean> {
    const first = this.first()
    // All at once, as long as nobody knows which of them leads.
    yield* this.index.rows(first.flatMap(([, blocks]) => blocks.map(({ block }) => this.row(block))))
    for (const [need, blocks] of first) {
      if (!(yield* this.hold(need, blocks))) return false
      if (blocks.length === need.blocks.length) need.weight = [...need.held.values()].flat().reduce((sum, { piece }) => sum + piece.length, 0)
    }
    for (const chain of this.chains) chain.sort((a, b) => a.weight - b.weight)
    const least = (chain: readonly Placed[]): number => chain[0]?.weight ?? 0
    this.chains.sort((a, b) => least(a) - least(b))
    if (this.chains.some((chain) => least(chain) === 0)) this.at = this.end
    this.isWeighed = true
    return true
  }

  /** Reads of these blocks what is sought; false: one is damaged. */
  private * hold({ any, held }: Placed, blocks: readonly TermBlock[]): Reading<boolean> {
    const missing = blocks.filter(({ block }) => !held.has(block))
    if (missing.length === 0) return true
    const rows = yield* this.index.rows(missing.map(({ block }) => this.row(block)))
    return missing.every(({ block }, n) => {
      const row = rows[n], found: Held[] = []
      held.set(block, found)
      return row !== undefined && eachTerm(this.header, block, row, (term, piece, base) => { if (isIn(any, term)) found.push({ term, piece, base }) })
    })
  }

  /** Where some of its pieces end, the more the longer nothing was found: so what goes over all of them is not taken apart too often. */
  private stretchEnd({ blocks }: Placed): number {
    const ends = [...new Set(blocks.map(({ high }) => high))].filter((high) => high > this.at).sort((a, b) => a - b)
    const end = ends[Math.min(this.stretches, ends.length) - 1] ?? this.end
    this.stretches = Math.min(4 * this.stretches, MOST_STRETCHES)
    return end
  }

  /** `first`: the list of the first in it, where that is known. */
  private * inChain(chain: readonly Placed[], from: number, to: number, among: Uint32Array | undefined, first: List | undefined): Reading<Uint32Array | undefined> {
    let found: { readonly list: List; readonly at: number } | undefined
    for (const need of chain) {
      const list = found === undefined && first !== undefined ? first : yield* this.listOf(need, from, to, found?.list.numbers ?? among)
      if (list === undefined) return undefined
      found = found === undefined ? { list, at: need.at } : { list: inRow(found.list, list, need.at - found.at), at: found.at }
      if (found.list.numbers.length === 0) break
    }
    return found?.list.numbers ?? NONE
  }

  /** Of a stretch, and only pieces that have to do with the messages `among` which it is; undefined: something is damaged. */
  private * listOf(need: Placed, from: number, to: number, among: Uint32Array | undefined): Reading<List | undefined> {
    const blocks = need.blocks.filter(({ low, high }) => low < to && high > from && (among === undefined || hasAny(among, Math.max(low, from), Math.min(high, to))))
    if (!(yield* this.hold(need, blocks))) return undefined
    const pieces = blocks.flatMap(({ block }) => need.held.get(block) ?? []), isOne = pieces.every(({ term }) => term === pieces[0]?.term)
    const into = isOne ? new Lists(pieces.reduce((bytes, { piece }) => bytes + piece.length, 16)) : new Union(from, to), { docs } = this.header
    const add = (number: number, places: number): void => { if (number >= from && number < to) into.add(number, places) }
    if (!pieces.every(({ term, piece, base }) => readPiece(term, piece, base, docs, add))) return undefined
    if (into instanceof Union) return into.list()
    into.end(pieces[0]?.term ?? '')
    return into.list(0)
  }
}
