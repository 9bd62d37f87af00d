/**
 * The host loop: one engine, one queue, one input at a time.
 *
 *   take an input -> engine.step -> save everything in ONE transaction -> keep the tally -> read what it asked for -> send -> arm its wakes -> tell clients
 *
 * Save, then send, then tell is a security rule: whoever sends before saving and crashes in between reuses a sequence number or an MLS state after the restart. Nothing
 * leaves here that the disk doesn't hold.
 *
 * When a step throws, or the disk refuses, the engine's memory may be ahead of the disk. There is no repair: the engine is dropped and another one starts from the disk,
 * connections are hung up (their sessions lived in the dropped memory), and whoever sent the input is not listened to for a while, so that one bad frame can't make a
 * restart loop. The same loop runs in the browser's worker, in the headless peer and in the simulator: no API of any of them is named here.
 */
import type { ApiError, Command, Reply } from './api.ts'
import { goOnWith, isLong, type Long, readFrom } from './aside.ts'
import type { Input, Send, Step, Stepper, Tell, Wake } from './engine/input.ts'
import { BUSY, errorFor, STOPPING } from './engine/failures.ts'
import { OUTLIVES_ENGINE, senderOf, sizeOf } from './engine/senders.ts'
import { type Clock, type Copies, type Disk, DiskError, type Mailbox, type MailboxEvent, type Network, type NetworkEvent, type Tally, type TopicKey } from './ports.ts'

/** Calls `fire` once, at `atMs` by the clock or a little later. Early is allowed: the host looks at the clock and sets the rest. */
export interface Timers {
  set(atMs: number, fire: () => void): unknown
  clear(handle: unknown): void
}

export interface HostParts {
  /** Makes an engine that knows nothing yet: called at the start and after every failure. */
  readonly engine: () => Stepper
  readonly disk: Disk
  readonly tally?: Tally
  readonly copies?: Copies
  readonly network: Network
  readonly mailbox: Mailbox
  readonly clock: Clock
  readonly timers: Timers
  readonly tell: (tell: Tell) => void
  /** Failures, one line each, for whoever runs this. */
  readonly log?: (line: string) => void
}

export interface Host {
  /** Answered by exactly one reply with this client and id, also when the host fails or stops. */
  command(client: number, id: number, command: Command): void
  clientGone(client: number): void
  /** Resolves when nothing is queued and nothing runs; timers may be armed. `isBusy`: whether that would have to be waited for. */
  idle(): Promise<void>
  readonly isBusy: boolean
  /** Lets the running step end, then stops network and mailbox and closes the disk. */
  stop(): Promise<void>
}

/** Commands waiting for the engine: beyond it they are answered 'busy'. */
export const MAX_WAITING_COMMANDS = 256
/** Inputs of one sender (a peer, a gossip topic, a relay's topic) waiting for the engine. */
export const MAX_WAITING_PER_SENDER = 512
/** Bytes of all waiting inputs together: memory that strangers can make us hold. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** How long the sender of an input that broke a step isn't listened to; doubles each time, up to the second. */
export const MUTE_MS = 5000
export const MAX_MUTE_MS = 10 * 60_000
/** Pause before the second restart in a row; doubles each time, up to the second. The first is at once. */
export const RESTART_AFTER_MS = 250
export const MAX_RESTART_AFTER_MS = 30_000
/** Without a failure for so long, all is forgiven. */
export const FORGIVEN_AFTER_MS = 60_000

/** Steps that may wait for the disk: what one frame leads to is some hundred KiB of rows. */
const MAX_AHEAD = 4

interface Armed { readonly tag: string; readonly at: number; handle: unknown }
interface Queued { readonly input: Input; readonly sender: string | undefined; readonly bytes: number; readonly armed?: Armed }
interface Stepped { readonly queued: Queued; readonly step: Step }
interface Writing { readonly first: Queued; readonly last: Stepped; readonly done: Promise<void>; outcome: Outcome<void> | undefined }
/** Whether the next frame may be worked on before this is saved. */
const mayWait = ({ queued: { input }, step }: Stepped): boolean => input.type === 'frame' && step.reads.length === 0 && step.startAgain !== true

