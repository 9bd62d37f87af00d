/**
 * Relays' mailboxes as the engine sees them: one push socket per relay, posts over HTTP in order per topic, everything again after a break.
 * The same code runs in the browser's worker and in Node.
 */
import type { Ciphersuite, Mailbox, MailboxEvent, TopicKey } from '../ports.ts'
import { concat, equal, fromHex } from '../wire/bytes.ts'
import {
  decodeFromRelay, decodeKept, encodePost, encodeToRelay, type FromRelay, type Head, headSignedBytes, MAX_ANNOUNCE_BYTES, MAX_PARCEL_BYTES, type Page, postSignedBytes, type ToRelay, watchSignedBytes,
} from '../wire/relay.ts'

export interface MailboxOptions {
  readonly suite: Pick<Ciphersuite, 'sha256' | 'sign' | 'signingKey' | 'verify'>
  readonly random: { bytes(length: number): Uint8Array }
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
const POST_TIMEOUT_MS = 30_000
/** Posts on their way to one relay at a time: topics in parallel, parcels of one topic in order. */
const MAX_POSTING = 4
const MAX_INFO_CHARS = 16 * 1024

interface Watch { readonly key: TopicKey; since: number; hash: Uint8Array | undefined; hashAt: number }
interface Post { readonly key: TopicKey; readonly parcelId: string; readonly bytes: Uint8Array }

export interface RelayMailbox extends Mailbox {
  /** The network is back: waits end now. */
  online(): void
}

export function createMailbox(options: MailboxOptions): RelayMailbox {
  const relays = new Map<string, RelayLine>()
  let tell: (event: MailboxEvent) => void = () => {}
  let stopped = false
  const line = (url: string): RelayLine => {
    const known = relays.get(url) ?? new RelayLine(url, options, (event) => { if (!stopped) tell(event) })
    relays.set(url, known)
    return known
  }
  return {
    start: async (to) => { tell = to },
    watch: (relay, key, since) => line(relay).watch(key, since),
    unwatch: (relay, topic) => relays.get(relay)?.unwatch(topic),
    post: (relay, key, parcelId, bytes) => line(relay).post({ key, parcelId, bytes }),
    announce: (relay, key, bytes) => relays.get(relay)?.announce(key, bytes),
    online: () => { for (const one of relays.values()) one.retryNow() },
    stop: async () => {
      stopped = true
      for (const one of relays.values()) one.stop()
    },
  }
}

/** Pauses that grow and are jittered, so that a relay that comes back isn't met by everyone at once. */
class Pause {
  private failures = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly random: MailboxOptions['random']
  private work: (() => void) | undefined

  constructor(random: MailboxOptions['random']) { this.random = random }

  then(work: () => void, atLeastMs = 0): void {
    this.clear()
    const limit = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures++)
    const ms = Math.max(atLeastMs, limit / 2 + (limit / 2) * ((this.random.bytes(1)[0] as number) / 255))
    this.work = work
    this.timer = setTimeout(() => { this.timer = undefined; this.work = undefined; work() }, ms)
  }

  now(): void {
    const work = this.work
    if (work === undefined) return
    this.clear()
    this.failures = 0
    work()
  }

  worked(): void { this.failures = 0 }
  clear(): void { clearTimeout(this.timer); this.timer = undefined; this.work = undefined }
}

/** Everything between this device and one relay. */
class RelayLine {
  private readonly url: string
  private readonly options: MailboxOptions
  private readonly tell: (event: MailboxEvent) => void
  private readonly watches = new Map<string, Watch>()
  private readonly topicKeys = new Map<string, { pk: Uint8Array; secret: Uint8Array }>()
  private socket: WebSocket | undefined
  private challenge: Uint8Array | undefined
  private relayKey: Uint8Array | undefined
  private readonly reconnect: Pause
  private readonly repost: Pause
  private readonly posts = new Map<string, Post[]>()
  private posting = new Set<string>()
  private isHeldBack = false
  private isStopped = false
  /** Messages of one socket are taken one after the other, since checking a head waits for the ciphersuite. */
  private inbound: Promise<void> = Promise.resolve()

  constructor(url: string, options: MailboxOptions, tell: (event: MailboxEvent) => void) {
    this.url = url
    this.options = options
    this.tell = tell
    this.reconnect = new Pause(options.random)
    this.repost = new Pause(options.random)
  }

  // ---- the push socket ----

