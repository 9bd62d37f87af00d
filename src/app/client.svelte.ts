/**
 * All that the app knows and can do. One Client owns the port to the engine, the commands under way, and what is shown; components get data by props and
 * call methods. The engine's word is final: updates replace what is here, whole.
 */
import type { ApiError, CategoryInfo, ChannelInfo, ChannelKind, ClientPort, Command, FromWorker, MemberInfo, MessageInfo, Readers, Reply, ReplyInfo, Results, SpaceInfo, StatusInfo, Update } from '../api.ts'
import type { RoleInfo } from '../api/authority.ts'
import type { WordsGiven } from '../api/messages.ts'
import type { ChannelId, IdentityId, OpId, SpaceId } from '../wire/ids.ts'
import { restored, undone } from './acts.ts'
import { accepted, isSaved, merge, refused, seen, withoutPending, withPending, type ChannelView, type Pending } from './channel-view.ts'
import { Door } from './door.svelte.ts'
import { Drafts } from './drafts.ts'
import { Known } from './known.svelte.ts'
import { likely, Warm } from './warm.ts'
import { marksOf } from './parts/namesakes.ts'
import { s } from './strings.ts'
import { type Place, type Sought, Views } from './views.svelte.ts'
import { Windows } from './windows.ts'

export type Me = NonNullable<(Update & { type: 'me' })['me']>
export type Answer<T extends Command['type']> = { readonly ok: true; readonly result: Results[T] } | { readonly ok: false; readonly error: ApiError }
export interface Notice { readonly key: number; readonly text: string }

/** Of the one row that a thread hangs below. */
const ROOT = 'root'
const MAX_NOTICES = 3
/** Ms between two words to the engine that somebody is still writing. */
const TYPING_MS = 1000
/** A new tab leads within two seconds: so often, so long apart, a message is tried again. */
const BUSY_TRIES = 10
const BUSY_MS = 500

export class Client {
  /** undefined until the engine has said; null when nobody has set up this device yet. */
  me = $state.raw<Me | null | undefined>(undefined)
  /** Nobody is set up, and somebody was: this browser's storage was emptied. */
  isEmptied = $state(false)
  spaces = $state.raw<readonly SpaceInfo[] | undefined>(undefined)
  status = $state.raw<StatusInfo>({ peers: [], relays: [], queued: 0, muted: [] })
  /** How often somebody did something: whoever shows bans, devices or the like asks again. */
  acts = $state(0)
  /** How far a check of the disk, or a copy, is: up to 1. */
  longWork = $state(0)
  notices = $state.raw<readonly Notice[]>([])
  space = $state.raw<SpaceId | undefined>(undefined)
  channel = $state.raw<ChannelId | undefined>(undefined)
  /** The thread that is open in the channel, by the message that began it. */
  thread = $state.raw<MessageInfo | undefined>(undefined)
  private readonly known = new Known(this)
  private typingIn = $state.raw<ReadonlyMap<ChannelId, readonly IdentityId[]>>(new Map())
  /** The person looks at the end of the open channel: what comes there is read. */
  private isWatching = false
  /** Where each space was left, to return to. */
  private readonly lastChannel = new Map<SpaceId, ChannelId>()
  private lastConversation: SpaceId | undefined
  private typed: { readonly channel: ChannelId | undefined; readonly at: number } = { channel: undefined, at: 0 }
  private readonly waiting = new Map<number, (reply: Reply) => void>()
  private nextId = 1
  /** The newest messages of the channel that was opened last. */
  private loading: Promise<void> = Promise.resolve()
  readonly drafts = new Drafts({
    keep: async (spot, text) => (await this.ask({ type: 'keep-draft', ...spot, text })).ok,
    fetch: async (spot) => {
      const answer = await this.ask({ type: 'get-draft', ...spot })
      return answer.ok ? answer.result.text : ''
    },
  })
  readonly windows = new Windows(this)
  private readonly views = new Views(this.windows, {
    isOpen: (place) => place === this.channel || place === this.thread?.id,
    isWatched: (place) => place === this.place && this.isWatching,
    unread: ({ space, channel, thread }) => (thread === undefined ? this.channelsIn(space).find((c) => c.channel === channel)?.unread : this.thread?.replies?.unread) ?? 0,
  })
  private readonly warmed = new Warm({
    isHere: (channel) => this.views.has(channel), forget: (channel) => { this.views.without(channel) },
    fetch: async (channel) => { if (this.space !== undefined) await this.views.load({ space: this.space, channel }) },
  })
  /** The lock of this browser's disk. */
  readonly door: Door
  private readonly port: ClientPort

