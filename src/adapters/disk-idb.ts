/**
 * The browser's disk: sealed blocks in one IndexedDB object store, one transaction a save, flushed ('strict') before it counts, unless a tail has it before (disk-tail.ts).
 * What is in the blocks, and how rows are found in them, is in disk-pages.ts.
 *
 * Open it where one tab leads. Should two be open all the same, the fence of a write turns away the one that has fallen behind.
 * When a newer program wants to upgrade the database, this one closes itself: its calls then reject with 'closed'.
 */
import { type DBSchema, type IDBPDatabase, openDB, unwrap } from 'idb'
import { type Disk, DiskError } from '../ports.ts'
import { fromHex } from '../wire/bytes.ts'
import { type BlockId, type BlockStore, checkFence } from './disk-blocks.ts'
import { beginFreshLog, writeOver } from './idb-fresh-log.ts'
import { openPagedDisk, type PagedDiskOptions } from './disk-pages.ts'
import { withTail } from './disk-tail.ts'
import { opfsTail } from './tail-opfs.ts'
import { systemPause } from './timers.ts'
import { type LockKeyring, openVault, type Tries, type Unlock, type Vault } from './vault.ts'

/** A browser that has not begun a new log by then is not waited for any longer. */
const FRESH_WITHIN_MS = 2000
/** The database's version: a newer program counts it up when an older one couldn't use its stores. */
const SCHEMA_VERSION = 1

type RawId = Uint8Array<ArrayBuffer>

interface Schema extends DBSchema {
  blocks: { key: RawId; value: Uint8Array }
  keys: { key: 'device' | 'envelope' | 'tries' | 'lock-after'; value: CryptoKey | Uint8Array | Tries | number }
}

export interface IdbDiskOptions extends PagedDiskOptions {
  readonly name: string
  /** The database was closed from outside: by another tab's upgrade, or by the browser. */
  readonly onClosed?: () => void
  /** navigator.storage, in a worker: then small saves count once a file there has them (disk-tail.ts). */
  readonly storage?: Pick<StorageManager, 'getDirectory'>
  /** Asked for what opens a disk that its owner has locked. */
  readonly unlock?: Unlock
}

/** Opens, or makes, the disk of this name. Rejects with DiskError: 'blocked' while an older tab holds the database and won't let go. */
export async function openIdbDisk(options: IdbDiskOptions): Promise<{ readonly disk: Disk; readonly vault: Vault }> {
  const { name, pause = systemPause, storage, onClosed } = options
  // Beside the database: whoever has both gives the file up when another program asks for the database.
  const asked = storage === undefined ? Promise.resolve(undefined) : opfsTail({ storage, name: `${name}-tail`, pause })
  const letGo = (): void => { asked.then(tail => tail?.close(), () => undefined) }
  let db: IDBPDatabase<Schema> | undefined
  try {
    db = await openDatabase({ ...options, onClosed: () => { letGo(); onClosed?.() } })
    const ready = readyToWrite(pause), blocks = idbBlocks(db, ready), keyring = idbKeyring(db, ready)
    // Beside the tail: it says nothing of keys. What goes wrong is told where it is waited for.
    const kept = keyring.load()
    kept.catch(() => undefined)
    const tail = await asked, store = tail === undefined ? blocks : await withTail(blocks, tail, pause)
    const vault = await openVault({ keyring, kept, isNew: () => store.isEmpty(), unlock: options.unlock, now: () => Date.now() })
    return { disk: await openPagedDisk(store, vault.dataKey, { ...options, pause }), vault }
  } catch (error) {
    letGo()
    db?.close()
    throw toDiskError(error)
  }
}

/**
 * A browser that is started over the files of one that has just died finds them held for a moment, and says UnknownError ("Internal error opening backing store"): so it is asked again,
 * with growing pauses, nearly ten seconds in all.
 */
const OPEN_TRIES = 7
const FIRST_PAUSE_MS = 150

async function openDatabase(options: IdbDiskOptions): Promise<IDBPDatabase<Schema>> {
  const { pause = systemPause } = options
  for (let n = 1; ; n++) {
    try { return await openOnce(options) } catch (error) {
      if (n === OPEN_TRIES || !(error instanceof DiskError) || !isUnknown(error.cause)) throw error
      await pause(FIRST_PAUSE_MS * 2 ** (n - 1))
    }
  }
}

const isUnknown = (error: unknown): boolean => error instanceof Error && error.name === 'UnknownError'

async function openOnce(options: IdbDiskOptions): Promise<IDBPDatabase<Schema>> {
  const { name, onClosed } = options
  let refuse: (error: DiskError) => void = () => undefined
  const blocked = new Promise<never>((_, reject) => { refuse = reject })
  // Where a browser forbids it altogether, asking throws.
  const opening = Promise.resolve().then(() => openDB<Schema>(name, SCHEMA_VERSION, {
    upgrade(db) {
      db.createObjectStore('blocks')
      db.createObjectStore('keys')
    },
    blocked: () => refuse(new DiskError('blocked', 'Another tab has an older version of the program open. Close it, then try again.')),
    blocking: (_current, _wanted, event) => {
      (event.target as IDBDatabase).close()
      onClosed?.()
    },
    terminated: () => onClosed?.(),
  }))
  try {
    return await Promise.race([opening, blocked])
  } catch (error) {
    // Unblocked later, it would be open without an owner.
    opening.then(db => db.close(), () => undefined)
    throw toDiskError(error)
  }
}

/** Resolves once nothing that is written then can come behind the half record of a crash (idb-fresh-log.ts). Not asked for before there is something to write: who opens the disk only to read doesn't wait for it. */
function readyToWrite(pause: (ms: number) => Promise<void>): () => Promise<void> {
  let ready: Promise<void> | undefined
  return () => ready ??= Promise.race([beginFreshLog(), pause(FRESH_WITHIN_MS)])
}

