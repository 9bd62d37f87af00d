/** Something happens to Bob's disk, and not to what is kept of it elsewhere. */
import { describe, expect, test } from 'vitest'
import type { Update } from '../api.ts'
import { openMemoryDisk } from '../adapters/disk-memory.ts'
import { AUTHORITY_CHANNEL, type DeviceId } from '../wire/ids.ts'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import { Allotment, type Between } from './allotment.test-support.ts'
import type { Person } from './engines.test-support.ts'
import { HOLD_MS, MAX_HELD, UNSURE_ALONE_MS } from './limits.ts'

const DAY = 24 * 3600_000
const NOBODY = openMemoryDisk().snapshot()
const lastMe = (person: Person): Update | undefined => person.updates.filter((update) => update.type === 'me').at(-1)

/** `rollsBack` takes Bob's disk to where it was before he said more. */
async function begin(): Promise<Between & { readonly rollsBack: () => Promise<void> }> {
  const between = await Allotment.betweenTwo('First', 'Second'), { bob, then } = between
  return { ...between, rollsBack: () => bob.putBack(then, bob.tally) }
}

describe('S22 a disk that was put back, without what is kept of it elsewhere', () => {
  test('S22 is noticed at once, offline too: nothing is signed however long that is, and once Bob is connected he goes on under a new key', async () => {
    const { h, bob, before, rollsBack } = await begin()
    h.room.goesOffline(bob)
    await rollsBack()
    bob.queue.pop()
    await h.room.pass(100)
    expect(bob.notices).toEqual(['older'])
    await h.say(bob, 'Third')
    expect(await h.refusal(bob, { type: 'leave-space' })).toMatchObject({ code: 'older' })
    for (const command of [{ type: 'set-name', name: 'Rob' }, { type: 'create-space', name: 'Shed', relays: [] }, { type: 'join', link: h.link }] as const) {
      expect(await h.room.reply(bob, command)).toMatchObject({ ok: false, error: { code: 'older' } })
    }
    await h.room.sleep(DAY)
    expect([bob.engine.drafts.get(h.space)?.size, bob.device]).toEqual([1, before])
    await h.room.comesOnline(bob)
    await h.room.pass(20_000)
    expect(bob.device).not.toBe(before)
    expect(bob.notices).toEqual(['older', 'put-back'])
    expect(await h.texts(h.alice)).toEqual(['Bob: First', 'Bob: Second', 'Bob: Third'])
    expect(h.forked).toEqual([])
    await bob.restart()
    await h.room.pass(20_000)
    expect(bob.notices).toEqual(['older', 'put-back'])
  })

  test('S22 a journal that was cut before some damage is such a disk: Bob is told of both, what was cut off comes back, and he goes on under a new key', async () => {
    const { h, bob, before, then } = await Allotment.betweenTwo('First', 'Second'), place = partitionPrefix('journal'), cut = openMemoryDisk(then)
    await cut.save([{ type: 'put', partition: LOST_PARTITION, key: Uint8Array.of(1), value: encodeLoss({ from: place, to: place }) }])
    await bob.putBack(cut.snapshot(), bob.tally)
    await h.room.pass(20_000)
    expect([...new Set(bob.notices)].sort()).toEqual(['damaged', 'older', 'put-back'])
    expect(bob.device).not.toBe(before)
    expect((await h.texts(bob)).sort()).toEqual(['Bob: First', 'Bob: Second'])
    expect(await bob.disk.range(LOST_PARTITION, { limit: 1 })).toEqual([])
    expect(h.forked).toEqual([])
  })

  test('S22 what only this device had is lost, but its numbers are not used again: it goes on under a new key even when nobody knows of more', async () => {
    const { h, bob, before } = await begin()
    const then = bob.disk.snapshot()
    h.room.leaves(h.alice)
    h.room.onTheWay = []
    await h.say(bob, 'Nobody heard this')
    h.room.onTheWay = undefined
    await bob.putBack(then, bob.tally)
    await h.room.comesBack(h.alice)
    await h.room.pass(20_000)
    expect(bob.device).not.toBe(before)
    await h.say(bob, 'Here I am')
    await h.room.pass(5000)
    expect(await h.texts(h.alice)).toEqual(['Bob: First', 'Bob: Second', 'Bob: Here I am'])
    expect(h.forked).toEqual([])
  })

  test('S22 where nobody else could know, there is nobody to wait for', async () => {
    const h = await Allotment.begin()
    const carol = await h.room.person('Carol')
    const { space, channel } = await h.room.ask(carol, { type: 'create-space', name: 'Diary', relays: [] })
    const then = carol.disk.snapshot(), before = carol.device
    await h.room.ask(carol, { type: 'send-message', space, channel, text: 'Dear diary' })
    await carol.putBack(then, carol.tally)
    await h.room.pass(10_000)
    expect(carol.device).not.toBe(before)
    await h.room.ask(carol, { type: 'send-message', space, channel, text: 'Where was I?' })
    await h.room.pass(5000)
    const { messages } = await h.room.ask(carol, { type: 'get-messages', space, channel })
    expect(messages.map(({ text }) => text)).toEqual(['Where was I?'])
  })
})

