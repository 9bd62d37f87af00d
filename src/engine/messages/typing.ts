/**
 * Who is writing now: sealed signals over connections and, for those who are not connected, through relays. Nothing is kept: a signal that is lost costs
 * a line on a screen, and one that nobody renews is over after a few seconds.
 */
import { concat, fromHex } from '../../wire/bytes.ts'
import { type Typing as Signal, typingBytes } from '../../wire/envelope.ts'
import type { ChannelId, DeviceId, IdentityId, SpaceId } from '../../wire/ids.ts'
import type { Engine } from '../engine.ts'
import { LABELS } from '../labels.ts'
import { MAX_TYPISTS, TYPING_EVERY_MS, TYPING_LASTS_MS, TYPING_LEAST_MS } from '../limits.ts'
import { isBelieved } from '../presence.ts'
import type { Replica } from '../replica.ts'
import { has } from '../space/permissions.ts'
import type { Turn } from '../turn.ts'

interface Typist { readonly channel: ChannelId; readonly identity: IdentityId; readonly until: number }

export class Typing {
  private readonly engine: Engine
  /** By device: the person writes in one channel at a time. */
  private readonly spaces = new Map<SpaceId, Map<DeviceId, Typist>>()
  /** By space and device: the label of the last signal, and when it came. */
  private readonly heardOf = new Map<string, { readonly at: number; readonly heard: number }>()
  private readonly said = new Map<string, number>()

  constructor(engine: Engine) { this.engine = engine }

  /** The person writes. Said again only when others would soon think that it is over. */
  async say(turn: Turn, replica: Replica, channel: ChannelId): Promise<void> {
    const key = replica.id + channel
    if (turn.now - (this.said.get(key) ?? -Infinity) < TYPING_EVERY_MS) return
    const audience = replica.audienceFor(channel)
    const tip = audience?.groups.tip(), relayKey = audience?.relayKeysInUse()[0]
    if (audience === undefined || tip === undefined || relayKey === undefined) return
    const said = { device: replica.me.device, channel, at: turn.now }
    const sig = await this.engine.world.suite.sign(replica.me.deviceKey.secretKey, signedBytes(replica.id, said))
    const bytes = replica.mail.seal(tip, { type: 'typing', ...said, sig })
    if (bytes === undefined) return
    this.said.set(key, turn.now)
    const reached = this.engine.peers.signal(turn, replica, bytes, audience.devices)
    if ([...this.engine.meeting.online(replica, turn.now)].some((d) => audience.devices.has(d) && !reached.has(d))) {
      replica.mail.announce(turn, await replica.mail.topicOf(relayKey), bytes)
    }
  }

  /** A message is out: the next thing written is told at once. */
  sent(space: SpaceId, channel: ChannelId): void { this.said.delete(space + channel) }

  async heard(turn: Turn, replica: Replica, signal: Signal): Promise<void> {
    const { authority, me } = replica
    const identity = authority.state.devices.get(signal.device)?.identity
    if (identity === undefined || identity === me.identity) return
    const last = this.heardOf.get(replica.id + signal.device)
    // Before the signature is looked at: whoever sends many, or the same ones again, costs little.
    if (last !== undefined && ((signal.at <= last.at && isBelieved(last.at, turn.now)) || turn.now - last.heard < TYPING_LEAST_MS)) return
    if (replica.audienceFor(signal.channel)?.isRead(identity) !== true || !has(authority.permissionsIn(identity, signal.channel), 'send')) return
    const here = this.spaces.get(replica.id) ?? new Map<DeviceId, Typist>()
    if (here.size >= MAX_TYPISTS && !here.has(signal.device)) return
    if (!(await this.engine.world.suite.verify(fromHex(signal.device) as Uint8Array, signal.sig, signedBytes(replica.id, signal)))) return
    this.heardOf.set(replica.id + signal.device, { at: signal.at, heard: turn.now })
    // Set anew, so that the order stays that of the beginning only while somebody goes on in one channel.
    if (here.get(signal.device)?.channel !== signal.channel) here.delete(signal.device)
    here.set(signal.device, { channel: signal.channel, identity, until: turn.now + TYPING_LASTS_MS })
    this.spaces.set(replica.id, here)
    this.tell(turn, replica)
  }

  /** What somebody was writing is here. */
  wrote(turn: Turn, replica: Replica, channel: ChannelId, device: DeviceId): void {
    const here = this.spaces.get(replica.id)
    if (here?.get(device)?.channel !== channel) return
    here.delete(device)
    this.tell(turn, replica)
  }

  /** Time has passed. */
  tell(turn: Turn, replica: Replica): void {
    const here = this.spaces.get(replica.id)
    if (here === undefined) return
    const channels = new Map<ChannelId, IdentityId[]>([...replica.authority.state.channels.keys()].map((channel) => [channel, []]))
    let next = Infinity
    for (const [device, typist] of here) {
      if (typist.until <= turn.now) { here.delete(device); continue }
      next = Math.min(next, typist.until)
      const list = channels.get(typist.channel)
      if (list?.includes(typist.identity) === false) list.push(typist.identity)
    }
    turn.out.wake(`typing|${replica.id}`, next)
    for (const [channel, members] of channels) this.engine.telling.typing(turn, replica.id, channel, members)
  }
}

const signedBytes = (space: SpaceId, signal: Omit<Signal, 'sig' | 'type'>): Uint8Array => concat(LABELS.typingSign, fromHex(space) as Uint8Array, typingBytes(signal))
