/**
 * What we have with one peer: any number of roads to it (connections: over a relay, direct), and one sequence of frames each way over the best of them.
 *
 * A new connection to a peer is usually a better one: a dial first reaches the peer through a relay, and a moment later over WebRTC. So the sender moves: it opens
 * a stream on the better road, ends the old one with 'moved', and goes on. The receiver reads a stream to its 'moved' before it looks at the next one, so
 * frames stay whole and in order. A stream that ends in any other way may have lost frames: then the session is over, which both sides see as
 * 'peer-down', and a new one begins on the roads that are left (src/wire/frame-stream.ts has the numbers that keep the two apart).
 */
import type { NetworkEvent, Path } from '../ports.ts'
import { equal } from '../wire/bytes.ts'
import { FrameStreamDecoder, MOVED, SESSION_BYTES, encodeGreeting, encodeLength, type Greeting, type StreamItem } from '../wire/frame-stream.ts'

/** More than this waiting for a peer that doesn't read: it is dropped, and asks again for what it misses when it comes back. */
export const MAX_UNSENT_BYTES = 16 * 1024 * 1024
/** Small frames are joined up to this size: each write costs a message on a data channel or a round through the multiplexer. */
const JOIN_BYTES = 64 * 1024
/** Frames on a better road that wait for the end of the worse one. */
const MAX_HELD_BYTES = 4 * 1024 * 1024
/** Sessions with a peer that end before they brought a frame; after so many the connections are closed, so that two confused peers can't spin. */
const MAX_BARREN_SESSIONS = 6

const NO_SESSION = new Uint8Array(SESSION_BYTES)

/** One way of a stream of the network library. */
export interface Lane {
  /** False: it took the bytes but wants no more before `drained`. Throws when it is closed. */
  write(bytes: Uint8Array): boolean
  /** Bytes taken and not yet handed to the transport. */
  unsent(): number
  drained(): Promise<void>
  /** Ends it after what was written. */
  finish(): void
  abort(): void
  /** `closed` comes once, after the last bytes. */
  listen(received: (bytes: Uint8Array) => void, closed: () => void): void
}

/** A connection to the peer. */
export interface Road {
  readonly path: Path
  /** Both sides sort the same connections the same way, so that they settle on the same one. The greatest wins. */
  readonly rank: readonly [path: number, dialler: number, openedAt: number]
  openLane(): Promise<Lane>
  close(): void
}

interface Arriving {
  readonly road: Road
  readonly lane: Lane
  readonly decoder: FrameStreamDecoder
  readonly held: StreamItem[]
  heldBytes: number
  /** Frames of the session before this stream; undefined until it has greeted. */
  before: number | undefined
}
interface Leaving { readonly road: Road; readonly lane: Lane }

export class PeerSession {
  private readonly peer: string
  private readonly randomBytes: (length: number) => Uint8Array
  private readonly tell: (event: NetworkEvent) => void
  private readonly roads = new Set<Road>()
  private mine: Uint8Array
  private theirs: Uint8Array | undefined
  private leaving: Leaving | undefined
  private opening: Road | undefined
  private arriving: Arriving[] = []
  /** The stream whose turn it is. */
  private reading: Arriving | undefined
  private queue: Uint8Array[] = []
  private queued = 0
  /** Frames of this session, handed to lanes and received. */
  private handed = 0
  private received = 0
  private draining = false
  private path: Path | undefined
  private barren = 0

  constructor(peer: string, randomBytes: (length: number) => Uint8Array, tell: (event: NetworkEvent) => void) {
    this.peer = peer
    this.randomBytes = randomBytes
    this.tell = tell
    this.mine = randomBytes(SESSION_BYTES)
  }

  get isUp(): boolean { return this.path !== undefined }
  get isEmpty(): boolean { return this.roads.size === 0 }
  has(path: Path): boolean { return [...this.roads].some(road => road.path === path) }

  addRoad(road: Road): void {
    this.roads.add(road)
    this.moveToBest()
  }

