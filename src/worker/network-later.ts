/**
 * The network, fetched while the engine starts: libp2p is half of the worker's code, and nobody waits for it to read what is on their own disk.
 * The host keeps what it has for the network until `start` is through.
 */
import type { Network } from '../ports.ts'

export function networkLater(load: () => Promise<Network>): Network {
  const loading = load()
  // Whoever starts it is told; until then a failure is nobody's.
  loading.catch(() => undefined)
  let network: Network | undefined
  let isStopped = false
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
