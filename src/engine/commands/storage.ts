/** Room on this device. */
import { fail } from '../errors.ts'
import { measureRoom } from '../retention/room.ts'
import type { Asked, Refusal } from './asked.ts'

export async function storage({ engine, turn, asker }: Asked): Promise<Refusal> {
  const replicas = [...engine.replicas.values()].filter(({ record }) => record.state !== 'contacted')
  await measureRoom(engine, turn, replicas, (later, spaces) => later.out.reply(asker, { spaces }))
  return undefined
}

export function compact({ engine, turn, asker }: Asked): Refusal {
  engine.tidying.begin(turn, (later, end) => (end === 'done' ? later.out.reply(asker, {}) : later.out.refuse(asker, fail('disk-failed'))))
  return undefined
}
