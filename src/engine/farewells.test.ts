/** Who was put out while away, and by the time they are back nothing is left that would tell them. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { decodeFrame } from '../wire/frame.ts'
import { AUTHORITY_CHANNEL, type SpaceId } from '../wire/ids.ts'
import { type Person, RELAY, Room } from './engines.test-support.ts'
import { FAREWELL_AGAIN_MS, MAX_FAREWELL_OPS, PRESENCE_EVERY_MS } from './limits.ts'
import { Out } from './out.ts'
import { home as mallorysHome, sendFrame, sessionToken, signRule, whisper } from './sync/mallory.test-support.ts'

interface Home { readonly room: Room; readonly space: SpaceId; readonly alice: Person; readonly bob: Person; readonly carol: Person }

async function home(): Promise<Home> {
  const room = new Room(), alice = await room.person('Alice')
  const { space } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const others: Person[] = []
  for (const name of ['Bob', 'Carol']) {
    const person = await room.person(name)
    await room.ask(person, { type: 'join', link: (await room.ask(alice, { type: 'create-invite', space })).link })
    await room.pass(2000)
    others.push(person)
  }
  const [bob, carol] = others as [Person, Person]
  return { room, space, alice, bob, carol }
}

const remove = ({ room, alice, space }: Home, who: Person): Promise<unknown> => room.ask(alice, { type: 'remove-member', space, member: who.space(space).me.identity })

test('S14 Carol was removed while she was away, and the relay forgot it: she is told by those who hear that she is there, and no more than that', async () => {
  const h = await home()
  h.room.goesOffline(h.carol)
  await remove(h, h.carol)
  await h.room.pass(3000)
  await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Without Carol' })
  h.room.relayForgets()
  await h.room.comesOnline(h.carol)
  await h.room.pass(PRESENCE_EVERY_MS)
  expect(h.carol.space(h.space).state()).toBe('removed')
  const later = [...h.alice.space(h.space).log.authority.values()].filter((op) => op.header.type === 'channelCreate').at(-1)
  expect(later !== undefined && h.carol.space(h.space).log.authority.has(later.id)).toBe(false)
})

test('S14 Dave came by a link that Bob made when he was removed and did not know, in an epoch that Dave cannot read: he is told why he is not in', async () => {
  const h = await home()
  h.room.goesOffline(h.alice)
  const { link } = await h.room.ask(h.bob, { type: 'create-invite', space: h.space })
  await remove(h, h.carol)
  await h.room.pass(3000)
  await remove(h, h.bob)
  await h.room.pass(3000)
  h.room.goesOffline(h.bob)
  h.room.goesOffline(h.carol)
  const dave = await h.room.person('Dave')
  await h.room.ask(dave, { type: 'join', link })
  expect(dave.space(h.space).state()).toBe('member')
  await h.room.comesOnline(h.alice)
  await h.room.pass(2 * PRESENCE_EVERY_MS)
  expect(dave.space(h.space).state()).toBe('removed')
})

test('S14 Dave came by a link that Mallory signed in two ways, and was away when that was proved: he is shown the proof, not the link that he came by', async () => {
  const { room, space, alice, bob, carol, mallory } = await mallorysHome()
  const { link } = await room.ask(mallory, { type: 'create-invite', space })
  const offer = [...mallory.space(space).log.authority.values()].find(({ header: { type, device } }) => type === 'invite' && device === mallory.space(space).me.device)
  if (offer === undefined) throw new Error('Mallory has made no link')
  const { seq, prev, chanSeq, chanPrev, deps } = offer.header
  // Of the two the smaller id is named where nothing else shows the fork: that of the link.
  let lie = offer
  for (let n = 0; lie.id <= offer.id; n++) lie = await signRule(mallory.space(space), 'profile', encodeAuthorityBody({ type: 'profile', name: `Mal ${n}` }), room.now, { seq, prev, chanSeq, chanPrev, deps })
  const dave = await room.person('Dave')
  await room.ask(dave, { type: 'join', link })
  await room.pass(5000)
  for (const person of [mallory, dave]) room.goesOffline(person)
  whisper(mallory, carol, space, [lie])
  await room.pass(60_000)
  room.relayForgets()
  await room.comesOnline(dave)
  await room.pass(2 * PRESENCE_EVERY_MS)
  for (const person of [alice, bob]) expect(person.space(space).authority.state.devices.has(dave.space(space).me.device)).toBe(false)
  expect(dave.space(space).state()).toBe('removed')
})

test('S14 who goes on as if nothing had been said is told by everyone who is here, and by each ever more rarely', async () => {
  const h = await home()
  h.room.goesOffline(h.carol)
  await remove(h, h.carol)
  await h.room.pass(3000)
  const said = (await h.carol.engine.step({ type: 'timer', tag: 'presence' }, h.room.now)).sends.find((send) => send.type === 'announce')
  if (said === undefined) throw new Error('Carol says nothing')
  for (const member of [h.alice, h.bob]) {
    const toldAt: number[] = []
    for (let ms = 0; ms < 24 * 3600_000; ms += PRESENCE_EVERY_MS) {
      const { sends } = await member.engine.step({ type: 'announced', relay: RELAY, topic: said.key.topic, bytes: said.bytes }, h.room.now + ms)
      if (sends.some((send) => send.type === 'post' && send.key.topic === said.key.topic)) toldAt.push(ms)
    }
    expect(toldAt.length).toBeGreaterThan(3)
    toldAt.forEach((at, n) => { if (n > 0) expect(at - (toldAt[n - 1] as number)).toBeGreaterThanOrEqual(FAREWELL_AGAIN_MS * 2 ** (n - 1)) })
  }
})

test('S14 of a very long absence Carol is told the newest part first, and what is before it when she goes on', async () => {
  const room = new Room(), alice = await room.person('Alice'), carol = await room.person('Carol')
  const { space } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  await room.ask(carol, { type: 'join', link: (await room.ask(alice, { type: 'create-invite', space })).link })
  await room.pass(5000)
  room.goesOffline(carol)
  const turn = { now: room.now, out: new Out() }
  for (let n = 0; n < MAX_FAREWELL_OPS + 50; n++) await alice.space(space).append(turn, 'profile', encodeAuthorityBody({ type: 'profile', name: `Alice ${n}` }))
  await alice.disk.save(turn.out.saves)
  await room.ask(alice, { type: 'remove-member', space, member: carol.space(space).me.identity })
  await room.pass(3000)
  room.relayForgets()
  await room.comesOnline(carol)
  await room.pass(PRESENCE_EVERY_MS)
  const has = (): number => carol.space(space).log.authority.size + carol.space(space).log.parked.count
  expect(carol.space(space).log.parked.count).toBeGreaterThan(0)
  expect(has()).toBeLessThan(alice.space(space).log.authority.size)
  expect(carol.space(space).state()).toBe('member')
  await room.pass(FAREWELL_AGAIN_MS + 2 * PRESENCE_EVERY_MS)
  expect(carol.space(space).state()).toBe('removed')
  expect(carol.space(space).log.parked.count).toBe(0)
}, 60_000)

test.each(['asked', 'said'])('S14 who was removed is given nothing more over a connection that is still there: %s', async (what) => {
  const h = await mallorysHome(), { room, alice, bob, carol, mallory, space } = h
  await room.pass(2000)
  const given: number[] = [], token = sessionToken(mallory, bob, space)
  room.seesFrame = (bytes, from, to) => {
    const frame = from === bob && to === mallory ? decodeFrame(bytes) : undefined
    if (frame?.type === 'ops' || frame?.type === 'fresh') given.push(frame.ops.length)
  }
  const gets = async (): Promise<number> => {
    given.length = 0
    if (what === 'said') await room.ask(bob, { type: 'set-name', name: `Bob ${room.now}` })
    else sendFrame(mallory, bob, { type: 'ask', token, ranges: [{ channel: AUTHORITY_CHANNEL, device: alice.space(space).me.device, from: 1, to: 100 }], trees: [], plain: true })
    await room.pass(0)
    return given.reduce((sum, n) => sum + n, 0)
  }
  expect(await gets()).toBeGreaterThan(0)
  room.goesOffline(alice)
  await room.ask(alice, { type: 'remove-member', space, member: mallory.space(space).me.identity })
  // Bob has it by way of the relay, and has said nothing over his connections yet.
  whisper(carol, bob, space, [...alice.space(space).log.authority.values()].filter((op) => op.header.type === 'kick'))
  expect(await gets()).toBe(0)
  expect(bob.space(space).authority.state.devices.has(mallory.space(space).me.device)).toBe(false)
})
