/** A file that small saves count in before the store has them: what a crash at any moment leaves is what was acknowledged. */
import { describe, expect, test } from 'vitest'
import { type Disk, DiskError, type Row } from '../ports.ts'
import { concat, fromU64, u64 } from '../wire/bytes.ts'
import { LOST_PARTITION } from '../wire/losses.ts'
import { type BlockId, type BlockStore, memoryBlocks } from './disk-blocks.ts'
import { dice } from './disk-damage.test-support.ts'
import { encodeHead } from './disk-format.ts'
import { openPagedDisk } from './disk-pages.ts'
import { decodeEntries, encodeEntry, TAIL_BYTES, type TailFile, withTail } from './disk-tail.ts'
import { opfsTail } from './tail-opfs.ts'

type Blocks = Map<BlockId, Uint8Array>
const KEY = new Uint8Array(32).fill(9)

/** A device: what is on its two places, and Alice's program on it. */
class Device {
  blocks: Blocks = new Map()
  file = new Uint8Array(2 * TAIL_BYTES)
  /** The store answers, refuses, or is so slow that it never does. */
  store: 'well' | 'full' | 'stuck' | 'slow' = 'well'
  #asked: (() => void)[] = []
  /** What a power cut brings back: emptying is not flushed. */
  #uncleared: Uint8Array<ArrayBuffer> | undefined
  isFileBroken = false
  isFileOpen = true
  transactions = 0
  #due: (() => void)[] = []

