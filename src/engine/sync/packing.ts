/**
 * Ops as members give them to each other in bulk: content by channel and epoch, as texts and header fields in columns (wire/columns.ts), sealed under what hangs off the content
 * key, so that who may not read them doesn't read them here either; the rest as it is. Whoever has the key makes the ops anew, byte for byte, and takes them in as any others:
 * by the hashes of what was made, which signatures cover. Nothing that the giver says about them is believed. Of the signatures only those go that speak for all the
 * others (log/vouching.ts): they would be half of what is sent. Who told what they have is not told again the ids of it.
 *
 *   sealed = nonce (24) || XChaCha20-Poly1305(C, nonce, space || channel || epoch, columns)     C = Expand(K, "tk1 columns"), nonce = HMAC(C, columns)
 */
import { concat, fromHex } from '../../wire/bytes.ts'
import { type Columns, decodeColumns, encodeColumns, flatBytes, type Link, MAX_COLUMN_HLC, MAX_COLUMN_OPS, MAX_FLAT_BYTES, type Reader, type Said } from '../../wire/columns.ts'
import type { PackedOps } from '../../wire/frame.ts'
import type { ChannelId, DeviceId, EpochId, OpId } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import { remake, textOf } from '../content/content.ts'
import type { Given } from '../content/given.ts'
import type { ContentKey } from '../content/keys.ts'
import { LABELS } from '../labels.ts'
import { MAX_UNSIGNED } from '../limits.ts'
import { neededSignatures } from '../log/vouching.ts'
import type { Replica } from '../replica.ts'

const NONCE_BYTES = 24, SIG_BYTES = 64, NO_SIGNATURE = new Uint8Array()

interface Group { readonly channel: ChannelId; readonly epoch: EpochId; readonly audience: number; readonly key: ContentKey; readonly ops: Said[]; readonly sigs: Uint8Array[] }

const bound = (replica: Replica, channel: ChannelId, epoch: EpochId): Uint8Array =>
  concat(fromHex(replica.id) as Uint8Array, fromHex(channel) as Uint8Array, fromHex(epoch) as Uint8Array)

/** The key of a channel that is known here: of any other nothing must be remembered. */
function keyFor(replica: Replica, channel: ChannelId, epoch: EpochId): ContentKey | undefined {
  return replica.authority.everHad(channel) ? replica.audienceOf(epoch).groups.keys.contentKey(epoch, channel) : undefined
}

export interface Packed { readonly packed: readonly PackedOps[]; readonly ops: readonly Uint8Array[] }

/** Ops in their order. What can't be packed stays as it is: authority, husks, what this device can't read, what its author sealed in a way of their own. */
export function pack(replica: Replica, given: readonly Given[], reader?: Reader): Packed {
  const { suite } = replica.world
  const groups = new Map<string, Group>(), ops: Uint8Array[] = [], needed = neededSignatures(given)
  for (const op of given) {
    const group = groupOf(replica, groups, op.header), whole = group === undefined || op.said === undefined ? op.whole() : undefined
    const text = op.said ?? (group === undefined || whole === undefined ? undefined : textOf(suite, group.key, whole))
    if (group === undefined || text === undefined) { if (whole !== undefined) ops.push(whole.bytes); continue }
    const goesSigned = needed.has(op.id)
    group.ops.push({ ...op.header, id: op.id, text, isSigned: goesSigned })
    if (goesSigned) group.sigs.push(op.sig)
  }
  const packed = [...groups.values()].filter((group) => group.ops.length > 0).map((g): PackedOps => {
    const key = suite.expand(g.key.key, 32, LABELS.columns), columns = encodeColumns(g.audience, g.ops, reader)
    const nonce = suite.hmac(key, columns).subarray(0, NONCE_BYTES)
    return { channel: g.channel, epoch: g.epoch, sealed: concat(nonce, suite.seal(key, nonce, bound(replica, g.channel, g.epoch), columns)), sigs: concat(...g.sigs) }
  })
  return { packed, ops }
}

