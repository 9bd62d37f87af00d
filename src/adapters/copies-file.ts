/** The headless peer's copies: files in the folder `copies` beside its disk, and whatever file it is told to take. */
import { mkdirSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CopyFiles } from './copies.ts'

export function fileCopies(dir: string, now: () => number): CopyFiles {
  return {
    async create() {
      const folder = join(dir, 'copies')
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const name = join(folder, `${new Date(now()).toISOString().replaceAll(':', '-')}.thicket`), half = `${name}.half`
      const file = await open(half, 'w', 0o600)
      return {
        name,
        async write(bytes) { await file.writeFile(bytes) },
        async done() { await file.sync(); await file.close(); await rename(half, name) },
        async drop() { await file.close(); await rm(half, { force: true }) },
      }
    },
    async open(name) {
      const file: FileHandle | undefined = await open(name, 'r').catch(() => undefined), about = await file?.stat()
      if (file === undefined || about?.isFile() !== true) { await file?.close(); return undefined }
      return {
        size: about.size,
        async read(at, length) {
          const { buffer, bytesRead } = await file.read(new Uint8Array(Math.min(length, Math.max(0, about.size - at))), { position: at })
          return buffer.subarray(0, bytesRead)
        },
        async close() { await file.close() },
      }
    },
  }
}
