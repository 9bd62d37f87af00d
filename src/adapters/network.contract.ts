/** What every Network does, whatever it runs on. The suite is given a maker of peers that share one relay. */
import { afterEach, expect, test } from 'vitest'
import type { Network } from '../ports.ts'
import { utf8 } from '../wire/bytes.ts'
import { MAX_FRAME_BYTES } from '../wire/frame-stream.ts'
import { Watcher } from './network-test-watcher.ts'

export interface NetworkWorld {
  relay(): Promise<string>
  network(): Network
}

export function networkContract(world: NetworkWorld): void {
  const running: Watcher[] = []
  const join = async (): Promise<Watcher> => {
    const watcher = await new Watcher(world.network()).start(await world.relay())
    running.push(watcher)
    return watcher
  }
  afterEach(async () => { await Promise.all(running.splice(0).map(watcher => watcher.network.stop())) })

  test('a relay makes Alice reachable, and she says where', async () => {
    const alice = await join()
    const self = await alice.reachable()
    expect(self.addresses.some(address => address.endsWith(`/p2p-circuit/p2p/${self.peer}`))).toBe(true)
    expect(self.addresses.some(address => address.endsWith(`/p2p-circuit/webrtc/p2p/${self.peer}`))).toBe(true)
  })

  test('Alice dials Bob: both are up, frames arrive whole and in order both ways', async () => {
    const [alice, bob] = await Promise.all([join(), join()])
    const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
    alice.network.dial(b.peer, b.addresses)
    await Promise.all([alice.up(b.peer), bob.up(a.peer)])
    const sizes = [1, 100, 20_000, 65_536, MAX_FRAME_BYTES, 2]
    for (const size of sizes) {
      alice.network.send(b.peer, new Uint8Array(size).fill(size % 251))
      bob.network.send(a.peer, new Uint8Array(size).fill(size % 241))
    }
    const [atBob, atAlice] = await Promise.all([bob.framesFrom(a.peer, sizes.length), alice.framesFrom(b.peer, sizes.length)])
    expect(atBob.map(frame => [frame.length, frame[0], frame.at(-1)])).toEqual(sizes.map(size => [size, size % 251, size % 251]))
    expect(atAlice.map(frame => [frame.length, frame[0], frame.at(-1)])).toEqual(sizes.map(size => [size, size % 241, size % 241]))
  })

  test('when both dial at once, frames still arrive once and in order', async () => {
    const [alice, bob] = await Promise.all([join(), join()])
    const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
    alice.network.dial(b.peer, b.addresses)
    bob.network.dial(a.peer, a.addresses)
    await Promise.all([alice.up(b.peer), bob.up(a.peer)])
    const words = Array.from({ length: 500 }, (_, n) => `word ${n}`)
    for (const word of words) alice.network.send(b.peer, utf8(word))
    const frames = await bob.framesFrom(a.peer, words.length)
    expect(frames.map(frame => new TextDecoder().decode(frame))).toEqual(words)
    expect(bob.heard.filter(event => event.type === 'peer-down')).toEqual([])
  })

  test('hanging up takes the peer down on both sides', async () => {
    const [alice, bob] = await Promise.all([join(), join()])
    const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
    alice.network.dial(b.peer, b.addresses)
    await Promise.all([alice.up(b.peer), bob.up(a.peer)])
    alice.network.hangUp(b.peer)
    await Promise.all([alice.down(b.peer), bob.down(a.peer)])
  })

  test('gossip reaches a subscriber, and nobody else', async () => {
    const [alice, bob] = await Promise.all([join(), join()])
    const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
    for (const peer of [alice, bob]) peer.network.subscribe('garden')
    alice.network.dial(b.peer, b.addresses)
    await Promise.all([alice.up(b.peer), bob.up(a.peer)])
    // Gossip promises nothing before the subscriptions have crossed, so Alice says it until Bob hears it.
    let said = 0
    const again = setInterval(() => {
      alice.network.publish('cellar', utf8(`cellar ${said}`))
      alice.network.publish('garden', utf8(`garden ${said++}`))
    }, 50)
    const heard = await bob.hear(event => event.type === 'gossip' ? event : undefined).finally(() => clearInterval(again))
    expect(heard.topic).toBe('garden')
    expect(new TextDecoder().decode(heard.bytes)).toMatch(/^garden \d+$/)
    expect(alice.heard.filter(event => event.type === 'gossip')).toEqual([])
  })

  test('nonsense addresses and unknown peers are met with silence', async () => {
    const alice = await join()
    const { peer } = await alice.reachable()
    alice.network.dial('nobody', ['/ip4/999/tcp/1'])
    alice.network.dial(peer, [])
    alice.network.send('nobody', Uint8Array.of(1))
    alice.network.hangUp('nobody')
    alice.network.publish('garden', new Uint8Array(10_000_000))
    expect(alice.heard.every(event => event.type === 'self')).toBe(true)
  })
}
