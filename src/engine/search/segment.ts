/**
 * A segment: an inverted index over some thousand messages that never changes. Messages are numbered from the newest back, so a list of numbers is
 * in the order in which people want to see them. On disk it is one header and blocks of some kilobytes, so that a search reads little of it. The headers of all segments lie side by side in the
 * index's own partition, and so do the blocks of small segments; those of a large one have a partition to themselves, which is dropped as a whole: thousands of rows deleted one by one would lie in the disk's runs.
 * A message is found by its channel and its time, so ids, which take the most room and which nothing makes smaller, lie apart: a search reads three times as many places with a block, and hardly ever an id.
 *
 *   header   how many messages, their channels, the time of each block's first message; of each block of terms its first term and, where a list goes on there, the number it goes on with
 *   places   per message: milliseconds before the last one; its channel's number, doubled for each flag, plus one where that is set: it is in a thread; there are others of its time, and the first 2 bytes
 *            of its id follow; a count of steps within the millisecond follows
 *   ids      per message the first 8 bytes of its id, without those that stand with its place
 *   terms    sorted; per term: what it shares with the last one, the rest, and a piece of the list of the messages in which it is (postings.ts). A further piece begins a block
 */
import type { Save } from '../../ports.ts'
import { concat, fromHex, toHex } from '../../wire/bytes.ts'
import { type ChannelId, parseChannelId } from '../../wire/ids.ts'
import { HLC_STEP } from '../../wire/op.ts'
import { Packer, Unpacker } from './packed.ts'
import { Bits, countWhile, type List, packPiece, PIECE } from './postings.ts'

const VERSION = 4
const DOCS_PER_BLOCK = 128
export const BLOCK_BYTES = 4096
export const ID_BYTES = 8
const START_BYTES = 2
const HEADERS = 2, PLACES = 1, TERMS = 2, IDS = 3

/** Where a message stands. */
export interface Spot {
  readonly channel: ChannelId
  readonly hlc: number
  /** Then it is found by its id alone. */
  readonly inThread: boolean
}

/** What a search reads of it. `start`: where there are others of its time, what its id begins with. */
export interface Placed extends Spot { readonly start: string }

/** A message as the index knows it. */
export interface Doc extends Spot {
  /** The first 8 bytes of its id, as hex. */
  readonly id: string
}

export interface Header {
  readonly docs: number
  readonly channels: readonly ChannelId[]
  /** Of each block's first message. Falls. */
  readonly times: readonly number[]
  /** Of each term block. Rises; the same again where its list goes on. */
  readonly terms: readonly string[]
  /** Of each term block: the number with which the list of its first term goes on; 0: it begins there. */
  readonly bases: readonly number[]
}

/** A message's place in every list of this index. */
export const nameOf = ({ channel, hlc, id }: Omit<Doc, 'inThread'>): string => `${channel} ${hlc} ${id}`

/** Newest first; then by id, so that it is the same order everywhere. */
export const newestFirst = (a: Omit<Doc, 'inThread'>, b: Omit<Doc, 'inThread'>): number => b.hlc - a.hlc || (a.id < b.id ? 1 : a.id > b.id ? -1 : a.channel < b.channel ? 1 : a.channel > b.channel ? -1 : 0)

export const segmentKey = (segment: number): Uint8Array => new Uint8Array([segment >>> 24, segment >>> 16, segment >>> 8, segment])
const rowKey = (segment: number, kind: number, n: number): Uint8Array => concat(segmentKey(segment), new Uint8Array([kind, n >>> 16, n >>> 8, n]))
const HEADER_PREFIX = concat(segmentKey(0), new Uint8Array([HEADERS]))
export const headerKey = (segment: number): Uint8Array => concat(HEADER_PREFIX, segmentKey(segment))
/** The segment whose header this is. */
export const segmentOfHeader = (key: Uint8Array): number | undefined => (key.length === 9 && key[4] === HEADERS ? new DataView(key.buffer, key.byteOffset).getUint32(5) : undefined)
export const placesKey = (segment: number, block: number): Uint8Array => rowKey(segment, PLACES, block)
export const idsKey = (segment: number, block: number): Uint8Array => rowKey(segment, IDS, block)
export const termsKey = (segment: number, block: number): Uint8Array => rowKey(segment, TERMS, block)

/** Of all blocks of a segment. */
export const keysOf = (segment: number, { times, terms }: Header): Uint8Array[] => [...times.flatMap((_, n) => [placesKey(segment, n), idsKey(segment, n)]), ...terms.map((_, n) => termsKey(segment, n))]

