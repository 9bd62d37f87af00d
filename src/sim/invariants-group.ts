/**
 * What must hold of the groups, I1 to I14, each as one function that says what is wrong. Those that look at one device are asked after each of its steps that
 * could break them, those that compare everyone or read disks when the people pause and after the healing.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Audience } from '../engine/audience.ts'
import { KEPT_EPOCH_STATES, MAX_PARKED_OPS, MAX_SIDE_STATES } from '../engine/limits.ts'
import type { EpochNode, Vote } from '../engine/group/tree.ts'
import type { Replica } from '../engine/replica.ts'
import { Authority } from '../engine/space/authority.ts'
import { readerDevices } from '../engine/space/readers.ts'
import type { SpaceState } from '../engine/space/state.ts'
import type { Row, Save } from '../ports.ts'
import { decodeAuthorityBody } from '../wire/authority.ts'
import { concat, equal, toHex, utf8 } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type EpochId, type IdentityId, type OpId } from '../wire/ids.ts'
import { decodeOp, type Op } from '../wire/op.ts'
import type { Ledger } from './ledger.ts'

export type Problem = string | undefined

/** One audience as one device holds it. */
export interface Held { readonly name: string; readonly audience: Audience }

const short = (id: string): string => id.slice(0, 8)
const subjectOf = ({ audience }: Held): string => `${audience.replica.id} ${audience.number}`

/** Equal for equal sets of ops: every chain's head stands for all before it. */
export const opsOf = (replica: Replica): string => replica.log.vector().map((e) => `${e.channel}${e.device}${e.chanSeq}${e.head}`).join() + withHoles(replica)
/** Where a disk lost some, the ends of chains don't tell what is there. */
export const withHoles = ({ holes, log }: Replica): string => (holes.isEmpty && !holes.isToBeMade ? '' : ` but for holes ${[...log.authority.keys()].sort().join()}`)

export function i1SameOpsSamePath(ledger: Ledger, held: Held): Problem {
  const { replica, groups } = held.audience
  // Votes are made again from what is said in channels, of which the ends of chains don't tell what a damaged disk has lost.
  if (!replica.holes.isEmpty || replica.holes.isToBeMade) return undefined
  return ledger.differs(`path ${subjectOf(held)} ${opsOf(replica)}`, groups.tree.path().join(), held.name)
}

/** Judged from authority and from who is in the leaves, not by the code that chose. */
export function i2PathIsValid({ audience: { replica, groups, number } }: Held): Problem {
  const { authority, log } = replica
  for (const epoch of groups.tree.path()) {
    const node = groups.tree.nodes.get(epoch)
    const parent = node?.parent === undefined ? undefined : groups.tree.nodes.get(node.parent)
    if (node === undefined || parent === undefined) continue
    const certified = (device: DeviceId): boolean => authority.certificateAt(epoch, device, number) !== undefined
    if (!log.authority.has(epoch) || authority.verdict(epoch).type === 'void') return `epoch ${short(epoch)} is void`
    if (!certified(node.author)) return `the author of epoch ${short(epoch)} was not authorised`
    const before = new Set(parent.leaves), after = new Set(node.leaves)
    for (const device of after) if (device !== undefined && !before.has(device) && !certified(device)) return `epoch ${short(epoch)} adds ${short(device)}, who was not authorised`
    for (const device of before) if (device !== undefined && !after.has(device) && certified(device)) return `epoch ${short(epoch)} removes ${short(device)}, who was authorised`
    if (node.leaves.filter((d) => d !== undefined).length !== new Set(node.leaves.filter((d) => d !== undefined)).size) return `epoch ${short(epoch)} has a device twice`
  }
  return undefined
}

export interface Authors {
  isHonest(device: DeviceId): boolean
  /** Whether the key packages of the reader whom it is about are good by the author's clock. */
  couldAdd(device: DeviceId): boolean
}

