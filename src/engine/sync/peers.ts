/**
 * Talking with connected peers. A connection proves nothing by itself: for each space both have, a sealed hello proves that the other side
 * holds the space's relay key and speaks for a device that authority knows. Then version vectors are compared and what is missing is asked for,
 * authority first; fresh ops are sent unasked.
 */
import type { MutedPeer, PeerStatus } from '../../api.ts'
import type { Path, Row } from '../../ports.ts'
import { fromHex, toHex } from '../../wire/bytes.ts'
import { type ChannelDigest, decodeFrame, encodeFrame, type Frame, type Hello, MAX_FRAME_PAYLOAD } from '../../wire/frame.ts'
import type { FreshOp } from '../../wire/fresh.ts'
import type { Greeting } from '../../wire/greeting.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type OpId, type SpaceId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import type { Vector } from '../../wire/vector.ts'
import { COMPARE_SOON_MS, COMPARED_WITH, FORWARDED_TO, LATE_AFTER_MS, MAX_ASKED_SPACES, MAX_NEWS, MAX_SPACES } from '../limits.ts'
import type { Chain } from '../log/log.ts'
import { helloToken } from '../mailbox/mail.ts'
import { noteHeard, unheardLeaving } from '../leaving.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn, World } from '../turn.ts'
import { answerDigests, digestsFor, lackedBy, noteAgreed, toldParts } from './comparing.ts'
import { asDevice, asPeer, Conduct, type Fault } from './conduct.ts'
import { chainOf, framesOf, unpackFresh } from './fresh.ts'
import { areSame, expectedTokens, helloBytes, makeHello, openHello } from './greeting.ts'
import { unpack } from './packing.ts'
import type { Intake } from './receiving.ts'
import { Answer } from './serving.ts'
import { isSentOn, mayStillCome, someOf, vectorOf } from './news.ts'
import { newPeer, newSession, type Peer, type Session, sessionOf } from './session.ts'

/** What the engine does with frames' contents. */
export interface PeerEvents {
  ops(turn: Turn, replica: Replica, ops: readonly (Uint8Array | Op)[], from: string, device: DeviceId): Promise<Intake>
  met(turn: Turn, replica: Replica, device: DeviceId): void
  vector(turn: Turn, replica: Replica, device: DeviceId, vector: Vector): void
  /** A peer has shown all that it has, and of this device's own chains it has no more than is here. */
  told(turn: Turn, replica: Replica): void
  tree(turn: Turn, replica: Replica, tree: Uint8Array): void
  signal(turn: Turn, replica: Replica, sealed: Uint8Array): Promise<void>
}

export class Peers {
  /** Until then a round that was asked for is enough. */
  private hurriesFrom = 0
  /** When it is looked at what was told of and didn't come. */
  private readonly looksLate = new Map<SpaceId, number>()
  private readonly peers = new Map<string, Peer>()
  private readonly conduct = new Conduct()
  private readonly world: World
  private readonly replicas: ReadonlyMap<SpaceId, Replica>
  private readonly events: PeerEvents
  self: { readonly peer: string; readonly addresses: readonly string[] } | undefined

  constructor(world: World, replicas: ReadonlyMap<SpaceId, Replica>, events: PeerEvents) {
    this.world = world
    this.replicas = replicas
    this.events = events
  }

  has(peer: string): boolean { return this.peers.has(peer) }

  async up(turn: Turn, id: string, path: Path): Promise<void> {
    const known = this.peers.get(id)
    this.changes++
    // Where nothing came of it so far it may be another connection: what was said over the last one may not have been heard.
    if (known !== undefined && known.sessions.size > 0) { known.path = path; return }
    if (this.conduct.isMuted(asPeer(id), turn.now)) { turn.out.send({ type: 'hang-up', peer: id }); return }
    const peer = newPeer(id, path)
    this.peers.set(id, peer)
    await this.greet(turn, peer, [...this.replicas.values()])
  }

