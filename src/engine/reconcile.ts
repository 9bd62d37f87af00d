/**
 * Making the group follow authority: whoever may commit and sees that the tip's leaves are not the authorised devices commits the difference,
 * so a lost commit is proposed again by itself. Ranks spread in time keep two devices from doing it at once; when it happens all the same,
 * the tree has two children and everyone chooses the same.
 */
import { compare, fromHex } from '../wire/bytes.ts'
import { type Breakage, encodeGroupBody } from '../wire/group.ts'
import type { DeviceId, EpochId, OpId } from '../wire/ids.ts'
import { HLC_STEP, type Op } from '../wire/op.ts'
import type { Audience } from './audience.ts'
import type { Groups } from './group/groups.ts'
import { commit, createGroup, externalCommit, type Made as MlsMade, type MlsSelf, type MlsState } from './group/mls.ts'
import { grant, toBundle, toGrant, toWant, want } from './history.ts'
import { isPackageOld, publishKeyPackage, usablePackages } from './key-packages.ts'
import { LABELS } from './labels.ts'
import { ASKED_ANEW_AFTER_MS, COMMIT_RANK_MS, MAX_COMMIT_CHANGES, REJOIN_AFTER_MS, REJOIN_RANK_MS, RENEW_AFTER_MS, TOPIC_USED_MS, WANT_AFTER_MS } from './limits.ts'
import type { Turn } from './turn.ts'

export type Due =
  | { readonly type: 'nothing' }
  | { readonly type: 'change'; readonly tip: EpochId; readonly add: readonly DeviceId[]; readonly remove: readonly number[] }
  /** Fresh keys of this device, so that who once stole its old ones reads nothing new. */
  | { readonly type: 'renew'; readonly tip: EpochId }
  /** A new epoch, since what is said now is for other readers than what was said before. */
  | { readonly type: 'reseal'; readonly tip: EpochId }
  | { readonly type: 'rejoin'; readonly tip: EpochId }
  /** The first state of a group that this device opened. */
  | { readonly type: 'found'; readonly tip: EpochId; readonly add: readonly DeviceId[] }
  /** Telling those who can't check it that this epoch's commit doesn't work. */
  | { readonly type: 'reject'; readonly tip: EpochId; readonly why: Breakage }
  /** Telling everyone at the tip the secrets of epochs that no back-link leads them to. */
  | { readonly type: 'bundle'; readonly tip: EpochId; readonly epochs: readonly EpochId[] }
  /** Telling one device what it lacks and has a right to. */
  | { readonly type: 'grant'; readonly tip: EpochId; readonly want: OpId }
  /** Asking for what this device lacks and has a right to. */
  | { readonly type: 'want'; readonly tip: EpochId }
  /** A fresh key package, by which others can add this device while it is away. */
  | { readonly type: 'package'; readonly tip: EpochId }

type Leaves = readonly (DeviceId | undefined)[]

/** What this device would do to the group now. `now` in ms decides only when its own keys are old. */
export function due(audience: Audience, now: number): Due {
  const { groups, devices, replica: { me } } = audience
  const tip = groups.tip()
  // What is known of the tip may be old while commits wait to be processed.
  if (tip === undefined || groups.isBehind || !devices.has(me.device)) return { type: 'nothing' }
  // What was said there can still be read by those for whom it was: that goes to each device alone, and the group goes on for nothing else.
  if (!audience.isUsed) return toTell(audience, tip, now)
  const broken = groups.toReject()
  if (broken !== undefined) return { type: 'reject', tip: broken.epoch, why: broken.why }
  const node = groups.tree.nodes.get(tip)
  const isOpener = node?.depth === 0 && node.author === me.device
  if (!groups.states.has(tip) && !isOpener) return node?.depth === 0 ? { type: 'nothing' } : { type: 'rejoin', tip }
  const leaves = node?.leaves ?? []
  const { remove } = differenceTo(audience, leaves)
  const add = missingFrom(audience, leaves).sort()
  if (!groups.states.has(tip)) return { type: 'found', tip, add: add.slice(0, MAX_COMMIT_CHANGES) }
  if (remove.length === 0 && add.length === 0) {
    if (isUnderOtherPolicy(audience, tip)) return { type: 'reseal', tip }
    // Also long before: a clock that was a year ahead and was set right must not leave the keys as they are for a year.
    if (Math.abs(now - renewedAt(audience, tip)) > RENEW_AFTER_MS) return { type: 'renew', tip }
    const told = toTell(audience, tip, now)
    return told.type === 'nothing' && isPackageOld(audience, now) ? { type: 'package', tip } : told
  }
  return { type: 'change', tip, add: add.slice(0, MAX_COMMIT_CHANGES), remove: remove.slice(0, MAX_COMMIT_CHANGES) }
}

