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
import { parseChannelId, type SpaceId } from '../../wire/ids.ts'
import type { Turn } from '../turn.ts'
import { Inverting, type Spoken } from './inverting.ts'
import { Packer, Unpacker } from './packed.ts'
import { after } from '../messages/places.ts'
import { merge } from './merging.ts'
import type { Reading } from '../reading.ts'
import { RowCache } from './row-cache.ts'
import { blockOfDoc, decodeHeader, decodeIds, decodePlaces, type Doc, firstOfBlock, type Header, headerKey, ID_BYTES, idsKey, keysOf, nameOf, newestFirst, type Placed, placesKey, segmentKey, segmentOfHeader, SegmentWriter, timeBlocks } from './segment.ts'

const VERSION = 2
export const TAIL_DOCS = 1024
/** New messages that come in one step and need not wait in the tail. */
export const SEGMENT_DOCS = 256
/** A segment of so many messages is the largest: it takes part in no other. */
const MAX_DOCS = 2 ** 18
/** Sizes of segments. */
const SIZES = [TAIL_DOCS * 4, TAIL_DOCS * 16, TAIL_DOCS * 64, MAX_DOCS] as const
/** Those that count where there are many segments, as when a history comes in: so each of its messages is written anew twice, not four times. */
const COARSE_SIZES = [TAIL_DOCS * 16, MAX_DOCS] as const
const sizeOf = (docs: number): number => SIZES.filter((size) => docs >= size).length
/** Of so large a segment so many of the newest messages stay apart, if there are none newer. */
const APART_FROM = 2 ** 16, NEWEST_APART = 4096
const MOST_MERGED = 24
const MANY_SEGMENTS = 32
const MAX_SEGMENTS = 10_000
const CATALOG = segmentKey(0)
/** Partitions for large segments, one each: more are not made. */
const MAX_ROOMS = 64
/** Ages rise from here for what comes in, and fall for what is built from the messages that were there before. */
const FIRST_AGE = 2 ** 30

export interface SegmentInfo {
  readonly segment: number
  /** Which partition has its blocks: its own one; 0: that of the index. */
  readonly room: number
  /** Of two that know the same message the one with the higher age knows better. */
  readonly age: number
  readonly docs: number
  readonly newest: number
  readonly oldest: number
}

/** A message of a segment. */
export interface Numbered { readonly info: SegmentInfo; readonly number: number }

/** A row of a segment, and which partition it is in. */
export interface Block { readonly room: number; readonly key: Uint8Array }

/** What is found by: words with their places, and what is no word with none (postings.ts). */
export type Terms = ReadonlyMap<string, number>
export const NO_TERMS: Terms = new Map()

export function gathered(spoken: Spoken): Terms {
  const terms = new Map<string, number>()
  spoken.forEach((places, term) => terms.set(term, (terms.get(term) ?? 0) | places))
  return terms
}

export interface TailDoc extends Doc { readonly terms: Terms }
export interface SpokenDoc extends Doc { readonly terms: Spoken }

const roomOf = (space: SpaceId, room: number): string => (room === 0 ? `search/${space}` : `search/${space}/${room}`)
const tailOf = (space: SpaceId): string => `search-tail/${space}`
export const indexPartitions = (space: SpaceId): [string, string, ...string[]] => [roomOf(space, 0), tailOf(space), ...Array.from({ length: MAX_ROOMS }, (_, n) => roomOf(space, n + 1))]

export class SearchIndex {
  readonly space: SpaceId
  /** Newest first by its newest message. undefined: not read yet. */
  private catalog: readonly SegmentInfo[] | undefined
  private readonly headers = new Map<number, Header>()
  /** Of those that nobody has asked for yet. */
  private readonly packedHeaders = new Map<number, Uint8Array>()
  /** The room of a segment that the catalog doesn't name: it is being made, or was when all ended; 0: none. */
  private making = 0
  private isMaking = false
  /** How often all was forgotten. */
  private begun = 0
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

