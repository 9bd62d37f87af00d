/**
 * Words that nobody here can open, and that keep coming: somebody in a topic that is read here says where they are under an epoch that this device doesn't know, and goes on not knowing.
 * So a space can have fallen apart: each side made commits while they were apart, and what one side's rest on, the other can't get at the relays, since its author, who lies, or a relay, keeps it back.
 * Then neither can open where the others are, and nobody would ever dial.
 *
 * Who it is can't be seen. So those members of whom nothing is heard are told what happened here since their last act, a few at a time and with time all, each alone by a sealed word. With
 * that they can open what is said here, or say where they are so that it can be opened here.
 *
 * They may be none that this device knows of, or members no more for it: then only they can tell. So it says where it is in that topic, too, under the epoch in which all that it knows are members: that they can't
 * open, and so they do the same.
 */
import type { TopicKey } from '../ports.ts'
import { toHex } from '../wire/bytes.ts'
import { decodeEnvelope } from '../wire/envelope.ts'
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import type { Said } from './farewells.ts'
import { CALLED_AT_ONCE, MAX_FAREWELL_AGAIN_MS, MAX_UNKNOWN_HINTS, PRESENCE_EVERY_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** Tells one device, in this topic. */
type Call = (turn: Turn, replica: Replica, device: DeviceId, topic: TopicKey) => Promise<void>
/** Somebody who can't be placed: words under a key that isn't here, or by a device of which nothing is known. `next`: when we say that we are here, which we have done so many `times`. */
interface Stranger { readonly since: number; readonly times: number; readonly next: number }
interface Unheard { readonly strangers: Map<string, Stranger>; calledAt: number }

export class Calls {
  private readonly engine: Engine
  private readonly call: Call
  private readonly spaces = new Map<SpaceId, Unheard>()

  constructor(engine: Engine, call: Call) {
    this.engine = engine
    this.call = call
  }

  /** Something was said now whose key isn't here. */
  async unopened(turn: Turn, replica: Replica, { topic, bytes }: Said): Promise<void> {
    const hint = decodeEnvelope(bytes)?.hint
    if (hint !== undefined) await this.unplaced(turn, replica, toHex(hint), topic)
  }

  /** Such a key, or that device's coming, is mostly here within moments: only when it still isn't after a whole round, somebody is called. */
  async unplaced(turn: Turn, replica: Replica, who: string, topic: string): Promise<void> {
    const key = replica.mail.topics.get(topic)
    if (key === undefined || replica.state() !== 'member') return
    const unheard = this.spaces.get(replica.id) ?? { strangers: new Map<string, Stranger>(), calledAt: -Infinity }
    this.spaces.set(replica.id, unheard)
    const { since, times, next } = known(unheard, who, turn.now)
    if (turn.now - since < PRESENCE_EVERY_MS || turn.now - unheard.calledAt < PRESENCE_EVERY_MS) return
    unheard.calledAt = turn.now
    if (!this.engine.meeting.isDrawn(replica, `${who} ${turn.now}`)) return
    if (turn.now >= next) {
      unheard.strangers.set(who, { since, times: times + 1, next: turn.now + Math.min(PRESENCE_EVERY_MS * 2 ** times, MAX_FAREWELL_AGAIN_MS) })
      await this.engine.meeting.sayIn(turn, replica, key)
    }
    const here = this.engine.present.devices(replica, turn.now)
    for (const device of few(turn, replica, (one) => !here.has(one))) await this.call(turn, replica, device, key)
  }
}

function known({ strangers }: Unheard, who: string, now: number): Stranger {
  const stranger = strangers.get(who) ?? { since: now, times: 0, next: now }
  strangers.set(who, stranger)
  const [oldest] = strangers.keys()
  if (strangers.size > MAX_UNKNOWN_HINTS && oldest !== undefined) strangers.delete(oldest)
  return stranger
}

/** A few of the other devices, and with time all of them. */
export function few({ now }: Turn, { authority, me }: Replica, isMeant: (device: DeviceId) => boolean = () => true): DeviceId[] {
  const others = [...authority.state.devices.keys()].filter((device) => device !== me.device && isMeant(device))
  const from = others.length === 0 ? 0 : (Math.floor(now / PRESENCE_EVERY_MS) * CALLED_AT_ONCE) % others.length
  return [...others, ...others].slice(from, from + Math.min(CALLED_AT_ONCE, others.length))
}
