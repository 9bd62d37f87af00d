/** What is said about messages that are not here waits for them, so many at a time. */
import { expect, test } from 'vitest'
import { toHex, u64 } from '../../wire/bytes.ts'
import type { OpId, SpaceId } from '../../wire/ids.ts'
import { MAX_EXPECTED } from '../limits.ts'
import { Out } from '../out.ts'
import { Inbox } from './inbox.ts'

const messageNamed = (n: number): OpId => `${'0'.repeat(48)}${toHex(u64(n))}` as OpId

test('who makes up messages to react to costs their own reactions, not everybody\'s memory and disk', () => {
  const inbox = new Inbox('ab'.repeat(32) as SpaceId), out = new Out()
  for (let n = 0; n < MAX_EXPECTED + 500; n++) inbox.expect({ now: 0, out }, messageNamed(n))
  const { saves } = out.step(), rows = new Set<string>()
  for (const save of saves) if (save.type === 'put') rows.add(toHex(save.key)); else if (save.type === 'delete') rows.delete(toHex(save.key))
  expect(rows.size).toBe(MAX_EXPECTED)
  expect([0, 499, 500, MAX_EXPECTED + 499].map((n) => inbox.isExpected(messageNamed(n)))).toEqual([false, false, true, true])
})
