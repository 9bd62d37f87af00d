/** Which channels are fetched before anybody opens them, and that they stay few. */
import { expect, test } from 'vitest'
import type { ChannelInfo } from '../api.ts'
import type { ChannelId } from '../wire/ids.ts'
import { channelId } from './messages.test-support.ts'
import { likely, MAX_WARM, Warm } from './warm.ts'

const channel = (name: string, unread: number, mentions = 0, kind: ChannelInfo['kind'] = 'text'): ChannelInfo =>
  ({ channel: channelId(name), name, topic: '', kind, category: undefined, may: [], unread, mentions, keeps: undefined, slowMs: 0, nextAt: 0, private: false, readers: undefined, history: undefined, state: 'readable' })

test('calls come first, then what has most to read; what is read, and forums, are left alone', () => {
  expect(likely([channel('a', 0), channel('b', 3), channel('c', 9), channel('d', 1, 1), channel('e', 5, 0, 'forum')])).toEqual(['d', 'c', 'b'].map(channelId))
})

test('one is fetched after the other, none twice, and of those that nobody opened the oldest goes', async () => {
  const here = new Set<ChannelId>(), gone: ChannelId[] = []
  let fetching = 0
  const warm = new Warm({
    isHere: (id) => here.has(id),
    fetch: async (id) => { expect(++fetching).toBe(1); await Promise.resolve(); here.add(id); fetching-- },
    forget: (id) => { here.delete(id); gone.push(id) },
  })
  const names = Array.from({ length: MAX_WARM + 2 }, (_, i) => channelId(`c${i}`))
  for (const name of [...names.slice(0, 3), ...names.slice(0, 3)]) warm.fetch(name)
  for (let i = 0; i < 40; i++) await Promise.resolve()
  warm.opened(channelId('c0'))
  for (const name of names) warm.fetch(name)
  for (let i = 0; i < 200; i++) await Promise.resolve()
  expect(gone).toEqual([channelId('c1')])
  expect(here.size).toBe(MAX_WARM + 1)
})
