/** The mailbox over HTTP: for pages, headless peers and service workers, from any origin, since the app may come from another relay. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  decodePost, decodeRead, encodeKept, encodePage, encodeRefusal, isTopic, MAX_ANNOUNCE_BYTES, MAX_PARCEL_BYTES, MAX_POST_BYTES, postSignedBytes, readSignedBytes,
} from '../src/wire/relay.ts'
import {
  decodeCompareRequest, decodeFetchRequest, encodeCompareAnswer, encodeFetchAnswer, MAX_COMPARE_REQUEST_BYTES,
} from '../src/wire/compare.ts'
import type { Mailbox, Posted, Posting } from './mailbox.ts'
import { Bodies } from './bodies.ts'
import { type Challenges, provesTopic, type RelayKey, sha256 } from './proof.ts'
import type { Push } from './push.ts'

export interface MailboxParts {
  readonly mailbox: Mailbox
  readonly key: RelayKey
  readonly challenges: Challenges
  readonly push: Push
  readonly now: () => number
  /** What the operator should know of: a full disk, a broken database. */
  readonly failed: (error: unknown) => void
  /** libp2p's side of /v1/relay, for the host name that the asker used. */
  readonly describe: (host: string | undefined) => { readonly peerId: string; readonly addresses: readonly string[] }
}

const MAX_READ_BYTES = 1024

interface Waiting { readonly posting: Posting; readonly done: (result: Posted | 'failed') => void }

export class MailboxHttp {
  private readonly parts: MailboxParts
  private readonly bodies = new Bodies()
  private waiting: Waiting[] = []

  constructor(parts: MailboxParts) { this.parts = parts }

