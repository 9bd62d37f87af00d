/**
 * A copy-on-write B+tree of pages: all rows of a disk in one order. A changed page gets a new id and the old one is deleted, up to the root,
 * so an id names one content for ever. That is what catches tampering: a page that was rolled back, swapped or dropped
 * is simply not there under the id its parent names; and cached pages are never out of date.
 *
 * A key of the tree is the partition's name with its length in front, then the row's key: a partition is one run of keys.
 */
import type { Row } from '../ports.ts'
import { compare, concat, utf8 } from '../wire/bytes.ts'
import type { BlockId } from './disk-blocks.ts'
import { type Inner, MAX_LEVEL, type Page, pageBytes, type Ref, refBytes, rowBytes } from './disk-format.ts'

/** Rows (or children) of one page: the more, the fewer records to clone; the fewer, the less to seal again for one changed row. */
const PAGE_ITEMS = 128
/** Bytes of a page before it is cut. A larger row has a page to itself. */
const PAGE_BYTES = 64 * 1024
/** Leaves a long range reads at once. */
const READ_AHEAD = 16

/** A row to put, or, without a value, to delete. */
export interface Entry { readonly key: Uint8Array; readonly value: Uint8Array | undefined }
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

/** Where a partition's keys begin. Names are at most 255 bytes of UTF-8. */
export const partitionPrefix = (partition: string): Uint8Array => {
  const name = utf8(partition)
  return concat(Uint8Array.of(name.length), name)
}

/** The first key after all that begin with this prefix. UTF-8 has no byte 255, so the last byte can always be counted up. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const out = prefix.slice()
  out[out.length - 1] = (out[out.length - 1] as number) + 1
  return out
}

/** Index of the first item whose key isn't below `key`. */
export function lowerBound<T>(items: readonly T[], key: Uint8Array, keyOf: (item: T) => Uint8Array): number {
  let low = 0, high = items.length
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
  if (root === undefined || limit <= 0) return []
  const page = (await pages.load([root.id], root.level, range.from))[0] as Page
  const out: Row[] = []
  await scanPage(pages, page, range, limit, reverse, out)
  return out
}

async function scanPage(pages: PageSource, page: Page, range: KeyRange, limit: number, reverse: boolean, out: Row[]): Promise<void> {
  if (page.type === 'leaf') {
    const start = lowerBound(page.rows, range.from, entryKey)
    const end = range.to === undefined ? page.rows.length : lowerBound(page.rows, range.to, entryKey)
    const rows = page.rows.slice(start, Math.max(start, end))
    if (reverse) rows.reverse()
    for (const row of rows) if (out.length < limit) out.push(row)
    return
  }
  const start = childIndex(page.refs, range.from)
  const end = range.to === undefined ? page.refs.length : Math.max(start + 1, lowerBound(page.refs, range.to, refKey))
  const refs = page.refs.slice(start, end)
  if (reverse) refs.reverse()
  for (let at = 0; at < refs.length && out.length < limit;) {
    const ahead = page.level > 1 ? 1 : Math.min(READ_AHEAD, Math.ceil((limit - out.length) / PAGE_ITEMS))
    const ids = refs.slice(at, at + ahead).map(ref => ref.id)
    for (const child of await pages.load(ids, page.level - 1, range.from)) await scanPage(pages, child, range, limit, reverse, out)
    at += ahead
  }
}

/** The tree with the edits made: its new root, the pages to write, the pages to delete. Nothing is written here. */
export async function edit(pages: PageSource, root: Root, edits: Edits): Promise<TreeChange> {
  const work: Work = { pages, written: new Map(), deleted: [] }
  let level = root?.level ?? 0
  let refs: Ref[]
  if (root === undefined) refs = writeLeaves(work, edits.entries.flatMap(toRow), edits)
  else refs = await editPage(work, { id: root.id, first: NO_KEY, bytes: 0 }, level, undefined, edits)
  while (refs.length > 1) {
    level += 1
    if (level > MAX_LEVEL) throw new RangeError('A disk of this many rows was never meant to be.')
    refs = writeInner(work, level, refs)
  }
  let top = refs[0]
  // A root with a single child is the child.
  for (let page = top && work.written.get(top.id); top !== undefined && page?.type === 'inner' && page.refs.length === 1; page = work.written.get(top.id)) {
    work.written.delete(top.id)
    top = page.refs[0] as Ref
    level -= 1
  }
  return { root: top === undefined ? undefined : { id: top.id, level }, written: work.written, deleted: work.deleted }
}

interface Work { readonly pages: PageSource; readonly written: Map<BlockId, Page>; readonly deleted: BlockId[] }

const toRow = ({ key, value }: Entry): Row[] => (value === undefined ? [] : [{ key, value }])

