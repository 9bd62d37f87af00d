/**
 * Going through all pages of a disk, and cutting out those that can't be read: what they held is named, everything else stays. A page is never guessed at.
 */
import type { BlockId } from './disk-blocks.ts'
import { unlessCorrupt } from './disk-errors.ts'
import { afterPrefix, partitionPrefix } from '../wire/losses.ts'
import type { Page, Ref, Run } from './disk-format.ts'
import { Changes, type Trees, type TreesChange } from './disk-runs.ts'
import { edit, type KeyRange, type PageSource, type Root, startAgain, type TreeChange, writeInner } from './disk-tree.ts'

/** Leaves read at once. */
const READ_AHEAD = 16
const NO_KEY = new Uint8Array()

export interface Mended extends TreeChange { readonly lost: readonly KeyRange[] }

/** Told now and then how many of how many pages have been looked at; the number of all grows while they are found. */
export type TellProgress = (done: number, all: number) => void

interface Mending { readonly pages: PageSource; readonly written: Map<BlockId, Page>; readonly deleted: BlockId[]; readonly lost: KeyRange[]; readonly tell: TellProgress; done: number; all: number }

/** The tree without the pages that can't be read, and what was in them. Nothing is written here. */
export async function mend(pages: PageSource, root: Root, tell: TellProgress = () => undefined): Promise<Mended> {
  const work: Mending = { pages, written: new Map(), deleted: [], lost: [], tell, done: 0, all: root === undefined ? 0 : 1 }
  if (root === undefined) return { ...work, root }
  const page = (await look(work, [{ id: root.id, first: NO_KEY, bytes: 0 }], root.level))[0]
  if (page === undefined) {
    work.deleted.push(root.id)
    work.lost.push({ from: NO_KEY, to: undefined })
    return { ...work, root: undefined }
  }
  const refs = await mendPage(work, { id: root.id, first: NO_KEY, bytes: 0 }, page, root.level, NO_KEY, undefined)
  const top = refs[0]
  return { ...work, root: top === undefined ? undefined : { id: top.id, level: root.level } }
}

export interface AllMended extends TreesChange { readonly lost: readonly KeyRange[] }

/** All trees of a disk. What older runs and the tree have of rows that a newer run lost goes, too: nothing that was written over, or deleted, is shown again. */
export async function mendAll(pages: PageSource, trees: Trees, tell: TellProgress = () => undefined): Promise<AllMended> {
  const changes = new Changes(), lost: KeyRange[] = []
  let before = 0
  const one = async (tree: Root): Promise<Mended> => {
    let seen = 0
    const mended = await mend(pages, tree, (done, all) => { seen = all; tell(before + done, before + all) })
    before += seen
    changes.add(mended)
    return mended
  }
  const mended = await one(trees.root)
  lost.push(...mended.lost)
  // What was just made is not in the store yet.
  const source: PageSource = { newId: () => pages.newId(), load: (ids, level, near) => Promise.all(ids.map(async (id) => changes.written.get(id) ?? (await pages.load([id], level, near))[0] as Page)) }
  const without = async (tree: Root, drops: readonly KeyRange[]): Promise<Root> => {
    const changed = await edit(source, tree, { drops, entries: [] })
    changes.add(changed)
    return changed.root
  }
  let root = mended.root, runs: readonly Run[] = []
  for (const run of [...trees.runs].reverse()) {
    const found = await one(run), gone = found.lost.map((range) => within(range, run.partition)), older: Run[] = []
    if (gone.length > 0) root = await without(root, gone)
    for (const other of runs) {
      const rest = gone.length > 0 && other.partition === run.partition ? await without(other, gone) : other
      if (rest !== undefined) older.push({ ...other, ...rest })
    }
    lost.push(...gone)
    runs = found.root === undefined ? older : [{ ...run, ...found.root }, ...older]
  }
  return { root, runs, written: changes.written, deleted: changes.deleted, lost }
}

/** A run has rows of its partition and nothing else. */
function within({ from, to }: KeyRange, partition: string): KeyRange {
  const prefix = partitionPrefix(partition)
  return { from: from.length === 0 ? prefix : from, to: to ?? afterPrefix(prefix) }
}

/** What takes a page's place: itself, another without what is gone, or nothing. */
async function mendPage(work: Mending, ref: Ref, page: Page, level: number, from: Uint8Array, to: Uint8Array | undefined): Promise<readonly Ref[]> {
  if (page.type === 'leaf') return [ref]
  work.all += page.refs.length
  const kept: Ref[] = []
  let isWhole = true
  for (let at = 0; at < page.refs.length; at += READ_AHEAD) {
    const some = page.refs.slice(at, at + READ_AHEAD)
    const found = await look(work, some, level - 1)
    for (const [i, child] of some.entries()) {
      const below = found[i], first = at + i === 0 ? from : child.first, next = page.refs[at + i + 1]?.first ?? to
      if (below === undefined) { work.lost.push({ from: first, to: next }); work.deleted.push(child.id) }
      const stays = below === undefined ? [] : await mendPage(work, child, below, level - 1, first, next)
      isWhole &&= stays[0] === child
      kept.push(...stays)
    }
  }
  if (isWhole) return [ref]
  work.deleted.push(ref.id)
  const made = kept.length > 0 ? writeInner(work, level, kept, page.buffer) : startAgain(work, level, page.buffer)
  // Its buffer may hold keys of the child that is gone: they are looked for here as before.
  return made.map((one, i) => (i === 0 ? { ...one, first: ref.first } : one))
}

/** Pages; undefined for one that can't be read. */
async function look(work: Mending, refs: readonly Ref[], level: number): Promise<readonly (Page | undefined)[]> {
  const ids = refs.map((ref) => ref.id), near = refs[0]?.first ?? NO_KEY
  const found = await work.pages.load(ids, level, near).catch(unlessCorrupt) ?? await Promise.all(ids.map((id) => work.pages.load([id], level, near).then(([page]) => page, unlessCorrupt)))
  work.done += refs.length
  work.tell(work.done, work.all)
  return found
}
