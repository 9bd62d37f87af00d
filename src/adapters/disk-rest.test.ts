/** A disk that is left alone: what was saved lately leaves the journal, so that opening it again reads little. */
import { expect, test } from 'vitest'
import { type Disk, DiskError, type Save } from '../ports.ts'
import { u64 } from '../wire/bytes.ts'
import { type BlockId, type BlockStore, memoryBlocks } from './disk-blocks.ts'
import { openPagedDisk } from './disk-pages.ts'

const KEY = new Uint8Array(32).fill(7)
const rows = (from: number, count: number): Save[] => Array.from({ length: count }, (_, i) => ({ type: 'put', partition: 'log', key: u64(from + i), value: new Uint8Array(100).fill(i) }))

/** Alice's disk in memory. `endRest` ends a rest, as soon as there is one, and waits for what comes of it: something is written, or the next rest begins. */
async function alices(): Promise<{ disk: Disk; endRest: () => Promise<void>; rests: () => number; blocks: Map<BlockId, Uint8Array>; broken: { write: boolean } }> {
  const blocks = new Map<BlockId, Uint8Array>(), inner = memoryBlocks(blocks), broken = { write: false }
  let rests = 0, end: (() => void) | undefined, came = (): void => undefined
  const write: BlockStore['write'] = async (change) => {
    try { await (broken.write ? Promise.reject(new DiskError('full', 'no room')) : inner.write(change)) } finally { came() }
  }
  const rest = (): Promise<void> => { rests++; came(); return new Promise((resolve) => { end = resolve }) }
  const disk = await openPagedDisk({ ...inner, write }, KEY, { rest })
  const endRest = async (): Promise<void> => {
    while (end === undefined) await new Promise<void>((resolve) => { came = resolve })
    const ended = end
    end = undefined
    await new Promise<void>((resolve) => { came = resolve; ended() })
  }
  return { disk, endRest, rests: () => rests, blocks, broken }
}

/** Blocks that are read when the disk is opened: three heads, the journal, and a look behind its end. */
async function readToOpen(blocks: Map<BlockId, Uint8Array>): Promise<number> {
  const inner = memoryBlocks(blocks)
  let read = 0
  await openPagedDisk({ ...inner, readMany: (ids) => { read += ids.length; return inner.readMany(ids) } }, KEY)
  return read
}

test('left alone after a history came in, it has nothing to replay, and every row', async () => {
  const { disk, endRest, rests, blocks } = await alices()
  await disk.save(rows(0, 4000))
  expect(await readToOpen(blocks)).toBeGreaterThan(10)
  await endRest()
  expect(rests()).toBe(1)
  expect(await readToOpen(blocks)).toBe(5)
  expect((await disk.range('log', { limit: 5000 })).length).toBe(4000)
  expect((await (await openPagedDisk(memoryBlocks(blocks), KEY)).range('log', { limit: 5000 })).length).toBe(4000)
})

test('whoever goes on saving puts it off, and little is left where it is', async () => {
  const { disk, endRest, rests, blocks } = await alices()
  await disk.save(rows(0, 3))
  expect(rests()).toBe(0)
  await disk.save(rows(10, 4000))
  const before = await readToOpen(blocks)
  await disk.save(rows(0, 2000))
  await endRest()
  expect(rests()).toBe(2)
  expect(await readToOpen(blocks)).toBeGreaterThan(before)
  await endRest()
  expect(await readToOpen(blocks)).toBe(5)
})

test('a store that has no room then loses nothing, and is asked again after the next save', async () => {
  const { disk, endRest, rests, blocks, broken } = await alices()
  await disk.save(rows(0, 4000))
  broken.write = true
  await endRest()
  broken.write = false
  expect((await disk.range('log', { limit: 5000 })).length).toBe(4000)
  expect(await readToOpen(blocks)).toBeGreaterThan(10)
  expect(rests()).toBe(1)
  await disk.save(rows(5000, 1000))
  await endRest()
  expect(await readToOpen(blocks)).toBe(5)
  expect((await disk.range('log', { limit: 6000 })).length).toBe(5000)
})

test('closed meanwhile, it stays as it was', async () => {
  const { disk, endRest, blocks } = await alices()
  await disk.save(rows(0, 4000))
  const before = [...blocks.keys()]
  await disk.close()
  void endRest()
  await expect(disk.partitions()).rejects.toMatchObject({ reason: 'closed' })
  expect([...blocks.keys()]).toEqual(before)
})
