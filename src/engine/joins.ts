/** The spaces that this device is about to join: what comes from their relays, how long it may take, and how it ends. */
import type { ApiError } from '../api.ts'
import type { MailboxEvent } from '../ports.ts'
import type { SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import { fail } from './errors.ts'
import type { Joining } from './joining.ts'
import { JOIN_PATIENCE_MS, UNKNOWN_CONTACT_PATIENCE_MS, UNKNOWN_LINK_PATIENCE_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Joins {
  private readonly engine: Engine
  private readonly open = new Map<SpaceId, Joining>()
  /** Of whose link the relays know nothing so far. */
  private readonly unknown = new Set<SpaceId>()

  constructor(engine: Engine) { this.engine = engine }

  of(space: SpaceId): Joining | undefined { return this.open.get(space) }

  resume(joining: Joining): void { this.open.set(joining.replica.id, joining) }

  /** As `resume`, and whoever asked hears when it takes long. */
  watch(turn: Turn, joining: Joining): void {
    this.resume(joining)
    turn.out.wake(`join|${joining.replica.id}`, turn.now + JOIN_PATIENCE_MS)
  }

  async onParcels(turn: Turn, event: MailboxEvent & { type: 'parcels' }): Promise<void> {
    // It may have joined there before, under the same key: it begins again as whoever it is then.
    if (this.engine.succession.isOlder) return
    for (const joining of [...this.open.values()]) {
      if (joining.reads(event.topic)) await this.onKit(turn, joining, event)
    }
  }

  private async onKit(turn: Turn, joining: Joining, event: MailboxEvent & { type: 'parcels' }): Promise<void> {
    const { engine } = this
    const result = await joining.onParcels(turn, event)
    const { replica } = joining
    if (result.type !== 'unknown') this.unknown.delete(replica.id)
    switch (result.type) {
      case 'waiting': return
      case 'unknown':
        if (this.unknown.has(replica.id)) return
        this.unknown.add(replica.id)
        // Somebody who is contacted waits for what the other is just sending, which may take a while.
        turn.out.wake(`join|${replica.id}`, Math.max(turn.now + UNKNOWN_LINK_PATIENCE_MS, replica.record.state === 'contacted' ? replica.record.createdAt + UNKNOWN_CONTACT_PATIENCE_MS : 0))
        return
      case 'refused': return this.refuse(turn, joining, result.error)
      case 'joined': {
        this.end(turn, joining)
        await replica.settle(turn)
        // Also the key package: if this branch loses, and nobody has the state that it began from, that is what others add this device by.
        await engine.distribute(turn, replica, result.ops, result.parent)
        await engine.peers.greetAll(turn, replica)
        await engine.meeting.announce(turn, replica)
        if (joining.asker !== undefined) turn.out.reply(joining.asker, { space: replica.id })
      }
    }
  }

  private refuse(turn: Turn, joining: Joining, error: ApiError): void {
    this.end(turn, joining)
    const { replica } = joining
    const isContacted = replica.record.state === 'contacted'
    // Who was in before keeps what they have; a space that never became one is forgotten.
    if (replica.wasIn()) replica.save(turn, { ...replica.record, state: 'open', link: '' })
    else this.engine.forget(turn, replica)
    this.engine.touch(turn, replica)
    if (joining.asker !== undefined) turn.out.refuse(joining.asker, error)
    else if (!isContacted) turn.out.update({ type: 'notice', error })
  }

  /** Another conversation wants to be looked for: the oldest that nobody at its relays answers for, because they can't be reached, gives way. False where all are young. */
  makeRoom(turn: Turn): boolean {
    const old = [...this.open.values()].filter(({ replica: { record } }) => record.state === 'contacted' && record.createdAt + UNKNOWN_CONTACT_PATIENCE_MS <= turn.now)
    const oldest = old.sort((a, b) => a.replica.record.createdAt - b.replica.record.createdAt)[0]
    if (oldest !== undefined) this.refuse(turn, oldest, fail('relay-unreachable'))
    return oldest !== undefined
  }

  /** For another link to the same space. */
  giveUp(turn: Turn, joining: Joining): void {
    this.end(turn, joining)
    if (joining.asker !== undefined) turn.out.refuse(joining.asker, fail('busy'))
  }

  private end(turn: Turn, joining: Joining): void {
    joining.end(turn)
    this.unknown.delete(joining.replica.id)
    this.open.delete(joining.replica.id)
    turn.out.wake(`join|${joining.replica.id}`, Infinity)
  }

  takesLong(turn: Turn, replica: Replica): void {
    const joining = this.open.get(replica.id)
    if (joining !== undefined && this.unknown.has(replica.id)) return this.refuse(turn, joining, fail('link-unknown'))
    if (joining?.asker === undefined) return
    const reached = joining.link.relays.some((r) => this.engine.relaysUp.has(r))
    turn.out.refuse(joining.asker, fail(reached ? 'link-unknown' : 'relay-unreachable'))
    joining.asker = undefined
  }
}
