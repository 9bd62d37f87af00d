/** Bob's clock was months behind when Alice spoke, so that what she said stood close behind that (M9). His clock is right now, and his disk has lost something. */
import { describe, expect, test } from 'vitest'
import { concat, toHex } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL } from '../wire/ids.ts'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import { Allotment } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'
import { UNSURE_ALONE_MS } from './limits.ts'
import { Out } from './out.ts'

const DAY = 24 * 3600_000
const SAID = ['Bob: zero', 'Alice: one', 'Alice: two', 'Alice: three']

interface Behind { readonly h: Allotment; readonly bob: Person; readonly root: string; readonly places: readonly unknown[]; readonly ops: string; readonly rows: string; readonly threads: string; readonly lines: () => Promise<readonly unknown[]> }

async function behind(): Promise<Behind> {
  const h = await Allotment.begin(), bob = await h.joins('Bob')
  bob.aheadMs = -60 * DAY
  await h.room.pass(1000)
  const { messageId: root } = await h.say(h.alice, 'one')
  await h.does(h.alice, { type: 'send-message', channel: h.channel, text: 'below', thread: root })
  const { messageId } = await h.say(h.alice, 'tow')
  await h.does(h.alice, { type: 'edit-message', message: messageId, text: 'two' })
  await h.say(bob, 'zero')
  await h.say(h.alice, 'three')
  await h.room.pass(10_000)
  bob.aheadMs = 0
  const lines = async (): Promise<readonly unknown[]> => {
    const all = []
    for (const thread of [undefined, root]) all.push(...(await h.does(bob, { type: 'get-messages', channel: h.channel, ...(thread === undefined ? {} : { thread }) })).messages.map(({ id, order, text, replies }) => [id, order, text, replies]))
    return all
  }
  expect(await h.texts(bob)).toEqual(SAID)
  const places = await lines()
  expect(places).toHaveLength(5)
  return { h, bob, root, places, ops: `ops/${h.space}/${h.channel}`, rows: `messages/${h.space}/${h.channel}`, threads: `threads/${h.space}/${h.channel}`, lines }
}

/** Rows of this partition are gone, from so many on, and the disk says so. */
async function loses(person: Person, partition: string, from = 0, many = 1000): Promise<void> {
  const rows = (await person.disk.range(partition, { limit: 1000 })).slice(from, from + many), prefix = partitionPrefix(partition)
  expect(rows.length).toBeGreaterThan(0)
  const at = (i: number): Uint8Array => concat(prefix, rows[i]?.key ?? new Uint8Array())
  await person.disk.save([
    ...rows.map(({ key }) => ({ type: 'delete', partition, key } as const)),
    { type: 'put', partition: LOST_PARTITION, key: prefix, value: encodeLoss({ from: at(0), to: concat(at(rows.length - 1), new Uint8Array(1)) }) },
  ])
}

async function isAsBefore({ h, bob, places, rows, threads, lines }: Behind): Promise<void> {
  expect(await h.texts(bob)).toEqual(SAID)
  expect(await lines()).toEqual(places)
  const ids = [...(await bob.disk.range(rows, { limit: 99 })), ...(await bob.disk.range(threads, { limit: 99 }))].map(({ key }) => toHex(key.subarray(-32)))
  expect(ids).toHaveLength(5)
  expect((await bob.disk.range(`places/${h.space}`, { limit: 99 })).map(({ key }) => toHex(key))).toEqual([...ids].sort())
}

