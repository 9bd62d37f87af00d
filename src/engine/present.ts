/** Which devices are here: those that said so lately, and those that are connected. */
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import type { Replica } from './replica.ts'

/** As of what was heard, and of how often connections had changed. */
interface Found { readonly heard: ReadonlySet<DeviceId>; readonly changes: number; readonly devices: ReadonlySet<DeviceId> }

export class Present {
  private readonly engine: Engine
  private readonly found = new Map<SpaceId, Found>()

  constructor(engine: Engine) { this.engine = engine }

  /** The same object while nobody comes or goes: it is asked for at every step. */
  devices(replica: Replica, now: number): ReadonlySet<DeviceId> {
    const { meeting, peers } = this.engine, heard = meeting.online(replica, now), { changes } = peers, known = this.found.get(replica.id)
    if (known?.heard === heard && known.changes === changes) return known.devices
    const devices = new Set([...heard, ...peers.devices(replica.id)])
    this.found.set(replica.id, { heard, changes, devices })
    return devices
  }

  /** The same as it was found last; undefined where somebody may have come or gone since. */
  last(replica: Replica, now: number): ReadonlySet<DeviceId> | undefined {
    const { meeting, peers } = this.engine, known = this.found.get(replica.id)
    return known?.heard === meeting.seen(replica, now) && known?.changes === peers.changes ? known?.devices : undefined
  }

  forget(space: SpaceId): void { this.found.delete(space) }
}
