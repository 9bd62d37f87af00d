/**
 * The tree of epochs and the one function that chooses its tip.
 *
 * Nobody orders commits, so one epoch can get several children. Every device must choose the same one from the same ops, without asking:
 *
 *   vote(i, P) = the child of P in whose subtree identity i's first op below P lies (content names its epoch, a commit names itself)
 *   rank(k)    = (-votes, -power of the commit's author, enacts a removal first, epoch id); the smallest wins
 *   tip        = from the root, step to the best-ranked valid child until there is none
 *
 * First-vote support makes the larger side of a partition win and makes a child with a majority final; a back-dated private
 * chain gains nothing. Nothing else in the engine may choose between branches.
 */
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'

export interface EpochNode {
  readonly id: EpochId
  readonly parent: EpochId | undefined
  /** MLS's own epoch number: the depth below the root. */
  readonly depth: number
  readonly author: DeviceId
  readonly authorPower: number
  readonly removes: boolean
  /** Devices by leaf index after this epoch; undefined where the leaf is blank. */
  readonly leaves: readonly (DeviceId | undefined)[]
  /** Identities with a leaf: only they vote between this epoch's children. */
  readonly identities: ReadonlySet<IdentityId>
  readonly children: EpochId[]
}

interface Vote { readonly seq: number; readonly id: OpId }

const earlier = (a: Vote, b: Vote): boolean => a.seq < b.seq || (a.seq === b.seq && a.id < b.id)

export class EpochTree {
  readonly nodes = new Map<EpochId, EpochNode>()
  private readonly firsts = new Map<EpochId, Map<IdentityId, Vote>>()
  private rootId: EpochId | undefined
  /** Epochs whose commit is void now: neither they nor what hangs below count. */
  private readonly isVoid: (epoch: EpochId) => boolean

  constructor(isVoid: (epoch: EpochId) => boolean) { this.isVoid = isVoid }

  get root(): EpochId | undefined { return this.rootId }

  addRoot(id: EpochId, device: DeviceId): void {
    this.rootId = id
    this.nodes.set(id, { id, parent: undefined, depth: 0, author: device, authorPower: 100, removes: false, leaves: [device], identities: new Set(), children: [] })
  }

  add(node: EpochNode): void {
    if (this.nodes.has(node.id)) return
    this.nodes.set(node.id, node)
    const siblings = (this.nodes.get(node.parent as EpochId) as EpochNode).children
    siblings.push(node.id)
    siblings.sort()
  }

  /** An op of `identity` that names `epoch`. Only its first (lowest number, then id) counts. True when that changed something. */
  vote(epoch: EpochId, identity: IdentityId, seq: number, id: OpId): boolean {
    const votes = this.firsts.get(epoch) ?? new Map<IdentityId, Vote>()
    const known = votes.get(identity)
    if (known !== undefined && !earlier({ seq, id }, known)) return false
    votes.set(identity, { seq, id })
    this.firsts.set(epoch, votes)
    return true
  }

  /** The canonical path from the root to the tip. Empty before genesis. */
  path(): EpochId[] {
    const out: EpochId[] = []
    let at = this.rootId
    while (at !== undefined) {
      out.push(at)
      at = this.best(this.nodes.get(at) as EpochNode)
    }
    return out
  }

  private best(node: EpochNode): EpochId | undefined {
    const children = node.children.filter((id) => !this.isVoid(id))
    if (children.length < 2) return children[0]
    const support = this.support(node, children)
    const rank = (id: EpochId): readonly [number, number, number, string] => {
      const child = this.nodes.get(id) as EpochNode
      return [-(support.get(id) ?? 0), -child.authorPower, child.removes ? 0 : 1, id]
    }
    return children.map((id) => ({ id, rank: rank(id) })).sort((a, b) => compareRanks(a.rank, b.rank))[0]?.id
  }

  /** How many identities with a leaf in `node` voted for each of its children. */
  private support(node: EpochNode, children: readonly EpochId[]): Map<EpochId, number> {
    const choice = new Map<IdentityId, { child: EpochId; vote: Vote }>()
    for (const child of children) {
      for (const [identity, vote] of this.subtreeFirsts(child)) {
        const known = choice.get(identity)
        if (known === undefined || earlier(vote, known.vote)) choice.set(identity, { child, vote })
      }
    }
    const out = new Map<EpochId, number>()
    for (const [identity, { child }] of choice) {
      if (node.identities.has(identity)) out.set(child, (out.get(child) ?? 0) + 1)
    }
    return out
  }

  private subtreeFirsts(top: EpochId): Map<IdentityId, Vote> {
    const out = new Map<IdentityId, Vote>()
    const open = [top]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (this.isVoid(id)) continue
      for (const [identity, vote] of this.firsts.get(id) ?? []) {
        const known = out.get(identity)
        if (known === undefined || earlier(vote, known)) out.set(identity, vote)
      }
      open.push(...(this.nodes.get(id) as EpochNode).children)
    }
    return out
  }
}

function compareRanks(a: readonly [number, number, number, string], b: readonly [number, number, number, string]): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (a[3] < b[3] ? -1 : a[3] > b[3] ? 1 : 0)
}
