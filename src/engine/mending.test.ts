/** A page of Bob's disk can't be read any more. */
import { describe, expect, test } from 'vitest'
import type { Save } from '../ports.ts'
import { concat, toHex } from '../wire/bytes.ts'
import { decodeFrame } from '../wire/frame.ts'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { AUTHORITY_CHANNEL, type OpId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { Allotment } from './allotment.test-support.ts'
import { type Person, Room } from './engines.test-support.ts'
import { keptOp } from './content/kept.ts'
import { opKey } from './log/log.ts'
import { signRule } from './sync/mallory.test-support.ts'

const DAY = 24 * 3600_000

/** All rows of these partitions are gone, and the disk says so. */
async function loses(person: Person, ...partitions: readonly string[]): Promise<void> {
  for (const [n, partition] of partitions.entries()) {
    const prefix = partitionPrefix(partition)
    const to = concat(prefix, new Uint8Array(1024).fill(0xff))
    await person.disk.save([{ type: 'drop', partition }, { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(n), value: encodeLoss({ from: prefix, to }) }])
  }
  await person.restart()
}

/** Of the keys of a space only the newest is left. */
async function losesOldKeys(h: Allotment, person: Person): Promise<void> {
  const tip = person.space(h.space).groups.tip(), partition = `keys/${h.space}`
  const older = (await person.disk.range(partition, { limit: 99 })).filter(({ key }) => toHex(key) !== tip)
  expect(older.length).toBeGreaterThan(0)
  await person.disk.save(older.flatMap(({ key }, n): Save[] => {
    const from = concat(partitionPrefix(partition), key)
    return [{ type: 'delete', partition, key }, { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(n), value: encodeLoss({ from, to: concat(from, new Uint8Array(1)) }) }]
  }))
  await person.restart()
}

/** Of what somebody decided the newest is gone, though not how far that goes. */
async function losesNewest(h: Allotment, person: Person, by: Person, count: number): Promise<void> {
  const { device } = by.space(h.space).me, partition = `ops/${h.space}/${AUTHORITY_CHANNEL}`, prefix = partitionPrefix(partition)
  const reach = person.space(h.space).log.head(AUTHORITY_CHANNEL, device)?.chanSeq ?? 0
  const [from, to] = [opKey(device, reach - count + 1), opKey(device, reach + 1)]
  const gone = await person.disk.range(partition, { from, to, limit: 9 })
  expect(gone).toHaveLength(count)
  await person.disk.save([...gone.map(({ key }) => ({ type: 'delete', partition, key } as const)), { type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(1), value: encodeLoss({ from: concat(prefix, from), to: concat(prefix, to) }) }])
  await person.restart()
}

const nameFor = async (h: Allotment, person: Person): Promise<string | undefined> => (await h.room.ask(person, { type: 'list-spaces' })).spaces[0]?.name

interface Talked { readonly h: Allotment; readonly bob: Person; readonly ops: string; readonly made: readonly string[] }

/** Alice and Bob have talked, and one message was edited; without `byRelay` no relay ever heard of it. */
async function talked(byRelay = true): Promise<Talked> {
  const h = await Allotment.begin()
  const bob = await h.joins('Bob')
  if (!byRelay) h.room.onTheWay = []
  await h.say(h.alice, 'one')
  const { messageId } = await h.does(h.alice, { type: 'send-message', channel: h.channel, text: 'tow' })
  await h.does(h.alice, { type: 'edit-message', message: messageId, text: 'two' })
  await h.say(bob, 'three')
  await h.room.pass(10_000)
  return { h, bob, ops: `ops/${h.space}/${h.channel}`, made: [`messages/${h.space}/${h.channel}`, `notes/${h.space}/${h.channel}`, `places/${h.space}`] }
}

const SAID = ['Alice: one', 'Alice: two', 'Bob: three']
const missing = async (h: Allotment, bob: Person): Promise<number | undefined> => (await h.does(bob, { type: 'get-messages', channel: h.channel })).missing

describe('what was lost comes back', () => {
  test('S13 ops, from a peer: how many are missing is said until then, and Bob keeps his key', async () => {
    const { h, bob, ops, made } = await talked(false)
    const device = bob.engine.me?.device
    await loses(bob, ops, ...made)
    await h.room.startsAgain(bob)
    expect(await missing(h, bob)).toBe(4)
    expect(bob.notices).toEqual(['damaged'])
    await h.room.pass(60_000)
    expect(await h.texts(bob)).toEqual(SAID)
    expect(await missing(h, bob)).toBeUndefined()
    expect(bob.engine.me?.device).toBe(device)
    // He can give others what he got back.
    h.room.onTheWay = undefined
    h.room.leaves(h.alice)
    const carol = await h.joins('Carol')
    await h.room.pass(5000)
    expect(await h.texts(carol)).toEqual(SAID)
  })

  test('S13 ops, from the relay, while everybody is away', async () => {
    const { h, bob, ops, made } = await talked()
    h.room.leaves(h.alice)
    await loses(bob, ops, ...made)
    await h.room.pass(10_000)
    expect(await h.texts(bob)).toEqual(SAID)
  })

  test('S13 what is made of ops, from the ops, while nobody can be reached', async () => {
    const { h, bob, made } = await talked()
    h.room.goesOffline(bob)
    await loses(bob, ...made)
    await h.room.pass(10_000)
    expect(await h.texts(bob)).toEqual(SAID)
  })

  test.each([['from the ops', false], ['and from those that come back', true]])('S13 who spoke for which epoch, %s', async (_, areOpsLost) => {
    const { h, bob, ops } = await talked()
    const votes = async (): Promise<string[]> => (await bob.disk.range(`votes/${h.space}`, { limit: 99 })).map(({ key, value }) => `${toHex(key)} ${toHex(value)}`)
    const before = await votes()
    expect(before.length).toBeGreaterThan(3)
    h.room.goesOffline(bob)
    await loses(bob, `votes/${h.space}`, ...(areOpsLost ? [ops] : []))
    await h.room.pass(10_000)
    if (areOpsLost) await h.room.comesOnline(bob)
    await h.room.pass(60_000)
    expect(await votes()).toEqual(before)
  })

  test('S13 a loss is dealt with once: after the next start nothing is lost any more', async () => {
    const { h, bob, ops, made } = await talked()
    await loses(bob, ops, ...made)
    await h.room.pass(60_000)
    bob.updates.length = 0
    await bob.restart()
    await h.room.pass(5000)
    expect(bob.notices).toEqual([])
    expect(await h.texts(bob)).toEqual(SAID)
  })

  test('S13 a part of authority: what rests on it counts again once it is back', async () => {
    const { h, bob } = await talked()
    for (const name of ['Orchard', 'Meadow']) await h.does(h.alice, { type: 'rename-space', name })
    await h.room.pass(5000)
    await losesNewest(h, bob, h.alice, 2)
    await h.room.pass(60_000)
    expect(await nameFor(h, bob)).toBe('Meadow')
    await h.say(bob, 'four')
    await h.room.pass(5000)
    expect(await h.texts(h.alice)).toEqual([...SAID, 'Bob: four'])
  })

  test.each([['others have it', false], ['nobody has it: he goes on under a new key', true]])('S13 the end of Bob\'s own chain of authority: until it is back he signs nothing, and %s', async (_, isGone) => {
    const { h, bob } = await talked(), { device } = bob
    if (isGone) h.room.goesOffline(bob)
    await h.room.ask(bob, { type: 'set-name', name: 'Rob' })
    await h.room.pass(5000)
    if (isGone) await bob.disk.save([`owed/${h.space}`, `outbox/${h.space}`].map((partition) => ({ type: 'drop', partition })))
    h.room.goesOffline(bob)
    await losesNewest(h, bob, bob, 1)
    await h.room.pass(100)
    await h.say(bob, 'four')
    await h.room.pass(30_000)
    // What he decides waits, too, though nobody can be reached.
    expect(await h.room.reply(bob, { type: 'set-name', name: 'Bobby' })).toBeUndefined()
    await h.room.comesOnline(bob)
    await h.room.pass(300_000)
    expect([(await h.texts(h.alice)).at(-1), bob.device === device, h.forked]).toEqual([isGone ? 'Bob: four' : 'Rob: four', !isGone, []])
  })

  test('S13 what goes on from a lost op of authority waits for it, whatever else it names', async () => {
    const { h, bob } = await talked()
    await h.does(h.alice, { type: 'rename-space', name: 'Orchard' })
    await h.room.pass(5000)
    for (const person of [h.alice, bob]) h.room.goesOffline(person)
    const op = await signRule(h.alice.space(h.space), 'profile', encodeAuthorityBody({ type: 'profile', name: 'Alicia' }), h.room.now, { deps: [h.space as string as OpId] })
    await losesNewest(h, bob, h.alice, 1)
    await h.room.pass(100)
    await h.hand(bob, [op.bytes])
    const { log } = bob.space(h.space)
    expect([log.authority.has(op.id), log.parked.has(op.id)]).toEqual([false, true])
  })
})

describe('what was lost, and others', () => {
  test.each([['the end', 1], ['what the end follows', 2]])('S13 %s of a chain of authority is lost, which nobody noticed: when it comes again the chain has one end', async (_, back) => {
    const { h, bob } = await talked(), { device } = h.alice.space(h.space).me
    for (const name of ['Orchard', 'Meadow']) await h.does(h.alice, { type: 'rename-space', name })
    await h.room.pass(5000)
    const ends = (): readonly number[] => bob.space(h.space).log.vector([AUTHORITY_CHANNEL]).filter((one) => one.device === device).map(({ chanSeq }) => chanSeq)
    const [end = 0] = ends(), partition = `ops/${h.space}/${AUTHORITY_CHANNEL}`, key = opKey(device, end + 1 - back)
    const [row] = await bob.disk.range(partition, { from: key, limit: 1 }), op = [...h.alice.space(h.space).log.authority.values()].find(({ header }) => header.device === device && header.chanSeq === end + 1 - back)
    expect(row).toBeDefined()
    h.room.goesOffline(bob)
    await bob.disk.save([{ type: 'delete', partition, key }])
    await h.room.startsAgain(bob)
    await h.room.pass(1000)
    await h.hand(bob, [(op as Op).bytes])
    await h.room.pass(1000)
    if (back > 1) await h.hand(bob, [...h.alice.space(h.space).log.authority.values()].map(({ bytes }) => bytes))
    expect([await nameFor(h, bob), new Set(ends()).size === ends().length, Math.max(...ends())]).toEqual(['Meadow', true, end])
  })

  test('S13 the key of what was said before: that is Bob\'s to give again when others have told him the key', async () => {
    const { h, bob, ops } = await talked()
    // So that no later commit carries it.
    await h.does(h.alice, { type: 'set-history', history: 'from-join' })
    await h.joins('Carol', (await h.does(h.alice, { type: 'create-invite' })).link)
    await h.room.pass(10_000)
    const given = async (): Promise<number> => (await bob.disk.range(ops, { limit: 99 })).filter((row) => keptOp(bob.space(h.space), h.channel, row) !== undefined).length
    await losesOldKeys(h, bob)
    h.room.onTheWay = undefined
    h.room.leaves(h.alice)
    await h.room.startsAgain(bob)
    await h.room.pass(1000)
    expect(await given()).toBe(0)
    expect(await bob.disk.range(`locked/${h.space}`, { limit: 9 })).toHaveLength(4)
    await h.room.comesBack(h.alice)
    await h.room.pass(120_000)
    expect(await given()).toBe(4)
    expect(await bob.disk.range(`locked/${h.space}`, { limit: 9 })).toEqual([])
    expect(await h.texts(bob)).toEqual(SAID)
  })

  test('R2 S13 what is due goes, too, where the key that it was sealed under was lost; its header comes back from others', async () => {
    const { h, bob, ops, made: [rows = ''] } = await talked()
    await h.does(h.alice, { type: 'set-history', history: 'from-join' })
    await h.joins('Carol', (await h.does(h.alice, { type: 'create-invite' })).link)
    await h.does(h.alice, { type: 'set-retention', afterMs: 7 * DAY })
    await h.room.pass(10_000)
    await losesOldKeys(h, bob)
    for (const person of h.room.people) if (person !== bob) h.room.leaves(person)
    for (let day = 0; day < 9; day++) await h.room.sleep(DAY)
    expect([await bob.disk.range(ops, { limit: 9 }), await bob.disk.range(rows, { limit: 9 }), await bob.disk.range(`locked/${h.space}`, { limit: 9 })]).toEqual([[], [], []])
    for (const person of h.room.people) if (person !== bob) await h.room.comesBack(person)
    await h.room.sleep(DAY)
    await h.room.pass(120_000)
    const back = (await bob.disk.range(ops, { limit: 9 })).map((row) => keptOp(bob.space(h.space), h.channel, row)?.isHusk)
    expect(back).toEqual([true, true, true, true])
    expect(await missing(h, bob)).toBeUndefined()
  })

  test('R3 S13 what was deleted since does not come back with what was lost', async () => {
    const { h, bob, ops } = await talked()
    await h.does(h.alice, { type: 'set-retention', afterMs: 7 * DAY })
    await h.room.sleep(9 * DAY)
    await h.say(h.alice, 'four')
    await h.room.pass(5000)
    expect(await h.texts(bob)).toEqual(['Alice: four'])
    await loses(bob, ops)
    await h.room.sleep(DAY)
    expect(await missing(h, bob)).toBeUndefined()
    expect(await h.texts(bob)).toEqual(['Alice: four'])
    const kept = (await bob.disk.range(ops, { limit: 99 })).map((row) => keptOp(bob.space(h.space), h.channel, row))
    expect(kept.map((op) => op?.isHusk === true)).toEqual([true, true, true, false, true])
  })

  test('U1 S13 what was lost of a private channel is asked of its readers only, and who has nothing to give holds up nothing', async () => {
    const { h, bob } = await talked()
    const carol = await h.joins('Carol')
    const { channel } = await h.does(h.alice, { type: 'create-channel', name: 'shed', readers: { members: [h.id(h.alice), h.id(bob)] } })
    await h.room.pass(10_000)
    // The relay never gets it, so it can't give it either.
    h.room.onTheWay = []
    await h.does(h.alice, { type: 'send-message', channel, text: 'Between us' })
    await h.say(h.alice, 'four')
    await h.room.pass(10_000)
    h.room.leaves(h.alice)
    const asked: string[] = []
    h.room.seesFrame = (bytes, from, to) => {
      const frame = decodeFrame(bytes)
      if (from === bob && to === carol && frame?.type === 'ask') asked.push(...frame.ranges.map((range) => range.channel))
    }
    await loses(bob, `ops/${h.space}/${channel}`, `ops/${h.space}/${h.channel}`)
    await h.room.startsAgain(bob)
    await h.room.pass(120_000)
    expect(asked).toContain(h.channel)
    expect(asked).not.toContain(channel)
    expect(await missing(h, bob)).toBeUndefined()
    await h.room.comesBack(h.alice)
    await h.room.pass(120_000)
    expect((await h.does(bob, { type: 'get-messages', channel })).missing).toBeUndefined()
  })

  test('S13 damage on a device that is in no space yet is told once', async () => {
    const room = new Room(), bob = await room.person('Bob')
    await loses(bob, 'lists')
    await room.pass(100)
    expect(bob.notices).toEqual(['damaged'])
    bob.updates.length = 0
    await bob.restart()
    await room.pass(100)
    expect(bob.notices).toEqual([])
  })
})

describe('a full check', () => {
  test('tells how far it is and that all is well', async () => {
    const { h, bob } = await talked()
    expect(await h.room.ask(bob, { type: 'check-storage' })).toEqual({ damaged: 0 })
    expect(bob.updates.filter((update) => update.type === 'storage')).toEqual([{ type: 'storage', done: 1, all: 1, damaged: 0 }])
  })

  test('that comes to no end says so: nobody is told that all is well', async () => {
    const { h, bob } = await talked()
    const asked = h.room.reply(bob, { type: 'check-storage' })
    const step = bob.engine.step.bind(bob.engine)
    bob.engine.step = (input, now) => step(input.type === 'checked' ? { type: 'checked', tag: input.tag, done: 0, all: 1, failed: true } : input, now)
    expect(await asked).toMatchObject({ ok: false, error: { code: 'disk-failed' } })
    expect(bob.updates.filter((update) => update.type === 'storage')).toEqual([])
  })

  test('finds damage: it is cut out, and the engine starts again on what is left', async () => {
    const { h, bob, made } = await talked()
    const before = bob.engine
    let mended = 0
    bob.disk = { ...bob.disk, check: async () => [{ from: partitionPrefix(made[0] ?? ''), to: undefined }], mend: async () => { mended++; return [] } }
    expect(await h.room.ask(bob, { type: 'check-storage' })).toEqual({ damaged: 1 })
    await h.room.pass(1000)
    expect(mended).toBe(1)
    expect(bob.engine).not.toBe(before)
    expect(await h.texts(bob)).toEqual(SAID)
  })
})