/** Rows that are still locked when all is well: content that this device was a reader of when it was written, as far as its author could know, and is now. */
export async function i3EntitledHaveKeys(replica: Replica, locked: readonly Row[], opAt: (channel: string, key: Uint8Array) => Op | undefined, authors: Authors): Promise<Problem> {
  const me = replica.me.device
  for (const row of locked) {
    const op = opAt(toHex(row.key.subarray(0, 16)), row.key.subarray(16))
    if (op === undefined || !authors.isHonest(op.header.device) || replica.authority.contentVerdict(op.header).type === 'void') continue
    const { epoch, audience: number } = op.header
    const audience = replica.audiences.get(number) ?? replica.everyone
    const isReader = (state: SpaceState): boolean => readerDevices(state, number).has(me)
    if (!isReader(replica.authority.stateAt(op.header.deps)) || !isReader(replica.authority.state)) continue
    // Nobody waits for who can't be added yet: where the past isn't shown, what is said until then is not for them (H1).
    const isTold = epoch !== undefined && (audience.groups.tree.nodes.get(epoch)?.leaves.includes(me) === true || audience.isOpen(epoch))
    const then = isTold || !authors.couldAdd(op.header.device) ? undefined : await asItsAuthorSaw(replica, op)
    if (isTold || (then !== undefined && then.keyPackages.has(me) && isReader(then))) return `${op.header.type} ${short(op.id)} of ${short(op.header.device)} stays locked`
  }
  return undefined
}

/** Of all that its author knew, nothing else: what came later may have made void what had put this device's person out, or what they had come by count. */
async function asItsAuthorSaw({ authority, log, world }: Replica, { header: { deps } }: Op): Promise<SpaceState> {
  const seen = new Authority(world.suite)
  for (const op of log.authority.values()) if (deps.some((dep) => dep === op.id || authority.hasSeen(dep, op.id))) await seen.add(op)
  return seen.state
}

/**
 * `judge` knows all, but perhaps not yet of the device's last coming. Who comes again, or later, reads what was said before if the space showed it then: of epochs that are
 * not open only the keys of those after every coming count. Somebody who comes again with one device brings back their others.
 */
export function i4RemovedGetNoKeys(judge: Replica, { name, audience }: Held): Problem {
  const { groups, replica, number } = audience
  const { device, identity } = replica.me
  const all = [...judge.log.authority.values(), ...replica.log.authority.values()]
  const isIn = (op: Op): boolean => !judge.log.authority.has(op.id) || judge.authority.verdict(op.id).type === 'valid'
  // Where a disk was put back after its person was out, its new self came by no op that counts: what it has is what the devices before it had.
  const selves = all.some((op) => certifies(op, device) && isIn(op)) ? [device] : [device, ...new Set(all.flatMap(({ header }) => (judge.authority.identityOf(header.device) === identity ? [header.device] : [])))]
  const comings = all.filter((op) => selves.some((self) => certifies(op, self)) || (op.header.type === 'join' && judge.authority.identityOf(op.header.device) === identity))
  // Whose coming never counted was not removed either: they have what everyone has who knows the link.
  if (!comings.some(isIn)) return undefined
  const ways = comings.filter((op) => isIn(op) || laterLinkMaker(judge, op, identity) !== undefined)
  const makers = new Set<IdentityId | undefined>(comings.filter((op) => !isIn(op)).map((op) => laterLinkMaker(judge, op, identity)).filter((maker) => maker !== undefined))
  for (const epoch of groups.keys.epochs()) {
    const op = judge.log.authority.get(epoch), leaves = groups.tree.nodes.get(epoch)?.leaves ?? []
    // Who joins from outside may have to begin where the removed still had a leaf: nothing is said there (I13).
    if (op === undefined || selves.some((self) => leaves.includes(self) || op.header.device === self || judge.authority.certificateAt(epoch, self) !== undefined)) continue
    const outside = new Set(judge.log.authorityOutside(epoch).map(({ id }) => id))
    const cameSince = ({ id }: Op): boolean => outside.has(id) || !judge.log.authority.has(id)
    // What was said where one's person had a leaf is for devices that come later, too (H5).
    const hasPerson = (node: EpochNode | undefined): boolean => node?.leaves.some((leaf) => leaf !== undefined && replica.authority.identityOf(leaf) === identity) === true
    if (hasPerson(groups.tree.nodes.get(epoch)) && comings.filter((one) => isIn(one) && certifies(one, device)).every(cameSince)) continue
    // Also later, as long as its maker is in the group, who has their key.
    const isGiven = leaves.some((leaf) => leaf !== undefined && makers.has(judge.authority.identityOf(leaf)))
    // Also whose person somebody added later, who had not heard yet that it should not count.
    const wasAdded = [...groups.tree.nodes.values()].some((node) => hasPerson(node) && groups.tree.isUnder(node.id, epoch))
    if ((!ways.some(cameSince) && !isGiven && !wasAdded) || judge.audiences.get(number)?.isOpen(epoch) === false) return `${name} has the key of ${short(epoch)}, made by ${short(op.header.device)}, who did not know them as a member`
  }
  return undefined
}