describe('what is made again stands where it stood, once', () => {
  const cases: Readonly<Record<string, (b: Behind) => readonly string[]>> = {
    'an op that comes back': ({ ops }) => [ops],
    'where messages are found by their ids': ({ h }) => [`places/${h.space}`],
    'the messages themselves': ({ rows }) => [rows],
    'those in threads': ({ threads }) => [threads],
    'how far chains go: all of it comes again': ({ h }) => [`heads/${h.space}`],
    'ops, and where messages are found': ({ h, ops }) => [ops, `places/${h.space}`],
    'ends of chains, and where messages are found': ({ h }) => [`heads/${h.space}`, `places/${h.space}`],
    'ops and ends of chains': ({ h, ops }) => [ops, `heads/${h.space}`],
  }
  for (const [title, of] of Object.entries(cases)) {
    test(`S13 M9 ${title}`, async () => {
      const b = await behind()
      for (const partition of of(b)) await loses(b.bob, partition)
      await b.h.room.startsAgain(b.bob)
      await b.h.room.pass(120_000)
      await isAsBefore(b)
    })

    test(`S13 M9 ${title}, and the app is closed before it is made good`, async () => {
      const b = await behind()
      for (const partition of of(b)) await loses(b.bob, partition)
      for (let i = 0; i < 4; i++) {
        await b.h.room.startsAgain(b.bob)
        await b.h.room.pass(i)
      }
      await b.h.room.startsAgain(b.bob)
      await b.h.room.pass(120_000)
      await isAsBefore(b)
    })

    test(`S13 M9 ${title}, and others can be reached later only`, async () => {
      const b = await behind(), { room } = b.h
      room.goesOffline(b.bob)
      for (const partition of of(b)) await loses(b.bob, partition)
      await room.startsAgain(b.bob)
      await room.pass(60_000)
      await room.startsAgain(b.bob)
      await room.pass(1000)
      await room.comesOnline(b.bob)
      await room.pass(120_000)
      await isAsBefore(b)
    })
  }
})

test('S13 M9 what was sealed under keys that were lost, when others have told them', async () => {
  const b = await behind(), { h, bob } = b
  // So that no later commit carries it.
  await h.does(h.alice, { type: 'set-history', history: 'from-join' })
  await h.joins('Carol', (await h.does(h.alice, { type: 'create-invite' })).link)
  await h.room.pass(10_000)
  const keys = `keys/${h.space}`, tip = (await bob.disk.range(keys, { limit: 99 })).findIndex(({ key }) => toHex(key) === bob.space(h.space).groups.tip())
  if (tip > 0) await loses(bob, keys, 0, tip)
  await loses(bob, keys, tip < 0 ? 0 : 1)
  h.room.leaves(h.alice)
  await h.room.startsAgain(bob)
  await h.room.pass(1000)
  expect((await bob.disk.range(`locked/${h.space}`, { limit: 9 })).length).toBeGreaterThan(0)
  await h.room.comesBack(h.alice)
  await h.room.pass(120_000)
  expect(await bob.disk.range(`locked/${h.space}`, { limit: 9 })).toEqual([])
  await isAsBefore(b)
})

test('S13 A19 who lost the ends of the chains, and starts again and again, forks nothing', async () => {
  const { h, bob } = await behind()
  await loses(bob, `heads/${h.space}`)
  for (let i = 0; i < 5; i++) {
    await h.room.startsAgain(bob)
    await h.room.pass(1 + i)
  }
  await h.room.pass(120_000)
  await h.say(bob, 'still here')
  await h.room.pass(5000)
  expect(h.forked).toEqual([])
  expect([await h.names(h.alice), (await h.texts(h.alice)).at(-1)]).toEqual([['Alice', 'Bob'], 'Bob: still here'])
})

test('S13 S9 who is alone, and lost the ends of the chains, goes on behind what they said last', async () => {
  const { h, bob } = await behind(), before = bob.device
  h.room.goesOffline(bob)
  await h.say(bob, 'all by myself')
  await loses(bob, `heads/${h.space}`)
  await h.room.startsAgain(bob)
  await h.say(bob, 'still here')
  await h.room.pass(UNSURE_ALONE_MS + 5000)
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect(h.forked).toEqual([])
  expect([bob.device, (await h.texts(h.alice)).slice(-2)]).toEqual([before, ['Bob: all by myself', 'Bob: still here']])
})

