/**
 * Ops from outside: decoded, placed, verified, and either taken in, kept for later or dropped. Nothing here throws on what others sent, and
 * everything that is kept has a bound. What the sender could have known to be wrong is reported, so that it can be held against them; what an
 * honest relayer may pass on in good faith (an op that is void, an early one, a branch of someone else's forked chain) is not.
 */
import type { Row } from '../../ports.ts'
import { fromHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type OpId } from '../../wire/ids.ts'
import { decodeOpOrHusk, huskOf, type Op } from '../../wire/op.ts'
import { MAX_BRANCHES, MAX_SPARE_BRANCHES, MAX_SUSPECTS, MAX_UNVERIFIED_BYTES } from '../limits.ts'
import { chainKey, opKey, type Place } from '../log/log.ts'
import type { Sender } from '../log/parked.ts'
import { refill } from '../refill.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import type { Fault } from './conduct.ts'

/** What came in, and what its sender is itself to blame for. */
export interface Intake { readonly accepted: Op[]; readonly faults: Fault[] }

/** Two different ops that one device signed for one place. */
export interface Fork { readonly first: Op; readonly second: Op }

/** Puts a verified op into the log and gives those that waited for it; undefined when its author has no business here. */
type Accept = (turn: Turn, op: Op) => Promise<Op[] | undefined>

const seqOf = (fork: Fork): number => Math.min(fork.first.header.seq, fork.second.header.seq)

export class Receiving {
  private readonly replica: Replica
  private readonly accept: Accept
  /** Forks that were found here, the earliest of each device: to be proved to everyone. */
  readonly forks = new Map<DeviceId, Fork>()
  /** Signed ops that may have a twin on disk, until its row has been read; `isIn`: the op itself is in the log already. */
  private readonly suspects = new Map<OpId, { readonly op: Op; readonly isIn: boolean; readonly sender: Sender }>()
  /** Signed branches of forked chains that found no room, newest last: others' ops that rest on one may come after it. */
  private readonly spare = new Map<OpId, Op>()
  /** Linked content at the end of what a sender sent so far, which only a later signature can vouch for. */
  private readonly unproven = new Map<Sender, readonly Op[]>()

  constructor(replica: Replica, accept: Accept) {
    this.replica = replica
    this.accept = accept
  }

  /** What is held here in memory without being verified. */
  get unprovenBytes(): number { return [...this.unproven.values()].flat().reduce((sum, op) => sum + op.bytes.length, 0) }
  get suspectCount(): number { return this.suspects.size }

  /** Encoded ops, and such as were made anew from what they say. */
  async take(turn: Turn, arrived: readonly (Uint8Array | Op)[], sender: Sender): Promise<Intake> {
    const out: Intake = { accepted: [], faults: [] }
    const fresh = this.decode(turn, arrived, out)
    const ops = [...this.continued(sender, fresh), ...fresh]
    const proven = await this.replica.log.proven(ops)
    const unproven: Op[] = []
    const queue = [...ops]
    // What is freed by one comes behind it.
    for (let at = 0; at < queue.length || this.findWanted(queue, proven); at++) {
      const op = queue[at] as Op
      if (this.replica.holes.has(op.header)) {
        if (proven.has(op.id)) refill(turn, this.replica, op); else unproven.push(op)
        continue
      }
      const place = this.replica.log.place(op)
      if (place.type === 'known') continue
      if (!proven.has(op.id)) {
        const mayBeVouchedFor = op.header.channel !== AUTHORITY_CHANNEL && (place.type === 'next' || place.type === 'waits')
        if (mayBeVouchedFor) unproven.push(op); else out.faults.push('forged')
        continue
      }
      if (place.type === 'next') {
        const freed = await this.takeIn(turn, op, sender, out)
        // What waited had been proved before.
        for (const waited of freed) {
          proven.add(waited.id)
          queue.push(waited)
        }
      } else if (place.type === 'waits' && place.strays === undefined) this.park(turn, op, place.for, sender)
      else this.doubt(turn, op, sender, place, out)
    }
    // A parcel has no rest that could vouch for it.
    if (sender !== 'mail') this.hold(sender, [...(this.unproven.get(sender) ?? []), ...unproven])
    return out
  }

  /** Puts a branch that found no room into the queue, if something waits for it now. */
  private findWanted(queue: Op[], proven: Set<OpId>): boolean {
    for (const [id, op] of this.spare) {
      if (!this.replica.log.parked.isWanted(id)) continue
      this.spare.delete(id)
      proven.add(id)
      queue.push(op)
      return true
    }
    return false
  }

  private keepSpare(op: Op): void {
    this.spare.set(op.id, op)
    if (this.spare.size > MAX_SPARE_BRANCHES) for (const oldest of this.spare.keys()) { this.spare.delete(oldest); break }
  }

  /** The end of an answer: what nothing vouched for until then is forged. Gives their number. */
  finish(sender: Sender): number {
    const n = this.unproven.get(sender)?.length ?? 0
    this.unproven.delete(sender)
    return n
  }

