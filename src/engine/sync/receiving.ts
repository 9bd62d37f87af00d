/**
 * Ops from outside: decoded, placed, verified, and either taken in, kept for later or dropped. Nothing here throws on what others sent, and
 * everything that is kept has a bound. What the sender could have known to be wrong is reported, so that it can be held against them; what an
 * honest relayer may pass on in good faith (an op that is void, an early one, a branch of someone else's forked chain) is not.
 */
import type { Row } from '../../ports.ts'
import { fromHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type OpId } from '../../wire/ids.ts'
import { decodeOpOrHusk, huskOf, isSigned, type Op, opSignedBytes, withSignature } from '../../wire/op.ts'
import { keptOp, lockingEpoch, predecessorIn } from '../content/kept.ts'
import { MAX_BRANCHES, MAX_SPARE_BRANCHES, MAX_SUSPECTS, MAX_UNVERIFIED_BYTES } from '../limits.ts'
import { chainKey, opKey, type Place, type Proofs } from '../log/log.ts'
import type { Sender } from '../log/parked.ts'
import { refill } from '../refill.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import type { Fault } from './conduct.ts'
import { Runs } from './runs.ts'

/** What came in, and what its sender is itself to blame for. */
export interface Intake { readonly accepted: Op[]; readonly faults: Fault[] }

/** Two different ops that one device signed for one place. */
export interface Fork { readonly first: Op; readonly second: Op }

/** Puts a verified op into the log and gives those that waited for it; undefined when its author has no business here. */
type Accept = (turn: Turn, op: Op) => Awaitable<Op[] | undefined>
/** At once for content, which is most: waiting for each op of a history costs as much as hashing it. */
type Awaitable<T> = T | Promise<T>

/** What came: new, not to be taken in, and had before; of these two only what they say of what is before them counts. */
interface Arrived { readonly fresh: Op[]; readonly refused: readonly Op[]; readonly trusted: readonly Op[] }

const NO_SIGNATURE = new Uint8Array(), NONE: ReadonlyMap<OpId, Op> = new Map()
const seqOf = (fork: Fork): number => Math.min(fork.first.header.seq, fork.second.header.seq)

