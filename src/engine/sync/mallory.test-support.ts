/**
 * Alice, Bob and Carol share a space with Mallory, who is a member like them and whose app does as he likes: he signs what he wants and sends it to whom he wants,
 * over the connection that his honest app had made or by gossip.
 */
import type { Payload } from '../../wire/envelope.ts'
import type { Frame } from '../../wire/frame.ts'
import { encodeFrame } from '../../wire/frame.ts'
import { encodeGreeting } from '../../wire/greeting.ts'
import { type ChannelId, type DeviceId, type EpochId, AUTHORITY_CHANNEL, type SpaceId } from '../../wire/ids.ts'
import type { Op, OpHeader } from '../../wire/op.ts'
import { sealContent } from '../content/content.ts'
import { type Person, RELAY, Room } from '../engines.test-support.ts'
import { LABELS } from '../labels.ts'
import { helloToken } from '../mailbox/mail.ts'
import type { Replica } from '../replica.ts'
import { signOp } from '../signing.ts'
import { helloBytes } from './greeting.ts'

const EMPTY = new Uint8Array()

export interface Home {
  readonly room: Room
  readonly alice: Person; readonly bob: Person; readonly carol: Person; readonly mallory: Person
  readonly space: SpaceId
  readonly channel: ChannelId
}

export async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  const others: Person[] = []
  for (const name of ['Bob', 'Carol', 'Mallory']) {
    const person = await room.person(name)
    await room.ask(person, { type: 'join', link })
    await room.pass(2000)
    others.push(person)
  }
  const [bob, carol, mallory] = others as [Person, Person, Person]
  return { room, alice, bob, carol, mallory, space, channel }
}

/** The header of an op at the next place of Mallory's chains, as far as `known` shows them: Mallory's own app need not know of it. */
export function nextHeader(mallory: Replica, type: string, channel: ChannelId, at: number, known = mallory): OpHeader {
  const head = known.log.head(channel, mallory.me.device), last = known.log.deviceHeads.get(mallory.me.device)
  if (last === undefined) throw new Error('Mallory has written nothing yet')
  return {
    space: mallory.id, audience: 0, channel, device: mallory.me.device, seq: last.seq + 1, prev: last.id, chanSeq: (head?.chanSeq ?? 0) + 1, chanPrev: head?.id,
    deps: known.authority.heads(), type, hlc: at * 1024, kid: undefined, epoch: undefined, bodyHash: EMPTY,
  }
}

/** An authority op of Mallory's. `change` makes it stranger than that. */
export const signRule = (mallory: Replica, type: string, body: Uint8Array, at: number, change: Partial<OpHeader> = {}): Promise<Op> =>
  signOp(mallory.world, mallory.me, { ...nextHeader(mallory, type, AUTHORITY_CHANNEL, at), ...change }, body)

/** A message of Mallory's. */
export function signMessage(mallory: Replica, channel: ChannelId, text: string, at: number, change: Partial<OpHeader> = {}): Promise<Op> {
  const epoch = mallory.groups.tip() as EpochId
  const key = mallory.groups.keys.contentKey(epoch, channel)
  if (key === undefined) throw new Error('Mallory has no key')
  const header = { ...nextHeader(mallory, 'message', channel, at), kid: key.kid, epoch, ...change }
  return signOp(mallory.world, mallory.me, header, sealContent(mallory.world.suite, key, header, { type: 'message', text }))
}

/** A chain of messages; `change` is for the first. */
export async function signMessages(mallory: Replica, channel: ChannelId, texts: readonly string[], at: number, change: Partial<OpHeader> = {}): Promise<Op[]> {
  const out: Op[] = []
  for (const text of texts) {
    const before = out[out.length - 1]
    out.push(await signMessage(mallory, channel, text, at, before === undefined ? change : { deps: before.header.deps, seq: before.header.seq + 1, prev: before.id, chanSeq: before.header.chanSeq + 1, chanPrev: before.id }))
  }
  return out
}

/** The same op with a signature that is none. */
export const unsigned = (op: Op): Op => ({ ...op, bytes: op.bytes.map((b, i) => (i === op.bytes.length - 1 ? b ^ 1 : b)), sig: op.sig.map((b, i) => (i === 63 ? b ^ 1 : b)) })

/** By gossip, to one person only. */
export const whisper = (from: Person, to: Person, space: SpaceId, ops: readonly Op[]): void => whisperPayload(from, to, space, { type: 'ops', ops: ops.map((op) => op.bytes) })

export function whisperPayload(from: Person, to: Person, space: SpaceId, payload: Payload): void {
  const replica = from.space(space)
  const bytes = replica.mail.seal(replica.groups.tip() as EpochId, payload)
  const topic = [...replica.mail.topics.keys()][0]
  if (bytes === undefined || topic === undefined) throw new Error('nothing to whisper through')
  to.queue.push({ type: 'gossip', topic, bytes })
}

function relayKeyOf(from: Person, space: SpaceId, nth: number): Uint8Array {
  const relayKey = from.space(space).everyone.relayKeysInUse()[nth]
  if (relayKey === undefined) throw new Error(`${from.name} has no such relay key`)
  return relayKey
}

/** The token of the session that two people have in a space; `nth`: by the newest relay key, or an older one. */
export const sessionToken = (from: Person, to: Person, space: SpaceId, nth = 0): Uint8Array => helloToken(from.space(space).world, relayKeyOf(from, space, nth), from.peer, to.peer)

/** A good hello, by the newest relay key or an older one. */
export const sendHello = (from: Person, to: Person, space: SpaceId, nth: number): Promise<void> => sendHelloAs(from, to, space, from.space(space).me.device, from, nth)

/** A hello that says it is some device's, signed by somebody. */
export async function sendHelloAs(from: Person, to: Person, space: SpaceId, device: DeviceId, by: Person, nth = 0): Promise<void> {
  const { world } = from.space(space), token = sessionToken(from, to, space, nth), nonce = world.random.bytes(24)
  const sig = await world.suite.sign(by.space(space).me.deviceKey.secretKey, helloBytes(space, from.peer, to.peer))
  const sealed = world.suite.seal(world.suite.expand(relayKeyOf(from, space, nth), 32, LABELS.helloKey), nonce, token, encodeGreeting({ device, sig, channels: undefined }))
  sendFrame(from, to, { type: 'hello', spaces: [{ token, nonce, sealed }] })
}

export function sendBytes(from: Person, to: Person, bytes: Uint8Array): void { to.queue.push({ type: 'frame', peer: from.peer, bytes }) }
export function sendFrame(from: Person, to: Person, frame: Frame): void { sendBytes(from, to, encodeFrame(frame)) }

/** Over the connection, as an answer or a part of one. */
export function sendOps(from: Person, to: Person, space: SpaceId, ops: readonly Op[], more = true): void {
  sendFrame(from, to, { type: 'ops', token: sessionToken(from, to, space), ops: ops.map((op) => op.bytes), more })
}

/** What somebody holds of a space and decides about it, to be the same for all. */
export const view = (person: Person, space: SpaceId): unknown => {
  const { authority, log } = person.space(space)
  return { state: authority.stateHash(), frozen: authority.equivocations, vector: log.vector(), ops: [...log.authority.keys()].sort() }
}
