/**
 * Connections in virtual time. What libp2p promises, and no more: frames on one connection arrive whole and in order, or the connection goes down;
 * gossip may be lost, doubled and reordered; a dial may lead nowhere. Every start of a peer has a peer id of its own. Nobody has more connections than the
 * app keeps: in a crowd a dial is often for nothing, because one side is full.
 */
import { MAX_CONNECTIONS, MAX_PEERS } from '../adapters/network-limits.ts'
import type { Network, NetworkEvent, Path } from '../ports.ts'
import type { World } from './world.ts'

/** How long a cut connection looks alive. */
const NOTICED_AFTER_MS = { from: 4000, to: 25_000 }

export interface Weather {
  /** Ms from one peer to another. */
  latency: { from: number; to: number }
  /** Percent of gossip that is lost, and doubled. */
  gossipLoss: number
  gossipDoubles: number
  /** Per thousand frames: the connection breaks instead of carrying it. */
  breaks: number
  /** Percent of dials that lead nowhere. */
  deafDials: number
}

export const FAIR: Weather = { latency: { from: 5, to: 120 }, gossipLoss: 0, gossipDoubles: 0, breaks: 0, deafDials: 0 }

interface Station {
  readonly peer: string
  /** The machine it runs on: a partition is between machines. */
  readonly machine: string
  readonly tell: (event: NetworkEvent) => void
  readonly topics: Set<string>
  /** Also those that were cut, until both ends have noticed. */
  readonly links: Set<Link>
  /** Peers that are just being dialled. */
  readonly dialling: Set<string>
  isUp: boolean
}

interface Link { readonly ends: readonly [Station, Station]; readonly path: Path; isOpen: boolean; readonly lastArrival: Map<Station, number> }

export class Ether {
  weather: Weather = FAIR
  private readonly world: World
  private readonly stations = new Map<string, Station>()
  private readonly links = new Map<string, Link>()
  /** The side each machine is on; machines on different sides don't reach each other. */
  private sides = new Map<string, number>()
  private nextPeer = 1

  constructor(world: World) { this.world = world }

  /** A network for one start of one machine; `isAlive` turns false when that process has ended, by whatever end. */
  network(machine: string, isAlive: () => boolean): Network {
    let station: Station | undefined
    const mine = (): Station | undefined => (station?.isUp && isAlive() ? station : undefined)
    return {
      start: async (tell) => {
        station = { peer: `peer-${machine}-${this.nextPeer++}`, machine, tell: (event) => { if (isAlive()) tell(event) }, topics: new Set(), links: new Set(), dialling: new Set(), isUp: true }
        this.stations.set(station.peer, station)
        tell({ type: 'self', peer: station.peer, addresses: [] })
      },
      useRelays: (urls) => {
        const me = mine()
        if (me === undefined) return
        const addresses = urls.map((url) => `/sim/${url}/${me.peer}`)
        this.world.after(this.latency(), `${machine} has an address`, () => { if (me.isUp) me.tell({ type: 'self', peer: me.peer, addresses }) })
      },
      dial: (peer, addresses) => { const me = mine(); if (me !== undefined) this.dial(me, peer, addresses) },
      hangUp: (peer) => {
        const me = mine(), other = this.stations.get(peer)
        const link = me === undefined || other === undefined ? undefined : this.links.get(linkName(me, other))
        if (link !== undefined) this.close(link, 1)
      },
      send: (peer, bytes) => { const me = mine(); if (me !== undefined) this.send(me, peer, bytes) },
      subscribe: (topic) => { mine()?.topics.add(topic) },
      unsubscribe: (topic) => { mine()?.topics.delete(topic) },
      publish: (topic, bytes) => { const me = mine(); if (me !== undefined) this.publish(me, topic, bytes) },
      stop: async () => { if (station !== undefined) this.end(station) },
    }
  }

  /** All connections of a machine whose process ended end with it, and its peer ids are gone. */
  gone(machine: string): void {
    for (const station of [...this.stations.values()]) if (station.machine === machine) this.end(station)
  }

  /** Puts machines on sides; those not named are on side 0. Connections across are cut, which their ends notice after a while. */
  partition(sides: ReadonlyMap<string, number>): void {
    this.sides = new Map(sides)
    for (const link of [...this.links.values()]) if (!this.reach(link.ends[0], link.ends[1])) this.cut(link)
  }

  reachable(a: string, b: string): boolean { return (this.sides.get(a) ?? 0) === (this.sides.get(b) ?? 0) }

  private reach(a: Station, b: Station): boolean { return this.reachable(a.machine, b.machine) }
  private latency(): number { return this.world.chance.between(this.weather.latency.from, this.weather.latency.to) }

