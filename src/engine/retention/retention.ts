/**
 * How long what is said in one space stays on this device. The space says it (../space/retention.ts); here it is told what is due, how far each chain has been
 * emptied, and of what the body may be missing.
 *
 *   retention/<space>   op id -> ms: since when this device knows a write that is in force
 *                       channel || device -> number of the op up to which the chain has been emptied
 *                       0 -> what time it is (clock.ts); 1 -> for states of the groups
 *
 * What is due goes by an op's label, so that all who have the same log delete the same. The clock, as far as it is believed, only says when. Nothing here changes what counts.
 */
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type IdentityId, type OpId } from '../../wire/ids.ts'
import { HLC_STEP, type OpHeader } from '../../wire/op.ts'
import { MAX_CLOCK_AHEAD_MS, RETENTION_EVERY_MS, RETENTION_GRACE_MS, RETENTION_SLACK_MS } from '../limits.ts'
import { type ChainKey, chainKey } from '../log/log.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { BelievedClock } from './clock.ts'

const CLOCK = new Uint8Array(1), BORNE_OUT = Uint8Array.of(1)
type Labelled = Pick<OpHeader, 'channel' | 'hlc'>

/** What of a channel may ever have been deleted: older than this (ms), or labelled before that. */
interface Allowed { readonly afterMs: number; readonly before: number }

/** What was ever said: for all channels (ms), for single ones, and which op deleted a channel. */
interface Said { readonly everywhere: number; readonly inChannel: ReadonlyMap<ChannelId, Allowed>; readonly deletions: ReadonlyMap<ChannelId, OpId> }

export class Retention {
  private readonly replica: Replica
  private readonly clock = new BelievedClock()
  private readonly stricter = new BelievedClock()
  /** When that was looked at last by what others have said (ms). */
  private passedAt = -Infinity
  /** What time it was for states then (ms). */
  statesAt = 0
  private readonly since = new Map<OpId, number>()
  private readonly emptied = new Map<ChainKey, number>()
  /** The label of the first op of a chain that was not due when somebody looked: until that is due there is nothing to do. */
  private readonly next = new Map<ChainKey, number>()
  private known: { readonly size: number; readonly upheavals: number; readonly said: Said } = { size: -1, upheavals: -1, said: { everywhere: Infinity, inChannel: new Map(), deletions: new Map() } }

  constructor(replica: Replica) { this.replica = replica }

