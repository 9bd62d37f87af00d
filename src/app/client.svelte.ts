/**
 * All that the app knows and can do. One Client owns the port to the engine, the commands under way, and what is shown; components get data by props and
 * call methods. The engine's word is final: updates replace what is here, whole.
 */
import type { ApiError, ChannelInfo, ClientPort, Command, FromWorker, MemberInfo, MessageInfo, Reply, Results, SpaceInfo, StatusInfo, Update } from '../api.ts'
import type { ChannelId, OpId, SpaceId } from '../wire/ids.ts'

export type Me = NonNullable<(Update & { type: 'me' })['me']>
export type Answer<T extends Command['type']> = { readonly ok: true; readonly result: Results[T] } | { readonly ok: false; readonly error: ApiError }

/** A message on its way to the engine: shown at once, replaced by the engine's own row. */
export interface Pending { readonly key: number; readonly text: string; readonly at: number; readonly id?: OpId }

/** What is shown of one channel. */
export interface ChannelView {
  readonly messages: readonly MessageInfo[]
  readonly pending: readonly Pending[]
  /** Older messages exist. */
  readonly more: boolean
  readonly state: 'loading' | 'ready'
  /** The first message that was unread when the channel was opened. */
  readonly divider: OpId | undefined
}

const EMPTY: ChannelView = { messages: [], pending: [], more: false, state: 'loading', divider: undefined }
const PAGE = 60
const MAX_NOTICES = 3
/** A new tab leads within two seconds: so often, so long apart, a message is tried again. */
const BUSY_TRIES = 10
const BUSY_MS = 500
/** Page and worker read the same clock, at slightly different moments. */
const CLOCK_MS = 50

export class Client {
  /** undefined until the engine has said; null when nobody has set up this device yet. */
  me = $state.raw<Me | null | undefined>(undefined)
  spaces = $state.raw<readonly SpaceInfo[] | undefined>(undefined)
  status = $state.raw<StatusInfo>({ peers: [], relays: [], queued: 0 })
  notices = $state.raw<readonly { readonly key: number; readonly text: string }[]>([])
  space = $state.raw<SpaceId | undefined>(undefined)
  channel = $state.raw<ChannelId | undefined>(undefined)
  private channelsOf = $state.raw<ReadonlyMap<SpaceId, readonly ChannelInfo[]>>(new Map())
  private membersOf = $state.raw<ReadonlyMap<SpaceId, readonly MemberInfo[]>>(new Map())
  private views = $state.raw<ReadonlyMap<ChannelId, ChannelView>>(new Map())
  /** Where each space was left, to return to. */
  private readonly lastChannel = new Map<SpaceId, ChannelId>()
  private readonly waiting = new Map<number, (reply: Reply) => void>()
  private nextId = 1
  private readonly port: ClientPort

  constructor(port: ClientPort) {
    this.port = port
    port.listen((message) => this.hear(message))
  }

  get channels(): readonly ChannelInfo[] { return (this.space && this.channelsOf.get(this.space)) || [] }
  get members(): readonly MemberInfo[] { return (this.space && this.membersOf.get(this.space)) || [] }
  get view(): ChannelView { return (this.channel && this.views.get(this.channel)) || EMPTY }
  get currentSpace(): SpaceInfo | undefined { return this.spaces?.find((s) => s.space === this.space) }
  get currentChannel(): ChannelInfo | undefined { return this.channels.find((c) => c.channel === this.channel) }
  get unread(): number { return this.spaces?.reduce((sum, s) => sum + s.unread, 0) ?? 0 }
  channelsIn(space: SpaceId): readonly ChannelInfo[] { return this.channelsOf.get(space) ?? [] }

  /** Asks the engine; the answer always comes, also when the worker is replaced meanwhile. */
  ask<C extends Command>(command: C): Promise<Answer<C['type']>> {
    const id = this.nextId++
    return new Promise((resolve) => {
      this.waiting.set(id, (reply) => { resolve(reply as Answer<C['type']>) })
      this.port.post({ type: 'command', id, command })
    })
  }

