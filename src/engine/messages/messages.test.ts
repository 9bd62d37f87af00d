/** What happens to a message after it was written, told with Alice, Bob and Carol and their engines. */
import { expect, test } from 'vitest'
import type { MessageInfo } from '../../api.ts'
import { equal } from '../../wire/bytes.ts'
import type { ChannelId, EpochId, OpId, SpaceId } from '../../wire/ids.ts'
import { type Person, RELAY, Room } from '../engines.test-support.ts'
import { opKey } from '../log/log.ts'
import { Out } from '../out.ts'
import { keptOp } from '../content/kept.ts'
import { opsPartition } from '../replica.ts'

interface Home { readonly room: Room; readonly alice: Person; readonly bob: Person; readonly space: SpaceId; readonly channel: ChannelId; readonly link: string }

/** Alice's space, with Bob in it. */
async function home(): Promise<Home> {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment', relays: [RELAY] })
  const { link } = await room.ask(alice, { type: 'create-invite', space })
  const h = { room, alice, space, channel, link }
  return { ...h, bob: await joins(h, 'Bob') }
}

async function joins(h: Pick<Home, 'room' | 'link'>, name: string): Promise<Person> {
  const person = await h.room.person(name)
  await h.room.ask(person, { type: 'join', link: h.link })
  await h.room.pass(2000)
  return person
}

async function say(h: Home, person: Person, text: string, replyTo?: OpId): Promise<OpId> {
  const { messageId } = await h.room.ask(person, { type: 'send-message', space: h.space, channel: h.channel, text, ...(replyTo === undefined ? {} : { replyTo }) })
  await h.room.pass(500)
  return messageId
}

async function read(h: Home, person: Person): Promise<readonly MessageInfo[]> {
  return (await h.room.ask(person, { type: 'get-messages', space: h.space, channel: h.channel })).messages
}

/** What a client shows that only listens to updates: the last of each message. */
function told(h: Home, person: Person, id: OpId): MessageInfo | undefined {
  return person.updates.flatMap((u) => (u.type === 'messages' && u.space === h.space ? u.messages : [])).findLast((m) => m.id === id)
}

const edit = (h: Home, person: Person, message: OpId, text: string) => h.room.ask(person, { type: 'edit-message', space: h.space, message, text })
const remove = (h: Home, person: Person, message: OpId) => h.room.ask(person, { type: 'delete-message', space: h.space, message })
const react = (h: Home, person: Person, message: OpId, emoji: string, on = true) => h.room.ask(person, { type: 'react', space: h.space, message, emoji, on })
const pin = (h: Home, person: Person, message: OpId, on = true) => h.room.ask(person, { type: 'pin-message', space: h.space, message, on })

/** Gives ops to an engine as if they had come over a connection of their own. */
async function hand(h: Home, to: Person, ops: readonly Uint8Array[]): Promise<void> {
  const turn = { now: h.room.now, out: new Out() }
  await to.engine.take(turn, to.space(h.space), ops)
  await to.disk.save(turn.out.step().saves)
}

/** All text that is on a disk in the clear, as far as the engine put it there. */
async function textsOnDisk(h: Home, person: Person): Promise<string> {
  let out = ''
  for (const partition of [`messages/${h.space}/${h.channel}`, `notes/${h.space}/${h.channel}`]) {
    for (const row of await person.disk.range(partition, { limit: 1000 })) out += new TextDecoder().decode(row.value)
  }
  return out
}

test('M2 Alice corrects her message and everybody sees the new text, with the time of the edit; Bob cannot', async () => {
  const h = await home()
  const id = await say(h, h.alice, 'Sunday at tree')
  await edit(h, h.alice, id, 'Sunday at three')
  await h.room.pass(1000)
  for (const person of [h.alice, h.bob]) {
    expect(await read(h, person)).toMatchObject([{ id, text: 'Sunday at three', editedAt: expect.any(Number) }])
    expect(told(h, person, id)).toMatchObject({ text: 'Sunday at three' })
  }
  expect(await h.room.reply(h.bob, { type: 'edit-message', space: h.space, message: id, text: 'Never' })).toMatchObject({ ok: false, error: { code: 'not-allowed' } })
  expect(await h.room.reply(h.alice, { type: 'edit-message', space: h.space, message: id, text: ' ' })).toMatchObject({ ok: false, error: { code: 'text-empty' } })
})