  constructor(port: ClientPort) {
    this.port = port
    this.door = new Door((message) => { port.post(message) }, () => this.nextId++, () => { this.forget() })
    port.listen((message) => this.hear(message))
  }

  get channels(): readonly ChannelInfo[] { return this.known.channelsIn(this.space) ?? [] }
  get categories(): readonly CategoryInfo[] { return this.known.categoriesIn(this.space) }
  /** The strongest first, everyone's last. */
  get roles(): readonly RoleInfo[] { return this.known.rolesIn(this.space) }
  get members(): readonly MemberInfo[] { return this.known.membersIn(this.space) }
  private readonly faces = $derived(new Map<string, MemberInfo>(this.members.map((m) => [m.member, m])))
  /** How somebody looks in the open space. */
  faceOf(member: string): MemberInfo | undefined { return this.faces.get(member) }
  private readonly marks = $derived(marksOf(this.members))
  /** What tells somebody from another member whose name looks the same. */
  markOf(member: string): string | undefined { return this.marks.get(member) }
  /** Others who are writing in the open channel now. */
  get typing(): readonly string[] { return ((this.channel && this.typingIn.get(this.channel)) || []).map((id) => this.members.find((m) => m.member === id)?.name ?? '') }
  get place(): Place | undefined { return this.thread?.id ?? this.channel }
  get view(): ChannelView { return this.views.of(this.place) }
  /** Messages and changes of the open channel that were lost from the disk. */
  get missing(): number { return (this.channel && this.views.missing.get(this.channel)) ?? 0 }
  get currentSpace(): SpaceInfo | undefined { return this.spaces?.find((s) => s.space === this.space) }
  get currentChannel(): ChannelInfo | undefined { return this.channels.find((c) => c.channel === this.channel) }
  /** Of what is unread, what means this person. */
  get mentions(): number { return this.spaces?.reduce((sum, s) => sum + callsIn(s), 0) ?? 0 }
  get unread(): number { return this.spaces?.reduce((sum, s) => sum + s.unread, 0) ?? 0 }
  /** Those that go on, and what is left of others; where something was said last comes first. */
  get conversations(): readonly SpaceInfo[] { return (this.spaces ?? []).filter((s) => s.kind === 'dm').sort((a, b) => b.lastAt - a.lastAt) }
  membersIn(space: SpaceId): readonly MemberInfo[] { return this.known.membersIn(space) }
  channelsIn(space: SpaceId): readonly ChannelInfo[] { return this.known.channelsIn(space) ?? [] }

  // ---- asking and hearing ----

  /** Asks the engine; the answer always comes, also when the worker is replaced meanwhile. */
  ask<C extends Command>(command: C): Promise<Answer<C['type']>> {
    const id = this.nextId++
    return new Promise((resolve) => {
      this.waiting.set(id, (reply) => { resolve(reply as Answer<C['type']>) })
      this.port.post({ type: 'command', id, command })
    })
  }

  /** Asks, and says in a sentence what went wrong: for dialogs, which show it where the person looks. */
  async attempt(command: Command): Promise<string | undefined> {
    const answer = await this.ask(command)
    return answer.ok ? undefined : answer.error.message
  }

  /** For what is done with a press and needs no dialog: what went wrong is said in a notice. */
  async attemptAloud(command: Command): Promise<void> {
    const problem = await this.attempt(command)
    if (problem !== undefined) this.notify(problem)
  }

  private hear(message: FromWorker): void {
    switch (message.type) {
      case 'update': this.update(message.update); return
      case 'reply': {
        const resolve = this.waiting.get(message.reply.id)
        this.waiting.delete(message.reply.id)
        resolve?.(message.reply)
        return
      }
      case 'door': case 'lock': this.door.hear(message); return
      default: message satisfies never
    }
  }

