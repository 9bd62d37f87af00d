/**
 * What is read when a disk is opened. It lies in pages that are found one through another; fetched one after the other they would take a good part of the time that opening takes. So the disk
 * notes in a block of its own which pages those were, and the next time it fetches all of them at once, while it reads the journal.
 *
 * Nothing rests on the note: a page that came by it is opened under the id that its parent names, like any other, and one that isn't there any more, or isn't good, is read as if there
 * were no note. It is written with what is saved anyway, and with pages, since their ids change. Programs from before neither read it nor take it away.
 */
import type { RangeQuery } from '../ports.ts'
import type { BlockId } from './disk-blocks.ts'
import { decodeNote, encodeNote, MAX_NOTED, type Page } from './disk-format.ts'
import { rowsIn, type Trees } from './disk-runs.ts'
import type { PageSource } from './disk-tree.ts'

/** What is asked for so long belongs to the opening: the spaces, and what their person sees first. */
export const OPENING_MS = 1000
/** Questions that are remembered, at most. */
const MAX_ASKED = 256

interface Asked { readonly partition: string; readonly query: RangeQuery }
type Contents = (ids: readonly BlockId[]) => Promise<(Uint8Array | undefined)[]>

export class OpeningPages {
  /** Of the note's block. */
  readonly id: BlockId
  readonly #contents: Contents
  readonly #asked: Asked[] = []
  readonly #fetched = new Map<BlockId, Promise<Uint8Array | undefined>>()
  #isOver = false
  /** The note as it lies in the store, and as it should. */
  #saved: readonly BlockId[] | undefined
  #noted: readonly BlockId[] | undefined

  /** `contents`: of blocks as they lie in the store. */
  constructor(id: BlockId, contents: Contents) { this.id = id; this.#contents = contents }

  /** Fetches what a note names. Nobody waits for it but who asks for those pages. */
  fetch(note: Uint8Array | undefined): void {
    this.#saved = note && decodeNote(note)
    // Read again after a failure, it has nothing to say that isn't known.
    if (this.#isOver) return
    for (const id of this.#saved ?? []) this.#fetched.set(id, this.#contents([id]).then(([content]) => content, () => undefined))
  }

  /** As `contents`, with what was fetched. Each is handed out once: the cache keeps it. */
  async contentsOf(ids: readonly BlockId[]): Promise<(Uint8Array | undefined)[]> {
    if (this.#fetched.size === 0) return this.#contents(ids)
    const fetched = ids.map((id) => this.#fetched.get(id))
    for (const id of ids) this.#fetched.delete(id)
    const others = ids.filter((_, i) => fetched[i] === undefined), read = others.length > 0 ? this.#contents(others) : Promise.resolve([])
    const found = await Promise.all(fetched), rest = await read
    return Promise.all(ids.map(async (id, i) => (fetched[i] === undefined ? rest[others.indexOf(id)] : found[i] ?? (await this.#contents([id]))[0])))
  }

  asked(partition: string, query: RangeQuery): void { if (!this.#isOver && this.#asked.length < MAX_ASKED) this.#asked.push({ partition, query }) }

  /** The opening is over: what was fetched and not wanted goes, and what was asked is what the next one will ask. */
  async end(pages: PageSource, trees: Trees): Promise<void> {
    this.#isOver = true
    this.#fetched.clear()
    await this.follow(pages, trees)
  }

  /** The same questions of other trees. `written`: pages that are not in the store yet. Who writes them is not kept from it by what can't be read elsewhere. */
  async follow(pages: PageSource, trees: Trees, written: ReadonlyMap<BlockId, Page> = new Map()): Promise<void> {
    if (!this.#isOver || this.#asked.length === 0) return
    try { this.#noted = await pagesFor(pages, trees, written, this.#asked) } catch { this.#noted = undefined }
  }

  /** The note's block, when it should say something else than the one that lies in the store. */
  get unsaved(): readonly (readonly [BlockId, Uint8Array])[] {
    return this.#noted === undefined || this.#noted.join() === this.#saved?.join() ? [] : [[this.id, encodeNote(this.#noted)]]
  }

  /** It has been written. */
  isSaved(): void { this.#saved = this.#noted }
}

/** Rows of so many pages as are noted, about: whoever asked for all of a million is not asked again for more. */
const MAX_ROWS = 128 * MAX_NOTED

/** The pages that these questions lead to, in the order in which they are met. */
async function pagesFor(pages: PageSource, trees: Trees, written: ReadonlyMap<BlockId, Page>, asked: readonly Asked[]): Promise<readonly BlockId[]> {
  const met = new Set<BlockId>()
  const source: PageSource = {
    newId: () => pages.newId(),
    load: (ids, level, near) => {
      for (const id of ids) met.add(id)
      return Promise.all(ids.map(async (id) => written.get(id) ?? (await pages.load([id], level, near))[0] as Page))
    },
  }
  for (const { partition, query } of asked) if (met.size < MAX_NOTED) await rowsIn(source, trees, partition, query, Math.min(query.limit, MAX_ROWS))
  return [...met].slice(0, MAX_NOTED)
}
