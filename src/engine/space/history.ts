/**
 * The authority ops of one space as they came in: numbered in causal order, with their pasts, authors and an index of who wrote what.
 * Nothing here depends on which ops count: that is `resolve.ts`. What does not depend on other ops either (form, signatures inside bodies,
 * impossible cuts) is settled here once, so that it can't depend on the order of delivery.
 */
import { type AuthorityBody, type Cut, decodeAuthorityBody, EVERYONE, isAuthorityType, type RoleId } from '../../wire/authority.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId, OpId, SpaceId } from '../../wire/ids.ts'
import { MAX_DEPS, type Op } from '../../wire/op.ts'
import { Past } from './past.ts'
import type { Reason } from './reasons.ts'

export interface Node {
  readonly index: number
  readonly id: OpId
  readonly device: DeviceId
  /** The identity that certified the device, as far as the op's past tells; undefined for strangers. */
  readonly author: IdentityId | undefined
  readonly type: string
  /** undefined for ops of other parts (commits, bundles, ...) and for malformed ones. */
  readonly body: AuthorityBody | undefined
  readonly seq: number
  readonly chanSeq: number
  readonly hlc: number
  /** All that its author had seen, without itself. */
  readonly past: Past
  /** Length of the longest way back to the genesis. */
  readonly depth: number
  /** The header's time, but no earlier than that of anything its author had seen. */
  readonly label: number
  /** Void whatever else there is. */
  readonly flaw: Reason | undefined
  /** For a join: the invite op its proof fits. */
  readonly invite: number | undefined
  readonly certHash: Uint8Array | undefined
  /** For a proof of a fork: whose chain, and from which place. */
  readonly fork: { readonly device: DeviceId; readonly seq: number } | undefined
}

/** What is known of an op before it has its place: made by `checks.ts`. */
export type Checked = Pick<Node, 'body' | 'flaw' | 'author' | 'invite' | 'certHash' | 'fork'>

const NOTHING: readonly number[] = []

export class History {
  readonly nodes: Node[] = []
  private readonly byId = new Map<OpId, number>()
  private readonly index = new Map<string, number[]>()
  private readonly openHeads = new Set<number>()
  readonly byAuthor = new Map<IdentityId, number[]>()
  readonly byDevice = new Map<DeviceId, number[]>()
  /** Where a device first wrote two ops in one place, and the smallest id there. */
  readonly forks = new Map<DeviceId, { readonly chanSeq: number; readonly by: OpId }>()
  /** The op at each place of each chain, by number in the pseudo-channel and in the whole chain. */
  private readonly places = new Map<string, number>()
  readonly identities = new Set<IdentityId>()
  readonly devices = new Set<DeviceId>()
  readonly roles = new Set<RoleId>([EVERYONE])
  readonly channels = new Set<ChannelId>()
  readonly audiences = new Set<number>()
  readonly invites = new Set<InviteId>()
  space: SpaceId | undefined

  has(id: OpId): boolean { return this.byId.has(id) }
  indexOf(id: OpId): number | undefined { return this.byId.get(id) }
  node(index: number): Node { return this.nodes[index] as Node }
  /** Ops that wrote one thing, in causal order. Keys are made by `keysOf`. */
  writes(key: string): readonly number[] { return this.index.get(key) ?? NOTHING }

  /** Ops nobody has followed yet, ascending by id: what a new op names as seen. */
  heads(): OpId[] {
    return [...this.openHeads].map((i) => this.node(i).id).sort().slice(0, MAX_DEPS)
  }

  /** The past of an op with these predecessors, them included. Unknown ids are left out. */
  pastOf(ids: readonly OpId[]): Past {
    const indices = ids.map((id) => this.byId.get(id)).filter((i): i is number => i !== undefined)
    if (indices.length === 0) return Past.EMPTY
    return Past.of(indices.map((i) => this.node(i).past), indices)
  }

  /** Predecessors are in already: the log parks what comes too early. */
  append(op: Op, past: Past, checked: Checked): Node {
    const h = op.header
    let depth = 0, label = h.hlc
    for (const id of predecessors(op)) {
      const before = this.byId.get(id) as number
      depth = Math.max(depth, this.node(before).depth + 1)
      label = Math.max(label, this.node(before).label)
      this.openHeads.delete(before)
    }
    const index = this.nodes.length
    const node: Node = {
      index, id: op.id, device: h.device, type: h.type, seq: h.seq, chanSeq: h.chanSeq, hlc: h.hlc, past, depth, label, ...checked,
    }
    this.nodes.push(node)
    this.byId.set(op.id, index)
    this.openHeads.add(index)
    this.noteChain(node)
    if (checked.flaw === undefined) {
      for (const key of keysOf(node, this)) push(this.index, key, index)
      this.noteEntities(node)
    }
    return node
  }

  private noteChain(node: Node): void {
    for (const place of [`${node.device} ${node.chanSeq}`, `${node.device} of all ${node.seq}`]) {
      const other = this.places.get(place)
      if (other === undefined) this.places.set(place, node.index); else this.noteFork(node, this.node(other))
    }
    push(this.byDevice, node.device, node.index)
    if (node.author !== undefined) push(this.byAuthor, node.author, node.index)
  }

