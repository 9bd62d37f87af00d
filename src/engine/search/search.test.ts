import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openMemoryDisk } from '../../adapters/disk-memory.ts'
import type { Disk, Row } from '../../ports.ts'
import { type ChannelId, type OpId, parseChannelId, parseOpId, type SpaceId } from '../../wire/ids.ts'
import { Out } from '../out.ts'
import type { Turn } from '../turn.ts'
import { Finder, soughtBy } from './finder.ts'
import { matchText, meets, type Names, snippetOf } from './match.ts'
import { parseQuery, type Query } from './query.ts'
import type { Reading } from '../reading.ts'
import { RowCache } from './row-cache.ts'
import { indexPartitions, NO_TERMS, SearchIndex } from './search-index.ts'
import { type Doc, idsKey, nameOf } from './segment.ts'
import { termsOfMessage } from './terms.ts'
import { fold, wordsOf } from './words.ts'

const IDS_KEY = idsKey(0, 0)[4]
const NOBODY: Names = { authors: undefined, channels: undefined, mentions: undefined }
const SPACE = 'aa'.repeat(32) as SpaceId
const CHANNELS = ['01', '02'].map((n) => parseChannelId(new Uint8Array(16).fill(Number(n))) as ChannelId)

interface Message { readonly id: OpId; readonly channel: ChannelId; readonly hlc: number; readonly author: string; text: string; readonly isReply: boolean; readonly inThread?: boolean }

/** An index on a disk, worked as the engine would. */
class Desk {
  disk: Disk = openMemoryDisk()
  index = new SearchIndex(SPACE)
  readonly messages = new Map<OpId, Message>()

  async run<T>(start: (turn: () => Turn) => Reading<T>): Promise<T> {
    let turn: Turn = { now: 0, out: new Out() }
    const reading = start(() => turn)
    let step = reading.next()
    while (step.done !== true) {
      await this.disk.save(turn.out.saves)
      turn = { now: 0, out: new Out() }
      step = reading.next(await Promise.all(step.value.map(({ partition, query }) => this.disk.range(partition, query))))
    }
    await this.disk.save(turn.out.saves)
    return step.value
  }

  async say(message: Message): Promise<void> {
    this.messages.set(message.id, message)
    const turn: Turn = { now: 0, out: new Out() }
    this.index.add(turn, { inThread: false, ...message, terms: message.text === '' ? NO_TERMS : termsOfMessage({ ...message, mentions: [] }) })
    await this.disk.save(turn.out.saves)
  }

  /** As when a history comes in. */
  async sayMany(messages: readonly Message[]): Promise<void> {
    for (const message of messages) this.messages.set(message.id, message)
    const turn: Turn = { now: 0, out: new Out() }
    this.index.addMany(turn, messages.map((message) => ({ inThread: false, ...message, terms: termsOfMessage({ ...message, mentions: [] }) })), 3)
    await this.disk.save(turn.out.saves)
  }

  async workOff(): Promise<void> {
    await this.run(() => this.index.open())
    while (this.index.isBusy()) expect(await this.run((turn) => this.index.work(turn))).toBe('done')
  }

  /** What is found, checked against the texts as they are, newest first. */
  async find(query: Query, names = NOBODY, page = 7): Promise<string[]> {
    const finder = new Finder(this.index, soughtBy(query, names)), known = new Map([...this.messages.values()].map((m) => [nameOf(short(m)), m]))
    // As they lie on the disk: by channel and time, with their ids behind.
    const standing = [...this.messages.values()].filter((m) => m.inThread !== true).sort((a, b) => (a.id < b.id ? 1 : -1))
    const out: string[] = []
    for (;;) {
      const docs = await this.run(() => finder.next(page))
      if (typeof docs === 'string') throw new Error(docs)
      for (const doc of docs) {
        const { start, id } = doc, some = standing.filter((m) => m.channel === doc.channel && m.hlc === doc.hlc && m.id.startsWith(start))
        if (id === undefined && some.length > 1) await this.run(() => finder.name([doc]))
        const found = doc.id !== undefined ? [known.get(nameOf({ ...doc, id: doc.id }))] : some
        for (const message of found) if (message !== undefined && !out.includes(message.id) && meets(query, names, { ...message, mentions: [] }) !== undefined) out.push(message.id)
      }
      if (docs.length < page) return out
    }
  }

