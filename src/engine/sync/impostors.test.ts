/** What goes into no log, said in somebody else's name: that a message came, that somebody is here, that somebody wants to talk. Mallory has all that members have but the others' keys. */
import { expect, test } from 'vitest'
import { concat, fromHex, utf8 } from '../../wire/bytes.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import { type Payload, presenceBytes, receiptBytes, typingBytes } from '../../wire/envelope.ts'
import type { DeviceId, EpochId } from '../../wire/ids.ts'
import { encodeLink, INVITE_SECRET_BYTES } from '../../wire/invite.ts'
import { type Person, RELAY } from '../engines.test-support.ts'
import { LABELS } from '../labels.ts'
import { PRESENCE_LOST_MS } from '../limits.ts'
import { home, type Home, sendFrame, sendHelloAs, sessionToken, signRule, whisperPayload } from './mallory.test-support.ts'

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array
const deviceOf = (h: Home, person: Person): DeviceId => person.space(h.space).me.device
const signedBy = (h: Home, person: Person, label: Uint8Array, ...said: Uint8Array[]): Promise<Uint8Array> => {
  const { world, me } = person.space(h.space)
  return world.suite.sign(me.deviceKey.secretKey, concat(label, ...said))
}

test('S11 nobody but Bob speaks for his device over a connection', async () => {
  const h = await home(), { room, alice, bob, mallory, space } = h, bobs = deviceOf(h, bob)
  room.leaves(bob)
  await room.pass(PRESENCE_LOST_MS + 1000)
  const speaks = (): boolean => alice.engine.peers.devices(space).has(bobs)
  expect(speaks()).toBe(false)
  for (const by of [mallory, bob]) {
    await sendHelloAs(mallory, alice, space, bobs, by)
    await room.pass(100)
    expect(speaks()).toBe(by === bob)
  }
})

test('S11 nobody but Bob says that Bob has a message', async () => {
  const h = await home(), { room, alice, bob, carol, mallory, space, channel } = h
  for (const person of [bob, carol]) room.leaves(person)
  const { messageId } = await room.ask(alice, { type: 'send-message', space, channel, text: 'Has everybody got this?' })
  await room.pass(5000)
  const delivered = async (): Promise<unknown> => (await room.ask(alice, { type: 'get-messages', space, channel })).messages.at(-1)?.state
  const said = { device: deviceOf(h, bob), at: room.now, vector: [{ channel, device: deviceOf(h, alice), chanSeq: 1, head: messageId.slice(0, 16) }] }
  for (const [by, to] of [[mallory, 1], [bob, 2]] as const) {
    whisperPayload(mallory, alice, space, { type: 'receipt', ...said, sig: await signedBy(h, by, LABELS.receiptSign, raw(space), receiptBytes(said)) })
    await room.pass(100)
    expect(await delivered()).toEqual({ type: 'delivered', to, of: 3 })
  }
})

test('S11 nobody but Bob says that Bob is here', async () => {
  const h = await home(), { room, alice, bob, mallory, space } = h
  room.leaves(bob)
  await room.pass(PRESENCE_LOST_MS + 1000)
  const isHere = async (): Promise<unknown> => (await room.ask(alice, { type: 'list-members', space })).members.find((m) => m.name === 'Bob')?.online
  expect(await isHere()).toBe(false)
  const said = { device: deviceOf(h, bob), peer: mallory.peer, addresses: [], at: room.now }
  for (const by of [mallory, bob]) {
    whisperPayload(mallory, alice, space, { type: 'presence', ...said, sig: await signedBy(h, by, LABELS.presenceSign, raw(space), presenceBytes(said)) })
    await room.pass(100)
    expect(await isHere()).toBe(by === bob)
  }
})