  private decode(turn: Turn, arrived: readonly (Uint8Array | Op)[], out: Intake): Op[] {
    const { id, world, log, retention } = this.replica
    const ops: Op[] = []
    for (const one of arrived) {
      const op = one instanceof Uint8Array ? decodeOpOrHusk(one, (b) => world.suite.sha256(b)) : one
      if (op === undefined) { out.faults.push('malformed'); continue }
      const isGenesis = op.header.type === 'genesis' && op.id === (id as string)
      if (op.header.space !== id && !isGenesis) { out.faults.push('foreign'); continue }
      // Whose clock is ahead has deleted it earlier: somebody else has it.
      if (op.isHusk === true && !retention.mayBeHusk(op.header, turn.now)) continue
      const isHere = log.parked.has(op.id) || this.suspects.has(op.id) || log.place(op).type === 'known'
      if (isHere && !this.replica.holes.has(op.header)) continue
      ops.push(retention.isDue(op.header, turn.now) ? huskOf(op) : op)
    }
    // What was packed comes apart from what was not, though it may stand between.
    return arrived.every((one) => one instanceof Uint8Array) ? ops : ops.sort((a, b) => a.header.chanSeq - b.header.chanSeq)
  }

  /** What the sender sent before and what comes now may vouch for. */
  private continued(sender: Sender, fresh: readonly Op[]): Op[] {
    const held = this.unproven.get(sender) ?? []
    if (held.length === 0) return []
    const chains = new Set(fresh.map((op) => chainKey(op.header.channel, op.header.device)))
    const isNow = (op: Op): boolean => chains.has(chainKey(op.header.channel, op.header.device))
    this.hold(sender, held.filter((op) => !isNow(op)))
    return held.filter(isNow)
  }

  private hold(sender: Sender, ops: readonly Op[]): void {
    let bytes = 0
    const kept = ops.filter((op) => (bytes += op.bytes.length) <= MAX_UNVERIFIED_BYTES)
    if (kept.length === 0) this.unproven.delete(sender); else this.unproven.set(sender, kept)
  }

  private park(turn: Turn, op: Op, waitsFor: string, sender: Sender): void {
    const partition = `parked/${this.replica.id}`
    turn.out.put(partition, fromHex(op.id) as Uint8Array, op.bytes)
    for (const gone of this.replica.log.park(op, waitsFor, sender)) turn.out.delete(partition, fromHex(gone.id) as Uint8Array)
  }

  private async takeIn(turn: Turn, op: Op, sender: Sender, out: Intake): Promise<readonly Op[]> {
    const { log, id } = this.replica
    const h = op.header
    const twin = log.twinOf(h, op.id)
    const rivals = log.rivals(op)
    const freed = await this.accept(turn, op)
    if (freed === undefined) return []
    out.accepted.push(op)
    for (const rival of rivals) this.noteFork({ first: rival, second: op })
    if (twin !== undefined) this.lookUp(turn, op, twin, true, sender)
    for (const waited of freed) turn.out.delete(`parked/${id}`, fromHex(waited.id) as Uint8Array)
    return freed
  }

  /** A signed op that its chain here doesn't lead to. */
  private doubt(turn: Turn, op: Op, sender: Sender, place: Place, out: Intake): void {
    const { log } = this.replica
    if (place.type === 'unsure') return this.lookUp(turn, op, op.header, false, sender)
    // Of content not the whole chain is in memory: an honest peer may not have seen what we see.
    if (place.type === 'contradictory' && op.header.channel === AUTHORITY_CHANNEL) out.faults.push('contradictory')
    for (const rival of log.rivals(op)) this.noteFork({ first: rival, second: op })
    if (place.type === 'full') this.keepSpare(op)
    if (place.type !== 'waits') return
    log.dispute(op)
    this.park(turn, op, place.for, sender)
  }

  private noteFork(fork: Fork): void {
    const { device } = fork.second.header
    const known = this.forks.get(device)
    if (known === undefined || seqOf(fork) < seqOf(known)) this.forks.set(device, fork)
  }

  // ---- twins on disk ----

  private lookUp(turn: Turn, op: Op, at: Pick<Op['header'], 'channel' | 'chanSeq'>, isIn: boolean, sender: Sender): void {
    if (this.suspects.size >= MAX_SUSPECTS) return
    this.suspects.set(op.id, { op, isIn, sender })
    const { id } = this.replica, { device } = op.header
    turn.out.read({ tag: `${id}|twin|${op.id}`, partition: opsPartition(id, at.channel), query: { from: opKey(device, at.chanSeq), to: opKey(device, at.chanSeq + 1), limit: MAX_BRANCHES + 1 } })
  }

  /** What the disk has at a suspect's place. A twin is a fork; it is taken in beside the other, as everyone will come to hold both. */
  async onTwins(turn: Turn, id: OpId, rows: readonly Row[]): Promise<Intake> {
    const out: Intake = { accepted: [], faults: [] }
    const suspect = this.suspects.get(id)
    if (suspect === undefined) return out
    this.suspects.delete(id)
    const { op, isIn, sender } = suspect
    const { log, world } = this.replica
    const others = rows.map((row) => decodeOpOrHusk(row.value, (b) => world.suite.sha256(b))).filter((other): other is Op => other !== undefined)
    if (!isIn && others.some((other) => other.id === op.id)) return out
    for (const other of others) if (other.id !== op.id && (await log.verify(other))) this.noteFork({ first: other, second: op })
    if (isIn) return out
    const missing = op.header.deps.find((dep) => !log.authority.has(dep))
    if (missing !== undefined) this.park(turn, op, missing, sender)
    else if (log.hasRoom(op)) for (const freed of await this.takeIn(turn, op, sender, out)) out.accepted.push(...(await this.take(turn, [freed.bytes], sender)).accepted)
    else this.keepSpare(op)
    return out
  }
}
