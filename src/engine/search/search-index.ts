/**
 * The full-text index of one space: encrypted at rest like everything else, kept up with each message in the same save, and thrown away and built
 * again when it is damaged, since it holds nothing that the messages don't.
 *
 * What is new waits in the tail, a row each. A full tail becomes a segment (segment.ts), and so does at once what comes in by the hundred. Segments that lie together in age become one as
 * soon as they have enough messages for the next size (merging.ts), up to MAX_DOCS: a rare word is looked for in each of them, but where something was erased all of one is written anew.
 * A message that changes is put into the tail again; what segments say of it is then out of date, which does no harm: the index only
 * proposes, and what it proposes is checked against the text as it is now. Erased ones are dropped from their segments at once, words and all.
 */
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import { type ChannelId, type OpId, parseChannelId, type SpaceId } from '../../wire/ids.ts'
import type { Turn } from '../turn.ts'
import { Packer, Unpacker } from './packed.ts'
import { after } from '../messages/places.ts'
import { merge } from './merging.ts'
import type { Reading } from '../reading.ts'
import { RowCache } from './row-cache.ts'
import { decodeDocs, decodeHeader, type Doc, docsKey, type Header, ID_BYTES, keysOf, nameOf, newestFirst, segmentKey, segmentOfHeader, SegmentWriter, timeBlocks } from './segment.ts'

const VERSION = 2
export const TAIL_DOCS = 1024
/** New messages that come in one step and need not wait in the tail. */
const SEGMENT_DOCS = 256
/** Sizes of segments: each begins with so many times the messages of the one before. */
const SIZE_FACTOR = 4
/** A segment of so many messages is the largest: it takes part in no other. */
const MAX_DOCS = 2 ** 18
const SIZES = [1, 2, 3, 4].map((n) => TAIL_DOCS * SIZE_FACTOR ** n)
const MOST_MERGED = 24
const MANY_SEGMENTS = 32
const MAX_SEGMENTS = 10_000
const CATALOG = segmentKey(0)
/** Rows of a segment that was left half made, taken away in one piece. */
const CLEARED_ROWS = 64
/** Ages rise from here for what comes in, and fall for what is built from the messages that were there before. */
const FIRST_AGE = 2 ** 30

