/**
 * Who may do what in one space, decided from its ops alone: the same on every device that has the same ops, in whatever order they came.
 *
 * `add` takes ops in causal order and notes them; nothing is decided until somebody asks. Asking resolves what is new since the last time: usually
 * one op against what stands, from scratch where an op changes how earlier ones stand (see resolve.ts). The rules are in ../RULES.md.
 */
import type { Ciphersuite } from '../../ports.ts'
import { type AuthorityBody, type Cut, decodeAuthorityBody, encodeAuthorityBody, MAX_CUT_DEVICES } from '../../wire/authority.ts'
import { toHex } from '../../wire/bytes.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId, OpId, SpaceId } from '../../wire/ids.ts'
import { type ChainPlace, HLC_STEP, type Op } from '../../wire/op.ts'
import { check, type Proof, proofOf } from './checks.ts'
import { Answered, type ContentHeader, isTakenBack, judgeContent } from './content.ts'
import { explain, type Step } from './explain.ts'
import { certifier, History, type Node, predecessors } from './history.ts'
import { Past } from './past.ts'
import { permitted } from './permitted.ts'
import type { Reason, Verdict } from './reasons.ts'
import { Resolution } from './resolve.ts'
import { isRestrictive } from './restrict.ts'
import { deviceState, type DeviceState, encodeState, type HistoryPolicy, policyIn, type SpaceState, stateOf, stateWith } from './state.ts'
import { View } from './view.ts'

/** Views of pasts kept for asking again: ops of one moment name the same heads. */
const MAX_KEPT_PASTS = 64
/** Until an op comes in. */
interface KeptPast { readonly past: Past; readonly known: Answered; readonly authors: Map<DeviceId, IdentityId>; state?: SpaceState }
/** From so many new ops on, resolving from scratch once is cheaper than one by one. */
const MANY_NEW = 64

export interface ChainHead { readonly seq: number; readonly id: OpId }

export class Authority {
  private readonly suite: Ciphersuite
  private readonly history = new History()
  private readonly resolution: Resolution
  private cached: SpaceState | undefined
  private upset = 0
  private revisions = 0
  /** Asked for every connection at every step. */
  private readonly whose = new Answers<DeviceId, IdentityId | undefined>()
  private readonly names = new Answers<IdentityId, string>()
  private readonly invited = new Answers<DeviceId, number>()
  private readonly pasts = new Map<string, KeptPast>()
  /** Asked for last: ops that came together share their list of heads. */
  private lastPast: { readonly deps: readonly OpId[]; readonly kept: KeptPast } | undefined

  constructor(suite: Ciphersuite) {
    this.suite = suite
    this.resolution = new Resolution(this.history)
  }

  has(id: OpId): boolean { return this.history.has(id) }
  /** How many ops are in. */
  get size(): number { return this.history.nodes.length }

  /** All ops as they came, strangers' and void ones too. */
  get nodes(): readonly Node[] { return this.history.nodes }
  node(id: OpId): Node | undefined {
    const index = this.history.indexOf(id)
    return index === undefined ? undefined : this.history.node(index)
  }

  /** Takes an op whose signature was checked and whose predecessors are in. The same op again changes nothing. */
  async add(op: Op, proof?: Proof): Promise<void> {
    if (this.history.has(op.id)) return
    const before = predecessors(op)
    for (const id of before) if (!this.history.has(id)) throw new Error(`op ${op.id} was added before its predecessor ${id}`)
    const past = this.history.pastOf(before)
    const checked = await check(this.suite, this.history, op, past, proof)
    if (op.header.type === 'genesis' && checked.flaw === undefined) this.history.space = op.id as string as SpaceId
    this.history.append(op, past, checked)
    this.pasts.clear()
    this.lastPast = undefined
  }

  /** For `add` to be told when the op is taken in again. */
  proofOf(id: OpId): Proof | undefined {
    const node = this.node(id)
    return node === undefined ? undefined : proofOf(this.history, node)
  }

  /** Ops nobody has followed yet, ascending: what the next op names as seen. */
  heads(): readonly OpId[] { return this.history.heads() }

