/**
 * Proposes messages for a query, newest first, a few at a time. Each segment is asked only when its newest message could be the next: the newest
 * results of a large index are found in one or two of its segments. Of what is rare many are asked at once, as many as it should take by what those before had, so that what each waits for doesn't add up.
 */
import { HLC_STEP } from '../../wire/op.ts'
import type { Names } from './match.ts'
import type { Clause, Query } from './query.ts'
import { all, type Reading } from '../reading.ts'
import { type Chain, isIn, Matches, type Need, type Span } from './matches.ts'
import type { Numbered, SearchIndex, SegmentInfo, TailDoc } from './search-index.ts'
import { ANYWHERE, NO_WORD, placesBack } from './postings.ts'
import { blockOfDoc, firstOfBlock, nameOf, newestFirst, type Placed, placesKey, timeBlocks } from './segment.ts'
import { TERM_OF } from './terms.ts'
import { goesOn, pairs, placesTaken } from './words.ts'

/** `chains`: all of them; none: whatever was said at that time. */
export interface Sought { readonly chains: readonly Chain[]; readonly from: number; readonly to: number }

const LAST = '\uffff'
const exactly = (term: string): Span => ({ first: term, last: term })
const beginningWith = (prefix: string): Span => ({ first: prefix, last: prefix + LAST })

/** What half a Korean syllable at the end may become; what comes after it is a term's second character. */
function halfTyped(text: string): Span[] {
  const span = goesOn(text)
  return span === undefined ? [] : [{ first: span[0], last: span[1] + LAST }]
}

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
    const two = word.run ? pairs(word.text) : [], isLast = isOpen && i === words.length - 1
    if (two.length > 0) for (const [k, pair] of two.entries()) chain.push({ any: [exactly(pair), ...(isLast && k === two.length - 1 ? halfTyped(pair) : [])], at: at + k })
    else chain.push({ any: [word.run || isLast ? beginningWith(word.text) : exactly(word.text), ...(word.run && isLast ? halfTyped(word.text) : [])], at })
    at += placesTaken(word)
  }
  return chain
}

/** A message that may be what is sought. */
export interface Proposal extends Placed {
  /** The first bytes of it. Where it stands says enough of most, and then nobody has looked: undefined. */
  id: string | undefined
  /** undefined: it is in the tail. */
  readonly from: Numbered | undefined
}

type Named = Proposal & { readonly id: string }
const isNamed = (proposal: Proposal): proposal is Named => proposal.id !== undefined

/** Proposals of the tail, or of one segment, newest first. */
interface Source {
  readonly from: { readonly info: SegmentInfo; readonly matches: Matches } | undefined
  /** As far as they are known. */
  found: readonly Proposal[] | Uint32Array
  at: number
  /** Up to here what they are has been read. */
  readTo: number
  head: Proposal | undefined
}

/** Segments that are asked at once, in the end. */
const MOST_AHEAD = 16

export class Finder {
  private readonly index: SearchIndex
  private readonly sought: Sought
  private sources: Source[] | undefined
  private unopened: SegmentInfo[] = []
  /** Of the segments that were asked: how many messages were looked through, and how many of them were proposed. */
  private looked = 0
  private met = 0
  /** Messages that are read at once where one is wanted: as many as are still wanted. Of no segment more than it has, and no more are asked than it takes. */
  private docsAhead = 1
  /** The source whose head was proposed last: what comes next in it is not looked for before somebody wants it. */
  private taken: Source | undefined
  private readonly seen = new Set<string>()
  private readonly blocks = new Map<number, { readonly block: number; readonly spots: readonly Placed[] }>()

  constructor(index: SearchIndex, sought: Sought) {
    this.index = index
    this.sought = sought
  }

  /** The next proposals, at most `count`; fewer: there are no more. Those in threads have their ids. `changed`: segments were rewritten meanwhile; begin anew. */
  * next(count: number): Reading<readonly Proposal[] | 'damaged' | 'changed'> {
    const found = yield* this.gather(count)
    if (found === 'damaged') return this.damage()
    const missed = yield* this.name(found.filter(({ inThread }) => inThread))
    return missed ?? found
  }

  /** Has proposals have their ids. */
  * name(proposals: readonly Proposal[]): Reading<'damaged' | 'changed' | undefined> {
    const nameless = proposals.filter((proposal) => proposal.id === undefined), ids = nameless.length === 0 ? [] : yield* this.index.ids(nameless.flatMap(({ from }) => from ?? []))
    if (ids === undefined) return this.damage()
    for (const [n, proposal] of nameless.entries()) proposal.id = ids[n]
    return undefined
  }

  private damage(): 'damaged' | 'changed' {
    const isThere = (source: Source): boolean => source.from === undefined || this.index.segments().includes(source.from.info)
    return (this.sources ?? []).every(isThere) && this.unopened.every((info) => this.index.segments().includes(info)) ? 'damaged' : 'changed'
  }

