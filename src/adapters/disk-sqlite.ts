/**
 * The headless peer's disk: sealed blocks in one SQLite table. SQLite gives the transaction and the flush; order and partitions
 * are in the blocks (disk-pages.ts), where whoever opens the file can't see them.
 *
 * `dir` also holds the key files (device-key-file.ts). One process at a time: a second one is told 'blocked'.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Disk, DiskError } from '../ports.ts'
import { fromHex } from '../wire/bytes.ts'
import { openDataKey } from './device-key.ts'
import { fileKeyring } from './device-key-file.ts'
import { type BlockId, type BlockStore, checkFence } from './disk-blocks.ts'
import { openPagedDisk, type PagedDiskOptions } from './disk-pages.ts'

/** Stored as user_version: a newer program counts it up when an older one couldn't read its tables. */
const SCHEMA_VERSION = 1
/** SQLite's default. */
const SQLITE_PAGE_BYTES = 4096
/** Given back to the file system in one piece: 2 MiB. */
const RELEASED_PAGES = 512

export interface SqliteDiskOptions extends PagedDiskOptions {
  readonly dir: string
  /** The database grows up to here; saves beyond it are refused as 'full'. Left out: as far as the file system goes. */
  readonly maxBytes?: number
}

/** Opens, or makes, the disk in a folder. Rejects with DiskError. */
export async function openSqliteDisk(options: SqliteDiskOptions): Promise<Disk> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  // The database first: its lock also keeps two processes from making two keys.
  const store = openSqliteBlocks(join(options.dir, 'disk.sqlite'), options.maxBytes)
  try {
    return await openPagedDisk(store, await openDataKey(fileKeyring(options.dir), () => store.isEmpty()), options)
  } catch (error) {
    await store.close()
    throw error
  }
}

export function openSqliteBlocks(path: string, maxBytes?: number): BlockStore {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path)
    prepare(db)
    if (maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / SQLITE_PAGE_BYTES)}`)
    return blocksOf(db)
  } catch (error) {
    db?.close()
    throw toDiskError(error)
  }
}

function prepare(db: DatabaseSync): void {
  // Before the first table: room that is freed can then be given back in pieces. Freed pages are overwritten where that costs nothing.
  db.exec('PRAGMA auto_vacuum = INCREMENTAL')
  db.exec('PRAGMA secure_delete = FAST')
  db.exec('PRAGMA locking_mode = EXCLUSIVE')
  db.exec('PRAGMA journal_mode = WAL')
  // FULL flushes the log at every commit: what was acknowledged survives a power cut.
  db.exec('PRAGMA synchronous = FULL')
  const version = db.prepare('PRAGMA user_version').get()?.['user_version']
  if (version !== 0 && version !== SCHEMA_VERSION) {
    const schemas = `schema ${String(version)}, this one knows ${SCHEMA_VERSION}`
    throw new DiskError('failed', `Another version of the program made this disk (${schemas}). Update, then open it.`)
  }
  db.exec('BEGIN IMMEDIATE')
  db.exec('CREATE TABLE IF NOT EXISTS blocks (id BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID')
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  db.exec('COMMIT')
}

function blocksOf(db: DatabaseSync): BlockStore {
  const select = db.prepare('SELECT bytes FROM blocks WHERE id = ?')
  const put = db.prepare('INSERT INTO blocks (id, bytes) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes')
  const remove = db.prepare('DELETE FROM blocks WHERE id = ?')
  const read = (id: BlockId): Uint8Array | undefined => {
    const bytes = select.get(raw(id))?.['bytes']
    return bytes instanceof Uint8Array ? bytes : undefined
  }
  const attempt = <T>(work: () => T): T => {
    if (!db.isOpen) throw new DiskError('closed', 'The database is closed.')
    try { return work() } catch (error) { throw toDiskError(error) }
  }
  return {
    async readMany(ids) { return attempt(() => ids.map(read)) },
    async write({ puts, deletes, fence }) {
      attempt(() => {
        db.exec('BEGIN IMMEDIATE')
        try {
          checkFence(fence, read(fence.id))
          for (const id of deletes) remove.run(raw(id))
          for (const [id, bytes] of puts) put.run(raw(id), bytes)
          db.exec('COMMIT')
        } catch (error) {
          // A full disk may have rolled it back already.
          if (db.isTransaction) db.exec('ROLLBACK')
          throw error
        }
      })
    },
    async isEmpty() { return attempt(() => db.prepare('SELECT 1 FROM blocks LIMIT 1').get() === undefined) },
    async release() {
      return attempt(() => {
        db.exec(`PRAGMA incremental_vacuum(${RELEASED_PAGES})`)
        const isMore = Number(db.prepare('PRAGMA freelist_count').get()?.['freelist_count'] ?? 0) > 0
        // Until the log is carried over, it holds what was there before.
        if (!isMore) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
        return isMore
      })
    },
    async close() { if (db.isOpen) db.close() },
  }
}

const raw = (id: BlockId): Uint8Array => fromHex(id) as Uint8Array

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const REASONS = new Map<number, DiskError['reason']>([[5, 'blocked'], [6, 'blocked'], [11, 'corrupt'], [13, 'full'], [26, 'corrupt']])

function toDiskError(error: unknown): DiskError {
  if (error instanceof DiskError) return error
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0
  const reason = REASONS.get(code) ?? 'failed'
  const said = error instanceof Error ? error.message : String(error)
  return new DiskError(reason, reason === 'blocked' ? 'Another process has this disk open.' : `The database says: ${said}`, { cause: error })
}
