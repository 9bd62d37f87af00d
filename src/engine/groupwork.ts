/** When this device does what is due in a space's groups: at once where it is alone, later where others may be faster. */
import type { Audience } from './audience.ts'
import type { Engine } from './engine.ts'
import { COMMIT_RANK_MS, MAX_ACTS_A_MINUTE } from './limits.ts'
import { act, type Due, due, patience } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Groupwork {
  private readonly engine: Engine
  /** By timer. */
  private readonly planned = new Map<string, { readonly what: string; readonly at: number }>()

  /** When this device last did something by itself, by timer (ms), a minute back. */
  private readonly done = new Map<string, readonly number[]>()

  constructor(engine: Engine) { this.engine = engine }

  /** Does what is due now. */
  async now(turn: Turn, audience: Audience): Promise<void> {
    const { replica } = audience
    this.planned.delete(timerOf(audience))
    if (!this.engine.succession.isSure(replica, turn.now)) return
    const op = await act(turn, audience, due(audience, turn.now))
    if (op === undefined) return
    this.done.set(timerOf(audience), [...this.lately(audience, turn.now), turn.now])
    await replica.settle(turn)
    await this.engine.distribute(turn, replica, [op])
  }

  /** Arms the groups' timers anew where what is due has changed; what is due at once is done at once. */
  plan(turn: Turn, replica: Replica): void {
    if (replica.record.state !== 'open' || !this.engine.succession.isSure(replica, turn.now)) return
    for (const audience of replica.audiences.values()) this.planOne(turn, audience)
    if ([...replica.audiences.values()].some(({ groups }) => groups.isBehind)) turn.out.wake(`behind|${replica.id}`, turn.now)
  }

  private planOne(turn: Turn, audience: Audience): void {
    const { replica } = audience
    const timer = timerOf(audience)
    const what = due(audience, turn.now)
    const known = this.planned.get(timer)
    if (what.type === 'nothing') {
      if (known !== undefined) { this.planned.delete(timer); turn.out.wake(timer, Infinity) }
      return
    }
    const trees = audience.groups.wantedTrees(what.tip)
    if (trees.length > 0) this.engine.peers.askTrees(turn, replica, trees)
    const summary = JSON.stringify(what)
    if (known?.what === summary && known.at > turn.now) return
    const wait = patience(audience, what, this.engine.present.devices(replica, turn.now)) + (known?.what === summary ? COMMIT_RANK_MS : 0)
    const at = Math.max(turn.now + wait, this.restedAt(audience, what, turn.now))
    this.planned.set(timer, { what: summary, at })
    turn.out.wake(timer, at)
  }

  private lately(audience: Audience, now: number): readonly number[] { return (this.done.get(timerOf(audience)) ?? []).filter((at) => at > now - MINUTE) }

  /** When this device may act again: whoever makes it act too often makes it wait. A removal waits for nothing else, only for too many removals. */
  private restedAt(audience: Audience, what: Due, now: number): number {
    const lately = this.lately(audience, now)
    const isRemoval = what.type === 'change' && what.remove.length > 0
    const most = isRemoval ? 2 * MAX_ACTS_A_MINUTE : MAX_ACTS_A_MINUTE
    return lately.length < most ? now : (lately[lately.length - most] as number) + MINUTE
  }
}

const MINUTE = 60_000

const timerOf = (audience: Audience): string => `reconcile|${audience.replica.id}|${audience.number}`
