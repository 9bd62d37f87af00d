/**
 * How much this device keeps ready to read of each channel, at most: its person's own choice, told to nobody, and changing nothing for others. What is beyond that is packed away, oldest first:
 * its row, its place and its words in the index go. Its op stays in the log, is given to others as before, and is what the message is made of again when somebody scrolls there, or goes to it by a link.
 * What began a thread, what was pinned, and what is unread, stays as it is; notes stay where they are.
 *
 *   away/<space>   nothing -> bytes of each channel; channel -> bytes of that one, 0: none
 *                  channel || 0 -> the place before which messages may be packed away
 *                  channel || device -> number of the last op of a chain that was packed away
 */
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import { decodeMessage } from '../../wire/content-records.ts'
import type { ChannelId, DeviceId, OpId, SpaceId } from '../../wire/ids.ts'
import { HLC_STEP, type Op } from '../../wire/op.ts'
import { decodeKeptOp, isMarked } from '../../wire/kept-op.ts'
import { keptOp } from '../content/kept.ts'
import type { Engine } from '../engine.ts'
import { MAX_PINS_READ, RETENTION_ROWS } from '../limits.ts'
import { opKey } from '../log/log.ts'
import { PLAIN } from '../messages/fold.ts'
import { after, messageRows, noteRows, pinsPartition, placesPartition } from '../messages/places.ts'
import { located } from '../messages/reading.ts'
import { PAUSE, type Reading } from '../reading.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { firstKept, KEPT_SHARE } from './by-size.ts'
import { awayPartition, saidPartitions } from './room.ts'

/** Ops that are looked at to unpack some: of few chains more of each. */
const UNPACKED_ROWS = 512
const LEAST_ROWS = 4
const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export class Away {
  private readonly space: SpaceId
  /** Under undefined: of each channel without its own. */
  private readonly limits = new Map<ChannelId | undefined, number>()
  private readonly floors = new Map<ChannelId, number>()
  private readonly chains = new Map<ChannelId, Map<DeviceId, number>>()

  constructor(space: SpaceId) { this.space = space }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      const channel = key.length < 16 ? undefined : toHex(key.subarray(0, 16)) as ChannelId
      if (value.length !== 8) continue
      if (key.length === 0 || key.length === 16) this.limits.set(channel, fromU64(value))
      if (channel !== undefined && key.length === 17) this.floors.set(channel, fromU64(value))
      if (channel !== undefined && key.length === 48) this.chainsOf(channel).set(toHex(key.subarray(16)) as DeviceId, fromU64(value))
    }
  }

  /** Bytes; 0: no limit. */
  limitOf(channel: ChannelId | undefined): number { return this.limits.get(channel) ?? this.limits.get(undefined) ?? 0 }

  limit(turn: Turn, channel: ChannelId | undefined, maxBytes: number): void {
    this.limits.set(channel, maxBytes)
    this.put(turn, channel === undefined ? new Uint8Array() : raw(channel), maxBytes)
  }

  /** Whether it has no limit of its own. */
  follows(channel: ChannelId): boolean { return !this.limits.has(channel) }

  /** It has none any more. */
  follow(turn: Turn, channel: ChannelId): void {
    this.limits.delete(channel)
    turn.out.delete(awayPartition(this.space), raw(channel))
  }

  /** Messages in the channel from this place on are all here; 0: all that are in the log. */
  floorOf(channel: ChannelId): number { return this.floors.get(channel) ?? 0 }

  /** Of all channels, or of one: the place from which on all are here. */
  floor(channel: ChannelId | undefined): number { return channel === undefined ? Math.max(0, ...this.floors.values()) : this.floorOf(channel) }

  setFloor(turn: Turn, channel: ChannelId, place: number): void {
    this.floors.set(channel, place)
    this.put(turn, concat(raw(channel), new Uint8Array(1)), place)
  }

  chainsOf(channel: ChannelId): Map<DeviceId, number> {
    const known = this.chains.get(channel) ?? new Map<DeviceId, number>()
    this.chains.set(channel, known)
    return known
  }

  setReach(turn: Turn, channel: ChannelId, device: DeviceId, chanSeq: number): void {
    if (chanSeq === 0) this.chainsOf(channel).delete(device); else this.chainsOf(channel).set(device, chanSeq)
    this.put(turn, concat(raw(channel), raw(device)), chanSeq)
  }

  private put(turn: Turn, key: Uint8Array, value: number): void { turn.out.put(awayPartition(this.space), key, u64(value)) }
}

