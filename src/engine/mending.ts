/**
 * What becomes of a damaged disk. The host has it cut out what can't be read; the disk notes which rows that were, in the partition 'lost', and the engine that
 * starts next puts back what it can:
 *
 *   ops of channels and of authority     holes (log/holes.ts): asked for from peers; relays are read again from the beginning
 *   what is made of ops                  made again from the ops, messages where they stood (remaking.ts), and who spoke for which epoch
 *   the search index                     thrown away, and built anew by itself
 *   who this device is, and its spaces   kept at both ends of the disk (twice.ts)
 *   what this device's own place rests on    by what is left it is no member: it finds the others by the keys that it has (ground.ts)
 *   keys, states of groups, heads        asked for, joined again and compared as by a device that never had them, but for what is made of ops; own chains as after a disk was put back (S9)
 *
 * A full check of the disk goes on beside everything else and tells how far it is.
 */
import type { Row } from '../ports.ts'
import { fromU64, toHex } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type SpaceId } from '../wire/ids.ts'
import { decodeLoss, type Loss, LOST_PARTITION, lostIn } from '../wire/losses.ts'
import type { Engine } from './engine.ts'
import { fail } from './errors.ts'
import { readGround } from './ground.ts'
import type { Input } from './input.ts'
import { keptOp, lockingEpoch } from './content/kept.ts'
import { opKey } from './log/log.ts'
import { after } from './messages/places.ts'
import { recount } from './messages/unread.ts'
import type { Asker } from './out.ts'
import { PAUSE, type Reading } from './reading.ts'
import { makeAgain, noteReaches, PIECE, placeAgain, readAgain, retrace } from './remaking.ts'
import { opsPartition, type Replica } from './replica.ts'
import { indexPartitions } from './search/search-index.ts'
import type { Turn } from './turn.ts'

/** What is made of a channel's ops. */
const MADE_OF_CHANNEL = ['messages', 'threads', 'notes', 'pins', 'voidpins', 'active']

export class Mending {
  private readonly engine: Engine
  private losses: readonly Loss[] = []
  private rows: readonly Row[] = []
  private waiting: Asker[] = []
  private readonly remaking = new Set<SpaceId>()
  /** How far the check that is running has been told, in hundredths. */
  private told = 0

  constructor(engine: Engine) { this.engine = engine }

  /** What the disk has lost and nobody has dealt with. */
  load(turn: Turn, rows: readonly Row[]): void {
    this.rows = rows
    this.losses = rows.map((row) => decodeLoss(row.value)).filter((loss) => loss !== undefined)
    if (rows.length > 0) turn.out.update({ type: 'notice', error: fail('damaged') })
  }

  /** Some row of this partition, as far as can be told before all spaces are open. */
  hasLost(partition: string): boolean { return this.losses.some((loss) => lostIn(loss, partition) !== undefined) }

  /** A space is open: what of it was lost is looked for. */
  begin(turn: Turn, replica: Replica): void {
    const { id, holes } = replica
    const channels = channelsOf(replica)
    for (const loss of this.losses) {
      for (const channel of [AUTHORITY_CHANNEL, ...channels]) {
        const lost = lostIn(loss, opsPartition(id, channel))
        if (lost !== undefined) noteHoles(turn, replica, channel, lost)
      }
      if (indexPartitions(id).some((partition) => lostIn(loss, partition) !== undefined)) for (const partition of indexPartitions(id)) turn.out.drop(partition)
      const isMade = ['places', 'keys', 'locked', 'away', 'votes'].some((kind) => lostIn(loss, `${kind}/${id}`) !== undefined) || channels.some((channel) => MADE_OF_CHANNEL.some((kind) => lostIn(loss, `${kind}/${id}/${channel}`) !== undefined))
      const areEndsLost = lostIn(loss, `heads/${id}`) !== undefined
      if (isMade || areEndsLost) holes.noteMade(turn, areEndsLost)
    }
    // Among the ops that are gone, now or before, or can't be read without a key, may be this device's last, of which nothing else would tell.
    if (this.hasLost(`heads/${id}`) && (holes.areOf(replica.me.device) || this.hasLost(`keys/${id}`) || [AUTHORITY_CHANNEL, ...channels].some((channel) => this.hasLost(opsPartition(id, channel))))) this.engine.succession.forgot(turn, replica)
    if (this.losses.length > 0) replica.mail.forgetCursors(turn)
    if (holes.isToBeMade) this.begins(turn, replica)
    if (replica.isMending) void this.engine.questions.follow(turn, () => readGround(replica), async (later) => {
      this.engine.touch(later, replica)
      await this.engine.peers.greetAll(later, replica)
      await this.engine.meeting.announce(later, replica)
    })
  }

