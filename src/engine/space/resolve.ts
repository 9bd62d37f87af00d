/**
 * Which ops count. The rules that look at one past are in `permitted.ts`; this is the part that looks across: restrictions against what their
 * targets did at the same time, forked chains, invites used too often at once.
 *
 *   chosen = []
 *   loop: an op is void if it is beyond the cut of a chosen restriction, or not permitted by the non-void part of its past
 *         of the restrictions that are neither chosen nor void, choose the first by: higher power, rank, smaller depth, smaller id
 *         until there is none
 *   a chosen restriction may be void at the end, since a later choice hit its author: then choose anew, that one last, and if it falls again, never
 *
 * What is void follows from the pasts alone once the cuts are fixed: one walk in causal order, and after a further choice only over what
 * comes after the ops it hit. Devices whose chains fork, and joins beyond an invite's uses, are found at the end and void from the start of a new round.
 */
import { MAX_POWER } from '../../wire/authority.ts'
import type { DeviceId, IdentityId, OpId } from '../../wire/ids.ts'
import type { History, Node } from './history.ts'
import { permitted } from './permitted.ts'
import type { Reason } from './reasons.ts'
import { concurrent, isBeyond, isFixed, isRestrictive, newOwner, type Restriction, restrictionOf } from './restrict.ts'
import { type Decided, View } from './view.ts'

/**
 * From which place of its chain a device's ops don't count, and the op that shows it: one of two at that place, or from a number on a proof, which counts itself. `fixers` are the
 * removals that stood without the freeze: what their cuts hold counts all the same, or somebody who was removed could undo its past by forking it afterwards.
 */
export interface Freeze { readonly chanSeq: number; readonly seq: number; readonly by: OpId; readonly proof: OpId | undefined; readonly fixers: readonly Restriction[] }

/** What shows that an op with this number is frozen. Whoever came by one of the two ops at one place learns nothing from that one. */
export const shownBy = ({ seq, by, proof }: Freeze, at: number): OpId => (proof !== undefined && at >= seq ? proof : by)

/** Rounds of choosing anew. Circles of restrictions have no answer in which each choice stands: then the last round counts as it is. */
const MAX_ROUNDS = 8

export class Resolution implements Decided {
  private readonly history: History
  private reasons: (Reason | undefined)[] = []
  private powers: number[] = []
  private restrictions: (Restriction | undefined)[] = []
  /** Void by another op, whatever their pasts say. */
  private blocked = new Map<number, { readonly restriction: Restriction; readonly reason: Reason }>()
  private chosenBy = new Map<IdentityId, Restriction[]>()
  private picked = new Set<number>()
  private frozen = new Map<DeviceId, Freeze>()
  private surplus = new Map<number, Reason>()
  /** Restrictions that fell in an earlier round: chosen only when nothing else is left. */
  private late = new Set<number>()
  /** Those that fell even so: they are judged, but their cuts are not applied. */
  private never = new Set<number>()
  /** Ops that stood differently at different moments of resolving. */
  private unsteady = new Set<number>()
  /** In the order they were chosen. */
  chosen: Restriction[] = []

  constructor(history: History) { this.history = history }

  /** What wasn't judged yet counts as little as what is void. */
  isVoid(index: number): boolean { return index >= this.reasons.length || this.reasons[index] !== undefined }
  isChosen(index: number): boolean { return this.picked.has(index) }
  powerOf(index: number): number { return this.powers[index] ?? 0 }
  reason(index: number): Reason | undefined { return this.reasons[index] }
  /** Restrictions in force against an identity. */
  against(identity: IdentityId): readonly Restriction[] { return this.chosenBy.get(identity) ?? [] }
  frozenDevices(): Iterable<DeviceId> { return this.frozen.keys() }
  freezeOf(device: DeviceId): Freeze | undefined { return this.frozen.get(device) }
  get size(): number { return this.reasons.length }

  // ---- from scratch ----

  resolve(): void {
    this.frozen = new Map()
    this.surplus = new Map()
    this.unsteady = new Set()
    do this.settle()
    while (this.findForks() || this.findSurplus())
  }

