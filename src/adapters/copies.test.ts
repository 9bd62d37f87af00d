/** Alice saves all she has in a file, and takes it onto another disk. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CopyEnd, Disk, Save } from '../ports.ts'
import { toHex, u64, utf8 } from '../wire/bytes.ts'
import { encodeNumber } from '../wire/records.ts'
import { TAKEN_KEY, TAKING } from '../wire/copy.ts'
import { type CopyFiles, createCopies, dropHalf } from './copies.ts'
import { fileCopies } from './copies-file.ts'
import { memoryBlocks } from './disk-blocks.ts'
import { FORM, MIGRATIONS } from './disk-forms.ts'
import { dice } from './disk-damage.test-support.ts'
import { type DiskSnapshot, faultyDisk, openMemoryDisk, type SaveFault } from './disk-memory.ts'
import { openPagedDisk } from './disk-pages.ts'
import { seededRandom } from './random.ts'

const SECRET = 'slugs under the lettuce', MARKER = 'the meeting is at noon under the oak'
const silent = (): void => undefined
/** Each look at the clock takes ten seconds: whoever measures how fast this machine is finds it slow, and takes the least costly lock. */
const slowClock = (): (() => number) => { let at = 1_800_000_000_000; return () => (at += 10_000) }

let dir = ''
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'thicket-copies-')) })
afterEach(() => { rmSync(dir, { recursive: true }) })
const copiesHere = (files: CopyFiles = fileCopies(dir, Date.now)): ReturnType<typeof createCopies> => createCopies({ files, now: slowClock() })

const put = (partition: string, key: Uint8Array, value: Uint8Array): Save => ({ type: 'put', partition, key, value })

/** A disk with many partitions, with rows of every size, some still in its journal. */
async function aDisk(rows = 600): Promise<Disk> {
  const disk = await openPagedDisk(memoryBlocks(), new Uint8Array(32).fill(3)), random = seededRandom('a disk')
  await disk.save(Array.from({ length: rows }, (_, i) => put(`ops/${i % 7}`, u64(i), i % 2 === 0 ? random.bytes(500) : utf8(`${MARKER} ${i}`))))
  await disk.save([put('large', u64(1), random.bytes(2 * 1024 * 1024)), put('large', u64(2), new Uint8Array(4 * 1024 * 1024)), put('me', u64(0), utf8('Alice')), put('empty value', u64(0), new Uint8Array())])
  await disk.save([{ type: 'drop', partition: 'ops/3' }])
  return disk
}

async function all(disk: Disk): Promise<string[]> {
  const out: string[] = []
  for await (const { partition, rows } of disk.copy()) for (const { key, value } of rows) out.push(`${partition} ${toHex(key)} ${value.length} ${toHex(value.subarray(0, 40))}`)
  return out
}
/** What every disk has that was taken from a copy: who it must not be, and its form. */
const TAKEN_ROWS = [`me ${toHex(TAKEN_KEY)} 0 `, `form 00 1 0${MIGRATIONS.at(-1)?.to}`]

async function saved(disk: Disk): Promise<string> {
  const end = await copiesHere().save(disk, SECRET, silent)
  if (end.type !== 'done') throw new Error(end.type)
  return end.file
}

describe('a copy', () => {
  test('has every row, says nothing of them to who has no passphrase, and marks the disk that takes it', async () => {
    const disk = await aDisk(), told: number[] = []
    const end = await copiesHere().save(disk, SECRET, (done, of) => { told.push(done / of) })
    expect(end).toMatchObject({ type: 'done' })
    const { file, bytes } = end as CopyEnd & { type: 'done' }
    expect(readFileSync(file).length).toBe(bytes)
    expect(told).toEqual([...told].sort((a, b) => a - b))
    expect(told.at(-1)).toBeGreaterThan(0.9)
    for (const said of [MARKER, 'ops/', 'Alice']) expect(readFileSync(file).includes(said), said).toBe(false)
    const other = openMemoryDisk()
    await other.save([put('linking', u64(0), utf8('a code that was asked for'))])
    expect(await copiesHere().take(other, file, SECRET, silent)).toEqual({ type: 'done', file, bytes })
    expect((await all(other)).sort()).toEqual([...await all(disk), ...TAKEN_ROWS].sort())
  })

  test('of an empty disk is a copy, too', async () => {
    const file = await saved(openMemoryDisk()), other = openMemoryDisk()
    expect(await copiesHere().take(other, file, SECRET, silent)).toMatchObject({ type: 'done' })
    expect((await all(other)).sort()).toEqual([...TAKEN_ROWS].sort())
  })

  test('with another passphrase, or without a file, nothing is taken and nothing is lost', async () => {
    const file = await saved(await aDisk()), other = openMemoryDisk()
    await other.save([put('linking', u64(0), utf8('asked'))])
    const before = await all(other)
    expect(await copiesHere().take(other, file, 'slugs under the roses', silent)).toEqual({ type: 'locked' })
    expect(await copiesHere().take(other, join(dir, 'nowhere'), SECRET, silent)).toEqual({ type: 'invalid' })
    expect(await all(other)).toEqual(before)
    expect(await copiesHere().take(other, file, SECRET.normalize('NFD'), silent)).toMatchObject({ type: 'done' })
  })

  test('cut off, longer, changed or put together anew in any place, it is refused, and the disk stays empty', async () => {
    const file = await saved(await aDisk(60)), good = readFileSync(file), roll = dice('damage')
    const starts: number[] = []
    for (let at = 15 + (good[13] as number) - 1; at < good.length; at += 4 + good.readUInt32BE(at)) starts.push(at)
    const without = (n: number): Buffer => Buffer.concat([good.subarray(0, starts[n]), good.subarray(starts[n + 1] ?? good.length)])
    const damaged: Buffer[] = [
      Buffer.alloc(0), Buffer.concat([good, Buffer.of(0)]), ...starts.map((at) => good.subarray(0, at)), ...starts.map((_, n) => without(n)),
      Buffer.concat([without(2), good.subarray(starts[2], starts[3])]), ...[0, 13, 14, 15, 40].map((at) => Buffer.from(good.map((byte, i) => (i === at ? byte ^ 1 : byte)))),
    ]
    for (let n = 0; n < 12; n++) { const at = roll(good.length), bit = 1 << roll(8); damaged.push(Buffer.from(good.map((byte, i) => (i === at ? byte ^ bit : byte)))) }
    for (const [n, bytes] of damaged.entries()) {
      const other = openMemoryDisk()
      writeFileSync(file, bytes)
      expect((await copiesHere().take(other, file, SECRET, silent)).type, `case ${n}`).toMatch(/^(invalid|locked|newer)$/)
      expect(await all(other), `case ${n}`).toEqual([])
    }
    writeFileSync(file, good)
    expect(await copiesHere().take(openMemoryDisk(), file, SECRET, silent)).toMatchObject({ type: 'done' })
  }, 60_000)

  test('of a newer program is not guessed at, whether its file is newer or what is in it', async () => {
    const later = openMemoryDisk(), inFile = openMemoryDisk()
    await later.save([put('ops', u64(1), utf8('in another form')), { type: 'put', ...FORM, value: encodeNumber(99) }])
    expect(await copiesHere().take(inFile, await saved(later), SECRET, silent)).toEqual({ type: 'newer' })
    expect(await all(inFile)).toEqual([])
    const file = await saved(openMemoryDisk()), bytes = readFileSync(file)
    bytes[12] = 2
    writeFileSync(file, bytes)
    expect(await copiesHere().take(openMemoryDisk(), file, SECRET, silent)).toEqual({ type: 'newer' })
  })
})

