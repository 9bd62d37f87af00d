/**
 * Going through all pages of a disk, and cutting out those that can't be read: what they held is named, everything else stays. A page is never guessed at.
 */
import { DiskError } from '../ports.ts'
import type { BlockId } from './disk-blocks.ts'
import type { Page, Ref } from './disk-format.ts'
import { type KeyRange, type PageSource, type Root, startAgain, type TreeChange, writeInner } from './disk-tree.ts'

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
  const found = await work.pages.load(ids, level, near).catch(unlessDamaged) ?? await Promise.all(ids.map((id) => work.pages.load([id], level, near).then(([page]) => page, unlessDamaged)))
  work.done += refs.length
  work.tell(work.done, work.all)
  return found
}

function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof DiskError && error.reason === 'corrupt')) throw error
  return undefined
}
