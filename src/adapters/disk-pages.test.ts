/** What the contract can't ask of every disk: the paged one when its store fails, is tampered with, or is looked into. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Disk, DiskError, type Save } from '../ports.ts'
import { concat, toHex, u64, utf8 } from '../wire/bytes.ts'
import { LOST_PARTITION } from '../wire/losses.ts'
import { DiskModel } from './disk.contract.ts'
import { type BlockChange, type BlockId, type BlockStore, memoryBlocks } from './disk-blocks.ts'
import { decodeHead } from './disk-format.ts'
import { openPagedDisk } from './disk-pages.ts'
import { SCATTERED, type Scattered } from './disk-runs.ts'
import { createSealer } from './seal-blocks.ts'

type Blocks = Map<BlockId, Uint8Array>
const KEY = new Uint8Array(32).fill(3)
/** All that is folded over a tree goes into runs. */
const IN_RUNS: Scattered = { rows: 1, pages: 1, share: Infinity }
const WAYS = [['in the tree', SCATTERED], ['in runs', IN_RUNS]] as const
const open = (blocks: Blocks, scattered = SCATTERED): Promise<Disk> => openPagedDisk(memoryBlocks(blocks), KEY, { cacheBytes: 1, scattered })
const put = (partition: string, key: Uint8Array, value: Uint8Array): Save => ({ type: 'put', partition, key, value })
const reasonOf = (error: unknown): string => (error instanceof DiskError ? error.reason : String(error))

/** Bytes that look random and are the same in every run. */
function noise(seed: number, length: number): Uint8Array {
  let state = seed * 2654435761 | 1
  return Uint8Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 255
  })
}

describe('beside the plainest disk there is', () => {
  const NAMES = ['log', 'lo', 'index', '']
  const name = fc.constantFrom(...NAMES)
  /** Few different keys, so that they meet again. */
  const key = fc.integer({ min: 0, max: 60 }).map(n => noise(n, n % 4))
  const value = fc.oneof(fc.nat(300), fc.nat(60_000)).map(length => noise(length, length))
  const one: fc.Arbitrary<Save> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('put' as const), partition: name, key, value }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), partition: name, key }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('drop' as const), partition: name }) },
  )
  const many: fc.Arbitrary<readonly Save[]> = fc.record({ partition: name, start: fc.nat(2000), count: fc.nat(400), isScattered: fc.boolean(), isDeletion: fc.boolean() })
    .map(({ partition, start, count, isScattered, isDeletion }) => Array.from({ length: count }, (_, i) => {
      const rowKey = isScattered ? noise(start + i + 1, 5) : u64(start + i)
      return isDeletion ? { type: 'delete', partition, key: rowKey } : put(partition, rowKey, noise(i, 150))
    }))
  const action = fc.oneof(
    fc.record({ type: fc.constant('save' as const), saves: fc.oneof(fc.array(one, { maxLength: 8 }), many) }),
    fc.record({
      type: fc.constant('range' as const), partition: name, limit: fc.nat(200), reverse: fc.boolean(),
      from: fc.option(key, { nil: undefined }), to: fc.option(fc.oneof(key, fc.nat(2500).map(u64)), { nil: undefined }),
    }),
    fc.record({ type: fc.constant('reopen' as const) }),
    fc.record({ type: fc.constant('compact' as const) }),
  )

  test.each(WAYS)('%s: any saves, ranges and restarts give the same rows', (_where, scattered) => fc.assert(fc.asyncProperty(fc.array(action, { maxLength: 40 }), async actions => {
    const blocks: Blocks = new Map()
    const model = new DiskModel()
    let disk = await open(blocks, scattered)
    for (const next of actions) {
      if (next.type === 'save') {
        await disk.save(next.saves)
        model.apply(next.saves)
      } else if (next.type === 'compact') {
        await disk.compact()
      } else if (next.type === 'range') {
        const query = { limit: next.limit, reverse: next.reverse, ...(next.from && { from: next.from }), ...(next.to && { to: next.to }) }
        expect(await disk.range(next.partition, query)).toEqual(model.range(next.partition, query))
      } else {
        await disk.close()
        disk = await open(blocks, scattered)
      }
    }
    await model.check(disk, NAMES, 'at the end')
  }), { numRuns: 150 }))

  test('forty thousand rows make a tree of three levels, and none again when they go', async () => {
    const blocks: Blocks = new Map()
    const model = new DiskModel()
    const disk = await openPagedDisk(memoryBlocks(blocks), KEY)
    const change = async (saves: readonly Save[]): Promise<void> => { await disk.save(saves); model.apply(saves) }
    for (let batch = 0; batch < 20; batch++) {
      const numbers = Array.from({ length: 1000 }, (_, i) => batch * 1000 + i)
      await change(numbers.flatMap(n => [put('by id', concat(noise(n + 1, 6), u64(n)), u64(n)), put('log', u64(n), noise(n, 20))]))
    }
    await model.check(disk, ['by id', 'log'], 'full')
    expect(blocks.size, 'sequential rows fill their pages, scattered ones share theirs').toBeLessThan(500)
    await change([{ type: 'drop', partition: 'log' }, put('log', u64(5), utf8('five'))])
    await change(model.range('by id', { limit: 15_000 }).map(row => ({ type: 'delete', partition: 'by id', key: row.key })))
    await model.check(disk, ['by id', 'log'], 'after the drop')
    const deletions = Array.from({ length: 5000 }, (_, i): Save => ({ type: 'delete', partition: 'log', key: u64(i) }))
    await change([{ type: 'drop', partition: 'by id' }, { type: 'drop', partition: 'log' }, ...deletions])
    await model.check(disk, ['by id', 'log'], 'empty')
    let pieces = 0
    while (await disk.compact()) pieces++
    expect(pieces).toBeGreaterThan(0)
    expect(blocks.size, 'three heads and an empty journal record').toBe(4)
  })
})

