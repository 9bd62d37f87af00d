/** Two sides of a space, neither of which can open where the other says it is. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { toHex } from '../wire/bytes.ts'
import type { Payload } from '../wire/envelope.ts'
import type { DeviceId, EpochId, SpaceId } from '../wire/ids.ts'
import { type Person, RELAY, type Room } from './engines.test-support.ts'
import { FAREWELL_AGAIN_MS, PRESENCE_EVERY_MS, PRESENCE_LOST_MS, TOPIC_USED_MS } from './limits.ts'
import { home, signRule, whisper } from './sync/mallory.test-support.ts'

interface Apart { readonly room: Room; readonly space: SpaceId; readonly alice: Person; readonly bob: Person; readonly carol: Person; readonly dave: Person }

/**
 * Alice, cut off, has an act of Mallory's that nobody else has, and removes Bob after it. Meanwhile Dave comes to Carol, which the relay forgets. So Alice speaks in a topic of her own, and what she did there
 * rests on what Carol lacks; and she hears Carol and Dave in an epoch that she doesn't know. Mallory is away, and Bob.
 */
async function apart(bobStays = false): Promise<Apart> {
  const { room, alice, bob, carol, mallory, space } = await home()
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  await room.pass(3000)
  const lie = await signRule(mallory.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'Mal' }), room.now)
  room.goesOffline(mallory)
  room.goesOffline(alice)
  whisper(mallory, alice, space, [lie])
  await room.pass(1000)
  await room.ask(alice, { type: 'remove-member', space, member: bob.space(space).me.identity })
  await room.pass(3000)
  const dave = await room.person('Dave')
  await room.ask(dave, { type: 'join', link })
  await room.pass(3000)
  if (!bobStays) room.goesOffline(bob)
  room.relayForgets()
  await room.comesOnline(alice)
  return { room, space, alice, bob, carol, dave }
}

const isPresenceOf = (said: Payload | 'no-key' | undefined, device: DeviceId): boolean => typeof said === 'object' && said.type === 'presence' && said.device === device
const isConnected = (one: Person, other: Person, space: SpaceId): boolean => other.device !== undefined && one.engine.peers.devices(space).has(other.device)

test('S30 two sides that can’t open where the other is meet all the same: one hears words that go on being sealed, and tells members alone what happened', async () => {
  const { room, space, alice, carol, dave } = await apart()
  expect(carol.space(space).log.parked.count).toBeGreaterThan(0)
  expect(isConnected(alice, carol, space)).toBe(false)
  await room.pass(5 * PRESENCE_EVERY_MS)
  expect(isConnected(alice, carol, space)).toBe(true)
  expect(isConnected(alice, dave, space)).toBe(true)
  for (const person of [alice, carol, dave]) expect(person.space(space).groups.tip()).toBe(alice.space(space).groups.tip())
  for (const person of [alice, carol, dave]) expect(person.space(space).authority.state.members.size).toBe(4)
})

test('S30 Bob, who was removed and reads the old topic, learns that he was, and nothing of what came after', async () => {
  const { room, space, alice, bob, carol } = await apart(true)
  await room.ask(alice, { type: 'create-channel', space, name: 'Without Bob' })
  await room.pass(10 * PRESENCE_EVERY_MS)
  expect(isConnected(alice, carol, space)).toBe(true)
  expect(bob.space(space).state()).toBe('removed')
  const later = [...alice.space(space).log.authority.values()].find((op) => op.header.type === 'channelCreate' && !bob.space(space).log.authority.has(op.id))
  expect(later).toBeDefined()
})

test('S30 Dave came in behind an act that only he has of those who are here, who speak where he doesn’t read: they hear one of whom they know nothing, say that they are here, and he tells them', async () => {
  const { room, alice, bob, carol, mallory, space } = await home()
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  await room.pass(3000)
  const lie = await signRule(mallory.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'Mal' }), room.now)
  for (const person of [alice, carol]) room.goesOffline(person)
  whisper(mallory, bob, space, [lie])
  await room.pass(1000)
  room.goesOffline(mallory)
  const dave = await room.person('Dave')
  await room.ask(dave, { type: 'join', link })
  await room.pass(3000)
  for (const person of [bob, dave]) room.goesOffline(person)
  room.relayForgets()
  for (const person of [alice, carol]) await room.comesOnline(person)
  await room.ask(alice, { type: 'remove-member', space, member: mallory.space(space).me.identity })
  await room.pass(3000)
  await room.comesOnline(dave)
  await room.pass(PRESENCE_EVERY_MS / 2)
  expect(isConnected(alice, dave, space)).toBe(false)
  await room.pass(10 * PRESENCE_EVERY_MS)
  for (const person of [alice, carol]) expect(isConnected(person, dave, space)).toBe(true)
  for (const person of [alice, carol, dave]) expect(person.space(space).groups.tip()).toBe(alice.space(space).groups.tip())
  for (const person of [alice, carol, dave]) expect(person.space(space).authority.state.members.size).toBe(4)
})

