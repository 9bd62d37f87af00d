/**
 * Keeps a place at each chosen relay, so that others can reach us through it: asks the relay's /v1/relay for its libp2p addresses, connects, reserves, and starts over
 * with growing, jittered pauses when anything of that ends. A relay that comes back is used again without anyone asking.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'

const MAX_INFO_CHARS = 16 * 1024
const MAX_ADDRESSES = 16
const ASK_TIMEOUT_MS = 10_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** More relays than a person would choose. */
export const MAX_RELAYS = 8

export interface RelayInfo { readonly peerId: string; readonly addresses: readonly Multiaddr[] }

/** What /v1/relay says, as far as the network needs it; undefined when it isn't that. */
export function decodeRelayInfo(text: string): RelayInfo | undefined {
  if (text.length > MAX_INFO_CHARS) return undefined
  let value: unknown
  try { value = JSON.parse(text) } catch { return undefined }
  if (typeof value !== 'object' || value === null || !('peerId' in value) || !('addresses' in value)) return undefined
  const { peerId, addresses } = value
  if (typeof peerId !== 'string' || !parsePeer(peerId) || !Array.isArray(addresses)) return undefined
  const parsed = addresses.slice(0, MAX_ADDRESSES).map((address: unknown) => typeof address === 'string' ? parseAddress(address, peerId) : undefined)
  const good = parsed.filter(address => address !== undefined)
  return good.length > 0 ? { peerId, addresses: good } : undefined
}

export function parsePeer(text: string): PeerId | undefined {
  try { return peerIdFromString(text) } catch { return undefined }
}

/** An address that ends at this peer, with its id added where it was left out. */
export function parseAddress(text: string, peer: string): Multiaddr | undefined {
  try {
    const address = multiaddr(text)
    const components = address.getComponents()
    const last = components.at(-1)
    if (last?.name !== 'p2p') return address.encapsulate(`/p2p/${peer}`)
    return last.value === peer ? address : undefined
  } catch { return undefined }
}

/** Grows from call to call, half of it left to chance, so that everyone who lost the same relay doesn't come back at once. */
export class BackOff {
  private readonly firstMs: number
  private readonly lastMs: number
  private readonly chance: () => number
  private nextMs: number

  constructor(firstMs: number, lastMs: number, chance: () => number) {
    this.firstMs = firstMs
    this.lastMs = lastMs
    this.chance = chance
    this.nextMs = firstMs
  }

  pauseMs(): number {
    const pause = this.nextMs
    this.nextMs = Math.min(this.nextMs * 2, this.lastMs)
    return pause / 2 + this.chance() * pause / 2
  }

  reset(): void { this.nextMs = this.firstMs }
}

/** What it takes of libp2p. */
export interface RelayRoads {
  connect(addresses: readonly Multiaddr[], signal: AbortSignal): Promise<void>
  reserve(peer: PeerId): Promise<void>
  hangUp(peer: PeerId): void
  chance(): number
  /** The set of reserved relays changed. */
  changed(): void
}

interface Place {
  readonly url: string
  readonly backOff: BackOff
  info: RelayInfo | undefined
  reserved: boolean
  busy: boolean
  timer: ReturnType<typeof setTimeout> | undefined
}

export class Relays {
  private readonly roads: RelayRoads
  private readonly places = new Map<string, Place>()
  private readonly ending = new AbortController()

  constructor(roads: RelayRoads) { this.roads = roads }

  use(urls: readonly string[]): void {
    const wanted = new Set(urls.filter(url => URL.canParse(url)).map(url => url.replace(/\/+$/, '')).slice(0, MAX_RELAYS))
    for (const place of [...this.places.values()]) {
      if (wanted.has(place.url)) continue
      this.places.delete(place.url)
      clearTimeout(place.timer)
      const peer = place.info && parsePeer(place.info.peerId)
      if (peer) this.roads.hangUp(peer)
    }
    for (const url of wanted) {
      if (this.places.has(url)) continue
      const backOff = new BackOff(FIRST_RETRY_MS, LAST_RETRY_MS, () => this.roads.chance())
      const place: Place = { url, backOff, info: undefined, reserved: false, busy: false, timer: undefined }
      this.places.set(url, place)
      void this.reach(place)
    }
    this.roads.changed()
  }

  /** Addresses at which others reach us through the relays that keep a place for us. */
  addresses(): Multiaddr[] {
    return [...this.places.values()].flatMap(place => place.reserved && place.info ? place.info.addresses : [])
  }

  isRelay(peer: string): boolean { return [...this.places.values()].some(place => place.info?.peerId === peer) }

  /** Whether this address begins at a relay, or at least its host, whose URL is plain http: its user chose it so, and its addresses may be insecure or private too. */
  isChosenInsecure(address: Multiaddr): boolean {
    const components = address.getComponents()
    const host = components[0]?.value
    const first = components.find(component => component.name === 'p2p')?.value
    return [...this.places.values()].some(place => {
      const { protocol, hostname } = new URL(place.url)
      return protocol === 'http:' && (hostname === host || (first !== undefined && place.info?.peerId === first))
    })
  }

  /** The connection to a peer ended; when it was a relay, the place is lost with it. */
  lost(peer: string): void {
    for (const place of this.places.values()) {
      if (place.info?.peerId !== peer || !place.reserved) continue
      place.reserved = false
      this.roads.changed()
      this.retry(place)
    }
  }

  /** The machine is back online: no reason to wait out a long pause. */
  hurry(): void {
    for (const place of this.places.values()) {
      place.backOff.reset()
      if (!place.reserved && !place.busy) void this.reach(place)
    }
  }

  stop(): void {
    this.ending.abort()
    for (const place of this.places.values()) clearTimeout(place.timer)
    this.places.clear()
  }

  private async reach(place: Place): Promise<void> {
    clearTimeout(place.timer)
    place.busy = true
    const reserved = await this.reserve(place).catch(() => false)
    place.busy = false
    if (this.places.get(place.url) !== place || this.ending.signal.aborted) return
    if (!reserved) return this.retry(place)
    place.backOff.reset()
    place.reserved = true
    this.roads.changed()
  }

  private retry(place: Place): void {
    if (this.places.get(place.url) !== place || this.ending.signal.aborted) return
    clearTimeout(place.timer)
    place.timer = setTimeout(() => { void this.reach(place) }, place.backOff.pauseMs())
  }

  private async reserve(place: Place): Promise<boolean> {
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(ASK_TIMEOUT_MS)])
    const answer = await fetch(`${place.url}/v1/relay`, { signal, redirect: 'error', credentials: 'omit', cache: 'no-store' })
    const info = answer.ok ? decodeRelayInfo(await readText(answer)) : undefined
    const peer = info && parsePeer(info.peerId)
    if (!info || !peer) return false
    place.info = info
    await this.roads.connect(info.addresses, signal)
    await this.roads.reserve(peer)
    return true
  }
}

/** A hostile relay must not fill the memory with one answer. */
async function readText(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  const reader = answer.body?.getReader()
  let text = ''
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
    text += decoder.decode(piece.value, { stream: true })
    if (text.length > MAX_INFO_CHARS) { await reader?.cancel(); return '' }
  }
  return text
}
