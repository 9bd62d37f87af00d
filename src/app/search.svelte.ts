/** What is searched for, and what was found: the last question counts, whatever order the answers come in. What is shown follows what is said, changed and deleted. */
import type { FoundMessage } from '../api.ts'
import type { WindowEnds, WindowRow } from '../api/windows.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'
import { utcOffsets } from './utc-offsets.ts'
import { changed } from './windows.ts'

export interface Scope { readonly space?: SpaceId; readonly channel?: ChannelId }
export type Order = 'newest' | 'best'

const NAME = 'search'
const PAGE = 25

export class Search {
  results = $state.raw<readonly FoundMessage[]>([])
  /** none: nothing was asked. */
  state = $state.raw<'none' | 'searching' | 'done' | 'failed'>('none')
  error = $state.raw('')
  more = $state.raw(false)
  /** Parts of the query that mean nothing. */
  unclear = $state.raw<readonly string[]>([])
  /** Only messages from then on were searched: older ones are packed away here, or not in the index yet. */
  since = $state.raw<number | undefined>(undefined)
  isPacked = $state.raw(false)
  private readonly client: Client
  /** Told when what was found has changed by itself: before and now. */
  private readonly moved: (before: readonly FoundMessage[], now: readonly FoundMessage[]) => void
  private isGrowing = false

  constructor(client: Client, moved: Search['moved'] = () => undefined) {
    this.client = client
    this.moved = moved
  }

  /** Results stay while the next ones are on their way: a list that blinks at every letter can't be read. */
  async ask(query: string, scope: Scope, order: Order): Promise<void> {
    if (query.trim() === '') { this.close(); return }
    this.state = 'searching'
    const answer = await this.client.windows.watch(NAME, {
      question: () => ({ type: 'search-messages', query, ...scope, order, limit: PAGE, utcOffsets: utcOffsets(Date.now()) }),
      page: (page) => { this.take(page.rows, page); this.state = 'done' },
      changed: (change) => {
        const before = this.results
        this.take(changed(before, change), change)
        this.moved(before, this.results)
      },
    })
    if (answer?.ok === false) { this.state = 'failed'; this.error = answer.error.message }
  }

  async askMore(): Promise<void> {
    if (!this.more || this.state !== 'done' || this.isGrowing) return
    this.isGrowing = true
    await this.client.windows.grow(NAME, 'older', PAGE)
    this.isGrowing = false
  }

  /** Nothing is searched for any more. */
  close(): void {
    this.client.windows.close(NAME)
    this.take([], { more: false, newer: false })
    this.state = 'none'
  }

  private take(rows: readonly WindowRow[], { more, unclear = [], since, isPacked }: WindowEnds): void {
    this.results = rows.flatMap(({ message, space, snippet = '', marks = [] }) => (space === undefined ? [] : [{ message, space, snippet, marks }]))
    this.more = more
    this.unclear = unclear
    this.since = since
    this.isPacked = isPacked === true
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
