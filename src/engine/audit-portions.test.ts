/** A relay has lost more of Alice's messages than are put there again at a time. Here that is few: thousands of messages would tell no more. */
import { expect, test, vi } from 'vitest'
import { toHex } from '../wire/bytes.ts'
import { decodeOwed } from '../wire/mail-records.ts'
import { Allotment } from './allotment.test-support.ts'
import { AUDIT_EVERY_MS, AUDIT_LOOK_MS, MAX_REPOSTED_OPS } from './limits.ts'
import { owedPartition } from './mailbox/mail.ts'

vi.mock('./limits.ts', async (original) => ({ ...await original<typeof import('./limits.ts')>(), MAX_REPOSTED_OPS: 40 }))

test('S20 what is too much to be put again at a time is put within hours, not weeks', async () => {
  const a = await Allotment.begin()
  for (let n = 0; n < MAX_REPOSTED_OPS + 20; n++) await a.say(a.alice, `Word ${n}`)
  const { channel } = a, { mail } = a.alice.space(a.space)
  const topic = [...mail.topics.keys()][0] as string
  /** Own messages that went out once only. */
  const once = async (): Promise<number> => {
    const rows = await a.alice.disk.range(owedPartition(a.space, topic), { limit: 10_000 })
    return rows.filter(({ key, value }) => toHex(key).slice(64, 96) === channel && decodeOwed(value)?.ids.length === 1).length
  }
  a.room.forgets()
  a.room.now += AUDIT_EVERY_MS
  await a.room.pass(AUDIT_LOOK_MS / 2)
  expect(await once()).toBe(20)
  await a.room.pass(2 * AUDIT_LOOK_MS)
  expect(await once()).toBe(0)
})
