/** A page of Bob's disk can't be read any more, and with it went what his own place in the space follows from. */
import { expect, test } from 'vitest'
import type { Results } from '../api.ts'
import type { Save } from '../ports.ts'
import { concat, fromHex } from '../wire/bytes.ts'
import { decodeFrame } from '../wire/frame.ts'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import { AUTHORITY_CHANNEL } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { Allotment } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'
import { opKey } from './log/log.ts'

/** Alice, Bob and Carol have talked; what is told is where Bob's ground lies. */
async function talked(): Promise<{ readonly h: Allotment; readonly bob: Person; readonly carol: Person }> {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob'), carol = await h.joins('Carol')
  await h.say(h.alice, 'one')
  await h.say(bob, 'two')
  await h.room.pass(10_000)
  return { h, bob, carol }
}

type Which = (op: Op, h: Allotment, bob: Person) => boolean
const GENESIS: Which = (op) => op.header.type === 'genesis'
const JOIN: Which = (op, _, bob) => op.header.type === 'join' && op.header.device === bob.device
const COMMIT: Which = (op, h) => op.header.type === 'commit' && op.header.device === h.alice.device
const INVITE: Which = (op) => op.header.type === 'invite'

/** The first such op is gone, though not how far its chain goes. */
async function loses(h: Allotment, bob: Person, which: Which): Promise<void> {
  const partition = `ops/${h.space}/${AUTHORITY_CHANNEL}`, prefix = partitionPrefix(partition)
  const op = [...bob.space(h.space).log.authority.values()].find((one) => which(one, h, bob)) as Op
  const { device, chanSeq } = op.header, key = opKey(device, chanSeq)
  const loss = encodeLoss({ from: concat(prefix, key), to: concat(prefix, opKey(device, chanSeq + 1)) })
  await bob.disk.save([{ type: 'delete', partition, key }, { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(1), value: loss }])
  await h.room.startsAgain(bob)
}

const stateOf = (h: Allotment, bob: Person): string => bob.space(h.space).state()
const KINDS: readonly (readonly [string, Which])[] = [['the first op of the space', GENESIS], ['his own joining', JOIN], ['an early commit', COMMIT], ['the invite he came by', INVITE]]

test.each(KINDS)('S13 %s is lost: nobody says that he was removed; others give it back, and he is a member as before', async (_, which) => {
  const { h, bob } = await talked(), { device } = bob
  // So that no relay has it.
  h.room.forgets()
  h.room.goesOffline(bob)
  await loses(h, bob, which)
  await h.room.pass(50)
  expect(stateOf(h, bob)).toBe('mending')
  expect((await h.room.ask(bob, { type: 'list-spaces' })).spaces[0]?.state).toBe('mending')
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect([stateOf(h, bob), bob.device]).toEqual(['member', device])
  await h.say(bob, 'three')
  await h.say(h.alice, 'four')
  await h.room.pass(10_000)
  for (const person of [h.alice, bob]) expect(await h.texts(person)).toEqual(['Alice: one', 'Bob: two', 'Bob: three', 'Alice: four'])
  expect(h.forked).toEqual([])
})

test.each(KINDS)('S13 %s is lost: nobody says meanwhile that his own words count no longer', async (_, which) => {
  const { h, bob } = await talked()
  h.room.goesOffline(bob)
  await loses(h, bob, which)
  await h.room.pass(50)
  // Where the channel itself is among what is lost, there is nothing to read.
  const reply = await h.room.reply(bob, { type: 'get-messages', space: h.space, channel: h.channel, limit: 10 })
  const { messages } = reply?.ok === true ? reply.result as Results['get-messages'] : { messages: [] }
  expect(messages.map((m) => m.state.type)).not.toContain('void')
})

test.each(KINDS)('S13 %s is lost, and everybody is away: the relay gives it back', async (_, which) => {
  const { h, bob, carol } = await talked()
  for (const person of [h.alice, carol]) h.room.leaves(person)
  await loses(h, bob, which)
  await h.room.pass(120_000)
  expect(stateOf(h, bob)).toBe('member')
})