test('S13 S9 who is alone, and lost the ends of the chains and what they said last, goes on under a new key', async () => {
  const { h, bob, ops } = await behind(), before = bob.device
  h.room.goesOffline(bob)
  await h.say(bob, 'all by myself')
  await loses(bob, ops, (await bob.disk.range(ops, { limit: 999 })).length - 1)
  await loses(bob, `heads/${h.space}`)
  await h.room.startsAgain(bob)
  await h.say(bob, 'still here')
  await h.room.pass(120_000)
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect(h.forked).toEqual([])
  expect(bob.device).not.toBe(before)
  expect((await h.texts(h.alice)).at(-1)).toBe('Bob: still here')
})

test('S13 S9 who is alone, and lost the ends of the chains and the keys that their own words are read by, goes on under a new key', async () => {
  const { h, bob } = await behind(), before = bob.device
  h.room.goesOffline(bob)
  await h.say(bob, 'all by myself')
  for (const kind of ['heads', 'keys']) await loses(bob, `${kind}/${h.space}`)
  await h.room.startsAgain(bob)
  await h.room.pass(UNSURE_ALONE_MS + 5000)
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect(h.forked).toEqual([])
  expect(bob.device).not.toBe(before)
})

test.each([['before, which nobody has given back', true], ['at once', false]])('S13 S9 who is alone, and lost the ends of the chains and an act of their own %s, goes on under a new key', async (_, isBefore) => {
  const { h, bob } = await behind(), before = bob.device, acts = `ops/${h.space}/${AUTHORITY_CHANNEL}`
  const own = async (): Promise<number[]> => (await bob.disk.range(acts, { limit: 999 })).flatMap(({ key }, n) => (toHex(key).startsWith(`${before}`) ? [n] : []))
  h.room.goesOffline(bob)
  for (const about of ['Bees', 'Pears']) await h.room.ask(bob, { type: 'set-profile', about })
  // The last but one where what follows it is still there, and waits for it; else the last.
  await loses(bob, acts, (await own()).at(isBefore ? -2 : -1), 1)
  if (isBefore) await h.room.startsAgain(bob)
  await h.room.pass(1000)
  await loses(bob, `heads/${h.space}`)
  await h.room.startsAgain(bob)
  await h.say(bob, 'still here')
  await h.room.pass(120_000)
  await h.room.comesOnline(bob)
  await h.room.pass(120_000)
  expect(h.forked).toEqual([])
  expect(bob.device).not.toBe(before)
  expect((await h.texts(h.alice)).at(-1)).toBe('Bob: still here')
})

test('S9 M9 who was put out, goes on under a new key and tries a link that was taken back keeps what they have, and has it once when they come in again', async () => {
  const b = await behind(), { h, bob } = b, before = bob.device
  await h.does(h.alice, { type: 'remove-member', member: h.id(bob) })
  await h.room.pass(5000)
  // Of another space its disk has shown that it was put back.
  const turn = { now: h.room.now, out: new Out() }
  await bob.engine.succession.succeedByItself(turn)
  await h.room.carryOut(bob, turn.out.step())
  await h.room.pass(5000)
  expect([bob.device === before, bob.space(h.space).state()]).toEqual([false, 'removed'])
  const { invite, link } = await h.does(h.alice, { type: 'create-invite' }), { link: good } = await h.does(h.alice, { type: 'create-invite' })
  await h.does(h.alice, { type: 'revoke-invite', invite })
  await h.room.pass(5000)
  expect(await h.room.reply(bob, { type: 'join', link })).toMatchObject({ ok: false })
  await h.room.pass(5000)
  expect(await b.lines()).toEqual(b.places)
  await h.room.ask(bob, { type: 'join', link: good })
  await h.room.pass(60_000)
  expect((await b.lines()).slice(0, 4)).toEqual(b.places.slice(0, 4))
})