  /** Without an index. */
  naive(query: Query, names = NOBODY): string[] {
    return [...this.messages.values()].filter((m) => meets(query, names, { ...m, mentions: [] }) !== undefined)
      .sort((a, b) => b.hlc - a.hlc || (a.id < b.id ? 1 : -1)).map((m) => m.id)
  }
}

const short = (m: Message): Omit<Doc, 'inThread'> => ({ channel: m.channel, hlc: m.hlc, id: m.id.slice(0, 16) })
const idOf = (n: number): OpId => parseOpId(Uint8Array.from({ length: 32 }, (_, i) => (n * 2654435761 >>> (i % 4) * 8) & 255)) as OpId
const WORDS = ['moon', 'Mond', 'moonlight', 'rösti', 'rosti', 'Привет', 'привёт', '東京タワー', '東京', 'ab', 'abc', 'https://x.test/a', '`code`', '한국어', '한국어를', '대한민국은', 'KBS는', 'ß', 'ss', 'naïve', '🌙']
const QUERIES = ['moon', 'moo', 'mo* rosti', '"moon mond"', 'привет', '京', '東京', '京タ', '한국', '국', '국어를 ', '한구', '구', '한ㄱ', 'ㄱ', '"민국은 moo', '대한민구', '"moon 한구', '"민국은 moon"', '"東京 ab"', '"ab タワー"', '"ab 東京タワー ab"', '"moon ab moon a', 'kbs는', 'ss', 'has:link', 'ab', '"ab abc"', 'has:code moon', '🌙', 'naive mond']

const story = fc.array(fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), words: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 }), at: fc.nat(500), channel: fc.nat(1), author: fc.constantFrom('a', 'b'), inThread: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('change' as const), which: fc.nat(200), words: fc.array(fc.constantFrom(...WORDS), { maxLength: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('say many' as const), words: fc.array(fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }), at: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
), { minLength: 5, maxLength: 60 })

async function play(desk: Desk, steps: (typeof story extends fc.Arbitrary<infer T> ? T : never)): Promise<void> {
  for (const step of steps) {
    switch (step.do) {
      case 'say': {
        const n = desk.messages.size + 1
        await desk.say({ id: idOf(n), channel: CHANNELS[step.channel] as ChannelId, hlc: (1000 + step.at) * 1024, author: step.author, text: step.words.join(' '), isReply: false, inThread: step.inThread })
        break
      }
      case 'say many': {
        const n = desk.messages.size + 1
        await desk.sayMany(step.words.map((words, i) => (
          { id: idOf(n + i), channel: CHANNELS[i % 2] as ChannelId, hlc: (1000 + step.at + i % 3) * 1024, author: 'b', text: words.join(' '), isReply: false, inThread: n % 3 === 0 }
        )))
        break
      }
      case 'change': {
        const message = [...desk.messages.values()][step.which % Math.max(1, desk.messages.size)]
        if (message !== undefined && message.text !== '') await desk.say({ ...message, text: step.words.join(' ') })
        break
      }
      case 'flush':
        await desk.workOff()
        await desk.run(function* (turn) { yield []; desk.index.flush(turn()); return undefined })
        await desk.workOff()
        break
      case 'restart': desk.index = new SearchIndex(SPACE); await desk.workOff()
    }
  }
}

test('whatever was said, changed, erased, packed and restarted: the index finds what a look at every message finds, newest first', async () => {
  await fc.assert(fc.asyncProperty(story, fc.constantFrom(...QUERIES), fc.option(fc.constantFrom('a', 'b')), async (steps, text, author) => {
    const desk = new Desk()
    await play(desk, steps)
    const query = parseQuery(text, 0), names = { ...NOBODY, authors: author === null ? undefined : [author] }
    expect(await desk.find(query, names)).toEqual(desk.naive(query, names))
  }), { numRuns: 300 })
})

