/**
 * A segment: an inverted index over some thousand messages that never changes. Messages are numbered from the newest back, so a list of numbers is
 * in the order in which people want to see them. On disk it is one header and blocks of about 8 KiB, so that a search reads little of it.
 *
 *   header   how many messages, their channels, the time of each block's first message, each term block's first term
 *   messages per message: time before the last one's, channel, first 8 bytes of its id
 *   terms    sorted; per term: what it shares with the last one, the rest, and in which messages it is and where (postings.ts)
 */
import type { Row, Save } from '../../ports.ts'
import { concat, fromHex, toHex } from '../../wire/bytes.ts'
import { type ChannelId, parseChannelId } from '../../wire/ids.ts'
import { Packer, Unpacker } from './packed.ts'
import { Lists } from './postings.ts'

const VERSION = 2
const DOCS_PER_BLOCK = 1024
const BLOCK_BYTES = 8192
export const ID_BYTES = 8
const HEADER = 0, DOCS = 1, TERMS = 2

/** A message as the index knows it. */
export interface Doc {
  readonly channel: ChannelId
  readonly hlc: number
  /** The first 8 bytes of its id, as hex. */
  readonly id: string
}

export interface Header {
  readonly docs: number
  readonly channels: readonly ChannelId[]
  /** Of each block's first message. Falls. */
  readonly times: readonly number[]
  /** Of each term block. Rises. */
  readonly terms: readonly string[]
}

/** Newest first; then by id, so that it is the same order everywhere. */
export const newestFirst = (a: Doc, b: Doc): number => b.hlc - a.hlc || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

export const segmentKey = (segment: number): Uint8Array => new Uint8Array([segment >>> 24, segment >>> 16, segment >>> 8, segment])
const rowKey = (segment: number, kind: number, n: number): Uint8Array => concat(segmentKey(segment), new Uint8Array([kind, n >>> 16, n >>> 8, n]))
export const headerKey = (segment: number): Uint8Array => rowKey(segment, HEADER, 0)
export const docsKey = (segment: number, block: number): Uint8Array => rowKey(segment, DOCS, block)
export const termsKey = (segment: number, block: number): Uint8Array => rowKey(segment, TERMS, block)

/** Work that can be interrupted wherever it yields: some milliseconds at a time. */
export type Pieces<T> = Generator<undefined, T, undefined>

/** Blocks, and terms, that are worked on in one piece. */
const BLOCKS_A_PIECE = 16
export const TERMS_A_PIECE = 2048

/** All at once: for little work. */
export function whole<T>(pieces: Pieces<T>): T {
  for (;;) {
    const step = pieces.next()
    if (step.done === true) return step.value
  }
}

/** What a segment is made of: `docs` newest first; `lists` by term, which are sorted. */
export interface Parts { readonly docs: readonly Doc[]; readonly lists: Lists }

