/**
 * Which ops count. The rules that look at one past are in `permitted.ts`; this is the part that looks across: restrictions against what their
 * targets did at the same time, forked chains, invites used too often at once.
 *
 *   chosen = []
 *   loop: an op is void if it is beyond the cut of a chosen restriction, or not permitted by the non-void part of its past
 *         of the restrictions that are neither chosen nor void, choose the first by: higher power, rank, smaller depth, smaller id
 *         until there is none. A choice is never taken back, so the loop ends.
 *
 * What is void follows from the pasts alone once the cuts are fixed: one walk in causal order, and after a further choice only over what
 * comes after the ops it hit. Devices whose chains fork, and joins beyond an invite's uses, are found at the end and void from the start of a new round.
 */
import type { DeviceId, IdentityId, OpId } from '../../wire/ids.ts'
import type { History, Node } from './history.ts'
import { permitted } from './permitted.ts'
import type { Reason } from './reasons.ts'
import { concurrent, isBeyond, isFixed, isRestrictive, newOwner, type Restriction, restrictionOf } from './restrict.ts'
import { type Decided, View } from './view.ts'

/** From which place of its chain a device's ops don't count, and the op that shows it. */
export interface Freeze { readonly chanSeq: number; readonly seq: number; readonly by: OpId }

export class Resolution implements Decided {
  private readonly history: History
  private reasons: (Reason | undefined)[] = []
  private powers: number[] = []
  private restrictions: (Restriction | undefined)[] = []
  /** Void by another op, whatever their pasts say. */
  private blocked = new Map<number, Reason>()
  private chosenBy = new Map<IdentityId, Restriction[]>()
  private picked = new Set<number>()
  private frozen = new Map<DeviceId, Freeze>()
  private surplus = new Map<number, Reason>()
  /** In the order they were chosen. */
  chosen: Restriction[] = []

  constructor(history: History) { this.history = history }

  isVoid(index: number): boolean { return this.reasons[index] !== undefined }
  powerOf(index: number): number { return this.powers[index] ?? 0 }
  reason(index: number): Reason | undefined { return this.reasons[index] }
  /** Restrictions in force against an identity. */
  against(identity: IdentityId): readonly Restriction[] { return this.chosenBy.get(identity) ?? [] }
  freezeOf(device: DeviceId): Freeze | undefined { return this.frozen.get(device) }
  get size(): number { return this.reasons.length }

  // ---- from scratch ----

  resolve(): void {
    this.frozen = new Map()
    this.surplus = new Map()
    do this.round()
    while (this.findForks() || this.findSurplus())
  }

  private round(): void {
    this.blocked = new Map(this.surplus)
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
    const out = this.restrictions.filter((r): r is Restriction => r !== undefined && !this.isVoid(r.index) && !this.picked.has(r.index))
    return out.sort((a, b) => this.inOrder(a, b))
  }

