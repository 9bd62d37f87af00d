/**
 * The contents of a paged disk's blocks, before sealing. Numbers are LEB128; keys are written as what differs from the key before.
 *
 *   leaf    = 1 || rows || (shared || rest of key || value)*              rows, ascending by key
 *   inner   = 2 || level || children || (id (16) || bytes || shared || rest of first key)*     level: 1 above the leaves
 *             || entries || (shared || rest of key || 0 for a deletion, or 1 || value)*        what hasn't been carried down yet
 *   journal = 3 || saves || (type || partition || key || value)*          what one transaction saved, or a part of it, in order
 *   head    = 4 || version || writes || root's level + 1, or 0 || root's id (16), if any || number of the journal's first record
 *             || from version 3 on: runs || (partition || level || id (16) || bytes)*             trees over the tree (disk-runs.ts), of each partition the newest first
 *   note    = 6 || count || id (16)*                                     pages that are read when the disk is opened (disk-opening.ts); 5 is a squeezed page (disk-squeeze.ts)
 *
 * The first byte says the kind, so no block is ever read as another one. Decoders return undefined for anything that
 * an encoder wouldn't have written: the seal has already caught damage, this catches our own mistakes and other versions.
 */
import type { Row, Save } from '../ports.ts'
import { equal, fromHex, fromUtf8, toHex, utf8 } from '../wire/bytes.ts'
import type { BlockId } from './disk-blocks.ts'
import { decodeLeaf, PackedLeaf } from './disk-leaf.ts'

/** 2: pages are squeezed (disk-squeeze.ts). Those of version 1 are read as they are, and squeezed when they are next written. 3: there are runs; a head that has none says 2, which programs from before can read. */
export const FORMAT_VERSION = 3
const WITHOUT_RUNS = 2, OLDEST_VERSION = 1
/** Of a disk of some ten million rows. */
const MAX_RUNS = 1024
/** Three levels of 128 already hold two million leaves: more than eight can only be damage, and would let a loop run on. */
export const MAX_LEVEL = 8
/** A space that is opened takes some twenty. Each is at most some ten KiB to read. */
export const MAX_NOTED = 64
/** Above what a writer ever leaves (disk-pages.ts folds far earlier). */
export const MAX_JOURNAL_RECORDS = 4096

/** A row to put, or, without a value, to delete. */
export interface Entry { readonly key: Uint8Array; readonly value: Uint8Array | undefined }
/** A page of the tree below: where it is, a lower bound of its keys, its unsealed size. */
export interface Ref { readonly id: BlockId; readonly first: Uint8Array; readonly bytes: number }
export interface Leaf { readonly type: 'leaf'; readonly rows: readonly Row[] }
/** `buffer`: entries that are newer than what the children hold, kept here until carrying them down is worth it. */
export interface Inner { readonly type: 'inner'; readonly level: number; readonly refs: readonly Ref[]; readonly buffer: readonly Entry[] }
export type Page = Leaf | Inner

/** A tree of what came in of one partition. `bytes`: of its rows, about. */
export interface Run { readonly partition: string; readonly id: BlockId; readonly level: number; readonly bytes: number }

export interface Head {
  /** Counts writes. Each leaves a journal record of its number, so that an older head is noticed by the record it doesn't know. */
  readonly writes: number
  readonly root: { readonly id: BlockId; readonly level: number } | undefined
  readonly runs: readonly Run[]
  /** Of the program that wrote it, where that was one from before pages were squeezed. */
  readonly version?: number
  /** Records journalFrom to writes, both included, hold what isn't in pages yet. */
  readonly journalFrom: number
}

const LEAF = 1, INNER = 2, JOURNAL = 3, HEAD = 4, NOTE = 6
const SAVE_TYPES = ['put', 'delete', 'drop'] as const

/** Bytes a row takes in a leaf, at most: its key may share nothing with the one before. */
export const entryBytes = (entry: Entry): number => entry.key.length + (entry.value?.length ?? 0) + 8
export const refBytes = (ref: Ref): number => ref.first.length + 16 + 8
/** What it takes in memory, about; of one that is to be written, in its block. */
export const pageBytes = (page: Page): number =>
  page instanceof PackedLeaf ? page.bytes : page.type === 'leaf' ? sumBytes(page.rows, entryBytes) : sumBytes(page.refs, refBytes) + sumBytes(page.buffer, entryBytes)

export function sumBytes<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  let sum = 0
  for (const item of items) sum += bytesOf(item)
  return sum
}

