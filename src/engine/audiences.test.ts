/** Private channels: who reads them, who doesn't, and what becomes of both. With Alice, Bob and Carol. */
import { expect, test } from 'vitest'
import type { Readers } from '../api.ts'
import type { RoleId } from '../wire/authority.ts'
import { decodeFrame } from '../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type EpochId, type IdentityId, type SpaceId } from '../wire/ids.ts'
import type { Audience } from './audience.ts'
import { type Person, RELAY, Room } from './engines.test-support.ts'
import { Out } from './out.ts'
import { sendFrame, sessionToken } from './sync/mallory.test-support.ts'

interface Home { readonly room: Room; readonly alice: Person; readonly bob: Person; readonly carol: Person; readonly space: SpaceId; readonly link: string }

async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  const bob = await room.person('Bob'), carol = await room.person('Carol')
  for (const person of [bob, carol]) { await room.ask(person, { type: 'join', link }); await room.pass(2000) }
  return { room, alice, bob, carol, space, link }
}

const me = (h: Home, person: Person): IdentityId => person.space(h.space).me.identity

async function shed(h: Home, ...readers: Person[]): Promise<ChannelId> {
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'shed', readers: { members: readers.map((p) => me(h, p)) } })
  await h.room.pass(5000)
  return channel
}

const say = (h: Home, person: Person, channel: ChannelId, text: string) => h.room.ask(person, { type: 'send-message', space: h.space, channel, text })

async function texts(h: Home, person: Person, channel: ChannelId): Promise<string[]> {
  const { messages } = await h.room.ask(person, { type: 'get-messages', space: h.space, channel })
  return messages.map((m) => m.text)
}

async function names(h: Home, person: Person): Promise<string[]> {
  const { channels } = await h.room.ask(person, { type: 'list-channels', space: h.space })
  return channels.map((c) => `${c.name}${c.private ? ' private' : ''}${c.state === 'waiting' ? ' waiting' : ''}`)
}

function audience(h: Home, person: Person, channel: ChannelId): Audience {
  const found = person.space(h.space).audienceFor(channel)
  if (found === undefined) throw new Error('no such audience')
  return found
}

/** All that a device holds of a channel: its key, its ops, its topics. */
function holds(h: Home, person: Person, channel: ChannelId): readonly string[] {
  const replica = person.space(h.space)
  const out = replica.log.vector().filter((e) => e.channel === channel).map(() => 'ops')
  const { groups } = audience(h, person, channel)
  for (const epoch of groups.tree.nodes.keys()) if (groups.keys.has(epoch) || groups.states.has(epoch)) out.push('key')
  for (const _ of groups.keys.relayKeys) out.push('topic')
  return out
}

test('U1 what Alice and Bob say in their private channel neither reaches Carol nor is known to her', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  await say(h, h.bob, channel, 'The spare key is under the pot')
  await h.room.pass(40_000)
  expect(await texts(h, h.alice, channel)).toEqual(['The spare key is under the pot'])
  expect(await names(h, h.bob)).toEqual(['general', 'shed private'])
  expect(await names(h, h.carol)).toEqual(['general'])
  expect(holds(h, h.carol, channel)).toEqual([])
  expect(await h.room.reply(h.carol, { type: 'send-message', space: h.space, channel, text: 'Hello?' })).toMatchObject({ ok: false, error: { code: 'unknown-channel' } })
  expect(await h.room.reply(h.carol, { type: 'get-messages', space: h.space, channel })).toMatchObject({ ok: false, error: { code: 'unknown-channel' } })
  const { messages } = await h.room.ask(h.bob, { type: 'get-messages', space: h.space, channel })
  expect(messages.map((m) => m.state)).toEqual([{ type: 'delivered', to: 1, of: 1 }])
})

test('U1 who asks for what was said in a channel that is not theirs is given nothing', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  await say(h, h.alice, channel, 'The spare key is under the pot')
  await h.room.pass(5000)
  const given: number[] = [], ask = (of: ChannelId): void => sendFrame(h.carol, h.alice, {
    type: 'ask', token: sessionToken(h.carol, h.alice, h.space), ranges: [{ channel: of, device: h.alice.space(h.space).me.device, from: 1, to: 10 }], trees: [], plain: true,
  })
  h.room.seesFrame = (bytes, from, to) => {
    const frame = from === h.alice && to === h.carol ? decodeFrame(bytes) : undefined
    if (frame?.type === 'ops') given.push(frame.ops.length + (frame.packed?.length ?? 0))
  }
  ask(channel)
  await h.room.pass(100)
  expect(given.reduce((sum, n) => sum + n, 0)).toBe(0)
  ask(AUTHORITY_CHANNEL)
  await h.room.pass(100)
  expect(given.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0)
})

