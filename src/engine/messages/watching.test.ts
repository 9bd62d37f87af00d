/** Bob watches windows of Alice's allotment: what he is told keeps them as his questions would be answered anew. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { WatchedQuestion, WindowChange, WindowRow } from '../../api/windows.ts'
import type { Command } from '../../api.ts'
import type { OpId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { MAX_WATCHED_ROWS, MAX_WINDOWS } from '../limits.ts'
import { changeOf, grown, type Page, withNews } from './changes.ts'

/** As every client does it. */
function changed(rows: readonly WindowRow[], change: Pick<WindowChange, 'gone' | 'rows'>): WindowRow[] {
  const moving = new Set([...change.gone, ...change.rows.map(({ message }) => message.id)]), out = rows.filter(({ message }) => !moving.has(message.id))
  for (const { at, ...one } of change.rows) out.splice(at, 0, one)
  return out
}

/** What a client that watches has on its screen. */
class Screen {
  private readonly a: Allotment
  private readonly person: Person
  readonly window: number
  private rows: readonly WindowRow[] = []
  private heardUpTo: number
  more = false
  newer = false
  /** Rows told since it was looked at last. */
  told = 0

  private constructor(a: Allotment, person: Person, window: number) {
    this.a = a
    this.person = person
    this.window = window
    this.heardUpTo = person.updates.length
  }

  static async open(a: Allotment, person: Person, window: number, question: WatchedQuestion): Promise<Screen> {
    const screen = new Screen(a, person, window)
    const { rows, more, newer } = await a.room.ask(person, { type: 'watch-messages', window, question })
    Object.assign(screen, { rows, more, newer, heardUpTo: person.updates.length })
    return screen
  }

  look(): readonly WindowRow[] {
    this.told = 0
    for (const update of this.person.updates.slice(this.heardUpTo)) {
      if (update.type !== 'window' || update.window !== this.window) continue
      this.rows = changed(this.rows, update)
      this.told += update.rows.length + update.gone.length
      this.more = update.more
      this.newer = update.newer
    }
    this.heardUpTo = this.person.updates.length
    return this.rows
  }

  get texts(): string[] { return this.look().map(({ message }) => (message.deleted === true ? '†' : message.text)) }

  async grow(to: 'older' | 'newer', limit: number): Promise<string[]> {
    await this.a.room.ask(this.person, { type: 'grow-window', window: this.window, to, limit })
    return this.texts
  }
}

async function say(a: Allotment, person: Person, text: string, more: { thread?: OpId; mentions?: ReturnType<Allotment['id']>[] } = {}): Promise<OpId> {
  const { messageId } = await a.does(person, { type: 'send-message', channel: a.channel, text, ...more })
  await a.room.pass(500)
  return messageId
}

const line = (a: Allotment, more: object = {}): WatchedQuestion => ({ type: 'get-messages', space: a.space, channel: a.channel, ...more })
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `m${from + i}`)

async function withMany(count: number): Promise<{ a: Allotment; bob: Person; ids: OpId[] }> {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), ids: OpId[] = []
  for (let n = 0; n < count; n++) ids.push((await a.say(a.alice, `m${n}`)).messageId)
  await a.room.pass(1000)
  return { a, bob, ids }
}

const row = (text: string): WindowRow => ({ message: { id: text.toLowerCase() as OpId, text, order: Number(text.slice(1)) } as WindowRow['message'] })

test('who watches a channel’s end is told of what comes there and what changes, row by row', async () => {
  const { a, bob, ids } = await withMany(5)
  const screen = await Screen.open(a, bob, 1, line(a, { limit: 3 }))
  expect(screen.texts).toEqual(range(2, 5))
  expect([screen.more, screen.newer]).toEqual([true, false])
  await say(a, a.alice, 'm5')
  expect(screen.texts).toEqual(range(2, 6))
  expect(screen.told).toBe(1)
  await a.does(a.alice, { type: 'edit-message', message: ids[3] as OpId, text: 'M3' })
  await a.does(a.alice, { type: 'delete-message', message: ids[4] as OpId })
  await a.does(a.alice, { type: 'edit-message', message: ids[0] as OpId, text: 'far back' })
  await a.room.pass(500)
  expect(screen.texts).toEqual(['m2', 'M3', '†', 'm5'])
  await say(a, bob, 'mine')
  expect(screen.look().at(-1)?.message.state).toMatchObject({ type: 'delivered', to: 1 })
})

test('where clients want to hear of nothing but what they watch, nothing else is made for them', async () => {
  const { a, bob } = await withMany(2), { channel } = await a.room.ask(a.alice, { type: 'create-channel', space: a.space, name: 'compost' })
  await a.room.pass(1000)
  Object.assign(bob.engine.watching, { hearsAll: false })
  const told = (from: number): string[] => bob.updates.slice(from).flatMap((update) => (update.type === 'messages' ? update.messages.map(({ text }) => text) : []))
  const unwatched = bob.updates.length
  await say(a, a.alice, 'nobody looks')
  expect(told(unwatched)).toEqual([])
  const screen = await Screen.open(a, bob, 1, line(a, { limit: 3 })), watched = bob.updates.length
  await say(a, a.alice, 'Bob looks')
  await a.room.ask(a.alice, { type: 'send-message', space: a.space, channel, text: 'elsewhere' })
  await a.room.pass(1000)
  expect([screen.texts.at(-1), told(watched)]).toEqual(['Bob looks', ['Bob looks']])
})

