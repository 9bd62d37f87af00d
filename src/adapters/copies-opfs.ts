/**
 * The browser's copies: one file in the origin private file system, from which the page offers it for download, and one in which the page has put a file that is to be
 * taken. Only workers may write so. What is left of either goes when the next worker begins: until then a download may go on.
 */
import type { CopyFiles } from './copies.ts'

const FOLDER = 'copies', SAVED = 'saved'

export function opfsCopies(storage: Pick<StorageManager, 'getDirectory'>): CopyFiles {
  void storage.getDirectory().then((root) => root.removeEntry(FOLDER, { recursive: true })).catch(() => undefined)
  const folder = async (): Promise<FileSystemDirectoryHandle> => (await storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true })
  return {
    async create() {
      const handle = await (await (await folder()).getFileHandle(SAVED, { create: true })).createSyncAccessHandle()
      let at = 0
      handle.truncate(0)
      return {
        name: `${FOLDER}/${SAVED}`,
        async write(bytes) {
          const written = handle.write(own(bytes), { at })
          at += written
          // A browser without room writes less than it was given.
          if (written < bytes.length) throw new DOMException('There is no room left.', 'QuotaExceededError')
        },
        async done() { handle.flush(); handle.close() },
        async drop() { handle.close(); await (await folder()).removeEntry(SAVED) },
      }
    },
    async open(name) {
      const [before, file = ''] = name.split('/')
      if (before !== FOLDER) return undefined
      const handle = await folder().then(async (there) => (await there.getFileHandle(file)).createSyncAccessHandle()).catch(() => undefined)
      if (handle === undefined) return undefined
      const size = handle.getSize()
      return {
        size,
        async read(at, length) {
          const out = new Uint8Array(Math.min(length, Math.max(0, size - at)))
          return out.subarray(0, handle.read(own(out), { at }))
        },
        async close() { handle.close() },
      }
    },
  }
}

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>
