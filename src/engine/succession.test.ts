/** Bob's laptop dies, and he restores it from a backup: it has forgotten what it said since. */
import { describe, expect, test, vi } from 'vitest'
import { equal } from '../wire/bytes.ts'
import type { CommitBody } from '../wire/group.ts'
import type { EpochId } from '../wire/ids.ts'
import { Allotment, type Between } from './allotment.test-support.ts'
import { type Person, RELAY } from './engines.test-support.ts'
import { Groups } from './group/groups.ts'
import { END_FORMER_AFTER_MS, PRESENCE_EVERY_MS, SUCCEED_UNREAD_MS, TOPIC_USED_MS, UNSURE_ALONE_MS } from './limits.ts'

const SAID = ['Bob: Before the backup', 'Bob: After the backup', 'Bob: Where was I?']

/** Bob has said something that his backup doesn't know. */
async function aBackup(): Promise<Between & { readonly backUp: () => Promise<void> }> {
  const between = await Allotment.betweenTwo('Before the backup', 'After the backup')
  return { ...between, backUp: () => between.bob.putBack(between.then) }
}

describe('a disk that was put back', () => {
  test('S9 Bob writes before anybody has told him: he goes on under a new key, nothing he had sent is lost, and no chain forks', async () => {
    const { h, bob, before, backUp } = await aBackup()
    await backUp()
    await h.say(bob, 'Where was I?')
    expect(await h.texts(h.alice)).toEqual(SAID.slice(0, 2))
    await h.room.pass(20_000)
    expect(bob.device).not.toBe(before)
    expect(bob.notices).toEqual(['put-back'])
    await h.say(bob, 'Here I am')
    await h.room.pass(5000)
    expect(await h.texts(h.alice)).toEqual([...SAID, 'Bob: Here I am'])
    expect((await h.texts(bob)).sort()).toEqual([...SAID, 'Bob: Here I am'].sort())
    expect(h.forked).toEqual([])
    expect(await h.names(h.alice)).toEqual(['Alice', 'Bob'])
  })

  test('S9 everybody is away: the relay tells him', async () => {
    const { h, bob, before, backUp } = await aBackup()
    h.room.leaves(h.alice)
    await backUp()
    await h.say(bob, 'Where was I?')
    await h.room.pass(20_000)
    expect(bob.device).not.toBe(before)
    await h.room.comesBack(h.alice)
    await h.room.pass(10_000)
    expect(await h.texts(h.alice)).toEqual(SAID)
    expect(h.forked).toEqual([])
  })

  test('S9 his disk is put back a second time before anybody heard of the first: what he sent then comes late, no chain forks, and he goes on', async () => {
    const { h, bob, before, then } = await Allotment.betweenTwo('Before the backup', 'After the backup')
    h.room.onTheWay = []
    await bob.putBack(then, bob.tally)
    await h.room.pass(20_000)
    const once = bob.device, sent = [...bob.space(h.space).log.authority.values()].filter(({ id }) => !h.alice.space(h.space).log.authority.has(id))
    h.room.onTheWay = undefined
    await bob.putBack(then, bob.tally)
    await h.room.pass(20_000)
    await h.hand(h.alice, sent.map(({ bytes }) => bytes))
    await h.say(bob, 'Where was I?')
    await h.room.pass(90_000)
    expect(await h.texts(h.alice)).toEqual(SAID)
    expect([...h.alice.space(h.space).authority.state.devices.keys()]).toEqual(expect.arrayContaining([before, once, bob.device]))
    expect([h.forked, h.alice.space(h.space).authority.equivocations]).toEqual([[], []])
  })

  test('S9 the old key is ended after a week, when what it said has got to everybody, and what it said stays', async () => {
    const { h, bob, before, backUp } = await aBackup()
    await backUp()
    await h.room.pass(20_000)
    const devices = (): string[] => [...h.alice.space(h.space).authority.state.devices.keys()]
    expect(devices()).toEqual(expect.arrayContaining([before, bob.device]))
    await bob.restart()
    // Nothing of what is due every half a minute matters here.
    h.room.now += END_FORMER_AFTER_MS
    await h.room.pass(10_000)
    expect(devices()).not.toContain(before)
    expect(await h.texts(h.alice)).toEqual(SAID.slice(0, 2))
  })

  test('S9 under a new key nothing is kept that only the old one could go on from, also where Bob was put out before, and comes again', async () => {
    const h = await Allotment.begin(), bob = await h.joins('Bob')
    const shed = await h.room.ask(bob, { type: 'create-space', name: 'Shed', relays: [RELAY] })
    await h.room.ask(h.alice, { type: 'join', link: (await h.room.ask(bob, { type: 'create-invite', space: shed.space })).link })
    await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
    await h.room.pass(20_000)
    const then = bob.disk.snapshot(), before = bob.device, statesOnDisk = () => bob.disk.range(`states/${h.space}`, { limit: 100 })
    expect(await statesOnDisk()).not.toEqual([])
    await h.room.ask(bob, { type: 'send-message', space: shed.space, channel: shed.channel, text: 'Only the shed is left' })
    await h.room.pass(5000)
    await bob.putBack(then)
    await h.room.pass(30_000)
    expect(bob.device).not.toBe(before)
    expect(await statesOnDisk()).toEqual([])
    await h.room.ask(bob, { type: 'join', link: (await h.does(h.alice, { type: 'create-invite' })).link })
    await h.room.pass(5000)
    await h.say(bob, 'Back in')
    await h.room.pass(5000)
    expect(await h.texts(h.alice)).toEqual(['Bob: Back in'])
  })

  test('S25 Alice’s disk is from before anybody came, and from before her own last renewal: Bob, of whom she has never heard, tells her what she signed since', async () => {
    const h = await Allotment.begin(), then = h.alice.disk.snapshot(), before = h.alice.device
    await h.room.sleep(TOPIC_USED_MS + 60_000)
    await h.room.pass(60_000)
    const bob = await h.joins('Bob', (await h.does(h.alice, { type: 'create-invite' })).link)
    await h.does(h.alice, { type: 'create-channel', name: 'Compost' })
    await h.say(h.alice, 'Welcome')
    await h.room.pass(60_000)
    h.room.leaves(h.alice)
    await h.alice.putBack(then)
    h.alice.isHere = true
    await h.room.pass(5 * PRESENCE_EVERY_MS)
    expect(h.alice.device).not.toBe(before)
    await h.say(h.alice, 'Where was I?')
    await h.room.pass(60_000)
    expect(await h.texts(bob)).toEqual(['Alice: Welcome', 'Alice: Where was I?'])
    expect(await h.names(h.alice)).toEqual(['Alice', 'Bob'])
    expect(h.forked).toEqual([])
  })
})

