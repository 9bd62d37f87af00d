/**
 * Invites: what a link's secret unlocks, and the kit that lies at the relays for whoever comes with it while everyone is offline.
 *
 * From the secret come a signing key (proof in the join op), an X25519 key (opens the kit) and topics: of one that holds the authority log, and of one for
 * each epoch that holds its group info and tree. The newcomer learns from the log which epoch is the tip, and reads nothing of those before: the tree of a
 * thousand devices is large, and there is one for each of them that joined. The invite op tells members the public halves and the topics' seed, so that
 * whoever changes the space adds the change to the kit of every live invite.
 * The past goes into a kit only while nobody was removed since the invite was made, who might open it, and only what the maker of the link has a right to.
 */
import type { ApiError } from '../api.ts'
import type { Ciphersuite, SigningKey, TopicKey } from '../ports.ts'
import { decodeAuthorityBody, encodeAuthorityBody } from '../wire/authority.ts'
import { concat, fromHex, toHex } from '../wire/bytes.ts'
import type { EpochId, IdentityId, InviteId } from '../wire/ids.ts'
import { encodeKit, type Kit } from '../wire/invite.ts'
import { fail } from './errors.ts'
import { secretsForNewcomers } from './history.ts'
import { LABELS } from './labels.ts'
import { MAX_DEVICES } from './limits.ts'
import { batchesOf, topicFromSeed } from './mailbox/mail.ts'
import { encodeTree, groupInfo } from './group/mls.ts'
import type { Replica } from './replica.ts'
import type { Turn, World } from './turn.ts'
import type { Op } from '../wire/op.ts'

export interface InviteKeys { readonly invite: InviteId; readonly join: SigningKey; readonly box: SigningKey; readonly topicSeed: Uint8Array }

export async function inviteKeys(suite: Ciphersuite, secret: Uint8Array): Promise<InviteKeys> {
  return {
    invite: toHex(suite.expand(stretch(suite, secret), 16, LABELS.inviteId)) as InviteId,
    join: await suite.signingKey(suite.expand(stretch(suite, secret), 32, LABELS.inviteJoin)),
    box: await suite.boxKey(suite.expand(stretch(suite, secret), 32, LABELS.inviteBox)),
    topicSeed: suite.expand(stretch(suite, secret), 32, LABELS.inviteTopic),
  }
}

/** HKDF-Expand wants a key of the hash's length (RFC 5869, section 2.3). */
const stretch = (suite: Ciphersuite, secret: Uint8Array): Uint8Array => suite.sha256(LABELS.inviteId, secret)

export const inviteTopic = (world: World, topicSeed: Uint8Array): Promise<TopicKey> => topicFromSeed(world, topicSeed)

/** Where the group of an epoch lies. */
export const groupTopic = (world: World, topicSeed: Uint8Array, epoch: EpochId): Promise<TopicKey> =>
  topicFromSeed(world, world.suite.expand(topicSeed, 32, LABELS.inviteGroup, fromHex(epoch) as Uint8Array))

async function postKit(turn: Turn, replica: Replica, invite: InviteId, kit: Kit, relays?: readonly string[]): Promise<void> {
  const info = replica.authority.state.invites.get(invite)
  if (info === undefined) return
  const aad = concat(fromHex(replica.id) as Uint8Array, fromHex(invite) as Uint8Array)
  const sealed = await replica.world.suite.sealTo(info.sealPk, LABELS.inviteKit, aad, encodeKit(kit))
  const topic = kit.type === 'ops' ? await inviteTopic(replica.world, info.topicSeed) : await groupTopic(replica.world, info.topicSeed, kit.epoch)
  replica.mail.post(turn, topic, sealed, undefined, relays)
}

export async function openKit(suite: Ciphersuite, box: SigningKey, replicaId: string, invite: InviteId, sealed: Uint8Array): Promise<Uint8Array | undefined> {
  return suite.openFrom(box.secretKey, LABELS.inviteKit, concat(fromHex(replicaId) as Uint8Array, fromHex(invite) as Uint8Array), sealed)
}

/**
 * Invites whose kit must hear of these ops: those somebody could come with, and those that the ops themselves ended, so that whoever comes with one
 * is told why. Expiry needs no word: it stands in the link.
 */
function invitesToTell(turn: Turn, replica: Replica, ops: readonly Op[]): InviteId[] {
  const out: InviteId[] = []
  for (const [invite, info] of replica.authority.state.invites) {
    if (info.expiresAt <= turn.now) continue
    if (isLive(info, turn.now) || ops.some((op) => endedBy(op) === invite)) out.push(invite)
  }
  return out
}