  /** Decides about what came in since the last time, and keeps the state where only a part of it changed. */
  private settled(): Resolution {
    const { resolution, history } = this
    if (history.nodes.length - resolution.size > MANY_NEW) { resolution.resolve(); this.cached = undefined; this.upset++; this.revisions++ }
    while (resolution.size < history.nodes.length) {
      const node = history.node(resolution.size)
      const before = this.cached
      const quietly = resolution.add(node)
      if (!quietly) this.upset++
      if (!quietly || isRestrictive(node.body)) this.revisions++
      if (!quietly || before === undefined) this.cached = undefined
      else if (!resolution.isVoid(node.index)) this.cached = stateWith(history, new View(history, resolution), before, node)
    }
    return resolution
  }

  /** Grows whenever content that counted may count no longer, or again. */
  get revision(): number {
    this.settled()
    return this.revisions
  }

  private view(past?: Past, also?: number): View { return new View(this.history, this.settled(), past, also) }

  /** The space now. The same object while no op came in. */
  get state(): SpaceState {
    const view = this.view()
    this.cached ??= stateOf(this.history, view)
    return this.cached
  }

  /** Devices that may act. */
  /** Devices that anything here ever certified, whether that counts or not. */
  get everCertified(): ReadonlySet<DeviceId> { return this.history.devices }
  get deviceCount(): number { return this.state.devices.size }

  private keptPast(deps: readonly OpId[]): KeptPast {
    if (this.lastPast?.deps === deps) return this.lastPast.kept
    const key = deps.join(''), known = this.pasts.get(key)
    const kept: KeptPast = known ?? { past: this.history.pastOf(deps), known: new Answered(), authors: new Map() }
    if (known === undefined && this.pasts.size >= MAX_KEPT_PASTS) for (const oldest of this.pasts.keys()) { this.pasts.delete(oldest); break }
    this.pasts.set(key, kept)
    this.lastPast = { deps, kept }
    return kept
  }

  /** The space as an op with these deps saw it, without what is void. */
  stateAt(deps: readonly OpId[]): SpaceState {
    const kept = this.keptPast(deps)
    kept.state ??= stateOf(this.history, this.view(kept.past))
    return kept.state
  }

  devicesAt(deps: readonly OpId[]): ReadonlyMap<DeviceId, DeviceState> { return this.stateAt(deps).devices }

  /** Moments at which ops may have come to stand differently. What was derived from an op and its past holds as long as this is the same. */
  get upheavals(): number { this.settled(); return this.upset }

  /** The certificate by which a device was authorised in an op's past, as one of an audience's readers. */
  certificateAt(id: OpId, device: DeviceId, audience = 0): DeviceState | undefined {
    const index = this.history.indexOf(id)
    if (index === undefined) return undefined
    const view = this.view(this.history.node(index).past)
    const known = deviceState(this.history, view, device)
    return known === undefined || (audience !== 0 && !view.reads(known.identity, audience)) ? undefined : known
  }

  /** What the author of any op, of other parts too, might do at its past. */
  powerBehind(id: OpId): number {
    const index = this.history.indexOf(id)
    if (index === undefined) return 0
    const node = this.history.node(index)
    const view = this.view(node.past)
    const identity = view.deviceOwner(node.device)
    return identity === undefined ? 0 : view.power(identity)
  }

  /** Whether the author of any op knew of another when making it. */
  hasSeen(id: OpId, other: OpId): boolean {
    const index = this.history.indexOf(id), seen = this.history.indexOf(other)
    return index !== undefined && seen !== undefined && this.history.node(index).past.has(seen)
  }

  /** Whether those who came later were to read the past, as the author of any op knew it. */
  historyBehind(id: OpId, audience = 0): HistoryPolicy {
    const index = this.history.indexOf(id)
    return index === undefined ? 'fromJoin' : policyIn(this.history, this.view(this.history.node(index).past), audience)
  }

  /** What the author of any op might do in the space at its past. */
  permissionsBehind(id: OpId): number {
    const index = this.history.indexOf(id)
    if (index === undefined) return 0
    const node = this.history.node(index)
    const view = this.view(node.past)
    const identity = view.deviceOwner(node.device)
    return identity === undefined ? 0 : view.permissions(identity)
  }

  /** Whether a removal or a fork took back what a device did at this place of its chains. */
  isCut(place: ChainPlace): boolean {
    const identity = this.identityOf(place.device)
    return identity === undefined || isTakenBack(this.history, this.settled(), place, identity)
  }

  /** The identity a device speaks for, member or not, authorised or not. */
  identityOf(device: DeviceId): IdentityId | undefined { return this.whose.of(this.size, device, (one) => certifier(this.history, one)) }