describe('when it does not come to its end', () => {
  test('whoever cancels keeps no half of it: no file, and no row', async () => {
    const disk = await aDisk(), copies = copiesHere()
    expect(await copies.save(disk, SECRET, () => { copies.cancel() })).toEqual({ type: 'cancelled' })
    expect(readdirSync(join(dir, 'copies'))).toEqual([])
    const file = await saved(disk), other = openMemoryDisk()
    expect(await copies.take(other, file, SECRET, () => { copies.cancel() })).toEqual({ type: 'cancelled' })
    expect(await all(other)).toEqual([])
    await disk.save([put('me', u64(9), utf8('the disk goes on'))])
  })

  test('a disk on which a page is damaged says so instead of leaving it out', async () => {
    const blocks = new Map<string, Uint8Array>(), disk = await openPagedDisk(memoryBlocks(blocks), new Uint8Array(32).fill(3), { cacheBytes: 1 })
    await disk.save(Array.from({ length: 3000 }, (_, i) => put('ops', u64(i), seededRandom(`row ${i}`).bytes(900))))
    blocks.delete([...blocks].reduce((a, b) => (b[1].length > a[1].length ? b : a))[0])
    expect(await copiesHere().save(disk, SECRET, silent)).toEqual({ type: 'damaged' })
    expect(readdirSync(join(dir, 'copies'))).toEqual([])
  })

  test('no room for the file, or on the disk: it is said, and nothing is left', async () => {
    const full: CopyFiles = { ...fileCopies(dir, Date.now), create: async () => ({ ...await fileCopies(dir, Date.now).create(), write: async () => { throw Object.assign(new Error('no space'), { code: 'ENOSPC' }) } }) }
    expect(await copiesHere(full).save(await aDisk(), SECRET, silent)).toEqual({ type: 'full' })
    const file = await saved(await aDisk()), inner = openMemoryDisk()
    let saves = 0
    expect(await copiesHere().take(faultyDisk(inner, () => (++saves === 3 ? 'full' : 'none')), file, SECRET, silent)).toEqual({ type: 'full' })
    expect(await all(inner)).toEqual([])
  })

  test('a process that dies at any save leaves whoever was on the disk, and the next start clears the rest; or all is there', async () => {
    const disk = await aDisk(), file = await saved(disk), whole = [...await all(disk), ...TAKEN_ROWS].sort()
    for (const fault of ['die-before', 'die-after'] satisfies SaveFault[]) {
      for (let at = 1, isThrough = false; !isThrough; at++) {
        const inner = openMemoryDisk()
        await inner.save([put('me', u64(0), utf8('Bob, who is in no space'))])
        const before = await all(inner)
        let saves = 0
        const end = await copiesHere().take(faultyDisk(inner, () => (++saves === at ? fault : 'none')), file, SECRET, silent)
        isThrough = saves < at
        expect(end.type).toBe(isThrough ? 'done' : 'failed')
        const left: DiskSnapshot = inner.snapshot(), again = openMemoryDisk(left)
        if (await again.get(TAKING.partition, TAKING.key) === undefined) {
          const rows = (await all(again)).sort()
          if (rows.length > 1) expect(rows, `${fault} ${at}`).toEqual(whole)
          else expect(rows).toEqual(before)
        } else {
          await dropHalf(again)
          expect(await all(again), `${fault} ${at}`).toEqual(before)
        }
      }
    }
  }, 60_000)
})