test('M3 what Bob deletes leaves a tombstone and no text, neither on the screens nor on the disks', async () => {
  const h = await home()
  const id = await say(h, h.bob, 'my pin is 4711')
  await edit(h, h.bob, id, 'my pin is 0815')
  await react(h, h.alice, id, '🌱')
  await h.room.pass(1000)
  expect(await textsOnDisk(h, h.alice)).toContain('4711')
  await remove(h, h.bob, id)
  await h.room.pass(1000)
  for (const person of [h.alice, h.bob]) {
    expect(await read(h, person)).toEqual([expect.objectContaining({ id, text: '', deleted: true })])
    expect(told(h, person, id)).toMatchObject({ text: '', deleted: true })
    expect((await read(h, person))[0]).not.toHaveProperty('reactions')
    expect(await textsOnDisk(h, person)).not.toMatch(/4711/)
  }
  for (const reply of [await h.room.reply(h.alice, { type: 'react', space: h.space, message: id, emoji: '🌱', on: true }), await h.room.reply(h.bob, { type: 'edit-message', space: h.space, message: id, text: 'x' })]) {
    expect(reply).toMatchObject({ ok: false, error: { code: 'unknown-message' } })
  }
})

test('M3 Alice, who owns the space, deletes what Bob wrote; Bob cannot delete what she wrote', async () => {
  const h = await home()
  const bobs = await say(h, h.bob, 'Buy my seeds'), alices = await say(h, h.alice, 'Please do not')
  await remove(h, h.alice, bobs)
  expect(await h.room.reply(h.bob, { type: 'delete-message', space: h.space, message: alices })).toMatchObject({ ok: false, error: { code: 'not-allowed' } })
  await h.room.pass(1000)
  for (const person of [h.alice, h.bob]) expect((await read(h, person)).map((m) => [m.text, m.deleted])).toEqual([['', true], ['Please do not', undefined]])
})

test('M3 a deletion and an edit at the same time: the deletion wins on both sides', async () => {
  const h = await home()
  const id = await say(h, h.bob, 'Draft')
  h.room.leaves(h.bob)
  await remove(h, h.alice, id)
  h.room.leaves(h.alice)
  h.bob.isHere = true
  await edit(h, h.bob, id, 'Better draft')
  expect(await read(h, h.bob)).toMatchObject([{ text: 'Better draft' }])
  await h.room.comesBack(h.bob)
  await h.room.comesBack(h.alice)
  await h.room.pass(60_000)
  for (const person of [h.alice, h.bob]) expect(await read(h, person)).toMatchObject([{ id, text: '', deleted: true }])
})

test('M4 reactions of two people who were apart are both there; each takes back its own only', async () => {
  const h = await home()
  const id = await say(h, h.alice, 'Who brings cake?')
  h.room.leaves(h.bob)
  await react(h, h.alice, id, '🍰')
  h.bob.isHere = true
  h.room.leaves(h.alice)
  await react(h, h.bob, id, '🍰')
  await h.room.comesBack(h.alice)
  await h.room.comesBack(h.bob)
  await h.room.pass(60_000)
  const alice = h.alice.space(h.space).me.identity, bob = h.bob.space(h.space).me.identity
  expect((await read(h, h.alice))[0]?.reactions).toEqual([{ emoji: '🍰', by: [alice, bob], mine: true }])
  await react(h, h.bob, id, '🍰', false)
  await react(h, h.bob, id, '🍰', false)
  await h.room.pass(1000)
  expect((await read(h, h.bob))[0]?.reactions).toEqual([{ emoji: '🍰', by: [alice], mine: false }])
  expect(await read(h, h.alice)).toMatchObject([{ reactions: [{ by: [alice], mine: true }] }])
  expect(await h.room.reply(h.bob, { type: 'react', space: h.space, message: id, emoji: 'what a lovely idea', on: true })).toMatchObject({ ok: false, error: { code: 'bad-request' } })
})

test('M5 Alice pins and unpins; the list has what is pinned, the newest first; Bob may not', async () => {
  const h = await home()
  const rules = await say(h, h.bob, 'Rules'), map = await say(h, h.alice, 'Map'), gone = await say(h, h.alice, 'Gone')
  for (const id of [map, gone, rules]) await pin(h, h.alice, id)
  await remove(h, h.alice, gone)
  await h.room.pass(1000)
  const pins = async () => (await h.room.ask(h.bob, { type: 'list-pins', space: h.space, channel: h.channel })).messages.map((m) => m.text)
  expect(await pins()).toEqual(['Map', 'Rules'])
  expect((await read(h, h.bob)).map((m) => m.pinned)).toEqual([true, true, undefined])
  await pin(h, h.alice, map, false)
  await h.room.pass(1000)
  expect(await pins()).toEqual(['Rules'])
  expect(await h.room.reply(h.bob, { type: 'pin-message', space: h.space, message: map, on: true })).toMatchObject({ ok: false, error: { code: 'not-allowed' } })
})

