/**
 * Messages that are here and count no longer, or never did, with the reason: what somebody said without knowing that they had been removed. Everyone's for
 * those who manage messages; of others only their own, so that nobody wonders where their words went.
 */
import type { HiddenInfo } from '../../api/authority.ts'
import type { OpId } from '../../wire/ids.ts'
import { decodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import { Teller } from '../acts.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { PLAIN } from '../messages/fold.ts'
import { messageInfo } from '../messages/infos.ts'
import { messageRows, placeOf, rowKey } from '../messages/places.ts'
import { permissionsIn } from '../rights.ts'
import { has } from '../space/permissions.ts'
import type { Reason } from '../space/reasons.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { find } from './messages.ts'

export async function listHidden(asked: AskedIn, c: Run<'list-hidden'>): Promise<Refusal> {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  if (c.before === undefined) { look(asked, c, undefined); return undefined }
  await find(asked, c.before, (found, { record }) => look(found, c, rowKey(placeOf(c.channel, record))))
  return undefined
}

/** Looks through a bounded number of messages at a time; whoever wants more asks on from `next`. */
function look(asked: AskedIn, c: Run<'list-hidden'>, before: Uint8Array | undefined): void {
  const { engine, turn, replica } = asked
  const rows = messageRows(replica.id, c.channel, undefined)
  engine.questions.ask(turn, rows.partition, { from: rows.from, to: before ?? rows.to, limit: limits.MAX_HIDDEN_LOOKED, reverse: true }, (later, answer) => {
    const limit = Math.min(c.limit ?? 50, limits.MAX_MESSAGES_PAGE)
    const hidden: HiddenInfo[] = []
    let last: OpId | undefined, isAll = true
    for (const row of answer) {
      if (hidden.length >= limit) { isAll = false; break }
      const record = decodeMessage(row.value)
      if (record === undefined) continue
      last = record.id
      const reason = whyHidden(asked, c, record)
      if (reason !== undefined) hidden.push(tell(asked, c, record, reason))
    }
    const next = isAll && answer.length < limits.MAX_HIDDEN_LOOKED ? undefined : last
    later.out.reply(asked.asker, { messages: hidden.reverse(), ...(next === undefined ? {} : { next }) })
  })
}

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