/** A watched relay topic: what the engine asked for, moved on by what it has saved since. */
interface Watched { readonly relay: string; readonly key: TopicKey; since: number; hash: Uint8Array | undefined; heldUntil: number }
interface Mute { until: number; lengthMs: number }

export function startHost(parts: HostParts): Host {
  const host = new Loop(parts)
  host.start()
  return host
}

class Loop implements Host {
  private readonly parts: HostParts
  private engine: Stepper
  private state: 'running' | 'resting' | 'stopping' = 'running'
  /** Taken in this order: answers to the engine's own reads, people's commands, all else as it came. */
  private answers: Input[] = []
  private commands: Queued[] = []
  private events: Queued[] = []
  private readonly waiting = new Map<string, number>()
  private waitingBytes = 0
  private working: Promise<void> | undefined
  /** Commands the engine has taken and not answered yet, by client. */
  private readonly unanswered = new Map<number, Set<number>>()
  private readonly wakes = new Map<string, Armed>()
  private readonly mutes = new Map<string, Mute>()
  private failuresInARow = 0
  private lastFailureAt = -Infinity
  /** What a new engine must be told again, because adapters tell it only once. */
  private self: NetworkEvent | undefined
  private readonly relaysUp = new Map<string, MailboxEvent>()
  /** Peers that this engine knows to be up. */
  private readonly peers = new Set<string>()
  private readonly watches = new Map<string, Watched>()
  private readonly topics = new Set<string>()
  /** Sends wait here until the adapter has started: history opens without waiting for the network. */
  private heldForNetwork: Send[] | undefined = []
  private heldForMailbox: Send[] | undefined = []

  constructor(parts: HostParts) {
    this.parts = parts
    this.engine = parts.engine()
  }

  start(): void {
    this.answers.push({ type: 'start' })
    const { network, mailbox } = this.parts
    const begin = (what: string, started: Promise<void>, release: () => readonly Send[]): void => {
      started.then(() => { for (const send of release()) if (this.state !== 'stopping') this.send(send) }, (error: unknown) => { release(); this.log(`The ${what} did not start`, error) })
    }
    begin('network', network.start((event) => this.hear(event)), () => { const held = this.heldForNetwork ?? []; this.heldForNetwork = undefined; return held })
    begin('mailbox', mailbox.start((event) => this.hear(event)), () => { const held = this.heldForMailbox ?? []; this.heldForMailbox = undefined; return held })
    this.work()
  }

  command(client: number, id: number, command: Command): void {
    if (this.state === 'stopping') return this.refuse(client, id, STOPPING)
    if (this.commands.length >= MAX_WAITING_COMMANDS) return this.refuse(client, id, BUSY)
    this.commands.push({ input: { type: 'command', client, id, command }, sender: undefined, bytes: 0 })
    this.work()
  }

  clientGone(client: number): void {
    // Behind its own commands, which run all the same: what was said is said.
    this.commands.push({ input: { type: 'client-gone', client }, sender: undefined, bytes: 0 })
    this.work()
  }

  get isBusy(): boolean { return this.working !== undefined }
  async idle(): Promise<void> { while (this.working !== undefined) await this.working }

  async stop(): Promise<void> {
    if (this.state !== 'stopping') {
      this.state = 'stopping'
      for (const tag of [...this.wakes.keys()]) this.disarm(tag)
    }
    await this.idle()
    this.answerAll(STOPPING)
    await this.parts.network.stop()
    await this.parts.mailbox.stop()
    await this.parts.disk.close()
  }

  // ---- what comes in ----

  private hear(event: NetworkEvent | MailboxEvent): void {
    if (this.state === 'stopping') return
    if (event.type === 'self') this.self = event
    if (event.type === 'relay-up') this.relaysUp.set(event.relay, event)
    if (event.type === 'relay-down') this.relaysUp.delete(event.relay)
    const sender = senderOf(event), bytes = sizeOf(event)
    if (sender !== undefined) {
      if (this.isMuted(sender) || (this.watches.get(sender)?.heldUntil ?? 0) > 0) return this.turnAway(event)
      const waiting = this.waiting.get(sender) ?? 0
      if (bytes > 0 && (waiting >= MAX_WAITING_PER_SENDER || this.waitingBytes + bytes > MAX_WAITING_BYTES)) return this.turnAway(event)
      this.waiting.set(sender, waiting + 1)
      this.waitingBytes += bytes
    }
    this.events.push({ input: event, sender, bytes })
    this.work()
  }

