/**
 * One space's business with its relays: which topics it reads and writes, what waits to be posted, what came that nobody here can open yet.
 *
 * A topic is a signing key that hangs off a relay key; every removal starts a new relay key, so that the removed can neither find nor write
 * the new topic. Parcels that must arrive are rows on disk until a relay has said that it keeps them.
 */
import type { Compared, MailboxEvent, Row, TopicKey } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64, utf8 } from '../../wire/bytes.ts'
import { decodeEnvelope, decodePayload, encodeEnvelope, encodePayload, HINT_BYTES, NONCE_BYTES, type Payload } from '../../wire/envelope.ts'
import { padEnvelope, unpad } from '../../wire/content.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type EpochId, type OpId, type SpaceId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { type CursorRecord, decodeCursor, encodeCursor, encodeOwed, type OwedRecord } from '../../wire/mail-records.ts'
import { decodeParcel, encodeParcel, type ParcelRecord } from '../../wire/records.ts'
import { LABELS } from '../labels.ts'
import { MAX_BATCH_BYTES, PARCELS_KEPT_MS } from '../limits.ts'
import type { Turn, World } from '../turn.ts'
import { Had } from './had.ts'
import { Unopened } from './unopened.ts'

const NO_AAD = new Uint8Array()
const WINDOW_0 = new Uint8Array(4)

export interface Covers { readonly channel: ChannelId; readonly chanSeq: number }

/** The keys that parcels are sealed under, of all epochs known here. */
export interface Envelopes {
  envelope(epoch: EpochId): { readonly key: Uint8Array; readonly hint: Uint8Array } | undefined
  byHint(hint: Uint8Array): Uint8Array | undefined
}

export class Mail {
  relays: readonly string[]
  /** Those that the space has left and that are read further, and the act by which it left each. Undefined until that was looked up. */
  left: ReadonlyMap<string, OpId> | undefined
  /** By topic id. */
  readonly topics = new Map<string, TopicKey>()
  private readonly byRelayKey = new Map<string, TopicKey>()
  /** Keys of what is sealed for whoever reads a topic, by hint. */
  private readonly readers = new Map<string, Uint8Array>()
  private readonly cursors = new Map<string, CursorRecord>()
  /** Topics of which we have had something, and don't know how far: they are compared before they are read. */
  private unplaced: { readonly relay: string; readonly key: TopicKey }[] = []
  readonly had: Had
  private readonly outbox = new Map<string, ParcelRecord>()
  private readonly refused = new Map<string, string>()
  /** What waits on disk for an epoch's key. */
  readonly unopened: Unopened
  private nextParcel = 1
  private readonly up = new Set<string>()
  private readonly world: World
  private readonly space: SpaceId
  private readonly envelopes: Envelopes

  constructor(world: World, space: SpaceId, envelopes: Envelopes, relays: readonly string[]) {
    this.world = world
    this.space = space
    this.envelopes = envelopes
    this.relays = relays
    this.had = new Had(world, space)
    this.unopened = new Unopened(space, (parcel) => this.had.idOf(parcel))
  }

  partition(name: 'outbox' | 'cursors'): string { return `${name}/${this.space}` }

  load(outbox: readonly Row[], cursors: readonly Row[], unopened: readonly Row[], had: readonly Row[]): void {
    this.had.load(had)
    for (const row of outbox) {
      const parcel = decodeParcel(row.value)
      if (parcel === undefined) continue
      const n = fromU64(row.key)
      this.outbox.set(this.parcelId(n), parcel)
      this.nextParcel = Math.max(this.nextParcel, n + 1)
    }
    for (const row of cursors) {
      const cursor = decodeCursor(row.value)
      if (cursor !== undefined) this.cursors.set(toHex(row.key), cursor)
    }
    this.unopened.load(unopened)
  }

  /**
   * What waits in vain for too long: sealed parcels whose key never came, which anybody who can post may make up, and changes for a relay that the space left and that is gone.
   * Numbers are times, so that they show when something came.
   */
  expire(turn: Turn): void {
    const since = turn.now - PARCELS_KEPT_MS
    this.unopened.expire(turn)
    for (const [id, { relay }] of this.outbox) if (!this.relays.includes(relay) && numberOf(id) < since) this.drop(turn, id)
  }

  /** Every relay takes up again what is still to be posted, and tells what came since. */
  begin(turn: Turn): void {
    this.expire(turn)
    for (const [id, parcel] of this.outbox) this.sendParcel(turn, id, parcel)
    for (const topic of this.topics.values()) this.watchTopic(turn, topic)
  }