test('U2 Carol, let in later, reads what is said from then on', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  await say(h, h.bob, channel, 'Before')
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.bob, h.carol].map((p) => me(h, p)) } })
  await h.room.pass(10_000)
  await say(h, h.alice, channel, 'After')
  await say(h, h.carol, channel, 'Thank you')
  await h.room.pass(40_000)
  expect(await texts(h, h.carol, channel)).toEqual(['After', 'Thank you'])
  expect(await texts(h, h.bob, channel)).toEqual(['Before', 'After', 'Thank you'])
})

test('H7 where its readers say so, Carol, let in later, reads what was said in the private channel since they did', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  await say(h, h.bob, channel, 'Between us')
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, channel, history: 'all' })
  await say(h, h.bob, channel, 'For whoever comes')
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.bob, h.carol].map((p) => me(h, p)) } })
  await h.room.pass(60_000)
  await say(h, h.alice, channel, 'Welcome')
  await h.room.pass(40_000)
  expect(await texts(h, h.carol, channel)).toEqual(['For whoever comes', 'Welcome'])
  expect(await texts(h, h.bob, channel)).toEqual(['Between us', 'For whoever comes', 'Welcome'])
  // And not those that come when the readers have thought better of it.
  expect(await h.room.reply(h.bob, { type: 'set-history', space: h.space, channel, history: 'from-join' })).toMatchObject({ ok: false, error: { code: 'not-allowed' } })
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, channel, history: 'from-join' })
  const dave = await h.room.person('Dave')
  await h.room.ask(dave, { type: 'join', link: h.link })
  await h.room.pass(2000)
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.bob, h.carol, dave].map((p) => me(h, p)) } })
  await h.room.pass(60_000)
  expect(await texts(h, dave, channel)).toEqual([])
  expect(await h.room.reply(h.alice, { type: 'set-history', space: h.space, channel: '00'.repeat(16) as ChannelId, history: 'all' })).toMatchObject({ ok: false, error: { code: 'unknown-channel' } })
})

test('H7 the past of a private channel waits for the owner, or for a second who manages channels, to go on from who was let in', async () => {
  const h = await home()
  const { role } = await h.room.ask(h.alice, { type: 'create-role', space: h.space, name: 'Keepers', power: 20, permissions: ['channels'] })
  await h.room.ask(h.alice, { type: 'give-role', space: h.space, role, member: me(h, h.bob) })
  const channel = await shed(h, h.bob)
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, channel, history: 'all' })
  await say(h, h.bob, channel, 'For whoever comes')
  h.room.leaves(h.alice)
  await h.room.ask(h.bob, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.bob, h.carol].map((p) => me(h, p)) } })
  await h.room.pass(60_000)
  expect(await texts(h, h.carol, channel)).toEqual([])
  await h.room.comesBack(h.alice)
  await h.room.ask(h.alice, { type: 'rename-space', space: h.space, name: 'Gardens' })
  await h.room.pass(60_000)
  expect(await texts(h, h.carol, channel)).toEqual(['For whoever comes'])
})

test('U2 what Carol hears first needs what was said before she could read: she asks for it at once, not at the next round', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  for (const text of ['One', 'Two']) await say(h, h.alice, channel, text)
  // A round of comparing is just over, and the next one far.
  await h.room.pass(31_000)
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.bob, h.carol].map((p) => me(h, p)) } })
  await h.room.pass(1000)
  await say(h, h.alice, channel, 'After')
  await h.room.pass(3000)
  expect(await texts(h, h.carol, channel)).toEqual(['After'])
})

test('U3 told that she may read, with the commit that lets her in lost on its way, Carol comes in by herself, and is read', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  for (const person of [h.bob, h.carol]) h.room.leaves(person)
  h.room.onTheWay = []
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.bob, h.carol].map((p) => me(h, p)) } })
  // Only the first that Alice sent comes through: who reads, not the commit that follows.
  h.room.onTheWay.splice(1)
  h.room.arrive()
  h.room.leaves(h.alice)
  await h.room.comesBack(h.carol)
  expect(await names(h, h.carol)).toEqual(['general', 'shed private waiting'])
  await h.room.pass(20_000)
  expect(await names(h, h.carol)).toEqual(['general', 'shed private'])
  await say(h, h.carol, channel, 'Nobody here?')
  h.room.leaves(h.carol)
  for (const person of [h.alice, h.bob]) { await h.room.comesBack(person); await h.room.pass(30_000) }
  expect(await texts(h, h.bob, channel)).toEqual(['Nobody here?'])
})