test('ids by the thousand cost the same however many there are, and lie in the tree when the disk is tidied', async () => {
  const inner: Blocks = new Map(), store = memoryBlocks(inner), model = new DiskModel()
  let puts = 0, reads = 0
  const counting: BlockStore = {
    ...store,
    readMany(ids) { reads += ids.length; return store.readMany(ids) },
    write(change) { puts += change.puts.size; return store.write(change) },
  }
  const disk = await openPagedDisk(counting, KEY, { scattered: { rows: 512, pages: 32, share: 64 } })
  const costs: number[] = []
  for (let batch = 0; batch < 12; batch++) {
    puts = reads = 0
    // So much that it goes into pages at once.
    const saves = Array.from({ length: 1024 }, (_, i) => put('by id', noise(batch * 1024 + i + 1, 16), new Uint8Array(2100).fill(i)))
    await disk.save(saves)
    model.apply(saves)
    costs.push(puts + reads)
  }
  expect(Math.max(...costs.slice(-6)), 'no more than in the beginning').toBeLessThanOrEqual(Math.max(...costs.slice(0, 3)))
  const gone = model.range('by id', { limit: 700 }).map(({ key }): Save => ({ type: 'delete', partition: 'by id', key }))
  await disk.save(gone)
  model.apply(gone)
  await model.check(disk, ['by id'], 'in runs')
  await disk.close()
  let again = await openPagedDisk(memoryBlocks(inner), KEY)
  await model.check(again, ['by id'], 'opened again')
  expect(await again.partitions()).toContain('by id')
  while (await again.compact()) { /* a piece at a time */ }
  await again.close()
  const headId = createSealer(KEY).idOf('head', 0), head = decodeHead(await createSealer(KEY).open(headId, inner.get(headId) as Uint8Array) as Uint8Array)
  expect(head, 'and programs that know of no runs can read it').toMatchObject({ runs: [] })
  again = await openPagedDisk(memoryBlocks(inner), KEY)
  await model.check(again, ['by id'], 'tidied')
  expect(await again.check()).toEqual([])
})