/** Packs away what is beyond the limits. */
export function packAway(engine: Engine, turn: Turn, replica: Replica): void {
  const away = engine.retaining.away(replica)
  for (const channel of replica.authority.state.channels.keys()) {
    const max = away.limitOf(channel)
    if (max === 0) continue
    engine.questions.measure(turn, saidPartitions(replica.id, channel), (later, parts) => {
      const bytes = parts.reduce((sum, n) => sum + n, 0)
      if (bytes <= max) return
      return engine.questions.follow(later, (running) => packSome(engine, running, replica, channel, 1 - (KEPT_SHARE * max) / bytes), (last, count) => {
        if (count === 0) return
        engine.tidying.begin(last)
        last.out.update({ type: 'revised', space: replica.id })
      })
    })
  }
}

/** So large a share of the channel, oldest first, as may go. How many went. */
function* packSome(engine: Engine, turn: () => Turn, replica: Replica, channel: ChannelId, share: number): Reading<number> {
  const away = engine.retaining.away(replica), first = yield* firstKept(replica, channel, share)
  const read = engine.reading.readUpTo({ space: replica.id, channel, thread: undefined })
  const end = Math.min((first ?? 0) * HLC_STEP, read, engine.watching.oldestIn(channel))
  const { partition } = messageRows(replica.id, channel, undefined)
  let count = 0
  for (let from: Uint8Array | undefined = u64(away.floorOf(channel)); from !== undefined && end > away.floorOf(channel);) {
    const [rows = [], pins = []]: readonly (readonly Row[])[] = yield [{ partition, query: { from, to: u64(end), limit: RETENTION_ROWS } }, { partition: pinsPartition(replica.id, channel), query: { limit: MAX_PINS_READ } }]
    const pinned = new Set(pins.map((row) => toHex(row.key)))
    const reaches = new Map<DeviceId, number>()
    for (const { key, value } of rows) {
      const record = decodeMessage(value)
      if (record === undefined || pinned.has(record.id) || record.content === undefined || record.content.title !== undefined || record.replies > 0 || replica.inbox.isExpected(record.id)) continue
      turn().out.delete(partition, key)
      turn().out.delete(placesPartition(replica.id), raw(record.id))
      engine.searching.note(turn(), replica, { channel, record, folded: { ...PLAIN, isDeleted: true } })
      reaches.set(record.device, Math.max(record.chanSeq, reaches.get(record.device) ?? 0))
      count++
    }
    for (const [device, reach] of reaches) away.setReach(turn(), channel, device, Math.max(reach, away.chainsOf(channel).get(device) ?? 0))
    const last: Row | undefined = rows[RETENTION_ROWS - 1]
    // A piece and how far it reaches are saved together.
    if (count > 0) away.setFloor(turn(), channel, last === undefined ? end : fromU64(last.key))
    from = last === undefined ? undefined : after(last.key)
    yield PAUSE
  }
  return count
}

/** What was packed away: when it was said, and about how many bytes it would take here. */
export function* packedAway(engine: Engine, replica: Replica, channel: ChannelId): Reading<readonly { readonly hlc: number; readonly bytes: number }[]> {
  const floor = engine.retaining.away(replica).floorOf(channel)
  return (yield* packedOps(engine, replica, channel, () => true)).flatMap(({ op, bytes }) => (op.header.hlc < floor ? [{ hlc: op.header.hlc, bytes }] : []))
}