  /**
   * Drops an input so that its stream has no hole the engine wouldn't know of: a connection is ended, and comes back with a new hello;
   * a relay's topic is read again from where the engine is; gossip may always be lost.
   */
  private turnAway(event: Input): void {
    if (event.type === 'frame' || event.type === 'peer-up') this.parts.network.hangUp(event.peer)
    if (event.type === 'peer-down') this.events.push({ input: event, sender: undefined, bytes: 0 })
    // Whoever compares learns that it came to nothing, and reads from the start instead.
    if (event.type === 'found' || event.type === 'compared') this.events.push({ input: { type: 'compared', relay: event.relay, topic: event.topic, result: undefined }, sender: undefined, bytes: 0 })
    if (event.type === 'parcels') this.hold(`${event.relay} ${event.topic}`, this.parts.clock.now() + MUTE_MS)
  }

  /** A relay's topic is read on later, from where the engine is then. */
  private hold(topic: string, until: number): void {
    const watched = this.watches.get(topic)
    if (watched === undefined || watched.heldUntil > 0) return
    this.parts.mailbox.unwatch(watched.relay, watched.key.topic)
    watched.heldUntil = until
    this.events = this.events.filter((queued) => queued.sender !== topic || this.forget(queued))
    this.at(until, () => {
      if (this.watches.get(topic) !== watched || this.state === 'stopping') return
      watched.heldUntil = 0
      this.parts.mailbox.watch(watched.relay, watched.key, watched.since, watched.hash)
    })
  }

  /** Always false, for filters: this one is no longer waiting. */
  private forget(queued: Queued): false {
    if (queued.sender !== undefined) {
      const left = (this.waiting.get(queued.sender) ?? 1) - 1
      if (left > 0) this.waiting.set(queued.sender, left)
      else this.waiting.delete(queued.sender)
      this.waitingBytes -= queued.bytes
    }
    return false
  }

  private isMuted(sender: string): boolean {
    const leftMs = (this.mutes.get(sender)?.until ?? 0) - this.parts.clock.now()
    return leftMs > 0 && leftMs <= MAX_MUTE_MS
  }

  // ---- the loop ----

  private work(): void {
    if (this.working !== undefined || this.state !== 'running' || !this.hasWork()) return
    this.working = this.drain().finally(() => {
      this.working = undefined
      // Something may have come between the last look and now.
      this.work()
    })
  }

  private hasWork(): boolean { return this.answers.length + this.commands.length + this.events.length > 0 }

  /**
   * One input after the other. Only frames that come after a frame are worked on while rows are being written, and what they have to save is written together next: so a history comes in while the disk
   * is busy. What they lead to waits for all before them, and if these can't be written they are dropped with the engine, as frames that wait are.
   */
  private async drain(): Promise<void> {
    let ahead: Stepped[] = [], writing: Writing | undefined, broken: { readonly queued: Queued; readonly error: unknown } | undefined
    for (;;) {
      if (writing?.outcome !== undefined) {
        if (writing.outcome.failed) { await this.fail(writing.first, writing.outcome.error); ahead = []; broken = undefined }
        writing = undefined
      }
      if (writing === undefined && ahead.length > 0) { writing = this.write(ahead); ahead = [] }
      // A step that broke takes nothing of those before with it.
      if (writing === undefined && broken !== undefined) { await this.fail(broken.queued, broken.error); broken = undefined }
      const queued = broken !== undefined ? undefined : writing === undefined ? this.take() : ahead.length < MAX_AHEAD && mayWait(ahead.at(-1) ?? writing.last) ? this.takeFrame() : undefined
      if (queued !== undefined) {
        const stepped = await outcome(this.step(queued.input))
        if (stepped.failed) broken = { queued, error: stepped.error }
        else ahead.push({ queued, step: stepped.value })
      } else if (writing === undefined) return
      else await writing.done
    }
  }

