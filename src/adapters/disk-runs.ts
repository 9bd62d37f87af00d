/**
 * Rows whose keys lie anywhere (ids, hashes), as they come in by the thousand. To lay them between those that are there would write nearly every page of them anew for a few rows each, the more so the
 * larger the disk is. So what a fold has of such a partition becomes a small tree of its own, a run, over the tree and newer than it. Four runs of about one size become one of the next; what
 * is large stays until tidying carries all runs of a partition down together (disk-carry.ts).
 *
 * A run holds rows of one partition. A row's value in it has a byte in front, and is empty where the row is to be deleted from what is below. As long as a partition has runs, all that comes
 * of it goes into runs; emptied as a whole, it loses them. Readers ask all runs and the tree.
 */
import { compare } from '../wire/bytes.ts'
import { afterPrefix, partitionPrefix } from '../wire/losses.ts'
import type { BlockId } from './disk-blocks.ts'
import { type Entry, entryBytes, type Page, type Run, sumBytes } from './disk-format.ts'
import { editsOf, type Overlay, type PlacedEdits, placed, prefixed } from './disk-overlay.ts'
import { edit, forgetAll, type Held, type KeyRange, leavesFor, measure, merge, type PageSource, type Root, scan } from './disk-tree.ts'
import type { RangeQuery, Row } from '../ports.ts'

/** When rows of a fold are better kept in a run: so many of them, which would be laid into so many pages of the tree, with less than this share of its rows for each. */
export interface Scattered { readonly rows: number; readonly pages: number; readonly share: number }
export const SCATTERED: Scattered = { rows: 512, pages: 32, share: 1 / 8 }

/** Of rows that are deleted, where none is put. */
const LEAST_ROW_BYTES = 128
/** Runs of one size that become one. */
const MERGED = 4
/** Bytes of the smallest runs, and of what is merged at most: a tenth of a second of work. */
const SMALL_BYTES = 64 * 1024, LARGE_BYTES = 4 * 1024 * 1024
const ALL = Number.MAX_SAFE_INTEGER

/** Runs: of each partition the newest first. */
export interface Trees { readonly root: Root; readonly runs: readonly Run[] }
export interface TreesChange extends Trees { readonly written: ReadonlyMap<BlockId, Page>; readonly deleted: readonly BlockId[] }

/** What several changes write. A page that one wrote and another deletes was never on the disk. */
export class Changes {
  readonly written = new Map<BlockId, Page>()
  readonly deleted: BlockId[] = []

  add({ written, deleted }: { readonly written: ReadonlyMap<BlockId, Page>; readonly deleted: readonly BlockId[] }): void {
    for (const [id, page] of written) this.written.set(id, page)
    for (const id of deleted) if (!this.written.delete(id)) this.deleted.push(id)
  }
}

const toRun = ({ key, value }: Entry): Entry => {
  const tagged = new Uint8Array(value === undefined ? 0 : value.length + 1)
  if (value !== undefined) { tagged[0] = 1; tagged.set(value, 1) }
  return { key, value: tagged }
}
export const fromRun = ({ key, value }: Row): Entry => ({ key, value: value.length === 0 ? undefined : value.subarray(1) })

export const ofPartition = (runs: readonly Run[], partition: string): readonly Run[] => runs.filter((run) => run.partition === partition)

/** Rows of a partition, from the lower end or downwards from the upper one, as `scan` gives them. */
export async function scanTrees(pages: PageSource, { root, runs }: Trees, partition: string, range: KeyRange, limit: number, reverse: boolean): Promise<readonly Row[]> {
  const over = ofPartition(runs, partition)
  if (over.length === 0) return scan(pages, root, range, limit, reverse)
  for (let most = limit; ; most = 2 * most + 1) {
    const { entries, isAll } = await entriesOf(pages, { root, runs: over }, range, most, reverse)
    const rows = entries.filter((entry): entry is Row => entry.value !== undefined)
    if (rows.length >= limit || isAll) return rows.slice(0, limit)
  }
}

/** Rows of a partition by what is asked of the disk, under the keys that it gave them. */
export async function rowsIn(pages: PageSource, trees: Trees, partition: string, query: RangeQuery, wanted: number): Promise<Row[]> {
  const prefix = partitionPrefix(partition)
  const from = query.from === undefined ? prefix : prefixed(prefix, query.from)
  const to = query.to === undefined ? afterPrefix(prefix) : prefixed(prefix, query.to)
  const rows = await scanTrees(pages, trees, partition, { from, to }, wanted, query.reverse ?? false)
  return rows.map(({ key, value }) => ({ key: key.subarray(prefix.length), value }))
}