  private inOrder(a: Restriction, b: Restriction): number {
    const x = this.history.node(a.index), y = this.history.node(b.index)
    const depth = a.rank === 0 ? 0 : x.depth - y.depth
    return b.power - a.power || a.rank - b.rank || depth || (x.id < y.id ? -1 : 1)
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
    return this.blocks(restriction).filter(([index, reason]) => {
      const known = this.blocked.has(index)
      if (!known) this.blocked.set(index, reason)
      return !known && !this.isVoid(index)
    }).map(([index]) => index).concat(this.thawed(restriction))
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
      if (removed || (restriction.rank !== 1 && other.body?.type === 'recover')) out.push([index, { code: removed ? 'removed' : 'recovered', by: own.id }])
    }
    const owner = newOwner(own)
    if (owner !== undefined) out.push(...this.sparing(own, owner))
    return out
  }

  /** Nobody who did not know it acts against the new owner, nor has the new owner left. */
  private sparing(own: Node, owner: IdentityId): [number, Reason][] {
    const keys = [`out ${owner}`, ...[...this.history.roles].map((role) => `ungrant ${owner} ${role}`), ...this.devicesOf(owner).map((device) => `revoke ${device}`)]
    const out: [number, Reason][] = []
    for (const key of keys) {
      for (const index of this.history.writes(key)) {
        const node = this.history.node(index)
        const mine = node.author === owner && node.body?.type !== 'leave'
        if (!mine && !this.picked.has(index) && concurrent(own, node)) out.push([index, { code: 'became-owner', by: own.id }])
      }
    }
    return out
  }

  private devicesOf(identity: IdentityId): DeviceId[] {
    return [...this.history.devices].filter((device) => this.history.writes(`cert ${device}`).some((i) => this.history.node(i).author === identity))
  }

  // ---- one op ----

  private evaluate(node: Node): boolean {
    const { index } = node
    const before = this.reasons[index], power = this.powers[index]
    const was = index < this.reasons.length
    const view = new View(this.history, this, node.past)
    const reason = node.flaw ?? this.blocked.get(index) ?? this.freezeFor(node) ?? permitted(node, view)
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
      if (this.evaluate(node)) moved.push(index)
    }
  }

  // ---- forks ----

  private freezeFor(node: Node): Reason | undefined {
    const freeze = this.frozen.get(node.device)
    if (freeze === undefined || node.body?.type === 'genesis' || (node.chanSeq < freeze.chanSeq && node.seq < freeze.seq)) return undefined
    if (node.author !== undefined && this.against(node.author).some((r) => isFixed(this.history, node, r))) return undefined
    return { code: 'forked', by: freeze.by }
  }

  /** Frozen ops that a removal's cut fixes as the chain that counts. */
  private thawed(restriction: Restriction): number[] {
    if (this.frozen.size === 0) return []
    return restriction.targets.flatMap((target) => this.history.byAuthor.get(target) ?? [])
      .filter((index) => this.reasons[index]?.code === 'forked' && isFixed(this.history, this.history.node(index), restriction))
  }

  /** Forks in the ops themselves, and those that valid proofs show. True when a new one matters. */
  private findForks(): boolean {
    const found = new Map<DeviceId, Freeze>()
    for (const [device, { chanSeq, by }] of this.history.forks) found.set(device, { chanSeq, seq: Infinity, by })
    for (const index of this.history.writes('proofs')) {
      const fork = this.isVoid(index) ? undefined : this.history.node(index).fork
      if (fork === undefined) continue
      const known = found.get(fork.device)
      if (known === undefined || fork.seq < known.seq) found.set(fork.device, { chanSeq: known?.chanSeq ?? Infinity, seq: fork.seq, by: known?.by ?? this.history.node(index).id })
    }
    let more = false
    for (const [device, freeze] of found) {
      const known = this.frozen.get(device)
      if (known !== undefined && known.chanSeq <= freeze.chanSeq && known.seq <= freeze.seq) continue
      this.frozen.set(device, freeze)
      if ((this.history.byDevice.get(device) ?? []).some((i) => !this.isVoid(i) && this.freezeFor(this.history.node(i)) !== undefined)) more = true
    }
    return more
  }

  // ---- invites ----

  /** Joins through one invite at the same time may be more than it allows: those that its maker saw first stay, then the shallower, then the smaller id. */
  private findSurplus(): boolean {
    let more = false
    for (const invite of this.history.invites) {
      const joins = this.history.writes(`joins ${invite}`).filter((i) => !this.isVoid(i)).map((i) => this.history.node(i))
      for (const offer of new Set(joins.map((j) => j.invite))) {
        const terms = offer === undefined ? undefined : this.history.node(offer)
        if (terms?.body?.type !== 'invite') continue
        const through = joins.filter((j) => j.invite === offer)
        if (through.length <= terms.body.uses) continue
        const seen = (join: Node): number => (this.history.byAuthor.get(terms.author as IdentityId) ?? []).filter((i) => !this.isVoid(i) && this.history.node(i).past.has(join.index)).length
        const ranked = through.map((join) => ({ join, seen: seen(join) })).sort((a, b) => b.seen - a.seen || a.join.depth - b.join.depth || (a.join.id < b.join.id ? -1 : 1))
        for (const { join } of ranked.slice(terms.body.uses)) { this.surplus.set(join.index, { code: 'invite-used-up', by: terms.id }); more = true }
      }
    }
    return more
  }

  // ---- one more ----

  /** Takes in the newest op. Most change nothing that was decided before; the others start from scratch. */
  add(node: Node): void {
    if (node.index !== this.size || !this.addQuietly(node)) this.resolve()
  }

  /** False when the op may change how earlier ones stand. */
  private addQuietly(node: Node): boolean {
    if (this.startsOver(node)) return false
    const blocker = node.author === undefined ? undefined : this.against(node.author).find((r) => isBeyond(this.history, node, r))
    if (blocker !== undefined) {
      // A restriction might have come before the one that voids it.
      if (isRestrictive(node.body)) return false
      this.blocked.set(node.index, { code: blocker.code, by: this.history.node(blocker.index).id })
    }
    if (node.body?.type === 'leave' && this.chosen.some((r) => newOwner(this.history.node(r.index)) === node.author)) return false
    this.evaluate(node)
    if (this.isVoid(node.index)) return true
    if (node.invite !== undefined && this.overused(node)) return false
    const restriction = this.restrictions[node.index]
    return restriction === undefined || this.chooseQuietly(restriction)
  }

  /** Ops that may matter to rounds before the last one. */
  private startsOver(node: Node): boolean {
    const { body } = node
    if (this.history.forks.has(node.device) || this.frozen.has(node.device) || body?.type === 'forkProof') return true
    if (node.flaw !== undefined) return false
    if (this.frozen.size > 0 && isRestrictive(body)) return true
    if (this.surplus.size === 0) return false
    const contested = [...this.surplus.keys()].map((join) => this.history.node(this.history.node(join).invite as number))
    return isRestrictive(body) || body?.type === 'join' || contested.some((invite) => invite.author === node.author)
  }

  private overused(join: Node): boolean {
    const terms = this.history.node(join.invite as number).body
    if (terms?.type !== 'invite') return false
    return this.history.writes(`joins ${terms.invite}`).filter((i) => !this.isVoid(i)).length > terms.uses
  }

  /** A restriction that hits nothing could have been chosen at any moment. */
  private chooseQuietly(restriction: Restriction): boolean {
    if (restriction.rank !== 1 || this.blocks(restriction).length > 0) return false
    if (this.spared(restriction)) return false
    this.choose(restriction)
    return true
  }

  private spared(restriction: Restriction): boolean {
    const own = this.history.node(restriction.index)
    return this.history.writes('owner').some((i) => {
      const node = this.history.node(i)
      const to = newOwner(node)
      return to !== undefined && restriction.targets.includes(to) && concurrent(node, own)
    })
  }
}

function powerAt(node: Node, view: View): number {
  if (node.body?.type === 'keyPackage' || node.body?.type === 'profile') return 0
  return node.author === undefined ? 0 : view.power(node.author)
}