function groupOf(replica: Replica, groups: Map<string, Group>, h: Given['header']): Group | undefined {
  if (h.epoch === undefined || h.hlc >= MAX_COLUMN_HLC) return undefined
  const name = `${h.channel}${h.epoch}${h.audience}`, known = groups.get(name)
  if (known !== undefined) return known
  const key = replica.audienceOf(h.epoch).number === h.audience ? keyFor(replica, h.channel, h.epoch) : undefined
  if (key === undefined) return undefined
  const made: Group = { channel: h.channel, epoch: h.epoch, audience: h.audience, key, ops: [], sigs: [] }
  groups.set(name, made)
  return made
}

/** What came packed in one frame. */
export interface Unpacked { readonly ops: readonly Op[]; /** Channels of which something has to come as it is. */ readonly noKey: ReadonlySet<ChannelId>; readonly malformed: number }

/** The ops of a frame's packs, no more of them than one honest frame has. `beside`: how many signed ops came with them as they are, which may speak for some. */
export function unpack(replica: Replica, packs: readonly PackedOps[], beside = 0): Unpacked {
  const ops: Op[] = [], noKey = new Set<ChannelId>(), room = { flat: MAX_FLAT_BYTES, ops: MAX_COLUMN_OPS }
  let malformed = 0, signatures = beside
  for (const one of packs) {
    const made = unpackOne(replica, one, room)
    if (made === 'no-key') noKey.add(one.channel)
    else if (made === 'malformed') malformed++
    else { ops.push(...made); signatures += one.sigs.length / SIG_BYTES }
  }
  // A small frame must not stand for many ops.
  return ops.length > signatures * (MAX_UNSIGNED + 1) ? { ops: [], noKey, malformed: malformed + 1 } : { ops, noKey, malformed }
}

function unpackOne(replica: Replica, { channel, epoch, sealed, sigs }: PackedOps, room: { flat: number; ops: number }): readonly Op[] | 'no-key' | 'malformed' {
  const { suite } = replica.world, key = keyFor(replica, channel, epoch)
  if (key === undefined) return 'no-key'
  const opened = suite.open(suite.expand(key.key, 32, LABELS.columns), sealed.subarray(0, NONCE_BYTES), bound(replica, channel, epoch), sealed.subarray(NONCE_BYTES))
  const columns = opened === undefined || (room.flat -= flatBytes(opened)) < 0 ? undefined : decodeColumns(opened)
  if (columns === undefined || (room.ops -= columns.ops.length) < 0 || columns.ops.filter((op) => op.isSigned).length * SIG_BYTES !== sigs.length) return 'malformed'
  return remakeAll(replica, { channel, epoch, key }, columns, sigs)
}

/** Where a device or what a chain goes on from is named by what is not here, it has to come as it is. */
function remakeAll(replica: Replica, { channel, epoch, key }: Pick<Group, 'channel' | 'epoch' | 'key'>, { audience, ops }: Columns, sigs: Uint8Array): Op[] | 'no-key' | 'malformed' {
  const out: Op[] = []
  const linked = (link: Link, device: DeviceId, before: number): OpId | undefined | null =>
    link === 'before' ? out[out.length - 1]?.id : typeof link === 'object' ? replica.log.idAt(channel, device, before, link.begin) ?? null : link
  let at = 0
  for (const op of ops) {
    const { seq, chanSeq, deps, type, hlc } = op, device = replica.names.whole(op.device)
    const chanPrev = device === undefined ? null : linked(op.chanPrev, device, chanSeq - 1), prev = device === undefined ? null : op.prev === op.chanPrev ? chanPrev : linked(op.prev, device, chanSeq - 1)
    if (device === undefined || chanPrev === null || prev === null) return 'no-key'
    const header = { space: replica.id, audience, channel, device, seq, prev, chanSeq, chanPrev, deps, type, hlc, epoch }
    const sig = op.isSigned ? sigs.slice(at, at += SIG_BYTES) : NO_SIGNATURE
    // A copy: what waits for its predecessor must not keep all that came with it in memory.
    const made = remake(replica.world.suite, key, header, op.text.slice(), sig)
    if (made === undefined) return 'malformed'
    out.push(made)
  }
  return out
}