  private update(update: Update): void {
    switch (update.type) {
      case 'me':
        // Told again when another tab's worker has taken over: what is shown may have missed something.
        if (this.me !== undefined) this.windows.again()
        this.me = update.me ?? null
        this.isEmptied = update.isEmptied === true
        return
      case 'spaces': this.takeSpaces(update.spaces); return
      case 'channels': this.takeChannels(update); return
      case 'roles': this.known.takeRoles(update); return
      case 'members': this.known.takeMembers(update); return
      case 'window': this.windows.hear(update); return
      // For those who follow all that is said: here windows are watched.
      case 'messages': case 'revised': case 'states': return
      case 'typing': this.typingIn = new Map(this.typingIn).set(update.channel, update.members); return
      case 'status': this.status = update.status; return
      case 'undone': for (const act of update.acts) this.notify(undone(act, this.me?.identity)); return
      case 'restored': for (const act of update.acts) this.notify(restored(act, this.me?.identity)); return
      case 'acts': this.acts++; return
      case 'notice': this.notify(update.error.message); return
      case 'copy': case 'storage': this.longWork = update.all === 0 ? 1 : update.done / update.all; return
      default: update satisfies never
    }
  }

  /** The disk was locked: nothing of what it holds stays on the screen, or here. */
  private forget(): void {
    this.me = undefined
    this.spaces = undefined
    this.space = undefined
    this.channel = undefined
    this.thread = undefined
    this.known.forget()
    this.windows.forget()
    this.lastConversation = undefined
    this.typingIn = new Map()
    this.views.forget()
    this.lastChannel.clear()
    this.notices = []
    this.drafts.forget()
  }

  notify(text: string): void {
    this.notices = [...this.notices.filter((n) => n.text !== text), { key: this.nextId++, text }].slice(-MAX_NOTICES)
  }

  dismiss(key: number): void { this.notices = this.notices.filter((n) => n.key !== key) }

  // ---- spaces and channels ----

  private takeSpaces(spaces: readonly SpaceInfo[]): void {
    const isFirst = this.spaces === undefined
    const before = this.currentSpace
    // The name may be among what a damaged disk has lost.
    this.spaces = spaces.map((space) => (space.state === 'mending' && space.name === '' ? { ...space, name: s.mendingName } : space))
    if (before !== undefined && this.currentSpace === undefined) { this.closeChannel(); this.space = undefined }
    const [first] = spaces
    if (this.space === undefined && first !== undefined) this.openSpace((isFirst && spaces.find((s) => s.space === remembered())?.space) || first.space)
    // While a space is joined there is nothing to ask about it.
    else if (this.space !== undefined && before?.state === 'joining' && this.currentSpace?.state === 'member') void this.fetchSpace(this.space)
  }

  private takeChannels(told: { readonly space: SpaceId } & Results['list-channels']): void {
    const { space, channels } = told
    this.known.takeChannels(told)
    if (space === this.space && !channels.some((c) => c.channel === this.channel)) this.openChannel(channels[0]?.channel)
  }

  openSpace(space: SpaceId): void {
    if (space !== this.space) this.closeChannel()
    this.space = space
    if (this.currentSpace?.kind === 'dm') this.lastConversation = space
    remember(space)
    const channels = this.known.channelsIn(space)
    if (channels === undefined) void this.fetchSpace(space)
    this.openChannel(this.lastChannel.get(space) ?? channels?.[0]?.channel)
  }

  /** One with something unread, or the one that was open last. */
  openConversations(): void {
    const all = this.conversations
    const next = all.find((s) => s.unread > 0) ?? all.find((s) => s.space === this.lastConversation) ?? all.at(-1)
    if (next !== undefined) this.openSpace(next.space)
  }

  private async fetchSpace(space: SpaceId): Promise<void> {
    const channels = await this.known.fetch(space)
    if (channels !== undefined) this.takeChannels({ space, ...channels })
  }

  /** For whoever chooses among all people known. */
  fetchMembers(): void { this.known.fetchMembers(this.spaces ?? []) }

  /** For whoever looks through all of them. */
  fetchChannels(): void {
    for (const { space } of this.spaces ?? []) {
      if (this.known.channelsIn(space) === undefined) void this.ask({ type: 'list-channels', space }).then((answer) => { if (answer.ok) this.takeChannels({ space, ...answer.result }) })
    }
  }

  /** Where a message is read: in its channel, in a thread, or as a post with its answers. */
  async openMessage(space: SpaceId, { id, channel, thread }: MessageInfo): Promise<void> {
    const isPost = this.channelsIn(space).find((c) => c.channel === channel)?.kind === 'forum'
    await this.openAt(space, channel, thread ?? (isPost ? id : undefined))
  }