  private parcelId(n: number): string { return `${this.space.slice(0, 16)}:${n}` }
  private cursorKey(relay: string, topic: string): Uint8Array { return this.world.suite.sha256(utf8(`${relay} ${topic}`)).subarray(0, 16) }

  /** The topic that hangs off a relay key; the same for every member. */
  async topicOf(relayKey: Uint8Array): Promise<TopicKey> {
    const id = toHex(relayKey)
    const known = this.byRelayKey.get(id)
    if (known !== undefined) return known
    const topic = await topicFromSeed(this.world, this.world.suite.expand(relayKey, 32, LABELS.topic, WINDOW_0))
    this.byRelayKey.set(id, topic)
    return topic
  }

  /** All relays that are read. */
  get read(): readonly string[] { return [...this.relays, ...this.left?.keys() ?? []] }

  /** Reads this topic from now on, at every relay of the space, from where we stopped. */
  watch(turn: Turn, topic: TopicKey): void {
    if (this.topics.has(topic.topic)) return
    this.topics.set(topic.topic, topic)
    const { key, hint } = this.readersOf(topic)
    this.readers.set(toHex(hint), key)
    this.watchTopic(turn, topic)
    turn.out.send({ type: 'subscribe', topic: topic.topic })
  }

  private watchTopic(turn: Turn, key: TopicKey): void {
    for (const relay of this.read) this.watchAt(turn, relay, key)
  }

  private watchAt(turn: Turn, relay: string, key: TopicKey): void {
    const known = this.cursorAt(relay, key.topic)
    if (known === undefined && this.had.knows(key.topic)) this.unplaced.push({ relay, key })
    else turn.out.send({ type: 'watch', relay, key, since: known?.cursor ?? 0, hash: known?.hash })
  }

  takeUnplaced(): readonly { readonly relay: string; readonly key: TopicKey }[] {
    const { unplaced } = this
    this.unplaced = []
    return unplaced
  }

  private cursorAt(relay: string, topic: string): CursorRecord | undefined { return this.cursors.get(toHex(this.cursorKey(relay, topic))) }

  /** Other relays from now on. What waits for one that is left is dropped, but for changes of the space: who is away learns there that we left it. */
  useRelays(turn: Turn, relays: readonly string[], left: ReadonlyMap<string, OpId>): void {
    const before = this.read, gone = this.relays.filter((relay) => !relays.includes(relay))
    this.relays = relays
    this.left = left
    for (const [topic, key] of this.topics) {
      for (const relay of before) if (!this.read.includes(relay)) turn.out.send({ type: 'unwatch', relay, topic })
      for (const relay of this.read) if (!before.includes(relay)) this.watchAt(turn, relay, key)
    }
    for (const [id, { relay, covers }] of this.outbox) if (gone.includes(relay) && covers?.channel !== AUTHORITY_CHANNEL) this.drop(turn, id)
  }

  private drop(turn: Turn, parcelId: string): void {
    this.outbox.delete(parcelId)
    this.refused.delete(parcelId)
    turn.out.delete(this.partition('outbox'), u64(numberOf(parcelId)))
  }

  stop(turn: Turn): void {
    for (const topic of this.topics.keys()) {
      turn.out.send({ type: 'unsubscribe', topic })
      for (const relay of this.read) turn.out.send({ type: 'unwatch', relay, topic })
    }
    this.topics.clear()
    this.readers.clear()
  }

  relayUp(relay: string, up: boolean): void { if (up) this.up.add(relay); else this.up.delete(relay) }
  get anyRelayUp(): boolean { return this.relays.some((r) => this.up.has(r)) }

  /** Seals a payload under an epoch's envelope key; undefined without that key. */
  seal(epoch: EpochId, payload: Payload): Uint8Array | undefined {
    const envelope = this.envelopes.envelope(epoch)
    return envelope === undefined ? undefined : this.sealUnder(envelope, payload)
  }

  /** Seals an answer to an envelope under the same key: whoever made that one can open this one. */
  sealBack(envelope: Uint8Array, payload: Payload): Uint8Array | undefined {
    const hint = decodeEnvelope(envelope)?.hint
    const key = hint === undefined ? undefined : this.envelopes.byHint(hint)
    return hint === undefined || key === undefined ? undefined : this.sealUnder({ key, hint }, payload)
  }

  /** Seals a word for one device so that it can be opened in a topic whatever epochs are known there. Whoever could ever read that topic can take this envelope off. */
  sealForReaders(topic: TopicKey, aside: Payload & { readonly type: 'aside' }): Uint8Array { return this.sealUnder(this.readersOf(topic), aside) }

  private readersOf({ seed }: TopicKey): { readonly key: Uint8Array; readonly hint: Uint8Array } {
    const { suite } = this.world
    return { key: suite.expand(seed, 32, LABELS.topicEnvelopeKey), hint: suite.expand(seed, HINT_BYTES, LABELS.topicEnvelopeHint) }
  }

