/** What the space's ops say of how long things are kept. When that is due, and what is then deleted, is each device's business (../retention/). */
import type { AuthorityBody, BodyOf } from '../../wire/authority.ts'
import type { ChannelId, OpId } from '../../wire/ids.ts'
import type { View } from './view.ts'

/** Shorter than anybody who was away for a moment could read it. */
export const MIN_KEPT_MS = 3600_000
/** Less than a busy channel says in an hour. */
export const MIN_KEPT_BYTES = 1024 * 1024

/** 0: no end. `op`: the write in force. */
export interface Keeping { readonly op: OpId; readonly afterMs: number; readonly maxBytes: number }
/** Everything labelled before this (ms) is gone. */
export interface Clearing { readonly op: OpId; readonly before: number }

export function isProper({ channel, follows, afterMs, maxBytes }: BodyOf<'retention'>): boolean {
  if (follows) return channel !== undefined && afterMs === 0 && maxBytes === 0
  return (afterMs === 0 || afterMs >= MIN_KEPT_MS) && (maxBytes === 0 || maxBytes >= MIN_KEPT_BYTES)
}

const orEver = (n: number): number => (n === 0 ? Number.MAX_SAFE_INTEGER : n)
const asRetention = (body: AuthorityBody): BodyOf<'retention'> | undefined => (body.type === 'retention' ? body : undefined)

/** Keeping less is the more restrictive: a shorter time, then fewer bytes. */
function shorter(a: AuthorityBody, b: AuthorityBody): number {
  const [x, y] = [asRetention(a), asRetention(b)]
  return x === undefined || y === undefined ? 0 : orEver(x.afterMs) - orEver(y.afterMs) || orEver(x.maxBytes) - orEver(y.maxBytes)
}

/** undefined for a channel: it follows the space. undefined for the space: everything is kept. */
export function keeping(view: View, channel: ChannelId | undefined): Keeping | undefined {
  const index = view.register(channel === undefined ? 'retention' : `retention ${channel}`, shorter)
  const body = index === undefined ? undefined : view.body(index, 'retention')
  return index === undefined || body === undefined || body.follows ? undefined : { op: view.history.node(index).id, afterMs: body.afterMs, maxBytes: body.maxBytes }
}

/** The furthest there is, whenever it was written: what is gone does not come back. */
export function clearing(view: View, channel: ChannelId): Clearing | undefined {
  let best: Clearing | undefined
  for (const index of view.each(`clear ${channel}`)) {
    const body = view.body(index, 'clear'), op = view.history.node(index).id
    if (body !== undefined && (best === undefined || body.before > best.before || (body.before === best.before && op < best.op))) best = { op, before: body.before }
  }
  return best
}
