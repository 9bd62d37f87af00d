/**
 * An op: one signed entry of the log, in its device's hash chains and in the causal DAG.
 *
 *   header = canonical CBOR [v, space, audience, channel, device, seq, prev, chanSeq, chanPrev, deps, type, hlc, kid, epoch, bodyHash]
 *   opId   = SHA-256(header)                       the header carries the body's hash; the signature is not part of the id
 *   sig    = Ed25519(device, "tk1 op" || opId)
 *   op     = canonical CBOR [header bytes, body bytes, sig]
 *   husk   = canonical CBOR [header bytes, sig]         an op of content whose body was deleted: its place, its links and its signature stay
 *
 * Verified over the received bytes, never re-encoded. Bodies of authority ops are formats of their own (authority.ts, group.ts);
 * the body of a content op is ciphertext (content.ts).
 */
import { concat, fromHex, utf8 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText, isUint } from './cbor.ts'
import { type ChannelId, type DeviceId, type EpochId, NO_SPACE, type OpId, parseChannelId, parseDeviceId, parseOpId, parseSpaceId, type SpaceId } from './ids.ts'

export const OP_VERSION = 1
/** Bytes of one whole encoded op: a commit with a tree of 1000 leaves fits, with room. */
export const MAX_OP_BYTES = 512 * 1024
const MAX_HEADER_BYTES = 2048
/** Heads an op may name; with more open heads, later ops name the rest. */
export const MAX_DEPS = 16
/** Audiences have random numbers, so that two made at the same time are not one; 0 is everyone's. */
export const MAX_AUDIENCE = 0xffff_ffff
const ZERO_32 = new Uint8Array(32)

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
  readonly body: Uint8Array
  readonly sig: Uint8Array
  /** The whole encoded op as received or made: what is stored and sent on. */
  readonly bytes: Uint8Array
  /** Its body is gone, and `bytes` are the husk's. */
  readonly isHusk?: true
}

export function encodeHeader(h: OpHeader): Uint8Array {
  const id = (v: string | undefined): Uint8Array => (v === undefined ? ZERO_32 : (fromHex(v) as Uint8Array))
  return encodeCbor([
    OP_VERSION, id(h.space), h.audience, id(h.channel), id(h.device), h.seq, id(h.prev), h.chanSeq, id(h.chanPrev),
    h.deps.map(id), h.type, h.hlc, h.kid ?? new Uint8Array(), h.epoch === undefined ? new Uint8Array() : id(h.epoch), h.bodyHash,
  ])
}

export function decodeHeader(bytes: Uint8Array): OpHeader | undefined {
  const v = decodeCbor(bytes, MAX_HEADER_BYTES)
  if (!isArray(v, 15)) return undefined
  const [version, space, audience, channel, device, seq, prev, chanSeq, chanPrev, deps, type, hlc, kid, epoch, bodyHash] = v
  if (version !== OP_VERSION || !isBytes(space, 32) || !isUint(audience, MAX_AUDIENCE) || !isBytes(channel, 16) || !isBytes(device, 32)) return undefined
  if (!isUint(seq) || seq < 1 || !isBytes(prev, 32) || !isUint(chanSeq) || chanSeq < 1 || chanSeq > seq || !isBytes(chanPrev, 32)) return undefined
  if (!isText(type, 24) || type === '' || !isUint(hlc) || !isBytes(kid) || !isBytes(epoch) || !isBytes(bodyHash, 32)) return undefined
  if ((kid.length !== 0 && kid.length !== 16) || (epoch.length !== 0 && epoch.length !== 32)) return undefined
  const depIds = decodeDeps(deps)
  const prevId = link(prev, seq), chanPrevId = link(chanPrev, chanSeq)
  if (depIds === undefined || prevId === undefined || chanPrevId === undefined) return undefined
  return {
    space: parseSpaceId(space) ?? NO_SPACE, audience, channel: parseChannelId(channel) as ChannelId, device: parseDeviceId(device) as DeviceId,
    seq, prev: prevId ?? undefined, chanSeq, chanPrev: chanPrevId ?? undefined, deps: depIds, type, hlc,
    kid: kid.length === 0 ? undefined : kid, epoch: epoch.length === 0 ? undefined : parseOpId(epoch), bodyHash,
  }
}

/** The first op of a chain has no predecessor and every other one has: null for none, undefined for a contradiction. */
function link(bytes: Uint8Array, seq: number): OpId | null | undefined {
  const none = bytes.every((b) => b === 0)
  if (none !== (seq === 1)) return undefined
  return none ? null : (parseOpId(bytes) as OpId)
}

function decodeDeps(v: Cbor | undefined): OpId[] | undefined {
  if (!isArray(v) || v.length > MAX_DEPS) return undefined
  const out: OpId[] = []
  for (const dep of v) {
    const id = isBytes(dep, 32) ? parseOpId(dep) : undefined
    if (id === undefined || (out.length > 0 && (out[out.length - 1] as OpId) >= id)) return undefined
    out.push(id)
  }
  return out
}

export const encodeOp = (header: Uint8Array, body: Uint8Array, sig: Uint8Array): Uint8Array => encodeCbor([header, body, sig])

/** What a device signs: domain label and op id. */
export const opSignedBytes = (id: Uint8Array): Uint8Array => concat(utf8('tk1 op'), id)

type Sha256 = (bytes: Uint8Array) => Uint8Array

/**
 * Decodes one op and checks its id and its body's hash; undefined for anything malformed. The signature is NOT checked here.
 * `sha256` is passed in because wire formats know no ciphersuite.
 */
export function decodeOp(bytes: Uint8Array, sha256: Sha256): Op | undefined {
  const op = decodeOpOrHusk(bytes, sha256)
  return op?.isHusk === true ? undefined : op
}

/** Either of both: what peers give each other of a channel that does not keep everything. */
export function decodeOpOrHusk(bytes: Uint8Array, sha256: Sha256): Op | undefined {
  const v = decodeCbor(bytes, MAX_OP_BYTES)
  if (!isArray(v) || (v.length !== 2 && v.length !== 3)) return undefined
  const headerBytes = v[0], body = v.length === 3 ? v[1] : undefined, sig = v[v.length - 1]
  if (!isBytes(headerBytes) || !isBytes(sig, 64)) return undefined
  const header = decodeHeader(headerBytes)
  const id = parseOpId(sha256(headerBytes))
  if (header === undefined || id === undefined) return undefined
  // Only of content: what authority is made of is never deleted.
  if (v.length === 2) return header.epoch === undefined ? undefined : { id, header, body: new Uint8Array(), sig, bytes, isHusk: true }
  if (!isBytes(body)) return undefined
  const hash = sha256(body)
  if (!hash.every((b, i) => b === header.bodyHash[i])) return undefined
  return { id, header, body, sig, bytes }
}

/** What stays of an op, with its header as it was received. */
export function huskOf(op: Op): Op {
  const v = op.isHusk === true ? undefined : decodeCbor(op.bytes, MAX_OP_BYTES)
  if (!isArray(v)) return op
  return { id: op.id, header: op.header, body: new Uint8Array(), sig: op.sig, bytes: encodeCbor([v[0] ?? null, op.sig]), isHusk: true }
}