  watch(key: TopicKey, since: number): void {
    const known = this.watches.get(key.topic)
    this.watches.set(key.topic, { key, since, hash: known?.since === since ? known.hash : undefined, hashAt: known?.hashAt ?? 0 })
    if (this.challenge !== undefined) void this.sendWatch(key.topic); else this.open()
  }

  unwatch(topic: string): void {
    if (this.watches.delete(topic)) this.write({ type: 'unwatch', topic })
  }

  announce(key: TopicKey, bytes: Uint8Array): void {
    if (bytes.length <= MAX_ANNOUNCE_BYTES && this.watches.has(key.topic)) this.write({ type: 'announce', topic: key.topic, bytes })
  }

  retryNow(): void { this.reconnect.now(); this.repost.now() }

  private open(): void {
    if (this.socket !== undefined || this.isStopped || this.watches.size === 0) return
    let socket: WebSocket
    try { socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/v1/push`) } catch { return }
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    socket.onmessage = (event: MessageEvent<unknown>) => {
      const { data } = event
      const message = data instanceof ArrayBuffer ? decodeFromRelay(new Uint8Array(data)) : undefined
      if (message === undefined) { socket.close(); return }
      this.inbound = this.inbound.then(() => (this.socket === socket ? this.hear(message) : undefined)).catch(() => { socket.close() })
    }
    socket.onclose = () => this.closed(socket)
    socket.onerror = () => { socket.close(); this.closed(socket) }
  }

  private closed(socket: WebSocket): void {
    if (this.socket !== socket) return
    this.socket = undefined
    if (this.challenge !== undefined) this.tell({ type: 'relay-down', relay: this.url })
    this.challenge = undefined
    if (!this.isStopped) this.reconnect.then(() => this.open())
  }

  private async hear(message: FromRelay): Promise<void> {
    switch (message.type) {
      case 'challenge':
        this.relayKey ??= await this.fetchKey()
        this.challenge = message.challenge
        this.reconnect.worked()
        for (const topic of this.watches.keys()) await this.sendWatch(topic)
        this.tell({ type: 'relay-up', relay: this.url })
        this.repost.now()
        return
      case 'page': return this.onPage(message.page)
      case 'announced':
        if (this.watches.has(message.topic)) this.tell({ type: 'announced', relay: this.url, topic: message.topic, bytes: message.bytes })
        return
      case 'refused': return
    }
  }

  private async sendWatch(topic: string): Promise<void> {
    const watch = this.watches.get(topic)
    const { challenge } = this
    if (watch === undefined || challenge === undefined) return
    const { pk, secret } = await this.keyOf(watch.key)
    const sig = await this.options.suite.sign(secret, watchSignedBytes(topic, challenge))
    if (this.challenge === challenge) this.write({ type: 'watch', topic, pk, sig, since: watch.since })
  }

  private write(message: ToRelay): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encodeToRelay(message).slice())
  }

  private async keyOf(key: TopicKey): Promise<{ pk: Uint8Array; secret: Uint8Array }> {
    const known = this.topicKeys.get(key.topic)
    if (known !== undefined) return known
    const made = await this.options.suite.signingKey(key.seed)
    const kept = { pk: made.publicKey, secret: made.secretKey }
    this.topicKeys.set(key.topic, kept)
    return kept
  }

  private async onPage(page: Page): Promise<void> {
    const watch = this.watches.get(page.topic)
    if (watch === undefined) return
    if (!await this.isHonest(page.topic, page.head)) { this.socket?.close(); return }
    if (page.head.cursor < watch.since || !this.continues(watch, page)) {
      watch.since = 0
      watch.hash = undefined
      this.tell({ type: 'rolled-back', relay: this.url, topic: page.topic })
      await this.sendWatch(page.topic)
      return
    }
    watch.since = page.next
    this.tell({ type: 'parcels', relay: this.url, topic: page.topic, parcels: page.parcels, next: page.next, end: page.end })
  }

  /** Whether the relay's rolling hash fits what it handed out since the last time we could check: a rewritten or withheld parcel shows here. */
  private continues(watch: Watch, page: Page): boolean {
    const { sha256 } = this.options.suite
    const first = page.parcels[0]
    if (watch.hash === undefined || watch.hashAt !== watch.since) {
      // Met in the middle: nothing to compare with until a page ends where the head stands.
      if (page.end && page.next === page.head.cursor) { watch.hash = page.head.hash; watch.hashAt = page.head.cursor }
      return true
    }
    let { hash } = watch
    let at = watch.hashAt
    for (const parcel of page.parcels) {
      // A gap is what expiry leaves: the hash goes on from the relay's word at the next end.
      if (parcel.cursor !== at + 1) { watch.hash = undefined; return first === undefined || first.cursor > watch.since }
      hash = sha256(concat(hash, sha256(parcel.bytes)))
      at = parcel.cursor
    }
    watch.hash = hash
    watch.hashAt = at
    return page.head.cursor !== at || equal(page.head.hash, hash)
  }

  private isHonest(topic: string, head: Head): Promise<boolean> {
    return this.relayKey === undefined ? Promise.resolve(true) : this.options.suite.verify(this.relayKey, head.sig, headSignedBytes(topic, head.cursor, head.hash))
  }

  private async fetchKey(): Promise<Uint8Array | undefined> {
    try {
      const answer = await fetch(`${this.url}/v1/relay`, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(POST_TIMEOUT_MS) })
      const text = await answer.text()
      if (!answer.ok || text.length > MAX_INFO_CHARS) return undefined
      const info: unknown = JSON.parse(text)
      const key = typeof info === 'object' && info !== null && 'publicKey' in info && typeof info.publicKey === 'string' ? fromHex(info.publicKey) : undefined
      return key?.length === 32 ? key : undefined
    } catch { return undefined }
  }

  // ---- posts ----

  post(post: Post): void {
    if (post.bytes.length > MAX_PARCEL_BYTES) {
      this.tell({ type: 'refused', relay: this.url, topic: post.key.topic, parcelId: post.parcelId, final: true, reason: 'This is larger than a relay takes.' })
      return
    }
    const list = this.posts.get(post.key.topic) ?? []
    if (list.some((p) => p.parcelId === post.parcelId)) return
    list.push(post)
    this.posts.set(post.key.topic, list)
    this.pump()
  }

  private pump(): void {
    if (this.isStopped || this.isHeldBack) return
    for (const topic of this.posts.keys()) {
      if (this.posting.size >= MAX_POSTING) return
      if (this.posting.has(topic)) continue
      this.posting.add(topic)
      void this.drain(topic).finally(() => { this.posting.delete(topic); this.pump() })
    }
  }

  private async drain(topic: string): Promise<void> {
    for (let post = this.posts.get(topic)?.[0]; post !== undefined && !this.isStopped && !this.isHeldBack; post = this.posts.get(topic)?.[0]) {
      const result = await this.attempt(post)
      if (result.type === 'later') return this.holdBack(result.afterMs)
      this.repost.worked()
      this.posts.get(topic)?.shift()
      if (this.posts.get(topic)?.length === 0) this.posts.delete(topic)
      const { parcelId } = post
      if (result.type === 'kept') this.tell({ type: 'posted', relay: this.url, topic, parcelId, cursor: result.cursor })
      else this.tell({ type: 'refused', relay: this.url, topic, parcelId, final: true, reason: result.reason })
    }
  }

  private holdBack(afterMs: number): void {
    this.isHeldBack = true
    this.repost.then(() => { this.isHeldBack = false; this.pump() }, afterMs)
  }

  private async attempt(post: Post): Promise<{ type: 'kept'; cursor: number } | { type: 'refused'; reason: string } | { type: 'later'; afterMs: number }> {
    const { suite } = this.options
    const { pk, secret } = await this.keyOf(post.key)
    const sig = await suite.sign(secret, postSignedBytes(post.key.topic, suite.sha256(post.bytes)))
    try {
      const answer = await fetch(`${this.url}/v1/topics/${post.key.topic}`, {
        method: 'POST', body: encodePost(pk, sig, post.bytes).slice(), headers: { 'content-type': 'application/octet-stream' }, credentials: 'omit', signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      })
      const body = new Uint8Array(await answer.arrayBuffer())
      if (answer.ok) {
        const kept = decodeKept(body)
        return kept === undefined ? { type: 'later', afterMs: LAST_RETRY_MS } : { type: 'kept', cursor: kept.cursor }
      }
      if (answer.status === 429 || answer.status >= 500 && answer.status !== 507) return { type: 'later', afterMs: Number(answer.headers.get('retry-after') ?? 0) * 1000 }
      return { type: 'refused', reason: refusal(answer.status) }
    } catch { return { type: 'later', afterMs: 0 } }
  }

  stop(): void {
    this.isStopped = true
    this.reconnect.clear()
    this.repost.clear()
    this.socket?.close()
  }
}

function refusal(status: number): string {
  switch (status) {
    case 413: return 'The relay does not take messages of this size.'
    case 507: return 'The relay is full. Ask whoever runs it for more room, or use another relay.'
    default: return 'The relay refused this message.'
  }
}
