/**
 * The tree of epochs and the one function that chooses its tip.
 *
 * Nobody orders commits, so one epoch can get several children. Every device must choose the same one from the same ops, without asking:
 *
 *   vote(i, P) = the child of P in whose subtree the first op below P of a device of identity i lies that has a leaf in P (content names its epoch, a commit names itself)
 *   rank(k)    = (-votes, -power of the commit's author, enacts a removal first, epoch id); the smallest wins
 *   tip        = from the root, step to the best-ranked valid child until there is none
 *
 * First-vote support makes the larger side of a partition win and makes a child with a majority final; a back-dated private
 * chain gains nothing. Nothing else in the engine may choose between branches.
 */
import type { ChannelId, DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import type { ChainPlace } from '../../wire/op.ts'

export interface EpochNode {
  readonly id: EpochId
  readonly parent: EpochId | undefined
  /** MLS's own epoch number: the depth below the root. */
  readonly depth: number
  readonly author: DeviceId
  readonly removes: boolean
  /** Its author's clock (ms): a label, by which old states are dropped; never a reason to choose. */
  readonly at: number
  /** Devices by leaf index after this epoch; undefined where the leaf is blank. */
  readonly leaves: readonly (DeviceId | undefined)[]
  readonly children: EpochId[]
}

/** What the choice depends on besides the tree: asked each time, since ops that come later may change the answer. */
export interface Electorate {
  /** Whether an epoch's commit counts. */
  stands(epoch: EpochId): boolean
  /** Of a commit's author, at the commit's past. */
  power(epoch: EpochId): number
  identityOf(device: DeviceId): IdentityId | undefined
  /** Whether what a device did at this place of its chains was taken back by a removal or a fork, or stands where not all who are in the group can know it. */
  isCut(place: ChainPlace): boolean
  /** Another number whenever one of these answers may be another. */
  version(): number
}

export interface Vote extends ChainPlace { readonly id: OpId }
export interface Choice { readonly child: EpochId; readonly vote: Vote }

const earlier = (a: Vote, b: Vote): boolean => a.seq < b.seq || (a.seq === b.seq && a.id < b.id)

export class EpochTree {
  readonly nodes = new Map<EpochId, EpochNode>()
  /** The first op of each chain that names an epoch: what is taken back in one channel must not hide what counts in another. */
  private readonly firsts = new Map<EpochId, Map<string, Vote>>()
  private rootId: EpochId | undefined
  private readonly electorate: Electorate
  private changes = 0
  private chosen: { readonly changes: number; readonly version: number; readonly path: readonly EpochId[] } | undefined

  constructor(electorate: Electorate) { this.electorate = electorate }

  get root(): EpochId | undefined { return this.rootId }

  addRoot(id: EpochId, device: DeviceId, at = 0): void {
    this.rootId = id
    this.nodes.set(id, { id, parent: undefined, depth: 0, author: device, removes: false, at, leaves: [device], children: [] })
    this.changes++
  }

  add(node: EpochNode): void {
    if (this.nodes.has(node.id)) return
    this.nodes.set(node.id, node)
    const siblings = (this.nodes.get(node.parent as EpochId) as EpochNode).children
    siblings.push(node.id)
    siblings.sort()
    this.changes++
  }

  /** The devices that somebody else's commit adds, and that had no leaf anywhere before. */
  addedFirst(commit: EpochId): DeviceId[] {
    const node = this.nodes.get(commit), before = this.nodes.get(node?.parent as EpochId)?.leaves ?? []
    const added = (node?.leaves ?? []).filter((device) => device !== undefined && device !== node?.author && !before.includes(device)) as DeviceId[]
    return added.length === 0 ? added : added.filter((device) => [...this.nodes.values()].every(({ id, leaves }) => id === commit || !leaves.includes(device)))
  }

  /** An op of `device` that names `epoch`. Only the first of its chain (lowest number, then id) counts. True when that changed something. */
  vote(epoch: EpochId, device: DeviceId, seq: number, id: OpId, channel?: ChannelId, chanSeq?: number): boolean {
    const votes = this.firsts.get(epoch) ?? new Map<string, Vote>()
    const chain = device + (channel ?? ''), known = votes.get(chain), vote = { device, seq, id, channel, chanSeq }
    if (known !== undefined && !earlier(vote, known)) return false
    votes.set(chain, vote)
    this.firsts.set(epoch, votes)
    this.changes++
    return true
  }

  /** The canonical path from the root to the tip. Empty before genesis. */
  path(): readonly EpochId[] {
    const { changes } = this, version = this.electorate.version()
    if (this.chosen?.changes === changes && this.chosen.version === version) return this.chosen.path
    const path: EpochId[] = []
    let at = this.rootId
    while (at !== undefined) {
      path.push(at)
      at = this.best(this.nodes.get(at) as EpochNode)
    }
    this.chosen = { changes, version, path }
    return path
  }

  stands(epoch: EpochId): boolean { return this.electorate.stands(epoch) }

  /** Whether an epoch is `above` or comes after it. */
  isUnder(epoch: EpochId, above: EpochId): boolean {
    const depth = this.nodes.get(above)?.depth ?? Infinity
    let at = this.nodes.get(epoch)
    while (at !== undefined && at.depth > depth) at = at.parent === undefined ? undefined : this.nodes.get(at.parent)
    return at?.id === above
  }

  /** The identities with a leaf in an epoch. */
  identities(node: EpochNode): Set<IdentityId> {
    const out = new Set<IdentityId>()
    for (const device of node.leaves) {
      const identity = device === undefined ? undefined : this.electorate.identityOf(device)
      if (identity !== undefined) out.add(identity)
    }
    return out
  }

  private best(node: EpochNode): EpochId | undefined {
    const children = node.children.filter((id) => this.electorate.stands(id))
    if (children.length < 2) return children[0]
    const support = this.support(node, children)
    const rank = (id: EpochId): Rank => [-(support.get(id) ?? 0), -this.electorate.power(id), this.nodes.get(id)?.removes === true ? 0 : 1, id]
    return children.map((id) => ({ id, rank: rank(id) })).sort((a, b) => compareRanks(a.rank, b.rank))[0]?.id
  }

  /** Who votes for which of an epoch's children that stand, and by what. */
  choicesBelow(epoch: EpochId): ReadonlyMap<IdentityId, Choice> {
    const node = this.nodes.get(epoch)
    return node === undefined ? new Map() : this.choices(node, node.children.filter((id) => this.electorate.stands(id)))
  }

  /** How many identities with a leaf in `node` voted for each of its children. */
  private support(node: EpochNode, children: readonly EpochId[]): Map<EpochId, number> {
    const out = new Map<EpochId, number>()
    for (const { child } of this.choices(node, children).values()) out.set(child, (out.get(child) ?? 0) + 1)
    return out
  }

  /** By devices that were there, or a new one, whose numbers are low, would take back what was said before. */
  private choices(node: EpochNode, children: readonly EpochId[]): Map<IdentityId, Choice> {
    const choice = new Map<IdentityId, Choice>(), electors = new Set(node.leaves)
    for (const child of children) {
      for (const [identity, vote] of this.subtreeFirsts(child, electors)) {
        const known = choice.get(identity)
        if (known === undefined || earlier(vote, known.vote)) choice.set(identity, { child, vote })
      }
    }
    return choice
  }

  private subtreeFirsts(top: EpochId, electors: ReadonlySet<DeviceId | undefined>): Map<IdentityId, Vote> {
    const out = new Map<IdentityId, Vote>()
    const open = [top]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (!this.electorate.stands(id)) continue
      for (const vote of this.firsts.get(id)?.values() ?? []) {
        const identity = electors.has(vote.device) ? this.electorate.identityOf(vote.device) : undefined
        if (identity === undefined || this.electorate.isCut(vote)) continue
        const known = out.get(identity)
        if (known === undefined || earlier(vote, known)) out.set(identity, vote)
      }
      open.push(...(this.nodes.get(id) as EpochNode).children)
    }
    return out
  }
}

type Rank = readonly [number, number, number, string]

function compareRanks(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (a[3] < b[3] ? -1 : a[3] > b[3] ? 1 : 0)
}
