/** When this device does what is due in a space's group: at once where it is alone, later where others may be faster. */
import type { SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import { COMMIT_RANK_MS } from './limits.ts'
import { act, bundleLosers, due, patience } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Groupwork {
  private readonly engine: Engine
  private readonly planned = new Map<SpaceId, { readonly what: string; readonly at: number }>()

  constructor(engine: Engine) { this.engine = engine }

  /** Does what is due now. */
  async now(turn: Turn, replica: Replica): Promise<void> {
    this.planned.delete(replica.id)
    const op = await act(turn, replica, due(replica, turn.now))
    if (op === undefined) return
    await replica.settle(turn)
    await this.engine.distribute(turn, replica, [op])
  }

  /** Arms the group's timer anew when what is due has changed; what is due at once is done at once. */
  async plan(turn: Turn, replica: Replica): Promise<void> {
    if (replica.record.state !== 'open') return
    const what = due(replica, turn.now)
    const known = this.planned.get(replica.id)
    if (what.type === 'nothing') {
      if (known !== undefined) { this.planned.delete(replica.id); turn.out.wake(`reconcile|${replica.id}`, Infinity) }
      const bundle = await bundleLosers(turn, replica)
      if (bundle !== undefined) await this.engine.distribute(turn, replica, [bundle])
      return
    }
    const trees = replica.groups.wantedTrees(what.tip)
    if (trees.length > 0) this.engine.peers.askTrees(turn, replica, trees)
    const summary = JSON.stringify(what)
    if (known?.what === summary && known.at > turn.now) return
    const at = turn.now + patience(replica, what, this.engine.onlineDevices(replica, turn.now)) + (known?.what === summary ? COMMIT_RANK_MS : 0)
    this.planned.set(replica.id, { what: summary, at })
    turn.out.wake(`reconcile|${replica.id}`, at)
  }
}