  /** Opens the channel, or the thread that this message in it began, and waits for the newest messages. */
  async openAt(space: SpaceId, channel: ChannelId, thread?: OpId): Promise<void> {
    if (space !== this.space) this.openSpace(space)
    this.openChannel(channel)
    await this.loading
    if (thread === undefined) return
    const answer = await this.ask({ type: 'get-messages', space, channel, around: thread, limit: 1 })
    const root = answer.ok ? answer.result.messages.find((m) => m.id === thread) : undefined
    if (root !== undefined) this.openThread(root)
    await this.loading
  }

  /** It may be opened next. */
  warm(channel: ChannelId): void { if (this.channels.some((c) => c.channel === channel && c.kind === 'text')) this.warmed.fetch(channel) }

  openChannel(channel: ChannelId | undefined): void {
    if (channel !== this.channel) this.closeChannel(); else this.closeThread()
    this.channel = channel
    if (channel === undefined || this.space === undefined) return
    this.lastChannel.set(this.space, channel)
    this.warmed.opened(channel)
    this.loading = this.views.come({ space: this.space, channel })
    void this.loading.then(() => { for (const next of likely(this.channels)) this.warmed.fetch(next) })
  }

  private closeChannel(): void {
    this.closeThread()
    if (this.channel !== undefined) this.views.leave(this.channel)
    this.channel = undefined
    this.isWatching = false
  }

  /** Below this message, in the place of its channel. */
  openThread(root: MessageInfo): void {
    const { space, channel } = this
    if (root.channel !== channel || space === undefined) return
    this.thread = root
    const isStill = (now: MessageInfo | undefined): void => { if (now !== undefined && now.id === this.thread?.id) this.thread = now }
    void this.windows.watch(ROOT, {
      question: () => ({ type: 'get-messages', space, channel, around: root.id, limit: 1 }),
      page: ({ rows }) => { isStill(rows[0]?.message) }, changed: ({ rows }) => { isStill(rows[0]?.message) },
    })
    this.loading = this.views.come({ space, channel, thread: root.id })
  }

  closeThread(): void {
    if (this.thread !== undefined) { this.windows.close(ROOT); this.views.leave(this.thread.id) }
    this.thread = undefined
    this.isWatching = false
  }

  /** With members of this space: the one there is, or a new one. This and those below answer with what went wrong. */
  async openConversation(space: SpaceId, members: readonly IdentityId[]): Promise<string | undefined> {
    const answer = await this.ask({ type: 'open-dm', space, members })
    if (!answer.ok) return answer.error.message
    this.openSpace(answer.result.space)
    return undefined
  }

  async createSpace(name: string): Promise<string | undefined> {
    const answer = await this.ask({ type: 'create-space', name, relays: [location.origin] })
    if (!answer.ok) return answer.error.message
    this.openSpace(answer.result.space)
    return undefined
  }

  async createChannel(space: SpaceId, what: { readonly name: string; readonly kind: ChannelKind; readonly category?: ChannelId; readonly readers?: Readers }): Promise<string | undefined> {
    const answer = await this.ask({ type: 'create-channel', space, ...what })
    if (!answer.ok) return answer.error.message
    if (this.space === space) this.openChannel(answer.result.channel)
    return undefined
  }

  // ---- messages ----

  async loadOlder(): Promise<void> { if (this.place !== undefined) await this.views.grow(this.place, 'older') }
  async loadNewer(): Promise<void> { if (this.place !== undefined) await this.views.grow(this.place, 'newer') }

  /** The channel's end, wherever in it somebody is. */
  async loadNewest(): Promise<void> { if (this.view.newer !== 'none') await this.load() }

  /** Whether the message is shown: it is, with those around it, where it is on this device. */
  async show(message: Sought): Promise<boolean> {
    const isHere = (): boolean => this.view.messages.some((m) => m.id === message.id)
    if (!isHere()) await this.load(message)
    return isHere()
  }

  private async load(around?: Sought): Promise<void> {
    const { space, channel, thread } = this
    if (space !== undefined && channel !== undefined) await this.views.load({ space, channel, thread: thread?.id }, around)
  }

