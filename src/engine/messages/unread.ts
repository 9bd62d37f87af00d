/** How much of a channel or a thread is unread, counted again from the disk: after a mark was set in its midst, a deletion, or a change of what counts. What newly comes is only added. */
import { concat, fromHex, u64 } from '../../wire/bytes.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import type { Engine } from '../engine.ts'
import { MAX_UNREAD_COUNTED } from '../limits.ts'
import { isNews, type Spot } from '../read-marks.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { messageCounts } from './counting.ts'
import { messageRows } from './places.ts'

export function recount(engine: Engine, turn: Turn, replica: Replica, spot: Spot, then: (turn: Turn) => void = () => undefined): void {
  const { partition, to } = messageRows(replica.id, spot.channel, spot.thread)
  const mark = u64(engine.reading.readUpTo(spot) + 1)
  const from = spot.thread === undefined ? mark : concat(fromHex(spot.thread) as Uint8Array, mark)
  engine.questions.ask(turn, partition, { from, to, limit: MAX_UNREAD_COUNTED }, (later, rows) => {
    const messages = rows.map((row) => decodeMessage(row.value)).filter((m) => m !== undefined)
    engine.reading.recounted(later, replica, spot, messages.filter((m) => m.content !== undefined && isNews(replica, m) && messageCounts(replica, spot.channel, m)))
    engine.touch(later, replica)
    then(later)
  })
}
