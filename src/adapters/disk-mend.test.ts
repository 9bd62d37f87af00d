/** Damage by chance: always found, named, and cut out without touching the rest. */
import { describe, expect, test } from 'vitest'
import { type Disk, DiskError, type Lost, type Row, type Save } from '../ports.ts'
import { compare, concat, toHex, u64, utf8 } from '../wire/bytes.ts'
import { decodeLoss, LOST_PARTITION, lostIn, partitionPrefix } from '../wire/losses.ts'
import { DISK_CONTRACT, DiskModel } from './disk.contract.ts'
import { memoryBlocks } from './disk-blocks.ts'
import { type Blocks, damage, dice, isSame } from './disk-damage.test-support.ts'
import { openPagedDisk } from './disk-pages.ts'
import { SCATTERED, type Scattered } from './disk-runs.ts'
import { seededRandom } from './random.ts'
import { createSealer } from './seal-blocks.ts'

const KEY = new Uint8Array(32).fill(3)
const NAMES = ['log', 'by id', 'heads']
const CASES = 520
/** All that is folded over a tree goes into runs. */
const IN_RUNS: Scattered = { rows: 1, pages: 1, share: Infinity }
let scattered = SCATTERED
const open = (blocks: Blocks, cacheBytes = 1): Promise<Disk> => openPagedDisk(memoryBlocks(blocks), KEY, { cacheBytes, scattered })
const put = (partition: string, key: Uint8Array, value: Uint8Array): Save => ({ type: 'put', partition, key, value })

interface Good { readonly row: Row; readonly key: string; readonly shown: string }
type Rows = ReadonlyMap<string, ReadonlyMap<string, Good>>
/** `states`: its rows after each save, the last first. */
interface Written { readonly blocks: Blocks; readonly model: DiskModel; readonly older: Blocks; readonly states: readonly Rows[] }

/** A disk with a tree of two levels whose pages have been rewritten, some entries still on their way down, and a journal; and every block that there once was. */
async function written(): Promise<Written> {
  const random = seededRandom('pages'), blocks: Blocks = new Map(), older: Blocks = new Map(), model = new DiskModel()
  const states: Rows[] = [], disk = await open(blocks)
  for (let round = 0; round < 14; round++) {
    const count = round % 4 === 3 ? 12 : 110
    const saves = Array.from({ length: count }, (_, i) => {
      const n = round * 110 + i
      return [put('log', u64(n), random.bytes(150)), put('by id', concat(random.bytes(5), u64(n)), u64(n)), put('heads', utf8(`device ${n % 40}`), u64(n))]
    }).flat()
    for (const [id, bytes] of blocks) older.set(id, bytes)
    await disk.save(saves)
    model.apply(saves)
    states.unshift(rowsOf(model))
  }
  await disk.close()
  return { blocks, model, older, states }
}

const rowsOf = (model: DiskModel): Rows => new Map(NAMES.map((name) => [name, new Map(model.range(name, { limit: 100_000 }).map((row) => [toHex(row.key), { row, key: toHex(row.key), shown: show([row]) }]))]))

const isLost = (lost: readonly Lost[], partition: string, { key }: Row): boolean => {
  const place = concat(partitionPrefix(partition), key)
  return lost.some(({ from, to }) => compare(from, place) <= 0 && (to === undefined || compare(place, to) < 0))
}
const show = (rows: readonly Row[]): string => rows.map((row) => `${toHex(row.key)}=${toHex(row.value)}`).join(' ')

const rowsIn = async (disk: Disk, name: string): Promise<Map<string, string>> => new Map((await disk.range(name, { limit: 100_000 })).map((row) => [toHex(row.key), show([row])]))

/** Whether a disk is as it was then, but for what is lost. What waited above a page to be carried down is not lost with it. */
async function isAsThen(disk: Disk, then: Rows, lost: readonly Lost[]): Promise<boolean> {
  for (const name of NAMES) {
    const before = then.get(name) ?? new Map<string, Good>(), found = await rowsIn(disk, name)
    if ([...before.values()].some(({ row, key }) => !found.has(key) && !isLost(lost, name, row)) || [...found].some(([key, shown]) => before.get(key)?.shown !== shown)) return false
  }
  return true
}