  /** Shows the message at once and gives it to the engine. Refused, it stays, with the reason. */
  async send(text: string, replyTo?: ReplyInfo, meant?: Pending['meant']): Promise<void> {
    const { space, channel, place } = this
    if (space === undefined || channel === undefined || place === undefined) return
    const thread = this.thread && { thread: this.thread.id }
    const pending: Pending = { key: this.nextId++, text, at: Date.now(), ...(replyTo && { replyTo }), ...(meant && { meant }) }
    const command = { type: 'send-message', space, channel, text, ...meant, ...thread, ...(replyTo && { replyTo: replyTo.id }) } as const
    this.views.change(place, (view) => withPending(view, pending))
    let answer = await this.ask(command)
    for (let tries = 0; !answer.ok && answer.error.code === 'busy' && tries < BUSY_TRIES; tries++) {
      // The tab that did the work has gone. The next one may find the message saved already: saying it twice would be worse than waiting.
      await new Promise((resolve) => { setTimeout(resolve, BUSY_MS) })
      const saved = await this.findSaved({ space, channel, ...thread }, place, pending)
      if (saved === undefined) answer = await this.ask(command)
      else if (saved !== 'unknown') answer = { ok: true, result: { messageId: saved } }
    }
    const last = answer
    this.views.change(place, (view) => (last.ok ? accepted(view, pending.key, last.result.messageId) : refused(view, pending.key, last.error.message)))
  }

  /** A post in the open forum. Answers with what went wrong. */
  async publish(words: WordsGiven): Promise<string | undefined> {
    const { space, channel } = this
    return space === undefined || channel === undefined ? undefined : this.attempt({ type: 'send-message', space, channel, ...words })
  }

  /** The message that a pending one became, where the engine can say. */
  private async findSaved(where: { readonly space: SpaceId; readonly channel: ChannelId; readonly thread?: OpId }, place: Place, pending: Pending): Promise<OpId | 'unknown' | undefined> {
    const answer = await this.ask({ type: 'get-messages', ...where, limit: 20 })
    if (!answer.ok) return 'unknown'
    const found = answer.result.messages.findLast((m) => isSaved(pending, m))
    if (found !== undefined) this.views.change(place, (view) => merge(view, [found]))
    return found?.id
  }

  /** The person writes here now. The engine tells others as often as is useful, so it needn't hear of each letter. */
  sayTyping(): void {
    const { space, channel } = this
    const now = Date.now()
    if (space === undefined || channel === undefined || (this.typed.channel === channel && now - this.typed.at < TYPING_MS)) return
    this.typed = { channel, at: now }
    void this.ask({ type: 'typing', space, channel })
  }

  /** A refused message is given to the engine again, or up. */
  resend(key: number): void {
    const pending = this.view.pending.find((p) => p.key === key)
    if (pending === undefined) return
    this.discard(key)
    void this.send(pending.text, pending.replyTo, pending.meant)
  }

  discard(key: number): void { if (this.place !== undefined) this.views.change(this.place, (view) => withoutPending(view, key)) }

  /** The list says whether its end is on the screen of somebody who looks: then everything has been seen. */
  watch(isWatching: boolean): void {
    this.isWatching = isWatching
    if (isWatching) this.markRead()
  }

  /** A channel that isn't open, up to its newest message. */
  async markChannelRead(channel: ChannelId, space = this.space): Promise<void> {
    if (space === undefined) return
    const answer = await this.ask({ type: 'get-messages', space, channel, limit: 1 })
    const last = answer.ok ? answer.result.messages.at(-1) : undefined
    if (last !== undefined) await this.ask({ type: 'mark-read', space, channel, message: last.id })
  }

  /** All of a space that isn't open. */
  async markSpaceRead(space: SpaceId): Promise<void> {
    const answer = await this.ask({ type: 'list-channels', space })
    for (const { channel } of answer.ok ? answer.result.channels.filter((c) => c.unread > 0) : []) await this.markChannelRead(channel, space)
  }

  markRead(): void {
    const { space, channel, place } = this
    const last = this.view.messages.findLast((m) => m.state.type !== 'securing')
    if (space === undefined || channel === undefined || place === undefined || last === undefined || this.view.state === 'loading') return
    this.views.change(place, seen)
    if (((this.thread === undefined ? this.currentChannel?.unread : this.thread.replies?.unread) ?? 0) > 0) void this.ask({ type: 'mark-read', space, channel, message: last.id })
  }
}

/** What is unread and means this person: in a conversation everything does. */
export const callsIn = (space: SpaceInfo): number => (space.kind === 'dm' ? space.unread : space.mentions)

const LAST_SPACE = 'thicket-last-space'
const remember = (space: string): void => { try { sessionStorage.setItem(LAST_SPACE, space) } catch { /* A browser without storage forgets where it was. */ } }
function remembered(): string | null { try { return sessionStorage.getItem(LAST_SPACE) } catch { return null } }
