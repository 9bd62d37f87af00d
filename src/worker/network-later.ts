/**
 * The network, fetched while the engine starts: libp2p is half of the worker's code, and nobody waits for it to read what is on their own disk.
 * The host keeps what it has for the network until `start` is through; so over a bad line it is fetched again, but not for ever.
 */
import type { Network } from '../ports.ts'

const TRIES = 6
/** Ms before the second; doubled each time. */
const AGAIN_MS = 2000

interface Means { readonly pause: (ms: number) => Promise<void>; readonly log: (line: string) => void }

export function networkLater(load: () => Promise<Network>, { pause, log }: Means): Network {
  const fetched = async (): Promise<Network> => {
    for (let failed = 1; ; failed++) {
      try { return await load() } catch (reason) {
        if (failed === TRIES || isStopped) throw reason
        log(`The network could not be fetched, and is tried again: ${String(reason)}`)
        await pause(AGAIN_MS * 2 ** (failed - 1))
      }
    }
  }
  let network: Network | undefined
  let isStopped = false
  const loading = fetched()
  // Whoever starts it is told; until then a failure is nobody's.
  loading.catch(() => undefined)
  return {
    start: async tell => {
      const loaded = await loading
      if (isStopped) return
      network = loaded
      await loaded.start(tell)
    },
    useRelays: urls => { network?.useRelays(urls) },
    dial: (peer, addresses) => { network?.dial(peer, addresses) },
    hangUp: peer => { network?.hangUp(peer) },
    send: (peer, bytes) => { network?.send(peer, bytes) },
    subscribe: topic => { network?.subscribe(topic) },
    unsubscribe: topic => { network?.unsubscribe(topic) },
    publish: (topic, bytes) => { network?.publish(topic, bytes) },
    stop: async () => {
      isStopped = true
      await network?.stop()
    },
  }
}