test('a window far back stands still while others write, grows at both ends, and ends where it is closed', async () => {
  const { a, bob, ids } = await withMany(20)
  const screen = await Screen.open(a, bob, 7, line(a, { around: ids[10], limit: 4 }))
  expect(screen.texts).toEqual(range(8, 12))
  await say(a, a.alice, 'm20')
  expect(screen.texts).toEqual(range(8, 12))
  expect(screen.told).toBe(0)
  expect(await screen.grow('older', 5)).toEqual(range(3, 12))
  expect(screen.told).toBe(5)
  expect(await screen.grow('newer', 5)).toEqual(range(3, 17))
  await screen.grow('newer', 50)
  expect(await screen.grow('older', 50)).toEqual(range(0, 21))
  expect([screen.more, screen.newer]).toEqual([false, false])
  await say(a, a.alice, 'm21')
  expect(screen.texts).toEqual(range(0, 22))
  await a.room.ask(bob, { type: 'close-window', window: 7 })
  await say(a, a.alice, 'm22')
  expect([screen.texts, screen.told]).toEqual([range(0, 22), 0])
  for (const type of ['grow-window', 'close-window'] as const) expect((await a.room.reply(bob, { type, window: 7, to: 'older' } as Command))).toMatchObject({ ok: false, error: { code: 'unknown-window' } })
})

test('of a line that is followed for long, or grown far, the rows at the other end are let go', () => {
  const from = (first: number, count: number): Page => ({ rows: range(first, first + count).map(row), ends: { more: false, newer: false } })
  const all = from(0, MAX_WATCHED_ROWS), news = (count: number) => from(MAX_WATCHED_ROWS, count).rows.map(({ message }) => message)
  expect(withNews(all, news(100)).rows.length).toBe(MAX_WATCHED_ROWS + 100)
  const followed = withNews(all, news(MAX_WATCHED_ROWS + 1))
  expect([followed.rows.length, followed.rows[0]?.message.text, followed.ends]).toEqual([MAX_WATCHED_ROWS, `m${MAX_WATCHED_ROWS + 1}`, { more: true, newer: false }])
  const older = grown({ ...from(50, MAX_WATCHED_ROWS), ends: { more: true, newer: false } }, from(0, 50), 'older')
  expect([older.rows.length, older.rows[0]?.message.text, older.ends]).toEqual([MAX_WATCHED_ROWS, 'm0', { more: false, newer: true }])
  const newer = grown({ ...all, ends: { more: false, newer: true } }, from(MAX_WATCHED_ROWS, 50), 'newer')
  expect([newer.rows.length, newer.rows[0]?.message.text, newer.ends]).toEqual([MAX_WATCHED_ROWS, 'm50', { more: true, newer: false }])
})

test('threads, pins and what is searched for are lists that are kept true', async () => {
  const { a, bob, ids } = await withMany(4)
  const lists = [
    await Screen.open(a, bob, 1, { type: 'list-threads', space: a.space, channel: a.channel }),
    await Screen.open(a, bob, 2, { type: 'list-pins', space: a.space, channel: a.channel }),
    await Screen.open(a, bob, 3, { type: 'search-messages', query: 'plums', space: a.space }),
    await Screen.open(a, bob, 4, { type: 'search-messages', query: 'mentions:me' }),
    await Screen.open(a, bob, 5, { type: 'search-messages', query: 'from:Carol' }),
  ] as const
  const texts = (): string[][] => lists.map((screen) => screen.texts)
  expect(texts()).toEqual([[], [], [], [], []])
  const carol = await a.joins('Carol')
  await say(a, carol, 'plums are ripe')
  await say(a, a.alice, 'one answer', { thread: ids[1] as OpId })
  await say(a, a.alice, 'Bob, look', { thread: ids[0] as OpId, mentions: [a.id(bob)] })
  await a.does(a.alice, { type: 'pin-message', message: ids[2] as OpId, on: true })
  await a.does(a.alice, { type: 'edit-message', message: ids[3] as OpId, text: 'more plums' })
  await a.room.pass(1000)
  expect(texts()).toEqual([['m0', 'm1'], ['m2'], ['plums are ripe', 'more plums'], ['Bob, look'], ['plums are ripe']])
  expect(lists[2].look()[1]).toMatchObject({ snippet: 'more plums', marks: [[5, 10]], space: a.space })
  await say(a, carol, 'another', { thread: ids[1] as OpId })
  await a.does(a.alice, { type: 'pin-message', message: ids[2] as OpId, on: false })
  await a.does(a.alice, { type: 'edit-message', message: ids[3] as OpId, text: 'pears' })
  await a.room.pass(1000)
  expect(texts()).toEqual([['m1', 'm0'], [], ['plums are ripe'], ['Bob, look'], ['another', 'plums are ripe']])
})

