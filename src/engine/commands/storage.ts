/** Room on this device. */
import { fail } from '../errors.ts'
import { measureRoom } from '../retention/room.ts'
import { isListed } from '../views.ts'
import type { Asked, AskedIn, Refusal, Run } from './asked.ts'

export async function storage({ engine, turn, asker }: Asked): Promise<Refusal> {
  const replicas = [...engine.replicas.values()].filter(({ record }) => record.state !== 'contacted')
  await measureRoom(engine, turn, replicas, (later, spaces) => later.out.reply(asker, { spaces }))
  return undefined
}

export function compact({ engine, turn, asker }: Asked): Refusal {
  engine.tidying.begin(turn, (later, end) => (end === 'done' ? later.out.reply(asker, {}) : later.out.refuse(asker, fail('disk-failed'))))
  return undefined
}

/** Of this device alone: whoever isn't a member any more may have it smaller, too. */
export function keepHere({ engine, turn, asker, replica }: AskedIn, c: Run<'keep-here'>): Refusal {
  if (c.channel !== undefined && !isListed(replica, c.channel)) return fail('unknown-channel')
  const away = engine.retaining.away(replica)
  if (c.maxBytes !== undefined) away.limit(turn, c.channel, c.maxBytes)
  else if (c.channel !== undefined) away.follow(turn, c.channel)
  else return fail('bad-request')
  engine.retaining.limited(turn, replica)
  turn.out.reply(asker, {})
  return undefined
}