  private noteFork(a: Node, b: Node): void {
    const chanSeq = Math.min(a.chanSeq, b.chanSeq)
    const by = a.id < b.id ? a.id : b.id
    const known = this.forks.get(a.device)
    if (known !== undefined && (known.chanSeq < chanSeq || (known.chanSeq === chanSeq && known.by <= by))) return
    this.forks.set(a.device, { chanSeq, by })
  }

  private noteEntities(node: Node): void {
    const { body } = node
    if (body === undefined) return
    switch (body.type) {
      case 'genesis': case 'join': this.devices.add(node.device); if (node.author !== undefined) this.identities.add(node.author); break
      case 'deviceAdd': this.devices.add(body.device); break
      case 'roleCreate': this.roles.add(body.role); break
      case 'channelCreate': this.channels.add(body.channel); break
      case 'audience': this.audiences.add(body.audience); break
      case 'invite': this.invites.add(body.invite); break
      default:
    }
  }
}

/** The identity that certified a device: by the first certifying op (by id), of a past or of all. */
export function certifier(history: History, device: DeviceId, past?: Past): IdentityId | undefined {
  let best: Node | undefined
  for (const index of history.writes(`cert ${device}`)) {
    const node = history.node(index)
    if ((past === undefined || past.has(index)) && (best === undefined || node.id < best.id)) best = node
  }
  return best?.author
}

export function predecessors(op: Op): readonly OpId[] {
  const { chanPrev, deps } = op.header
  return chanPrev === undefined || deps.includes(chanPrev) ? deps : [...deps, chanPrev]
}

function push<K>(map: Map<K, number[]>, key: K, value: number): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value]); else list.push(value)
}

/** What an op writes. One key holds the ops whose order or conflict matters to one question. */
export function keysOf(node: Pick<Node, 'body' | 'author' | 'device' | 'invite'>, history: Pick<History, 'node'>): string[] {
  const { body, author, device } = node
  if (body === undefined) return []
  switch (body.type) {
    case 'genesis': return [`in ${author}`, `cert ${device}`, `name ${author}`, 'owner', 'space', 'history', 'relays', `perms ${EVERYONE}`]
    case 'join': {
      const invite = node.invite === undefined ? undefined : history.node(node.invite).body
      const role = invite?.type === 'invite' ? invite.role : undefined
      const keys = [`in ${author}`, `cert ${device}`, `name ${author}`, `joins ${body.invite}`]
      return role === undefined ? keys : [...keys, `grants ${author}`]
    }
    case 'invite': return [`invite ${body.invite}`]
    case 'inviteRevoke': return [`uninvite ${body.invite}`]
    case 'leave': return [`out ${author}`]
    case 'kick': return [`out ${body.identity}`, `kick ${body.identity}`]
    case 'ban': return [`out ${body.identity}`, `kick ${body.identity}`, `ban ${body.identity}`, 'bans']
    case 'unban': return [`unban ${body.identity}`]
    case 'timeout': return [`timeout ${body.identity}`]
    case 'deviceAdd': return [`cert ${body.device}`]
    case 'deviceRevoke': return [`revoke ${body.device}`, 'revocations']
    case 'keyPackage': return [`package ${device}`]
    case 'profile': return [`name ${author}`]
    case 'about': return [...(body.text === undefined ? [] : [`about ${author}`]), ...(body.emoji === undefined ? [] : [`face ${author}`]), ...(body.colour === undefined ? [] : [`colour ${author}`])]
    case 'roleCreate': return [`role ${body.role}`, `rname ${body.role}`, `rpower ${body.role}`, `perms ${body.role}`]
    case 'roleName': return [`rname ${body.role}`]
    case 'rolePower': return [`rpower ${body.role}`]
    case 'rolePermissions': return [`perms ${body.role}`]
    case 'roleDelete': return [`unrole ${body.role}`]
    case 'roleAssign': return [`grants ${body.identity}`]
    case 'roleUnassign': return [`ungrant ${body.identity} ${body.role}`, `demotes ${body.identity}`]
    case 'channelCreate': return [`channel ${body.channel}`, `cname ${body.channel}`, `caudience ${body.channel}`]
    case 'channelAudience': return [`caudience ${body.channel}`]
    case 'channelRename': return [`cname ${body.channel}`]
    case 'channelTopic': return [`topic ${body.channel}`]
    case 'channelPlace': return [`place ${body.channel}`]
    case 'channelDelete': return [`unchannel ${body.channel}`]
    case 'channelOverride': return [`override ${body.channel} ${body.role ?? ''} ${body.identity ?? ''}`, `overrides ${body.channel}`]
    case 'audience': return [`audience ${body.audience}`]
    case 'retention': return [body.channel === undefined ? 'retention' : `retention ${body.channel}`]
    case 'slowMode': return [`slow ${body.channel}`]
    case 'clear': return [`clear ${body.channel}`]
    case 'spaceRename': return ['space']
    case 'spaceHistory': return ['history']
    case 'audienceHistory': return [`history ${body.audience}`]
    case 'spaceRelays': return ['relays']
    case 'ownerTransfer': case 'recover': return ['owner']
    case 'recoverySet': return ['recovery']
    case 'forkProof': return ['proofs']
  }
}

export const cutsOf = (body: AuthorityBody | undefined): readonly Cut[] => (body !== undefined && 'cuts' in body ? body.cuts : [])
export const bodyOf = (op: Op): AuthorityBody | undefined => decodeAuthorityBody(op.header.type, op.body)
export const isMalformed = (op: Op): boolean => isAuthorityType(op.header.type) && bodyOf(op) === undefined
