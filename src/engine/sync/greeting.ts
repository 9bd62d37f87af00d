/**
 * Hellos: a connection proves nothing by itself, so for each space both have each shows the other that it holds the space's relay key and speaks for a device that authority
 * knows. The hello tells at once what is held (wire/greeting.ts), where any member may hear that: then the first question comes right after it.
 */
import { concat, fromHex, toHex, utf8 } from '../../wire/bytes.ts'
import type { ChannelDigest, Hello } from '../../wire/frame.ts'
import { decodeGreeting, encodeGreeting, type Greeting, MAX_GREETING_CHANNELS } from '../../wire/greeting.ts'
import { AUTHORITY_CHANNEL, type SpaceId } from '../../wire/ids.ts'
import { LABELS } from '../labels.ts'
import { helloToken } from '../mailbox/mail.ts'
import type { Replica } from '../replica.ts'
import type { World } from '../turn.ts'
import { digestsFor } from './comparing.ts'

/** What a hello's device signs. */
export const helloBytes = (space: SpaceId, from: string, to: string): Uint8Array =>
  concat(LABELS.helloSign, fromHex(space) as Uint8Array, utf8(from), new Uint8Array(1), utf8(to))

/** What is said of all that is here before it is known who hears it; undefined where some of it is not for everyone, or too much. */
function digestsForAnyone(replica: Replica): readonly ChannelDigest[] | undefined {
  // One that was deleted is told to nobody.
  const isEveryones = [...replica.log.channels].every((channel) => channel === AUTHORITY_CHANNEL || (replica.audienceFor(channel)?.number ?? 0) === 0)
  const channels = isEveryones ? digestsFor(replica, replica.me.device) : []
  return channels.length > 0 && channels.length <= MAX_GREETING_CHANNELS ? channels : undefined
}

export async function makeHello(replica: Replica, relayKey: Uint8Array, token: Uint8Array, from: string, to: string): Promise<{ readonly hello: Hello; readonly channels: readonly ChannelDigest[] | undefined }> {
  const { me, world: { suite, random } } = replica, channels = replica.isMending || replica.record.state === 'left' ? undefined : digestsForAnyone(replica)
  const sig = await suite.sign(me.deviceKey.secretKey, helloBytes(replica.id, from, to))
  const nonce = random.bytes(24)
  return { hello: { token, nonce, sealed: suite.seal(suite.expand(relayKey, 32, LABELS.helloKey), nonce, token, encodeGreeting({ device: me.device, sig, channels })) }, channels }
}

export function openHello({ world: { suite } }: Replica, relayKey: Uint8Array, hello: Hello): Greeting | undefined {
  const plain = suite.open(suite.expand(relayKey, 32, LABELS.helloKey), hello.nonce, hello.token, hello.sealed)
  return plain === undefined ? undefined : decodeGreeting(plain)
}

/** The tokens a peer could greet us with, made once a hello: a stranger must not make us try every key for every guess. */
export function expectedTokens(world: World, replicas: Iterable<Replica>, self: string, peer: string): Map<string, { replica: Replica; relayKey: Uint8Array }[]> {
  const out = new Map<string, { replica: Replica; relayKey: Uint8Array }[]>()
  for (const replica of replicas) {
    for (const relayKey of replica.greetingKeys()) {
      const token = toHex(helloToken(world, relayKey, self, peer)), list = out.get(token)
      if (list === undefined) out.set(token, [{ replica, relayKey }]); else list.push({ replica, relayKey })
    }
  }
  return out
}

export const areSame = (some: readonly ChannelDigest[] | undefined, others: readonly ChannelDigest[]): boolean =>
  some?.length === others.length && others.every(({ channel, digest }, n) => some[n]?.channel === channel && some[n].digest === digest)
