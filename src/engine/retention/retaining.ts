/** Looks now and then at what is due in each space, and deletes it in pieces, so that nobody waits for it. */
import type { ChannelId, DeviceId, SpaceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { RETENTION_AFTER_MS, RETENTION_EVERY_MS, RETENTION_PAUSE_MS } from '../limits.ts'
import { recount } from '../messages/unread.ts'
import type { Replica } from '../replica.ts'
import type { SpaceState } from '../space/state.ts'
import type { Turn } from '../turn.ts'
import { Away, packAway } from './away.ts'
import { clearBySize } from './by-size.ts'
import { emptySome } from './emptying.ts'

type Going = void | Promise<void>

/** One look at a space: the chains that are left to look at. */
interface Round { readonly chains: (readonly [ChannelId, DeviceId])[]; deleted: number }

export class Retaining {
  private readonly engine: Engine
  private readonly rounds = new Map<SpaceId, Round>()
  private readonly noted = new WeakMap<Replica, SpaceState>()
  private readonly books = new WeakMap<Replica, Away>()

  constructor(engine: Engine) { this.engine = engine }

  begin(turn: Turn, replica: Replica): void { this.wake(turn, replica, turn.now + RETENTION_AFTER_MS) }

  /** What this device keeps ready to read. */
  away(replica: Replica): Away {
    const known = this.books.get(replica) ?? new Away(replica.id)
    this.books.set(replica, known)
    return known
  }

  /** This device keeps more or less of it from now on. */
  limited(turn: Turn, replica: Replica): void { this.wake(turn, replica, turn.now) }

  /** Another device is here, and says what time it is. */
  heard(turn: Turn, replica: Replica, at: number): void { if (replica.retention.hear(at, turn.now) && !this.rounds.has(replica.id)) this.wake(turn, replica, turn.now) }

  private wake(turn: Turn, replica: Replica, at: number): void { turn.out.wake(`retention|${replica.id}`, at) }

  /** Something may be said otherwise of how long things are kept. */
  look(turn: Turn, replica: Replica): void {
    const { state } = replica.authority
    if (this.noted.get(replica) === state || this.rounds.has(replica.id)) return
    const isFirst = !this.noted.has(replica)
    this.noted.set(replica, state)
    const next = replica.retention.note(turn)
    if (!isFirst && next !== undefined) this.wake(turn, replica, Math.min(next, turn.now + RETENTION_EVERY_MS))
  }

  /** The next piece of work. */
  work(turn: Turn, replica: Replica): Going {
    const round = this.rounds.get(replica.id) ?? this.beginRound(turn, replica)
    const [chain] = round.chains
    if (chain === undefined) return this.end(turn, replica, round)
    const [channel, device] = chain
    return this.engine.questions.follow(turn, (running) => emptySome(this.engine, running, replica, channel, device), (later, { deleted, more }) => {
      round.deleted += deleted
      if (!more) round.chains.shift()
      if (deleted > 0) this.engine.touch(later, replica)
      this.wake(later, replica, later.now + RETENTION_PAUSE_MS)
    })
  }

  private beginRound(turn: Turn, replica: Replica): Round {
    replica.retention.note(turn)
    const chains = [...replica.log.channels].flatMap((channel) => replica.retention.chainsDue(channel, turn.now).map((device) => [channel, device] as const))
    const round: Round = { chains, deleted: 0 }
    this.rounds.set(replica.id, round)
    return round
  }

  private end(turn: Turn, replica: Replica, round: Round): void {
    this.rounds.delete(replica.id)
    this.wake(turn, replica, Math.min(replica.retention.note(turn) ?? Infinity, turn.now + RETENTION_EVERY_MS))
    clearBySize(this.engine, turn, replica)
    packAway(this.engine, turn, replica)
    if (round.deleted === 0) return
    // What was deleted leaves the blocks of the disk only now.
    this.engine.tidying.begin(turn)
    turn.out.update({ type: 'revised', space: replica.id })
    for (const spot of [...this.engine.reading.unreadIn(replica.id)]) recount(this.engine, turn, replica, spot)
  }
}