  removeRoad(road: Road): void {
    if (!this.roads.delete(road)) return
    if (this.opening === road) this.opening = undefined
    for (const stream of this.arriving) if (stream.road === road) this.passOver(stream)
    const lost = this.leaving?.road === road || this.arriving.some(stream => stream.road === road)
    if (lost || this.roads.size === 0) this.restart()
    else this.moveToBest()
  }

  /** A stream that the peer opened. */
  accept(road: Road, lane: Lane): void {
    const stream: Arriving = { road, lane, decoder: new FrameStreamDecoder(), held: [], heldBytes: 0, before: undefined }
    this.arriving.push(stream)
    this.roads.add(road)
    lane.listen(bytes => this.receive(stream, bytes), () => { if (this.arriving.includes(stream) && !this.passOver(stream)) this.restart() })
  }

  send(frame: Uint8Array): void {
    if (!this.isUp) return
    this.queue.push(encodeLength(frame.length), frame)
    this.queued += frame.length
    this.flush()
    if (this.queued + (this.leaving?.lane.unsent() ?? 0) > MAX_UNSENT_BYTES) this.close()
  }

  /** Closes every connection to the peer. */
  close(): void {
    const roads = [...this.roads]
    this.roads.clear()
    this.restart()
    for (const road of roads) road.close()
  }

  private receive(stream: Arriving, bytes: Uint8Array): void {
    if (!this.arriving.includes(stream)) return
    const items = stream.decoder.push(bytes)
    if (!items) return this.close()
    for (const item of items) {
      if (item.type === 'greeting') { if (!this.greet(stream, item.greeting)) return }
      else this.take(stream, item)
    }
  }

  private take(stream: Arriving, item: StreamItem): void {
    if (stream === this.reading) {
      if (item.type !== 'frame') return this.finished(stream)
      this.barren = 0
      this.received++
      this.tell({ type: 'frame', peer: this.peer, bytes: item.bytes })
    } else if (item.type === 'frame') {
      stream.held.push(item)
      stream.heldBytes += item.bytes.length
      if (stream.heldBytes > MAX_HELD_BYTES) this.close()
    } else if (stream.held.length > 0) {
      stream.held.push(item)
    } else {
      // Overtaken before it carried anything.
      this.finished(stream)
    }
  }

  /** Whether a stream that broke is no loss, because all that came before the next one has been received. */
  private passOver(stream: Arriving): boolean {
    if (this.reading !== stream || !this.arriving.some(each => each !== stream && each.before === this.received)) return false
    this.finished(stream)
    return true
  }

  /** This stream is done, the next one may speak. */
  private finished(stream: Arriving): void {
    this.arriving = this.arriving.filter(each => each !== stream)
    stream.lane.finish()
    if (this.reading !== stream) return
    this.reading = undefined
    this.readNext()
    // What waits doesn't follow on what came: something is missing.
    if (!this.reading && this.arriving.some(each => each.before !== undefined)) this.restart()
    else this.closeIdle()
  }

  private readNext(): void {
    const next = this.reading ? undefined : this.arriving.find(stream => stream.before === this.received)
    if (!next) return
    this.reading = next
    for (const item of next.held.splice(0)) if (this.arriving.includes(next)) this.take(next, item)
  }

  /** False when the stream is a leftover of a session that is over. */
  private greet(stream: Arriving, { session, answering, before }: Greeting): boolean {
    if (!equal(answering, NO_SESSION) && !equal(answering, this.mine)) {
      this.arriving = this.arriving.filter(each => each !== stream)
      stream.lane.abort()
      return false
    }
    // The peer has given up the session that we still hold: ours ends too, and the answer carries our new number.
    if (this.theirs && !equal(session, this.theirs)) this.restart(stream)
    if (!this.arriving.includes(stream)) return false
    this.theirs = session
    stream.before = before
    if (!this.isUp) {
      this.path = this.leaving?.road.path ?? stream.road.path
      this.tell({ type: 'peer-up', peer: this.peer, path: this.path })
    }
    this.readNext()
    this.moveToBest()
    this.closeIdle()
    return this.arriving.includes(stream)
  }

