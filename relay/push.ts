/** The push socket: a watcher first gets what is stored after its cursor, page by page as it reads, then what arrives. Announcements pass through and are not kept. */
import type { WebSocket } from 'ws'
import { decodeToRelay, encodeFromRelay, type FromRelay, watchSignedBytes } from '../src/wire/relay.ts'
import type { Mailbox } from './mailbox.ts'
import { type Challenges, provesTopic, type RelayKey } from './proof.ts'

/** Topics one socket may watch. */
export const MAX_WATCHES = 1000
/** Bytes on their way to one socket: beyond it the relay waits, so that a slow reader costs one page. */
const MAX_UNSENT = 2 * 1024 * 1024
/** Announcements a second and at once, per socket. */
const ANNOUNCE_RATE = 20
const ANNOUNCE_BURST = 100
/** A socket that answers no ping for so long is gone. */
const PING_MS = 30_000

interface Watcher { readonly socket: WebSocket; readonly challenge: Uint8Array; readonly cursors: Map<string, number>; readonly pumping: Set<string>; tokens: number; at: number; alive: boolean }

export class Push {
  private readonly byTopic = new Map<string, Set<Watcher>>()
  private readonly watchers = new Set<Watcher>()
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

  add(socket: WebSocket): void {
    const watcher: Watcher = { socket, challenge: this.challenges.make(this.now()), cursors: new Map(), pumping: new Set(), tokens: ANNOUNCE_BURST, at: this.now(), alive: true }
    this.watchers.add(watcher)
    socket.binaryType = 'nodebuffer'
    socket.on('message', (data, isBinary) => {
      watcher.alive = true
      if (isBinary && Buffer.isBuffer(data)) this.hear(watcher, new Uint8Array(data)); else socket.close(1003, 'binary messages only')
    })
    socket.on('pong', () => { watcher.alive = true })
    socket.on('close', () => this.remove(watcher))
    socket.on('error', () => socket.terminate())
    this.send(watcher, { type: 'challenge', challenge: watcher.challenge })
  }

  private remove(watcher: Watcher): void {
    this.watchers.delete(watcher)
    for (const topic of watcher.cursors.keys()) this.leave(watcher, topic)
  }

  private leave(watcher: Watcher, topic: string): void {
    const set = this.byTopic.get(topic)
    set?.delete(watcher)
    if (set?.size === 0) this.byTopic.delete(topic)
  }

  private hear(watcher: Watcher, bytes: Uint8Array): void {
    const message = decodeToRelay(bytes)
    if (message === undefined) { watcher.socket.close(1007, 'malformed'); return }
    switch (message.type) {
      case 'watch': {
        const { topic, pk, sig, since } = message
        if (!provesTopic(topic, pk, sig, watchSignedBytes(topic, watcher.challenge))) return this.send(watcher, { type: 'refused', topic, reason: 'not signed by the topic’s key' })
        if (!watcher.cursors.has(topic) && watcher.cursors.size >= MAX_WATCHES) return this.send(watcher, { type: 'refused', topic, reason: 'too many topics' })
        const set = this.byTopic.get(topic) ?? new Set()
        set.add(watcher)
        this.byTopic.set(topic, set)
        watcher.cursors.set(topic, since)
        this.pump(watcher, topic, true)
        return
      }
      case 'unwatch':
        watcher.cursors.delete(message.topic)
        this.leave(watcher, message.topic)
        return
      case 'announce':
        if (watcher.cursors.has(message.topic) && this.mayAnnounce(watcher)) this.announce(watcher, message.topic, message.bytes)
    }
  }

  private mayAnnounce(watcher: Watcher): boolean {
    const now = this.now()
    watcher.tokens = Math.min(ANNOUNCE_BURST, watcher.tokens + ((now - watcher.at) / 1000) * ANNOUNCE_RATE)
    watcher.at = now
    if (watcher.tokens < 1) return false
    watcher.tokens -= 1
    return true
  }

  private announce(from: Watcher, topic: string, bytes: Uint8Array): void {
    for (const watcher of this.byTopic.get(topic) ?? []) {
      if (watcher !== from && watcher.socket.bufferedAmount < MAX_UNSENT) this.send(watcher, { type: 'announced', topic, bytes })
    }
  }

  /** Parcels of a topic were kept: its watchers get what they lack. */
  arrived(topic: string): void {
    for (const watcher of this.byTopic.get(topic) ?? []) this.pump(watcher, topic, false)
  }

  /** Sends page after page while the socket takes them; goes on when it has drained. */
  private pump(watcher: Watcher, topic: string, evenEmpty: boolean): void {
    if (watcher.pumping.has(topic)) return
    const since = watcher.cursors.get(topic)
    if (since === undefined || watcher.socket.readyState !== watcher.socket.OPEN) return
    const { parcels, next, end } = this.mailbox.read(topic, since)
    if (parcels.length === 0 && !evenEmpty) return
    watcher.cursors.set(topic, next)
    watcher.pumping.add(topic)
    const page = { topic, parcels, next, end, head: this.key.head(topic, this.mailbox.end(topic)) }
    this.send(watcher, { type: 'page', page }, () => {
      watcher.pumping.delete(topic)
      this.pump(watcher, topic, false)
    })
  }

  private send(watcher: Watcher, message: FromRelay, sent?: () => void): void {
    watcher.socket.send(encodeFromRelay(message), { binary: true }, (error) => { if (error === undefined || error === null) sent?.() })
  }

  private pingAll(): void {
    for (const watcher of this.watchers) {
      if (!watcher.alive) { watcher.socket.terminate(); continue }
      watcher.alive = false
      watcher.socket.ping()
    }
  }

  close(): void {
    clearInterval(this.pings)
    for (const watcher of this.watchers) watcher.socket.close(1001, 'the relay stops')
  }
}