  get partition(): string { return roomOf(this.space, 0) }
  private get tailPartition(): string { return tailOf(this.space) }

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
    for (const partition of indexPartitions(this.space)) turn.out.drop(partition)
    this.tail.clear()
    this.erased.clear()
    this.headers.clear()
    this.packedHeaders.clear()
    this.making = 0
    this.begun++
    this.catalog = []
    this.isLoaded = true
  }

  /** A new message, or one that changed. No `terms`: it was erased. */
  add(turn: Turn, said: TailDoc): void {
    const { terms } = said, doc = { ...said, id: said.id.slice(0, 2 * ID_BYTES) }, key = keyOf(doc)
    this.wait(nameOf(doc), doc)
    const packer = new Packer()
    packer.number(doc.inThread ? 1 : 0)
    for (const [term, places] of terms) { packer.text(term); packer.number(places) }
    turn.out.put(this.tailPartition, key, packer.take())
  }

  /** Many new messages at once, as when a history comes in: a segment of their own, which costs less than a row each and the segment later. */
  addMany(turn: Turn, docs: readonly SpokenDoc[], least = SEGMENT_DOCS): void {
    if (docs.length >= least && this.isLoaded) this.put(turn, shortened(docs), this.nextAge())
    else for (const doc of docs) this.add(turn, { ...doc, terms: gathered(doc.terms) })
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

  /** Blocks of segments; undefined where there is none. */
  * rows(wanted: readonly Block[]): Reading<(Uint8Array | undefined)[]> {
    const found = wanted.map(({ key }) => this.cache.get(this.owner + toHex(key)))
    const missing = wanted.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found
    const read = new Map<string, Uint8Array>()
    for (const [row] of yield missing.map(({ room, key }) => ({ partition: roomOf(this.space, room), query: { from: key, to: after(key), limit: 1 } }))) if (row !== undefined) read.set(toHex(row.key), row.value)
    for (const [name, value] of read) this.cache.set(this.owner + name, value)
    return wanted.map(({ key }, i) => found[i] ?? read.get(toHex(key)))
  }

  /** Where the messages of one block stand; undefined: it is damaged. */
  * places({ room, segment }: SegmentInfo, block: number): Reading<readonly Placed[] | undefined> {
    const header = this.header(segment), [row] = yield* this.rows([{ room, key: placesKey(segment, block) }])
    return header === undefined || row === undefined ? undefined : decodePlaces(header, block, row)
  }

  /** What the ids of some messages begin with; undefined: a block is damaged. */
  * ids(wanted: readonly Numbered[]): Reading<readonly string[] | undefined> {
    const keys = [idsKey, placesKey].map((keyOf) => wanted.map(({ info: { room, segment }, number }) => ({ room, key: keyOf(segment, blockOfDoc(number)) })))
    const rows = yield* this.rows(keys.flat()), out: string[] = []
    for (const [n, { info: { segment }, number }] of wanted.entries()) {
      const header = this.header(segment), ids = rows[n], places = rows[wanted.length + n], block = blockOfDoc(number)
      const spots = header && places && decodePlaces(header, block, places), id = spots && ids && decodeIds(spots, ids)?.[number - firstOfBlock(block)]
      if (id === undefined) return undefined
      out.push(id)
    }
    return out
  }

  /** Work that should be done soon: what was left half made, words to take out, a full tail, or too many segments of one size. */
  isBusy(): boolean { return this.isLeft || this.tail.size >= TAIL_DOCS || this.erased.size > 0 || this.toMerge() !== undefined }

  private get isLeft(): boolean { return this.making !== 0 && !this.isMaking }

  /** Nothing but merging is left, and the segments are not too many to be searched, or to be listed anew with each that is made. */
  mayRest(): boolean { return this.tail.size < TAIL_DOCS && this.erased.size === 0 && this.segments().length < MANY_SEGMENTS }

  /** Does the next piece of work. `turn` gives the step that is running when it is asked, which is a later one after each read. */
  * work(turn: () => Turn): Reading<'done' | 'damaged'> {
    if ((yield* this.open()) === 'damaged') return 'damaged'
    if (this.isLeft) this.clearAway(turn())
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
        const found = yield* this.places(info, block)
        if (found === undefined) return 'damaged'
        const same = found.flatMap(({ channel, hlc }, n) => (channel === wanted.channel && hlc === wanted.hlc ? [{ info, number: firstOfBlock(block) + n }] : []))
        const ids = yield* this.ids(same)
        if (ids === undefined) return 'damaged'
        if (ids.includes(wanted.id)) return true
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
    // The last room is for taking words out.
    if (this.segments().filter(({ room }) => room > 0).length >= MAX_ROOMS - 1) return undefined
    const byAge = [...this.segments()].sort((a, b) => a.age - b.age)
    return (byAge.length < MANY_SEGMENTS ? undefined : grouped(byAge, COARSE_SIZES)) ?? grouped(byAge, SIZES)
  }

  /** Makes one segment of some, without the messages in `gone`, and without what a younger one of them says better. */
  private * rewrite(turn: () => Turn, group: readonly SegmentInfo[], gone: ReadonlySet<string>): Reading<'done' | 'damaged'> {
    const inputs = group.flatMap(({ room, segment, age }) => { const header = this.header(segment); return header === undefined ? [] : [{ partition: roomOf(this.space, room), segment, age, header }] })
    if (inputs.length < group.length) return 'damaged'
    const age = Math.max(...group.map((s) => s.age)), docs = group.reduce((sum, s) => sum + s.docs, 0), isNewest = this.segments().every((s) => s.age <= age)
    // Not where the rest would be of a smaller size for it: both would become one again.
    const count = group.length > 1 && isNewest && docs >= APART_FROM && sizeOf(docs) === sizeOf(docs - NEWEST_APART) ? NEWEST_APART : 0
    const room = docs < SIZES[0] ? 0 : this.freeRoom(), rest = this.writer(room), newest = this.writer(0)
    this.making = room
    this.isMaking = true
    if (room > 0) this.putCatalog(turn())
    const { begun } = this
    // All is begun anew meanwhile when a search finds damage.
    const made = yield* merge(turn, inputs, gone, { newest, count, rest, isLarge: room > 0 }, () => this.begun === begun)
    this.isMaking = false
    if (made === 'stopped') return 'done'
    if (made === 'damaged') return 'damaged'
    this.making = 0
    this.replace(turn(), group, [[newest, 0], [rest, room]], age)
    return 'done'
  }

  /** What was left half made. */
  private clearAway(turn: Turn): void {
    turn.out.drop(roomOf(this.space, this.making))
    this.making = 0
    this.putCatalog(turn)
  }

  /** One is always free, as long as only one segment is in the making. */
  private freeRoom(): number {
    const taken = new Set(this.segments().map((s) => s.room))
    for (let room = 1; ; room++) if (!taken.has(room)) return room
  }

  /** Its number is never the same again: others are made while one that is long in the making has no place in the catalog yet. */
  private writer(room: number): SegmentWriter {
    this.lastNumber = Math.max(this.lastNumber, ...this.segments().map((s) => s.segment)) + 1
    return new SegmentWriter(this.partition, roomOf(this.space, room), this.lastNumber)
  }

  /** A small new segment. */
  private put(turn: Turn, docs: readonly SpokenDoc[], age: number): void {
    const writer = this.writer(0), lists = new Inverting()
    for (const [number, doc] of docs.entries()) { writer.doc(doc); lists.add(number, doc.terms) }
    lists.each((term, all, from, end) => writer.list(term, all, from, end))
    this.replace(turn, [], [[writer, 0]], age)
  }

  /** All in one save, so that a crash leaves the old segments or the new one. */
  private replace(turn: Turn, old: readonly SegmentInfo[], made: readonly (readonly [SegmentWriter, room: number])[], age: number): void {
    const catalog = this.segments().filter((s) => !old.includes(s))
    for (const { segment: gone, room } of old) {
      const header = this.header(gone)
      if (room > 0) turn.out.drop(roomOf(this.space, room))
      else if (header !== undefined) for (const key of keysOf(gone, header)) turn.out.delete(this.partition, key)
      turn.out.delete(this.partition, headerKey(gone))
      this.headers.delete(gone)
    }
    for (const [writer, room] of made) {
      const header = writer.end()
      if (writer.docs === 0) continue
      const { segment, docs, newest, oldest } = writer
      this.packedHeaders.set(segment, header)
      for (const save of writer.take()) turn.out.save(save)
      catalog.push({ segment, room, age, docs, newest, oldest })
    }
    this.catalog = catalog.sort((a, b) => b.newest - a.newest || b.segment - a.segment)
    this.putCatalog(turn)
  }

  private putCatalog(turn: Turn): void { turn.out.put(this.partition, CATALOG, encodeCatalog(this.making, this.segments())) }
}

