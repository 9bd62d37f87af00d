/** What it takes to read from a large disk: how many blocks, and how often one is waited for before the next is asked for. */
import { expect, test } from 'vitest'
import type { Disk, Save } from '../ports.ts'
import { concat, u64 } from '../wire/bytes.ts'
import { type BlockId, type BlockStore, memoryBlocks } from './disk-blocks.ts'
import type { Page } from './disk-format.ts'
import { openPagedDisk, type PagedDiskOptions } from './disk-pages.ts'
import { edit, measure, type PageSource } from './disk-tree.ts'

const KEY = new Uint8Array(32).fill(3)
/** Keys that lie anywhere. */
const scattered = (n: number): Uint8Array => concat(Uint8Array.of((n * 97) % 251, (n * 57) % 241), u64(n))

/** Answers come together after a while: so it is seen what is asked one after the other. */
function counting(blocks: Map<BlockId, Uint8Array>, afterMs: number): { readonly store: BlockStore; readonly count: { blocks: number; rounds: number } } {
  const inner = memoryBlocks(blocks), count = { blocks: 0, rounds: 0 }
  let round: Promise<void> | undefined
  const store: BlockStore = {
    ...inner,
    async readMany(ids) {
      count.blocks += ids.length
      round ??= new Promise<void>((resolve) => { setTimeout(resolve, afterMs) }).then(() => { count.rounds++; round = undefined })
      await round
      return inner.readMany(ids)
    },
  }
  return { store, count }
}

async function filled(batches: number, options: PagedDiskOptions): Promise<Map<BlockId, Uint8Array>> {
  const blocks = new Map<BlockId, Uint8Array>(), disk = await openPagedDisk(memoryBlocks(blocks), KEY, options)
  for (let batch = 0; batch < batches; batch++) {
    // So much that it goes into pages at once.
    await disk.save(Array.from({ length: 1000 }, (_, i) => ({ type: 'put', partition: 'by id', key: scattered(batch * 1000 + i), value: new Uint8Array(2100).fill(i) })))
  }
  await disk.close()
  return blocks
}

/** What it takes to get some rows, one by one. */
async function costs(disk: Disk, count: { blocks: number; rounds: number }, numbers: readonly number[]): Promise<{ blocks: number; rounds: number }[]> {
  const out: { blocks: number; rounds: number }[] = []
  for (const n of numbers) {
    count.blocks = count.rounds = 0
    expect((await disk.get('by id', scattered(n)))?.length).toBe(2100)
    out.push({ ...count })
  }
  return out
}

test('a row that may be in any of several runs is looked for in all of them at once', async () => {
  const { store, count } = counting(await filled(7, { scattered: { rows: 1, pages: 1, share: Infinity } }), 30)
  const disk = await openPagedDisk(store, KEY, { cacheBytes: 1 })
  const taken = await costs(disk, count, [5, 1005, 6005])
  expect(Math.max(...taken.map(({ blocks }) => blocks)), 'of many trees').toBeGreaterThan(6)
  expect(Math.max(...taken.map(({ rounds }) => rounds)), 'the root of each, and what is below').toBeLessThanOrEqual(3)
  await disk.close()
})

test('however many leaves are read, the way to the next is known', async () => {
  const { store, count } = counting(await filled(8, { scattered: { rows: Infinity, pages: 0, share: 0 } }), 0)
  const disk = await openPagedDisk(store, KEY, { cacheBytes: 256 * 1024 })
  const numbers = Array.from({ length: 120 }, (_, i) => (i * 2711) % 8000)
  await costs(disk, count, numbers)
  expect(Math.max(...(await costs(disk, count, numbers)).map(({ blocks }) => blocks)), 'the leaf alone').toBe(1)
  await disk.close()
})

test('rows that wait to be laid into pages are no reason to read more of those below', async () => {
  const blocks = new Map<BlockId, Uint8Array>(), rows = (from: number, count: number): Save[] => Array.from({ length: count }, (_, i) => ({ type: 'put', partition: 'log', key: u64(from + i), value: new Uint8Array(300).fill(i) }))
  const filling = await openPagedDisk(memoryBlocks(blocks), KEY)
  await filling.save(rows(0, 8000))
  await filling.close()
  const { store, count } = counting(blocks, 0), disk = await openPagedDisk(store, KEY, { cacheBytes: 1 })
  await disk.save(rows(8000, 400))
  await disk.get('log', u64(1))
  count.blocks = 0
  expect(await disk.range('log', { from: u64(640), limit: 20 })).toHaveLength(20)
  expect(count.blocks, 'a leaf, or two').toBeLessThanOrEqual(2)
  await disk.close()
})

test('large rows that are put and deleted again side by side lie in the tree, with no run to look into', async () => {
  const { store, count } = counting(new Map(), 0), disk = await openPagedDisk(store, KEY, { cacheBytes: 1 })
  const part = (n: number): Save => ({ type: 'put', partition: 'parts', key: u64(n), value: new Uint8Array(4100).fill(n) })
  for (let batch = 0; batch < 8; batch++) {
    const numbers = Array.from({ length: 550 }, (_, i) => batch * 1000 + i)
    // So much that it goes into pages at once, and so is what is deleted together with it.
    await disk.save(numbers.map(part))
    const others = numbers.flatMap((n) => Array.from({ length: 8 }, (_, i): Save => ({ type: 'put', partition: 'log', key: u64(8 * n + i), value: new Uint8Array(600).fill(i) })))
    await disk.save([...numbers.slice(0, 540).map((n): Save => ({ type: 'delete', partition: 'parts', key: u64(n) })), part(batch * 1000 + 600), ...others])
  }
  await disk.get('parts', u64(7545))
  count.blocks = 0
  expect(await disk.range('parts', { from: u64(7545), to: u64(7546), limit: 1 })).toHaveLength(1)
  expect(count.blocks, 'the way to one leaf').toBeLessThanOrEqual(3)
  await disk.close()
})

test('how much a whole tree holds its inner pages say, however many leaves it has', async () => {
  const stored = new Map<BlockId, Page>(), levels: number[] = []
  let next = 0
  const pages: PageSource = { newId: () => String(next++), load: async (ids, level) => { levels.push(level); return ids.map((id) => stored.get(id) as Page) } }
  const rows = Array.from({ length: 3000 }, (_, n) => ({ key: u64(n), value: new Uint8Array(300) }))
  const { root, written } = await edit(pages, undefined, { drops: [], entries: rows })
  for (const [id, page] of written) stored.set(id, page)
  const all = await measure(pages, root, { from: new Uint8Array(), to: undefined })
  expect(all).toBe(await measure(pages, root, { from: u64(0), to: u64(3000) }))
  levels.length = 0
  await measure(pages, root, { from: new Uint8Array(), to: undefined })
  expect(levels.every((level) => level > 0)).toBe(true)
  await measure(pages, root, { from: u64(5), to: undefined })
  expect(levels.filter((level) => level === 0).length, 'where it begins in the middle').toBe(1)
})
