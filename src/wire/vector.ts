/**
 * A version vector: how far a device holds each (channel, device) chain, as [[channel, [[device, chanSeq, first 8 bytes of the head's id], ...]], ...],
 * channels ascending, then devices, then heads. A different head at the same number reveals a forked chain at once; a forked chain has an entry for
 * each of its branches.
 */
import { fromHex, toHex } from './bytes.ts'
import { type Cbor, isArray, isBytes, isUint } from './cbor.ts'
import { type ChannelId, type DeviceId, parseChannelId, parseDeviceId } from './ids.ts'

export const MAX_VECTOR_CHANNELS = 2048
export const MAX_VECTOR_ENTRIES = 20_000

export interface VectorEntry { readonly channel: ChannelId; readonly device: DeviceId; readonly chanSeq: number; readonly head: string }
/** Ascending by channel, then device, then head. */
export type Vector = readonly VectorEntry[]

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export function encodeVector(vector: Vector): Cbor {
  const channels: [ChannelId, Cbor[]][] = []
  for (const e of vector) {
    let last = channels[channels.length - 1]
    if (last === undefined || last[0] !== e.channel) channels.push((last = [e.channel, []]))
    last[1].push([raw(e.device), e.chanSeq, raw(e.head)])
  }
  return channels.map(([channel, entries]) => [raw(channel), entries])
}

export function decodeVector(v: Cbor | undefined): Vector | undefined {
  if (!isArray(v) || v.length > MAX_VECTOR_CHANNELS) return undefined
  const out: VectorEntry[] = []
  let lastChannel = ''
  for (const item of v) {
    if (!isArray(item, 2)) return undefined
    const [channelBytes, entries] = item
    const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined
    if (channel === undefined || channel <= lastChannel || !isArray(entries) || entries.length === 0) return undefined
    lastChannel = channel
    let lastTip = ''
    for (const entry of entries) {
      if (!isArray(entry, 3) || out.length >= MAX_VECTOR_ENTRIES) return undefined
      const [deviceBytes, chanSeq, head] = entry
      const device = isBytes(deviceBytes, 32) ? parseDeviceId(deviceBytes) : undefined
      if (device === undefined || !isUint(chanSeq) || chanSeq < 1 || !isBytes(head, 8)) return undefined
      const tip = device + toHex(head)
      if (tip <= lastTip) return undefined
      lastTip = tip
      out.push({ channel, device, chanSeq, head: toHex(head) })
    }
  }
  return out
}
