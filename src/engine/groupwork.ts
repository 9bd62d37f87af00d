/** When this device does what is due in a space's groups: at once where it is alone, later where others may be faster. */
import type { Audience } from './audience.ts'
import type { Engine } from './engine.ts'
import { COMMIT_RANK_MS } from './limits.ts'
import { act, due, patience } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Groupwork {
  private readonly engine: Engine
  /** By timer. */
  private readonly planned = new Map<string, { readonly what: string; readonly at: number }>()

  constructor(engine: Engine) { this.engine = engine }

  /** Does what is due now. */
  async now(turn: Turn, audience: Audience): Promise<void> {
    const { replica } = audience
    this.planned.delete(timerOf(audience))
    const op = await act(turn, audience, due(audience, turn.now))
    if (op === undefined) return
    await replica.settle(turn)
    await this.engine.distribute(turn, replica, [op])
  }

  /** Arms the groups' timers anew where what is due has changed; what is due at once is done at once. */
  plan(turn: Turn, replica: Replica): void {
    if (replica.record.state !== 'open') return
    for (const audience of replica.audiences.values()) this.planOne(turn, audience)
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
    const at = turn.now + patience(audience, what, this.engine.onlineDevices(replica, turn.now)) + (known?.what === summary ? COMMIT_RANK_MS : 0)
    this.planned.set(timer, { what: summary, at })
    turn.out.wake(timer, at)
  }
}

const timerOf = (audience: Audience): string => `reconcile|${audience.replica.id}|${audience.number}`
