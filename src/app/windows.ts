/**
 * What this page watches of what the engine holds: a channel, a thread, a list of posts or pins, what is searched for. Each under a name of the page's own; the engine answers with
 * a page, and then says what changes in it. When another tab's worker takes over, or the engine begins anew, all is asked for again.
 */
import type { Results } from '../api.ts'
import type { WatchedQuestion, WindowChange, WindowRow } from '../api/windows.ts'
import type { Answer, Client } from './client.svelte.ts'

export type WindowPage = Results['watch-messages']

export interface Viewer {
  /** What is asked for, now. */
  readonly question: () => WatchedQuestion
  readonly page: (page: WindowPage) => void
  readonly changed: (change: WindowChange) => void
}

interface Watched { readonly window: number; viewer: Viewer; asked: number; isThere: boolean }

export class Windows {
  private readonly client: Pick<Client, 'ask'>
  private readonly byName = new Map<string, Watched>()
  private last = 0

  constructor(client: Pick<Client, 'ask'>) { this.client = client }

  /** Whether the engine tells of it. */
  has(name: string): boolean { return this.byName.get(name)?.isThere === true }

  /** Under a name that shows something already, that stays until the answer is here. undefined: meanwhile something else was asked for, or nothing any more. */
  async watch(name: string, viewer: Viewer): Promise<Answer<'watch-messages'> | undefined> {
    const one = this.byName.get(name) ?? { window: ++this.last, viewer, asked: 0, isThere: false }
    const mine = ++one.asked
    this.byName.set(name, one)
    const answer = await this.client.ask({ type: 'watch-messages', window: one.window, question: viewer.question() })
    if (this.byName.get(name) !== one || mine !== one.asked) return undefined
    if (!answer.ok) return answer
    one.viewer = viewer
    one.isThere = true
    viewer.page(answer.result)
    return answer
  }

  /** What comes of it is told as a change, before this answers. */
  async grow(name: string, to: 'older' | 'newer', limit: number): Promise<boolean> {
    const one = this.byName.get(name)
    return one !== undefined && (await this.client.ask({ type: 'grow-window', window: one.window, to, limit })).ok
  }

  close(name: string): void {
    const one = this.byName.get(name)
    if (one === undefined) return
    this.byName.delete(name)
    void this.client.ask({ type: 'close-window', window: one.window })
  }

  hear({ window, ...change }: WindowChange & { readonly window: number }): void {
    for (const one of this.byName.values()) if (one.window === window && one.isThere) one.viewer.changed(change)
  }

  /** Another engine knows of none of them. */
  again(): void { for (const [name, { viewer }] of this.byName) void this.watch(name, viewer) }

  forget(): void { this.byName.clear() }
}

/** A list with a change to it. */
export function changed(rows: readonly WindowRow[], change: Pick<WindowChange, 'gone' | 'rows'>): WindowRow[] {
  const leaving = new Set([...change.gone, ...change.rows.map((row) => row.message.id)])
  const out = rows.filter((row) => !leaving.has(row.message.id))
  for (const { at, ...row } of change.rows) out.splice(at, 0, row)
  return out
}
