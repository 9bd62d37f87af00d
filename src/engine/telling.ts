/** What clients are told, and only when it changed since they were told last. */
import type { MessageInfo, SpaceInfo, StatusInfo, Update } from '../api.ts'
import type { ChannelId, DeviceId, IdentityId, OpId, SpaceId } from '../wire/ids.ts'
import type { MessageRecord } from '../wire/content-records.ts'
import { roleInfos } from './authority-views.ts'
import { DM_NAME } from './contacts.ts'
import type { Engine } from './engine.ts'
import { CROWD, PEOPLE_TOGETHER_MS } from './limits.ts'
import { messageCounts } from './messages/counting.ts'
import { PLAIN } from './messages/fold.ts'
import { messageInfo } from './messages/infos.ts'
import { sendState } from './messages/sent.ts'
import { recount } from './messages/unread.ts'
import type { Replica } from './replica.ts'
import type { SpaceState } from './space/state.ts'
import type { Turn } from './turn.ts'
import { Undone } from './undone.ts'
import { categoryInfos, channelInfos, memberInfos, spaceInfo } from './views.ts'

export class Telling {
  private readonly engine: Engine
  private readonly told = new Map<string, string>()
  /** Channels whose own messages' states changed in this step. */
  private readonly changedStates = new Set<string>()
  /** Drafts that became ops, by the op's id. */
  readonly replaced = new Map<OpId, OpId>()
  readonly recent = new RecentOwn()
  private readonly revisions = new Map<SpaceId, number>()
  private readonly undone = new Undone()
  private readonly shown = new Map<SpaceId, { readonly state: SpaceState; readonly online: ReadonlySet<DeviceId>; readonly at: number }>()

  constructor(engine: Engine) { this.engine = engine }

  statesChanged(space: SpaceId, channel: ChannelId): void { this.changedStates.add(`${space}|${channel}`) }

  me(turn: Turn): void {
    const { me, succession, profiles, tally } = this.engine
    const info = me && { identity: me.identity, device: me.device, name: me.name, hasPhrase: me.identityKey !== undefined, stuck: succession.isStuck, profile: profiles.mine() }
    turn.out.update({ type: 'me', me: info, ...(tally.isEmptied ? { isEmptied: true } : {}) })
  }

  /** What this person noted for themself shows beside people and devices, in all spaces. */
  ownNotes(turn: Turn): void {
    for (const replica of this.engine.replicas.values()) {
      this.shown.delete(replica.id)
      this.engine.touch(turn, replica)
      turn.out.update({ type: 'acts', space: replica.id })
    }
  }

  /** New messages: at once what needs nothing from the disk to be shown, the others when they have been looked at. */
  messages(turn: Turn, replica: Replica): void {
    const shown = new Map<ChannelId, MessageRecord[]>()
    const fresh = replica.takeFresh()
    this.engine.searching.noteNew(turn, replica, fresh)
    for (const { channel, record } of fresh) {
      if (record.device === replica.me.device) this.recent.note(replica.id, channel, record)
      this.engine.typing.wrote(turn, replica, channel, record.device)
      if (!messageCounts(replica, channel, record)) continue
      const list = shown.get(channel)
      if (list === undefined) shown.set(channel, [record]); else list.push(record)
    }
    for (const [channel, list] of shown) {
      this.engine.reading.count(turn, replica, { space: replica.id, channel, thread: undefined }, list.filter((record) => record.thread === undefined))
      const isPlain = (record: MessageRecord): boolean => !record.noted && record.content?.replyTo === undefined, plain = list.filter(isPlain)
      for (const record of list) if (!isPlain(record)) replica.inbox.change(record.id)
      if (!this.engine.watching.hears(replica.id, channel)) for (const { id } of plain) this.replaced.delete(id)
      else if (plain.length > 0) this.tellMessages(turn, replica, channel, plain.map((record) => messageInfo(replica, { channel, record, folded: PLAIN }, undefined)))
    }
    this.states(turn, replica)
  }

  tellMessages(turn: Turn, replica: Replica, channel: ChannelId, infos: readonly MessageInfo[]): void {
    turn.out.update({ type: 'messages', space: replica.id, channel, messages: infos.map((info) => {
      const replaces = this.replaced.get(info.id)
      this.replaced.delete(info.id)
      return replaces === undefined ? info : { ...info, replaces }
    }) })
  }

  typing(turn: Turn, space: SpaceId, channel: ChannelId, members: readonly IdentityId[]): void {
    const key = `typing|${space}|${channel}`
    if (members.length > 0 || this.told.has(key)) this.tellChanged(turn, key, { type: 'typing', space, channel, members })
  }

  private states(turn: Turn, replica: Replica): void {
    for (const key of [...this.changedStates]) {
      const [space = '', channel = ''] = key.split('|')
      if (space !== replica.id) continue
      this.changedStates.delete(key)
      const states = this.recent.of(replica.id, channel as ChannelId).map((m) => ({ id: m.id, state: sendState(replica, channel as ChannelId, m) }))
      if (states.length > 0) this.tellChanged(turn, `states|${key}`, { type: 'states', space: replica.id, channel: channel as ChannelId, states })
    }
  }

  space(turn: Turn, replica: Replica): void {
    this.revised(turn, replica)
    this.undone.look(turn, replica)
    if (replica.record.state === 'open') {
      this.tellChanged(turn, `channels|${replica.id}`, { type: 'channels', space: replica.id, channels: channelInfos(replica, this.engine.reading), categories: categoryInfos(replica) })
      this.people(turn, replica)
    }
    this.spaces(turn)
  }

