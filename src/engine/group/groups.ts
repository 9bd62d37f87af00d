/**
 * One space's MLS group as this device holds it: the tree of epochs, the states it can continue from, and the keys they gave.
 *
 * Membership is decided by authority; MLS follows. Commits are ops, each naming one parent epoch. Every branch whose parent state is here is
 * processed, so that whichever wins, its keys are at hand. A device can't process its own commit: its new state is saved under the
 * commit's id in the same transaction as the op, before anyone sees it.
 */
import type { Ciphersuite } from '../../ports.ts'
import { equal, fromHex, toHex } from '../../wire/bytes.ts'
import type { Breakage, BundleBody, CommitBody } from '../../wire/group.ts'
import type { DeviceId, EpochId, OpId, SpaceId } from '../../wire/ids.ts'
import { HLC_STEP, type Op } from '../../wire/op.ts'
import { EpochKeys } from '../content/keys.ts'
import { LABELS } from '../labels.ts'
import { KEPT_EPOCH_STATES, MAX_BUNDLES, MAX_BUNDLES_OF_ONE, MAX_COMMITS_A_STEP } from '../limits.ts'
import { Grants, greediest } from './grants.ts'
import { beyondHorizon } from './horizon.ts'
import { encodeTree, exportSecret, inspectCommit, joinFromWelcome, leaves, type MlsContext, type MlsSelf, type MlsState, processCommit, REMOVES_US } from './mls.ts'
import { Lies } from './lies.ts'
import { Rejects } from './rejects.ts'
import { treeAfter } from './public-tree.ts'
import { States } from './states.ts'
import { type EpochNode, EpochTree } from './tree.ts'
import { hexDevice, type Membership, objectionTo, type Objection, type Shape, shapeOf } from './validity.ts'

/** Something new that must be saved: a key or a state. */
export type Gain = { readonly type: 'key'; readonly epoch: EpochId; readonly secret: Uint8Array } | { readonly type: 'state'; readonly epoch: EpochId; readonly state: MlsState }

/** A device that comes back to the way to the tip, and the newest epoch that it can open. */
export interface Back { readonly device: DeviceId; readonly known: EpochId }

/** What the groups of one space's audiences have in common on a device: none of it opens anything. */
export interface Shared {
  /** Ratchet trees by SHA-256, for joiners who know only the hash. */
  readonly trees: Map<string, Uint8Array>
  /** Secret halves of this device's key packages, by the hex of SHA-256 of the public half. */
  readonly packages: Map<string, { readonly public: Uint8Array; readonly secret: Uint8Array }>
  /** Devices whose newest key package is not theirs, or no key package: nobody can add them until they publish another. */
  readonly unusable: Set<DeviceId>
  /** Noted once: a group that counts again reads its ops anew. */
  readonly lies: Lies
}

export class Groups {
  readonly keys: EpochKeys
  readonly tree: EpochTree
  readonly states: States
  /** Well-formed commits by the epoch they make. */
  readonly commits = new Map<EpochId, CommitBody>()
  private readonly shapes = new Map<EpochId, Shape>()
  private readonly rejects: Rejects
  /** What stands, as of so many upheavals of authority. */
  private readonly objections = new Map<EpochId, Objection | undefined>()
  private judgedAt = -1
  /** Well-formed commits that MLS refuses, though their parent's state is here. */
  private readonly broken = new Map<EpochId, Breakage>()
  readonly trees: Shared['trees']
  /** Bundles that may still tell something, and when they were made. */
  private bundles: { readonly op: OpId; readonly body: BundleBody; readonly device: DeviceId; readonly at: number }[] = []
  readonly lies: Shared['lies']
  /** Epochs whose secret somebody has told to the others, in truth, and when (ms). */
  private readonly bundledAt = new Map<EpochId, number>()
  /** Those, by the epoch whose secret opens the bundle. */
  private readonly bundledUnder = new Map<EpochId, EpochId[]>()
  /** Whether a back-link holds what it says, as far as both secrets are here. */
  private readonly links = new Map<EpochId, boolean>()
  readonly grants: Grants
  /** Whether commits are left that the last `advance` had no time for. */
  isBehind = false
  /** Whether commits, bundles or keys came since sealed secrets were last looked at. */
  private mayOpen = true
  readonly unusable: Shared['unusable']
  private readonly untried: EpochId[] = []
  /** Epochs whose trees were worked out, or couldn't be. */
  private readonly workedOut = new Set<EpochId>()
  private readonly suite: Ciphersuite
  private readonly space: SpaceId
  private readonly members: Membership
  private readonly self: MlsSelf
  private readonly context: MlsContext
  readonly packages: Shared['packages']
  /** Of those, the ones a welcome was opened with. */
  readonly usedPackages = new Set<string>()

