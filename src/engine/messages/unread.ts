/** How much of a channel or a thread is unread, counted again from the disk: after a mark was set in its midst, a deletion, or a change of what counts. What newly comes is only added. */
import type { Engine } from '../engine.ts'
import { MAX_UNREAD_COUNTED } from '../limits.ts'
import { isNews, type Spot } from '../read-marks.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { messageCounts } from './counting.ts'
import { keyBehind, readWindow } from './windows.ts'

export function recount(engine: Engine, turn: Turn, replica: Replica, spot: Spot, then: (turn: Turn) => void = () => undefined): void {
  const behind = keyBehind(spot, engine.reading.readUpTo(spot))
  void engine.questions.follow(turn, () => readWindow(replica, spot, { type: 'after', key: behind }, MAX_UNREAD_COUNTED), (later, { messages }) => {
    const records = messages.map(({ record }) => record)
    engine.reading.recounted(later, replica, spot, records.filter((m) => m.content !== undefined && isNews(replica, m) && messageCounts(replica, spot.channel, m)))
    engine.touch(later, replica)
    then(later)
  })
}
