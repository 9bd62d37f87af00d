/**
 * Telling those who were put out and could not hear of it. The news of a removal goes out where the removed read; but a relay may lose it, nobody who is left reads
 * that topic for ever, and no member speaks with who isn't one. So they would believe to be in for good, talking to nobody.
 *
 * They go on saying where they are, or what they think of as news. Whoever reads that answers in the same topic and under the same key: with the ops that put them out, and with what these rest on.
 * That was theirs to know, and nothing later is told. One of those who are here answers, by rank, the next one if they go on all the same; ever more rarely, so
 * that somebody who only pretends not to have heard costs little.
 *
 * In the same way a member is brought back whose disk was put back so far that it knows nobody who is here: but alone, by a sealed word.
 */
import type { TopicKey } from '../ports.ts'
import { decodeEnvelope, type Payload } from '../wire/envelope.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { sealAside } from './asides.ts'
import { Calls } from './calls.ts'
import type { Engine } from './engine.ts'
import { FAREWELL_AGAIN_MS, MAX_CALL_OPS, MAX_FAREWELL_AGAIN_MS, MAX_FAREWELL_OPS } from './limits.ts'
import { batchesOf } from './mailbox/mail.ts'
import { isSigned } from './presence.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** What one device, which is out or astray, has been told from here; `heard`: how often something of it came since then. From then on (ms) it may be told again. */
interface Told { readonly times: number; readonly heard: number; readonly from: number }
/** An envelope, and the topic and relay it was read at. */
export interface Said { readonly topic: string; readonly relay: string | undefined; readonly bytes: Uint8Array }

export class Farewells {
  private readonly engine: Engine
  /** By space and device: as many at most as authority ever certified. */
  private readonly told = new Map<string, Told>()

  readonly calls: Calls

  constructor(engine: Engine) {
    this.engine = engine
    this.calls = new Calls(engine, (turn, replica, device, topic) => this.call(turn, replica, device, topic))
  }

  /** Whether a device is out, and not told lately. */
  mayTell(turn: Turn, replica: Replica, device: DeviceId): boolean {
    const { authority } = replica
    if (replica.state() !== 'member' || authority.state.devices.has(device) || authority.identityOf(device) === undefined) return false
    return this.isTime(turn, replica, device)
  }

  private isTime(turn: Turn, replica: Replica, device: DeviceId): boolean { return turn.now >= (this.told.get(nameOf(replica, device))?.from ?? -Infinity) }

  async announced(turn: Turn, replica: Replica, payload: Payload & { readonly type: 'presence' }, said: Said): Promise<void> {
    const { device } = payload
    if (replica.authority.identityOf(device) === undefined) { await this.calls.unplaced(turn, replica, device, said.topic); return }
    const epoch = this.astraySince(turn, replica, device, said)
    if ((epoch === undefined && !this.mayTell(turn, replica, device)) || !(await isSigned(replica, payload))) return
    if (epoch === undefined) this.heard(turn, replica, device, said); else await this.bringBack(turn, replica, device, epoch, said)
  }

  /**
   * The epoch that a member says where it is under, if that is from before this device came: it may know nobody who is still here. Its disk was put back to before they came, and nobody
   * whom it knows can tell it what it signed since.
   */
  private astraySince(turn: Turn, replica: Replica, device: DeviceId, { bytes }: Said): EpochId | undefined {
    const { authority, groups, me } = replica, hint = decodeEnvelope(bytes)?.hint, epoch = hint === undefined ? undefined : groups.keys.epochByHint(hint)
    if (epoch === undefined || epoch === groups.tip() || replica.state() !== 'member' || !authority.state.devices.has(device)) return undefined
    return authority.certificateAt(epoch, me.device) === undefined && this.isTime(turn, replica, device) ? epoch : undefined
  }

  /** Who only lags behind has heard of us by the next time. What came since is said to this device alone: others who were removed can open that epoch, too. */
  private async bringBack(turn: Turn, replica: Replica, device: DeviceId, epoch: EpochId, said: Said): Promise<void> {
    const times = this.takeTurn(turn, replica, device, 1)
    if (times !== undefined) await this.tellAlone(turn, replica, device, portion(replica.log.authorityOutside(epoch), times, MAX_FAREWELL_OPS), said)
  }

  private async tellAlone(turn: Turn, replica: Replica, device: DeviceId, news: readonly Op[], said: Said): Promise<void> {
    for (const ops of batchesOf(news)) {
      const aside = await sealAside(replica, { type: 'ops', ops }, device)
      if (aside !== undefined) answer(turn, replica, said, aside)
    }
  }

