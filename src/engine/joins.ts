/** The spaces that this device is about to join: what comes from their relays, how long it may take, and how it ends. */
import type { MailboxEvent } from '../ports.ts'
import type { SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import { fail } from './errors.ts'
import type { Joining } from './joining.ts'
import { JOIN_PATIENCE_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Joins {
  private readonly engine: Engine
  private readonly open = new Map<SpaceId, Joining>()

  constructor(engine: Engine) { this.engine = engine }

  of(space: SpaceId): Joining | undefined { return this.open.get(space) }

  resume(joining: Joining): void { this.open.set(joining.replica.id, joining) }

  /** As `resume`, and whoever asked hears when it takes long. */
  watch(turn: Turn, joining: Joining): void {
    this.resume(joining)
    turn.out.wake(`join|${joining.replica.id}`, turn.now + JOIN_PATIENCE_MS)
  }

  async onParcels(turn: Turn, event: MailboxEvent & { type: 'parcels' }): Promise<void> {
    for (const joining of [...this.open.values()]) {
      if (joining.topic.topic === event.topic) await this.onKit(turn, joining, event)
    }
  }

  private async onKit(turn: Turn, joining: Joining, event: MailboxEvent & { type: 'parcels' }): Promise<void> {
    const { engine } = this
    const result = await joining.onParcels(turn, event)
    const { replica } = joining
    switch (result.type) {
      case 'waiting': return
      case 'refused':
        this.end(turn, joining)
        engine.forget(turn, replica)
        if (joining.asker !== undefined) turn.out.refuse(joining.asker, result.error)
        else turn.out.update({ type: 'notice', error: result.error })
        return
      case 'joined': {
        this.end(turn, joining)
        await replica.settle(turn)
        for (const op of result.ops) await engine.distribute(turn, replica, [op], op.header.type === 'keyPackage' ? undefined : result.parent)
        await engine.peers.greetAll(turn, replica)
        await engine.meeting.announce(turn, replica)
        if (joining.asker !== undefined) turn.out.reply(joining.asker, { space: replica.id })
      }
    }
  }

  private end(turn: Turn, joining: Joining): void {
    joining.end(turn)
    this.open.delete(joining.replica.id)
    turn.out.wake(`join|${joining.replica.id}`, Infinity)
  }

  takesLong(turn: Turn, replica: Replica): void {
    const joining = this.open.get(replica.id)
    if (joining?.asker === undefined) return
    const reached = joining.link.relays.some((r) => this.engine.relaysUp.has(r))
    turn.out.refuse(joining.asker, fail(reached ? 'link-unknown' : 'relay-unreachable'))
    joining.asker = undefined
  }
}
