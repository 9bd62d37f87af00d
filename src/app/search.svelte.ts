/** What is searched for, and what was found: the last question counts, whatever order the answers come in. */
import type { FoundMessage, MessageInfo } from '../api.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'

export interface Scope { readonly space?: SpaceId; readonly channel?: ChannelId }
export type Order = 'newest' | 'best'

/** So many of the newest are asked for when there is news. */
const NEWS = 20

export class Search {
  results = $state.raw<readonly FoundMessage[]>([])
  /** none: nothing was asked. */
  state = $state.raw<'none' | 'searching' | 'done' | 'failed'>('none')
  error = $state.raw('')
  more = $state.raw(false)
  /** Parts of the query that mean nothing. */
  unclear = $state.raw<readonly string[]>([])
  /** Only messages from then on were searched. */
  since = $state.raw<number | undefined>(undefined)
  private readonly client: Client
  private asked = 0
  private isLooking = false
  private isToLookAgain = false
  private moved: (count: number) => void = () => undefined
  private last: { readonly query: string; readonly scope: Scope; readonly order: Order } | undefined

  constructor(client: Client) { this.client = client }

  /** Results stay while the next ones are on their way: a list that blinks at every letter can't be read. */
  async ask(query: string, scope: Scope, order: Order): Promise<void> {
    this.last = { query, scope, order }
    if (query.trim() === '') { this.clear(); return }
    await this.fetch(undefined)
  }

  async askMore(): Promise<void> {
    const end = this.results.at(-1)
    if (this.more && this.state === 'done' && end !== undefined) await this.fetch(end.message.id)
  }

  /**
   * From now on what is shown follows what is said, changed and deleted: only what is new is asked for. Ends with what it answers. `moved`: so many
   * now stand before what stood first.
   */
  follow(moved: (count: number) => void): () => void {
    this.moved = moved
    const hear = (messages: readonly MessageInfo[]): void => { this.hear(messages) }
    this.client.followers.add(hear)
    return () => { this.client.followers.delete(hear) }
  }

  private hear(messages: readonly MessageInfo[]): void {
    const now = new Map(messages.map((message) => [message.id, message]))
    if (this.results.some(({ message }) => now.has(message.id))) {
      this.results = this.results.flatMap((one) => { const message = now.get(one.message.id); return message === undefined ? [one] : message.deleted !== undefined ? [] : [asNow(one, message)] })
    }
    const isNews = messages.some((message) => message.deleted === undefined && !this.results.some((one) => one.message.id === message.id))
    if (isNews && this.state === 'done' && this.last?.order === 'newest') void this.look()
  }

  /** What was found stays where it is; what is found now and newer stands before it. */
  private async look(): Promise<void> {
    if (this.isLooking) { this.isToLookAgain = true; return }
    this.isLooking = true
    do {
      this.isToLookAgain = false
      const mine = this.asked, answer = this.last && await this.client.ask({ ...this.questionOf(this.last), limit: NEWS })
      if (mine !== this.asked || answer?.ok !== true) continue
      const known = new Set(this.results.map(({ message }) => message.id)), { results, more } = answer.result
      const end = results.findIndex(({ message }) => known.has(message.id))
      if (end >= 0) { this.results = [...results.slice(0, end), ...this.results]; this.moved(end) }
      else { this.results = results; this.more = more }
    } while (this.isToLookAgain)
    this.isLooking = false
  }

  private questionOf({ query, scope, order }: NonNullable<Search['last']>) {
    return { type: 'search-messages', query, ...scope, order, utcOffsetMinutes: -new Date().getTimezoneOffset() } as const
  }

  private clear(): void {
    this.asked++
    this.results = []
    this.state = 'none'
    this.more = false
    this.unclear = []
    this.since = undefined
  }

  private async fetch(before: OpId | undefined): Promise<void> {
    if (this.last === undefined) return
    const { order } = this.last
    const mine = ++this.asked
    this.state = 'searching'
    const answer = await this.client.ask({ ...this.questionOf(this.last), ...(before === undefined ? {} : { before }) })
    if (mine !== this.asked) return
    if (!answer.ok) { this.state = 'failed'; this.error = answer.error.message; return }
    const { results, more, unclear, since } = answer.result
    this.results = before === undefined ? results : [...this.results, ...results]
    this.more = more && order === 'newest'
    this.unclear = unclear
    this.since = since
    this.state = 'done'
  }
}

/** Another text has other marks, which the next search brings. */
const asNow = (one: FoundMessage, message: MessageInfo): FoundMessage => (message.text === one.message.text ? { ...one, message } : { ...one, message, snippet: message.text.slice(0, 200), marks: [] })

export interface Piece { readonly text: string; readonly isMarked: boolean }

/** A text cut where its marks begin and end. */
export function piecesOf(text: string, marks: FoundMessage['marks']): Piece[] {
  const out: Piece[] = []
  let at = 0
  for (const [from, to] of marks) {
    if (from > at) out.push({ text: text.slice(at, from), isMarked: false })
    out.push({ text: text.slice(from, to), isMarked: true })
    at = to
  }
  if (at < text.length) out.push({ text: text.slice(at), isMarked: false })
  return out
}
