/** What an opening reads is noted, and fetched at once by the next; whatever becomes of the note, the rows are the same. */
import { expect, test } from 'vitest'
import { type Disk, DiskError, type Row, type Save } from '../ports.ts'
import { u64 } from '../wire/bytes.ts'
import { type BlockId, memoryBlocks } from './disk-blocks.ts'
import { decodeNote, encodeNote, MAX_NOTED } from './disk-format.ts'
import { OPENING_MS } from './disk-opening.ts'
import { openPagedDisk } from './disk-pages.ts'
import { createSealer } from './seal-blocks.ts'

type Blocks = Map<BlockId, Uint8Array>
const KEY = new Uint8Array(32).fill(5), NOTE = createSealer(KEY).idOf('opening', 0)
const NAMES = ['me', 'spaces', 'log', 'words']
const rows = (partition: string, from: number, count: number): Save[] => Array.from({ length: count }, (_, i) => ({ type: 'put', partition, key: u64(from + i), value: new Uint8Array(100).fill(from + i) }))

/** Alice's disk. `isBusy`: while it is opened the store refuses who asks for one block. `over` ends its opening; `reads`: so many blocks were asked for, in so many turns, since this was last called. */
async function open(blocks: Blocks, isBusy = false): Promise<{ disk: Disk; over: () => Promise<void>; reads: () => { turns: number; blocks: number } }> {
  const inner = memoryBlocks(blocks)
  let count = { turns: 0, blocks: 0 }, end = (): void => undefined
  const pause = (ms: number): Promise<void> => new Promise((resolve) => { if (ms === OPENING_MS) end = resolve })
  let refuses = isBusy
  const readMany = async (ids: readonly BlockId[]) => { if (refuses && ids.length === 1) throw new DiskError('failed', 'busy'); count = { turns: count.turns + 1, blocks: count.blocks + ids.length }; return inner.readMany(ids) }
  const disk = await openPagedDisk({ ...inner, readMany }, KEY, { pause })
  const settle = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 20) })
  await settle()
  refuses = false
  return { disk, over: async () => { end(); await settle() }, reads: () => { const now = count; count = { turns: 0, blocks: 0 }; return now } }
}

/** What every opening asks for. */
const ask = async (disk: Disk): Promise<Row[][]> => [
  await disk.range('me', { limit: 10 }), await disk.range('spaces', { limit: 1000 }), await disk.range('log', { limit: 50, reverse: true }), [{ key: u64(1500), value: await disk.get('words', u64(1500)) ?? new Uint8Array() }],
]

/** A disk of some hundred pages whose opening has been noted. */
async function noted(): Promise<{ blocks: Blocks; all: Row[][] }> {
  const blocks: Blocks = new Map(), first = await openPagedDisk(memoryBlocks(blocks), KEY)
  await first.save(NAMES.flatMap((name, n) => rows(name, 0, [1, 3, 9000, 3000][n] ?? 0)))
  while (await first.compact()) { /* until there is nothing more */ }
  await first.close()
  const { disk, over } = await open(blocks), all = await ask(disk)
  await over()
  expect(blocks.has(NOTE)).toBe(false)
  await disk.save(rows('log', 20_000, 1))
  await disk.close()
  return { blocks, all: await withoutNote(blocks, all) }
}

/** As a program answers that knows of no note. */
async function withoutNote(blocks: Blocks, before: Row[][]): Promise<Row[][]> {
  const disk = await openPagedDisk(memoryBlocks(new Map(blocks)), KEY), all = await ask(disk)
  expect(all.length).toBe(before.length)
  await disk.close()
  return all
}

test('what an opening read is there when the next one asks for it', async () => {
  const { blocks, all } = await noted()
  const { disk, reads } = await open(blocks)
  // The heads and the note; the journal; each page by itself.
  const { turns, blocks: read } = reads()
  expect(turns - 2).toBeGreaterThan(4)
  expect(read - (turns - 2)).toBe(3 + 1 + 3)
  expect(await ask(disk)).toEqual(all)
  expect(reads()).toEqual({ turns: 0, blocks: 0 })
  await disk.get('log', u64(4000))
  expect(reads().blocks).toBeGreaterThan(0)
})

