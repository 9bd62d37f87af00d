/** How tests watch a network: by what it says. */
import type { Network, NetworkEvent, Path } from '../ports.ts'

/** A peer in a test: its network and all that the network said, with waiting for what it will say. */
export class Watcher {
  readonly network: Network
  readonly heard: NetworkEvent[] = []
  private waiting: (() => void)[] = []

  constructor(network: Network) { this.network = network }

  async start(relay: string): Promise<this> {
    await this.network.start(event => {
      this.heard.push(event)
      for (const wake of this.waiting.splice(0)) wake()
    })
    this.network.useRelays([relay])
    return this
  }

  /** The first event, past or future, that this function picks. */
  async hear<T>(pick: (event: NetworkEvent) => T | undefined): Promise<T> {
    for (let next = 0; ;) {
      while (next < this.heard.length) {
        const picked = pick(this.heard[next++] as NetworkEvent)
        if (picked !== undefined) return picked
      }
      await new Promise<void>(resolve => { this.waiting.push(resolve) })
    }
  }

  reachable(): Promise<{ peer: string; addresses: readonly string[] }> {
    return this.hear(event => event.type === 'self' && event.addresses.length > 0 ? event : undefined)
  }

  up(peer: string): Promise<Path> { return this.hear(event => event.type === 'peer-up' && event.peer === peer ? event.path : undefined) }
  /** Was, or is by now, on this path to the peer. */
  async on(path: Path, peer: string): Promise<void> {
    await this.hear(event => (event.type === 'peer-path' || event.type === 'peer-up') && event.peer === peer && event.path === path ? true : undefined)
  }

  down(peer: string): Promise<true> { return this.hear(event => event.type === 'peer-down' && event.peer === peer ? true : undefined) }
  frames(peer: string): Uint8Array[] { return this.heard.flatMap(event => event.type === 'frame' && event.peer === peer ? [event.bytes] : []) }

  async framesFrom(peer: string, count: number): Promise<Uint8Array[]> {
    let seen = 0
    await this.hear(event => event.type === 'frame' && event.peer === peer && ++seen >= count ? true : undefined)
    return this.frames(peer)
  }
}