test('what counts no longer leaves the windows, and comes back with its right', async () => {
  const { a, bob } = await withMany(2), carol = await a.joins('Carol')
  const screens = [await Screen.open(a, bob, 1, line(a)), await Screen.open(a, bob, 2, { type: 'search-messages', query: 'concurrent' })]
  await a.apart([a.alice, carol], async () => {
    await a.does(a.alice, { type: 'remove-member', member: a.id(carol) })
    await a.does(carol, { type: 'send-message', channel: a.channel, text: 'concurrent' })
  })
  expect(screens.map((screen) => screen.texts)).toEqual([['m0', 'm1'], []])
})

test('only so many windows, only of what one may read, and nothing more is told to who has gone', async () => {
  const { a, bob } = await withMany(1)
  for (let window = 1; window <= MAX_WINDOWS; window++) await Screen.open(a, bob, window, line(a, { limit: 1 }))
  expect(await a.room.reply(bob, { type: 'watch-messages', window: 999, question: line(a) })).toMatchObject({ ok: false, error: { code: 'limit-reached' } })
  const again = await Screen.open(a, bob, 5, line(a))
  expect(again.texts).toEqual(['m0'])
  expect(await a.room.reply(bob, { type: 'watch-messages', window: 5, question: line(a, { around: 'ab'.repeat(32) }) })).toMatchObject({ ok: false, error: { code: 'unknown-message' } })
  await say(a, a.alice, 'm1')
  expect(again.texts).toEqual(['m0', 'm1'])
  bob.queue.push({ type: 'client-gone', client: 1 })
  await a.room.pass(100)
  const before = bob.updates.length
  await say(a, a.alice, 'm2')
  expect(bob.updates.slice(before).some((update) => update.type === 'window')).toBe(false)
})

test('a change makes of any list any other, and says nothing of what stays', () => {
  const list = fc.uniqueArray(fc.constantFrom(...'abcdefghijABCDEFGHIJ'), { selector: (text) => text.toLowerCase() }).map((texts) => texts.map(row))
  fc.assert(fc.property(list, list, (before, now) => {
    const change = changeOf(before, now)
    expect(changed(before, change ?? { gone: [], rows: [] })).toEqual(now)
    if (change === undefined) expect(before).toEqual(now)
  }), { numRuns: 2000 })
  expect(changeOf(['a', 'b', 'c'].map(row), ['c', 'a', 'b'].map(row))?.rows.length).toBeLessThan(3)
  expect(changeOf(['a', 'b'].map(row), ['a', 'b', 'c'].map(row))).toEqual({ gone: [], rows: [{ ...row('c'), at: 2 }] })
})

test('whatever people do, and in whatever order it comes, what is watched is what would be answered anew', async () => {
  await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.nat(999)), async (dice) => {
    const roll = (sides: number): number => (dice.next().value as number) % sides
    const { a, bob, ids } = await withMany(3), carol = await a.joins('Carol'), people = [a.alice, bob, carol]
    const questions: readonly WatchedQuestion[] = [
      line(a, { limit: 200 }), { type: 'list-pins', space: a.space, channel: a.channel }, { type: 'list-threads', space: a.space, channel: a.channel }, { type: 'search-messages', query: 'red', limit: 100 },
    ]
    const screens = await Promise.all(questions.map((question, i) => Screen.open(a, bob, i + 1, question)))
    const someone = (): Person => people[roll(3)] as Person, some = (): OpId => ids[roll(ids.length)] as OpId
    for (let n = 0; n < 25; n++) {
      const who = someone()
      const act = roll(9)
      if (act === 0) a.room.goesOffline(who)
      else if (act === 1) for (const person of people) await a.room.comesOnline(person)
      else if (act <= 4) {
        const reply = await a.room.reply(who, { type: 'send-message', space: a.space, channel: a.channel, text: `${['red', 'green'][roll(2)] ?? ''} ${n}`, ...(act === 4 ? { thread: some() } : {}) })
        if (reply?.ok === true && 'messageId' in reply.result && act !== 4) ids.push(reply.result.messageId)
      } else if (act === 5) await a.room.reply(who, { type: 'edit-message', space: a.space, message: some(), text: `red again ${n}` })
      else if (act === 6) await a.room.reply(who, { type: 'react', space: a.space, message: some(), emoji: '🐝', on: roll(2) === 0 })
      else if (act === 7) await a.room.reply(who, { type: 'pin-message', space: a.space, message: some(), on: roll(3) > 0 })
      else await a.room.reply(who, { type: 'delete-message', space: a.space, message: some() })
    }
    for (const person of people) await a.room.comesOnline(person)
    await a.does(a.alice, { type: 'remove-member', member: a.id(carol) })
    await a.room.pass(60_000)
    for (const [i, question] of questions.entries()) {
      const answer = await a.room.ask(bob, question)
      const now: readonly WindowRow[] = 'results' in answer ? answer.results : ('threads' in answer ? answer.threads : answer.messages).map((message) => ({ message }))
      expect(screens[i]?.look()).toEqual(now)
    }
  }), { numRuns: 6, seed: 4 })
}, 60_000)