  /** Grows whenever `status` may be another: it is long, and asked for at every step. */
  changes = 0
  path(id: string, path: Path): void { this.changes++; const peer = this.peers.get(id); if (peer !== undefined) peer.path = path }
  /** Whether whoever is gone had said who they are. */
  down(id: string): boolean {
    const peer = this.peers.get(id)
    for (const session of peer?.sessions.values() ?? []) this.replicas.get(session.space)?.receiving.finish(session.device)
    this.peers.delete(id)
    this.changes++
    return peer !== undefined && peer.sessions.size > 0
  }

  /** Devices that have proved themselves on some connection, per space. */
  devices(space: SpaceId): Set<DeviceId> { return new Set(this.sessionsOf(space).map(({ device }) => device)) }

  private sessionsOf(space: SpaceId): Session[] { return [...this.peers.values()].flatMap(({ sessions }) => sessions.get(space) ?? []) }

  status(nameOf: (device: DeviceId) => string | undefined): PeerStatus[] {
    return [...this.peers.values()].flatMap(({ id, path, sessions }) => [...sessions.values()].slice(0, 1).map(({ device }) => ({ peer: id, path, device, name: nameOf(device) })))
  }

  // ---- conduct ----

  /** Counts a fault against a connection and the device that speaks on it. */
  private blame(turn: Turn, peer: Peer, fault: Fault, device?: DeviceId): void {
    const isPeerMuted = this.conduct.count(asPeer(peer.id), fault, turn.now)
    const isDeviceMuted = device !== undefined && this.conduct.count(asDevice(device), fault, turn.now)
    if (isPeerMuted || isDeviceMuted) this.drop(turn, peer)
  }

  /** Counts what a device signed against it, whoever brought it. */
  caught(turn: Turn, { id }: Replica, device: DeviceId): void {
    const peer = [...this.peers.values()].find(({ sessions }) => sessions.get(id)?.device === device)
    if (peer === undefined) this.conduct.count(asDevice(device), 'untrue', turn.now); else this.blame(turn, peer, 'untrue', device)
  }

  /** From now on nothing that still comes from there is read. */
  private drop(turn: Turn, peer: Peer): void {
    this.peers.delete(peer.id)
    this.changes++
    for (const session of peer.sessions.values()) this.replicas.get(session.space)?.receiving.finish(session.device)
    turn.out.send({ type: 'hang-up', peer: peer.id })
  }

  isMuted(peer: string, device: DeviceId, now: number): boolean { return this.conduct.isMuted(asPeer(peer), now) || this.conduct.isMuted(asDevice(device), now) }

  /** What `muted` is made of, in short. */
  mutes(now: number): string { return this.conduct.mutes(now).map(({ who, until }) => `${who} ${until}`).join() }

  muted(nameOf: (device: DeviceId) => string | undefined, now: number): MutedPeer[] { return this.conduct.muted(nameOf, now) }

  private frame(turn: Turn, peer: Peer, frame: Frame): void { turn.out.send({ type: 'frame', peer: peer.id, bytes: encodeFrame(frame) }) }

  // ---- hello ----

  /** Says hello for these spaces, once per relay key and connection. */
  private async greet(turn: Turn, peer: Peer, replicas: readonly Replica[], relayKeyOnly?: Uint8Array): Promise<void> {
    const self = this.self
    if (self === undefined) return
    const spaces: Hello[] = []
    for (const replica of replicas) {
      if (replica.state() !== 'member' && !replica.isMending && unheardLeaving(replica) === undefined) continue
      const relayKey = relayKeyOnly ?? replica.greetingKeys()[0]
      if (relayKey === undefined) continue
      const token = helloToken(this.world, relayKey, self.peer, peer.id)
      if (peer.greeted.has(toHex(token))) continue
      const { hello, channels } = await makeHello(replica, relayKey, token, self.peer, peer.id)
      peer.greeted.set(toHex(token), { space: replica.id, told: channels })
      spaces.push(hello)
    }
    if (spaces.length > 0) this.frame(turn, peer, { type: 'hello', spaces })
  }

  /** A space was made or joined, or its relay key changed: everyone connected may share it. */
  async greetAll(turn: Turn, replica: Replica): Promise<void> {
    for (const peer of this.peers.values()) await this.greet(turn, peer, [replica])
    await this.hearWaiting(turn)
  }

