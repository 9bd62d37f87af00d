/**
 * The full-text index of one space: encrypted at rest like everything else, kept up with each message in the same save, and thrown away and built
 * again when it is damaged, since it holds nothing that the messages don't.
 *
 * What is new waits in the tail, a row each. A full tail becomes a segment (segment.ts), and so does at once what comes in by the hundred; eight segments of one size,
 * or more that are smaller, become one of the next, up to MAX_LEVEL. A message that changes is put into the tail again; what segments say of it is then out of date, which does no harm: the index only
 * proposes, and what it proposes is checked against the text as it is now. Erased ones are dropped from their segments at once, words and all.
 */
import type { Row, Save } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import { type ChannelId, type OpId, parseChannelId, type SpaceId } from '../../wire/ids.ts'
import type { Turn } from '../turn.ts'
import { Packer, Unpacker } from './packed.ts'
import { after } from '../messages/places.ts'
import { PAUSE, type Reading, readRow } from '../reading.ts'
import { Lists } from './postings.ts'
import { RowCache } from './row-cache.ts'
import {
  decodeDocs, decodeHeader, decodeSegment, type Doc, docsKey, encodeSegment, type Header, headerKey, ID_BYTES, newestFirst, type Parts, type Pieces, segmentKey, TERMS_A_PIECE, timeBlocks, whole,
} from './segment.ts'

const VERSION = 1
export const TAIL_DOCS = 1024
const MERGE_AT = 8
const MOST_MERGED = 24
/** New messages that come in one step and need not wait in the tail. */
const SEGMENT_DOCS = 256
/** The largest segments hold TAIL_DOCS * MERGE_AT ** MAX_LEVEL messages: what is merged at once stays within a moment and some megabytes. */
const MAX_LEVEL = 2
const MANY_SEGMENTS = 64
const MAX_SEGMENTS = 10_000
const CATALOG = segmentKey(0)
/** Ages rise from here for what comes in, and fall for what is built from the messages that were there before. */
const FIRST_AGE = 2 ** 30

export interface SegmentInfo {
  readonly segment: number
  readonly level: number
  /** Of two that know the same message the one with the higher age knows better. Larger segments are always older. */
  readonly age: number
  readonly docs: number
  readonly newest: number
  readonly oldest: number
}

/** A segment made, not saved yet. */
interface Made { readonly segment: number; readonly docs: readonly Doc[]; readonly saves: readonly Save[] }

/** What is found by: words with their places, and what is no word with none (postings.ts). */
export type Terms = ReadonlyMap<string, number>
export const NO_TERMS: Terms = new Map()

export interface TailDoc extends Doc { readonly terms: Terms }

export const indexPartitions = (space: SpaceId): [string, string] => [`search/${space}`, `search-tail/${space}`]

export class SearchIndex {
  readonly space: SpaceId
  /** Newest first by its newest message. undefined: not read yet. */
  private catalog: readonly SegmentInfo[] | undefined
  private readonly headers = new Map<number, Header>()
  private readonly cache: RowCache
  /** A segment's number is never used for another one while this lives. */
  private readonly owner: string
  private readonly tail = new Map<string, TailDoc>()
  /** Of the tail, what was erased. */
  private readonly erased = new Map<string, TailDoc>()
  private isLoaded = false
  private lastNumber = 0

  constructor(space: SpaceId, cache = new RowCache()) {
    this.space = space
    this.cache = cache
    this.owner = cache.owner()
  }

  get partition(): string { return indexPartitions(this.space)[0] }
  private get tailPartition(): string { return indexPartitions(this.space)[1] }

  /** What the disk holds. Takes nothing back that was added since the start. `damaged`: nothing can be said; build it anew. */
  * open(): Reading<'open' | 'damaged'> {
    if (this.isLoaded) return 'open'
    const [rows = []] = yield [{ partition: this.tailPartition, query: { limit: Number.MAX_SAFE_INTEGER } }]
    const row = yield* readRow(this.partition, CATALOG)
    if (this.isLoaded) return 'open'
    const catalog = row === undefined ? [] : decodeCatalog(row.value)
    if (catalog === undefined) return 'damaged'
    for (const { key, value } of rows) {
      const doc = decodeTail(key, value)
      if (doc === undefined) return 'damaged'
      const name = nameOf(doc)
      if (!this.tail.has(name)) this.wait(name, doc)
    }
    this.catalog = catalog
    this.isLoaded = true
    return 'open'
  }

