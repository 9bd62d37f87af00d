/** What messages cost on the line between members, in bytes: the same each time, so that it can be held to. A message has 124 bytes of text. */
import { expect, test } from 'vitest'
import { benchFresh, benchSync } from './sync.ts'

const byMissing = async (missing: number): Promise<number> => (await benchSync([missing], 4)).find(({ what }) => what === 'bytes a missing op')?.value ?? Infinity

test('of 10,000 missing messages each costs 75 bytes, everything included', async () => { expect(await byMissing(10_000)).toBeLessThan(75) }, 300_000)
test.each([[4, 90], [20, 110]])('of 100 missing messages by %d people each costs %d bytes, from hello to silence, and they are here one round trip after hello', async (authors, bytes) => {
  const figures = await benchSync([100], authors), value = (what: string): number | undefined => figures.find((figure) => figure.what === what)?.value
  expect(value('bytes a missing op')).toBeLessThan(bytes)
  expect(value('round trips, from hello to the last of them')).toBe(1)
}, 60_000)
test('a fresh message costs 130 bytes over its text', async () => { expect((await benchFresh(3, 3))[0]?.value).toBeLessThan(130) }, 60_000)
