/** Sealed receipts at the relay: "delivered" among people who are never online together. */
import { concat, fromHex } from '../../wire/bytes.ts'
import { type Receipt, receiptBytes } from '../../wire/envelope.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type EpochId } from '../../wire/ids.ts'
import type { Vector } from '../../wire/vector.ts'
import type { Audience } from '../audience.ts'
import { LABELS } from '../labels.ts'
import { CROWD_EACH_MS, RECEIPT_AFTER_MS } from '../limits.ts'
import type { ChainKey } from '../log/log.ts'
import type { Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import { byChain, partsOf } from './comparing.ts'

const signed = (replica: Replica, r: Omit<Receipt, 'sig' | 'type'>): Uint8Array =>
  concat(LABELS.receiptSign, fromHex(replica.id) as Uint8Array, receiptBytes(r))

/** `crowd`: so many others are here, who all have the same to say, to a relay that takes only so much. Some say it sooner, some later, however much comes meanwhile. */
export function planReceipts(turn: Turn, replica: Replica, crowd: number): void {
  const { receipted } = replica.everyone, longestMs = CROWD_EACH_MS * crowd
  const isCrowd = longestMs > RECEIPT_AFTER_MS
  if (isCrowd && receipted.dueAt > turn.now && receipted.dueAt <= turn.now + longestMs) return
  receipted.dueAt = turn.now + (isCrowd ? Math.max(RECEIPT_AFTER_MS, Math.floor((longestMs * (256 + lotOf(replica))) / 512)) : RECEIPT_AFTER_MS)
  turn.out.wake(`receipt|${replica.id}`, receipted.dueAt)
}

/** 0 to 255: keys are drawn evenly. */
const lotOf = ({ me }: Replica): number => parseInt(me.device.slice(0, 2), 16)

/** Posts what this device holds of others' messages and has not said yet, once to each relay. Each audience hears of its channels. */
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
  const known = audience.receipted.sinceEpoch(tip)
  const held = byChain(replica.log.vector().filter((e) => e.device !== replica.me.device && isOurs(e.channel)))
  const vector = [...held].flatMap(([chain, tips]) => (known.get(chain) === headsOf(tips) ? [] : tips))
  for (const part of partsOf(vector)) {
    const said = { device: replica.me.device, at: turn.now, vector: part }
    const sig = await replica.world.suite.sign(replica.me.deviceKey.secretKey, signed(replica, said))
    const bytes = replica.mail.seal(tip, { type: 'receipt', ...said, sig })
    if (bytes === undefined) return
    replica.mail.post(turn, await replica.mail.topicOf(relayKey), bytes, undefined)
    for (const [chain, tips] of byChain(part)) known.set(chain, headsOf(tips))
  }
}

const headsOf = (tips: Vector): string => tips.map((tip) => tip.head).join()

/** What was said in the epoch that is the tip now: in a space of many, saying all again each time would be most of what everybody hears. */
export class Receipted {
  /** When the next one is posted. */
  dueAt = -Infinity
  private tip: EpochId | undefined
  /** The heads that were said of each chain. */
  private chains = new Map<ChainKey, string>()

  /** In another epoch all is said anew: who reads that one may not have read the last. */
  sinceEpoch(tip: EpochId): Map<ChainKey, string> {
    if (tip !== this.tip) { this.tip = tip; this.chains = new Map() }
    return this.chains
  }
}

/** True when the receipt is by a member's device. */
export async function takeReceipt(replica: Replica, r: Receipt): Promise<boolean> {
  if (r.device === replica.me.device || !replica.authority.state.devices.has(r.device)) return false
  return replica.world.suite.verify(fromHex(r.device) as Uint8Array, r.sig, signed(replica, r))
}
