/**
 * An op: one signed entry of the log, in its device's hash chains and in the causal DAG.
 *
 *   header = canonical CBOR [v, space, audience, channel, device, seq, prev, chanSeq, chanPrev, deps, type, hlc, kid, epoch, bodyHash]
 *   opId   = SHA-256(header)                       the header carries the body's hash; the signature is not part of the id
 *   sig    = Ed25519(device, "tk1 op" || opId)
 *   op     = canonical CBOR [header bytes, body bytes, sig]
 *   husk   = canonical CBOR [header bytes, sig]         an op of content whose body was deleted: its place, its links and its signature stay
 *
 * `sig` is empty in an op or husk of content that a later op of its chain speaks for, which names it by its hash.
 *
 * Verified over the received bytes, never re-encoded. Bodies of authority ops are formats of their own (authority.ts, group.ts);
 * the body of a content op is ciphertext (content.ts).
 */
import { concat, equal, hexAt, toHex, utf8 } from './bytes.ts'
import { Cursor, encodeCbor, encodeItems, isUint } from './cbor.ts'
import type { ChannelId, DeviceId, EpochId, OpId, SpaceId } from './ids.ts'

export const OP_VERSION = 1
/** Bytes of one whole encoded op: a commit with a tree of 1000 leaves fits, with room. */
export const MAX_OP_BYTES = 512 * 1024
/** Bytes of the body of one content op: a nonce, a tag, and the most that content may be, padded (content.ts). */
export const MAX_CONTENT_BODY_BYTES = 40 + 72 * 1024
/** The clock of a header counts 1024ths of a millisecond. */
export const HLC_STEP = 1024
export const MAX_HEADER_BYTES = 2048
const HEADER_FIELDS = 15
export const MAX_TYPE_CHARS = 24
/** Heads an op may name; with more open heads, later ops name the rest. */
export const MAX_DEPS = 16
/** Audiences have random numbers, so that two made at the same time are not one; 0 is everyone's. */
export const MAX_AUDIENCE = 0xffff_ffff
const ZERO_32 = new Uint8Array(32), ZERO_ID = toHex(ZERO_32)
const EMPTY = new Uint8Array()
const SIGNED = utf8('tk1 op')

/** A place in a device's whole chain, and in that of a channel where it is known: it isn't of votes that an earlier version kept. */
export interface ChainPlace { readonly device: DeviceId; readonly seq: number; readonly channel?: ChannelId | undefined; readonly chanSeq?: number | undefined }

export interface OpHeader {
  readonly space: SpaceId
  /** 0 is the space's own audience; private channels get others. */
  readonly audience: number
  readonly channel: ChannelId
  readonly device: DeviceId
  /** From 1, without gaps, in this device's chain of this space. */
  readonly seq: number
  readonly prev: OpId | undefined
  /** From 1, without gaps, in this device's chain of this channel. */
  readonly chanSeq: number
  readonly chanPrev: OpId | undefined
  /** Authority heads this op's author had seen, ascending. */
  readonly deps: readonly OpId[]
  readonly type: string
  /** Hybrid logical clock: milliseconds * 1024 + counter. Labels only; never decides validity or order of authority. */
  readonly hlc: number
  /** Content key id (16 bytes) and epoch, for content ops only. */
  readonly kid: Uint8Array | undefined
  readonly epoch: EpochId | undefined
  readonly bodyHash: Uint8Array
}

export interface Op {
  readonly id: OpId
  readonly header: OpHeader
  /** These two lie in `bytes`: not to be written to. */
  readonly body: Uint8Array
  /** Empty where a later op of its chain speaks for it. */
  readonly sig: Uint8Array
  /** The whole encoded op as received or made: what is stored and sent on. */
  readonly bytes: Uint8Array
  /** Its body is gone, and `bytes` are the husk's. */
  readonly isHusk?: true
  /** What it says, unpadded, where it was made anew from that: then nothing need be opened. */
  readonly plain?: Uint8Array
}

export const encodeHeader = (h: OpHeader): Uint8Array => encodeItems((out) => {
  const link = (id: OpId | undefined): void => { if (id === undefined) out.bytes(ZERO_32); else out.hex(id) }
  out.list(HEADER_FIELDS)
  out.uint(OP_VERSION)
  out.hex(h.space)
  out.uint(h.audience)
  out.hex(h.channel)
  out.hex(h.device)
  out.uint(h.seq)
  link(h.prev)
  out.uint(h.chanSeq)
  link(h.chanPrev)
  out.list(h.deps.length)
  for (const dep of h.deps) out.hex(dep)
  out.text(h.type)
  out.uint(h.hlc)
  out.bytes(h.kid ?? EMPTY)
  out.hex(h.epoch ?? '')
  out.bytes(h.bodyHash)
})

