/**
 * A copy-on-write B+tree of pages: all rows of a disk in one order. A changed page gets a new id and the old one is deleted, up to the root,
 * so an id names one content for ever. That is what catches tampering: a page that was rolled back, swapped or dropped
 * is simply not there under the id its parent names; and cached pages are never out of date.
 *
 * Inner pages hold back entries that are too few to rewrite a child for (a B-epsilon-tree: Brodal and Fagerberg, SODA 2003); they are newer than
 * anything below them.
 *
 * A key of the tree is the partition's name with its length in front, then the row's key: a partition is one run of keys.
 */
import type { Row } from '../ports.ts'
import { compare } from '../wire/bytes.ts'
import type { BlockId } from './disk-blocks.ts'
import { type Entry, entryBytes, type Inner, MAX_LEVEL, type Page, pageBytes, type Ref, refBytes, sumBytes } from './disk-format.ts'
import { PackedLeaf } from './disk-leaf.ts'

/** Rows (or children) of one page: the more, the fewer records to clone; the fewer, the less to seal again for one changed row. */
const PAGE_ITEMS = 128
/** Bytes of a page before it is cut; a larger row has a page to itself. Chromium keeps values from 64 KiB on in a file each, which is slow. */
const PAGE_BYTES = 48 * 1024
/** Bytes of entries an inner page keeps for its children: with 128 children it stays below those 64 KiB. */
const BUFFER_BYTES = 40 * 1024
/** A child is rewritten for entries of at least this part of its bytes. */
const WORTH_FACTOR = 8
/** Children rewritten in one piece of tidying: below half a MiB. */
const TIDIED_CHILDREN = 8
/** Leaves a long range reads at once. */
const READ_AHEAD = 16

export interface KeyRange { readonly from: Uint8Array; readonly to: Uint8Array | undefined }
/** What changes: ranges are emptied first, then entries put or deleted. Both ascending, without overlap. */
export interface Edits { readonly drops: readonly KeyRange[]; readonly entries: readonly Entry[] }
export type Root = { readonly id: BlockId; readonly level: number } | undefined

export interface PageSource {
  newId(): BlockId
  /** Rejects with DiskError 'corrupt' when one is missing or not what was written. `level` is what the page must have: 0 for a leaf. */
  load(ids: readonly BlockId[], level: number, near: Uint8Array): Promise<Page[]>
}

export interface TreeChange { readonly root: Root; readonly written: ReadonlyMap<BlockId, Page>; readonly deleted: readonly BlockId[] }

const NO_KEY = new Uint8Array()
const NO_CHANGE: Edits = { drops: [], entries: [] }

/** Index of the first item, at `from` or behind it, whose key isn't below `key`. */
export function lowerBound<T>(items: readonly T[], key: Uint8Array, keyOf: (item: T) => Uint8Array, from = 0): number {
  let low = from, high = items.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (compare(keyOf(items[mid] as T), key) < 0) low = mid + 1
    else high = mid
  }
  return low
}

const entryKey = (item: { readonly key: Uint8Array }): Uint8Array => item.key
const refKey = (ref: Ref): Uint8Array => ref.first

/** The child that holds `key`: the last whose first key isn't above it. */
function childIndex(refs: readonly Ref[], key: Uint8Array): number {
  const at = lowerBound(refs, key, refKey)
  const next = refs[at]
  return next !== undefined && compare(next.first, key) === 0 ? at : Math.max(0, at - 1)
}

/** Up to `limit` rows with from <= key < to, from the lower end, or downwards from the upper one. */
export async function scan(pages: PageSource, root: Root, range: KeyRange, limit: number, reverse: boolean): Promise<Row[]> {
  if (root === undefined) return []
  const page = (await pages.load([root.id], root.level, range.from))[0] as Page
  return scanPage(pages, page, range, limit, reverse)
}