  /** Rounds until every choice stands: one that fell to a later choice, or to its own cut, is made last, and if it falls again, not at all. */
  private settle(): void {
    this.late = new Set()
    this.never = new Set()
    for (let again = 0; again <= MAX_ROUNDS; again++) {
      this.round()
      const fallen = this.chosen.filter((r) => this.isVoid(r.index))
      if (fallen.length === 0) return
      for (const { index } of fallen) (this.late.has(index) ? this.never : this.late).add(index)
    }
  }

  private round(): void {
    this.blocked = new Map()
    this.chosenBy = new Map()
    this.picked = new Set()
    this.chosen = []
    this.reasons = []
    for (const node of this.history.nodes) this.evaluate(node)
    for (;;) {
      const waiting = this.candidates()
      if (waiting.length === 0) return
      for (const restriction of waiting) {
        const changed = this.choose(restriction)
        if (changed.length > 0) { this.reevaluate(changed); break }
      }
    }
  }

  private candidates(): Restriction[] {
    const out = this.restrictions.filter((r): r is Restriction => r !== undefined && !this.isVoid(r.index) && !this.picked.has(r.index) && !this.never.has(r.index))
    const late = (r: Restriction): number => (this.late.has(r.index) ? 1 : 0)
    return out.sort((a, b) => late(a) - late(b) || this.inOrder(a, b))
  }

  private inOrder(a: Restriction, b: Restriction): number {
    const x = this.history.node(a.index), y = this.history.node(b.index)
    const depth = a.rank === 0 ? 0 : x.depth - y.depth
    return b.power - a.power || a.rank - b.rank || depth || (x.id < y.id ? -1 : x.id > y.id ? 1 : 0)
  }

  /** Puts a restriction in force; gives the ops whose standing it changed. */
  private choose(found: Restriction): number[] {
    const restriction = found.rank === 1 ? { ...found, targets: found.targets.filter((t) => !this.ownsMeanwhile(t, found)) } : found
    this.chosen.push(restriction)
    this.picked.add(restriction.index)
    for (const target of restriction.targets) {
      const list = this.chosenBy.get(target)
      if (list === undefined) this.chosenBy.set(target, [restriction]); else list.push(restriction)
    }
    return this.blocks(restriction).filter(([index, reason]) => this.block(index, restriction, reason)).map(([index]) => index)
  }

  /** Of several restrictions the first in order is named, whichever was chosen first. True when the op counted until now. */
  private block(index: number, by: Restriction, reason: Reason): boolean {
    const known = this.blocked.get(index)
    if (known !== undefined && this.inOrder(known.restriction, by) <= 0) return false
    this.blocked.set(index, { restriction: by, reason })
    const counted = !this.isVoid(index)
    if (!counted && this.history.node(index).flaw === undefined && !this.surplus.has(index)) this.reasons[index] = reason
    return counted
  }

  /** Whether a chosen op made this identity owner without the restriction's author knowing. */
  private ownsMeanwhile(identity: IdentityId, restriction: Restriction): boolean {
    const own = this.history.node(restriction.index)
    return this.chosen.some(({ index }) => newOwner(this.history.node(index)) === identity && concurrent(this.history.node(index), own))
  }

  /** The ops that a restriction makes void by itself. */
  private blocks(restriction: Restriction): [number, Reason][] {
    const own = this.history.node(restriction.index)
    const out: [number, Reason][] = []
    for (const target of restriction.targets) {
      for (const index of this.history.byAuthor.get(target) ?? []) {
        if (isBeyond(this.history, this.history.node(index), restriction)) out.push([index, { code: restriction.code, by: own.id }])
      }
    }
    for (const index of this.history.writes('owner')) {
      const other = this.history.node(index)
      const to = newOwner(other)
      if (to === undefined || !concurrent(own, other)) continue
      const removed = restriction.takes === 'membership' && restriction.targets.includes(to)
      // An owner who acts is not lost.
      if (removed || (restriction.power === MAX_POWER && other.body?.type === 'recover')) out.push([index, { code: removed ? 'removed' : 'recovered', by: own.id }])
    }
    const owner = newOwner(own)
    if (owner !== undefined) out.push(...this.sparing(own, owner))
    return out
  }

