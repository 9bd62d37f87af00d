/** What Bob's disk lost, place by place. */
import { expect, test } from 'vitest'
import type { ChannelId, DeviceId, SpaceId } from '../../wire/ids.ts'
import { Out } from '../out.ts'
import { Holes } from './holes.ts'

const SPACE = '05'.repeat(32) as SpaceId, channel = '01'.repeat(16) as ChannelId, device = '02'.repeat(32) as DeviceId, other = '03'.repeat(32) as DeviceId

test('S13 a place that was lost twice counts once, and is asked for once', () => {
  const holes = new Holes(SPACE), turn = { now: 0, out: new Out() }
  for (const [from, to] of [[3, 5], [4, 8], [1, 9], [4, 4]] as const) holes.note(turn, { channel, device, from, to })
  holes.note(turn, { channel, device: other, from: 4, to: 4 })
  expect(holes.count(channel)).toBe(10)
  const places = holes.wanted(100, () => true).filter((range) => range.device === device).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n))
  expect(places.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  const again = new Holes(SPACE)
  again.load(turn.out.saves.flatMap((save) => (save.type === 'put' ? [{ key: save.key, value: save.value }] : [])))
  expect(again.count(channel)).toBe(10)
})
