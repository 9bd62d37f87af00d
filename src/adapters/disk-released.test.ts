/**
 * Disks as released versions of the program left them, in `formats/disk-<version>.json`: blocks by id, sealed under a key of 32 threes. A program that can't read one of them any
 * more would lock people out of what they have. When FORMAT_VERSION is counted up, today's disk is kept here beside the older ones, and opening it must migrate.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { u64, utf8 } from '../wire/bytes.ts'
import { type BlockId, memoryBlocks } from './disk-blocks.ts'
import { FORMAT_VERSION } from './disk-format.ts'
import { openPagedDisk } from './disk-pages.ts'

const FOLDER = join(import.meta.dirname, 'formats')
const KEY = new Uint8Array(32).fill(3)

function released(version: number): Map<BlockId, Uint8Array> {
  const file: unknown = JSON.parse(readFileSync(join(FOLDER, `disk-${version}.json`), 'utf8'))
  return new Map(Object.entries(file ?? {}).map(([id, text]) => [id, new Uint8Array(Buffer.from(String(text), 'base64'))]))
}

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)

test('there is a disk of each version that was ever released', () => {
  expect(readdirSync(FOLDER).sort()).toEqual(Array.from({ length: FORMAT_VERSION }, (_, i) => `disk-${i + 1}.json`))
})

test.each(Array.from({ length: FORMAT_VERSION }, (_, i) => i + 1))('a disk of version %i opens, has every row that was saved, and can be written to', async (version) => {
  const blocks = released(version)
  let disk = await openPagedDisk(memoryBlocks(blocks), KEY)
  for (let round = 0; round < 2; round++) {
    const rows = await disk.range('log', { limit: 1000 })
    const expected = new Map(Array.from({ length: 260 }, (_, i) => [i, i % 90 === 0 ? `op ${i} again` : `op ${i} `.repeat(24)]))
    for (const gone of [1, 2, 3]) expected.delete(gone)
    for (const late of [0, 1, 2]) expected.set(1000 + late, `late ${late}`)
    expect(rows.map(({ key, value }) => [key.join(), text(value)])).toEqual([...expected].map(([n, said]) => [u64(n).join(), said]))
    expect(text(await disk.get('heads', utf8('alice')))).toBe('head 2')
    expect(await disk.check()).toEqual([])
    await disk.save([{ type: 'put', partition: 'heads', key: utf8('bob'), value: utf8('new') }])
    await disk.close()
    disk = await openPagedDisk(memoryBlocks(blocks), KEY)
  }
  expect(text(await disk.get('heads', utf8('bob')))).toBe('new')
})