  /** True when the path was the mailbox's. */
  handle(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    if (!path.startsWith('/v1/')) return false
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-expose-headers', 'retry-after')
    response.setHeader('cache-control', 'no-store')
    response.setHeader('x-content-type-options', 'nosniff')
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { 'access-control-allow-methods': 'GET, POST', 'access-control-allow-headers': 'content-type', 'access-control-max-age': '86400', 'access-control-allow-private-network': 'true' }).end()
      return true
    }
    this.route(request, response, path).catch((error: unknown) => { this.parts.failed(error); refuse(response, 500, 'internal', 'The relay failed; try again.') })
    return true
  }

  private async route(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const [, , what, topic = '', verb] = path.split('/')
    if (path === '/v1/relay') return only(request, response, 'GET', () => this.info(request, response))
    if (path === '/v1/challenge') return only(request, response, 'GET', () => { bytes(response, this.parts.challenges.make(this.parts.now())) })
    if (what !== 'topics' || path.split('/').length > 5) return refuse(response, 404, 'not-found', 'There is nothing here.')
    if (!isTopic(topic)) return refuse(response, 400, 'bad-topic', 'A topic is 32 hexadecimal digits.')
    if (verb === undefined) return only(request, response, 'POST', () => this.post(request, response, topic))
    if (verb === 'compare') return only(request, response, 'POST', () => this.compare(request, response, topic))
    if (verb === 'fetch') return only(request, response, 'POST', () => this.fetch(request, response, topic))
    if (verb === 'read') return only(request, response, 'POST', () => this.read(request, response, topic))
    return refuse(response, 404, 'not-found', 'There is nothing here.')
  }

  private info(request: IncomingMessage, response: ServerResponse): void {
    const { peerId, addresses } = this.parts.describe(request.headers.host)
    const limits = { parcelBytes: MAX_PARCEL_BYTES, announceBytes: MAX_ANNOUNCE_BYTES }
    const body = JSON.stringify({ version: 1, publicKey: Buffer.from(this.parts.key.publicKey).toString('hex'), peerId, addresses, limits })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
  }

  private async post(request: IncomingMessage, response: ServerResponse, topic: string): Promise<void> {
    const body = await this.body(request, response, MAX_POST_BYTES)
    if (body === undefined) return
    const post = decodePost(body)
    if (post === undefined) return refuse(response, 400, 'malformed', 'A post is a key, a signature and a parcel.')
    if (!provesTopic(topic, post.pk, post.sig, postSignedBytes(topic, sha256(post.parcel)))) return refuse(response, 401, 'not-signed', 'The parcel is not signed by the topic’s key.')
    const result = await this.enqueue({ topic, parcel: post.parcel })
    if (result === 'failed') return refuse(response, 500, 'not-kept', 'The relay could not keep the parcel; try again.')
    switch (result.type) {
      case 'kept':
        bytes(response, encodeKept({ cursor: result.cursor, head: this.parts.key.head(topic, this.parts.mailbox.end(topic)) }))
        if (result.fresh) this.parts.push.arrived(topic)
        return
      case 'slow-down':
        return slowDown(response, result.afterMs, 'Too many parcels at once; try again in a moment.')
      case 'topic-full': return refuse(response, 507, 'topic-full', 'This topic is full at this relay.')
      case 'relay-full': return refuse(response, 507, 'relay-full', 'This relay is full.')
      case 'too-large': return refuse(response, 413, 'too-large', 'A parcel holds 1 MiB at most.')
    }
  }

  /** The body, or undefined when the request was refused or has gone. */
  private async body(request: IncomingMessage, response: ServerResponse, max: number): Promise<Uint8Array | undefined> {
    const body = await this.bodies.read(request, max)
    if (body instanceof Uint8Array) return body
    // The rest of what is refused is not worth reading: the connection ends with the answer.
    if (body !== 'gone') response.setHeader('connection', 'close')
    if (body === 'too-large') refuse(response, 413, 'too-large', 'This is larger than the relay takes.')
    if (body === 'busy') refuse(response.setHeader('retry-after', '5'), 503, 'busy', 'The relay has too much to do; try again in a moment.')
    return undefined
  }

  /** Posts that arrive together are kept in one transaction: one sync to disk for all of them. */
  private enqueue(posting: Posting): Promise<Posted | 'failed'> {
    return new Promise((done) => {
      this.waiting.push({ posting, done })
      if (this.waiting.length === 1) setImmediate(() => this.flush())
    })
  }

  private flush(): void {
    const batch = this.waiting
    this.waiting = []
    try {
      const results = this.parts.mailbox.post(batch.map((w) => w.posting), this.parts.now())
      batch.forEach((w, i) => w.done(results[i] ?? 'failed'))
    } catch (error) {
      this.parts.failed(error)
      for (const w of batch) w.done('failed')
    }
  }

  private async read(request: IncomingMessage, response: ServerResponse, topic: string): Promise<void> {
    const read = await this.proved(request, response, topic, MAX_READ_BYTES, decodeRead)
    if (read === undefined) return
    const { parcels, next, end } = this.parts.mailbox.read(topic, read.since)
    bytes(response, encodePage({ topic, since: read.since, parcels, next, end, head: this.parts.key.head(topic, this.parts.mailbox.end(topic)) }))
  }

  private async compare(request: IncomingMessage, response: ServerResponse, topic: string): Promise<void> {
    const asked = await this.proved(request, response, topic, MAX_COMPARE_REQUEST_BYTES, decodeCompareRequest)
    if (asked === undefined) return
    const { mailbox, key, now } = this.parts
    const result = mailbox.compare(topic, asked.upTo, asked.ask, now())
    switch (result.type) {
      case 'told': return bytes(response, encodeCompareAnswer({ head: key.head(topic, mailbox.end(topic)), upTo: result.upTo, told: result.told }))
      case 'changed': return refuse(response, 409, 'changed', 'This topic has fewer parcels than it had; begin again.')
      case 'slow-down': return slowDown(response, result.afterMs, 'Too many comparisons at once; try again in a moment.')
    }
  }

  private async fetch(request: IncomingMessage, response: ServerResponse, topic: string): Promise<void> {
    const asked = await this.proved(request, response, topic, MAX_COMPARE_REQUEST_BYTES, decodeFetchRequest)
    if (asked !== undefined) bytes(response, encodeFetchAnswer(this.parts.mailbox.fetch(topic, asked.ids)))
  }

  /** A request of somebody who holds the topic's key and asks now; undefined when it was refused. */
  private async proved<T extends { readonly pk: Uint8Array; readonly sig: Uint8Array; readonly challenge: Uint8Array }>(
    request: IncomingMessage, response: ServerResponse, topic: string, maxBytes: number, decode: (bytes: Uint8Array) => T | undefined,
  ): Promise<T | undefined> {
    const body = await this.body(request, response, maxBytes)
    if (body === undefined) return undefined
    const asked = decode(body)
    if (asked === undefined) refuse(response, 400, 'malformed', 'A request is a key, a signature, a challenge and a question.')
    else if (!this.parts.challenges.accepts(asked.challenge, this.parts.now())) refuse(response, 401, 'old-challenge', 'The challenge is not this relay’s, or too old; fetch another.')
    else if (!provesTopic(topic, asked.pk, asked.sig, readSignedBytes(topic, asked.challenge))) refuse(response, 401, 'not-signed', 'The request is not signed by the topic’s key.')
    else return asked
    return undefined
  }
}

async function only(request: IncomingMessage, response: ServerResponse, method: string, run: () => void | Promise<void>): Promise<void> {
  if (request.method === method) return run()
  response.setHeader('allow', method)
  refuse(response, 405, 'method', `This takes ${method} only.`)
}

const bytes = (response: ServerResponse, body: Uint8Array): void => { response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length }).end(body) }

function slowDown(response: ServerResponse, afterMs: number, message: string): void {
  response.setHeader('retry-after', String(Math.ceil(afterMs / 1000)))
  refuse(response, 429, 'slow-down', message)
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  if (response.headersSent) { response.destroy(); return }
  response.writeHead(status, { 'content-type': 'application/json' }).end(encodeRefusal({ code, message }))
}
