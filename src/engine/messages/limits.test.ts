/** Alice's allotment, where somebody writes, reacts and pins more than a device looks at in one go. */
import { expect, test } from 'vitest'
import { encodeNote, type NoteRecord } from '../../wire/content-records.ts'
import { fromHex, toHex } from '../../wire/bytes.ts'
import type { DeviceId, EpochId, OpId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import { MAX_DRAFTS, MAX_NOTES_OF_ONE, MAX_NOTES_READ, MAX_PINS_PAGES, MAX_PINS_READ, MAX_TYPISTS, TYPING_LASTS_MS } from '../limits.ts'
import { Out } from '../out.ts'
import { noteKey, notesPartition, pinsPartition, voidPinsPartition } from './places.ts'

const idOf = (n: number): OpId => n.toString(16).padStart(64, '0') as OpId

test('where a hundred write at once, another is not shown until some have stopped', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const { spaces } = a.alice.engine.typing as unknown as { readonly spaces: Map<string, Map<DeviceId, unknown>> }
  const writing = (): string[] => {
    const last = a.alice.updates.findLast((u) => u.type === 'typing' && u.channel === a.channel)
    return last?.type === 'typing' ? last.members.map((member) => a.alice.space(a.space).authority.nameOf(member)) : []
  }
  const crowd = Array.from({ length: MAX_TYPISTS - 1 }, (_, n): [DeviceId, unknown] => [idOf(n + 1) as string as DeviceId, { channel: a.channel, identity: a.id(carol), until: a.room.now + TYPING_LASTS_MS }])
  spaces.set(a.space, new Map(crowd))
  await a.does(carol, { type: 'typing', channel: a.channel })
  await a.does(bob, { type: 'typing', channel: a.channel })
  expect(spaces.get(a.space)?.size).toBe(MAX_TYPISTS)
  expect(writing()).toEqual(['Carol'])
  await a.room.pass(2 * TYPING_LASTS_MS)
  expect(spaces.get(a.space)?.size).toBe(0)
  await a.does(bob, { type: 'typing', channel: a.channel })
  expect(writing()).toEqual(['Bob'])
})

test('so many messages wait to be secured; who writes more is told, and nothing of it is lost', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  a.room.goesOffline(bob)
  await bob.restart()
  // Before Bob's device knows whether it was put back, all in one moment.
  for (let n = 0; n <= MAX_DRAFTS; n++) bob.queue.push({ type: 'command', client: 1, id: 9000 + n, command: { type: 'send-message', space: a.space, channel: a.channel, text: `Word ${n}` } })
  await a.room.pass(100)
  expect([bob.replies.get(9000 + MAX_DRAFTS - 1)?.ok, bob.replies.get(9000 + MAX_DRAFTS)]).toMatchObject([true, { ok: false, error: { code: 'limit-reached' } }])
  expect(bob.engine.drafts.get(a.space)?.size).toBe(MAX_DRAFTS)
  await a.room.comesOnline(bob)
  await a.room.pass(10_000)
  const { messages } = await a.does(a.alice, { type: 'get-messages', channel: a.channel, limit: 200 })
  expect(messages.map(({ text }) => text)).toEqual(Array.from({ length: MAX_DRAFTS }, (_, n) => `Word ${n}`))
})

test('under more reactions than are read, what its author made of a message shows all the same', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const { messageId } = await a.say(bob, 'Frist')
  await a.room.pass(500)
  const { device, identity } = a.alice.space(a.space).me
  const reaction = (n: number): NoteRecord => ({
    id: idOf(n), device, author: identity, audience: 0, seq: 1000 + n, chanSeq: 1000 + n, hlc: 1000 + n, deps: a.alice.space(a.space).authority.heads(), content: { type: 'reaction', message: messageId, emoji: n % 2 === 0 ? '🐌' : '🌱' },
  })
  await a.alice.disk.save(Array.from({ length: MAX_NOTES_READ + 100 }, (_, n) => ({ type: 'put', partition: notesPartition(a.space, a.channel), key: noteKey(reaction(n + 1)), value: encodeNote(reaction(n + 1)) })))
  await a.does(bob, { type: 'edit-message', message: messageId, text: 'First' })
  await a.room.pass(500)
  const shown = async () => (await a.does(a.alice, { type: 'get-messages', channel: a.channel })).messages[0]
  expect(await shown()).toMatchObject({ text: 'First' })
  expect((await shown())?.reactions?.map(({ emoji }) => emoji).sort()).toEqual(['🌱', '🐌'])
  await a.does(bob, { type: 'delete-message', message: messageId })
  await a.room.pass(500)
  expect((await shown())?.text ?? '').toBe('')
}, 30_000)

