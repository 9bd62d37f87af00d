/** What stands under what in a channel: messages with day lines between them, consecutive ones of one person under one name. */
import type { MessageInfo, SendState } from '../../api.ts'
import type { IdentityId, OpId } from '../../wire/ids.ts'
import type { ChannelView } from '../client.svelte.ts'

/** Messages of one person within so many ms stand under one name. */
const TOGETHER_MS = 7 * 60_000

export interface MessageLine {
  readonly type: 'message'
  readonly key: string
  readonly id: OpId | undefined
  readonly author: string
  readonly authorName: string
  readonly text: string
  readonly sentAt: number
  readonly mine: boolean
  /** undefined while the engine has not saved it yet. */
  readonly state: SendState | undefined
  /** The first of its person's messages in a row: it carries name and picture. */
  readonly leads: boolean
}
export type Row = MessageLine | { readonly type: 'day'; readonly key: string; readonly at: number } | { readonly type: 'divider'; readonly key: string }

type Entry = Pick<MessageInfo, 'author' | 'authorName' | 'text' | 'sentAt' | 'mine'> & { readonly id: OpId | undefined; readonly key: string; readonly state: SendState | undefined }

export function rowsOf(view: Pick<ChannelView, 'messages' | 'pending' | 'divider'>, me: { readonly identity: IdentityId; readonly name: string } | undefined): Row[] {
  const out: Row[] = []
  const entries: Entry[] = view.messages.map((m) => ({ ...m, key: m.id }))
  for (const p of view.pending) {
    entries.push({ key: `pending ${p.key}`, id: undefined, author: me?.identity ?? ('' as IdentityId), authorName: me?.name ?? '', text: p.text, sentAt: p.at, mine: true, state: undefined })
  }
  let before: Entry | undefined
  for (const entry of entries) {
    const isNewDay = before === undefined || !isSameDay(before.sentAt, entry.sentAt)
    if (isNewDay) out.push({ type: 'day', key: `day ${entry.key}`, at: entry.sentAt })
    const isDivided = entry.id !== undefined && entry.id === view.divider
    if (isDivided) out.push({ type: 'divider', key: 'divider' })
    const leads = isNewDay || isDivided || before?.author !== entry.author || entry.sentAt - before.sentAt > TOGETHER_MS
    out.push({ type: 'message', ...entry, leads })
    before = entry
  }
  return out
}

function isSameDay(a: number, b: number): boolean { return new Date(a).toDateString() === new Date(b).toDateString() }