test('of a phrase hardly more is proposed than has it, though many messages have all its words', async () => {
  const desk = new Desk(), filler = ['so', 'we', 'went', 'on', 'and', 'found', 'what', 'nobody', 'had', 'seen', 'there', 'before', 'us', 'that', 'day', 'perhaps', 'later']
  const withMoonAnd = (n: number, at: number, behind: number): string => filler.map((word, i) => (i === at ? 'full' : i === (at + behind) % filler.length ? 'moon' : `${word}${n % 3}`)).join(' ')
  const texts = Array.from({ length: 400 }, (_, n) => withMoonAnd(n, n % 16, n % 40 === 0 && n % 16 < 15 ? 1 : 2 + n % 11))
  for (const [n, text] of [...texts, '東京の塔と京都', '京都と東京', '京東'].entries()) await desk.say({ id: idOf(n), channel: CHANNELS[0] as ChannelId, hlc: (n + 1) * 1024, author: 'a', text, isReply: false })
  for (const flush of [false, true]) {
    if (flush) await desk.run(function* (turn) { yield []; desk.index.flush(turn()); return undefined })
    const proposed = async (query: string): Promise<number> => (await desk.run(() => new Finder(desk.index, soughtBy(parseQuery(query, 0), NOBODY)).next(1000))).length
    const isRight = texts.filter((text) => text.includes('full moon')).length
    expect(await proposed('full moon ')).toBe(400)
    expect(await proposed('"full moon"')).toBeGreaterThanOrEqual(isRight)
    expect(await proposed('"full moon"')).toBeLessThan(isRight + 30)
    expect(await proposed('京都と東')).toBe(1)
    expect(await desk.find(parseQuery('"full moon"', 0))).toHaveLength(isRight)
  }
})

test('the words of an erased message are on the disk no more', async () => {
  const desk = new Desk()
  const secret = { id: idOf(1), channel: CHANNELS[0] as ChannelId, hlc: 5 * 1024, author: 'a', text: 'xylophone among others', isReply: false }
  await desk.say(secret)
  await desk.say({ ...secret, id: idOf(2), hlc: 6 * 1024, text: 'others stay' })
  await desk.run(function* (turn) { yield []; desk.index.flush(turn()); return undefined })
  expect(await onDisk(desk, 'xylophone')).toBe(true)
  await desk.say({ ...secret, text: '' })
  await desk.workOff()
  expect(await onDisk(desk, 'xylophone')).toBe(false)
  expect(await desk.find(parseQuery('others ', 0))).toEqual([idOf(2)])
})

const rowsOf = async (desk: Desk): Promise<Row[]> => (await Promise.all(indexPartitions(SPACE).map((partition) => desk.disk.range(partition, { limit: 1e6 })))).flat()

async function onDisk(desk: Desk, word: string): Promise<boolean> {
  const rows = await rowsOf(desk)
  return rows.some((row) => new TextDecoder().decode(row.value).includes(word))
}

test('a damaged index says so and never answers with less in silence', async () => {
  const desk = new Desk()
  for (let n = 1; n <= 40; n++) await desk.say({ id: idOf(n), channel: CHANNELS[n % 2] as ChannelId, hlc: n * 1024, author: 'a', text: `moon number${n}`, isReply: false })
  await desk.run(function* (turn) { yield []; desk.index.flush(turn()); return undefined })
  const rows = await desk.disk.range(`search/${SPACE}`, { limit: 1e6 })
  for (const row of rows) {
    const hurt = new Desk()
    for (const other of rows) await hurt.disk.save([{ type: 'put', partition: `search/${SPACE}`, key: other.key, value: other === row ? other.value.slice(0, -3) : other.value }])
    const finder = new Finder(hurt.index, soughtBy(parseQuery('moon ', 0), NOBODY)), found = await hurt.run(() => finder.next(100))
    if (row.key[4] !== IDS_KEY) { expect(found).toBe('damaged'); continue }
    // Nobody needs ids to find these; who does is told.
    expect(found).toHaveLength(40)
    await hurt.run(function* (turn) { yield []; hurt.index.add(turn(), { channel: CHANNELS[1] as ChannelId, hlc: 1024, id: idOf(1), inThread: false, terms: NO_TERMS }); return undefined })
    expect(await hurt.run((turn) => hurt.index.work(turn))).toBe('damaged')
  }
  expect(rows.length).toBe(5)
})

