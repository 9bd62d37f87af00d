/** The headless peer's tally: a small file beside its database. A database that is deleted, or put back from a backup by itself, doesn't take it along. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tally } from '../ports.ts'

/** Of the folder that also holds the disk. */
export const TALLY_FILE = 'tally'

export function fileTally(dir: string): Tally {
  const path = join(dir, TALLY_FILE)
  return {
    async read() { try { return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined } catch { return undefined } },
    // Not flushed: the disk was, and should the machine lose its power now, the disk is ahead of the tally, which is right.
    async write(bytes) {
      try {
        writeFileSync(`${path}.new`, bytes, { mode: 0o600 })
        renameSync(`${path}.new`, path)
      } catch { /* The disk goes on without. */ }
    },
  }
}