/** Readers that are not in these leaves and can be added. */
const missingFrom = (audience: Audience, leaves: Leaves): DeviceId[] =>
  differenceTo(audience, leaves).outside.filter((d) => audience.replica.authority.state.keyPackages.has(d) && !audience.groups.unusable.has(d))

/** Leaves of no reader's, and readers without a leaf. The same at nearly every step, and as long as the space has members: worked out again when the leaves, or the readers, are others. */
function differenceTo(audience: Audience, leaves: Leaves): NonNullable<Audience['difference']> {
  const { devices, difference } = audience
  if (difference?.leaves === leaves && difference.devices === devices) return difference
  const present = new Set(leaves)
  const remove = leaves.flatMap((device, index) => (device !== undefined && !devices.has(device) ? [index] : []))
  return audience.difference = { leaves, devices, outside: [...devices.keys()].filter((d) => !present.has(d)), remove }
}

/** Who is in, and what they may read, is settled: what remains is telling each other. Worked out again only when something of it may be another. */
function toTell(audience: Audience, tip: EpochId, now: number): Due {
  const { groups, replica } = audience
  const of = `${tip} ${groups.commits.size} ${groups.keys.size} ${replica.authority.size} ${replica.lockedEpochs(audience).length} ${Math.floor(now / ASKED_ANEW_AFTER_MS)}`
  if (audience.telling?.of !== of) audience.telling = { of, due: toTellNow(audience, tip, now) }
  return audience.telling.due
}

function toTellNow(audience: Audience, tip: EpochId, now: number): Due {
  const epochs = audience.isUsed && maySeal(audience) ? toBundle(audience, tip) : []
  if (epochs.length > 0) return { type: 'bundle', tip, epochs }
  const want = toGrant(audience)
  if (want !== undefined) return { type: 'grant', tip, want: want.op }
  return toWant(audience, now).length > 0 ? { type: 'want', tip } : { type: 'nothing' }
}

/** What is said in an epoch is for the readers whom its policy names: with another policy a new epoch begins. */
const isUnderOtherPolicy = (audience: Audience, tip: EpochId): boolean => audience.isOpen(tip) !== (audience.historyPolicy === 'all')

/** When this device last put fresh keys into the tip's branch, by its own clock (ms). */
function renewedAt(audience: Audience, tip: EpochId): number {
  if (audience.renewed?.tip !== tip) audience.renewed = { tip, at: lastRenewal(audience, tip) }
  return audience.renewed.at
}

function lastRenewal({ groups, replica }: Audience, tip: EpochId): number {
  for (let at: EpochId | undefined = tip; at !== undefined; at = groups.tree.nodes.get(at)?.parent) {
    if (groups.tree.nodes.get(at)?.author === replica.me.device) return (replica.log.authority.get(at)?.header.hlc ?? 0) / HLC_STEP
  }
  // Added by somebody else and never active: the keys are as old as the group knows us.
  return 0
}

/**
 * True when everyone with a leaf in the tip is authorised, and what is said there isn't for more people than it should be: only then may anything be
 * sealed under it.
 */
export function maySeal(audience: Audience): boolean {
  const { groups } = audience
  const tip = groups.tip()
  if (tip === undefined || !groups.states.has(tip) || !groups.keys.has(tip)) return false
  if (audience.historyPolicy !== 'all' && audience.isOpen(tip)) return false
  const leaves = groups.tree.nodes.get(tip)?.leaves ?? []
  // No back-link leads those who are still to be added to what is said before they are.
  if (audience.historyPolicy !== 'all' && missingFrom(audience, leaves).length > 0) return false
  return differenceTo(audience, leaves).remove.length === 0
}