  /** Reads again what was said by devices that were not known then. */
  async hearWaiting(turn: Turn): Promise<void> {
    for (const peer of this.peers.values()) if (peer.waiting.length > 0) await this.onHello(turn, peer, peer.waiting)
  }

  private async onHello(turn: Turn, peer: Peer, hellos: readonly Hello[]): Promise<void> {
    const self = this.self
    if (self === undefined) return
    const expected = expectedTokens(this.world, this.replicas.values(), self.peer, peer.id), waiting: Hello[] = []
    for (const hello of hellos) {
      let isHeard = false
      for (const { replica, relayKey } of expected.get(toHex(hello.token)) ?? []) {
        const greeting = openHello(replica, relayKey, hello)
        if (greeting === undefined) continue
        if (!(await this.world.suite.verify(fromHex(greeting.device) as Uint8Array, greeting.sig, helloBytes(replica.id, peer.id, self.peer)))) return this.blame(turn, peer, 'forged')
        if (!replica.speaksWith(greeting.device)) continue
        isHeard = true
        await this.establish(turn, peer, replica, greeting, hello.token, relayKey)
      }
      // A space both have may be one whose key we learn later.
      if (!isHeard) waiting.push(hello)
    }
    const tokens = new Set(hellos.map(({ token }) => toHex(token)))
    peer.waiting = [...peer.waiting.filter(({ token }) => !tokens.has(toHex(token))), ...waiting].slice(-MAX_SPACES)
  }

  private async establish(turn: Turn, peer: Peer, replica: Replica, { device, channels }: Greeting, token: Uint8Array, relayKey: Uint8Array): Promise<void> {
    const known = peer.sessions.get(replica.id)
    if (this.conduct.isMuted(asDevice(device), turn.now)) return this.drop(turn, peer)
    // Two that hold different keys greet each other by different tokens, at the same time: whoever changed to the other's each time would never come to an end.
    if (known?.device === device && peer.greeted.has(toHex(token))) return
    if (known?.device !== device) {
      this.changes++
      peer.sessions.set(replica.id, newSession(replica.id, token, device))
    }
    await this.greet(turn, peer, [replica], relayKey)
    // Whoever it is learns no more than what is asked for.
    if (replica.isMending) return this.askLost(turn, peer, replica)
    const leaving = unheardLeaving(replica), session = peer.sessions.get(replica.id)
    if (leaving !== undefined) return this.frame(turn, peer, { type: 'ops', token, ops: [leaving.bytes], more: false })
    const ours = digestsFor(replica, device)
    if (!areSame(peer.greeted.get(toHex(token))?.told, ours)) this.frame(turn, peer, { type: 'digest', token, channels: ours })
    this.events.met(turn, replica, device)
    if (channels !== undefined && session !== undefined) this.onDigest(turn, peer, session, replica, channels)
  }

  private askLost(turn: Turn, peer: Peer, replica: Replica): void {
    const session = peer.sessions.get(replica.id)
    if (session !== undefined) this.ask(turn, peer, session, replica)
  }

  // ---- frames ----