test('U4 Bob, no longer a reader, gets no key of what follows, and nothing is sealed until he is out of the group', async () => {
  const h = await home()
  const channel = await shed(h, h.bob, h.carol)
  await say(h, h.bob, channel, 'Before')
  const was = holds(h, h.bob, channel).length
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.carol].map((p) => me(h, p)) } })
  await say(h, h.carol, channel, 'Without Bob')
  await h.room.pass(40_000)
  expect(await texts(h, h.alice, channel)).toEqual(['Before', 'Without Bob'])
  expect(await names(h, h.bob)).toEqual(['general'])
  expect(holds(h, h.bob, channel).length).toBe(was)
  const tip = audience(h, h.alice, channel).groups.tip()
  expect(tip !== undefined && audience(h, h.bob, channel).groups.keys.has(tip)).toBe(false)
  const leaves = audience(h, h.alice, channel).groups.tree.nodes.get(tip as NonNullable<typeof tip>)?.leaves ?? []
  expect(leaves).not.toContain(h.bob.space(h.space).me.device)
})

test('U1 an answer in an open channel shows nothing of the private one that it cites', async () => {
  const h = await home()
  const channel = await shed(h, h.bob, h.carol)
  const { messageId } = await say(h, h.alice, channel, 'The spare key is under the pot')
  await h.room.pass(5000)
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [h.alice, h.carol].map((p) => me(h, p)) } })
  await h.room.pass(5000)
  const general = (await h.room.ask(h.bob, { type: 'list-channels', space: h.space })).channels[0]?.channel as ChannelId
  await h.room.ask(h.carol, { type: 'send-message', space: h.space, channel: general, text: 'About that key', replyTo: messageId })
  await h.room.pass(5000)
  for (const person of [h.bob, h.alice]) {
    const last = (await h.room.ask(person, { type: 'get-messages', space: h.space, channel: general })).messages.at(-1)
    expect(last?.text).toBe('About that key')
    expect(last?.replyTo?.id).toBe(messageId)
    expect(last?.replyTo?.text).toBe('')
  }
})

test('U4 who is removed from the space is out of its private channels too', async () => {
  const h = await home()
  const channel = await shed(h, h.bob, h.carol)
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: me(h, h.bob) })
  await say(h, h.carol, channel, 'Just us')
  await h.room.pass(40_000)
  expect(await texts(h, h.alice, channel)).toEqual(['Just us'])
  const tip = audience(h, h.alice, channel).groups.tip()
  expect(tip !== undefined && audience(h, h.bob, channel).groups.keys.has(tip)).toBe(false)
})

test('an engine that starts from its disk knows its private channels', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  await say(h, h.bob, channel, 'Before')
  const tip = audience(h, h.bob, channel).groups.tip()
  for (const person of [h.bob, h.carol]) await person.restart()
  await h.room.pass(2000)
  expect(audience(h, h.bob, channel).groups.tip()).toBe(tip)
  expect(holds(h, h.carol, channel)).toEqual([])
  await say(h, h.bob, channel, 'After')
  await h.room.pass(2000)
  expect(await texts(h, h.alice, channel)).toEqual(['Before', 'After'])
})

test('an open channel made private keeps what was said with those who heard it; opened again it is everyone\'s', async () => {
  const h = await home()
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'yard' })
  await say(h, h.alice, channel, 'For all')
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [me(h, h.bob)] } })
  await h.room.pass(5000)
  await say(h, h.bob, channel, 'For two')
  expect(await names(h, h.carol)).toEqual(['general'])
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel })
  await say(h, h.bob, channel, 'For all again')
  await h.room.pass(40_000)
  expect(await texts(h, h.carol, channel)).toEqual(['For all', 'For all again'])
  expect(await texts(h, h.alice, channel)).toEqual(['For all', 'For two', 'For all again'])
})

test('H5 a phone that Alice links when their private channel has been opened to everyone reads what she and Bob had said there; Carol does not', async () => {
  const h = await home(), channel = await shed(h, h.bob)
  await say(h, h.alice, channel, 'For two')
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel })
  await h.room.pass(10_000)
  await say(h, h.bob, channel, 'For all')
  const phone = await h.room.person('Phone', true)
  const { request } = await h.room.ask(phone, { type: 'ask-to-link' })
  await h.room.ask(phone, { type: 'finish-link', answer: (await h.room.ask(h.alice, { type: 'link-device', request })).answer })
  await h.room.pass(60_000)
  expect(await texts(h, phone, channel)).toEqual(['For two', 'For all'])
  expect(await texts(h, h.carol, channel)).toEqual(['For all'])
})