  private write(steps: readonly Stepped[]): Writing {
    const done = outcome(this.follow(steps)).then((ended) => { writing.outcome = ended })
    const writing: Writing = { first: (steps[0] as Stepped).queued, last: steps.at(-1) as Stepped, done, outcome: undefined }
    return writing
  }

  /** The next input that still concerns this engine. */
  private take(): Queued | undefined {
    if (this.state !== 'running') return undefined
    for (;;) {
      const answer = this.answers.shift()
      if (answer !== undefined) return { input: answer, sender: undefined, bytes: 0 }
      const queued = this.commands.shift() ?? this.events.shift()
      if (queued === undefined) return undefined
      this.forget(queued)
      if (this.isCurrent(queued)) return queued
    }
  }

  /** The next input, if it is a frame. */
  private takeFrame(): Queued | undefined {
    const isFrame = this.answers.length + this.commands.length === 0 && this.events[0]?.input.type === 'frame'
    return isFrame ? this.take() : undefined
  }

  private isCurrent({ input, armed }: Queued): boolean {
    switch (input.type) {
      // Since it fired, the engine may have set or cancelled the same tag.
      case 'timer': return armed !== undefined && this.wakes.get(input.tag) === armed && this.wakes.delete(input.tag)
      case 'peer-up': this.peers.add(input.peer); return true
      case 'peer-down': return this.peers.delete(input.peer)
      case 'peer-path': case 'frame': return this.peers.has(input.peer)
      case 'command': this.note(input.client, input.id); return true
      default: return true
    }
  }

  private async step(input: Input): Promise<Step> {
    return this.engine.step(input.type === 'start' ? { ...input, tally: await this.parts.tally?.read() } : input, this.parts.clock.now())
  }

  /** What is to be saved first, all of it at once; then what else each step asks for, in its order. */
  private async follow(steps: readonly Stepped[]): Promise<void> {
    const saves = steps.flatMap(({ step }) => step.saves)
    if (saves.length > 0) await this.parts.disk.save(saves)
    for (const { queued, step } of steps) await this.goOn(queued.input, step)
  }

  private async goOn(input: Input, step: Step): Promise<void> {
    const { disk, tally } = this.parts, answers: Promise<Input>[] = []
    if (step.tally !== undefined) await tally?.write(step.tally)
    // Side by side: one after the other, what they wait for in the disk would add up.
    for (const read of step.reads) if (isLong(read)) this.beside(read); else answers.push(readFrom(disk, read))
    if (answers.length > 0) this.answers = [...await Promise.all(answers), ...this.answers]
    if (input.type === 'parcels' || input.type === 'rolled-back') this.moveOn(input)
    for (const send of step.sends) this.send(send)
    for (const wake of step.wakes) this.arm(wake)
    for (const tell of step.tells) this.tell(tell)
    if (step.startAgain === true) { this.answerAll(BUSY); this.dropEngine() }
    if (input.type === 'client-gone') this.unanswered.delete(input.client)
  }

  private moveOn(event: MailboxEvent & { type: 'parcels' | 'rolled-back' }): void {
    const watched = this.watches.get(`${event.relay} ${event.topic}`)
    if (watched === undefined || (event.type === 'parcels' && event.next < watched.since)) return
    watched.since = event.type === 'parcels' ? event.next : 0
    watched.hash = event.type === 'parcels' ? event.hash : undefined
  }

  // ---- when a step fails ----

  private async fail(queued: Queued, error: unknown): Promise<void> {
    const { clock } = this.parts
    this.log(`The engine starts again after ${queued.input.type}`, error)
    this.failuresInARow = Math.abs(clock.now() - this.lastFailureAt) > FORGIVEN_AFTER_MS ? 1 : this.failuresInARow + 1
    this.lastFailureAt = clock.now()
    if (queued.sender !== undefined) this.mute(queued.sender, error)
    this.answerAll(errorFor(error))
    // Whoever waits for an engine that doesn't come up deserves an answer now.
    if (queued.input.type === 'start') this.refuseWaiting(errorFor(error))
    this.dropEngine()
    const pause = this.failuresInARow === 1 ? 0 : Math.min(RESTART_AFTER_MS * 2 ** (this.failuresInARow - 2), MAX_RESTART_AFTER_MS)
    if (pause > 0 && this.state === 'running') {
      this.state = 'resting'
      this.at(clock.now() + pause, () => {
        if (this.state !== 'resting') return
        this.state = 'running'
        this.work()
      })
    }
    if (error instanceof DiskError && error.reason === 'corrupt') await this.mend()
  }