function idbBlocks(db: IDBPDatabase<Schema>, ready: () => Promise<void>): BlockStore {
  /**
   * Whoever reads before the first answer is here shares a transaction: one for each would take the browser about as long as reading does. No longer than that: those who write wait for it, and where one read leads to the next,
   * as in a check of all there is, it would not end.
   */
  let shared: IDBObjectStore | undefined
  const begin = (): IDBObjectStore => shared = unwrap(db).transaction('blocks').objectStore('blocks')
  // Without the comfort of idb, here as where blocks are written: what it wraps each request in takes a good part of what opening a block does.
  const get = (id: RawId): Promise<Uint8Array | undefined> => new Promise((resolve, reject) => {
    let request: IDBRequest<Uint8Array | undefined>
    // One that was begun a moment ago takes no more, though its first answer is still to come.
    try { request = (shared ?? begin()).get(id) } catch { request = begin().get(id) }
    const used = shared, end = (): void => { if (shared === used) shared = undefined }
    request.onsuccess = () => { end(); resolve(request.result) }
    request.onerror = () => { end(); reject(request.error ?? new DOMException('The request failed.', 'UnknownError')) }
  })
  return {
    async readMany(ids) {
      try {
        return await Promise.all(ids.map(id => get(raw(id))))
      } catch (error) { throw toDiskError(error) }
    },

    // Without the comfort of idb: what it wraps each request in takes as long as sealing what is written.
    async write({ puts, deletes, fence }) {
      let wrong: unknown
      try {
        await ready()
        await new Promise<void>((resolve, reject) => {
          const tx = unwrap(db).transaction('blocks', 'readwrite', { durability: 'strict' }), store = tx.objectStore('blocks')
          tx.oncomplete = () => { resolve() }
          // A request fails with its transaction, and only the transaction knows why.
          tx.onabort = () => { reject(tx.error ?? new DOMException('The transaction was aborted.', 'AbortError')) }
          // Requests run in order, so the fence is looked at before the first of the others, without a round trip of its own.
          const found: IDBRequest<Uint8Array | undefined> = store.get(raw(fence.id)), abortIf = (fails: () => void): void => { try { fails() } catch (error) { wrong = error; tx.abort() } }
          // Nothing else is asked of this transaction: it need not wait to be told what became of the rest.
          found.onsuccess = () => { abortIf(() => { checkFence(fence, found.result); tx.commit() }) }
          abortIf(() => {
            for (const id of deletes) store.delete(raw(id))
            for (const [id, bytes] of puts) store.put(bytes, raw(id))
          })
        })
      } catch (error) { throw toDiskError(wrong ?? error) }
    },

    async isEmpty() {
      try { return (await db.getAllKeys('blocks', undefined, 1)).length === 0 } catch (error) { throw toDiskError(error) }
    },

    async close() { db.close() },
  }
}

function idbKeyring(db: IDBPDatabase<Schema>, ready: () => Promise<void>): LockKeyring {
  return {
    type: 'browser',
    async load() {
      const tx = db.transaction('keys')
      const [wrappingKey, envelope] = await Promise.all([tx.store.get('device'), tx.store.get('envelope')])
      return { wrappingKey: wrappingKey instanceof CryptoKey ? wrappingKey : undefined, envelope: envelope instanceof Uint8Array ? envelope : undefined }
    },
    newWrappingKey: () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']),
    async keep(wrappingKey, envelope) {
      await ready()
      const tx = db.transaction('keys', 'readwrite', { durability: 'strict' })
      await Promise.all([tx.store.put(wrappingKey, 'device'), tx.store.put(envelope, 'envelope'), tx.done])
    },
    // Whoever has the files must not find how it was opened before: the device's own key, and a passphrase that was given up, still open what they sealed.
    keepEnvelope: (envelope) => writeOver(async () => {
      const tx = db.transaction('keys', 'readwrite', { durability: 'strict' })
      await Promise.all([tx.store.put(envelope, 'envelope'), tx.done])
    }),
    async loadLockAfter() {
      const found = await db.get('keys', 'lock-after')
      return typeof found === 'number' ? found : 0
    },
    async keepLockAfter(minutes) {
      await ready()
      await db.put('keys', minutes, 'lock-after')
    },
    async loadTries() {
      const found = await db.get('keys', 'tries')
      return typeof found === 'object' && 'failed' in found ? found : { failed: 0, lastAt: 0 }
    },
    async keepTries(tries) {
      await ready()
      const tx = db.transaction('keys', 'readwrite', { durability: 'strict' })
      await Promise.all([tx.store.put(tries, 'tries'), tx.done])
    },
  }
}

const raw = (id: BlockId): RawId => fromHex(id) as RawId

/** IndexedDB's errors (w3c/IndexedDB, section 4 "Exceptions") as what we can do about them. */
function toDiskError(error: unknown): DiskError {
  if (error instanceof DiskError) return error
  const name = error instanceof Error || error instanceof DOMException ? error.name : ''
  switch (name) {
    case 'QuotaExceededError': return new DiskError('full', 'The browser gives this site no more room.', { cause: error })
    case 'InvalidStateError': return new DiskError('closed', 'The database was closed: by a newer version in another tab, or by the browser.', { cause: error })
    case 'VersionError': return new DiskError('failed', 'A newer version of the program made this disk. Reload to get it.', { cause: error })
    case 'UnknownError': return new DiskError('failed', `The browser could not open its storage. Close all of its windows and start it again: nothing was deleted. (${String(error)})`, { cause: error })
    default: return new DiskError('failed', `IndexedDB failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
