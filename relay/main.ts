/**
 * The relay: one process, one public port. It serves the app's files, keeps sealed parcels (HTTP), pushes them (WebSocket) and lets peers find each
 * other (libp2p circuit over WebSocket). It can read nothing of what passes through it.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { WebSocketServer } from 'ws'
import { MAX_ANNOUNCE_BYTES } from '../src/wire/relay.ts'
import { type Circuit, circuitAddresses, startCircuit } from './circuit.ts'
import { MailboxHttp } from './http.ts'
import { loadSecrets } from './keys.ts'
import { Mailbox } from './mailbox.ts'
import { type Options, readOptions } from './options.ts'
import { Challenges, RelayKey, sha256 } from './proof.ts'
import { Push } from './push.ts'
import { StaticFiles } from './static.ts'
import { openSqliteStore } from './store-sqlite.ts'

const EXPIRE_EVERY_MS = 3600_000
/** Addresses are logged nowhere; what fails is. */
const log = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' }, pino.destination(2))
const dist = join(fileURLToPath(new URL('.', import.meta.url)), '..', 'dist')

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if ('line' in options) {
    (options.code === 0 ? process.stdout : process.stderr).write(`${options.line}\n`)
    process.exitCode = options.code
    return
  }
  try {
    await run(options)
  } catch (error) {
    process.stderr.write(`${plain(error, options)}\n`)
    process.exit(1)
  }
}

function plain(error: unknown, options: Options): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return `Port ${options.port} is in use. Stop what uses it, or choose another: --port 8081`
  if (code === 'EACCES') return `The relay may not use port ${options.port} or the folder ${options.data}. Choose a port above 1024, or another folder with --data`
  if (code === 'EADDRNOTAVAIL') return `This machine has no address ${options.host}. Use --host 127.0.0.1, or 0.0.0.0 for all`
  return error instanceof Error ? error.message : String(error)
}

async function run(options: Options): Promise<void> {
  const secrets = loadSecrets(options.data)
  const store = openSqliteStore(options.data)
  const now = (): number => Date.now()
  const key = new RelayKey(secrets.signing)
  const challenges = new Challenges(secrets.challenge)
  const mailbox = new Mailbox(store, sha256)
  const push = new Push(mailbox, key, challenges, now)
  const files = new StaticFiles(dist)
  let circuit: Circuit | undefined
  const http = new MailboxHttp({
    mailbox, key, challenges, push, now,
    describe: (host) => {
      const origin = options.publicUrl ?? `http://${host ?? 'localhost'}`
      return { peerId: circuit?.peerId ?? '', addresses: circuit !== undefined && URL.canParse(origin) ? circuitAddresses(new URL(origin), circuit.peerId) : [] }
    },
  })
  const server = createServer({ requestTimeout: 120_000, headersTimeout: 15_000, maxHeaderSize: 16 * 1024, keepAliveTimeout: 65_000 }, (request, response) => {
    const path = pathOf(request)
    if (path === undefined) { response.writeHead(400).end(); return }
    if (http.handle(request, response, path)) return
    if (request.method !== 'GET' && request.method !== 'HEAD') { response.writeHead(405, { allow: 'GET, HEAD' }).end(); return }
    files.serve(request, response, path)
  })
  acceptSockets(server, push, () => circuit)
  await listen(server, options)
  circuit = await startCircuit(secrets.peer)
  const expiry = setInterval(() => { try { mailbox.expire(now()) } catch (error) { log.error(error, 'expiry failed') } }, EXPIRE_EVERY_MS)
  expiry.unref()
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  process.stdout.write(`Thicket is at ${options.publicUrl ?? `http://localhost:${port}`}/\n`)
  if (files.isEmpty) process.stderr.write('The app is not built, so this is a relay only. Build it with: npm run build\n')

  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    clearInterval(expiry)
    push.close()
    server.close()
    server.closeIdleConnections()
    // Posts that are being kept end within this turn; everyone else comes back to another relay or later.
    setTimeout(() => server.closeAllConnections(), 300)
    const forced = setTimeout(() => process.exit(0), 1500)
    void circuit?.stop().finally(() => { clearTimeout(forced); setTimeout(() => { store.close(); process.exit(0) }, 350) })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function listen(server: Server, options: Options): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => { server.off('error', reject); server.on('error', (error) => log.error(error)); resolve() })
  })
}

/** The push path is ours; every other WebSocket is libp2p's, passed on byte for byte to its loopback port. */
function acceptSockets(server: Server, push: Push, circuit: () => Circuit | undefined): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_ANNOUNCE_BYTES + 1024, perMessageDeflate: false })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (pathOf(request) === '/v1/push') {
      sockets.handleUpgrade(request, socket, head, (ws) => push.add(ws))
      return
    }
    const port = circuit()?.port
    if (port === undefined) { socket.destroy(); return }
    const upstream = connect(port, '127.0.0.1', () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`]
      for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
      upstream.write(`${lines.join('\r\n')}\r\n\r\n`)
      upstream.write(head)
      upstream.pipe(socket)
      socket.pipe(upstream)
    })
    const end = (): void => { upstream.destroy(); socket.destroy() }
    upstream.on('error', end)
    upstream.on('close', end)
    socket.on('close', end)
  })
}

/** The path of a request, without its query; undefined when it isn't one. */
function pathOf(request: IncomingMessage): string | undefined {
  const base = 'http://relay'
  if (!URL.canParse(request.url ?? '', base)) return undefined
  try { return decodeURIComponent(new URL(request.url ?? '', base).pathname) } catch { return undefined }
}

await main()
