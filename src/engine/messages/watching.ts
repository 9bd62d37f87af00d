/**
 * The windows that clients watch: what each shows is kept here, at most so many rows of so many, and every step's updates about messages are held against it. A line takes what
 * was told into its place at once and reads nothing; lists, and lines in which something may count no longer, are read again a moment later, all that came meanwhile in one go.
 * What differs is told to the client that watches. So an op that comes in costs what is watched, and nothing of what was ever said.
 */
import type { ApiError, MessageInfo, Update } from '../../api.ts'
import type { WatchedQuestion, WindowRow } from '../../api/windows.ts'
import type { ChannelId, SpaceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { MAX_WATCHED_ROWS, MAX_WINDOWS, MAX_WINDOWS_IN_ALL, WINDOW_PAUSE_MS } from '../limits.ts'
import type { Asker } from '../out.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { matchText } from '../search/match.ts'
import { parseQuery } from '../search/query.ts'
import { searchFor } from '../search/searching.ts'
import { searchedText } from '../search/terms.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import { changeOf, grown, type Page, withNews } from './changes.ts'
import { lineBetween, linePage, pageOf, pinsPage, threadsPage, type LinePage } from './pages.ts'

type Going = void | Promise<void>
type Line = WatchedQuestion & { readonly type: 'get-messages' }
type Told<T extends Update['type']> = Update & { readonly type: T }

interface Growth { readonly to: 'older' | 'newer'; readonly limit: number; readonly asker: Asker }

interface Watched {
  readonly client: number
  readonly number: number
  readonly question: WatchedQuestion
  /** undefined: not read yet. */
  page: Page | undefined
  /** Rows of a list that are wanted. */
  count: number
  isReading: boolean
  isStale: boolean
  isClosed: boolean
  /** Told while it was read: may be missing in what comes of that. */
  heard: MessageInfo[]
  readonly growths: Growth[]
}

const NOTHING: Page = { rows: [], ends: { more: false, newer: false } }

export class Watching {
  private readonly engine: Engine
  private readonly hearsAll: boolean
  private readonly windows = new Map<string, Watched>()
  /** Asked for, and not read yet. */
  private readonly opening = new Set<Watched>()
  private isAwaited = false

  /** `hearsAll`: clients want to be told of messages besides. */
  constructor(engine: Engine, hearsAll: boolean) {
    this.engine = engine
    this.hearsAll = hearsAll
  }

  watch(turn: Turn, asker: Asker, number: number, question: WatchedQuestion): ApiError | Going {
    const name = `${asker.client} ${number}`
    const refusal = this.refusal(turn, asker.client, name, question)
    if (refusal !== undefined) return refusal
    const one: Watched = { client: asker.client, number, question, page: undefined, count: 'limit' in question ? pageOf(question.limit) : MAX_WATCHED_ROWS, isReading: true, isStale: false, isClosed: false, heard: [], growths: [] }
    this.opening.add(one)
    return this.engine.questions.follow(turn, (running) => this.read(running, one), (later, page) => {
      this.opening.delete(one)
      one.isReading = false
      if (one.isClosed) return later.out.refuse(asker, fail('unknown-window'))
      if (page === undefined) return later.out.refuse(asker, fail('unknown-message'))
      const former = this.windows.get(name)
      if (former !== undefined) former.isClosed = true
      this.windows.set(name, one)
      one.page = caughtUp(one, page)
      const { rows, ends, firstUnread } = one.page
      later.out.reply(asker, { rows, ...ends, ...(firstUnread === undefined ? {} : { firstUnread }) })
      if (one.isStale) this.plan(later)
    })
  }

  private refusal(turn: Turn, client: number, name: string, question: WatchedQuestion): ApiError | undefined {
    const own = [...this.windows.values(), ...this.opening].filter((one) => one.client === client).length
    if (!this.windows.has(name) && (own >= MAX_WINDOWS || this.windows.size + this.opening.size >= MAX_WINDOWS_IN_ALL)) return fail('limit-reached')
    // A list is watched from its beginning.
    if (question.type !== 'get-messages' && 'before' in question && question.before !== undefined) return fail('bad-request')
    if (question.type === 'search-messages') { const search = searchFor(this.engine, question, turn.now); return 'code' in search ? search : undefined }
    if (question.type === 'get-messages' && [question.before, question.after, question.around, question.unread].filter((given) => given !== undefined && given !== false).length > 1) return fail('bad-request')
    const replica = this.engine.replicas.get(question.space)
    if (replica === undefined || replica.record.state !== 'open') return fail('unknown-space')
    if (!isListed(replica, question.channel)) return fail('unknown-channel')
    replica.opened.note(question.channel)
    return undefined
  }

  grow(turn: Turn, asker: Asker, number: number, to: Growth['to'], limit: number | undefined): ApiError | Going {
    const one = this.windows.get(`${asker.client} ${number}`)
    if (one === undefined) return fail('unknown-window')
    one.growths.push({ to, limit: pageOf(limit), asker })
    return this.look(turn, one)
  }

  /** The place of the oldest message of a channel that somebody watches; of a thread in it none. */
  oldestIn(channel: ChannelId): number {
    const lines = [...this.windows.values()].filter(({ question }) => question.type === 'get-messages' && question.channel === channel && question.thread === undefined)
    return Math.min(Number.MAX_SAFE_INTEGER - 1, ...lines.map(({ page }) => page?.rows[0]?.message.order ?? Infinity))
  }

  /** False: there was none. */
  close(client: number, number: number): boolean {
    const closed = [...this.windows.values(), ...this.opening].filter((one) => one.client === client && one.number === number)
    for (const one of closed) one.isClosed = true
    this.windows.delete(`${client} ${number}`)
    return closed.length > 0
  }

  clientGone(client: number): void {
    for (const one of [...this.windows.values(), ...this.opening]) if (one.client === client) this.close(client, one.number)
  }

  /** Whether anybody wants to be told of messages of a channel: nothing is made of a history that nobody looks at. */
  hears(space: SpaceId, channel: ChannelId): boolean {
    if (this.hearsAll) return true
    const mayShowIn = ({ question }: Watched): boolean => (question.space ?? space) === space && (question.type === 'search-messages' || question.channel === channel)
    return [...this.windows.values(), ...this.opening].some(mayShowIn)
  }

  /** What all clients are told in this step, held against what is watched. */
  hear(turn: Turn): void {
    if (this.windows.size + this.opening.size === 0) return
    for (const tell of [...turn.out.tells]) {
      if (tell.type !== 'update' || tell.client !== undefined) continue
      const { update } = tell
      if (update.type !== 'messages' && update.type !== 'revised' && update.type !== 'states') continue
      for (const one of [...this.windows.values(), ...this.opening]) {
        if (one.question.space !== undefined && one.question.space !== update.space) continue
        if (update.type === 'revised') this.goesStale(turn, one)
        else if (one.question.type !== 'search-messages' && one.question.channel !== update.channel) continue
        else if (update.type === 'states') this.moved(turn, one, update)
        else this.news(turn, one, update)
      }
    }
  }

  private news(turn: Turn, one: Watched, { messages }: Told<'messages'>): void {
    const { question, page } = one
    if (question.type !== 'get-messages') {
      const shown = new Set(page?.rows.map((row) => row.message.id))
      if (page === undefined || messages.some((m) => shown.has(m.id) || mayShow(question, m, turn.now))) this.goesStale(turn, one)
      return
    }
    const here = messages.filter((m) => m.thread === question.thread)
    if (here.length === 0) return
    if (one.isReading) one.heard.push(...here)
    if (page !== undefined) this.show(turn, one, withNews(page, here))
  }

  /** What became of own messages. */
  private moved(turn: Turn, one: Watched, { states }: Told<'states'>): void {
    if (one.page === undefined) return
    const now = new Map(states.map(({ id, state }) => [id, state]))
    const rows = one.page.rows.map((row) => {
      const state = now.get(row.message.id)
      return state === undefined || JSON.stringify(state) === JSON.stringify(row.message.state) ? row : { ...row, message: { ...row.message, state } }
    })
    this.show(turn, one, { ...one.page, rows })
  }

  private goesStale(turn: Turn, one: Watched): void {
    one.isStale = true
    this.plan(turn)
  }

  private plan(turn: Turn): void {
    if (this.isAwaited) return
    this.isAwaited = true
    turn.out.wake('windows', turn.now + WINDOW_PAUSE_MS)
  }

  async work(turn: Turn): Promise<void> {
    this.isAwaited = false
    for (const one of [...this.windows.values()]) if (one.isStale) await this.look(turn, one)
  }

  /** Reads what is wanted of it next, one after the other. */
  private look(turn: Turn, one: Watched): Going {
    if (one.isReading || one.page === undefined) return undefined
    const growth = one.growths.shift()
    one.isReading = true
    if (growth === undefined) one.isStale = false
    else if (one.question.type !== 'get-messages') one.count = Math.min(MAX_WATCHED_ROWS, one.count + growth.limit)
    const before = one.page
    return this.engine.questions.follow(turn, (running) => this.read(running, one, before, growth), (later, page) => {
      one.isReading = false
      if (!one.isClosed && page !== undefined) this.show(later, one, caughtUp(one, page))
      if (growth !== undefined && (one.isClosed || page === undefined)) later.out.refuse(growth.asker, fail(one.isClosed ? 'unknown-window' : 'unknown-message'))
      else if (growth !== undefined) later.out.reply(growth.asker, {})
      if (one.growths.length > 0) return this.look(later, one)
      if (one.isStale) this.plan(later)
    })
  }

  private show(turn: Turn, one: Watched, page: Page): void {
    const before = one.page ?? NOTHING, change = changeOf(before.rows, page.rows)
    one.page = page
    if (change === undefined && JSON.stringify(before.ends) === JSON.stringify(page.ends)) return
    turn.out.updateFor(one.client, { type: 'window', window: one.number, gone: [], rows: [], ...change, ...page.ends })
  }

  private * read(turn: () => Turn, one: Watched, before?: Page, growth?: Growth): Reading<Page | undefined> {
    const { question, count } = one, { engine } = this
    if (question.type === 'search-messages') {
      const search = searchFor(engine, question, turn().now)
      if ('code' in search) return NOTHING
      const { results, more, ...said } = yield* engine.searching.answer(turn, { ...search, limit: count })
      return { rows: results, ends: { more: more && count < MAX_WATCHED_ROWS, newer: false, ...said } }
    }
    const replica = engine.replicas.get(question.space)
    if (replica === undefined || !isListed(replica, question.channel)) return NOTHING
    switch (question.type) {
      case 'get-messages': return yield* this.line(turn, replica, question, before, growth)
      case 'list-pins': return { rows: rowsOf(yield* pinsPage(engine, replica, question.channel)), ends: NOTHING.ends }
      case 'list-threads': {
        const found = yield* threadsPage(engine, replica, question, count)
        return found && { rows: rowsOf(found.threads), ends: { more: found.more && count < MAX_WATCHED_ROWS, newer: false } }
      }
    }
  }

  private * line(turn: () => Turn, replica: Replica, question: Line, before: Page | undefined, growth: Growth | undefined): Reading<Page | undefined> {
    if (before === undefined) return this.pageOf(replica, question.channel, yield* linePage(this.engine, turn, replica, question))
    const sealed = before.rows.filter((row) => row.message.state.type !== 'securing'), first = sealed[0]?.message, last = sealed.at(-1)?.message
    if (growth === undefined) {
      const { more, newer } = before.ends
      return this.pageOf(replica, question.channel, yield* lineBetween(this.engine, replica, { channel: question.channel, thread: question.thread }, more ? first : undefined, newer ? last : undefined, MAX_WATCHED_ROWS))
    }
    const end = growth.to === 'older' ? first : last
    if (end === undefined || !(growth.to === 'older' ? before.ends.more : before.ends.newer)) return before
    const { space, channel, thread } = question
    const from = { type: 'get-messages', space, channel, limit: growth.limit, ...(thread === undefined ? {} : { thread }), ...(growth.to === 'older' ? { before: end.id } : { after: end.id }) } as const
    const page = this.pageOf(replica, channel, yield* linePage(this.engine, turn, replica, from))
    return page && grown(before, page, growth.to)
  }

  private pageOf(replica: Replica, channel: ChannelId, page: LinePage | undefined): Page | undefined {
    if (page === undefined) return undefined
    const { messages, more, newer, firstUnread, missing } = page.result
    for (const record of page.own) this.engine.telling.recent.note(replica.id, channel, record)
    return { rows: rowsOf(messages), ends: { more, newer, ...(missing === undefined ? {} : { missing }) }, firstUnread }
  }
}

const rowsOf = (messages: readonly MessageInfo[]): WindowRow[] => messages.map((message) => ({ message }))

/** Whether a list that doesn't show this message may have to, now. */
function mayShow(question: Exclude<WatchedQuestion, Line>, m: MessageInfo, now: number): boolean {
  if (m.deleted === true) return false
  switch (question.type) {
    case 'list-pins': return m.pinned === true
    case 'list-threads': return m.thread === undefined && (m.replies !== undefined || m.title !== undefined)
    case 'search-messages': return (question.channel === undefined || m.channel === question.channel) && matchText(parseQuery(question.query, now).clauses, searchedText(m)) !== undefined
  }
}

/** With what was told while it was read, if it is a line. */
function caughtUp(one: Watched, page: Page): Page {
  const { heard } = one
  one.heard = []
  return heard.length === 0 ? page : withNews(page, heard)
}