  constructor(suite: Ciphersuite, space: SpaceId, self: MlsSelf, members: Membership, shared: Shared) {
    this.suite = suite
    this.space = space
    this.self = self
    this.members = members
    this.trees = shared.trees
    this.packages = shared.packages
    this.unusable = shared.unusable
    this.lies = shared.lies
    this.keys = new EpochKeys(suite)
    this.states = new States((bytes) => suite.sha256(bytes))
    this.rejects = new Rejects(members)
    this.grants = new Grants(hexDevice(self.device.publicKey))
    this.tree = new EpochTree({
      stands: (epoch) => this.stands(epoch), power: (epoch) => members.powerBehind(epoch), identityOf: (device) => members.identityOf(device),
      isCut: (place) => members.isCut(place), version: () => members.size(),
    })
    this.context = { suite, validate: (credential, key) => equal(credential.device, key) && members.identityOf(hexDevice(credential.device)) !== undefined }
  }

  get mls(): MlsContext { return this.context }
  private get device(): DeviceId { return hexDevice(this.self.device.publicKey) }

  /** MLS authenticated data: binds a commit to its space, author and parent, so that it can't be carried elsewhere. */
  binding(device: DeviceId, parent: EpochId): Uint8Array {
    return this.suite.sha256(LABELS.commitBinding, fromHex(this.space) as Uint8Array, fromHex(device) as Uint8Array, fromHex(parent) as Uint8Array)
  }

  /** The context that makes an epoch secret depend on the whole commit, not on MLS state alone. */
  exporterContext(parent: EpochId, mls: Uint8Array): Uint8Array {
    return this.suite.sha256(LABELS.epochContext, fromHex(parent) as Uint8Array, mls)
  }

  secretOf(state: MlsState, parent: EpochId, mls: Uint8Array): Promise<Uint8Array> {
    return exportSecret(this.context, state, LABELS.epochExporter, this.exporterContext(parent, mls), 32)
  }

  addRoot(id: EpochId, device: DeviceId, hlc: number): void { this.tree.addRoot(id, device, hlc / HLC_STEP) }

  /**
   * Takes a commit op. One that breaks a rule which everyone checks without MLS state is no child of its parent for anybody; nor is one whose author had not
   * seen that parent: ops come after their past, so a parent that was seen is here, and the order of delivery decides nothing.
   */
  addCommit(op: Op, body: CommitBody): void {
    const parent = this.tree.nodes.get(body.parent)
    const seen = inspectCommit(body.mls)
    if (parent === undefined || seen === undefined || this.commits.has(op.id) || !this.members.hasSeen(op.id, body.parent)) return
    const author = op.header.device
    const shape = shapeOf(parent, author, body, seen, fromHex(this.space) as Uint8Array, this.binding(author, body.parent))
    if (typeof shape === 'string') return
    this.commits.set(op.id, body)
    this.shapes.set(op.id, shape)
    this.tree.add({ id: op.id, parent: body.parent, depth: parent.depth + 1, author, removes: shape.removed.length > 0, at: op.header.hlc / HLC_STEP, leaves: shape.leaves, children: [] })
    this.untried.push(op.id)
    this.mayOpen = true
  }