  /** The identity that a device may act for at that past. */
  deviceAt(device: DeviceId, deps: readonly OpId[]): IdentityId | undefined { return this.view(this.keptPast(deps).past).deviceOwner(device) }

  powerAt(device: DeviceId, deps: readonly OpId[]): number {
    const view = this.view(this.keptPast(deps).past)
    const identity = view.deviceOwner(device)
    return identity === undefined ? 0 : view.power(identity)
  }

  /** Whoever was ever let in, or asked to be. */
  get everJoined(): ReadonlySet<IdentityId> { return this.history.identities }

  /** How somebody last called themselves, members or not. */
  nameOf(identity: IdentityId): string { return this.names.of(this.size, identity, (one) => this.view().nameOf(one)) }

  /** Why a command would be void, before an op is made of it; undefined when it may be done. */
  refuse(identity: IdentityId, body: AuthorityBody, deps?: readonly OpId[], device?: DeviceId): Reason | undefined {
    // What nobody could read would count for nobody.
    if (decodeAuthorityBody(body.type, encodeAuthorityBody(body)) === undefined) return { code: 'cuts' in body && body.cuts.length > MAX_CUT_DEVICES ? 'too-many-devices' : 'malformed' }
    const view = deps === undefined ? this.view() : this.view(this.keptPast(deps).past)
    return permitted({ body, author: identity, device, hlc: 0, invite: undefined }, view)
  }

  /** As `refuse`, for a joining by that invite at a time (ms). */
  refuseJoin(identity: IdentityId, device: DeviceId, invite: InviteId, now: number): Reason | undefined {
    const view = this.view(), none = new Uint8Array()
    const body: AuthorityBody = { type: 'join', invite, identityPk: none, cert: none, displayName: '', proof: none }
    return permitted({ body, author: identity, device, hlc: now * HLC_STEP, invite: view.register(`invite ${invite}`) }, view)
  }

  /** Equal for equal sets of ops, however they came. */
  stateHash(): string { return toHex(this.suite.sha256(encodeState(this.state))) }

  /** Where an authority or group op stands. Unknown ops are void: nothing may rest on them. */
  verdict(id: OpId): Verdict {
    const index = this.history.indexOf(id)
    if (index === undefined) return { type: 'void', reason: { code: 'malformed' } }
    const reason = this.settled().reason(index)
    return reason === undefined ? { type: 'valid' } : { type: 'void', reason }
  }

  /** Whether the cut of a restriction that counts works: not where it took its own author's ground twice (A15). */
  worksByCut(id: OpId): boolean {
    const index = this.history.indexOf(id)
    return index !== undefined && this.settled().isChosen(index)
  }

  /**
   * The ops that put a device out: what ended its person's membership or revoked it, or decided that the joining never counted. None for a device that may act,
   * and for one that nobody ever certified.
   */
  putOut(device: DeviceId): OpId[] {
    const identity = this.identityOf(device), view = this.view()
    if (identity === undefined || view.deviceOwner(device) !== undefined) return []
    const ends = [...view.each(`out ${identity}`), ...view.each(`revoke ${device}`)].map((index) => this.history.node(index).id)
    const voids = [...this.history.writes(`cert ${device}`), ...this.history.writes(`in ${identity}`)].flatMap((index) => this.explain(this.history.node(index).id).slice(1))
    return [...new Set([...ends, ...voids.map(({ op }) => op)])]
  }

  /** From a void op to the one that decided against it; empty for one that counts. */
  explain(id: OpId): Step[] {
    const index = this.history.indexOf(id)
    return index === undefined ? [] : explain(this.history, this.settled(), index)
  }

  /** Whether a content op counts: what its author might do at its past, less what was taken away at the same time. */
  contentVerdict(header: ContentHeader): Verdict {
    const { past, known, authors } = this.keptPast(header.deps)
    const author = authors.get(header.device) ?? certifier(this.history, header.device, past) ?? this.identityOf(header.device)
    if (author !== undefined) authors.set(header.device, author)
    const reason = judgeContent(this.history, this.settled(), { author, header, past, known }, (p, also) => this.view(p, also))
    return reason === undefined ? { type: 'valid' } : { type: 'void', reason }
  }

  /** The op that an audience's group hangs off: the first to say who reads it; of several at once the smallest id. */
  openingOf(audience: number): OpId | undefined {
    const writes = [...this.view().each(`audience ${audience}`)].map((index) => this.history.node(index))
    return writes.filter((node) => !writes.some((other) => node.past.has(other.index))).map((node) => node.id).sort()[0]
  }

