/**
 * Content on the disk that is still to be read: its key isn't here, or it was read before and what is made of it may be here, so that it is first looked where that stands (remaking.ts).
 *
 *   locked/<space>   channel || key of its row in the log -> epoch; of what was read before one more byte
 */
import type { Row } from '../../ports.ts'
import { concat, fromHex, toHex } from '../../wire/bytes.ts'
import type { ChannelId, EpochId, SpaceId } from '../../wire/ids.ts'
import type { OpHeader } from '../../wire/op.ts'
import type { Turn } from '../turn.ts'

const AGAIN = Uint8Array.of(1)

/** A row of the log, by its key. */
export interface OpRow { readonly channel: ChannelId; readonly key: Uint8Array }
interface LockedRow extends OpRow { readonly isAgain: boolean }

const rowKey = ({ channel, key }: OpRow): Uint8Array => concat(fromHex(channel) as Uint8Array, key)

export class Locked {
  private readonly partition: string
  private readonly rows = new Map<EpochId, Map<string, LockedRow>>()
  /** Those that can be read again. */
  private again: OpRow[] = []

  constructor(space: SpaceId) { this.partition = `locked/${space}` }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) this.note(toHex(value.subarray(0, 32)) as EpochId, { channel: toHex(key.subarray(0, 16)) as ChannelId, key: key.subarray(16), isAgain: value.length > 32 })
  }

  get epochs(): EpochId[] { return [...this.rows.keys()] }

  /** What this row of a channel says is to be read when the epoch's key is here. */
  lock(turn: Turn, epoch: EpochId, channel: ChannelId, key: Uint8Array, isAgain = false): void {
    this.note(epoch, { channel, key, isAgain })
    const value = fromHex(epoch) as Uint8Array
    turn.out.put(this.partition, rowKey({ channel, key }), isAgain ? concat(value, AGAIN) : value)
  }

  private note(epoch: EpochId, row: LockedRow): void {
    const set = this.rows.get(epoch) ?? new Map<string, LockedRow>()
    set.set(row.channel + toHex(row.key), row)
    this.rows.set(epoch, set)
  }

  /** Its body is gone: no key need be looked for. */
  forget(turn: Turn, { channel, epoch }: Pick<OpHeader, 'channel' | 'epoch'>, key: Uint8Array): void {
    const waiting = this.rows.get(epoch as EpochId)
    if (waiting?.delete(channel + toHex(key)) !== true) return
    if (waiting.size === 0) this.rows.delete(epoch as EpochId)
    this.done(turn, { channel, key })
  }

  /** By epoch those to be read for the first time whose key is here now; what is to be read again is kept for `takeAgain`. */
  takeOpen(hasKey: (epoch: EpochId) => boolean): (readonly [EpochId, readonly OpRow[]])[] {
    const open = [...this.rows].filter(([epoch]) => hasKey(epoch))
    return open.map(([epoch, rows]) => {
      this.rows.delete(epoch)
      this.again.push(...[...rows.values()].filter(({ isAgain }) => isAgain))
      return [epoch, [...rows.values()].filter(({ isAgain }) => !isAgain)]
    })
  }

  takeAgain(most: number): OpRow[] { return this.again.splice(0, most) }

  /** It was read. */
  done(turn: Turn, row: OpRow): void { turn.out.delete(this.partition, rowKey(row)) }
}
