/**
 * The push socket to one relay. It says its challenge, we answer with a signed watch per topic, then pages come: first what is stored, then what arrives.
 * A line that breaks is taken up again with growing, jittered waits, and every topic from where we stopped. A dead line looks like a quiet one, so quiet ones are pinged.
 */
import type { Ciphersuite, MailboxEvent, TopicKey } from '../ports.ts'
import { equal, fromHex, fromUtf8 } from '../wire/bytes.ts'
import { decodeFromRelay, encodeToRelay, type FromRelay, type Head, headSignedBytes, MAX_ANNOUNCE_BYTES, type Page, type ToRelay, watchSignedBytes } from '../wire/relay.ts'
import { readAnswer } from './mailbox-answer.ts'
import { TopicChain } from './mailbox-chain.ts'
import { Pause } from './mailbox-pause.ts'

/** From dialling to the relay's greeting, its key included. */
const GREETING_MS = 20_000
/** Nothing heard for so long: ping; and nothing after another such time: the line is dead. */
const QUIET_MS = 25_000
const PONG_MS = 10_000
const MAX_INFO_BYTES = 16 * 1024

export interface Socket { send(bytes: Uint8Array): void; close(): void }
/** `message` hands over undefined for what isn't binary; `closed` comes after every end and every failure. */
export interface SocketEvents { readonly message: (bytes: Uint8Array | undefined) => void; readonly closed: () => void }
export type Connect = (url: string, events: SocketEvents) => Socket

export const connectWebSocket: Connect = (url, { message, closed }) => {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.onmessage = ({ data }: MessageEvent<unknown>) => message(data instanceof ArrayBuffer ? new Uint8Array(data) : undefined)
  socket.onclose = closed
  return {
    send: (bytes) => { if (socket.readyState === WebSocket.OPEN) socket.send(bytes.slice()) },
    close: () => socket.close(),
  }
}

export interface LineOptions {
  readonly relay: string
  readonly fetch: typeof fetch
  readonly connect: Connect
  readonly suite: Pick<Ciphersuite, 'sha256' | 'verify'>
  readonly sign: (key: TopicKey, message: Uint8Array) => Promise<{ pk: Uint8Array; sig: Uint8Array }>
  readonly chance: () => number
  readonly tell: (event: MailboxEvent) => void
  readonly isUp: () => void
}

/** `again` waits before a topic is watched anew after the relay contradicted itself or refused. */
interface Watch { readonly key: TopicKey; readonly chain: TopicChain; readonly again: Pause }

/** One connection. What it still has to say when another took its place is not heard. */
interface Session {
  socket: Socket | undefined
  /** The relay's public key, fetched while the socket opens. */
  readonly key: Promise<Uint8Array | undefined>
  challenge: Uint8Array | undefined
  quiet: ReturnType<typeof setTimeout> | undefined
  inbound: Promise<void>
}

export class RelayLine {
  private readonly options: LineOptions
  private readonly watches = new Map<string, Watch>()
  private readonly reconnect: Pause
  private readonly ending = new AbortController()
  private session: Session | undefined
  private relayKey: Uint8Array | undefined
  /** What was told last. */
  private told: 'nothing' | 'up' | 'down' = 'nothing'

  constructor(options: LineOptions) {
    this.options = options
    this.reconnect = new Pause(options.chance)
  }

  watch(key: TopicKey, since: number, hash?: Uint8Array): void {
    const known = this.watches.get(key.topic)
    const watch = known ?? { key, chain: new TopicChain((...parts) => this.options.suite.sha256(...parts), since, hash), again: new Pause(this.options.chance) }
    this.watches.set(key.topic, watch)
    watch.chain.moveTo(since, hash)
    watch.again.clear()
    if (this.session === undefined) this.open(); else void this.ask(this.session, watch)
  }

  unwatch(topic: string): void {
    this.watches.get(topic)?.again.clear()
    if (this.watches.delete(topic)) this.write(this.session, { type: 'unwatch', topic })
  }

  announce(topic: string, bytes: Uint8Array): void {
    if (bytes.length <= MAX_ANNOUNCE_BYTES && this.watches.has(topic)) this.write(this.session, { type: 'announce', topic, bytes })
  }

  /** Whether the relay signed this. Before its key is known (nothing is watched there) its word is taken. */
  async accepts(topic: string, head: Head): Promise<boolean> {
    if (this.relayKey !== undefined && !await this.isSigned(topic, head)) {
      // It may be another relay by now: the next greeting brings its key.
      if (this.session !== undefined) this.lost(this.session)
      else if (this.watches.size === 0) this.relayKey = undefined
      return false
    }
    this.watches.get(topic)?.chain.signed(head.cursor)
    return true
  }

  private async isSigned(topic: string, head: Head): Promise<boolean> {
    const { relayKey } = this
    return relayKey !== undefined && await this.options.suite.verify(relayKey, head.sig, headSignedBytes(topic, head.cursor, head.hash))
  }

  tryNow(): void {
    this.reconnect.worked()
    this.reconnect.now()
    if (this.session?.challenge !== undefined) this.ping(this.session)
  }

  stop(): void {
    this.ending.abort()
    this.watches.clear()
    this.hangUp()
  }

  // ---- the connection ----

