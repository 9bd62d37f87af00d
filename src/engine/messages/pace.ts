/**
 * Channels with slow mode (A35). What counts there is told by the chains of devices, which everybody has alike: of each message how much later it is labelled than the last one
 * before it. This device keeps its own person to it, and spaces what waited to be secured.
 */
import type { Row } from '../../ports.ts'
import type { MessageRecord, Origin } from '../../wire/content-records.ts'
import type { ChannelId } from '../../wire/ids.ts'
import { HLC_STEP, type OpHeader } from '../../wire/op.ts'
import { headOf } from '../content/kept.ts'
import type { Draft } from '../drafts.ts'
import { MAX_LABEL_AHEAD_MS, MAX_PACE_LOOKED } from '../limits.ts'
import { opKey } from '../log/log.ts'
import type { Reading } from '../reading.ts'
import { opsPartition, type Replica } from '../replica.ts'
import { permissionsIn } from '../rights.ts'
import { has } from '../space/permissions.ts'
import type { Turn } from '../turn.ts'

const LOOKED_AT_ONCE = 32

/** A message's label, and when it was written by this device's clock (ms), as far as that is known. */
interface Said { readonly hlc: number; readonly at: number }

/** How long this person waits between two messages there (ms). */
function slowFor({ authority: { state }, me }: Replica, channel: ChannelId): number {
  const shape = state.channels.get(channel)
  return shape === undefined || shape.slowMs === 0 || has(permissionsIn(state, me.identity, shape), 'messages') ? 0 : shape.slowMs
}

export class Pace {
  private readonly sealed = new Map<ChannelId, Said>()
  private readonly drafted = new Map<ChannelId, number>()

  /** A message is here; true: before it is shown it is looked at with its chain. */
  cameIn(turn: Turn, replica: Replica, channel: ChannelId, { id, author, hlc }: Origin): boolean {
    if (author === replica.me.identity && hlc > (this.sealed.get(channel)?.hlc ?? -1)) this.sealed.set(channel, { hlc, at: Math.min(hlc / HLC_STEP, turn.now) })
    if (replica.authority.everSlow(channel)) replica.inbox.expect(turn, id)
    return replica.inbox.isExpected(id)
  }

  /** It was written now and waits to be sealed. */
  drafts(turn: Turn, channel: ChannelId): void { this.drafted.set(channel, turn.now) }

  /** When this person may write there again (ms); 0: there is no slow mode for them, or nothing that they said. */
  nextAt(replica: Replica, channel: ChannelId): number {
    const every = slowFor(replica, channel), last = this.sealed.get(channel), drafted = this.drafted.get(channel)
    if (every === 0 || (last === undefined && drafted === undefined)) return 0
    // A label that is further ahead than own labels may be, from before a clock was set right, has to be waited for.
    return Math.ceil(Math.max(drafted ?? 0, last?.at ?? 0, (last?.hlc ?? 0) / HLC_STEP - MAX_LABEL_AHEAD_MS) + every)
  }

  /** Whether a draft may be sealed now; one after the other, at the pace of the channel. */
  mayGo(turn: Turn, replica: Replica, { channel, content }: Draft): boolean {
    const every = content.type === 'message' ? slowFor(replica, channel) : 0, last = this.sealed.get(channel)
    if (every === 0) return true
    const next = last === undefined ? 0 : last.at + every
    if (next > turn.now) { turn.out.wake(`pace|${replica.id}`, Math.ceil(next)); return false }
    this.sealed.set(channel, { hlc: last?.hlc ?? 0, at: turn.now })
    return true
  }

  /** Others' clocks push labels ahead of the time: what was written so much later is labelled so. */
  spaced(replica: Replica, header: OpHeader): OpHeader {
    const every = header.type === 'message' ? slowFor(replica, header.channel) : 0, last = this.sealed.get(header.channel)
    return every === 0 || last === undefined ? header : { ...header, hlc: Math.max(header.hlc, last.hlc + every * HLC_STEP) }
  }

  /** After a start: what this device said last where it matters. */
  * begin(turn: () => Turn, replica: Replica): Reading<void> {
    for (const [channel, { slowMs }] of replica.authority.state.channels) {
      const head = replica.log.head(channel, replica.me.device)
      if (slowMs === 0 || head === undefined) continue
      const hlc = yield* lastSaid(replica, channel, { device: replica.me.device, chanSeq: head.chanSeq + 1 })
      if (hlc !== undefined && hlc > (this.sealed.get(channel)?.hlc ?? -1)) this.sealed.set(channel, { hlc, at: Math.min(hlc / HLC_STEP, turn().now) })
    }
  }
}

/** The label of a device's last message before this place of its chain; undefined where there is none near: notes between are passed over, so many. */
function* lastSaid(replica: Replica, channel: ChannelId, { device, chanSeq }: Pick<Origin, 'device' | 'chanSeq'>): Reading<number | undefined> {
  let to = opKey(device, chanSeq)
  for (let looked = 0; looked < MAX_PACE_LOOKED; looked += LOOKED_AT_ONCE) {
    const [rows = []]: readonly (readonly Row[])[] = yield [{ partition: opsPartition(replica.id, channel), query: { from: opKey(device, 0), to, limit: LOOKED_AT_ONCE, reverse: true } }]
    for (const row of rows) {
      const head = headOf(replica, row)
      if (head?.type === 'message') return head.hlc
      to = row.key
    }
    if (rows.length < LOOKED_AT_ONCE) return undefined
  }
  return undefined
}

/** Of a message in a channel that ever had a slow mode; undefined elsewhere. What was written first, or after nothing near, came late enough. */
export function* gapOf(replica: Replica, channel: ChannelId, record: MessageRecord): Reading<number | undefined> {
  if (!replica.authority.everSlow(channel)) return undefined
  const before = yield* lastSaid(replica, channel, record)
  return before === undefined ? Number.MAX_SAFE_INTEGER : Math.max(0, Math.floor((record.hlc - before) / HLC_STEP))
}
