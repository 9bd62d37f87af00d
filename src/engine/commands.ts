/** What clients may ask: each command checked, done, and answered with a result or a plain refusal. */
import type { ApiError, Command, MessageInfo } from '../api.ts'
import type { Row } from '../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../wire/bytes.ts'
import { type AuthorityBody, encodeAuthorityBody } from '../wire/authority.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type EpochId, NO_SPACE, type OpId, parseChannelId, type SpaceId } from '../wire/ids.ts'
import { decodeLink, encodeLink, INVITE_SECRET_BYTES } from '../wire/invite.ts'
import type { Op } from '../wire/op.ts'
import { decodeMessage } from '../wire/records.ts'
import type { Engine } from './engine.ts'
import { fail } from './errors.ts'
import { createGroup } from './group/mls.ts'
import { endInvites, inviteKeys, invitesKnownTo, layKit } from './invites.ts'
import { Joining, publishKeyPackage } from './joining.ts'
import * as limits from './limits.ts'
import { makeMe, restoreMe, saveMe } from './me.ts'
import type { Asker } from './out.ts'
import { act, commitChange, due, maySeal } from './reconcile.ts'
import { Replica, signOp } from './replica.ts'
import { placeBetween } from './space/order.ts'
import type { Turn } from './turn.ts'
import { channelInfos, inviteInfos, memberInfos, messageInfo } from './views.ts'

type Run<T extends Command['type']> = Command & { readonly type: T }

/** A question whose rows are on their way. */
type Query =
  | { readonly type: 'place'; readonly asker: Asker; readonly command: Run<'get-messages'> | Run<'mark-read'> | Run<'retry-message'> }
  | { readonly type: 'messages'; readonly asker: Asker; readonly space: SpaceId; readonly channel: ChannelId; readonly limit: number; readonly newest: boolean }
  | { readonly type: 'retry'; readonly asker: Asker; readonly space: SpaceId; readonly channel: ChannelId }
  | { readonly type: 'invites'; readonly asker: Asker; readonly space: SpaceId }

const HLC_MAX = u64(Number.MAX_SAFE_INTEGER)

export class Commands {
  private readonly engine: Engine
  private readonly queries = new Map<string, Query>()
  private nextQuery = 1

  constructor(engine: Engine) { this.engine = engine }

  async run(turn: Turn, asker: Asker, command: Command): Promise<void> {
    const refusal = await this.dispatch(turn, asker, command)
    if (refusal !== undefined) turn.out.refuse(asker, refusal)
  }

  private dispatch(turn: Turn, asker: Asker, c: Command): Promise<ApiError | undefined> | ApiError | undefined {
    if (c.type === 'set-up') return this.setUp(turn, asker, c)
    if (this.engine.me === undefined && c.type !== 'read-link' && c.type !== 'status' && c.type !== 'list-spaces') return fail('not-set-up')
    switch (c.type) {
      case 'set-name': return this.setName(turn, asker, c)
      case 'create-space': return this.createSpace(turn, asker, c)
      case 'list-spaces': return void turn.out.reply(asker, { spaces: this.engine.telling.spaceInfos() })
      case 'read-link': return this.readLink(turn, asker, c)
      case 'join': return this.join(turn, asker, c)
      case 'status': return void turn.out.reply(asker, this.engine.telling.statusInfo())
      default: return this.inSpace(turn, asker, c)
    }
  }

  private inSpace(turn: Turn, asker: Asker, c: Exclude<Command, { type: 'set-up' | 'set-name' | 'create-space' | 'list-spaces' | 'read-link' | 'join' | 'status' }>): Promise<ApiError | undefined> | ApiError | undefined {
    const replica = this.engine.replicas.get(c.space)
    if (replica === undefined || replica.record.state !== 'open') return fail('unknown-space')
    switch (c.type) {
      case 'list-channels': return void turn.out.reply(asker, { channels: channelInfos(replica, this.engine.reading) })
      case 'list-members': return void turn.out.reply(asker, { members: memberInfos(replica, this.engine.onlineDevices(replica, turn.now)) })
      case 'list-invites': return this.ask(turn, `invites/${replica.id}`, { limit: 1000 }, { type: 'invites', asker, space: replica.id })
      case 'get-messages': return this.getMessages(turn, asker, replica, c)
      case 'mark-read': case 'retry-message': return this.place(turn, asker, replica, c, c.message)
    }
    if (!replica.isMember()) return fail('not-a-member')
    switch (c.type) {
      case 'rename-space': return this.named(c.name) ?? this.change(turn, asker, replica, { type: 'spaceRename', name: c.name.trim() })
      case 'create-channel': return this.named(c.name) ?? this.createChannel(turn, asker, replica, c.name.trim())
      case 'rename-channel': return this.renameChannel(turn, asker, replica, c)
      case 'remove-member': return this.removeMember(turn, asker, replica, c)
      case 'leave-space': return this.leave(turn, asker, replica)
      case 'create-invite': return this.createInvite(turn, asker, replica, c)
      case 'revoke-invite': return replica.authority.state.invites.has(c.invite)
        ? this.change(turn, asker, replica, { type: 'inviteRevoke', invite: c.invite }) : fail('unknown-invite')
      case 'send-message': return this.sendMessage(turn, asker, replica, c)
    }
  }

