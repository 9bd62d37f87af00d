/** Opening the browser's database when the browser itself isn't ready yet. */
import 'fake-indexeddb/auto'
import { afterEach, expect, test, vi } from 'vitest'
import { utf8 } from '../wire/bytes.ts'
import { openIdbDisk } from './disk-idb.ts'

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
  const again = (await openIdbDisk({ name: 'held', pause: async (ms) => { pauses.push(ms) } })).disk
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
