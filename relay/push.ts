/**
 * The push socket: a watcher first gets what is stored after its cursor, page by page as it reads, then what arrives. Announcements pass through and are not kept.
 * One page at a time is on its way to a socket, whatever it watches, so that a slow reader costs one page.
 */
import type { WebSocket } from 'ws'
import { decodeToRelay, encodeFromRelay, type FromRelay, type ToRelay, watchSignedBytes } from '../src/wire/relay.ts'
import { Bucket } from './bucket.ts'
import type { Mailbox } from './mailbox.ts'
import { type Challenges, provesTopic, type RelayKey } from './proof.ts'

/** Sockets at a time: each costs some 20 KiB. */
const MAX_SOCKETS = 5000
/** Topics one socket may watch. */
const MAX_WATCHES = 1000
/** Announcements are dropped for a socket that has so much unread. */
const MAX_UNSENT = 2 * 1024 * 1024
/** Pages on their way to all sockets together: beyond it, sockets wait for each other. */
const MAX_UNSENT_TOTAL = 256 * 1024 * 1024
/** Announcements a second and at once, per socket. */
const ANNOUNCES = { rate: 20, burst: 100 }
/** Watches cost a signature's check: enough to watch everything twice on arrival. */
const REQUESTS = { rate: 50, burst: 2 * MAX_WATCHES + 500 }
/** A socket that answers no ping for so long is gone. */
const PING_MS = 30_000
/** Pings that one page may outlast: a reader slower than 9 KiB a second would hold a page of others' memory. */
const MAX_PAGE_PINGS = 4

interface Watcher {
  readonly socket: WebSocket
  readonly challenge: Uint8Array
  readonly cursors: Map<string, number>
  /** Topics to look at when the page on its way is out; true when an empty page is due as well. */
  readonly due: Map<string, boolean>
  readonly announces: Bucket
  readonly requests: Bucket
  isSending: boolean
  /** Pings since the page on its way was begun. */
  pagePings: number
  isAlive: boolean
}

export class Push {
  private readonly byTopic = new Map<string, Set<Watcher>>()
  private readonly watchers = new Set<Watcher>()
  private readonly waiting = new Set<Watcher>()
  private unsent = 0
  /** The last page made: when a parcel arrives, a topic's watchers all get the same one. */
  private made: { readonly of: string; readonly next: number; readonly end: boolean; readonly count: number; readonly bytes: Uint8Array } | undefined
  private readonly mailbox: Mailbox
  private readonly key: RelayKey
  private readonly challenges: Challenges
  private readonly now: () => number
  private readonly pings: NodeJS.Timeout

  constructor(mailbox: Mailbox, key: RelayKey, challenges: Challenges, now: () => number) {
    this.mailbox = mailbox
    this.key = key
    this.challenges = challenges
    this.now = now
    this.pings = setInterval(() => this.pingAll(), PING_MS)
    this.pings.unref()
  }

  get isFull(): boolean { return this.watchers.size >= MAX_SOCKETS }

  add(socket: WebSocket): void {
    const now = this.now()
    const watcher: Watcher = {
      socket, challenge: this.challenges.make(now), cursors: new Map(), due: new Map(), announces: new Bucket(ANNOUNCES, now), requests: new Bucket(REQUESTS, now), isSending: false, pagePings: 0, isAlive: true,
    }
    this.watchers.add(watcher)
    socket.binaryType = 'nodebuffer'
    socket.on('message', (data, isBinary) => {
      watcher.isAlive = true
      if (isBinary && Buffer.isBuffer(data)) this.hear(watcher, new Uint8Array(data)); else socket.close(1003, 'binary messages only')
    })
    socket.on('pong', () => { watcher.isAlive = true })
    socket.on('close', () => this.remove(watcher))
    socket.on('error', () => socket.terminate())
    this.send(watcher, { type: 'challenge', challenge: watcher.challenge })
  }

  private remove(watcher: Watcher): void {
    this.watchers.delete(watcher)
    this.waiting.delete(watcher)
    for (const topic of [...watcher.cursors.keys()]) this.leave(watcher, topic)
  }

  private leave(watcher: Watcher, topic: string): void {
    watcher.cursors.delete(topic)
    watcher.due.delete(topic)
    const set = this.byTopic.get(topic)
    set?.delete(watcher)
    if (set?.size === 0) this.byTopic.delete(topic)
  }