describe('a disk that was put back to before its person removed somebody', () => {
  /** Alice, who has forgotten that she put Carol out, in a group whose keys she has forgotten with it. */
  async function forgetful(): Promise<{ readonly h: Allotment; readonly bob: Person; readonly backUp: () => Promise<void> }> {
    const h = await Allotment.begin(), bob = await h.joins('Bob'), carol = await h.joins('Carol')
    await h.room.pass(60_000)
    const then = h.alice.disk.snapshot()
    await h.does(h.alice, { type: 'remove-member', member: h.id(carol) })
    await h.room.pass(20_000)
    // The others see her go.
    const backUp = async (): Promise<void> => { h.room.leaves(h.alice); await h.alice.putBack(then); h.alice.isHere = true }
    return { h, bob, backUp }
  }

  /** They read each other, and Alice's new device is in the group. */
  async function expectTogether(h: Allotment, bob: Person): Promise<void> {
    await h.say(h.alice, 'Here I am')
    await h.say(bob, 'I see')
    await h.room.pass(5000)
    for (const one of [h.alice, bob]) expect(await h.texts(one)).toEqual(['Alice: Here I am', 'Bob: I see'])
    expect(await h.inGroup(bob)).toEqual(['Alice', 'Alice', 'Bob'])
    expect(h.forked).toEqual([])
  }

  test('S9 what it says of its new device goes out under keys from before, and those who are here hear it', async () => {
    const { h, bob, backUp } = await forgetful()
    await backUp()
    await h.room.pass(60_000)
    expect(h.alice.notices).toEqual(['put-back'])
    await expectTogether(h, bob)
  })

  test('S9 everybody is away for more than an hour: it comes in by the tree that lies with the removal, and who comes back follows', async () => {
    const { h, bob, backUp } = await forgetful()
    h.room.leaves(bob)
    h.room.canDial = false
    await backUp()
    await h.room.pass(SUCCEED_UNREAD_MS + 60_000)
    await h.room.comesBack(bob)
    await h.room.pass(60_000)
    await expectTogether(h, bob)
  })

  test('S9 everybody is away, and what it did since lies there under keys that it forgot: it waits for somebody who can tell, and no chain forks', async () => {
    const { h, bob, backUp } = await forgetful(), before = h.alice.device
    await h.does(h.alice, { type: 'create-channel', name: 'Without Carol' })
    await h.room.pass(5000)
    h.room.leaves(bob)
    await backUp()
    await h.room.pass(5 * 60_000)
    expect(h.alice.device).toBe(before)
    await h.room.comesBack(bob)
    await h.room.pass(60_000)
    expect(h.alice.device).not.toBe(before)
    await expectTogether(h, bob)
  })
})

