/** What engines decide together, told with Alice, Bob and Carol. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../wire/authority.ts'
import type { ChannelId, SpaceId } from '../wire/ids.ts'
import { type Person, RELAY, Room } from './engines.test-support.ts'
import { RENEW_AFTER_MS } from './limits.ts'
import { Out } from './out.ts'
import { usablePackages } from './key-packages.ts'

interface Home { readonly room: Room; readonly alice: Person; readonly space: SpaceId; readonly channel: ChannelId; readonly link: string }

async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  return { room, alice, space, channel, link }
}

async function joins(h: Home, name: string): Promise<Person> {
  const person = await h.room.person(name)
  await h.room.ask(person, { type: 'join', link: h.link })
  await h.room.pass(2000)
  return person
}

async function texts(h: Home, person: Person): Promise<string[]> {
  const { messages } = await h.room.ask(person, { type: 'get-messages', space: h.space, channel: h.channel })
  return messages.map((m) => `${m.authorName}: ${m.text}`)
}

const say = (h: Home, person: Person, text: string) => h.room.ask(person, { type: 'send-message', space: h.space, channel: h.channel, text })

test('Bob joins while Alice is away, reads what was said, and she reads him when she is back', async () => {
  const h = await home()
  await say(h, h.alice, 'The key is under the pot')
  h.room.leaves(h.alice)
  const bob = await joins(h, 'Bob')
  expect(await texts(h, bob)).toEqual(['Alice: The key is under the pot'])
  await say(h, bob, 'Found it')
  h.room.leaves(bob)
  await h.room.comesBack(h.alice)
  expect(await texts(h, h.alice)).toEqual(['Alice: The key is under the pot', 'Bob: Found it'])
})

test('delivered is known among people who are never there together', async () => {
  const h = await home()
  h.room.leaves(h.alice)
  const bob = await joins(h, 'Bob')
  h.room.leaves(bob)
  await h.room.comesBack(h.alice)
  await say(h, h.alice, 'Are you there?')
  h.room.leaves(h.alice)
  await h.room.comesBack(bob)
  await h.room.pass(10_000)
  h.room.leaves(bob)
  await h.room.comesBack(h.alice)
  const { messages } = await h.room.ask(h.alice, { type: 'get-messages', space: h.space, channel: h.channel })
  expect(messages.map((m) => m.state)).toEqual([{ type: 'delivered', to: 1, of: 1 }])
})

test('Bob, removed, gets no key of what is said afterwards, and is told that he is out', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  const member = h.alice.space(h.space).authority.state.devices.get(bob.space(h.space).me.device)?.identity
  if (member === undefined) expect.fail('Alice does not know Bob')
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member })
  await say(h, carol, 'Is he gone?')
  await h.room.pass(60_000)
  expect(await texts(h, h.alice)).toContain('Carol: Is he gone?')
  expect(await texts(h, bob)).not.toContain('Carol: Is he gone?')
  const tip = h.alice.space(h.space).groups.tip()
  expect(carol.space(h.space).groups.tip()).toBe(tip)
  expect(tip !== undefined && bob.space(h.space).groups.keys.has(tip)).toBe(false)
  const { spaces } = await h.room.ask(bob, { type: 'list-spaces' })
  expect(spaces[0]?.state).toBe('removed')
  expect((await h.room.reply(bob, { type: 'send-message', space: h.space, channel: h.channel, text: 'Hello?' }))?.ok).toBe(false)
})

test('an engine that starts from its disk knows what it knew, and goes on with its chain', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  await say(h, bob, 'Before')
  const before = bob.space(h.space).log.vector()
  const hash = bob.space(h.space).authority.stateHash()
  await bob.restart()
  await h.room.pass(1000)
  expect(bob.space(h.space).log.vector()).toEqual(before)
  expect(bob.space(h.space).authority.stateHash()).toEqual(hash)
  expect(bob.space(h.space).groups.tip()).toBe(h.alice.space(h.space).groups.tip())
  await say(h, bob, 'After')
  expect(await texts(h, h.alice)).toEqual(['Bob: Before', 'Bob: After'])
})

test('G7 a key package that is not its device\'s is passed over: the others are let in, and the removed are put out', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob'), carol = await joins(h, 'Carol')
  // What Carol offers to be added by is rubbish.
  const replica = carol.space(h.space)
  const turn = { now: h.room.now, out: new Out() }
  const bad = await replica.append(turn, 'keyPackage', encodeAuthorityBody({ type: 'keyPackage', bytes: new Uint8Array(300).fill(7), lastResort: false }))
  await h.alice.space(h.space).receive(turn, [bad.bytes])
  const alices = h.alice.space(h.space)
  const bobs = bob.space(h.space).me.device
  expect(await usablePackages(alices.everyone, [bobs, replica.me.device], h.room.now)).toEqual([alices.authority.state.keyPackages.get(bobs)])
  expect([...alices.groups.unusable]).toEqual([replica.me.device])
})

test('G8 a device\'s keys in the group are renewed after a week, by itself', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  const before = bob.space(h.space).groups.tip()
  // A week in which nobody looks: what is due is due at the next look.
  h.room.now += RENEW_AFTER_MS
  await h.room.pass(60_000)
  const { tree } = bob.space(h.space).groups
  const path = tree.path()
  const authors = new Set(path.slice(path.indexOf(before as NonNullable<typeof before>) + 1).map((e) => tree.nodes.get(e)?.author))
  expect(authors).toContain(bob.space(h.space).me.device)
  expect(authors).toContain(h.alice.space(h.space).me.device)
  await say(h, bob, 'Still here')
  expect(await texts(h, h.alice)).toEqual(['Bob: Still here'])
})

test('G8 whose clock was a year ahead renews once more when it is set right, rather than a year later', async () => {
  const h = await home(), year = 365 * 24 * 3600_000
  const tip = (): unknown => h.alice.space(h.space).groups.tip()
  h.room.now += year
  await h.room.pass(60_000)
  const ahead = tip()
  h.room.now -= year
  await say(h, h.alice, 'What year is it?')
  await h.room.pass(60_000)
  const right = tip()
  expect(right).not.toBe(ahead)
  await say(h, h.alice, 'This one')
  await h.room.pass(60_000)
  expect(tip()).toBe(right)
})

test('a link that was taken back, used up or made for a space that nobody knows lets nobody in and says why', async () => {
  const h = await home()
  const { invite, link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space, uses: 1 })
  const bob = await h.room.person('Bob')
  await h.room.ask(bob, { type: 'join', link })
  const carol = await h.room.person('Carol')
  expect(await h.room.reply(carol, { type: 'join', link })).toMatchObject({ ok: false, error: { code: 'link-used-up' } })
  const again = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  await h.room.ask(h.alice, { type: 'revoke-invite', space: h.space, invite: again.invite })
  expect(await h.room.reply(carol, { type: 'join', link: again.link })).toMatchObject({ ok: false, error: { code: 'link-revoked' } })
  expect(await h.room.reply(carol, { type: 'join', link: link.slice(0, -3) })).toMatchObject({ ok: false, error: { code: 'link-invalid', message: expect.stringContaining('damaged') } })
  expect(await h.room.reply(carol, { type: 'read-link', link: 'https://example.org/a/page' })).toMatchObject({ ok: false, error: { code: 'link-invalid', message: expect.stringContaining('not an invite link') } })
  expect((await h.room.ask(carol, { type: 'list-spaces' })).spaces).toEqual([])
  expect(h.alice.space(h.space).authority.state.invites.get(invite)?.used).toBe(1)
})

test('a link opened before what belongs to it has reached the relay lets people in a moment later; one that stays unknown is refused', async () => {
  const h = await home()
  const bob = await h.room.person('Bob'), carol = await h.room.person('Carol')
  h.room.onTheWay = []
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  expect(await h.room.reply(bob, { type: 'join', link })).toBeUndefined()
  h.room.arrive()
  await h.room.pass(1000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toMatchObject([{ space: h.space, state: 'member' }])
  h.room.onTheWay = []
  const late = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  expect(await h.room.reply(carol, { type: 'join', link: late.link })).toBeUndefined()
  await h.room.pass(5000)
  expect([...carol.replies.values()].at(-1)).toMatchObject({ ok: false, error: { code: 'link-unknown' } })
  expect((await h.room.ask(carol, { type: 'list-spaces' })).spaces).toEqual([])
})

test('who was in before and comes by a link that they know of, but of which the relays keep nothing, is told so instead of waiting for ever', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  h.room.onTheWay = []
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  await h.room.ask(bob, { type: 'leave-space', space: h.space })
  expect(await h.room.reply(bob, { type: 'join', link })).toBeUndefined()
  await h.room.pass(5000)
  expect([...bob.replies.values()].at(-1)).toMatchObject({ ok: false, error: { code: 'link-unknown' } })
  h.room.arrive()
  await h.room.ask(bob, { type: 'join', link })
  await h.room.pass(1000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toMatchObject([{ space: h.space, state: 'member' }])
})

test('who waits with a link that leads nowhere and gets another one comes in by that', async () => {
  const h = await home()
  const bob = await h.room.person('Bob')
  h.room.onTheWay = []
  const lost = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  h.room.onTheWay = undefined
  expect(await h.room.reply(bob, { type: 'join', link: lost.link })).toBeUndefined()
  await h.room.ask(bob, { type: 'join', link: h.link })
  expect([...bob.replies.values()].at(-2)).toMatchObject({ ok: false, error: { code: 'busy' } })
  await h.room.pass(5000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toMatchObject([{ space: h.space, state: 'member' }])
})

test('G9 a removal takes back the links that the removed made or came by, and no others', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  const bobs = await h.room.ask(bob, { type: 'create-invite', space: h.space })
  const other = await h.room.ask(h.alice, { type: 'create-invite', space: h.space })
  const member = bob.space(h.space).me.identity
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member })
  const { invites } = h.alice.space(h.space).authority.state
  expect([...invites].filter(([, i]) => !i.revoked).map(([invite]) => invite)).toEqual([other.invite])
  const mallory = await h.room.person('Mallory')
  expect(await h.room.reply(mallory, { type: 'join', link: bobs.link })).toMatchObject({ ok: false, error: { code: 'link-revoked' } })
  expect(await h.room.reply(mallory, { type: 'join', link: h.link })).toMatchObject({ ok: false, error: { code: 'link-revoked' } })
})

test('who joins is met soon, also when what they said on coming could not be opened yet', async () => {
  const h = await home()
  h.room.onTheWay = []
  const bob = await h.room.person('Bob')
  await h.room.ask(bob, { type: 'join', link: h.link })
  await h.room.pass(500)
  h.room.arrive()
  // Much sooner than the next announcement.
  await h.room.pass(2000)
  for (const person of [h.alice, bob]) expect((await h.room.ask(person, { type: 'status' })).peers).toHaveLength(1)
})

test('who left a space is out for everyone, and stays out after a restart', async () => {
  const h = await home()
  const bob = await joins(h, 'Bob')
  await h.room.ask(bob, { type: 'leave-space', space: h.space })
  await h.room.pass(5000)
  expect(h.alice.space(h.space).authority.state.members.size).toBe(1)
  const tip = h.alice.space(h.space).groups.tip()
  expect(h.alice.space(h.space).groups.tree.nodes.get(tip as NonNullable<typeof tip>)?.leaves.filter((d) => d !== undefined)).toHaveLength(1)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toEqual([])
  await bob.restart()
  await h.room.pass(1000)
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces).toEqual([])
})
