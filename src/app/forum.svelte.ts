/** The posts of a forum as they are shown: those that lately went on first, or the newest, with one tag or all. */
import type { MessageInfo } from '../api.ts'
import type { WatchedQuestion, WindowEnds, WindowRow } from '../api/windows.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'
import { changed } from './windows.ts'

export type Sort = 'active' | 'newest'
export interface Choice { readonly sort: Sort; readonly tag: string | undefined }

/** Posts fetched at a time. */
const PAGE = 40
const NAME = 'forum'

export class Forum {
  posts = $state.raw<readonly MessageInfo[]>([])
  more = $state(false)
  state = $state<'loading' | 'ready'>('loading')
  error = $state('')
  private readonly client: Client
  private readonly space: SpaceId
  private readonly channel: ChannelId

  constructor(client: Client, space: SpaceId, channel: ChannelId) {
    this.client = client
    this.space = space
    this.channel = channel
  }

  /** All tags of the posts that are shown, those of many first. */
  get tags(): readonly string[] {
    const counts = new Map<string, number>()
    for (const tag of this.posts.flatMap((post) => post.tags ?? [])) counts.set(tag, (counts.get(tag) ?? 0) + 1)
    return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([tag]) => tag)
  }

  /** From the beginning, and from then on as it goes on. */
  async look({ sort, tag }: Choice): Promise<void> {
    let rows: readonly WindowRow[] = []
    const take = (now: readonly WindowRow[], { more }: WindowEnds): void => {
      rows = now
      const posts = rows.map((row) => row.message)
      this.posts = sort === 'active' ? posts : posts.toReversed().filter((post) => post.deleted !== true && (tag === undefined || post.tags?.includes(tag)))
      this.more = more
      this.state = 'ready'
    }
    const where = { space: this.space, channel: this.channel, limit: PAGE }
    const question: WatchedQuestion = sort === 'active' ? { type: 'list-threads', ...where, ...(tag !== undefined && { tag }) } : { type: 'get-messages', ...where }
    const answer = await this.client.windows.watch(NAME, { question: () => question, page: (page) => { take(page.rows, page) }, changed: (change) => { take(changed(rows, change), change) } })
    if (answer !== undefined) this.error = answer.ok ? '' : answer.error.message
  }

  async lookFurther(): Promise<void> { await this.client.windows.grow(NAME, 'older', PAGE) }

  close(): void { this.client.windows.close(NAME) }
}

/** "beans, peas" are two tags. Each once, in the order typed. */
export const tagsIn = (text: string): string[] => [...new Set(text.split(',').map((tag) => tag.trim()).filter((tag) => tag !== ''))]
