/** Parcels in SQLite: what was acknowledged survives a kill (WAL, every transaction synced). */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { concat } from '../src/wire/bytes.ts'
import { ID_BYTES } from '../src/wire/rateless.ts'
import type { StoredParcel } from '../src/wire/relay.ts'
import { PARCEL_OVERHEAD_BYTES, sizeOf, type Store, type TopicEnd } from './mailbox.ts'

const SCHEMA = 2
/** Behind every hash that begins with an id. */
const AFTER = new Uint8Array(32 - ID_BYTES).fill(255)

export function openSqliteStore(dir: string): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(join(dir, 'mailbox.sqlite'), { timeout: 5000 })
  prepare(db, dir)
  const end = db.prepare('SELECT cursor, hash, bytes FROM topics WHERE topic = ?')
  const find = db.prepare('SELECT cursor FROM parcels WHERE topic = ? AND parcel_hash = ?')
  const page = db.prepare('SELECT cursor, bytes FROM parcels WHERE topic = ? AND cursor > ? ORDER BY cursor LIMIT ?')
  const insert = db.prepare('INSERT INTO parcels (topic, cursor, parcel_hash, at, bytes) VALUES (?, ?, ?, ?, ?)')
  const move = db.prepare(`INSERT INTO topics (topic, cursor, hash, bytes, at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (topic) DO UPDATE SET cursor = excluded.cursor, hash = excluded.hash, bytes = topics.bytes + excluded.bytes, at = excluded.at`)
  const old = db.prepare('SELECT topic, cursor, length(bytes) AS size FROM parcels WHERE at < ? ORDER BY at LIMIT ?')
  const drop = db.prepare('DELETE FROM parcels WHERE topic = ? AND cursor = ?')
  const shrink = db.prepare('UPDATE topics SET bytes = bytes - ? WHERE topic = ?')
  const forget = db.prepare('DELETE FROM topics WHERE bytes = 0 AND at < ?')
  const sum = (): number => (db.prepare('SELECT coalesce(sum(bytes), 0) AS total FROM topics').get() as { total: number }).total
  let total = sum()

  const transaction = (work: () => void): void => {
    db.exec('BEGIN IMMEDIATE')
    try { work(); db.exec('COMMIT') } catch (error) {
      // A full disk has rolled back by itself already.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  return {
    end(topic) {
      const row = end.get(topic) as { cursor: number; hash: Uint8Array; bytes: number } | undefined
      return row === undefined ? undefined : ({ cursor: row.cursor, hash: new Uint8Array(row.hash), bytes: row.bytes } satisfies TopicEnd)
    },
    find: (topic, parcelHash) => (find.get(topic, parcelHash) as { cursor: number } | undefined)?.cursor,
    page(topic, since, maxParcels, maxBytes) {
      const out: StoredParcel[] = []
      let size = 0
      for (const row of page.iterate(topic, since, maxParcels) as Iterable<{ cursor: number; bytes: Uint8Array }>) {
        if (out.length > 0 && size + row.bytes.length > maxBytes) break
        out.push({ cursor: row.cursor, bytes: new Uint8Array(row.bytes) })
        size += row.bytes.length
      }
      return out
    },
    ...comparing(db),
    append(entries) {
      transaction(() => {
        for (const e of entries) {
          insert.run(e.topic, e.cursor, e.parcelHash, e.at, e.bytes)
          move.run(e.topic, e.cursor, e.hash, sizeOf(e.bytes), e.at)
        }
      })
      for (const e of entries) total += sizeOf(e.bytes)
    },
    totalBytes: () => total,
    expire(at, emptyAt, max) {
      const gone = old.all(at, max) as unknown as { topic: string; cursor: number; size: number }[]
      transaction(() => {
        for (const { topic, cursor, size } of gone) {
          drop.run(topic, cursor)
          shrink.run(size + PARCEL_OVERHEAD_BYTES, topic)
        }
        forget.run(emptyAt)
      })
      for (const { size } of gone) total -= size + PARCEL_OVERHEAD_BYTES
      return gone.length
    },
    close() { db.close() },
  }
}

/** What comparisons ask of the store. */
function comparing(db: DatabaseSync): Pick<Store, 'ids' | 'byId'> {
  const ids = db.prepare(`SELECT cursor, substr(parcel_hash, 1, ${ID_BYTES}) AS id FROM parcels WHERE topic = ? AND cursor > ? AND cursor <= ? ORDER BY cursor LIMIT ?`)
  const byId = db.prepare('SELECT cursor, bytes FROM parcels WHERE topic = ? AND parcel_hash >= ? AND parcel_hash <= ? LIMIT 1')
  return {
    ids(topic, since, upTo, max) {
      let out = new Uint8Array(256 * ID_BYTES), size = 0, last = since
      for (const row of ids.iterate(topic, since, upTo, max) as Iterable<{ cursor: number; id: Uint8Array }>) {
        if (size + ID_BYTES > out.length) {
          const larger = new Uint8Array(2 * out.length)
          larger.set(out)
          out = larger
        }
        out.set(row.id, size)
        size += ID_BYTES
        last = row.cursor
      }
      return { ids: out.subarray(0, size), last }
    },
    byId(topic, id) {
      const row = byId.get(topic, id, concat(id, AFTER)) as { cursor: number; bytes: Uint8Array } | undefined
      return row === undefined ? undefined : { cursor: row.cursor, bytes: new Uint8Array(row.bytes) }
    },
  }
}

function prepare(db: DatabaseSync, dir: string): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
  if (version > SCHEMA) throw new Error(`The database in ${dir} was made by a newer relay: update this one`)
  // The first schema counted no overhead and did not know since when a topic lies empty.
  if (version === 1) db.exec(`ALTER TABLE topics ADD COLUMN at INTEGER NOT NULL DEFAULT 0; UPDATE topics SET bytes = bytes + ${PARCEL_OVERHEAD_BYTES} * (SELECT count(*) FROM parcels p WHERE p.topic = topics.topic)`)
  db.exec(`
    CREATE TABLE IF NOT EXISTS topics (topic TEXT PRIMARY KEY, cursor INTEGER NOT NULL, hash BLOB NOT NULL, bytes INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS parcels (topic TEXT NOT NULL, cursor INTEGER NOT NULL, parcel_hash BLOB NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (topic, cursor));
    CREATE UNIQUE INDEX IF NOT EXISTS parcels_by_hash ON parcels (topic, parcel_hash);
    CREATE INDEX IF NOT EXISTS parcels_listed ON parcels (topic, cursor, parcel_hash);
    CREATE INDEX IF NOT EXISTS parcels_by_age ON parcels (at);
    CREATE INDEX IF NOT EXISTS topics_by_age ON topics (bytes, at);
    PRAGMA user_version = ${SCHEMA}`)
}