  /** Everything is forgotten, to be added again. */
  clear(turn: Turn): void {
    turn.out.drop(this.partition)
    turn.out.drop(this.tailPartition)
    this.tail.clear()
    this.erased.clear()
    this.headers.clear()
    this.catalog = []
    this.isLoaded = true
  }

  /** A new message, or one that changed. No `terms`: it was erased. */
  add(turn: Turn, channel: ChannelId, hlc: number, id: OpId, terms: Terms): void {
    const doc = { channel, hlc, id: id.slice(0, 2 * ID_BYTES), terms }, key = keyOf(doc)
    this.wait(nameOf(doc), doc)
    const packer = new Packer()
    for (const [term, places] of terms) { packer.text(term); packer.number(places) }
    turn.out.put(this.tailPartition, key, packer.take())
  }

  /** Many new messages at once, as when a history comes in: a segment of their own, which costs less than a row each and the segment later. */
  addMany(turn: Turn, docs: readonly TailDoc[], least = SEGMENT_DOCS): void {
    if (docs.length >= least && this.isLoaded) this.put(turn, shortened(docs), { level: 0, age: this.nextAge() })
    else for (const { channel, hlc, id, terms } of docs) this.add(turn, channel, hlc, id as OpId, terms)
  }

  private nextAge(): number { return Math.max(FIRST_AGE, ...this.segments().map((s) => s.age)) + 1 }

  private wait(name: string, doc: TailDoc): void {
    this.tail.set(name, doc)
    if (doc.terms.size === 0) this.erased.set(name, doc); else this.erased.delete(name)
  }

  /** What is waiting, in no order. */
  tailDocs(): Iterable<TailDoc> { return this.tail.values() }
  segments(): readonly SegmentInfo[] { return this.catalog ?? [] }

  * header(segment: number): Reading<Header | undefined> {
    const known = this.headers.get(segment)
    if (known !== undefined) return known
    const row = yield* readRow(this.partition, headerKey(segment))
    const header = row === undefined ? undefined : decodeHeader(row.value)
    if (header !== undefined) this.headers.set(segment, header)
    return header
  }

  /** Rows of segments; undefined where there is none. */
  * rows(keys: readonly Uint8Array[]): Reading<(Uint8Array | undefined)[]> {
    const found = keys.map((key) => this.cache.get(this.owner + toHex(key)))
    const missing = keys.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found
    const read = new Map<string, Uint8Array>()
    for (const [row] of yield missing.map((key) => ({ partition: this.partition, query: { from: key, to: after(key), limit: 1 } }))) if (row !== undefined) read.set(toHex(row.key), row.value)
    for (const [name, value] of read) this.cache.set(this.owner + name, value)
    return keys.map((key, i) => found[i] ?? read.get(toHex(key)))
  }

  /** Messages of one block; undefined: it is damaged. */
  * docs(segment: number, block: number): Reading<readonly Doc[] | undefined> {
    const header = yield* this.header(segment), [row] = yield* this.rows([docsKey(segment, block)])
    return header === undefined || row === undefined ? undefined : decodeDocs(header, block, row)
  }

  /** Work that should be done soon: words to take out, a full tail, or too many segments of one size. */
  isBusy(): boolean { return this.tail.size >= TAIL_DOCS || this.erased.size > 0 || this.toMerge() !== undefined }

  /** Nothing but merging is left, and the segments are not too many to be searched, or to be listed anew with each that is made. */
  mayRest(): boolean { return this.tail.size < TAIL_DOCS && this.erased.size === 0 && this.segments().length < MANY_SEGMENTS }

