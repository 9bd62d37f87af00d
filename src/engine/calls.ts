/**
 * Words that nobody here can open, and that keep coming: somebody in a topic that is read here says where they are under an epoch that this device doesn't know, and goes on not knowing.
 * So a space can have fallen apart: each side made commits while they were apart, and what one side's rest on, the other can't get at the relays, since its author, who lies, or a relay, keeps it back.
 * Then neither can open where the others are, and nobody would ever dial.
 *
 * Who it is can't be seen. So those members of whom nothing is heard are told what happened here since their last act, a few at a time and with time all, each alone by a sealed word. With
 * that they can open what is said here, or say where they are so that it can be opened here.
 */
import type { TopicKey } from '../ports.ts'
import { toHex } from '../wire/bytes.ts'
import { decodeEnvelope } from '../wire/envelope.ts'
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import type { Engine } from './engine.ts'
import type { Said } from './farewells.ts'
import { CALLED_AT_ONCE, MAX_UNKNOWN_HINTS, PRESENCE_EVERY_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** Tells one device, in this topic. */
type Call = (turn: Turn, replica: Replica, device: DeviceId, topic: TopicKey) => Promise<void>
/** Since when words came under which keys. */
interface Unheard { readonly since: Map<string, number>; calledAt: number }

export class Calls {
  private readonly engine: Engine
  private readonly call: Call
  private readonly spaces = new Map<SpaceId, Unheard>()

  constructor(engine: Engine, call: Call) {
    this.engine = engine
    this.call = call
  }

  /** Something was said now whose key isn't here. Such a key mostly comes within moments: only when it still isn't here after a whole round, somebody is called. */
  async unopened(turn: Turn, replica: Replica, { topic, bytes }: Said): Promise<void> {
    const key = replica.mail.topics.get(topic), hint = decodeEnvelope(bytes)?.hint
    if (key === undefined || hint === undefined || replica.state() !== 'member') return
    const unheard = this.spaces.get(replica.id) ?? { since: new Map<string, number>(), calledAt: -Infinity }
    this.spaces.set(replica.id, unheard)
    if (turn.now - since(unheard, toHex(hint), turn.now) < PRESENCE_EVERY_MS || turn.now - unheard.calledAt < PRESENCE_EVERY_MS) return
    unheard.calledAt = turn.now
    if (!this.engine.meeting.isDrawn(replica, `${toHex(hint)} ${turn.now}`)) return
    const here = this.engine.onlineDevices(replica, turn.now)
    for (const device of few(turn, replica, (one) => !here.has(one))) await this.call(turn, replica, device, key)
  }
}

/** When something under this key was first heard. */
function since({ since: known }: Unheard, hint: string, now: number): number {
  const at = known.get(hint) ?? now
  known.set(hint, at)
  const [oldest] = known.keys()
  if (known.size > MAX_UNKNOWN_HINTS && oldest !== undefined) known.delete(oldest)
  return at
}

/** A few of the other devices, and with time all of them. */
export function few({ now }: Turn, { authority, me }: Replica, isMeant: (device: DeviceId) => boolean = () => true): DeviceId[] {
  const others = [...authority.state.devices.keys()].filter((device) => device !== me.device && isMeant(device))
  const from = others.length === 0 ? 0 : (Math.floor(now / PRESENCE_EVERY_MS) * CALLED_AT_ONCE) % others.length
  return [...others, ...others].slice(from, from + Math.min(CALLED_AT_ONCE, others.length))
}