export interface SegmentInfo {
  readonly segment: number
  /** Of two that know the same message the one with the higher age knows better. */
  readonly age: number
  readonly docs: number
  readonly newest: number
  readonly oldest: number
}

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
  /** Of those that nobody has asked for yet. */
  private readonly packedHeaders = new Map<number, Uint8Array>()
  /** The segment of which rows may be on the disk though the catalog doesn't name it: it is being made, or was when all ended; 0: none. */
  private making = 0
  private isMaking = false
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
    const [rows = [], heads = []] = yield [
      { partition: this.tailPartition, query: { limit: Number.MAX_SAFE_INTEGER } }, { partition: this.partition, query: { from: CATALOG, to: segmentKey(1), limit: Number.MAX_SAFE_INTEGER } },
    ]
    if (this.isLoaded) return 'open'
    const row = heads.find(({ key }) => key.length === CATALOG.length)
    const catalog = row === undefined ? { making: 0, segments: [] } : decodeCatalog(row.value)
    if (catalog === undefined) return 'damaged'
    for (const { key, value } of rows) {
      const doc = decodeTail(key, value)
      if (doc === undefined) return 'damaged'
      const name = nameOf(doc)
      if (!this.tail.has(name)) this.wait(name, doc)
    }
    for (const { key, value } of heads) { const segment = segmentOfHeader(key); if (segment !== undefined) this.packedHeaders.set(segment, value) }
    this.catalog = catalog.segments
    this.making = catalog.making
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
    this.packedHeaders.clear()
    this.making = 0
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
    if (docs.length >= least && this.isLoaded) this.put(turn, shortened(docs), this.nextAge())
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

  /** undefined: it is damaged, or the segment is there no more. */
  header(segment: number): Header | undefined {
    const packed = this.packedHeaders.get(segment), header = packed === undefined ? this.headers.get(segment) : decodeHeader(packed)
    if (packed !== undefined && header !== undefined) { this.packedHeaders.delete(segment); this.headers.set(segment, header) }
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
    const header = this.header(segment), [row] = yield* this.rows([docsKey(segment, block)])
    return header === undefined || row === undefined ? undefined : decodeDocs(header, block, row)
  }

  /** Work that should be done soon: what was left half made, words to take out, a full tail, or too many segments of one size. */
  isBusy(): boolean { return this.isLeft || this.tail.size >= TAIL_DOCS || this.erased.size > 0 || this.toMerge() !== undefined }

  private get isLeft(): boolean { return this.making !== 0 && !this.isMaking }

  /** Nothing but merging is left, and the segments are not too many to be searched, or to be listed anew with each that is made. */
  mayRest(): boolean { return this.tail.size < TAIL_DOCS && this.erased.size === 0 && this.segments().length < MANY_SEGMENTS }

  /** Does the next piece of work. `turn` gives the step that is running when it is asked, which is a later one after each read. */
  * work(turn: () => Turn): Reading<'done' | 'damaged'> {
    if ((yield* this.open()) === 'damaged') return 'damaged'
    if (this.isLeft) return yield* this.clearAway(turn)
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
      const header = this.header(info.segment)
      if (header === undefined) return 'damaged'
      const [from, to] = timeBlocks(header, wanted.hlc, wanted.hlc + 1)
      for (let block = from; block < to; block++) {
        const found = yield* this.docs(info.segment, block)
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
    this.put(turn, docs, this.nextAge())
  }

  /** Makes a segment of messages as they were some time ago: whatever else is known of them is newer. */
  pack(turn: Turn, docs: readonly TailDoc[]): void {
    const sorted = shortened(docs)
    if (sorted.length > 0) this.put(turn, sorted, Math.min(FIRST_AGE, ...this.segments().map((s) => s.age - 1)))
  }

  /** Some that lie together in age and are of one size or smaller: so many that the next size comes of them, the oldest first. */
  private toMerge(): readonly SegmentInfo[] | undefined {
    const byAge = [...this.segments()].sort((a, b) => a.age - b.age)
    for (const size of SIZES) {
      let group: SegmentInfo[] = [], docs = 0
      for (const [n, one] of byAge.entries()) {
        if (one.docs < size) { group.push(one); docs += one.docs }
        const isFull = group.length === MOST_MERGED || docs >= MAX_DOCS, isLast = (byAge[n + 1]?.docs ?? size) >= size
        if (!isFull && !isLast) continue
        if (group.length > 1 && (docs >= size || isFull)) return group
        group = []
        docs = 0
      }
    }
    return undefined
  }

  /** Makes one segment of some, without the messages in `gone`, and without what a younger one of them says better. */
  private * rewrite(turn: () => Turn, group: readonly SegmentInfo[], gone: ReadonlySet<string>): Reading<'done' | 'damaged'> {
    const inputs = group.flatMap(({ segment, age }) => { const header = this.header(segment); return header === undefined ? [] : [{ segment, age, header }] })
    if (inputs.length < group.length) return 'damaged'
    const segment = this.freeNumber()
    this.making = segment
    this.isMaking = true
    this.putCatalog(turn())
    // All is begun anew meanwhile when a search finds damage.
    const made = yield* merge(turn, inputs, gone, { partition: this.partition, segment }, () => this.making === segment)
    this.isMaking = false
    if (made === 'stopped') return 'done'
    if (made === 'damaged') return 'damaged'
    this.making = 0
    this.replace(turn(), group, made, segment, Math.max(...group.map((s) => s.age)))
    return 'done'
  }

  /** Of what was left half made some rows. */
  private * clearAway(turn: () => Turn): Reading<'done'> {
    const left = this.making, [rows = []] = yield [{ partition: this.partition, query: { from: segmentKey(left), to: segmentKey(left + 1), limit: CLEARED_ROWS } }]
    if (left !== this.making || this.isMaking) return 'done'
    for (const { key } of rows) turn().out.delete(this.partition, key)
    if (rows.length < CLEARED_ROWS) { this.making = 0; this.putCatalog(turn()) }
    return 'done'
  }

  /** Never the same again: others are made while one that is long in the making has no place in the catalog yet. */
  private freeNumber(): number {
    this.lastNumber = Math.max(this.lastNumber, this.making, ...this.segments().map((s) => s.segment)) + 1
    return this.lastNumber
  }

  /** A small new segment. */
  private put(turn: Turn, docs: readonly TailDoc[], age: number): void {
    const segment = this.freeNumber(), writer = new SegmentWriter(this.partition, segment)
    for (const doc of docs) writer.doc(doc)
    writeLists(writer, docs)
    this.replace(turn, [], writer, segment, age)
  }

  /** All in one save, so that a crash leaves the old segments or the new one. */
  private replace(turn: Turn, old: readonly SegmentInfo[], writer: SegmentWriter, segment: number, age: number): void {
    const catalog = this.segments().filter((s) => !old.includes(s))
    for (const { segment: gone } of old) {
      const header = this.header(gone)
      if (header !== undefined) for (const key of keysOf(gone, header)) turn.out.delete(this.partition, key)
      this.headers.delete(gone)
    }
    if (writer.docs > 0) {
      this.packedHeaders.set(segment, writer.end())
      for (const save of writer.saves) turn.out.save(save)
      catalog.push({ segment, age, docs: writer.docs, newest: writer.newest, oldest: writer.oldest })
    }
    this.catalog = catalog.sort((a, b) => b.newest - a.newest || b.segment - a.segment)
    this.putCatalog(turn)
  }

  private putCatalog(turn: Turn): void { turn.out.put(this.partition, CATALOG, encodeCatalog(this.making, this.segments())) }
}