/** Whether nobody more is let in, as far as is known. Honest apps ask; authority does not, since whoever came first could not be told alike everywhere. */
export const fullness = ({ authority }: Replica): ApiError | undefined => authority.deviceCount < MAX_DEVICES ? undefined
  : fail('limit-reached', 'This space is full: it holds 2,000 devices. Ask its owner to remove people or devices that are gone.')

/** Somebody could come with it. */
export const isLive = (info: { readonly revoked: boolean; readonly used: number; readonly uses: number; readonly expiresAt: number }, now: number): boolean =>
  !info.revoked && info.used < info.uses && info.expiresAt > now

/** The invite that this op took back, or used, perhaps for the last time. */
function endedBy(op: Op): InviteId | undefined {
  const body = decodeAuthorityBody(op.header.type, op.body)
  return body?.type === 'inviteRevoke' || body?.type === 'join' ? body.invite : undefined
}

/** Lays the tip's group info and the whole authority log into an invite's topics, at all relays or at these: in this order, so that what the log names is there. */
export async function layKit(turn: Turn, replica: Replica, invite: InviteId, relays?: readonly string[]): Promise<void> {
  await postGroupKit(turn, replica, invite, relays)
  for (const ops of batchesOf(replica.log.authority.values())) await postKit(turn, replica, invite, { type: 'ops', ops }, relays)
}

async function postGroupKit(turn: Turn, replica: Replica, invite: InviteId, relays?: readonly string[]): Promise<void> {
  const tip = replica.groups.tip()
  const state = tip === undefined ? undefined : replica.groups.states.get(tip)
  const envelope = tip === undefined ? undefined : replica.groups.keys.envelope(tip)
  const relayKey = tip === undefined ? undefined : replica.groups.keys.relayKeys.get(tip)
  const maker = replica.authority.state.invites.get(invite)?.creator
  if (tip === undefined || state === undefined || envelope === undefined || relayKey === undefined || maker === undefined) return
  const info = await groupInfo(replica.groups.mls, state)
  await postKit(turn, replica, invite, {
    type: 'group', epoch: tip, groupInfo: info, tree: encodeTree(state), envelopeSecret: envelope.key, relayKey,
    // Who was removed may know the link: what lies behind their removal goes into no kit they could open.
    secrets: replica.authority.removedSince(invite) ? [] : secretsForNewcomers(replica.everyone, tip, maker),
  }, relays)
}

/** Adds fresh authority ops, and the new tip when they hold a commit, to the kits of the invites they matter to. */
export async function refreshKits(turn: Turn, replica: Replica, ops: readonly Op[]): Promise<void> {
  if (ops.length === 0) return
  for (const invite of invitesToTell(turn, replica, ops)) await addToKit(turn, replica, invite, ops)
}

export async function addToKit(turn: Turn, replica: Replica, invite: InviteId, ops: readonly Op[]): Promise<void> {
  if (ops.some((op) => op.header.type === 'commit' && op.header.audience === 0)) await postGroupKit(turn, replica, invite)
  for (const batch of batchesOf(ops)) await postKit(turn, replica, invite, { type: 'ops', ops: batch })
}

/** Live invites whose link somebody surely knows: those they made, and the one they came by. Taken before they are removed. */
export function invitesKnownTo(turn: Turn, replica: Replica, identity: IdentityId): InviteId[] {
  const { invites, members } = replica.authority.state
  const through = members.get(identity)?.invitedThrough
  return [...invites].filter(([invite, i]) => (i.creator === identity || invite === through) && !i.revoked && i.expiresAt > turn.now).map(([invite]) => invite)
}

/** Takes invites back along with a removal: without accounts, a removal that leaves its door open means nothing. */
export async function endInvites(turn: Turn, sender: Sender, replica: Replica, invites: readonly InviteId[]): Promise<void> {
  for (const invite of invites) {
    const body = { type: 'inviteRevoke', invite } as const
    if (replica.authority.refuse(replica.me.identity, body) !== undefined) continue
    await sender.distribute(turn, replica, [await replica.append(turn, body.type, encodeAuthorityBody(body))])
  }
}

/** Whoever sends own ops on their ways: the engine. */
export interface Sender { distribute(turn: Turn, replica: Replica, ops: readonly Op[]): Promise<void> }
