/**
 * Ops without a signature of their own, and what speaks for them: the ops that follow them in their chain, up to one that is signed. Such an op is taken in together with all
 * of these or not yet, so that whoever holds it can show to others that its author made it, as far as their chain goes here.
 */
import type { OpId } from '../../wire/ids.ts'
import { isSigned, type Op } from '../../wire/op.ts'
import { MAX_UNSIGNED } from '../limits.ts'
import { chainKey, type Log, type Proofs } from '../log/log.ts'
import { followersIn, isAfter } from '../log/vouching.ts'

export class Runs {
  readonly proofs: Proofs
  private readonly log: Log
  private readonly refused: ReadonlySet<OpId>
  private readonly ops: readonly Op[]
  /** Made when it is asked for: few batches need it. */
  private followers: ((op: Op) => readonly Op[]) | undefined
  /** Those that were found to be whole: the rest of a run need not be followed again. */
  private readonly whole = new Set<OpId>()

  /** `refused`: what is not to be taken in, though it speaks for what is before it. */
  constructor(log: Log, proofs: Proofs, ops: readonly Op[], refused: ReadonlySet<OpId>) {
    this.log = log
    this.proofs = proofs
    this.refused = refused
    this.ops = ops
  }

  /** Whether what is before it was found to be whole together with it. */
  isBegun(op: Op): boolean { return this.whole.has(op.id) }

  /** All from an op to the signed one. */
  of(op: Op): readonly Op[] {
    const run = [op]
    for (let next = this.next(op); next !== undefined && run.length <= MAX_UNSIGNED; next = this.next(next)) run.push(next)
    return run
  }

  /** Whether an op can be taken in with all that speaks for it: nothing of that is lost, waits for authority, or is refused. */
  isWhole(op: Op): boolean {
    if (isSigned(op) || this.whole.has(op.id)) return true
    const run = this.of(op), last = run[run.length - 1] as Op
    if (!isSigned(last) && !this.log.isKnown(last)) return false
    const canBeTakenIn = ({ id, header: h }: Op, n: number): boolean =>
      !this.refused.has(id) && h.epoch !== undefined && h.kid !== undefined && h.seq > (run[n - 1]?.header.seq ?? 0) && h.deps.every((dep) => this.log.authority.has(dep))
    if (!run.every(canBeTakenIn)) return false
    for (const { id } of run) this.whole.add(id)
    return true
  }

  /** What speaks for an op: from the batch it came in, or among what waits already. */
  private next(op: Op): Op | undefined {
    if (isSigned(op) || this.log.isKnown(op)) return undefined
    const proof = this.proofs.get(op.id), { parked } = this.log
    if (proof !== undefined && proof !== 'own') return proof
    const { channel, device, chanSeq } = op.header
    return [...parked.waitingFor(`${chainKey(channel, device)}:${chanSeq}`), ...parked.waitingFor(op.id)].find((one) => isAfter(one.header, op))
      ?? (this.followers ??= followersIn(this.ops))(op).find(({ id }) => this.proofs.has(id))
  }
}
