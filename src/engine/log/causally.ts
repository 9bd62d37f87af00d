import type { OpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { predecessors } from '../space/history.ts'

/** Ops in an order in which each comes when all it names are in; `isIn` must know each before the next is asked for. Those whose predecessors never come are left out. */
export function* causally(ops: readonly Op[], isIn: (id: OpId) => boolean): Iterable<Op> {
  const queue = [...ops], waiting = new Map<OpId, Op[]>()
  for (const op of queue) {
    const missing = predecessors(op).find((id) => !isIn(id))
    if (missing !== undefined) { waiting.set(missing, [...waiting.get(missing) ?? [], op]); continue }
    yield op
    queue.push(...waiting.get(op.id) ?? [])
    waiting.delete(op.id)
  }
}