export function encodePage(page: Page): Uint8Array {
  const out = new Writer(pageBytes(page) + 16)
  let before: Uint8Array = new Uint8Array()
  if (page.type === 'leaf') {
    out.byte(LEAF)
    out.number(page.rows.length)
    for (const { key, value } of page.rows) { out.key(before, key); out.bytes(value); before = key }
  } else {
    out.byte(INNER)
    out.byte(page.level)
    out.number(page.refs.length)
    for (const { id, first, bytes } of page.refs) { out.raw(fromHex(id) as Uint8Array); out.number(bytes); out.key(before, first); before = first }
    out.number(page.buffer.length)
    before = new Uint8Array()
    for (const { key, value } of page.buffer) {
      out.key(before, key)
      out.byte(value === undefined ? 0 : 1)
      if (value !== undefined) out.bytes(value)
      before = key
    }
  }
  return out.done()
}

export function decodePage(bytes: Uint8Array): Page | undefined {
  if (bytes[0] === LEAF) return decodeLeaf(bytes, 1)
  const read = new Reader(bytes)
  const page = read.byte() === INNER ? readInner(read) : undefined
  return page !== undefined && read.ended() ? page : undefined
}

function readInner(read: Reader): Inner | undefined {
  const level = read.byte()
  const count = read.count(19)
  if (level < 1 || level > MAX_LEVEL || count < 1) return undefined
  const refs: Ref[] = []
  for (let i = 0; i < count; i++) {
    const before = refs[i - 1]?.first
    const id = read.raw(16), bytes = read.number(), first = read.key(before)
    if (id === undefined || first === undefined) return undefined
    refs.push({ id: toHex(id), first, bytes })
  }
  const buffer = readBuffer(read)
  return buffer && { type: 'inner', level, refs, buffer }
}

function readBuffer(read: Reader): Entry[] | undefined {
  const count = read.count(3)
  const entries: Entry[] = []
  for (let i = 0; i < count; i++) {
    const before = entries[i - 1]?.key
    const key = read.key(before), tag = read.byte()
    const value = tag === 1 ? read.bytes() : undefined
    if (key === undefined || tag > 1 || (tag === 1 && value === undefined)) return undefined
    entries.push({ key, value })
  }
  return entries
}

export const encodeJournal = (saves: readonly Save[]): Uint8Array => encodeRecord(saves, 256, utf8)

/** At the head of a record with which a save is not complete: a row to delete that there never is, so that programs from before read over it. */
const UNFINISHED: Save = { type: 'delete', partition: 'journal', key: Uint8Array.of(0) }
const isUnfinished = (save: Save | undefined): boolean => save?.type === 'delete' && save.partition === UNFINISHED.partition

/** What a record holds, and whether more of the same save follows in the next. */
export interface JournalRecord { readonly saves: readonly Save[]; readonly isUnfinished: boolean }

export function decodeRecord(bytes: Uint8Array): JournalRecord | undefined {
  const saves = decodeJournal(bytes)
  return saves && (isUnfinished(saves[0]) ? { saves: saves.slice(1), isUnfinished: true } : { saves, isUnfinished: false })
}

/**
 * The same saves in as many records as it takes for each to hold about so many bytes; one row is never divided. All but the last say that more follows. `kept`: the saves as the records
 * hold them, which nobody else has in hand.
 */
export function encodeRecords(saves: readonly Save[], maxBytes: number): { readonly records: readonly Uint8Array[]; readonly kept: readonly Save[] } {
  const names = new Map<string, Uint8Array>(), records: Uint8Array[] = [], kept: Save[] = []
  const nameOf = (partition: string): Uint8Array => {
    const name = names.get(partition) ?? utf8(partition)
    names.set(partition, name)
    return name
  }
  for (let from = 0, at = 0, bytes = 0; from < saves.length;) {
    const save = saves[at], more = save === undefined ? 0 : saveBytes(save, nameOf(save.partition))
    if (save !== undefined && (at === from || bytes + more <= maxBytes)) { at++; bytes += more; continue }
    records.push(encodeRecord(saves.slice(from, at), bytes, nameOf, at < saves.length, kept))
    from = at
    bytes = 0
  }
  return { records, kept }
}

/** Bytes of a save in a record, at most. */
const saveBytes = (save: Save, name: Uint8Array): number => name.length + 8 + (save.type === 'drop' ? 0 : entryBytes({ key: save.key, value: save.type === 'put' ? save.value : undefined }))

function encodeRecord(saves: readonly Save[], bytes: number, nameOf: (partition: string) => Uint8Array, isMoreToCome = false, kept: Save[] = []): Uint8Array {
  const out = new Writer(bytes + 32)
  out.byte(JOURNAL)
  out.number(saves.length + (isMoreToCome ? 1 : 0))
  if (isMoreToCome) putSave(out, UNFINISHED, nameOf)
  for (const save of saves) kept.push(putSave(out, save, nameOf))
  return out.done()
}