/** Turns an id into text once while it stays the same: an author says much in one place. */
class Repeating<T extends string> {
  private readonly known = new Uint8Array(32)
  private id = '' as T

  at(bytes: Uint8Array, from: number, length: number): T {
    let same = this.id !== ''
    for (let i = 0; i < length && same; i++) same = this.known[i] === bytes[from + i]
    if (same) return this.id
    this.known.set(bytes.subarray(from, from + length))
    return (this.id = hexAt(bytes, from, length) as T)
  }
}

const spaces = new Repeating<SpaceId>(), channels = new Repeating<ChannelId>(), devices = new Repeating<DeviceId>(), epochs = new Repeating<EpochId>()
/** By their place in the list. */
const deps = Array.from({ length: MAX_DEPS }, () => new Repeating<OpId>())

/** Field by field, each where it must be: this runs for every op of a history, and a list of arrays in between would cost more than all the rest. */
export function decodeHeader(bytes: Uint8Array): OpHeader | undefined {
  if (bytes.length > MAX_HEADER_BYTES) return undefined
  const c = new Cursor(bytes)
  if (c.list() !== HEADER_FIELDS || c.uint() !== OP_VERSION) return undefined
  const space = c.bytesOf(32), audience = c.uint(), channel = c.bytesOf(16), device = c.bytesOf(32), seq = c.uint(), prev = c.bytesOf(32), chanSeq = c.uint(), chanPrev = c.bytesOf(32)
  if (space < 0 || audience < 0 || channel < 0 || device < 0 || seq < 0 || prev < 0 || chanSeq < 0 || chanPrev < 0) return undefined
  const seen = readDeps(c), type = c.text(MAX_TYPE_CHARS), hlc = c.uint(), kid = c.view(16), epoch = c.view(32), bodyHash = c.view(32)
  if (seen === undefined || type === undefined || hlc < 0 || kid === undefined || epoch === undefined || bodyHash?.length !== 32) return undefined
  if (c.at !== bytes.length || (kid.length !== 0 && kid.length !== 16) || (epoch.length !== 0 && epoch.length !== 32)) return undefined
  const header = {
    space: spaces.at(bytes, space, 32), audience, channel: channels.at(bytes, channel, 16), device: devices.at(bytes, device, 32),
    seq, prev: linkAt(bytes, prev), chanSeq, chanPrev: linkAt(bytes, chanPrev),
    deps: seen, type, hlc, kid: kid.length === 0 ? undefined : kid.slice(), epoch: epoch.length === 0 ? undefined : epochs.at(epoch, 0, 32), bodyHash: bodyHash.slice(),
  }
  return isHeader(header) ? header : undefined
}

/** Whether a header with fields of these kinds is one: a decoder takes no other. */
export function isHeader({ audience, seq, prev, chanSeq, chanPrev, deps: seen, type, hlc }: OpHeader): boolean {
  if (!isUint(audience, MAX_AUDIENCE) || !isUint(seq) || !isUint(chanSeq) || !isUint(hlc) || chanSeq < 1 || chanSeq > seq || type === '' || type.length > MAX_TYPE_CHARS || seen.length > MAX_DEPS) return false
  for (let n = 1; n < seen.length; n++) if ((seen[n - 1] as OpId) >= (seen[n] as OpId)) return false
  // The first op of a chain has no predecessor, and every other one has.
  return (prev === undefined) === (seq === 1) && (chanPrev === undefined) === (chanSeq === 1) && prev !== ZERO_ID && chanPrev !== ZERO_ID
}

/** Zeros where there is none. */
const linkAt = (bytes: Uint8Array, from: number): OpId | undefined => (isZero(bytes, from) ? undefined : (hexAt(bytes, from, 32) as OpId))

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < from + 32; i++) if (bytes[i] !== 0) return false
  return true
}

function readDeps(c: Cursor): OpId[] | undefined {
  const length = c.list()
  if (length < 0 || length > MAX_DEPS) return undefined
  const out: OpId[] = []
  for (let n = 0; n < length; n++) {
    const at = c.bytesOf(32)
    const id = at < 0 ? undefined : deps[n]?.at(c.bytes, at, 32)
    if (id === undefined) return undefined
    out.push(id)
  }
  return out
}

