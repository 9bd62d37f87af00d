/**
 * Comparisons with one relay over HTTP (wire/compare.ts): symbols until it is known what differs, then the parcels that we lack, a page at a time.
 * What fails is begun again after a wait, and what was fetched before is not fetched twice.
 */
import type { MailboxEvent, TopicKey } from '../ports.ts'
import { fromUtf8, toHex } from '../wire/bytes.ts'
import {
  type Ask, type CompareAnswer, decodeCompareAnswer, decodeFetchAnswer, encodeCompareRequest, encodeFetchRequest, type FetchAnswer, MAX_COMPARE_ANSWER_BYTES, MAX_FETCH_ANSWER_BYTES, MAX_FETCHED,
} from '../wire/compare.ts'
import { Comparison, packed } from '../wire/comparison.ts'
import { ID_BYTES } from '../wire/rateless.ts'
import { CHALLENGE_BYTES, decodeRefusal, type Head, readSignedBytes } from '../wire/relay.ts'
import { readAnswer } from './mailbox-answer.ts'
import { Pause } from './mailbox-pause.ts'

const TIMEOUT_MS = 60_000
/** Times that a relay may contradict itself, as one does whose parcels expire meanwhile, before we read it from the start. */
const MAX_CONTRADICTIONS = 5
/** Rounds of one comparison: far more than any honest one takes. */
const MAX_ROUNDS = 500
const MAX_ASKED_WAIT_MS = 5 * 60_000
/** The relay's own word that it can't do this. */
const UNABLE: ReadonlySet<string> = new Set(['not-found', 'bad-topic', 'malformed', 'not-signed'])

export interface ComparisonsOptions {
  readonly relay: string
  readonly fetch: typeof fetch
  readonly sign: (key: TopicKey, message: Uint8Array) => Promise<{ pk: Uint8Array; sig: Uint8Array }>
  readonly sha256: (bytes: Uint8Array) => Uint8Array
  /** Whether the relay really signed this. */
  readonly accepts: (topic: string, head: Head) => Promise<boolean>
  readonly chance: () => number
  /** A whole number of 32 bits by chance. */
  readonly seed: () => number
  readonly tell: (event: MailboxEvent) => void
}

interface Job { readonly key: TopicKey; readonly held: Uint8Array; readonly got: Set<string>; contradictions: number; readonly pause: Pause }
type Proof = { readonly pk: Uint8Array; readonly sig: Uint8Array; readonly challenge: Uint8Array }
/** again: nobody's word, or a wait that the relay asks for. changed: what it says contradicts what it said. */
type Trouble = { readonly type: 'again'; readonly afterMs: number } | { readonly type: 'changed' | 'unable' }
const isTrouble = <T extends object>(v: T | Trouble): v is Trouble => 'type' in v

export class RelayComparisons {
  private readonly options: ComparisonsOptions
  private readonly jobs = new Map<string, Job>()
  private readonly ending = new AbortController()

  constructor(options: ComparisonsOptions) { this.options = options }

  compare(key: TopicKey, held: Uint8Array): void {
    if (this.ending.signal.aborted) return
    this.jobs.get(key.topic)?.pause.clear()
    const job: Job = { key, held, got: new Set(), contradictions: 0, pause: new Pause(this.options.chance) }
    this.jobs.set(key.topic, job)
    void this.run(job)
  }

  relayIsBack(): void { for (const { pause } of this.jobs.values()) pause.now() }

  stop(): void {
    this.ending.abort()
    for (const { pause } of this.jobs.values()) pause.clear()
    this.jobs.clear()
  }

  private isCurrent(job: Job): boolean { return this.jobs.get(job.key.topic) === job }

  private async run(job: Job): Promise<void> {
    const trouble = await this.attempt(job)
    if (!this.isCurrent(job) || trouble === undefined) return
    if (trouble.type === 'again') return job.pause.then(() => { void this.run(job) }, trouble.afterMs)
    if (trouble.type === 'changed' && ++job.contradictions < MAX_CONTRADICTIONS) return job.pause.then(() => { void this.run(job) })
    this.end(job, undefined)
  }

  private end(job: Job, result: (MailboxEvent & { type: 'compared' })['result']): void {
    this.jobs.delete(job.key.topic)
    this.options.tell({ type: 'compared', relay: this.options.relay, topic: job.key.topic, result })
  }

