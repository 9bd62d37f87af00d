/** The contract on every disk that runs in Node. e2e/disk.spec.ts runs it in a browser. */
import 'fake-indexeddb/auto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'vitest'
import type { Disk } from '../ports.ts'
import { DISK_CONTRACT } from './disk.contract.ts'
import { memoryBlocks } from './disk-blocks.ts'
import { openIdbDisk } from './disk-idb.ts'
import { type MemoryDisk, openMemoryDisk } from './disk-memory.ts'
import { openPagedDisk } from './disk-pages.ts'
import { openSqliteDisk } from './disk-sqlite.ts'
import { TAIL_BYTES, type TailFile, withTail } from './disk-tail.ts'
import { systemPause } from './timers.ts'

const folders: string[] = []
afterEach(() => { for (const dir of folders.splice(0)) rmSync(dir, { recursive: true }) })

function freshFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'thicket-disk-'))
  folders.push(dir)
  return dir
}

/** Each gives a fresh disk, as a function that opens it. */
const DISKS: Record<string, () => () => Promise<Disk>> = {
  'memory': () => {
    let last: MemoryDisk | undefined
    return async () => (last = openMemoryDisk(last?.snapshot()))
  },
  'pages in memory': () => {
    const blocks = new Map<string, Uint8Array>()
    return () => openPagedDisk(memoryBlocks(blocks), new Uint8Array(32).fill(1))
  },
  'pages in memory with almost no cache': () => {
    const blocks = new Map<string, Uint8Array>()
    return () => openPagedDisk(memoryBlocks(blocks), new Uint8Array(32).fill(1), { cacheBytes: 1 })
  },
  'pages in memory, behind a tail': () => {
    const blocks = new Map<string, Uint8Array>(), file = new Uint8Array(TAIL_BYTES)
    const tail: TailFile = { read: () => file.slice(), write: (bytes, at) => { file.set(bytes, at) }, clear: (from, to) => { file.fill(0, from, to) }, close: () => undefined }
    return async () => openPagedDisk(await withTail(memoryBlocks(blocks), tail, systemPause), new Uint8Array(32).fill(1))
  },
  'SQLite': () => {
    const dir = freshFolder()
    return () => openSqliteDisk({ dir })
  },
  'IndexedDB': () => {
    const name = `disk ${crypto.randomUUID()}`
    return async () => (await openIdbDisk({ name })).disk
  },
}

for (const [name, fresh] of Object.entries(DISKS)) {
  describe(`a disk in ${name}`, () => {
    for (const story of DISK_CONTRACT) test(story.name, () => story.run(fresh()))
  })
}
