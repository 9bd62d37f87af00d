/**
 * Ops as members give them to each other in bulk: content by channel and epoch, as texts and header fields in columns (wire/columns.ts), sealed under what hangs off the content
 * key, so that who may not read them doesn't read them here either; the rest as it is. Whoever has the key makes the ops anew, byte for byte, and takes them in as any others:
 * by the hashes of what was made, which signatures cover. Nothing that the giver says about them is believed.
 *
 *   sealed = nonce (24) || XChaCha20-Poly1305(C, nonce, space || channel || epoch, columns)     C = Expand(K, "tk1 columns"), nonce = HMAC(C, columns)
 */
import { concat, fromHex } from '../../wire/bytes.ts'
import { type Columns, decodeColumns, encodeColumns, MAX_COLUMN_HLC, type Said } from '../../wire/columns.ts'
import type { PackedOps } from '../../wire/frame.ts'
import type { ChannelId, EpochId, OpId } from '../../wire/ids.ts'
import { decodeOp, type Op } from '../../wire/op.ts'
import { remake, textOf } from '../content/content.ts'
import type { ContentKey } from '../content/keys.ts'
import { LABELS } from '../labels.ts'
import type { Replica } from '../replica.ts'

const NONCE_BYTES = 24, SIG_BYTES = 64

interface Group { readonly channel: ChannelId; readonly epoch: EpochId; readonly audience: number; readonly key: ContentKey; readonly ops: Said[]; readonly sigs: Uint8Array[] }

const bound = (replica: Replica, channel: ChannelId, epoch: EpochId): Uint8Array =>
  concat(fromHex(replica.id) as Uint8Array, fromHex(channel) as Uint8Array, fromHex(epoch) as Uint8Array)

/** The key of a channel that is known here: of any other nothing must be remembered. */
function keyFor(replica: Replica, channel: ChannelId, epoch: EpochId): ContentKey | undefined {
  return replica.authority.everHad(channel) ? replica.audienceOf(epoch).groups.keys.contentKey(epoch, channel) : undefined
}

export interface Packed { readonly packed: readonly PackedOps[]; readonly ops: readonly Uint8Array[] }

/** Encoded ops, in their order. What can't be packed stays as it is: authority, husks, what this device can't read, what its author sealed in a way of their own. */
export function pack(replica: Replica, encoded: readonly Uint8Array[]): Packed {
  const { suite } = replica.world
  const groups = new Map<string, Group>(), ops: Uint8Array[] = []
  for (const bytes of encoded) {
    const op = decodeOp(bytes, (b) => suite.sha256(b))
    const group = op === undefined ? undefined : groupOf(replica, groups, op)
    const text = op === undefined || group === undefined ? undefined : textOf(suite, group.key, op)
    if (op === undefined || group === undefined || text === undefined) { ops.push(bytes); continue }
    group.ops.push({ ...op.header, id: op.id, text })
    group.sigs.push(op.sig)
  }
  const packed = [...groups.values()].filter((group) => group.ops.length > 0).map((g): PackedOps => {
    const key = suite.expand(g.key.key, 32, LABELS.columns), columns = encodeColumns(g.audience, g.ops)
    const nonce = suite.hmac(key, columns).subarray(0, NONCE_BYTES)
    return { channel: g.channel, epoch: g.epoch, sealed: concat(nonce, suite.seal(key, nonce, bound(replica, g.channel, g.epoch), columns)), sigs: concat(...g.sigs) }
  })
  return { packed, ops }
}

function groupOf(replica: Replica, groups: Map<string, Group>, { header: h }: Op): Group | undefined {
  if (h.epoch === undefined || h.hlc >= MAX_COLUMN_HLC) return undefined
  const name = `${h.channel}${h.epoch}${h.audience}`, known = groups.get(name)
  if (known !== undefined) return known
  const key = replica.audienceOf(h.epoch).number === h.audience ? keyFor(replica, h.channel, h.epoch) : undefined
  if (key === undefined) return undefined
  const made: Group = { channel: h.channel, epoch: h.epoch, audience: h.audience, key, ops: [], sigs: [] }
  groups.set(name, made)
  return made
}

/** The ops in it; no-key: they have to come as they are. */
export function unpack(replica: Replica, { channel, epoch, sealed, sigs }: PackedOps): readonly Op[] | 'no-key' | 'malformed' {
  const { suite } = replica.world, key = keyFor(replica, channel, epoch)
  if (key === undefined) return 'no-key'
  const opened = suite.open(suite.expand(key.key, 32, LABELS.columns), sealed.subarray(0, NONCE_BYTES), bound(replica, channel, epoch), sealed.subarray(NONCE_BYTES))
  const columns = opened === undefined ? undefined : decodeColumns(opened)
  if (columns === undefined || columns.ops.length * SIG_BYTES !== sigs.length) return 'malformed'
  return remakeAll(replica, { channel, epoch, key }, columns, sigs) ?? 'malformed'
}

function remakeAll(replica: Replica, { channel, epoch, key }: Pick<Group, 'channel' | 'epoch' | 'key'>, { audience, ops }: Columns, sigs: Uint8Array): Op[] | undefined {
  const out: Op[] = []
  const linked = (id: OpId | 'before' | undefined): OpId | undefined => (id === 'before' ? out[out.length - 1]?.id : id)
  for (const [n, op] of ops.entries()) {
    const { device, seq, chanSeq, deps, type, hlc } = op
    const header = { space: replica.id, audience, channel, device, seq, prev: linked(op.prev), chanSeq, chanPrev: linked(op.chanPrev), deps, type, hlc, epoch }
    // A copy: what waits for its predecessor must not keep all that came with it in memory.
    const made = remake(replica.world.suite, key, header, op.text.slice(), sigs.slice(n * SIG_BYTES, (n + 1) * SIG_BYTES))
    if (made === undefined) return undefined
    out.push(made)
  }
  return out
}
