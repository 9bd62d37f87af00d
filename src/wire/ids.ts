/** Branded ids: lower-case hex in memory. Made only by the parse functions here. */
import { toHex } from './bytes.ts'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** SHA-256 of an op's header, 32 bytes. */
export type OpId = Branded<'op'>
/** The op id of a space's genesis, 32 bytes. */
export type SpaceId = Branded<'space'>
/** 16 random bytes; all zero is the pseudo-channel of authority and group ops. */
export type ChannelId = Branded<'channel'>
/** An Ed25519 public key, 32 bytes: a device is its key. */
export type DeviceId = Branded<'device'>
/** SHA-256("tk1 id" || identity public key), 32 bytes. */
export type IdentityId = Branded<'identity'>
/** 16 random bytes. */
export type InviteId = Branded<'invite'>
/** The op id of the commit that made the epoch, or the genesis op for the first. */
export type EpochId = OpId

const HEX_16 = /^[0-9a-f]{32}$/
const HEX_32 = /^[0-9a-f]{64}$/
const parser = <T extends string>(form: RegExp) => {
  const bytes = form === HEX_16 ? 16 : 32
  return (value: string | Uint8Array): T | undefined => {
    if (typeof value !== 'string') return value.length === bytes ? (toHex(value) as T) : undefined
    return form.test(value) ? (value as T) : undefined
  }
}

export const parseOpId = parser<OpId>(HEX_32)
export const parseSpaceId = parser<SpaceId>(HEX_32)
export const parseChannelId = parser<ChannelId>(HEX_16)
export const parseDeviceId = parser<DeviceId>(HEX_32)
export const parseIdentityId = parser<IdentityId>(HEX_32)
export const parseInviteId = parser<InviteId>(HEX_16)

/** The pseudo-channel that every member replicates first: authority, commits, bundles, grants. */
export const AUTHORITY_CHANNEL = '0'.repeat(32) as ChannelId
/** The header of a genesis op can't name the space whose id is its own hash. */
export const NO_SPACE = '0'.repeat(64) as SpaceId
