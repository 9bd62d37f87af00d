/**
 * How much of what one device says is taken in here on one day (S31). A bound by labels alone can't count bytes alike everywhere, since nobody knows how long the bodies were that are gone;
 * so this one is each device's own, and puts off what is too much: nothing is refused, and in the end all have the same.
 *
 *   quota/<space>   device || day of its labels -> day of our clock || bytes that were taken in on that (u64 each; days since 1970, and PAST for all before yesterday together)
 *
 * A past that comes late is spread over the days on which it was said, and each of them has room for itself. A flood has the days since its author was invited: those before it, and those to
 * come, count as the nearest of these, and whoever goes back within a chain as where they were; all from before yesterday has a bound of its own besides. In the usual case nothing is written: less than a MiB a day is not worth it.
 */
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, toHex, u64 } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type SpaceId } from '../../wire/ids.ts'
import { HLC_STEP, type OpHeader } from '../../wire/op.ts'
import { MAX_SAID_BYTES_A_DAY, PAST_DAYS_A_DAY, SAID_SAVED_EVERY } from '../limits.ts'
import { type ChainKey, chainKey, DAY_MS } from '../log/log.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'

export const quotaPartition = (space: SpaceId): string => `quota/${space}`

/** In the place of a day: all those before yesterday. */
const PAST = Number.MAX_SAFE_INTEGER

export class Quota {
  private readonly replica: Replica
  private today = -1
  private readonly taken = new Map<DeviceId, Map<number, number>>()
  /** Days of devices, of which nothing more is taken in today. */
  private readonly full = new Set<string>()
  /** Chains that go on with such a day. */
  private readonly stopped = new Set<ChainKey>()
  private isSaved = false
  /** Something was put off until today. */
  private isPutOff = false
  /** Ops that were let go of: parcels that hold such don't count as had, so that comparing brings them again. */
  letGo = 0

  constructor(replica: Replica) { this.replica = replica }

  load(rows: readonly Row[]): void {
    const whole = rows.filter(({ key, value }) => key.length === 40 && value.length === 16)
    this.isSaved = whole.length > 0
    for (const { key, value } of whole) {
      const on = fromU64(value.subarray(0, 8))
      if (on < this.today) continue
      if (on > this.today) { this.today = on; this.clear() }
      this.set(toHex(key.subarray(0, 32)) as DeviceId, fromU64(key.subarray(32)), fromU64(value.subarray(8)))
    }
  }

  private get aDay(): number { return this.replica.world.saidADay ?? MAX_SAID_BYTES_A_DAY }
  private boundOf(day: number): number { return day === PAST ? PAST_DAYS_A_DAY * this.aDay : this.aDay }

  private clear(): void { for (const one of [this.taken, this.full, this.stopped]) one.clear() }

  private set(device: DeviceId, day: number, bytes: number): void {
    const days = this.taken.get(device)
    if (days === undefined) this.taken.set(device, new Map([[day, bytes]])); else days.set(day, bytes)
    if (bytes >= this.boundOf(day)) this.full.add(device + day)
  }

  /** Another day gives all of them room again. */
  private look({ now, out }: Turn): void {
    const today = Math.floor(now / DAY_MS)
    if (today === this.today) return
    this.today = today
    this.isPutOff ||= this.full.size > 0
    this.clear()
    if (this.isSaved) out.drop(quotaPartition(this.replica.id))
    this.isSaved = false
  }

  /** Whether a day began that has room for what was put off: said once. */
  goesOn(turn: Turn): boolean {
    this.look(turn)
    const was = this.isPutOff
    this.isPutOff = false
    return was
  }

  /** The days that something counts for. */
  daysOf(header: OpHeader): readonly number[] {
    const { log, authority } = this.replica
    const day = Math.min(this.today, Math.max(log.dayOf(header), Math.floor(authority.invitedAt(header.device) / (DAY_MS * HLC_STEP))))
    return day < this.today - 1 ? [day, PAST] : [day]
  }

  /** Before it is put into the log. */
  took(turn: Turn, header: OpHeader, bytes: number): void {
    this.look(turn)
    for (const day of this.daysOf(header)) this.count(turn, header.device, day, bytes)
  }

  private count(turn: Turn, device: DeviceId, day: number, bytes: number): void {
    const before = this.taken.get(device)?.get(day) ?? 0, sum = before + bytes, part = Math.min(SAID_SAVED_EVERY, this.aDay / 4)
    this.set(device, day, sum)
    if (Math.floor(before / part) === Math.floor(sum / part)) return
    this.isSaved = true
    turn.out.putLast(quotaPartition(this.replica.id), device + day, () => ({ key: concat(fromHex(device) as Uint8Array, u64(day)), value: concat(u64(this.today), u64(this.taken.get(device)?.get(day) ?? 0)) }))
  }

  /** Whether an op has to wait for another day. What this device said itself is taken in, or it would sign in its place. `isNext`: it goes on from what is here. */
  putsOff(turn: Turn, header: OpHeader, isNext: boolean): boolean {
    this.look(turn)
    const { channel, device } = header, chain = chainKey(channel, device)
    if (this.full.size === 0 || channel === AUTHORITY_CHANNEL || device === this.replica.me.device) return false
    if (isNext && this.daysOf(header).some((day) => this.full.has(device + day))) this.stopped.add(chain)
    if (!this.stopped.has(chain)) return false
    this.letGo++
    return true
  }

  isStopped(chain: ChainKey): boolean { return this.stopped.has(chain) }
  get stopsSome(): boolean { return this.stopped.size > 0 }

  /** Whether others might put off what this device says now. */
  isFull(turn: Turn): boolean {
    this.look(turn)
    return (this.taken.get(this.replica.me.device)?.get(this.today) ?? 0) >= this.aDay / 2
  }
}
