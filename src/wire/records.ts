/** Rows on this device's disk (sealed by the disk). Decoded like everything else: a damaged row is undefined, never a guess. */
import { fromHex, toHex } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText, isUint } from './cbor.ts'
import { type Content, decodeContent, encodeContent, MAX_CONTENT_BYTES } from './content.ts'
import { type ChannelId, type DeviceId, type OpId, parseChannelId, parseDeviceId, parseOpId } from './ids.ts'

/** The content itself, and the frame around it. */
const MAX_DRAFT_BYTES = MAX_CONTENT_BYTES + 1024

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

/**
 * What this device has of its person's identity.
 *
 *   held       the secret it is made of: 16 bytes, or the 32 of a seed from before there were phrases
 *   certified  its public key alone, by which the device was certified on another one, and the key of what is between a person's own devices
 */
export type IdentityRecord =
  | { readonly type: 'held'; readonly secret: Uint8Array }
  | { readonly type: 'certified'; readonly publicKey: Uint8Array; readonly ownKey: Uint8Array }

/** This person and this device: the secrets everything hangs on. */
export interface MeRecord { readonly identity: IdentityRecord; readonly deviceSeed: Uint8Array; readonly boxSeed: Uint8Array; readonly cert: Uint8Array; readonly name: string }

/** Version 1 has the secret, version 2 the public key. */
export const encodeMe = ({ identity, deviceSeed, boxSeed, cert, name }: MeRecord): Uint8Array => {
  const [version, kept] = identity.type === 'held' ? [1, identity.secret] : [2, [identity.publicKey, identity.ownKey]]
  return encodeCbor([version, kept, deviceSeed, boxSeed, cert, name] as Cbor)
}

export function decodeMe(bytes: Uint8Array): MeRecord | undefined {
  const v = decodeCbor(bytes, 4096)
  if (!isArray(v, 6)) return undefined
  const [version, kept, deviceSeed, boxSeed, cert, name] = v
  const identity = version === 1 || version === 2 ? decodeIdentity(version, kept) : undefined
  if (identity === undefined || !isBytes(deviceSeed, 32) || !isBytes(boxSeed, 32) || !isBytes(cert) || !isText(name, 256)) return undefined
  return { identity, deviceSeed, boxSeed, cert, name }
}

function decodeIdentity(version: 1 | 2, kept: Cbor | undefined): IdentityRecord | undefined {
  if (version === 1) return isBytes(kept) && (kept.length === 16 || kept.length === 32) ? { type: 'held', secret: kept } : undefined
  return isArray(kept, 2) && isBytes(kept[0], 32) && isBytes(kept[1], 32) ? { type: 'certified', publicKey: kept[0], ownKey: kept[1] } : undefined
}

/** What a person says of themself: [about, emoji, colour]. */
export interface ProfileRecord { readonly about: string; readonly emoji: string; readonly colour: number }

export const encodeProfile = (p: ProfileRecord): Uint8Array => encodeCbor([p.about, p.emoji, p.colour])

export function decodeProfile(bytes: Uint8Array): ProfileRecord | undefined {
  const v = decodeCbor(bytes, 2048)
  return isArray(v, 3) && isText(v[0], 1024) && isText(v[1], 64) && isUint(v[2], 255) ? { about: v[0], emoji: v[1], colour: v[2] } : undefined
}

/** A device that this one was, under a key that it gave up, and when it is ended (ms). */
export interface Former { readonly device: DeviceId; readonly endsAt: number }
const MAX_FORMER = 64

export const encodeFormer = (former: readonly Former[]): Uint8Array => encodeCbor(former.slice(-MAX_FORMER).map(({ device, endsAt }) => [raw(device), endsAt]))

export function decodeFormer(bytes: Uint8Array): Former[] | undefined {
  const v = decodeCbor(bytes, 8192)
  if (!isArray(v) || v.length > MAX_FORMER) return undefined
  const former = v.map((one) => {
    const device = isArray(one, 2) && isBytes(one[0], 32) ? parseDeviceId(one[0]) : undefined
    return device !== undefined && isArray(one, 2) && isUint(one[1]) ? { device, endsAt: one[1] } : undefined
  }).filter((one) => one !== undefined)
  return former.length === v.length ? former : undefined
}

/** A space this device holds. `link` is the invite it is joining through, until it is in. contacted: joining, because somebody wants to talk. */
export interface SpaceRecord { readonly state: 'joining' | 'open' | 'left' | 'contacted'; readonly relays: readonly string[]; readonly link: string; readonly createdAt: number }
const SPACE_STATES = ['joining', 'open', 'left', 'contacted'] as const

export const encodeSpace = (s: SpaceRecord): Uint8Array => encodeCbor([1, SPACE_STATES.indexOf(s.state), [...s.relays], s.link, s.createdAt])