test('M11 more removals by somebody who may not remove than are read at a time keep no right one from counting, and few of them are kept', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), mallory = await a.joins('Mallory')
  await a.role('Wardens', 50, ['messages'], bob)
  const { messageId } = await a.say(mallory, 'Buy my seeds')
  const { device, identity } = mallory.space(a.space).me, deps = a.alice.space(a.space).authority.heads()
  const removal = (n: number): NoteRecord => ({ id: idOf(n), device, author: identity, audience: 0, seq: 1000 + n, chanSeq: 1000 + n, hlc: 1000 + n, deps, content: { type: 'remove', message: messageId } })
  const rows = async () => (await a.alice.disk.range(notesPartition(a.space, a.channel), { from: new Uint8Array(), to: new Uint8Array([0xff]), limit: 1000 })).length
  await a.alice.disk.save(Array.from({ length: MAX_NOTES_READ + 100 }, (_, n) => ({ type: 'put', partition: notesPartition(a.space, a.channel), key: noteKey(removal(n + 1)), value: encodeNote(removal(n + 1)) })))
  await a.does(mallory, { type: 'react', message: messageId, emoji: '💰', on: true })
  expect(await rows()).toBe(MAX_NOTES_OF_ONE + 1)
  await a.alice.disk.save(Array.from({ length: MAX_NOTES_READ + 100 }, (_, n) => ({ type: 'put', partition: notesPartition(a.space, a.channel), key: noteKey(removal(n + 1)), value: encodeNote(removal(n + 1)) })))
  await a.does(bob, { type: 'delete-message', message: messageId })
  expect((await a.does(a.alice, { type: 'get-messages', channel: a.channel })).messages).toMatchObject([{ deleted: true, text: '' }])
}, 30_000)

test('M11 who did the same with a message as often as others hear is told so', async () => {
  const a = await Allotment.begin(), { messageId } = await a.say(a.alice, 'Water'), { device, identity } = a.alice.space(a.space).me, deps = a.alice.space(a.space).authority.heads()
  const edit = (n: number): NoteRecord => ({ id: idOf(n), device, author: identity, audience: 0, seq: 1000 + n, chanSeq: 1000 + n, hlc: 1000 + n, deps, content: { type: 'edit', message: messageId, text: `Water ${n}` } })
  await a.alice.disk.save(Array.from({ length: MAX_NOTES_OF_ONE - 1 }, (_, n) => ({ type: 'put', partition: notesPartition(a.space, a.channel), key: noteKey(edit(n + 1)), value: encodeNote(edit(n + 1)) })))
  await a.does(a.alice, { type: 'edit-message', message: messageId, text: 'Water on Mondays' })
  expect(await a.refusal(a.alice, { type: 'edit-message', message: messageId, text: 'Never mind' })).toMatchObject({ code: 'limit-reached' })
  expect(await a.texts(a.alice)).toEqual(['Alice: Water on Mondays'])
})

test('M5 however many messages Bob pins without the right, what Alice pinned is found', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const { messageId } = await a.say(a.alice, 'Water on Mondays'), other = await a.say(a.alice, 'Or on Tuesdays')
  await a.does(a.alice, { type: 'pin-message', message: messageId, on: true })
  const his = bob.space(a.space)
  await a.hand(a.alice, [(await his.appendContent({ now: a.room.now, out: new Out() }, a.channel, his.groups.tip() as EpochId, { type: 'pin', message: other.messageId })).bytes])
  const rows = async (partition: string) => (await a.alice.disk.range(partition, { limit: 9 })).map((row) => toHex(row.key))
  expect(await rows(pinsPartition(a.space, a.channel))).toEqual([messageId])
  expect(await rows(voidPinsPartition(a.space, a.channel))).toEqual([other.messageId])
  await a.alice.disk.save(Array.from({ length: MAX_PINS_PAGES * MAX_PINS_READ }, (_, n) => ({ type: 'put', partition: voidPinsPartition(a.space, a.channel), key: fromHex(idOf(n + 1)) as Uint8Array, value: new Uint8Array() })))
  expect((await a.does(a.alice, { type: 'list-pins', channel: a.channel })).messages.map((m) => m.text)).toEqual(['Water on Mondays'])
})

test('where more was pinned once than is looked at in one go, what is pinned now is found behind it', async () => {
  const a = await Allotment.begin()
  const { messageId } = await a.say(a.alice, 'Water on Mondays')
  await a.alice.disk.save(Array.from({ length: 2 * MAX_PINS_READ }, (_, n) => ({ type: 'put', partition: pinsPartition(a.space, a.channel), key: fromHex(idOf(n + 1)) as Uint8Array, value: new Uint8Array() })))
  await a.does(a.alice, { type: 'pin-message', message: messageId, on: true })
  await a.room.pass(500)
  const { messages } = await a.does(a.alice, { type: 'list-pins', channel: a.channel })
  expect(messages.map((m) => m.text)).toEqual(['Water on Mondays'])
})
