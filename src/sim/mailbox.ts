/**
 * Relays in virtual time: what the engine's Mailbox port promises, over the relay's own logic, which may be away, withhold, repeat or forget.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { Mailbox as RelayMailbox, type MailboxLimits, type Posted } from '../../relay/mailbox.ts'
import { openMemoryStore } from '../../relay/store-memory.ts'
import { TopicChain } from '../adapters/mailbox-chain.ts'
import type { Compared, Mailbox, MailboxEvent, Parcel, TopicKey } from '../ports.ts'
import { concat, toHex } from '../wire/bytes.ts'
import { Comparison, packed } from '../wire/comparison.ts'
import { ID_BYTES } from '../wire/rateless.ts'
import type { Page } from '../wire/relay.ts'
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

  /** As it would sign it, but for the signature. */
  page(topic: string, since: number): Page {
    const { cursor, hash } = this.mailbox.end(topic)
    return { topic, since, ...this.mailbox.read(topic, since), head: { cursor, hash, sig: NO_SIGNATURE } }
  }

  /** A whole comparison at one blow; undefined when the relay has no time for it. */
  compare(topic: string, held: Uint8Array, now: number): { readonly parcels: Parcel[]; readonly result: Compared } | undefined {
    const comparison = new Comparison(held, 1), { cursor, hash } = this.mailbox.end(topic)
    for (let ask = comparison.ask; ask !== undefined; ask = comparison.ask) {
      const answer = this.mailbox.compare(topic, cursor, ask, now)
      if (answer.type !== 'told' || !comparison.take(answer.told)) return undefined
    }
    const parcels: Parcel[] = []
    for (let ids = packed(comparison.lacking); ids.length > 0;) {
      const fetched = this.mailbox.fetch(topic, ids)
      parcels.push(...fetched.parcels)
      ids = ids.subarray(fetched.looked * ID_BYTES)
    }
    return { parcels, result: { lacks: new Set(comparison.surplus), found: parcels.length, next: cursor, hash } }
  }

  last(topic: string): number { return this.mailbox.end(topic).cursor }
  any(topic: string, pick: (n: number) => number): Parcel | undefined {
    const last = this.last(topic)
    return last === 0 ? undefined : this.store.page(topic, pick(last), 1, Infinity)[0]
  }

  /** Loses one parcel, and says nothing of it. */
  lose(topic: string, cursor: number): void {
    const kept = openMemoryStore(), end = this.mailbox.end(topic)
    const parcels = this.mailbox.read(topic, 0).parcels.filter((parcel) => parcel.cursor !== cursor)
    kept.append(parcels.map(({ cursor, bytes }) => ({ topic, cursor, parcelHash: sha256(bytes), hash: end.hash, bytes, at: 0 })))
    this.store = kept
    this.mailbox = new RelayMailbox(kept, sha256)
  }

  /** From now on it takes so much. */
  allow(limits: MailboxLimits): void { this.mailbox = new RelayMailbox(this.store, sha256, limits) }

  /** Loses everything, as after a disk's death. */
  forget(): void {
    this.store = openMemoryStore()
    this.mailbox = new RelayMailbox(this.store, sha256)
  }
}

interface Watch { readonly key: TopicKey; readonly chain: TopicChain; isReading: boolean }
const NO_SIGNATURE = new Uint8Array(64)
/** What a line waits after it has caught a relay, and a comparison before it is tried again. */
const PAUSE_MS = 500
const COMPARED_AGAIN_MS = 5000

/** Parcels lie in one memory here and are read by many: each is hashed once. */
const hashes = new WeakMap<Uint8Array, Uint8Array>()
function hashOf(...parts: readonly Uint8Array[]): Uint8Array {
  const [one] = parts
  if (one === undefined || parts.length > 1) return sha256(concat(...parts))
  const hash = hashes.get(one) ?? sha256(one)
  hashes.set(one, hash)
  return hash
}

interface Comparing { readonly key: TopicKey; readonly held: Uint8Array; isOnItsWay: boolean }
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
  readonly comparisons: Map<string, Comparing>
  /** When the last of what is on its way on this connection gets there: it stays in order. */
  lastArrival: number
}
interface Client { readonly machine: string; readonly tell: (event: MailboxEvent) => void; readonly isAlive: () => boolean }

/** Whose key signs for a topic, by seed. */
const topics = new Map<string, string>()
function topicOf(seed: Uint8Array): string {
  const name = toHex(seed), topic = topics.get(name) ?? toHex(sha256(ed25519.getPublicKey(seed)).subarray(0, 16))
  topics.set(name, topic)
  return topic
}

export class PostOffice {
  readonly relays = new Map<string, Relay>()
  latency = { from: 10, to: 150 }
  /** Some relay has kept back what it had, or lost it; some space has left a relay. */
  hasWithheld = false
  hasForgotten = false
  isLeft = false
  private readonly world: World
  private readonly ether: Ether
  private lines: Line[] = []

  constructor(world: World, ether: Ether, urls: readonly string[]) {
    this.world = world
    this.ether = ether
    for (const url of urls) this.relays.set(url, new Relay(url))
  }

