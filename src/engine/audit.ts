/**
 * What this device has had of a topic and what a relay keeps of it are compared where they may differ: a relay forgot, was replaced, is new to the space, or contradicts itself; this
 * device lost its place, or its store was restored; and once a week, because a relay may lose or withhold a parcel without anything showing it.
 *
 * What the relay has beside is fetched, and nothing else. Own ops that it lacks are put there again, under the epoch they went out under at first, since those who lack them may
 * know no later one. What others made is theirs to put: they compare as well.
 */
import type { Compared, MailboxEvent, Row, TopicKey } from '../ports.ts'
import { fromHex, fromU64, toHex, u64 } from '../wire/bytes.ts'
import { packed } from '../wire/comparison.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type SpaceId } from '../wire/ids.ts'
import { decodeOwed, type OwedRecord } from '../wire/mail-records.ts'
import type { Op } from '../wire/op.ts'
import type { Engine } from './engine.ts'
import { isLive, layKit } from './invites.ts'
import { AUDIT_EVERY_MS, AUDIT_LOOK_MS, MAX_REPOSTED_OPS, OWED_FOR_MS, PARCELS_KEPT_MS, REPOST_EVERY_MS } from './limits.ts'
import { keptOp } from './content/kept.ts'
import { opKey } from './log/log.ts'
import { packedPartition } from './mailbox/had.ts'
import { batchesOf, owedPartition } from './mailbox/mail.ts'
import { readRelays } from './relays.ts'
import { opsPartition, type Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** One comparison. `thenWatch`: the topic isn't read meanwhile. */
interface Audit { readonly key: TopicKey; readonly thenWatch: boolean; packs: readonly Row[] | undefined; owed: readonly Row[] | undefined; found: number }
interface Place { readonly replica: Replica; readonly relay: string; readonly topic: string }
type Owing = ReadonlyMap<string, OwedRecord>

const nameOf = ({ replica, relay, topic }: Place): string => `${replica.id}|${topic}|${relay}`

export class Audits {
  private readonly engine: Engine
  private readonly open = new Map<string, Audit>()
  /** Own messages that a relay lacks, until the disk has given them. `isCut`: there are more than are put at a time. */
  private readonly filling = new Map<string, { readonly due: Owing; readonly result: Compared; left: number; isCut: boolean }>()
  /** When each place was last compared because of a roll-back: a relay that forgets all the time must not have us post all the time. */
  private readonly rolledAt = new Map<string, number>()

  constructor(engine: Engine) { this.engine = engine }

  // ---- when ----

  /** Topics whose place at a relay is lost, or was never had: the relay is new to the space. */
  startUnplaced(turn: Turn, replica: Replica): void {
    for (const { relay, key } of replica.mail.takeUnplaced()) this.begin(turn, { replica, relay, topic: key.topic }, key, true)
  }

  rolledBack(turn: Turn, replica: Replica, relay: string, topic: string): void {
    const place = { replica, relay, topic }, key = replica.mail.topics.get(topic)
    if (key === undefined || !replica.mail.read.includes(relay)) return
    const last = this.rolledAt.get(nameOf(place)) ?? -Infinity
    // It is read from the start meanwhile.
    if (turn.now - last < REPOST_EVERY_MS) return turn.out.wake(`repost|${nameOf(place)}`, last + REPOST_EVERY_MS)
    this.rolledAt.set(nameOf(place), turn.now)
    turn.out.send({ type: 'unwatch', relay, topic })
    this.begin(turn, place, key, true)
  }

  /** A timer of `rolledBack`. */
  again(turn: Turn, tag: string): void {
    const [, space = '', topic = '', relay = ''] = tag.split('|')
    const replica = this.engine.replicas.get(space as SpaceId), key = replica?.mail.topics.get(topic)
    if (replica === undefined || key === undefined || !replica.mail.read.includes(relay)) return
    this.rolledAt.set(nameOf({ replica, relay, topic }), turn.now)
    this.begin(turn, { replica, relay, topic }, key, false)
  }

  /** Whatever wasn't compared for a week; and what was noted for comparisons that nobody will make. */
  look(turn: Turn): void {
    turn.out.wake('audit', turn.now + AUDIT_LOOK_MS)
    for (const replica of this.engine.replicas.values()) {
      replica.mail.expire(turn)
      if (replica.mail.left !== undefined) readRelays(this.engine, turn, replica)
      if (replica.record.state !== 'open' || replica.state() !== 'member') continue
      replica.mail.forgetOldTopics(turn)
      for (const relay of replica.mail.relays) {
        for (const [topic, key] of replica.mail.topics) {
          const at = replica.mail.comparedAt(relay, topic)
          if (at !== undefined && at + AUDIT_EVERY_MS <= turn.now) this.begin(turn, { replica, relay, topic }, key, false)
        }
      }
    }
  }

  /** Own ops came from others: this device's store was restored from an older one; or what was let go of may be had now. */
  suspect(turn: Turn, replica: Replica): void {
    for (const relay of replica.mail.relays) for (const [topic, key] of replica.mail.topics) this.begin(turn, { replica, relay, topic }, key, false)
  }

  /** What was put off until today lies at relays as well, for whom nobody is here. */
  dayBegins(turn: Turn): void { for (const replica of this.engine.replicas.values()) if (replica.quota.goesOn(turn)) this.suspect(turn, replica) }

  private begin(turn: Turn, place: Place, key: TopicKey, thenWatch: boolean): void {
    const known = this.open.get(nameOf(place))
    // One that goes on reading comes to the same; one that doesn't has to end with it.
    if (known !== undefined && (known.thenWatch || !thenWatch)) return
    this.open.set(nameOf(place), { key, thenWatch, packs: undefined, owed: undefined, found: 0 })
    const { replica, topic } = place
    for (const [what, partition] of [['had', packedPartition(replica.id, topic)], ['owed', owedPartition(replica.id, topic)]] as const) {
      turn.out.read({ tag: `${replica.id}|audit|${topic}|${place.relay}|${what}`, partition, query: { limit: Number.MAX_SAFE_INTEGER } })
    }
  }

  // ---- what comes of it ----

  /** What the disk gives: first what was had and what is owed, in the end own messages that are to be put again. */
  async onRows(turn: Turn, replica: Replica, tag: string, rows: readonly Row[]): Promise<void> {
    const [, , topic = '', relay = '', what, channel = ''] = tag.split('|')
    const place = { replica, relay, topic }, audit = this.open.get(nameOf(place))
    if (what === 'ops') return this.onOwnMessages(turn, place, channel as ChannelId, rows)
    if (audit === undefined) return
    if (what === 'had') audit.packs = rows
    if (what === 'owed') audit.owed = rows
    if (audit.packs === undefined || audit.owed === undefined) return
    const held = replica.mail.had.all(turn, topic, audit.packs)
    for (const { ids } of owingOf(audit.owed).values()) for (const id of ids) held.add(id)
    // Who has had nothing has nothing to compare.
    if (held.size > 0) turn.out.send({ type: 'compare', relay, key: audit.key, held: packed(held) })
    else this.goOn(turn, place, audit, 0, undefined)
  }

  /** Ends an audit, and reads on from there. */
  private goOn(turn: Turn, place: Place, { key, thenWatch }: Audit, since: number, hash: Uint8Array | undefined): void {
    this.open.delete(nameOf(place))
    if (thenWatch && place.replica.mail.topics.has(place.topic)) turn.out.send({ type: 'watch', relay: place.relay, key, since, hash })
  }

  async onFound(turn: Turn, { relay, topic, parcels }: MailboxEvent & { type: 'found' }): Promise<void> {
    for (const replica of this.engine.replicas.values()) {
      const audit = this.open.get(nameOf({ replica, relay, topic }))
      if (audit === undefined) continue
      audit.found += parcels.length
      await this.engine.takeParcels(turn, replica, { topic, relay }, parcels)
    }
  }

  async onCompared(turn: Turn, { relay, topic, result }: MailboxEvent & { type: 'compared' }): Promise<void> {
    for (const replica of this.engine.replicas.values()) {
      const place = { replica, relay, topic }, audit = this.open.get(nameOf(place))
      if (audit === undefined) continue
      // Something got lost between the relay and here: reading from the start brings it.
      if (result === undefined || audit.found < result.found) { this.goOn(turn, place, audit, 0, undefined); continue }
      this.goOn(turn, place, audit, result.next, result.hash)
      const isAll = replica.state() !== 'member' || await this.fill(turn, place, audit, result)
      replica.mail.compared(turn, relay, topic, result, isAll ? turn.now : 0)
    }
  }

  // ---- putting again ----

  /** True when all is put that is due; false while own messages are on their way from the disk. */
  private async fill(turn: Turn, place: Place, audit: Audit, result: Compared): Promise<boolean> {
    const { replica, topic, relay } = place, { lacks } = result, meant = meantFor(place)
    if (lacks.size > 0 && meant === undefined) await this.layKitsAgain(turn, replica, relay, topic)
    const due = new Map<string, OwedRecord>(), waiting = replica.mail.waitingAt(relay)
    for (const [name, owed] of owingOf(audit.owed ?? [])) {
      if (owed.at < turn.now - PARCELS_KEPT_MS) turn.out.delete(owedPartition(replica.id, topic), fromHex(name) as Uint8Array)
      else if (meant?.has(name) !== false && owed.at > turn.now - OWED_FOR_MS && owed.ids.every((id) => lacks.has(id) && !waiting.has(id))) due.set(name, owed)
    }
    if (due.size === 0) return true
    this.put(turn, place, audit.key, due, [...replica.log.authority.values()])
    const chains = Map.groupBy([...due.keys()].map(placeOfOp).filter(({ channel }) => channel !== AUTHORITY_CHANNEL), ({ device, channel }) => device + channel)
    if (chains.size > 0) this.filling.set(nameOf(place), { due, result, left: chains.size, isCut: false })
    for (const places of chains.values()) {
      const [first] = places
      if (first === undefined) continue
      const { device, channel } = first
      const numbers = places.map(({ chanSeq }) => chanSeq)
      const [from, to] = [numbers.reduce((a, b) => Math.min(a, b)), numbers.reduce((a, b) => Math.max(a, b))]
      turn.out.read({
        tag: `${replica.id}|audit|${topic}|${relay}|ops|${channel}`, partition: opsPartition(replica.id, channel),
        query: { from: opKey(device, from), to: opKey(device, to + 1), limit: MAX_REPOSTED_OPS, reverse: true },
      })
    }
    return chains.size === 0
  }

  private onOwnMessages(turn: Turn, place: Place, channel: ChannelId, rows: readonly Row[]): void {
    const filling = this.filling.get(nameOf(place)), key = place.replica.mail.topics.get(place.topic)
    if (filling === undefined) return
    const ops = [...rows].reverse().map((row) => keptOp(place.replica, channel, row)).filter((op) => op !== undefined)
    if (key !== undefined) this.put(turn, place, key, filling.due, ops)
    filling.isCut ||= rows.length === MAX_REPOSTED_OPS
    if (--filling.left > 0) return
    this.filling.delete(nameOf(place))
    // For the others it is soon compared again.
    place.replica.mail.compared(turn, place.relay, place.topic, filling.result, filling.isCut ? 0 : turn.now)
  }

  /** Those of the ops that are due, many to a parcel. */
  private put(turn: Turn, { replica, relay, topic }: Place, key: TopicKey, due: Owing, ops: readonly Op[]): void {
    const owing = (op: Op): OwedRecord | undefined => due.get(nameOfOp(op))
    for (const [epoch, those] of Map.groupBy(ops.filter((op) => owing(op) !== undefined), (op) => owing(op)?.epoch)) {
      let at = 0
      for (const batch of epoch === undefined ? [] : batchesOf(those)) {
        const bytes = epoch === undefined ? undefined : replica.mail.seal(epoch, { type: 'ops', ops: batch })
        const sent = those.slice(at, at += batch.length)
        if (bytes === undefined) continue
        replica.mail.post(turn, key, bytes, undefined, [relay])
        for (const op of sent) replica.mail.owe(turn, topic, op.header, owing(op) as OwedRecord, bytes)
      }
    }
  }

  /**
   * Members don't read the topics of invites, so their loss shows only here: where a relay lacks anything of the newest topic, whoever's it was, it may have lost kits as well.
   * Who made an invite lays its kit again; while they are away, one of those who are here.
   */
  private async layKitsAgain(turn: Turn, replica: Replica, relay: string, topic: string): Promise<void> {
    const newest = replica.everyone.relayKeysInUse()[0]
    if (newest === undefined || (await replica.mail.topicOf(newest)).topic !== topic) return
    const online = this.engine.present.devices(replica, turn.now)
    const first = [...online, replica.me.device].sort()[0]
    const isHere = (identity: string): boolean => [...online].some((device) => replica.authority.identityOf(device) === identity)
    for (const [invite, info] of replica.authority.state.invites) {
      if (!isLive(info, turn.now)) continue
      if (info.creator === replica.me.identity || (!isHere(info.creator) && first === replica.me.device)) await layKit(turn, replica, invite, [relay])
    }
  }
}

/** Of own acts, those that belong to a relay that the space has left: what its leaving rests on. Undefined where all do. */
function meantFor({ replica: { log, mail }, relay }: Place): ReadonlySet<string> | undefined {
  const act = mail.left?.get(relay)
  return act === undefined ? undefined : new Set([...log.authorityPast([act])].map((id) => nameOfOp(log.authority.get(id) as Op)))
}

/** What is owed, by the op's place in its chain. */
function owingOf(rows: readonly Row[]): Map<string, OwedRecord> {
  const out = new Map<string, OwedRecord>()
  for (const row of rows) {
    const owed = decodeOwed(row.value)
    if (owed !== undefined) out.set(toHex(row.key), owed)
  }
  return out
}

const nameOfOp = ({ header }: Op): string => header.device + header.channel + toHex(u64(header.chanSeq))

function placeOfOp(name: string): { readonly device: DeviceId; readonly channel: ChannelId; readonly chanSeq: number } {
  return { device: name.slice(0, 64) as DeviceId, channel: name.slice(64, 96) as ChannelId, chanSeq: fromU64(fromHex(name.slice(96)) as Uint8Array) }
}