  private named(name: string): ApiError | undefined {
    const text = name.trim()
    return text === '' ? fail('name-empty') : text.length > limits.MAX_NAME_CHARS ? fail('name-too-long') : undefined
  }

  // ---- me ----

  private async setUp(turn: Turn, asker: Asker, c: Run<'set-up'>): Promise<ApiError | undefined> {
    if (this.engine.me !== undefined) return fail('already-set-up')
    const wrong = this.named(c.name)
    if (wrong !== undefined) return wrong
    const record = await makeMe(this.engine.world, c.name.trim())
    saveMe(turn, record)
    const me = await restoreMe(this.engine.world.suite, record)
    this.engine.setMe(me, record)
    turn.out.reply(asker, { identity: me.identity, device: me.device })
    this.engine.telling.me(turn)
    return undefined
  }

  private async setName(turn: Turn, asker: Asker, c: Run<'set-name'>): Promise<ApiError | undefined> {
    const wrong = this.named(c.name)
    if (wrong !== undefined) return wrong
    await this.engine.rename(turn, c.name.trim())
    turn.out.reply(asker, {})
    return undefined
  }

  // ---- spaces ----

  private async createSpace(turn: Turn, asker: Asker, c: Run<'create-space'>): Promise<ApiError | undefined> {
    const { engine } = this
    const { world, me } = engine
    if (me === undefined) return fail('not-set-up')
    const wrong = this.named(c.name)
    if (wrong !== undefined) return wrong
    if (engine.replicas.size >= limits.MAX_SPACES || (c.relays?.length ?? 0) > limits.MAX_RELAYS) return fail('limit-reached')
    const relays = (c.relays ?? []).map((url) => url.replace(/\/+$/, ''))
    const body: AuthorityBody = {
      type: 'genesis', name: c.name.trim(), identityPk: me.identityKey.publicKey, cert: me.cert, historyPolicy: 'all', nonce: world.random.bytes(16), displayName: me.name, relays,
    }
    const genesis = await signOp(world, me, {
      space: NO_SPACE, audience: 0, channel: AUTHORITY_CHANNEL, device: me.device, seq: 1, prev: undefined, chanSeq: 1, chanPrev: undefined, deps: [], type: 'genesis',
      hlc: turn.now * 1024, kid: undefined, epoch: undefined, bodyHash: new Uint8Array(),
    }, encodeAuthorityBody(body))
    const id = genesis.id as unknown as SpaceId
    const replica = new Replica(world, me, id, { state: 'open', relays, link: '', createdAt: turn.now })
    replica.save(turn, replica.record)
    await replica.found(turn, genesis)
    const self = { identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash }
    const state = await createGroup(replica.groups.mls, self, fromHex(id) as Uint8Array)
    const commit = await commitChange(turn, replica, id as unknown as EpochId, state, [], [])
    if (commit === undefined) return fail('internal')
    const channel = parseChannelId(world.random.bytes(16)) as ChannelId
    const general = await this.appendChannel(turn, replica, channel, 'general')
    engine.addReplica(turn, replica)
    await replica.settle(turn)
    await engine.distribute(turn, replica, [genesis, commit, ...general, await publishKeyPackage(turn, replica)])
    turn.out.reply(asker, { space: id, channel })
    return undefined
  }

  /** Refuses with authority's reason, or makes the op and sends it. */
  private async change(turn: Turn, asker: Asker, replica: Replica, body: AuthorityBody, result: object = {}): Promise<ApiError | undefined> {
    const refusal = replica.authority.refuse(replica.me.identity, body)
    if (refusal !== undefined) return fail('not-allowed')
    const op = await replica.append(turn, body.type, encodeAuthorityBody(body))
    await this.engine.distribute(turn, replica, [op])
    turn.out.reply(asker, result)
    return undefined
  }