  private * gather(count: number): Reading<readonly Proposal[] | 'damaged'> {
    if (this.sources === undefined) {
      if ((yield* this.index.open()) === 'damaged') return 'damaged'
      const tail = [...this.index.tailDocs()].filter((doc) => this.isSought(doc)).sort(newestFirst).map(({ channel, hlc, inThread, id }): Proposal => ({ channel, hlc, inThread, start: '', id, from: undefined }))
      this.sources = [{ from: undefined, found: tail, at: 0, readTo: 0, head: tail[0] }]
      this.unopened = this.index.segments().filter((s) => s.newest >= this.sought.from && s.oldest < this.sought.to)
    }
    const out: Proposal[] = []
    while (out.length < count) {
      this.docsAhead = count - out.length
      if (this.taken !== undefined && (yield* this.advance(this.taken)) === 'damaged') return 'damaged'
      this.taken = undefined
      const newest = this.newest(), segment = this.unopened[0]
      if (segment !== undefined && (newest[0]?.head === undefined || segment.newest >= newest[0].head.hlc)) {
        if ((yield* this.openSome()) === 'damaged') return 'damaged'
        continue
      }
      // Of one time: they may be the same, and if not, their ids say which comes first.
      if (newest.length > 1 && (yield* this.name(newest.flatMap(({ head }) => head ?? []))) !== undefined) return 'damaged'
      const source = newest.length > 1 ? newest.reduce((a, b) => (a.head !== undefined && b.head !== undefined && isNamed(a.head) && isNamed(b.head) && newestFirst(b.head, a.head) < 0 ? b : a)) : newest[0]
      if (source?.head === undefined) break
      const { head } = source, name = isNamed(head) ? nameOf(head) : undefined
      if (name === undefined || !this.seen.has(name)) out.push(head)
      if (name !== undefined) this.seen.add(name)
      source.at++
      this.taken = source
    }
    return out
  }

  /** The source whose head is the newest, or those. */
  private newest(): Source[] {
    let out: Source[] = []
    for (const source of this.sources ?? []) {
      const later = source.head === undefined ? -1 : source.head.hlc - (out[0]?.head?.hlc ?? -1)
      if (later > 0) out = [source]; else if (later === 0) out.push(source)
    }
    return out
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

  /** The next segments, all the way to the newest message that each proposes. */
  private * openSome(): Reading<'opened' | 'damaged'> {
    const infos = this.unopened.slice(0, this.enough())
    const opened = yield* all(infos.map((info) => this.openSegment(info)))
    if (opened.includes('damaged')) return 'damaged'
    this.unopened.splice(0, infos.length)
    for (const source of opened) if (source !== 'damaged') this.sources?.push(source)
    return 'opened'
  }

  /** So many of the next segments should have what is still wanted; of the first one asked nothing is known. */
  private enough(): number {
    const wanted = this.docsAhead * this.looked / (this.met + 1)
    let docs = 0, count = 0
    do docs += this.unopened[count++]?.docs ?? 0; while (docs < wanted && count < Math.min(MOST_AHEAD, this.unopened.length))
    return count
  }

  private * openSegment(info: SegmentInfo): Reading<Source | 'damaged'> {
    const header = this.index.header(info.segment)
    if (header === undefined) return 'damaged'
    const [from, to] = timeBlocks(header, this.sought.from, this.sought.to), matches = new Matches(this.index, info, header, this.sought.chains, firstOfBlock(from), Math.min(firstOfBlock(to), header.docs))
    const source: Source = { from: { info, matches }, found: new Uint32Array(), at: 0, readTo: 0, head: undefined }
    if ((yield* this.advance(source)) === 'damaged') return 'damaged'
    this.looked += matches.looked
    this.met += source.found.length
    return source
  }

  /** Finds the source's next message within the time sought. */
  private * advance(source: Source): Reading<'found' | 'damaged'> {
    source.head = undefined
    for (;; source.at++) {
      while (source.at === source.found.length) {
        const more = source.from === undefined ? undefined : yield* source.from.matches.next()
        if (more === undefined) return 'found'
        if (more === 'damaged') return 'damaged'
        source.found = more
        source.at = 0
        source.readTo = 0
      }
      const next = source.found[source.at] as Proposal | number
      const doc = typeof next === 'number' ? yield* this.proposalOf(source, next) : next
      if (doc === undefined) return 'damaged'
      if (doc.hlc < this.sought.from) return 'found'
      if (doc.hlc >= this.sought.to) continue
      source.head = doc
      return 'found'
    }
  }

  private * proposalOf(source: Source, number: number): Reading<Proposal | undefined> {
    const { from, found, at } = source
    if (from === undefined) return undefined
    const { info } = from, { segment, room } = info, block = blockOfDoc(number)
    let known = this.blocks.get(segment)
    if (known?.block !== block) {
      if (at >= source.readTo) {
        source.readTo = at + this.docsAhead
        yield* this.index.rows([...new Set(Array.from(found.slice(at, source.readTo) as Uint32Array, blockOfDoc))].map((one) => ({ room, key: placesKey(segment, one) })))
      }
      const spots = yield* this.index.places(info, block)
      if (spots === undefined) return undefined
      known = { block, spots }
      this.blocks.set(segment, known)
    }
    const spot = known.spots[number - firstOfBlock(block)]
    return spot && { ...spot, id: undefined, from: { info, number } }
  }
}