test('an answer shows the first words of what it answers to, as they are now', async () => {
  const h = await home()
  const question = await say(h, h.alice, 'Tea?'), other = await say(h, h.alice, 'Cake?')
  const answer = await say(h, h.bob, 'Yes', question)
  await say(h, h.bob, 'Also yes', other)
  expect(told(h, h.alice, answer)?.replyTo).toMatchObject({ id: question, state: 'shown', authorName: 'Alice', text: 'Tea?' })
  await edit(h, h.alice, question, 'Tea or coffee?')
  await remove(h, h.alice, other)
  await h.room.pass(1000)
  expect((await read(h, h.alice)).map((m) => m.replyTo?.text)).toEqual([undefined, undefined, 'Tea or coffee?', ''])
  expect((await read(h, h.bob))[3]?.replyTo).toMatchObject({ state: 'deleted' })
})

test('M1 a note that comes before its message waits for it, also over a restart', async () => {
  const h = await home()
  const carol = await joins(h, 'Carol')
  h.room.leaves(carol)
  const bobs = await say(h, h.bob, 'Too early')
  await react(h, h.alice, bobs, '🌱')
  await h.room.pass(1000)
  const rows = await h.alice.disk.range(opsPartition(h.space, h.channel), { limit: 100 })
  const { device } = h.alice.space(h.space).me
  await hand(h, carol, rows.filter((row) => equal(row.key.subarray(0, -8), opKey(device, 0).subarray(0, -8))).flatMap((row) => keptOp(h.alice.space(h.space), h.channel, row)?.bytes ?? []))
  expect(await carol.disk.range(`noted/${h.space}`, { limit: 10 })).toHaveLength(1)
  await carol.restart()
  await h.room.comesBack(carol)
  expect(await read(h, carol)).toMatchObject([{ id: bobs, text: 'Too early', reactions: [{ emoji: '🌱' }] }])
  expect(await carol.disk.range(`noted/${h.space}`, { limit: 10 })).toEqual([])
})

test('M6 Carol is told to ask again when Bob, whose words and notes she had seen, was removed by somebody who had not', async () => {
  const h = await home()
  const carol = await joins(h, 'Carol')
  const id = await say(h, h.alice, 'Who is in?')
  h.room.leaves(h.alice)
  await say(h, h.bob, 'Buy my seeds')
  await react(h, h.bob, id, '💰')
  await h.room.pass(1000)
  expect(await read(h, carol)).toMatchObject([{ reactions: [{ emoji: '💰' }] }, { text: 'Buy my seeds' }])
  h.room.leaves(h.bob)
  h.room.leaves(carol)
  h.alice.isHere = true
  await h.room.ask(h.alice, { type: 'remove-member', space: h.space, member: h.bob.space(h.space).me.identity })
  carol.updates.length = 0
  await h.room.comesBack(carol)
  await h.room.pass(60_000)
  expect(carol.updates.some((u) => u.type === 'revised' && u.space === h.space)).toBe(true)
  for (const person of [h.alice, carol]) {
    expect((await read(h, person)).map((m) => m.text)).toEqual(['Who is in?'])
    expect((await read(h, person))[0]).not.toHaveProperty('reactions')
  }
})

test('M6 a note that names a message of another channel counts nothing', async () => {
  const h = await home()
  const { channel: other } = await h.room.ask(h.alice, { type: 'create-channel', space: h.space, name: 'Tools' })
  const id = await say(h, h.alice, 'Here')
  await h.room.pass(1000)
  const bob = h.bob.space(h.space), turn = { now: h.room.now, out: new Out() }
  const op = await bob.appendContent(turn, other, bob.groups.tip() as EpochId, { type: 'reaction', message: id, emoji: '👻' })
  await hand(h, h.alice, [op.bytes])
  await h.room.pass(1000)
  expect(await read(h, h.alice)).toMatchObject([{ id, text: 'Here' }])
  expect((await read(h, h.alice))[0]).not.toHaveProperty('reactions')
})

test('an engine that starts from its disk shows what it showed', async () => {
  const h = await home()
  const a = await say(h, h.alice, 'One'), b = await say(h, h.alice, 'Two', a)
  await edit(h, h.alice, a, 'Uno')
  await react(h, h.bob, b, '👋')
  await pin(h, h.alice, b)
  await h.room.pass(1000)
  const before = await read(h, h.bob)
  await h.bob.restart()
  await h.room.pass(1000)
  expect(await read(h, h.bob)).toEqual(before)
})