/** What the trees say of a range, so far as all of them have been read when each gives so many. */
async function entriesOf(pages: PageSource, { root, runs }: Trees, range: KeyRange, most: number, reverse: boolean): Promise<{ entries: readonly Entry[]; isAll: boolean }> {
  // Side by side: one after the other, what each waits for would add up.
  const lists: (readonly Entry[])[] = await Promise.all([...runs.map(async (run) => (await scan(pages, run, range, most, reverse)).map(fromRun)), scan(pages, root, range, most, reverse)])
  const sign = reverse ? -1 : 1, ends = lists.filter((list) => list.length >= most).map((list) => list.at(-1)?.key).filter((key) => key !== undefined)
  const end = ends.sort((a, b) => sign * compare(a, b))[0]
  if (reverse) for (const list of lists) (list as Entry[]).reverse()
  const all = lists.reduceRight((older, newer) => merge(older, newer))
  if (reverse) (all as Entry[]).reverse()
  const known = end === undefined ? all : all.filter(({ key }) => sign * compare(key, end) <= 0)
  return { entries: known, isAll: ends.length === 0 }
}

/** As `measure`, of the tree and of a partition's runs, or of all. */
export async function measureTrees(pages: PageSource, { root, runs }: Trees, range: KeyRange, partition?: string): Promise<number> {
  return await measure(pages, root, range) + runs.reduce((sum, run) => sum + (partition === undefined || run.partition === partition ? run.bytes : 0), 0)
}

/** What an overlay holds goes down: into runs where it is scattered, else into the tree. `held` as for `edit`; `mergedBytes`: what of runs is merged at most. */
export async function fold(pages: PageSource, trees: Trees, overlay: Overlay, scattered: Scattered, held?: Held, mergedBytes = LARGE_BYTES): Promise<TreesChange> {
  const changes = new Changes(), below: PlacedEdits[] = []
  let runs = trees.runs
  for (const part of placed(overlay)) {
    const { partition, entries, isDropped } = part, has = runs.some((run) => run.partition === partition)
    if (!isDropped && entries.length > 0 && (has || await isScattered(pages, trees.root, entries, scattered))) {
      runs = await addRun(pages, runs, partition, entries, mergedBytes, changes)
      continue
    }
    below.push(part)
    if (!isDropped) continue
    for (const run of ofPartition(runs, partition)) changes.add({ written: new Map(), deleted: await forgetAll(pages, run) })
    runs = runs.filter((run) => run.partition !== partition)
  }
  const changed = await edit(pages, trees.root, editsOf(below), held)
  changes.add(changed)
  return { root: changed.root, runs, written: changes.written, deleted: changes.deleted }
}

/** Rows that are to be deleted are taken to be as large as those that are put: of large ones a page has few, and whoever puts and deletes some thousand of these side by side writes few pages for that. */
async function isScattered(pages: PageSource, root: Root, entries: readonly Entry[], { rows, pages: least, share }: Scattered): Promise<boolean> {
  if (entries.length < rows) return false
  const { count, bytes } = await leavesFor(pages, root, entries), puts = entries.filter(({ value }) => value !== undefined)
  const rowBytes = puts.length === 0 ? LEAST_ROW_BYTES : sumBytes(puts, entryBytes) / puts.length
  return count >= least && entries.length * rowBytes < bytes * share
}

/** A run over those that are there. Where that makes four of one size they become one. */
async function addRun(pages: PageSource, runs: readonly Run[], partition: string, entries: readonly Entry[], mergedBytes: number, changes: Changes): Promise<readonly Run[]> {
  const others = runs.filter((run) => run.partition !== partition)
  let older = ofPartition(runs, partition), newest = entries, bytes = sumBytes(entries, entryBytes)
  for (;;) {
    const size = sizeOf(bytes), same = older.findIndex((run) => sizeOf(run.bytes) > size), group = older.slice(0, same < 0 ? older.length : same)
    const together = bytes + group.reduce((sum, run) => sum + run.bytes, 0)
    if (group.length < MERGED - 1 || together > mergedBytes) break
    for (const run of group) {
      newest = merge((await scan(pages, run, EVERYTHING, ALL, false)).map(fromRun), newest)
      changes.add({ written: new Map(), deleted: await forgetAll(pages, run) })
    }
    older = older.slice(group.length)
    bytes = sumBytes(newest, entryBytes)
  }
  const { root, written } = await edit(pages, undefined, { drops: [], entries: newest.map(toRun) })
  changes.add({ written, deleted: [] })
  return root === undefined ? [...older, ...others] : [{ partition, ...root, bytes }, ...older, ...others]
}

export const EVERYTHING: KeyRange = { from: new Uint8Array(), to: undefined }
const sizeOf = (bytes: number): number => Math.max(0, Math.floor(Math.log(bytes / SMALL_BYTES) / Math.log(MERGED)))
