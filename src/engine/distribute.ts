/** The ways out of this device: connected peers, gossip for those who are here but not connected, relays for the rest, kits for who comes by a link. */
import type { Payload } from '../wire/envelope.ts'
import type { CommitBody } from '../wire/group.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { sealAside } from './asides.ts'
import type { Audience } from './audience.ts'
import type { Engine } from './engine.ts'
import { refreshKits } from './invites.ts'
import { LATE_TREE_MS, TREE_AT_ONCE } from './limits.ts'
import { batchesOf, type Covers } from './mailbox/mail.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** Sends own ops every way there is, each under the epoch that its readers know, or under the one given. */
export async function distribute(engine: Engine, turn: Turn, replica: Replica, ops: readonly Op[], under?: EpochId): Promise<void> {
  engine.touch(turn, replica)
  const reached = engine.peers.spread(turn, replica, ops)
  const online = [...engine.meeting.online(replica, turn.now)]
  for (const op of ops) {
    const audience = readersOf(replica, op)
    const missed = online.some((d) => audience.devices.has(d) && !reached.has(d))
    const covers = { channel: op.header.channel, chanSeq: op.header.chanSeq }
    await postUnder(turn, audience, under ?? sealEpoch(audience, op), { type: 'ops', ops: [op.bytes] }, covers, missed, op.header.device)
    const { groups } = replica.audiences.get(op.header.audience) ?? replica.everyone
    const body = groups.commits.get(op.id)
    if (body === undefined) continue
    // When many join, nobody needs the trees of all that came between.
    const isLate = isInCrowd(op, audience)
    if (isLate) turn.out.wake(`tree|${replica.id}`, turn.now + LATE_TREE_MS)
    const tree = isTreeWanted(op, body, audience) ? groups.treeFor(body.treeHash) : undefined
    if (tree === undefined) continue
    if (!isLate) await postUnder(turn, audience, under ?? sealEpoch(audience, op), { type: 'tree', tree }, undefined, missed)
    // Who is added, or lost a race to join, reads neither this commit's parent nor the tree yet: both also go where their branch left ours.
    const elsewhere = audience.groups.onOtherBranches(op.id), open = new Set(elsewhere.map(({ known }) => known).filter((known) => isMembersOnly(audience, known)))
    for (const epoch of open) {
      for (const batch of batchesOf(replica.log.authorityOutside(epoch))) await postUnder(turn, audience, epoch, { type: 'ops', ops: batch }, undefined, missed, replica.me.device, replica.mail.read)
      await postUnder(turn, audience, epoch, { type: 'tree', tree }, undefined, missed, replica.me.device, replica.mail.read)
    }
    for (const { device, known } of elsewhere) if (!open.has(known)) await tellAside(turn, audience, known, device, tree)
    await tellBack(turn, replica, op.id)
    await tellSuccessors(turn, replica, op, tree)
  }
  await refreshKits(turn, replica, ops.filter((op) => op.header.channel === AUTHORITY_CHANNEL))
}

/**
 * Whoever came again with another device brought others of theirs back, whom this commit adds: each hears of it, and of what happened meanwhile, alone.
 */
export async function tellBack(turn: Turn, replica: Replica, commit: EpochId): Promise<void> {
  const { everyone, everyone: { groups } } = replica, body = groups.commits.get(commit), tree = body === undefined ? undefined : groups.treeFor(body.treeHash)
  if (tree === undefined) return
  for (const { device, known } of groups.broughtBack(commit)) await tellAside(turn, everyone, known, device, tree)
}

/** Whether nobody can open that epoch who is no member any more: nobody who was in it, or came later and was told its secret. What happened since is for members. */
const isMembersOnly = ({ replica, groups: { tree } }: Audience, epoch: EpochId): boolean => [...tree.nodes.values()]
  .every(({ id, leaves }) => !tree.isUnder(id, epoch) || leaves.every((device) => device === undefined || replica.everyone.devices.has(device)))

/** One device hears that it is back, and of what happened meanwhile, alone: others who were removed can open that epoch, too. */
async function tellAside(turn: Turn, audience: Audience, known: EpochId, device: DeviceId, tree: Uint8Array): Promise<void> {
  const { replica } = audience
  const parts: Payload[] = [...batchesOf(replica.log.authorityOutside(known)).map((ops) => ({ type: 'ops', ops } as const)), { type: 'tree', tree }]
  for (const part of parts) {
    const aside = await sealAside(replica, part, device)
    if (aside !== undefined) await postUnder(turn, audience, known, aside, undefined, true, replica.me.device, replica.mail.read)
  }
}

/**
 * Devices that others vouched for themselves with when their disk was put back (S9), and that are added for the first time: they may have no key under which anything went out lately, this commit neither. Each hears alone
 * of what it shows not to know, in the topic that members read at this commit's parent, sealed so that whoever reads the topic can take it off.
 */
