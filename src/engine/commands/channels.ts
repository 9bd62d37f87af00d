/** Channels of a space. */
import type { ChannelKind } from '../../api.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { type ChannelId, parseChannelId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { audienceOf, cutsOfExcluded, readersFor } from '../audiences.ts'
import type { Engine } from '../engine.ts'
import { fail } from '../errors.ts'
import { refusal } from '../refusals.ts'
import type { Replica } from '../replica.ts'
import { placeBetween } from '../space/order.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import { siblingsOf } from './order.ts'
import { type AskedIn, change, named, type Refusal, type Run } from './asked.ts'

export async function createChannel({ engine, turn, asker, replica }: AskedIn, c: Run<'create-channel'>): Promise<Refusal> {
  const name = c.name.trim(), wrong = named(name)
  if (wrong !== undefined) return wrong
  const channel = parseChannelId(engine.world.random.bytes(16)) as ChannelId
  const reason = replica.authority.refuse(replica.me.identity, { type: 'channelCreate', channel, name, kind: 'text', audience: 0 })
  if (reason !== undefined) return refusal(reason)
  if (c.category !== undefined && replica.authority.state.channels.get(c.category)?.kind !== 'category') return fail('unknown-channel')
  if (c.kind === 'category' && (c.category !== undefined || c.readers !== undefined)) return fail('bad-request', 'A category can’t be inside another one, and has no readers of its own.')
  const made = await audienceOf(turn, replica, c.readers)
  if ('code' in made) return made
  await engine.distribute(turn, replica, [...made.ops, ...await appendChannel(turn, replica, channel, name, { audience: made.audience, kind: c.kind ?? 'text', category: c.category })])
  await openGroup(engine, turn, replica, made.audience)
  turn.out.reply(asker, { channel })
  return undefined
}

/** Whoever opened an audience makes its group at once. */
async function openGroup(engine: Engine, turn: Turn, replica: Replica, number: number): Promise<void> {
  const audience = replica.audiences.get(number)
  if (audience !== undefined && number !== 0) await engine.groupwork.now(turn, audience)
}

export interface Shape { readonly audience: number; readonly kind: ChannelKind | 'category'; readonly category: ChannelId | undefined }
const PLAIN: Shape = { audience: 0, kind: 'text', category: undefined }

/** A channel, and its place behind all others of its category. */
export async function appendChannel(turn: Turn, replica: Replica, channel: ChannelId, name: string, { audience, kind, category }: Shape = PLAIN): Promise<Op[]> {
  const last = siblingsOf(replica, category, kind === 'category').pop()?.[1] ?? ''
  const place = placeBetween(last, '') ?? last
  const ops = [await replica.append(turn, 'channelCreate', encodeAuthorityBody({ type: 'channelCreate', channel, name, kind, audience }))]
  ops.push(await replica.append(turn, 'channelPlace', encodeAuthorityBody({ type: 'channelPlace', channel, category, place })))
  return ops
}

export function renameChannel(asked: AskedIn, c: Run<'rename-channel'>): Promise<Refusal> | Refusal {
  const wrong = named(c.name)
  if (wrong !== undefined) return wrong
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  return change(asked, { type: 'channelRename', channel: c.channel, name: c.name.trim() })
}

/** Who reads a channel from now on. Its audience is changed where it is this channel's alone; else the channel gets another one. */
export async function setReaders(asked: AskedIn, c: Run<'set-readers'>): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  const current = replica.audienceFor(c.channel)
  if (current === undefined || !isListed(replica, c.channel)) return fail('unknown-channel')
  const shared = [...replica.authority.state.channels.values()].filter((other) => other.audience === current.number).length > 1
  if (c.readers !== undefined && current.number !== 0 && !shared) {
    const named = readersFor(replica, c.readers)
    if ('code' in named) return named
    const refused = await change(asked, { type: 'audience', audience: current.number, ...named, cuts: cutsOfExcluded(replica, current, named) })
    if (refused === undefined) await engine.groupwork.now(turn, current)
    return refused
  }
  const reason = replica.authority.refuse(replica.me.identity, { type: 'channelAudience', channel: c.channel, audience: 0 })
  if (reason !== undefined) return refusal(reason)
  const made = await audienceOf(turn, replica, c.readers)
  if ('code' in made) return made
  const move = await replica.append(turn, 'channelAudience', encodeAuthorityBody({ type: 'channelAudience', channel: c.channel, audience: made.audience }))
  await engine.distribute(turn, replica, [...made.ops, move])
  await openGroup(engine, turn, replica, made.audience)
  turn.out.reply(asker, {})
  return undefined
}