  async onFrame(turn: Turn, id: string, bytes: Uint8Array): Promise<void> {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    const frame = decodeFrame(bytes)
    if (frame === undefined) return this.blame(turn, peer, bytes.length > MAX_FRAME_PAYLOAD ? 'oversized' : 'malformed', [...peer.sessions.values()][0]?.device)
    const cost = frame.type === 'hello' ? 1 : frame.type === 'ask' ? 1 + Math.floor(frame.ranges.length / 100) : frame.type === 'vector' && frame.asks ? 1 : 0
    if (!peer.requests.take(cost, turn.now)) return this.blame(turn, peer, 'greedy')
    if (frame.type === 'hello') return this.onHello(turn, peer, frame.spaces)
    const session = sessionOf(peer, frame.token)
    const replica = session === undefined ? undefined : this.replicas.get(session.space)
    // Of a session that ended meanwhile, or of a space that isn't here.
    if (session === undefined || replica === undefined) return
    if (!replica.speaksWith(session.device)) { this.end(peer, session); return }
    if (replica.isMending && frame.type !== 'ops') return
    if (unheardLeaving(replica) !== undefined) { noteHeard(turn, replica, session.device, frame); if (unheardLeaving(replica) === undefined) this.end(peer, session); return }
    switch (frame.type) {
      case 'digest': return this.onDigest(turn, peer, session, replica, frame.channels)
      case 'vector': return this.onVector(turn, peer, session, replica, frame)
      case 'ask': return this.onAsk(turn, peer, session, replica, frame)
      case 'fresh': return this.onFresh(turn, peer, session, replica, frame)
      case 'ops': return this.onOps(turn, peer, session, replica, frame)
      case 'tree': {
        if (!peer.trees.has(this.world.suite.sha256(frame.tree))) return this.blame(turn, peer, 'unasked', session.device)
        return this.events.tree(turn, replica, frame.tree)
      }
      case 'signal': return this.events.signal(turn, replica, frame.sealed)
    }
  }

  private end(peer: Peer, session: Session): void {
    peer.sessions.delete(session.space)
    this.changes++
    this.replicas.get(session.space)?.receiving.finish(session.device)
  }

  /** Equal digests tell as much as a vector would; the rest is told. */
  private onDigest(turn: Turn, peer: Peer, session: Session, replica: Replica, theirs: readonly ChannelDigest[]): void {
    const { parts, same } = answerDigests(replica, session.device, theirs)
    this.events.vector(turn, replica, session.device, same)
    noteAgreed(replica, session.device, theirs)
    session.untold = new Set(theirs.filter(({ channel, digest }) => replica.log.digest(channel) !== digest).map(({ channel }) => channel))
    this.look(turn, session, replica)
    // What takes several frames, or would come sealed for others, is asked for by name; and so is all where some of it is not wanted today.
    const asks = parts.length === 1 && session.untold.size > 0 && session.unopened.size === 0 && !replica.quota.stopsSome && this.mayAsk(peer, session)
    // Equal digests bring no vector, and what was lost doesn't show in them.
    if (!asks && !replica.holes.isEmpty) this.ask(turn, peer, session, replica)
    for (const told of parts) {
      if (!peer.requests.take(Math.ceil(told.reduce((sum, { chains }) => sum + chains.length, 0) / 200), turn.now)) return
      if (asks) session.asking = true
      this.frame(turn, peer, { type: 'vector', token: session.token, told, asks })
    }
  }

  private onVector(turn: Turn, peer: Peer, session: Session, replica: Replica, { told, asks }: Frame & { type: 'vector' }): void {
    session.isComparing = false
    const { vector, unknown } = replica.names.vectorOf(told)
    if (unknown > 0) session.hasUnnamed = true
    session.wants.note(replica, vector)
    this.events.vector(turn, replica, session.device, vector)
    for (const { channel } of told) session.untold?.delete(channel)
    this.look(turn, session, replica)
    for (const { device } of vector) session.follows.delete(device)
    if (asks) {
      const { ranges, heads } = lackedBy(replica, session.device, told)
      session.answer = new Answer(ranges, false, heads)
      this.serve(turn, peer, session, replica)
    } else if (mayStillCome(replica, session, vector, this.sessionsOf(replica.id))) return this.lookLate(turn, replica)
    this.ask(turn, peer, session, replica)
  }

  /** What several told of didn't come by itself: one of them is asked, and if that leads to nothing, the next. */
  askLate(turn: Turn, replica: Replica): void {
    this.looksLate.delete(replica.id)
    for (const peer of this.peers.values()) {
      const session = peer.sessions.get(replica.id)
      if (session === undefined || session.asking || !replica.authority.state.devices.has(session.device)) continue
      this.ask(turn, peer, session, replica, true)
      if (peer.sessions.get(replica.id)?.asking !== true) continue
      return this.lookLate(turn, replica)
    }
  }

  private lookLate(turn: Turn, replica: Replica): void {
    if ((this.looksLate.get(replica.id) ?? -Infinity) > turn.now) return
    this.looksLate.set(replica.id, turn.now + LATE_AFTER_MS)
    turn.out.wake(`late|${replica.id}`, turn.now + LATE_AFTER_MS)
  }