async function tellSuccessors(turn: Turn, replica: Replica, { id, header }: Op, tree: Uint8Array): Promise<void> {
  const { authority, everyone: { groups }, log, mail } = replica, relayKey = groups.keys.relayKeys.get(groups.commits.get(id)?.parent as EpochId)
  for (const device of relayKey === undefined ? [] : groups.tree.addedFirst(id)) {
    const last = log.head(AUTHORITY_CHANNEL, device)?.id
    if (relayKey === undefined || last === undefined || authority.identityOf(device) === authority.identityOf(header.device)) continue
    const topic = await mail.topicOf(relayKey)
    for (const part of [...batchesOf(log.authorityOutside(last)).map((ops) => ({ type: 'ops', ops } as const)), { type: 'tree', tree } as const]) {
      const aside = await sealAside(replica, part, device)
      if (aside !== undefined) mail.post(turn, topic, mail.sealForReaders(topic, aside), undefined, mail.read)
    }
  }
}

/** The tree of an own commit that nobody went on from for a while: for who was on another branch and meets nobody to ask. */
export async function postLateTree(turn: Turn, replica: Replica): Promise<void> {
  const { everyone } = replica, tip = everyone.groups.tip(), body = tip === undefined ? undefined : everyone.groups.commits.get(tip)
  const op = tip === undefined ? undefined : replica.log.authority.get(tip)
  const tree = body === undefined || op?.header.device !== replica.me.device ? undefined : everyone.groups.treeFor(body.treeHash)
  if (tree !== undefined && op !== undefined) await postUnder(turn, everyone, sealEpoch(everyone, op), { type: 'tree', tree }, undefined, false)
}

/** Posts under an epoch's envelope, in the topic that goes with it: a commit that removes someone must reach those who only know the old one. */
export async function postUnder(turn: Turn, audience: Audience, epoch: EpochId | undefined, payload: Payload, covers: Covers | undefined, gossip: boolean, device = audience.replica.me.device, relays = audience.replica.mail.relays): Promise<void> {
  const { replica, groups } = audience
  const relayKey = (epoch === undefined ? undefined : groups.keys.relayKeys.get(epoch)) ?? audience.relayKeysInUse()[0]
  const bytes = epoch === undefined ? undefined : replica.mail.seal(epoch, payload)
  if (bytes === undefined || relayKey === undefined) return
  const topic = await replica.mail.topicOf(relayKey)
  replica.mail.post(turn, topic, bytes, covers, relays)
  if (covers !== undefined && epoch !== undefined) replica.mail.owe(turn, topic.topic, { ...covers, device }, { at: turn.now, epoch, ids: [] }, bytes)
  if (gossip) turn.out.send({ type: 'publish', topic: topic.topic, bytes })
}

/**
 * A commit goes out under its parent's envelope, which its readers have; everything else under the tip's. Whose disk was put back has no key of what it did
 * since: what it says of its new device, and how that comes in, goes out under the nearest epoch before of which it has one, or nobody would ever read it.
 */
function sealEpoch({ groups }: Audience, op: Op): EpochId | undefined {
  const { type } = op.header, tip = groups.tip()
  const readers = (type === 'commit' ? groups.commits.get(op.id)?.parent : undefined) ?? tip
  return (COMINGS.has(type) ? groups.nearest(readers, () => true) : readers) ?? tip
}

/** Also who was removed since can open that epoch, and these tell nothing but who is here. */
const COMINGS: ReadonlySet<string> = new Set(['deviceAdd', 'keyPackage', 'commit'])

/** Content is for its channel's readers. Authority is everyone's, and so are the commits of every audience's group: they show who reads, not what. */
function readersOf(replica: Replica, op: Op): Audience {
  return (op.header.channel === AUTHORITY_CHANNEL ? undefined : replica.audiences.get(op.header.audience)) ?? replica.everyone
}

const isInCrowd = (op: Op, { groups }: Audience): boolean => op.header.audience === 0 && (groups.tree.nodes.get(op.id)?.leaves.length ?? 0) > TREE_AT_ONCE

/**
 * Newcomers to the space find the tree in their kit; whoever comes to read a private channel is a member already and finds it here. So does the author of a removal whose disk
 * was put back before it: no key of theirs is only members' any more, so they can meet nobody to ask, and come in by this tree from outside. And so does, after any commit, who is alone in the group.
 */
const isTreeWanted = (op: Op, body: CommitBody, audience: Audience): boolean =>
  op.header.audience !== 0 || body.external || body.welcome !== undefined || audience.groups.tree.nodes.get(op.id)?.removes === true || isAlone(op, audience)

/** Whether nobody else's devices are in the group of this commit. */
const isAlone = (op: Op, { groups, replica: { authority, me } }: Audience): boolean =>
  groups.tree.nodes.get(op.id)?.leaves.every((device) => device === undefined || authority.identityOf(device) === me.identity) === true
