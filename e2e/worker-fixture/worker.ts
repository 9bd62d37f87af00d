/** A worker that holds a network and nothing else. */
import { connectRtc } from '../../src/worker/rtc-worker.ts'
import { createNetwork } from '../../src/adapters/network-libp2p.ts'
import type { Network, NetworkEvent } from '../../src/ports.ts'

export type FixtureToWorker =
  | { readonly type: 'start'; readonly relays: readonly string[]; readonly webrtc: boolean; readonly rtc: MessagePort }
  | { readonly type: 'dial'; readonly peer: string; readonly addresses: readonly string[] }
  | { readonly type: 'send'; readonly peer: string; readonly bytes: Uint8Array; readonly times: number }
  | { readonly type: 'echo' }
  | { readonly type: 'subscribe' | 'publish'; readonly topic: string }

let network: Network | undefined
let echo = false

const tell = (event: NetworkEvent): void => {
  if (event.type === 'frame' && echo) network?.send(event.peer, event.bytes)
  postMessage(event.type === 'frame' && event.bytes.length > 1000 ? { type: 'big-frame', peer: event.peer, length: event.bytes.length } : event)
}

onmessage = ({ data }: MessageEvent<FixtureToWorker>) => {
  switch (data.type) {
    case 'start':
      connectRtc(data.rtc)
      network = createNetwork({ randomBytes: length => crypto.getRandomValues(new Uint8Array(length)), allowPrivate: true, webrtc: data.webrtc })
      void network.start(tell).then(() => network?.useRelays(data.relays))
      return
    case 'dial': network?.dial(data.peer, data.addresses); return
    case 'send': for (let n = 0; n < data.times; n++) network?.send(data.peer, data.bytes); return
    case 'echo': echo = true; return
    case 'subscribe': network?.subscribe(data.topic); return
    case 'publish': network?.publish(data.topic, Uint8Array.of(1, 2, 3)); return
    default: data satisfies never
  }
}