test('where others were said at the same time, the index says how an id begins; of who stands alone it need not', async () => {
  const desk = new Desk()
  await desk.run(() => desk.index.open())
  await desk.sayMany([1, 2, 2, 2, 3].map((at, n) => ({ id: idOf(n + 1), channel: CHANNELS[0] as ChannelId, hlc: at * 1024, author: 'a', text: 'moon', isReply: false })))
  const found = await desk.run(() => new Finder(desk.index, soughtBy(parseQuery('moon ', 0), NOBODY)).next(9))
  if (typeof found === 'string') throw new Error(found)
  expect(found.map(({ start, id }) => [start, id])).toEqual(['', ...[2, 3, 4].map((n) => idOf(n).slice(0, 4)).sort().reverse(), ''].map((start) => [start, undefined]))
})

test('four full tails become one segment, and everything is still found', async () => {
  const desk = new Desk()
  for (let n = 1; n <= 8 * 1024; n++) {
    const turn: Turn = { now: 0, out: new Out() }
    desk.index.add(turn, { channel: CHANNELS[n % 2] as ChannelId, hlc: n * 1024, id: idOf(n), inThread: false, terms: new Map([[`n${n % 100}`, 1], ['all', 2]]) })
    await desk.disk.save(turn.out.saves)
    if (desk.index.isBusy()) await desk.workOff()
  }
  expect(desk.index.segments().map((s) => s.docs).sort()).toEqual([4096, 4096])
  const finder = new Finder(desk.index, soughtBy(parseQuery('n42 all ', 0), NOBODY))
  const found = await desk.run(() => finder.next(1000))
  expect(found.length).toBe(82)
})

test('small segments of a history that comes in become a large one while more of it does', async () => {
  const desk = new Desk()
  await desk.run(() => desk.index.open())
  let n = 0
  const comesIn = (turn: Turn): void => desk.index.addMany(turn, Array.from({ length: 400 }, () => ({ channel: CHANNELS[0] as ChannelId, hlc: ++n * 1024, id: idOf(n), inThread: false, terms: new Map([[`n${n % 100}`, 1], ['all', 2]]) })))
  while (!desk.index.isBusy()) await desk.run(function* (turn) { yield []; comesIn(turn()); return undefined })
  expect(desk.index.segments().length, 'of 400 each').toBe(11)
  let pauses = 0
  await desk.run(function* (turn) {
    const work = desk.index.work(turn)
    for (let step = work.next(), rows = yield []; step.done !== true; step = work.next(rows)) { comesIn(turn()); pauses++; rows = yield step.value }
    return undefined
  })
  expect(pauses).toBeGreaterThan(1)
  expect(desk.index.segments().filter((s) => s.docs > 400).map((s) => s.docs)).toEqual([4400])
  const found = await desk.run(() => new Finder(desk.index, soughtBy(parseQuery('n42 all ', 0), NOBODY)).next(1000))
  expect(found.length).toBe(Math.floor((n - 42) / 100) + 1)
})

test('few segments of a history that comes in can wait until all is here; of many, many become one at once', async () => {
  const desk = new Desk()
  await desk.run(() => desk.index.open())
  let n = 0
  const comesIn = (count: number): Promise<undefined> => desk.run(function* (turn) {
    yield []
    desk.index.addMany(turn(), Array.from({ length: count }, () => ({ channel: CHANNELS[0] as ChannelId, hlc: ++n * 1024, id: idOf(n), inThread: false, terms: new Map([[`n${n % 100}`, 1]]) })))
    return undefined
  })
  const docs = (): number[] => desk.index.segments().map((s) => s.docs)
  for (const count of [9000, 9000, ...new Array<number>(29).fill(260)]) await comesIn(count)
  expect([docs().length, desk.index.isBusy(), desk.index.mayRest()]).toEqual([31, true, true])
  await comesIn(260)
  expect(desk.index.mayRest()).toBe(false)
  await desk.run((turn) => desk.index.work(turn))
  expect(docs()).toEqual([...new Array<number>(8).fill(260), 18_000 + 22 * 260])
  expect(desk.index.mayRest()).toBe(true)
  expect((await desk.run(() => new Finder(desk.index, soughtBy(parseQuery('n42 ', 0), NOBODY)).next(1000))).length).toBe(Math.floor((n - 42) / 100) + 1)
})