test('whose clock was a year ahead is seen again as soon as it is set right', async () => {
  const h = await home(), { room, alice, bob, space } = h
  room.leaves(bob)
  const isHere = async (): Promise<unknown> => (await room.ask(alice, { type: 'list-members', space })).members.find((m) => m.name === 'Bob')?.online
  for (const at of [room.now + 365 * 24 * 3600_000, room.now + PRESENCE_LOST_MS]) {
    await room.pass(PRESENCE_LOST_MS + 1000)
    expect(await isHere()).toBe(false)
    const said = { device: deviceOf(h, bob), peer: bob.peer, addresses: [], at }
    whisperPayload(bob, alice, space, { type: 'presence', ...said, sig: await signedBy(h, bob, LABELS.presenceSign, raw(space), presenceBytes(said)) })
    await room.pass(100)
    expect(await isHere()).toBe(true)
  }
})

test('S11 nobody but Bob says that Bob is writing', async () => {
  const h = await home(), { room, alice, bob, mallory, space, channel } = h
  room.leaves(bob)
  const said = { device: deviceOf(h, bob), channel, at: room.now }
  for (const by of [mallory, bob]) {
    alice.updates.length = 0
    whisperPayload(mallory, alice, space, { type: 'typing', ...said, sig: await signedBy(h, by, LABELS.typingSign, raw(space), typingBytes(said)) })
    await room.pass(100)
    expect(alice.updates.flatMap((u) => (u.type === 'typing' ? u.members : []))).toEqual(by === bob ? [bob.space(space).me.identity] : [])
  }
})

test('U8 nobody leads Bob into a conversation in another\'s name, nor after they were removed', async () => {
  const h = await home(), { room, alice, bob, mallory, space } = h, { suite } = bob.space(space).world
  const write = async (as: Person, n: number): Promise<boolean> => {
    const link = encodeLink({
      space: n.toString(16).padStart(64, '0') as typeof space, secret: new Uint8Array(INVITE_SECRET_BYTES).fill(n), expiresAt: room.now + 3600_000, spaceName: 'DM', inviterName: 'Alice', relays: [RELAY],
    }, '', (bytes) => suite.sha256(bytes))
    const sig = await signedBy(h, mallory, LABELS.contactSign, raw(space), raw(deviceOf(h, bob)), utf8(link))
    const box = bob.space(space).me.boxKey.publicKey, aad = concat(raw(space), raw(deviceOf(h, bob)))
    whisperPayload(mallory, bob, space, { type: 'contact', sealed: await suite.sealTo(box, LABELS.contactSeal, aad, concat(raw(deviceOf(h, as)), sig, utf8(link))) })
    await room.pass(100)
    return [...bob.engine.replicas.keys()].includes(n.toString(16).padStart(64, '0') as typeof space)
  }
  expect(await write(alice, 1)).toBe(false)
  expect(await write(mallory, 2)).toBe(true)
  room.leaves(mallory)
  await room.ask(alice, { type: 'remove-member', space, member: mallory.space(space).me.identity })
  await room.pass(5000)
  expect(await write(mallory, 3)).toBe(false)
})

test('S11 a signal over a connection says who writes, or who wants to talk, and nothing else: what has frames of its own is not taken from it', async () => {
  const h = await home(), { room, alice, mallory, space } = h, replica = mallory.space(space)
  const signal = async (payload: Payload): Promise<void> => {
    const sealed = replica.mail.seal(replica.groups.tip() as EpochId, payload) ?? expect.fail('not sealed')
    sendFrame(mallory, alice, { type: 'signal', token: sessionToken(mallory, alice, space), sealed })
    await room.pass(100)
  }
  const profile = await signRule(replica, 'profile', encodeAuthorityBody({ type: 'profile', name: 'Alice' }), room.now)
  await signal({ type: 'ops', ops: [profile.bytes] })
  expect(alice.space(space).log.authority.has(profile.id)).toBe(false)
  await signal({ type: 'tree', tree: new Uint8Array(100).fill(7) })
  expect(alice.space(space).unnamedTrees()).toBe(0)
  // The same by the way that is for it.
  whisperPayload(mallory, alice, space, { type: 'ops', ops: [profile.bytes] })
  await room.pass(100)
  expect(alice.space(space).log.authority.has(profile.id)).toBe(true)
})
