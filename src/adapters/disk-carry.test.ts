/** Tidying in pieces, above all carrying runs down: whatever happens between two pieces of it or within one, the rows are the same before, meanwhile and afterwards; and what a piece costs does not grow with the runs. */
import { describe, expect, test } from 'vitest'
import { type Disk, DiskError, type Save } from '../ports.ts'
import { concat, u64 } from '../wire/bytes.ts'
import { DiskModel } from './disk.contract.ts'
import { type BlockId, type BlockStore, memoryBlocks } from './disk-blocks.ts'
import { type Pieces, PIECES } from './disk-carry.ts'
import { decodeHead, type Head, type Run } from './disk-format.ts'
import { openPagedDisk } from './disk-pages.ts'
import type { Scattered } from './disk-runs.ts'
import { createSealer } from './seal-blocks.ts'

type Blocks = Map<BlockId, Uint8Array>
const KEY = new Uint8Array(32).fill(5)
/** All that is folded over a tree goes into runs. */
const IN_RUNS: Scattered = { rows: 1, pages: 1, share: Infinity }
/** A save is folded in several pieces; rows leave several times, of one run after the other. */
const SMALL: Pieces = { foldBytes: 20_000, rows: 64, bytes: 10_000, readRuns: 1, leftRuns: 1, leaveBytes: 40_000, leaveBytesARun: 0 }
const NAMES = ['by id', 'log']
const open = (store: BlockStore, pieces = SMALL): Promise<Disk> => openPagedDisk(store, KEY, { cacheBytes: 1, scattered: IN_RUNS, pieces })
/** `n` says where its key lies, `said` what was said of it last. */
const put = (n: number, said: number): Save => ({ type: 'put', partition: 'by id', key: concat(u64(n * 7919 % 30_011), u64(n)), value: concat(u64(said), new Uint8Array(992).fill(n)) })
const remove = (n: number): Save => ({ type: 'delete', partition: 'by id', key: concat(u64(n * 7919 % 30_011), u64(n)) })
const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

/** A save, and the pieces of tidying that come after it. */
interface Act { readonly saves: readonly Save[]; readonly pieces: number }

/** Alice's ids: each batch says some rows anew that older ones have, and deletes some, the tree's among them; while they are carried down others come, until one of the runs becomes another. */
const STORY: readonly Act[] = [
  { saves: numbers(0, 60).map((n) => put(n, 0)), pieces: 5 },
  { saves: [...numbers(40, 80).map((n) => put(n, 1)), ...numbers(0, 9).map(remove)], pieces: 6 },
  { saves: [...numbers(20, 80).map((n) => put(n, 2)), ...numbers(100, 9).map(remove)], pieces: 6 },
  { saves: [...numbers(90, 80).map((n) => put(n, 3)), ...numbers(30, 9).map(remove)], pieces: 14 },
  { saves: [...numbers(5, 30).map((n) => put(n, 4)), { type: 'put', partition: 'log', key: u64(1), value: u64(1) }], pieces: 14 },
  { saves: numbers(50, 30).map((n) => put(n, 5)), pieces: 9 },
  { saves: numbers(60, 60).map((n) => put(n, 6)), pieces: 2 },
  { saves: numbers(200, 20).map((n) => put(n, 7)), pieces: 60 },
]

async function headOf(blocks: Blocks): Promise<Head | undefined> {
  const sealer = createSealer(KEY), id = sealer.idOf('head', 0), opened = await sealer.open(id, blocks.get(id) as Uint8Array), head = opened && decodeHead(opened)
  return head !== undefined && 'runs' in head ? head : undefined
}
const runsIn = async (blocks: Blocks): Promise<readonly Run[]> => (await headOf(blocks))?.runs ?? []
async function journalOf(blocks: Blocks): Promise<number> { const head = await headOf(blocks); return head === undefined ? 0 : head.writes - head.journalFrom + 1 }

async function tidied(disk: Disk, most = 400): Promise<number> {
  for (let n = 1; n <= most; n++) if (!await disk.compact()) return n
  throw new Error('it does not come to an end')
}

