/** Whether authority lets something said count: what a removed person said afterwards, or nobody may say here, is shown to nobody. */
import type { MessageRecord, Origin } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { Replica } from '../replica.ts'

/** `type`: of the op, or a right that it asks for besides. */
export const counts = (replica: Replica, channel: ChannelId, o: Origin, type: string): boolean => replica.authority.contentVerdict({ ...o, channel, type }).type === 'valid'

/** One's own is shown even so, with what became of it: nobody's words go without a word. */
export const isShown = (replica: Replica, channel: ChannelId, record: MessageRecord): boolean =>
  (record.author === replica.me.identity && record.content !== undefined) || messageCounts(replica, channel, record)

/** A post of a forum begins a thread, and so needs that right, too (M8). */
export function messageCounts(replica: Replica, channel: ChannelId, record: MessageRecord): boolean {
  if (!counts(replica, channel, record, 'message')) return false
  return record.thread !== undefined || replica.authority.state.channels.get(channel)?.kind !== 'forum' || (record.content?.title !== undefined && counts(replica, channel, record, 'thread')) || record.content === undefined
}
