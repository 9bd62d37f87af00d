/** Members find each other: what this device says about where it is, and what it does when others say so. */
import type { TopicKey } from '../ports.ts'
import type { Payload } from '../wire/envelope.ts'
import type { DeviceId, EpochId, SpaceId } from '../wire/ids.ts'
import { sealAside } from './asides.ts'
import { few } from './calls.ts'
import type { Engine } from './engine.ts'
import { ELSEWHERE_EACH, PRESENCE_ANSWER_MS, PRESENCE_EVERY_MS } from './limits.ts'
import { Presence } from './presence.ts'
import { maySeal } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class Meeting {
  private readonly engine: Engine
  private readonly presence: Presence
  /** Devices of each space when it was last looked at. */
  private readonly known = new Map<SpaceId, number>()

  constructor(engine: Engine) {
    this.engine = engine
    this.presence = new Presence(engine.world)
  }

  /** How many were here at the last look, besides this device. */
  crowd(replica: Replica): number { return this.presence.crowd(replica.id) }

  /** Whether this device is one of those who speak for all who are here. */
  isDrawn(replica: Replica, news: string): boolean { return this.presence.isDrawn(replica, news) }

  /** Those who are heard of lately as they were at the last look; undefined where somebody may have come or gone since. */
  seen(replica: Replica, now: number): ReadonlySet<DeviceId> | undefined { return this.presence.seen(replica.id, now)?.devices }

  /** Heard of lately, connected or not. */
  online(replica: Replica, now: number): ReadonlySet<DeviceId> { return this.presence.online(replica.id, now).devices }

  /** Devices that came in, from which nothing was heard: what they said on coming was sealed for a group that we did not know yet. They hear of us, and answer. */
  async welcome(turn: Turn, replica: Replica): Promise<void> {
    if (replica.state() !== 'member') return
    const { devices } = replica.authority.state, known = this.known.get(replica.id)
    const isMore = known !== undefined && devices.size > known
    if (isMore && !this.mayAnnounce(replica)) return
    const speaks = isMore && this.presence.isDrawn(replica, `${devices.size}`)
    if (speaks && !this.presence.mayAnswer(replica.id, turn.now)) { this.presence.haste(replica.id); turn.out.wake('presence', turn.now + PRESENCE_ANSWER_MS); return }
    this.known.set(replica.id, devices.size)
    if (speaks) await this.announce(turn, replica)
  }

  /** Our own address is known now, or another one. */
  moved(turn: Turn): void {
    for (const replica of this.engine.replicas.values()) { this.presence.haste(replica.id); this.engine.touch(turn, replica) }
    turn.out.wake('presence', turn.now)
  }

  async announceAll(turn: Turn): Promise<void> {
    for (const replica of this.engine.replicas.values()) {
      if (this.presence.isDue(replica.id, turn.now)) await this.announce(turn, replica)
      await this.sayElsewhere(turn, replica)
      this.engine.touch(turn, replica)
    }
    turn.out.wake('presence', turn.now + PRESENCE_EVERY_MS)
  }

  /**
   * What to say where we are under: the tip, when that is ours to seal under; before, nobody could open it, or too many. Who knows of a tip that it can't open must be found
   * all the same, by those who have what it lacks: so it says it under the newest epoch before that it can open, and in which all are members.
   */
  private epochFor(replica: Replica): EpochId | undefined {
    const { groups, everyone } = replica
    const tip = groups.tip()
    if (tip === undefined || maySeal(everyone)) return tip
    return groups.keys.has(tip) ? undefined : groups.nearest(tip, (leaves) => leaves.every((device) => device === undefined || everyone.devices.has(device)))
  }

  /** Whether all that can be sealed under here, people can open who are no members any more, and of the tip nothing is known: then single members are called, each alone. */
  private isAstray(replica: Replica): boolean {
    const tip = replica.groups.tip()
    return tip !== undefined && !replica.groups.keys.has(tip) && this.epochFor(replica) === undefined
  }

  private mayAnnounce(replica: Replica): boolean { return this.engine.peers.self !== undefined && replica.state() === 'member' && this.epochFor(replica) !== undefined }

  async announce(turn: Turn, replica: Replica): Promise<void> {
    const { self } = this.engine.peers
    if (self === undefined) return
    if (replica.isMending) return this.sayAstray(turn, replica, await this.presence.own(turn, replica, self))
    if (replica.state() !== 'member') return
    const epoch = this.epochFor(replica)
    if (epoch === undefined && !this.isAstray(replica)) return
    const payload = await this.presence.own(turn, replica, self)
    if (epoch !== undefined) return this.say(turn, replica, epoch, payload)
    const under = replica.groups.nearest(replica.groups.tip(), () => true)
    if (under === undefined) return
    for (const device of few(turn, replica)) {
      const call = await sealAside(replica, payload, device)
      if (call !== undefined) await this.say(turn, replica, under, call)
    }
  }

  /** Under the last that it knows of each group, in all topics that it knows of. */
  private async sayAstray(turn: Turn, replica: Replica, payload: Payload): Promise<void> {
    const { ground, mail } = replica
    for (const epoch of ground.ends) {
      for (const relayKey of ground.relayKeysInUse()) {
        const bytes = mail.seal(epoch, payload)
        if (bytes !== undefined) mail.announce(turn, await mail.topicOf(relayKey), bytes)
      }
    }
  }

  private async say(turn: Turn, replica: Replica, epoch: EpochId, payload: Payload): Promise<void> {
    const topic = await this.topicFor(replica, epoch), bytes = topic === undefined ? undefined : replica.mail.seal(epoch, payload)
    if (topic !== undefined && bytes !== undefined) replica.mail.announce(turn, topic, bytes)
  }

  private async topicFor({ groups, everyone, mail }: Replica, epoch: EpochId): Promise<TopicKey | undefined> {
    const relayKey = groups.keys.relayKeys.get(epoch) ?? everyone.relayKeysInUse()[0]
    return relayKey === undefined ? undefined : mail.topicOf(relayKey)
  }

  /** Where this device is, signed; undefined where it is nowhere. */
  async own(turn: Turn, replica: Replica): Promise<Payload | undefined> { const { self } = this.engine.peers; return self && this.presence.own(turn, replica, self) }

  /** The same in another topic, where somebody speaks who may not read ours. */
  async sayIn(turn: Turn, replica: Replica, topic: TopicKey): Promise<void> {
    const { self } = this.engine.peers, epoch = this.epochFor(replica)
    if (self === undefined || epoch === undefined || (await this.topicFor(replica, epoch))?.topic === topic.topic) return
    const bytes = replica.mail.seal(epoch, await this.presence.own(turn, replica, self))
    // Of a crowd each speaks seldom; this was no word to them.
    this.presence.haste(replica.id)
    if (bytes !== undefined) replica.mail.announce(turn, topic, bytes)
  }

  /**
   * Others may have gone on in a topic of their own, and lost on the way was what would lead one to the other: they hear nothing of each other where they speak now, but both read those from before.
   * So this device says where it is there, too, in one after the other: while it hears nobody each time, else seldom.
   */
  private async sayElsewhere(turn: Turn, replica: Replica): Promise<void> {
    const [, ...others] = replica.everyone.relayKeysInUse(), here = this.online(replica, turn.now), round = Math.floor(turn.now / PRESENCE_EVERY_MS)
    const isTime = here.size === 0 || round % ELSEWHERE_EACH === 0
    if (others.length === 0 || !isTime || here.size >= replica.authority.state.devices.size - 1 || !this.presence.isDrawn(replica, `${round}`)) return
    const key = others[(here.size === 0 ? round : round / ELSEWHERE_EACH) % others.length]
    if (key !== undefined) await this.sayIn(turn, replica, await replica.mail.topicOf(key))
  }

  async heard(turn: Turn, replica: Replica, payload: Payload & { type: 'presence' }): Promise<void> {
    const { engine, presence } = this
    const news = await presence.take(turn, replica, payload)
    if (news === 'refused') return
    engine.retaining.heard(turn, replica, payload.at)
    engine.touch(turn, replica)
    if (news === 'new' && presence.isDrawn(replica, payload.peer) && presence.mayAnswer(replica.id, turn.now)) await this.announce(turn, replica)
    const self = engine.peers.self?.peer
    // One side dials at once; the other only if that came to nothing by the next announcement.
    if (self !== undefined && !engine.peers.has(payload.peer) && !engine.peers.isMuted(payload.peer, payload.device, turn.now) && (self < payload.peer || news === 'again')) {
      turn.out.send({ type: 'dial', peer: payload.peer, addresses: payload.addresses })
    }
  }

  /**
   * A connection that broke is tried again at once: who left for good answers nothing, and their presence runs out. Not so one that ended before a word was said, by which somebody
   * may keep out whom they have muted: that waits for the next announcement.
   */
  redial(turn: Turn, peer: string): void {
    const addresses = this.presence.addressesOf(peer, turn.now)
    if (addresses !== undefined) turn.out.send({ type: 'dial', peer, addresses })
  }
}