  private look(turn: Turn, session: Session, replica: Replica): void {
    if (session.untold?.size === 0 && !session.wants.hasOf(replica.me.device)) this.events.told(turn, replica)
  }

  private onAsk(turn: Turn, peer: Peer, session: Session, replica: Replica, frame: Frame & { type: 'ask' }): void {
    for (const hash of frame.trees) {
      const tree = replica.treeFor(hash)
      if (tree !== undefined) this.frame(turn, peer, { type: 'tree', token: session.token, tree })
    }
    // Who asks for trees alone may be in the middle of an answer.
    if (frame.ranges.length === 0) return
    const ranges = frame.ranges.filter((r) => replica.mayHave(session.device, r.channel))
    // A little of somebody's: who asked is not connected with them.
    for (const { channel, device, from, to } of ranges) if (channel !== AUTHORITY_CHANNEL && to - from < MAX_NEWS && replica.authority.identityOf(device) !== undefined) session.follows.add(device)
    session.answer = new Answer(ranges, frame.plain === true)
    this.serve(turn, peer, session, replica)
  }

  private async onOps(turn: Turn, peer: Peer, session: Session, replica: Replica, frame: Frame & { type: 'ops' }): Promise<void> {
    const { ops, noKey, malformed } = unpack(replica, frame.packed ?? [], frame.ops.length)
    for (const channel of noKey) if (replica.authority.everHad(channel)) session.unopened.add(channel)
    for (let n = 0; n < malformed; n++) this.blame(turn, peer, 'malformed', session.device)
    if (!this.peers.has(peer.id)) return
    const { accepted, faults } = await this.events.ops(turn, replica, [...frame.ops, ...ops], peer.id, session.device)
    session.gained += accepted.length
    for (const fault of faults) this.blame(turn, peer, fault, session.device)
    if (frame.more) return
    session.asking = false
    // What speaks for something may be in a pack that can't be opened here; an answer that has nothing else to show is nobody's honest doing.
    if (replica.receiving.finish(session.device) > 0 && session.gained === 0 && session.unopened.size === 0) this.blame(turn, peer, 'forged', session.device)
    const hasGained = session.gained > 0
    session.gained = 0
    if (!this.peers.has(peer.id)) return
    this.ask(turn, peer, session, replica, true)
    // What there is beyond the answer may not have been told, or in names that only what came explains.
    if (!session.asking && hasGained && (session.hasUnnamed || session.untold?.size !== 0)) {
      session.hasUnnamed = false
      if (peer.requests.take(1, turn.now)) this.tellDigests(turn, peer, session, replica)
    }
    this.askOthers(turn, peer, session)
  }

  private async onFresh(turn: Turn, peer: Peer, session: Session, replica: Replica, frame: Frame & { type: 'fresh' }): Promise<void> {
    for (const fresh of frame.ops) {
      const made = unpackFresh(replica, fresh, session.device)
      if (made === 'malformed') this.blame(turn, peer, made, session.device)
      else if (made === 'known') this.hadBefore(turn, peer, session, replica, fresh)
      else if (made === 'unclear') this.compareWith(turn, peer, session, replica)
      else for (const fault of (await this.events.ops(turn, replica, [made], peer.id, session.device)).faults) this.blame(turn, peer, fault, session.device)
      if (!this.peers.has(peer.id)) return
    }
  }

  /** Who passed it on needn't do that any more. */
  private hadBefore(turn: Turn, peer: Peer, session: Session, replica: Replica, fresh: FreshOp): void {
    const chain = chainOf(replica, fresh)
    if (chain !== undefined && chain.device !== session.device && replica.mayHave(session.device, chain.channel)) this.tell(turn, peer, session, replica, [chain])
  }

  /** A peer has what can't be told without what lies before it: what that is shows where the two are compared. */
  private compareWith(turn: Turn, peer: Peer, session: Session, replica: Replica): void {
    if (session.isComparing || !peer.requests.take(1, turn.now)) return this.compareSoon(turn)
    session.isComparing = true
    this.tellDigests(turn, peer, session, replica)
  }

