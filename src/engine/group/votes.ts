/** What is kept of a vote: key epoch || device || channel, value number (8) || op || place in the channel's chain (8). Earlier versions kept no channel and no place in it. */
import type { Row } from '../../ports.ts'
import { concat, fromHex, fromU64, u64 } from '../../wire/bytes.ts'
import { type ChannelId, type DeviceId, type EpochId, type OpId, parseChannelId, parseDeviceId, parseOpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'

export function voteRow(epoch: EpochId, { id, header: { device, channel, seq, chanSeq } }: Op): Row {
  return { key: concat(raw(epoch), raw(device), raw(channel)), value: concat(u64(seq), raw(id), u64(chanSeq)) }
}

export function readVote({ key, value }: Row): readonly [epoch: EpochId, device: DeviceId, seq: number, id: OpId, channel?: ChannelId, chanSeq?: number] | undefined {
  const epoch = parseOpId(key.subarray(0, 32)), device = parseDeviceId(key.subarray(32, 64)), id = parseOpId(value.subarray(8, 40)), channel = parseChannelId(key.subarray(64))
  if (epoch === undefined || device === undefined || id === undefined) return undefined
  return channel === undefined ? [epoch, device, fromU64(value), id] : [epoch, device, fromU64(value), id, channel, fromU64(value.subarray(40))]
}

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
