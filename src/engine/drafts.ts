/** What was said while nothing may be sealed: kept on disk, sealed in order as soon as the group agrees with authority again. */
import type { Row } from '../ports.ts'
import { fromHex } from '../wire/bytes.ts'
import type { Content, MessageContent } from '../wire/content.ts'
import { type ChannelId, type OpId, parseOpId, type SpaceId } from '../wire/ids.ts'
import { decodeDraft, encodeDraft } from '../wire/records.ts'
import { MAX_DRAFTS } from './limits.ts'
import type { Turn, World } from './turn.ts'

export interface Draft { readonly id: OpId; readonly channel: ChannelId; readonly content: Content; readonly at: number }

export interface MessageDraft extends Draft { readonly content: MessageContent }

export class Drafts {
  private readonly space: SpaceId
  private list: Draft[] = []

  constructor(space: SpaceId) { this.space = space }

  get partition(): string { return `drafts/${this.space}` }
  get empty(): boolean { return this.list.length === 0 }
  get size(): number { return this.list.length }
  get full(): boolean { return this.list.length >= MAX_DRAFTS }
  /** Messages that wait, oldest first. */
  of(channel: ChannelId): readonly MessageDraft[] { return this.list.filter((d) => d.channel === channel).filter((d): d is MessageDraft => d.content.type === 'message') }
  get(id: OpId): Draft | undefined { return this.list.find((d) => d.id === id) }

  load(rows: readonly Row[]): void {
    for (const row of rows) {
      const id = parseOpId(row.key), draft = decodeDraft(row.value)
      if (id !== undefined && draft !== undefined) this.list.push({ id, ...draft })
    }
    this.list.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  }

  add(turn: Turn, world: World, channel: ChannelId, content: Content): Draft {
    const bytes = world.random.bytes(32)
    const draft: Draft = { id: parseOpId(bytes) as OpId, channel, content, at: Math.max(turn.now, (this.list[this.list.length - 1]?.at ?? 0) + 1) }
    this.list.push(draft)
    turn.out.put(this.partition, bytes, encodeDraft(draft))
    return draft
  }

  /** Nobody has seen it yet: what it says can be said otherwise, or not at all. */
  change(turn: Turn, id: OpId, content: Content | undefined): void {
    const known = this.get(id)
    if (known === undefined) return
    this.list = this.list.flatMap((d) => (d !== known ? [d] : content === undefined ? [] : [{ ...d, content }]))
    if (content === undefined) turn.out.delete(this.partition, fromHex(id) as Uint8Array)
    else turn.out.put(this.partition, fromHex(id) as Uint8Array, encodeDraft({ ...known, content }))
  }

  /** Those that may be said now, oldest first; off the disk in the same save that keeps the ops they become. */
  take(turn: Turn, mayGo: (draft: Draft) => boolean): Draft[] {
    const taken = this.list.filter(mayGo)
    if (taken.length === 0) return taken
    this.list = this.list.filter((draft) => !taken.includes(draft))
    for (const draft of taken) turn.out.delete(this.partition, fromHex(draft.id) as Uint8Array)
    return taken
  }
}
