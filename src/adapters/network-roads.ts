/** A libp2p connection as a Road and its streams as Lanes: what src/adapters/network-session.ts moves frames over. */
import type { Connection, Stream } from '@libp2p/interface'
import type { Path } from '../ports.ts'
import type { Lane, Road } from './network-session.ts'

export const FRAMES_PROTOCOL = '/thicket/1'

/** Long enough for a loaded phone on a bad line. */
const OPEN_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 5_000

/** A connection through a relay; the address of a WebRTC connection that was arranged through one names it too, before '/webrtc'. */
export function pathOf(connection: Connection): Path {
  const names = connection.remoteAddr.getComponents().map(component => component.name)
  return names.includes('p2p-circuit') && !names.includes('webrtc') ? 'relayed' : 'direct'
}

export function roadOver(connection: Connection, self: string): Road {
  const path = pathOf(connection)
  const dialler = connection.direction === 'outbound' ? self : connection.remotePeer.toString()
  const other = connection.direction === 'outbound' ? connection.remotePeer.toString() : self
  return {
    path,
    rank: [path === 'direct' ? 1 : 0, dialler < other ? 1 : 0, connection.timeline.open],
    openLane: async () => laneOver(await connection.newStream(FRAMES_PROTOCOL, {
      runOnLimitedConnection: true, signal: AbortSignal.timeout(OPEN_TIMEOUT_MS),
    })),
    close: () => closeSoftly(connection),
  }
}

function closeSoftly(connection: Connection): void {
  connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch((reason: unknown) => connection.abort(asError(reason)))
}

const asError = (reason: unknown): Error => reason instanceof Error ? reason : new Error(String(reason))

export function laneOver(stream: Stream): Lane {
  return {
    write: bytes => stream.send(bytes),
    unsent: () => stream.writeBufferLength,
    drained: () => stream.onDrain(),
    // The other side answers the end of its reading with the end of its writing: nobody writes the other way on this stream.
    finish: () => { stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch((reason: unknown) => stream.abort(asError(reason))) },
    abort: () => stream.abort(new Error('The session is over')),
    listen: (received, closed) => {
      let ended = false
      const end = (): void => { if (!ended) { ended = true; closed() } }
      // Close may come while bytes are still to be read; the last of them come before it as long as someone listens.
      stream.addEventListener('close', end)
      stream.addEventListener('remoteCloseWrite', () => { if (stream.direction === 'inbound') end() })
      stream.addEventListener('message', event => received(event.data instanceof Uint8Array ? event.data : event.data.subarray()))
      if (stream.status !== 'open') queueMicrotask(end)
    },
  }
}