function add(work: Work, page: Page): Ref {
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
  if (page.type === 'leaf') return writeLeaves(work, mergeRows(page.rows, edits), edits)
  const refs: Ref[] = []
  for (const [i, child] of page.refs.entries()) {
    // The leftmost child also takes keys below its first: on the left edge of the tree nothing else would.
    const childFrom = i === 0 ? ref.first : child.first
    const childTo = page.refs[i + 1]?.first ?? to
    const part = slice(edits, i === 0 ? NO_KEY : childFrom, childTo)
    if (part.entries.length === 0 && part.drops.length === 0) refs.push(child)
    else if (part.entries.length === 0 && part.drops.some(drop => covers(drop, childFrom, childTo))) await forget(work, child, page.level - 1)
    else refs.push(...await editPage(work, { ...child, first: childFrom }, page.level - 1, childTo, part))
  }
  return writeInner(work, page.level, await joinSmall(work, page.level - 1, refs))
}

const covers = (drop: KeyRange, from: Uint8Array, to: Uint8Array | undefined): boolean =>
  compare(drop.from, from) <= 0 && (drop.to === undefined || (to !== undefined && compare(to, drop.to) <= 0))

function slice(edits: Edits, from: Uint8Array, to: Uint8Array | undefined): Edits {
  const start = lowerBound(edits.entries, from, entryKey)
  const end = to === undefined ? edits.entries.length : lowerBound(edits.entries, to, entryKey)
  const drops = edits.drops.filter(drop => (to === undefined || compare(drop.from, to) < 0) && (drop.to === undefined || compare(from, drop.to) < 0))
  return { drops, entries: edits.entries.slice(start, end) }
}

/** Deletes a page and all below it. Leaves aren't read for that. */
async function forget(work: Work, ref: Ref, level: number): Promise<void> {
  if (level === 0) { work.deleted.push(ref.id); return }
  for (const child of (await take(work, ref, level) as Inner).refs) await forget(work, child, level - 1)
}

function mergeRows(rows: readonly Row[], edits: Edits): Row[] {
  const kept = edits.drops.length === 0 ? rows
    : rows.filter(row => !edits.drops.some(drop => compare(drop.from, row.key) <= 0 && (drop.to === undefined || compare(row.key, drop.to) < 0)))
  const out: Row[] = []
  let at = 0
  for (const entry of edits.entries) {
    for (; at < kept.length && compare((kept[at] as Row).key, entry.key) < 0; at++) out.push(kept[at] as Row)
    if (at < kept.length && compare((kept[at] as Row).key, entry.key) === 0) at++
    if (entry.value !== undefined) out.push({ key: entry.key, value: entry.value })
  }
  for (; at < kept.length; at++) out.push(kept[at] as Row)
  return out
}

/**
 * Where rows were appended (one run at the end of a partition, say), pages up to the end of the run are filled to the brim: the next
 * ones come behind it, and halves would stay half empty for ever. Scattered keys get even pages, with room for more of their kind.
 */
function writeLeaves(work: Work, rows: readonly Row[], edits: Edits): Ref[] {
  if (rows.length === 0) return []
  const first = edits.entries[0], last = edits.entries[edits.entries.length - 1]
  if (first === undefined || last === undefined) return cut(rows, rowBytes, true).map(piece => add(work, { type: 'leaf', rows: piece }))
  const start = lowerBound(rows, first.key, entryKey)
  let end = lowerBound(rows, last.key, entryKey)
  if (rows[end] !== undefined && compare((rows[end] as Row).key, last.key) === 0) end++
  const isRun = end - start <= edits.entries.length
  const fits = rows.length <= PAGE_ITEMS && sumBytes(rows, rowBytes) <= PAGE_BYTES
  const pieces = fits ? [rows] : isRun ? [...cut(rows.slice(0, end), rowBytes, false), ...cut(rows.slice(end), rowBytes, true)] : cut(rows, rowBytes, true)
  return pieces.map(piece => add(work, { type: 'leaf', rows: piece }))
}

const writeInner = (work: Work, level: number, refs: readonly Ref[]): Ref[] =>
  cut(refs, refBytes, false).map(piece => add(work, { type: 'inner', level, refs: piece }))

const sumBytes = <T>(items: readonly T[], bytesOf: (item: T) => number): number => items.reduce((sum, item) => sum + bytesOf(item), 0)

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
    : a.type === 'inner' && b.type === 'inner' ? { type: 'inner', level, refs: [...a.refs, ...b.refs] } : undefined
  if (page === undefined || (page.type === 'leaf' ? page.rows : page.refs).length > PAGE_ITEMS) return undefined
  await take(work, left, level)
  await take(work, right, level)
  return add(work, page)
}

const peek = async (work: Work, ref: Ref, level: number): Promise<Page> =>
  work.written.get(ref.id) ?? (await work.pages.load([ref.id], level, ref.first))[0] as Page
