/**
 * Disks as released versions of the program left them (disk-released.test-support.ts). A program that can't read one of them any more would lock people out of
 * what they have. When FORMAT_VERSION is counted up, today's disk is kept beside the older ones, and what is to be done to it becomes a step in disk-forms.ts.
 */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { u64, utf8 } from '../wire/bytes.ts'
import { memoryBlocks } from './disk-blocks.ts'
import { FORMAT_VERSION } from './disk-format.ts'
import { openPagedDisk } from './disk-pages.ts'
import { RELEASED_FOLDER, RELEASED_KEY, releasedDisk } from './disk-released.test-support.ts'

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)

test('there is a disk of each version that was ever released', () => {
  expect(readdirSync(RELEASED_FOLDER).sort()).toEqual(Array.from({ length: FORMAT_VERSION }, (_, i) => `disk-${i + 1}.json`))
})

test.each(Array.from({ length: FORMAT_VERSION }, (_, i) => i + 1))('a disk of version %i opens, has every row that was saved, and can be written to', async (version) => {
  const blocks = releasedDisk(version)
  let disk = await openPagedDisk(memoryBlocks(blocks), RELEASED_KEY)
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
    disk = await openPagedDisk(memoryBlocks(blocks), RELEASED_KEY)
  }
  expect(text(await disk.get('heads', utf8('bob')))).toBe('new')
})