  /** All spaces have been looked at. */
  done(turn: Turn): void {
    for (const { key } of this.rows) turn.out.delete(LOST_PARTITION, key)
    this.rows = []
    this.losses = []
  }

  private begins(turn: Turn, replica: Replica): void {
    void this.engine.questions.follow(turn, (running) => this.make(running, replica), (later) => {
      replica.holes.made(later)
      later.out.update({ type: 'revised', space: replica.id })
      for (const spot of [...this.engine.reading.unreadIn(replica.id)]) recount(this.engine, later, replica, spot)
      this.engine.touch(later, replica)
    })
  }

  /** Makes what is to be made of ops that came back, a piece at a time: what stands where is known by then. */
  goOn(turn: Turn, replica: Replica): void {
    if (replica.holes.isToBeMade || this.remaking.has(replica.id)) return
    const rows = replica.locked.takeAgain(PIECE)
    if (rows.length === 0) return
    this.remaking.add(replica.id)
    void this.engine.questions.follow(turn, (running) => readAgain(running, replica, rows), (later) => {
      this.remaking.delete(replica.id)
      this.engine.touch(later, replica)
    })
  }

  /** Reads the ops of all channels again, and makes of them what isn't there. */
  private * make(turn: () => Turn, replica: Replica): Reading<void> {
    const channels = channelsOf(replica)
    for (const op of replica.log.authority.values()) replica.vote(turn(), op)
    for (const channel of channels) yield* placeAgain(turn, replica, channel)
    for (const channel of channels) {
      for (let from: Uint8Array | undefined = new Uint8Array(); from !== undefined;) {
        const [rows = []]: readonly (readonly Row[])[] = yield [{ partition: opsPartition(replica.id, channel), query: { from, limit: PIECE } }]
        const ops = rows.flatMap((row) => { const op = keptOp(replica, channel, row); return op === undefined ? [] : [{ op, key: row.key }] })
        for (const { op } of ops) { replica.vote(turn(), op); retrace(turn(), replica, op) }
        for (const row of rows) {
          const epoch = lockingEpoch(replica, row)
          if (epoch !== undefined) replica.locked.lock(turn(), epoch, channel, row.key, true)
        }
        noteReaches(turn(), replica, channel, rows.map((row) => ({ device: toHex(row.key.subarray(0, 32)) as DeviceId, chanSeq: fromU64(row.key.subarray(32, 40)) })))
        yield* makeAgain(turn, replica, ops)
        const last: Row | undefined = rows[PIECE - 1]
        from = last === undefined ? undefined : after(last.key)
        this.engine.touch(turn(), replica)
        yield PAUSE
      }
    }
  }

  // ---- the full check ----

  check(turn: Turn, asker: Asker): void {
    this.waiting.push(asker)
    if (this.waiting.length > 1) return
    this.told = -1
    turn.out.read({ tag: 'check', check: true })
  }

  onChecked(turn: Turn, { done, all, damaged, failed }: Input & { type: 'checked' }): void {
    if (failed === true) {
      for (const asker of this.waiting.splice(0)) turn.out.refuse(asker, fail('disk-failed'))
      return
    }
    const hundredths = Math.floor((100 * done) / Math.max(all, 1))
    if (hundredths !== this.told || damaged !== undefined) turn.out.update({ type: 'storage', done, all, ...(damaged === undefined ? {} : { damaged }) })
    this.told = hundredths
    if (damaged === undefined) return
    for (const asker of this.waiting.splice(0)) turn.out.reply(asker, { damaged })
    if (damaged > 0) turn.out.read({ tag: 'mend', mend: true })
  }
}

/** All that may have content; of those the log knows nothing whose ends were forgotten. */
const channelsOf = ({ log, authority }: Replica): ChannelId[] => [...new Set([...authority.state.channels.keys(), ...log.channels])].filter((channel) => channel !== AUTHORITY_CHANNEL)

/** The places of each chain whose rows lay there. */
function noteHoles(turn: Turn, { log, holes }: Replica, channel: ChannelId, lost: { readonly from: Uint8Array; readonly to: Uint8Array | undefined }): void {
  for (const device of log.devicesIn(channel)) {
    const reach = log.tipsOf(channel, device).reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
    const prefix = opKey(device, 0).subarray(0, 32), at = (key: Uint8Array): number => (toHex(key.subarray(0, 32)) < toHex(prefix) ? 0 : toHex(key.subarray(0, 32)) > toHex(prefix) ? Infinity : key.length < 40 ? 0 : fromU64(key.subarray(32, 40)))
    const from = Math.max(1, at(lost.from)), to = Math.min(reach, lost.to === undefined ? Infinity : at(lost.to) - (lost.to.length > 40 ? 0 : 1))
    if (from <= to) holes.note(turn, { channel, device, from, to })
  }
}
