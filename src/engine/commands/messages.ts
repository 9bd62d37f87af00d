/** Writing messages, and reading a channel. */
import type { ApiError, MessageInfo } from '../../api.ts'
import type { WordsGiven } from '../../api/messages.ts'
import type { Content, Words } from '../../wire/content.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import type { ChannelId, EpochId, OpId } from '../../wire/ids.ts'
import type { Audience } from '../audience.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { counts } from '../messages/counting.ts'
import { draftInfo } from '../messages/infos.ts'
import { messageRows, placeOf, rowKey } from '../messages/places.ts'
import { describe, findMessages, type Located, readNotes } from '../messages/reading.ts'
import { recount } from '../messages/unread.ts'
import { act, due, maySeal } from '../reconcile.ts'
import { refusal } from '../refusals.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

export async function sendMessage(asked: AskedIn, c: Run<'send-message'>): Promise<Refusal> {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  const words = asWords(asked, c.channel, c)
  if ('code' in words) return words
  const said = await say(asked, c.channel, { type: 'message', ...words, ...(c.replyTo === undefined ? {} : { replyTo: c.replyTo }) })
  if ('code' in said) return said
  asked.engine.typing.sent(asked.replica.id, c.channel)
  asked.turn.out.reply(asked.asker, { messageId: said.id })
  return undefined
}

/** The words of a message as they go into it, or what is wrong with them. */
export function asWords({ turn, replica }: AskedIn, channel: ChannelId, given: WordsGiven): Words | ApiError {
  const { text, mentions = [], mentionRoles: roles = [], mentionEveryone: everyone = false } = given
  if (text.trim() === '') return fail('text-empty')
  if (text.length > limits.MAX_MESSAGE_CHARS) return fail('text-too-long')
  const { state } = replica.authority
  if (mentions.some((member) => !state.members.has(member))) return fail('unknown-member')
  if (roles.some((role) => !state.roles.has(role))) return fail('unknown-role')
  const verdict = roles.length > 0 || everyone ? replica.contentVerdict(turn, channel, 'everyone') : undefined
  if (verdict?.type === 'void') return refusal(verdict.reason)
  return { text, ...(mentions.length === 0 ? {} : { mentions }), ...(roles.length === 0 ? {} : { roles }), ...(everyone ? { everyone } : {}) }
}

/** Seals and sends content, or keeps it until it may be sealed. The id is the op's, or for now the draft's. */
export async function say({ engine, turn, replica }: AskedIn, channel: ChannelId, content: Content): Promise<{ readonly id: OpId } | ApiError> {
  const audience = replica.audienceFor(channel)
  if (audience?.isRead(replica.me.identity) !== true) return fail('unknown-channel')
  const drafts = engine.drafts.get(replica.id)
  if (drafts === undefined) return fail('internal')
  const verdict = replica.contentVerdict(turn, channel, content.type)
  if (verdict.type === 'void') return refusal(verdict.reason)
  if (!maySeal(audience)) {
    // Somebody was removed and nobody has changed the group yet: with the tip's state at hand this device does it now.
    const op = await act(turn, audience, changeOnly(turn, audience))
    if (op !== undefined) { await replica.settle(turn); await engine.distribute(turn, replica, [op]) }
  }
  if (!maySeal(audience) || !drafts.empty) {
    if (drafts.full) return fail('limit-reached', 'Too many messages wait to be secured. Wait until you are connected again.')
    const draft = drafts.add(turn, engine.world, channel, content)
    if (content.type === 'message') turn.out.update({ type: 'messages', space: replica.id, channel, messages: [draftInfo(replica, { ...draft, content })] })
    engine.touch(turn, replica)
    return draft
  }
  const op = await replica.appendContent(turn, channel, audience.groups.tip() as EpochId, content)
  await engine.distribute(turn, replica, [op])
  return op
}

/** Only a change of the group that this device can make at once; joining again takes its time. */
function changeOnly(turn: Turn, audience: Audience): ReturnType<typeof due> {
  const what = due(audience, turn.now)
  return what.type === 'change' ? what : { type: 'nothing' }
}

/** Looks for a message, and refuses when it isn't here. */
export function find(asked: AskedIn, message: OpId, then: (asked: AskedIn, found: Located) => void | Promise<void>): void | Promise<void> {
  return findMessages({ questions: asked.engine.questions, replica: asked.replica }, asked.turn, [message], (turn, [found]) => {
    if (found === undefined) return turn.out.refuse(asked.asker, fail('unknown-message'))
    return then({ ...asked, turn }, found)
  })
}

export async function markRead(asked: AskedIn, c: Run<'mark-read'>): Promise<undefined> {
  await find(asked, c.message, ({ engine, turn, asker, replica }, { channel, record }) => {
    engine.reading.mark(turn, replica.id, channel, record.place)
    recount(engine, turn, replica, channel, (later) => { later.out.reply(asker, {}) })
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

export async function getMessages(asked: AskedIn, c: Run<'get-messages'>): Promise<Refusal> {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  asked.replica.opened.note(c.channel)
  const limit = Math.min(Math.max(1, c.limit ?? 50), limits.MAX_MESSAGES_PAGE)
  if (c.before === undefined) { page(asked, { channel: c.channel, limit, before: undefined }); return undefined }
  await find(asked, c.before, (later, { channel, record }) => page(later, { channel, limit, before: rowKey(placeOf(channel, record)) }))
  return undefined
}

interface Wanted { readonly channel: ChannelId; readonly limit: number; readonly before: Uint8Array | undefined }

/** Goes back from `before` until there are enough that count. `newer`: those found already, newest first. */
function page(asked: AskedIn, wanted: Wanted, newer: readonly Located[] = [], from = wanted.before): void {
  const { engine, turn, replica } = asked
  const rows = messageRows(replica.id, wanted.channel, undefined)
  const limit = wanted.limit - newer.length + 1
  engine.questions.ask(turn, rows.partition, { from: rows.from, to: from ?? rows.to, limit, reverse: true }, (later, answer) => {
    const found = [...newer]
    for (const row of answer) {
      const record = decodeMessage(row.value)
      if (record !== undefined && counts(replica, wanted.channel, record, 'message')) found.push({ channel: wanted.channel, record })
    }
    const last = answer[answer.length - 1]
    if (answer.length === limit && last !== undefined && found.length <= wanted.limit) return page({ ...asked, turn: later }, wanted, found, last.key)
    return reply({ ...asked, turn: later }, wanted, found)
  })
}

/** `found` come newest first, one more than wanted where there are more; the answer goes oldest first, and what waits to be sealed stands behind the newest. */
function reply({ engine, turn, asker, replica }: AskedIn, wanted: Wanted, found: readonly Located[]): void | Promise<void> {
  const at = { questions: engine.questions, replica }
  return readNotes(at, turn, found.slice(0, wanted.limit).reverse(), false, (noted, seen) => describe(at, noted, seen, (later, infos) => {
    for (const { record } of seen) if (record.device === replica.me.device) engine.telling.recent.note(replica.id, wanted.channel, record)
    const drafts = wanted.before === undefined ? engine.drafts.get(replica.id)?.of(wanted.channel) ?? [] : []
    const messages: MessageInfo[] = [...infos, ...drafts.map((draft) => draftInfo(replica, draft))]
    later.out.reply(asker, { messages, more: found.length > wanted.limit })
  }))
}
