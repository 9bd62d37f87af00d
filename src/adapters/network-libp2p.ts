/**
 * The network over libp2p, in a browser's worker and in Node: WebRTC between peers, circuits through chosen relays to arrange it and to fall back on, gossipsub for
 * what is for everybody. It knows no relay, no server and no peer that it wasn't told: no bootstrap list, no DHT, no STUN.
 *
 * The parts: network-relays.ts keeps places at relays, network-dials.ts connects and upgrades, network-session.ts makes one sequence of frames out of
 * whatever connections there are, network-roads.ts is libp2p's connections and streams as it wants them.
 */
import { circuitRelayTransport, type CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import { gossipsub, StrictNoSign, type GossipSub } from '@libp2p/gossipsub'
import { identify, identifyPush, type Identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId, ServiceMap, Transport } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping, type Ping } from '@libp2p/ping'
import { isPrivate } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import type { Multiaddr } from '@multiformats/multiaddr'
import { WebSockets } from '@multiformats/multiaddr-matcher'
import { sha256 } from '@noble/hashes/sha2.js'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Network, NetworkEvent } from '../ports.ts'
import { utf8 } from '../wire/bytes.ts'
import { MAX_FRAME_BYTES } from '../wire/frame-stream.ts'
import { Dials } from './network-dials.ts'
import { MAX_CONNECTIONS, MAX_PEERS } from './network-limits.ts'
import { Relays } from './network-relays.ts'
import { FRAMES_PROTOCOL, laneOver, roadOver } from './network-roads.ts'
import { PeerSession, type Road } from './network-session.ts'

const MAX_GOSSIP_BYTES = 64 * 1024
const MAX_TOPICS = 256
const DIAL_TIMEOUT_MS = 10_000
/** Every dial brings its own, shorter limit; the library's defaults must not cut it. */
const MAX_DIAL_MS = 30_000
/** A connection that doesn't answer pings is aborted after about two of these. */
const PING_INTERVAL_MS = 10_000
/** Above the 16 KiB of the library's default: twice the throughput between browsers, which all take 256 KiB. */
const MAX_CHANNEL_MESSAGE_BYTES = 64 * 1024

export interface NetworkOptions {
  readonly randomBytes: (length: number) => Uint8Array
  /** STUN and TURN servers that the user chose; none by default, so that nobody else is asked. */
  readonly iceServers?: readonly RTCIceServer[]
  /** Connect to private addresses and over plain ws://. Relays given as http:// are reached so anyway. */
  readonly allowPrivate?: boolean
  /** false: never WebRTC, as where it is blocked. */
  readonly webrtc?: boolean
  /** Node only: addresses to listen at, such as /ip4/0.0.0.0/tcp/4001, and the transports for them. */
  readonly listen?: readonly string[]
  readonly transports?: NonNullable<Libp2pOptions['transports']>
  readonly maxPeers?: number
}

interface Services extends ServiceMap { identify: Identify; identifyPush: ReturnType<ReturnType<typeof identifyPush>>; ping: Ping; pubsub: GossipSub }

/** The one thing of libp2p's circuit transport that has no public door: reserving at a relay without a listener, which can't be closed singly. */
interface Reserving { readonly reservationStore: { addRelay(peer: PeerId, type: 'configured'): Promise<unknown> } }
const isReserving = (transport: unknown): transport is Reserving => typeof transport === 'object' && transport !== null && 'reservationStore' in transport

export function createNetwork(options: NetworkOptions): Network {
  return new Libp2pNetwork(options)
}

class Libp2pNetwork implements Network {
  private readonly options: NetworkOptions
  private readonly sessions = new Map<string, PeerSession>()
  private readonly roads = new Map<string, Road>()
  private readonly relays: Relays
  private readonly dials: Dials
  private node: Libp2p<Services> | undefined
  private circuits: Reserving | undefined
  private tell: (event: NetworkEvent) => void = () => {}
  private told: string | undefined
  private stopped = false
  private wantedRelays: readonly string[] = []
  private readonly topics = new Set<string>()
  private readonly backOnline = (): void => { this.relays.hurry() }

