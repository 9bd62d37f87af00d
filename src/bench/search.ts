/**
 * Search by messages indexed: the index as the engine keeps it, on the headless peer's disk, asked as people ask. Words are drawn as in a language, a few
 * often and most rarely; what the index proposes is checked against the text, as always. Beside it: a look at every message in memory.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteDisk } from '../adapters/disk-sqlite.ts'
import { Out } from '../engine/out.ts'
import type { Reading } from '../engine/reading.ts'
import { Finder, soughtBy } from '../engine/search/finder.ts'
import { meets, type Names } from '../engine/search/match.ts'
import { parseQuery } from '../engine/search/query.ts'
import { indexPartitions, SearchIndex } from '../engine/search/search-index.ts'
import { termsOfMessage } from '../engine/search/terms.ts'
import type { Turn } from '../engine/turn.ts'
import type { Disk } from '../ports.ts'
import { parseChannelId, parseOpId, type ChannelId, type OpId, type SpaceId } from '../wire/ids.ts'
import { HLC_STEP } from '../wire/op.ts'
import { dice, language } from './language.ts'
import { type Figure, median, quantile, timed } from './table.ts'

const SPACE = 'aa'.repeat(32) as SpaceId
const NOBODY: Names = { authors: undefined, channels: undefined, mentions: undefined }
const STEP_MESSAGES = 64
const PAGE = 25
const MAX_LOOKS = 2000
const CHANNELS = Array.from({ length: 20 }, (_, i) => parseChannelId(new Uint8Array(16).fill(i + 1)) as ChannelId)

interface Message { readonly text: string; readonly author: string; readonly channel: ChannelId; readonly hlc: number; readonly id: OpId; readonly isReply: boolean; readonly mentions: readonly string[] }

class Desk {
  private readonly disk: Disk
  index = new SearchIndex(SPACE)
  private turn: Turn = { now: 0, out: new Out() }
  longestMs = 0
  constructor(disk: Disk) { this.disk = disk }

  async save(): Promise<void> {
    await this.disk.save(this.turn.out.saves)
    this.turn = { now: 0, out: new Out() }
  }

  /** As `Questions.follow` does it; notes the longest time between two reads, which nobody can interrupt. */
  async run<T>(start: (turn: () => Turn) => Reading<T>): Promise<T> {
    const reading = start(() => this.turn)
    let answers: Parameters<typeof reading.next>[0] = []
    for (;;) {
      const began = performance.now()
      const step = reading.next(answers)
      this.longestMs = Math.max(this.longestMs, performance.now() - began)
      if (this.turn.out.saves.length > 0) await this.save()
      if (step.done === true) return step.value
      answers = await Promise.all(step.value.map(({ partition, query }) => this.disk.range(partition, query)))
    }
  }

  add(m: Message): void { this.index.add(this.turn, { ...m, inThread: false, terms: termsOfMessage(m) }) }

  async workOff(): Promise<void> { while (this.index.isBusy()) await this.run((turn) => this.index.work(turn)) }

  /** The first page of what is found. */
  async find(text: string, names: Names, all: readonly Message[]): Promise<number> {
    const query = parseQuery(text, 0), finder = new Finder(this.index, soughtBy(query, names))
    let found = 0
    for (let looked = 0; looked < MAX_LOOKS && found < PAGE;) {
      const docs = await this.run(() => finder.next(PAGE))
      if (typeof docs === 'string') throw new Error(`The index is ${docs}.`)
      for (const doc of docs) {
        const message = all[placeOf(doc.hlc)]
        if (message !== undefined && meets(query, names, message) !== undefined) found++
      }
      looked += docs.length
      if (docs.length < PAGE) break
    }
    return found
  }

  /** All of the disk tidied, and all of it checked. */
  async tend(): Promise<Figure[]> {
    const compactMs = await timed(async () => { while (await this.disk.compact()) continue })
    const checkMs = await timed(async () => { if ((await this.disk.check()).length > 0) throw new Error('The disk is damaged.') })
    return [{ what: 'compaction', value: compactMs, unit: 'ms' }, { what: 'full check', value: checkMs, unit: 'ms' }]
  }

  async bytes(): Promise<number> {
    const rows = await Promise.all(indexPartitions(SPACE).map((partition) => this.disk.range(partition, { limit: Number.MAX_SAFE_INTEGER })))
    return rows.flat().reduce((sum, { key, value }) => sum + key.length + value.length, 0)
  }
}