  async open(): Promise<Disk> { return openPagedDisk(await withTail(this.#store(), this.#tail(), (ms) => this.#wait(ms)), KEY) }

  /** Without its file. */
  openBare(): Promise<Disk> { return openPagedDisk(this.#store(), KEY) }

  /** What a slow store has been asked goes through. */
  answer(): void { for (const go of this.#asked.splice(0)) go() }

  /** The moment after: the store follows. */
  async later(): Promise<void> {
    for (const fire of this.#due.splice(0)) fire()
    await this.settle()
  }

  settle(): Promise<void> { return new Promise((resolve) => { setTimeout(resolve, 5) }) }

  #wait(ms: number): Promise<void> {
    expect(ms).toBeLessThan(100)
    return new Promise((resolve) => { this.#due.push(resolve) })
  }

  #store(): BlockStore {
    const inner = memoryBlocks(this.blocks)
    return {
      ...inner,
      write: async (change) => {
        if (this.store === 'stuck') return new Promise(() => undefined)
        if (this.store === 'full') throw new DiskError('full', 'no room')
        const wait = (): Promise<void> => new Promise((resolve) => { this.#asked.push(resolve) })
        if (this.store === 'slow') await wait()
        this.transactions++
        await inner.write(change)
        // It is done, and nobody knows yet.
        if (this.store === 'slow') await wait()
      },
    }
  }

  #tail(): TailFile {
    return {
      read: () => this.file.slice(0, TAIL_BYTES),
      write: (bytes, at) => { this.#uncleared = undefined; this.file.set(bytes, at); if (this.isFileBroken) throw new Error('it may be there, or not') },
      clear: (from, to) => { this.#uncleared = this.file.slice(); this.file.fill(0, from, to) },
      close: () => { this.isFileOpen = false },
    }
  }

  /** Answers until it is done. */
  async through(work: Promise<unknown>): Promise<void> {
    let isDone = false
    void work.finally(() => { isDone = true })
    while (!isDone) { this.answer(); await this.settle() }
    await work
  }

  /** What a kill leaves, or a power cut. */
  killed(isPowerCut = false): Device {
    const left = new Device()
    left.blocks = new Map(this.blocks)
    left.file = (isPowerCut ? this.#uncleared ?? this.file : this.file).slice()
    return left
  }
}

const put = (n: number, size = 10) => [{ type: 'put', partition: 'p', key: u64(n), value: new Uint8Array(size).fill(n) }] as const
const rows = (disk: Disk): Promise<Row[]> => disk.range('p', { limit: 1000 })
const numbers = async (disk: Disk): Promise<number[]> => (await rows(disk)).map(({ value }) => value[0] as number)
const isClear = (file: Uint8Array): boolean => file.every((byte) => byte === 0)

describe('what counts, and when', () => {
  test('a small save counts once the file has it; the store follows a moment later, in one transaction for all, and the file is emptied', async () => {
    const device = new Device(), disk = await device.open()
    const before = device.transactions
    for (const n of [1, 2, 3]) await disk.save(put(n))
    expect(device.transactions).toBe(before)
    expect([...decodeEntries(device.file)]).toHaveLength(3)
    expect(await numbers(disk)).toEqual([1, 2, 3])
    await device.later()
    expect(device.transactions).toBe(before + 1)
    expect(isClear(device.file)).toBe(true)
    expect(await numbers(await device.killed().openBare())).toEqual([1, 2, 3])
  })

  test('a store that never answers keeps nobody waiting who saves little, until the file is full', async () => {
    const device = new Device(), disk = await device.open()
    device.store = 'stuck'
    await disk.save(put(1))
    await device.later()
    for (let n = 2; n < 20; n++) await disk.save(put(n, 1000))
    expect(await numbers(await device.killed().open())).toEqual(Array.from({ length: 19 }, (_, n) => n + 1))
    let isKept = true
    for (let n = 20; isKept && n < 200; n++) isKept = await Promise.race([disk.save(put(n, 1000)).then(() => true), device.later().then(() => false)])
    expect(isKept).toBe(false)
    expect(isClear(device.file.subarray(TAIL_BYTES))).toBe(true)
  })

  test('what comes while the store follows counts at once as well, and follows next, however it ends', async () => {
    const device = new Device(), disk = await device.open()
    device.store = 'slow'
    await disk.save(put(1))
    await device.later()
    await disk.save(put(2))
    for (let n = 0; n < 2; n++) { device.answer(); await device.later() }
    expect(await numbers(await device.killed().openBare())).toEqual([1])
    expect(await numbers(await device.killed().open())).toEqual([1, 2])
    const large = disk.save(put(3, 20_000))
    device.answer()
    await device.later()
    device.store = 'well'
    device.answer()
    await large
    device.store = 'slow'
    await disk.save(put(4))
    await device.later()
    await disk.save(put(5))
    const closed = disk.close()
    await device.later()
    device.store = 'well'
    device.answer()
    await closed
    expect(await numbers(await device.killed().openBare())).toEqual([1, 2, 3, 4, 5])
    expect(isClear(device.file)).toBe(true)
  })

  test('what is large goes to the store, with all that it lacks; so does what deletes blocks, and then nothing of before is in the file', async () => {
    const device = new Device(), disk = await device.open()
    await disk.save(put(1))
    await disk.save(put(2, 20_000))
    expect(isClear(device.file)).toBe(true)
    expect(await numbers(await device.killed().openBare())).toEqual([1, 2])
    await disk.save(put(3))
    expect(isClear(device.file)).toBe(false)
    while (await disk.compact()) { /* until nothing is left to do */ }
    expect(isClear(device.file)).toBe(true)
    expect(await numbers(await device.killed().openBare())).toEqual([1, 2, 3])
    const other = new Device(), bare = await other.openBare()
    for (const save of [put(1), put(2, 20_000), put(3)]) await bare.save(save)
    while (await bare.compact()) { /* until nothing is left to do */ }
    expect(device.blocks.size).toBe(other.blocks.size)
  })

  test('closing leaves nothing in the file', async () => {
    const device = new Device(), disk = await device.open()
    await disk.save(put(1))
    await disk.close()
    expect(isClear(device.file)).toBe(true)
    expect(device.isFileOpen).toBe(false)
    expect(await numbers(await device.openBare())).toEqual([1])
  })
})

describe('after a crash', () => {
  test('what the file has beyond the store is there, whether it has followed to the end, half, or not at all', async () => {
    const device = new Device(), disk = await device.open(), left: Device[] = []
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await disk.save(put(n))
      left.push(device.killed())
      if (n % 2 === 0) { await device.later(); left.push(device.killed()) }
    }
    const found = await Promise.all(left.map(async (one) => (await numbers(await one.open())).length))
    expect(found).toEqual([1, 2, 2, 3, 4, 4, 5, 6, 6])
    const last = (left[7] as Device).killed(), again = await last.open()
    await last.later()
    expect(isClear(last.file)).toBe(true)
    await again.save(put(7))
    expect(await numbers(await last.killed().open())).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('the store has followed and the file was not emptied yet: nothing is read twice', async () => {
    const device = new Device(), disk = await device.open()
    for (const n of [1, 2]) await disk.save(put(n))
    const full = device.file.slice()
    await device.later()
    device.file = full
    const again = await device.open()
    expect(await numbers(again)).toEqual([1, 2])
    await again.save([{ type: 'delete', partition: 'p', key: u64(1) }])
    expect(await numbers(await device.killed().open())).toEqual([2])
  })

  test('torn at any byte, the last save is there whole or not at all, and those before it are', async () => {
    const device = new Device(), disk = await device.open()
    for (const n of [1, 2]) await disk.save(put(n))
    const before = [...decodeEntries(device.file)].at(-1)?.end as number
    await disk.save(put(3))
    const end = [...decodeEntries(device.file)].at(-1)?.end as number
    for (let cut = before; cut < end; cut += 7) {
      const torn = device.killed()
      torn.file.fill(0, cut)
      const opened = await torn.open()
      expect(await numbers(opened), `cut at ${cut}`).toEqual([1, 2])
      expect(await opened.range(LOST_PARTITION, { limit: 9 })).toEqual([])
    }
  })

  test('what stands behind the last entry from before is none of this chain', async () => {
    const device = new Device(), disk = await device.open()
    for (const n of [1, 2, 3]) await disk.save(put(n))
    const past = device.file.slice()
    await device.later()
    await disk.save(put(4))
    const end = [...decodeEntries(device.file)].at(-1)?.end as number
    device.file.set(past.subarray(end), end)
    expect(await numbers(await device.killed().open())).toEqual([1, 2, 3, 4])
  })

  test('a file from before the store went on without it, or of another store, changes nothing', async () => {
    const device = new Device(), disk = await device.open()
    for (const n of [1, 2]) await disk.save(put(n))
    const past = device.file.slice()
    await disk.close()
    const bare = await device.openBare()
    await bare.save(put(3))
    device.file = past
    expect(await numbers(await device.open())).toEqual([1, 2, 3])
    const other = new Device()
    await (await other.open()).save(put(9))
    await other.later()
    other.file = past
    expect(await numbers(await other.open())).toEqual([9])
    const emptied = new Device()
    emptied.file = past
    expect(await numbers(await emptied.open())).toEqual([])
  })

  test('without its file, or with one put back, the disk is whole, and older by what only the file had', async () => {
    const device = new Device(), disk = await device.open()
    await disk.save(put(1))
    await device.later()
    const past = device.file.slice()
    await disk.save(put(2))
    const gone = device.killed(), back = device.killed()
    back.file = past
    for (const one of [gone.openBare(), back.open()]) {
      expect(await numbers(await one)).toEqual([1])
      expect(await (await one).check()).toEqual([])
    }
  })

  test('any flipped bit of the file is found: of what was saved nothing is read in another form', async () => {
    const device = new Device(), disk = await device.open()
    for (const n of [1, 2]) await disk.save(put(n))
    const end = [...decodeEntries(device.file)].at(-1)?.end as number
    for (let at = 0; at < end; at += 13) {
      const flipped = device.killed()
      flipped.file[at] = (flipped.file[at] as number) ^ 4
      expect([[], [1], [1, 2]], `at ${at}`).toContainEqual(await numbers(await flipped.open()))
    }
  })

  test('an entry that somebody made up, with a sum that is right, is found as damage of the store would be', async () => {
    const device = new Device(), disk = await device.open()
    await disk.save(put(1))
    const made = device.killed()
    const [entry] = [...decodeEntries(made.file)]
    const changed = new Map([...entry?.change.puts ?? []].map(([id, bytes]) => [id, concat(bytes.subarray(0, -1), Uint8Array.of(1))]))
    made.file.fill(0).set(encodeEntry({ puts: changed, deletes: [], fence: entry?.change.fence ?? { id: '', bytes: undefined } }))
    const opened = await made.open()
    expect(await numbers(opened)).toEqual([])
    expect(await opened.range(LOST_PARTITION, { limit: 9 })).toHaveLength(1)
  })
})

test.for([1, 2, 3])('killed and cut off by chance, many times over, with saves of all sizes, deletions and tidying: all that counted is there, and nothing else (%i)', async (seed) => {
  const roll = dice(`tail ${seed}`), model = new Map<number, number>(), content = (disk: Disk): Promise<string> => rows(disk).then((all) => all.map(({ key, value }) => `${fromU64(key)}=${value[0]},${value.length}`).join(' '))
  const modelled = (): string => [...model].sort(([a], [b]) => a - b).map(([key, size]) => `${key}=${key % 256},${size}`).join(' ')
  let device = new Device()
  for (let life = 0; life < 12; life++) {
    const disk = await device.open()
    expect(await content(disk), `life ${life}`).toBe(modelled())
    for (let left = roll(25); left > 0; left--) {
      const key = roll(60), size = [10, 900, 7000, 30_000][roll(4)] as number, before = modelled(), isDeleted = roll(4) === 0
      if (isDeleted) model.delete(key); else model.set(key, size)
      device.store = roll(3) === 0 ? 'slow' : 'well'
      const saving = disk.save(isDeleted ? [{ type: 'delete', partition: 'p', key: u64(key) }] : [{ type: 'put', partition: 'p', key: u64(key), value: new Uint8Array(size).fill(key) }])
      let counts = false
      void saving.then(() => { counts = true })
      for (let n = roll(3); n > 0; n--) await (roll(2) === 0 ? device.later() : device.settle())
      // On its way it is there as a whole or not at all.
      const could = counts ? [modelled()] : [before, modelled()]
      expect(could, `life ${life}`).toContain(await device.killed(roll(2) === 0).open().then(content))
      device.store = 'well'
      await device.through(saving)
      if (roll(10) === 0) await device.through(disk.compact())
      if (roll(3) === 0) await device.later()
    }
    if (roll(3) === 0) await device.through(disk.close())
    device = device.killed(roll(2) === 0)
  }
})

describe('when something refuses', () => {
  test('a store that is full: what counted stays, the next save is refused and changes nothing, and with room again all goes on', async () => {
    const device = new Device(), disk = await device.open()
    device.store = 'full'
    await disk.save(put(1))
    await device.later()
    await expect(disk.save(put(2))).rejects.toMatchObject({ reason: 'full' })
    expect(await numbers(disk)).toEqual([1])
    expect(await numbers(await device.killed().open())).toEqual([1])
    device.store = 'well'
    await disk.save(put(3))
    expect(await numbers(await device.killed().openBare())).toEqual([1, 3])
    const before = device.transactions
    await disk.save(put(4))
    expect(device.transactions, 'the file is used again').toBe(before)
  })

  test('a file that can be written no more: saves count in the store, and what may stand there all the same is not read', async () => {
    const device = new Device(), disk = await device.open()
    await disk.save(put(1))
    device.isFileBroken = true
    await disk.save(put(2))
    expect(await numbers(await device.killed().openBare())).toEqual([1, 2])
    device.store = 'full'
    await expect(disk.save(put(3))).rejects.toMatchObject({ reason: 'full' })
    expect(await numbers(await device.killed().open())).toEqual([1, 2])
  })

  test('another program has written to the store meanwhile: what comes then is refused', async () => {
    const device = new Device(), disk = await device.open()
    await disk.save(put(1))
    await (await device.openBare()).save(put(2))
    await device.later()
    await expect(disk.save(put(3))).rejects.toMatchObject({ message: expect.stringContaining('Another program') as string })
  })
})

test('a small save counts at once over a long head, too, as a million messages leave one', async () => {
  const run = { partition: `places/${'ab'.repeat(32)}`, id: 'cd'.repeat(16), level: 2, bytes: 2_000_000 }
  const head = encodeHead({ writes: 5000, root: { id: 'ef'.repeat(16), level: 3 }, runs: Array.from({ length: 80 }, () => run), journalFrom: 4990 }), [first, second, record] = ['00', '01', '02'].map((byte) => byte.repeat(16)) as [string, string, string]
  expect(head.length).toBeGreaterThan(7000)
  let written = 0
  const tail: TailFile = { read: () => new Uint8Array(TAIL_BYTES), write: (bytes) => { written += bytes.length }, clear: () => undefined, close: () => undefined }
  const store = await withTail(memoryBlocks(new Map([[first, head]])), tail, () => new Promise(() => undefined))
  await store.write({ puts: new Map([[first, head], [second, head], [record, new Uint8Array(3000)]]), deletes: [], fence: { id: first, bytes: head } })
  expect(written).toBeGreaterThan(3 * head.length + 3000)
})

test('who writes over a head that the tail has replaced is refused', async () => {
  const inner = memoryBlocks(new Map([['00'.repeat(16), Uint8Array.of(1)]])), file = new Uint8Array(TAIL_BYTES)
  const tail: TailFile = { read: () => file.slice(), write: (bytes, at) => { file.set(bytes, at) }, clear: () => undefined, close: () => undefined }
  const store = await withTail(inner, tail, () => new Promise(() => undefined)), id = '00'.repeat(16)
  const change = (from: number, to: number) => ({ puts: new Map([[id, Uint8Array.of(to)]]), deletes: [], fence: { id, bytes: Uint8Array.of(from) } })
  await store.write(change(1, 2))
  await expect(store.write(change(1, 3))).rejects.toMatchObject({ message: expect.stringContaining('Another program') as string })
  expect(await store.readMany([id])).toEqual([Uint8Array.of(2)])
})

/** The browser's directory with one file. `refusals`: so often it is held by another. */
function directory(refusals: number, name = 'NoModificationAllowedError') {
  let left = refusals
  const seen = { bytes: new Uint8Array(), flushed: 0, isOpen: false, isFull: false }
  const handle = {
    getSize: () => seen.bytes.length,
    read: (into: Uint8Array) => { into.set(seen.bytes); return seen.bytes.length },
    write: (from: Uint8Array, { at }: { at: number }) => { if (seen.isFull) return 1; const grown = new Uint8Array(Math.max(seen.bytes.length, at + from.length)); grown.set(seen.bytes); grown.set(from, at); seen.bytes = grown; return from.length },
    flush: () => { seen.flushed++ },
    close: () => { seen.isOpen = false },
  }
  const file = { createSyncAccessHandle: async () => { if (left-- > 0) throw new DOMException('held', name); seen.isOpen = true; return handle } }
  return { seen, storage: { getDirectory: async () => ({ getFileHandle: async () => file }) as unknown as FileSystemDirectoryHandle } }
}

describe('in the browser', () => {
  const pause = async (): Promise<void> => undefined

  test('a file that was just made is used from the next opening on, and every write is flushed', async () => {
    const { storage, seen } = directory(0)
    expect(await opfsTail({ storage, name: 'tail', pause })).toBeUndefined()
    expect(seen).toMatchObject({ isOpen: false, flushed: 1 })
    const tail = await opfsTail({ storage, name: 'tail', pause })
    tail?.write(Uint8Array.of(1, 2, 3), 5)
    expect(seen.flushed).toBe(2)
    expect(tail?.read().subarray(4, 9)).toEqual(Uint8Array.of(0, 1, 2, 3, 0))
    tail?.clear(6, 7)
    expect(tail?.read().subarray(4, 9)).toEqual(Uint8Array.of(0, 1, 0, 3, 0))
    seen.isFull = true
    expect(() => tail?.write(Uint8Array.of(1, 2, 3), 5)).toThrow(DiskError)
    tail?.close()
    expect(seen.isOpen).toBe(false)
  })

  test('while another program has it, it is asked for again; then the disk is not opened without it', async () => {
    const pauses: number[] = [], note = async (ms: number): Promise<void> => { pauses.push(ms) }
    expect(await opfsTail({ ...directory(2), name: 'tail', pause: note })).toBeUndefined()
    expect(pauses).toEqual([10, 20])
    await expect(opfsTail({ ...directory(99), name: 'tail', pause: note })).rejects.toMatchObject({ reason: 'blocked' })
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(5000)
  })

  test('where the browser has no such place, there is none', async () => {
    expect(await opfsTail({ ...directory(99, 'SecurityError'), name: 'tail', pause })).toBeUndefined()
    expect(await opfsTail({ storage: { getDirectory: () => Promise.reject(new DOMException('private window', 'SecurityError')) }, name: 'tail', pause })).toBeUndefined()
  })
})
