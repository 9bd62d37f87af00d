/**
 * Which signatures of content are needed. An op names the one before it in its chain by hash, so that a good signature speaks for all before it that are linked to it (S4).
 * A signature is an eighth of an op on the wire and nearly all the work of checking it; so only some are given and kept: of each chain the last one's, and so many between
 * that whoever holds a part of a chain never has to look far for one, to give that part to others or to show it as proof.
 */
import { AUTHORITY_CHANNEL, type OpId } from '../../wire/ids.ts'
import { isSigned, type Op, type OpHeader } from '../../wire/op.ts'
import { MAX_UNSIGNED, SIGNED_EVERY } from '../limits.ts'

/** Whether an op follows another in the same chain, and so speaks for it. */
export const isAfter = (next: OpHeader, { id, header: h }: Pick<Op, 'id' | 'header'>): boolean =>
  next.chanPrev === id && next.chanSeq === h.chanSeq + 1 && next.device === h.device && next.channel === h.channel && h.channel !== AUTHORITY_CHANNEL

/** Latest first: what follows an op comes before it. */
export const backwards = (ops: readonly Op[]): Op[] => [...ops].sort((a, b) => b.header.chanSeq - a.header.chanSeq)

/** What follows each op of a batch in it: several ops where a chain forked. */
export function followersIn(ops: readonly Op[]): (op: Op) => readonly Op[] {
  const named = new Map<OpId, Op[]>()
  for (const op of ops) {
    const { chanPrev } = op.header, others = chanPrev === undefined ? undefined : named.get(chanPrev)
    if (others !== undefined) others.push(op); else if (chanPrev !== undefined) named.set(chanPrev, [op])
  }
  return (op) => named.get(op.id)?.filter((next) => isAfter(next.header, op)) ?? []
}

/** The ids of those whose signatures speak for all others in a batch, as far as it has them. */
export function neededSignatures(ops: readonly Op[]): Set<OpId> {
  const latestFirst = backwards(ops), followers = followersIn(ops)
  /** How many without a signature stand right before an op. */
  const before = new Map<OpId, number>()
  for (const op of [...latestFirst].reverse()) {
    const bare = isSigned(op) ? 0 : (before.get(op.id) ?? 0) + 1
    for (const next of followers(op)) before.set(next.id, Math.max(before.get(next.id) ?? 0, bare))
  }
  const out = new Set<OpId>()
  /** How many stand between an op and the next one whose signature is needed. */
  const between = new Map<OpId, number>()
  for (const op of latestFirst) {
    const far = Math.min(...followers(op).map(({ id }) => (out.has(id) ? 0 : (between.get(id) ?? 0) + 1)))
    between.set(op.id, far)
    if (isSigned(op) && far + 1 + (before.get(op.id) ?? 0) > SIGNED_EVERY) out.add(op.id)
  }
  return out
}

/** Those that neither their own signature nor a later one in the batch speaks for. */
export function unvouched(ops: readonly Op[]): Set<OpId> {
  const out = new Set<OpId>(), followers = followersIn(ops)
  for (const op of backwards(ops)) if (!isSigned(op) && !followers(op).some((next) => !out.has(next.id))) out.add(op.id)
  return out
}

/** From an op to the first after it in its chain that is signed: what shows to anybody that its author made it. undefined where the batch doesn't have all of them. */
export function runFrom(op: Op, ops: readonly Op[]): readonly Op[] | undefined {
  const followers = followersIn(ops)
  const follow = (from: Op, room: number): readonly Op[] | undefined => {
    if (isSigned(from)) return [from]
    const rest = room === 0 ? undefined : first(followers(from), (next) => follow(next, room - 1))
    return rest === undefined ? undefined : [from, ...rest]
  }
  return follow(op, MAX_UNSIGNED)
}

function first<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
