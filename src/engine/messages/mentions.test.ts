/** Who is called by a message, and what is unread, told with people of Alice's allotment. */
import { expect, test } from 'vitest'
import type { ChannelInfo, MessageInfo } from '../../api.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Save } from '../../ports.ts'
import { decodeMessage, encodeMessage, type MessageRecord } from '../../wire/content-records.ts'
import type { DeviceId, EpochId, IdentityId, OpId } from '../../wire/ids.ts'
import type { Person } from '../engines.test-support.ts'
import { MAX_THREAD_COUNTED, MAX_UNREAD_COUNTED } from '../limits.ts'
import { Out } from '../out.ts'
import { rowKey, rowsOf } from './places.ts'

const read = async (a: Allotment, person: Person): Promise<readonly MessageInfo[]> => (await a.does(person, { type: 'get-messages', channel: a.channel })).messages

async function say(a: Allotment, person: Person, text: string, more: object = {}): Promise<MessageInfo['id']> {
  const { messageId } = await a.does(person, { type: 'send-message', channel: a.channel, text, ...more })
  await a.room.pass(500)
  return messageId
}

async function unread(a: Allotment, person: Person): Promise<Pick<ChannelInfo, 'unread' | 'mentions'> | undefined> {
  const { channels } = await a.does(person, { type: 'list-channels' })
  const channel = channels.find((c) => c.channel === a.channel)
  return channel === undefined ? undefined : { unread: channel.unread, mentions: channel.mentions }
}

test('M7 Bob calls Carol by name: she is meant, Alice is not, and a name in the text alone means nobody', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const carols = a.id(carol)
  await say(a, bob, 'Carol, are you there?', { mentions: [carols] })
  await say(a, bob, '@Carol @everyone')
  expect((await read(a, carol)).map((m) => m.mentions)).toEqual([{ members: [{ member: carols, name: 'Carol' }], roles: [], everyone: false, me: true }, undefined])
  expect((await read(a, a.alice))[0]?.mentions).toMatchObject({ me: false })
  expect(await unread(a, carol)).toEqual({ unread: 2, mentions: 1 })
  expect(await unread(a, a.alice)).toEqual({ unread: 2, mentions: 0 })
  await a.room.ask(carol, { type: 'set-name', name: 'Carolina' })
  await a.room.pass(1000)
  expect((await read(a, bob))[0]?.mentions?.members).toEqual([{ member: carols, name: 'Carolina' }])
})

test('M7 everyone and roles are called by those who may; for others the command is refused', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const role = await a.role('Diggers', 10, [], carol)
  await a.room.pass(1000)
  await say(a, a.alice, 'Dig!', { mentionRoles: [role] })
  await say(a, a.alice, 'Fire!', { mentionEveryone: true })
  expect((await read(a, carol)).map((m) => m.mentions?.me)).toEqual([true, true])
  expect((await read(a, bob)).map((m) => [m.mentions?.roles, m.mentions?.everyone, m.mentions?.me])).toEqual([[[{ role, name: 'Diggers' }], false, false], [[], true, true]])
  expect(await unread(a, bob)).toEqual({ unread: 2, mentions: 1 })
  for (const more of [{ mentionRoles: [role] }, { mentionEveryone: true }]) {
    expect(await a.refusal(bob, { type: 'send-message', channel: a.channel, text: 'Hey', ...more })).toMatchObject({ code: 'not-allowed', reason: 'no-permission' })
  }
})

test('M7 who was meant by an edit is meant, and who was meant before it no longer', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const [bobs, carols] = [a.id(bob), a.id(carol)]
  const id = await say(a, a.alice, 'Your turn', { mentions: [bobs] })
  await a.does(a.alice, { type: 'edit-message', message: id, text: 'Your turn', mentions: [carols] })
  await a.room.pass(1000)
  expect((await read(a, bob))[0]?.mentions).toMatchObject({ members: [{ member: carols }], me: false })
  expect((await read(a, carol))[0]?.mentions?.me).toBe(true)
})

test('M7 what was called without the right by an app that does not ask counts as words only', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  await a.room.pass(1000)
  const replica = bob.space(a.space)
  const op = await replica.appendContent({ now: a.room.now, out: new Out() }, a.channel, replica.groups.tip() as EpochId, { type: 'message', text: 'Free seeds', everyone: true })
  await a.hand(a.alice, [op.bytes])
  expect((await read(a, a.alice)).map((m) => [m.text, m.mentions])).toEqual([['Free seeds', undefined]])
  expect(await unread(a, a.alice)).toEqual({ unread: 1, mentions: 0 })
})

test('unread counts begin after the mark, also one in the midst, and follow deletions and removals', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const carols = a.id(carol)
  const first = await say(a, bob, 'One'), second = await say(a, bob, 'Two', { mentions: [carols] }), third = await say(a, bob, 'Three', { mentions: [carols] })
  await say(a, a.alice, 'Four')
  expect(await unread(a, carol)).toEqual({ unread: 4, mentions: 2 })
  await a.does(carol, { type: 'mark-read', channel: a.channel, message: first })
  expect(await unread(a, carol)).toEqual({ unread: 3, mentions: 2 })
  await a.does(bob, { type: 'delete-message', message: second })
  await a.room.pass(1000)
  expect(await unread(a, carol)).toEqual({ unread: 2, mentions: 1 })
  await carol.restart()
  await a.room.pass(1000)
  expect(await unread(a, carol)).toEqual({ unread: 2, mentions: 1 })
  await a.does(carol, { type: 'mark-read', channel: a.channel, message: third })
  expect(await unread(a, carol)).toEqual({ unread: 1, mentions: 0 })
  // An older mark takes nothing back.
  await a.does(carol, { type: 'mark-read', channel: a.channel, message: first })
  expect(await unread(a, carol)).toEqual({ unread: 1, mentions: 0 })
})

test('M11 however many messages don\'t count, those that do are counted as unread, and as answers in a thread', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const root = await say(a, a.alice, 'Beans'), replica = bob.space(a.space)
  const before = (await bob.disk.range(`messages/${a.space}/${a.channel}`, { limit: 1 })).map((row) => decodeMessage(row.value))[0] as MessageRecord
  await say(a, a.alice, 'Peas')
  await say(a, a.alice, 'Runner', { thread: root })
  const nobody = 'e'.repeat(64) as DeviceId
  const worthless = (n: number, thread: OpId | undefined, place: number): Save => {
    const record: MessageRecord = { ...before, id: n.toString(16).padStart(64, '0') as OpId, device: nobody, author: nobody as string as IdentityId, place, thread, replies: 0, lastReply: 0 }
    return { type: 'put', partition: rowsOf(a.space, a.channel, thread), key: rowKey(record), value: encodeMessage(record) }
  }
  await bob.disk.save(Array.from({ length: MAX_UNREAD_COUNTED }, (_, n) => worthless(n + 1, undefined, before.place + 1)))
  await bob.disk.save(Array.from({ length: MAX_THREAD_COUNTED }, (_, n) => worthless(n + 5000, root, Number.MAX_SAFE_INTEGER)))
  await a.does(bob, { type: 'mark-read', channel: a.channel, message: root })
  expect(await unread(a, bob)).toEqual({ unread: 1, mentions: 0 })
  replica.threads.countAnew(root)
  replica.inbox.change(root)
  await say(a, a.alice, 'Bush', { thread: root })
  await a.room.pass(1000)
  expect((await read(a, bob))[0]?.replies).toMatchObject({ count: 2 })
})