async function scanPage(pages: PageSource, page: Page, range: KeyRange, limit: number, reverse: boolean): Promise<Row[]> {
  if (page.type === 'inner') return mergeEntries(inRange(page.buffer, range), limit, reverse, wanted => scanChildren(pages, page, range, wanted, reverse))
  if (page instanceof PackedLeaf) return page.some(range, limit, reverse)
  const rows = inRange(page.rows, range)
  return reverse ? rows.slice(Math.max(0, rows.length - limit)).reverse() : rows.slice(0, limit)
}

async function scanChildren(pages: PageSource, page: Inner, range: KeyRange, limit: number, reverse: boolean): Promise<Row[]> {
  const start = childIndex(page.refs, range.from)
  const end = range.to === undefined ? page.refs.length : Math.max(start + 1, lowerBound(page.refs, range.to, refKey))
  const refs = page.refs.slice(start, end)
  if (reverse) refs.reverse()
  const out: Row[] = []
  for (let at = 0; at < refs.length && out.length < limit;) {
    const ahead = page.level > 1 ? 1 : Math.min(READ_AHEAD, Math.ceil((limit - out.length) / PAGE_ITEMS))
    const ids = refs.slice(at, at + ahead).map(ref => ref.id)
    for (const child of await pages.load(ids, page.level - 1, range.from)) {
      for (const row of await scanPage(pages, child, range, limit - out.length, reverse)) out.push(row)
    }
    at += ahead
  }
  return out
}

/** Bytes of the rows in a range: of leaves that lie wholly in it as their parents know them, so that only the two at its ends are read, and of all there is none. */
export async function measure(pages: PageSource, root: Root, range: KeyRange): Promise<number> {
  if (root === undefined) return 0
  return measurePage(pages, (await pages.load([root.id], root.level, range.from))[0] as Page, range)
}

async function measurePage(pages: PageSource, page: Page, range: KeyRange): Promise<number> {
  if (page.type === 'leaf') return sumBytes(inRange(page.rows, range), entryBytes)
  let bytes = sumBytes(inRange(page.buffer, range), entryBytes)
  const start = childIndex(page.refs, range.from)
  const end = range.to === undefined ? page.refs.length : Math.max(start + 1, lowerBound(page.refs, range.to, refKey))
  for (let i = start; i < end; i++) {
    const ref = page.refs[i] as Ref
    const isWhole = (i > start || range.from.length === 0) && (i < end - 1 || range.to === undefined)
    if (page.level === 1 && isWhole) bytes += ref.bytes
    else bytes += await measurePage(pages, (await pages.load([ref.id], page.level - 1, range.from))[0] as Page, range)
  }
  return bytes
}

/** Where an inner page holds entries back: the first from a key on, those above before those below. */
export interface Held { readonly key: Uint8Array; readonly level: number }

export async function firstHeld(pages: PageSource, root: Root, from: Uint8Array): Promise<Held | undefined> {
  return root === undefined ? undefined : heldIn(pages, (await pages.load([root.id], root.level, from))[0] as Page, NO_KEY, undefined, from)
}

async function heldIn(pages: PageSource, page: Page, first: Uint8Array, to: Uint8Array | undefined, from: Uint8Array): Promise<Held | undefined> {
  if (page.type === 'leaf') return undefined
  if (page.buffer.length > 0) return { key: first, level: page.level }
  for (const { child, to: childTo } of page.level === 1 ? [] : partsOf(page, first, to, NO_CHANGE)) {
    if (childTo !== undefined && compare(childTo, from) <= 0) continue
    const found = await heldIn(pages, (await pages.load([child.id], page.level - 1, from))[0] as Page, child.first, childTo, from)
    if (found !== undefined) return found
  }
  return undefined
}

export function inRange<T extends { readonly key: Uint8Array }>(items: readonly T[], { from, to }: KeyRange): T[] {
  const start = lowerBound(items, from, entryKey)
  return items.slice(start, to === undefined ? items.length : Math.max(start, lowerBound(items, to, entryKey)))
}

