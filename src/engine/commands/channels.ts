/** Channels of a space. */
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { type ChannelId, parseChannelId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { fail } from '../errors.ts'
import { refusal } from '../refusals.ts'
import type { Replica } from '../replica.ts'
import { placeBetween } from '../space/order.ts'
import type { Turn } from '../turn.ts'
import { type AskedIn, change, named, type Refusal, type Run } from './asked.ts'

export async function createChannel({ engine, turn, asker, replica }: AskedIn, c: Run<'create-channel'>): Promise<Refusal> {
  const name = c.name.trim(), wrong = named(name)
  if (wrong !== undefined) return wrong
  const channel = parseChannelId(engine.world.random.bytes(16)) as ChannelId
  const reason = replica.authority.refuse(replica.me.identity, { type: 'channelCreate', channel, name, kind: 'text', audience: 0 })
  if (reason !== undefined) return refusal(reason)
  await engine.distribute(turn, replica, await appendChannel(turn, replica, channel, name))
  turn.out.reply(asker, { channel })
  return undefined
}

/** A channel, and its place behind all others. */
export async function appendChannel(turn: Turn, replica: Replica, channel: ChannelId, name: string): Promise<Op[]> {
  const last = [...replica.authority.state.channels.values()].map((c) => c.place).sort().pop() ?? ''
  const place = placeBetween(last, '')
  const ops = [await replica.append(turn, 'channelCreate', encodeAuthorityBody({ type: 'channelCreate', channel, name, kind: 'text', audience: 0 }))]
  if (place !== undefined) ops.push(await replica.append(turn, 'channelPlace', encodeAuthorityBody({ type: 'channelPlace', channel, category: undefined, place })))
  return ops
}

export function renameChannel(asked: AskedIn, c: Run<'rename-channel'>): Promise<Refusal> | Refusal {
  const wrong = named(c.name)
  if (wrong !== undefined) return wrong
  if (!asked.replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
  return change(asked, { type: 'channelRename', channel: c.channel, name: c.name.trim() })
}
