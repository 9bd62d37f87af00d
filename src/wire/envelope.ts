/**
 * What a relay and a gossip stranger see of us: key hint (8) || nonce (24) || AEAD(envelope key, padded payload).
 * The payload, visible to members only:
 *
 *   ops       [1, [op bytes, ...]]                          fresh or repeated ops
 *   presence  [2, device, peer, [address, ...], at, sig]    who is reachable where, not stored
 *   receipt   [3, device, at, [[channel, device, chanSeq], ...], sig]   what a device holds
 *   tree      [4, ratchet tree bytes]                       by hash, for joiners
 *   typing    [5, device, channel, at, sig]                 somebody is writing now, not stored
 *   contact   [6, sealed bytes]                             for one device: somebody wants to talk to its person alone
 *   marks     [7, sealed]                                   how far somebody has read, for their other devices (marks.ts)
 *   aside     [8, sealed presence, ops or tree]             for one device, where not only members can open this envelope
 */
import { concat, fromHex } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText, isUint } from './cbor.ts'
import { type ChannelId, type DeviceId, parseChannelId, parseDeviceId } from './ids.ts'
import { MAX_MARKS_BYTES } from './marks.ts'
import { MAX_OP_BYTES } from './op.ts'
import { decodeVector, encodeVector, type Vector } from './vector.ts'

export const MAX_ENVELOPE_BYTES = 1024 * 1024
export const HINT_BYTES = 8
export const NONCE_BYTES = 24
const MAX_OPS = 4096
const MAX_CONTACT_BYTES = 8192
const MAX_TREE_BYTES = 512 * 1024
/** A tree, sealed. */
const MAX_ASIDE_BYTES = MAX_TREE_BYTES + 1024

export interface Presence { readonly type: 'presence'; readonly device: DeviceId; readonly peer: string; readonly addresses: readonly string[]; readonly at: number; readonly sig: Uint8Array }
export interface Receipt { readonly type: 'receipt'; readonly device: DeviceId; readonly at: number; readonly vector: Vector; readonly sig: Uint8Array }
export interface Typing { readonly type: 'typing'; readonly device: DeviceId; readonly channel: ChannelId; readonly at: number; readonly sig: Uint8Array }
export interface Marks { readonly type: 'marks'; readonly sealed: Uint8Array }
export type Payload =
  | { readonly type: 'ops'; readonly ops: readonly Uint8Array[] }
  | Presence
  | Receipt
  | Typing
  | Marks
  | { readonly type: 'contact'; readonly sealed: Uint8Array }
  | { readonly type: 'aside'; readonly sealed: Uint8Array }
  | { readonly type: 'tree'; readonly tree: Uint8Array }

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

/** What a presence or a receipt is signed over, after its label: everything but the signature. */
export const presenceBytes = (p: Omit<Presence, 'sig' | 'type'>): Uint8Array => encodeCbor([raw(p.device), p.peer, [...p.addresses], p.at])
export const receiptBytes = (r: Omit<Receipt, 'sig' | 'type'>): Uint8Array => encodeCbor([raw(r.device), r.at, encodeVector(r.vector)])

export const typingBytes = (t: Omit<Typing, 'sig' | 'type'>): Uint8Array => encodeCbor([raw(t.device), raw(t.channel), t.at])

export function encodePayload(p: Payload): Uint8Array {
  switch (p.type) {
    case 'ops': return encodeCbor([1, [...p.ops]])
    case 'presence': return encodeCbor([2, raw(p.device), p.peer, [...p.addresses], p.at, p.sig])
    case 'receipt': return encodeCbor([3, raw(p.device), p.at, encodeVector(p.vector), p.sig])
    case 'tree': return encodeCbor([4, p.tree])
    case 'contact': return encodeCbor([6, p.sealed])
    case 'marks': return encodeCbor([7, p.sealed])
    case 'aside': return encodeCbor([8, p.sealed])
    case 'typing': return encodeCbor([5, raw(p.device), raw(p.channel), p.at, p.sig])
  }
}

export function decodePayload(bytes: Uint8Array): Payload | undefined {
  const v = decodeCbor(bytes, MAX_ENVELOPE_BYTES)
  if (!isArray(v)) return undefined
  switch (v[0]) {
    case 1: return decodeOps(v)
    case 2: return decodePresence(v)
    case 3: return decodeReceipt(v)
    case 4: return v.length === 2 && isBytes(v[1]) && v[1].length <= MAX_TREE_BYTES ? { type: 'tree', tree: v[1] } : undefined
    case 5: return decodeTyping(v)
    case 6: return v.length === 2 && isBytes(v[1]) && v[1].length <= MAX_CONTACT_BYTES ? { type: 'contact', sealed: v[1] } : undefined
    case 7: return v.length === 2 && isBytes(v[1]) && v[1].length >= NONCE_BYTES && v[1].length <= MAX_MARKS_BYTES ? { type: 'marks', sealed: v[1] } : undefined
    case 8: return v.length === 2 && isBytes(v[1]) && v[1].length <= MAX_ASIDE_BYTES ? { type: 'aside', sealed: v[1] } : undefined
    default: return undefined
  }
}

function decodeOps(v: readonly Cbor[]): Payload | undefined {
  const list = v[1]
  if (v.length !== 2 || !isArray(list) || list.length > MAX_OPS) return undefined
  const ops: Uint8Array[] = []
  for (const op of list) {
    if (!isBytes(op) || op.length > MAX_OP_BYTES) return undefined
    ops.push(op)
  }
  return { type: 'ops', ops }
}

function decodePresence(v: readonly Cbor[]): Payload | undefined {
  const [, device, peer, list, at, sig] = v
  if (v.length !== 6 || !isBytes(device, 32) || !isText(peer, 128) || !isArray(list) || list.length > 16 || !isUint(at) || !isBytes(sig, 64)) return undefined
  const addresses: string[] = []
  for (const address of list) {
    if (!isText(address, 512)) return undefined
    addresses.push(address)
  }
  return { type: 'presence', device: parseDeviceId(device) as DeviceId, peer, addresses, at, sig }
}

function decodeReceipt(v: readonly Cbor[]): Payload | undefined {
  const [, device, at, vectorCbor, sig] = v
  const vector = decodeVector(vectorCbor)
  if (v.length !== 5 || !isBytes(device, 32) || !isUint(at) || vector === undefined || !isBytes(sig, 64)) return undefined
  return { type: 'receipt', device: parseDeviceId(device) as DeviceId, at, vector, sig }
}

function decodeTyping(v: readonly Cbor[]): Payload | undefined {
  const [, deviceBytes, channelBytes, at, sig] = v
  const device = isBytes(deviceBytes, 32) ? parseDeviceId(deviceBytes) : undefined
  const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined
  if (v.length !== 5 || device === undefined || channel === undefined || !isUint(at) || !isBytes(sig, 64)) return undefined
  return { type: 'typing', device, channel, at, sig }
}

export const encodeEnvelope = (hint: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array => concat(hint, nonce, sealed)

export function decodeEnvelope(bytes: Uint8Array): { hint: Uint8Array; nonce: Uint8Array; sealed: Uint8Array } | undefined {
  if (bytes.length < HINT_BYTES + NONCE_BYTES + 16 || bytes.length > MAX_ENVELOPE_BYTES) return undefined
  return { hint: bytes.subarray(0, HINT_BYTES), nonce: bytes.subarray(HINT_BYTES, HINT_BYTES + NONCE_BYTES), sealed: bytes.subarray(HINT_BYTES + NONCE_BYTES) }
}