  /** Whether a commit counts: authority permits it at its past, and those who hold its parent's state don't refuse it. */
  stands(epoch: EpochId): boolean {
    return this.objection(epoch) === undefined && !this.isRejected(epoch)
  }

  /** Why a commit op doesn't count; undefined for one that does. */
  whyNot(epoch: EpochId): Objection | 'malformed' | 'rejected' | undefined {
    if (!this.commits.has(epoch)) return 'malformed'
    return this.objection(epoch) ?? (this.isRejected(epoch) ? 'rejected' : undefined)
  }

  private objection(epoch: EpochId): Objection | undefined {
    const upheavals = this.members.upheavals()
    if (upheavals !== this.judgedAt) { this.objections.clear(); this.judgedAt = upheavals }
    const shape = this.shapes.get(epoch)
    if (shape === undefined) return undefined
    if (!this.objections.has(epoch)) this.objections.set(epoch, objectionTo(epoch, shape, this.members))
    return this.objections.get(epoch)
  }

  private isRejected(epoch: EpochId): boolean {
    const parent = this.tree.nodes.get(this.tree.nodes.get(epoch)?.parent as EpochId)
    return parent !== undefined && this.rejects.isRejected(epoch, () => this.tree.identities(parent))
  }

  addReject(op: Op, epoch: EpochId): void { this.rejects.add(op.id, op.header.device, epoch) }

  /** The first epoch on the canonical path that this device knows to be broken and has not said so. */
  toReject(): { readonly epoch: EpochId; readonly why: Breakage } | undefined {
    for (const epoch of this.broken.size === 0 ? [] : this.tree.path()) {
      const why = this.broken.get(epoch)
      if (why === undefined) continue
      const me = this.members.identityOf(this.device)
      return me === undefined || this.rejects.isRejectedBy(epoch, me) ? undefined : { epoch, why }
    }
    return undefined
  }

  addBundle(op: Op, body: BundleBody): void {
    const { device, hlc } = op.header
    if (this.bundles.filter((b) => b.device === device).length >= MAX_BUNDLES_OF_ONE) this.forgetBundle(device)
    if (this.bundles.length >= MAX_BUNDLES) this.forgetBundle(greediest(this.bundles) ?? device)
    this.bundles.push({ op: op.id, body, device, at: hlc / HLC_STEP })
    this.mayOpen = true
  }

  private forgetBundle(device: DeviceId): void { this.bundles.splice(this.bundles.findIndex((b) => b.device === device), 1) }

  /** Whether somebody has told this epoch's secret to the others: a bundle that doesn't match the commitment tells nothing. */
  isBundled(epoch: EpochId): boolean { return this.bundledAt.has(epoch) }

  /** Of how many epochs somebody has. */
  get bundled(): number { return this.bundledAt.size }

  /** What was worked out from the tree, the tip and the keys, again only when one of them is another. */
  remembered(work: () => readonly EpochId[]): readonly EpochId[] {
    const of = `${this.tip()} ${this.commits.size} ${this.keys.size} ${this.bundledAt.size} ${this.members.upheavals()}`
    if (this.memory?.of !== of) this.memory = { of, value: work() }
    return this.memory.value
  }

  private memory: { readonly of: string; readonly value: readonly EpochId[] } | undefined

  /** Puts a state this device made itself: saved before its commit is sent. */
  addOwn(epoch: EpochId, state: MlsState, secret: Uint8Array): void {
    this.states.set(epoch, state)
    this.gainKey(epoch, secret)
    const at = this.untried.indexOf(epoch)
    if (at >= 0) this.untried.splice(at, 1)
  }

