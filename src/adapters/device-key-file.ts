/** The headless peer's keyring: two small files beside its database. What they protect, and what not, stands in device-key.ts. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DiskError } from '../ports.ts'
import type { Keyring } from './device-key.ts'

const WRAPPING_KEY_BYTES = 32

/** `device.key` (32 bytes, mode 0600) and `data.key` (the envelope) in this folder. */
export function fileKeyring(dir: string): Keyring {
  const keyFile = join(dir, 'device.key'), envelopeFile = join(dir, 'data.key')
  let freshBytes: Uint8Array | undefined
  return {
    type: 'file',
    async load() {
      const bytes = readIfThere(keyFile)
      const isKey = bytes?.length === WRAPPING_KEY_BYTES
      return { wrappingKey: isKey ? await importKey(bytes) : undefined, envelope: readIfThere(envelopeFile) }
    },
    async newWrappingKey() {
      freshBytes = crypto.getRandomValues(new Uint8Array(WRAPPING_KEY_BYTES))
      return importKey(freshBytes)
    },
    async keep(_wrappingKey, envelope) {
      if (freshBytes === undefined) throw new DiskError('failed', 'Only a wrapping key made here can be kept in a file.')
      try {
        writeDurably(dir, keyFile, freshBytes)
        writeDurably(dir, envelopeFile, envelope)
      } catch (error) {
        throw new DiskError('failed', `The keys of the disk could not be written to ${dir}.`, { cause: error })
      }
    },
  }
}

const importKey = (bytes: Uint8Array): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', bytes as Uint8Array<ArrayBuffer>, 'AES-GCM', false, ['encrypt', 'decrypt'])

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new DiskError('failed', `The key file ${path} could not be read.`, { cause: error })
  }
}

/** Whole or not at all, and flushed with its name: a key lost to a power cut takes the disk with it. */
function writeDurably(dir: string, path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  const folder = openSync(dir, 'r')
  try { fsyncSync(folder) } finally { closeSync(folder) }
}
