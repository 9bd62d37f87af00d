/**
 * Rows of the log. What this device can read it keeps as what it says (wire/kept-op.ts), and makes the op anew when it is asked for it, byte for byte; all else it keeps as it came: authority,
 * husks, what it can't read, and what its author sealed in a way of their own.
 */
import type { Row } from '../../ports.ts'
import { fromU64 } from '../../wire/bytes.ts'
import type { Content } from '../../wire/content.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type EpochId, type OpId, parseDeviceId } from '../../wire/ids.ts'
import { decodeKeptOp, encodeKeptOp, isKeptOp, isMarked, markOf } from '../../wire/kept-op.ts'
import { decodeOpOrHusk, type Op, type OpHeader } from '../../wire/op.ts'
import type { Replica } from '../replica.ts'
import { openContent, remake, textOf } from './content.ts'

/** The op with what it says, where this device can read it and would seal it in the same way. */
export function withText(replica: Replica, op: Op): Op {
  const { channel, epoch } = op.header
  if (op.plain !== undefined || op.isHusk === true || epoch === undefined || channel === AUTHORITY_CHANNEL) return op
  const key = replica.audienceOf(epoch).groups.keys.contentKey(epoch, channel), plain = key && textOf(replica.world.suite, key, op)
  return plain === undefined ? op : { ...op, plain }
}

/** The row of an op. */
export function keptBytes(op: Op): Uint8Array {
  const { id, header: h, sig, plain, isHusk } = op
  if (plain === undefined || isHusk === true || h.epoch === undefined || h.channel === AUTHORITY_CHANNEL) return op.bytes
  const { type, audience, deps, epoch, seq, hlc, prev, chanPrev } = h
  return encodeKeptOp({ type, audience, deps, epoch, seq, hlc, prev, chanPrev, mark: markOf(id), sig, text: plain })
}

/** The op of a row of a channel; undefined for a row that is damaged, and while the key that its body was sealed under is missing. */
export function keptOp(replica: Replica, channel: ChannelId, { key: rowKey, value }: Row): Op | undefined {
  const { suite } = replica.world
  if (!isKeptOp(value)) return decodeOpOrHusk(value, (b) => suite.sha256(b))
  const kept = decodeKeptOp(value), device = rowKey.length < 40 ? undefined : parseDeviceId(rowKey.subarray(0, 32))
  const key = kept && replica.audienceOf(kept.epoch).groups.keys.contentKey(kept.epoch, channel)
  if (kept === undefined || device === undefined || key === undefined) return undefined
  const { type, audience, deps, epoch, seq, hlc, prev, chanPrev, text, sig } = kept
  const op = remake(suite, key, { space: replica.id, audience, channel, device, seq, prev, chanSeq: fromU64(rowKey.subarray(32)), chanPrev, deps, type, hlc, epoch }, text, sig)
  return op !== undefined && isMarked(kept, op.id) ? op : undefined
}

/** The op before it in its channel, which a row names whether or not its key is here. */
export const predecessorIn = ({ world: { suite } }: Replica, { value }: Row): OpId | undefined =>
  (isKeptOp(value) ? decodeKeptOp(value)?.chanPrev : decodeOpOrHusk(value, (b) => suite.sha256(b))?.header.chanPrev)

/** What the op of this id says, where it is the one in this row and its key is here. */
export function saidIn(replica: Replica, channel: ChannelId, row: Row, id: OpId): Content | undefined {
  const op = keptOp(replica, channel, row), epoch = op?.header.epoch
  const key = epoch === undefined ? undefined : replica.audienceOf(epoch).groups.keys.contentKey(epoch, channel)
  return op === undefined || op.id !== id || op.isHusk === true || key === undefined ? undefined : openContent(replica.world.suite, key, op)
}

/** What sort of op a row is, and its label: that shows whether or not its key is here. */
export const headOf = ({ world: { suite } }: Replica, { value }: Row): Pick<OpHeader, 'type' | 'hlc'> | undefined =>
  (isKeptOp(value) ? decodeKeptOp(value) : decodeOpOrHusk(value, (b) => suite.sha256(b))?.header)

/** The epoch whose key is missing, where it is that for which a row gives no op. */
export function lockingEpoch(replica: Replica, { value }: Row): EpochId | undefined {
  const kept = isKeptOp(value) ? decodeKeptOp(value) : undefined
  return kept !== undefined && !replica.audienceOf(kept.epoch).groups.keys.has(kept.epoch) ? kept.epoch : undefined
}