  /** Once through; undefined when it is done, or no longer wanted. */
  private async attempt(job: Job): Promise<Trouble | undefined> {
    const { topic } = job.key
    const proof = await this.proof(job.key)
    if (proof === undefined) return { type: 'again', afterMs: 0 }
    const comparison = new Comparison(job.held, this.options.seed())
    let first: CompareAnswer | undefined
    for (let rounds = 0; comparison.ask !== undefined; rounds++) {
      const answer = await this.ask(job, proof, first?.upTo ?? 0, comparison.ask)
      if (!this.isCurrent(job)) return undefined
      if (isTrouble(answer)) return answer
      if (rounds === 0 && !await this.options.accepts(topic, answer.head)) return { type: 'again', afterMs: 0 }
      first ??= answer
      if (rounds > MAX_ROUNDS || answer.upTo !== first.upTo || !comparison.take(answer.told)) return { type: 'changed' }
    }
    if (first === undefined || first.upTo !== first.head.cursor) return { type: 'changed' }
    const trouble = await this.fetchAll(job, proof, comparison.lacking.filter((id) => !job.got.has(id)))
    if (trouble !== undefined || !this.isCurrent(job)) return trouble
    this.end(job, { lacks: new Set(comparison.surplus), found: job.got.size, next: first.upTo, hash: first.head.hash })
    return undefined
  }

  private async fetchAll(job: Job, proof: Proof, ids: readonly string[]): Promise<Trouble | undefined> {
    for (let at = 0; at < ids.length;) {
      const wanted = ids.slice(at, at + MAX_FETCHED)
      const answer = await this.fetchSome(job, proof, wanted)
      if (!this.isCurrent(job)) return undefined
      if (isTrouble(answer)) return answer
      at += answer.looked
      const parcels = answer.parcels.filter((parcel) => {
        const id = toHex(this.options.sha256(parcel.bytes).subarray(0, ID_BYTES))
        return wanted.includes(id) && !job.got.has(id) && job.got.add(id)
      })
      if (parcels.length > 0) this.options.tell({ type: 'found', relay: this.options.relay, topic: job.key.topic, parcels })
    }
    return undefined
  }

  private async proof(key: TopicKey): Promise<Proof | undefined> {
    const answer = await this.send('/v1/challenge', undefined, CHALLENGE_BYTES)
    if (answer === undefined || !answer.ok || answer.body.length !== CHALLENGE_BYTES) return undefined
    const challenge = answer.body.slice()
    return { ...await this.options.sign(key, readSignedBytes(key.topic, challenge)), challenge }
  }

  private async ask(job: Job, proof: Proof, upTo: number, ask: Ask): Promise<CompareAnswer | Trouble> {
    const answer = await this.send(`/v1/topics/${job.key.topic}/compare`, encodeCompareRequest({ ...proof, upTo, ask }), MAX_COMPARE_ANSWER_BYTES)
    return answer?.ok === true ? decodeCompareAnswer(answer.body, ask) ?? { type: 'changed' } : troubleOf(answer)
  }

  private async fetchSome(job: Job, proof: Proof, ids: readonly string[]): Promise<FetchAnswer | Trouble> {
    const answer = await this.send(`/v1/topics/${job.key.topic}/fetch`, encodeFetchRequest({ ...proof, ids: packed(ids) }), MAX_FETCH_ANSWER_BYTES)
    return answer?.ok === true ? decodeFetchAnswer(answer.body) ?? { type: 'changed' } : troubleOf(answer)
  }

  /** The answer of whoever answers; undefined when nobody does. */
  private async send(path: string, body: Uint8Array | undefined, maxBytes: number): Promise<Answer | undefined> {
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(TIMEOUT_MS)])
    const { relay, fetch } = this.options
    const post = body === undefined ? {} : { method: 'POST', body: body.slice(), headers: { 'content-type': 'application/octet-stream' } }
    try {
      const answer = await fetch(`${relay}${path}`, { ...post, credentials: 'omit', cache: 'no-store', redirect: 'error', signal })
      const read = await readAnswer(answer, Math.max(maxBytes, 4096))
      const seconds = Number(answer.headers.get('retry-after') ?? 0)
      return read && { ok: answer.ok, body: read, waitMs: Number.isFinite(seconds) ? Math.min(Math.max(seconds * 1000, 0), MAX_ASKED_WAIT_MS) : MAX_ASKED_WAIT_MS }
    } catch { return undefined }
  }
}

interface Answer { readonly ok: boolean; readonly body: Uint8Array; readonly waitMs: number }

function troubleOf(answer: Answer | undefined): Trouble {
  const refusal = answer === undefined ? undefined : decodeRefusal(fromUtf8(answer.body) ?? '')
  if (refusal?.code === 'changed') return { type: 'changed' }
  return refusal !== undefined && UNABLE.has(refusal.code) ? { type: 'unable' } : { type: 'again', afterMs: answer?.waitMs ?? 0 }
}