/** Gives the save as it stands there. */
function putSave(out: Writer, save: Save, nameOf: (partition: string) => Uint8Array): Save {
  const { partition } = save
  out.byte(SAVE_TYPES.indexOf(save.type))
  out.bytes(nameOf(partition))
  if (save.type === 'drop') return save
  const key = out.kept(save.key)
  return save.type === 'put' ? { type: 'put', partition, key, value: out.kept(save.value) } : { type: 'delete', partition, key }
}

export function decodeJournal(bytes: Uint8Array): Save[] | undefined {
  const read = new Reader(bytes)
  if (read.byte() !== JOURNAL) return undefined
  const count = read.count(2), names: Name[] = []
  const saves: Save[] = []
  for (let i = 0; i < count; i++) {
    const save = readSave(read, names)
    if (save === undefined) return undefined
    saves.push(save)
  }
  return read.ended() ? saves : undefined
}

/** Names of partitions that a record has had so far: decoding one costs more than the row's own fields. */
interface Name { readonly bytes: Uint8Array; readonly name: string }
const MAX_NAMES = 8

function readName(bytes: Uint8Array, known: Name[]): string | undefined {
  const found = known.find(name => equal(name.bytes, bytes))
  if (found !== undefined) return found.name
  const name = fromUtf8(bytes)
  if (name !== undefined && known.length < MAX_NAMES) known.push({ bytes, name })
  return name
}

function readSave(read: Reader, known: Name[]): Save | undefined {
  const type = SAVE_TYPES[read.byte()]
  const name = read.bytes()
  const partition = name === undefined ? undefined : readName(name, known)
  if (type === undefined || partition === undefined) return undefined
  if (type === 'drop') return { type, partition }
  const key = read.bytes()
  if (key === undefined) return undefined
  if (type === 'delete') return { type, partition, key }
  const value = read.bytes()
  return value === undefined ? undefined : { type, partition, key, value }
}

export function encodeHead(head: Head): Uint8Array {
  const out = new Writer(64)
  out.byte(HEAD)
  out.byte(head.runs.length > 0 ? FORMAT_VERSION : WITHOUT_RUNS)
  out.number(head.writes)
  out.byte(head.root === undefined ? 0 : head.root.level + 1)
  if (head.root !== undefined) out.raw(fromHex(head.root.id) as Uint8Array)
  out.number(head.journalFrom)
  if (head.runs.length > 0) out.number(head.runs.length)
  for (const { partition, level, id, bytes } of head.runs) { out.bytes(utf8(partition)); out.byte(level); out.raw(fromHex(id) as Uint8Array); out.number(bytes) }
  return out.done()
}

/** The head, the version of a newer program's head, or undefined for damage. */
export function decodeHead(bytes: Uint8Array): Head | { readonly newer: number } | undefined {
  const read = new Reader(bytes)
  if (read.byte() !== HEAD) return undefined
  const version = read.byte()
  if (version > FORMAT_VERSION) return { newer: version }
  const writes = read.number(), rootLevel = read.byte() - 1
  const rootId = rootLevel >= 0 ? read.raw(16) : undefined
  const journalFrom = read.number(), runs = version > WITHOUT_RUNS ? readRuns(read) : []
  const hasJournal = journalFrom >= 1 && journalFrom <= writes && writes - journalFrom < MAX_JOURNAL_RECORDS
  if (version < OLDEST_VERSION || runs === undefined || !read.ended() || rootLevel > MAX_LEVEL || !hasJournal) return undefined
  return { writes, root: rootId === undefined ? undefined : { id: toHex(rootId), level: rootLevel }, journalFrom, runs, ...(version < WITHOUT_RUNS ? { version } : {}) }
}

function readRuns(read: Reader): Run[] | undefined {
  const count = read.count(19), runs: Run[] = []
  if (count < 1 || count > MAX_RUNS) return undefined
  for (let i = 0; i < count; i++) {
    const name = read.bytes(), level = read.byte(), id = read.raw(16), bytes = read.number()
    const partition = name && fromUtf8(name)
    if (partition === undefined || id === undefined || level > MAX_LEVEL) return undefined
    runs.push({ partition, id: toHex(id), level, bytes })
  }
  return runs
}

export function encodeNote(ids: readonly BlockId[]): Uint8Array {
  const out = new Writer(16 * ids.length + 8)
  out.byte(NOTE)
  out.number(ids.length)
  for (const id of ids) out.raw(fromHex(id) as Uint8Array)
  return out.done()
}

