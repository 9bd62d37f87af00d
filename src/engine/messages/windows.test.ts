/** Windows of a long channel: around, before and after a message, where the unread begins, and while others write. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { OpId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'

let a: Allotment, bob: Person
const ids: OpId[] = []

beforeAll(async () => {
  a = await Allotment.begin()
  bob = await a.joins('Bob')
  for (let n = 0; n < 40; n++) {
    const { messageId } = await a.does(a.alice, { type: 'send-message', channel: a.channel, text: `m${n}` })
    ids.push(messageId)
  }
  await a.room.pass(1000)
})

const at = (n: number): OpId => ids[n] as OpId
async function window(more: object): Promise<{ texts: string[]; more: boolean; newer: boolean; firstUnread?: OpId }> {
  const { messages, ...rest } = await a.does(bob, { type: 'get-messages', channel: a.channel, ...more })
  return { texts: messages.map((m) => m.text), ...rest }
}
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `m${from + i}`)

test('around, before and after a message', async () => {
  expect(await window({ around: at(20), limit: 6 })).toMatchObject({ texts: range(17, 23), more: true, newer: true })
  expect(await window({ around: at(0), limit: 6 })).toMatchObject({ texts: range(0, 3), more: false, newer: true })
  expect(await window({ around: at(39), limit: 6 })).toMatchObject({ texts: range(34, 40), more: true, newer: false })
  expect(await window({ before: at(5), limit: 50 })).toMatchObject({ texts: range(0, 5), more: false, newer: true })
  expect(await window({ after: at(35), limit: 50 })).toMatchObject({ texts: range(36, 40), more: true, newer: false })
  expect(await window({ limit: 3 })).toMatchObject({ texts: range(37, 40), more: true, newer: false })
  for (const both of [{ before: at(1), after: at(2) }, { around: at(1), unread: true }]) expect(await a.refusal(bob, { type: 'get-messages', channel: a.channel, ...both })).toMatchObject({ code: 'bad-request' })
  expect(await a.refusal(bob, { type: 'get-messages', channel: a.channel, around: 'ab'.repeat(32) as OpId })).toMatchObject({ code: 'unknown-message' })
})

test('what is around a message is asked for in two turns, however long the channel: where it stands, and what is there', async () => {
  let turns = 0
  const step = bob.engine.step.bind(bob.engine)
  bob.engine.step = async (...given) => { const made = await step(...given); if (made.reads.length > 0) turns++; return made }
  await window({ around: at(20), limit: 6 })
  bob.engine.step = step
  expect(turns).toBe(2)
})

test('who was told before where a message stands asks for it without a look among the ids of all; told wrongly, it is found all the same', async () => {
  const { messages } = await a.does(bob, { type: 'get-messages', channel: a.channel, around: at(20), limit: 1 }), order = messages[0]?.order ?? 0
  const read: string[] = [], step = bob.engine.step.bind(bob.engine)
  bob.engine.step = async (...given) => { const made = await step(...given); for (const one of made.reads) if ('ranges' in one) read.push(...one.ranges.map(({ partition }) => partition.split('/')[0] ?? '')); return made }
  expect(await window({ around: at(20), order, limit: 6 })).toMatchObject({ texts: range(17, 23), more: true, newer: true })
  expect(await window({ before: at(20), order, limit: 3 })).toMatchObject({ texts: range(17, 20) })
  expect(read.filter((name) => name === 'places')).toEqual([])
  for (const wrong of [1, order + 1, Number.MAX_SAFE_INTEGER]) expect(await window({ around: at(20), order: wrong, limit: 6 })).toMatchObject({ texts: range(17, 23) })
  expect(read.filter((name) => name === 'places')).toHaveLength(3)
  bob.engine.step = step
  expect(await a.refusal(bob, { type: 'get-messages', channel: a.channel, around: 'ab'.repeat(32) as OpId, order })).toMatchObject({ code: 'unknown-message' })
})

test('the unread begins behind the mark', async () => {
  expect(await window({ unread: true, limit: 6 })).toMatchObject({ texts: range(0, 3), firstUnread: at(0), more: false, newer: true })
  await a.does(bob, { type: 'mark-read', channel: a.channel, message: at(29) })
  expect(await window({ unread: true, limit: 6 })).toMatchObject({ texts: range(27, 33), firstUnread: at(30), more: true, newer: true })
  await a.does(bob, { type: 'mark-read', channel: a.channel, message: at(39) })
  const all = await window({ unread: true, limit: 6 })
  expect(all).toMatchObject({ texts: range(34, 40), newer: false })
  expect(all).not.toHaveProperty('firstUnread')
})

test('pages forwards and backwards from any message make up the whole, each message once', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 39 }), fc.integer({ min: 1, max: 15 }), async (start, limit) => {
    const first = await window({ around: at(start), limit })
    const texts = [...first.texts]
    for (let more = first.more; more;) {
      const page = await window({ before: at(Number(texts[0]?.slice(1))), limit })
      texts.unshift(...page.texts)
      more = page.more
    }
    for (let newer = first.newer; newer;) {
      const page = await window({ after: at(Number(texts[texts.length - 1]?.slice(1))), limit })
      texts.push(...page.texts)
      newer = page.newer
    }
    expect(texts).toEqual(range(0, 40))
  }), { numRuns: 15 })
})

test('what arrives meanwhile moves no window, and is told by itself', async () => {
  const before = await window({ around: at(20), limit: 10 })
  bob.updates.length = 0
  await a.does(a.alice, { type: 'send-message', channel: a.channel, text: 'm40' })
  await a.does(a.alice, { type: 'edit-message', message: at(21), text: 'm21, better' })
  await a.room.pass(1000)
  expect((await window({ around: at(20), limit: 10 })).texts).toEqual(before.texts.map((t) => (t === 'm21' ? 'm21, better' : t)))
  const told = bob.updates.flatMap((u) => (u.type === 'messages' ? u.messages.map((m) => m.text) : []))
  expect([...new Set(told)].sort()).toEqual(['m21, better', 'm40'])
})

test('while others come back with what they wrote long before, pages and news together are the whole channel, in order, each message once', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(3), { minLength: 24, maxLength: 24 }), fc.integer({ min: 2, max: 6 }), fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }), async (turns, limit, returns) => {
    const b = await Allotment.begin(), reader = await b.joins('Bob')
    const writers = [b.alice, await b.joins('Carol'), await b.joins('Dave'), await b.joins('Erin')]
    const away = writers.slice(1)
    for (const person of away) b.room.goesOffline(person)
    for (const [n, turn] of turns.entries()) {
      await b.does(writers[turn] as Person, { type: 'send-message', channel: b.channel, text: `${n}` })
      await b.room.pass(500)
    }
    reader.updates.length = 0
    const paged: string[] = []
    let page = await b.does(reader, { type: 'get-messages', channel: b.channel, limit })
    for (const back of [...returns, 0, 1, 2]) {
      paged.unshift(...page.messages.map((m) => m.id))
      const person = away[back]
      if (person !== undefined && away.includes(person)) { await b.room.comesOnline(person); await b.room.pass(30_000) }
      const [first] = page.messages
      page = first === undefined ? page : await b.does(reader, { type: 'get-messages', channel: b.channel, limit, before: first.id })
    }
    expect(new Set(paged).size).toBe(paged.length)
    const told = reader.updates.flatMap((u) => (u.type === 'messages' ? u.messages.map((m) => m.id) : []))
    const whole = (await b.does(reader, { type: 'get-messages', channel: b.channel, limit: 200 })).messages
    expect(whole.map((m) => m.text)).toEqual(turns.map((_, n) => `${n}`))
    expect(paged).toEqual(whole.map((m) => m.id).filter((id) => paged.includes(id)))
    expect(whole.filter((m) => !paged.includes(m.id) && !told.includes(m.id))).toEqual([])
  }), { numRuns: 4, seed: 11 })
})
