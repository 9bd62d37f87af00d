/**
 * The headless peer: the same engine and host as in the browser, in Node, over libp2p and relays, on SQLite.
 * stdin and stdout carry one JSON object a line (README.md here); stderr carries what went wrong.
 * Ends with 0 after `stop`, the end of stdin or SIGTERM; 1 when it can't start or go on; 2 for bad flags.
 */
import { join } from 'node:path'
import { tcp } from '@libp2p/tcp'
import { systemClock } from '../adapters/clock.ts'
import { createCopies, dropHalf } from '../adapters/copies.ts'
import { fileCopies } from '../adapters/copies-file.ts'
import { migrate } from '../adapters/disk-forms.ts'
import { openSqliteDisk } from '../adapters/disk-sqlite.ts'
import { createMailbox } from '../adapters/mailbox-relay.ts'
import { createNetwork } from '../adapters/network-libp2p.ts'
import { systemRandom } from '../adapters/random.ts'
import { createSuite } from '../adapters/suite.ts'
import { nodeCurves } from '../adapters/suite-curves-node.ts'
import { fileTally, TALLY_FILE } from '../adapters/tally-file.ts'
import { systemTimers } from '../adapters/timers.ts'
import { createEngine } from '../engine/engine.ts'
import { DiskError } from '../ports.ts'
import { type Flags, readFlags, USAGE } from './flags.ts'
import { type Peer, PeerRefused, startPeer } from './peer.ts'

/** A reader that is so far behind gets no more updates: they would fill our memory. Replies wait for it. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024

/** Errors of a connection that has ended: no reason to end with it. */
const LOST: ReadonlySet<string> = new Set(['StreamStateError', 'StreamResetError', 'StreamClosedError', 'MuxerClosedError', 'ConnectionClosedError'])

const complain = (line: string): void => { process.stderr.write(`${line.replaceAll('\n', ' ')}\n`) }

async function assemble(flags: Flags): Promise<Peer> {
  const random = systemRandom(), clock = systemClock()
  const disk = await openSqliteDisk({ dir: flags.data })
  await dropHalf(disk)
  await migrate(disk)
  const suite = await createSuite(random, nodeCurves())
  const appBase = flags.relays[0]
  return startPeer({
    parts: {
      engine: () => createEngine({ suite, random, ...(appBase === undefined ? {} : { appBase }) }),
      disk, tally: fileTally(flags.data), copies: createCopies({ files: fileCopies(flags.data, () => clock.now()), now: () => clock.now() }), clock, timers: systemTimers(), log: complain,
      network: createNetwork({
        randomBytes: (length) => random.bytes(length), allowPrivate: flags.allowPrivate, listen: flags.listen,
        ...(flags.listen.length > 0 ? { transports: [tcp()] } : {}),
      }),
      mailbox: createMailbox({ suite, random }),
    },
    name: flags.name,
    relays: flags.relays,
    write: (line, kind) => { if (kind === 'reply' || process.stdout.writableLength < MAX_UNREAD_BYTES) process.stdout.write(`${line}\n`) },
  })
}

function connect(peer: Peer): void {
  process.stdin.on('data', (chunk: Buffer) => {
    peer.read(chunk)
    if (process.stdout.writableNeedDrain) {
      process.stdin.pause()
      process.stdout.once('drain', () => process.stdin.resume())
    }
  })
  process.stdin.on('end', () => peer.end())
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { void peer.stop() })
  // Nobody reads any more.
  process.stdout.on('error', () => { void peer.stop() })
  // libp2p writes to streams whose connection has just gone, in a place where nobody can catch that.
  process.on('uncaughtException', (error) => {
    complain(`A connection broke: ${String(error)}`)
    if (!LOST.has(error.name)) process.exit(1)
  })
  process.on('unhandledRejection', (error) => complain(`Something failed in the background: ${String(error)}`))
}

/** Exits only when all that was written has gone to the pipe. */
const exit = (code: number): void => { process.stdout.write('', () => process.exit(code)) }

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2))
  if (typeof flags === 'string') {
    complain(`${flags}; ${USAGE}`)
    return exit(2)
  }
  try {
    const peer = await assemble(flags)
    connect(peer)
    await peer.ready
    await peer.stopped
    exit(0)
  } catch (error) {
    if (error instanceof PeerRefused && error.code === 'emptied') {
      complain(`There was a peer in ${flags.data}, and its disk is empty now: put the folder back from a backup, or delete ${join(flags.data, TALLY_FILE)} to begin anew.`)
      return exit(1)
    }
    if (error instanceof PeerRefused) {
      complain(`--name: ${error.message}`)
      return exit(error.code.startsWith('name-') ? 2 : 1)
    }
    if (error instanceof DiskError && error.reason === 'blocked') complain(`Another peer is running on ${flags.data}: stop it first, or give this one a folder of its own.`)
    else complain(`The peer could not start: ${error instanceof Error ? error.message : String(error)}`)
    exit(1)
  }
}

await main()