  /** Does the next piece of work. `turn` gives the step that is running when it is asked, which is a later one after each read. */
  * work(turn: () => Turn): Reading<'done' | 'damaged'> {
    if ((yield* this.open()) === 'damaged') return 'damaged'
    if (this.erased.size > 0) return yield* this.purge(turn, [...this.erased.values()])
    if (this.tail.size >= TAIL_DOCS) { this.flush(turn()); return 'done' }
    const group = this.toMerge()
    return group === undefined ? 'done' : yield* this.rewrite(turn, group, new Set())
  }

  /** Takes the words of erased messages out of every segment that has them. Until that is done the tail remembers. */
  private * purge(turn: () => Turn, erased: readonly TailDoc[]): Reading<'done' | 'damaged'> {
    const gone = new Set(erased.map(nameOf))
    for (const info of this.segments()) {
      const has = yield* this.holdsAny(info, erased)
      if (has === 'damaged' || (has && (yield* this.rewrite(turn, [info], gone)) === 'damaged')) return 'damaged'
    }
    for (const doc of erased) {
      if (this.tail.get(nameOf(doc)) !== doc) continue
      this.tail.delete(nameOf(doc))
      this.erased.delete(nameOf(doc))
      turn().out.delete(this.tailPartition, keyOf(doc))
    }
    return 'done'
  }

  private * holdsAny(info: SegmentInfo, docs: readonly Doc[]): Reading<boolean | 'damaged'> {
    for (const wanted of docs) {
      if (wanted.hlc > info.newest || wanted.hlc < info.oldest) continue
      const header = yield* this.header(info.segment)
      if (header === undefined) return 'damaged'
      const [from, to] = timeBlocks(header, wanted.hlc, wanted.hlc + 1)
      for (let block = from; block < to; block++) {
        const row = yield* readRow(this.partition, docsKey(info.segment, block))
        const found = row === undefined ? undefined : decodeDocs(header, block, row.value)
        if (found === undefined) return 'damaged'
        if (found.some((doc) => nameOf(doc) === nameOf(wanted))) return true
      }
    }
    return false
  }

  /** Makes the tail a segment; erased messages have been purged before. */
  flush(turn: Turn): void {
    if (this.erased.size > 0) return
    const docs = [...this.tail.values()].sort(newestFirst)
    turn.out.drop(this.tailPartition)
    this.tail.clear()
    this.put(turn, docs, { level: 0, age: this.nextAge() })
  }

  /** Makes a segment of messages as they were some time ago: whatever else is known of them is newer. */
  pack(turn: Turn, docs: readonly TailDoc[]): void {
    const sorted = shortened(docs)
    if (sorted.length > 0) this.put(turn, sorted, { level: 0, age: Math.min(FIRST_AGE, ...this.segments().map((s) => s.age - 1)) })
  }

  /** The oldest of a size: so what is merged lies together in age. Of small ones more, so that what comes of it is not small again. */
  private toMerge(): readonly SegmentInfo[] | undefined {
    for (let level = 0; level < MAX_LEVEL; level++) {
      const group: SegmentInfo[] = [], enough = TAIL_DOCS * MERGE_AT ** (level + 1)
      let docs = 0
      for (const one of this.segments().filter((s) => s.level === level).sort((a, b) => a.age - b.age)) {
        docs += one.docs
        group.push(one)
        if ((group.length >= MERGE_AT && docs >= enough) || group.length === MOST_MERGED) return group
      }
    }
    return undefined
  }