const shortened = (docs: readonly TailDoc[]): TailDoc[] => docs.map((doc) => ({ ...doc, id: doc.id.slice(0, 2 * ID_BYTES) })).sort(newestFirst)

function writeLists(writer: SegmentWriter, docs: readonly TailDoc[]): void {
  const known = new Map<string, { readonly numbers: number[]; readonly places: number[] }>()
  for (const [number, doc] of docs.entries()) {
    for (const [term, places] of doc.terms) {
      const list = known.get(term)
      if (list === undefined) known.set(term, { numbers: [number], places: [places] })
      else { list.numbers.push(number); list.places.push(places) }
    }
  }
  for (const term of [...known.keys()].sort()) {
    const { numbers = [], places = [] } = known.get(term) ?? {}
    writer.list(term, { numbers: Uint32Array.from(numbers), places: Uint16Array.from(places) })
  }
}

const keyOf = (doc: Doc): Uint8Array => concat(fromHex(doc.channel) as Uint8Array, u64(doc.hlc), fromHex(doc.id) as Uint8Array)

function decodeTail(key: Uint8Array, value: Uint8Array): TailDoc | undefined {
  const channel = key.length === 24 + ID_BYTES ? parseChannelId(key.subarray(0, 16)) : undefined
  if (channel === undefined) return undefined
  const packed = new Unpacker(value), terms = new Map<string, number>()
  while (!packed.done) terms.set(packed.text(), packed.number() & 0xffff)
  return packed.failed ? undefined : { channel, hlc: fromU64(key.subarray(16)), id: toHex(key.subarray(24)), terms }
}

function encodeCatalog(making: number, segments: readonly SegmentInfo[]): Uint8Array {
  const packer = new Packer()
  packer.number(VERSION)
  packer.number(making)
  for (const s of segments) for (const n of [s.segment, s.age, s.docs, s.newest, s.oldest]) packer.number(n)
  return packer.take()
}

function decodeCatalog(bytes: Uint8Array): { readonly making: number; readonly segments: SegmentInfo[] } | undefined {
  const packed = new Unpacker(bytes), segments: SegmentInfo[] = []
  if (packed.number() !== VERSION) return undefined
  const making = packed.number()
  while (!packed.done && !packed.failed && segments.length < MAX_SEGMENTS) {
    const [segment, age, docs, newest, oldest] = [packed.number(), packed.number(), packed.number(), packed.number(), packed.number()]
    segments.push({ segment, age, docs, newest, oldest })
  }
  return packed.failed ? undefined : { making, segments }
}
