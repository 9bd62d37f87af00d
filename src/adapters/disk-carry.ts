/**
 * Carrying down what lies in runs (disk-runs.ts): all runs of a partition together, in the order of their keys, piece by piece, which writes each page of the tree about once.
 *
 * What was carried stays in its runs for a while, where it says the same as the tree, and leaves them many rows at a time: for each piece to write an end of every run anew would cost the more, the
 * more runs there are. The oldest run's rows leave first. A row that left the newer run alone would show again what an older one has under its key.
 *
 * How far this has come is known in memory only, of exactly these runs. After a crash, or when one of them has become another, it begins again where the runs' pages begin: the tree is told what it
 * has. Runs that come over them meanwhile wait for their own turn.
 */
import { compare } from '../wire/bytes.ts'
import { partitionPrefix } from '../wire/losses.ts'
import type { BlockId } from './disk-blocks.ts'
import { type Entry, entryBytes, type Run, sumBytes } from './disk-format.ts'
import { Changes, fromRun, ofPartition, type Trees, type TreesChange } from './disk-runs.ts'
import { behind, edit, forgetAll, lowerBound, merge, type PageSource, scan } from './disk-tree.ts'

/** Of one piece: bytes of the journal that go into pages; rows that are read of all runs, about, bytes that go down at most; runs of which more is read, runs that rows leave. They leave when so many bytes have gone down of all and of a run. */
export interface Pieces { readonly foldBytes: number; readonly rows: number; readonly bytes: number; readonly readRuns: number; readonly leftRuns: number; readonly leaveBytes: number; readonly leaveBytesARun: number }
/** A piece is some ten milliseconds of work. Where there are many runs, a page or two of each must have gone down before they are written anew. */
export const PIECES: Pieces = { foldBytes: 512 * 1024, rows: 2048, bytes: 128 * 1024, readRuns: 16, leftRuns: 4, leaveBytes: 4 * 1024 * 1024, leaveBytesARun: 128 * 1024 }
/** Rows of one run that are read at least: a page or two. */
const READ_ROWS = 128

/** A run; where to read on; what was read of it and is not among those that are ready. `carried`: bytes that went down and are still in it, about. */
interface Feed { readonly run: Run; readonly from: Uint8Array; readonly rows: readonly Entry[]; readonly isReadOut: boolean; readonly carried: number }

/** How far carrying has come. Whoever can't write what came of a piece forgets it. */
export interface Carrying {
  readonly partition: string
  /** The newest first. */
  readonly feeds: readonly Feed[]
  /** The next rows of all of them. */
  readonly ready: readonly Entry[]
  /** The last key that went down. */
  readonly end: Uint8Array | undefined
  readonly bytes: number
  /** Of how many runs, the newest, what went down has still to leave, while it does; else 0. */
  readonly staying: number
}

/** One piece, and where it leads. Where it only reads there is nothing to write. */
export interface Carried { readonly carrying: Carrying | undefined; readonly change: TreesChange | undefined }

/** One piece. undefined: there are no runs. */
export async function carry(pages: PageSource, trees: Trees, before: Carrying | undefined, pieces: Pieces): Promise<Carried | undefined> {
  const carrying = before !== undefined && isOf(before, trees.runs) ? before : begin(trees.runs)
  if (carrying === undefined) return undefined
  if (carrying.staying > 0) return leave(pages, trees, carrying, pieces)
  if (carrying.ready.length > 0) return goDown(pages, trees, carrying, pieces)
  const { feeds, isFed } = await feed(pages, carrying.feeds, pieces)
  return isFed ? goDown(pages, trees, makeReady({ ...carrying, feeds }), pieces) : { carrying: { ...carrying, feeds }, change: undefined }
}

const isOf = ({ partition, feeds }: Carrying, runs: readonly Run[]): boolean => {
  const now = ofPartition(runs, partition).slice(-feeds.length)
  return now.length === feeds.length && feeds.every(({ run }, n) => run.id === now[n]?.id)
}

function begin(runs: readonly Run[]): Carrying | undefined {
  const partition = runs.at(-1)?.partition
  if (partition === undefined) return undefined
  const feeds = ofPartition(runs, partition).map((run): Feed => ({ run, from: new Uint8Array(), rows: [], isReadOut: false, carried: 0 }))
  return { partition, feeds, ready: [], end: undefined, bytes: 0, staying: 0 }
}

