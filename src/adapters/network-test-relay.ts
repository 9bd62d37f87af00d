/** A circuit relay as small as it gets, on one port: what the network's tests need of a relay, without the mailbox. */
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestRelay {
  /** Base URL: answers /v1/relay like a real one. */
  readonly url: string
  stop(): Promise<void>
}

export async function startTestRelay(): Promise<TestRelay> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 100, maxIncomingPendingConnections: 100 },
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({ reservations: { maxReservations: 100, defaultDurationLimit: 600_000, defaultDataLimit: 64n * 1024n * 1024n } }),
    },
  })
  const info = JSON.stringify({ version: '1', publicKey: '', peerId: node.peerId.toString(), addresses: node.getMultiaddrs().map(String), limits: {} })
  const server = createServer((request, response) => {
    if (request.url !== '/v1/relay') { response.writeHead(404).end(); return }
    response.writeHead(200, { 'content-type': 'application/json', 'access-control-allow-origin': '*' }).end(info)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await node.stop()
    },
  }
}
