/** What stands under what in a channel: its beginning, messages with day lines between them, consecutive ones of one person under one name. */
import type { MessageInfo, ReplyInfo, SendState } from '../../api.ts'
import type { OpId } from '../../wire/ids.ts'
import { pendingKey, type ChannelView } from '../channel-view.ts'
import { s } from '../strings.ts'

/** Messages of one person within so many ms stand under one name. */
const TOGETHER_MS = 7 * 60_000

/** Of messages that the engine has not saved: saving, or refused with a reason. */
export type UnsavedState = { readonly type: 'saving' } | { readonly type: 'refused'; readonly pending: number; readonly reason: string }

export interface MessageLine {
  readonly type: 'message'
  /** The same from Enter on, whatever the message's id is by now. */
  readonly key: string
  readonly id: OpId | undefined
  readonly author: string
  readonly authorName: string
  readonly text: string
  readonly sentAt: number
  readonly mine: boolean
  readonly state: SendState | UnsavedState
  readonly replyTo: ReplyInfo | undefined
  /** As the engine has it, once it has. */
  readonly saved: MessageInfo | undefined
  /** The first of its person's messages in a row: it carries name and picture. */
  readonly leads: boolean
}
export type Row =
  | MessageLine
  | { readonly type: 'start'; readonly key: 'start' }
  | { readonly type: 'day'; readonly key: string; readonly at: number }
  | { readonly type: 'divider'; readonly key: 'divider' }

type Line = Omit<MessageLine, 'leads'>

export function rowsOf(view: ChannelView, me: { readonly identity: string; readonly name: string }): Row[] {
  // Who somebody is may be among what a damaged disk has lost.
  const lines: Line[] = view.messages.map((m) => ({
    type: 'message', key: view.keys.get(m.id) ?? m.id, id: m.id, author: m.author, authorName: m.authorName || (m.mine ? me.name : s.someone), text: m.text, sentAt: m.sentAt, mine: m.mine, state: m.state,
    replyTo: m.replyTo, saved: m,
  }))
  for (const p of view.pending) {
    const state: UnsavedState = p.refusal === undefined ? { type: 'saving' } : { type: 'refused', pending: p.key, reason: p.refusal }
    lines.push({
      type: 'message', key: pendingKey(p.key), id: p.id, author: me.identity, authorName: me.name, text: p.text, sentAt: p.at, mine: true, state, replyTo: p.replyTo, saved: undefined,
    })
  }
  const out: Row[] = [{ type: 'start', key: 'start' }]
  let before: Line | undefined
  for (const line of lines) {
    const isNewDay = before === undefined || !isSameDay(before.sentAt, line.sentAt)
    if (isNewDay) out.push({ type: 'day', key: `day ${line.key}`, at: line.sentAt })
    const isDivided = line.id !== undefined && line.id === view.divider?.at
    if (isDivided) out.push({ type: 'divider', key: 'divider' })
    const isApart = before?.author !== line.author || line.replyTo !== undefined || line.sentAt - before.sentAt > TOGETHER_MS
    out.push({ ...line, leads: isNewDay || isDivided || isApart })
    before = line
  }
  return out
}

function isSameDay(a: number, b: number): boolean {
  const [x, y] = [new Date(a), new Date(b)]
  return x.getDate() === y.getDate() && x.getMonth() === y.getMonth() && x.getFullYear() === y.getFullYear()
}