/** Writes a segment from its start to its end: messages newest first, then lists by term, which are sorted, then `end`. */
export class SegmentWriter {
  /** Of its blocks. */
  readonly partition: string
  readonly segment: number
  /** Of what was written since it was last taken. */
  bytes = 0
  private saves: Save[] = []
  docs = 0
  newest = 0
  oldest = 0
  private readonly channels: ChannelId[] = []
  private readonly places = new Map<ChannelId, number>()
  private readonly times: number[] = []
  private readonly firsts: { readonly term: string; readonly base: number }[] = []
  private readonly packer = new Packer()
  private readonly ids = new Packer()
  /** Written when the next one is known: only then it is known whether there are others of its time. */
  private waiting: Doc | undefined
  /** One before the one that waits was of its time. */
  private isOneOfMany = false
  private readonly bits = new Bits()
  private lastTerm = ''
  private readonly heads: string

  /** `heads`: the partition of headers. */
  constructor(heads: string, partition: string, segment: number) {
    this.heads = heads
    this.partition = partition
    this.segment = segment
  }

  private put(key: Uint8Array, value: Uint8Array): void {
    this.saves.push({ type: 'put', partition: this.partition, key, value })
    this.bytes += key.length + value.length
  }

  /** What was written since this was asked last. */
  take(): Save[] {
    const { saves } = this
    this.saves = []
    this.bytes = 0
    return saves
  }

  doc(doc: Doc): void {
    const before = this.waiting, isOneOfMany = before?.hlc === doc.hlc
    if (before !== undefined) this.place(before, this.isOneOfMany || isOneOfMany)
    this.waiting = doc
    this.isOneOfMany = isOneOfMany
  }

  private place({ channel, hlc, inThread, id }: Doc, isOneOfMany: boolean): void {
    const { packer } = this
    if (this.docs % DOCS_PER_BLOCK === 0) {
      this.endBlock()
      this.times.push(hlc)
      this.oldest = hlc
    }
    if (this.docs++ === 0) this.newest = hlc
    let place = this.places.get(channel)
    if (place === undefined) { place = this.channels.push(channel) - 1; this.places.set(channel, place) }
    const earlier = this.oldest - hlc, steps = earlier % HLC_STEP
    packer.number(Math.floor(earlier / HLC_STEP))
    packer.number(8 * place + (inThread ? 4 : 0) + (isOneOfMany ? 2 : 0) + (steps > 0 ? 1 : 0))
    if (isOneOfMany) packer.hex(id.slice(0, 2 * START_BYTES))
    if (steps > 0) packer.number(steps)
    this.ids.hex(isOneOfMany ? id.slice(2 * START_BYTES) : id)
    this.oldest = hlc
  }

  private endBlock(): void {
    const block = this.times.length - 1
    if (this.packer.length > 0) { this.put(placesKey(this.segment, block), this.packer.take()); this.put(idsKey(this.segment, block), this.ids.take()) }
    this.packer.clear()
    this.ids.clear()
  }

  /** All messages have been given. */
  private endDocs(): void {
    if (this.waiting !== undefined) this.place(this.waiting, this.isOneOfMany)
    this.waiting = undefined
    this.endBlock()
  }

  /** The list of a term: that, or a part of it. */
  list(term: string, list: List, first = 0, end = list.numbers.length): void {
    const { packer, bits } = this
    if (this.firsts.length === 0) this.endDocs()
    for (let from = first; from < end; from += PIECE) {
      const base = from === first ? 0 : list.numbers[from] as number
      if (from > first || packer.length >= BLOCK_BYTES) this.endTerms()
      if (packer.length === 0) { this.firsts.push({ term, base }); this.lastTerm = '' }
      const shared = sharedPrefix(this.lastTerm, term)
      packer.number(shared)
      packer.text(term.slice(shared))
      packPiece(bits, term, list, base, from, Math.min(end, from + PIECE))
      bits.give(packer)
      this.lastTerm = term
    }
  }

  private endTerms(): void {
    if (this.packer.length > 0) this.put(termsKey(this.segment, this.firsts.length - 1), this.packer.take())
    this.packer.clear()
  }

  /** Its header, which is saved like the rest. */
  end(): Uint8Array {
    if (this.firsts.length === 0) this.endDocs(); else this.endTerms()
    const header = new Packer()
    header.number(VERSION)
    header.number(this.docs)
    header.number(this.channels.length)
    for (const channel of this.channels) header.raw(fromHex(channel) as Uint8Array)
    header.number(this.times.length)
    for (const [n, time] of this.times.entries()) header.number(n === 0 ? time : (this.times[n - 1] as number) - time)
    header.number(this.firsts.length)
    for (const [n, { term, base }] of this.firsts.entries()) {
      const shared = sharedPrefix(this.firsts[n - 1]?.term ?? '', term)
      header.number(shared)
      header.text(term.slice(shared))
      header.number(base)
    }
    const bytes = header.take()
    this.saves.push({ type: 'put', partition: this.heads, key: headerKey(this.segment), value: bytes })
    return bytes
  }
}

