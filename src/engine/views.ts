/** What clients see of the engine's state, made fresh when something changed. */
import type { CategoryInfo, ChannelInfo, InviteInfo, MemberInfo, SpaceInfo } from '../api.ts'
import type { Keeps } from '../api/authority.ts'
import type { ChannelId, DeviceId, OpId, SpaceId } from '../wire/ids.ts'
import { encodeLink } from '../wire/invite.ts'
import { HLC_STEP } from '../wire/op.ts'
import { namesOf } from '../wire/permissions.ts'
import type { Checked } from './checked.ts'
import { profileOf } from './profiles.ts'
import type { Replica } from './replica.ts'
import { actsOnMember, managedRoles, permissionsIn } from './rights.ts'
import { inPlace } from './space/order.ts'
import type { Keeping } from './space/retention.ts'
import type { ChannelState, SpaceState } from './space/state.ts'
import type { Turn } from './turn.ts'

/** Unread counts and what this device has read, by space and channel. Own business of this device. */
export interface Unread { readonly unread: number; readonly mentions: number }
export const NOTHING_UNREAD: Unread = { unread: 0, mentions: 0 }
export interface Reading {
  unread(spot: { readonly space: SpaceId; readonly channel: ChannelId; readonly thread: OpId | undefined }): Unread
  /** Also of threads in the channel. */
  mentionsIn(space: SpaceId, channel: ChannelId): number
}

/** `name`: of a space that one has only heard of, and of a conversation. */
export function spaceInfo(replica: Replica, reading: Reading, name?: string): SpaceInfo {
  const state = replica.authority.state
  const mine = state.members.get(replica.me.identity)
  let unread = 0, mentions = 0
  for (const channel of state.channels.keys()) {
    if (!isListed(replica, channel)) continue
    unread += reading.unread({ space: replica.id, channel, thread: undefined }).unread
    mentions += reading.mentionsIn(replica.id, channel)
  }
  return {
    space: replica.id, kind: state.dm === undefined && replica.record.state !== 'contacted' ? 'space' : 'dm', name: name ?? state.name, state: replica.state(),
    role: mine !== undefined && state.owner === replica.me.identity ? 'owner' : 'member', relays: replica.record.relays, unread, mentions,
    history: state.historyPolicy === 'all' ? 'all' : 'from-join', may: namesOf(mine?.permissions ?? 0), timedOutUntil: mine?.timeoutUntil ?? 0,
    keeps: keepsOf(state.keeping) ?? { afterMs: 0, maxBytes: 0 }, lastAt: state.dm === undefined ? 0 : lastSaid(replica),
  }
}

function lastSaid({ id, log }: Replica): number {
  const opened = log.authority.get(id as string as OpId)?.header.hlc ?? 0
  return Math.floor(Math.max(opened, log.lastContent) / HLC_STEP)
}

const keepsOf = (keeping: Keeping | undefined): Keeps | undefined => (keeping === undefined ? undefined : { afterMs: keeping.afterMs, maxBytes: keeping.maxBytes })

export function channelInfos(replica: Replica, reading: Reading): ChannelInfo[] {
  const { state } = replica.authority
  const places = new Map([undefined, ...categoryInfos(replica).map((c) => c.category)].map((category, i) => [category, i]))
  const inOrder = inPlace(state.channels, (c) => c.place).filter(([id, c]) => c.kind !== 'category' && isListed(replica, id as ChannelId))
  inOrder.sort(([, a], [, b]) => (places.get(categoryOf(state, a)) ?? 0) - (places.get(categoryOf(state, b)) ?? 0))
  return inOrder.map(([id, c]): ChannelInfo => {
    const channel = id as ChannelId
    const { unread } = reading.unread({ space: replica.id, channel, thread: undefined }), mentions = reading.mentionsIn(replica.id, channel)
    const named = c.audience === 0 ? undefined : state.audiences.get(c.audience)
    return {
      channel, name: c.name, topic: c.topic, kind: c.kind === 'forum' ? 'forum' : 'text', category: categoryOf(state, c), unread, mentions, may: namesOf(permissionsIn(state, replica.me.identity, c)),
      keeps: keepsOf(c.keeping), slowMs: c.slowMs, nextAt: replica.pace.nextAt(replica, channel), private: c.audience !== 0, readers: named === undefined ? undefined : { roles: named.roles, members: named.identities },
      history: named === undefined ? undefined : named.historyPolicy === 'all' ? 'all' : 'from-join',
      // Who was removed keeps what they have.
      state: !replica.isMember() || replica.audienceFor(channel)?.isReadable === true ? 'readable' : 'waiting',
    }
  })
}

export function categoryInfos(replica: Replica): CategoryInfo[] {
  return inPlace(replica.authority.state.channels, (c) => c.place).filter(([, c]) => c.kind === 'category').map(([id, c]) => ({ category: id as ChannelId, name: c.name }))
}

/** The category a channel stands in; with its category deleted, or made a category itself by no honest app, it stands in none. */
export const categoryOf = (state: SpaceState, { category, kind }: Pick<ChannelState, 'category' | 'kind'>): ChannelId | undefined =>
  category !== undefined && kind !== 'category' && state.channels.get(category)?.kind === 'category' ? category : undefined

/** Channels that one may not read are not shown. Who was removed sees those that were everyone's. */
export function isListed(replica: Replica, channel: ChannelId): boolean {
  const audience = replica.audienceFor(channel)
  return audience !== undefined && (audience.number === 0 || audience.isRead(replica.me.identity))
}

export function memberInfos(replica: Replica, online: ReadonlySet<DeviceId>, checked: Checked): MemberInfo[] {
  const checkOf = checked.among(replica)
  const { state } = replica.authority
  const onlineMembers = new Set([...online].map((d) => state.devices.get(d)?.identity))
  const managed = managedRoles(state, replica.me.identity)
  return [...state.members].map(([member, m]): MemberInfo => ({
    member, name: m.name, ...profileOf(m.about), check: checkOf(member, m.name), role: member === state.owner ? 'owner' : 'member', power: m.power, roles: m.roles, timedOutUntil: m.timeoutUntil,
    me: member === replica.me.identity, mayActOn: actsOnMember(state, replica.me.identity, member, managed),
    online: member === replica.me.identity || onlineMembers.has(member),
  })).sort((a, b) => b.power - a.power || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.member < b.member ? -1 : 1))
}

export function inviteInfos(turn: Turn, replica: Replica, secrets: ReadonlyMap<string, { readonly secret: Uint8Array; readonly base: string }>): InviteInfo[] {
  const sha = (b: Uint8Array): Uint8Array => replica.world.suite.sha256(b)
  return [...replica.authority.state.invites].map(([invite, i]): InviteInfo => {
    const known = secrets.get(invite)
    const link = known === undefined ? undefined : encodeLink({
      space: replica.id, secret: known.secret, expiresAt: i.expiresAt, spaceName: replica.authority.state.name, inviterName: replica.me.name, relays: replica.record.relays,
    }, known.base, sha)
    return {
      invite, link, createdBy: i.creator, role: i.role, uses: i.uses, used: i.used, expiresAt: i.expiresAt,
      state: i.revoked ? 'revoked' : i.used >= i.uses ? 'used-up' : i.expiresAt <= turn.now ? 'expired' : 'live',
    }
  })
}
