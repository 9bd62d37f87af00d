/** Whether authority lets something said count: what a removed person said afterwards, or nobody may say here, is shown to nobody. */
import type { MessageRecord, NoteRecord, Origin } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { Replica } from '../replica.ts'
import type { Reason } from '../space/reasons.ts'

/** `type`: of the op, or a right that it asks for besides. */
export const counts = (replica: Replica, channel: ChannelId, { device, audience, seq, chanSeq, hlc, deps, gap }: Origin & Pick<MessageRecord, 'gap'>, type: string): boolean =>
  replica.authority.contentVerdict({ device, channel, audience, seq, chanSeq, hlc, deps, type, gap }).type === 'valid'

/** One's own is shown even so, with what became of it: nobody's words go without a word. */
export const isShown = (replica: Replica, channel: ChannelId, record: MessageRecord): boolean =>
  (record.author === replica.me.identity && record.content !== undefined) || messageCounts(replica, channel, record)

/** A post of a forum begins a thread, and so needs that right, too (M8). */
export function messageCounts(replica: Replica, channel: ChannelId, record: MessageRecord): boolean {
  if (!counts(replica, channel, record, 'message')) return false
  return record.thread !== undefined || replica.authority.state.channels.get(channel)?.kind !== 'forum' || (record.content?.title !== undefined && counts(replica, channel, record, 'thread')) || record.content === undefined
}

/** Why a note doesn't count: authority is against it, or it changes what is somebody else's (M2, M3). */
export function whyUnheard(replica: Replica, channel: ChannelId, message: Pick<MessageRecord, 'author'>, note: NoteRecord): Reason | undefined {
  const { type } = note.content, verdict = replica.authority.contentVerdict({ ...note, channel, type })
  if (verdict.type === 'void') return verdict.reason
  return (type === 'edit' || type === 'delete') && note.author !== message.author ? { code: 'not-its-author' } : undefined
}