  private sealUnder({ key, hint }: { readonly key: Uint8Array; readonly hint: Uint8Array }, payload: Payload): Uint8Array {
    const nonce = this.world.random.bytes(NONCE_BYTES)
    return encodeEnvelope(hint, nonce, this.world.suite.seal(key, nonce, NO_AAD, padEnvelope(encodePayload(payload))))
  }

  /** undefined: not ours or damaged; 'no-key': of an epoch whose key isn't here. */
  open(bytes: Uint8Array): Payload | 'no-key' | undefined {
    const envelope = decodeEnvelope(bytes)
    if (envelope === undefined) return undefined
    const known = this.envelopes.byHint(envelope.hint), key = known ?? this.readers.get(toHex(envelope.hint))
    if (key === undefined) return 'no-key'
    const padded = this.world.suite.open(key, envelope.nonce, NO_AAD, envelope.sealed)
    const plain = padded === undefined ? undefined : unpad(padded), payload = plain === undefined ? undefined : decodePayload(plain)
    return known === undefined && payload?.type !== 'aside' ? undefined : payload
  }

  /** Posts to every relay, kept on disk until taken. */
  post(turn: Turn, key: TopicKey, bytes: Uint8Array, covers: Covers | undefined, relays: readonly string[] = this.relays): void {
    for (const relay of relays) {
      const parcel: ParcelRecord = { relay, seed: key.seed, topic: key.topic, bytes, covers }
      const n = Math.max(this.nextParcel, turn.now)
      this.nextParcel = n + 1
      const id = this.parcelId(n)
      this.outbox.set(id, parcel)
      turn.out.put(this.partition('outbox'), u64(n), encodeParcel(parcel))
      this.sendParcel(turn, id, parcel)
    }
  }

  private sendParcel(turn: Turn, id: string, parcel: ParcelRecord): void {
    turn.out.send({ type: 'post', relay: parcel.relay, key: { topic: parcel.topic, seed: parcel.seed }, parcelId: id, bytes: parcel.bytes })
  }

  /** Not kept anywhere: lost if a relay is away. */
  announce(turn: Turn, key: TopicKey, bytes: Uint8Array): void {
    for (const relay of this.read) turn.out.send({ type: 'announce', relay, key, bytes })
  }

  /** A relay keeps it now: what it covered is returned. */
  posted(turn: Turn, event: MailboxEvent & { type: 'posted' }): Covers | undefined {
    const parcel = this.outbox.get(event.parcelId)
    if (parcel === undefined) return undefined
    this.drop(turn, event.parcelId)
    return parcel.covers as Covers | undefined
  }

  /** A relay will never take it: kept, so that the person can try again. */
  refuse(event: MailboxEvent & { type: 'refused' }): Covers | undefined {
    const parcel = this.outbox.get(event.parcelId)
    if (parcel === undefined || !event.final) return undefined
    this.refused.set(event.parcelId, event.reason)
    return parcel.covers as Covers | undefined
  }

  /** Changes of the space and invites' kits that no relay has yet: whoever comes by a relay would miss them. */
  waitingChanges(): number {
    const counts = this.relays.map((relay) => {
      let n = 0
      for (const parcel of this.outbox.values()) {
        if (parcel.relay === relay && (parcel.covers === undefined ? !this.topics.has(parcel.topic) : parcel.covers.channel === AUTHORITY_CHANNEL)) n++
      }
      return n
    })
    return counts.length === 0 ? 0 : Math.min(...counts)
  }

  /** Why an op is at no relay, if every try was refused. */
  refusalOf(channel: ChannelId, chanSeq: number): string | undefined {
    for (const [id, reason] of this.refused) {
      const covers = this.outbox.get(id)?.covers
      if (covers?.channel === channel && covers.chanSeq === chanSeq) return reason
    }
    return undefined
  }

  retry(turn: Turn, channel: ChannelId, chanSeq: number): void {
    for (const [id, parcel] of this.outbox) {
      if (parcel.covers?.channel !== channel || parcel.covers.chanSeq !== chanSeq) continue
      this.refused.delete(id)
      this.sendParcel(turn, id, parcel)
    }
  }

  /** What nobody has taken by now need not go out any more. */
  forget(turn: Turn, channel: ChannelId, chanSeq: number): void {
    for (const [id, { covers }] of this.outbox) if (covers?.channel === channel && covers.chanSeq === chanSeq) this.drop(turn, id)
  }

  owns(parcelId: string): boolean { return parcelId.startsWith(`${this.space.slice(0, 16)}:`) }

