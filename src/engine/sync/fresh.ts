/**
 * Fresh ops of content to connected peers, without what their own logs tell them (wire/fresh.ts). Nothing that the giver says is believed: what was made anew is verified as
 * if it had come whole. Where it can't be made (another head of authority, a gap in the chain, no key yet), peers compare what they hold.
 *
 *   sealed = XChaCha20-Poly1305(F, nonce, space || channel || epoch || device, text)         F = Expand(K, "tk1 fresh"), nonce = HMAC(F, signature || variant)
 *   variant = HMAC(F, text)[0..4]
 *
 * A signature belongs to one op and so to one text; the variant tells apart the few ways to write that down. So a nonce comes twice with the same bytes only, without being sent.
 */
import { concat, equal, fromHex } from '../../wire/bytes.ts'
import { decodeFreshText, deviceNameOf, encodeFreshText, type FreshOp, hasNumber, nameOf, VARIANT_BYTES } from '../../wire/fresh.ts'
import { type Frame, MAX_FRESH } from '../../wire/frame.ts'
import type { ChannelId, DeviceId, EpochId, OpId } from '../../wire/ids.ts'
import { isSigned, type Op } from '../../wire/op.ts'
import { remake, textOf } from '../content/content.ts'
import type { ContentKey } from '../content/keys.ts'
import { LABELS } from '../labels.ts'
import { MAX_BATCH_BYTES } from '../limits.ts'
import type { Log } from '../log/log.ts'
import type { Replica } from '../replica.ts'

const NONCE_BYTES = 24

const bound = (replica: Replica, channel: ChannelId, epoch: EpochId, device: DeviceId): Uint8Array => concat(...[replica.id, channel, epoch, device].map((id) => fromHex(id) as Uint8Array))
const labelOf = (log: Log, epoch: EpochId): number => log.authority.get(epoch)?.header.hlc ?? 0

/** undefined for what has to go as it is: authority, husks, what is not signed or not readable here, or made in a way of its author's own. */
export function packFresh(replica: Replica, op: Op): FreshOp | undefined {
  const { header: h } = op, { suite } = replica.world
  const key = h.epoch === undefined || op.isHusk === true || !isSigned(op) ? undefined : replica.audienceOf(h.epoch).groups.keys.contentKey(h.epoch, h.channel)
  const text = key === undefined ? undefined : textOf(suite, key, op)
  const link = h.prev === undefined ? 'none' : h.prev === h.chanPrev ? 'channel' : 'last'
  if (key === undefined || text === undefined || h.epoch === undefined || !hasNumber(h.type) || replica.audienceOf(h.epoch).number !== h.audience) return undefined
  const plain = encodeFreshText({ chanSeq: h.chanSeq, seq: h.seq, later: h.hlc - labelOf(replica.log, h.epoch), type: h.type, link, deps: h.deps.map(nameOf), id: nameOf(op.id), text })
  const own = freshKey(replica, key), variant = variantOf(replica, own, plain)
  const sealed = suite.seal(own, nonceOf(replica, own, op.sig, variant), bound(replica, h.channel, h.epoch, h.device), plain)
  return { channel: nameOf(h.channel), epoch: nameOf(h.epoch), device: deviceNameOf(h.device), sig: op.sig, variant, sealed }
}

const freshKey = ({ world: { suite } }: Replica, key: ContentKey): Uint8Array => suite.expand(key.key, 32, LABELS.fresh)
const variantOf = ({ world: { suite } }: Replica, key: Uint8Array, plain: Uint8Array): Uint8Array => suite.hmac(key, plain).subarray(0, VARIANT_BYTES)
const nonceOf = ({ world: { suite } }: Replica, key: Uint8Array, sig: Uint8Array, variant: Uint8Array): Uint8Array => suite.hmac(key, sig, variant).subarray(0, NONCE_BYTES)

/** Whose chain an op is of that a peer passed on, where it is known here. */
export function chainOf({ authority, names }: Replica, fresh: FreshOp): { readonly channel: ChannelId; readonly device: DeviceId } | undefined {
  const device = fresh.device === undefined ? undefined : names.whole(fresh.device), channel = only(authority.state.channels.keys(), fresh.channel)
  return device === undefined || channel === undefined ? undefined : { channel, device }
}

