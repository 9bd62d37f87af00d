/**
 * Frames between two connected peers, inside the connection's own encryption. Everything after `hello` names the space by the token both sides proved.
 *
 *   hello   [1, [[token, nonce, sealed proof], ...]]   one per space; only someone who holds the space's relay key can make or read it
 *   digest  [7, token, [[channel, digest], ...]]       of each channel what I hold, in 8 bytes: where that differs, the other tells its vector
 *   vector  [2, begin of token, told, asks]            how far I hold some chains (vector.ts); asks: what I lack of these channels is to be sent, which ops that end do answer
 *   ask     [3, token, [[channel, [[device, from, to], ...]], ...], [tree hash, ...], plain?]      plain: nothing is to be packed, for who can't open it
 *   ops     [4, token, [op bytes, ...], [[channel, epoch, sealed columns, signatures], ...], more?]         answers, and fresh ops unasked
 *   fresh   [8, begin of token, [fresh op, ...]]       unasked, without what its reader knows (fresh.ts)
 *   tree    [5, token, ratchet tree bytes]
 *   signal  [6, token, envelope]                       what is true now and kept nowhere, sealed as for a relay
 */
import { fromHex, toHex } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isUint } from './cbor.ts'
import { decodeFresh, encodeFresh, type FreshOp } from './fresh.ts'
import { type ChannelId, type DeviceId, type EpochId, parseChannelId, parseDeviceId, parseOpId } from './ids.ts'
import { MAX_OP_BYTES } from './op.ts'
import { decodeTold, encodeTold, type Told } from './vector.ts'

export const MAX_FRAME_PAYLOAD = 1024 * 1024
const MAX_HELLOS = 256
/** Of a proof with digests. */
const MAX_HELLO_BYTES = 2048
const MAX_SIGNAL_BYTES = 4096
const MAX_RANGES = 2000
const MAX_OPS = 4096
/** Fresh ops in one frame. */
export const MAX_FRESH = 64
const SHORT_TOKEN_BYTES = 4
/** Channels and epochs in one frame of ops: a batch of them is not more. */
const MAX_PACKED = 1024
/** Channels of one space in a digest: more than a space may have. */
export const MAX_DIGESTS = 2048

export interface Hello { readonly token: Uint8Array; readonly nonce: Uint8Array; readonly sealed: Uint8Array }
/** Hex of 8 bytes. */
export interface ChannelDigest { readonly channel: ChannelId; readonly digest: string }
export interface AskRange { readonly channel: ChannelId; readonly device: DeviceId; readonly from: number; readonly to: number }
/** Content of one channel and epoch, as columns (columns.ts) sealed for who has the key; and the signatures, of 64 bytes each, that come with them. */
export interface PackedOps { readonly channel: ChannelId; readonly epoch: EpochId; readonly sealed: Uint8Array; readonly sigs: Uint8Array }
export type Frame =
  | { readonly type: 'hello'; readonly spaces: readonly Hello[] }
  | { readonly type: 'digest'; readonly token: Uint8Array; readonly channels: readonly ChannelDigest[] }
  /** `token` here and in `fresh`: its first four bytes. One connection has few. */
  | { readonly type: 'vector'; readonly token: Uint8Array; readonly told: readonly Told[]; readonly asks: boolean }
  | { readonly type: 'ask'; readonly token: Uint8Array; readonly ranges: readonly AskRange[]; readonly trees: readonly Uint8Array[]; readonly plain?: true }
  | { readonly type: 'ops'; readonly token: Uint8Array; readonly ops: readonly Uint8Array[]; readonly packed?: readonly PackedOps[]; readonly more: boolean }
  | { readonly type: 'fresh'; readonly token: Uint8Array; readonly ops: readonly FreshOp[] }
  | { readonly type: 'tree'; readonly token: Uint8Array; readonly tree: Uint8Array }
  | { readonly type: 'signal'; readonly token: Uint8Array; readonly sealed: Uint8Array }

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export function encodeFrame(f: Frame): Uint8Array {
  switch (f.type) {
    case 'hello': return encodeCbor([1, f.spaces.map((s) => [s.token, s.nonce, s.sealed])])
    case 'digest': return encodeCbor([7, f.token, f.channels.map((c) => [raw(c.channel), raw(c.digest)])])
    case 'vector': return encodeCbor([2, f.token.subarray(0, SHORT_TOKEN_BYTES), encodeTold(f.told), f.asks])
    case 'ask': return encodeCbor([3, f.token, encodeRanges(f.ranges), [...f.trees], f.plain === true])
    case 'ops': return encodeCbor([4, f.token, [...f.ops], (f.packed ?? []).map((p) => [raw(p.channel), raw(p.epoch), p.sealed, p.sigs]), f.more])
    case 'fresh': return encodeCbor([8, f.token.subarray(0, SHORT_TOKEN_BYTES), f.ops.map(encodeFresh)])
    case 'tree': return encodeCbor([5, f.token, f.tree])
    case 'signal': return encodeCbor([6, f.token, f.sealed])
  }
}