test('channels with the same readers share one group, until the readers of one change', async () => {
  const h = await home()
  const first = await shed(h, h.bob), second = await shed(h, h.bob)
  expect(audience(h, h.alice, second)).toBe(audience(h, h.alice, first))
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel: second, readers: { members: [h.alice, h.carol].map((p) => me(h, p)) } })
  await h.room.pass(5000)
  await say(h, h.carol, second, 'Only here')
  await h.room.pass(2000)
  expect(await names(h, h.bob)).toEqual(['general', 'shed private'])
  expect(await texts(h, h.alice, second)).toEqual(['Only here'])
  expect(await texts(h, h.alice, first)).toEqual([])
})

test('U1 who reads a channel no longer finds nothing of it by searching either', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  await say(h, h.alice, channel, 'The spare key is under the pot')
  await h.room.pass(10_000)
  const finds = async (person: Person): Promise<string[]> => (await h.room.ask(person, { type: 'search-messages', space: h.space, query: 'spare' })).results.map((m) => m.message.text)
  expect(await finds(h.bob)).toEqual(['The spare key is under the pot'])
  expect(await finds(h.carol)).toEqual([])
  await h.room.ask(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: [me(h, h.alice)] } })
  await h.room.pass(10_000)
  expect(await finds(h.alice)).toEqual(['The spare key is under the pot'])
  expect(await finds(h.bob)).toEqual([])
  for (const query of ['in:shed', 'in:shed spare']) {
    expect(await h.room.ask(h.bob, { type: 'search-messages', space: h.space, query })).toMatchObject({ results: [], unclear: ['shed'] })
  }
})

test('U6 what Carol, no reader, seals for everyone and sends into the private channel is shown to nobody', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  const replica = h.carol.space(h.space)
  const tip = replica.everyone.groups.tip()
  if (tip === undefined) throw new Error('no tip')
  const turn = { now: h.room.now, out: new Out() }
  const op = await replica.appendContent(turn, channel, tip, { type: 'message', text: 'I am in' })
  await h.carol.engine.distribute(turn, replica, [op])
  await h.room.carryOut(h.carol, turn.out.step())
  await h.room.pass(40_000)
  // It is in the log of those whom it reached, and counts for none of them.
  expect(h.alice.space(h.space).log.head(channel, replica.me.device)?.chanSeq).toBe(1)
  for (const person of [h.alice, h.bob]) expect(await texts(h, person, channel)).toEqual([])
  await say(h, h.bob, channel, 'Did you hear something?')
  await h.room.pass(2000)
  expect(await texts(h, h.alice, channel)).toEqual(['Did you hear something?'])
})

test('U5 more readers by name than an act can hold are refused, with what to do instead', async () => {
  const h = await home()
  const { state } = h.alice.space(h.space).authority, someone = state.members.get(me(h, h.bob))
  const many = Array.from({ length: 1024 }, (_, n) => n.toString(16).padStart(64, '0') as IdentityId)
  for (const member of many) (state.members as Map<IdentityId, typeof someone>).set(member, someone)
  const { channels } = await h.room.ask(h.alice, { type: 'list-channels', space: h.space })
  const channel = channels[0]?.channel ?? expect.unreachable('no channel')
  // With Alice herself there is one too many.
  expect(await h.room.reply(h.alice, { type: 'set-readers', space: h.space, channel, readers: { members: many } })).toMatchObject({ ok: false, error: { code: 'limit-reached', message: expect.stringContaining('role') } })
})

test('U5 readers that are not here, or none at all, are refused', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  const nobody = 'ab'.repeat(32) as IdentityId, nothing = 'cd'.repeat(16) as RoleId
  const set = (readers: Readers) => h.room.reply(h.alice, { type: 'set-readers', space: h.space, channel, readers })
  expect(await set({ members: [me(h, h.bob), nobody] })).toMatchObject({ ok: false, error: { code: 'unknown-member' } })
  expect(await set({ roles: [nothing] })).toMatchObject({ ok: false, error: { code: 'unknown-role' } })
  expect(await set({})).toMatchObject({ ok: false, error: { code: 'bad-request' } })
  expect(await h.room.reply(h.bob, { type: 'set-readers', space: h.space, channel, readers: { members: [me(h, h.bob)] } })).toMatchObject({ ok: false, error: { code: 'not-allowed' } })
  expect(audience(h, h.alice, channel).devices.size).toBe(2)
})