  /** Asks and shows what went wrong; true when it was done. */
  async do(command: Command): Promise<boolean> {
    const answer = await this.ask(command)
    if (!answer.ok) this.notify(answer.error.message)
    return answer.ok
  }

  private hear(message: FromWorker): void {
    if (message.type === 'reply') {
      const resolve = this.waiting.get(message.reply.id)
      this.waiting.delete(message.reply.id)
      resolve?.(message.reply)
      return
    }
    this.update(message.update)
  }

  private update(update: Update): void {
    switch (update.type) {
      case 'me':
        // Told again when another tab's worker has taken over: what is shown may have missed something.
        if (this.me !== undefined && this.channel !== undefined) void this.load(this.channel)
        this.me = update.me ?? null
        return
      case 'spaces': this.takeSpaces(update.spaces); return
      case 'channels':
        this.channelsOf = new Map(this.channelsOf).set(update.space, update.channels)
        if (update.space === this.space && !update.channels.some((c) => c.channel === this.channel)) this.openChannel(update.channels[0]?.channel)
        return
      case 'members': this.membersOf = new Map(this.membersOf).set(update.space, update.members); return
      case 'messages': this.merge(update.channel, update.messages); return
      case 'states': {
        const states = new Map(update.states.map((s) => [s.id, s.state]))
        this.change(update.channel, (view) => ({ ...view, messages: view.messages.map((m) => { const state = states.get(m.id); return state === undefined ? m : { ...m, state } }) }))
        return
      }
      case 'status': this.status = update.status; return
      case 'notice': this.notify(update.error.message); return
    }
  }

  private takeSpaces(spaces: readonly SpaceInfo[]): void {
    const isFirst = this.spaces === undefined
    this.spaces = spaces
    if (this.space !== undefined && !spaces.some((s) => s.space === this.space)) this.space = this.channel = undefined
    if (this.space === undefined && spaces[0] !== undefined) this.openSpace((isFirst && spaces.find((s) => s.space === remembered())?.space) || spaces[0].space)
  }

  notify(text: string): void {
    const key = this.nextId++
    this.notices = [...this.notices, { key, text }].slice(-MAX_NOTICES)
  }

  dismiss(key: number): void { this.notices = this.notices.filter((n) => n.key !== key) }

  // ---- where we are ----

  openSpace(space: SpaceId): void {
    this.space = space
    remember(space)
    const channels = this.channelsOf.get(space)
    if (channels === undefined) void this.fetchSpace(space)
    this.openChannel(this.lastChannel.get(space) ?? channels?.[0]?.channel)
  }

  private async fetchSpace(space: SpaceId): Promise<void> {
    const [channels, members] = await Promise.all([this.ask({ type: 'list-channels', space }), this.ask({ type: 'list-members', space })])
    if (members.ok) this.membersOf = new Map(this.membersOf).set(space, members.result.members)
    if (!channels.ok) return
    this.channelsOf = new Map(this.channelsOf).set(space, channels.result.channels)
    if (this.space === space && this.channel === undefined) this.openChannel(channels.result.channels[0]?.channel)
  }

  openChannel(channel: ChannelId | undefined): void {
    this.channel = channel
    if (channel === undefined || this.space === undefined) return
    this.lastChannel.set(this.space, channel)
    void this.load(channel)
  }

  // ---- messages ----

  private change(channel: ChannelId, edit: (view: ChannelView) => ChannelView): void {
    const view = this.views.get(channel)
    if (view !== undefined) this.views = new Map(this.views).set(channel, edit(view))
  }

  private async load(channel: ChannelId): Promise<void> {
    const { space } = this
    if (space === undefined) return
    const unread = this.channelsOf.get(space)?.find((c) => c.channel === channel)?.unread ?? 0
    if (!this.views.has(channel)) this.views = new Map(this.views).set(channel, EMPTY)
    const answer = await this.ask({ type: 'get-messages', space, channel, limit: Math.max(PAGE, Math.min(200, unread + 10)) })
    if (!answer.ok) return
    const others = answer.result.messages.filter((m) => !m.mine)
    const divider = unread > 0 ? others[Math.max(0, others.length - unread)]?.id : undefined
    this.change(channel, (view) => ({ ...view, ...join(view, answer.result.messages), more: view.state === 'loading' ? answer.result.more : view.more, state: 'ready', divider }))
  }