/**
 * The first `limit` rows (or, in reverse, the last) of what entries, ascending, make of the rows below them. Each deletion can take one row away,
 * so as many more are wanted from below; a row that is put stands for itself. An entry wins over a row of its key.
 */
export async function mergeEntries(entries: readonly Entry[], limit: number, reverse: boolean, below: (wanted: number) => Promise<readonly Row[]>): Promise<Row[]> {
  const rows = await below(limit + entries.reduce((count, { value }) => (value === undefined ? count + 1 : count), 0))
  const sign = reverse ? -1 : 1
  const out: Row[] = []
  let at = 0
  for (let i = 0; out.length < limit && (i < rows.length || at < entries.length);) {
    const row = rows[i], entry = entries[reverse ? entries.length - 1 - at : at]
    const order = row === undefined ? 1 : entry === undefined ? -1 : compare(row.key, entry.key) * sign
    if (order <= 0) i++
    if (order >= 0) at++
    if (order < 0 && row !== undefined) out.push(row)
    else if (order >= 0 && entry?.value !== undefined) out.push({ key: entry.key, value: entry.value })
  }
  return out
}

/** The tree with the edits made: its new root, the pages to write, the pages to delete. Nothing is written here. `held`: what this page holds back for some of its children is carried down, too. */
export async function edit(pages: PageSource, root: Root, edits: Edits, held?: Held): Promise<TreeChange> {
  const work: Work = { pages, written: new Map(), deleted: [], held }
  let level = root?.level ?? 0
  let refs: Ref[]
  if (root === undefined) refs = writeLeaves(work, edits.entries.filter(isRow), edits.entries)
  else refs = await editPage(work, { id: root.id, first: NO_KEY, bytes: 0 }, level, undefined, edits)
  while (refs.length > 1) {
    level += 1
    if (level > MAX_LEVEL) throw new RangeError('A disk of this many rows was never meant to be.')
    refs = writeInner(work, level, refs, [])
  }
  let top = refs[0]
  for (let below = onlyChild(work, top); top !== undefined && below !== undefined; below = onlyChild(work, top)) {
    work.written.delete(top.id)
    top = below
    level -= 1
  }
  return { root: top === undefined ? undefined : { id: top.id, level }, written: work.written, deleted: work.deleted }
}

/** What may take the place of a root that has nothing else. */
function onlyChild(work: Work, root: Ref | undefined): Ref | undefined {
  const page = root && work.written.get(root.id)
  return page?.type === 'inner' && page.refs.length === 1 && page.buffer.length === 0 ? page.refs[0] : undefined
}

/** Where new pages go. */
interface Written { readonly pages: PageSource; readonly written: Map<BlockId, Page> }
interface Work extends Written { readonly deleted: BlockId[]; readonly held: Held | undefined }

const isRow = (entry: Entry): entry is Row => entry.value !== undefined

function add(work: Written, page: Page): Ref {
  const id = work.pages.newId()
  work.written.set(id, page)
  return { id, first: (page.type === 'leaf' ? page.rows[0]?.key : page.refs[0]?.first) ?? NO_KEY, bytes: pageBytes(page) }
}

async function take(work: Work, ref: Ref, level: number): Promise<Page> {
  const fresh = work.written.get(ref.id)
  if (fresh !== undefined) {
    work.written.delete(ref.id)
    return fresh
  }
  work.deleted.push(ref.id)
  return (await work.pages.load([ref.id], level, ref.first))[0] as Page
}