/** The label of a message that was packed away; undefined: there is none with this id. */
export function* packedLabel(engine: Engine, replica: Replica, channel: ChannelId, id: OpId): Reading<number | undefined> {
  const found = yield* packedOps(engine, replica, channel, (row) => { const kept = decodeKeptOp(row.value); return kept === undefined || isMarked(kept, id) })
  return found.find(({ op }) => op.id === id)?.op.header.hlc
}

function* packedOps(engine: Engine, replica: Replica, channel: ChannelId, isWanted: (row: Row) => boolean): Reading<{ readonly op: Op; readonly bytes: number }[]> {
  const out: { readonly op: Op; readonly bytes: number }[] = []
  for (const [device, reach] of engine.retaining.away(replica).chainsOf(channel)) {
    for (let from: Uint8Array | undefined = opKey(device, 0); from !== undefined;) {
      const [rows = []]: readonly (readonly Row[])[] = yield [{ partition: opsPartition(replica.id, channel), query: { from, to: opKey(device, reach + 1), limit: RETENTION_ROWS } }]
      for (const row of rows) {
        const op = isWanted(row) ? keptOp(replica, channel, row) : undefined
        if (op?.header.type === 'message' && op.isHusk !== true) out.push({ op, bytes: row.key.length + row.value.length })
      }
      const last: Row | undefined = rows[RETENTION_ROWS - 1]
      from = last === undefined ? undefined : after(last.key)
    }
  }
  return out
}

/** Makes the newest of what was packed away again, a page or a few. False: there is nothing more. */
export function* unpackSome(engine: Engine, turn: () => Turn, replica: Replica, channel: ChannelId): Reading<boolean> {
  const away = engine.retaining.away(replica)
  // What a damaged disk lost is made again with all the rest.
  if (away.floorOf(channel) === 0 || replica.holes.isToBeMade) return false
  const chains = [...away.chainsOf(channel)], limit = Math.max(LEAST_ROWS, Math.floor(UNPACKED_ROWS / Math.max(1, chains.length)))
  const answers = yield chains.map(([device, reach]) => ({ partition: opsPartition(replica.id, channel), query: { from: opKey(device, 0), to: opKey(device, reach + 1), limit, reverse: true } }))
  const read = chains.map(([device], i) => {
    const rows = answers[i] ?? []
    const lowest = rows.at(-1)?.key
    return { device, isWhole: rows.length < limit, lowest: lowest === undefined ? 0 : fromU64(lowest.subarray(32)), ops: rows.flatMap((row): { readonly key: Uint8Array; readonly op: Op }[] => { const op = keptOp(replica, channel, row); return op === undefined ? [] : [{ key: row.key, op }] }) }
  })
  // Of a chain that goes further back nothing is known from before the oldest that was read.
  const floor = Math.max(0, ...read.filter((chain) => !chain.isWhole).map(({ ops }) => ops.at(-1)?.op.header.hlc ?? 0))
  const back = read.flatMap(({ ops }) => ops.filter(({ op }) => op.header.type === 'message' && op.isHusk !== true && op.header.hlc >= floor))
  const here = new Set((yield* located(replica, back.map(({ op }) => op.id))).map(({ record }) => record.id))
  const notes = yield back.map(({ op }) => noteRows(replica.id, channel, op.id, 1))
  for (const [i, { key, op }] of back.entries()) {
    if (here.has(op.id)) continue
    if ((notes[i] ?? []).length > 0) replica.inbox.expect(turn(), op.id)
    replica.readContent(turn(), op, key)
  }
  for (const { device, isWhole, lowest, ops } of read) away.setReach(turn(), channel, device, ops.find(({ op }) => op.header.hlc < floor)?.op.header.chanSeq ?? (isWhole ? 0 : lowest))
  away.setFloor(turn(), channel, away.chainsOf(channel).size === 0 ? 0 : floor)
  engine.touch(turn(), replica)
  return true
}