  /** `relayKey`: as it was found in the epoch before. */
  gainKey(epoch: EpochId, secret: Uint8Array, relayKey?: Uint8Array): void {
    this.keys.add(epoch, secret)
    this.mayOpen = true
    const body = this.commits.get(epoch)
    if (body === undefined) return
    const found = relayKey ?? this.keys.relayKeyIn(secret, body.relayKey)
    if (found !== undefined) this.keys.relayKeys.set(epoch, found)
  }

  /**
   * Tries commits whose parent state (or welcome) is here, the tip's path first, then every sealed secret, to the fixpoint. Returns what must be saved.
   * So many a call: a flood of commits must not keep this device from anything else. The caller comes back while it `isBehind`.
   */
  async advance(): Promise<Gain[]> {
    const gains: Gain[] = []
    const path = new Set(this.untried.length > MAX_COMMITS_A_STEP ? this.tree.path() : [])
    let tries = 0
    // Parents come before their children: one walk suffices, and what can't be processed in it hangs off a state that won't come any more.
    const later = new Set<EpochId>()
    for (const epoch of this.untried.splice(0).sort((a, b) => Number(path.has(b)) - Number(path.has(a)))) {
      const body = this.commits.get(epoch)
      // MLS has no way for authors to process what they made: who let its state go, and needs it again, comes in anew.
      if (body === undefined || this.states.has(epoch) || this.tree.nodes.get(epoch)?.author === this.device) continue
      const isTriable = this.states.has(body.parent) || (this.awaitsTree(epoch) && this.hasTree(body.treeHash))
      if (isTriable && tries < MAX_COMMITS_A_STEP) { tries++; await this.tryCommit(epoch, body, gains) }
      else if (isTriable || this.awaitsTree(epoch) || later.has(body.parent)) later.add(epoch)
    }
    this.untried.push(...later)
    this.isBehind = tries >= MAX_COMMITS_A_STEP
    await this.workOutTrees(later)
    this.openSealed(gains)
    return gains
  }

  /** Trees that are wanted here, by the commits from one that is here on, or from the founding: it may be that nobody has them any more. */
  private async workOutTrees(later: ReadonlySet<EpochId>): Promise<void> {
    const tip = this.tip(), added = [...later].filter((epoch) => this.awaitsTree(epoch))
    for (const epoch of tip === undefined || this.states.has(tip) ? added : [...added, tip]) {
      const way: CommitBody[] = []
      let before = this.commits.get(epoch)
      for (; before !== undefined && this.treeFor(before.treeHash) === undefined && way.length <= KEPT_EPOCH_STATES; before = this.commits.get(before.parent)) way.unshift(before)
      if (way.length === 0 || way.length > KEPT_EPOCH_STATES || this.workedOut.has(epoch)) continue
      this.workedOut.add(epoch)
      let tree = before === undefined ? undefined : this.treeFor(before.treeHash)
      for (const { mls, treeHash } of way) {
        tree = await treeAfter(tree, mls, this.suite)
        if (tree === undefined || !equal(this.suite.sha256(tree), treeHash)) break
        this.addTree(tree)
      }
      // Whoever it adds can come in now.
      if (tree !== undefined && later.has(epoch)) this.isBehind = true
    }
  }

  /** Whether this commit added us and we were never in its epoch: with the tree, its welcome lets us in. */
  private awaitsTree(epoch: EpochId): boolean {
    const { device } = this
    const body = this.commits.get(epoch)
    const before = body === undefined ? undefined : this.tree.nodes.get(body.parent)
    return body?.welcome !== undefined && !this.keys.has(epoch) && this.tree.nodes.get(epoch)?.leaves.includes(device) === true && before?.leaves.includes(device) !== true
  }

