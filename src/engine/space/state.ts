/** The space as its non-void ops describe it: what the rest of the engine and the app read. Maps are in order of their keys, so equal states list alike. */
import { certBoxKey, EVERYONE, type RoleId } from '../../wire/authority.ts'
import { type Cbor, encodeCbor } from '../../wire/cbor.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId, OpId, SpaceId } from '../../wire/ids.ts'
import type { History, Node } from './history.ts'
import { slowMode } from './slow.ts'
import { clearing, type Clearing, type Keeping, keeping } from './retention.ts'
import type { View } from './view.ts'

export type HistoryPolicy = 'all' | 'fromJoin'
export type ChannelKind = 'text' | 'voice' | 'forum' | 'announcements' | 'category' | 'files'

export interface MemberState {
  readonly name: string
  readonly about: About
  readonly power: number
  readonly permissions: number
  readonly roles: readonly RoleId[]
  /** Label of the join in force, as in the op's header. */
  readonly joinedAt: number
  /** undefined for the founder. */
  readonly invitedThrough: InviteId | undefined
  /** Ms; content labelled earlier does not count. 0: none. */
  readonly timeoutUntil: number
}

/** What they say of themself; undefined: they never said. */
export interface About { readonly text: string | undefined; readonly emoji: string | undefined; readonly colour: number | undefined }

export interface DeviceState { readonly identity: IdentityId; readonly certHash: Uint8Array; readonly boxKey: Uint8Array }
export interface RoleState { readonly name: string; readonly power: number; readonly permissions: number }
export interface OverrideState { readonly role: RoleId | undefined; readonly identity: IdentityId | undefined; readonly allow: number; readonly deny: number }

export interface ChannelState {
  readonly name: string
  readonly topic: string
  readonly kind: ChannelKind
  /** 0: the space's own. */
  readonly audience: number
  readonly category: ChannelId | undefined
  /** Place among its siblings: hex whose byte order is list order, then channel id. */
  readonly place: string
  readonly overrides: readonly OverrideState[]
  /** undefined: as the space says. */
  readonly keeping: Keeping | undefined
  readonly cleared: Clearing | undefined
  readonly slowMs: number
}

export interface InviteState {
  readonly creator: IdentityId
  readonly joinPk: Uint8Array
  readonly sealPk: Uint8Array
  readonly topicSeed: Uint8Array
  readonly role: RoleId | undefined
  readonly uses: number
  readonly used: number
  readonly expiresAt: number
  readonly revoked: boolean
  readonly relays: readonly string[]
}

export interface AudienceState { readonly roles: readonly RoleId[]; readonly identities: readonly IdentityId[]; readonly historyPolicy: HistoryPolicy }

export interface SpaceState {
  readonly space: SpaceId | undefined
  readonly name: string
  readonly owner: IdentityId | undefined
  /** Those whom a direct conversation is for. */
  readonly dm: readonly IdentityId[] | undefined
  readonly historyPolicy: HistoryPolicy
  readonly relays: readonly string[]
  /** How long what is said is kept where a channel doesn't say it; undefined: for ever. */
  readonly keeping: Keeping | undefined
  readonly roles: ReadonlyMap<RoleId, RoleState>
  readonly members: ReadonlyMap<IdentityId, MemberState>
  /** Devices of members that count now. */
  readonly devices: ReadonlyMap<DeviceId, DeviceState>
  /** Those not deleted. */
  readonly channels: ReadonlyMap<ChannelId, ChannelState>
  readonly audiences: ReadonlyMap<number, AudienceState>
  readonly invites: ReadonlyMap<InviteId, InviteState>
  /** Whom, and by which op. */
  readonly bans: ReadonlyMap<IdentityId, OpId>
  /** The package to add a device by: its newest; one of last resort only where there is no other. */
  readonly keyPackages: ReadonlyMap<DeviceId, Uint8Array>
  readonly recovery: { readonly set: OpId; readonly threshold: number; readonly identities: readonly IdentityId[] } | undefined
}