const hlcOf = (n: number): number => (1e12 + n * 1000) * HLC_STEP
const placeOf = (hlc: number): number => Math.round((hlc / HLC_STEP - 1e12) / 1000)

export async function benchSearch(sizes: readonly number[], asks: number): Promise<Figure[]> {
  const out: Figure[] = []
  for (const at of sizes) {
    const dir = mkdtempSync(join(tmpdir(), 'thicket-search-'))
    try {
      const disk = await openSqliteDisk({ dir })
      out.push(...(await measure(new Desk(disk), at, asks)).map((figure) => ({ ...figure, at })))
      await disk.close()
    } finally { rmSync(dir, { recursive: true }) }
  }
  return out
}

async function measure(desk: Desk, size: number, asks: number): Promise<Figure[]> {
  const roll = dice(42), word = language(roll), all: Message[] = []
  await desk.run(() => desk.index.open())
  const buildMs = await timed(async () => {
    for (let n = 0; n < size; n++) {
      const text = Array.from({ length: 8 + Math.floor(roll() * 26) }, word).join(' ')
      const id = parseOpId(Uint8Array.from({ length: 32 }, () => Math.floor(roll() * 256))) as OpId
      const message = { text, author: `u${n % 20}`, channel: CHANNELS[n % CHANNELS.length] as ChannelId, hlc: hlcOf(n), id, isReply: false, mentions: [] }
      all.push(message)
      desk.add(message)
      if (n % STEP_MESSAGES === 0) await desk.save()
      if (desk.index.isBusy()) await desk.workOff()
    }
    await desk.save()
  })
  const text = all.reduce((sum, m) => sum + m.text.length, 0), { longestMs } = desk
  desk.index = new SearchIndex(SPACE)
  const { heapUsed, arrayBuffers } = process.memoryUsage(), memory = heapUsed + arrayBuffers
  const openMs = await timed(() => desk.run(() => desk.index.open()))
  const some = (): Message => all[Math.floor(roll() * size)] as Message
  const two = (): string => some().text.split(' ').slice(2, 4).join(' ')
  const kinds: readonly (readonly [what: string, ask: () => readonly [string, Names]])[] = [
    ['a word', () => [`${word()} `, NOBODY]],
    ['two words', () => [`${word()} ${word()} `, NOBODY]],
    ['the beginning of a word', () => [word().slice(0, 3), NOBODY]],
    ['a phrase', () => [`"${two()}"`, NOBODY]],
    ['a word by an author', () => [`${word()} `, { ...NOBODY, authors: ['u3'] }]],
    ['an author in a channel', () => ['', { ...NOBODY, authors: ['u3'], channels: [CHANNELS[3] as ChannelId] }]],
  ]
  const figures: Figure[] = [
    { what: 'words taken apart, indexed and saved', value: (buildMs / size) * 1000, unit: 'us/msg' },
    { what: 'index over text', value: await desk.bytes() / text, unit: 'B/B', beside: 'goal 0.4' },
    { what: 'longest uninterrupted work', value: longestMs, unit: 'ms' },
    { what: 'open', value: openMs, unit: 'ms', beside: 'goal 25' },
    { what: 'memory of the process: heap and buffers', value: memory / 1e6, unit: 'MB', beside: 'the texts of this benchmark included' },
    ...await desk.tend(),
  ]
  for (const [what, ask] of kinds) {
    const times: number[] = []
    for (let i = 0; i < asks; i++) {
      const [query, names] = ask()
      times.push(await timed(() => desk.find(query, names, all)))
    }
    figures.push({ what: `${what}, p50`, value: median(times), unit: 'ms' }, { what: `${what}, p95`, value: quantile(times, 0.95), unit: 'ms' })
  }
  const query = parseQuery(`${word()} `, 0)
  figures.push({ what: 'a word by looking at every message', value: await timed(() => all.filter((m) => meets(query, NOBODY, m) !== undefined).length), unit: 'ms' })
  return figures
}
