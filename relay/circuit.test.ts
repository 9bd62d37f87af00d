/** Two peers meet through the relay's one public port. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { connect } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { circuitAddresses } from './circuit.ts'
import { RelayProcess } from './process.test-support.ts'

const peer = (listen: string[]) => createLibp2p({
  addresses: { listen }, transports: [webSockets(), circuitRelayTransport()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false }, services: { identify: identify(), ping: ping() },
})

test('Bob reserves a place at the relay, and Alice reaches him there; other paths lead nowhere', async () => {
  const data = mkdtempSync(join(tmpdir(), 'relay-'))
  const relay = await RelayProcess.start(data)
  const { addresses } = await (await fetch(`${relay.url}/v1/relay`)).json() as { addresses: string[] }
  const bob = await peer([`${addresses[0]}/p2p-circuit`]), alice = await peer([])
  const reserved = (): string | undefined => bob.getMultiaddrs().map(String).find((a) => a.includes('/p2p-circuit'))
  while (reserved() === undefined) await new Promise((resolve) => { bob.addEventListener('self:peer:update', resolve, { once: true }) })
  expect(await alice.services.ping.ping(multiaddr(reserved() as string))).toBeGreaterThanOrEqual(0)

  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(relay.url).port), '127.0.0.1', () => {
      socket.write('GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
    })
    socket.once('data', (text: Buffer) => resolve(text.toString()))
  })
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  await Promise.all([alice.stop(), bob.stop()])
  await relay.end('SIGKILL')
  rmSync(data, { recursive: true })
})

test('a relay’s addresses are those under which it was reached', () => {
  expect(circuitAddresses('https://thicket.example', 'P')).toEqual(['/dns4/thicket.example/tcp/443/tls/ws/p2p/P'])
  expect(circuitAddresses('http://192.168.1.5:8080', 'P')).toEqual(['/ip4/192.168.1.5/tcp/8080/ws/p2p/P'])
  expect(circuitAddresses('http://[::1]:8080', 'P')).toEqual(['/ip6/::1/tcp/8080/ws/p2p/P'])
  expect(circuitAddresses('http://a b', 'P')).toEqual([])
})
