/** Bob's phone has little room: it keeps less of Alice's allotment ready to read, and nobody else notices. */
import { expect, test } from 'vitest'
import type { OpId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'

const MINUTE_MS = 60_000

/** Alice has said much, Bob has read it. */
async function longTalk(count = 120): Promise<{ a: Allotment; bob: Person; ids: OpId[] }> {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), ids: OpId[] = []
  for (let n = 0; n < count; n++) {
    ids.push((await a.say(n % 5 === 4 ? bob : a.alice, `plum ${n}`)).messageId)
    await a.room.pass(1000)
  }
  await a.does(bob, { type: 'mark-read', channel: a.channel, message: ids.at(-1) as OpId })
  return { a, bob, ids }
}

const rows = async (a: Allotment, person: Person): Promise<number> => (await person.disk.range(`messages/${a.space}/${a.channel}`, { limit: 1000 })).length
const page = async (a: Allotment, person: Person, more: object = {}): Promise<string[]> => (await a.does(person, { type: 'get-messages', channel: a.channel, limit: 30, ...more })).messages.map((m) => m.text)
const plums = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `plum ${from + i}`)

/** Bob keeps so many bytes of each channel, and his device has had the time to pack the rest away. */
async function keeps(a: Allotment, bob: Person, maxBytes: number): Promise<void> {
  await a.does(bob, { type: 'keep-here', maxBytes })
  await a.room.pass(MINUTE_MS)
}

test('R6 what is beyond what Bob keeps is packed away, oldest first, and gives room; scrolling back unpacks it, all of it and in its order', async () => {
  const { a, bob } = await longTalk(), before = await rows(a, bob), { spaces: [room] } = await a.room.ask(bob, { type: 'storage' })
  await keeps(a, bob, 12_000)
  const after = await rows(a, bob), { spaces: [smaller] } = await a.room.ask(bob, { type: 'storage' })
  expect([before, after]).toEqual([120, expect.any(Number)])
  expect(after).toBeLessThan(80)
  expect(smaller?.bytes).toBeLessThan(room?.bytes ?? 0)
  expect([smaller?.keepsHere, smaller?.channels[0]?.keepsHere]).toEqual([12_000, 12_000])
  expect(await page(a, bob)).toEqual(plums(90, 120))
  const all: string[] = []
  for (let end: OpId | undefined; ;) {
    const answer = await a.does(bob, { type: 'get-messages', channel: a.channel, limit: 30, ...(end === undefined ? {} : { before: end }) })
    all.unshift(...answer.messages.map((m) => m.text))
    if (!answer.more) break
    end = answer.messages[0]?.id
  }
  expect(all).toEqual(plums(0, 120))
})

test('R6 others lose nothing by it: who comes later has all of it from Bob, and Alice’s device is as it was', async () => {
  const { a, bob } = await longTalk(40)
  const log = () => bob.disk.range(`ops/${a.space}/${a.channel}`, { limit: 1000 }), before = await log()
  await keeps(a, bob, 3000)
  expect(await rows(a, bob)).toBeLessThan(30)
  expect(await log()).toEqual(before)
  expect(await rows(a, a.alice)).toBe(40)
  a.room.leaves(a.alice)
  const carol = await a.joins('Carol')
  await a.room.pass(MINUTE_MS)
  expect(await page(a, carol, { limit: 100 })).toEqual(plums(0, 40))
})

test('R6 a search says how far back it reaches, and finds what was unpacked', async () => {
  const { a, bob } = await longTalk(60)
  expect(await a.room.ask(bob, { type: 'search-messages', query: 'plum' })).not.toHaveProperty('since')
  await keeps(a, bob, 6000)
  const found = await a.room.ask(bob, { type: 'search-messages', query: 'plum', limit: 100 })
  const [oldest] = (await a.does(bob, { type: 'get-messages', channel: a.channel, limit: found.results.length })).messages
  expect([found.isPacked, found.since]).toEqual([true, expect.any(Number)])
  expect(found.results.length).toBeLessThan(50)
  expect(found.since).toBeLessThanOrEqual(oldest?.sentAt ?? 0)
  await page(a, bob, { limit: 200 })
  await a.room.pass(MINUTE_MS)
  expect(await a.room.ask(bob, { type: 'search-messages', query: 'plum', limit: 100 })).not.toHaveProperty('since')
  expect((await a.room.ask(bob, { type: 'search-messages', query: 'plum', limit: 100 })).results.length).toBe(60)
})

test('R6 what somebody did something with, what is unread and what Bob looks at stays; what is said of a packed message later is there when it comes back', async () => {
  const { a, bob, ids } = await longTalk(60)
  await a.does(a.alice, { type: 'react', message: ids[3] as OpId, emoji: '🐝', on: true })
  await a.does(a.alice, { type: 'send-message', channel: a.channel, text: 'below', thread: ids[4] as OpId })
  await a.room.pass(1000)
  await keeps(a, bob, 2000)
  expect(await a.does(bob, { type: 'list-threads', channel: a.channel })).toMatchObject({ threads: [{ text: 'plum 4', replies: { count: 1 } }] })
  await a.does(a.alice, { type: 'edit-message', message: ids[5] as OpId, text: 'a pear' })
  await a.does(a.alice, { type: 'delete-message', message: ids[6] as OpId })
  await a.room.pass(1000)
  const around = await a.does(bob, { type: 'get-messages', channel: a.channel, around: ids[3] as OpId, limit: 8 })
  await a.room.pass(1000)
  expect(around.messages.map((m) => m.id)).toEqual(ids.slice(0, 7))
  expect((await a.does(bob, { type: 'get-messages', channel: a.channel, around: ids[3] as OpId, limit: 8 })).messages.map((m) => (m.deleted === true ? '†' : m.text))).toEqual(['plum 0', 'plum 1', 'plum 2', 'plum 3', 'plum 4', 'a pear', '†'])
})

test('R6 the limit outlives a restart, that of a channel goes before that of the space, and no limit packs nothing', async () => {
  const { a, bob } = await longTalk(40)
  await a.does(bob, { type: 'keep-here', channel: a.channel, maxBytes: 0 })
  await a.does(bob, { type: 'keep-here', maxBytes: 2000 })
  await bob.restart()
  await a.room.pass(2 * 3600_000)
  expect(await rows(a, bob)).toBe(40)
  await a.does(bob, { type: 'keep-here', channel: a.channel, maxBytes: 4000 })
  await bob.restart()
  await a.room.pass(2 * 3600_000)
  const { spaces: [room] } = await a.room.ask(bob, { type: 'storage' })
  expect([room?.keepsHere, room?.channels[0]?.keepsHere]).toEqual([2000, 4000])
  expect(await rows(a, bob)).toBeLessThan(30)
  await bob.restart()
  await a.room.pass(1000)
  expect(await page(a, bob, { limit: 100 })).toEqual(plums(0, 40))
  const refused = await a.room.reply(bob, { type: 'keep-here', space: a.space, channel: 'ab'.repeat(16) as typeof a.channel, maxBytes: 1 })
  expect(refused).toMatchObject({ ok: false, error: { code: 'unknown-channel' } })
})