test('S9 Alice is alone, and what she did since in the group removed nobody: by its tree, too, she comes in, and can invite', async () => {
  const h = await Allotment.begin()
  await h.room.pass(60_000)
  const then = h.alice.disk.snapshot(), tip = h.alice.space(h.space).groups.tip()
  await h.does(h.alice, { type: 'set-history', history: 'from-join' })
  await h.room.pass(20_000)
  expect(h.alice.space(h.space).groups.tip()).not.toBe(tip)
  await h.alice.putBack(then)
  await h.room.pass(SUCCEED_UNREAD_MS + 60_000)
  const { link } = await h.room.ask(h.alice, { type: 'create-invite', space: h.space }), bob = await h.joins('Bob', link)
  await h.say(h.alice, 'Here I am')
  await h.room.pass(5000)
  expect(await h.texts(bob)).toEqual(['Alice: Here I am'])
})

test('S9 what Alice did since in the group put no tree anywhere, and she meets nobody who has it: the others let her in by the keys that she lays out', async () => {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  await h.room.pass(60_000)
  const then = h.alice.disk.snapshot()
  h.room.leaves(bob)
  await h.does(h.alice, { type: 'set-history', history: 'from-join' })
  await h.room.pass(20_000)
  const { groups } = h.alice.space(h.space), { treeHash } = groups.commits.get(groups.tip() as EpochId) as CommitBody, treeFor = Groups.prototype.treeFor
  const nowhere = vi.spyOn(Groups.prototype, 'treeFor').mockImplementation(function (this: Groups, hash) { return equal(hash, treeHash) ? undefined : treeFor.call(this, hash) })
  h.room.canDial = false
  await h.alice.putBack(then)
  await h.room.comesBack(bob)
  await h.room.pass(SUCCEED_UNREAD_MS + 120_000)
  nowhere.mockRestore()
  await h.say(h.alice, 'Here I am')
  await h.say(bob, 'I see')
  await h.room.pass(5000)
  expect([await h.texts(bob), await h.texts(h.alice)]).toEqual([['Alice: Here I am', 'Bob: I see'], ['Alice: Here I am', 'Bob: I see']])
  expect(h.forked).toEqual([])
})

describe('an ordinary start', () => {
  test('S9 changes nothing, and what is written at once goes out once others have told', async () => {
    const h = await Allotment.begin()
    const bob = await h.joins('Bob')
    await h.room.pass(5000)
    const before = bob.device
    await bob.restart()
    await h.say(bob, 'Good morning')
    await h.room.pass(5000)
    expect(await h.texts(h.alice)).toEqual(['Bob: Good morning'])
    expect([bob.device, bob.notices]).toEqual([before, []])
  })

  test('S9 without any connection Bob’s words are signed after a moment, so that they can go out while he is away', async () => {
    const h = await Allotment.begin()
    const bob = await h.joins('Bob')
    await h.room.pass(5000)
    h.room.goesOffline(bob)
    await bob.restart()
    bob.queue.pop()
    await h.say(bob, 'In the tunnel')
    const waits = (): number => bob.engine.drafts.get(h.space)?.size ?? -1
    expect(waits()).toBe(1)
    await h.room.pass(UNSURE_ALONE_MS)
    expect(waits()).toBe(0)
    await h.room.comesOnline(bob)
    await h.room.pass(5000)
    expect(await h.texts(h.alice)).toEqual(['Bob: In the tunnel'])
  })
})
