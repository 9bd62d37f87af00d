/** WebRTC in Node stands on a native library that doesn't end well in a thread such as these tests run in: e2e/worker-node.spec.ts has it, in a process. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createNetwork } from './network-libp2p.ts'
import { networkContract } from './network.contract.ts'
import { startTestRelay, type TestRelay } from './network-test-relay.ts'
import { Watcher } from './network-test-watcher.ts'

let shared: Promise<TestRelay> | undefined
const relay = async (): Promise<string> => (await (shared ??= startTestRelay())).url
afterAll(async () => { await (await shared)?.stop() })
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

describe('over circuits alone', () => networkContract({ relay, network: () => createNetwork({ randomBytes: bytes, webrtc: false }) }))

describe('whom it reaches', () => {
  const endings: (() => Promise<void>)[] = []
  afterEach(async () => { await Promise.all(endings.splice(0).map(end => end())) })
  const own = async (): Promise<TestRelay> => {
    const started = await startTestRelay()
    endings.push(() => started.stop())
    return started
  }
  const join = async (url: string): Promise<Watcher> => {
    const watcher = await new Watcher(createNetwork({ randomBytes: bytes, webrtc: false })).start(url)
    endings.push(() => watcher.network.stop())
    return watcher
  }

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
