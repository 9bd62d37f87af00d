/**
 * Ops that came before what they follow: kept until that is in, within a bound.
 *
 * Anyone may send what nobody can place yet, so each sender has a share: when there is no room, whoever has the most waiting loses the one that
 * waited longest. A flood of one sender thus costs nobody else's ops, and what was lost is asked for again by sync.
 */
import type { DeviceId, OpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { MAX_PARKED_BYTES, MAX_PARKED_OPS, MAX_UNVERIFIED_BYTES } from '../limits.ts'

/** Ops of one sender, oldest first. */
interface Share { readonly ids: Set<OpId>; bytes: number }
interface Waiting { readonly op: Op; readonly waitsFor: string; readonly sender: Sender }

/** Who brought it: a member's device over a connection, or 'mail' for relays and gossip. */
export type Sender = DeviceId | 'mail'

export class Parked {
  private readonly ops = new Map<OpId, Waiting>()
  /** By what they wait for: an op id, or a chain's next place. */
  private readonly byNeed = new Map<string, Set<OpId>>()
  private readonly shares = new Map<Sender, Share>()
  private bytes = 0

  get count(): number { return this.ops.size }
  get size(): number { return this.bytes }
  has(id: OpId): boolean { return this.ops.has(id) }
  /** Whether something waits for this op. */
  isWanted(id: OpId): boolean { return this.byNeed.has(id) }
  /** What waits for this. */
  waitingFor(need: string): Op[] { return [...(this.byNeed.get(need) ?? [])].map((id) => (this.ops.get(id) as Waiting).op) }

  /** Keeps an op; gives those that had to go for it, which may be itself. */
  add(op: Op, waitsFor: string, sender: Sender): Op[] {
    if (this.ops.has(op.id)) return []
    this.ops.set(op.id, { op, waitsFor, sender })
    const need = this.byNeed.get(waitsFor) ?? new Set()
    this.byNeed.set(waitsFor, need.add(op.id))
    const share = this.shares.get(sender) ?? { ids: new Set(), bytes: 0 }
    this.shares.set(sender, share)
    share.ids.add(op.id)
    share.bytes += op.bytes.length
    this.bytes += op.bytes.length
    const gone: Op[] = []
    while (share.bytes > MAX_UNVERIFIED_BYTES) this.drop(share, gone)
    while (this.ops.size > MAX_PARKED_OPS || this.bytes > MAX_PARKED_BYTES) this.drop(this.greediest(), gone)
    return gone
  }

  /** A share is the larger of its parts of both bounds, so that neither many small nor few large ops are the better flood. */
  private greediest(): Share {
    const part = (share: Share): number => Math.max(share.ids.size / MAX_PARKED_OPS, share.bytes / MAX_PARKED_BYTES)
    return [...this.shares.values()].reduce((most, share) => (part(share) > part(most) ? share : most))
  }

  /** Lets go of the op that waited longest. */
  private drop(share: Share, gone: Op[]): void {
    for (const id of share.ids) {
      const waiting = this.ops.get(id)
      if (waiting !== undefined) gone.push(waiting.op)
      this.remove(id)
      return
    }
  }

  private remove(id: OpId): void {
    const waiting = this.ops.get(id)
    if (waiting === undefined) return
    this.ops.delete(id)
    this.bytes -= waiting.op.bytes.length
    const share = this.shares.get(waiting.sender) as Share
    share.ids.delete(id)
    share.bytes -= waiting.op.bytes.length
    if (share.ids.size === 0) this.shares.delete(waiting.sender)
    const need = this.byNeed.get(waiting.waitsFor)
    need?.delete(id)
    if (need?.size === 0) this.byNeed.delete(waiting.waitsFor)
  }

  /** Takes out what waited for this. */
  take(need: string): Op[] {
    const out: Op[] = []
    if (this.byNeed.size === 0) return out
    for (const id of [...(this.byNeed.get(need) ?? [])]) {
      const waiting = this.ops.get(id)
      this.remove(id)
      if (waiting !== undefined) out.push(waiting.op)
    }
    return out
  }
}