describe('S22 a disk that was emptied', () => {
  test('S22 is never taken for a first start: that is told, and beginning anew has to be asked for', async () => {
    const { h, bob, before } = await begin()
    await bob.putBack(NOBODY, bob.tally)
    await h.room.pass(100)
    expect(lastMe(bob)).toMatchObject({ me: undefined, isEmptied: true })
    expect(await h.room.reply(bob, { type: 'set-up', name: 'Bob' })).toMatchObject({ ok: false, error: { code: 'emptied' } })
    await bob.restart()
    await h.room.pass(100)
    expect(lastMe(bob)).toMatchObject({ isEmptied: true })
    await h.room.ask(bob, { type: 'set-up', name: 'Bob', anew: true })
    expect(lastMe(bob)).not.toHaveProperty('isEmptied')
    expect(bob.device).not.toBe(before)
    await bob.restart()
    await h.room.ask(bob, { type: 'join', link: h.link })
    await h.room.pass(5000)
    expect(bob.notices).toEqual([])
    expect(await h.names(h.alice)).toEqual(['Alice', 'Bob', 'Bob'])
  })

  test('S22 his recovery phrase makes him himself again', async () => {
    const { h, bob } = await begin()
    const { phrase } = await h.room.ask(bob, { type: 'recovery-phrase' })
    await bob.putBack(NOBODY, bob.tally)
    await h.room.ask(bob, { type: 'enter-phrase', phrase, name: 'Bob' })
    expect(lastMe(bob)).not.toHaveProperty('isEmptied')
    await h.room.ask(bob, { type: 'join', link: h.link })
    await h.room.pass(10_000)
    expect(await h.texts(bob)).toEqual(['Bob: First', 'Bob: Second'])
    expect(await h.names(h.alice)).toEqual(['Alice', 'Bob'])
  })
})

test('S22 a linked device that was put back has no way to a new key of its own: its person is told what to do, now and after the next start', async () => {
  const { h, bob } = await begin()
  const phone = await h.room.person('Bob’s phone', true)
  const link = async (): Promise<void> => {
    const { request } = await h.room.ask(phone, { type: 'ask-to-link' })
    const { answer } = await h.room.ask(bob, { type: 'link-device', request })
    await h.room.ask(phone, { type: 'finish-link', answer })
    await h.room.pass(20_000)
  }
  await link()
  const then = phone.disk.snapshot(), before = phone.device
  await h.say(phone, 'From the tram')
  await phone.putBack(then, phone.tally)
  await h.room.pass(20_000)
  expect(phone.notices).toEqual(['older', 'put-back'])
  expect(await h.refusal(phone, { type: 'leave-space' })).toMatchObject({ code: 'put-back', message: expect.stringContaining('recovery phrase') })
  await phone.restart()
  await h.room.pass(20_000)
  expect(lastMe(phone)).toMatchObject({ me: { stuck: true } })
  await link()
  expect(phone.device).not.toBe(before)
  await h.say(phone, 'At home')
  await h.room.pass(5000)
  expect((await h.texts(h.alice)).sort()).toEqual(['Bob: First', 'Bob: Second', 'Bob: From the tram', 'Bob: At home'].sort())
  expect(h.forked).toEqual([])
})

describe('S22 nothing is wrong', () => {
  test('S22 when the process ended between the save and the tally, or several tallies could not be kept', async () => {
    const { h, bob, before } = await begin()
    const { tally } = bob
    for (const text of ['Third', 'Fourth']) await h.say(bob, text)
    await bob.putBack(bob.disk.snapshot(), tally)
    await h.room.pass(20_000)
    expect([bob.device, bob.notices]).toEqual([before, []])
    expect(bob.tally).toEqual(tally)
    await h.say(bob, 'Fifth')
    expect(bob.tally).not.toEqual(tally)
  })

  test('S22 when there is no tally yet, or nothing of it can be read: one is made', async () => {
    const { h, bob, before } = await begin()
    for (const tally of [undefined, Uint8Array.of(1, 2, 3)]) {
      await bob.putBack(bob.disk.snapshot(), tally)
      await h.room.pass(20_000)
      expect([bob.device, bob.notices, bob.tally?.length]).toEqual([before, [], expect.any(Number)])
      expect(bob.tally).not.toEqual(tally)
    }
  })

  test('S22 the tally changes with what Bob signs, and with nothing else', async () => {
    const { h, bob } = await begin()
    const { tally } = bob
    await h.say(h.alice, 'Hello Bob')
    await h.room.pass(60_000)
    expect(bob.tally).toEqual(tally)
    await h.say(bob, 'Hello Alice')
    expect(bob.tally).not.toEqual(tally)
  })
})

describe('acts while nobody has told', () => {
  test('S9 a channel that Alice makes at once after the start is made when others have told, or after a moment alone', async () => {
    const h = await Allotment.begin()
    await h.joins('Bob')
    h.room.goesOffline(h.alice)
    await h.alice.restart()
    h.alice.queue.pop()
    await h.room.pass(10)
    const { log } = h.alice.space(h.space)
    const signed = (): number => log.head(AUTHORITY_CHANNEL, h.alice.device as DeviceId)?.chanSeq ?? 0
    const before = signed()
    expect(await h.room.reply(h.alice, { type: 'create-channel', space: h.space, name: 'Tomatoes' })).toBeUndefined()
    expect(signed()).toBe(before)
    await h.room.pass(UNSURE_ALONE_MS)
    await h.room.comesOnline(h.alice)
    expect((await h.does(h.room.people[1] as Person, { type: 'list-channels' })).channels.map(({ name }) => name)).toContain('Tomatoes')
  })

  test('S9 whoever is connected and never told anything is refused after a while; so is who asks for too much', async () => {
    const h = await Allotment.begin()
    const bob = await h.joins('Bob')
    await bob.restart()
    h.room.canDial = false
    // The relay is there, and says nothing.
    h.room.isSilent = true
    const refusals = (): number => [...bob.replies.values()].filter((reply) => !reply.ok && reply.error.code === 'busy').length
    for (let n = 0; n <= MAX_HELD; n++) await h.room.reply(bob, { type: 'leave-space', space: h.space })
    expect(refusals()).toBe(1)
    await h.room.pass(HOLD_MS)
    expect(refusals()).toBe(MAX_HELD + 1)
  })
})
