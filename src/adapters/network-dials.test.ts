import type { Multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Path } from '../ports.ts'
import { Dials, type Dialler } from './network-dials.ts'

const BOB = '12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3'
const CAROL = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const RELAY = '/dns4/relay.example/tcp/443/tls/ws/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
const circuit = (peer: string): string => `${RELAY}/p2p-circuit/p2p/${peer}`

/** A network that does what the test says and notes what it was asked. */
class Scripted implements Dialler {
  readonly asked: string[] = []
  path: Path | undefined
  reaches: Path | undefined = 'relayed'
  webrtcWorks = true
  async dial(addresses: readonly Multiaddr[]): Promise<void> {
    if (addresses.length === 0 || !this.reaches) throw new Error('nobody there')
    this.asked.push(`dial ${addresses.join(' ')}`)
    this.path = this.reaches
  }
  async upgrade(addresses: readonly Multiaddr[], timeoutMs: number): Promise<void> {
    this.asked.push(`upgrade ${addresses.join(' ')} ${timeoutMs}`)
    if (!this.webrtcWorks) throw new Error('blocked')
    this.path = 'direct'
  }
  isConnected(_peer: string, path?: Path): boolean { return this.path !== undefined && (!path || path === this.path) }
  chance(): number { return 1 }
}

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

test('Alice reaches Bob through the circuit, then goes over to WebRTC, whichever form of the address she was given', async () => {
  for (const address of [circuit(BOB), `${RELAY}/p2p-circuit/webrtc/p2p/${BOB}`]) {
    const network = new Scripted()
    new Dials(network, 12).want(BOB, [address])
    await vi.advanceTimersByTimeAsync(0)
    expect(network.asked).toEqual([`dial ${circuit(BOB)}`, `upgrade ${RELAY}/p2p-circuit/webrtc/p2p/${BOB} 4000`])
    expect(network.path).toBe('direct')
  }
})

test('where WebRTC is blocked she stays on the circuit and tries again, with more patience and less often, until it works', async () => {
  const network = new Scripted()
  network.webrtcWorks = false
  new Dials(network, 12).want(BOB, [circuit(BOB)])
  await vi.advanceTimersByTimeAsync(499)
  expect(network.asked).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(network.asked.at(-1)).toMatch(/ 8000$/)
  await vi.advanceTimersByTimeAsync(1000)
  expect(network.asked.at(-1)).toMatch(/ 16000$/)
  expect([network.asked.length, network.path]).toEqual([4, 'relayed'])
  network.webrtcWorks = true
  await vi.advanceTimersByTimeAsync(60 * 60_000)
  expect([network.asked.length, network.path]).toEqual([5, 'direct'])
})

test('a peer that is gone is not called any more', async () => {
  const network = new Scripted()
  network.webrtcWorks = false
  const dials = new Dials(network, 12)
  dials.want(BOB, [circuit(BOB)])
  await vi.advanceTimersByTimeAsync(0)
  network.path = undefined
  dials.lost(BOB)
  await vi.advanceTimersByTimeAsync(60 * 60_000)
  expect(network.asked).toHaveLength(2)
})

test('there is room for so many peers, and one that was not reached makes room for the next', async () => {
  const network = new Scripted()
  const dials = new Dials(network, 1)
  network.reaches = undefined
  dials.want(BOB, [circuit(BOB)])
  dials.want(CAROL, [circuit(CAROL)])
  await vi.advanceTimersByTimeAsync(0)
  network.reaches = 'direct'
  dials.want(CAROL, [circuit(CAROL)])
  await vi.advanceTimersByTimeAsync(0)
  dials.want(BOB, [circuit(BOB)])
  await vi.advanceTimersByTimeAsync(0)
  expect(network.asked).toEqual([`dial ${circuit(CAROL)}`])
})