  /** Goes on while other inputs are taken. An engine that was dropped meanwhile has nobody who waits for it. */
  private beside(read: Long): void {
    const { engine, parts: { disk, copies } } = this
    goOnWith({ disk, ...(copies === undefined ? {} : { copies }), log: (what, error) => this.log(what, error) }, read, (input) => {
      if (this.engine !== engine || this.state === 'stopping') return
      this.events.push({ input, sender: undefined, bytes: 0 })
      this.work()
    })
  }

  /** What is damaged stays so: the next engine must find a disk that it can read, and what is missing named. */
  private async mend(): Promise<void> {
    try { this.log('The disk was damaged', new Error(`${(await this.parts.disk.mend()).length} places were cut out`)) } catch (error) { this.log('The disk could not be mended', error) }
  }

  private mute(sender: string, error: unknown): void {
    const now = this.parts.clock.now()
    for (const [name, mute] of this.mutes) if (mute.until + MAX_MUTE_MS < now) this.mutes.delete(name)
    // A disk that fails is hardly the sender's fault: no doubling.
    const former = error instanceof DiskError ? undefined : this.mutes.get(sender)
    const lengthMs = former === undefined ? MUTE_MS : Math.min(former.lengthMs * 2, MAX_MUTE_MS)
    this.mutes.set(sender, { until: now + lengthMs, lengthMs })
  }

  /** Ends all that lived in the dropped memory, and queues what the next engine must hear first. */
  private dropEngine(): void {
    for (const tag of [...this.wakes.keys()]) this.disarm(tag)
    for (const { input } of this.events) if (input.type === 'peer-up') this.peers.add(input.peer)
    this.events = this.events.filter((queued) => OUTLIVES_ENGINE.has(queued.input.type) || this.forget(queued))
    for (const peer of this.peers) this.parts.network.hangUp(peer)
    this.peers.clear()
    for (const topic of this.topics) this.parts.network.unsubscribe(topic)
    this.topics.clear()
    for (const watched of this.watches.values()) if (watched.heldUntil === 0) this.parts.mailbox.unwatch(watched.relay, watched.key.topic)
    this.watches.clear()
    this.engine = this.parts.engine()
    this.answers = [{ type: 'start' }]
    const again = [this.self, ...this.relaysUp.values()].filter((event) => event !== undefined)
    this.events = [...again.map((input) => ({ input, sender: undefined, bytes: 0 })), ...this.events]
  }

  private refuseWaiting(error: ApiError): void {
    for (const { input } of this.commands) if (input.type === 'command') this.refuse(input.client, input.id, error)
    this.commands = this.commands.filter(({ input }) => input.type !== 'command')
  }

  // ---- what goes out ----

  private send(send: Send): void {
    const { network, mailbox } = this.parts
    switch (send.type) {
      case 'use-relays': case 'dial': case 'hang-up': case 'frame': case 'subscribe': case 'unsubscribe': case 'publish':
        if (this.heldForNetwork !== undefined) return void this.heldForNetwork.push(send)
        break
      default:
        if (this.heldForMailbox !== undefined) return void this.heldForMailbox.push(send)
    }
    switch (send.type) {
      case 'use-relays': return network.useRelays(send.urls)
      case 'dial': return this.isMuted(`peer ${send.peer}`) ? undefined : network.dial(send.peer, send.addresses)
      case 'hang-up': return network.hangUp(send.peer)
      case 'frame': return this.peers.has(send.peer) ? network.send(send.peer, send.bytes) : undefined
      case 'subscribe': this.topics.add(send.topic); return network.subscribe(send.topic)
      case 'unsubscribe': this.topics.delete(send.topic); return network.unsubscribe(send.topic)
      case 'publish': return network.publish(send.topic, send.bytes)
      case 'watch': return this.watch(send.relay, send.key, send.since, send.hash)
      case 'compare': return mailbox.compare(send.relay, send.key, send.held)
      case 'unwatch': this.watches.delete(`${send.relay} ${send.topic}`); return mailbox.unwatch(send.relay, send.topic)
      case 'post': return mailbox.post(send.relay, send.key, send.parcelId, send.bytes)
      case 'announce': return mailbox.announce(send.relay, send.key, send.bytes)
    }
  }