  /** Many, and the same from message to message: looked at anew only when an authority op came in, or somebody came or went; who comes and goes in a crowd is told of together. */
  private people(turn: Turn, replica: Replica): void {
    const { state } = replica.authority, last = this.shown.get(replica.id), isAsBefore = last?.state === state
    if (isAsBefore && last.online === this.engine.present.last(replica, turn.now)) return
    // Asked before looking who is here: that takes as long as they are many, and in a crowd somebody comes at every step.
    const restedAt = isAsBefore && last.online.size > CROWD ? last.at + PEOPLE_TOGETHER_MS : turn.now
    if (restedAt > turn.now && restedAt <= turn.now + PEOPLE_TOGETHER_MS) return turn.out.wake(`people|${replica.id}`, restedAt)
    const online = this.engine.present.devices(replica, turn.now)
    if (isAsBefore && last.online.size === online.size && [...online].every((device) => last.online.has(device))) { this.shown.set(replica.id, { ...last, online }); return }
    this.shown.set(replica.id, { state, online, at: turn.now })
    this.tellChanged(turn, `members|${replica.id}`, { type: 'members', space: replica.id, members: memberInfos(replica, online, this.engine.checked) })
    this.tellChanged(turn, `roles|${replica.id}`, { type: 'roles', space: replica.id, roles: roleInfos(replica) })
  }

  /** Somebody was removed or lost a right: what they said at the same time may count no longer. */
  private revised(turn: Turn, replica: Replica): void {
    const { revision } = replica.authority, told = this.revisions.get(replica.id)
    this.revisions.set(replica.id, revision)
    if (told === undefined || told === revision) return
    turn.out.update({ type: 'revised', space: replica.id })
    for (const spot of [...this.engine.reading.unreadIn(replica.id)]) recount(this.engine, turn, replica, spot)
    for (const root of replica.threads.forgetAll()) replica.inbox.change(root)
  }

  spaceInfos(): SpaceInfo[] {
    return [...this.engine.replicas.values()]
      .filter((r) => r.record.state !== 'left')
      .sort((a, b) => a.record.createdAt - b.record.createdAt || (a.id < b.id ? -1 : 1))
      .map((r) => spaceInfo(r, this.engine.reading, this.nameOf(r)))
  }

  /** Of a space that isn't here yet what the link says; of a conversation that nobody named those it is with. */
  private nameOf(replica: Replica): string | undefined {
    const { dm, name } = replica.authority.state
    const link = this.engine.joins.of(replica.id)?.link
    if (dm === undefined) return replica.record.state === 'contacted' ? link?.inviterName : link?.spaceName
    if (name !== DM_NAME) return name
    const known = (identity: IdentityId): string =>
      [replica, ...this.engine.replicas.values()].map(({ authority }) => authority.nameOf(identity)).find((found) => found !== '') ?? '…'
    return dm.filter((identity) => identity !== replica.me.identity).map(known).sort().join(', ')
  }

  spaces(turn: Turn): void { if (this.engine.opening.done) this.tellChanged(turn, 'spaces', { type: 'spaces', spaces: this.spaceInfos() }) }

  /** Own words that nobody else has yet. */
  private queued(): number {
    let queued = 0
    for (const replica of this.engine.replicas.values()) {
      queued += (this.engine.drafts.get(replica.id)?.size ?? 0) + replica.mail.waitingChanges()
      for (const channel of replica.authority.state.channels.keys()) {
        queued += Math.max(0, (replica.log.head(channel, replica.me.device)?.chanSeq ?? 0) - replica.delivery.keptElsewhere(channel))
      }
    }
    return queued
  }

  statusInfo(now: number): StatusInfo {
    const nameOf = (device: DeviceId): string | undefined => {
      for (const replica of this.engine.replicas.values()) {
        const identity = replica.authority.identityOf(device)
        if (identity !== undefined) return replica.authority.nameOf(identity)
      }
      return undefined
    }
    return {
      peers: this.engine.peers.status(nameOf), relays: this.engine.usedRelays.map((url) => ({ url, state: this.engine.relaysUp.has(url) ? 'up' : 'down' })), queued: this.queued(),
      muted: this.engine.peers.muted(nameOf, now),
    }
  }

  status(turn: Turn): void {
    const { peers, relaysUp, usedRelays, replicas } = this.engine
    const names = [...replicas.values()].map(({ authority }) => authority.size)
    const of = [peers.changes, peers.mutes(turn.now), [...relaysUp], usedRelays, this.queued(), names].join('|')
    if (this.statusOf === of) return
    this.statusOf = of
    this.tellChanged(turn, 'status', { type: 'status', status: this.statusInfo(turn.now) })
  }

  /** All that a status is made of, as of the last one. */
  private statusOf = ''

  private tellChanged(turn: Turn, key: string, update: Update): void {
    const text = JSON.stringify(update)
    if (this.told.get(key) === text) return
    this.told.set(key, text)
    turn.out.update(update)
  }
}

/** The last own messages of each channel: whose states still move. */
class RecentOwn {
  private readonly lists = new Map<string, MessageRecord[]>()

  note(space: SpaceId, channel: ChannelId, message: MessageRecord): void {
    const key = space + channel
    const list = this.lists.get(key) ?? []
    if (list.some((m) => m.id === message.id)) return
    list.push(message)
    list.sort((a, b) => a.chanSeq - b.chanSeq)
    this.lists.set(key, list.slice(-100))
  }

  of(space: SpaceId, channel: ChannelId): readonly MessageRecord[] { return this.lists.get(space + channel) ?? [] }
}