/** Puts it right, and holds what is left against what was there: now, or where the journal had to be cut, after an earlier save. */
async function mended(disk: Disk, damaged: Blocks, { states }: Written, how: string): Promise<void> {
  const named = await disk.check()
  expect(await disk.mend(), how).toEqual(named)
  const isCut = (await disk.range(LOST_PARTITION, { limit: 100 })).length > named.length
  for (const again of [disk, await open(damaged, 1 << 22)]) {
    expect(await again.check(), how).toEqual([])
    let fits = false
    for (const then of isCut ? states : states.slice(0, 1)) fits ||= await isAsThen(again, then, named)
    expect(fits, how).toBe(true)
    expect((await again.range(LOST_PARTITION, { limit: 100 })).map((row) => decodeLoss(row.value)?.from).length, how).toBe(named.length + (isCut ? 1 : 0))
  }
  await disk.save([put('log', u64(99_999), utf8('life goes on'))])
  expect(await disk.get('log', u64(99_999)), how).toEqual(utf8('life goes on'))
}

describe('damage by chance', () => {
  test.each([['in the tree', SCATTERED], ['in runs', IN_RUNS]])(`%s, ${CASES} times: flipped, cut, grown, dropped, swapped, rolled back: always found, never read, and the rest stays`, async (_where, chosen) => {
    scattered = chosen
    const good = await written(), roll = dice('damage')
    let opened = 0
    for (let n = 0; n < CASES; n++) {
      const { damaged, how } = damage(good, roll)
      if (isSame(damaged, good.blocks)) continue
      const disk = await open(damaged).catch((error: unknown) => {
        expect(error, how).toMatchObject({ reason: 'corrupt' })
        return undefined
      })
      if (disk === undefined) continue
      opened++
      await mended(disk, damaged, good, `case ${n}: ${how}`)
      await disk.close()
    }
    expect(opened).toBeGreaterThan(CASES / 2)
    scattered = SCATTERED
  }, 240_000)

  test('a page that is remembered is looked at where it lies all the same', async () => {
    const { blocks, model } = await written()
    const disk = await open(blocks, 1 << 24)
    await model.check(disk, NAMES, 'before')
    const largest = [...blocks].reduce((a, b) => (b[1].length > a[1].length ? b : a))[0]
    blocks.delete(largest)
    expect(await disk.check()).toHaveLength(1)
  })

  test('while others write, a sound disk stays sound, and how far the check is gets told', async () => {
    const { blocks } = await written()
    const disk = await open(blocks), told: number[] = []
    let writes = 0
    const found = await disk.check((done, all) => {
      told.push(done / all)
      if (told.length % 2 === 0) void disk.save(Array.from({ length: 300 }, (_, i) => put('log', u64(i * 7), u64(writes++))))
    })
    expect(found).toEqual([])
    expect(told.length).toBeGreaterThan(2)
    expect(told.at(-1)).toBe(1)
  })

  test('a disk that is closed, or that failed for another reason, says so instead', async () => {
    const { blocks } = await written()
    const disk = await open(blocks)
    await disk.close()
    await expect(disk.check()).rejects.toBeInstanceOf(DiskError)
    await expect(disk.mend()).rejects.toMatchObject({ reason: 'closed' })
  })
})

test('a loss says which keys of a partition it holds', () => {
  const at = (partition: string, key: string): Uint8Array => concat(partitionPrefix(partition), utf8(key))
  const loss = { from: at('log', 'c'), to: at('messages', 'm') }
  expect(lostIn(loss, 'log')).toEqual({ from: utf8('c'), to: undefined })
  expect(lostIn(loss, 'index')).toEqual({ from: new Uint8Array(), to: undefined })
  expect(lostIn(loss, 'messages')).toEqual({ from: new Uint8Array(), to: utf8('m') })
  expect(lostIn(loss, 'id')).toBeUndefined()
  expect(lostIn({ from: new Uint8Array(), to: undefined }, 'id')).toEqual({ from: new Uint8Array(), to: undefined })
  expect(DISK_CONTRACT.map(({ name }) => name)).toContain('a sound disk is found sound, and there is nothing to mend')
})

test.each([0, 1])('head %i damaged, and the record that was saved last gone: the other head tells of it', async (n) => {
  const blocks: Blocks = new Map(), sealer = createSealer(KEY), disk = await open(blocks)
  for (let i = 0; i < 5; i++) await disk.save([put('heads', utf8('alice'), u64(i))])
  await disk.close()
  const last = Array.from({ length: 20 }, (_, i) => sealer.idOf('journal', i)).findLast((id) => blocks.has(id))
  if (last === undefined) expect.fail('there is a journal')
  blocks.delete(last)
  blocks.set(sealer.idOf('head', n), new Uint8Array(100))
  expect(await (await open(blocks)).range(LOST_PARTITION, { limit: 1 })).toHaveLength(1)
})
