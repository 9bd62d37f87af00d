/**
 * Devices by the first bytes of their ids, as members name them to each other: all of an id would be most of what is said of a chain. Where two begin alike, which takes
 * somebody who tries for it, and of devices that are not known yet, the whole id is told.
 */
import type { DeviceId } from '../../wire/ids.ts'
import { type DeviceName, NAME_BYTES, type Told, type Vector, type VectorEntry } from '../../wire/vector.ts'
import type { Authority } from '../space/authority.ts'

const nameOf = (device: DeviceId): DeviceName => device.slice(0, 2 * NAME_BYTES)

export class DeviceNames {
  private readonly authority: Pick<Authority, 'size' | 'everCertified'>
  /** Ops of authority when these were listed. */
  private at = -1
  private readonly known = new Map<DeviceName, DeviceId | 'several'>()

  constructor(authority: Pick<Authority, 'size' | 'everCertified'>) { this.authority = authority }

  private list(): ReadonlyMap<DeviceName, DeviceId | 'several'> {
    if (this.at === this.authority.size) return this.known
    this.at = this.authority.size
    this.known.clear()
    for (const device of this.authority.everCertified) this.known.set(nameOf(device), this.known.has(nameOf(device)) ? 'several' : device)
    return this.known
  }

  of(device: DeviceId): DeviceName { return this.list().get(nameOf(device)) === device ? nameOf(device) : device }

  /** undefined for one that is not known here. */
  whole(name: DeviceName): DeviceId | undefined {
    if (name.length !== 2 * NAME_BYTES) return name as DeviceId
    const found = this.list().get(name)
    return found === 'several' ? undefined : found
  }

  /** What a peer told, as far as its names are known. `unknown`: how many are not. */
  vectorOf(told: readonly Told[]): { readonly vector: Vector; readonly unknown: number } {
    const vector: VectorEntry[] = []
    let unknown = 0
    for (const { channel, chains } of told) {
      for (const { device: name, chanSeq, head } of chains) {
        const device = this.whole(name)
        if (device === undefined) unknown++; else vector.push({ channel, device, chanSeq, head })
      }
    }
    return { vector, unknown }
  }
}