test('S30 Alice, cut off, removed all who went on without her, after an act that they lack: they hear of it', async () => {
  const { room, space, alice, bob, carol, dave } = await apart(true)
  await room.ask(alice, { type: 'remove-member', space, member: carol.space(space).me.identity })
  await room.pass(10 * PRESENCE_EVERY_MS)
  expect([bob, carol].map((person) => person.space(space).state())).toEqual(['removed', 'removed'])
  expect(isConnected(alice, dave, space)).toBe(true)
})

test('S30 each side has begun a topic of its own, and what would lead the other there was lost: each says in those from before as well that it is here', async () => {
  const { room, space, alice, carol } = await home()
  for (const person of room.people) if (person !== alice && person !== carol) room.goesOffline(person)
  room.goesOffline(alice)
  room.now += TOPIC_USED_MS + 3600_000
  for (const person of [alice, carol]) {
    const step = person.engine.step.bind(person.engine)
    person.engine.step = async (input, now) => {
      const made = await step(input, now)
      return { ...made, sends: made.sends.filter((send) => send.type !== 'post') }
    }
  }
  await room.pass(60_000)
  const topics = [alice, carol].map((person) => toHex(person.space(space).everyone.relayKeysInUse()[0] as Uint8Array))
  expect(topics[0]).not.toBe(topics[1])
  await room.comesOnline(alice)
  await room.pass(1000)
  expect(isConnected(alice, carol, space)).toBe(false)
  await room.pass(10 * PRESENCE_EVERY_MS)
  expect(isConnected(alice, carol, space)).toBe(true)
  expect(alice.space(space).groups.tip()).toBe(carol.space(space).groups.tip())
})

test('S30 whoever makes words up that nobody can open gets ever fewer answers to them, and none while everybody is here', async () => {
  const { room, space, alice } = await home()
  await room.pass(3000)
  const topic = [...alice.space(space).mail.topics.keys()][0] as string, bytes = new Uint8Array(200)
  let { now } = room
  const answersIn = async (ms: number): Promise<number> => {
    let answers = 0
    for (const until = now + ms; now < until; now += 5000) {
      const { sends } = await alice.engine.step({ type: 'announced', relay: RELAY, topic, bytes }, now)
      answers += sends.filter((send) => send.type === 'announce').length
    }
    return answers
  }
  expect(await answersIn(3 * PRESENCE_EVERY_MS)).toBe(0)
  for (const other of room.people) if (other !== alice) await alice.engine.step({ type: 'peer-down', peer: other.peer }, now)
  now += PRESENCE_LOST_MS
  // Two words to each: where this device is, and what happened here.
  const answers = await answersIn(24 * 3600_000), others = 2 * 3
  expect(answers).toBeGreaterThan(2 * others)
  expect(answers).toBeLessThan(others * (2 + Math.log2((24 * 3600_000) / FAREWELL_AGAIN_MS)))
})

test('S30 words of a device of which nothing is known, under a key that is here: whoever hears them says in that topic that they are here, ever more rarely, so that nobody else can open it', async () => {
  const { room, alice, mallory, space } = await home()
  await room.pass(3000)
  const { mail, groups, me } = alice.space(space), old = [...mail.topics.keys()][0] as string, before = groups.tip() as EpochId
  await room.ask(alice, { type: 'remove-member', space, member: mallory.space(space).me.identity })
  await room.pass(3000)
  const device = 'd'.repeat(64) as DeviceId, bytes = mail.seal(before, { type: 'presence', device, peer: 'dave', addresses: [], at: room.now, sig: new Uint8Array(64) }) as Uint8Array
  const answers: Uint8Array[] = []
  for (let now = room.now, until = now + 24 * 3600_000; now < until; now += 5000) {
    const { sends } = await alice.engine.step({ type: 'announced', relay: RELAY, topic: old, bytes }, now)
    for (const send of sends) if (send.type === 'announce' && send.key.topic === old) answers.push(send.bytes)
  }
  const said = answers.map((one) => alice.space(space).mail.open(one)), presences = answers.filter((_one, i) => isPresenceOf(said[i], me.device))
  expect(presences.length).toBeGreaterThan(2)
  expect(presences.length).toBeLessThan(2 + Math.log2((24 * 3600_000) / PRESENCE_EVERY_MS))
  for (const one of presences) expect(mallory.space(space).mail.open(one)).toBe('no-key')
})
