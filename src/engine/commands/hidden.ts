/**
 * Messages that are here and count no longer, or never did, with the reason: what somebody said without knowing that they had been removed. Everyone's for
 * those who manage messages; of others only their own, so that nobody wonders where their words went.
 */
import type { Results } from '../../api.ts'
import type { HiddenInfo } from '../../api/authority.ts'
import type { OpId } from '../../wire/ids.ts'
import { decodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import { Teller } from '../acts.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { PLAIN } from '../messages/fold.ts'
import { messageInfo } from '../messages/infos.ts'
import { messageRows, placeOf, rowKey, threadsPartition } from '../messages/places.ts'
import { located } from '../messages/reading.ts'
import type { Reading } from '../reading.ts'
import { permissionsIn } from '../rights.ts'
import { has } from '../space/permissions.ts'
import type { Reason } from '../space/reasons.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

export async function listHidden(asked: AskedIn, c: Run<'list-hidden'>): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  await engine.questions.follow(turn, () => hiddenIn(asked, c), (later, answer) => (answer === undefined ? later.out.refuse(asker, fail('unknown-message')) : later.out.reply(asker, answer)))
  return undefined
}

/** First what stands in the channel, then what stands in its threads. Looks through a bounded number of messages at a time; whoever wants more asks on from `next`. */
function* hiddenIn(asked: AskedIn, c: Run<'list-hidden'>): Reading<Results['list-hidden'] | undefined> {
  const { replica } = asked, limit = Math.min(c.limit ?? 50, limits.MAX_MESSAGES_PAGE), hidden: HiddenInfo[] = []
  const [before] = c.before === undefined ? [] : yield* located(replica, [c.before])
  if (c.before !== undefined && before?.channel !== c.channel) return undefined
  let last = c.before
  for (const inThreads of before?.record.thread === undefined ? [false, true] : [true]) {
    const to = before !== undefined && (before.record.thread !== undefined) === inThreads ? { to: rowKey(placeOf(c.channel, before.record)) } : {}
    const partition = inThreads ? threadsPartition(replica.id, c.channel) : messageRows(replica.id, c.channel, undefined).partition
    const [rows = []] = yield [{ partition, query: { ...to, limit: limits.MAX_HIDDEN_LOOKED, reverse: true } }]
    for (const row of rows) {
      if (hidden.length >= limit) return page(hidden, last)
      const record = decodeMessage(row.value)
      if (record === undefined) continue
      last = record.id
      const reason = whyHidden(asked, c, record)
      if (reason !== undefined) hidden.push(tell(asked, c, record, reason))
    }
    if (rows.length === limits.MAX_HIDDEN_LOOKED) return page(hidden, last)
  }
  return page(hidden, undefined)
}

const page = (newestFirst: HiddenInfo[], next: OpId | undefined): Results['list-hidden'] => ({ messages: newestFirst.reverse(), ...(next === undefined ? {} : { next }) })

function whyHidden({ replica: { authority, me } }: AskedIn, { channel }: Run<'list-hidden'>, record: MessageRecord): Reason | undefined {
  const shape = authority.state.channels.get(channel)
  const seesAll = shape !== undefined && has(permissionsIn(authority.state, me.identity, shape), 'messages')
  if (!seesAll && record.author !== me.identity) return undefined
  const verdict = authority.contentVerdict({ ...record, channel, type: 'message' })
  return verdict.type === 'void' ? verdict.reason : undefined
}

function tell({ replica }: AskedIn, { channel }: Run<'list-hidden'>, record: MessageRecord, reason: Reason): HiddenInfo {
  const message = messageInfo(replica, { channel, record, folded: PLAIN }, undefined)
  return { message, ...new Teller(replica).why(reason) }
}
