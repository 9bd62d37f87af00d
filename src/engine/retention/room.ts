/** How much room the spaces take on this device, and tidying the disk. */
import type { SpaceRoom } from '../../api.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type SpaceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { COMPACT_PAUSE_MS } from '../limits.ts'
import { pinsPartition, voidPinsPartition } from '../messages/places.ts'
import { indexPartitions } from '../search/search-index.ts'
import { opsPartition, Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'

type Going = void | Promise<void>

/** What this device keeps ready to read (away.ts). */
export const awayPartition = (space: SpaceId): string => `away/${space}`
/** What is readable of a channel, without the log that it was made from. */
export const saidPartitions = (space: SpaceId, channel: ChannelId): string[] => [...messagePartitions(space, channel), `notes/${space}/${channel}`]
export const messagePartitions = (space: SpaceId, channel: ChannelId): string[] => [`messages/${space}/${channel}`, `threads/${space}/${channel}`]
const channelPartitions = (space: SpaceId, channel: ChannelId): string[] => [opsPartition(space, channel), ...saidPartitions(space, channel), pinsPartition(space, channel), voidPinsPartition(space, channel), `active/${space}/${channel}`]

export function measureRoom(engine: Engine, turn: Turn, replicas: readonly Replica[], then: (turn: Turn, spaces: readonly SpaceRoom[]) => Going): Going {
  const parts = replicas.flatMap((replica) => {
    const { id, log } = replica
    const channels = [...new Set([...replica.authority.state.channels.keys(), ...log.channels])].filter((channel) => channel !== AUTHORITY_CHANNEL)
    const of = (kind: 'keys' | 'search' | 'other', names: readonly string[]) => names.map((partition) => ({ id, kind, channel: undefined, partition }))
    return [
      ...channels.flatMap((channel) => channelPartitions(id, channel).map((partition) => ({ id, kind: 'said' as const, channel, partition }))),
      ...of('keys', Replica.partitions(id)), ...of('search', indexPartitions(id)), ...of('other', [`places/${id}`, `read/${id}`, `drafts/${id}`, `noted/${id}`, awayPartition(id)]),
    ]
  })
  return engine.questions.measure(turn, parts.map(({ partition }) => partition), (later, bytes) => then(later, replicas.map((replica): SpaceRoom => {
    const sums = { keys: 0, search: 0, said: 0, other: 0 }, channels = new Map<ChannelId, number>()
    let hidden = 0
    parts.forEach(({ id, kind, channel }, i) => {
      if (id !== replica.id) return
      const n = bytes[i] ?? 0
      sums[kind] += n
      if (channel !== undefined && isListed(replica, channel)) channels.set(channel, (channels.get(channel) ?? 0) + n)
      else if (channel !== undefined) hidden += n
    })
    const { keys, search, said, other } = sums
    const away = engine.retaining.away(replica)
    return {
      space: replica.id, bytes: keys + search + said + other, keys, search, other: other + hidden, keepsHere: away.limitOf(undefined),
      channels: [...channels].map(([channel, n]) => ({ channel, bytes: n, keepsHere: away.limitOf(channel), follows: away.follows(channel) })),
    }
  })))
}

type Tidied = (turn: Turn, end: 'done' | 'failed') => Going

/** Tidies the disk piece by piece, with pauses in which others have their turn; whoever asks meanwhile waits for the same end. */
export class Tidying {
  private readonly engine: Engine
  private waiting: Tidied[] | undefined

  constructor(engine: Engine) { this.engine = engine }

  begin(turn: Turn, then: Tidied = () => undefined): void {
    if (this.waiting !== undefined) { this.waiting.push(then); return }
    this.waiting = [then]
    this.go(turn)
  }

  /** Also when the pause is over. */
  go(turn: Turn): void {
    this.engine.questions.compact(turn, async (later, { more, failed }) => {
      if (more) return later.out.wake('compact', later.now + COMPACT_PAUSE_MS)
      const waiting = this.waiting ?? []
      this.waiting = undefined
      for (const then of waiting) await then(later, failed === true ? 'failed' : 'done')
    })
  }
}