export function decodeSpace(bytes: Uint8Array): SpaceRecord | undefined {
  const v = decodeCbor(bytes, 16384)
  if (!isArray(v, 5)) return undefined
  const [version, stateIndex, list, link, createdAt] = v
  const state = isUint(stateIndex) ? SPACE_STATES[stateIndex] : undefined
  if (version !== 1 || state === undefined || !isArray(list) || !isText(link, 4096) || !isUint(createdAt)) return undefined
  const relays = list.filter((url): url is string => isText(url, 200))
  return relays.length === list.length ? { state, relays, link, createdAt } : undefined
}

/**
 * The head of one (channel, device) chain: what the next op must follow. `day`: its latest day, by labels (days since 1970), and which op of the chain began that; not in rows
 * from before they were counted.
 */
export interface HeadRecord { readonly chanSeq: number; readonly id: OpId; readonly seq: number; readonly hlc: number; readonly day?: { readonly number: number; readonly from: number } }

export const encodeHead = ({ chanSeq, id, seq, hlc, day }: HeadRecord): Uint8Array => encodeCbor([chanSeq, raw(id), seq, hlc, ...(day === undefined ? [] : [day.number, day.from])])

export function decodeHead(bytes: Uint8Array): HeadRecord | undefined {
  const v = decodeCbor(bytes, 128)
  if (!isArray(v) || (v.length !== 4 && v.length !== 6)) return undefined
  const [chanSeq, idBytes, seq, hlc, number, from] = v
  const id = isBytes(idBytes, 32) ? parseOpId(idBytes) : undefined
  if (!isUint(chanSeq) || id === undefined || !isUint(seq) || !isUint(hlc)) return undefined
  if (v.length === 4) return { chanSeq, id, seq, hlc }
  return isUint(number) && isUint(from) ? { chanSeq, id, seq, hlc, day: { number, from } } : undefined
}

/** A parcel that waits for a relay to take it. `covers` names the own op whose keeping it proves. */
export interface ParcelRecord { readonly relay: string; readonly seed: Uint8Array; readonly topic: string; readonly bytes: Uint8Array; readonly covers: { readonly channel: string; readonly chanSeq: number } | undefined }

export const encodeParcel = (p: ParcelRecord): Uint8Array =>
  encodeCbor([p.relay, p.seed, p.topic, p.bytes, p.covers === undefined ? null : [raw(p.covers.channel), p.covers.chanSeq]])

export function decodeParcel(bytes: Uint8Array): ParcelRecord | undefined {
  const v = decodeCbor(bytes, 2 * 1024 * 1024)
  if (!isArray(v, 5)) return undefined
  const [relay, seed, topic, parcel, covers] = v
  if (!isText(relay, 200) || !isBytes(seed, 32) || !isText(topic, 64) || !isBytes(parcel)) return undefined
  const cover = decodeCovers(covers)
  return cover === null ? undefined : { relay, seed, topic, bytes: parcel, covers: cover }
}

function decodeCovers(v: Cbor | undefined): ParcelRecord['covers'] | null {
  if (v === null) return undefined
  return isArray(v, 2) && isBytes(v[0], 16) && isUint(v[1]) ? { channel: toHex(v[0]), chanSeq: v[1] } : null
}

/** Content that can't be sealed yet. */
export interface DraftRecord { readonly channel: ChannelId; readonly content: Content; readonly at: number }

export const encodeDraft = (d: DraftRecord): Uint8Array => encodeCbor([raw(d.channel), d.content.type, encodeContent(d.content), d.at])

export function decodeDraft(bytes: Uint8Array): DraftRecord | undefined {
  const v = decodeCbor(bytes, MAX_DRAFT_BYTES)
  if (!isArray(v, 4)) return undefined
  const [channelBytes, type, plain, at] = v
  const channel = isBytes(channelBytes, 16) ? parseChannelId(channelBytes) : undefined
  const content = isText(type, 16) && isBytes(plain) ? decodeContent(type, plain, 65536) : undefined
  return channel === undefined || content === undefined || !isUint(at) ? undefined : { channel, content, at }
}

/** What was found of the signatures inside an op of authority (`Proof` in engine/space/checks.ts); the id is that of the invite which a join's proof fits. */
export const encodeProof = (proof: 'fine' | 'forged' | OpId): Uint8Array => encodeCbor(proof === 'fine' ? 1 : proof === 'forged' ? 0 : raw(proof))

export function decodeProof(bytes: Uint8Array): 'fine' | 'forged' | OpId | undefined {
  const v = decodeCbor(bytes, 64)
  return v === 1 ? 'fine' : v === 0 ? 'forged' : isBytes(v, 32) ? parseOpId(v) : undefined
}

/** One safe integer: cursors, read marks, acknowledgements, counters. */
export const encodeNumber = (n: number): Uint8Array => encodeCbor(n)

export function decodeNumber(bytes: Uint8Array): number | undefined {
  const v = decodeCbor(bytes, 16)
  return isUint(v) ? v : undefined
}
