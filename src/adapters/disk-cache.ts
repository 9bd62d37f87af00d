/** Opened pages in memory. An id has one content for ever, so nothing here can be out of date. */
import type { BlockId } from './disk-blocks.ts'
import { damaged } from './disk-errors.ts'
import { decodePage, type Page, pageBytes } from './disk-format.ts'
import { unsqueeze } from './disk-squeeze.ts'
import type { PageSource } from './disk-tree.ts'

/** Pages as they are in these blocks. `contents`: undefined for one that isn't there, or is damaged. */
export const pagesFrom = (contents: (ids: readonly BlockId[]) => Promise<readonly (Uint8Array | undefined)[]>, { newId }: Pick<PageSource, 'newId'>): PageSource => ({
  newId,
  load: async (ids, level, near) => (await contents(ids)).map((content) => {
    const unsqueezed = content && unsqueeze(content), page = unsqueezed && decodePage(unsqueezed)
    if (page === undefined || (page.type === 'leaf' ? 0 : page.level) !== level) throw damaged(near)
    return page
  }),
})

/**
 * Pages by id, the least recently used leaving first; what isn't there is read from `stored`. Inner pages have room of their own, as much as leaves have: every way to a row leads through some, and the leaves of one
 * search would push them out.
 */
export class PageCache implements PageSource {
  readonly #stored: PageSource
  readonly #leaves: Shelf
  readonly #inner: Shelf
  /** Being read: others who want the same page wait for it, too. */
  readonly #loading = new Map<BlockId, Promise<Page>>()

  constructor(stored: PageSource, maxBytes: number) {
    this.#stored = stored
    this.#leaves = new Shelf(maxBytes)
    this.#inner = new Shelf(maxBytes)
  }

  newId(): BlockId { return this.#stored.newId() }

  load(ids: readonly BlockId[], level: number, near: Uint8Array): Promise<Page[]> {
    const shelf = level === 0 ? this.#leaves : this.#inner
    const found = new Map<BlockId, Page | Promise<Page> | undefined>(ids.map((id) => [id, shelf.get(id) ?? this.#loading.get(id)]))
    const missing = ids.filter((id) => found.get(id) === undefined)
    if (missing.length > 0) {
      const reading = this.#stored.load(missing, level, near)
      for (const [i, id] of missing.entries()) found.set(id, this.#note(id, reading.then((pages) => pages[i] as Page)))
    }
    return Promise.all(ids.map((id) => found.get(id) as Page | Promise<Page>))
  }

  async #note(id: BlockId, reading: Promise<Page>): Promise<Page> {
    this.#loading.set(id, reading)
    try {
      const page = await reading
      this.set(id, page)
      return page
    } finally { this.#loading.delete(id) }
  }

  set(id: BlockId, page: Page): void { (page.type === 'leaf' ? this.#leaves : this.#inner).set(id, page) }

  /** A page that was just written. Most of those of a history that comes in are never asked for: they are decoded when they are. */
  setEncoded(id: BlockId, type: Page['type'], bytes: Uint8Array): void { (type === 'leaf' ? this.#leaves : this.#inner).set(id, bytes) }

  delete(id: BlockId): void {
    this.#leaves.delete(id)
    this.#inner.delete(id)
  }
}

/** Encoded, the whole buffer counts: it may be longer than what is in it. */
const bytesOf = (page: Page | Uint8Array): number => (page instanceof Uint8Array ? page.buffer.byteLength : pageBytes(page))

/** Pages up to so many bytes, and the last one in any case. */
class Shelf {
  readonly #maxBytes: number
  readonly #pages = new Map<BlockId, { readonly page: Page | Uint8Array; readonly bytes: number }>()
  #bytes = 0

  constructor(maxBytes: number) { this.#maxBytes = maxBytes }

  get(id: BlockId): Page | undefined {
    const known = this.#pages.get(id)
    if (known === undefined) return undefined
    if (known.page instanceof Uint8Array) {
      const page = decodePage(known.page)
      if (page !== undefined) this.set(id, page)
      return page
    }
    this.#pages.delete(id)
    this.#pages.set(id, known)
    return known.page
  }

  set(id: BlockId, page: Page | Uint8Array): void {
    this.delete(id)
    const bytes = bytesOf(page)
    this.#pages.set(id, { page, bytes })
    this.#bytes += bytes
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === id) return
      this.delete(oldest)
    }
  }

  delete(id: BlockId): void {
    this.#bytes -= this.#pages.get(id)?.bytes ?? 0
    this.#pages.delete(id)
  }
}