/** Ten thousand messages in one segment: a word of all, one of every third and so on, with their places. */
async function crowd(): Promise<{ readonly desk: Desk; readonly texts: readonly string[]; read: () => number }> {
  const desk = new Desk(), texts: string[] = []
  await desk.run(() => desk.index.open())
  for (let n = 0; n < 10_000; n++) texts.push([...(n % 3 === 0 ? ['full'] : n % 5 === 0 ? ['so'] : []), 'all', ...(n % 3 === 1 ? ['third'] : []), ...(n % 977 === 0 ? ['rare'] : []), `allotment${n % 211}`, n > 9000 ? 'late' : 'early'].join(' '))
  await desk.sayMany(texts.map((text, n) => ({ id: idOf(n + 1), channel: CHANNELS[n % 2] as ChannelId, hlc: (n + 1) * 1024, author: n % 7 === 0 ? 'a' : 'b', text, isReply: false })))
  expect(desk.index.segments().map((s) => s.docs)).toEqual([10_000])
  let rows = 0
  const { disk } = desk
  desk.disk = { ...disk, save: (saves) => disk.save(saves), range: async (partition, query) => { const found = await disk.range(partition, query); rows += found.length; return found } }
  return { desk, texts, read: () => rows }
}

test('long lists, of which only a part is read, give what a look at every message gives', async () => {
  const { desk } = await crowd()
  const late = { after: 9_001, before: 9_100 }, early = { after: 0, before: 50 }
  const ways = [[undefined, {}], ['a', {}], [undefined, late], ['b', late], [undefined, early]] as const
  for (const [n, text] of ['all ', 'rare all ', 'all third late ', '"full all" ', '"all third', 'all', 'allot', 'allotment7 ', 'allotment7 full ', '"full all third', 'late early ', 'nothing all '].entries()) {
    for (const [author, time] of [ways[n % 5] ?? ways[0], ways[(n + 1 + Math.floor(n / 5)) % 5] ?? ways[0]]) {
      const query = { ...parseQuery(text, 0), ...time }, names = { ...NOBODY, authors: author === undefined ? undefined : [author] }
      const expected = desk.naive(query, names)
      expect(await desk.find(query, names, expected.length > 500 ? 2000 : 7), `${text} ${author} ${JSON.stringify(time)}`).toEqual(expected)
    }
  }
}, 60_000)

test('for the newest that have a common word, or a common and a rare one, little of the index is read', async () => {
  const { desk, read } = await crowd()
  const first = async (text: string, author?: string): Promise<number> => {
    desk.index = new SearchIndex(SPACE)
    await desk.run(() => desk.index.open())
    const names = { ...NOBODY, authors: author === undefined ? undefined : [author] }
    const before = read(), found = await desk.run(() => new Finder(desk.index, soughtBy(parseQuery(text, 0), names)).next(10))
    expect(found).toHaveLength(10)
    return read() - before
  }
  const all = (await desk.disk.range(desk.index.partition, { limit: 1e6 })).length
  expect(all).toBeGreaterThan(80)
  expect(await first('all ')).toBeLessThanOrEqual(3)
  expect(await first('all third ')).toBeLessThanOrEqual(6)
  // The author's list, the first piece of the one of all, and a block of messages.
  expect(await first('all ', 'a')).toBe(3)
  // A block of terms and one of messages for each that has it.
  expect(await first('rare ')).toBeLessThanOrEqual(12)
})

/** Before some segments become one. */
async function half(): Promise<Desk> {
  const desk = new Desk()
  await desk.run(() => desk.index.open())
  for (let batch = 0; batch < 8; batch++) await desk.sayMany(Array.from({ length: 1000 }, (_, i) => ({ id: idOf(batch * 1000 + i + 1), channel: CHANNELS[0] as ChannelId, hlc: (batch * 1000 + i + 1) * 1024, author: 'a', text: `moon number${batch * 1000 + i} so that there is much to be written ${i} ${i + 1} ${i + 2}`, isReply: false })))
  return desk
}

/** What a question takes of an index that is read anew: how often rows are waited for, and how many. */
async function costs(desk: Desk, text: string, count: number): Promise<{ found: number; rounds: number; rows: number }> {
  desk.index = new SearchIndex(SPACE)
  await desk.run(() => desk.index.open())
  let rounds = 0, rows = 0
  const found = await desk.run(function* () {
    const reading = new Finder(desk.index, soughtBy(parseQuery(text, 0), NOBODY)).next(count)
    for (let step = reading.next(); ; step = reading.next(yield step.value)) {
      if (step.done === true) return step.value
      if (step.value.length > 0) rounds++
      rows += step.value.length
    }
  })
  return { found: found.length, rounds, rows }
}