  /**
   * Members who write at a relay that the space has left, and had not heard of that: they may lack what it rests on, and nobody else reads them there. Each is told alone what led there and it
   * may not have, so that it can follow: that is all that is laid there.
   */
  async leftBehind(turn: Turn, replica: Replica, ops: readonly Op[], said: Said): Promise<void> {
    const { authority, log, mail } = replica, act = said.relay === undefined ? undefined : mail.left?.get(said.relay), change = act === undefined ? undefined : log.authority.get(act)
    if (change === undefined || replica.state() !== 'member') return
    for (const [device, those] of Map.groupBy(ops, ({ header }) => header.device)) {
      const late = those.filter(({ header }) => header.hlc > change.header.hlc)
      if (late.length === 0 || device === replica.me.device || !authority.state.devices.has(device) || !this.isTime(turn, replica, device)) continue
      const known = log.authorityPast(late.flatMap(({ id, header: { channel, deps } }) => (channel === AUTHORITY_CHANNEL ? [id] : deps)))
      const times = known.has(change.id) ? undefined : this.takeTurn(turn, replica, device, 0)
      if (times === undefined) continue
      const due = log.authorityPast([change.id]), news = [...log.authority.values()].filter(({ id }) => due.has(id) && !known.has(id))
      await this.tellAlone(turn, replica, device, portion(news, times, MAX_FAREWELL_OPS), said)
    }
  }

  /**
   * Says to a member where this device is, and what happened here that it may not know; in this topic, since it knows no epoch that it could be said under. Only who is here now is meant: no relay keeps it.
   * Both may know the same acts, and yet choose another tip each, by what is said in channels: then all they need is to meet.
   */
  private async call(turn: Turn, replica: Replica, device: DeviceId, topic: TopicKey): Promise<void> {
    const times = this.isTime(turn, replica, device) ? this.takeTurn(turn, replica, device, 0) : undefined
    if (times === undefined) return
    const { log } = replica, last = log.head(AUTHORITY_CHANNEL, device)?.id
    const known = log.authorityPast(last === undefined ? [] : [last]), news = [...log.authority.values()].filter(({ id }) => !known.has(id))
    const where = await this.engine.meeting.own(turn, replica)
    for (const part of [...(where === undefined ? [] : [where]), ...batchesOf(portion(news, times, MAX_CALL_OPS)).map((ops) => ({ type: 'ops', ops } as const))]) {
      const aside = await sealAside(replica, part, device)
      if (aside !== undefined) replica.mail.announce(turn, topic, replica.mail.sealForReaders(topic, aside))
    }
  }

  /** How often this device was told from here, if it is for us to tell it now: the first of those who are here answers, the next if it goes on all the same. The first so many times nobody does. */
  private takeTurn(turn: Turn, replica: Replica, device: DeviceId, patience: number): number | undefined {
    const name = nameOf(replica, device), { times, heard } = this.told.get(name) ?? { times: 0, heard: 0 }
    const rank = [...this.engine.present.devices(replica, turn.now)].filter((other) => other < replica.me.device && other !== device && replica.authority.state.devices.has(other)).length
    if (heard < rank + patience) { this.told.set(name, { times, heard: heard + 1, from: turn.now }); return undefined }
    this.told.set(name, { times: times + 1, heard: 0, from: turn.now + Math.min(FAREWELL_AGAIN_MS * 2 ** times, MAX_FAREWELL_AGAIN_MS) })
    return times
  }

  /** Something came that this device, beyond doubt, has said. */
  heard(turn: Turn, replica: Replica, device: DeviceId, said: Said): void {
    if (!this.mayTell(turn, replica, device)) return
    const times = this.takeTurn(turn, replica, device, 0)
    if (times === undefined) return
    for (const ops of batchesOf(newsFor(replica, device, times))) answer(turn, replica, said, { type: 'ops', ops })
  }
}

/** Where it was said, and under the same key. What was said at a relay that the space has left is answered there alone. */
function answer(turn: Turn, { mail }: Replica, { topic, relay, bytes }: Said, payload: Payload): void {
  const key = mail.topics.get(topic), sealed = mail.sealBack(bytes, payload)
  if (key !== undefined && sealed !== undefined) mail.post(turn, key, sealed, undefined, relay !== undefined && mail.left?.has(relay) === true ? [relay] : mail.relays)
}

const nameOf = ({ id }: Replica, device: DeviceId): string => `${id} ${device}`

/** So many at once, and others each time, until it begins again. */
function portion(ops: readonly Op[], times: number, most: number): readonly Op[] {
  const from = (times % Math.max(1, Math.ceil(ops.length / most))) * most
  return ops.slice(from, from + most)
}

/** What puts a device out and it may not have. Its last op shows what it surely has; of much more than that, what is older it has most likely, so that goes when it was told before. */
function newsFor({ authority, log }: Replica, device: DeviceId, times: number): Op[] {
  const last = log.head(AUTHORITY_CHANNEL, device)?.id
  const known = log.authorityPast(last === undefined ? [] : [last]), due = log.authorityPast(authority.putOut(device))
  const news = [...log.authority.values()].filter(({ id }) => due.has(id) && !known.has(id)), parts = Math.max(1, Math.ceil(news.length / MAX_FAREWELL_OPS))
  const to = news.length - (times % parts) * MAX_FAREWELL_OPS
  return news.slice(Math.max(0, to - MAX_FAREWELL_OPS), to)
}