  private async tryCommit(epoch: EpochId, body: CommitBody, gains: Gain[]): Promise<void> {
    const parent = this.states.get(body.parent)
    const state = parent === undefined ? await this.tryWelcome(body) : await processCommit(this.context, parent, body.mls)
    if ('reason' in state) {
      if (parent !== undefined && state.reason !== REMOVES_US) this.broken.set(epoch, 'mls')
      return
    }
    const secret = await this.secretOf(state, body.parent, body.mls)
    const refusal = !this.leavesAgree(epoch, state) ? 'leaves' : !this.keys.matches(secret, body.check) || !this.isKitOf(secret, body) ? 'check' : !this.isTreeOf(state, body) ? 'tree' : undefined
    if (refusal !== undefined) { if (parent !== undefined) this.broken.set(epoch, refusal); return }
    this.states.set(epoch, state)
    this.gainKey(epoch, secret)
    gains.push({ type: 'state', epoch, state }, { type: 'key', epoch, secret })
    if (this.linksFalsely(epoch)) this.lies.note(epoch, this.tree.nodes.get(epoch)?.author as DeviceId)
  }

  /** Newcomers believe no other tree than the one that a commit names. */
  private isTreeOf(state: MlsState, { treeHash }: CommitBody): boolean { return equal(this.suite.sha256(encodeTree(state)), treeHash) }

  /** Newcomers believe no other keys than those that a commit names. Once commits name them, none goes back behind that. */
  private isKitOf(secret: Uint8Array, { parent, relayKey, kitCheck }: CommitBody): boolean {
    if (kitCheck === undefined) return this.commits.get(parent)?.kitCheck === undefined
    const right = this.keys.kitCheck(secret, relayKey)
    return right !== undefined && equal(right, kitCheck)
  }

  private leavesAgree(epoch: EpochId, state: MlsState): boolean {
    const expected = this.tree.nodes.get(epoch)?.leaves ?? []
    const found = leaves(state)
    return found.length === expected.filter((d) => d !== undefined).length && found.every((l) => expected[l.index] === hexDevice(l.device))
  }

  private async tryWelcome(body: CommitBody): Promise<MlsState | { reason: string }> {
    const tree = this.trees.get(hex(body.treeHash))
    if (tree === undefined || body.welcome === undefined) return { reason: 'no tree' }
    for (const pkg of this.packages.values()) {
      const state = await joinFromWelcome(this.context, body.welcome, tree, pkg, this.self)
      if (!('reason' in state)) { this.usedPackages.add(hex(this.suite.sha256(pkg.public))); return state }
    }
    return { reason: 'no key package of ours fits' }
  }

  /**
   * The nearest epoch, from this one back, that can be sealed under here, whose topic is known and whose leaves will do; where there is none, the deepest such one of another
   * branch, by which this device came in.
   */
  nearest(from: EpochId | undefined, fits: (leaves: readonly (DeviceId | undefined)[]) => boolean): EpochId | undefined {
    const will = (node: EpochNode): boolean => this.keys.envelope(node.id) !== undefined && this.keys.relayKeys.has(node.id) && fits(node.leaves)
    const before = this.wayTo(from), found = before.find(will)
    if (found !== undefined) return found.id
    const beside = [...this.states.keys()].flatMap((epoch) => this.tree.nodes.get(epoch) ?? []).filter((node) => will(node) && !this.wayTo(node.id).some(({ id }) => id === from))
    return beside.sort((a, b) => b.depth - a.depth)[0]?.id
  }

  /** An epoch and those before it. */
  private wayTo(epoch: EpochId | undefined): EpochNode[] {
    const way: EpochNode[] = []
    for (let node = this.tree.nodes.get(epoch as EpochId); node !== undefined; node = this.tree.nodes.get(node.parent as EpochId)) way.push(node)
    return way
  }

  /** The devices a commit adds that sit on another branch, each with the deepest epoch both branches share, whose envelope it can open. */
  onOtherBranches(commit: EpochId): Back[] {
    const node = this.tree.nodes.get(commit), way = this.wayTo(node?.parent), path = new Set(way.map(({ id }) => id)), out = new Map<string, Back>()
    for (const device of node?.leaves ?? []) {
      if (device === undefined || way[0]?.leaves.includes(device) !== false) continue
      for (const other of this.tree.nodes.values()) {
        if (path.has(other.id) || other.id === commit || !other.leaves.includes(device)) continue
        const shared = this.wayTo(other.id).find(({ id }) => path.has(id))
        if (shared !== undefined && shared.id !== node?.parent) out.set(device + shared.id, { device, known: shared.id })
      }
    }
    return [...out.values()]
  }