export class Receiving {
  private readonly replica: Replica
  private readonly accept: Accept
  /** Forks that were found here, the earliest of each device: to be proved to everyone. */
  readonly forks = new Map<DeviceId, Fork>()
  /** Proven ops that may have a twin on disk, each with what speaks for it, until its row has been read; `isIn`: the op itself is in the log already. */
  private readonly suspects = new Map<OpId, { readonly run: readonly Op[]; readonly channel: ChannelId; readonly isIn: boolean; readonly sender: Sender }>()
  /** Parts of chains for places that were lost, by their last op, until what is behind them has been read. */
  private readonly lost = new Map<OpId, readonly Op[]>()
  /** Suspects, and what speaks for them. */
  private readonly inDoubt = new Set<OpId>()
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
    const { fresh, refused, trusted } = this.decode(turn, arrived, out)
    const ops = [...this.continued(sender, fresh), ...fresh], all = [...ops, ...refused, ...trusted]
    const proofs = await this.replica.log.proven(all, new Set(trusted.map((op) => op.id)))
    const queue = await this.asKept(ops, proofs), kept = new Map(queue.map((op) => [op.id, op]))
    // What speaks for an op is what is kept of that, too.
    for (const [id, proof] of proofs) if (proof !== 'own') proofs.set(id, kept.get(proof.id) ?? proof)
    const runs = new Runs(this.replica.log, proofs, [...queue, ...refused, ...trusted], new Set(refused.map((op) => op.id)))
    const unproven = await this.placeAll(turn, queue, runs, sender, out, new Map(ops.filter(isSigned).map((op) => [op.id, op])))
    // A parcel has no rest that could vouch for it.
    if (sender !== 'mail') this.hold(sender, [...(this.unproven.get(sender) ?? []), ...unproven])
    return out
  }

  /** A signature that is kept was checked; others go, since a later one speaks for them. Own ops are signed again, as what they are put at relays by. */
  private async asKept(ops: readonly Op[], proofs: Proofs): Promise<Op[]> {
    const { me, world } = this.replica, out: Op[] = []
    for (const op of ops) {
      const proof = proofs.get(op.id)
      if (proof === undefined || proof === 'own') out.push(op)
      else if (op.header.device === me.device) out.push(withSignature(op, await world.suite.sign(me.deviceKey.secretKey, opSignedBytes(fromHex(op.id) as Uint8Array))))
      else out.push(isSigned(op) ? withSignature(op, NO_SIGNATURE) : op)
    }
    return out
  }

  /** What is freed by one comes behind it. `signed`: those that came with a signature of their own. Gives what nothing speaks for so far. */
  private async placeAll(turn: Turn, queue: Op[], runs: Runs, sender: Sender, out: Intake, signed: ReadonlyMap<OpId, Op> = NONE): Promise<Op[]> {
    const { replica } = this, { proofs } = runs
    const unproven: Op[] = [], lost: Op[] = []
    for (let at = 0; at < queue.length || this.findWanted(queue, proofs); at++) {
      let op = queue[at] as Op
      if (replica.holes.has(op.header)) {
        if (proofs.has(op.id)) lost.push(op); else unproven.push(op)
        continue
      }
      const place = replica.log.place(op)
      // What is too much an honest peer may have from before there was a bound.
      if (place.type === 'known' || place.type === 'beyond') continue
      if (!proofs.has(op.id)) {
        const mayBeVouchedFor = op.header.channel !== AUTHORITY_CHANNEL && (place.type === 'next' || place.type === 'waits')
        if (mayBeVouchedFor) unproven.push(op); else out.faults.push('forged')
        continue
      }
      if (!runs.isBegun(op) && replica.quota.putsOff(turn, op.header, place.type === 'next')) continue
      if (place.type !== 'waits' && !runs.isWhole(op)) {
        const own = signed.get(op.id)
        // What is let go of is asked for again when what it lacks is here.
        if (own === undefined || !(await replica.log.verify(own))) continue
        op = own
      }
      if (place.type === 'next') {
        const taken = this.takeIn(turn, op, sender, out), freed = taken instanceof Promise ? await taken : taken
        // What waited had been proved before.
        for (const waited of freed) {
          proofs.set(waited.id, 'own')
          queue.push(waited)
        }
      } else if (place.type === 'waits' && place.strays === undefined) this.park(turn, op, place.for, sender)
      else this.doubt(turn, runs.of(op), sender, place, out)
    }
    this.putBack(turn, lost)
    return unproven
  }

  /** For places that a damaged disk lost: of a chain that forked another op may come than was there. What follows it here names the one that was. */
  private putBack(turn: Turn, ops: readonly Op[]): void {
    const { id: space, log } = this.replica, byId = new Map(ops.map((op) => [op.id, op])), named = new Set(ops.map((op) => op.header.chanPrev))
    for (const last of ops) {
      const { channel, device, chanSeq } = last.header
      if (named.has(last.id) || this.lost.size >= MAX_SUSPECTS) continue
      const run: Op[] = []
      for (let op: Op | undefined = last; op !== undefined; op = byId.get(op.header.chanPrev as OpId)) run.unshift(op)
      if (log.tipsOf(channel, device).some((tip) => tip.id === last.id)) { this.refillAll(turn, run); continue }
      this.lost.set(last.id, run)
      turn.out.read({ tag: `${space}|behind|${last.id}`, partition: opsPartition(space, channel), query: { from: opKey(device, chanSeq + 1), to: opKey(device, chanSeq + 2), limit: MAX_BRANCHES + 1 } })
    }
  }

  /** What the disk has behind it. Where that is lost, too, nothing speaks against it. */
  onBehind(turn: Turn, id: OpId, rows: readonly Row[]): void {
    const run = this.lost.get(id) ?? []
    this.lost.delete(id)
    if (rows.length === 0 || rows.some((row) => predecessorIn(this.replica, row) === id)) this.refillAll(turn, run)
  }

  private refillAll(turn: Turn, ops: readonly Op[]): void { for (const op of ops) if (this.replica.holes.has(op.header)) refill(turn, this.replica, op) }

  /** Puts a branch that found no room into the queue, if something waits for it now. */
  private findWanted(queue: Op[], proofs: Proofs): boolean {
    for (const [id, op] of this.spare) {
      if (!this.replica.log.parked.isWanted(id)) continue
      this.spare.delete(id)
      proofs.set(id, 'own')
      queue.push(op)
      return true
    }
    return false
  }

  private keepSpare(op: Op): void {
    if (!isSigned(op)) return
    this.spare.set(op.id, op)
    if (this.spare.size > MAX_SPARE_BRANCHES) for (const oldest of this.spare.keys()) { this.spare.delete(oldest); break }
  }

  /** The end of an answer: what nothing vouched for until then is forged. Gives their number. */
  finish(sender: Sender): number {
    const n = this.unproven.get(sender)?.length ?? 0
    this.unproven.delete(sender)
    return n
  }

  private decode(turn: Turn, arrived: readonly (Uint8Array | Op)[], out: Intake): Arrived {
    const { id, world, log, retention } = this.replica
    const fresh: Op[] = [], refused: Op[] = [], trusted: Op[] = []
    for (const one of arrived) {
      const op = one instanceof Uint8Array ? decodeOpOrHusk(one, (b) => world.suite.sha256(b)) : one
      if (op === undefined) { out.faults.push('malformed'); continue }
      const isGenesis = op.header.type === 'genesis' && op.id === (id as string)
      if (op.header.space !== id && !isGenesis) { out.faults.push('foreign'); continue }
      // Whose clock is ahead has deleted it earlier: somebody else has it.
      if (op.isHusk === true && !retention.mayBeHusk(op.header, turn.now)) { refused.push(op); continue }
      const isLost = this.replica.holes.has(op.header)
      if (!isLost && this.inDoubt.has(op.id)) continue
      if (!isLost && (log.parked.has(op.id) || log.isKnown(op))) { trusted.push(op); continue }
      // Nothing can be placed until what it rests on is back; then it comes again.
      if (!isLost && this.replica.isMending) continue
      fresh.push(retention.isDue(op.header, turn.now) ? huskOf(op) : op)
    }
    // What was packed comes apart from what was not, though it may stand between.
    if (arrived.some((one) => !(one instanceof Uint8Array))) fresh.sort((a, b) => a.header.chanSeq - b.header.chanSeq)
    return { fresh, refused, trusted }
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

  private takeIn(turn: Turn, op: Op, sender: Sender, out: Intake): Awaitable<readonly Op[]> {
    const { log } = this.replica
    const twin = log.twinOf(op.header, op.id), rivals = log.rivals(op)
    const isIn = (freed: Op[] | undefined): readonly Op[] => {
      if (freed === undefined) return []
      out.accepted.push(op)
      for (const rival of rivals) this.noteFork({ first: rival, second: op })
      if (twin !== undefined) this.lookUp(turn, [op], twin, true, sender)
      for (const waited of freed) turn.out.delete(`parked/${this.replica.id}`, fromHex(waited.id) as Uint8Array)
      return freed
    }
    const accepted = this.accept(turn, op)
    return accepted instanceof Promise ? accepted.then(isIn) : isIn(accepted)
  }

  /** A proven op that its chain here doesn't lead to, and what speaks for it. */
  private doubt(turn: Turn, run: readonly Op[], sender: Sender, place: Place, out: Intake): void {
    const { log } = this.replica, [op] = run as readonly [Op]
    if (place.type === 'unsure') return this.lookUp(turn, run, op.header, false, sender)
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

  private lookUp(turn: Turn, run: readonly Op[], at: Pick<Op['header'], 'channel' | 'chanSeq'>, isIn: boolean, sender: Sender): void {
    const [op] = run as readonly [Op], { id } = this.replica, { device } = op.header
    if (this.suspects.size >= MAX_SUSPECTS || (!isIn && this.inDoubt.has(op.id))) return
    this.suspects.set(op.id, { run, channel: at.channel, isIn, sender })
    for (const one of run) this.inDoubt.add(one.id)
    turn.out.read({
      tag: `${id}|twin|${op.id}`, partition: opsPartition(id, at.channel),
      query: { from: opKey(device, at.chanSeq), to: opKey(device, at.chanSeq + run.length), limit: (MAX_BRANCHES + 1) * run.length },
    })
  }

  /** What the disk has at a suspect's place. A twin is a fork; it is taken in beside the other, as everyone will come to hold both. */
  async onTwins(turn: Turn, id: OpId, rows: readonly Row[]): Promise<Intake> {
    const out: Intake = { accepted: [], faults: [] }
    const suspect = this.suspects.get(id)
    if (suspect === undefined) return out
    this.suspects.delete(id)
    const { run, channel, isIn, sender } = suspect, { log } = this.replica
    for (const one of run) this.inDoubt.delete(one.id)
    // On a disk that lost a key what lies there can't be compared: it is taken for the same.
    if (rows.some((row) => lockingEpoch(this.replica, row) !== undefined)) return out
    const others = rows.map((row) => keptOp(this.replica, channel, row)).filter((other): other is Op => other !== undefined)
    // What is on disk already is the part before the chain forked.
    const rest = isIn ? run : run.slice(run.findLastIndex((one) => others.some((other) => other.id === one.id)) + 1), [op] = rest
    if (op === undefined) return out
    const rivals = isIn ? others : others.filter((other) => other.header.chanSeq === op.header.chanSeq)
    for (const rival of rivals) if (rival.id !== op.id) this.noteFork({ first: rival, second: op })
    if (isIn) return out
    const missing = op.header.deps.find((dep) => !log.authority.has(dep))
    if (missing !== undefined) this.park(turn, op, missing, sender)
    else if (!log.hasRoom(op)) this.keepSpare(op)
    else {
      const freed: Op[] = []
      for (const one of rest) freed.push(...await this.takeIn(turn, one, sender, out))
      await this.placeAll(turn, freed, new Runs(log, new Map(freed.map((one) => [one.id, 'own'])), freed, new Set()), sender, out)
    }
    return out
  }
}
