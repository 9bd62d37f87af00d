/** Reading channels and threads, and what this device has seen of them. */
import type { MessageInfo } from '../../api.ts'
import { type ChannelId, type OpId, parseOpId } from '../../wire/ids.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { messageCounts } from '../messages/counting.ts'
import { draftInfo } from '../messages/infos.ts'
import { placeOf, rowKey } from '../messages/places.ts'
import { described, type Located, located, type Seen, withNotes } from '../messages/reading.ts'
import { activeKey, activePartition, activePlace } from '../messages/threads.ts'
import { recount } from '../messages/unread.ts'
import { type Cut, keyBehind, readWindow, type Where, type Window } from '../messages/windows.ts'
import { isNews } from '../read-marks.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { find } from './messages.ts'

const pageOf = (limit: number | undefined): number => Math.min(Math.max(1, limit ?? 50), limits.MAX_MESSAGES_PAGE)

/** A message as the first of a thread in the channel; undefined when it is none, or isn't here. */
export function* rootOf(replica: Replica, channel: ChannelId, id: OpId): Reading<Located | undefined> {
  const [root] = yield* located(replica, [id])
  return root?.channel === channel && root.record.thread === undefined && messageCounts(replica, channel, root.record) ? root : undefined
}

export async function getMessages(asked: AskedIn, c: Run<'get-messages'>): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  if ([c.before, c.after, c.around, c.unread].filter((given) => given !== undefined && given !== false).length > 1) return fail('bad-request', 'Only one of before, after, around and unread can be given.')
  replica.opened.note(c.channel)
  await engine.questions.follow(turn, () => windowFor(asked, c), (later, answer) => {
    if (answer === undefined) return later.out.refuse(asker, fail('unknown-message'))
    for (const record of answer.own) if (record.device === replica.me.device) engine.telling.recent.note(replica.id, c.channel, record)
    return later.out.reply(asker, answer.result)
  })
  return undefined
}

function* windowFor({ engine, replica }: AskedIn, c: Run<'get-messages'>) {
  const where: Where = { channel: c.channel, thread: c.thread }
  if (c.thread !== undefined && (yield* rootOf(replica, c.channel, c.thread)) === undefined) return undefined
  const spot = { space: replica.id, ...where }, mark = engine.reading.readUpTo(spot)
  const cut = c.unread === true ? { type: 'around' as const, key: keyBehind(where, mark) } : yield* cutFor(replica, where, c)
  if (cut === undefined) return undefined
  const page: Window = yield* readWindow(replica, where, cut, pageOf(c.limit))
  const seen: readonly Seen[] = yield* withNotes(replica, page.messages, false)
  const infos: readonly MessageInfo[] = yield* described(replica, engine.reading, seen)
  // What waits to be sealed stands behind the newest.
  const drafts = page.newer ? [] : (engine.drafts.get(replica.id)?.of(c.channel) ?? []).filter((draft) => draft.content.thread === c.thread)
  const firstUnread = seen.find(({ record }) => record.place > mark && isNews(replica, record))?.record.id
  const missing = replica.holes.count(c.channel)
  const messages = [...infos, ...drafts.map((draft) => draftInfo(replica, draft))]
  return { own: seen.map(({ record }) => record), result: { messages, more: page.older, newer: page.newer, ...(firstUnread === undefined ? {} : { firstUnread }), ...(missing === 0 ? {} : { missing }) } }
}

function* cutFor(replica: Replica, { channel, thread }: Where, c: Run<'get-messages'>): Reading<Cut | undefined> {
  const id = c.before ?? c.after ?? c.around
  if (id === undefined) return { type: 'end' }
  const [at] = yield* located(replica, [id])
  if (at === undefined || at.channel !== channel || at.record.thread !== thread) return undefined
  return { type: c.before !== undefined ? 'before' : c.after !== undefined ? 'after' : 'around', key: rowKey(placeOf(channel, at.record)) }
}

export async function listThreads(asked: AskedIn, c: Run<'list-threads'>): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  await engine.questions.follow(turn, () => threadsFor(asked, c), (later, answer) => (answer === undefined ? later.out.refuse(asker, fail('unknown-message')) : later.out.reply(asker, answer)))
  return undefined
}

/** Those that lately went on first. */
function* threadsFor({ engine, replica }: AskedIn, c: Run<'list-threads'>): Reading<{ threads: readonly MessageInfo[]; more: boolean } | undefined> {
  const count = pageOf(c.limit), found: Seen[] = []
  const before = c.before === undefined ? undefined : yield* rootOf(replica, c.channel, c.before)
  const place = before === undefined ? undefined : activePlace(before.record)
  if (c.before !== undefined && place === undefined) return undefined
  let to = place === undefined || c.before === undefined ? undefined : activeKey(place, c.before)
  while (found.length <= count) {
    const [rows = []] = yield [{ partition: activePartition(replica.id, c.channel), query: { ...(to === undefined ? {} : { to }), limit: count + 1, reverse: true } }]
    const roots = rows.map((row) => parseOpId(row.key.subarray(8))).filter((id) => id !== undefined)
    const here = (yield* located(replica, roots)).filter(({ channel, record }) => channel === c.channel && messageCounts(replica, channel, record))
    for (const seen of yield* withNotes(replica, here, false)) if (!seen.folded.isDeleted && hasTag(seen, c.tag)) found.push(seen)
    to = rows[rows.length - 1]?.key
    if (rows.length <= count || to === undefined) break
  }
  return { threads: yield* described(replica, engine.reading, found.slice(0, count)), more: found.length > count }
}

function hasTag({ folded, record }: Seen, tag: string | undefined): boolean {
  return tag === undefined || (folded.edit?.words ?? record.content)?.tags?.includes(tag) === true
}

export async function markRead(asked: AskedIn, c: Run<'mark-read'>): Promise<undefined> {
  await find(asked, c.message, ({ engine, turn, asker, replica }, { channel, record }) => {
    const spot = { space: replica.id, channel, thread: record.thread }
    engine.reading.mark(turn, spot, record.place)
    recount(engine, turn, replica, spot, (later) => {
      // The root says what is unread of its thread.
      if (record.thread !== undefined) replica.inbox.change(record.thread)
      later.out.reply(asker, {})
    })
  })
}

export async function retryMessage(asked: AskedIn, c: Run<'retry-message'>): Promise<undefined> {
  await find(asked, c.message, ({ engine, turn, asker, replica }, { channel, record }) => {
    replica.mail.retry(turn, channel, record.chanSeq)
    engine.telling.statesChanged(replica.id, channel)
    engine.touch(turn, replica)
    turn.out.reply(asker, {})
  })
}
