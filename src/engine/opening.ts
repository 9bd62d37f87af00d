/** Opening the spaces on this device's disk at start: each when all of its rows are here. */
import type { Row } from '../ports.ts'
import { parseSpaceId, type SpaceId } from '../wire/ids.ts'
import { decodeLink } from '../wire/invite.ts'
import { decodeSpace } from '../wire/records.ts'
import type { Engine } from './engine.ts'
import { Joining } from './joining.ts'
import { AUDIT_AFTER_MS, PRESENCE_EVERY_MS, SYNC_EVERY_MS } from './limits.ts'
import { Replica } from './replica.ts'
import { awayPartition } from './retention/room.ts'
import type { Turn } from './turn.ts'

export class Opening {
  private readonly engine: Engine
  private readonly rows = new Map<SpaceId, { readonly record: Uint8Array; readonly rows: Map<string, readonly Row[]> }>()

  constructor(engine: Engine) { this.engine = engine }

  /** Spaces are told about when all are open: a list that grows at every start would look like loss. */
  get done(): boolean { return this.rows.size === 0 }

  begin(turn: Turn, rows: readonly Row[]): void {
    for (const row of rows) {
      const space = parseSpaceId(row.key)
      if (space === undefined || this.engine.me === undefined) continue
      this.rows.set(space, { record: row.value, rows: new Map() })
      for (const partition of openPartitions(space)) turn.out.read({ tag: `open|${space}|${partition}`, partition, query: { limit: Number.MAX_SAFE_INTEGER } })
    }
    if (this.done) this.ended(turn)
    turn.out.wake('presence', turn.now + PRESENCE_EVERY_MS)
    turn.out.wake('sync', turn.now + SYNC_EVERY_MS)
    turn.out.wake('audit', turn.now + AUDIT_AFTER_MS)
  }

  async onRows(turn: Turn, space: SpaceId, partition: string, rows: readonly Row[]): Promise<void> {
    const opening = this.rows.get(space)
    if (opening === undefined) return
    opening.rows.set(partition, rows)
    const partitions = openPartitions(space)
    if (opening.rows.size < partitions.length) return
    this.rows.delete(space)
    const record = decodeSpace(opening.record)
    if (record !== undefined && this.engine.me !== undefined) await this.open(turn, new Replica(this.engine.world, this.engine.me, space, record), opening.rows)
    if (this.done) this.ended(turn)
  }

  private async open(turn: Turn, replica: Replica, rows: ReadonlyMap<string, readonly Row[]>): Promise<void> {
    const { id: space, record } = replica
    const of = (name: string): readonly Row[] => rows.get(name) ?? []
    await replica.load(Replica.partitions(space).map(of))
    this.engine.reading.load(space, of(`read/${space}`))
    for (const id of replica.inbox.load(of(replica.inbox.partition))) replica.threads.countAnew(id)
    this.engine.addReplica(turn, replica).load(of(`drafts/${space}`))
    this.engine.succession.opened(turn, replica)
    replica.holes.load(of(replica.holes.partition))
    this.engine.retaining.away(replica).load(of(awayPartition(space)))
    this.engine.mending.begin(turn, replica)
    await this.engine.questions.follow(turn, (running) => replica.pace.begin(running, replica), (later) => this.engine.touch(later, replica))
    if (replica.state() === 'joining') {
      const link = decodeLink(record.link, (b) => this.engine.world.suite.sha256(b))
      if (link !== undefined && link !== 'newer') this.engine.joins.resume(await Joining.begin(turn, replica, link, undefined))
    }
    // Also of who was in before and is coming back: what they said then is still to be posted.
    replica.mail.begin(turn)
    this.engine.touch(turn, replica)
  }

  private ended(turn: Turn): void {
    this.engine.mending.done(turn)
    // Of those that are open this is told when they have been looked at.
    if (this.engine.replicas.size === 0) this.engine.telling.spaces(turn)
  }
}

export const openPartitions = (space: SpaceId): string[] => [...Replica.partitions(space), `read/${space}`, `drafts/${space}`, `noted/${space}`, `holes/${space}`, awayPartition(space)]