  private hear(watcher: Watcher, bytes: Uint8Array): void {
    if (!this.watchers.has(watcher)) return
    const message = decodeToRelay(bytes)
    if (message === undefined) { watcher.socket.close(1007, 'malformed'); return }
    if (message.type === 'announce') {
      if (watcher.cursors.has(message.topic) && watcher.announces.take(this.now()) === 0) this.announce(watcher, message.topic, message.bytes)
      return
    }
    if (watcher.requests.take(this.now()) > 0) { watcher.socket.close(1008, 'too many requests'); return }
    if (message.type === 'ping') return this.send(watcher, { type: 'pong' })
    if (message.type === 'unwatch') this.leave(watcher, message.topic); else this.watch(watcher, message)
  }

  private watch(watcher: Watcher, { topic, pk, sig, since }: ToRelay & { type: 'watch' }): void {
    if (!provesTopic(topic, pk, sig, watchSignedBytes(topic, watcher.challenge))) return this.send(watcher, { type: 'refused', topic, reason: 'not signed by the topic’s key' })
    if (!watcher.cursors.has(topic) && watcher.cursors.size >= MAX_WATCHES) return this.send(watcher, { type: 'refused', topic, reason: 'too many topics' })
    const set = this.byTopic.get(topic) ?? new Set()
    set.add(watcher)
    this.byTopic.set(topic, set)
    watcher.cursors.set(topic, since)
    watcher.due.set(topic, true)
    this.pump(watcher)
  }

  private announce(from: Watcher, topic: string, bytes: Uint8Array): void {
    const message = encodeFromRelay({ type: 'announced', topic, bytes })
    for (const watcher of this.byTopic.get(topic) ?? []) {
      if (watcher !== from && watcher.socket.bufferedAmount < MAX_UNSENT) watcher.socket.send(message, { binary: true })
    }
  }

  /** Parcels of a topic were kept: its watchers get what they lack. */
  arrived(topic: string): void {
    for (const watcher of [...this.byTopic.get(topic) ?? []]) {
      watcher.due.set(topic, watcher.due.get(topic) ?? false)
      this.pump(watcher)
    }
  }

  /** Sends the next page that is due, and goes on when the socket has taken it. Topics take turns. */
  private pump(watcher: Watcher): void {
    while (!watcher.isSending && watcher.due.size > 0 && watcher.socket.readyState === watcher.socket.OPEN) {
      if (this.unsent >= MAX_UNSENT_TOTAL) { this.waiting.add(watcher); return }
      const [topic, evenEmpty] = watcher.due.entries().next().value as [string, boolean]
      watcher.due.delete(topic)
      const since = watcher.cursors.get(topic)
      if (since === undefined) continue
      let page
      // A store that fails must not take the process with it: whoever watched comes back and asks again.
      try { page = this.page(topic, since) } catch { watcher.socket.close(1011, 'the store failed'); return }
      if (page.count === 0 && !evenEmpty) continue
      watcher.cursors.set(topic, page.next)
      if (!page.end) watcher.due.set(topic, false)
      this.sendPage(watcher, page.bytes)
    }
  }

  private page(topic: string, since: number): NonNullable<Push['made']> {
    const end = this.mailbox.end(topic)
    const of = `${topic} ${since} ${end.cursor}`
    if (this.made?.of === of) return this.made
    const page = this.mailbox.read(topic, since)
    const bytes = encodeFromRelay({ type: 'page', page: { topic, since, ...page, head: this.key.head(topic, end) } })
    this.made = { of, next: page.next, end: page.end, count: page.parcels.length, bytes }
    return this.made
  }

  private sendPage(watcher: Watcher, bytes: Uint8Array): void {
    watcher.isSending = true
    watcher.pagePings = 0
    this.unsent += bytes.length
    watcher.socket.send(bytes, { binary: true }, (error) => {
      this.unsent -= bytes.length
      watcher.isSending = false
      if (error === undefined || error === null) this.pump(watcher)
      if (this.unsent >= MAX_UNSENT_TOTAL) return
      const waiting = [...this.waiting]
      this.waiting.clear()
      for (const other of waiting) this.pump(other)
    })
  }

  private send(watcher: Watcher, message: FromRelay): void { watcher.socket.send(encodeFromRelay(message), { binary: true }, () => {}) }

  private pingAll(): void {
    for (const watcher of this.watchers) {
      if (!watcher.isAlive || (watcher.isSending && ++watcher.pagePings > MAX_PAGE_PINGS)) { watcher.socket.terminate(); continue }
      watcher.isAlive = false
      watcher.socket.ping()
    }
  }

  close(): void {
    clearInterval(this.pings)
    for (const watcher of this.watchers) watcher.socket.close(1001, 'the relay stops')
  }
}