/** Of a joining by a link that was made by somebody who knew of all removals of the joiner, who that was: the link is dead, since its maker was removed or forked, but it gives what its maker had. */
function laterLinkMaker(judge: Replica, op: Op, identity: IdentityId): IdentityId | undefined {
  const body = decodeAuthorityBody(op.header.type, op.body)
  if (body?.type !== 'join') return undefined
  const all = [...judge.log.authority.values()].map((one) => ({ id: one.id, author: judge.authority.identityOf(one.header.device), body: decodeAuthorityBody(one.header.type, one.body) }))
  const link = all.find((one) => one.body?.type === 'invite' && one.body.invite === body.invite)
  const later = new Set(link === undefined ? [] : judge.log.authorityOutside(link.id).map(({ id }) => id))
  const removals = all.filter((one) => judge.authority.verdict(one.id).type === 'valid' && (one.body?.type === 'leave' ? one.author === identity : (one.body?.type === 'kick' || one.body?.type === 'ban') && one.body.identity === identity))
  return removals.every(({ id }) => !later.has(id)) ? link?.author : undefined
}

/** Whether this op says that a device is somebody's. */
function certifies(op: Op, device: DeviceId): boolean {
  const body = decodeAuthorityBody(op.header.type, op.body)
  return body?.type === 'deviceAdd' ? body.device === device : op.header.device === device && (body?.type === 'join' || body?.type === 'genesis')
}

export function i5OneTip(members: readonly Held[]): Problem {
  const [first, ...others] = members
  const other = others.find(({ audience }) => audience.groups.tip() !== first?.audience.groups.tip())
  return first === undefined || other === undefined ? undefined : `${first.name} is at ${short(first.audience.groups.tip() ?? '')}, ${other.name} at ${short(other.audience.groups.tip() ?? '')}`
}

export function i6LeavesAreTheAuthorised({ name, audience }: Held): Problem {
  const { groups, devices, replica } = audience
  const leaves = new Set(groups.tree.nodes.get(groups.tip() as EpochId)?.leaves.filter((d) => d !== undefined))
  const stranger = [...leaves].find((device) => !devices.has(device))
  if (stranger !== undefined) return `${name}: ${short(stranger)} has a leaf and is not authorised`
  const missing = [...devices.keys()].find((device) => !leaves.has(device) && replica.authority.state.keyPackages.has(device) && !groups.unusable.has(device))
  return missing === undefined ? undefined : `${name}: ${short(missing)} is authorised and has no leaf`
}

export function i7StatesAreBounded({ audience: { groups, replica } }: Held): Problem {
  // The tip's own state, and the newest one that this device has if that is another.
  const most = KEPT_EPOCH_STATES + MAX_SIDE_STATES + 2
  if (groups.states.size > most) return `${groups.states.size} states are kept, ${most} is the bound`
  return replica.log.parked.count > MAX_PARKED_OPS ? `${replica.log.parked.count} ops are parked` : undefined
}

/** How often each device's choice below an epoch changed while nothing was taken back. */
export class Switches {
  private readonly chosen = new Map<string, { child: EpochId; times: number; upheavals: number }>()

  i8SwitchesAreFew(held: Held): Problem {
    const { groups, replica } = held.audience
    const path = groups.tree.path()
    for (let i = 1; i < path.length; i++) {
      const child = path[i] as EpochId, parent = groups.tree.nodes.get(path[i - 1] as EpochId)
      if (parent === undefined || (parent.children.length < 2)) continue
      const key = `${held.name} ${subjectOf(held)} ${parent.id}`
      const { upheavals } = replica.authority
      const known = this.chosen.get(key)
      if (known === undefined) { this.chosen.set(key, { child, times: 0, upheavals }); continue }
      if (known.child === child) continue
      const isFree = known.upheavals !== upheavals || !groups.stands(known.child)
      this.chosen.set(key, { child, times: known.times + (isFree ? 0 : 1), upheavals })
      // A new vote or a new child is what changes it.
      const most = groups.tree.identities(parent).size + parent.children.length - 1
      if (known.times >= most) return `${held.name} changed its mind below ${short(parent.id)} more than ${most} times`
    }
    return undefined
  }
}

