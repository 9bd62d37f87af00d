/** Putting back what a damaged disk lost. */
import { AUTHORITY_CHANNEL } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { keptBytes, withText } from './content/kept.ts'
import { GROUND_AGAIN_MS } from './limits.ts'
import { opKey } from './log/log.ts'
import { opsPartition, type Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** A verified op that this device had once is here again. */
export function refill(turn: Turn, replica: Replica, op: Op): void {
  const { device, chanSeq, channel, epoch } = op.header, key = opKey(device, chanSeq)
  turn.out.put(opsPartition(replica.id, channel), key, keptBytes(withText(replica, op)))
  replica.holes.fill(turn, op.header)
  replica.vote(turn, op)
  if (replica.holes.count(channel) === 0) turn.out.update({ type: 'revised', space: replica.id })
  if (channel !== AUTHORITY_CHANNEL) {
    replica.retention.cameIn(turn, op.header)
    if (op.isHusk !== true && epoch !== undefined) replica.locked.lock(turn, epoch, channel, key, true)
    return
  }
  // What rests on it was not understood when the space was opened.
  if (replica.holes.count(AUTHORITY_CHANNEL) === 0) turn.out.startAgain()
  else if (replica.isMending) turn.out.wake(`ground|${replica.id}`, turn.now + GROUND_AGAIN_MS)
}
