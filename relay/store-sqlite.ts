/** Parcels in SQLite: what was acknowledged survives a kill (WAL, every transaction synced). */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StoredParcel } from '../src/wire/relay.ts'
import type { Store, TopicEnd } from './mailbox.ts'

const SCHEMA = 1

export function openSqliteStore(dir: string): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(join(dir, 'mailbox.sqlite'))
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
  if (version > SCHEMA) throw new Error(`the database in ${dir} was made by a newer relay: update this one`)
  db.exec(`
    CREATE TABLE IF NOT EXISTS topics (topic TEXT PRIMARY KEY, cursor INTEGER NOT NULL, hash BLOB NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS parcels (topic TEXT NOT NULL, cursor INTEGER NOT NULL, parcel_hash BLOB NOT NULL, at INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (topic, cursor));
    CREATE UNIQUE INDEX IF NOT EXISTS parcels_by_hash ON parcels (topic, parcel_hash);
    CREATE INDEX IF NOT EXISTS parcels_by_age ON parcels (at);
    PRAGMA user_version = ${SCHEMA}`)
  const end = db.prepare('SELECT cursor, hash, bytes FROM topics WHERE topic = ?')
  const find = db.prepare('SELECT cursor FROM parcels WHERE topic = ? AND parcel_hash = ?')
  const page = db.prepare('SELECT cursor, bytes FROM parcels WHERE topic = ? AND cursor > ? ORDER BY cursor LIMIT ?')
  const insert = db.prepare('INSERT INTO parcels (topic, cursor, parcel_hash, at, bytes) VALUES (?, ?, ?, ?, ?)')
  const move = db.prepare('INSERT INTO topics (topic, cursor, hash, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (topic) DO UPDATE SET cursor = excluded.cursor, hash = excluded.hash, bytes = topics.bytes + excluded.bytes')
  const shrink = db.prepare('UPDATE topics SET bytes = bytes - (SELECT coalesce(sum(length(p.bytes)), 0) FROM parcels p WHERE p.topic = topics.topic AND p.at < ?)')
  const drop = db.prepare('DELETE FROM parcels WHERE at < ?')
  const sum = (): number => (db.prepare('SELECT coalesce(sum(bytes), 0) AS total FROM topics').get() as { total: number }).total
  let total = sum()

  const transaction = (work: () => void): void => {
    db.exec('BEGIN IMMEDIATE')
    try { work(); db.exec('COMMIT') } catch (error) { db.exec('ROLLBACK'); throw error }
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
    append(entries) {
      transaction(() => {
        for (const e of entries) {
          insert.run(e.topic, e.cursor, e.parcelHash, e.at, e.bytes)
          move.run(e.topic, e.cursor, e.hash, e.bytes.length)
        }
      })
      for (const e of entries) total += e.bytes.length
    },
    totalBytes: () => total,
    expire(at) {
      let dropped = 0
      transaction(() => {
        shrink.run(at)
        dropped = Number(drop.run(at).changes)
      })
      total = sum()
      return dropped
    },
    close() { db.close() },
  }
}
