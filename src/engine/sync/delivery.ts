/**
 * Who has what of ours: how far each other device holds this device's chains, and how far a relay keeps them.
 * Learnt from version vectors and sealed receipts, never asked for.
 */
import type { SendState } from '../../api.ts'
import type { Row } from '../../ports.ts'
import { concat, fromHex } from '../../wire/bytes.ts'
import { type ChannelId, type DeviceId, type IdentityId, parseChannelId, parseDeviceId, type SpaceId } from '../../wire/ids.ts'
import { decodeNumber, encodeNumber } from '../../wire/records.ts'
import type { Turn } from '../turn.ts'

/** Stands for "some relay" among the devices. */
const RELAY = '0'.repeat(64) as DeviceId

export class Delivery {
  private readonly held = new Map<ChannelId, Map<DeviceId, number>>()
  private readonly space: SpaceId

  constructor(space: SpaceId) { this.space = space }

  get partition(): string { return `acks/${this.space}` }

  load(rows: readonly Row[]): void {
    for (const row of rows) {
      const device = parseDeviceId(row.key.subarray(0, 32)), channel = parseChannelId(row.key.subarray(32)), n = decodeNumber(row.value)
      if (device !== undefined && channel !== undefined && n !== undefined) this.set(channel, device, n)
    }
  }

  private set(channel: ChannelId, device: DeviceId, chanSeq: number): boolean {
    const devices = this.held.get(channel) ?? new Map<DeviceId, number>()
    this.held.set(channel, devices)
    if ((devices.get(device) ?? 0) >= chanSeq) return false
    devices.set(device, chanSeq)
    return true
  }

  /** A device holds our chain of a channel up to here. True when that is news. */
  note(turn: Turn, channel: ChannelId, device: DeviceId, chanSeq: number): boolean {
    if (!this.set(channel, device, chanSeq)) return false
    turn.out.put(this.partition, concat(fromHex(device) as Uint8Array, fromHex(channel) as Uint8Array), encodeNumber(chanSeq))
    return true
  }

  noteRelay(turn: Turn, channel: ChannelId, chanSeq: number): boolean { return this.note(turn, channel, RELAY, chanSeq) }

  /** Up to where anybody else is known to keep this channel's chain of ours. */
  keptElsewhere(channel: ChannelId): number { return Math.max(0, ...(this.held.get(channel)?.values() ?? [])) }

  /** `others`: the devices of each other member now. */
  stateOf(channel: ChannelId, chanSeq: number, others: ReadonlyMap<IdentityId, readonly DeviceId[]>): SendState {
    const devices = this.held.get(channel)
    let to = 0
    for (const list of others.values()) if (list.some((d) => (devices?.get(d) ?? 0) >= chanSeq)) to++
    if (to > 0) return { type: 'delivered', to, of: others.size }
    return (devices?.get(RELAY) ?? 0) >= chanSeq ? { type: 'relay' } : { type: 'queued' }
  }
}