describe('a store that fails', () => {
  /** A disk with a few pages whose journal is about to be folded, and what happens to it next. */
  async function story(): Promise<{ blocks: Blocks; model: () => DiskModel; steps: readonly (readonly Save[])[] }> {
    const blocks: Blocks = new Map()
    const before: Save[][] = [Array.from({ length: 400 }, (_, i) => put('log', u64(i), noise(i, 200)))]
    for (let i = 0; i < 60; i++) before.push([put('log', u64(1000 + i), noise(i, 30)), put('heads', utf8('alice'), u64(i))])
    const disk = await open(blocks)
    for (const saves of before) await disk.save(saves)
    await disk.close()
    const steps: Save[][] = [
      [put('log', u64(2000), utf8('hello Bob')), put('heads', utf8('alice'), u64(2000))],
      [put('log', u64(2001), utf8('are you there?')), { type: 'delete', partition: 'log', key: u64(5) }],
      [put('log', u64(2002), utf8('the journal has been folded before this one'))],
      Array.from({ length: 300 }, (_, i) => put('log', u64(100 + i * 3), noise(i, 250))),
      [{ type: 'drop', partition: 'heads' }, put('heads', utf8('bob'), u64(1))],
      Array.from({ length: 350 }, (_, i): Save => ({ type: 'delete', partition: 'log', key: u64(i) })),
      Array.from({ length: 3 }, (_, i) => put('files', u64(i), noise(i, 700_000))),
      [put('log', u64(4000), utf8('too much for the journal came before this one'))],
    ]
    return { blocks, steps, model: () => { const model = new DiskModel(); before.forEach(saves => { model.apply(saves) }); return model } }
  }

  /** Counts the store's calls while it is on, and lets the one of number `at` fail: before it has done anything, or when all is done and only the answer is lost. */
  function failing(blocks: Blocks, at: number, isDone: boolean, count: { calls: number; isOn: boolean }): BlockStore {
    const store = memoryBlocks(blocks)
    const call = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!count.isOn) return work()
      const fails = count.calls++ === at
      if (fails && !isDone) throw new DiskError('full', 'No more room.')
      const result = await work()
      if (fails) throw new DiskError('failed', 'The answer was lost.')
      return result
    }
    return { ...store, readMany: ids => call(() => store.readMany(ids)), write: change => call(() => store.write(change)) }
  }

  const rowsOf = async (disk: Disk): Promise<string> => {
    const parts = await Promise.all(['log', 'heads'].map(name => disk.range(name, { limit: 10_000 })))
    return parts.flat().map(row => `${toHex(row.key)}=${toHex(row.value)}`).join()
  }
  const rowsOfModel = (model: DiskModel): string =>
    ['log', 'heads'].flatMap(name => model.range(name, { limit: 10_000 })).map(row => `${toHex(row.key)}=${toHex(row.value)}`).join()

  test.each([['before it has begun', false], ['when all but the answer is done', true]])('at any call, %s: each save is there whole or not at all', async (_when, isDone) => {
    const { blocks: start, steps, model: modelBefore } = await story()
    let at = 0
    for (let hasFailed = true; hasFailed; at++) {
      const blocks: Blocks = new Map(start)
      const count = { calls: 0, isOn: true }
      const store = failing(blocks, at, isDone, count)
      const model = modelBefore()
      const disk = await openPagedDisk(store, KEY, { cacheBytes: 1 }).catch(() => undefined)
      for (const saves of disk === undefined ? [] : steps) {
        count.isOn = true
        const outcome = await disk?.save(saves).then(() => 'saved', reasonOf)
        const untouched = rowsOfModel(model)
        model.apply(saves)
        // Folding goes on behind a save that is done, so calls stay counted.
        if (outcome === 'saved') continue
        count.isOn = false
        // What the disk now shows, in memory, is what a restart would find.
        const found = await rowsOf(await open(new Map(blocks)))
        expect(disk && await rowsOf(disk), `call ${at}`).toBe(found)
        expect([untouched, rowsOfModel(model)], `call ${at}`).toContain(found)
        if (!isDone) expect(found, `a rejected save changed something at call ${at}`).toBe(untouched)
        await disk?.save(saves)
      }
      count.isOn = false
      if (disk !== undefined) expect(await rowsOf(disk), `call ${at}`).toBe(rowsOfModel(model))
      expect(await rowsOf(await open(new Map(blocks))), `call ${at}, reopened`).toBe(disk === undefined ? rowsOfModel(modelBefore()) : rowsOfModel(model))
      hasFailed = count.calls > at
    }
    expect(at, 'calls that were made to fail').toBeGreaterThan(10)
  })

  test('a process that dies at any call leaves what was acknowledged, and perhaps the save under way', async () => {
    const { blocks: start, steps, model: modelBefore } = await story()
    let hasDied = true
    for (let at = 0; hasDied; at++) {
      const blocks: Blocks = new Map(start)
      let calls = 0
      const live = memoryBlocks(blocks)
      const call = <T>(work: () => Promise<T>): Promise<T> => (calls++ < at ? work() : Promise.reject(new DiskError('closed', 'Dead.')))
      const mortal = { ...live, readMany: (ids: readonly BlockId[]) => call(() => live.readMany(ids)), write: (change: BlockChange) => call(() => live.write(change)) }
      const disk = await openPagedDisk(mortal, KEY).catch(() => undefined)
      const acknowledged = modelBefore()
      for (const saves of disk === undefined ? [] : steps) {
        if (await disk?.save(saves).then(() => true, () => false) !== true) break
        acknowledged.apply(saves)
      }
      expect(await rowsOf(await open(blocks)), `call ${at}`).toBe(rowsOfModel(acknowledged))
      hasDied = calls > at
    }
  })

  test('folding that fails for ever stops saves, not what is there; when it works again, all is well', async () => {
    const blocks: Blocks = new Map()
    const store = memoryBlocks(blocks)
    let isFull = false
    const disk = await openPagedDisk({
      ...store,
      // A fold deletes the journal; a small save deletes nothing.
      write: async change => { if (isFull && change.deletes.length > 0) throw new DiskError('full', 'No more room.'); return store.write(change) },
    }, KEY)
    isFull = true
    let saved = 0
    const outcomes = new Set<string>()
    for (let i = 0; i < 330; i++) {
      const outcome = await disk.save([put('log', u64(saved), utf8('x'))]).then(() => 'saved', reasonOf)
      outcomes.add(outcome)
      if (outcome === 'saved') saved++
    }
    expect([...outcomes]).toEqual(['saved', 'full'])
    expect(saved, 'saves before the journal was too long').toBe(320)
    expect((await disk.range('log', { limit: 1000 })).length).toBe(saved)
    isFull = false
    await disk.save([put('log', u64(saved), utf8('x'))])
    expect((await (await open(blocks)).range('log', { limit: 1000 })).length).toBe(saved + 1)
  })

  test.each([0, 1, 2, 3].flatMap((own) => [1, 2, 3, 80].map((others) => [own, others] as const)))('a writer who saved %i times and fell %i behind another is turned away once, and then sees what the other wrote', async (own, others) => {
    const blocks: Blocks = new Map(), alice = await open(blocks)
    for (let n = 0; n < own; n++) await alice.save([put('log', u64(9), u64(n))])
    for (let n = 0, second = await open(blocks); n < others; n++) await second.save([put('log', u64(1), utf8('second'))])
    await expect(alice.save([put('log', u64(1), utf8('first'))])).rejects.toMatchObject({ reason: 'failed' })
    expect(await alice.get('log', u64(1))).toEqual(utf8('second'))
  })
})