  private tellDigests(turn: Turn, peer: Peer, { token, device }: Session, replica: Replica): void {
    this.frame(turn, peer, { type: 'digest', token, channels: digestsFor(replica, device) })
  }

  /** An answer is complete: another space's turn. */
  private askOthers(turn: Turn, peer: Peer, except: Session): void {
    for (const session of peer.sessions.values()) {
      const replica = this.replicas.get(session.space)
      if (session !== except && replica !== undefined) this.ask(turn, peer, session, replica, true)
    }
  }

  private mayAsk(peer: Peer, session: Session): boolean { return !session.asking && [...peer.sessions.values()].filter((s) => s.asking).length < MAX_ASKED_SPACES }

  /** Asks for what the peer has and we lack, authority first. After an answer that brought nothing, not the same again until its next vector. */
  private ask(turn: Turn, peer: Peer, session: Session, replica: Replica, isAgain = false): void {
    if (!this.mayAsk(peer, session)) return
    const ranges = session.wants.next(replica, isAgain, session.unopened)
    const trees = peer.trees.toAsk(replica.wantedTrees(), turn.now)
    if (ranges.length === 0 && trees.length === 0) return
    session.asking = ranges.length > 0
    this.frame(turn, peer, { type: 'ask', token: session.token, ranges, trees, ...(ranges.some((r) => session.unopened.has(r.channel)) ? { plain: true } : {}) })
  }

  /** Answers a range at a time: the rows come back as input. */
  private serve(turn: Turn, peer: Peer, session: Session, replica: Replica): void {
    const { answer } = session, read = answer?.next()
    if (answer === undefined) return
    if (read !== undefined) { turn.out.read({ tag: `${session.space}|serve|${peer.id}`, partition: opsPartition(session.space, read.channel), query: read.query }); return }
    session.answer = undefined
    this.frame(turn, peer, { type: 'ops', token: session.token, ...answer.rest(replica), more: false })
  }

  onRows(turn: Turn, space: SpaceId, id: string, rows: readonly Row[]): void {
    const peer = this.peers.get(id), session = peer?.sessions.get(space), replica = this.replicas.get(space)
    const answer = session?.answer, read = answer?.next()
    if (peer === undefined || session === undefined || answer === undefined || read === undefined) return
    if (replica?.authority.state.devices.has(session.device) !== true) return this.end(peer, session)
    const full = answer.took(replica, replica.mayHave(session.device, read.channel) ? rows : [])
    if (full !== undefined) this.frame(turn, peer, { type: 'ops', token: session.token, ...full, more: true })
    this.serve(turn, peer, session, replica)
  }

  // ---- fresh ops ----

  /**
   * Sends own ops to everyone connected in the space. Authority that came `from` a peer is passed on to a few: its author has sent it to all it is connected with, so the
   * rest have it within a few hops, and nobody hears it once from everybody. Of content a few are told that it is here, and whoever lacks it asks; who asked for an
   * author's is sent what that author says from then on, until they have it by another way. Returns the devices reached.
   */
  spread(turn: Turn, replica: Replica, ops: readonly Op[], from?: string): Set<DeviceId> {
    const reached = new Set<DeviceId>(), packs = new Map<OpId, FreshOp | undefined>(), isOwn = from === undefined
    const meantFor = ({ device }: Session): readonly Op[] => ops.filter((op) => replica.mayHave(device, op.header.channel) && (isOwn || op.header.device !== device))
    const few = isOwn ? undefined : this.some(replica.id, FORWARDED_TO, (peer, session) => peer.id !== from && meantFor(session).length > 0)
    for (const peer of this.peers.values()) {
      const session = peer.sessions.get(replica.id)
      if (session === undefined || peer.id === from) continue
      if (!replica.authority.state.devices.has(session.device)) {
        // Who was just removed is told so, and nothing after that.
        this.end(peer, session)
        if (!ops.some((op) => REMOVALS.has(op.header.type)) || few?.has(peer) === false) continue
      }
      const theirs = meantFor(session), isOneOfFew = few?.has(peer) !== false
      const sent = theirs.filter((op) => isOwn || isSentOn(session, op, isOneOfFew))
      if (sent.length === ops.length) reached.add(session.device)
      for (const frame of framesOf(replica, sent, session.token, packs)) this.frame(turn, peer, frame)
      if (isOneOfFew && sent.length < theirs.length) this.tell(turn, peer, session, replica, theirs.filter((op) => !sent.includes(op)).map((op) => op.header))
    }
    return reached
  }