/** Ms to wait before acting: by this device's place in an order that only depends on the tip and who is online. */
export function patience({ devices, replica }: Audience, act: Due, online: ReadonlySet<DeviceId>): number {
  if (act.type === 'nothing' || act.type === 'found') return 0
  const { suite } = replica.world
  const weight = (device: DeviceId): Uint8Array => suite.hmac(fromHex(act.tip) as Uint8Array, LABELS.rank, fromHex(device) as Uint8Array)
  const mine = weight(replica.me.device)
  const places = (among: Iterable<DeviceId>): number => [...among].filter((device) => device !== replica.me.device && compare(weight(device), mine) < 0).length
  const rank = places([...devices.keys()].filter((device) => online.has(device)))
  if (act.type === 'want') return WANT_AFTER_MS
  // Fresh keys are never urgent, and a space where all are a week old at once has them made one after the other, not all at once for one to count.
  if (act.type === 'renew' || act.type === 'package') return places(devices.keys()) * COMMIT_RANK_MS
  return act.type === 'rejoin' ? REJOIN_AFTER_MS + rank * REJOIN_RANK_MS : rank * COMMIT_RANK_MS
}

/** Makes the commit that is due, if its means are here. The op is appended; the caller sends it. */
export async function act(turn: Turn, audience: Audience, what: Due): Promise<Op | undefined> {
  switch (what.type) {
    case 'nothing': return undefined
    case 'change': {
      const state = audience.groups.states.get(what.tip)
      if (state === undefined) return undefined
      const packages = await usablePackages(audience, what.add, turn.now)
      if (packages.length === 0 && what.remove.length === 0) return undefined
      return commitChange(turn, audience, what.tip, state, packages, what.remove)
    }
    case 'found': {
      const state = await createGroup(audience.groups.mls, selfOf(audience), fromHex(audience.root) as Uint8Array)
      return commitChange(turn, audience, what.tip, state, await usablePackages(audience, what.add, turn.now), [])
    }
    case 'renew': case 'reseal': {
      const state = audience.groups.states.get(what.tip)
      return state === undefined ? undefined : commitChange(turn, audience, what.tip, state, [], [])
    }
    case 'rejoin': {
      const body = audience.groups.commits.get(what.tip)
      const tree = body === undefined ? undefined : audience.groups.treeFor(body.treeHash)
      if (body === undefined || tree === undefined) return layOut(turn, audience)
      const way = await wayInto(audience, what.tip, body.groupInfo, tree)
      return way === undefined ? undefined : joinFromOutside(turn, audience, way, undefined)
    }
    case 'bundle': return bundle(turn, audience, what.tip, what.epochs)
    case 'grant': return grant(turn, audience, what.want)
    case 'want': return want(turn, audience)
    case 'package': return publishKeyPackage(turn, audience.replica)
    case 'reject':
      return audience.replica.append(turn, 'commitReject', encodeGroupBody({ type: 'commitReject', epoch: what.tip, why: what.why }), audience.number)
  }
}

/** A new device that finds no tree to come in by can be let in by others, who may be where it meets nobody. */
const layOut = (turn: Turn, { number, replica }: Audience): Promise<Op> | undefined =>
  number === 0 && !replica.authority.state.keyPackages.has(replica.me.device) ? publishKeyPackage(turn, replica) : undefined

/** A member's commit on `parent`. */
export async function commitChange(turn: Turn, audience: Audience, parent: EpochId, state: MlsState, add: readonly Uint8Array[], remove: readonly number[]): Promise<Op | undefined> {
  const { groups, replica: { me } } = audience
  const made = await commit(groups.mls, state, { add, remove, authenticatedData: groups.binding(me.device, parent) })
  if ('reason' in made) return undefined
  const secret = await groups.secretOf(made.state, parent, made.commit)
  return publish(turn, audience, { parent, external: false, mls: made.commit, welcome: made.welcome, groupInfo: made.groupInfo, tree: made.tree, state: made.state, secret, removes: remove.length > 0, adds: add.length > 0 })
}

/** A way into a group without anybody's help, found to be one: nothing is said or kept yet. */
export interface WayIn { readonly parent: EpochId; readonly made: MlsMade; readonly secret: Uint8Array }

