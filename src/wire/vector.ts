/**
 * A version vector: how far a device holds each (channel, device) chain, as [[channel, [[device, chanSeq, first 8 bytes of the head's id], ...]], ...],
 * channels ascending, then devices, then heads. A different head at the same number reveals a forked chain at once; a forked chain has an entry for
 * each of its branches.
 *
 * Connected peers tell it as [[channel, named, whole], ...]: channels in the order in which they are wanted, those of which nothing is held, too. A chain is its device, the
 * first 8 bytes of its head's id and its number (LEB128): in `named` by the first 8 bytes of the device's id, in `whole` by all of it, where its reader may not know the
 * device, or two begin alike.
 */
import { concat, fromHex, hexAt, toHex } from './bytes.ts'
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

/** Hex: the first bytes of a device's id, or all of it. */
export type DeviceName = string
export const NAME_BYTES = 8
const WHOLE_BYTES = 32, HEAD_BYTES = 8
export interface ToldChain { readonly device: DeviceName; readonly chanSeq: number; readonly head: string }
/** What is held of a channel: ascending, those that are named first. */
export interface Told { readonly channel: ChannelId; readonly chains: readonly ToldChain[] }

export const encodeTold = (told: readonly Told[]): Cbor => told.map(({ channel, chains }) => [raw(channel), ...[NAME_BYTES, WHOLE_BYTES].map((size) => {
  const those = chains.filter(({ device }) => device.length === 2 * size)
  return concat(...those.flatMap(({ device, chanSeq, head }) => [raw(device), raw(head), leb(chanSeq)]))
})])

export function decodeTold(v: Cbor | undefined): Told[] | undefined {
  if (!isArray(v) || v.length > MAX_VECTOR_CHANNELS) return undefined
  const out: Told[] = [], channels = new Set<ChannelId>()
  let room = MAX_VECTOR_ENTRIES
  for (const item of v) {
    const [channelBytes, named, whole] = isArray(item, 3) ? item : []
    const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined
    if (channel === undefined || channels.has(channel) || !isBytes(named) || !isBytes(whole)) return undefined
    channels.add(channel)
    const lists = [readChains(named, NAME_BYTES, room), readChains(whole, WHOLE_BYTES, room)], [first, second] = lists
    if (first === undefined || second === undefined || (room -= first.length + second.length) < 0) return undefined
    out.push({ channel, chains: [...first, ...second] })
  }
  return out
}

function readChains(bytes: Uint8Array, size: number, most: number): ToldChain[] | undefined {
  const out: ToldChain[] = []
  let last = ''
  for (let at = 0; at < bytes.length;) {
    const from = at + size + HEAD_BYTES
    if (from >= bytes.length || out.length >= most) return undefined
    const device = hexAt(bytes, at, size), head = hexAt(bytes, at + size, HEAD_BYTES)
    let chanSeq = 0, scale = 1
    for (at = from; ; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined || scale > 2 ** 49 || (byte === 0 && scale > 1)) return undefined
      chanSeq += (byte & 127) * scale
      if (byte < 128) break
    }
    if (chanSeq < 1 || !Number.isSafeInteger(chanSeq) || device + head <= last) return undefined
    last = device + head
    out.push({ device, chanSeq, head })
  }
  return out
}

function leb(value: number): Uint8Array {
  const out: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128)
  out.push(rest)
  return Uint8Array.from(out)
}
