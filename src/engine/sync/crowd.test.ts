/** What a crowd that is connected all to all sends for one message. */
import { expect, test } from 'vitest'
import { decodeFrame } from '../../wire/frame.ts'
import { type Home, home, joins, say, texts } from '../group/home.test-support.ts'
import { COMPARED_WITH, FORWARDED_TO, SYNC_EVERY_MS } from '../limits.ts'

const CROWD = 14

/** Alice and so many others, all connected; and how many frames of a kind anybody gets from now on. */
async function crowd(): Promise<{ h: Home; heard: (kind: string) => number; bytes: (kind: string) => number }> {
  const h = await home()
  while (h.room.people.length < CROWD) await joins(h, `Person ${h.room.people.length}`)
  const sizes = new Map<string, number[]>()
  h.room.seesFrame = (bytes) => {
    const kind = decodeFrame(bytes)?.type ?? 'malformed'
    sizes.set(kind, [...sizes.get(kind) ?? [], bytes.length])
  }
  return { h, heard: (kind) => sizes.get(kind)?.length ?? 0, bytes: (kind) => (sizes.get(kind) ?? []).reduce((sum, size) => sum + size, 0) }
}

test('S24 everyone is sent once what Alice said, and told of it by a few, which is a third of it', async () => {
  const { h, heard, bytes } = await crowd()
  await say(h, h.alice, 'The beans are up')
  await h.room.pass(1000)
  for (const person of h.room.people) expect(await texts(h, person)).toEqual(['The beans are up'])
  const others = CROWD - 1
  expect(heard('fresh')).toBe(others)
  // Each tells Alice that it is there, too.
  expect(heard('vector')).toBeLessThanOrEqual(others + others * FORWARDED_TO)
  expect(heard('ask')).toBe(0)
  expect(bytes('vector') / heard('vector')).toBeLessThan(bytes('fresh') / heard('fresh') / 2)
})

test('in a round of comparing, each tells a few how far everything goes, and those change from round to round', async () => {
  const { h, heard } = await crowd()
  const pairs = new Set<string>()
  h.room.seesFrame = ((count) => (bytes, from, to) => { count?.(bytes, from, to); pairs.add(`${from.name} to ${to.name}`) })(h.room.seesFrame)
  await h.room.pass(SYNC_EVERY_MS)
  expect(heard('digest')).toBe(CROWD * COMPARED_WITH)
  await h.room.pass(9 * SYNC_EVERY_MS)
  expect(pairs.size).toBe(CROWD * (CROWD - 1))
})
