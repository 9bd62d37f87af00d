/** The browser's database: opening it when the browser itself isn't ready yet, and its transactions. */
import 'fake-indexeddb/auto'
import { afterEach, expect, test, vi } from 'vitest'
import { u64, utf8 } from '../wire/bytes.ts'
import { openIdbDisk } from './disk-idb.ts'
import { OPENING_MS } from './disk-opening.ts'

afterEach(() => { vi.restoreAllMocks() })

/** The next so many openings fail like this. */
function failing(times: number, name: string): void {
  const open = indexedDB.open.bind(indexedDB)
  let left = times
  vi.spyOn(indexedDB, 'open').mockImplementation((...given) => {
    if (left-- > 0) throw new DOMException('Internal error opening backing store for indexedDB.open.', name)
    return open(...given)
  })
}

test('a database whose files are still held is asked for again, with growing pauses, and nothing is lost', async () => {
  const { disk } = await openIdbDisk({ name: 'held' })
  await disk.save([{ type: 'put', partition: 'p', key: utf8('a'), value: utf8('b') }])
  await disk.close()
  failing(3, 'UnknownError')
  const pauses: number[] = []
  const again = (await openIdbDisk({ name: 'held', pause: async (ms) => { if (ms !== OPENING_MS) pauses.push(ms) } })).disk
  expect(await again.get('p', utf8('a'))).toEqual(utf8('b'))
  expect(pauses).toEqual([150, 300, 600])
})

test('in the end it is said what to do; other failures are said at once', async () => {
  failing(99, 'UnknownError')
  let paused = 0
  const pause = async (ms: number): Promise<void> => { paused += ms }
  await expect(openIdbDisk({ name: 'stuck', pause })).rejects.toThrow('Close all of its windows and start it again')
  expect(paused).toBeGreaterThan(5000)
  vi.restoreAllMocks()
  failing(99, 'SecurityError')
  paused = 0
  await expect(openIdbDisk({ name: 'stuck', pause })).rejects.toMatchObject({ reason: 'failed' })
  expect(paused).toBe(0)
})

test('what is read at the same moment shares a transaction, and what it leads to has its own, so that nobody who writes waits for long', async () => {
  const begun = vi.spyOn(IDBDatabase.prototype, 'transaction')
  const { disk } = await openIdbDisk({ name: 'many' })
  const keys = Array.from({ length: 400 }, (_, n) => u64(n))
  await disk.save(keys.map((key) => ({ type: 'put', partition: 'p', key, value: new Uint8Array(20_000).fill(1) })))
  await disk.close()
  const again = (await openIdbDisk({ name: 'many' })).disk
  begun.mockClear()
  const spread = keys.filter((_, n) => n % 20 === 0)
  expect((await Promise.all(spread.map((key) => again.get('p', key)))).every((value) => value?.length === 20_000)).toBe(true)
  expect(begun.mock.calls.length, 'of a root and twenty leaves').toBeLessThanOrEqual(10)
  begun.mockClear()
  for (const key of spread.map((_, n) => u64(20 * n + 7))) await again.get('p', key)
  expect(begun.mock.calls.length).toBeGreaterThanOrEqual(20)
  await again.close()
})

test('a save is one transaction, and one that has fallen behind leaves nothing of itself', async () => {
  const { disk } = await openIdbDisk({ name: 'fenced' })
  await disk.save([{ type: 'put', partition: 'p', key: utf8('a'), value: utf8('first') }])
  const second = (await openIdbDisk({ name: 'fenced' })).disk
  const begun = vi.spyOn(IDBDatabase.prototype, 'transaction')
  await second.save([{ type: 'put', partition: 'p', key: utf8('a'), value: utf8('second') }])
  expect(begun.mock.calls.filter(([, mode]) => mode === 'readwrite').length).toBe(1)
  await expect(disk.save([{ type: 'put', partition: 'p', key: utf8('b'), value: utf8('late') }])).rejects.toMatchObject({ reason: 'failed', message: expect.stringContaining('Another program') as string })
  expect(await disk.range('p', { limit: 9 })).toEqual([{ key: utf8('a'), value: utf8('second') }])
  await disk.close()
  await second.close()
})
