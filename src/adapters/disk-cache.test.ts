import { expect, test } from 'vitest'
import { utf8 } from '../wire/bytes.ts'
import { PageCache } from './disk-cache.ts'
import { encodePage, type Leaf } from './disk-format.ts'

const leaf = (key: string): Leaf => ({ type: 'leaf', rows: [{ key: utf8(key), value: new Uint8Array(1000).fill(7) }] })

test('pages that were written are there as long as there is room, encoded ones in the memory they were encoded in alone', async () => {
  const read: string[] = []
  const cache = new PageCache({ newId: () => '', load: async (ids) => { read.push(...ids); return ids.map(leaf) } }, 2500)
  const made = new Map(['a', 'b', 'c'].map((id) => [id, leaf(id)]))
  for (const [id, page] of made) cache.setEncoded(id, 'leaf', encodePage(page))
  const [b, c] = await cache.load(['b', 'c'], 0, new Uint8Array()) as [Leaf, Leaf]
  expect([b.rows, c.rows]).toEqual([made.get('b')?.rows, made.get('c')?.rows])
  expect(read).toEqual([])
  expect(b.rows[0]?.value.buffer).not.toBe(made.get('b')?.rows[0]?.value.buffer)
  expect(await cache.load(['a'], 0, new Uint8Array())).toEqual([made.get('a')])
  expect(read, 'there was no room for three').toEqual(['a'])
  const [again] = await cache.load(['c'], 0, new Uint8Array())
  expect(again).toBe(c)
})
