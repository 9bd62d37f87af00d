/**
 * The relay: one process, one public port. It serves the app's files, keeps sealed parcels (HTTP), pushes them (WebSocket) and lets peers find each
 * other (libp2p circuit over WebSocket). It can read nothing of what passes through it.
 */
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Circuit, circuitAddresses, startCircuit } from './circuit.ts'
import { MailboxHttp } from './http.ts'
import { loadSecrets } from './keys.ts'
import { lockFolder } from './lock.ts'
import { Mailbox } from './mailbox.ts'
import { type Options, readOptions } from './options.ts'
import { Challenges, RelayKey, sha256 } from './proof.ts'
import { Push } from './push.ts'
import { acceptSockets } from './sockets.ts'
import { StaticFiles } from './static.ts'
import { openSqliteStore } from './store-sqlite.ts'

const EXPIRE_EVERY_MS = 3600_000
/** Connections of all kinds: each may hold a little memory before it has proved anything. */
const MAX_CONNECTIONS = 10_000
/** Errors of a connection that has ended: no reason to end with it. */
const LOST: ReadonlySet<string> = new Set(['StreamStateError', 'StreamResetError', 'StreamClosedError', 'MuxerClosedError', 'ConnectionClosedError'])
/** Who comes is logged nowhere; what fails is, without the objects that could name somebody. */
const log = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' }, pino.destination({ dest: 2, sync: true }))
const failed = (what: string) => (error: unknown): void => { log.error(`${what}: ${error instanceof Error ? error.message : String(error)}`) }

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env['PORT'])
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
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `This machine has no address ${options.host}. Use --host 127.0.0.1, or 0.0.0.0 for all`
  if (code === 'EEXIST' || code === 'ENOTDIR') return `${options.data} is not a folder. Choose another with --data`
  const message = error instanceof Error ? error.message : String(error)
  return code === 'ERR_SQLITE_ERROR' ? `The database in ${options.data} can't be used: ${message}` : message
}

async function run(options: Options): Promise<void> {
  const lock = lockFolder(options.data)
  const secrets = loadSecrets(options.data)
  const store = openSqliteStore(options.data)
  const now = (): number => Date.now()
  const key = new RelayKey(secrets.signing)
  const challenges = new Challenges(secrets.challenge)
  const mailbox = new Mailbox(store, sha256)
  const push = new Push(mailbox, key, challenges, now)
  const files = new StaticFiles(join(import.meta.dirname, '..', 'dist'))
  const circuit = await startCircuit(secrets.peer)
  const http = new MailboxHttp({
    mailbox, key, challenges, push, now, failed: failed('a request failed'),
    describe: (host) => ({ peerId: circuit.peerId, addresses: circuitAddresses(options.publicUrl ?? `http://${host ?? 'localhost'}`, circuit.peerId) }),
  })
  const server = createServer({ requestTimeout: 120_000, headersTimeout: 15_000, maxHeaderSize: 16 * 1024, keepAliveTimeout: 65_000 }, (request, response) => {
    const path = pathOf(request.url)
    if (path === undefined) { response.writeHead(400).end(); return }
    if (http.handle(request, response, path)) return
    files.serve(request, response, path)
  })
  server.maxConnections = MAX_CONNECTIONS
  acceptSockets(server, push, circuit.port)
  await listen(server, options)
  const expiry = setInterval(() => expire(mailbox), EXPIRE_EVERY_MS)
  expiry.unref()
  process.stdout.write(`Thicket is at ${options.publicUrl ?? linkTo(server, options.host)}/\n`)
  if (files.isEmpty) process.stderr.write('The app is not built, so this is a relay only. Build it with: npm run build\n')
  // A peer that breaks off in the middle must not stop the relay for everyone else.
  // libp2p writes to streams whose connection has just gone, in a place where nobody can catch that.
  process.on('uncaughtException', (error) => {
    failed('a connection broke')(error)
    if (!LOST.has(error.name)) process.exit(1)
  })
  process.on('unhandledRejection', failed('something failed that nobody waited for'))
  onStop(() => {
    clearInterval(expiry)
    return stop(server, push, circuit, () => { store.close(); lock.close() })
  })
}

/** A piece at a time, so that requests get their turn between. */
function expire(mailbox: Mailbox): void {
  try {
    if (mailbox.expire(Date.now())) setImmediate(() => expire(mailbox))
  } catch (error) { failed('old parcels could not be dropped')(error) }
}

function listen(server: Server, options: Options): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => { server.off('error', reject); server.on('error', failed('the server failed')); resolve() })
  })
}

/** The link for whoever started it: localhost where that reaches it, since browsers trust it with more than an address. */
function linkTo(server: Server, host: string): string {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const isLocal = ['127.0.0.1', '0.0.0.0', '::1', '::', 'localhost'].includes(host)
  return `http://${isLocal ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
}

function onStop(stop: () => Promise<void>): void {
  let isStopping = false
  const once = (): void => {
    if (isStopping) return
    isStopping = true
    void stop().finally(() => process.exit(0))
  }
  process.on('SIGTERM', once)
  process.on('SIGINT', once)
}

/** Ends within two seconds, whatever the others do. Posts that are being kept are kept; everyone else comes back later. */
async function stop(server: Server, push: Push, circuit: Circuit, close: () => void): Promise<void> {
  const forced = setTimeout(() => process.exit(0), 1500)
  push.close()
  const closed = new Promise<void>((resolve) => { server.close(() => resolve()) })
  setTimeout(() => server.closeAllConnections(), 300)
  await Promise.allSettled([circuit.stop(), closed])
  close()
  clearTimeout(forced)
}

/** The path of a request, without its query; undefined when it isn't one. */
function pathOf(url = ''): string | undefined {
  try { return decodeURIComponent(new URL(url, 'http://relay').pathname) } catch { return undefined }
}

await main()