  /** How far some chains go here. */
  private tell(turn: Turn, peer: Peer, session: Session, replica: Replica, chains: readonly Chain[]): void {
    for (const told of toldParts(replica, vectorOf(replica, chains))) this.frame(turn, peer, { type: 'vector', token: session.token, told, asks: false })
  }

  /** Sends what is kept nowhere to those of these devices that are connected. Returns the devices reached. */
  signal(turn: Turn, replica: Replica, sealed: Uint8Array, to: { has(device: DeviceId): boolean }): Set<DeviceId> {
    const reached = new Set<DeviceId>()
    for (const peer of this.peers.values()) {
      const session = peer.sessions.get(replica.id)
      if (session === undefined || !to.has(session.device)) continue
      reached.add(session.device)
      this.frame(turn, peer, { type: 'signal', token: session.token, sealed })
    }
    return reached
  }

  /** So many of a space's connected peers, by chance: all where there are no more. */
  private some(space: SpaceId, most: number, isMeant: (peer: Peer, session: Session) => boolean): Set<Peer> {
    return someOf(this.world.random, [...this.peers.values()].filter((peer) => { const session = peer.sessions.get(space); return session !== undefined && isMeant(peer, session) }), most)
  }

  /** Tells an author that its ops are here: what makes "delivered" true on its screen. */
  acknowledge(turn: Turn, replica: Replica, ops: readonly Op[]): void {
    const authors = new Set(ops.map(({ header }) => header.device))
    for (const peer of this.peers.values()) {
      const session = peer.sessions.get(replica.id)
      if (session === undefined || !authors.has(session.device)) continue
      const theirs = ops.filter(({ header: h }) => h.device === session.device && replica.mayHave(h.device, h.channel)).map((op) => op.header)
      if (theirs.length > 0) this.tell(turn, peer, session, replica, theirs)
    }
  }

  /** Something is missing here: the next round of comparing comes earlier, though not earlier again and again. */
  compareSoon(turn: Turn): void {
    if (turn.now < this.hurriesFrom) return
    this.hurriesFrom = turn.now + COMPARE_SOON_MS
    turn.out.wake('sync', turn.now + COMPARE_SOON_MS / 4)
  }

  /** Anti-entropy, in each space with a few peers at a time; also unsticks answers that never came. */
  compareAll(turn: Turn): void {
    const told = new Map([...this.replicas.keys()].map((space) => [space, this.some(space, COMPARED_WITH, () => true)]))
    for (const peer of this.peers.values()) {
      for (const session of peer.sessions.values()) {
        const replica = this.replicas.get(session.space)
        if (replica?.speaksWith(session.device) !== true) { this.end(peer, session); continue }
        session.asking = false
        session.isComparing = false
        if (told.get(session.space)?.has(peer) === true && replica.state() === 'member') this.tellDigests(turn, peer, session, replica)
        this.ask(turn, peer, session, replica)
      }
    }
  }

  /** A tree is needed: everyone in the space is asked. */
  askTrees(turn: Turn, replica: Replica, hashes: readonly Uint8Array[]): void {
    for (const peer of this.peers.values()) {
      const session = peer.sessions.get(replica.id)
      const trees = session === undefined ? [] : peer.trees.toAsk(hashes, turn.now)
      if (session !== undefined && trees.length > 0) this.frame(turn, peer, { type: 'ask', token: session.token, ranges: [], trees })
    }
  }
}

/** Ops that may end somebody's place in a space. */
const REMOVALS: ReadonlySet<string> = new Set(['kick', 'ban', 'deviceRevoke', 'leave'])
