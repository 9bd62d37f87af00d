/**
 * What a paged disk needs from the place it is kept in: numbered blocks, read many at a time and written all or nothing.
 * IndexedDB and SQLite implement it in a few lines each (disk-idb.ts, disk-sqlite.ts); everything clever stands once, in disk-pages.ts.
 * Blocks are sealed before they come here: an id and the bytes under it tell a reader of the raw store nothing but their number and size.
 */
import { equal } from '../wire/bytes.ts'
import { DiskError } from '../ports.ts'

/** 16 bytes as lower-case hex. Random or pseudo-random: it shows neither place nor age. */
export type BlockId = string

export interface BlockChange {
  readonly puts: ReadonlyMap<BlockId, Uint8Array>
  readonly deletes: readonly BlockId[]
  /**
   * The block as the writer last saw it, checked inside the same transaction. A tab that lost its lead while it slept
   * would otherwise write pages over those of its successor.
   */
  readonly fence: { readonly id: BlockId; readonly bytes: Uint8Array | undefined }
}

export interface BlockStore {
  /** In the order asked for; undefined for a block that isn't there. */
  readMany(ids: readonly BlockId[]): Promise<(Uint8Array | undefined)[]>
  /** All or nothing, durable when it resolves. Rejects with DiskError, and then nothing has changed. */
  write(change: BlockChange): Promise<void>
  isEmpty(): Promise<boolean>
  /** Gives some of the freed room back to the system, where the store would keep it for itself. Whether there is more. */
  release?(): Promise<boolean>
  close(): Promise<void>
}

/** The check every store makes at the start of its transaction. */
export function checkFence(fence: BlockChange['fence'], found: Uint8Array | undefined): void {
  const same = fence.bytes === undefined || found === undefined ? fence.bytes === found : equal(fence.bytes, found)
  if (!same) throw new DiskError('failed', 'Another program has written to this disk since it was read: it has to be opened again.')
}

/** Blocks in memory: what the tests of the paged disk break on purpose. The map is the durable content. */
export function memoryBlocks(blocks: Map<BlockId, Uint8Array> = new Map()): BlockStore {
  let open = true
  const check = (): void => { if (!open) throw new DiskError('closed', 'The block store is closed.') }
  return {
    async readMany(ids) { check(); return ids.map(id => blocks.get(id)?.slice()) },
    async write({ puts, deletes, fence }) {
      check()
      checkFence(fence, blocks.get(fence.id))
      for (const id of deletes) blocks.delete(id)
      for (const [id, bytes] of puts) blocks.set(id, bytes.slice())
    },
    async isEmpty() { check(); return blocks.size === 0 },
    async close() { open = false },
  }
}
