/** Writing and reading messages. */
import type { MessageInfo } from '../../api.ts'
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, u64 } from '../../wire/bytes.ts'
import { type ChannelId, type EpochId, type OpId, parseChannelId } from '../../wire/ids.ts'
import { decodeMessage } from '../../wire/records.ts'
import type { Audience } from '../audience.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { act, due, maySeal } from '../reconcile.ts'
import type { Turn } from '../turn.ts'
import { draftInfo, messageInfo } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

const HLC_MAX = u64(Number.MAX_SAFE_INTEGER)

export async function sendMessage({ engine, turn, asker, replica }: AskedIn, c: Run<'send-message'>): Promise<Refusal> {
  if (c.text.trim() === '') return fail('text-empty')
  if (c.text.length > limits.MAX_MESSAGE_CHARS) return fail('text-too-long')
  if (!replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
  const drafts = engine.drafts.get(replica.id)
  if (drafts === undefined) return fail('internal')
  if (!maySeal(replica.everyone)) {
    // Somebody was removed and nobody has changed the group yet: with the tip's state at hand this device does it now.
    const op = await act(turn, replica.everyone, changeOnly(turn, replica.everyone))
    if (op !== undefined) { await replica.settle(turn); await engine.distribute(turn, replica, [op]) }
  }
  if (!maySeal(replica.everyone) || !drafts.empty) {
    if (drafts.full) return fail('limit-reached', 'Too many messages wait to be secured. Wait until you are connected again.')
    const draft = drafts.add(turn, engine.world, c.channel, c.text)
    turn.out.reply(asker, { messageId: draft.id })
    turn.out.update({ type: 'messages', space: replica.id, channel: c.channel, messages: [draftInfo(replica, draft)] })
    engine.touch(turn, replica)
    return undefined
  }
  const op = await replica.appendContent(turn, c.channel, replica.groups.tip() as EpochId, { type: 'message', text: c.text })
  await engine.distribute(turn, replica, [op])
  turn.out.reply(asker, { messageId: op.id })
  return undefined
}

/** Only a change of the group that this device can make at once; joining again takes its time. */
function changeOnly(turn: Turn, audience: Audience): ReturnType<typeof due> {
  const what = due(audience, turn.now)
  return what.type === 'change' ? what : { type: 'nothing' }
}

export function getMessages(asked: AskedIn, c: Run<'get-messages'>): Refusal {
  if (!asked.replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
  if (c.before !== undefined) return find(asked, c.before, (later, place) => page(later, place.channel, c.limit, place.key))
  return page(asked, c.channel, c.limit, undefined)
}

export function markRead(asked: AskedIn, c: Run<'mark-read'>): undefined {
  find(asked, c.message, ({ engine, turn, asker, replica }, place) => {
    engine.reading.mark(turn, replica.id, place.channel, place.hlc)
    engine.touch(turn, replica)
    turn.out.reply(asker, {})
  })
}

export function retryMessage(asked: AskedIn, c: Run<'retry-message'>): undefined {
  find(asked, c.message, (found, { channel, key }) => {
    found.engine.questions.ask(found.turn, `messages/${found.replica.id}/${channel}`, { from: key, limit: 1 }, (turn, rows) => {
      const { engine, asker, replica } = found
      const message = rows[0] === undefined ? undefined : decodeMessage(rows[0].value)
      if (message === undefined) return turn.out.refuse(asker, fail('unknown-message'))
      replica.mail.retry(turn, channel, message.chanSeq)
      engine.telling.statesChanged(replica.id, channel)
      engine.touch(turn, replica)
      turn.out.reply(asker, {})
    })
  })
}

/** Where a message's row stands. */
interface Place { readonly channel: ChannelId; readonly hlc: number; readonly key: Uint8Array }

function find(asked: AskedIn, message: OpId, then: (asked: AskedIn, place: Place) => void): undefined {
  const key = fromHex(message) as Uint8Array
  asked.engine.questions.ask(asked.turn, `places/${asked.replica.id}`, { from: key, to: concat(key, new Uint8Array(1)), limit: 1 }, (turn, [row]) => {
    const channel = row === undefined ? undefined : parseChannelId(row.value.subarray(0, 16))
    if (row === undefined || channel === undefined) return turn.out.refuse(asked.asker, fail('unknown-message'))
    const hlc = fromU64(row.value.subarray(16))
    then({ ...asked, turn }, { channel, hlc, key: concat(u64(hlc), row.key) })
  })
}

function page(asked: AskedIn, channel: ChannelId, wanted: number | undefined, before: Uint8Array | undefined): undefined {
  const limit = Math.min(Math.max(1, wanted ?? 50), limits.MAX_MESSAGES_PAGE)
  asked.engine.questions.ask(asked.turn, `messages/${asked.replica.id}/${channel}`, { to: before ?? HLC_MAX, limit: limit + 1, reverse: true }, (turn, rows) =>
    reply({ ...asked, turn }, channel, rows.slice(0, limit), rows.length > limit, before === undefined))
}

/** `rows` come newest first; the answer goes oldest first, and what waits to be sealed stands behind the newest. */
function reply({ engine, turn, asker, replica }: AskedIn, channel: ChannelId, rows: readonly Row[], more: boolean, isNewest: boolean): void {
  const messages: MessageInfo[] = []
  for (const row of [...rows].reverse()) {
    const record = decodeMessage(row.value)
    if (record === undefined) continue
    messages.push(messageInfo(replica, channel, record))
    if (record.device === replica.me.device) engine.telling.recent.note(replica.id, channel, record)
  }
  if (isNewest) for (const draft of engine.drafts.get(replica.id)?.of(channel) ?? []) messages.push(draftInfo(replica, draft))
  turn.out.reply(asker, { messages, more })
}