  get partition(): string { return `retention/${this.replica.id}` }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      if (key.length === 1) (key[0] === BORNE_OUT[0] ? this.stricter : this.clock).load(value)
      if (value.length !== 8) continue
      if (key.length === 32) this.since.set(toHex(key) as OpId, fromU64(value))
      if (key.length === 48) this.emptied.set(toHex(key), fromU64(value))
    }
  }

  /** Looks what time it is, and notes which writes are in force. When the next of them begins to work (ms); undefined: all do. */
  note(turn: Turn): number | undefined {
    const { authority, record } = this.replica
    this.clock.look(turn.now, this.labelledByOthers())
    const now = this.clock.time(turn.now)
    let next: number | undefined, isAny = false
    for (const op of this.inForce()) {
      isAny = true
      let since = this.since.get(op)
      if (since === undefined) {
        // What was said before this device came was settled among others.
        const saidAt = (authority.node(op)?.label ?? 0) / HLC_STEP
        since = saidAt < record.createdAt - RETENTION_GRACE_MS ? Math.floor(saidAt) : now
        this.since.set(op, since)
        turn.out.put(this.partition, fromHex(op) as Uint8Array, u64(since))
      }
      const left = since + RETENTION_GRACE_MS - now
      if (left > 0 && (next === undefined || turn.now + left < next)) next = turn.now + left
    }
    if (isAny) this.save(turn, CLOCK, this.clock)
    return next
  }

  /** Another device said what time it is; true: so much may be due now that a look is worth it. */
  hear(at: number, now: number): boolean {
    const before = this.clock.time(now)
    this.clock.look(now, at)
    return this.clock.time(now) > before + RETENTION_EVERY_MS
  }

  /**
   * What time it is for states of the groups, of which who drops them too early can't follow others. One alone may say what they like: so it is what two people's labels have reached, or
   * one's where there is no other.
   */
  borneOut(turn: Turn): number {
    const { log, me, authority } = this.replica, newest = new Map<IdentityId, number>()
    for (const [device, { identity }] of authority.state.devices) if (identity !== me.identity) newest.set(identity, Math.max(newest.get(identity) ?? 0, log.newestLabelBy(device) / HLC_STEP))
    const [first, second] = [...newest.values()].sort((a, b) => b - a)
    this.stricter.look(turn.now, second ?? first)
    this.passedAt = turn.now
    this.save(turn, BORNE_OUT, this.stricter)
    this.statesAt = this.stricter.time(turn.now)
    return this.statesAt
  }

  /** Whether it is so much later that states may be due also where no epoch followed. */
  isLater(now: number): boolean { return now - this.passedAt >= RETENTION_EVERY_MS || now < this.passedAt }

  private save(turn: Turn, key: Uint8Array, clock: BelievedClock): void {
    const row = clock.news()
    if (row !== undefined) turn.out.put(this.partition, key, row)
  }

  /** The newest label (ms) by another device that counts; undefined: there is none. */
  private labelledByOthers(): number | undefined {
    const { log, me, authority } = this.replica
    let newest: number | undefined
    for (const device of authority.state.devices.keys()) {
      if (device !== me.device) newest = Math.max(newest ?? 0, log.newestLabelBy(device) / HLC_STEP)
    }
    return newest
  }

  private * inForce(): Iterable<OpId> {
    const { keeping, channels } = this.replica.authority.state
    if (keeping !== undefined) yield keeping.op
    for (const channel of channels.values()) {
      if (channel.keeping !== undefined) yield channel.keeping.op
      if (channel.cleared !== undefined) yield channel.cleared.op
    }
    yield* this.said.deletions.values()
  }

  /** Channels that keep so many bytes only, and of which nothing is about to go anyway. */
  * bySize(now: number): Iterable<{ readonly channel: ChannelId; readonly maxBytes: number }> {
    const { keeping: inSpace, channels } = this.replica.authority.state
    for (const [channel, { keeping = inSpace, cleared }] of channels) {
      if (keeping === undefined || keeping.maxBytes === 0 || !this.isSettled(keeping.op, now)) continue
      if (cleared === undefined || this.chainsDue(channel, now).length === 0 && this.isSettled(cleared.op, now)) yield { channel, maxBytes: keeping.maxBytes }
    }
  }

  private isSettled(op: OpId, now: number): boolean { return (this.since.get(op) ?? Infinity) + RETENTION_GRACE_MS <= this.clock.time(now) }

  /** What is labelled below this (a header's label) is to be deleted here; 0: nothing. */
  cutoff(channel: ChannelId, now: number): number {
    const { keeping: inSpace, channels } = this.replica.authority.state
    const state = channels.get(channel)
    if (state === undefined) {
      const deletion = this.said.deletions.get(channel)
      return deletion !== undefined && this.isSettled(deletion, now) ? now * HLC_STEP : 0
    }
    const keeping = state.keeping ?? inSpace, { cleared } = state
    const byTime = keeping !== undefined && keeping.afterMs > 0 && this.isSettled(keeping.op, now) ? this.clock.time(now) - keeping.afterMs : 0
    // Whatever it names: what was said after this device heard of it stays.
    const byHand = cleared !== undefined && this.isSettled(cleared.op, now) ? Math.min(cleared.before, this.since.get(cleared.op) ?? 0) : 0
    return Math.max(byTime, byHand) * HLC_STEP
  }

  isDue(header: Labelled, now: number): boolean { return header.channel !== AUTHORITY_CHANNEL && header.hlc < this.cutoff(header.channel, now) }

  /**
   * Whether others may have deleted this rightly: by something that was ever in force in the channel. Nobody can hide from a newcomer what should be there. The labels
   * that no clock believes are let through: their ops were emptied with those that follow them.
   */
  mayBeHusk(header: Labelled, now: number): boolean {
    const { afterMs, before } = this.allowedIn(header.channel)
    if (afterMs === Infinity && before === 0) return false
    const at = header.hlc / HLC_STEP
    return at < Math.max(now - afterMs, Math.min(before, now)) + RETENTION_SLACK_MS || at > now + MAX_CLOCK_AHEAD_MS
  }

  private allowedIn(channel: ChannelId): Allowed {
    const { everywhere, inChannel } = this.said, own = inChannel.get(channel)
    return { afterMs: Math.min(everywhere, own?.afterMs ?? Infinity), before: own?.before ?? 0 }
  }

  /** Looked through anew when authority ops came in. */
  private get said(): Said {
    const { authority } = this.replica
    if (this.known.size === authority.size && this.known.upheavals === authority.upheavals) return this.known.said
    const inChannel = new Map<ChannelId, Allowed>(), deletions = new Map<ChannelId, OpId>()
    let everywhere = Infinity
    for (const { id, body } of authority.nodes) {
      if (body?.type !== 'clear' && body?.type !== 'retention' && body?.type !== 'channelDelete') continue
      const verdict = authority.verdict(id)
      // One that others took back at the same time was in force where nobody knew that.
      if (verdict.type === 'void' && verdict.reason.by === undefined) continue
      const before = body.type === 'clear' ? body.before : body.type === 'channelDelete' ? Number.MAX_SAFE_INTEGER : 0
      const afterMs = body.type === 'retention' && body.afterMs > 0 ? body.afterMs : Infinity
      if (body.type === 'channelDelete' && verdict.type === 'valid') deletions.set(body.channel, id)
      if (body.channel === undefined) { everywhere = Math.min(everywhere, afterMs); continue }
      const known = inChannel.get(body.channel)
      inChannel.set(body.channel, { afterMs: Math.min(afterMs, known?.afterMs ?? Infinity), before: Math.max(before, known?.before ?? 0) })
    }
    this.known = { size: authority.size, upheavals: authority.upheavals, said: { everywhere, inChannel, deletions } }
    return this.known.said
  }

  // ---- how far each chain has been emptied ----

  emptiedUpTo(channel: ChannelId, device: DeviceId): number { return this.emptied.get(chainKey(channel, device)) ?? 0 }

  emptiedTo(turn: Turn, channel: ChannelId, device: DeviceId, chanSeq: number): void {
    this.emptied.set(chainKey(channel, device), chanSeq)
    turn.out.put(this.partition, concat(fromHex(channel) as Uint8Array, fromHex(device) as Uint8Array), u64(chanSeq))
  }

  /** An op came in: a branch of a forked chain can begin below what was emptied. */
  cameIn(turn: Turn, { channel, device, chanSeq }: Pick<OpHeader, 'channel' | 'device' | 'chanSeq'>): void {
    if (chanSeq > this.emptiedUpTo(channel, device)) return
    this.emptiedTo(turn, channel, device, chanSeq - 1)
    this.next.delete(chainKey(channel, device))
  }

  /** The chain goes on with an op of this label, which isn't due yet. */
  goesOnWith(channel: ChannelId, device: DeviceId, hlc: number): void { this.next.set(chainKey(channel, device), hlc) }

  /** Devices of whom something may be due in a channel. */
  chainsDue(channel: ChannelId, now: number): DeviceId[] {
    const cutoff = this.cutoff(channel, now)
    if (cutoff === 0) return []
    const { log } = this.replica
    const devices = new Set(log.vector([channel]).map((e) => e.device))
    return [...devices].filter((device) => {
      const last = log.tipsOf(channel, device).reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
      return last > this.emptiedUpTo(channel, device) && (this.next.get(chainKey(channel, device)) ?? 0) < cutoff
    })
  }
}
