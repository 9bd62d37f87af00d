/** The worker of the disk's fixture: the real disk on the browser's real IndexedDB. */
import { DISK_CONTRACT } from '../../src/adapters/disk.contract.ts'
import { type Blocks, damageIsFound } from '../../src/adapters/disk-damage.test-support.ts'
import { openIdbDisk } from '../../src/adapters/disk-idb.ts'
import { opfsTail } from '../../src/adapters/tail-opfs.ts'
import { systemPause } from '../../src/adapters/timers.ts'
import { type Disk, DiskError } from '../../src/ports.ts'
import { fromHex, toHex, u64, utf8 } from '../../src/wire/bytes.ts'

export type Job =
  /** `tail`: small saves count in a file before the database. */
  | { readonly type: 'contract'; readonly story: string; readonly tail?: boolean }
  | { readonly type: 'open'; readonly name: string; readonly tail?: boolean }
  | { readonly type: 'close'; readonly name: string }
  /** Saves rows from, from + 1, ... one by one, each with the text, until it fails or has saved so many. */
  | { readonly type: 'write'; readonly name: string; readonly from: number; readonly count: number; readonly text: string }
  /** Rows in all, when they are 0 ... n-1 without a gap; -1 when not. */
  | { readonly type: 'count'; readonly name: string }
  | { readonly type: 'wasClosed'; readonly name: string }
  /** Opens the bare database in this version and leaves it so. */
  | { readonly type: 'upgrade'; readonly name: string; readonly version: number }
  /** Damages a fresh disk so many times; how often it opened all the same. */
  | { readonly type: 'damage'; readonly name: string; readonly cases: number }
  /** Writes a text bare, beside the disk: what a search must find. */
  | { readonly type: 'plant'; readonly text: string }
  /** What kind of key the disk has in its database, and what exporting it gives. */
  | { readonly type: 'key'; readonly name: string }

export type Answer =
  | { readonly type: 'saved'; readonly n: number }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: string }

const { storage } = navigator
/** It is used from the second opening on. */
const makeTail = async (name: string): Promise<void> => { (await opfsTail({ storage, name: `${name}-tail`, pause: systemPause }))?.close() }

const disks = new Map<string, Disk>()
const closed = new Set<string>()
const answer = (a: Answer): void => { self.postMessage(a) }

function diskOf(name: string): Disk {
  const disk = disks.get(name)
  if (disk === undefined) throw new Error(`${name} is not open`)
  return disk
}

const bare = (name: string, version?: number, upgrade: (db: IDBDatabase) => void = () => undefined): Promise<IDBDatabase> => new Promise((resolve, reject) => {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => { upgrade(request.result) }
  request.onsuccess = () => { resolve(request.result) }
  request.onerror = () => { reject(request.error ?? new Error('no reason given')) }
})

const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => { resolve(request.result) }
  request.onerror = () => { reject(request.error ?? new Error('no reason given')) }
})

async function write(disk: Disk, from: number, count: number, text: string): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const key = u64(n), value = utf8(text)
    await disk.save([
      { type: 'put', partition: `messages/${text.slice(0, 100)}`, key, value }, { type: 'put', partition: 'ops', key, value },
      { type: 'put', partition: 'heads', key: utf8('alice'), value: key },
    ])
    answer({ type: 'saved', n })
  }
}

async function count(disk: Disk): Promise<number> {
  const rows = await disk.range('ops', { limit: 100_000 })
  const head = await disk.get('heads', utf8('alice'))
  const isWhole = rows.every((row, i) => row.key.join() === u64(i).join()) && head?.join() === rows.at(-1)?.key.join()
  return isWhole ? rows.length : -1
}

async function readBlocks(name: string): Promise<Blocks> {
  const db = await bare(name), store = db.transaction('blocks').objectStore('blocks')
  const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled<unknown[]>(store.getAll())])
  db.close()
  return new Map(keys.map((key, i) => [toHex(new Uint8Array(key as ArrayBuffer)), values[i] as Uint8Array]))
}

async function writeBlocks(name: string, blocks: Blocks): Promise<void> {
  const db = await bare(name), transaction = db.transaction('blocks', 'readwrite'), store = transaction.objectStore('blocks')
  store.clear()
  for (const [id, bytes] of blocks) store.put(bytes, fromHex(id) as Uint8Array<ArrayBuffer>)
  await new Promise(resolve => { transaction.oncomplete = resolve })
  db.close()
}

async function run(job: Job): Promise<unknown> {
  switch (job.type) {
    case 'contract': {
      const story = DISK_CONTRACT.find(({ name }) => name === job.story)
      if (story === undefined) throw new Error(`There is no story "${job.story}".`)
      const name = crypto.randomUUID()
      if (job.tail) await makeTail(name)
      return story.run(() => openIdbDisk({ name, ...(job.tail ? { storage } : {}) }).then(({ disk }) => disk))
    }
    case 'open': {
      if (job.tail) await makeTail(job.name)
      disks.set(job.name, (await openIdbDisk({ name: job.name, ...(job.tail ? { storage } : {}), onClosed: () => closed.add(job.name) })).disk)
      return true
    }
    case 'close': return diskOf(job.name).close()
    case 'write': return write(diskOf(job.name), job.from, job.count, job.text)
    case 'count': return count(diskOf(job.name))
    case 'wasClosed': return closed.has(job.name)
    case 'upgrade': return (await bare(job.name, job.version)).version
    case 'damage': return damageIsFound({ open: () => openIdbDisk({ name: job.name }).then(({ disk }) => disk), read: () => readBlocks(job.name), write: blocks => writeBlocks(job.name, blocks) }, job.cases)
    case 'plant': {
      const db = await bare('planted', 1, made => { made.createObjectStore('texts', { autoIncrement: true }) })
      return settled(db.transaction('texts', 'readwrite', { durability: 'strict' }).objectStore('texts').put(utf8(job.text)))
    }
    case 'key': {
      const db = await bare(job.name)
      const key = await settled<unknown>(db.transaction('keys').objectStore('keys').get('device'))
      db.close()
      if (!(key instanceof CryptoKey)) return 'no key'
      return crypto.subtle.exportKey('raw', key).then(() => 'exported', (error: unknown) => (error instanceof Error ? error.name : 'refused'))
    }
    default: return job satisfies never
  }
}

self.onmessage = ({ data: { id, job } }: MessageEvent<{ id: number; job: Job }>) => {
  run(job).then(value => { answer({ type: 'done', id, value }) }, (error: unknown) => {
    answer({ type: 'failed', id, error: error instanceof DiskError ? `${error.reason}: ${error.message}` : String(error) })
  })
}