/** What most had chosen below an epoch, by which votes, and how far each chain was held where that was seen. */
interface Majority { readonly child: EpochId; readonly votes: ReadonlyMap<IdentityId, Vote>; readonly held: ReadonlyMap<string, number> }

/**
 * Called when all is well: what most had chosen then stays chosen, unless it was taken back, or they had first chosen otherwise and that, which did not count then, counts again: a
 * commit or a vote of somebody whose removal turned out to be void.
 */
export class Majorities {
  private readonly final = new Map<string, Majority>()

  i9MajorityStays(held: Held): Problem {
    const { groups, groups: { tree }, replica } = held.audience
    const path = new Set(tree.path())
    for (const [key, majority] of this.final) {
      const { child } = majority, epoch = key.split(' ')[2] as EpochId
      if (key.startsWith(subjectOf(held)) && tree.nodes.has(child) && !path.has(child) && groups.stands(child) && path.has(epoch) && stillCounts(held, epoch, majority)) {
        return `${held.name} left ${short(child)}, which most had chosen`
      }
    }
    const chains = new Map(replica.log.vector().map((e) => [e.channel + e.device, e.chanSeq]))
    for (const epoch of path) {
      const node = tree.nodes.get(epoch)
      if (node === undefined || node.children.length < 2) continue
      const choices = [...tree.choicesBelow(epoch)]
      for (const child of node.children) {
        const votes = new Map(choices.flatMap(([identity, choice]) => (choice.child === child ? [[identity, choice.vote]] : [])))
        if (2 * votes.size > tree.identities(node).size) this.final.set(`${subjectOf(held)} ${epoch}`, { child, votes, held: chains })
      }
    }
    return undefined
  }
}

/** Whether most of those below an epoch would still stand by what they had chosen, but for what nobody knew of. */
function stillCounts({ audience: { groups: { tree } } }: Held, epoch: EpochId, { votes, held }: Majority): boolean {
  const now = tree.choicesBelow(epoch)
  const stands = [...votes].filter(([identity, vote]) => {
    const choice = now.get(identity)?.vote
    const isNews = choice !== undefined && (choice.chanSeq ?? 0) > (held.get((choice.channel ?? '') + choice.device) ?? 0)
    // One that comes after what was chosen shows that that was taken back.
    return choice !== undefined && (choice.id === vote.id || (isNews && choice.seq <= vote.seq))
  })
  return 2 * stands.length > tree.identities(tree.nodes.get(epoch) as EpochNode).size
}

/**
 * A commit's new state and key are in the transaction of the commit: without them its author could not go on from it after a restart. `again`: ops that were made before, and
 * come back to a disk that was put back.
 */
export function i10CheckpointBeforeSending(device: DeviceId, saves: readonly Save[], again: ReadonlySet<OpId>): Problem {
  const has = (partition: string, epoch: OpId): boolean =>
    saves.some((save) => save.type === 'put' && save.partition.startsWith(partition) && toHex(save.key) === epoch)
  for (const save of saves) {
    if (save.type !== 'put' || !save.partition.startsWith('ops/') || !save.partition.endsWith(AUTHORITY_CHANNEL)) continue
    const op = decodeOp(save.value, sha256)
    if (op?.header.type !== 'commit' || op.header.device !== device || again.has(op.id)) continue
    if (!has('states/', op.id) || !has('keys/', op.id)) return `commit ${short(op.id)} is saved without its state and key`
  }
  return undefined
}

/** What a device's memory says of its spaces, to be found again after a restart. `at`: what time it was for its states when it last looked; `due`: those of some that it need not keep by then (G14). */
export interface Memory { readonly at: number; readonly due: (states: ReadonlySet<EpochId>) => readonly EpochId[]; readonly space: string; readonly ops: string; readonly lengths: ReadonlyMap<string, number>; readonly paths: string; readonly votes: string; readonly state: string; readonly keys: ReadonlySet<EpochId>; readonly states: ReadonlySet<EpochId>; readonly told: ReadonlySet<EpochId> }

