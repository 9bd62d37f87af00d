/**
 * libp2p's circuit relay v2: lets two peers meet, so that they can open a direct connection. It listens on loopback; the public port passes WebSockets on to it.
 * Every limit is set on purpose: the defaults allow 15 reservations, 128 KiB and 2 minutes a connection, and count everyone behind one reverse proxy as one host.
 */
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'

/** Peers that may be reached through this relay at a time. */
const MAX_RESERVATIONS = 2000
const MAX_CONNECTIONS = 4000
/** Where WebRTC is blocked all of a space's traffic goes through here: a day of chat fits, a film does not. */
const MAX_CIRCUIT_BYTES = 256n * 1024n * 1024n
const MAX_CIRCUIT_MS = 2 * 3600_000
const RESERVATION_MS = 2 * 3600_000

export interface Circuit {
  readonly peerId: string
  /** Loopback port that speaks libp2p over WebSocket. */
  readonly port: number
  stop(): Promise<void>
}

export async function startCircuit(peerSeed: Uint8Array): Promise<Circuit> {
  const node = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', peerSeed),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => true },
    connectionManager: { maxConnections: MAX_CONNECTIONS, inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 200 },
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({
        hopTimeout: 30_000, maxInboundHopStreams: 32_768, maxOutboundHopStreams: 32_768, maxOutboundStopStreams: 32_768,
        reservations: { maxReservations: MAX_RESERVATIONS, reservationTtl: RESERVATION_MS, defaultDataLimit: MAX_CIRCUIT_BYTES, defaultDurationLimit: MAX_CIRCUIT_MS },
      }),
    },
  })
  const address = node.getMultiaddrs()[0]?.toString() ?? ''
  const port = Number(/\/tcp\/(\d+)\//.exec(address)?.[1])
  return { peerId: node.peerId.toString(), port, stop: async () => { await node.stop() } }
}

/** The libp2p addresses of a relay that people reach under this origin; none when it isn't one. The asker's Host header is only ever told back to the asker. */
export function circuitAddresses(origin: string, peerId: string): string[] {
  if (!URL.canParse(origin)) return []
  const { hostname, protocol, port: named } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (!/^[0-9a-z.:_-]+$/i.test(host)) return []
  const isSecure = protocol === 'https:'
  const port = named === '' ? (isSecure ? '443' : '80') : named
  const name = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? `/ip4/${host}` : host.includes(':') ? `/ip6/${host}` : `/dns4/${host}`
  return [`${name}/tcp/${port}/${isSecure ? 'tls/ws' : 'ws'}/p2p/${peerId}`]
}
