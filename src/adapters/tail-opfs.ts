/**
 * The browser's file before its database (disk-tail.ts): in the origin private file system, where a worker writes and flushes in its own thread, while IndexedDB asks the browser's process and waits.
 * One worker at a time has it: with it no two programs write to one disk, whatever else they believe.
 */
import { DiskError } from '../ports.ts'
import { TAIL_BYTES, type TailFile } from './disk-tail.ts'
import { openOpfsFile, type OpfsFileParts } from './opfs-file.ts'

/** Where another worker has it, it may be about to die, which takes it a moment: ten seconds in all. */
const TRIES = 11
const FIRST_PAUSE_MS = 10

/** undefined where the browser has no such place, as in some private windows. Rejects with DiskError 'blocked' when another program has it and doesn't let go: what is in it is not in the store yet. */
export async function opfsTail(parts: OpfsFileParts): Promise<TailFile | undefined> {
  const handle = await open(parts)
  if (handle === undefined) return undefined
  try {
    // Of a file that was just made nobody knows whether a power cut would leave it: it is relied on from the next opening on. At its full length flushing is quicker.
    if (handle.getSize() < TAIL_BYTES) {
      handle.write(new Uint8Array(TAIL_BYTES), { at: 0 })
      handle.flush()
      handle.close()
      return undefined
    }
  } catch {
    handle.close()
    return undefined
  }
  return {
    read() {
      const bytes = new Uint8Array(TAIL_BYTES)
      return bytes.subarray(0, handle.read(bytes, { at: 0 }))
    },
    write(bytes, at) {
      if (handle.write(bytes as Uint8Array<ArrayBuffer>, { at }) < bytes.length) throw new DiskError('full', 'There is no room for the tail of the disk.')
      handle.flush()
    },
    clear(from, to) {
      try { handle.write(new Uint8Array(to - from), { at: from }) } catch { /* What stands there goes on from no head that there will be. */ }
    },
    close() { handle.close() },
  }
}

async function open(parts: OpfsFileParts): Promise<FileSystemSyncAccessHandle | undefined> {
  for (let n = 1; ; n++) {
    try {
      return await openOpfsFile(parts)
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'NoModificationAllowedError') return undefined
      if (n === TRIES) throw new DiskError('blocked', 'Another tab has your spaces open and does not let go. Close it, then try again.', { cause: error })
      await parts.pause(FIRST_PAUSE_MS * 2 ** (n - 1))
    }
  }
}
