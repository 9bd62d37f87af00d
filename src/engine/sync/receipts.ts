/** Sealed receipts at the relay: "delivered" among people who are never online together. */
import { concat, fromHex } from '../../wire/bytes.ts'
import { type Receipt, receiptBytes } from '../../wire/envelope.ts'
import { AUTHORITY_CHANNEL, type ChannelId } from '../../wire/ids.ts'
import type { Audience } from '../audience.ts'
import { LABELS } from '../labels.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'

const signed = (replica: Replica, r: Omit<Receipt, 'sig' | 'type'>): Uint8Array =>
  concat(LABELS.receiptSign, fromHex(replica.id) as Uint8Array, receiptBytes(r))

/** Posts what this device holds of others' messages, once to each relay; the next one replaces it in meaning. Each audience hears of its channels. */
export async function postReceipts(turn: Turn, replica: Replica): Promise<void> {
  if (replica.record.state !== 'open') return
  for (const audience of replica.audiences.values()) await postReceipt(turn, audience)
}

async function postReceipt(turn: Turn, audience: Audience): Promise<void> {
  const { replica, groups } = audience
  const relayKey = audience.relayKeysInUse()[0]
  const tip = groups.tip()
  if (relayKey === undefined || tip === undefined) return
  const isOurs = (channel: ChannelId): boolean => channel !== AUTHORITY_CHANNEL && replica.audienceFor(channel) === audience
  const vector = replica.log.vector().filter((e) => e.device !== replica.me.device && isOurs(e.channel))
  if (vector.length === 0) return
  const said = { device: replica.me.device, at: turn.now, vector }
  const sig = await replica.world.suite.sign(replica.me.deviceKey.secretKey, signed(replica, said))
  const bytes = replica.mail.seal(tip, { type: 'receipt', ...said, sig })
  if (bytes !== undefined) replica.mail.post(turn, await replica.mail.topicOf(relayKey), bytes, undefined)
}

/** True when the receipt is by a member's device. */
export async function takeReceipt(replica: Replica, r: Receipt): Promise<boolean> {
  if (r.device === replica.me.device || !replica.authority.state.devices.has(r.device)) return false
  return replica.world.suite.verify(fromHex(r.device) as Uint8Array, r.sig, signed(replica, r))
}