describe('a store that was tampered with', () => {
  const NAMES = ['log', 'by id', 'heads']

  /** A disk with a tree of two levels, a journal, and every block as it was once and is no more. */
  async function damageable(scattered = SCATTERED): Promise<{ blocks: Blocks; older: Blocks; model: DiskModel; states: readonly DiskModel[] }> {
    const blocks: Blocks = new Map()
    const older: Blocks = new Map()
    const model = new DiskModel(), states: DiskModel[] = [], said: Save[] = []
    const disk = await open(blocks, scattered)
    for (let round = 0; round < 8; round++) {
      const saves = Array.from({ length: round % 3 === 2 ? 3 : 300 }, (_, i) => [
        put('log', u64(round * 300 + i), noise(i, 180)), put('by id', noise(round * 300 + i + 1, 6), u64(i)), put('heads', utf8('alice'), u64(round)),
      ]).flat()
      for (const [id, bytes] of blocks) older.set(id, bytes)
      await disk.save(saves)
      model.apply(saves)
      states.push(new DiskModel())
      said.push(...saves)
      states.at(-1)?.apply(said)
      if (round % 3 === 1) await disk.compact()
    }
    await disk.close()
    return { blocks, older, model, states }
  }

  /** Reads everything: whether it opened and all was right, or some of it was told to be damaged, or the last saves are gone and that is said. Wrong rows throw. */
  async function inspect(blocks: Blocks, model: DiskModel, states: readonly DiskModel[] = []): Promise<'sound' | 'corrupt' | 'cut'> {
    let result: 'sound' | 'corrupt' = 'sound'
    try {
      const disk = await open(blocks)
      if ((await disk.range(LOST_PARTITION, { limit: 9 })).length > 0) {
        for (const name of NAMES) await disk.range(name, { limit: 100_000 })
        for (const state of states) if (await state.check(disk, NAMES, 'cut').then(() => true, () => false)) return 'cut'
        throw new Error('The disk is as it never was')
      }
      for (const name of NAMES) {
        try {
          await model.check(disk, [name], 'a damaged disk')
        } catch (error) {
          if (reasonOf(error) !== 'corrupt') throw error
          result = 'corrupt'
        }
      }
    } catch (error) {
      if (reasonOf(error) !== 'corrupt') throw error
      return 'corrupt'
    }
    return result
  }

  test.each(WAYS)('%s: each block flipped, cut, emptied, dropped, swapped or put back as it once was: one head is enough, a journal is cut before the damage, all else is told and never read', async (_where, scattered) => {
    const { blocks, older, model, states } = await damageable(scattered)
    expect(await inspect(new Map(blocks), model)).toBe('sound')
    const ids = [...blocks.keys()], results: Record<string, number> = {}
    expect(ids.length).toBeGreaterThan(20)
    const heads = ids.filter((id) => older.has(id) && toHex(older.get(id) as Uint8Array) !== toHex(blocks.get(id) as Uint8Array))
    expect(heads.length, 'only heads are written twice under one id').toBe(3)
    for (const [i, id] of ids.entries()) {
      const bytes = blocks.get(id) as Uint8Array
      const other = ids[(i + 1) % ids.length] as BlockId
      const flipped = bytes.slice()
      const at = (i * 7919) % bytes.length
      flipped[at] = (flipped[at] as number) ^ (1 << (i % 8))
      const damages: Record<string, readonly (readonly [BlockId, Uint8Array | undefined])[]> = {
        flipped: [[id, flipped]], cut: [[id, bytes.slice(0, at)]], emptied: [[id, new Uint8Array()]], dropped: [[id, undefined]],
        'in the place of another': [[other, bytes]], swapped: [[id, blocks.get(other)], [other, bytes]],
      }
      if (heads.includes(id)) damages['rolled back'] = [[id, older.get(id)]]
      for (const [damage, changes] of Object.entries(damages)) {
        const damaged: Blocks = new Map(blocks)
        for (const [place, content] of changes) if (content === undefined) damaged.delete(place); else damaged.set(place, content)
        const result = await inspect(damaged, model, states), isOfHeads = changes.every(([place]) => heads.includes(place))
        expect(result === 'sound', `block ${i} ${damage}: ${result}`).toBe(isOfHeads)
        results[result] = (results[result] ?? 0) + 1
      }
    }
    expect(Object.keys(results).sort()).toEqual(['corrupt', 'cut', 'sound'])
  })

  test('heads put back as they were after any earlier save, one or both: what was saved since is read on, or it is told', async () => {
    const blocks: Blocks = new Map(), heads: (readonly [BlockId, Uint8Array])[][] = [], written: string[] = [], sealer = createSealer(KEY)
    let disk = await open(blocks)
    for (let i = 0; i < 140; i++) {
      const before = [0, 1, 2].map((n) => sealer.idOf('head', n)).map((id) => [id, blocks.get(id) as Uint8Array] as const)
      await disk.save([put('heads', utf8('alice'), u64(i))])
      heads.push(before)
      written.push(before.flatMap(([id, bytes], n) => (toHex(blocks.get(id) as Uint8Array) === toHex(bytes) ? [] : [n])).join())
    }
    await disk.close()
    expect(new Set(written), 'the spare one only when pages are').toEqual(new Set(['0,1', '0,1,2']))
    let opened = 0
    for (const all of heads) {
      for (const some of [all.slice(0, 1), all.slice(1, 2), all.slice(0, 2), all]) {
        const opening = await open(new Map([...blocks, ...some])).catch((error: unknown) => { expect(reasonOf(error)).toBe('corrupt') })
        if (opening === undefined) { expect(some.length).toBe(3); continue }
        disk = opening
        opened++
        const isTold = await disk.range(LOST_PARTITION, { limit: 1 }).then((rows) => rows.length > 0, (error: unknown) => { expect(reasonOf(error)).toBe('corrupt'); return true })
        if (!isTold) expect(await disk.get('heads', utf8('alice'))).toEqual(u64(139))
        else expect(some.length).toBe(3)
      }
    }
    expect(opened).toBeGreaterThan(420)
  })

  test('two heads damaged at once lose nothing; with all of them, or with the last one from before what others wrote, the disk is told to be damaged', async () => {
    const blocks: Blocks = new Map()
    let disk = await open(blocks), stale: Blocks = new Map()
    for (let i = 0; i < 100; i++) {
      await disk.save([put('heads', utf8('alice'), u64(i)), put('log', u64(i), noise(i, 300))])
      if (i === 20) stale = new Map(blocks)
    }
    await disk.close()
    const sealer = createSealer(KEY), heads = [0, 1, 2].map((n) => sealer.idOf('head', n))
    for (const whole of heads) {
      const damaged = new Map([...blocks, ...heads.flatMap((id) => (id === whole ? [] : [[id, noise(3, 80)] as const]))])
      disk = await open(damaged)
      expect([await disk.get('heads', utf8('alice')), (await disk.range('log', { limit: 200 })).length, await disk.check()]).toEqual([u64(99), 100, []])
      await disk.close()
      for (const id of heads) expect(await sealer.open(id, damaged.get(id) as Uint8Array), 'written anew by the check').toBeDefined()
    }
    const [first = '', second = '', spare = ''] = heads, gone = new Map(blocks)
    for (const id of heads) gone.delete(id)
    for (const damaged of [gone, new Map([...blocks, [first, noise(1, 9)], [second, noise(2, 9)], [spare, stale.get(spare) as Uint8Array]] as const)]) {
      expect(reasonOf(await open(damaged).catch((error: unknown) => error))).toBe('corrupt')
    }
  })

  test('a record of the journal is damaged: the disk is as before that save, says so once, and takes saves again', async () => {
    const blocks: Blocks = new Map(), known: Set<BlockId>[] = []
    let disk = await open(blocks)
    for (let i = 0; i < 5; i++) {
      known.push(new Set(blocks.keys()))
      // Longer than one record: it must not be there by half.
      await disk.save([put('heads', utf8('alice'), u64(i)), ...Array.from({ length: i === 3 ? 400 : 1 }, (_, n) => put('log', u64(i * 1000 + n), noise(n, 300)))])
    }
    await disk.close()
    const fourth = [...blocks.keys()].filter((id) => known[4]?.has(id) && !known[3]?.has(id))
    expect(fourth.length).toBeGreaterThan(2)
    for (const id of fourth) {
      const damaged = new Map(blocks)
      damaged.set(id, noise(1, 300))
      disk = await open(damaged)
      for (let round = 0; round < 2; round++) {
        expect(await disk.get('heads', utf8('alice'))).toEqual(u64(2))
        expect((await disk.range('log', { limit: 1000 })).length).toBe(3)
        expect((await disk.range(LOST_PARTITION, { limit: 9 })).length).toBe(1)
        expect(await disk.check()).toEqual([])
        await disk.close()
        disk = await open(damaged)
      }
      await disk.save([put('heads', utf8('alice'), u64(9))])
      await disk.close()
      expect(await (await open(damaged)).get('heads', utf8('alice'))).toEqual(u64(9))
    }
  })

  test('a check writes anew what memory has whole: heads and a journal that were damaged since the disk was opened', async () => {
    const { blocks, model } = await damageable()
    const disk = await open(blocks), before = new Set(blocks.keys())
    await disk.save([put('heads', utf8('bob'), u64(1))])
    for (const id of [...blocks.keys()].filter((one) => !before.has(one))) blocks.set(id, noise(1, 300))
    expect(await disk.check()).toEqual([])
    await disk.close()
    const again = await open(blocks)
    expect(await again.get('heads', utf8('bob'))).toEqual(u64(1))
    await model.check(again, ['log', 'by id'], 'the rest')
    expect(await again.range(LOST_PARTITION, { limit: 9 })).toEqual([])
  })

  test('blocks that nobody names are never read', async () => {
    const { blocks, older, model } = await damageable()
    expect(await inspect(new Map([...older, ...blocks]), model)).toBe('sound')
  })

  test('what is damaged is named, the rest can still be read, and nothing is deleted', async () => {
    const { blocks, model } = await damageable()
    const size = blocks.size
    const largest = [...blocks].reduce((a, b) => (b[1].length > a[1].length ? b : a))[0]
    blocks.delete(largest)
    const disk = await open(blocks)
    await expect(disk.range('log', { limit: 10_000 })).rejects.toThrow('partition "log"')
    await model.check(disk, ['by id'], 'beside the damage')
    expect(blocks.size).toBe(size - 1)
  })

  test('another key opens nothing', async () => {
    const { blocks } = await damageable()
    await expect(openPagedDisk(memoryBlocks(blocks), new Uint8Array(32).fill(4))).rejects.toMatchObject({ reason: 'corrupt' })
  })
})

