/** Who is here now, and where they can be dialled: sealed announcements through relays and gossip, kept nowhere. */
import { concat, fromHex, utf8 } from '../wire/bytes.ts'
import { type Presence as Announcement, presenceBytes } from '../wire/envelope.ts'
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import { LABELS } from './labels.ts'
import { ANSWERS_IN_CROWD, CROWD, CROWD_EACH_MS, MAX_CLOCK_AHEAD_MS, MAX_GROUND_HEARD, PRESENCE_ANSWER_MS, PRESENCE_EVERY_MS, PRESENCE_LOST_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn, World } from './turn.ts'

interface Seen { readonly at: number; readonly heard: number; readonly peer: string; readonly addresses: readonly string[] }

/** `from`: a clock that is set back makes it be looked at again. */
export interface Online { readonly devices: ReadonlySet<DeviceId>; readonly from: number; readonly until: number }

/** Whether the device that it names has signed it. */
export function isSigned({ id, world }: Replica, p: Announcement): Promise<boolean> {
  return world.suite.verify(fromHex(p.device) as Uint8Array, p.sig, concat(LABELS.presenceSign, fromHex(id) as Uint8Array, presenceBytes(p)))
}

/** A clock that was far ahead orders nothing: once it is set right, what its device says would count as old for as long as it was wrong. */
export const isBelieved = (at: number, now: number): boolean => at <= now + MAX_CLOCK_AHEAD_MS

export class Presence {
  private readonly world: World
  private readonly spaces = new Map<SpaceId, Map<DeviceId, Seen>>()
  private readonly known = new Map<SpaceId, Online>()
  /** How many were here at the last look, and came since. */
  private readonly last = new Map<SpaceId, number>()
  private readonly answered = new Map<SpaceId, number>()
  /** When this device last said where it is. */
  private readonly said = new Map<SpaceId, number>()

  constructor(world: World) { this.world = world }

  async own(turn: Turn, replica: Replica, self: { readonly peer: string; readonly addresses: readonly string[] }): Promise<Announcement> {
    this.said.set(replica.id, turn.now)
    const said = { device: replica.me.device, peer: self.peer, addresses: self.addresses.slice(0, 16), at: turn.now }
    const sig = await this.world.suite.sign(replica.me.deviceKey.secretKey, concat(LABELS.presenceSign, fromHex(replica.id) as Uint8Array, presenceBytes(said)))
    return { type: 'presence', ...said, sig }
  }

  /** new: first heard of, or from a new place; again: known. refused: forged, stale, foreign or our own. */
  async take(turn: Turn, replica: Replica, p: Announcement): Promise<'new' | 'again' | 'refused'> {
    if (p.device === replica.me.device || !replica.speaksWith(p.device)) return 'refused'
    const devices = this.spaces.get(replica.id) ?? new Map<DeviceId, Seen>()
    if (replica.isMending && !devices.has(p.device) && devices.size >= MAX_GROUND_HEARD) return 'refused'
    const known = devices.get(p.device)
    // Their own clock orders their own announcements; ours says how long one counts.
    if (known !== undefined && p.at <= known.at && isBelieved(known.at, turn.now)) return 'refused'
    if (!(await isSigned(replica, p))) return 'refused'
    const isHere = known !== undefined && turn.now - known.heard < this.lostMs(replica.id)
    if (!isHere) this.last.set(replica.id, this.crowd(replica.id) + 1)
    devices.set(p.device, { at: p.at, heard: turn.now, peer: p.peer, addresses: p.addresses })
    this.spaces.set(replica.id, devices)
    if (known === undefined || this.known.get(replica.id)?.devices.has(p.device) !== true) this.known.delete(replica.id)
    return isHere && known.peer === p.peer ? 'again' : 'new'
  }

  /** How many are here besides this device, as of the last look, with those who came since. */
  crowd(space: SpaceId): number { return this.last.get(space) ?? 0 }

  /** Who is many speaks seldom. Those who hear it know about as many as those who say it, so they wait as long. */
  private everyMs(space: SpaceId): number { return Math.max(PRESENCE_EVERY_MS, CROWD_EACH_MS * this.crowd(space)) }
  private lostMs(space: SpaceId): number { return (PRESENCE_LOST_MS / PRESENCE_EVERY_MS) * this.everyMs(space) }

  /** Whether it is time to say again where this device is. */
  isDue(space: SpaceId, now: number): boolean {
    const everyMs = this.everyMs(space)
    return everyMs <= PRESENCE_EVERY_MS || Math.abs(now - (this.said.get(space) ?? -Infinity)) >= everyMs
  }

  /** It is time, however lately it was said. */
  haste(space: SpaceId): void { this.said.delete(space) }

  /** Whether this device is one of those who speak to whoever, or whatever, is new here: of a crowd a few, other ones each time. */
  isDrawn({ id, me }: Replica, news: string): boolean {
    const here = this.crowd(id)
    if (here <= CROWD) return true
    const draw = this.world.suite.sha256(fromHex(me.device) as Uint8Array, utf8(news))
    return new DataView(draw.buffer, draw.byteOffset).getUint32(0) * here < ANSWERS_IN_CROWD * 2 ** 32
  }

  /** A newcomer is answered, but a crowd of them once. */
  mayAnswer(space: SpaceId, now: number): boolean {
    if (now - (this.answered.get(space) ?? -Infinity) < PRESENCE_ANSWER_MS) return false
    this.answered.set(space, now)
    return true
  }

  /** Where a peer said it can be dialled, while it still counts as here. */
  addressesOf(peer: string, now: number): readonly string[] | undefined {
    for (const [space, devices] of this.spaces) {
      const lostMs = this.lostMs(space)
      for (const seen of devices.values()) if (seen.peer === peer && now - seen.heard < lostMs) return seen.addresses
    }
    return undefined
  }

  /** The same as of the last look, where nobody came or went since; looking anew takes the longer the more are here. */
  seen(space: SpaceId, now: number): Online | undefined {
    const known = this.known.get(space)
    return known !== undefined && now >= known.from && now < known.until ? known : undefined
  }

  /** Who is here, and until when that is so unless somebody is heard: the same object until then. */
  online(space: SpaceId, now: number): Online {
    const known = this.seen(space, now)
    if (known !== undefined) return known
    const devices = new Set<DeviceId>()
    const lostMs = this.lostMs(space)
    let until = Infinity
    for (const [device, seen] of this.spaces.get(space) ?? []) {
      if (now - seen.heard >= lostMs) continue
      devices.add(device)
      until = Math.min(until, seen.heard + lostMs)
    }
    const found = { devices, from: now, until }
    this.known.set(space, found)
    this.last.set(space, devices.size)
    return found
  }
}
