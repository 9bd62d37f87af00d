/** Bob's phone has little room: it keeps less of Alice's allotment ready to read, and nobody else notices. */
import { expect, test } from 'vitest'
import { toHex } from '../../wire/bytes.ts'
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

test('R6 what began a thread and what is pinned stays; what people did with a packed message, before and after, is there when it comes back', async () => {
  const { a, bob, ids } = await longTalk(60)
  await a.does(a.alice, { type: 'pin-message', message: ids[2] as OpId, on: true })
  await a.does(a.alice, { type: 'react', message: ids[3] as OpId, emoji: '🐝', on: true })
  await a.does(a.alice, { type: 'send-message', channel: a.channel, text: 'below', thread: ids[4] as OpId })
  await a.does(a.alice, { type: 'edit-message', message: ids[7] as OpId, text: 'a quince' })
  await a.room.pass(1000)
  await keeps(a, bob, 2000)
  const left = (await bob.disk.range(`messages/${a.space}/${a.channel}`, { limit: 5 })).map((row) => toHex(row.key.subarray(8)))
  expect(left.slice(0, 2)).toEqual([ids[2], ids[4]])
  expect(await a.does(bob, { type: 'list-threads', channel: a.channel })).toMatchObject({ threads: [{ text: 'plum 4', replies: { count: 1 } }] })
  expect(await a.does(bob, { type: 'list-pins', channel: a.channel })).toMatchObject({ messages: [{ text: 'plum 2' }] })
  await a.does(a.alice, { type: 'edit-message', message: ids[5] as OpId, text: 'a pear' })
  await a.does(a.alice, { type: 'delete-message', message: ids[6] as OpId })
  await a.room.pass(1000)
  const around = () => a.does(bob, { type: 'get-messages', channel: a.channel, around: ids[3] as OpId, limit: 10 })
  expect((await around()).messages.map((m) => m.id)).toEqual(ids.slice(0, 8))
  await a.room.pass(1000)
  const { messages } = await around()
  expect(messages.map((m) => (m.deleted === true ? '†' : m.text))).toEqual(['plum 0', 'plum 1', 'plum 2', 'plum 3', 'plum 4', 'a pear', '†', 'a quince'])
  expect(messages[3]).toMatchObject({ reactions: [{ emoji: '🐝' }] })
  expect(await a.room.ask(bob, { type: 'search-messages', query: 'quince' })).toMatchObject({ results: [{ message: { id: ids[7] } }] })
})

test('R6 who follows a link to a packed message is there, with what was said around it; a link to nothing unpacks nothing', async () => {
  const { a, bob, ids } = await longTalk()
  await keeps(a, bob, 8000)
  const before = await rows(a, bob)
  expect(await a.refusal(bob, { type: 'get-messages', channel: a.channel, around: 'ab'.repeat(32) as OpId })).toMatchObject({ code: 'unknown-message' })
  expect(await rows(a, bob)).toBe(before)
  const { messages, more, newer } = await a.does(bob, { type: 'get-messages', channel: a.channel, around: ids[20] as OpId, limit: 9 })
  expect([messages.map((m) => m.text), more, newer]).toEqual([plums(16, 25), true, true])
  await bob.restart()
  expect((await a.does(bob, { type: 'get-messages', channel: a.channel, after: ids[1] as OpId, limit: 3 })).messages.map((m) => m.text)).toEqual(plums(2, 5))
})

test('R5 who keeps little ready still measures all there is: of what a channel keeps by size, as much goes as with others', async () => {
  const before: number[] = []
  for (const isSmall of [false, true]) {
    const a = await Allotment.begin(), bob = await a.joins('Bob')
    await a.does(a.alice, { type: 'set-retention', channel: a.channel, maxBytes: 1024 * 1024 })
    let last: OpId | undefined
    for (let n = 0; n < 300; n++) last = (await a.say(a.alice, `${n} ${'x'.repeat(3990)}`)).messageId
    await a.does(a.alice, { type: 'mark-read', channel: a.channel, message: last as OpId })
    if (isSmall) await keeps(a, a.alice, 200_000)
    expect(await rows(a, a.alice)).toBeLessThanOrEqual(isSmall ? 60 : 300)
    a.room.leaves(bob)
    for (let day = 0; day < 3; day++) await a.room.sleep(25 * 3600_000)
    before.push(a.alice.space(a.space).authority.state.channels.get(a.channel)?.cleared?.before ?? 0)
    const { messages } = await a.does(a.alice, { type: 'get-messages', channel: a.channel, limit: 200 })
    before.push(messages.length)
  }
  const [, all = 0, , some = 0] = before
  expect(Math.min(...before)).toBeGreaterThan(0)
  expect(Math.abs(all - some)).toBeLessThan(all / 10)
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
  await a.does(bob, { type: 'keep-here', channel: a.channel })
  await bob.restart()
  expect((await a.room.ask(bob, { type: 'storage' })).spaces[0]?.channels).toMatchObject([{ keepsHere: 2000, follows: true }])
  expect(await a.refusal(bob, { type: 'keep-here' })).toMatchObject({ code: 'bad-request' })
  const refused = await a.room.reply(bob, { type: 'keep-here', space: a.space, channel: 'ab'.repeat(16) as typeof a.channel, maxBytes: 1 })
  expect(refused).toMatchObject({ ok: false, error: { code: 'unknown-channel' } })
})
