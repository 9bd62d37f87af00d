/** What has become of a message that this person wrote: each shows exactly one of these, also the one that authority lets count no longer. */
import type { SendState } from '../../api.ts'
import type { MessageRecord } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import { Teller } from '../acts.ts'
import type { Replica } from '../replica.ts'

/** Of another's message: received. */
export function sendState(replica: Replica, channel: ChannelId, record: MessageRecord): SendState {
  const { authority, me, delivery, mail } = replica
  // Where the disk lost what this person's place follows from, it isn't known (S13).
  if (record.author === me.identity && !replica.isMending) {
    const verdict = authority.contentVerdict({ ...record, channel, type: 'message' })
    if (verdict.type === 'void') return { type: 'void', ...new Teller(replica).why(verdict.reason) }
  }
  if (record.device !== me.device) return { type: 'received' }
  const state = delivery.stateOf(channel, record.chanSeq, replica.others(channel))
  const refusal = state.type === 'queued' ? mail.refusalOf(channel, record.chanSeq) : undefined
  return refusal === undefined ? state : { type: 'failed', reason: refusal }
}
