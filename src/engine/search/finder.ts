/**
 * Proposes messages for a query, newest first, a few at a time. Each segment is asked only when its newest message could be the next: the newest
 * results of a large index are found in one or two of its segments.
 */
import { HLC_STEP } from '../../wire/op.ts'
import type { Names } from './match.ts'
import type { Clause, Query } from './query.ts'
import type { Reading } from '../reading.ts'
import { nameOf, type SearchIndex, type SegmentInfo, type TailDoc } from './search-index.ts'
import { ANYWHERE, between, inAny, inBoth, inRow, type List, NO_WORD, placesBack, unpackList } from './postings.ts'
import { blockOfDoc, type Doc, eachTerm, firstOfBlock, type Header, newestFirst, termBlocks, termsKey, timeBlocks } from './segment.ts'
import { TERM_OF } from './terms.ts'
import { pairs, placesTaken } from './words.ts'

/** Terms from one to another, both included. */
interface Span { readonly first: string; readonly last: string }

/** Any term of some spans, so many places behind the first of its row. */
interface Need { readonly any: readonly Span[]; readonly at: number }

/** In a row. */
type Chain = readonly Need[]

/** `chains`: all of them; none: whatever was said at that time. */
export interface Sought { readonly chains: readonly Chain[]; readonly from: number; readonly to: number }

const LAST = '\uffff'
const exactly = (term: string): Span => ({ first: term, last: term })
const beginningWith = (prefix: string): Span => ({ first: prefix, last: prefix + LAST })

/** `upTo`: nothing placed later. */
export function soughtBy(query: Query, names: Names, upTo = Number.MAX_SAFE_INTEGER - 1): Sought {
  const anyOf = (terms: readonly string[] | undefined): Chain[] => (terms === undefined ? [] : [[{ any: terms.map(exactly), at: 0 }]])
  return {
    chains: [
      ...query.clauses.map(chainOf),
      ...anyOf(names.authors?.map(TERM_OF.author)), ...anyOf(names.channels?.map(TERM_OF.channel)), ...anyOf(names.mentions?.map(TERM_OF.mention)),
      ...query.has.flatMap((what) => anyOf([TERM_OF.has(what)])),
    ],
    from: query.after * HLC_STEP, to: Math.min(query.before * HLC_STEP, upTo + 1),
  }
}

function chainOf({ words, isOpen }: Clause): Chain {
  const chain: Need[] = []
  let at = 0
  for (const [i, word] of words.entries()) {
    const two = word.run ? pairs(word.text) : []
    if (two.length > 0) for (const [k, pair] of two.entries()) chain.push({ any: [exactly(pair)], at: at + k })
    else chain.push({ any: [word.run || (isOpen && i === words.length - 1) ? beginningWith(word.text) : exactly(word.text)], at })
    at += placesTaken(word)
  }
  return chain
}

/** One list of proposals, newest first. */
interface Source { readonly info: SegmentInfo | undefined; readonly docs: readonly Doc[] | Uint32Array; at: number; head: Doc | undefined }

export class Finder {
  private readonly index: SearchIndex
  private readonly sought: Sought
  private sources: Source[] | undefined
  private unopened: SegmentInfo[] = []
  private readonly seen = new Set<string>()
  private readonly blocks = new Map<number, { readonly block: number; readonly docs: readonly Doc[] }>()

  constructor(index: SearchIndex, sought: Sought) {
    this.index = index
    this.sought = sought
  }

  /** The next proposals, at most `count`; fewer: there are no more. `changed`: segments were rewritten meanwhile; begin anew. */
  * next(count: number): Reading<readonly Doc[] | 'damaged' | 'changed'> {
    const found = yield* this.gather(count)
    if (found !== 'damaged') return found
    const isThere = (source: Source): boolean => source.info === undefined || this.index.segments().includes(source.info)
    return (this.sources ?? []).every(isThere) && this.unopened.every((info) => this.index.segments().includes(info)) ? 'damaged' : 'changed'
  }

  private * gather(count: number): Reading<readonly Doc[] | 'damaged'> {
    if (this.sources === undefined) {
      if ((yield* this.index.open()) === 'damaged') return 'damaged'
      const tail = [...this.index.tailDocs()].filter((doc) => this.isSought(doc)).sort(newestFirst)
      this.sources = [{ info: undefined, docs: tail, at: 0, head: tail[0] }]
      this.unopened = this.index.segments().filter((s) => s.newest >= this.sought.from && s.oldest < this.sought.to)
    }
    const out: Doc[] = []
    while (out.length < count) {
      const source = this.newest()
      const segment = this.unopened[0]
      if (segment !== undefined && (source?.head === undefined || segment.newest >= source.head.hlc)) {
        const opened = yield* this.openSegment(segment)
        if (opened === 'damaged') return 'damaged'
        this.unopened.shift()
        this.sources.push(opened)
        continue
      }
      if (source?.head === undefined) break
      const doc = source.head, name = nameOf(doc)
      if (!this.seen.has(name)) { this.seen.add(name); out.push(doc) }
      source.at++
      if ((yield* this.advance(source)) === 'damaged') return 'damaged'
    }
    return out
  }

