/**
 * Bodies of authority ops: who is here, who may do what, and the frame of the space (channels, invites, settings).
 *
 *   body = canonical CBOR array of the form's fields, in the order of the table below; the op's header says the type
 *
 * Which of these ops count is decided in engine/space, never here. A certificate binds a device to an identity:
 *
 *   cert     = box public key (32) || Ed25519(identity, "tk1 cert" || device || box public key)
 *   certHash = SHA-256(identity public key || device || cert)                        what the MLS credential carries
 */
import { BAD, type Bad, blob, bytes, channelId, deviceId, type Field, flag, identityId, inviteId, list, oneOf, opId, optional, record, sorted, text, uint, type ValueOf } from './authority-fields.ts'
import { concat, fromHex, toHex, utf8 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes } from './cbor.ts'
import type { ChannelId, DeviceId, IdentityId, InviteId, OpId, SpaceId } from './ids.ts'
import { parseIdentityId } from './ids.ts'
import { MAX_AUDIENCE } from './op.ts'

declare const brand: unique symbol
/** 16 random bytes; all zero is everyone's role. */
export type RoleId = string & { readonly [brand]: 'role' }
export const parseRoleId = (value: string | Uint8Array): RoleId | undefined => {
  const hex = typeof value === 'string' ? value : toHex(value)
  return /^[0-9a-f]{32}$/.test(hex) ? (hex as RoleId) : undefined
}
export const EVERYONE = '0'.repeat(32) as RoleId

const MAX_NAME = 64
const MAX_TOPIC = 1024
/** A line or two. */
export const MAX_ABOUT = 190
/** UTF-16 units of one emoji, as for reactions. */
const MAX_FACE = 32
export const COLOURS = 12
const MAX_URL = 200
const MAX_RELAYS = 4
const MAX_KEY_PACKAGE = 4096
/** Devices one cut may name: a role's deletion lists those of all its holders. */
export const MAX_CUT_DEVICES = 2048
/** Ends of chains that the cuts of one op name together, as its author keeps them: as many as there are channels. */
export const MAX_CUT_CHAINS = 1024
export const MAX_READERS = 1024
/** People of one direct conversation. */
export const MAX_DM_MEMBERS = 16
export const MAX_RECOVERERS = 16
/** Between two messages of one person in a channel with slow mode, at most (ms): six hours, as elsewhere. */
export const MAX_SLOW_MS = 6 * 3600_000
/** Bytes of any authority body: a cut over MAX_CUT_DEVICES with room. */
export const MAX_AUTHORITY_BYTES = 256 * 1024
export const CERT_BYTES = 96
/** The owner's power. Roles end one below. */
export const MAX_POWER = 100

const roleId: Field<RoleId> = {
  write: (v) => fromHex(v) as Uint8Array,
  read: (v) => (isBytes(v, 16) ? (parseRoleId(v) ?? BAD) : BAD),
}

/**
 * How far a restrictive op's author had seen one device of its target. Devices that aren't listed: nothing of them counts.
 * `seq` and `head` are the last op of the device's whole chain, content included; `authority` its last op of the pseudo-channel.
 */
export interface Cut { readonly device: DeviceId; readonly seq: number; readonly head: OpId | undefined; readonly authority: OpId | undefined; readonly ends?: Ends }
/** Where a device's chains of content ended for the op's author. `all`: there were no others; if not, of a channel that isn't named here only `seq` is said. */
export interface Ends { readonly all: boolean; readonly chains: readonly ChainEnd[] }
/** `chanSeq` 0: nothing of the device's was there. */
export interface ChainEnd { readonly channel: ChannelId; readonly chanSeq: number }

const reach = record<Omit<Cut, 'ends'>>({ device: deviceId, seq: uint(), head: optional(opId), authority: optional(opId) })
const ends = record<Ends>({ all: flag, chains: sorted(record<ChainEnd>({ channel: channelId, chanSeq: uint() }), MAX_CUT_CHAINS, (c) => c.channel) })
/** Without ends four fields, as all cuts once were. */
const cut: Field<Cut> = {
  write: (v) => (v.ends === undefined ? reach.write(v) : [...(reach.write(v) as readonly Cbor[]), ends.write(v.ends)]),
  read: (v) => {
    if (!isArray(v)) return BAD
    const plain = reach.read(v.slice(0, 4)), tail = v.length === 5 ? ends.read(v[4]) : v.length === 4 ? undefined : BAD
    return plain === BAD || tail === BAD ? BAD : tail === undefined ? plain : { ...plain, ends: tail }
  },
}
const cuts: Field<readonly Cut[]> = sorted(cut, MAX_CUT_DEVICES, (c) => c.device)