test('a word that few have is looked for in several segments at once; what nobody wants yet is not looked for', async () => {
  const desk = new Desk()
  await desk.run(() => desk.index.open())
  for (let n = 0; n < 7; n++) {
    await desk.sayMany(Array.from({ length: 400 }, (_, i) => (
      { id: idOf(400 * n + i), channel: CHANNELS[0] as ChannelId, hlc: (400 * n + i + 1) * 1024, author: 'a', text: i === 77 ? 'all of it rare' : i % 40 === 0 ? 'all of it often' : 'all of it', isReply: false }
    )))
  }
  expect(desk.index.segments().length).toBe(7)
  expect(await costs(desk, 'rare ', 25)).toEqual({ found: 7, rounds: 4, rows: 14 })
  expect(await costs(desk, 'often ', 25), 'ten in each: three segments').toEqual({ found: 25, rounds: 4, rows: 15 })
  expect(await costs(desk, 'all ', 128), 'a list, and a block of messages').toEqual({ found: 128, rounds: 2, rows: 2 })
})

test('a segment that was half made when all ended leaves nothing behind', async () => {
  const desk = await half(), more = Array.from({ length: 9 }, (_, i) => ({ id: idOf(9000 + i), channel: CHANNELS[0] as ChannelId, hlc: (9000 + i) * 1024, author: 'a', text: 'sun', isReply: false }))
  expect(desk.index.isBusy()).toBe(true)
  const found = await desk.find(parseQuery('moon number4', 0))
  expect(found).toHaveLength(1000 + 100 + 10 + 1)
  const rows = async (): Promise<number> => (await rowsOf(desk)).length
  const before = await rows(), other = await half()
  await other.sayMany(more)
  await other.workOff()
  const expected = (await rowsOf(other)).length
  let turn: Turn = { now: 0, out: new Out() }
  const work = desk.index.work(() => turn)
  let step = work.next()
  for (;;) {
    await desk.disk.save(turn.out.saves)
    turn = { now: 0, out: new Out() }
    if (step.done === true || (await rows()) > before + 3) break
    step = work.next(await Promise.all(step.value.map(({ partition, query }) => desk.disk.range(partition, query))))
  }
  expect(step.done, 'it was not done').not.toBe(true)
  desk.index = new SearchIndex(SPACE)
  await desk.run(() => desk.index.open())
  expect(await desk.find(parseQuery('moon number4', 0))).toEqual(found)
  await desk.sayMany(more)
  await desk.workOff()
  expect(desk.index.segments().map((s) => s.docs)).toEqual([8009])
  // As many as where nothing went wrong.
  expect(await rows()).toBe(expected)
  expect(await desk.find(parseQuery('moon number4', 0))).toEqual(found)
})

test('of a large segment the newest messages stay apart, so that for what many have no more is read', async () => {
  const desk = new Desk(), batch = 8800
  await desk.run(() => desk.index.open())
  for (let n = 0; n < 8 * batch; n += batch) {
    const turn: Turn = { now: 0, out: new Out() }
    desk.index.addMany(turn, Array.from({ length: batch }, (_, i) => ({ channel: CHANNELS[0] as ChannelId, hlc: (n + i + 1) * 1024, id: idOf(n + i), inThread: false, terms: new Map([[`n${i % 100}`, 1], ['all', 2]]) })))
    await desk.disk.save(turn.out.saves)
  }
  await desk.workOff()
  expect(desk.index.segments().map((s) => s.docs)).toEqual([4096, 8 * batch - 4096])
  const times = async (text: string): Promise<number[]> => {
    const found = await desk.run(() => new Finder(desk.index, soughtBy(parseQuery(text, 0), NOBODY)).next(100_000))
    return typeof found === 'string' ? [] : found.map(({ hlc }) => hlc / 1024)
  }
  expect(await times('"n42 all" ')).toEqual(Array.from({ length: 8 * batch }, (_, n) => 8 * batch - n).filter((at) => (at - 1) % batch % 100 === 42))
  // What was erased leaves the large one, and no further one is set apart.
  const turn: Turn = { now: 0, out: new Out() }
  for (const n of [42, 8 * batch - 58]) desk.index.add(turn, { channel: CHANNELS[0] as ChannelId, hlc: (n + 1) * 1024, id: idOf(n), inThread: false, terms: NO_TERMS })
  await desk.disk.save(turn.out.saves)
  await desk.workOff()
  expect(desk.index.segments().map((s) => s.docs)).toEqual([4095, 8 * batch - 4097])
}, 60_000)