  constructor(options: NetworkOptions) {
    this.options = options
    const chance = (): number => (options.randomBytes(1)[0] ?? 0) / 256
    this.relays = new Relays({
      connect: async (addresses, signal) => { await this.running().dial([...addresses], { signal }) },
      reserve: async peer => { await this.circuits?.reservationStore.addRelay(peer, 'configured') },
      hangUp: peer => { this.node?.hangUp(peer).catch(() => {}) },
      chance,
      changed: () => this.tellSelf(),
    })
    this.dials = new Dials({
      dial: async addresses => this.running().dial([...addresses], { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) }),
      upgrade: async (addresses, timeoutMs) => this.running().dial([...addresses], { signal: AbortSignal.timeout(timeoutMs), force: true }),
      isConnected: (peer, path) => { const session = this.sessions.get(peer); return session !== undefined && (path ? session.has(path) : !session.isEmpty) },
      chance,
    }, options.maxPeers ?? MAX_PEERS)
  }

  async start(tell: (event: NetworkEvent) => void): Promise<void> {
    this.tell = tell
    this.node = await createLibp2p<Services>(await this.configuration())
    if (this.stopped) { await this.node.stop(); return }
    this.node.addEventListener('connection:open', event => this.opened(event.detail))
    this.node.addEventListener('connection:close', event => this.closed(event.detail))
    this.node.services.pubsub.addEventListener('message', event => {
      if (this.topics.has(event.detail.topic)) this.tell({ type: 'gossip', topic: event.detail.topic, bytes: event.detail.data })
    })
    await this.node.handle(FRAMES_PROTOCOL, (stream, connection) => {
      if (this.stopped) return
      const road = this.roadOf(connection)
      this.sessionOf(connection).accept(road, laneOver(stream))
    }, { runOnLimitedConnection: true, maxInboundStreams: 4, maxOutboundStreams: 4 })
    await this.node.start()
    for (const topic of this.topics) this.node.services.pubsub.subscribe(topic)
    globalThis.addEventListener?.('online', this.backOnline)
    this.relays.use(this.wantedRelays)
    this.tellSelf()
  }

  useRelays(urls: readonly string[]): void {
    this.wantedRelays = urls
    if (this.node?.status === 'started') this.relays.use(urls)
  }

  dial(peer: string, addresses: readonly string[]): void {
    if (this.node?.status === 'started' && peer !== this.node.peerId.toString()) this.dials.want(peer, addresses)
  }

  hangUp(peer: string): void {
    this.dials.forget(peer)
    this.sessions.get(peer)?.close()
  }

  send(peer: string, bytes: Uint8Array): void {
    if (bytes.length > 0 && bytes.length <= MAX_FRAME_BYTES) this.sessions.get(peer)?.send(bytes)
  }

  subscribe(topic: string): void {
    if (this.topics.size >= MAX_TOPICS) return
    this.topics.add(topic)
    if (this.node?.status === 'started') this.node.services.pubsub.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    if (this.topics.delete(topic) && this.node?.status === 'started') this.node.services.pubsub.unsubscribe(topic)
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (bytes.length > MAX_GOSSIP_BYTES || this.node?.status !== 'started') return
    // Nobody there, or said before: gossip promises nothing, sync makes up for it.
    this.node.services.pubsub.publish(topic, bytes).catch(() => {})
  }

  async stop(): Promise<void> {
    this.stopped = true
    globalThis.removeEventListener?.('online', this.backOnline)
    this.tell = () => {}
    this.dials.stop()
    this.relays.stop()
    await this.node?.stop()
  }

  private running(): Libp2p<Services> {
    if (!this.node || this.stopped) throw new Error('The network is not running')
    return this.node
  }

  private async configuration(): Promise<Libp2pOptions<Services>> {
    const { options } = this
    return {
      start: false,
      // The default names library versions and the machine.
      nodeInfo: { name: 'thicket', version: '1', userAgent: 'thicket' },
      // Without '/webrtc' the transport would never learn that it is stopped, and leave peer connections open.
      addresses: { listen: [...options.listen ?? [], ...options.webrtc === false ? [] : ['/webrtc']] },
      transports: [
        webSockets(),
        (components: CircuitRelayTransportComponents): Transport => {
          const transport = circuitRelayTransport()(components)
          if (!isReserving(transport)) throw new Error('libp2p changed: the circuit transport has no reservation store')
          this.circuits = transport
          return transport
        },
        ...await this.webrtc(),
        ...options.transports ?? [],
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: address => !this.mayDial(address) },
      connectionManager: {
        maxConnections: MAX_CONNECTIONS, maxParallelDials: 8, maxPeerAddrsToDial: 8, reconnectRetries: 0,
        addressDialTimeout: MAX_DIAL_MS, dialTimeout: MAX_DIAL_MS,
      },
      connectionMonitor: { pingInterval: PING_INTERVAL_MS, pingTimeout: { minTimeout: PING_INTERVAL_MS } },
      transportManager: { faultTolerance: 1 },
      services: {
        identify: identify({ runOnLimitedConnection: true, maxInboundStreams: 4, maxOutboundStreams: 4 }),
        identifyPush: identifyPush({ runOnLimitedConnection: true }),
        ping: ping({ runOnLimitedConnection: true }),
        pubsub: gossipsub({
          // What goes through here is signed and sealed by the engine; a second signature would only name the device that passes it on.
          globalSignaturePolicy: StrictNoSign,
          msgIdFn: message => sha256.create().update(utf8(message.topic)).update(Uint8Array.of(0)).update(message.data).digest(),
          floodPublish: true, emitSelf: false, doPX: false, fallbackToFloodsub: false,
          allowPublishToZeroTopicPeers: true, ignoreDuplicatePublishError: true,
          runOnLimitedConnection: true, maxInboundDataLength: 4 * MAX_GOSSIP_BYTES, maxOutboundBufferSize: 4 * 1024 * 1024,
        }),
      },
    }
  }

  /** Loaded on its own: in Node it stands on a native library, and a machine without that still talks over relays and TCP. */
  private async webrtc(): Promise<NonNullable<Libp2pOptions['transports']>> {
    if (this.options.webrtc === false) return []
    const loaded = await import('@libp2p/webrtc').catch(() => undefined)
    if (!loaded) return []
    return [loaded.webRTC({
      rtcConfiguration: { iceServers: [...this.options.iceServers ?? []] },
      dataChannel: { maxMessageSize: MAX_CHANNEL_MESSAGE_BYTES },
    })]
  }

  /** A member's word must not make a browser knock at the printer: private addresses only on purpose. */
  private mayDial(address: Multiaddr): boolean {
    if (this.options.allowPrivate || this.relays.isChosenInsecure(address)) return true
    return !isPrivate(address) && !WebSockets.exactMatch(address)
  }

  private roadOf(connection: Connection): Road {
    const known = this.roads.get(connection.id)
    if (known) return known
    const road = roadOver(connection, this.running().peerId.toString())
    this.roads.set(connection.id, road)
    return road
  }

  private sessionOf(connection: Connection): PeerSession {
    const peer = connection.remotePeer.toString()
    const known = this.sessions.get(peer)
    if (known) return known
    const session = new PeerSession(peer, this.options.randomBytes, event => this.tell(event))
    this.sessions.set(peer, session)
    return session
  }

  private opened(connection: Connection): void {
    if (this.stopped || this.relays.isRelay(connection.remotePeer.toString())) return
    this.sessionOf(connection).addRoad(this.roadOf(connection))
  }

  private closed(connection: Connection): void {
    if (this.stopped) return
    const peer = connection.remotePeer.toString()
    const road = this.roads.get(connection.id)
    const session = this.sessions.get(peer)
    this.roads.delete(connection.id)
    if (road && session) {
      session.removeRoad(road)
      if (session.isEmpty) { this.sessions.delete(peer); this.dials.lost(peer) }
      else this.revive(peer)
    }
    if (this.node?.getConnections(connection.remotePeer).length === 0) this.relays.lost(peer)
  }

  /** gossipsub keeps its stream to a peer on the first connection and doesn't notice when that ends before others; identifying another wakes it. */
  private revive(peer: string): void {
    const node = this.node
    const left = node?.getConnections().find(connection => connection.remotePeer.toString() === peer && connection.status === 'open')
    if (node && left) node.services.identify.identify(left).catch(() => {})
  }

  private tellSelf(): void {
    if (this.node?.status !== 'started') return
    const self = this.node.peerId.toString()
    const circuits = this.relays.addresses().flatMap(address => [
      address.encapsulate(`/p2p-circuit/webrtc/p2p/${self}`), address.encapsulate(`/p2p-circuit/p2p/${self}`),
    ])
    const listening = this.options.listen?.length ? this.node.getMultiaddrs().filter(address => !address.toString().includes('/p2p-circuit')) : []
    const addresses = [...new Set([...circuits, ...listening].map(address => address.toString()))]
    const words = addresses.join(' ')
    if (words === this.told) return
    this.told = words
    this.tell({ type: 'self', peer: self, addresses })
  }
}