const name = text(MAX_NAME)
const relays = list(text(MAX_URL), MAX_RELAYS)
const policy = oneOf('all', 'fromJoin')
const power = uint(MAX_POWER - 1)
/** Bits of `PERMISSIONS`. */
const permissions = uint(0xffff)
const cert = bytes(CERT_BYTES)
const key = bytes(32)
const signature = bytes(64)
/** The headers after one that has no signature of its own, up to that which the signature is of (engine/log/vouching.ts). */
const headers = list(blob(2048), 64)
const audience = uint(MAX_AUDIENCE)
/** A place among siblings: byte order of hex strings is list order. See engine/space/order.ts. */
const place: Field<string> = { write: (v) => fromHex(v) as Uint8Array, read: (v) => (isBytes(v) && v.length > 0 && v.length <= 64 ? toHex(v) : BAD) }
const subject = { role: optional(roleId), identity: optional(identityId) }
const kind = oneOf('text', 'voice', 'forum', 'announcements', 'category', 'files')

const FORMS = {
  /** `dm`: the people of a direct conversation, its founder among them; they are equal, and nobody else comes in. Left out: a space like others. */
  genesis: record({ name, nonce: bytes(16), identityPk: key, cert, displayName: name, historyPolicy: policy, relays, dm: optional(sorted(identityId, MAX_DM_MEMBERS, (v) => v)) }),
  /** `uses` joins may count on it; joins labelled later than `expiresAt` (ms) don't. The link's holder signs with `joinPk`'s secret. */
  invite: record({ invite: inviteId, joinPk: key, sealPk: key, topicSeed: key, role: optional(roleId), uses: uint(1_000_000), expiresAt: uint(), relays }),
  inviteRevoke: record({ invite: inviteId }),
  join: record({ invite: inviteId, identityPk: key, cert, displayName: name, proof: signature }),
  leave: record({}),
  kick: record({ identity: identityId, cuts }),
  ban: record({ identity: identityId, cuts }),
  unban: record({ identity: identityId }),
  /** No content of theirs labelled before `until` (ms) counts; 0 ends it. */
  timeout: record({ identity: identityId, until: uint() }),

  /** `consent` is the device's signature, as nobody can take someone else's device for theirs; of a device that adds itself it is the identity's, for this space alone. */
  deviceAdd: record({ device: deviceId, identityPk: key, cert, consent: signature }),
  /** With `proof`, the identity key's signature, an identity ends a device of its own; others need power over the identity. */
  deviceRevoke: record({ device: deviceId, cuts, proof: optional(record({ identityPk: key, signature })) }),
  keyPackage: record({ bytes: blob(MAX_KEY_PACKAGE), lastResort: flag }),
  profile: record({ name }),
  /** What a person says of themself, each part a register of its own; what is left out stays. colour: 0: that of the id, else one of twelve. Which signs are emoji changes every year, so only the length is checked. */
  about: record({ text: optional(text(MAX_ABOUT, 0)), emoji: optional(text(MAX_FACE, 0)), colour: optional(uint(COLOURS)) }),

  roleCreate: record({ role: roleId, name, power, permissions }),
  roleName: record({ role: roleId, name }),
  /** With the holders' cuts, for when it takes something from them. */
  rolePower: record({ role: roleId, power, cuts }),
  rolePermissions: record({ role: roleId, permissions, cuts }),
  roleDelete: record({ role: roleId, cuts }),
  roleAssign: record({ role: roleId, identity: identityId }),
  roleUnassign: record({ role: roleId, identity: identityId, cuts }),

  channelCreate: record({ channel: channelId, name, kind, audience }),
  channelRename: record({ channel: channelId, name }),
  channelTopic: record({ channel: channelId, topic: text(MAX_TOPIC, 0) }),
  channelPlace: record({ channel: channelId, category: optional(channelId), place }),
  channelDelete: record({ channel: channelId }),
  /** Who reads what is written from now on. */
  channelAudience: record({ channel: channelId, audience }),
  /** So long (ms) a device waits between two messages in the channel; 0: it needn't. */
  slowMode: record({ channel: channelId, everyMs: uint(MAX_SLOW_MS) }),
  /** How long what is said is kept: for `afterMs`, and at most `maxBytes` of a channel; 0: no end. Without `channel`: wherever a channel does not say it itself; `follows`: it says nothing any more. */
  retention: record({ channel: optional(channelId), follows: flag, afterMs: uint(), maxBytes: uint() }),
  /** What was said in the channel and is labelled before this (ms) is gone, for everyone. */
  clear: record({ channel: channelId, before: uint() }),
  /** For one role or identity in one channel: permissions added and taken away. Both 0 removes it. */
  channelOverride: record({ channel: channelId, ...subject, allow: permissions, deny: permissions }),
  /** Who reads the channels of an audience (not 0, which is everyone's). */
  audience: record({ audience, roles: sorted(roleId, MAX_READERS, (v) => v), identities: sorted(identityId, MAX_READERS, (v) => v), cuts }),
  /** Whether who comes to read an audience later reads what was said before: left unsaid, not. */
  audienceHistory: record({ audience, historyPolicy: policy }),

  spaceRename: record({ name }),
  spaceHistory: record({ historyPolicy: policy }),
  spaceRelays: record({ relays }),
  ownerTransfer: record({ to: identityId, cuts }),
  /** `threshold` of these identities may name a new owner when the owner is lost; 0 with nobody ends it. */
  recoverySet: record({ threshold: uint(MAX_RECOVERERS), identities: sorted(identityId, MAX_RECOVERERS, (v) => v) }),
  recover: record({
    to: identityId, set: opId, cuts,
    signatures: sorted(record({ identityPk: key, signature }), MAX_RECOVERERS, (s) => toHex(s.identityPk)),
  }),
  /** Two signed headers of one device at one place of its chain: it is frozen from there on. */
  forkProof: record({ first: blob(2048), firstRun: headers, firstSig: signature, second: blob(2048), secondRun: headers, secondSig: signature }),
} as const