describe('whatever happens meanwhile', () => {
  test('rows are the same after each piece, and as it would be found after a crash; in the end all lies in the tree', async () => {
    const blocks: Blocks = new Map(), model = new DiskModel(), disk = await open(memoryBlocks(blocks)), seen = new Set<string>()
    for (const { saves, pieces } of STORY) {
      await disk.save(saves)
      model.apply(saves)
      for (let n = 0; n < pieces; n++) {
        await disk.compact()
        seen.add((await runsIn(blocks)).map(({ id }) => id).join())
        await model.check(disk, NAMES, 'meanwhile')
        const other = await open(memoryBlocks(new Map(blocks)))
        await model.check(other, NAMES, 'after a crash')
        if (n % 4 === 1) { await tidied(other); await model.check(other, NAMES, 'after a crash, begun again') }
      }
    }
    expect(seen.size, 'rows leave runs now and then, not with each piece').toBeGreaterThan(10)
    await tidied(disk)
    expect(await runsIn(blocks)).toEqual([])
    await model.check(disk, NAMES, 'in the tree')
    expect(await disk.check()).toEqual([])
  })

  test('a partition that is dropped half-way stays dropped, and what comes into it anew is its own', async () => {
    const blocks: Blocks = new Map(), model = new DiskModel(), disk = await open(memoryBlocks(blocks))
    const save = async (saves: readonly Save[]): Promise<void> => { await disk.save(saves); model.apply(saves) }
    for (const { saves } of STORY.slice(0, 4)) { await save(saves); await disk.compact() }
    for (let n = 0; n < 20; n++) await disk.compact()
    await save([{ type: 'drop', partition: 'by id' }, put(3, 9)])
    for (let n = 0; n < 3; n++) { await disk.compact(); await model.check(disk, NAMES, 'dropped') }
    await save(numbers(0, 50).map((n) => put(n, 10)))
    await tidied(disk)
    await model.check(disk, NAMES, 'said anew')
  })

  test.each(['by itself', 'by another tab'])('a page of the tree that is damaged and cut out %s half-way: rows that runs still have are carried down again', async (by) => {
    const blocks: Blocks = new Map(), model = new DiskModel(), disk = await open(memoryBlocks(blocks), { ...SMALL, leaveBytes: 1e9 })
    for (const { saves } of STORY.slice(0, 4)) {
      await disk.save(saves)
      model.apply(saves)
      for (let left = await journalOf(blocks); left > 1; left = await journalOf(blocks)) await disk.compact()
    }
    const before = new Set(blocks.keys())
    for (let n = 0; n < 20; n++) await disk.compact()
    const fresh = [...blocks].filter(([id]) => !before.has(id)).sort((a, b) => b[1].length - a[1].length)[0]?.[0] ?? ''
    blocks.delete(fresh)
    if (by === 'by itself') expect((await disk.mend()).length).toBe(1)
    else {
      const other = await open(memoryBlocks(blocks))
      expect((await other.mend()).length).toBe(1)
      await other.close()
      await expect(disk.save([{ type: 'put', partition: 'log', key: u64(2), value: u64(2) }])).rejects.toMatchObject({ reason: 'failed' })
    }
    // The oldest batch was in the tree alone.
    const inRuns = model.range('by id', { limit: 1000 }).filter(({ value }) => value[7] !== 0)
    const check = async (): Promise<void> => { expect(await Promise.all(inRuns.map(({ key }) => disk.get('by id', key)))).toEqual(inRuns.map(({ value }) => value)) }
    await check()
    await tidied(disk)
    await check()
  })

  /** Runs the story on a store whose call of number `at`, and in a dead process all after it, fails. */
  async function live(at: number, way: 'not done' | 'done' | 'dead'): Promise<boolean> {
    const blocks: Blocks = new Map(), inner = memoryBlocks(blocks), model = new DiskModel()
    let calls = 0, isOn = true
    const call = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!isOn) return work()
      const n = calls++, fails = way === 'dead' ? n >= at : n === at
      if (fails && way !== 'done') throw new DiskError('failed', 'No answer.')
      const result = await work()
      if (fails) throw new DiskError('failed', 'The answer was lost.')
      return result
    }
    const disk = await open({ ...inner, readMany: (ids) => call(() => inner.readMany(ids)), write: (change) => call(() => inner.write(change)) }).catch(() => undefined)
    for (const { saves, pieces } of disk === undefined ? [] : STORY) {
      // What isn't acknowledged may be there or not: said again, it is.
      const isSaved = await disk?.save(saves).then(() => true, () => false) === true || (way !== 'dead' && await disk?.save(saves).then(() => true) === true)
      if (!isSaved) break
      model.apply(saves)
      for (let n = 0; n < pieces; n++) await disk?.compact().catch(() => undefined)
    }
    isOn = false
    const found = await open(memoryBlocks(blocks))
    if (way !== 'dead' && disk !== undefined) await model.check(disk, NAMES, `call ${at}, ${way}`)
    await model.check(found, NAMES, `call ${at}, ${way}: found`)
    await tidied(found)
    await model.check(found, NAMES, `call ${at}, ${way}: tidied`)
    return calls > at
  }

  test.each(['not done', 'done', 'dead'] as const)('a store that fails at any call (%s) loses nothing and brings nothing back', async (way) => {
    let at = 0
    for (; await live(at, way); at += 1) { /* the next one */ }
    expect(at, 'calls that were made to fail').toBeGreaterThan(100)
  })
})

test('what a piece writes and what all of them write does not grow faster than what came in', async () => {
  const perRow: number[] = []
  for (const batches of [6, 24]) {
    const inner = memoryBlocks(), written: number[] = []
    let wrote = 0
    const disk = await openPagedDisk({ ...inner, write: (change) => { wrote += change.puts.size + change.deletes.length; return inner.write(change) } }, KEY, { scattered: IN_RUNS, pieces: { ...PIECES, leaveBytes: 1024 * 1024, leaveBytesARun: 64 * 1024 } })
    // Each so large that it goes into pages at once, and stays a run of its own.
    for (let batch = 0; batch < batches; batch++) await disk.save(numbers(batch * 2200, 2200).map((n) => put(n, 0)))
    for (let isMore = true; isMore;) { wrote = 0; isMore = await disk.compact(); written.push(wrote) }
    expect(Math.max(...written), 'blocks of one piece').toBeLessThan(100)
    perRow.push(written.reduce((sum, n) => sum + n, 0) / (batches * 2200))
  }
  expect((perRow[1] as number) / (perRow[0] as number)).toBeLessThan(1.5)
})