/** Rewrites one page and what is below it; `to` is where the next page begins. The result takes its place: no page, one, or several. */
async function editPage(work: Work, ref: Ref, level: number, to: Uint8Array | undefined, edits: Edits): Promise<Ref[]> {
  const page = await take(work, ref, level)
  if (page.type === 'leaf') return writeLeaves(work, mergeRows(page.rows, edits), edits.entries)
  const parts = partsOf(page, ref.first, to, { drops: edits.drops, entries: mergeBuffer(page.buffer, edits) })
  const stays = isHeld(work.held, page.level, ref.first, to) ? allButSome(parts) : chooseWhatStays(parts)
  const refs: Ref[] = []
  for (const part of parts) {
    const { child, edits: { drops } } = part
    const entries = stays.has(part) ? [] : part.edits.entries
    if (entries.length === 0 && drops.length === 0 && !leadsTo(work.held, page.level, part)) refs.push(child)
    else if (entries.length === 0 && drops.some(drop => covers(drop, child.first, part.to))) await forget(work, child, page.level - 1)
    else refs.push(...await editPage(work, child, page.level - 1, part.to, { drops, entries }))
  }
  const buffer = parts.flatMap(part => (stays.has(part) ? part.edits.entries : []))
  const joined = await joinSmall(work, page.level - 1, refs)
  return joined.length > 0 ? writeInner(work, page.level, joined, buffer) : startAgain(work, page.level, buffer)
}

/** For a few children everything goes down, so that a piece of tidying stays small. */
const allButSome = (parts: readonly Part[]): ReadonlySet<Part> => new Set(parts.filter(part => part.edits.entries.length > 0).slice(TIDIED_CHILDREN))

const isHeld = (held: Held | undefined, level: number, from: Uint8Array, to: Uint8Array | undefined): boolean =>
  held?.level === level && isIn(held.key, { from, to })
/** Whether the page whose entries are wanted down is below this child, or is it. */
const leadsTo = (held: Held | undefined, level: number, { child, to }: Part): boolean => held !== undefined && level > held.level && isIn(held.key, { from: child.first, to })

/** All children are gone: what was still to be carried down begins them anew. */
export function startAgain(work: Written, level: number, buffer: readonly Entry[]): Ref[] {
  let refs = writeLeaves(work, buffer.filter(isRow), [])
  for (let above = 1; above <= level; above++) refs = writeInner(work, above, refs, [])
  return refs
}

/** One child's share of an inner page's edits. `child.first` is a true lower bound of its keys, `to` an upper one. */
interface Part { readonly child: Ref; readonly to: Uint8Array | undefined; readonly edits: Edits }

function partsOf(page: Inner, from: Uint8Array, to: Uint8Array | undefined, edits: Edits): Part[] {
  return page.refs.map((child, i) => {
    const childTo = page.refs[i + 1]?.first ?? to
    // The leftmost child also takes keys below its first: on the left edge of the tree nothing else would.
    return { child: i === 0 ? { ...child, first: from } : child, to: childTo, edits: slice(edits, i === 0 ? NO_KEY : child.first, childTo) }
  })
}

/**
 * Entries for a child stay in the page above while they are few beside the child's size. Keys that lie anywhere (ids, hashes)
 * would otherwise rewrite nearly every leaf for every few hundred rows. When the buffer is full, the largest shares go down.
 */
function chooseWhatStays(parts: readonly Part[]): ReadonlySet<Part> {
  const stays = new Set<Part>()
  let bytes = 0
  const shares = parts.map(part => ({ part, bytes: sumBytes(part.edits.entries, entryBytes) })).filter(share => share.bytes > 0)
  for (const share of shares) {
    if (share.bytes * WORTH_FACTOR >= share.part.child.bytes) continue
    stays.add(share.part)
    bytes += share.bytes
  }
  if (bytes <= BUFFER_BYTES) return stays
  for (const share of shares.sort((a, b) => b.bytes - a.bytes)) {
    if (bytes <= BUFFER_BYTES / 2) break
    if (stays.delete(share.part)) bytes -= share.bytes
  }
  return stays
}

/** A page's buffer with newer edits over it. Deletions stay: there may be something below for them to hide. */
function mergeBuffer(buffer: readonly Entry[], edits: Edits): Entry[] {
  const kept = buffer.filter(entry => !edits.drops.some(drop => isIn(entry.key, drop)))
  return merge(kept, edits.entries)
}

