/** How much of a channel is unread, counted again from the disk: after a mark was set in its midst, a deletion, or a change of what counts. What newly comes is only added. */
import { u64 } from '../../wire/bytes.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { MAX_UNREAD_COUNTED } from '../limits.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { isNews } from '../read-marks.ts'
import { counts } from './counting.ts'
import { messageRows } from './places.ts'

export function recount(engine: Engine, turn: Turn, replica: Replica, channel: ChannelId, then: (turn: Turn) => void = () => undefined): void {
  const { partition, to } = messageRows(replica.id, channel, undefined)
  const from = u64(engine.reading.markOf(replica.id, channel) + 1)
  engine.questions.ask(turn, partition, { from, to, limit: MAX_UNREAD_COUNTED }, (later, rows) => {
    const unread = rows.map((row) => decodeMessage(row.value)).filter((m) => m?.content !== undefined && isNews(replica, m) && counts(replica, channel, m, 'message')).filter((m) => m !== undefined)
    engine.reading.recounted(later, replica, channel, unread)
    engine.touch(later, replica)
    then(later)
  })
}