const byKey = <K extends string | number, V>(entries: Iterable<readonly [K, V | undefined]>): Map<K, V> => {
  const found = [...entries].filter((e): e is readonly [K, V] => e[1] !== undefined)
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

export function stateOf(history: History, view: View): SpaceState {
  const devices = byKey([...history.devices].map((device) => [device, deviceState(history, view, device)]))
  const node = (key: string): number | undefined => view.register(key)
  const space = bodyAt(history, node('space')), relays = bodyAt(history, node('relays'))
  return {
    space: history.space,
    name: space !== undefined && 'name' in space ? space.name : '',
    owner: view.owner(),
    dm: view.dm(),
    historyPolicy: policyIn(history, view),
    relays: relays !== undefined && 'relays' in relays ? relays.relays : [],
    keeping: keeping(view, undefined),
    roles: byKey([...history.roles].map((role) => [role, roleState(history, view, role)])),
    members: byKey([...history.identities].map((identity) => [identity, memberState(history, view, identity)])),
    devices,
    channels: byKey([...history.channels].map((channel) => [channel, channelState(history, view, channel)])),
    audiences: byKey([...history.audiences].map((audience) => [audience, audienceState(history, view, audience)])),
    invites: byKey([...history.invites].map((invite) => [invite, inviteState(history, view, invite)])),
    bans: byKey(bannedBy(history, view)),
    keyPackages: byKey([...devices.keys()].map((device) => [device, keyPackage(view, device)])),
    recovery: recoveryState(history, view),
  }
}

/**
 * The state after one more op that counts and changed nothing about earlier ones. Only what such an op writes is looked at again; undefined for types
 * whose effects spread (roles, removals, ownership): those are rebuilt.
 */
export function stateWith(history: History, view: View, before: SpaceState, node: Node): SpaceState | undefined {
  const { body } = node
  if (body === undefined) return before
  switch (body.type) {
    case 'forkProof': return before
    case 'keyPackage': return before.devices.has(node.device) ? { ...before, keyPackages: replaced(before.keyPackages, node.device, keyPackage(view, node.device)) } : before
    // Who comes again brings back what was there before, other devices included.
    case 'join': return history.writes(`in ${node.author}`).length > 1 ? undefined : withMember(history, view, before, node)
    case 'profile': case 'about': case 'deviceAdd': return withMember(history, view, before, node)
    case 'timeout': return { ...before, members: replaced(before.members, body.identity, memberState(history, view, body.identity)) }
    case 'invite': case 'inviteRevoke': return { ...before, invites: replaced(before.invites, body.invite, inviteState(history, view, body.invite)) }
    case 'channelCreate': case 'channelRename': case 'channelTopic': case 'channelPlace': case 'channelDelete': case 'channelOverride': case 'channelAudience': case 'clear': case 'slowMode':
      return { ...before, channels: replaced(before.channels, body.channel, channelState(history, view, body.channel)) }
    case 'retention':
      if (body.channel === undefined) return { ...before, keeping: keeping(view, undefined) }
      return { ...before, channels: replaced(before.channels, body.channel, channelState(history, view, body.channel)) }
    default: return undefined
  }
}

function withMember(history: History, view: View, before: SpaceState, { author, body, device }: Node): SpaceState {
  const identity = author as IdentityId
  const members = replaced(before.members, identity, memberState(history, view, identity))
  if (body?.type === 'profile' || body?.type === 'about') return { ...before, members }
  const added = body?.type === 'deviceAdd' ? body.device : device
  const devices = replaced(before.devices, added, deviceState(history, view, added))
  const keyPackages = replaced(before.keyPackages, added, keyPackage(view, added))
  const invites = body?.type === 'join' ? replaced(before.invites, body.invite, inviteState(history, view, body.invite)) : before.invites
  return { ...before, members, devices, keyPackages, invites }
}

/** A copy with one entry changed, in order of keys. */
function replaced<K extends string, V>(map: ReadonlyMap<K, V>, key: K, value: V | undefined): ReadonlyMap<K, V> {
  if (value === undefined && !map.has(key)) return map
  const out = new Map(map)
  if (value === undefined) { out.delete(key); return out }
  const isNew = !out.has(key)
  out.set(key, value)
  return isNew ? byKey(out) : out
}

const bodyAt = (history: History, index: number | undefined) => (index === undefined ? undefined : history.node(index).body)

/** Hiding more of the past is the more restrictive. */
const historyPolicy = (view: View, audience: number): number | undefined =>
  view.register(audience === 0 ? 'history' : `history ${audience}`, (a, b) => (isOpen(a) ? 1 : 0) - (isOpen(b) ? 1 : 0))
export function policyIn(history: History, view: View, audience = 0): HistoryPolicy {
  const body = bodyAt(history, historyPolicy(view, audience))
  return body !== undefined && 'historyPolicy' in body ? body.historyPolicy : 'fromJoin'
}
const isOpen = (body: object): boolean => 'historyPolicy' in body && body.historyPolicy === 'all'

function memberState(history: History, view: View, identity: IdentityId): MemberState | undefined {
  if (!view.isMember(identity)) return undefined
  // The earliest join that no removal undid: joining with a second device changes nothing about the first.
  const joins = [...view.each(`in ${identity}`)].filter((index) => view.sawAll(index, `out ${identity}`)).map((index) => history.node(index))
  const join = joins.sort((a, b) => a.depth - b.depth || (a.id < b.id ? -1 : 1))[0] as Node
  const timeout = bodyAt(history, view.register(`timeout ${identity}`, (a, b) => until(b) - until(a)))
  const { body } = join
  return {
    name: view.nameOf(identity), about: view.aboutOf(identity), power: view.power(identity), permissions: view.permissions(identity), roles: view.rolesOf(identity), joinedAt: join.hlc,
    invitedThrough: body?.type === 'join' ? body.invite : undefined, timeoutUntil: timeout === undefined ? 0 : until(timeout),
  }
}

export const until = (body: object): number => ('until' in body && typeof body.until === 'number' ? body.until : 0)

export function deviceState(history: History, view: View, device: DeviceId): DeviceState | undefined {
  const identity = view.deviceOwner(device)
  const cert = view.certificate(device)
  const node = cert === undefined ? undefined : history.node(cert)
  if (identity === undefined || node?.body === undefined || node.certHash === undefined || !('cert' in node.body)) return undefined
  return { identity, certHash: node.certHash, boxKey: certBoxKey(node.body.cert) }
}

function roleState(history: History, view: View, role: RoleId): RoleState | undefined {
  if (!view.roleExists(role)) return undefined
  const name = bodyAt(history, view.register(`rname ${role}`))
  return { name: role === EVERYONE || name === undefined || !('name' in name) ? '' : name.name, power: view.rolePower(role), permissions: view.rolePermissions(role) }
}

function channelState(history: History, view: View, channel: ChannelId): ChannelState | undefined {
  const created = bodyAt(history, view.register(`channel ${channel}`))
  if (!view.channelExists(channel) || created?.type !== 'channelCreate') return undefined
  const name = bodyAt(history, view.register(`cname ${channel}`)), topic = bodyAt(history, view.register(`topic ${channel}`))
  const place = bodyAt(history, view.register(`place ${channel}`))
  return {
    name: name !== undefined && 'name' in name ? name.name : created.name, topic: topic?.type === 'channelTopic' ? topic.topic : '',
    kind: created.kind, audience: view.channelAudience(channel), category: place?.type === 'channelPlace' ? place.category : undefined,
    place: place?.type === 'channelPlace' ? place.place : '', overrides: view.overrides(channel),
    keeping: keeping(view, channel), cleared: clearing(view, channel), slowMs: slowMode(view, channel),
  }
}

function audienceState(history: History, view: View, audience: number): AudienceState | undefined {
  const body = bodyAt(history, view.audience(audience))
  return body?.type === 'audience' ? { roles: body.roles, identities: body.identities, historyPolicy: policyIn(history, view, audience) } : undefined
}

function inviteState(history: History, view: View, invite: InviteId): InviteState | undefined {
  const index = view.register(`invite ${invite}`)
  const node = index === undefined ? undefined : history.node(index)
  if (node?.body?.type !== 'invite' || node.author === undefined) return undefined
  const { joinPk, sealPk, topicSeed, role, uses, expiresAt, relays } = node.body
  return { creator: node.author, joinPk, sealPk, topicSeed, role, uses, used: view.used(invite), expiresAt, revoked: view.any(`uninvite ${invite}`), relays }
}

function* bannedBy(history: History, view: View): Iterable<readonly [IdentityId, OpId]> {
  const seen = new Set<IdentityId>()
  for (const index of view.each('bans')) {
    const body = view.body(index, 'ban')
    if (body === undefined || seen.has(body.identity)) continue
    seen.add(body.identity)
    const by = view.openBans(body.identity).map((i) => history.node(i).id).sort()[0]
    if (by !== undefined) yield [body.identity, by]
  }
}

function keyPackage(view: View, device: DeviceId): Uint8Array | undefined {
  let best: { readonly bytes: Uint8Array; readonly lastResort: boolean } | undefined
  for (const index of view.each(`package ${device}`)) {
    const body = view.body(index, 'keyPackage')
    if (body !== undefined && (best === undefined || best.lastResort || !body.lastResort)) best = body
  }
  return best?.bytes
}

function recoveryState(history: History, view: View): SpaceState['recovery'] {
  const index = view.register('recovery')
  const body = index === undefined ? undefined : view.body(index, 'recoverySet')
  if (index === undefined || body === undefined || body.threshold === 0) return undefined
  return { set: history.node(index).id, threshold: body.threshold, identities: body.identities }
}

/** Canonical bytes of a state, for comparing. */
export const encodeState = (state: SpaceState): Uint8Array => encodeCbor(plain(state))

function plain(value: unknown): Cbor {
  if (value === undefined) return null
  if (value instanceof Map) return [...value].map(([key, item]) => [plain(key), plain(item)])
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) return Object.entries(value).map(([key, item]) => [key, plain(item)])
  return value as Cbor
}