function sharedPrefix(a: string, b: string): number {
  let n = 0
  while (n < a.length && n < b.length && a.charCodeAt(n) === b.charCodeAt(n)) n++
  // Half a character is no text.
  return n > 0 && (b.charCodeAt(n - 1) & 0xfc00) === 0xd800 ? n - 1 : n
}

export function decodeHeader(bytes: Uint8Array): Header | undefined {
  const packed = new Unpacker(bytes)
  if (packed.number() !== VERSION) return undefined
  const docs = packed.number()
  const channels = list(packed, 65_536, () => parseChannelId(packed.raw(16)))
  let time: number | undefined, term = ''
  const times = list(packed, 65_536, () => (time = time === undefined ? packed.number() : time - packed.number()))
  const bases: number[] = []
  const terms = list(packed, 1 << 20, () => {
    const shared = packed.number(), rest = packed.text()
    if (shared > term.length) return undefined
    bases.push(packed.number())
    return (term = term.slice(0, shared) + rest)
  })
  return packed.failed || !packed.done || channels === undefined || times === undefined || terms === undefined ? undefined : { docs, channels, times, terms, bases }
}

function list<T>(packed: Unpacker, max: number, read: () => T | undefined): T[] | undefined {
  const length = packed.number(), out: T[] = []
  if (length > max) return undefined
  for (let i = 0; i < length && !packed.failed; i++) {
    const item = read()
    if (item === undefined) return undefined
    out.push(item)
  }
  return out
}

const inBlock = ({ docs }: Header, block: number): number => Math.min(DOCS_PER_BLOCK, docs - block * DOCS_PER_BLOCK)

/** Where the messages of one block stand; undefined when it is damaged. */
export function decodePlaces(header: Header, block: number, bytes: Uint8Array): Placed[] | undefined {
  const packed = new Unpacker(bytes), out: Placed[] = []
  let hlc = header.times[block] ?? 0
  for (let left = inBlock(header, block); left > 0; left--) {
    hlc -= HLC_STEP * packed.number()
    const place = packed.number(), channel = header.channels[Math.floor(place / 8)], start = place % 4 >= 2 ? toHex(packed.raw(START_BYTES)) : ''
    if (place % 2 === 1) hlc -= packed.number()
    if (channel === undefined || packed.failed || hlc < 0) return undefined
    out.push({ channel, hlc, inThread: place % 8 >= 4, start })
  }
  return packed.done ? out : undefined
}

/** What the ids of messages begin with that stand in a block at these places; undefined when it is damaged. */
export function decodeIds(places: readonly Placed[], bytes: Uint8Array): string[] | undefined {
  const packed = new Unpacker(bytes), out = places.map(({ start }) => start + toHex(packed.raw(ID_BYTES - start.length / 2)))
  return packed.done && !packed.failed ? out : undefined
}

/** Calls for each term of a block with its piece, and what that counts from; false when the block is damaged. */
export function eachTerm(header: Header, block: number, bytes: Uint8Array, visit: (term: string, piece: Uint8Array, base: number) => void): boolean {
  const packed = new Unpacker(bytes)
  let last = '', base = header.bases[block] ?? 0
  while (!packed.done) {
    const shared = packed.number(), rest = packed.text(), piece = packed.sized()
    if (packed.failed || shared > last.length) return false
    last = last.slice(0, shared) + rest
    visit(last, piece, base)
    base = 0
  }
  return true
}

export const blockOfDoc = (doc: number): number => Math.floor(doc / DOCS_PER_BLOCK)
export const firstOfBlock = (block: number): number => block * DOCS_PER_BLOCK

/** A block that may hold terms that are sought, of messages from `low` up to `high`. */
export interface TermBlock { readonly block: number; readonly low: number; readonly high: number }

/** The blocks that may hold terms from `first` to `last`, both included. */
export function termBlocks({ terms, bases, docs }: Header, first: string, last: string): TermBlock[] {
  const same = countWhile(terms, (term) => term < first), end = countWhile(terms, (term) => term <= last), out: TermBlock[] = []
  // The list of a term may begin at the end of the block before the first that begins with it.
  for (let block = terms[same] === first && bases[same] === 0 ? same : Math.max(0, same - 1); block < end; block++) {
    const term = terms[block] as string, next = terms[block + 1], isOne = first === last || term === next
    // Of a block in which no other term than this counts, it is known how far its list goes there.
    out.push({ block, low: isOne && term >= first ? bases[block] ?? 0 : 0, high: isOne && next === (first === last ? first : term) && bases[block + 1] !== 0 ? bases[block + 1] ?? docs : docs })
  }
  return out
}

/** The blocks that can hold messages of `from` <= time < `to`. */
export function timeBlocks(header: Header, from: number, to: number): [from: number, to: number] {
  return [Math.max(0, countWhile(header.times, (time) => time >= to) - 1), countWhile(header.times, (time) => time >= from)]
}