  /** Nobody who did not know it acts against the new owner, nor has the new owner left. Whom an op was against is told by its own past, not by what came later. */
  private sparing(own: Node, owner: IdentityId): [number, Reason][] {
    const out: [number, Reason][] = []
    for (const key of [`out ${owner}`, `demotes ${owner}`, 'revocations']) {
      for (const index of this.history.writes(key)) {
        const node = this.history.node(index)
        if (this.picked.has(index) || !concurrent(own, node) || (node.author === owner && node.body?.type !== 'leave')) continue
        if (node.body?.type !== 'deviceRevoke' || this.hadCertified(owner, node.body.device, node)) out.push([index, { code: 'became-owner', by: own.id }])
      }
    }
    return out
  }

  private hadCertified(identity: IdentityId, device: DeviceId, by: Node): boolean {
    return this.history.writes(`cert ${device}`).some((index) => by.past.has(index) && this.history.node(index).author === identity)
  }

  // ---- one op ----

  private evaluate(node: Node): boolean {
    const { index } = node
    const before = this.reasons[index], power = this.powers[index]
    const was = index < this.reasons.length
    const view = new View(this.history, this, node.past)
    const reason = node.flaw ?? this.surplus.get(index) ?? this.blocked.get(index)?.reason ?? this.freezeFor(node) ?? permitted(node, view)
    this.reasons[index] = reason
    this.powers[index] = reason === undefined && node.author !== undefined && node.body !== undefined ? powerAt(node, view) : 0
    this.restrictions[index] = reason === undefined && isRestrictive(node.body) ? restrictionOf(this.history, node, view) : undefined
    return !was || (before === undefined) !== (reason === undefined) || power !== this.powers[index]
  }

  /** Walks over everything that has one of these ops in its past. */
  private reevaluate(changed: readonly number[]): void {
    const dirty = new Set(changed)
    const moved: number[] = []
    for (let index = Math.min(...changed); index < this.history.nodes.length; index++) {
      const node = this.history.node(index)
      if (!dirty.has(index) && moved.length <= 32 && !moved.some((m) => node.past.has(m))) continue
      if (this.evaluate(node)) { moved.push(index); this.unsteady.add(index) }
    }
  }

  // ---- forks ----

  private freezeFor(node: Node): Reason | undefined {
    const freeze = this.frozen.get(node.device)
    if (freeze === undefined || node.body?.type === 'genesis' || (node.chanSeq < freeze.chanSeq && node.seq < freeze.seq)) return undefined
    if (freeze.fixers.some((r) => isFixed(this.history, node, r))) return undefined
    return { code: 'forked', by: shownBy(freeze, node.seq) }
  }

  /** Forks in the ops themselves, and those that valid proofs show. True when a new one matters. */
  private findForks(): boolean {
    const found = new Map<DeviceId, Omit<Freeze, 'fixers'>>()
    for (const [device, { chanSeq, by }] of this.history.forks) found.set(device, { chanSeq, seq: Infinity, by, proof: undefined })
    for (const index of this.history.writes('proofs')) {
      const fork = this.isVoid(index) ? undefined : this.history.node(index).fork
      if (fork === undefined) continue
      const known = found.get(fork.device)
      const id = this.history.node(index).id
      if (known?.proof === undefined || fork.seq < known.seq || (fork.seq === known.seq && id < known.proof)) {
        found.set(fork.device, { chanSeq: known?.chanSeq ?? Infinity, seq: fork.seq, by: known !== undefined && known.chanSeq < Infinity ? known.by : id, proof: id })
      }
    }
    let more = false
    for (const [device, fork] of found) {
      const known = this.frozen.get(device)
      if (known !== undefined && known.chanSeq <= fork.chanSeq && known.seq <= fork.seq) continue
      const fixers = known?.fixers ?? this.chosen.filter((r) => r.takes === 'membership' || r.takes === 'device')
      this.frozen.set(device, { ...fork, fixers })
      if ((this.history.byDevice.get(device) ?? []).some((i) => !this.isVoid(i) && this.freezeFor(this.history.node(i)) !== undefined)) more = true
    }
    return more
  }

  // ---- invites ----

