/** Disks as released versions of the program left them, in `formats/disk-<version>.json`: blocks by id, sealed under a key of 32 threes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Disk } from '../ports.ts'
import type { BlockId } from './disk-blocks.ts'

export const RELEASED_FOLDER = join(import.meta.dirname, 'formats')
export const RELEASED_KEY = new Uint8Array(32).fill(3)

export function releasedDisk(version: number): Map<BlockId, Uint8Array> {
  const file: unknown = JSON.parse(readFileSync(join(RELEASED_FOLDER, `disk-${version}.json`), 'utf8'))
  return new Map(Object.entries(file ?? {}).map(([id, text]) => [id, new Uint8Array(Buffer.from(String(text), 'base64'))]))
}

export const releasedRows = async (disk: Disk): Promise<string[]> => (await disk.range('log', { limit: 1000 })).map(({ key, value }) => `${key.join()} ${new TextDecoder().decode(value)}`)