  private newest(): Source | undefined {
    let best: Source | undefined
    for (const source of this.sources ?? []) if (source.head !== undefined && (best?.head === undefined || newestFirst(source.head, best.head) < 0)) best = source
    return best
  }

  private isSought({ hlc, terms }: TailDoc): boolean {
    const placesOf = ({ any }: Need): number => {
      let places = 0
      for (const [term, bits] of terms) if (isIn(any, term)) places |= term.startsWith(NO_WORD) ? ANYWHERE : bits
      return places
    }
    return terms.size > 0 && hlc >= this.sought.from && hlc < this.sought.to &&
      this.sought.chains.every((chain) => chain.reduce((places, need) => places & placesBack(placesOf(need), need.at), ANYWHERE) !== 0)
  }

  private * openSegment(info: SegmentInfo): Reading<Source | 'damaged'> {
    const header = yield* this.index.header(info.segment)
    if (header === undefined) return 'damaged'
    const held = yield* this.heldIn(info, header)
    if (held === 'damaged') return 'damaged'
    const [fromBlock, toBlock] = timeBlocks(header, this.sought.from, this.sought.to), first = firstOfBlock(fromBlock), end = Math.min(firstOfBlock(toBlock), header.docs)
    let docs: Uint32Array | undefined
    // The rarest first: often nothing is left of the others to be read.
    for (const chain of held.sort((a, b) => sizeOf(a) - sizeOf(b))) {
      const numbers = numbersOf(chain, header.docs)
      if (numbers === undefined) return 'damaged'
      docs = docs === undefined ? between(numbers, first, end) : inBoth(docs, numbers)
      if (docs.length === 0) break
    }
    const source: Source = { info, docs: docs ?? Uint32Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i), at: 0, head: undefined }
    return (yield* this.advance(source)) === 'damaged' ? 'damaged' : source
  }

  /** The packed lists of a segment that each need of each chain is met by. */
  private * heldIn(info: SegmentInfo, header: Header): Reading<HeldChain[] | 'damaged'> {
    const blocks = new Set<number>()
    for (const { any } of this.sought.chains.flat()) {
      for (const { first, last } of any) {
        const [from, to] = termBlocks(header, first, last)
        for (let block = from; block < to; block++) blocks.add(block)
      }
    }
    const chains = this.sought.chains.map((chain) => chain.map(({ at, any }): HeldNeed => ({ at, any, lists: [] })))
    const needs = chains.flat()
    for (const row of yield* this.index.rows([...blocks].map((block) => termsKey(info.segment, block)))) {
      if (row === undefined || !eachTerm(row, (term, bytes) => { for (const { any, lists } of needs) if (isIn(any, term)) lists.push({ term, bytes }) })) return 'damaged'
    }
    return chains
  }

  /** Finds the source's next message within the time sought. */
  private * advance(source: Source): Reading<'found' | 'damaged'> {
    source.head = undefined
    for (; source.at < source.docs.length; source.at++) {
      const next = source.docs[source.at] as Doc | number
      const doc = typeof next === 'number' ? yield* this.docOf(source.info as SegmentInfo, next) : next
      if (doc === undefined) return 'damaged'
      if (doc.hlc < this.sought.from) break
      if (doc.hlc >= this.sought.to) continue
      source.head = doc
      break
    }
    return 'found'
  }

  private * docOf(info: SegmentInfo, number: number): Reading<Doc | undefined> {
    const block = blockOfDoc(number)
    let known = this.blocks.get(info.segment)
    if (known?.block !== block) {
      const docs = yield* this.index.docs(info.segment, block)
      if (docs === undefined) return undefined
      known = { block, docs }
      this.blocks.set(info.segment, known)
    }
    return known.docs[number - firstOfBlock(block)]
  }
}

interface HeldNeed extends Need { readonly lists: { readonly term: string; readonly bytes: Uint8Array }[] }
type HeldChain = readonly HeldNeed[]

const isIn = (any: readonly Span[], term: string): boolean => any.some(({ first, last }) => term >= first && term <= last)

/** How much there is to read of what is rarest. */
const sizeOf = (chain: HeldChain): number => Math.min(...chain.map(({ lists }) => lists.reduce((sum, { bytes }) => sum + bytes.length, 0)))

/** The messages in which all that is wanted stands in a row; undefined: a list is damaged. */
function numbersOf(chain: HeldChain, docs: number): Uint32Array | undefined {
  let found: { readonly list: List; readonly at: number } | undefined
  for (const { at, lists } of [...chain].sort((a, b) => sizeOf([a]) - sizeOf([b]))) {
    const read = lists.map(({ term, bytes }) => unpackList(term, bytes, docs))
    if (!read.every((list) => list !== undefined)) return undefined
    const list = inAny(read, docs)
    found = found === undefined ? { list, at } : { list: inRow(found.list, list, at - found.at), at: found.at }
    if (found.list.numbers.length === 0) break
  }
  return found?.list.numbers
}
