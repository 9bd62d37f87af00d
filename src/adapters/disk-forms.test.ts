/** A disk of an older form becomes one of today's, whenever the process dies on the way. */
import { describe, expect, test } from 'vitest'
import type { Disk, Save } from '../ports.ts'
import { toHex, u64, utf8 } from '../wire/bytes.ts'
import { encodeNumber } from '../wire/records.ts'
import { type BlockId, memoryBlocks } from './disk-blocks.ts'
import { FORM, migrate, type Migration, MIGRATIONS, migrationsDue } from './disk-forms.ts'
import { faultyDisk, openMemoryDisk, type SaveFault } from './disk-memory.ts'
import { openPagedDisk } from './disk-pages.ts'
import { releasedDisk, releasedRows, RELEASED_KEY } from './disk-released.test-support.ts'

const put = (partition: string, key: Uint8Array, value: string): Save => ({ type: 'put', partition, key, value: utf8(value) })
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

/** Two steps, each of which shows how often it was done to a row. */
const shouted = (to: number, sign: string): Migration => ({
  to, rewrites: true,
  async piece(disk, at) {
    const rows = await disk.range('said', { from: at, limit: 7 }), last = rows[6]
    return { saves: rows.map(({ key, value }) => put('said', key, `${text(value)}${sign}`)), next: last && new Uint8Array([...last.key, 0]) }
  },
})
const LIST = [...MIGRATIONS, shouted(4, '!'), shouted(5, '?')]

async function said(disk: Disk): Promise<string[]> { return (await disk.range('said', { limit: 1000 })).map(({ value }) => text(value)) }
const words = Array.from({ length: 40 }, (_, i) => `word ${i}`)
const SAID: readonly Save[] = words.map((word, i) => put('said', u64(i), word))

async function all(disk: Disk): Promise<string[]> {
  const out: string[] = []
  for await (const { partition, rows } of disk.copy()) if (partition !== FORM.partition) for (const { key, value } of rows) out.push(`${partition} ${toHex(key)} ${toHex(value)}`)
  return out
}

describe('steps', () => {
  test('are done in their order, each once, and never again', async () => {
    const disk = openMemoryDisk(), told: number[] = []
    await disk.save(SAID)
    expect((await migrationsDue(disk, LIST)).map(({ to }) => to)).toEqual([3, 4, 5])
    await migrate(disk, (pieces) => { told.push(pieces) }, LIST)
    expect(await said(disk)).toEqual(words.map((word) => `${word}!?`))
    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    await migrate(disk, undefined, LIST)
    expect(await said(disk)).toEqual(words.map((word) => `${word}!?`))
  })

  test.each(['die-before', 'die-after', 'fail', 'full'] satisfies SaveFault[])('%s at any save: it goes on from there, and does nothing twice', async (fault) => {
    for (let at = 1, isThrough = false; !isThrough; at++) {
      const blocks = new Map<BlockId, Uint8Array>(), open = (): Promise<Disk> => openPagedDisk(memoryBlocks(blocks), RELEASED_KEY)
      const inner = await open()
      await inner.save(SAID)
      let saves = 0
      isThrough = await migrate(faultyDisk(inner, () => (++saves === at ? fault : 'none')), undefined, LIST).then(() => true, () => false)
      await inner.close()
      const again = await open()
      await migrate(again, undefined, LIST)
      expect(await said(again), `${fault} ${at}`).toEqual(words.map((word) => `${word}!?`))
      await again.close()
    }
  })

  test('a new disk is of today’s form at once, and one of a newer program is refused and left alone', async () => {
    const fresh = openMemoryDisk()
    expect(await migrationsDue(fresh, LIST)).toEqual([])
    await fresh.save(SAID)
    expect(await migrationsDue(fresh, LIST)).toEqual([])
    const before = await all(fresh)
    await expect(migrate(fresh)).rejects.toThrow('newer version')
    await fresh.save([{ type: 'put', ...FORM, value: utf8('nonsense') }])
    await expect(migrate(fresh, undefined, LIST)).rejects.toMatchObject({ reason: 'failed' })
    expect(await all(fresh)).toEqual(before)
  })

  test('have numbers without a gap', () => { expect(MIGRATIONS.map(({ to }) => to)).toEqual(MIGRATIONS.map((_, i) => i + 2)) })
})

describe('disks of released versions', () => {
  test('of the first: its pages are squeezed, whenever the process dies on the way, and it is half as large', async () => {
    const open = (blocks: Map<BlockId, Uint8Array>): Promise<Disk> => openPagedDisk(memoryBlocks(blocks), RELEASED_KEY)
    const bytes = (blocks: ReadonlyMap<BlockId, Uint8Array>): number => [...blocks.values()].reduce((sum, block) => sum + block.length, 0)
    for (let at = 1, isThrough = false; !isThrough; at++) {
      const blocks = releasedDisk(1), before = bytes(blocks), inner = await open(blocks)
      expect((await migrationsDue(inner)).map(({ to, rewrites }) => [to, rewrites])).toEqual([[2, true], [3, false]])
      let saves = 0
      isThrough = await migrate(faultyDisk(inner, () => (++saves === at ? 'die-before' : 'none'))).then(() => true, () => false)
      await inner.close()
      const again = await open(blocks)
      await migrate(again)
      while (await again.compact()) continue
      expect(await releasedRows(again), `at ${at}`).toEqual(await releasedRows(await open(releasedDisk(1))))
      expect(bytes(blocks)).toBeLessThan(before / 2)
      expect(await migrationsDue(again)).toEqual([])
    }
  })

  test('of the second: nothing is written anew, and older programs leave it alone from then on', async () => {
    const disk = await openPagedDisk(memoryBlocks(releasedDisk(2)), RELEASED_KEY), before = await all(disk)
    expect((await migrationsDue(disk)).map(({ to, rewrites }) => [to, rewrites])).toEqual([[3, false]])
    await migrate(disk)
    expect(await migrationsDue(disk)).toEqual([])
    expect(await all(disk)).toEqual(before)
    expect(await disk.get(FORM.partition, FORM.key)).toEqual(encodeNumber(3))
  })
})
