/** WebSockets on the public port: the push path is ours, the root is libp2p's, passed on byte for byte to its loopback port. Anything else is refused. */
import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { MAX_ANNOUNCE_BYTES } from '../src/wire/relay.ts'
import type { Push } from './push.ts'

/** libp2p's own limits count what reaches it; this one counts what waits for it as well. */
const MAX_PASSED_ON = 4000
/** Nothing passes for so long: libp2p itself pings far more often. */
const IDLE_MS = 5 * 60_000

export function acceptSockets(server: Server, push: Push, circuitPort: number): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_ANNOUNCE_BYTES + 1024, perMessageDeflate: false, clientTracking: false })
  let passedOn = 0
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const path = (request.url ?? '').split('?', 1)[0]
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return refuse(socket, '400 Bad Request')
    if (path === '/v1/push') {
      if (push.isFull) return refuse(socket, '503 Service Unavailable')
      sockets.handleUpgrade(request, socket, head, (ws) => push.add(ws))
      return
    }
    if (path !== '/') return refuse(socket, '404 Not Found')
    if (passedOn >= MAX_PASSED_ON) return refuse(socket, '503 Service Unavailable')
    passedOn++
    socket.once('close', () => { passedOn-- })
    passOn(request, socket, head, circuitPort)
  })
}

function passOn(request: IncomingMessage, socket: Duplex, head: Buffer, port: number): void {
  const upstream = connect(port, '127.0.0.1', () => {
    const lines = [`GET / HTTP/1.1`]
    for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
    upstream.write(head)
    upstream.pipe(socket)
    socket.pipe(upstream)
  })
  upstream.setNoDelay(true)
  upstream.setTimeout(IDLE_MS)
  const end = (): void => { upstream.destroy(); socket.destroy() }
  upstream.on('timeout', end)
  upstream.on('error', end)
  upstream.on('close', end)
  socket.on('close', end)
}

function refuse(socket: Duplex, status: string): void { socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`) }