export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  const v = decodeCbor(bytes, MAX_FRAME_PAYLOAD)
  if (!isArray(v)) return undefined
  if (v[0] === 1) return decodeHello(v)
  if (v[0] === 8) return decodeFreshOps(v)
  if (v[0] === 2) return decodeVectorFrame(v)
  const token = v[1]
  if (!isBytes(token, 16)) return undefined
  switch (v[0]) {
    case 3: return decodeAsk(v, token)
    case 4: return decodeOps(v, token)
    case 5: return v.length === 3 && isBytes(v[2]) ? { type: 'tree', token, tree: v[2] } : undefined
    case 6: return v.length === 3 && isBytes(v[2]) && v[2].length <= MAX_SIGNAL_BYTES ? { type: 'signal', token, sealed: v[2] } : undefined
    case 7: return decodeDigest(v, token)
    default: return undefined
  }
}

function decodeHello(v: readonly Cbor[]): Frame | undefined {
  const list = v[1]
  if (v.length !== 2 || !isArray(list) || list.length > MAX_HELLOS) return undefined
  const spaces: Hello[] = []
  for (const item of list) {
    if (!isArray(item, 3)) return undefined
    const [token, nonce, sealed] = item
    if (!isBytes(token, 16) || !isBytes(nonce, 24) || !isBytes(sealed) || sealed.length > MAX_HELLO_BYTES) return undefined
    spaces.push({ token, nonce, sealed })
  }
  return { type: 'hello', spaces }
}

/** In their order, those of one channel that follow each other together. */
function encodeRanges(ranges: readonly AskRange[]): Cbor[] {
  const out: [ChannelId, Cbor[]][] = []
  for (const { channel, device, from, to } of ranges) {
    let last = out[out.length - 1]
    if (last?.[0] !== channel) out.push((last = [channel, []]))
    last[1].push([raw(device), from, to])
  }
  return out.map(([channel, parts]) => [raw(channel), parts])
}

function decodeAsk(v: readonly Cbor[], token: Uint8Array): Frame | undefined {
  const list = v[2], hashes = v[3], plain = v[4]
  if (v.length !== 5 || typeof plain !== 'boolean' || !isArray(list) || list.length > MAX_RANGES || !isArray(hashes) || hashes.length > 8) return undefined
  const ranges: AskRange[] = []
  for (const item of list) {
    const channel = isArray(item, 2) && isBytes(item[0], 16) ? parseChannelId(item[0]) : undefined, parts = isArray(item, 2) ? item[1] : undefined
    if (channel === undefined || !isArray(parts) || parts.length === 0) return undefined
    for (const part of parts) {
      if (!isArray(part, 3) || ranges.length >= MAX_RANGES) return undefined
      const [deviceBytes, from, to] = part, device = isBytes(deviceBytes, 32) ? parseDeviceId(deviceBytes) : undefined
      if (device === undefined || !isUint(from) || !isUint(to) || from < 1 || to < from) return undefined
      ranges.push({ channel, device, from, to })
    }
  }
  const trees = hashes.filter((h): h is Uint8Array => isBytes(h, 32))
  return trees.length === hashes.length ? { type: 'ask', token, ranges, trees, ...(plain ? { plain } : {}) } : undefined
}

function decodeOps(v: readonly Cbor[], token: Uint8Array): Frame | undefined {
  const list = v[2], groups = v[3], more = v[4]
  if (v.length !== 5 || !isArray(list) || list.length > MAX_OPS || !isArray(groups) || groups.length > MAX_PACKED || typeof more !== 'boolean') return undefined
  const ops = list.filter((op): op is Uint8Array => isBytes(op) && op.length <= MAX_OP_BYTES)
  const packed: PackedOps[] = []
  for (const group of groups) {
    if (!isArray(group, 4)) return undefined
    const [channelBytes, epochBytes, sealed, sigs] = group
    const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined, epoch = isBytes(epochBytes, 32) ? parseOpId(epochBytes) : undefined
    if (channel === undefined || epoch === undefined || !isBytes(sealed) || !isBytes(sigs) || sigs.length % 64 !== 0) return undefined
    packed.push({ channel, epoch, sealed, sigs })
  }
  return ops.length === list.length ? { type: 'ops', token, ops, ...(packed.length === 0 ? {} : { packed }), more } : undefined
}

function decodeVectorFrame(v: readonly Cbor[]): Frame | undefined {
  const [, token, list, asks] = v, told = decodeTold(list)
  return v.length === 4 && isBytes(token, SHORT_TOKEN_BYTES) && told !== undefined && typeof asks === 'boolean' ? { type: 'vector', token, told, asks } : undefined
}

function decodeFreshOps(v: readonly Cbor[]): Frame | undefined {
  const [, token, list] = v
  if (v.length !== 3 || !isBytes(token, SHORT_TOKEN_BYTES) || !isArray(list) || list.length === 0 || list.length > MAX_FRESH) return undefined
  const ops = list.map((one) => (isBytes(one) ? decodeFresh(one) : undefined)).filter((one) => one !== undefined)
  return ops.length === list.length ? { type: 'fresh', token, ops } : undefined
}

function decodeDigest(v: readonly Cbor[], token: Uint8Array): Frame | undefined {
  const list = v[2]
  if (v.length !== 3 || !isArray(list) || list.length > MAX_DIGESTS) return undefined
  const channels: ChannelDigest[] = []
  for (const item of list) {
    if (!isArray(item, 2)) return undefined
    const [channelBytes, digest] = item
    const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined
    if (channel === undefined || channel <= (channels[channels.length - 1]?.channel ?? '') || !isBytes(digest, 8)) return undefined
    channels.push({ channel, digest: toHex(digest) })
  }
  return { type: 'digest', token, channels }
}