export type AuthorityType = keyof typeof FORMS
export type BodyOf<T extends AuthorityType> = { readonly type: T } & Readonly<ValueOf<(typeof FORMS)[T]>>
export type AuthorityBody = { [T in AuthorityType]: BodyOf<T> }[AuthorityType]

export const isAuthorityType = (type: string): type is AuthorityType => Object.hasOwn(FORMS, type)

export function encodeAuthorityBody(body: AuthorityBody): Uint8Array {
  return encodeCbor((FORMS[body.type] as Field<object>).write(body))
}

/** undefined for a type that isn't authority's, and for anything but the one canonical encoding. */
export function decodeAuthorityBody(type: string, encoded: Uint8Array): AuthorityBody | undefined {
  if (!isAuthorityType(type)) return undefined
  const cbor = decodeCbor(encoded, MAX_AUTHORITY_BYTES)
  const fields: object | Bad = cbor === undefined ? BAD : (FORMS[type] as Field<object>).read(cbor)
  return fields === BAD ? undefined : ({ type, ...fields } as AuthorityBody)
}

// ---- what identities and devices sign inside bodies ----

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array

export const identityOfKey = (identityPk: Uint8Array, sha256: Sha256): IdentityId =>
  parseIdentityId(sha256(utf8('tk1 id'), identityPk)) as IdentityId

export const certSignedBytes = (device: DeviceId, boxPk: Uint8Array): Uint8Array => concat(utf8('tk1 cert'), raw(device), boxPk)
export const encodeCert = (boxPk: Uint8Array, sig: Uint8Array): Uint8Array => concat(boxPk, sig)
export const certBoxKey = (certBytes: Uint8Array): Uint8Array => certBytes.subarray(0, 32)
export const certSignature = (certBytes: Uint8Array): Uint8Array => certBytes.subarray(32)
export const hashCert = (identityPk: Uint8Array, device: DeviceId, certBytes: Uint8Array, sha256: Sha256): Uint8Array => sha256(identityPk, raw(device), certBytes)

export const joinProofBytes = (space: SpaceId, invite: InviteId, device: DeviceId, identity: IdentityId): Uint8Array =>
  concat(utf8('tk1 join'), raw(space), raw(invite), raw(device), raw(identity))
export const deviceConsentBytes = (space: SpaceId, device: DeviceId, identity: IdentityId): Uint8Array =>
  concat(utf8('tk1 device'), raw(space), raw(device), raw(identity))
export const selfAddBytes = (space: SpaceId, device: DeviceId): Uint8Array => concat(utf8('tk1 self'), raw(space), raw(device))
export const revokeProofBytes = (space: SpaceId, device: DeviceId): Uint8Array => concat(utf8('tk1 revoke'), raw(space), raw(device))
/** `set` is the op id of the recovery set that the signers act under: a later set makes old signatures worthless. */
export const recoverBytes = (space: SpaceId, set: OpId, to: IdentityId): Uint8Array => concat(utf8('tk1 recover'), raw(space), raw(set), raw(to))
