/** The relay's secrets: made once, kept in the data folder, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface RelaySecrets { readonly signing: Uint8Array; readonly peer: Uint8Array; readonly challenge: Uint8Array }

export function loadSecrets(dir: string): RelaySecrets {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const all = readOrMake(join(dir, 'relay.key'))
  return { signing: all.subarray(0, 32), peer: all.subarray(32, 64), challenge: all.subarray(64) }
}

function readOrMake(file: string): Uint8Array {
  try {
    const bytes = new Uint8Array(readFileSync(file))
    if (bytes.length === 96) return bytes
    throw new Error(`The file ${file} is damaged: restore it from a backup, or remove it and the relay becomes a new one`)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const bytes = new Uint8Array(randomBytes(96))
  // Whole or not at all: a relay with half a key would be nobody.
  const fd = openSync(`${file}.new`, 'w', 0o600)
  writeSync(fd, bytes)
  fsyncSync(fd)
  closeSync(fd)
  renameSync(`${file}.new`, file)
  return bytes
}