/** From group info and tree; undefined where they are none. */
export async function wayInto(audience: Audience, parent: EpochId, info: Uint8Array, tree: Uint8Array): Promise<WayIn | undefined> {
  const { groups, replica: { me } } = audience
  const made = await externalCommit(groups.mls, info, tree, selfOf(audience), groups.binding(me.device, parent))
  return 'reason' in made ? undefined : { parent, made, secret: await groups.secretOf(made.state, parent, made.commit) }
}

/** `relayKey`: the space's, where the parent's secret isn't known. */
export function joinFromOutside(turn: Turn, audience: Audience, { parent, made, secret }: WayIn, relayKey: Uint8Array | undefined): Promise<Op> {
  return publish(turn, audience, { parent, external: true, mls: made.commit, welcome: undefined, groupInfo: made.groupInfo, tree: made.tree, state: made.state, secret, removes: false, adds: false, relayKey })
}

const selfOf = ({ replica: { me } }: Audience): MlsSelf => ({ identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash })

interface Made {
  readonly parent: EpochId; readonly external: boolean; readonly mls: Uint8Array; readonly welcome: Uint8Array | undefined; readonly groupInfo: Uint8Array
  readonly tree: Uint8Array; readonly state: MlsState; readonly secret: Uint8Array; readonly removes: boolean; readonly adds: boolean; readonly relayKey?: Uint8Array | undefined
}

/** Whether who comes in by this commit, or later, is led to what was said before it. Who is let into a private channel is told when that is settled (H7). */
const isLinking = (audience: Audience, { parent, adds }: Made): boolean =>
  audience.historyPolicy === 'all' && audience.isOpen(parent) && (audience.number === 0 || !adds)

/** Wraps a made commit into its op and keeps state and key under the op's id, in the same save. */
async function publish(turn: Turn, audience: Audience, made: Made): Promise<Op> {
  const { groups, replica } = audience
  const parentSecret = groups.keys.secret(made.parent)
  const relayKey = made.relayKey ?? groups.keys.relayKeys.get(made.parent)
  const treeHash = replica.world.suite.sha256(made.tree)
  groups.addTree(made.tree)
  const carried = made.removes || relayKey === undefined || (!made.external && isTopicOld(groups, made.parent, turn.now)) ? undefined : groups.keys.sealSecret(made.secret, LABELS.relayKeySeal, relayKey)
  const op = await replica.append(turn, 'commit', encodeGroupBody({
    type: 'commit', parent: made.parent, mls: made.mls, external: made.external, welcome: made.welcome, groupInfo: made.groupInfo, treeHash, check: groups.keys.check(made.secret),
    backLink: parentSecret !== undefined && isLinking(audience, made) ? groups.keys.sealSecret(made.secret, LABELS.backLink, parentSecret) : undefined,
    relayKey: carried, kitCheck: groups.keys.kitCheck(made.secret, carried),
  }), audience.number)
  groups.addOwn(op.id, made.state, made.secret)
  replica.saveGains(turn, [{ type: 'key', epoch: op.id, secret: made.secret }, { type: 'state', epoch: op.id, state: made.state }])
  turn.out.put(`trees/${replica.id}`, treeHash, made.tree)
  return op
}

/** Whether the relay key in use was begun long ago, by its label: then this commit begins another, and with it another topic. */
function isTopicOld({ commits, tree }: Groups, parent: EpochId, now: number): boolean {
  let begun = parent
  for (let body = commits.get(begun); body?.relayKey !== undefined; body = commits.get(begun)) begun = body.parent
  return now - (tree.nodes.get(begun)?.at ?? now) > TOPIC_USED_MS
}

function bundle(turn: Turn, { groups, replica, number }: Audience, tip: EpochId, epochs: readonly EpochId[]): Promise<Op> | undefined {
  const under = groups.keys.secret(tip)
  const secrets = epochs.flatMap((epoch) => {
    const secret = groups.keys.secret(epoch)
    return under === undefined || secret === undefined ? [] : [{ epoch, sealed: groups.keys.sealSecret(under, LABELS.bundle, secret) }]
  })
  return secrets.length === 0 ? undefined : replica.append(turn, 'bundle', encodeGroupBody({ type: 'bundle', under: tip, secrets }), number)
}