test('texts of plain letters, which are read in a faster way, give the same terms', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'aZ09 _-.,#*\'"`~\n@/:'), maxLength: 150 }), (text) => {
    const terms = [...termsOfMessage({ channel: 'c', author: 'a', text, isReply: false, mentions: [] })].filter(([term]) => !term.startsWith('\u0001'))
    const places = new Map<string, number>()
    for (const [i, { text: word }] of wordsOf(text).entries()) places.set(word, (places.get(word) ?? 0) | (1 << (i % 16)))
    expect(terms).toEqual([...places])
  }))
})

test('words are folded so that people find what they mean', () => {
  expect(fold('Straße ÆRØ Ǆ ﬁn İstanbul ΣΊΣΥΦΟΣ')).toBe('strasse aero dz fin istanbul σισυφοσ')
  expect(fold('Ёлка')).toBe('елка')
  expect(fold('が')).toBe('が')
  expect(fold('한국어')).toBe('한국어')
  expect(fold('ＦＵＬＬ')).toBe('full')
  expect(wordsOf('Viva 🇩🇪🇫🇷!').map((w) => w.text)).toEqual(['viva', '🇩🇪', '🇫🇷'])
  expect(wordsOf('ﾗｰﾒﾝとﾋﾟｻﾞ').map((w) => w.text)).toEqual(['ラーメンとピザ'])
  expect(wordsOf('Go東京タワー! don’t').map((w) => w.text)).toEqual(['go', '東京タワー', 'don', 't'])
})

test('in Korean a word is found whatever is written together with it, before and behind', () => {
  const texts = ['오늘 저녁에 한국어를 배우러 도서관에 갔어요.', '대한민국의 수도는 서울특별시입니다', '내일 김치찌개랑 된장찌개 먹자 ㅋㅋㅋ', 'KBS뉴스에서 봤는데 3월부터래']
  const found = (typed: string): number[] => texts.flatMap((text, n) => (matchText(parseQuery(typed, 0).clauses, text) === undefined ? [] : [n]))
  for (const [typed, where] of [
    ['한국어 ', [0]], ['도서관', [0]], ['민국', [1]], ['서울 ', [1]], ['특별시', [1]], ['찌개', [2]], ['김치', [2]], ['ㅋㅋ', [2]], ['뉴스', [3]], ['kbs', [3]], ['3월', [3]], ['"된장찌개 먹자"', [2]], ['"찌개 먹', [2]], ['"김치 찌개"', []], ['국한', []],
  ] as const) expect([typed, found(typed)]).toEqual([typed, [...where]])
  const [, tower = ''] = texts, spans = matchText(parseQuery('민국', 0).clauses, tower) ?? []
  expect(spans.map(([from, to]) => tower.slice(from, to))).toEqual(['민국'])
})

test('half a Korean syllable is found as what it is typed on to be, and only while it is typed', () => {
  const texts = ['한국어를 배우다', '한글', '한국의한구석', '하늘', 'ㄱㄴ'], found = (typed: string): number[] => texts.flatMap((text, n) => (matchText(parseQuery(typed, 0).clauses, text) === undefined ? [] : [n]))
  for (const [typed, where] of [
    ['한', [0, 1, 2]], ['하', [0, 1, 2, 3]], ['하 ', [3]], ['한ㄱ', [0, 1, 2]], ['한구', [0, 2]], ['한구 ', [2]], ['한국', [0, 2]], ['한그', [1]], ['ㄱ', [0, 1, 2, 4]], ['ㄱ ', [4]], ['국ㅇ', [0, 2]], ['"한국어를 배', [0]], ['한국ㄱ', []], ['"한구"', [2]], ['"한구', [0, 2]],
  ] as const) expect([typed, found(typed)]).toEqual([typed, [...where]])
  const [first = ''] = texts, spans = matchText(parseQuery('한구', 0).clauses, first) ?? []
  expect(spans.map(([from, to]) => first.slice(from, to))).toEqual(['한국'])
})