function grouped(byAge: readonly SegmentInfo[], sizes: readonly number[]): readonly SegmentInfo[] | undefined {
  for (const size of sizes) {
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

const shortened = (docs: readonly SpokenDoc[]): SpokenDoc[] => docs.map(({ channel, hlc, inThread, id, terms }) => ({ channel, hlc, inThread, id: id.slice(0, 2 * ID_BYTES), terms })).sort(newestFirst)

const keyOf = (doc: Omit<Doc, 'inThread'>): Uint8Array => concat(fromHex(doc.channel) as Uint8Array, u64(doc.hlc), fromHex(doc.id) as Uint8Array)

function decodeTail(key: Uint8Array, value: Uint8Array): TailDoc | undefined {
  const channel = key.length === 24 + ID_BYTES ? parseChannelId(key.subarray(0, 16)) : undefined
  if (channel === undefined) return undefined
  const packed = new Unpacker(value), inThread = packed.number() === 1, terms = new Map<string, number>()
  while (!packed.done) terms.set(packed.text(), packed.number() & 0xffff)
  return packed.failed ? undefined : { channel, hlc: fromU64(key.subarray(16)), inThread, id: toHex(key.subarray(24)), terms }
}

function encodeCatalog(making: number, segments: readonly SegmentInfo[]): Uint8Array {
  const packer = new Packer()
  packer.number(VERSION)
  packer.number(making)
  for (const s of segments) for (const n of [s.segment, s.room, s.age, s.docs, s.newest, s.oldest]) packer.number(n)
  return packer.take()
}

function decodeCatalog(bytes: Uint8Array): { readonly making: number; readonly segments: SegmentInfo[] } | undefined {
  const packed = new Unpacker(bytes), segments: SegmentInfo[] = []
  if (packed.number() !== VERSION) return undefined
  const making = packed.number()
  while (!packed.done && !packed.failed && segments.length < MAX_SEGMENTS) {
    const [segment, room, age, docs, newest, oldest] = [packed.number(), packed.number(), packed.number(), packed.number(), packed.number(), packed.number()]
    segments.push({ segment, room, age, docs, newest, oldest })
  }
  return packed.failed ? undefined : { making, segments }
}