  /**
   * Joins through one invite at the same time may be more than it allows. Those stay that were seen most by people of at least the inviter's power:
   * a copied link and an old clock put nobody out who has been around. Then the shallower, then the smaller id.
   */
  private findSurplus(): boolean {
    let more = false
    for (const invite of this.history.invites) {
      const joins = this.history.writes(`joins ${invite}`).filter((i) => !this.isVoid(i)).map((i) => this.history.node(i))
      for (const offer of new Set(joins.map((j) => j.invite))) {
        const terms = offer === undefined ? undefined : this.history.node(offer)
        if (terms?.body?.type !== 'invite') continue
        const through = joins.filter((j) => j.invite === offer)
        if (through.length <= terms.body.uses) continue
        const rivals = new Set(through.map((join) => join.author))
        const ranked = through.map((join) => ({ join, seen: this.witnesses(join, terms, rivals) }))
        ranked.sort((a, b) => b.seen - a.seen || a.join.depth - b.join.depth || (a.join.id < b.join.id ? -1 : 1))
        for (const { join } of ranked.slice(terms.body.uses)) { this.surplus.set(join.index, { code: 'invite-used-up', by: terms.id }); more = true }
      }
    }
    return more
  }

  /** None of the rivals bears witness: so an op that has seen them all speaks for all alike, and changes nothing. */
  private witnesses(join: Node, offer: Node, rivals: ReadonlySet<IdentityId | undefined>): number {
    const power = this.powerOf(offer.index)
    let n = 0
    for (let i = join.index + 1; i < this.history.nodes.length; i++) {
      const node = this.history.node(i)
      if (!this.isVoid(i) && this.powerOf(i) >= power && !rivals.has(node.author) && node.past.has(join.index)) n++
    }
    return n
  }

  // ---- one more ----

  /** Takes in the newest op. Most change nothing that was decided before; the others start from scratch, and false comes back. */
  add(node: Node): boolean {
    const quietly = node.index === this.size && this.addQuietly(node)
    if (!quietly) this.resolve()
    return quietly
  }

  /** False when the op may change how earlier ones stand. */
  private addQuietly(node: Node): boolean {
    if (this.startsOver(node)) return false
    for (const by of node.author === undefined ? [] : this.against(node.author)) {
      if (!isBeyond(this.history, node, by)) continue
      // A restriction might have come before the one that voids it.
      if (isRestrictive(node.body)) return false
      this.block(node.index, by, { code: by.code, by: this.history.node(by.index).id })
    }
    this.evaluate(node)
    if (this.isVoid(node.index)) return true
    if (node.invite !== undefined && this.overused(node)) return false
    const restriction = this.restrictions[node.index]
    return restriction === undefined || this.chooseQuietly(restriction)
  }

  /** What was done about an owner, or by one, while ownership changed hands. */
  private besidesTransfer(node: Node): boolean {
    if (node.body?.type !== 'leave' && !isRestrictive(node.body)) return false
    if (node.body?.type === 'recoverySet' || newOwner(node) !== undefined) return true
    return this.history.writes('owner').some((i) => concurrent(this.history.node(i), node))
  }

  /** Ops that may matter to rounds before the last one. */
  private startsOver(node: Node): boolean {
    const { body } = node
    if (this.history.forks.has(node.device) || this.frozen.has(node.device) || body?.type === 'forkProof') return true
    if (node.flaw !== undefined) return false
    if (this.besidesTransfer(node)) return true
    // A restriction that rests on something unsteady might have been chosen before that fell.
    if (isRestrictive(body) && (this.frozen.size > 0 || this.late.size > 0 || [...this.unsteady].some((i) => node.past.has(i)))) return true
    if (this.surplus.size === 0) return false
    const contested = [...this.surplus.keys()].map((join) => this.history.node(join).invite as number)
    return isRestrictive(body) || body?.type === 'join' || contested.some((invite) => this.powerOf(invite) <= this.powerBound(node))
  }

  /** At least the power it will have: ops of other parts count as powerless. */
  private powerBound(node: Node): number {
    return node.author === undefined || node.body === undefined ? 0 : new View(this.history, this, node.past).power(node.author)
  }

  private overused(join: Node): boolean {
    const terms = this.history.node(join.invite as number).body
    if (terms?.type !== 'invite') return false
    return this.history.writes(`joins ${terms.invite}`).filter((i) => !this.isVoid(i)).length > terms.uses
  }

  /** A restriction that hits nothing could have been chosen at any moment. */
  private chooseQuietly(restriction: Restriction): boolean {
    if (this.blocks(restriction).length > 0) return false
    this.choose(restriction)
    return true
  }
}

function powerAt(node: Node, view: View): number {
  if (node.body?.type === 'keyPackage' || node.body?.type === 'profile' || node.body?.type === 'about') return 0
  return node.author === undefined ? 0 : view.power(node.author)
}
