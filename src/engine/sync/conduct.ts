/**
 * How those we are connected with behave. What no honest app sends is counted against its sender, a point or many; points are forgiven with time.
 * Whoever has too many is muted: hung up on, not dialled, its frames dropped unread, for a time that doubles with each mute.
 *
 * A mute is this device's own business. It changes who is talked to, never what counts: the muted one's ops come by others and by the relay, so
 * honest peers with different mutes still hold the same. And it must not hit the honest: what they may pass on in good faith (void ops, early ones,
 * branches of another's fork, frames of a session that just ended) is no fault, and what comes by a relay or gossip is nobody's, for it could be any member's.
 *
 * Nothing of it is saved: a restart forgives all.
 */
import type { MutedPeer } from '../../api.ts'
import type { DeviceId } from '../../wire/ids.ts'
import { FORGIVE_MUTES_MS, FORGIVE_POINT_MS, MAX_JUDGED, MAX_PEER_MUTE_MS, MUTE_AT_POINTS, PEER_MUTE_MS, REQUEST_BURST, REQUESTS_PER_SECOND } from '../limits.ts'

/**
 * malformed: bytes that are no frame or no op. oversized: more than the format allows. foreign: an op of another space. forged: what isn't signed by whom it names.
 * contradictory: an op that its own chain shows to be wrong. untrue: keys told to others that are wrong ones. unasked: an answer to what nobody asked. greedy: more requests than anyone needs.
 */
export type Fault = 'malformed' | 'oversized' | 'foreign' | 'forged' | 'contradictory' | 'untrue' | 'unasked' | 'greedy'

const POINTS: { readonly [F in Fault]: number } = { malformed: 20, oversized: 20, foreign: 10, forged: 10, contradictory: 10, untrue: 10, unasked: 5, greedy: 1 }

/** A connection has no name but its own; a device keeps its points whatever connection it comes by. */
export type Judged = `peer ${string}` | `device ${DeviceId}`
export const asPeer = (peer: string): Judged => `peer ${peer}`
export const asDevice = (device: DeviceId): Judged => `device ${device}`

interface Standing { points: number; at: number; mutes: number; mutedUntil: number; last: Fault }

export interface Mute { readonly who: Judged; readonly until: number; readonly fault: Fault }

export class Conduct {
  private readonly standings = new Map<Judged, Standing>()

  /** Counts a fault; true when it made them muted. */
  count(who: Judged, fault: Fault, now: number): boolean {
    const standing = this.standing(who, now)
    if (isMuted(standing, now)) return false
    standing.points += POINTS[fault]
    standing.last = fault
    if (standing.points < MUTE_AT_POINTS) return false
    standing.mutedUntil = now + Math.min(PEER_MUTE_MS * 2 ** standing.mutes, MAX_PEER_MUTE_MS)
    standing.mutes++
    standing.points = 0
    return true
  }

  isMuted(who: Judged, now: number): boolean {
    const standing = this.standings.get(who)
    return standing !== undefined && isMuted(standing, now)
  }

  mutes(now: number): Mute[] {
    const out: Mute[] = []
    for (const [who, standing] of this.standings) if (isMuted(standing, now)) out.push({ who, until: standing.mutedUntil, fault: standing.last })
    return out
  }

  muted(nameOf: (device: DeviceId) => string | undefined, now: number): MutedPeer[] {
    return this.mutes(now).map(({ who, until, fault }) => {
      const [kind, id = ''] = who.split(' ')
      return kind === 'peer' ? { peer: id, until, fault } : { device: id as DeviceId, name: nameOf(id as DeviceId), until, fault }
    })
  }

  private standing(who: Judged, now: number): Standing {
    const known = this.standings.get(who)
    if (known === undefined) {
      if (this.standings.size >= MAX_JUDGED) this.forgetOne(now)
      const fresh: Standing = { points: 0, at: now, mutes: 0, mutedUntil: -Infinity, last: 'malformed' }
      this.standings.set(who, fresh)
      return fresh
    }
    // A clock that was set back forgives nothing for a while: better than a mute that never ends.
    const quietMs = Math.max(0, now - known.at)
    if (now - Math.max(known.at, known.mutedUntil) > FORGIVE_MUTES_MS) known.mutes = 0
    known.points = Math.max(0, known.points - Math.floor(quietMs / FORGIVE_POINT_MS))
    // What is left of an unfinished point's time would be lost with every fault: a slow drip must be forgiven too.
    known.at = known.points === 0 ? now : now - (quietMs % FORGIVE_POINT_MS)
    return known
  }

  /** Strangers are as many as they like: one who isn't muted gives way before one who is, the first heard of before others. */
  private forgetOne(now: number): void {
    let first: Judged | undefined
    for (const [who, standing] of this.standings) {
      first ??= who
      if (isMuted(standing, now)) continue
      this.standings.delete(who)
      return
    }
    if (first !== undefined) this.standings.delete(first)
  }
}

/** A mute longer than any is one from before the clock was set back. */
const isMuted = (standing: Standing, now: number): boolean => now < standing.mutedUntil && standing.mutedUntil - now <= MAX_PEER_MUTE_MS

/** What one peer may ask for: so much at once, and so much a second. */
export class Requests {
  private left = REQUEST_BURST
  private at = -Infinity

  /** Whether there is enough left; then it is taken. */
  take(cost: number, now: number): boolean {
    if (now > this.at) this.left = Math.min(REQUEST_BURST, this.left + ((now - this.at) / 1000) * REQUESTS_PER_SECOND)
    this.at = now
    if (this.left < cost) return false
    this.left -= cost
    return true
  }
}
