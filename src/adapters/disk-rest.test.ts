/** A disk that is left alone: what was saved lately leaves the journal, and what lies in runs goes down, so that opening it again reads little and rows are found in few places. */
import { expect, test, vi } from 'vitest'
import { type Disk, DiskError, type Save } from '../ports.ts'
import { concat, u64 } from '../wire/bytes.ts'
import { type BlockId, type BlockStore, memoryBlocks } from './disk-blocks.ts'
import { decodeHead } from './disk-format.ts'
import { OPENING_MS } from './disk-opening.ts'
import { openPagedDisk } from './disk-pages.ts'
import { SCATTERED, type Scattered } from './disk-runs.ts'
import { createSealer } from './seal-blocks.ts'

const KEY = new Uint8Array(32).fill(7)
const rows = (from: number, count: number): Save[] => Array.from({ length: count }, (_, i) => ({ type: 'put', partition: 'log', key: u64(from + i), value: new Uint8Array(100).fill(i) }))

/** Alice's disk in memory. `endRest` ends a rest, as soon as there is one, and waits for what comes of it: something is written, or the next rest begins. */
async function alices(scattered = SCATTERED, blocks = new Map<BlockId, Uint8Array>()): Promise<{ disk: Disk; endRest: () => Promise<void>; rests: () => number; blocks: Map<BlockId, Uint8Array>; broken: { write: boolean } }> {
  const inner = memoryBlocks(blocks), broken = { write: false }
  let rests = 0, end: (() => void) | undefined, came = (): void => undefined
  const write: BlockStore['write'] = async (change) => {
    try { await (broken.write ? Promise.reject(new DiskError('full', 'no room')) : inner.write(change)) } finally { came() }
  }
  // It rests when it is open, not while it is being opened.
  const pause = (ms: number): Promise<void> => { if (ms === OPENING_MS) return new Promise(() => undefined); rests++; came(); return new Promise((resolve) => { end = resolve }) }
  const disk = await openPagedDisk({ ...inner, write }, KEY, { pause, scattered })
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

/** All that is folded over a tree goes into runs. */
const IN_RUNS: Scattered = { rows: 1, pages: 1, share: Infinity }
/** Rows whose keys lie anywhere. */
const scattered = (from: number, count: number): Save[] =>
  Array.from({ length: count }, (_, i) => ({ type: 'put', partition: 'by id', key: concat(u64((from + i) * 7919 % 30_011), u64(from + i)), value: new Uint8Array(20).fill(i) }))

/** Of these rows. */
async function runsIn(blocks: Map<BlockId, Uint8Array>): Promise<number> {
  const sealer = createSealer(KEY), id = sealer.idOf('head', 0), opened = await sealer.open(id, blocks.get(id) ?? new Uint8Array()), head = opened && decodeHead(opened)
  return head !== undefined && 'runs' in head ? head.runs.filter((run) => run.partition === 'by id').length : Number.NaN
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
  // More than goes into pages in one piece.
  await endRest()
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

test('left alone, what came in runs goes down among the other rows, piece by piece, as long as nobody saves', async () => {
  const { disk, endRest, rests, blocks } = await alices(IN_RUNS)
  const untilRuns = async (are: number): Promise<number> => {
    let pieces = 0
    for (; await runsIn(blocks) !== are; pieces++) { expect(pieces).toBeLessThan(20); await endRest() }
    return pieces
  }
  await disk.save(rows(0, 4000))
  await endRest()
  await disk.save(scattered(0, 9000))
  await untilRuns(1)
  await endRest()
  expect(await runsIn(blocks)).toBe(1)
  await disk.save(rows(4000, 1))
  const before = rests(), written = [...blocks.keys()]
  // Somebody was there: so it rests once more before it goes on.
  await endRest()
  expect(rests()).toBe(before + 1)
  expect([...blocks.keys()]).toEqual(written)
  expect(await untilRuns(0)).toBeGreaterThan(1)
  const found = await disk.range('by id', { limit: 10_000 })
  expect(found.length).toBe(9000)
  expect((await (await openPagedDisk(memoryBlocks(blocks), KEY)).range('by id', { limit: 10_000 }))).toEqual(found)
})

test('a few rows beside many are no reason to write most pages anew', async () => {
  const blocks = new Map<BlockId, Uint8Array>()
  let rests = 0
  const disk = await openPagedDisk(memoryBlocks(blocks), KEY, { pause: async () => { rests++ }, scattered: IN_RUNS })
  await disk.save(scattered(0, 20_000))
  await vi.waitFor(async () => { expect(await readToOpen(blocks)).toBe(5) }, { timeout: 20_000 })
  await disk.save(scattered(20_000, 2000))
  await vi.waitFor(async () => { expect(await runsIn(blocks)).toBe(1) }, { timeout: 20_000 })
  const before = rests
  await disk.save(rows(0, 1))
  await vi.waitFor(() => { expect(rests).toBeGreaterThan(before) }, { timeout: 20_000 })
  await disk.mend()
  expect(await runsIn(blocks)).toBe(1)
})

test('what was left in runs when the disk was closed goes down when it is opened again and left alone, and nobody who reads waits for that', async () => {
  const before = await alices(IN_RUNS), { blocks } = before
  await before.disk.save(rows(0, 4000))
  await before.endRest()
  await before.disk.save(scattered(0, 9000))
  for (let n = 0; await runsIn(blocks) === 0; n++) { expect(n).toBeLessThan(20); await before.endRest() }
  await before.disk.close()
  const { disk: again, endRest } = await alices(IN_RUNS, blocks)
  await endRest()
  for (let n = 0; n < 10; n++) {
    const written = [...blocks.keys()]
    await again.get('log', u64(n))
    await endRest()
    expect([...blocks.keys()]).toEqual(written)
  }
  for (let pieces = 0; await runsIn(blocks) > 0; pieces++) { expect(pieces).toBeLessThan(40); await endRest() }
  expect((await again.range('by id', { limit: 10_000 })).length).toBe(9000)
  await again.close()
})