  /** Whether an audience may still get channels: not when all it ever had are deleted. */
  hasEnded(audience: number): boolean { return this.view().endedAudiences().has(audience) }

  /** Whether anybody ever set a slow mode there, allowed or not: only then a message's gap matters. */
  everSlow(channel: ChannelId): boolean { return this.history.writes(`slow ${channel}`).length > 0 }

  permissionsIn(identity: IdentityId, channel: ChannelId): number { return this.view().permissionsIn(identity, channel) }

  /** How far we have seen an identity's devices: for a restriction made now. `heads` are those of the whole chains, content included. */
  cutsFor(identity: IdentityId, heads: ReadonlyMap<DeviceId, ChainHead>): Cut[] {
    const last = new Map<DeviceId, { chanSeq: number; id: OpId }>()
    for (const index of this.history.byAuthor.get(identity) ?? []) {
      const node = this.history.node(index)
      const known = last.get(node.device)
      if (known === undefined || node.chanSeq > known.chanSeq) last.set(node.device, { chanSeq: node.chanSeq, id: node.id })
    }
    const devices = [...this.history.devices].filter((device) => this.identityOf(device) === identity).sort()
    return devices.map((device) => {
      const head = heads.get(device)
      return { device, seq: head?.seq ?? 0, head: head?.id, authority: last.get(device)?.id }
    }).filter((cut) => cut.seq > 0 || cut.authority !== undefined)
  }

  /** Whether somebody was removed by an op that the invite's author had not seen. */
  removedSince(invite: InviteId): boolean {
    const view = this.view()
    const made = view.register(`invite ${invite}`)
    if (made === undefined) return true
    const { past } = this.history.node(made)
    return [...this.history.identities].some((i) => [...view.each(`out ${i}`)].some((out) => !past.has(out)))
  }

  /** Whose links somebody came in by. Clean: each removal was seen by the maker, or came after the joining, so that nobody who was put out knew the link. */
  joinings(identity: IdentityId): { readonly join: OpId; readonly invite: OpId; readonly maker: IdentityId; readonly clean: boolean }[] {
    const view = this.view()
    const removals = [...this.history.identities].flatMap((i) => [...view.each(`out ${i}`)])
    return [...view.each(`in ${identity}`)].flatMap((join) => {
      const { id, invite } = this.history.node(join)
      const offer = invite === undefined ? undefined : this.history.node(invite)
      if (offer?.author === undefined) return []
      return [{ join: id, invite: offer.id, maker: offer.author, clean: removals.every((out) => offer.past.has(out) || this.history.node(out).past.has(join)) }]
    })
  }

  /** A label before which a device's person can't have been here: that of the link by which they came in first, or of the genesis. Infinity for who never did. */
  invitedAt(device: DeviceId): number {
    return this.invited.of(this.size, device, () => {
      const identity = this.identityOf(device), came = identity === undefined ? [] : [...this.view().each(`in ${identity}`)].map((index) => this.history.node(index))
      return Math.min(...came.map((node) => (node.invite === undefined ? node : this.history.node(node.invite)).label))
    })
  }

  /** Whether nothing that this device signs from now on counts, since it signed twice for one place. */
  isFrozen(device: DeviceId): boolean { return this.settled().freezeOf(device) !== undefined }

  /** The number in its chain from which a proof has frozen a device: Infinity where only the ops themselves show the fork, undefined for the rest. */
  provenFrom(device: DeviceId): number | undefined { return this.settled().freezeOf(device)?.seq }

  /** Whether somebody ever made this channel, allowed or not: what names another is about nothing. */
  everHad(channel: ChannelId): boolean { return this.history.channels.has(channel) }

  /** Devices that signed two different ops for one place, strangers' included. */
  get equivocations(): readonly DeviceId[] {
    return [...new Set([...this.history.forks.keys(), ...this.settled().frozenDevices()])].sort()
  }
}

/** Answers that hold while no op comes in. */
class Answers<K, V> {
  private readonly known = new Map<K, V>()
  private size = 0

  of(size: number, key: K, ask: (key: K) => V): V {
    if (this.size !== size) { this.known.clear(); this.size = size }
    if (!this.known.has(key)) this.known.set(key, ask(key))
    return this.known.get(key) as V
  }
}
