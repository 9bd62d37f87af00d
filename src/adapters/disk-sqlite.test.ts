import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Save } from '../ports.ts'
import { fromHex, toHex, u64, utf8 } from '../wire/bytes.ts'
import { damageIsFound } from './disk-damage.test-support.ts'
import { openSqliteDisk } from './disk-sqlite.ts'

let dir = ''
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'thicket-sqlite-')) })
afterEach(() => { rmSync(dir, { recursive: true }) })

const MARKER = 'the meeting is at noon'
const rows = (from: number, count: number, bytes = 100): Save[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put', partition: MARKER, key: u64(from + i), value: utf8(MARKER.repeat(Math.ceil(bytes / MARKER.length))) }))

/** What can't be made smaller. */
const noise = (from: number, count: number): Save[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put', partition: MARKER, key: u64(from + i), value: crypto.getRandomValues(new Uint8Array(110)) }))

test('a second process is told that the disk is in use', async () => {
  const disk = await openSqliteDisk({ dir })
  await expect(openSqliteDisk({ dir })).rejects.toMatchObject({ reason: 'blocked' })
  await disk.save(rows(0, 1))
  await disk.close()
  await (await openSqliteDisk({ dir })).close()
})

test('damage by chance: flipped, cut, grown, dropped, swapped, rolled back: always found', async () => {
  const bare = async <T>(work: (db: DatabaseSync) => T): Promise<T> => {
    const db = new DatabaseSync(join(dir, 'disk.sqlite'))
    try { return work(db) } finally { db.close() }
  }
  const opened = await damageIsFound({
    open: () => openSqliteDisk({ dir }),
    read: () => bare((db) => new Map(db.prepare('SELECT id, bytes FROM blocks').all().map(({ id, bytes }) => [toHex(id as Uint8Array), bytes as Uint8Array]))),
    write: (blocks) => bare((db) => {
      db.exec('BEGIN; DELETE FROM blocks')
      for (const [id, bytes] of blocks) db.prepare('INSERT INTO blocks (id, bytes) VALUES (?, ?)').run(fromHex(id) as Uint8Array, bytes)
      db.exec('COMMIT')
    }),
  }, 60)
  expect(opened).toBeGreaterThan(10)
}, 60_000)

test('a full disk refuses the save, keeps what it has, and goes on when there is room', async () => {
  let disk = await openSqliteDisk({ dir, maxBytes: 512 * 1024 })
  let saved = 0, refused: unknown
  while (refused === undefined && saved < 100) {
    refused = await disk.save(noise(saved * 100, 100)).then(() => undefined, (error: unknown) => error)
    if (refused === undefined) saved++
  }
  expect(refused).toMatchObject({ reason: 'full' })
  expect(saved).toBeGreaterThan(3)
  expect((await disk.range(MARKER, { limit: 100_000 })).length).toBe(saved * 100)
  await disk.close()
  disk = await openSqliteDisk({ dir, maxBytes: 8 * 1024 * 1024 })
  await disk.save(noise(saved * 100, 100))
  expect((await disk.range(MARKER, { limit: 100_000 })).length).toBe((saved + 1) * 100)
  await disk.close()
})

test('a disk of a newer program is refused with a plain sentence and left alone', async () => {
  await (await openSqliteDisk({ dir })).close()
  const db = new DatabaseSync(join(dir, 'disk.sqlite'))
  db.exec('PRAGMA user_version = 2')
  db.close()
  await expect(openSqliteDisk({ dir })).rejects.toMatchObject({ reason: 'failed', message: expect.stringContaining('Update') })
})

test('a file that is no database, and a database without its keys, are told as damaged and left alone', async () => {
  const path = join(dir, 'disk.sqlite')
  const disk = await openSqliteDisk({ dir })
  await disk.save(rows(0, 10))
  await disk.close()
  const [database, envelope] = [readFileSync(path), readFileSync(join(dir, 'data.key'))]
  rmSync(join(dir, 'data.key'))
  await expect(openSqliteDisk({ dir })).rejects.toMatchObject({ reason: 'corrupt' })
  writeFileSync(join(dir, 'data.key'), envelope)
  writeFileSync(path, 'this was a database '.repeat(1000))
  await expect(openSqliteDisk({ dir })).rejects.toMatchObject({ reason: 'corrupt' })
  writeFileSync(path, database)
  const again = await openSqliteDisk({ dir })
  expect((await again.range(MARKER, { limit: 99 })).length).toBe(10)
  await again.close()
})

test('nothing said is found in the files, while the process runs or after', async () => {
  const disk = await openSqliteDisk({ dir })
  const find = (): string[] => readdirSync(dir).filter(name => {
    const bytes = readFileSync(join(dir, name))
    return bytes.includes(MARKER) || bytes.includes(Buffer.from(MARKER, 'utf16le')) || bytes.includes(Buffer.from(MARKER).toString('base64').slice(0, -2))
  })
  writeFileSync(join(dir, 'planted'), MARKER)
  expect(find()).toEqual(['planted'])
  for (let i = 0; i < 80; i++) await disk.save(rows(i, 2))
  await disk.save(rows(100, 1000))
  expect(readdirSync(dir)).toContain('disk.sqlite-wal')
  expect(find()).toEqual(['planted'])
  await disk.close()
  expect(find()).toEqual(['planted'])
})

test('what was deleted leaves the file, and the file gets smaller', async () => {
  const path = join(dir, 'disk.sqlite')
  const disk = await openSqliteDisk({ dir })
  await disk.save(rows(0, 5000))
  while (await disk.compact()) continue
  const before = statSync(path).size, blocks = blocksIn(path)
  await disk.save(Array.from({ length: 4900 }, (_, i) => ({ type: 'delete', partition: MARKER, key: u64(i) })))
  while (await disk.compact()) continue
  expect(statSync(path).size).toBeLessThan(before / 4)
  expect(statSync(`${path}-wal`).size).toBe(0)
  const file = readFileSync(path)
  await disk.close()
  const after = new Set(blocksIn(path).map(({ id }) => id))
  const gone = blocks.filter(({ id }) => !after.has(id))
  expect(gone.length).toBeGreaterThan(30)
  expect(gone.filter(({ bytes }) => file.includes(Buffer.from(bytes.subarray(0, 64))))).toEqual([])
})

/** The blocks in a copy of the file: the file itself is locked. */
function blocksIn(path: string): { id: string; bytes: Uint8Array }[] {
  const copy = join(dir, 'copy.sqlite')
  copyFileSync(path, copy)
  const db = new DatabaseSync(copy)
  const found = db.prepare('SELECT hex(id) AS id, bytes FROM blocks').all()
  db.close()
  rmSync(copy)
  return found.map((row) => ({ id: String(row['id']), bytes: row['bytes'] as Uint8Array }))
}