export const encodeOp = (header: Uint8Array, body: Uint8Array, sig: Uint8Array): Uint8Array => encodeCbor([header, body, sig])

/** What a device signs: domain label and op id. */
export const opSignedBytes = (id: Uint8Array): Uint8Array => concat(SIGNED, id)

type Sha256 = (bytes: Uint8Array) => Uint8Array

/**
 * Decodes one op and checks its id and its body's hash; undefined for anything malformed. The signature is NOT checked here.
 * `sha256` is passed in because wire formats know no ciphersuite.
 */
export function decodeOp(bytes: Uint8Array, sha256: Sha256): Op | undefined {
  const op = decodeOpOrHusk(bytes, sha256)
  return op?.isHusk === true ? undefined : op
}

/** The same of an op that was kept: its body's hash was checked when it came, and rows are sealed. */
export function decodeWholeKept(bytes: Uint8Array, sha256: Sha256): Op | undefined {
  const op = decodeOpOrHusk(bytes, sha256, true)
  return op?.isHusk === true ? undefined : op
}

/** Either of both: what peers give each other of a channel that does not keep everything. */
export function decodeOpOrHusk(bytes: Uint8Array, sha256: Sha256, wasChecked = false): Op | undefined {
  if (bytes.length > MAX_OP_BYTES) return undefined
  const c = new Cursor(bytes), length = c.list()
  if (length !== 2 && length !== 3) return undefined
  const head = c.view(MAX_HEADER_BYTES), body = length === 3 ? c.view(MAX_OP_BYTES) : EMPTY, sig = c.view(64)
  if (head === undefined || body === undefined || sig === undefined || (sig.length !== 64 && sig.length !== 0) || c.at !== bytes.length) return undefined
  const header = decodeHeader(head)
  // Only content can go without: what authority is made of is verified one by one.
  if (header === undefined || (sig.length === 0 && header.epoch === undefined)) return undefined
  if (header.epoch !== undefined && body.length > MAX_CONTENT_BODY_BYTES) return undefined
  const id = toHex(sha256(head)) as OpId
  // Only of content: what authority is made of is never deleted.
  if (length === 2) return header.epoch === undefined ? undefined : { id, header, body, sig, bytes, isHusk: true }
  return wasChecked || equal(sha256(body), header.bodyHash) ? { id, header, body, sig, bytes } : undefined
}

/** The header as it lies in the bytes of a decoded op or husk, to be read only. */
export function headerBytes(op: Op): Uint8Array {
  // The first item of a list, of more than 255 bytes or at most that many.
  const isLong = op.bytes[1] === 0x59
  const length = isLong ? (op.bytes[2] as number) * 256 + (op.bytes[3] as number) : (op.bytes[2] as number)
  const at = isLong ? 4 : 3
  return op.bytes.subarray(at, at + length)
}

/** What stays of an op, with its header as it was received. */
export function huskOf(op: Op): Op {
  if (op.isHusk === true) return op
  const bytes = encodeCbor([headerBytes(op), op.sig])
  return { id: op.id, header: op.header, body: EMPTY, sig: bytes.subarray(bytes.length - op.sig.length), bytes, isHusk: true }
}

export const isSigned = (op: Pick<Op, 'sig'>): boolean => op.sig.length > 0

/** An empty byte string in CBOR. */
const NO_BYTES = 0x40

/** The same op, or its husk, with another signature or with none. */
export function withSignature(op: Op, sig: Uint8Array): Op {
  if (sig.length === 0 && isSigned(op)) return withoutSignature(op)
  const bytes = op.isHusk === true ? encodeCbor([headerBytes(op), sig]) : encodeOp(headerBytes(op), op.body, sig)
  // Behind the body stands the head of the signature, of two bytes, or of one where there is none.
  const end = bytes.length - sig.length - (sig.length === 0 ? 1 : 2)
  return { ...op, bytes, sig: bytes.subarray(bytes.length - sig.length), body: op.isHusk === true ? EMPTY : bytes.subarray(end - op.body.length, end) }
}

/** All of a history but a few go so: what stays is copied as it lies there. The signature stands last, behind two bytes that say how long it is. */
function withoutSignature(op: Op): Op {
  const bytes = op.bytes.slice(0, op.bytes.length - op.sig.length - 1), end = bytes.length - 1
  bytes[end] = NO_BYTES
  return { ...op, bytes, sig: bytes.subarray(bytes.length), body: op.isHusk === true ? EMPTY : bytes.subarray(end - op.body.length, end) }
}
