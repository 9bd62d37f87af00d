/**
 * What is shown of one channel, and how it changes: pure functions from view to view. Whatever order replies and updates come in, no row is lost or shown twice:
 * rows are kept by id, an own message that was shown before the engine knew it is matched with the engine's row when that comes.
 */
import type { MessageInfo, ReplyInfo } from '../api.ts'
import type { WordsGiven } from '../api/messages.ts'
import type { WindowChange, WindowEnds, WindowRow } from '../api/windows.ts'
import type { OpId } from '../wire/ids.ts'

/** An own message on its way to the engine: shown at once. */
export interface Pending {
  readonly key: number
  readonly text: string
  readonly at: number
  readonly replyTo?: ReplyInfo
  /** Whom it means. */
  readonly meant?: Omit<WordsGiven, 'text'>
  /** Known once the engine has answered: its row is about to come. */
  readonly id?: OpId
  /** Why the engine refused it. The row stays, so that no text is lost. */
  readonly refusal?: string
}

export interface ChannelView {
  /** In the channel's order. */
  readonly messages: readonly MessageInfo[]
  readonly pending: readonly Pending[]
  /** none: this is the channel's beginning. */
  readonly older: 'some' | 'loading' | 'none'
  /** none: this is the channel's end, and what newly comes stands here. */
  readonly newer: 'some' | 'loading' | 'none'
  readonly state: 'loading' | 'ready'
  /** The first message that was unread when the person came; `isSeen` once they have been at the end since. */
  readonly divider: { readonly at: OpId; readonly isSeen: boolean } | undefined
  /** Under which key a message's row is on the screen, where that isn't its id: it was there before it had one. */
  readonly keys: ReadonlyMap<OpId, string>
}

export const EMPTY_VIEW: ChannelView = { messages: [], pending: [], older: 'none', newer: 'none', state: 'loading', divider: undefined, keys: new Map() }

/** Page and worker read the same clock, at slightly different moments. */
const CLOCK_MS = 50

export const pendingKey = (key: number): string => `pending ${key}`

/** New and changed messages take their places; what they stand for leaves its own. */
export function merge(view: ChannelView, news: readonly MessageInfo[]): ChannelView {
  const rows = new Map(view.messages.map((m) => [m.id, m]))
  const keys = new Map(view.keys)
  let { pending } = view
  for (const message of news) {
    if (message.replaces !== undefined) {
      const key = keys.get(message.replaces) ?? (rows.has(message.replaces) ? message.replaces : undefined)
      if (key !== undefined) keys.set(message.id, key)
      rows.delete(message.replaces)
      keys.delete(message.replaces)
    }
    if (message.mine && !rows.has(message.id)) {
      // The engine's row can come before its answer, which would tell the id: until then the text has to do.
      const known = pending.find((p) => p.id !== undefined && (p.id === message.id || p.id === message.replaces)) ??
        pending.find((p) => p.id === undefined && p.refusal === undefined && isSaved(p, message))
      if (known !== undefined) {
        pending = pending.filter((p) => p !== known)
        keys.set(message.id, pendingKey(known.key))
      }
    }
    rows.set(message.id, message)
  }
  return { ...view, messages: inOrder(rows.values()), pending, keys }
}

/** Whether this own message may be what became of a pending one. */
export const isSaved = (pending: Pick<Pending, 'text' | 'at'>, message: MessageInfo): boolean => message.mine && message.text === pending.text && message.sentAt >= pending.at - CLOCK_MS

/** Ids break ties: they compare as text, like their bytes, the same everywhere. */
function inOrder(messages: Iterable<MessageInfo>): MessageInfo[] {
  return [...messages].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
}

/** The engine's window, whole: what was shown and isn't in it leaves. */
export function withPage(view: ChannelView, page: WindowEnds & { readonly rows: readonly WindowRow[] }, unread: number): ChannelView {
  const messages = page.rows.map((row) => row.message), ids = new Set(messages.map((m) => m.id))
  const merged = merge(view, messages)
  return {
    ...merged, messages: merged.messages.filter((m) => ids.has(m.id)), state: 'ready', older: page.more ? 'some' : 'none', newer: page.newer ? 'some' : 'none',
    divider: unread > 0 ? dividerOf(messages, unread) : view.divider,
  }
}

/** What changed in it. */
export function withChange(view: ChannelView, change: WindowChange): ChannelView {
  const merged = merge(view, change.rows.map((row) => row.message)), gone = new Set(change.gone)
  return { ...merged, messages: merged.messages.filter((m) => !gone.has(m.id)), older: change.more ? 'some' : 'none', newer: change.newer ? 'some' : 'none' }
}

/** Somebody comes back to it. */
export const withUnread = (view: ChannelView, unread: number): ChannelView => (unread === 0 ? view : { ...view, divider: dividerOf(view.messages, unread) })

function dividerOf(page: readonly MessageInfo[], unread: number): ChannelView['divider'] {
  const others = page.filter((m) => !m.mine)
  const first = others[Math.max(0, others.length - unread)]
  return first && { at: first.id, isSeen: false }
}

/** Who writes has read. */
export function withPending(view: ChannelView, pending: Pending): ChannelView {
  return { ...view, pending: [...view.pending, pending], divider: undefined }
}

/** The engine has taken it under this id; its row may be here already. */
export function accepted(view: ChannelView, key: number, id: OpId): ChannelView {
  const isHere = view.messages.some((m) => m.id === id)
  return {
    ...view,
    pending: isHere ? view.pending.filter((p) => p.key !== key) : view.pending.map((p) => (p.key === key ? { ...p, id } : p)),
    keys: isHere && !view.keys.has(id) ? new Map(view.keys).set(id, pendingKey(key)) : view.keys,
  }
}

export function refused(view: ChannelView, key: number, refusal: string): ChannelView {
  return { ...view, pending: view.pending.map((p) => (p.key === key ? { ...p, refusal } : p)) }
}

export function withoutPending(view: ChannelView, key: number): ChannelView {
  return { ...view, pending: view.pending.filter((p) => p.key !== key) }
}

/** Others wrote behind what was the end, while nobody looked: the line stands above the first of it. */
export function withMissed(view: ChannelView, before: ChannelView): ChannelView {
  const last = before.messages.at(-1), first = before.newer !== 'none' ? undefined : view.messages.find((m) => !m.mine && (last === undefined || m.order > last.order))
  if (first === undefined || (view.divider !== undefined && !view.divider.isSeen)) return view
  return { ...view, divider: { at: first.id, isSeen: false } }
}

export function seen(view: ChannelView): ChannelView {
  return view.divider === undefined || view.divider.isSeen ? view : { ...view, divider: { ...view.divider, isSeen: true } }
}

/** What is on its way stays. */
const cleared = (view: ChannelView): ChannelView => ({ ...EMPTY_VIEW, pending: view.pending })

/** For a channel that is left: what lies far back can be fetched again, and what was new has been shown. */
export function putAway(view: ChannelView): ChannelView {
  if (view.newer !== 'none') return cleared(view)
  const here = new Set(view.messages.map((m) => m.id))
  return { ...view, divider: undefined, keys: new Map([...view.keys].filter(([id]) => here.has(id))) }
}