  private dial(me: Station, peer: string, addresses: readonly string[]): void {
    if (addresses.length === 0 || peer === me.peer || ownLinks(me) + me.dialling.size >= MAX_PEERS) return
    me.dialling.add(peer)
    const deaf = this.world.faults && this.world.chance.percent(this.weather.deafDials)
    this.world.after(2 * this.latency(), `${me.machine} dials ${peer}`, () => {
      const other = this.stations.get(peer)
      me.dialling.delete(peer)
      if (deaf || other === undefined || !me.isUp || !other.isUp || !this.reach(me, other) || this.links.has(linkName(me, other)) || isFull(me) || isFull(other)) return
      const path: Path = this.world.chance.percent(70) ? 'direct' : 'relayed'
      const link: Link = { ends: [me, other], path, isOpen: true, lastArrival: new Map() }
      this.links.set(linkName(me, other), link)
      for (const end of link.ends) end.links.add(link)
      me.tell({ type: 'peer-up', peer, path })
      // An event of its own: two devices at work at once would be a race, and a seed two stories.
      this.world.after(0, `${other.machine} is dialled`, () => { if (link.isOpen && other.isUp) other.tell({ type: 'peer-up', peer: me.peer, path }) })
    })
  }

  private send(me: Station, peer: string, bytes: Uint8Array): void {
    const other = this.stations.get(peer)
    const link = other === undefined ? undefined : this.links.get(linkName(me, other))
    if (link === undefined || other === undefined || !link.isOpen) return
    if (this.world.faults && this.world.chance.perMille(this.weather.breaks)) return this.cut(link)
    // In order: never before the frame that was sent before it.
    const at = Math.max(this.world.now + this.latency(), link.lastArrival.get(other) ?? 0)
    link.lastArrival.set(other, at)
    const copy = bytes.slice()
    this.world.at(at, `frame ${me.machine} to ${other.machine}`, () => { if (link.isOpen && other.isUp) other.tell({ type: 'frame', peer: me.peer, bytes: copy }) })
  }

  private publish(me: Station, topic: string, bytes: Uint8Array): void {
    for (const other of this.mesh(me, topic)) {
      const copies = !this.world.faults ? 1 : this.world.chance.percent(this.weather.gossipLoss) ? 0 : this.world.chance.percent(this.weather.gossipDoubles) ? 2 : 1
      for (let i = 0; i < copies; i++) {
        this.world.after(this.latency(), `gossip ${me.machine} to ${other.machine}`, () => {
          if (other.isUp && other.topics.has(topic) && this.reach(me, other)) other.tell({ type: 'gossip', topic, bytes: bytes.slice() })
        })
      }
    }
  }

  /** Whom a topic's gossip reaches: subscribers connected with each other, directly or through one another. */
  private mesh(me: Station, topic: string): Station[] {
    const found = new Set([me])
    for (const station of found) {
      for (const { ends: [a, b], isOpen } of station.links) {
        const other = a === station ? b : a
        if (isOpen && other.topics.has(topic)) found.add(other)
      }
    }
    found.delete(me)
    return [...found]
  }

  /** Carries nothing from now on; each end notices in its own time. */
  private cut(link: Link): void {
    if (!link.isOpen) return
    link.isOpen = false
    const { chance } = this.world
    const noticed = [chance.between(NOTICED_AFTER_MS.from, NOTICED_AFTER_MS.to), chance.between(NOTICED_AFTER_MS.from, NOTICED_AFTER_MS.to)]
    const last = Math.max(...noticed)
    link.ends.forEach((end, i) => this.world.after(noticed[i] as number, `${end.machine} notices`, () => {
      if (end.isUp) end.tell({ type: 'peer-down', peer: (link.ends[1 - i] as Station).peer })
    }))
    this.world.after(last, 'a cut connection is forgotten', () => this.forget(link))
  }

  private close(link: Link, afterMs: number): void {
    if (!link.isOpen) return
    link.isOpen = false
    this.forget(link)
    link.ends.forEach((end, i) => this.world.after(afterMs, `${end.machine} is hung up on`, () => {
      if (end.isUp) end.tell({ type: 'peer-down', peer: (link.ends[1 - i] as Station).peer })
    }))
  }

  private forget(link: Link): void {
    const name = linkName(link.ends[0], link.ends[1])
    if (this.links.get(name) === link) this.links.delete(name)
    for (const end of link.ends) end.links.delete(link)
  }

  private end(station: Station): void {
    station.isUp = false
    this.stations.delete(station.peer)
    for (const link of [...station.links]) this.close(link, this.latency())
  }
}

const linkName = (a: Station, b: Station): string => (a.peer < b.peer ? `${a.peer} ${b.peer}` : `${b.peer} ${a.peer}`)
const isFull = ({ links }: Station): boolean => links.size >= MAX_CONNECTIONS
/** Those that it dialled itself. */
const ownLinks = (me: Station): number => { let n = 0; for (const { ends } of me.links) if (ends[0] === me) n++; return n }