/** The op; known: it is here already; unclear: this log doesn't tell what it would be. */
export function unpackFresh(replica: Replica, fresh: FreshOp, sender: DeviceId): Op | 'known' | 'unclear' | 'malformed' {
  const { log, authority, world: { suite } } = replica
  const device = fresh.device === undefined ? sender : replica.names.whole(fresh.device)
  const channel = only(authority.state.channels.keys(), fresh.channel)
  const audience = channel === undefined ? undefined : replica.audienceFor(channel)
  const epoch = audience === undefined ? undefined : only(audience.groups.keys.epochs(), fresh.epoch)
  const key = channel === undefined || epoch === undefined ? undefined : audience?.groups.keys.contentKey(epoch, channel)
  if (device === undefined || channel === undefined || epoch === undefined || audience === undefined || key === undefined) return 'unclear'
  const own = freshKey(replica, key)
  const plain = suite.open(own, nonceOf(replica, own, fresh.sig, fresh.variant), bound(replica, channel, epoch, device), fresh.sealed)
  // Names are short: another epoch or channel may have been meant.
  if (plain === undefined) return 'unclear'
  const said = equal(variantOf(replica, own, plain), fresh.variant) ? decodeFreshText(plain) : undefined
  if (said === undefined) return 'malformed'
  const { chanSeq, seq, type, text } = said, tips = log.tipsOf(channel, device)
  if (tips.some((tip) => tip.chanSeq >= chanSeq)) return tips.some((tip) => tip.chanSeq === chanSeq && nameOf(tip.id) === said.id) || log.isRemembered(device, seq, said.id) ? 'known' : 'unclear'
  const tip = tips.find((one) => one.chanSeq === chanSeq - 1), deps = headsNamed(replica, said.deps)
  const prev = said.link === 'none' ? undefined : said.link === 'channel' ? tip?.id : log.deviceHeads.get(device)?.id
  if (deps === undefined || (tip === undefined) !== (chanSeq === 1) || (prev === undefined) !== (seq === 1)) return 'unclear'
  const header = { space: replica.id, audience: audience.number, channel, device, seq, prev, chanSeq, chanPrev: tip?.id, deps, type, hlc: labelOf(log, epoch) + said.later, epoch }
  const op = Number.isSafeInteger(header.hlc) && header.hlc >= 0 ? remake(suite, key, header, text, fresh.sig) : undefined
  return op !== undefined && nameOf(op.id) === said.id ? op : 'unclear'
}

/** The one id that begins so. */
function only<T extends string>(ids: Iterable<T>, name: string): T | undefined {
  let found: T | undefined
  for (const id of ids) if (id.startsWith(name)) { if (found !== undefined) return undefined; found = id }
  return found
}

/** Most often they are those that are the newest here, too. */
function headsNamed({ authority, log }: Replica, names: readonly string[]): readonly OpId[] | undefined {
  const heads = authority.heads()
  if (heads.length === names.length && heads.every((head, n) => head.startsWith(names[n] as string))) return heads
  const out = names.map((name) => only(log.authority.keys(), name)).filter((id) => id !== undefined)
  return out.length === names.length ? out : undefined
}

/** Frames of fresh ops for one session. `packs`: what was packed already, since many get the same. */
export function* framesOf(replica: Replica, ops: readonly Op[], token: Uint8Array, packs: Map<OpId, FreshOp | undefined>): Iterable<Frame> {
  // What has no signature goes with what speaks for it.
  const areSigned = ops.every(isSigned)
  const whole: Uint8Array[] = [], fresh: FreshOp[] = []
  for (const op of ops) {
    if (!packs.has(op.id)) packs.set(op.id, areSigned ? packFresh(replica, op) : undefined)
    const pack = packs.get(op.id)
    if (pack === undefined) whole.push(op.bytes); else fresh.push(op.header.device === replica.me.device ? { ...pack, device: undefined } : pack)
  }
  // Authority first: what is said may rest on it.
  for (const batch of batches(whole, (bytes) => bytes.length)) yield { type: 'ops', token, ops: batch, more: true }
  for (const batch of batches(fresh, ({ sealed }) => sealed.length)) yield { type: 'fresh', token, ops: batch }
}

function* batches<T>(items: readonly T[], sizeOf: (item: T) => number): Iterable<T[]> {
  let batch: T[] = [], size = 0
  for (const item of items) {
    if (batch.length > 0 && (size + sizeOf(item) > MAX_BATCH_BYTES || batch.length >= MAX_FRESH)) { yield batch; batch = []; size = 0 }
    batch.push(item)
    size += sizeOf(item)
  }
  if (batch.length > 0) yield batch
}
