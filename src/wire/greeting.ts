/**
 * What a hello holds, sealed for who holds the space's relay key: who speaks, the proof, and at once the digests of what it holds, if it may tell those to any member.
 *
 *   greeting = device (32) || signature (64) || how many (1) || (channel (16) || digest (8))*      channels ascending; without any a digest frame follows
 */
import { concat, fromHex, hexAt } from './bytes.ts'
import type { ChannelDigest } from './frame.ts'
import { type ChannelId, type DeviceId, parseDeviceId } from './ids.ts'

const SIG_BYTES = 64, PROOF_BYTES = 32 + SIG_BYTES, CHANNEL_BYTES = 16, DIGEST_BYTES = 8
/** Channels that one greeting tells of: a KiB. */
export const MAX_GREETING_CHANNELS = 40

export interface Greeting { readonly device: DeviceId; readonly sig: Uint8Array; /** Of all that it holds. */ readonly channels: readonly ChannelDigest[] | undefined }

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export const encodeGreeting = ({ device, sig, channels }: Greeting): Uint8Array =>
  concat(raw(device), sig, Uint8Array.of(channels?.length ?? 0), ...(channels ?? []).flatMap((c) => [raw(c.channel), raw(c.digest)]))

export function decodeGreeting(bytes: Uint8Array): Greeting | undefined {
  const each = CHANNEL_BYTES + DIGEST_BYTES, count = bytes[PROOF_BYTES] ?? Infinity
  const device = count > MAX_GREETING_CHANNELS || bytes.length !== PROOF_BYTES + 1 + count * each ? undefined : parseDeviceId(bytes.subarray(0, 32))
  if (device === undefined) return undefined
  const channels: ChannelDigest[] = []
  for (let at = PROOF_BYTES + 1; at < bytes.length; at += each) {
    const channel = hexAt(bytes, at, CHANNEL_BYTES) as ChannelId
    if (channel <= (channels[channels.length - 1]?.channel ?? '')) return undefined
    channels.push({ channel, digest: hexAt(bytes, at + CHANNEL_BYTES, DIGEST_BYTES) })
  }
  return { device, sig: bytes.slice(32, PROOF_BYTES), channels: count === 0 ? undefined : channels }
}
