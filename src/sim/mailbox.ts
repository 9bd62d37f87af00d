/**
 * Relays in virtual time: what the engine's Mailbox port promises, over the relay's own logic, which may be away, withhold, repeat or forget.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { Mailbox as RelayMailbox, type Posted } from '../../relay/mailbox.ts'
import { openMemoryStore } from '../../relay/store-memory.ts'
import type { Mailbox, MailboxEvent, Parcel, TopicKey } from '../ports.ts'
import type { Ether } from './network.ts'
import type { World } from './world.ts'

/** One relay: the real mailbox logic over a store in memory. */
export class Relay {
  readonly url: string
  isUp = true
  /** Parcels are taken and acknowledged, but not handed out. */
  withholds = false
  private store = openMemoryStore()
  private mailbox = new RelayMailbox(this.store, sha256)

  constructor(url: string) { this.url = url }

  post(topic: string, parcel: Uint8Array, now: number): Posted { return this.mailbox.post([{ topic, parcel }], now)[0] as Posted }

  read(topic: string, since: number): { readonly parcels: readonly Parcel[]; readonly next: number; readonly end: boolean } {
    return this.withholds ? { parcels: [], next: since, end: true } : this.mailbox.read(topic, since)
  }

  last(topic: string): number { return this.mailbox.end(topic).cursor }
  any(topic: string, pick: (n: number) => number): Parcel | undefined {
    const last = this.last(topic)
    return last === 0 ? undefined : this.store.page(topic, pick(last), 1, Infinity)[0]
  }

  /** Loses everything, as after a disk's death. */
  forget(): void {
    this.store = openMemoryStore()
    this.mailbox = new RelayMailbox(this.store, sha256)
  }
}

interface Watch { readonly key: TopicKey; cursor: number; isReading: boolean }
interface Post { readonly key: TopicKey; readonly parcelId: string; readonly bytes: Uint8Array; isOnItsWay: boolean }

/** One start of one machine at one relay. */
interface Line {
  readonly client: Client
  readonly relay: Relay
  state: 'down' | 'connecting' | 'up'
  /** Counts connections: what an earlier one had on its way doesn't arrive. */
  connection: number
  readonly watches: Map<string, Watch>
  readonly posts: Map<string, Post>
}
interface Client { readonly machine: string; readonly tell: (event: MailboxEvent) => void; readonly isAlive: () => boolean }

export class PostOffice {
  readonly relays = new Map<string, Relay>()
  latency = { from: 10, to: 150 }
  private readonly world: World
  private readonly ether: Ether
  private lines: Line[] = []

  constructor(world: World, ether: Ether, urls: readonly string[]) {
    this.world = world
    this.ether = ether
    for (const url of urls) this.relays.set(url, new Relay(url))
  }

  mailbox(machine: string, isAlive: () => boolean): Mailbox {
    let client: Client | undefined
    const mine = new Map<string, Line>()
    const line = (url: string): Line | undefined => {
      const relay = this.relays.get(url)
      if (relay === undefined || client === undefined || !isAlive()) return undefined
      const known = mine.get(url)
      if (known !== undefined) return known
      const made: Line = { client, relay, state: 'down', connection: 0, watches: new Map(), posts: new Map() }
      mine.set(url, made)
      this.lines.push(made)
      this.look(made)
      return made
    }
    return {
      start: async (tell) => { client = { machine, isAlive, tell: (event) => { if (isAlive()) tell(event) } } },
      watch: (url, key, since) => {
        const at = line(url)
        if (at === undefined || at.watches.has(key.topic)) return
        const watch: Watch = { key, cursor: since, isReading: false }
        at.watches.set(key.topic, watch)
        this.pump(at, watch)
      },
      unwatch: (url, topic) => { mine.get(url)?.watches.delete(topic) },
      post: (url, key, parcelId, bytes) => {
        const at = line(url)
        if (at === undefined || at.posts.has(parcelId)) return
        const post: Post = { key, parcelId, bytes: bytes.slice(), isOnItsWay: false }
        at.posts.set(parcelId, post)
        this.deliver(at, post)
      },
      announce: (url, key, bytes) => { const at = line(url); if (at !== undefined) this.announce(at, key, bytes.slice()) },
      stop: async () => { this.lines = this.lines.filter((other) => other.client !== client) },
    }
  }

  /** Looks at who reaches which relay, after a change of the world. */
  lookAround(): void {
    this.lines = this.lines.filter((line) => line.client.isAlive())
    for (const line of this.lines) this.look(line)
  }

  /** A relay that lost its disk: whoever read further than there is now notices, and reads again from the start. */
  forget(relay: Relay): void {
    relay.forget()
    for (const line of this.lines) {
      if (line.relay !== relay) continue
      for (const watch of line.watches.values()) {
        if (watch.cursor === 0) continue
        watch.cursor = 0
        this.later(line, 'learns of a roll-back', () => line.client.tell({ type: 'rolled-back', relay: relay.url, topic: watch.key.topic }))
        this.pump(line, watch)
      }
    }
  }