  /** Makes one segment of some, oldest first, without the messages in `gone`, and without what a younger one of them says better. */
  private * rewrite(turn: () => Turn, group: readonly SegmentInfo[], gone: ReadonlySet<string>): Reading<'done' | 'damaged'> {
    const found = yield group.map(({ segment }) => ({
      partition: this.partition, query: { from: segmentKey(segment), to: segmentKey(segment + 1), limit: Number.MAX_SAFE_INTEGER },
    }))
    // Something else may have rewritten them meanwhile: then this is done.
    if (!group.every((info) => this.segments().includes(info))) return 'done'
    const parts = yield* inPieces(joined(found, gone))
    if (parts === undefined) return 'damaged'
    const segment = this.freeNumber()
    const saves = yield* inPieces(encodeSegment(this.partition, segment, parts))
    if (!group.every((info) => this.segments().includes(info))) return 'done'
    const level = Math.max(...group.map((s) => s.level)) + (group.length > 1 ? 1 : 0)
    const oldKeys = found.flatMap((rows) => rows.map((row) => row.key))
    this.replace(turn(), group, oldKeys, { segment, docs: parts.docs, saves }, { level, age: Math.max(...group.map((s) => s.age)) })
    return 'done'
  }

  /** Never the same again: others are made while one that is long in the making has no place in the catalog yet. */
  private freeNumber(): number {
    this.lastNumber = Math.max(this.lastNumber, ...this.segments().map((s) => s.segment)) + 1
    return this.lastNumber
  }

  /** A small new segment. */
  private put(turn: Turn, docs: readonly TailDoc[], as: Pick<SegmentInfo, 'level' | 'age'>): void {
    const segment = this.freeNumber()
    const saves = docs.length === 0 ? [] : whole(encodeSegment(this.partition, segment, { docs, lists: listsOf(docs) }))
    this.replace(turn, [], [], { segment, docs, saves }, as)
  }

  /** All in one save, so that a crash leaves the old segments or the new one. */
  private replace(
    turn: Turn, old: readonly SegmentInfo[], oldKeys: readonly Uint8Array[], { segment, docs, saves }: Made, as: Pick<SegmentInfo, 'level' | 'age'>,
  ): void {
    const catalog = this.segments().filter((s) => !old.includes(s))
    for (const { segment: gone } of old) this.headers.delete(gone)
    for (const key of oldKeys) turn.out.delete(this.partition, key)
    const newest = docs[0], oldest = docs.at(-1)
    if (newest !== undefined && oldest !== undefined) {
      for (const save of saves) turn.out.save(save)
      catalog.push({ segment, ...as, docs: docs.length, newest: newest.hlc, oldest: oldest.hlc })
    }
    this.catalog = catalog.sort((a, b) => b.newest - a.newest || b.segment - a.segment)
    turn.out.put(this.partition, CATALOG, encodeCatalog(this.catalog))
  }
}

const shortened = (docs: readonly TailDoc[]): TailDoc[] => docs.map((doc) => ({ ...doc, id: doc.id.slice(0, 2 * ID_BYTES) })).sort(newestFirst)

function listsOf(docs: readonly TailDoc[]): Lists {
  const known = new Map<string, { readonly numbers: number[]; readonly places: number[] }>()
  for (const [number, doc] of docs.entries()) {
    for (const [term, places] of doc.terms) {
      const list = known.get(term)
      if (list === undefined) known.set(term, { numbers: [number], places: [places] })
      else { list.numbers.push(number); list.places.push(places) }
    }
  }
  const lists = new Lists()
  for (const term of [...known.keys()].sort()) {
    const { numbers = [], places = [] } = known.get(term) ?? {}
    for (let i = 0; i < numbers.length; i++) lists.add(numbers[i] as number, places[i] as number)
    lists.end(term)
  }
  return lists
}

/** A message's place in every list of this index. */
export const nameOf = ({ channel, hlc, id }: Doc): string => `${channel} ${hlc} ${id}`
const keyOf = (doc: Doc): Uint8Array => concat(fromHex(doc.channel) as Uint8Array, u64(doc.hlc), fromHex(doc.id) as Uint8Array)

/** Reads work off in pieces, each in a step of its own. */
function* inPieces<T>(pieces: Pieces<T>): Reading<T> {
  for (;;) {
    const step = pieces.next()
    if (step.done === true) return step.value
    yield PAUSE
  }
}

