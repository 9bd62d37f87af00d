/**
 * Who may have which epoch's secret, and how it comes to them. What was said is for those who were there; what was said while the space's policy was "all"
 * is also for who comes later. What a newcomer gets is settled where they come in: by the kit of their link and the back-links from there on. After
 * that nobody is told more of the past, but for
 *
 *   bundles   secrets of branches that lost, when nobody at the tip came in after they parted from the path
 *   grants    secrets that one device lacks though its person was there, came by a link that gives them, or had them shared with them
 */
import { concat, fromHex } from '../wire/bytes.ts'
import { decodeSecrets, encodeGroupBody, encodeSecrets, MAX_BUNDLE_EPOCHS, MAX_WANTED_EPOCHS, type Secrets } from '../wire/group.ts'
import type { DeviceId, EpochId, IdentityId, OpId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { PERMISSIONS } from '../wire/permissions.ts'
import type { Audience } from './audience.ts'
import type { Want } from './group/grants.ts'
import type { Gain } from './group/groups.ts'
import type { EpochNode } from './group/tree.ts'
import { isWithinBorders, leftOut, type Links } from './group/reach.ts'
import { LABELS } from './labels.ts'
import { MAX_KIT_SECRETS } from './limits.ts'
import { has } from './space/permissions.ts'
import type { Turn } from './turn.ts'

// ---- what all may read ----

/**
 * The tip's secret and the few beside it that lead a newcomer to all of the open past that is here and that the maker of their link may pass on. Nothing
 * where the past is not for them.
 */
export function secretsForNewcomers(audience: Audience, tip: EpochId, maker: IdentityId): Secrets {
  if (audience.historyPolicy !== 'all') return []
  const epochs = [tip, ...untold(audience, tip)].filter((epoch) => audience.isOpen(epoch) && mayPassOn(audience, maker, epoch)).slice(0, MAX_KIT_SECRETS)
  return epochs.flatMap((epoch) => {
    const secret = audience.groups.keys.secret(epoch)
    return secret === undefined ? [] : [{ epoch, secret }]
  })
}

/** Epochs of losing branches, and those before a device came over from one, whose secrets all who are at the tip may have. */
export function toBundle(audience: Audience, tip: EpochId): EpochId[] {
  const { groups } = audience
  if (audience.historyPolicy !== 'all' || !groups.keys.has(tip)) return []
  const links = linksIn(audience)
  return untold(audience, tip).filter((epoch) => !groups.isBundled(epoch) && isWithinBorders(epoch, tip, links)).slice(0, MAX_BUNDLE_EPOCHS)
}

/** Open epochs that no back-link or bundle leads to from the tip. */
function untold(audience: Audience, tip: EpochId): readonly EpochId[] {
  const { groups } = audience
  return groups.remembered(() => {
    const open = [...groups.keys.epochs()].filter((epoch) => groups.commits.has(epoch) && audience.isOpen(epoch))
    return leftOut(tip, new Set(open), linksIn(audience))
  })
}

function linksIn(audience: Audience): Links {
  const { groups } = audience
  return {
    parentOf: (epoch) => groups.commits.get(epoch)?.parent,
    depthOf: (epoch) => groups.tree.nodes.get(epoch)?.depth ?? 0,
    linksOf: (epoch) => groups.linksOf(epoch),
    isBorder: (epoch) => {
      const body = groups.commits.get(epoch)
      // A link that holds nothing is none: else a newcomer could pretend to have had the past.
      return body !== undefined && !groups.isLinked(epoch) && !(body.external && wasThere(audience, epoch))
    },
  }
}

/** True when the author of this join from outside had a leaf before: not a newcomer, but someone whose branch or state was lost. */
function wasThere({ groups, replica }: Audience, join: EpochId): boolean {
  const { nodes } = groups.tree
  const author = nodes.get(join)?.author
  const identity = author === undefined ? undefined : replica.authority.identityOf(author)
  if (author === undefined || identity === undefined) return false
  const parent = nodes.get(nodes.get(join)?.parent as EpochId)
  if (parent !== undefined && groups.tree.identities(parent).has(identity)) return true
  for (const [epoch, node] of nodes) {
    if (node.leaves.includes(author) && !groups.tree.isUnder(epoch, join) && !groups.tree.isUnder(join, epoch)) return true
  }
  return false
}

// ---- what one may have ----

/** Whether a device may have an epoch's secret: its person was in that epoch, or somebody who might share it did, by a word or by the link they came by. */
export function mayHave(audience: Audience, device: DeviceId, epoch: EpochId): boolean {
  const { groups } = audience
  const identity = audience.devices.get(device)?.identity
  const node = groups.tree.nodes.get(epoch), tip = groups.tree.nodes.get(groups.tip() as EpochId)
  // Nobody is let in any more where nothing is said any more.
  if (identity === undefined || node === undefined || (audience.isUsed && tip?.leaves.includes(device) !== true)) return false
  return groups.tree.identities(node).has(identity) || isGiven(audience, identity, epoch, new Set())
}

/** Whether somebody who had an open epoch's secret by rights passed it on to this one. `asked` ends circles. */
function isGiven(audience: Audience, identity: IdentityId, epoch: EpochId, asked: Set<IdentityId>): boolean {
  const { groups, replica: { authority } } = audience
  if (!audience.isOpen(epoch) || asked.has(identity)) return false
  if (audience.number !== 0) return audience.historyPolicy === 'all' && isLetIn(audience, identity)
  asked.add(identity)
  const isByLink = audience.historyPolicy === 'all' && authority.joinings(identity).some(({ join, invite, maker, clean }) => {
    return authority.historyBehind(join) === 'all' && (clean || isSettled(audience, join, maker, invite)) && mayPassOn(audience, maker, epoch, asked)
  })
  return isByLink || groups.grants.sharesWith(identity).some(({ op }) => isShared(audience, op, epoch, asked))
}

/**
 * Whether a reader of a private channel was let in for good: the owner has gone on from that, or two who manage channels, the one who let them in among
 * them, or one where there is only one. A removal of whoever made them a reader could otherwise be on its way.
 */
function isLetIn({ groups, settled, replica: { authority, log } }: Audience, identity: IdentityId): boolean {
  const came = groups.tree.path().find((epoch) => groups.tree.identities(groups.tree.nodes.get(epoch) as EpochNode).has(identity))
  if (came === undefined) return false
  const known = settled.get(came)
  if (known?.of === authority.size) return known.is
  const { members, owner } = authority.state
  const managers = [...members].filter(([member, { permissions }]) => member !== identity && has(permissions, 'channels')).map(([member]) => member)
  const goneOn = new Set<IdentityId>()
  for (const { id, header } of log.authority.values()) {
    const author = authority.identityOf(header.device)
    const counts = (id === came || authority.hasSeen(id, came)) && authority.verdict(id).type === 'valid'
    if (author !== undefined && counts && managers.includes(author)) goneOn.add(author)
  }
  const is = (owner !== undefined && goneOn.has(owner)) || (managers.length > 0 && goneOn.size >= Math.min(2, managers.length))
  settled.set(came, { of: authority.size, is })
  return is
}

/** Whether an epoch's secret is somebody's by rights, so that their link or their word gives it to others. */
function mayPassOn(audience: Audience, identity: IdentityId, epoch: EpochId, asked = new Set<IdentityId>()): boolean {
  const { groups, replica: { authority, id } } = audience
  const node = groups.tree.nodes.get(epoch)
  if (node === undefined) return false
  if (identity === authority.state.owner || identity === authority.node(id as string as OpId)?.author) return true
  return groups.tree.identities(node).has(identity) || isGiven(audience, identity, epoch, asked)
}

/** Whether sharing the past counts for an epoch: its author had it, might invite, and can't any more turn out to have been removed. */
function isShared(audience: Audience, share: OpId, epoch: EpochId, asked: Set<IdentityId>): boolean {
  const { authority, log } = audience.replica
  if (authority.verdict(share).type === 'void' || (authority.permissionsBehind(share) & PERMISSIONS.invite) === 0 || !authority.hasSeen(share, epoch)) return false
  const author = authority.identityOf(log.authority.get(share)?.header.device as DeviceId)
  return author !== undefined && isSettled(audience, share, author, share) && mayPassOn(audience, author, epoch, asked)
}

/**
 * Whether nobody can still take back what is told because of an op, by a removal of who is behind it that was only late: it is the owner's doing, or
 * somebody who stands above them, as of `basis`, has seen it and gone on.
 */
function isSettled({ replica: { authority, log }, settled }: Audience, op: OpId, behind: IdentityId, basis: OpId): boolean {
  if (behind === authority.state.owner) return true
  const known = settled.get(op)
  if (known?.of === authority.size) return known.is
  const power = authority.powerBehind(basis)
  const is = [...log.authority.values()].some(({ id }) => authority.hasSeen(id, op) && authority.verdict(id).type === 'valid' && authority.powerBehind(id) > power)
  settled.set(op, { of: authority.size, is })
  return is
}

/** Epochs that something here is sealed under, that this device may read and lacks. Newest first. */
export function toWant(audience: Audience, now: number): EpochId[] {
  const { groups, replica } = audience
  const depth = (epoch: EpochId): number => groups.tree.nodes.get(epoch)?.depth ?? 0
  return replica.lockedEpochs(audience).filter((epoch) => !groups.keys.has(epoch) && groups.grants.mayAsk(epoch, now) && mayHave(audience, replica.me.device, epoch))
    .sort((a, b) => depth(b) - depth(a)).slice(0, MAX_WANTED_EPOCHS)
}

/** Somebody's request that this device can answer. */
export function toGrant(audience: Audience): Want | undefined {
  const { replica: { me }, groups: { grants } } = audience
  return grants.unanswered().find((want) => want.device !== me.device && grants.isNews(want, givable(audience, want)))
}

/** What this device would tell the one that asked: to another of the same person whatever it has. */
function givable(audience: Audience, { device, epochs }: Want): EpochId[] {
  const { groups, replica } = audience
  const identity = audience.devices.get(device)?.identity
  if (identity === undefined) return []
  return epochs.filter((epoch) => groups.keys.has(epoch) && (identity === replica.me.identity || mayHave(audience, device, epoch)))
}

export function want(turn: Turn, audience: Audience): Promise<Op> | undefined {
  const epochs = toWant(audience, turn.now)
  return epochs.length === 0 ? undefined : audience.replica.append(turn, 'keyWant', encodeGroupBody({ type: 'keyWant', epochs }), audience.number)
}

export async function grant(turn: Turn, audience: Audience, wantId: OpId): Promise<Op | undefined> {
  const { groups, devices, replica } = audience
  const asked = groups.grants.unanswered().find((want) => want.op === wantId)
  const known = asked === undefined ? undefined : devices.get(asked.device)
  if (asked === undefined || known === undefined) return undefined
  const secrets = givable(audience, asked).map((epoch) => ({ epoch, secret: groups.keys.secret(epoch) as Uint8Array }))
  if (secrets.length === 0) return undefined
  const sealed = await replica.world.suite.sealTo(known.boxKey, LABELS.grant, aadOf(audience, wantId), encodeSecrets(secrets))
  return replica.append(turn, 'grant', encodeGroupBody({ type: 'grant', want: wantId, sealed }), audience.number)
}

/** Believes of what was granted to this device what matches the commits. */
export async function openGrants(audience: Audience): Promise<Gain[]> {
  const { groups, replica: { me, world } } = audience
  const gains: Gain[] = []
  for (const { op, by, want, sealed } of groups.grants.takeReceived()) {
    const plain = await world.suite.openFrom(me.boxKey.secretKey, LABELS.grant, aadOf(audience, want.op), sealed)
    const secrets = plain === undefined ? undefined : decodeSecrets(plain)
    if (secrets === undefined || secrets.some(({ epoch, secret }) => groups.isWrong(epoch, secret))) groups.lies.note(op, by)
    for (const { epoch, secret } of secrets ?? []) if (!groups.keys.has(epoch)) groups.believe(epoch, secret, gains)
  }
  return gains
}

const aadOf = ({ replica }: Audience, want: OpId): Uint8Array => concat(fromHex(replica.id) as Uint8Array, fromHex(want) as Uint8Array)

/** Lets somebody read the open past who came in without it. */
export const share = (turn: Turn, audience: Audience, identity: IdentityId): Promise<Op> =>
  audience.replica.append(turn, 'historyShare', encodeGroupBody({ type: 'historyShare', identity }), audience.number)