test('U5 Alice narrows while Bob widens: the fewer read, the same on every device, and they go on', async () => {
  const h = await home()
  const channel = await shed(h, h.bob)
  const { role } = await h.room.ask(h.alice, { type: 'create-role', space: h.space, name: 'keeper', power: 50, permissions: ['channels'] })
  await h.room.ask(h.alice, { type: 'give-role', space: h.space, member: me(h, h.bob), role })
  const dave = await h.room.person('Dave')
  await h.room.ask(dave, { type: 'join', link: h.link })
  await h.room.pass(5000)
  const set = (person: Person, ...readers: Person[]) => h.room.ask(person, { type: 'set-readers', space: h.space, channel, readers: { members: readers.map((p) => me(h, p)) } })
  await set(h.alice, h.alice, h.bob, h.carol)
  await h.room.pass(5000)
  h.room.goesOffline(h.bob)
  await set(h.alice, h.alice, h.bob)
  await set(h.bob, h.alice, h.bob, h.carol, dave)
  await h.room.comesOnline(h.bob)
  await h.room.pass(60_000)
  await say(h, h.bob, channel, 'Only us then')
  await h.room.pass(10_000)
  expect(await texts(h, h.alice, channel)).toEqual(['Only us then'])
  for (const person of [h.alice, h.bob, h.carol, dave]) expect([...audience(h, person, channel).devices.keys()].sort()).toEqual([h.alice, h.bob].map((p) => p.space(h.space).me.device).sort())
  for (const person of [h.carol, dave]) expect(await names(h, person)).toEqual(['general'])
})

test('U4 who loses the role that let them read is out, and who is given it is in', async () => {
  const h = await home()
  const { role } = await h.room.ask(h.alice, { type: 'create-role', space: h.space, name: 'keeper', power: 10, permissions: [] })
  const { channel } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'shed', readers: { roles: [role] } })
  await h.room.ask(h.alice, { type: 'give-role', space: h.space, member: me(h, h.bob), role })
  await h.room.pass(10_000)
  await say(h, h.bob, channel, 'I have the key')
  await h.room.ask(h.alice, { type: 'take-role', space: h.space, member: me(h, h.bob), role })
  await h.room.ask(h.alice, { type: 'give-role', space: h.space, member: me(h, h.carol), role })
  await h.room.pass(10_000)
  await say(h, h.carol, channel, 'Now I have it')
  await h.room.pass(10_000)
  expect(await texts(h, h.alice, channel)).toEqual(['I have the key', 'Now I have it'])
  expect(await texts(h, h.carol, channel)).toEqual(['Now I have it'])
  expect(await names(h, h.bob)).toEqual(['general'])
  const tip = audience(h, h.alice, channel).groups.tip()
  expect(tip !== undefined && audience(h, h.bob, channel).groups.keys.has(tip)).toBe(false)
})

test('U3 a private channel goes on whose founder was put back to before it was made, when nobody had fetched the tree of its group', async () => {
  const h = await home(), then = h.alice.disk.snapshot()
  for (const person of [h.bob, h.carol]) h.room.leaves(person)
  h.room.onTheWay = []
  const channel = await shed(h, h.alice, h.bob)
  await h.room.pass(20_000)
  const told = h.carol.space(h.space), made = [...h.alice.space(h.space).log.authority.values()].filter((op) => !told.log.authority.has(op.id))
  expect(made.filter((op) => op.header.type === 'commit').map((op) => op.header.audience)).not.toContain(0)
  // Of all that Alice sent her ops alone reached somebody.
  h.room.onTheWay = undefined
  const bytes = told.mail.seal(told.groups.tip() as EpochId, { type: 'ops', ops: made.map((op) => op.bytes) }), [relayKey] = told.everyone.relayKeysInUse()
  if (bytes === undefined || relayKey === undefined) expect.fail('Carol can read the space')
  h.carol.queue.push({ type: 'announced', relay: RELAY, topic: (await told.mail.topicOf(relayKey)).topic, bytes })
  await h.alice.putBack(then)
  for (const person of [h.bob, h.carol]) await h.room.comesBack(person)
  await h.room.pass(600_000)
  await say(h, h.alice, channel, 'Still ours')
  await say(h, h.bob, channel, 'So it is')
  await h.room.pass(60_000)
  for (const person of [h.alice, h.bob]) expect(await texts(h, person, channel)).toEqual(['Still ours', 'So it is'])
})
