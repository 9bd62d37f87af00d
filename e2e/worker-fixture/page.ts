/** A page that starts the network's worker, as the app's page does, and lets the test look at both. */
import type { NetworkEvent } from '../../src/ports.ts'
import { RtcHost } from '../../src/worker/rtc-page.ts'
import { parseRtcMode } from '../../src/worker/rtc-messages.ts'
import type { FixtureToWorker } from './worker.ts'

type Heard = NetworkEvent | { readonly type: 'big-frame'; readonly peer: string; readonly length: number }

/** What the test calls. */
export interface Fixture {
  start(relays: readonly string[]): void
  ask(message: Exclude<FixtureToWorker, { type: 'start' }>): void
  heard: Heard[]
  /** Times (ms since the page's start) at which each was heard. */
  at: number[]
  states(): RTCPeerConnectionState[]
  /** Sent by the page's own peer connections, as the browser counts them. */
  bytesOverWebrtc(): Promise<number>
  /** That any of them was told to use. */
  iceServers(): RTCIceServer[]
}

declare global { interface Window { fixture: Fixture } }

const mode = parseRtcMode(new URLSearchParams(location.search).get('rtc'))
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const heard: Heard[] = []
const at: number[] = []
const real: RTCPeerConnection[] = []
let host: RtcHost | undefined

worker.onmessage = ({ data }: MessageEvent<Heard>) => { heard.push(data); at.push(performance.now()) }

window.fixture = {
  heard,
  at,
  start: relays => {
    const { port1, port2 } = new MessageChannel()
    host = new RtcHost(port1, mode, configuration => {
      const connection = new RTCPeerConnection(configuration)
      real.push(connection)
      return connection
    })
    worker.postMessage({ type: 'start', relays, webrtc: mode !== 'off', rtc: port2 } satisfies FixtureToWorker, [port2])
  },
  ask: message => worker.postMessage(message),
  states: () => host?.states() ?? [],
  iceServers: () => real.flatMap(connection => connection.getConfiguration().iceServers ?? []),
  bytesOverWebrtc: async () => {
    let bytes = 0
    for (const connection of real) {
      for (const report of (await connection.getStats()).values()) if (report.type === 'transport') bytes += Number(report.bytesSent)
    }
    return bytes
  },
}