  async loadOlder(): Promise<void> {
    const { space, channel } = this
    const oldest = this.view.messages[0]
    if (space === undefined || channel === undefined || oldest === undefined || !this.view.more) return
    this.change(channel, (view) => ({ ...view, more: false }))
    const answer = await this.ask({ type: 'get-messages', space, channel, limit: PAGE, before: oldest.id })
    this.change(channel, (view) => (answer.ok ? { ...view, ...join(view, answer.result.messages), more: answer.result.more } : { ...view, more: true }))
  }

  private merge(channel: ChannelId, messages: readonly MessageInfo[]): void {
    this.change(channel, (view) => ({ ...view, ...join(view, messages) }))
  }

  /** Shows the message at once and gives it to the engine. The text when it was refused, so that it can go back to the composer. */
  async send(text: string): Promise<string | undefined> {
    const { space, channel } = this
    if (space === undefined || channel === undefined) return text
    const key = this.nextId++
    const at = Date.now()
    this.change(channel, (view) => ({ ...view, pending: [...view.pending, { key, text, at }] }))
    let answer = await this.ask({ type: 'send-message', space, channel, text })
    for (let tries = 0; !answer.ok && answer.error.code === 'busy' && tries < BUSY_TRIES; tries++) {
      // The tab that did the work has gone. The next one may find the message saved already: saying it twice would be worse than waiting.
      await new Promise((resolve) => { setTimeout(resolve, BUSY_MS) })
      const saved = await this.findOwn(space, channel, text, at)
      if (saved === undefined) answer = await this.ask({ type: 'send-message', space, channel, text })
      else if (saved !== 'unknown') answer = { ok: true, result: { messageId: saved } }
    }
    if (answer.ok) {
      const id = answer.result.messageId
      this.change(channel, (view) => ({
        ...view, pending: view.messages.some((m) => m.id === id) ? view.pending.filter((p) => p.key !== key) : view.pending.map((p) => (p.key === key ? { ...p, id } : p)),
      }))
      return undefined
    }
    this.change(channel, (view) => ({ ...view, pending: view.pending.filter((p) => p.key !== key) }))
    this.notify(answer.error.message)
    return text
  }

  /** An own message with this text since then, where the engine can say. */
  private async findOwn(space: SpaceId, channel: ChannelId, text: string, since: number): Promise<OpId | 'unknown' | undefined> {
    const answer = await this.ask({ type: 'get-messages', space, channel, limit: 20 })
    if (!answer.ok) return 'unknown'
    this.merge(channel, answer.result.messages)
    return answer.result.messages.findLast((m) => m.mine && m.text === text && m.sentAt >= since - CLOCK_MS)?.id
  }

  /** Everything on the screen has been seen. */
  markRead(): void {
    const { space, channel } = this
    const last = this.view.messages.findLast((m) => m.state.type !== 'securing')
    if (space === undefined || channel === undefined || last === undefined || (this.currentChannel?.unread ?? 0) === 0) return
    void this.ask({ type: 'mark-read', space, channel, message: last.id })
  }
}

/** Rows by id, in the channel's order; a sealed draft takes its draft's place, and what has arrived waits no more. */
function join(view: ChannelView, news: readonly MessageInfo[]): Pick<ChannelView, 'messages' | 'pending'> {
  const replaced = new Set(news.map((m) => m.replaces))
  const rows = new Map(view.messages.filter((m) => !replaced.has(m.id)).map((m) => [m.id, m]))
  for (const message of news) rows.set(message.id, message)
  const messages = [...rows.values()].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
  return { messages, pending: view.pending.filter((p) => p.id === undefined || !rows.has(p.id)) }
}

const LAST_SPACE = 'thicket-last-space'
const remember = (space: string): void => { try { sessionStorage.setItem(LAST_SPACE, space) } catch { /* A browser without storage forgets where it was. */ } }
function remembered(): string | null { try { return sessionStorage.getItem(LAST_SPACE) } catch { return null } }