  private watch(relay: string, key: TopicKey, since: number, hash: Uint8Array | undefined): void {
    const topic = `${relay} ${key.topic}`
    const heldUntil = this.watches.get(topic)?.heldUntil ?? 0
    const watched: Watched = { relay, key, since, hash, heldUntil: 0 }
    this.watches.set(topic, watched)
    const until = Math.max(heldUntil, this.isMuted(topic) ? (this.mutes.get(topic)?.until ?? 0) : 0)
    if (until === 0) return this.parts.mailbox.watch(relay, key, since, hash)
    this.hold(topic, until)
  }

  private tell(tell: Tell): void {
    if (tell.type === 'reply' && !this.unanswered.get(tell.client)?.delete(tell.reply.id)) return
    // A client that can't be told is that client's trouble: the step is saved and sent.
    try { this.parts.tell(tell) } catch (error) { this.log('A client could not be told', error) }
  }

  private note(client: number, id: number): void {
    const ids = this.unanswered.get(client)
    if (ids === undefined) this.unanswered.set(client, new Set([id]))
    else ids.add(id)
  }

  private refuse(client: number, id: number, error: ApiError): void {
    const reply: Reply = { id, ok: false, error }
    try { this.parts.tell({ type: 'reply', client, reply }) } catch (failure) { this.log('A client could not be told', failure) }
  }

  /** Answers what the engine took and, when stopping, what still waits for it. */
  private answerAll(error: ApiError): void {
    for (const [client, ids] of this.unanswered) for (const id of ids) this.refuse(client, id, error)
    this.unanswered.clear()
    if (this.state === 'stopping') this.refuseWaiting(error)
  }

  // ---- time ----

  private arm(wake: Wake): void {
    this.disarm(wake.tag)
    if (wake.at === Infinity) return
    const armed: Armed = { tag: wake.tag, at: wake.at, handle: undefined }
    this.wakes.set(wake.tag, armed)
    this.setTimer(armed)
  }

  private setTimer(armed: Armed): void {
    const leftMs = armed.at - this.parts.clock.now()
    armed.handle = this.parts.timers.set(armed.at, () => {
      if (this.wakes.get(armed.tag) !== armed) return
      if (this.isEarly(armed.at, leftMs)) return this.setTimer(armed)
      this.events.push({ input: { type: 'timer', tag: armed.tag }, sender: undefined, bytes: 0, armed })
      this.work()
    })
  }

  private disarm(tag: string): void {
    const armed = this.wakes.get(tag)
    if (armed === undefined) return
    this.wakes.delete(tag)
    this.parts.timers.clear(armed.handle)
  }

  /** The host's own timers: few, and harmless when they fire late. */
  private at(atMs: number, fire: () => void): void {
    const leftMs = atMs - this.parts.clock.now()
    this.parts.timers.set(atMs, () => (this.isEarly(atMs, leftMs) ? this.at(atMs, fire) : fire()))
  }

  /** `leftMs`: when the timer was set. Where as much is left now, the clock was set back meanwhile: who waited for it again might wait for a year. */
  private isEarly(atMs: number, leftMs: number): boolean {
    const nowLeftMs = atMs - this.parts.clock.now()
    return nowLeftMs > 0 && nowLeftMs < leftMs
  }

  private log(what: string, error: unknown): void { this.parts.log?.(`${what}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`) }
}

type Outcome<T> = { readonly failed: false; readonly value: T } | { readonly failed: true; readonly error: unknown }
const outcome = <T>(work: Promise<T>): Promise<Outcome<T>> => work.then((value) => ({ failed: false, value }), (error: unknown) => ({ failed: true, error }))