/** One segment's parts of several, oldest first, without the messages in `gone`, and without what a younger one of them says better; undefined when one is damaged. */
function* joined(segments: readonly (readonly Row[])[], gone: ReadonlySet<string>): Pieces<Parts | undefined> {
  const parts: Parts[] = [], latest = new Map<string, Doc>()
  for (const rows of segments) {
    const part = yield* decodeSegment(rows)
    if (part === undefined) return undefined
    for (const [n, doc] of part.docs.entries()) { if (n % TERMS_A_PIECE === TERMS_A_PIECE - 1) yield; latest.set(nameOf(doc), doc) }
    parts.push(part)
  }
  for (const name of gone) latest.delete(name)
  const kept = new Set(latest.values())
  const docs = yield* sortedUnion(parts.map((part) => part.docs.filter((doc) => kept.has(doc))), newestFirst)
  const numberOf = new Map(docs.map((doc, number) => [doc, number]))
  const terms = yield* sortedUnion(parts.map((part) => part.lists.terms), (a, b) => (a < b ? -1 : a > b ? 1 : 0))
  // The newest first: then what is added mostly rises.
  const numbered = parts.map(({ docs: own, lists: { terms: words, starts }, lists }) => ({ numbers: own.map((doc) => numberOf.get(doc) ?? -1), words, starts, lists, next: 0 })).reverse()
  const lists = new Lists()
  for (const [n, term] of terms.entries()) {
    if (n % TERMS_A_PIECE === TERMS_A_PIECE - 1) yield
    for (const part of numbered) {
      if (part.words[part.next] !== term) continue
      const old = part.lists.list(part.next++)
      for (let k = 0; k < old.numbers.length; k++) { const number = part.numbers[old.numbers[k] as number] as number; if (number >= 0) lists.add(number, old.places[k] as number) }
    }
    if (!lists.isEmpty) lists.end(term)
  }
  return { docs, lists }
}

/** One sorted list of several such, two at a time, each item once. */
function* sortedUnion<T>(lists: readonly (readonly T[])[], compare: (a: T, b: T) => number): Pieces<readonly T[]> {
  let left: (readonly T[])[] = [...lists]
  while (left.length > 1) {
    const next: (readonly T[])[] = []
    for (let n = 0; n < left.length; n += 2) {
      const a = left[n] ?? [], b = left[n + 1] ?? [], out: T[] = []
      for (let i = 0, j = 0; i < a.length || j < b.length;) {
        const order = i >= a.length ? 1 : j >= b.length ? -1 : compare(a[i] as T, b[j] as T)
        out.push((order <= 0 ? a[i] : b[j]) as T)
        if (order <= 0) i++
        if (order >= 0) j++
      }
      next.push(out)
      yield
    }
    left = next
  }
  return left[0] ?? []
}

function decodeTail(key: Uint8Array, value: Uint8Array): TailDoc | undefined {
  const channel = key.length === 24 + ID_BYTES ? parseChannelId(key.subarray(0, 16)) : undefined
  if (channel === undefined) return undefined
  const packed = new Unpacker(value), terms = new Map<string, number>()
  while (!packed.done) terms.set(packed.text(), packed.number() & 0xffff)
  return packed.failed ? undefined : { channel, hlc: fromU64(key.subarray(16)), id: toHex(key.subarray(24)), terms }
}

function encodeCatalog(catalog: readonly SegmentInfo[]): Uint8Array {
  const packer = new Packer()
  packer.number(VERSION)
  for (const s of catalog) for (const n of [s.segment, s.level, s.age, s.docs, s.newest, s.oldest]) packer.number(n)
  return packer.take()
}

function decodeCatalog(bytes: Uint8Array): SegmentInfo[] | undefined {
  const packed = new Unpacker(bytes), out: SegmentInfo[] = []
  if (packed.number() !== VERSION) return undefined
  while (!packed.done && !packed.failed && out.length < MAX_SEGMENTS) {
    const [segment, level, age, docs, newest, oldest] = [packed.number(), packed.number(), packed.number(), packed.number(), packed.number(), packed.number()]
    out.push({ segment, level, age, docs, newest, oldest })
  }
  return packed.failed ? undefined : out
}