  private best(): Road | undefined {
    return [...this.roads].sort((a, b) => b.rank[0] - a.rank[0] || b.rank[1] - a.rank[1] || b.rank[2] - a.rank[2])[0]
  }

  private moveToBest(): void {
    const road = this.best()
    if (!road || this.opening || this.leaving?.road === road) return
    this.opening = road
    const session = this.mine
    road.openLane().then(lane => {
      if (this.opening === road) this.opening = undefined
      if (this.mine !== session || !this.roads.has(road)) lane.abort()
      else this.moveTo({ road, lane })
      this.moveToBest()
    }, () => {
      // Not one of us, or just closing: without this road in the way, the next best gets its turn.
      if (this.opening === road) this.opening = undefined
      this.removeRoad(road)
    })
  }

  private moveTo(next: Leaving): void {
    const before = this.leaving
    this.leaving = next
    next.lane.listen(() => {}, () => { if (this.leaving === next) this.restart() })
    try {
      next.lane.write(encodeGreeting({ session: this.mine, answering: this.theirs ?? NO_SESSION, before: this.handed }))
      before?.lane.write(MOVED)
      before?.lane.finish()
    } catch { return this.restart() }
    if (this.isUp && this.path !== next.road.path) {
      this.path = next.road.path
      this.tell({ type: 'peer-path', peer: this.peer, path: this.path })
    }
    this.draining = false
    this.flush()
    this.closeIdle()
  }

  private flush(): void {
    const out = this.leaving
    while (out && this.leaving === out && !this.draining && this.queue.length > 0) {
      if (this.write(out.lane, this.join())) continue
      this.draining = true
      out.lane.drained().then(() => {
        if (this.leaving !== out) return
        this.draining = false
        this.flush()
      }, () => { if (this.leaving === out) this.restart() })
    }
  }

  private write(lane: Lane, bytes: Uint8Array): boolean {
    try { return lane.write(bytes) } catch {
      this.restart()
      return false
    }
  }

  /** Whole frames, as many as fit one write, but at least one. Lengths and frames alternate in the queue. */
  private join(): Uint8Array {
    let parts = 0, bytes = 0
    do {
      bytes += (this.queue[parts] as Uint8Array).length + (this.queue[parts + 1] as Uint8Array).length
      parts += 2
    } while (parts < this.queue.length && bytes + (this.queue[parts + 1] as Uint8Array).length < JOIN_BYTES)
    const out = new Uint8Array(bytes)
    let at = 0
    for (const part of this.queue.splice(0, parts)) { out.set(part, at); at += part.length }
    this.queued -= bytes - 2 * parts
    this.handed += parts / 2
    return out
  }

  /** A road that neither side sends on any more, while both send on others, has served: it frees the relay's slot, or the loser of two dials. */
  private closeIdle(): void {
    const best = this.best()
    if (!this.reading || this.leaving?.road !== best || this.opening) return
    for (const road of [...this.roads]) {
      if (road === best || this.arriving.some(stream => stream.road === road)) continue
      this.roads.delete(road)
      road.close()
    }
  }

  /** Ends the session, keeping the roads (and one stream that already belongs to the next session). */
  private restart(keep?: Arriving): void {
    const over = this.arriving.filter(stream => stream !== keep)
    const out = this.leaving
    const wasUp = this.isUp
    this.arriving = keep ? [keep] : []
    this.reading = undefined
    this.leaving = undefined
    this.opening = undefined
    this.theirs = undefined
    this.path = undefined
    this.queue = []
    this.queued = 0
    this.handed = 0
    this.received = 0
    this.draining = false
    this.mine = this.randomBytes(SESSION_BYTES)
    out?.lane.abort()
    for (const stream of over) stream.lane.abort()
    if (wasUp) this.tell({ type: 'peer-down', peer: this.peer })
    if (this.roads.size > 0 && ++this.barren > MAX_BARREN_SESSIONS) this.close()
    else if (!keep) this.moveToBest()
  }
}
