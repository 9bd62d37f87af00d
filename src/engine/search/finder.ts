/**
 * Proposes messages for a query, newest first, a few at a time. Each segment is asked only when its newest message could be the next: the newest
 * results of a large index are found in one or two of its segments.
 */
import type { Names } from './match.ts'
import type { Query } from './query.ts'
import type { Reading } from '../reading.ts'
import { nameOf, type SearchIndex, type SegmentInfo, type TailDoc } from './search-index.ts'
import { blockOfDoc, decodeNumbers, type Doc, eachTerm, firstOfBlock, type Header, newestFirst, termBlocks, termsKey, timeBlocks } from './segment.ts'
import { pairs } from './words.ts'

/** Of several of these terms any one; a prefix stands for every term that begins so. */
export interface Need { readonly any: readonly string[]; readonly isPrefix: boolean }

export interface Sought { readonly needs: readonly Need[]; readonly from: number; readonly to: number }

const HLC_STEP = 1024
const LAST = '\uffff'

/** Terms that are no words: who wrote it, where, what it has, whom it names. */
export const TERM_OF = {
  author: (identity: string): string => `\u0001a${identity}`,
  channel: (channel: string): string => `\u0001c${channel}`,
  mention: (identity: string): string => `\u0001m${identity}`,
  has: (what: string): string => `\u0001h${what}`,
  /** Every message has it: what is asked for when nothing else is. */
  all: '\u0001',
}

/** `upTo`: nothing placed later. */
export function soughtBy(query: Query, names: Names, upTo = Number.MAX_SAFE_INTEGER - 1): Sought {
  const needs: Need[] = []
  for (const { words, isOpen } of query.clauses) {
    for (const [i, word] of words.entries()) {
      const two = word.run ? pairs(word.text) : []
      if (word.run && two.length > 0) needs.push(...two.map((pair) => ({ any: [pair], isPrefix: false })))
      else needs.push({ any: [word.text], isPrefix: word.run || (isOpen && i === words.length - 1) })
    }
  }
  const anyOf = (terms: readonly string[] | undefined): void => { if (terms !== undefined) needs.push({ any: terms, isPrefix: false }) }
  anyOf(names.authors?.map(TERM_OF.author))
  anyOf(names.channels?.map(TERM_OF.channel))
  anyOf(names.mentions?.map(TERM_OF.mention))
  for (const what of query.has) anyOf([TERM_OF.has(what)])
  if (needs.length === 0) anyOf([TERM_OF.all])
  return { needs, from: query.after * HLC_STEP, to: Math.min(query.before * HLC_STEP, upTo + 1) }
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

  private isSought(doc: TailDoc): boolean {
    return doc.hlc >= this.sought.from && doc.hlc < this.sought.to &&
      this.sought.needs.every((need) => need.any.some((wanted) => doc.terms.some((term) => (need.isPrefix ? term.startsWith(wanted) : term === wanted))))
  }

  private * openSegment(info: SegmentInfo): Reading<Source | 'damaged'> {
    const header = yield* this.index.header(info.segment)
    if (header === undefined) return 'damaged'
    const [fromBlock, toBlock] = timeBlocks(header, this.sought.from, this.sought.to)
    const first = firstOfBlock(fromBlock), end = firstOfBlock(toBlock)
    let docs: Uint32Array | undefined
    for (const need of this.sought.needs) {
      const numbers = yield* this.numbersOf(info, header, need)
      if (numbers === 'damaged') return 'damaged'
      docs = docs === undefined ? between(numbers, first, end) : both(docs, numbers)
      if (docs.length === 0) break
    }
    const source: Source = { info, docs: docs ?? new Uint32Array(), at: 0, head: undefined }
    return (yield* this.advance(source)) === 'damaged' ? 'damaged' : source
  }

  private * numbersOf(info: SegmentInfo, header: Header, need: Need): Reading<Uint32Array | 'damaged'> {
    const blocks = new Set<number>()
    for (const wanted of need.any) {
      const [from, to] = termBlocks(header, wanted, need.isPrefix ? wanted + LAST : wanted)
      for (let block = from; block < to; block++) blocks.add(block)
    }
    const lists: Uint32Array[] = []
    let isWhole = true
    for (const row of yield* this.index.rows([...blocks].map((block) => termsKey(info.segment, block)))) {
      const isRead = row !== undefined && eachTerm(row, (term, bytes) => {
        if (!need.any.some((wanted) => (need.isPrefix ? term.startsWith(wanted) : term === wanted))) return
        const numbers = decodeNumbers(bytes, header.docs)
        if (numbers === undefined) isWhole = false; else lists.push(numbers)
      })
      if (!isRead) isWhole = false
    }
    return isWhole ? any(lists, header.docs) : 'damaged'
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

/** Of a rising list what is not below `first` and below `end`. */
const between = (numbers: Uint32Array, first: number, end: number): Uint32Array => numbers.subarray(countBelow(numbers, first), countBelow(numbers, end))

function countBelow(numbers: Uint32Array, bound: number): number {
  let low = 0, high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] as number) < bound) low = middle + 1; else high = middle
  }
  return low
}

/** In both of two rising lists. */
function both(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(Math.min(a.length, b.length))
  let i = 0, j = 0, n = 0
  while (i < a.length && j < b.length) {
    const x = a[i] as number, y = b[j] as number
    if (x === y) { out[n++] = x; i++; j++ } else if (x < y) i++; else j++
  }
  return out.subarray(0, n)
}

/** In any of some rising lists of numbers below `max`. */
function any(lists: readonly Uint32Array[], max: number): Uint32Array {
  const [first] = lists
  if (first === undefined) return new Uint32Array()
  if (lists.length === 1) return first
  const marks = new Uint8Array(max)
  let count = 0
  for (const list of lists) for (const n of list) if (marks[n] === 0) { marks[n] = 1; count++ }
  const out = new Uint32Array(count)
  for (let n = 0, at = 0; at < count; n++) if (marks[n] === 1) out[at++] = n
  return out
}