  private open(): void {
    if (this.session !== undefined || this.reconnect.isWaiting || this.ending.signal.aborted || this.watches.size === 0) return
    const session: Session = { socket: undefined, key: this.fetchKey(), challenge: undefined, quiet: undefined, inbound: Promise.resolve() }
    this.session = session
    const lost = (): void => this.lost(session)
    session.quiet = setTimeout(lost, GREETING_MS)
    try {
      session.socket = this.options.connect(`${this.options.relay.replace(/^http/, 'ws')}/v1/push`, { message: (bytes) => this.receive(session, bytes), closed: lost })
    } catch { lost() }
  }

  /** Messages are taken one after the other, since checking a page waits for the ciphersuite. */
  private receive(session: Session, bytes: Uint8Array | undefined): void {
    if (this.session !== session) return
    const message = bytes && decodeFromRelay(bytes)
    if (message === undefined) return this.lost(session)
    if (session.challenge !== undefined) this.waitQuietly(session)
    session.inbound = session.inbound.then(() => (this.session === session ? this.hear(session, message) : undefined)).catch(() => this.lost(session))
  }

  private waitQuietly(session: Session): void {
    clearTimeout(session.quiet)
    session.quiet = setTimeout(() => this.ping(session), QUIET_MS)
  }

  private ping(session: Session): void {
    clearTimeout(session.quiet)
    session.quiet = setTimeout(() => this.lost(session), PONG_MS)
    this.write(session, { type: 'ping' })
  }

  private lost(session: Session): void {
    if (this.session !== session) return
    this.hangUp()
    this.tellOf('down')
    if (!this.ending.signal.aborted) this.reconnect.then(() => this.open())
  }

  private hangUp(): void {
    const { session } = this
    this.session = undefined
    this.reconnect.clear()
    clearTimeout(session?.quiet)
    for (const { again } of this.watches.values()) again.clear()
    session?.socket?.close()
  }

  private tellOf(state: 'up' | 'down'): void {
    if (this.told === state) return
    this.told = state
    this.options.tell({ type: state === 'up' ? 'relay-up' : 'relay-down', relay: this.options.relay })
  }

  private write(session: Session | undefined, message: ToRelay): void {
    if (session !== undefined && session.challenge !== undefined && session === this.session) session.socket?.send(encodeToRelay(message))
  }

  // ---- what the relay says ----

  private async hear(session: Session, message: FromRelay): Promise<void> {
    switch (message.type) {
      case 'challenge': return this.greeted(session, message.challenge)
      case 'page': return this.onPage(session, message.page)
      case 'announced':
        if (this.watches.has(message.topic)) this.options.tell({ type: 'announced', relay: this.options.relay, topic: message.topic, bytes: message.bytes })
        return
      case 'refused': {
        const watch = this.watches.get(message.topic)
        return watch?.again.then(() => { void this.ask(session, watch) })
      }
      case 'pong': return
    }
  }

  private async greeted(session: Session, challenge: Uint8Array): Promise<void> {
    const key = await session.key
    if (key === undefined) return this.lost(session)
    if (this.session !== session) return
    // Another key is another relay: what the former one signed binds nobody, and what it kept may be gone.
    const isAnother = this.relayKey !== undefined && !equal(this.relayKey, key)
    this.relayKey = key
    session.challenge = challenge
    this.waitQuietly(session)
    for (const watch of this.watches.values()) {
      if (isAnother) { this.startOver(session, watch); continue }
      watch.chain.connected()
      void this.ask(session, watch)
    }
    this.tellOf('up')
    this.options.isUp()
  }

  private async ask(session: Session, watch: Watch): Promise<void> {
    const { challenge } = session
    const { topic } = watch.key
    if (challenge === undefined) return
    try {
      const { pk, sig } = await this.options.sign(watch.key, watchSignedBytes(topic, challenge))
      if (this.watches.get(topic) === watch) this.write(session, { type: 'watch', topic, pk, sig, since: watch.chain.since })
    } catch { this.lost(session) }
  }

  private async onPage(session: Session, page: Page): Promise<void> {
    const watch = this.watches.get(page.topic)
    if (watch === undefined) return
    if (!await this.isSigned(page.topic, page.head)) return this.lost(session)
    if (this.session !== session || this.watches.get(page.topic) !== watch) return
    switch (watch.chain.follow(page)) {
      case 'stale': return
      case 'contradiction': return this.startOver(session, watch)
      case 'next':
        if (page.end) watch.again.worked()
        this.reconnect.worked()
        this.options.tell({ type: 'parcels', relay: this.options.relay, topic: page.topic, parcels: page.parcels, next: page.next, end: page.end, hash: watch.chain.hashThere })
    }
  }

  /** Reads from the start after a moment, in which whoever watches may choose to compare instead. */
  private startOver(session: Session, watch: Watch): void {
    watch.chain.restart()
    watch.again.then(() => { void this.ask(session, watch) })
    this.options.tell({ type: 'rolled-back', relay: this.options.relay, topic: watch.key.topic })
  }

  /** The key that the relay signs with; undefined when it can't be had, as when something else answers. */
  private async fetchKey(): Promise<Uint8Array | undefined> {
    try {
      const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(GREETING_MS)])
      const answer = await this.options.fetch(`${this.options.relay}/v1/relay`, { cache: 'no-store', credentials: 'omit', redirect: 'error', signal })
      const body = answer.ok ? await readAnswer(answer, MAX_INFO_BYTES) : undefined
      const info: unknown = JSON.parse((body && fromUtf8(body)) ?? 'null')
      const key = typeof info === 'object' && info !== null && 'publicKey' in info && typeof info.publicKey === 'string' ? fromHex(info.publicKey) : undefined
      return key?.length === 32 ? key : undefined
    } catch { return undefined }
  }
}
