/**
 * The browser's tally: a file in the origin private file system, which is kept apart from IndexedDB. A database that the browser found broken and threw away, or
 * that was put back by itself, doesn't take it along; clearing the site's data does. Only workers may write it so (FileSystemSyncAccessHandle), and only one at a time.
 */
import type { Tally } from '../ports.ts'
import { openOpfsFile, type OpfsFileParts } from './opfs-file.ts'

/** Where the former worker hasn't let go of it yet, it soon will have. */
const TRIES = 5
const FIRST_PAUSE_MS = 50

/** Some browsers have no such place in private windows: then there is no tally. */
export function opfsTally(parts: OpfsFileParts): Tally {
  let file: Promise<FileSystemSyncAccessHandle | undefined> | undefined
  const opened = (): Promise<FileSystemSyncAccessHandle | undefined> => (file ??= open(parts))
  return {
    async read() {
      const handle = await opened()
      if (handle === undefined) return undefined
      try {
        const bytes = new Uint8Array(handle.getSize())
        handle.read(bytes, { at: 0 })
        return bytes.length === 0 ? undefined : bytes
      } catch { return undefined }
    },
    // One small write, and not flushed: the disk was, and should the machine lose its power now, the disk is ahead of the tally, which is right.
    async write(bytes) {
      const handle = await opened()
      try {
        handle?.write(bytes as Uint8Array<ArrayBuffer>, { at: 0 })
        handle?.truncate(bytes.length)
      } catch { /* The disk goes on without. */ }
    },
  }
}

async function open(parts: OpfsFileParts): Promise<FileSystemSyncAccessHandle | undefined> {
  for (let n = 0; n < TRIES; n++) {
    try {
      return await openOpfsFile(parts)
    } catch { await parts.pause(FIRST_PAUSE_MS * 2 ** n) }
  }
  return undefined
}