  /**
   * The devices that a commit adds, that had a leaf before, and that are this device's to tell: of what came since they know nothing, not even that they are back. `known`: the newest epoch
   * of theirs that can be sealed under here. The commit's author may be somebody who came after they were gone; then the first of those in the group tells who were in it with them.
   */
  broughtBack(commit: EpochId): Back[] {
    const node = this.tree.nodes.get(commit), way = this.wayTo(node?.parent), here = new Set(way[0]?.leaves), me = hexDevice(this.self.device.publicKey)
    return (node?.leaves ?? []).flatMap((device) => {
      if (device === undefined || device === node?.author || here.has(device)) return []
      const shared = way.filter(({ leaves }) => leaves.includes(device)), knew = new Set(shared.flatMap(({ leaves }) => leaves))
      const teller = knew.has(node?.author) ? node?.author : [...here].filter((one) => one !== undefined && knew.has(one) && node?.leaves.includes(one)).sort()[0]
      const known = teller === me ? shared.find(({ id }) => this.keys.has(id) && this.keys.relayKeys.has(id)) : undefined
      return known === undefined ? [] : [{ device, known: known.id }]
    })
  }

  hasTree(hash: Uint8Array): boolean { return this.trees.has(hex(hash)) }

  /** Tree hashes whose tree we lack and need: to join from a welcome, or to join the tip from outside. */
  wantedTrees(tip: EpochId | undefined): Uint8Array[] {
    const out: Uint8Array[] = []
    const me = hexDevice(this.self.device.publicKey)
    for (const epoch of [...this.untried.filter((e) => this.tree.nodes.get(e)?.leaves.includes(me)), ...(tip === undefined || this.states.has(tip) ? [] : [tip])]) {
      const hash = this.commits.get(epoch)?.treeHash
      if (hash !== undefined && !this.trees.has(hex(hash)) && out.length < 8) out.push(hash)
    }
    return out
  }

  /** A tree by its hash: kept, or taken from a state that has it. */
  treeFor(hash: Uint8Array): Uint8Array | undefined {
    const kept = this.trees.get(hex(hash))
    if (kept !== undefined) return kept
    for (const epoch of this.states.keys()) {
      const body = this.commits.get(epoch)
      const state = body !== undefined && equal(body.treeHash, hash) ? this.states.get(epoch) : undefined
      if (state !== undefined) return encodeTree(state)
    }
    return undefined
  }

  addTree(tree: Uint8Array): string {
    const hash = hex(this.suite.sha256(tree))
    this.trees.set(hash, tree)
    return hash
  }

  /** Back-links and bundles: each secret must match the commitment its commit was signed with. */
  private openSealed(gains: Gain[]): void {
    while (this.mayOpen) {
      this.mayOpen = false
      for (const [epoch, body] of this.commits) {
        const secret = this.keys.secret(epoch)
        if (secret === undefined || body.backLink === undefined || this.keys.has(body.parent)) continue
        this.believe(body.parent, this.keys.openSecret(secret, LABELS.backLink, body.backLink), gains)
      }
      this.bundles = this.bundles.filter((bundle) => !this.openBundle(bundle, gains))
    }
  }

