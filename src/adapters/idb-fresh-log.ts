/**
 * Keeps Chromium from deleting the database of a browser that was killed twice.
 *
 * Chromium keeps IndexedDB in LevelDB, whose log of the newest writes may end in half a record when the process is killed. Opened again, LevelDB
 * passes over that end but goes on writing behind it (its option reuse_logs), so that the next start finds a record whose sum is wrong: "Corruption:
 * checksum mismatch", at which Chromium deletes all databases of the site and begins with empty ones. With kill -9 in the middle of writing that
 * came to one run in eight. Deleting any database makes LevelDB compact, and with that begin a new log: the half record is gone before it can harm.
 */
const NAME = 'thicket-fresh-log'

/** Settles when the browser has been asked; what it can't do it leaves, as nothing depends on it but the next crash. Takes 5 to 200 ms. */
export async function beginFreshLog(): Promise<void> {
  await settled(indexedDB.open(NAME), db => { db.close() })
  await settled(indexedDB.deleteDatabase(NAME), () => undefined)
}

const settled = <T>(request: IDBRequest<T>, then: (result: T) => void): Promise<void> => new Promise(resolve => {
  request.onsuccess = () => { then(request.result); resolve() }
  request.onerror = () => { resolve() }
})

/** Compactions after which LevelDB keeps nothing that was written over: the first moves the log into a table as it is, the next ones merge tables. In Chromium it took three. */
const ROUNDS = 4

/** Writes something so that what stood there before is no more in the files. `write` is called several times. */
export async function writeOver(write: () => Promise<void>): Promise<void> {
  for (let n = 0; n < ROUNDS; n++) {
    await write()
    await beginFreshLog()
  }
}
