/**
 * Which signatures of content are needed. An op names the one before it in its chain by hash, so that a good signature speaks for all before it that are linked to it (S4).
 * A signature is an eighth of an op on the wire and nearly all the work of checking it; so only some are given and kept: of each chain the last one's, and so many between
 * that whoever holds a part of a chain never has to look far for one, to give that part to others or to show it as proof.
 */
import { AUTHORITY_CHANNEL, type OpId } from '../../wire/ids.ts'
import { isSigned, type Op, type OpHeader } from '../../wire/op.ts'
import { MAX_UNSIGNED, SIGNED_EVERY } from '../limits.ts'

/** An op as far as what speaks for what depends on it. */
export interface Linked extends Pick<Op, 'id' | 'sig'> { readonly header: Pick<OpHeader, 'channel' | 'device' | 'chanSeq' | 'chanPrev'> }

/** Whether an op follows another in the same chain, and so speaks for it. */
export const isAfter = (next: Linked['header'], { id, header: h }: Pick<Linked, 'id' | 'header'>): boolean =>
  next.chanPrev === id && next.chanSeq === h.chanSeq + 1 && next.device === h.device && next.channel === h.channel && h.channel !== AUTHORITY_CHANNEL

/** How the ops of a batch follow each other, by their places in it. */
export interface Links {
  /** Latest first: what follows an op comes before it. */
  readonly order: readonly number[]
  /** The place of what each op follows and speaks for; -1 where that isn't here. */
  readonly before: Int32Array
}

export function linksIn(ops: readonly Linked[]): Links {
  const before = new Int32Array(ops.length).fill(-1)
  let places: Map<OpId, number> | undefined, areInOrder = true
  for (const [n, { header: h }] of ops.entries()) {
    const last = ops[n - 1]
    if (h.chanPrev === undefined) continue
    // A history comes chain by chain: nearly every op stands right behind the one it follows.
    if (last !== undefined && isAfter(h, last)) { before[n] = n - 1; continue }
    places ??= new Map(ops.map((op, at) => [op.id, at]))
    const place = places.get(h.chanPrev)
    if (place === undefined || !isAfter(h, ops[place] as Linked)) continue
    before[n] = place
    areInOrder &&= place < n
  }
  const order = ops.map((_, n) => ops.length - 1 - n)
  if (!areInOrder) order.sort((a, b) => (ops[b] as Linked).header.chanSeq - (ops[a] as Linked).header.chanSeq)
  return { order, before }
}

/** What follows each op of a batch in it: several ops where a chain forked. */
export function followersIn(ops: readonly Op[]): (op: Op) => readonly Op[] {
  const named = new Map<OpId, Op[]>()
  for (const op of ops) {
    const { chanPrev } = op.header, others = chanPrev === undefined ? undefined : named.get(chanPrev)
    if (others !== undefined) others.push(op); else if (chanPrev !== undefined) named.set(chanPrev, [op])
  }
  return (op) => named.get(op.id)?.filter((next) => isAfter(next.header, op)) ?? []
}

/** Which signatures of a batch speak for all others, as far as it has them: 1 at their places. */
export function neededIn(ops: readonly Linked[], { order, before }: Links): Uint8Array {
  /** How many without a signature stand right before each op. */
  const bare = new Int32Array(ops.length), out = new Uint8Array(ops.length)
  for (let at = order.length - 1; at >= 0; at--) {
    const n = order[at] as number, place = before[n] as number
    if (place >= 0 && !isSigned(ops[place] as Linked)) bare[n] = (bare[place] as number) + 1
  }
  /** How many stand between each op and the next one whose signature is needed. */
  const between = new Float64Array(ops.length).fill(Infinity)
  for (const n of order) {
    const far = between[n] as number, place = before[n] as number
    if (isSigned(ops[n] as Linked) && far + 1 + (bare[n] as number) > SIGNED_EVERY) out[n] = 1
    if (place >= 0) between[place] = Math.min(between[place] as number, out[n] === 1 ? 0 : far + 1)
  }
  return out
}

export function neededSignatures(ops: readonly Linked[]): Set<OpId> {
  const needed = neededIn(ops, linksIn(ops))
  return new Set(ops.filter((_, n) => needed[n] === 1).map((op) => op.id))
}

/** Those that neither their own signature nor a later one in the batch speaks for. */
export function unvouched(ops: readonly Linked[]): Set<OpId> {
  if (ops.every(isSigned)) return new Set()
  const { order, before } = linksIn(ops), isVouchedFor = new Uint8Array(ops.length), out = new Set<OpId>()
  for (const n of order) {
    const op = ops[n] as Linked, place = before[n] as number
    if (!isSigned(op) && isVouchedFor[n] === 0) out.add(op.id); else if (place >= 0) isVouchedFor[place] = 1
  }
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