export function decodeNote(bytes: Uint8Array): readonly BlockId[] | undefined {
  const read = new Reader(bytes)
  if (read.byte() !== NOTE) return undefined
  const ids = Array.from({ length: Math.min(read.count(16), MAX_NOTED + 1) }, () => read.raw(16))
  return read.ended() && ids.length <= MAX_NOTED ? ids.map((id) => toHex(id as Uint8Array)) : undefined
}

/** Grows by doubling: the size of a page is known only roughly before it is written. */
class Writer {
  #buffer: Uint8Array
  #at = 0
  constructor(size: number) { this.#buffer = new Uint8Array(size) }

  byte(value: number): void { this.#room(1); this.#buffer[this.#at++] = value }

  number(value: number): void {
    this.#room(8)
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#at++] = (rest % 128) | 128
    this.#buffer[this.#at++] = rest
  }

  raw(bytes: Uint8Array): void { this.#room(bytes.length); this.#buffer.set(bytes, this.#at); this.#at += bytes.length }

  bytes(bytes: Uint8Array): void { this.number(bytes.length); this.raw(bytes) }

  /** As `bytes`; gives what was written. */
  kept(bytes: Uint8Array): Uint8Array {
    this.bytes(bytes)
    return this.#buffer.subarray(this.#at - bytes.length, this.#at)
  }

  key(before: Uint8Array, key: Uint8Array): void {
    let shared = 0
    while (shared < before.length && shared < key.length && before[shared] === key[shared]) shared++
    this.number(shared)
    this.number(key.length - shared)
    this.#room(key.length - shared)
    // What is left of a key is short: a view of it would cost more.
    for (let n = shared; n < key.length; n++) this.#buffer[this.#at++] = key[n] as number
  }

  done(): Uint8Array { return this.#buffer.subarray(0, this.#at) }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#at + bytes))
    grown.set(this.#buffer)
    this.#buffer = grown
  }
}

/** Bytes of keys that are made at once. */
const KEYS_BYTES = 4 * 1024

/** Many arrays to a buffer: one for each takes longer than all else that is done with a row. */
class Room {
  #buffer = new Uint8Array()
  #at = 0

  take(length: number): Uint8Array {
    if (this.#at + length > this.#buffer.length) { this.#buffer = new Uint8Array(Math.max(KEYS_BYTES, length)); this.#at = 0 }
    return this.#buffer.subarray(this.#at, (this.#at += length))
  }
}

/** Reads what Writer wrote. Past the end, or at a number written in more bytes than needed, it goes bad and stays bad: `ended` tells. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #keys = new Room()
  #at = 0
  #bad = false
  constructor(bytes: Uint8Array) { this.#bytes = bytes }

  byte(): number {
    const value = this.#bytes[this.#at++]
    if (value === undefined) this.#bad = true
    return value ?? 0
  }

  number(): number {
    let value = 0, scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) {
        if ((byte === 0 && i > 0) || !Number.isSafeInteger(value)) this.#bad = true
        return value
      }
      scale *= 128
    }
    this.#bad = true
    return 0
  }

  /** A number of things of at least `leastBytes` each: a count that can't be true is bad before anything is allocated for it. */
  count(leastBytes: number): number {
    const count = this.number()
    if (count * leastBytes <= this.#bytes.length - this.#at) return count
    this.#bad = true
    return 0
  }

  raw(length: number): Uint8Array | undefined {
    if (this.#bad || length > this.#bytes.length - this.#at) { this.#bad = true; return undefined }
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  bytes(): Uint8Array | undefined { return this.raw(this.number()) }

  /** Behind `before`, if there is one. */
  key(before: Uint8Array | undefined): Uint8Array | undefined {
    const shared = this.number(), rest = this.number(), from = this.#at, least = before?.length ?? 0
    if (this.#bad || shared > least || rest > this.#bytes.length - from) { this.#bad = true; return undefined }
    this.#at += rest
    // Only the longest shared prefix is canonical: so the first byte of the rest says which key is behind the other.
    if (before !== undefined && (rest === 0 || (shared < least && (this.#bytes[from] as number) <= (before[shared] as number)))) return undefined
    const key = this.#keys.take(shared + rest)
    for (let i = 0; i < shared; i++) key[i] = (before as Uint8Array)[i] as number
    for (let i = 0; i < rest; i++) key[shared + i] = this.#bytes[from + i] as number
    return key
  }

  ended(): boolean { return !this.#bad && this.#at === this.#bytes.length }
}