/** More of the runs of which less than half of what is read at once is left. */
async function feed(pages: PageSource, feeds: readonly Feed[], pieces: Pieces): Promise<{ readonly feeds: readonly Feed[]; readonly isFed: boolean }> {
  const most = Math.max(READ_ROWS, Math.ceil(pieces.rows / feeds.length))
  const hungry = feeds.filter(({ rows, isReadOut }) => !isReadOut && rows.length < most / 2), some = hungry.slice(0, pieces.readRuns)
  const fed = await Promise.all(feeds.map(async (one): Promise<Feed> => {
    if (!some.includes(one)) return one
    const more = await scan(pages, one.run, { from: one.from, to: undefined }, most, false), last = more.at(-1)
    return { ...one, rows: [...one.rows, ...more.map(fromRun)], from: last === undefined ? one.from : behind(last.key), isReadOut: more.length < most }
  }))
  return { feeds: fed, isFed: some.length === hungry.length }
}

/** All rows up to where each run is known. */
function makeReady(carrying: Carrying): Carrying {
  const known = carrying.feeds.flatMap(({ rows, isReadOut }) => (isReadOut ? [] : rows.at(-1)?.key ?? [])).sort(compare)[0]
  const parts = carrying.feeds.map(({ rows }) => (known === undefined ? rows.length : lowerBound(rows, behind(known), ({ key }) => key)))
  const feeds = carrying.feeds.map((one, n): Feed => ({ ...one, rows: one.rows.slice(parts[n]), carried: one.carried + sumBytes(one.rows.slice(0, parts[n]), entryBytes) }))
  return { ...carrying, feeds, ready: mergeAll(carrying.feeds.map(({ rows }, n) => rows.slice(0, parts[n]))) }
}

/** The newest first. */
function mergeAll(lists: readonly (readonly Entry[])[]): readonly Entry[] {
  if (lists.length <= 1) return lists[0] ?? []
  const half = lists.length >> 1
  return merge(mergeAll(lists.slice(half)), mergeAll(lists.slice(0, half)))
}

/** The next of what is ready into the tree. */
async function goDown(pages: PageSource, { root, runs }: Trees, before: Carrying, pieces: Pieces): Promise<Carried> {
  let bytes = 0
  const tooMuch = before.ready.findIndex((entry) => (bytes += entryBytes(entry)) > pieces.bytes)
  // One row, however large, goes down.
  const entries = tooMuch < 0 ? before.ready : before.ready.slice(0, Math.max(1, tooMuch))
  const { root: made, written, deleted } = await edit(pages, root, { drops: [], entries })
  const carrying = { ...before, ready: before.ready.slice(entries.length), end: entries.at(-1)?.key ?? before.end, bytes: before.bytes + sumBytes(entries, entryBytes) }
  const isTime = isThrough(carrying) || carrying.bytes >= Math.max(pieces.leaveBytes, pieces.leaveBytesARun * carrying.feeds.length)
  return { carrying: isTime ? { ...carrying, staying: carrying.feeds.length } : carrying, change: { root: made, runs, written, deleted } }
}

const isThrough = ({ feeds, ready }: Carrying): boolean => ready.length === 0 && feeds.every(({ rows, isReadOut }) => isReadOut && rows.length === 0)

/** What went down leaves some of the runs. */
async function leave(pages: PageSource, { root, runs }: Trees, before: Carrying, pieces: Pieces): Promise<Carried> {
  const { feeds, end, staying } = before, from = Math.max(0, staying - pieces.leftRuns), changes = new Changes(), isAll = isThrough(before)
  const drops = end === undefined ? [] : [{ from: partitionPrefix(before.partition), to: behind(end) }], left = new Map<BlockId, Feed | undefined>()
  for (const one of feeds.slice(from, staying)) {
    const changed = isAll ? { root: undefined, written: new Map(), deleted: await forgetAll(pages, one.run) } : await edit(pages, one.run, { drops, entries: [] })
    changes.add(changed)
    left.set(one.run.id, changed.root && { ...one, run: { ...one.run, ...changed.root, bytes: Math.max(0, one.run.bytes - one.carried) }, carried: 0 })
  }
  const after = <T>(items: readonly T[], idOf: (item: T) => BlockId, make: (feed: Feed) => T): T[] =>
    items.flatMap((item) => { const id = idOf(item), one = left.get(id); return !left.has(id) ? [item] : one === undefined ? [] : [make(one)] })
  const rest = after(feeds, ({ run }) => run.id, (one) => one)
  const carrying = rest.length === 0 ? undefined : { ...before, feeds: rest, staying: from, bytes: from === 0 ? 0 : before.bytes }
  return { carrying, change: { root, runs: after(runs, ({ id }) => id, ({ run }) => run), written: changes.written, deleted: changes.deleted } }
}
