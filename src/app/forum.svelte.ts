/** The posts of a forum as they are shown: those that lately went on first, or the newest, with one tag or all. Asked for anew when something was written there. */
import type { MessageInfo } from '../api.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'
import type { Client } from './client.svelte.ts'

export type Sort = 'active' | 'newest'
export interface Choice { readonly sort: Sort; readonly tag: string | undefined }

/** Posts fetched at a time, and at once at most. */
const PAGE = 40
const MAX = 200

export class Forum {
  posts = $state.raw<readonly MessageInfo[]>([])
  more = $state(false)
  state = $state<'loading' | 'ready'>('loading')
  error = $state('')
  private readonly client: Client
  private readonly space: SpaceId
  private readonly channel: ChannelId
  /** What was asked last: older answers come too late. */
  private asked = 0

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

  /** From the beginning, as many as are shown now. */
  async look(choice: Choice): Promise<void> {
    const turn = ++this.asked
    const page = await this.page(choice, Math.min(MAX, Math.max(PAGE, this.posts.length)), undefined)
    if (page === undefined || turn !== this.asked) return
    this.posts = page.posts
    this.more = page.more
    this.state = 'ready'
  }

  async lookFurther(choice: Choice): Promise<void> {
    const turn = ++this.asked, page = await this.page(choice, PAGE, this.posts.at(-1)?.id)
    if (page === undefined || turn !== this.asked) return
    const known = new Set(this.posts.map((post) => post.id))
    this.posts = [...this.posts, ...page.posts.filter((post) => !known.has(post.id))]
    this.more = page.more
  }

  private async page({ sort, tag }: Choice, limit: number, before: OpId | undefined): Promise<{ posts: readonly MessageInfo[]; more: boolean } | undefined> {
    const where = { space: this.space, channel: this.channel, limit, ...(before && { before }) }
    if (sort === 'active') {
      const answer = await this.client.ask({ type: 'list-threads', ...where, ...(tag !== undefined && { tag }) })
      this.error = answer.ok ? '' : answer.error.message
      return answer.ok ? { posts: answer.result.threads, more: answer.result.more } : undefined
    }
    const answer = await this.client.ask({ type: 'get-messages', ...where })
    this.error = answer.ok ? '' : answer.error.message
    if (!answer.ok) return undefined
    return { posts: answer.result.messages.toReversed().filter((post) => post.deleted !== true && (tag === undefined || post.tags?.includes(tag))), more: answer.result.more }
  }
}

/** "beans, peas" are two tags. Each once, in the order typed. */
export const tagsIn = (text: string): string[] => [...new Set(text.split(',').map((tag) => tag.trim()).filter((tag) => tag !== ''))]
