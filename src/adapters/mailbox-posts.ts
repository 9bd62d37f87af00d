/**
 * Posts to one relay over HTTP: parcels of one topic in order, a few topics at a time, everything again until the relay has answered.
 *
 * Who answers matters. Only the relay's own word ends a post: a login page of a hotel or a proxy whose relay is down also say 403 or 200.
 */
import type { MailboxEvent, TopicKey } from '../ports.ts'
import { fromUtf8 } from '../wire/bytes.ts'
import { decodeKept, decodeRefusal, encodePost, type Kept, MAX_PARCEL_BYTES, postSignedBytes } from '../wire/relay.ts'
import { readAnswer } from './mailbox-answer.ts'
import { LAST_RETRY_MS, Pause } from './mailbox-pause.ts'

/** Topics whose parcels are on their way at a time. */
const MAX_POSTING = 4
const TIMEOUT_MS = 20_000
/** A parcel of 1 MiB gets a minute and a half more. */
const SLOWEST_BYTES_PER_MS = 12
/** A relay may ask us to wait, but not for ever. */
const MAX_ASKED_WAIT_MS = 5 * 60_000
const MAX_ANSWER_BYTES = 4096
/** Refusals that another try won't change. */
const FINAL: Readonly<Record<string, string>> = {
  'too-large': 'The relay does not take messages of this size.',
  'topic-full': 'The relay has no more room for this space. Ask whoever runs it for more, or use another relay.',
  'relay-full': 'The relay is full. Ask whoever runs it for more room, or use another relay.',
  'bad-topic': 'The relay refused this message.',
  'malformed': 'The relay refused this message.',
  'not-signed': 'The relay refused this message.',
}

export interface PostsOptions {
  readonly relay: string
  readonly fetch: typeof fetch
  readonly sign: (key: TopicKey, message: Uint8Array) => Promise<{ pk: Uint8Array; sig: Uint8Array }>
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  /** Whether the relay really signed this. */
  readonly accepts: (topic: string, kept: Kept) => Promise<boolean>
  readonly chance: () => number
  readonly tell: (event: MailboxEvent) => void
}

interface Post { readonly key: TopicKey; readonly parcelId: string; readonly bytes: Uint8Array }
/** away: nobody's word; the relay may be back soon. slow: the relay asks this topic to wait. */
type Outcome =
  | { readonly type: 'kept'; readonly kept: Kept }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'away' | 'slow'; readonly afterMs: number }

export class RelayPosts {
  private readonly options: PostsOptions
  private readonly waiting = new Map<string, Post[]>()
  private readonly busy = new Set<string>()
  private readonly slow = new Map<string, Pause>()
  private readonly away: Pause
  private readonly ending = new AbortController()

  constructor(options: PostsOptions) {
    this.options = options
    this.away = new Pause(options.chance)
  }

  post(post: Post): void {
    const { key: { topic }, parcelId, bytes } = post
    if (this.ending.signal.aborted) return
    if (bytes.length === 0 || bytes.length > MAX_PARCEL_BYTES) return this.refuse(topic, parcelId, FINAL['too-large'] as string)
    const list = this.waiting.get(topic) ?? []
    if (list.some((other) => other.parcelId === parcelId)) return
    list.push(post)
    this.waiting.set(topic, list)
    this.pump()
  }

  /** The relay is there: no reason to wait any longer for its return. */
  relayIsBack(): void { this.away.now() }

  stop(): void {
    this.ending.abort()
    this.away.clear()
    for (const pause of this.slow.values()) pause.clear()
    this.waiting.clear()
  }

  private pump(): void {
    for (const topic of this.waiting.keys()) {
      if (this.away.isWaiting || this.busy.size >= MAX_POSTING) return
      if (this.busy.has(topic) || this.slow.get(topic)?.isWaiting === true) continue
      this.busy.add(topic)
      void this.postFirst(topic).then(() => { this.busy.delete(topic); this.pump() })
    }
  }

  /** One parcel a turn, so that a topic with many doesn't keep the others waiting. */
  private async postFirst(topic: string): Promise<void> {
    const post = this.waiting.get(topic)?.[0]
    if (post === undefined) return
    const outcome = await this.attempt(post)
    if (this.ending.signal.aborted) return
    switch (outcome.type) {
      case 'away': return this.away.then(() => this.pump(), outcome.afterMs)
      case 'slow': {
        const pause = this.slow.get(topic) ?? new Pause(this.options.chance)
        this.slow.set(topic, pause)
        return pause.then(() => this.pump(), outcome.afterMs)
      }
      case 'kept': case 'refused': {
        this.away.worked()
        this.slow.delete(topic)
        this.done(topic)
        if (outcome.type === 'refused') return this.refuse(topic, post.parcelId, outcome.reason)
        return this.options.tell({ type: 'posted', relay: this.options.relay, topic, parcelId: post.parcelId, cursor: outcome.kept.cursor })
      }
    }
  }

  /** The topic goes to the end of the line. */
  private done(topic: string): void {
    const rest = this.waiting.get(topic)?.slice(1) ?? []
    this.waiting.delete(topic)
    if (rest.length > 0) this.waiting.set(topic, rest)
  }

  private refuse(topic: string, parcelId: string, reason: string): void {
    this.options.tell({ type: 'refused', relay: this.options.relay, topic, parcelId, final: true, reason })
  }

  private async attempt({ key, bytes }: Post): Promise<Outcome> {
    const { sign, sha256, accepts } = this.options
    const { pk, sig } = await sign(key, postSignedBytes(key.topic, sha256(bytes)))
    const answer = await this.send(key.topic, encodePost(pk, sig, bytes))
    if (answer === undefined) return { type: 'away', afterMs: 0 }
    const kept = answer.ok ? decodeKept(answer.body) : undefined
    if (kept !== undefined && await accepts(key.topic, kept)) return { type: 'kept', kept }
    const refusal = answer.ok ? undefined : decodeRefusal(fromUtf8(answer.body) ?? '')
    const reason = refusal && Object.hasOwn(FINAL, refusal.code) ? FINAL[refusal.code] : undefined
    if (reason !== undefined) return { type: 'refused', reason }
    return { type: refusal?.code === 'slow-down' ? 'slow' : 'away', afterMs: refusal === undefined ? 0 : answer.waitMs }
  }

  /** The answer of whoever answers; undefined when nobody does. */
  private async send(topic: string, body: Uint8Array): Promise<{ ok: boolean; body: Uint8Array; waitMs: number } | undefined> {
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(TIMEOUT_MS + Math.ceil(body.length / SLOWEST_BYTES_PER_MS))])
    const headers = { 'content-type': 'application/octet-stream' }
    const { relay, fetch } = this.options
    try {
      const answer = await fetch(`${relay}/v1/topics/${topic}`, { method: 'POST', body: body.slice(), headers, credentials: 'omit', cache: 'no-store', redirect: 'error', signal })
      const read = await readAnswer(answer, MAX_ANSWER_BYTES)
      return read && { ok: answer.ok, body: read, waitMs: askedWaitMs(answer) }
    } catch { return undefined }
  }
}

function askedWaitMs(answer: Response): number {
  const seconds = Number(answer.headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds * 1000, 0), MAX_ASKED_WAIT_MS) : LAST_RETRY_MS
}