const isIn = (key: Uint8Array, range: KeyRange): boolean => compare(range.from, key) <= 0 && (range.to === undefined || compare(key, range.to) < 0)

const covers = (drop: KeyRange, from: Uint8Array, to: Uint8Array | undefined): boolean =>
  compare(drop.from, from) <= 0 && (drop.to === undefined || (to !== undefined && compare(to, drop.to) <= 0))

function slice(edits: Edits, from: Uint8Array, to: Uint8Array | undefined): Edits {
  const drops = edits.drops.filter(drop => (to === undefined || compare(drop.from, to) < 0) && (drop.to === undefined || compare(from, drop.to) < 0))
  return { drops, entries: inRange(edits.entries, { from, to }) }
}

/** The leaves that these entries would be laid into, as the pages above know them. */
export async function leavesFor(pages: PageSource, root: Root, entries: readonly Entry[]): Promise<{ readonly count: number; readonly bytes: number }> {
  const found = { count: 0, bytes: 0 }
  const look = async (page: Page, first: Uint8Array, to: Uint8Array | undefined, some: readonly Entry[]): Promise<void> => {
    if (page.type === 'leaf') { found.count++; found.bytes += pageBytes(page); return }
    for (const { child, to: childTo, edits } of partsOf(page, first, to, { drops: [], entries: some })) {
      if (edits.entries.length === 0) continue
      if (page.level === 1) { found.count++; found.bytes += child.bytes } else await look((await pages.load([child.id], page.level - 1, child.first))[0] as Page, child.first, childTo, edits.entries)
    }
  }
  if (root !== undefined) await look((await pages.load([root.id], root.level, NO_KEY))[0] as Page, NO_KEY, undefined, entries)
  return found
}

/** The ids of all pages of a tree. */
export async function forgetAll(pages: PageSource, root: Root): Promise<readonly BlockId[]> {
  const work: Work = { pages, written: new Map(), deleted: [], held: undefined }
  if (root !== undefined) await forget(work, { id: root.id, first: NO_KEY, bytes: 0 }, root.level)
  return work.deleted
}

/** Deletes a page and all below it. Leaves aren't read for that. */
async function forget(work: Work, ref: Ref, level: number): Promise<void> {
  if (level === 0) { work.deleted.push(ref.id); return }
  for (const child of (await take(work, ref, level) as Inner).refs) await forget(work, child, level - 1)
}

/** The least key after this one. */
export function behind(key: Uint8Array): Uint8Array {
  const out = new Uint8Array(key.length + 1)
  out.set(key)
  return out
}

function mergeRows(rows: readonly Row[], edits: Edits): Row[] {
  const kept = edits.drops.length === 0 ? rows : rows.filter(row => !edits.drops.some(drop => isIn(row.key, drop)))
  return merge<Entry>(kept, edits.entries).filter(isRow)
}

/** Two ascending lists as one; of two with the same key the newer one stays. */
export function merge<T extends { readonly key: Uint8Array }>(older: readonly T[], newer: readonly T[]): T[] {
  const out: T[] = []
  let at = 0
  for (const item of newer) {
    for (; at < older.length && compare((older[at] as T).key, item.key) < 0; at++) out.push(older[at] as T)
    if (at < older.length && compare((older[at] as T).key, item.key) === 0) at++
    out.push(item)
  }
  for (; at < older.length; at++) out.push(older[at] as T)
  return out
}

/**
 * Where rows were appended (one run at the end of a partition, say), pages up to the end of the run are filled to the brim: the next
 * ones come behind it, and halves would stay half empty for ever. Scattered keys get even pages, with room for more of their kind.
 */