test('each kind of question is understood, and what is not is said', () => {
  const now = Date.UTC(2026, 10, 21, 1)
  const query = parseQuery('"full moon" from:Bob in:#general has:link mentions:"Bob Smith" during:2026-02 before:nonsense has:gold lan', now)
  expect(query).toMatchObject({
    from: ['Bob'], in: ['general'], has: ['link'], mentions: ['Bob Smith'], unclear: ['before:nonsense', 'has:gold'], after: Date.UTC(2026, 1, 1), before: Date.UTC(2026, 2, 1),
  })
  expect(query.clauses.map((c) => [c.words.map((w) => w.text).join(' '), c.isOpen])).toEqual([['full moon', false], ['lan', true]])
  // At one in the morning UTC it is still yesterday two hours west.
  expect(parseQuery('during:today', now, [[0, -120]]).after).toBe(Date.UTC(2026, 10, 20, 2))
  // In summer a day of Berlin begins two hours before one of UTC, in winter one; clocks are changed at night.
  const berlin = [[0, 60], [Date.UTC(2026, 2, 29, 1), 120], [Date.UTC(2026, 9, 25, 1), 60]] as const
  expect(parseQuery('during:2026-07-01', now, berlin)).toMatchObject({ after: Date.UTC(2026, 5, 30, 22), before: Date.UTC(2026, 6, 1, 22) })
  expect(parseQuery('during:2026-03-29', now, berlin)).toMatchObject({ after: Date.UTC(2026, 2, 28, 23), before: Date.UTC(2026, 2, 29, 22) })
  expect(parseQuery('during:2026-10', now, berlin)).toMatchObject({ after: Date.UTC(2026, 8, 30, 22), before: Date.UTC(2026, 9, 31, 23) })
  expect(parseQuery('after:2024-02', now).after).toBe(Date.UTC(2024, 2, 1))
  expect(parseQuery('during:2024-02-29', now)).toMatchObject({ after: Date.UTC(2024, 1, 29), before: Date.UTC(2024, 2, 1) })
  expect(['?! €', '?! in:shed', 'moon ?!', ''].map((typed) => parseQuery(typed, now).isBlank)).toEqual([true, false, false, false])
  expect(parseQuery('during:2023-02-29', now).unclear).toEqual(['during:2023-02-29'])
})

test('a result shows the words found, in a piece of the text around them', () => {
  const text = `${'before '.repeat(60)}the Full Möon rises${' after'.repeat(60)}`
  const spans = matchText(parseQuery('"full moon"', 0).clauses, text) ?? []
  const snippet = snippetOf(text, spans)
  expect(snippet.spans.map(([from, to]) => snippet.text.slice(from, to))).toEqual(['Full', 'Möon'])
  expect(snippet.text.length).toBeLessThanOrEqual(180)
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ unit: 'grapheme', maxLength: 6 }), (any, wanted) => {
    const found = matchText(parseQuery(wanted, 0).clauses, any) ?? []
    for (const [from, to] of snippetOf(any, found).spans) expect(from).toBeLessThan(to)
  }))
})

describe('rows that were read lately', () => {
  test('are kept within a bound, those asked for last the longest', () => {
    const cache = new RowCache(30)
    for (const name of ['a', 'b', 'c']) cache.set(name, new Uint8Array(10))
    expect(cache.get('a')?.length).toBe(10)
    cache.set('d', new Uint8Array(10))
    expect(['a', 'b', 'c', 'd'].map((name) => cache.get(name) !== undefined)).toEqual([true, false, true, true])
    cache.set('a', new Uint8Array(25))
    expect(['a', 'c', 'd'].map((name) => cache.get(name)?.length)).toEqual([25, undefined, undefined])
  })

  test('of an index that is begun anew are never taken for those of the one before', () => {
    const cache = new RowCache()
    expect(new Set([cache.owner(), cache.owner(), cache.owner()]).size).toBe(3)
  })
})
