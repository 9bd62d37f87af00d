/** One relay per data folder: two would give out the same cursors. The lock is the operating system's on a file, so it ends with the process, however that ends. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Takes the folder, or throws one line that says who has it. Keep the result: the lock lasts as long. */
export function lockFolder(dir: string): DatabaseSync {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(dir, 'relay.lock'))
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (error instanceof Error && /locked|busy/.test(error.message)) throw new Error(`Another relay uses the folder ${dir}. Stop it, or choose another folder with --data`)
    throw error
  }
  return lock
}