function writeLeaves(work: Written, rows: readonly Row[], entries: readonly Entry[]): Ref[] {
  const first = entries[0], last = entries[entries.length - 1]
  let pieces: Row[][]
  if (first === undefined || last === undefined) pieces = cut(rows, entryBytes, true)
  else {
    const start = lowerBound(rows, first.key, entryKey)
    let end = lowerBound(rows, last.key, entryKey)
    if (rows[end] !== undefined && compare((rows[end] as Row).key, last.key) === 0) end++
    const fits = rows.length <= PAGE_ITEMS && sumBytes(rows, entryBytes) <= PAGE_BYTES
    const isRun = !fits && end - start <= entries.length
    pieces = isRun ? [...cut(rows.slice(0, end), entryBytes, false), ...cut(rows.slice(end), entryBytes, true)] : cut(rows, entryBytes, true)
  }
  return pieces.map(piece => add(work, { type: 'leaf', rows: piece }))
}

export function writeInner(work: Written, level: number, refs: readonly Ref[], buffer: readonly Entry[]): Ref[] {
  const pieces = cut(refs, refBytes, false)
  return pieces.map((piece, i) => {
    const range = { from: i === 0 ? NO_KEY : (piece[0] as Ref).first, to: pieces[i + 1]?.[0]?.first }
    return add(work, { type: 'inner', level, refs: piece, buffer: inRange(buffer, range) })
  })
}

/** Cuts items into pages: full ones and a rest, or all about as large. */
function cut<T>(items: readonly T[], bytesOf: (item: T) => number, even: boolean): T[][] {
  const total = sumBytes(items, bytesOf)
  const count = Math.max(Math.ceil(items.length / PAGE_ITEMS), Math.ceil(total / PAGE_BYTES), 1)
  const maxItems = even ? Math.ceil(items.length / count) : PAGE_ITEMS
  const maxBytes = even ? Math.ceil(total / count) : PAGE_BYTES
  const out: T[][] = []
  let piece: T[] = [], bytes = 0
  for (const item of items) {
    const more = bytesOf(item)
    // An even page may pass its mark by one item, as long as it stays a page.
    const isFull = piece.length >= maxItems || (even ? bytes >= maxBytes || bytes + more > PAGE_BYTES : bytes + more > maxBytes)
    if (isFull && piece.length > 0) { out.push(piece); piece = []; bytes = 0 }
    piece.push(item)
    bytes += more
  }
  if (piece.length > 0) out.push(piece)
  return out
}

/** Joins neighbours that fill half a page together, where one of them is being written anyway. */
async function joinSmall(work: Work, level: number, refs: readonly Ref[]): Promise<Ref[]> {
  const out: Ref[] = []
  for (const ref of refs) {
    const left = out[out.length - 1]
    const isWorthIt = left !== undefined && left.bytes + ref.bytes <= PAGE_BYTES / 2 && (work.written.has(left.id) || work.written.has(ref.id))
    const joined = isWorthIt ? await join(work, level, left, ref) : undefined
    if (joined === undefined) out.push(ref)
    else out[out.length - 1] = joined
  }
  return out
}

async function join(work: Work, level: number, left: Ref, right: Ref): Promise<Ref | undefined> {
  const [a, b] = [await peek(work, left, level), await peek(work, right, level)]
  const page: Page | undefined = a.type === 'leaf' && b.type === 'leaf' ? { type: 'leaf', rows: [...a.rows, ...b.rows] }
    : a.type === 'inner' && b.type === 'inner' ? { type: 'inner', level, refs: [...a.refs, ...b.refs], buffer: [...a.buffer, ...b.buffer] } : undefined
  if (page === undefined || (page.type === 'leaf' ? page.rows : page.refs).length > PAGE_ITEMS) return undefined
  await take(work, left, level)
  await take(work, right, level)
  return add(work, page)
}

const peek = async (work: Work, ref: Ref, level: number): Promise<Page> =>
  work.written.get(ref.id) ?? (await work.pages.load([ref.id], level, ref.first))[0] as Page
