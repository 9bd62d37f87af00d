/**
 * What others are given of a channel's log. Most of it goes in columns (sync/packing.ts), which say of an op what its row says; so it is not made for that, which would cost
 * the giver as much as it costs who takes it in. The id, which tells what follows what, is named by the row behind it.
 */
import type { Row } from '../../ports.ts'
import { fromU64, toHex } from '../../wire/bytes.ts'
import type { ChannelId, DeviceId } from '../../wire/ids.ts'
import { decodeKeptOp, isKeptOp, isMarked, type KeptOp } from '../../wire/kept-op.ts'
import type { Op, OpHeader } from '../../wire/op.ts'
import type { Linked } from '../log/vouching.ts'
import type { Replica } from '../replica.ts'
import { keptOp } from './kept.ts'

/** Keys of rows of chains that never forked are this long. */
const PLACE_BYTES = 40

export interface Given extends Linked {
  readonly header: Omit<OpHeader, 'bodyHash' | 'kid'>
  /** What it says, where its row tells all that columns do; undefined: it is looked for in the whole op. */
  readonly said: Uint8Array | undefined
  /** Bytes that are held for it. */
  readonly size: number
  whole(): Op | undefined
}

export const given = (op: Op): Given => ({ id: op.id, sig: op.sig, header: op.header, said: undefined, size: op.bytes.length, whole: () => op })

/** Of rows of one chain, in their order; undefined for each that gives no op. `isWhole`: the reader can't open columns. */
export function givenOf(replica: Replica, channel: ChannelId, rows: readonly Row[], isWhole: boolean): (Given | undefined)[] {
  const kept = rows.map(({ key, value }) => (!isWhole && key.length === PLACE_BYTES && isKeptOp(value) ? decodeKeptOp(value) : undefined))
  return rows.map((row, n) => {
    const own = kept[n], next = kept[n + 1]
    if (own !== undefined && next !== undefined && follows(row, rows[n + 1] as Row, own, next)) return unmade(replica, channel, row, own, next)
    const op = keptOp(replica, channel, row)
    return op === undefined ? undefined : given(op)
  })
}

const numberOf = ({ key }: Row): number => fromU64(key.subarray(32))
const follows = (row: Row, behind: Row, own: KeptOp, next: KeptOp): boolean => numberOf(behind) === numberOf(row) + 1 && next.chanPrev !== undefined && isMarked(own, next.chanPrev)

function unmade(replica: Replica, channel: ChannelId, row: Row, { type, audience, deps, epoch, seq, hlc, prev, chanPrev, text, sig }: KeptOp, next: KeptOp): Given | undefined {
  // Without the key nothing is given, as when it would have to be made.
  if (next.chanPrev === undefined || replica.audienceOf(epoch).groups.keys.contentKey(epoch, channel) === undefined) return undefined
  const header = { space: replica.id, audience, channel, device: toHex(row.key.subarray(0, 32)) as DeviceId, seq, prev, chanSeq: numberOf(row), chanPrev, deps, type, hlc, epoch }
  return { id: next.chanPrev, sig, header, said: text, size: row.value.length, whole: () => keptOp(replica, channel, row) }
}
