/**
 * Connecting on our own account: first by whatever address answers, usually a circuit through a relay, so that frames flow at once; then to WebRTC over that circuit.
 * Who dialled the circuit tries; both trying would only race. Where WebRTC is blocked the circuit stays in use, and the upgrade is tried again later, ever less often: people change networks.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Path } from '../ports.ts'
import { BackOff, parseAddress, parsePeer } from './network-relays.ts'

const MAX_ADDRESSES = 16
const FIRST_UPGRADE_RETRY_MS = 500
const LAST_UPGRADE_RETRY_MS = 5 * 60_000
/**
 * A WebRTC dial whose connection fails half-way waits for its timeout, because @libp2p/webrtc goes on to wait for a channel of the dead connection. So the first try is
 * short, enough for a good line, and each next one has more time, up to what ICE takes on a bad one.
 */
const FIRST_UPGRADE_TIMEOUT_MS = 4_000
const LAST_UPGRADE_TIMEOUT_MS = 16_000

export interface Dialler {
  /** Resolves when one of the addresses led to a connection; rejects when none did. */
  dial(addresses: readonly Multiaddr[]): Promise<unknown>
  /** The same, although there is a connection already. */
  upgrade(addresses: readonly Multiaddr[], timeoutMs: number): Promise<unknown>
  isConnected(peer: string, path?: Path): boolean
  chance(): number
}

interface Wanted {
  readonly peer: string
  readonly backOff: BackOff
  addresses: readonly Multiaddr[]
  timeoutMs: number
  state: 'idle' | 'dialling' | 'upgrading'
  timer: ReturnType<typeof setTimeout> | undefined
}

const has = (address: Multiaddr, name: string): boolean => address.getComponents().some(component => component.name === name)

/** A circuit with '/webrtc' put in or taken out: each of the two forms can be made of the other. */
function circuitForm(address: Multiaddr, peer: string, webrtc: boolean): Multiaddr | undefined {
  const relay = address.toString().split('/p2p-circuit')[0]
  return relay ? parseAddress(`${relay}/p2p-circuit${webrtc ? '/webrtc' : ''}/p2p/${peer}`, peer) : undefined
}

export class Dials {
  private readonly dialler: Dialler
  private readonly most: number
  private readonly wanted = new Map<string, Wanted>()

  constructor(dialler: Dialler, most: number) {
    this.dialler = dialler
    this.most = most
  }

  /** Connects to the peer if there is room and it isn't connected. Silent when it fails: asking again is the caller's business. */
  want(peer: string, texts: readonly string[]): void {
    if (!parsePeer(peer)) return
    const addresses = texts.slice(0, MAX_ADDRESSES).map(text => parseAddress(text, peer)).filter(address => address !== undefined)
    const known = this.wanted.get(peer)
    if (known) {
      if (addresses.length > 0) known.addresses = addresses
    } else {
      if (addresses.length === 0 || this.wanted.size >= this.most) return
      const backOff = new BackOff(FIRST_UPGRADE_RETRY_MS, LAST_UPGRADE_RETRY_MS, () => this.dialler.chance())
      this.wanted.set(peer, { peer, addresses, backOff, timeoutMs: FIRST_UPGRADE_TIMEOUT_MS, state: 'idle', timer: undefined })
    }
    const wanted = this.wanted.get(peer)
    if (wanted?.state === 'idle' && !this.dialler.isConnected(peer)) void this.connect(wanted)
  }

  lost(peer: string): void { this.forget(peer) }

  forget(peer: string): void {
    clearTimeout(this.wanted.get(peer)?.timer)
    this.wanted.delete(peer)
  }

  stop(): void {
    for (const peer of [...this.wanted.keys()]) this.forget(peer)
  }

  private async connect(wanted: Wanted): Promise<void> {
    wanted.state = 'dialling'
    const plain = wanted.addresses.filter(address => !has(address, 'p2p-circuit'))
    const circuits = this.circuits(wanted, false)
    const reached = await this.dialler.dial(plain).then(() => true, () => false) ||
      await this.dialler.dial(circuits).then(() => true, () => false)
    wanted.state = 'idle'
    if (this.wanted.get(wanted.peer) !== wanted) return
    // Its place goes to the next peer.
    if (!reached && !this.dialler.isConnected(wanted.peer)) this.drop(wanted)
    // Not before the dial has ended: libp2p would take the upgrade for a part of it, and give us the circuit again.
    else if (!this.dialler.isConnected(wanted.peer, 'direct')) await this.upgrade(wanted)
  }

  private async upgrade(wanted: Wanted): Promise<void> {
    const addresses = this.circuits(wanted, true)
    if (addresses.length === 0) return
    wanted.state = 'upgrading'
    clearTimeout(wanted.timer)
    await this.dialler.upgrade(addresses, wanted.timeoutMs).catch(() => undefined)
    wanted.timeoutMs = Math.min(2 * wanted.timeoutMs, LAST_UPGRADE_TIMEOUT_MS)
    wanted.state = 'idle'
    if (this.wanted.get(wanted.peer) !== wanted || this.dialler.isConnected(wanted.peer, 'direct')) return
    if (!this.dialler.isConnected(wanted.peer)) return this.drop(wanted)
    wanted.timer = setTimeout(() => { void this.upgrade(wanted) }, wanted.backOff.pauseMs())
  }

  private drop(wanted: Wanted): void {
    if (this.wanted.get(wanted.peer) === wanted) this.forget(wanted.peer)
  }

  private circuits(wanted: Wanted, webrtc: boolean): Multiaddr[] {
    const forms = wanted.addresses.filter(address => has(address, 'p2p-circuit')).map(address => circuitForm(address, wanted.peer, webrtc))
    const unique = new Map(forms.filter(form => form !== undefined).map(form => [form.toString(), form]))
    return [...unique.values()]
  }
}