export function* encodeSegment(partition: string, segment: number, { docs, lists }: Parts): Pieces<Save[]> {
  const saves: Save[] = [], channels: ChannelId[] = [], times: number[] = [], firsts: string[] = []
  const put = (key: Uint8Array, value: Uint8Array): void => { saves.push({ type: 'put', partition, key, value }) }
  const places = new Map<ChannelId, number>()
  for (let from = 0; from < docs.length; from += DOCS_PER_BLOCK) {
    const packer = new Packer(), first = docs[from]?.hlc ?? 0
    let last = first
    for (const doc of docs.slice(from, from + DOCS_PER_BLOCK)) {
      let place = places.get(doc.channel)
      if (place === undefined) { place = channels.push(doc.channel) - 1; places.set(doc.channel, place) }
      packer.number(last - doc.hlc)
      packer.number(place)
      packer.raw(fromHex(doc.id) as Uint8Array)
      last = doc.hlc
    }
    put(docsKey(segment, times.push(first) - 1), packer.take())
  }
  const numbers = new Packer()
  let packer = new Packer(), last = ''
  const close = (): void => {
    if (packer.length > 0) put(termsKey(segment, firsts.length - 1), packer.take())
    packer = new Packer()
    last = ''
  }
  for (const [n, term] of lists.terms.entries()) {
    if (n % TERMS_A_PIECE === TERMS_A_PIECE - 1) yield
    if (packer.length === 0) firsts.push(term)
    const shared = sharedPrefix(last, term)
    packer.number(shared)
    packer.text(term.slice(shared))
    numbers.clear()
    lists.pack(numbers, n)
    packer.sized(numbers.view())
    last = term
    if (packer.length >= BLOCK_BYTES) close()
  }
  close()
  const header = new Packer()
  header.number(VERSION)
  header.number(docs.length)
  header.number(channels.length)
  for (const channel of channels) header.raw(fromHex(channel) as Uint8Array)
  header.number(times.length)
  for (const time of times) header.number(time)
  header.number(firsts.length)
  for (const first of firsts) header.text(first)
  put(headerKey(segment), header.take())
  return saves
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
  const times = list(packed, 65_536, () => packed.number())
  const terms = list(packed, 1 << 20, () => packed.text())
  return packed.failed || !packed.done || channels === undefined || times === undefined || terms === undefined ? undefined : { docs, channels, times, terms }
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

/** The messages of one block; undefined when it is damaged. */
export function decodeDocs(header: Header, block: number, bytes: Uint8Array): Doc[] | undefined {
  const packed = new Unpacker(bytes), out: Doc[] = []
  let hlc = header.times[block] ?? 0
  const count = Math.min(DOCS_PER_BLOCK, header.docs - block * DOCS_PER_BLOCK)
  for (let i = 0; i < count; i++) {
    hlc -= packed.number()
    const channel = header.channels[packed.number()], id = toHex(packed.raw(ID_BYTES))
    if (channel === undefined || packed.failed || hlc < 0) return undefined
    out.push({ channel, hlc, id })
  }
  return packed.done ? out : undefined
}

/** Calls for each term of a block, with a way to read its numbers; false when the block is damaged. */
export function eachTerm(bytes: Uint8Array, visit: (term: string, numbers: Uint8Array) => void): boolean {
  const packed = new Unpacker(bytes)
  let last = ''
  while (!packed.done) {
    const shared = packed.number(), rest = packed.text(), numbers = packed.sized()
    if (packed.failed || shared > last.length) return false
    last = last.slice(0, shared) + rest
    visit(last, numbers)
  }
  return true
}

export const blockOfDoc = (doc: number): number => Math.floor(doc / DOCS_PER_BLOCK)
export const firstOfBlock = (block: number): number => block * DOCS_PER_BLOCK

/** The blocks that hold terms from `first` to `last`, both included. */
export function termBlocks(header: Header, first: string, last: string): [from: number, to: number] {
  return [Math.max(0, countBelow(header.terms, (term) => term <= first) - 1), countBelow(header.terms, (term) => term <= last)]
}

/** The blocks that can hold messages of `from` <= time < `to`. */
export function timeBlocks(header: Header, from: number, to: number): [from: number, to: number] {
  return [Math.max(0, countBelow(header.times, (time) => time >= to) - 1), countBelow(header.times, (time) => time >= from)]
}

/** How many at the start of a list are so, where none after them is. */
function countBelow<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  let low = 0, high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isSo(items[middle] as T)) low = middle + 1; else high = middle
  }
  return low
}

/** Reads a whole segment back, for merging. */
export function* decodeSegment(rows: readonly Row[]): Pieces<Parts | undefined> {
  const headerRow = rows.find((row) => row.key[4] === HEADER)
  const header = headerRow === undefined ? undefined : decodeHeader(headerRow.value)
  if (header === undefined) return undefined
  const docs: Doc[] = [], lists = new Lists()
  let isWhole = true
  for (const [n, row] of rows.entries()) {
    if (n % BLOCKS_A_PIECE === BLOCKS_A_PIECE - 1) yield
    if (row.key[4] === DOCS) {
      const block = decodeDocs(header, docs.length / DOCS_PER_BLOCK, row.value)
      if (block === undefined) return undefined
      for (const doc of block) docs.push(doc)
    } else if (row.key[4] === TERMS) {
      const isRead = eachTerm(row.value, (term, bytes) => {
        if (!lists.unpack(term, bytes, header.docs)) isWhole = false
      })
      if (!isRead || !isWhole) return undefined
    }
  }
  return docs.length === header.docs ? { docs, lists } : undefined
}
