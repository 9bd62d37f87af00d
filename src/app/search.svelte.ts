/** What is searched for, and what was found: the last question counts, whatever order the answers come in. */
import type { FoundMessage } from '../api.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'

export interface Scope { readonly space?: SpaceId; readonly channel?: ChannelId }
export type Order = 'newest' | 'best'

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
    const { query, scope, order } = this.last
    const mine = ++this.asked
    this.state = 'searching'
    const answer = await this.client.ask({ type: 'search-messages', query, ...scope, order, utcOffsetMinutes: -new Date().getTimezoneOffset(), ...(before === undefined ? {} : { before }) })
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
