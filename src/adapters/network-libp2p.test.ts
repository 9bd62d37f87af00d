import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { utf8 } from '../wire/bytes.ts'
import { createNetwork, type NetworkOptions } from './network-libp2p.ts'
import { networkContract, Watcher } from './network.contract.ts'
import { startTestRelay, type TestRelay } from './network-test-relay.ts'

let shared: Promise<TestRelay> | undefined
const relay = async (): Promise<string> => (await (shared ??= startTestRelay())).url
afterAll(async () => { await (await shared)?.stop() })
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

describe('over circuits alone', () => networkContract({ relay, network: () => createNetwork({ randomBytes: bytes, webrtc: false }) }))
describe('with WebRTC', () => networkContract({ relay, network: () => createNetwork({ randomBytes: bytes }) }))

describe('paths', () => {
  const endings: (() => Promise<void>)[] = []
  afterEach(async () => { await Promise.all(endings.splice(0).map(end => end())) })
  const own = async (): Promise<TestRelay> => {
    const started = await startTestRelay()
    endings.push(() => started.stop())
    return started
  }
  const join = async (url: string, options: Partial<NetworkOptions> = {}): Promise<Watcher> => {
    const watcher = await new Watcher(createNetwork({ randomBytes: bytes, ...options })).start(url)
    endings.push(() => watcher.network.stop())
    return watcher
  }
  const isOn = (watcher: Watcher, peer: string, path: string): Promise<true> =>
    watcher.hear(event => (event.type === 'peer-path' || event.type === 'peer-up') && event.peer === peer && event.path === path ? true : undefined)

  test('the relayed road gives way to a direct one under load, and the direct one outlives the relay', async () => {
    const theirs = await own()
    const [alice, bob] = await Promise.all([join(theirs.url), join(theirs.url)])
    const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
    alice.network.dial(b.peer, b.addresses)
    expect(await alice.up(b.peer)).toBe('relayed')
    let said = 0
    const talking = setInterval(() => { for (let n = 0; n < 5; n++) alice.network.send(b.peer, utf8(`word ${said++}`)) }, 5)
    await Promise.all([isOn(alice, b.peer, 'direct'), isOn(bob, a.peer, 'direct')]).finally(() => clearInterval(talking))
    // What is still on its way through the relay would die with it, and the session too.
    await bob.framesFrom(a.peer, said)
    await theirs.stop()
    alice.network.send(b.peer, utf8(`word ${said++}`))
    const frames = await bob.framesFrom(a.peer, said)
    expect(frames.map(frame => new TextDecoder().decode(frame))).toEqual(Array.from({ length: said }, (_, n) => `word ${n}`))
    expect([...alice.heard, ...bob.heard].filter(event => event.type === 'peer-down')).toEqual([])
  })

  test('gossip goes on over the direct road when the relayed one is gone', async () => {
    const theirs = await own()
    const [alice, bob] = await Promise.all([join(theirs.url), join(theirs.url)])
    const [a, b] = await Promise.all([alice.reachable(), bob.reachable()])
    for (const peer of [alice, bob]) peer.network.subscribe('garden')
    alice.network.dial(b.peer, b.addresses)
    await Promise.all([isOn(alice, b.peer, 'direct'), isOn(bob, a.peer, 'direct')])
    await theirs.stop()
    let said = 0
    const again = setInterval(() => alice.network.publish('garden', utf8(`late ${said++}`)), 50)
    await bob.hear(event => event.type === 'gossip' && said > 0 ? true : undefined).finally(() => clearInterval(again))
  })

  test('a relay that comes later is found without anyone asking', async () => {
    const theirs = await own()
    const late = await join('http://127.0.0.1:1')
    late.network.useRelays(['http://127.0.0.1:1', theirs.url])
    const self = await late.reachable()
    expect(self.addresses.every(address => address.includes('/p2p-circuit'))).toBe(true)
    late.network.useRelays([])
    // Told anew, after the time at which there were some.
    const before = late.heard.length
    await late.hear(event => event.type === 'self' && event.addresses.length === 0 && late.heard.indexOf(event) >= before - 1 ? true : undefined)
  })

  test("another member's word does not make us knock at private addresses", async () => {
    const theirs = await own()
    const [alice, bob] = await Promise.all([join('https://relay.invalid'), join(theirs.url)])
    const b = await bob.reachable()
    // Alice has not chosen Bob's relay, which is at a private address; Carol has.
    const carol = await join(theirs.url)
    alice.network.dial(b.peer, b.addresses)
    carol.network.dial(b.peer, b.addresses)
    await carol.up(b.peer)
    expect(alice.heard.filter(event => event.type === 'peer-up')).toEqual([])
  })
})