test('when its pages are written anew the note follows them, in the same write', async () => {
  const { blocks } = await noted()
  const { disk, over } = await open(blocks), all = await ask(disk), before = blocks.get(NOTE)
  await over()
  await disk.save(rows('me', 1, 1))
  expect(blocks.get(NOTE)).toBe(before)
  while (await disk.compact()) { /* until there is nothing more */ }
  expect(blocks.get(NOTE)).not.toBe(before)
  await disk.close()
  const again = await open(blocks)
  again.reads()
  expect((await ask(again.disk)).slice(1)).toEqual(all.slice(1))
  expect(again.reads()).toEqual({ turns: 0, blocks: 0 })
})

test('who asks for very much is noted with some of it', async () => {
  const { blocks } = await noted(), { disk, over } = await open(blocks)
  expect((await disk.range('log', { limit: Number.MAX_SAFE_INTEGER })).length).toBe(9001)
  expect((await disk.range('words', { limit: Number.MAX_SAFE_INTEGER })).length).toBe(3000)
  await over()
  await disk.save(rows('me', 1, 1))
  expect(decodeNote(await createSealer(KEY).open(NOTE, blocks.get(NOTE) ?? new Uint8Array()) ?? new Uint8Array())?.length).toBe(MAX_NOTED)
})

test('a note that is gone, damaged, old, moved here or made up costs nothing but time', async () => {
  const { blocks, all } = await noted(), sealer = createSealer(KEY), good = blocks.get(NOTE) as Uint8Array
  const other = [...blocks].find(([id]) => id !== NOTE) as [BlockId, Uint8Array]
  const stale = [sealer.newId(), sealer.idOf('head', 0), sealer.idOf('journal', 1), NOTE, other[0]]
  const notes = [undefined, good.map((byte, i) => (i === 40 ? byte ^ 1 : byte)), good.slice(0, 30), other[1], await sealer.seal(NOTE, encodeNote(stale)), await sealer.seal(NOTE, Uint8Array.of(6, 200)), await sealer.seal(NOTE, encodeNote([]))]
  for (const note of notes) {
    const found: Blocks = new Map(blocks)
    if (note === undefined) found.delete(NOTE); else found.set(NOTE, note)
    const { disk, over } = await open(found)
    expect(await ask(disk)).toEqual(all)
    expect(await disk.check()).toEqual([])
    await over()
    await disk.save(rows('me', 0, 1))
    await disk.close()
    const { disk: again, reads } = await open(found)
    reads()
    expect(await ask(again)).toEqual(all)
    expect(reads()).toEqual({ turns: 0, blocks: 0 })
    await again.close()
  }
})

test('what could not be fetched is read when it is asked for', async () => {
  const { blocks, all } = await noted(), { disk, reads } = await open(blocks, true)
  reads()
  expect(await ask(disk)).toEqual(all)
  expect(reads().turns).toBeGreaterThan(4)
})

test('a program that knows of no note may write in between', async () => {
  const { blocks } = await noted(), before = await openPagedDisk(memoryBlocks(blocks), KEY)
  await before.save([...rows('me', 0, 5), ...rows('log', 9000, 3000), { type: 'drop', partition: 'words' }])
  while (await before.compact()) { /* until there is nothing more */ }
  const all = await ask(before)
  await before.close()
  const { disk } = await open(blocks)
  expect(await ask(disk)).toEqual(all)
})

test('a page that is damaged is told as before, and cut out, and nobody is kept from writing', async () => {
  const { blocks } = await noted(), sealer = createSealer(KEY)
  const [leaf] = (decodeNote(await sealer.open(NOTE, blocks.get(NOTE) as Uint8Array) as Uint8Array) as BlockId[]).toReversed()
  blocks.set(leaf as BlockId, new Uint8Array(400))
  const { disk, over } = await open(blocks)
  await expect(ask(disk)).rejects.toMatchObject({ reason: 'corrupt' })
  await over()
  await disk.save(rows('me', 1, 1))
  while (await disk.compact()) { /* until there is nothing more */ }
  expect((await disk.mend()).length).toBeGreaterThan(0)
  expect((await disk.range('me', { limit: 10 })).length).toBe(2)
})