describe('a store that is looked into', () => {
  test('shows neither names, nor keys, nor values, in any encoding, nor where one thing lies', async () => {
    const marker = 'the meeting is at noon'
    const blocks: Blocks = new Map()
    const disk = await open(blocks)
    const seen: string[] = []
    for (let i = 0; i < 100; i++) {
      await disk.save([put(`messages/${marker}`, utf8(`${marker} ${i}`), utf8(marker.repeat(30)))])
      for (const [id, bytes] of blocks) seen.push(id, toHex(bytes))
    }
    const all = seen.join(' ')
    const shapes = [utf8(marker), new Uint8Array(Buffer.from(marker, 'utf16le')), utf8(btoa(marker)), utf8(toHex(utf8(marker)))]
    for (const shape of shapes) expect(all.includes(toHex(shape))).toBe(false)
    expect(blocks.size).toBeGreaterThan(3)
    for (const id of blocks.keys()) expect(id).toMatch(/^[0-9a-f]{32}$/)
  })

  test('what was deleted or replaced is in no block any more once the disk is tidied, whatever held it', async () => {
    const blocks: Blocks = new Map()
    const disk = await open(blocks)
    const secret = 'the meeting is at noon', sealer = createSealer(KEY)
    const holds = async (): Promise<boolean> => {
      for (const [id, bytes] of blocks) {
        const opened = await sealer.open(id, bytes)
        if (opened !== undefined && toHex(opened).includes(toHex(utf8(secret)))) return true
      }
      return false
    }
    await disk.save(Array.from({ length: 20_000 }, (_, i) => put('log', noise(i + 1, 6), utf8(i % 1000 === 7 ? secret : 'x'.repeat(60)))))
    while (await disk.compact()) { /* all into the tree */ }
    await disk.save(Array.from({ length: 20 }, (_, n) => put('log', noise(n * 1000 + 8, 6), utf8('gone'))))
    expect(await holds()).toBe(true)
    let pieces = 0
    while (await disk.compact()) pieces++
    expect(await holds()).toBe(false)
    expect(pieces).toBeGreaterThan(1)
    expect((await disk.range('log', { limit: 30_000 })).length).toBe(20_000)
  })
})