  saveCursor(turn: Turn, relay: string, topic: string, next: number, hash: Uint8Array | undefined): void {
    const known = this.cursorAt(relay, topic)
    if (known !== undefined && (known.cursor > next || (known.cursor === next && (known.hash !== undefined || hash === undefined)))) return
    this.putCursor(turn, relay, topic, { cursor: next, hash, comparedAt: known?.comparedAt ?? turn.now })
  }

  private putCursor(turn: Turn, relay: string, topic: string, record: CursorRecord): void {
    const key = this.cursorKey(relay, topic)
    this.cursors.set(toHex(key), record)
    turn.out.put(this.partition('cursors'), key, encodeCursor(record))
  }

  /** Everything the relays have is read again, whatever was had of it. */
  forgetCursors(turn: Turn): void {
    this.cursors.clear()
    turn.out.drop(this.partition('cursors'))
    this.had.forget(turn)
  }

  /** Nothing of a topic that isn't read any more, and of which no relay keeps anything, need be known. */
  forgetOldTopics(turn: Turn): void {
    for (const topic of this.had.quiet(turn.now)) {
      if (this.topics.has(topic)) continue
      this.had.forgetTopic(turn, topic)
      turn.out.drop(owedPartition(this.space, topic))
      for (const relay of this.read) {
        const key = this.cursorKey(relay, topic)
        if (this.cursors.delete(toHex(key))) turn.out.delete(this.partition('cursors'), key)
      }
    }
  }

  /** When all that lies there was last known to be here; undefined where it isn't read. */
  comparedAt(relay: string, topic: string): number | undefined { return this.cursorAt(relay, topic)?.comparedAt }

  compared(turn: Turn, relay: string, topic: string, { next, hash }: Pick<Compared, 'next' | 'hash'>, comparedAt = turn.now): void {
    const known = this.cursorAt(relay, topic)
    const isFurther = known !== undefined && known.cursor > next
    this.putCursor(turn, relay, topic, { cursor: isFurther ? known.cursor : next, hash: isFurther ? known.hash : hash, comparedAt })
  }

  /** Notes that relays are to keep an own op, which goes out in this parcel: where one lacks it, it is put there again. */
  owe(turn: Turn, topic: string, op: Covers & { readonly device: DeviceId }, owed: OwedRecord, parcel: Uint8Array): void {
    const key = concat(fromHex(op.device) as Uint8Array, fromHex(op.channel) as Uint8Array, u64(op.chanSeq))
    turn.out.put(owedPartition(this.space, topic), key, encodeOwed({ ...owed, ids: [...owed.ids, this.had.idOf(parcel)] }))
  }

  /** Ids of parcels that are still on their way to a relay. */
  waitingAt(relay: string): Set<string> { return new Set([...this.outbox.values()].filter((parcel) => parcel.relay === relay).map(({ bytes }) => this.had.idOf(bytes))) }

  /** The place is worth nothing any more: until the topic has been compared it counts as never compared. */
  resetCursor(turn: Turn, relay: string, topic: string): void { this.putCursor(turn, relay, topic, { cursor: 0, hash: undefined, comparedAt: 0 }) }

  /** Kept parcels that can be opened now: the caller must read them in this step. */
  takeOpenable(): number[] { return this.unopened.takeOpenable((hint) => this.envelopes.byHint(hint) !== undefined) }
}

const numberOf = (parcelId: string): number => Number(parcelId.split(':')[1])

export const owedPartition = (space: SpaceId, topic: string): string => `owed/${space}/${topic}`

/** Ops in portions that fit one parcel each. */
export function batchesOf(ops: Iterable<Op>): Uint8Array[][] {
  const out: Uint8Array[][] = []
  let size = Infinity
  for (const { bytes } of ops) {
    if (size + bytes.length > MAX_BATCH_BYTES) { out.push([]); size = 0 }
    out[out.length - 1]?.push(bytes)
    size += bytes.length
  }
  return out
}

export async function topicFromSeed(world: World, seed: Uint8Array): Promise<TopicKey> {
  const { publicKey } = await world.suite.signingKey(seed)
  return { topic: toHex(world.suite.sha256(publicKey).subarray(0, 16)), seed }
}

/** Two peers' symmetric token for a space: only holders of the relay key can compute it, and each connection has its own. */
export function helloToken(world: World, relayKey: Uint8Array, peerA: string, peerB: string): Uint8Array {
  const [first, second] = peerA < peerB ? [peerA, peerB] : [peerB, peerA]
  return world.suite.hmac(world.suite.expand(relayKey, 32, LABELS.helloToken), concat(utf8(first), new Uint8Array(1), utf8(second))).subarray(0, 16)
}