  mailbox(machine: string, isProcessAlive: () => boolean): Mailbox {
    let client: Client | undefined, isStopped = false
    const isAlive = (): boolean => !isStopped && isProcessAlive()
    const mine = new Map<string, Line>()
    const line = (url: string): Line | undefined => {
      const relay = this.relays.get(url)
      if (relay === undefined || client === undefined || !isAlive()) return undefined
      const known = mine.get(url)
      if (known !== undefined) return known
      const made: Line = { client, relay, state: 'down', connection: 0, watches: new Map(), posts: new Map(), comparisons: new Map(), lastArrival: 0 }
      mine.set(url, made)
      this.lines.push(made)
      this.look(made)
      return made
    }
    return {
      start: async (tell) => { client = { machine, isAlive, tell: (event) => { if (isAlive()) tell(event) } } },
      watch: (url, key, since, hash) => {
        const at = line(url)
        if (at === undefined) return
        const watch: Watch = at.watches.get(key.topic) ?? { key, chain: new TopicChain(hashOf, since, hash), isReading: false }
        watch.chain.moveTo(since, hash)
        at.watches.set(key.topic, watch)
        this.pump(at, watch)
      },
      compare: (url, key, held) => {
        const at = line(url)
        if (at === undefined) return
        const comparing: Comparing = { key, held: held.slice(), isOnItsWay: false }
        at.comparisons.set(key.topic, comparing)
        this.compare(at, comparing)
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
      stop: async () => { isStopped = true; this.lines = this.lines.filter((other) => other.client !== client) },
    }
  }

  /** Looks at who reaches which relay, after a change of the world. */
  lookAround(): void {
    this.lines = this.lines.filter((line) => line.client.isAlive())
    for (const line of this.lines) this.look(line)
  }

  /** A relay that lost its disk, and starts anew: whoever looks again notices. */
  forget(relay: Relay): void {
    relay.forget()
    this.hasForgotten = true
    for (const line of this.lines) {
      if (line.relay === relay) for (const watch of line.watches.values()) { watch.chain.connected(); this.pump(line, watch) }
    }
  }

  /** Hands out again what was read before, to everyone. */
  replay(relay: Relay): void {
    for (const line of this.lines) {
      if (line.relay !== relay || line.state !== 'up') continue
      for (const watch of line.watches.values()) {
        const parcel = relay.any(watch.key.topic, (n) => this.world.chance.int(n))
        if (parcel === undefined || parcel.cursor > watch.chain.since) continue
        this.later(line, 'reads it again', () => {
          if (line.watches.get(watch.key.topic) !== watch) return
          line.client.tell({ type: 'parcels', relay: relay.url, topic: watch.key.topic, parcels: [parcel], next: watch.chain.since, end: true, hash: watch.chain.hashThere })
        })
      }
    }
  }

  private reaches(line: Line): boolean { return line.relay.isUp && this.ether.reachable(line.client.machine, line.relay.url) }
  private delay(): number { return this.world.chance.between(this.latency.from, this.latency.to) }

  /** Runs after a while, behind what is on its way already, if the connection is still the same. */
  private later(line: Line, what: string, run: () => void): void {
    const { connection } = line
    line.lastArrival = Math.max(line.lastArrival, this.world.now + this.delay())
    this.world.at(line.lastArrival, `${line.client.machine} ${what}`, () => {
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
      watch.chain.connected()
      this.pump(line, watch)
    }
    for (const comparing of line.comparisons.values()) {
      comparing.isOnItsWay = false
      this.compare(line, comparing)
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
      const { relay, client } = line
      // It says nothing of what it has, and so nothing that could be contradicted.
      if (relay.withholds) return client.tell({ type: 'parcels', relay: relay.url, topic, parcels: [], next: watch.chain.since, end: true, hash: watch.chain.hashThere })
      const page = relay.page(topic, watch.chain.since)
      if (watch.chain.follow(page) === 'contradiction') {
        watch.chain.restart()
        this.world.after(PAUSE_MS, `${client.machine} reads from the start`, () => { if (line.watches.get(topic) === watch) this.pump(line, watch) })
        return client.tell({ type: 'rolled-back', relay: relay.url, topic })
      }
      client.tell({ type: 'parcels', relay: relay.url, topic, parcels: page.parcels, next: page.next, end: page.end, hash: watch.chain.hashThere })
      if (!page.end) this.pump(line, watch)
    })
  }

  private compare(line: Line, comparing: Comparing): void {
    const { topic } = comparing.key
    if (line.state !== 'up' || comparing.isOnItsWay) return
    comparing.isOnItsWay = true
    const { relay, client } = line
    this.later(line, 'compares', () => {
      comparing.isOnItsWay = false
      if (line.comparisons.get(topic) !== comparing) return
      const compared = relay.withholds ? undefined : relay.compare(topic, comparing.held, this.world.now)
      if (compared === undefined) return void this.world.after(COMPARED_AGAIN_MS, `${client.machine} compares again`, () => { if (line.comparisons.get(topic) === comparing) this.compare(line, comparing) })
      line.comparisons.delete(topic)
      if (compared.parcels.length > 0) client.tell({ type: 'found', relay: relay.url, topic, parcels: compared.parcels })
      client.tell({ type: 'compared', relay: relay.url, topic, result: compared.result })
    })
  }

  /** Everyone who watches a topic reads on; where the relay has less than they had, they notice. */
  push(relay: Relay, topic: string): void {
    for (const line of this.lines) {
      const watch = line.relay === relay ? line.watches.get(topic) : undefined
      if (watch !== undefined && watch.chain.since !== relay.last(topic)) this.pump(line, watch)
    }
  }

  /** Everything that was withheld is handed out. */
  pushAll(): void {
    for (const line of this.lines) for (const watch of line.watches.values()) if (watch.chain.since !== line.relay.last(watch.key.topic)) this.pump(line, watch)
  }

  private deliver(line: Line, post: Post): void {
    if (line.state !== 'up' || post.isOnItsWay || line.posts.get(post.parcelId) !== post) return
    post.isOnItsWay = true
    const { relay, client } = line
    const { topic } = post.key
    this.later(line, 'posts', () => {
      const posted = topicOf(post.key.seed) === topic ? relay.post(topic, post.bytes, this.world.now) : { type: 'unsigned' } as const
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