  /** Hands out again what was read before, to everyone. */
  replay(relay: Relay): void {
    for (const line of this.lines) {
      if (line.relay !== relay || line.state !== 'up') continue
      for (const watch of line.watches.values()) {
        const parcel = relay.any(watch.key.topic, (n) => this.world.chance.int(n))
        if (parcel === undefined || parcel.cursor > watch.cursor) continue
        this.later(line, 'reads it again', () => {
          if (line.watches.get(watch.key.topic) !== watch) return
          line.client.tell({ type: 'parcels', relay: relay.url, topic: watch.key.topic, parcels: [parcel], next: watch.cursor, end: true })
        })
      }
    }
  }

  private reaches(line: Line): boolean { return line.relay.isUp && this.ether.reachable(line.client.machine, line.relay.url) }
  private delay(): number { return this.world.chance.between(this.latency.from, this.latency.to) }

  /** Runs after a while, if the connection is still the same. */
  private later(line: Line, what: string, run: () => void): void {
    const { connection } = line
    this.world.after(this.delay(), `${line.client.machine} ${what}`, () => {
      if (line.state === 'up' && line.connection === connection && line.client.isAlive()) run()
    })
  }

  private look(line: Line): void {
    if (this.reaches(line)) {
      if (line.state !== 'down') return
      line.state = 'connecting'
      this.world.after(this.delay(), `${line.client.machine} reaches ${line.relay.url}`, () => this.connected(line))
    } else if (line.state !== 'down') {
      const wasUp = line.state === 'up'
      line.state = 'down'
      line.connection++
      if (wasUp) this.world.after(this.delay(), `${line.client.machine} loses ${line.relay.url}`, () => line.client.tell({ type: 'relay-down', relay: line.relay.url }))
    }
  }

  private connected(line: Line): void {
    if (line.state !== 'connecting' || !line.client.isAlive()) return
    if (!this.reaches(line)) { line.state = 'down'; return }
    line.state = 'up'
    line.connection++
    line.client.tell({ type: 'relay-up', relay: line.relay.url })
    for (const watch of line.watches.values()) {
      watch.isReading = false
      this.pump(line, watch)
    }
    for (const post of line.posts.values()) {
      post.isOnItsWay = false
      this.deliver(line, post)
    }
  }

  private pump(line: Line, watch: Watch): void {
    if (line.state !== 'up' || watch.isReading) return
    watch.isReading = true
    const { topic } = watch.key
    this.later(line, 'reads its mail', () => {
      watch.isReading = false
      if (line.watches.get(topic) !== watch) return
      if (watch.cursor > line.relay.last(topic)) {
        // The relay lost what was read before this start.
        watch.cursor = 0
        line.client.tell({ type: 'rolled-back', relay: line.relay.url, topic })
        return this.pump(line, watch)
      }
      const { parcels, next, end } = line.relay.read(topic, watch.cursor)
      watch.cursor = next
      line.client.tell({ type: 'parcels', relay: line.relay.url, topic, parcels, next, end })
      if (!end) this.pump(line, watch)
    })
  }

  /** Everyone who watches a topic reads on. */
  push(relay: Relay, topic: string): void {
    for (const line of this.lines) {
      const watch = line.relay === relay ? line.watches.get(topic) : undefined
      if (watch !== undefined && watch.cursor < relay.last(topic)) this.pump(line, watch)
    }
  }

  /** Everything that was withheld is handed out. */
  pushAll(): void {
    for (const line of this.lines) for (const watch of line.watches.values()) if (watch.cursor < line.relay.last(watch.key.topic)) this.pump(line, watch)
  }

  private deliver(line: Line, post: Post): void {
    if (line.state !== 'up' || post.isOnItsWay || line.posts.get(post.parcelId) !== post) return
    post.isOnItsWay = true
    const { relay, client } = line
    const { topic } = post.key
    this.later(line, 'posts', () => {
      const posted = relay.post(topic, post.bytes, this.world.now)
      this.push(relay, topic)
      this.later(line, 'has posted', () => {
        post.isOnItsWay = false
        if (posted.type === 'kept') {
          line.posts.delete(post.parcelId)
          return client.tell({ type: 'posted', relay: relay.url, topic, parcelId: post.parcelId, cursor: posted.cursor })
        }
        const final = posted.type !== 'slow-down'
        client.tell({ type: 'refused', relay: relay.url, topic, parcelId: post.parcelId, final, reason: posted.type })
        if (final) line.posts.delete(post.parcelId)
        else this.world.after(posted.afterMs, `${client.machine} posts again`, () => this.deliver(line, post))
      })
    })
  }

  private announce(line: Line, key: TopicKey, bytes: Uint8Array): void {
    this.later(line, 'announces', () => {
      for (const other of this.lines) {
        if (other === line || other.relay !== line.relay || !other.watches.has(key.topic)) continue
        this.later(other, 'hears', () => other.client.tell({ type: 'announced', relay: line.relay.url, topic: key.topic, bytes }))
      }
    })
  }
}