  private async createChannel(turn: Turn, asker: Asker, replica: Replica, name: string): Promise<ApiError | undefined> {
    const channel = parseChannelId(this.engine.world.random.bytes(16)) as ChannelId
    if (replica.authority.refuse(replica.me.identity, { type: 'channelCreate', channel, name, kind: 'text', audience: 0 }) !== undefined) return fail('not-allowed')
    await this.engine.distribute(turn, replica, await this.appendChannel(turn, replica, channel, name))
    turn.out.reply(asker, { channel })
    return undefined
  }

  /** A channel, and its place behind all others. */
  private async appendChannel(turn: Turn, replica: Replica, channel: ChannelId, name: string): Promise<Op[]> {
    const last = [...replica.authority.state.channels.values()].map((c) => c.place).sort().pop() ?? ''
    const place = placeBetween(last, '')
    const ops = [await replica.append(turn, 'channelCreate', encodeAuthorityBody({ type: 'channelCreate', channel, name, kind: 'text', audience: 0 }))]
    if (place !== undefined) ops.push(await replica.append(turn, 'channelPlace', encodeAuthorityBody({ type: 'channelPlace', channel, category: undefined, place })))
    return ops
  }

  private renameChannel(turn: Turn, asker: Asker, replica: Replica, c: Run<'rename-channel'>): Promise<ApiError | undefined> | ApiError {
    const wrong = this.named(c.name)
    if (wrong !== undefined) return wrong
    if (!replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
    return this.change(turn, asker, replica, { type: 'channelRename', channel: c.channel, name: c.name.trim() })
  }

  private async removeMember(turn: Turn, asker: Asker, replica: Replica, c: Run<'remove-member'>): Promise<ApiError | undefined> {
    if (!replica.authority.state.members.has(c.member)) return fail('unknown-member')
    const cuts = replica.authority.cutsFor(c.member, replica.log.deviceHeads)
    const known = invitesKnownTo(turn, replica, c.member)
    const refusal = await this.change(turn, asker, replica, { type: 'kick', identity: c.member, cuts })
    if (refusal !== undefined) return refusal
    await endInvites(turn, this.engine, replica, known)
    await this.engine.reconcile(turn, replica)
    return undefined
  }

  private async leave(turn: Turn, asker: Asker, replica: Replica): Promise<ApiError | undefined> {
    const refusal = await this.change(turn, asker, replica, { type: 'leave' })
    if (refusal !== undefined) return refusal
    replica.save(turn, { ...replica.record, state: 'left' })
    replica.mail.stop(turn)
    this.engine.useRelays(turn)
    return undefined
  }

  // ---- invites ----

  private async createInvite(turn: Turn, asker: Asker, replica: Replica, c: Run<'create-invite'>): Promise<ApiError | undefined> {
    const { engine } = this
    const uses = c.uses ?? limits.DEFAULT_INVITE_USES, expiresInMs = c.expiresInMs ?? limits.DEFAULT_INVITE_MS
    if (uses < 1 || uses > limits.MAX_INVITE_USES || expiresInMs < 1 || expiresInMs > limits.MAX_INVITE_MS) return fail('bad-request')
    const live = inviteInfos(turn, replica, new Map()).filter((i) => i.state === 'live')
    if (live.length >= limits.MAX_LIVE_INVITES) return fail('limit-reached', 'This space has ten invites already. Take one back first.')
    const secret = engine.world.random.bytes(INVITE_SECRET_BYTES)
    const keys = await inviteKeys(engine.world.suite, secret)
    const expiresAt = turn.now + expiresInMs
    const body: AuthorityBody = {
      type: 'invite', invite: keys.invite, joinPk: keys.join.publicKey, sealPk: keys.box.publicKey, topicSeed: keys.topicSeed, role: undefined, uses, expiresAt, relays: replica.record.relays,
    }
    const refusal = replica.authority.refuse(replica.me.identity, body)
    if (refusal !== undefined) return fail('not-allowed')
    const base = c.base ?? replica.record.relays[0] ?? engine.appBase
    turn.out.put(`invites/${replica.id}`, fromHex(keys.invite) as Uint8Array, concat(secret, new TextEncoder().encode(base)))
    const op = await replica.append(turn, 'invite', encodeAuthorityBody(body))
    await engine.distribute(turn, replica, [op])
    await layKit(turn, replica, keys.invite)
    const link = encodeLink({ space: replica.id, secret, expiresAt, spaceName: replica.authority.state.name, inviterName: replica.me.name, relays: replica.record.relays }, base, (b) => engine.world.suite.sha256(b))
    turn.out.reply(asker, { invite: keys.invite, link, expiresAt })
    return undefined
  }

  private readLink(turn: Turn, asker: Asker, c: Run<'read-link'>): ApiError | undefined {
    const link = decodeLink(c.link, (b) => this.engine.world.suite.sha256(b))
    if (link === undefined) return fail('link-invalid')
    if (link === 'newer') return fail('link-newer')
    turn.out.reply(asker, { type: 'invite', space: link.space, spaceName: link.spaceName, inviterName: link.inviterName, relays: link.relays, expiresAt: link.expiresAt })
    return undefined
  }

  private async join(turn: Turn, asker: Asker, c: Run<'join'>): Promise<ApiError | undefined> {
    const { engine } = this
    const link = decodeLink(c.link, (b) => engine.world.suite.sha256(b))
    if (link === undefined || engine.me === undefined) return fail('link-invalid')
    if (link === 'newer') return fail('link-newer')
    const known = engine.replicas.get(link.space)
    if (known?.state() === 'member') return fail('already-member')
    if (link.expiresAt <= turn.now) return fail('link-expired')
    const waiting = engine.joinings.get(link.space)
    if (waiting !== undefined) {
      if (waiting.asker !== undefined) turn.out.refuse(waiting.asker, fail('busy'))
      waiting.asker = asker
      waiting.watch(turn)
      engine.watchJoin(turn, waiting)
      return undefined
    }
    if (engine.replicas.size >= limits.MAX_SPACES) return fail('limit-reached')
    const record = { state: 'joining' as const, relays: link.relays, link: c.link, createdAt: turn.now }
    const replica = known ?? new Replica(engine.world, engine.me, link.space, record)
    replica.save(turn, { ...record, createdAt: known?.record.createdAt ?? turn.now })
    if (known === undefined) engine.addReplica(turn, replica)
    engine.useRelays(turn)
    engine.watchJoin(turn, await Joining.begin(turn, replica, link, asker))
    return undefined
  }

  // ---- messages ----

  private async sendMessage(turn: Turn, asker: Asker, replica: Replica, c: Run<'send-message'>): Promise<ApiError | undefined> {
    const { engine } = this
    if (c.text.trim() === '') return fail('text-empty')
    if (c.text.length > limits.MAX_MESSAGE_CHARS) return fail('text-too-long')
    if (!replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
    const drafts = engine.drafts.get(replica.id)
    if (drafts === undefined) return fail('internal')
    if (!maySeal(replica)) {
      // Somebody was removed and nobody has changed the group yet: with the tip's state at hand this device does it now.
      const op = await act(turn, replica, changeOnly(turn, replica))
      if (op !== undefined) { await replica.settle(turn); await engine.distribute(turn, replica, [op]) }
    }
    if (!maySeal(replica) || !drafts.empty) {
      if (drafts.full) return fail('limit-reached', 'Too many messages wait to be secured. Wait until you are connected again.')
      const draft = drafts.add(turn, engine.world, c.channel, c.text)
      turn.out.reply(asker, { messageId: draft.id })
      turn.out.update({ type: 'messages', space: replica.id, channel: c.channel, messages: [draftInfo(replica, draft)] })
      engine.touch(turn, replica)
      return undefined
    }
    const op = await replica.appendContent(turn, c.channel, replica.groups.tip() as EpochId, { type: 'message', text: c.text })
    await engine.distribute(turn, replica, [op])
    turn.out.reply(asker, { messageId: op.id })
    return undefined
  }

  private getMessages(turn: Turn, asker: Asker, replica: Replica, c: Run<'get-messages'>): ApiError | undefined {
    if (!replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
    if (c.before !== undefined) return this.place(turn, asker, replica, c, c.before)
    return this.window(turn, asker, replica, c.channel, c.limit, undefined)
  }

  private window(turn: Turn, asker: Asker, replica: Replica, channel: ChannelId, wanted: number | undefined, before: Uint8Array | undefined): undefined {
    const limit = Math.min(Math.max(1, wanted ?? 50), limits.MAX_MESSAGES_PAGE)
    this.ask(turn, `messages/${replica.id}/${channel}`, { to: before ?? HLC_MAX, limit: limit + 1, reverse: true }, {
      type: 'messages', asker, space: replica.id, channel, limit, newest: before === undefined,
    })
  }

  private place(turn: Turn, asker: Asker, replica: Replica, command: Run<'get-messages'> | Run<'mark-read'> | Run<'retry-message'>, message: OpId): undefined {
    const key = fromHex(message) as Uint8Array
    this.ask(turn, `places/${replica.id}`, { from: key, to: concat(key, new Uint8Array(1)), limit: 1 }, { type: 'place', asker, command })
  }

  private ask(turn: Turn, partition: string, query: { from?: Uint8Array; to?: Uint8Array; limit: number; reverse?: boolean }, what: Query): undefined {
    const id = String(this.nextQuery++)
    this.queries.set(id, what)
    turn.out.read({ tag: `query|${id}`, partition, query })
  }

  /** Rows a question waited for. */
  onRows(turn: Turn, id: string, rows: readonly Row[]): void {
    const query = this.queries.get(id)
    this.queries.delete(id)
    if (query === undefined) return
    switch (query.type) {
      case 'place': return this.onPlace(turn, query.asker, query.command, rows[0])
      case 'messages': return this.onMessages(turn, query, rows)
      case 'retry': {
        const replica = this.engine.replicas.get(query.space)
        const message = rows[0] === undefined ? undefined : decodeMessage(rows[0].value)
        if (replica === undefined || message === undefined) return turn.out.refuse(query.asker, fail('unknown-message'))
        replica.mail.retry(turn, query.channel, message.chanSeq)
        this.engine.telling.statesChanged(query.space, query.channel)
        this.engine.touch(turn, replica)
        return turn.out.reply(query.asker, {})
      }
      case 'invites': {
        const replica = this.engine.replicas.get(query.space)
        if (replica === undefined) return turn.out.refuse(query.asker, fail('unknown-space'))
        const secrets = new Map(rows.map((row) => [toHex(row.key), { secret: row.value.slice(0, INVITE_SECRET_BYTES), base: new TextDecoder().decode(row.value.subarray(INVITE_SECRET_BYTES)) }]))
        return turn.out.reply(query.asker, { invites: inviteInfos(turn, replica, secrets) })
      }
    }
  }

  private onPlace(turn: Turn, asker: Asker, command: Run<'get-messages'> | Run<'mark-read'> | Run<'retry-message'>, row: Row | undefined): void {
    const replica = this.engine.replicas.get(command.space)
    const channel = row === undefined ? undefined : parseChannelId(row.value.subarray(0, 16))
    if (replica === undefined || row === undefined || channel === undefined) return turn.out.refuse(asker, fail('unknown-message'))
    const hlc = fromU64(row.value.subarray(16))
    const key = concat(u64(hlc), row.key)
    switch (command.type) {
      case 'get-messages': return void this.window(turn, asker, replica, channel, command.limit, key)
      case 'mark-read':
        this.engine.reading.mark(turn, replica.id, channel, hlc)
        this.engine.touch(turn, replica)
        return turn.out.reply(asker, {})
      case 'retry-message':
        this.ask(turn, `messages/${replica.id}/${channel}`, { from: key, limit: 1 }, { type: 'retry', asker, space: replica.id, channel })
    }
  }

  private onMessages(turn: Turn, query: Query & { type: 'messages' }, rows: readonly Row[]): void {
    const replica = this.engine.replicas.get(query.space)
    if (replica === undefined) return turn.out.refuse(query.asker, fail('unknown-space'))
    const messages: MessageInfo[] = []
    for (const row of rows.slice(0, query.limit).reverse()) {
      const record = decodeMessage(row.value)
      if (record === undefined) continue
      messages.push(messageInfo(replica, query.channel, record))
      if (record.device === replica.me.device) this.engine.telling.recent.note(replica.id, query.channel, record)
    }
    if (query.newest) for (const draft of this.engine.drafts.get(replica.id)?.of(query.channel) ?? []) messages.push(draftInfo(replica, draft))
    turn.out.reply(query.asker, { messages, more: rows.length > query.limit })
  }
}

/** Only a change of the group that this device can make at once; joining again takes its time. */
function changeOnly(turn: Turn, replica: Replica): ReturnType<typeof due> {
  const what = due(replica, turn.now)
  return what.type === 'change' ? what : { type: 'nothing' }
}

function draftInfo(replica: Replica, draft: { readonly id: OpId; readonly channel: ChannelId; readonly text: string; readonly at: number }): MessageInfo {
  return { id: draft.id, channel: draft.channel, author: replica.me.identity, authorName: replica.me.name, text: draft.text, sentAt: draft.at, order: draft.at * 1024, mine: true, state: { type: 'securing' } }
}
