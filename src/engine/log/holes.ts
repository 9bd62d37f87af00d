/**
 * Places of chains whose ops this device had and has no more, because a part of its disk was damaged. They are asked for like what was never here; an op that
 * comes for one is put where it was, and changes nothing else.
 *
 *   holes/<space>   channel || device || from -> to, both included
 *                   channel || device -> the last number that is there of a chain whose end the disk forgot: up to it ops come that are here
 *                   nothing -> what is made of ops is to be made again; 2: ends of chains were forgotten, too
 */
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import type { AskRange } from '../../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type SpaceId } from '../../wire/ids.ts'
import type { OpHeader } from '../../wire/op.ts'
import { decodeNumber, encodeNumber } from '../../wire/records.ts'
import type { Turn } from '../turn.ts'

const MADE_KEY = new Uint8Array(), ENDS_FORGOTTEN = 2
const chainOf = ({ channel, device }: Pick<OpHeader, 'channel' | 'device'>): Uint8Array => concat(fromHex(channel) as Uint8Array, fromHex(device) as Uint8Array)
const keyOf = ({ channel, device, from }: AskRange): Uint8Array => concat(fromHex(channel) as Uint8Array, fromHex(device) as Uint8Array, u64(from))

export class Holes {
  readonly partition: string
  private list: readonly AskRange[] = []
  /** What is made of ops was lost, and is to be made again. */
  isToBeMade = false
  private areEndsForgotten = false
  /** How far chains go on the disk of which the log doesn't know it, by channel and device. */
  private readonly reaches = new Map<string, number>()

  constructor(space: SpaceId) { this.partition = `holes/${space}` }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) {
      if (key.length === 0) { this.isToBeMade = true; this.areEndsForgotten = value[0] === ENDS_FORGOTTEN }
      const to = decodeNumber(value)
      if (key.length === 48 && to !== undefined) this.reaches.set(toHex(key), to)
      if (key.length !== 56 || to === undefined) continue
      this.list = [...this.list, { channel: toHex(key.subarray(0, 16)) as ChannelId, device: toHex(key.subarray(16, 48)) as DeviceId, from: fromU64(key.subarray(48)), to }]
    }
  }

  /** Places that are noted already count once. */
  note(turn: Turn, hole: AskRange): void {
    for (const part of this.list.reduce((parts, known) => parts.flatMap((one) => without(one, known)), [hole])) {
      this.list = [...this.list, part]
      turn.out.put(this.partition, keyOf(part), encodeNumber(part.to))
    }
  }

  noteMade(turn: Turn, areEndsForgotten: boolean): void {
    this.isToBeMade = true
    this.areEndsForgotten ||= areEndsForgotten
    turn.out.put(this.partition, MADE_KEY, Uint8Array.of(this.areEndsForgotten ? ENDS_FORGOTTEN : 1))
  }

  /** Where this device's own chains end is read from their ops first: until then it may not go on in them. */
  get areEndsSought(): boolean { return this.isToBeMade && this.areEndsForgotten }

  made(turn: Turn): void {
    this.isToBeMade = false
    this.areEndsForgotten = false
    turn.out.delete(this.partition, MADE_KEY)
  }

  /** Of a chain whose end was forgotten the disk has ops up to here. */
  noteReach(turn: Turn, chain: Pick<OpHeader, 'channel' | 'device' | 'chanSeq'>): void {
    const key = chainOf(chain)
    if ((this.reaches.get(toHex(key)) ?? 0) >= chain.chanSeq) return
    this.reaches.set(toHex(key), chain.chanSeq)
    turn.out.put(this.partition, key, encodeNumber(chain.chanSeq))
  }

  /** Whether an op that is news to the log may have been here, and what is made of it may be here still. */
  mayHaveHad(header: Pick<OpHeader, 'channel' | 'device' | 'chanSeq'>): boolean {
    return this.areEndsForgotten || (this.reaches.size > 0 && header.chanSeq <= (this.reaches.get(toHex(chainOf(header))) ?? 0))
  }

  has({ channel, device, chanSeq }: OpHeader): boolean { return this.list.length > 0 && this.list.some((hole) => isWithin(hole, channel, device, chanSeq)) }

  /** The op for this place is here again. */
  fill(turn: Turn, { channel, device, chanSeq }: OpHeader): void {
    const left: AskRange[] = []
    for (const hole of this.list) {
      if (!isWithin(hole, channel, device, chanSeq)) { left.push(hole); continue }
      turn.out.delete(this.partition, keyOf(hole))
      const rest = [{ ...hole, to: chanSeq - 1 }, { ...hole, from: chanSeq + 1 }].filter(({ from, to }) => from <= to)
      for (const one of rest) turn.out.put(this.partition, keyOf(one), encodeNumber(one.to))
      left.push(...rest)
    }
    this.list = left
  }

  /** What to ask for of these channels, authority first, so many ops at most. */
  wanted(most: number, mayAsk: (channel: ChannelId) => boolean): readonly AskRange[] {
    const out: AskRange[] = []
    let room = most
    for (const hole of this.list.filter(({ channel }) => mayAsk(channel)).sort((a, b) => Number(b.channel === AUTHORITY_CHANNEL) - Number(a.channel === AUTHORITY_CHANNEL))) {
      if (room <= 0) break
      const to = Math.min(hole.to, hole.from + room - 1)
      out.push({ ...hole, to })
      room -= to - hole.from + 1
    }
    return out
  }

  /** Whether ops of this device's are missing. */
  areOf(device: DeviceId): boolean { return this.list.some((hole) => hole.device === device) }

  /** Ops missing in a channel. */
  count(channel: ChannelId): number { return this.list.reduce((sum, hole) => sum + (hole.channel === channel ? hole.to - hole.from + 1 : 0), 0) }
  get isEmpty(): boolean { return this.list.length === 0 }
}

const isWithin = (hole: AskRange, channel: ChannelId, device: DeviceId, chanSeq: number): boolean =>
  hole.channel === channel && hole.device === device && hole.from <= chanSeq && chanSeq <= hole.to

/** What of some places is not among others. */
function without(part: AskRange, { channel, device, from, to }: AskRange): AskRange[] {
  if (part.channel !== channel || part.device !== device || part.to < from || part.from > to) return [part]
  return [{ ...part, to: from - 1 }, { ...part, from: to + 1 }].filter((one) => one.from <= one.to)
}