test('S13 the first op is lost, and others went on in a topic of their own meanwhile: Bob says where he is under what he knows', async () => {
  const { h, bob, carol } = await talked()
  h.room.goesOffline(bob)
  await loses(h, bob, GENESIS)
  await h.does(h.alice, { type: 'remove-member', member: h.id(carol) })
  await h.room.pass(10_000)
  h.room.forgets()
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect([stateOf(h, bob), stateOf(h, carol)]).toEqual(['member', 'removed'])
  await h.say(bob, 'three')
  await h.room.pass(10_000)
  expect((await h.texts(h.alice)).at(-1)).toBe('Bob: three')
})

test('S13 H3 who was removed, and lost what their place followed from, is told nothing that they have no right to', async () => {
  const { h, bob } = await talked()
  h.room.goesOffline(bob)
  await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
  await h.say(h.alice, 'three')
  await loses(h, bob, GENESIS)
  const { length } = await bob.disk.range(`ops/${h.space}/${h.channel}`, { limit: 99 })
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect(stateOf(h, bob)).not.toBe('member')
  expect(await bob.disk.range(`ops/${h.space}/${h.channel}`, { limit: 99 })).toHaveLength(length)
})

test('S13 whose ground is lost tells nobody what they have: whoever asks may be no member any more', async () => {
  const { h, bob, carol } = await talked(), given: string[] = []
  h.room.forgets()
  h.room.goesOffline(bob)
  h.room.goesOffline(carol)
  await h.does(h.alice, { type: 'remove-member', member: h.id(carol) })
  await loses(h, bob, GENESIS)
  h.room.leaves(h.alice)
  h.room.seesFrame = (bytes, from, to) => { if (from === bob && to === carol) given.push(decodeFrame(bytes)?.type ?? '') }
  await h.room.comesOnline(bob)
  await h.room.comesOnline(carol)
  await h.room.pass(120_000)
  expect(given).toContain('hello')
  expect(given.filter((type) => type !== 'hello' && type !== 'ask')).toEqual([])
})

test.each([['their key', ['keys', 'relay-keys']], ['and what it could be made of', ['keys', 'relay-keys', 'states']]])('S13 the group\'s newest key is lost, %s: Bob reads and writes again', async (_, kinds) => {
  const { h, bob } = await talked()
  const tip = fromHex(bob.space(h.space).groups.tip() ?? '') as Uint8Array
  await bob.disk.save(kinds.flatMap((kind, n): Save[] => {
    const partition = `${kind}/${h.space}`, from = concat(partitionPrefix(partition), tip)
    return [{ type: 'delete', partition, key: tip }, { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(n), value: encodeLoss({ from, to: concat(from, new Uint8Array(1)) }) }]
  }))
  await h.room.startsAgain(bob)
  await h.room.pass(200_000)
  await h.say(bob, 'three')
  await h.say(h.alice, 'four')
  await h.room.pass(10_000)
  for (const person of [h.alice, bob]) expect(await h.texts(person)).toEqual(['Alice: one', 'Bob: two', 'Bob: three', 'Alice: four'])
})

/** All rows of these are gone. */
async function losesAll(h: Allotment, bob: Person, ...kinds: readonly string[]): Promise<void> {
  await bob.disk.save(kinds.flatMap((kind, n): Save[] => {
    const partition = `${kind}/${h.space}`, from = partitionPrefix(partition)
    return [{ type: 'drop', partition }, { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(9, n), value: encodeLoss({ from, to: concat(from, new Uint8Array(99).fill(0xff)) }) }]
  }))
}

test('S13 all keys are lost: the newest is told by its state, and leads to the others', async () => {
  const { h, bob } = await talked()
  await losesAll(h, bob, 'keys', 'relay-keys')
  await h.room.startsAgain(bob)
  await h.room.pass(120_000)
  await h.say(bob, 'three')
  await h.room.pass(10_000)
  expect((await h.texts(h.alice)).at(-1)).toBe('Bob: three')
})

test('S13 the first op is lost, and the relay keys beside the epochs\' secrets: these tell them again', async () => {
  const { h, bob } = await talked()
  await losesAll(h, bob, 'relay-keys')
  await loses(h, bob, GENESIS)
  await h.room.pass(120_000)
  expect(stateOf(h, bob)).toBe('member')
})