export function remember(replica: Replica): Memory {
  const { statesAt: at } = replica.retention
  // Whether one that doesn't count any more is here depends on what came first: a disk is read in another order.
  const audiences = [...replica.audiences.values()].filter(({ number }) => number === 0 || replica.authority.state.audiences.has(number)).sort((a, b) => a.number - b.number)
  return {
    at, due: (states) => audiences.flatMap(({ groups }) => groups.due([...states].filter((epoch) => groups.tree.nodes.has(epoch)), at)), space: replica.id, ops: opsOf(replica), lengths: new Map(replica.log.vector().map(({ channel, device, chanSeq }) => [channel + device, chanSeq])), paths: audiences.map(({ groups }) => groups.tree.path().join()).join(' '), votes: audiences.flatMap(votesIn).sort().join(), state: replica.authority.stateHash(),
    keys: new Set(audiences.flatMap(({ groups }) => [...groups.keys.epochs()])), states: new Set(audiences.flatMap(({ groups }) => [...groups.states.keys()])),
    told: new Set(audiences.flatMap(({ groups }) => [...groups.tree.nodes.keys()].filter((epoch) => groups.isBundled(epoch)))),
  }
}

/** Who has how many votes everywhere, also where there is nothing to choose yet. */
const votesIn = ({ groups: { tree } }: Audience): string[] => [...tree.nodes.keys()].flatMap((parent) => [...tree.choicesBelow(parent)].map(([identity, { child }]) => `${identity} ${child}`))

/** A restart may find more than was there, since it tries everything again, but nothing else and no less: also keys, and with them ops that waited for these. */
export function i11RestartChangesNothing(before: Memory, after: Memory): Problem {
  const isFurther = before.ops !== after.ops && [...after.keys].some((epoch) => !before.keys.has(epoch)) && [...before.lengths].every(([chain, length]) => (after.lengths.get(chain) ?? 0) >= length)
  if (!isFurther) for (const what of ['ops', 'paths', 'votes', 'state'] as const) if (before[what] !== after[what]) return `${what} of ${short(before.space)} are others after a restart`
  const tips = new Set(before.paths.split(' ').map((path) => path.split(',').at(-1)))
  // It may find now that a losing branch's secret was told to everyone, or that it is so late that what is old may go (G14). The tips stay.
  const due = new Set(after.at === before.at ? [] : after.due(new Set([...before.states, ...after.states])))
  for (const what of ['keys', 'states'] as const) {
    const mayGo = (epoch: EpochId): boolean => what === 'states' && !tips.has(epoch) && (due.has(epoch) || (after.told.has(epoch) && !before.told.has(epoch)))
    const lost = [...before[what]].find((epoch) => !after[what].has(epoch) && !mayGo(epoch))
    if (lost !== undefined) return `${what} of ${short(before.space)}: ${short(lost)} is lost after a restart`
  }
  return undefined
}

export function i12KeysMatchTheirCommits({ audience: { groups } }: Held, isNew: (epoch: EpochId) => boolean): Problem {
  for (const epoch of groups.keys.epochs()) {
    const body = groups.commits.get(epoch), secret = groups.keys.secret(epoch)
    if (body === undefined || secret === undefined || !isNew(epoch)) continue
    if (!equal(sha256(concat(utf8('tk1 ec'), secret)), body.check)) return `the key of ${short(epoch)} is not what its commit promised`
  }
  return undefined
}

/** Own content that this step made: whoever could open it was a reader, as far as the author knew. */
export function i13NobodyElseReads(replica: Replica, made: Op): Problem {
  for (const { groups, number, devices } of replica.audiences.values()) {
    const node = made.header.epoch === undefined ? undefined : groups.tree.nodes.get(made.header.epoch)
    if (node === undefined) continue
    const readers = number === 0 ? replica.authority.stateAt(made.header.deps).devices : devices
    const stranger = node.leaves.find((device) => device !== undefined && !readers.has(device))
    if (stranger !== undefined) return `${made.header.type} ${short(made.id)} is sealed for ${short(stranger)}, who is no reader`
  }
  return undefined
}

export function i14SameEpochSameAuthenticator(ledger: Ledger, held: Held, isNew: (epoch: EpochId) => boolean): Problem {
  const { states } = held.audience.groups
  for (const epoch of states.keys()) {
    const state = isNew(epoch) ? states.get(epoch) : undefined
    const problem = state !== undefined ? ledger.differs(`authenticator ${epoch}`, toHex(state.keySchedule.epochAuthenticator), held.name) : undefined
    if (problem !== undefined) return `${problem} in epoch ${short(epoch)}`
  }
  return undefined
}