  /** True when the bundle has told all that it can. */
  private openBundle({ op, body: bundle, device, at }: Groups['bundles'][number], gains: Gain[]): boolean {
    const under = this.keys.secret(bundle.under)
    if (under === undefined) return false
    let isDone = true
    for (const { epoch, sealed } of bundle.secrets) {
      const check = this.commits.get(epoch)?.check
      if (check === undefined) { isDone = false; continue }
      const secret = this.keys.openSecret(under, LABELS.bundle, sealed)
      // Whoever made it had both secrets, and what their commits promise.
      if (secret === undefined || !this.keys.matches(secret, check)) { this.lies.note(op, device); continue }
      // In whatever order they come, as after a restart: the latest says when, and each leads there.
      this.bundledAt.set(epoch, Math.max(this.bundledAt.get(epoch) ?? 0, at))
      this.bundledUnder.set(bundle.under, [...new Set(this.bundledUnder.get(bundle.under)).add(epoch)])
      if (!this.keys.has(epoch)) this.believe(epoch, secret, gains)
    }
    return isDone
  }

  /** Where the secret of an epoch leads: to its parent's by its back-link, to others by bundles. */
  linksOf(epoch: EpochId): EpochId[] {
    const parent = this.commits.get(epoch)?.parent
    return [...parent !== undefined && this.isLinked(epoch) ? [parent] : [], ...this.bundledUnder.get(epoch) ?? []]
  }

  /** Whether this epoch's back-link opens its parent's secret, which must both be here. */
  isLinked(epoch: EpochId): boolean {
    const known = this.links.get(epoch)
    if (known !== undefined) return known
    const body = this.commits.get(epoch), under = this.keys.secret(epoch)
    const secret = body === undefined ? undefined : this.keys.secret(body.parent)
    if (body?.backLink === undefined || under === undefined || secret === undefined) return false
    const opened = this.keys.openSecret(under, LABELS.backLink, body.backLink)
    const isTrue = opened !== undefined && equal(opened, secret)
    this.links.set(epoch, isTrue)
    return isTrue
  }

  /** Whether an epoch's back-link is a lie, as far as both secrets are here: whoever made it had both. */
  linksFalsely(epoch: EpochId): boolean {
    const body = this.commits.get(epoch)
    return body?.backLink !== undefined && this.keys.has(epoch) && this.keys.has(body.parent) && !this.isLinked(epoch)
  }

  /** Whether this isn't the secret that an epoch's commit promised. */
  isWrong(epoch: EpochId, secret: Uint8Array): boolean {
    const check = this.commits.get(epoch)?.check
    return check !== undefined && !this.keys.matches(secret, check)
  }

  /** Takes a secret told by others only if it is the one its commit promised. */
  believe(epoch: EpochId, secret: Uint8Array | undefined, gains: Gain[]): boolean {
    const check = this.commits.get(epoch)?.check
    if (secret === undefined || check === undefined || !this.keys.matches(secret, check)) return false
    this.gainKey(epoch, secret)
    gains.push({ type: 'key', epoch, secret })
    return true
  }

  tip(): EpochId | undefined { const path = this.tree.path(); return path[path.length - 1] }

  /** Drops states that nothing can hang off any more, and returns their epochs. `now` in ms. */
  prune(now: number): EpochId[] {
    const out = this.due(this.states.keys(), now)
    this.states.delete(out)
    return out
  }

  /** Those of them that need not be kept any longer. */
  due(held: Iterable<EpochId>, now: number): EpochId[] { return beyondHorizon(this.tree, held, this.bundledAt, now) }

  /** Hashes (hex) of trees that somebody may still ask for or join by: the rest of those that commits name can go. */
  treesInUse(): { readonly named: ReadonlySet<string>; readonly needed: ReadonlySet<string> } {
    const named = new Set<string>(), needed = new Set<string>()
    const tip = this.tip(), untried = new Set(this.untried)
    const least = (tip === undefined ? 0 : this.tree.nodes.get(tip)?.depth ?? 0) - KEPT_EPOCH_STATES
    for (const [epoch, { treeHash }] of this.commits) {
      named.add(hex(treeHash))
      if (untried.has(epoch) || (this.tree.nodes.get(epoch)?.depth ?? 0) >= least) needed.add(hex(treeHash))
    }
    return { named, needed }
  }
}

const hex = toHex
export { hexDevice, type Membership }
