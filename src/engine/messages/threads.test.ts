/** Threads and forums, told with people of Alice's allotment. */
import { expect, test } from 'vitest'
import type { MessageInfo } from '../../api.ts'
import type { ChannelId, EpochId, OpId } from '../../wire/ids.ts'
import { Allotment } from '../allotment.test-support.ts'
import type { Person } from '../engines.test-support.ts'
import { Out } from '../out.ts'

async function say(a: Allotment, person: Person, text: string, more: { thread?: OpId; title?: string; tags?: string[]; mentions?: ReturnType<Allotment['id']>[] } = {}, channel = a.channel): Promise<OpId> {
  const { messageId } = await a.does(person, { type: 'send-message', channel, text, ...more })
  await a.room.pass(500)
  return messageId
}

const read = async (a: Allotment, person: Person, thread?: OpId, channel = a.channel): Promise<readonly MessageInfo[]> =>
  (await a.does(person, { type: 'get-messages', channel, ...(thread === undefined ? {} : { thread }) })).messages

const threads = async (a: Allotment, person: Person, channel: ChannelId, tag?: string): Promise<(string | undefined)[]> =>
  (await a.does(person, { type: 'list-threads', channel, ...(tag === undefined ? {} : { tag }) })).threads.map((m) => m.title ?? m.text)

test('M8 answers in a thread stand below its first message, not in the channel, and it says how many there are', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const root = await say(a, a.alice, 'Who waters in August?')
  await say(a, bob, 'I can', { thread: root })
  const last = await say(a, carol, 'Me too', { thread: root })
  for (const person of [a.alice, bob, carol]) {
    expect((await read(a, person)).map((m) => [m.text, m.replies?.count])).toEqual([['Who waters in August?', 2]])
    expect((await read(a, person, root)).map((m) => [m.text, m.thread])).toEqual([['I can', root], ['Me too', root]])
    const told = person.updates.flatMap((u) => (u.type === 'messages' ? u.messages : [])).findLast((m) => m.id === root)
    expect(told?.replies?.count).toBe(2)
  }
  await a.does(carol, { type: 'delete-message', message: last })
  await a.room.pass(1000)
  expect((await read(a, bob))[0]?.replies?.count).toBe(1)
  await bob.restart()
  await a.room.pass(1000)
  await say(a, a.alice, 'Thank you', { thread: root })
  expect((await read(a, bob))[0]?.replies?.count).toBe(2)
  expect(await threads(a, bob, a.channel)).toEqual(['Who waters in August?'])
})

test('M8 a thread hangs off a message of its channel that stands there itself', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const root = await say(a, a.alice, 'Root'), reply = await say(a, bob, 'Reply', { thread: root })
  const { channel: other } = await a.does(a.alice, { type: 'create-channel', name: 'Tools' })
  await a.room.pass(1000)
  for (const command of [{ channel: a.channel, thread: reply }, { channel: other, thread: root }, { channel: a.channel, thread: 'ab'.repeat(32) as OpId }]) {
    expect(await a.refusal(bob, { type: 'send-message', text: 'x', ...command })).toMatchObject({ code: 'unknown-message' })
    expect(await a.refusal(bob, { type: 'get-messages', ...command })).toMatchObject({ code: 'unknown-message' })
  }
})

test('what is unread in a thread is the business of those who began it, wrote or read in it, or are called', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob'), carol = await a.joins('Carol')
  const root = await say(a, a.alice, 'Compost?')
  await a.does(bob, { type: 'mark-read', channel: a.channel, message: root })
  const first = await say(a, bob, 'Yes', { thread: root })
  const unread = async (person: Person) => { const { replies } = (await read(a, person))[0] as MessageInfo; return [replies?.unread, replies?.mentions] }
  expect([await unread(a.alice), await unread(bob), await unread(carol)]).toEqual([[1, 0], [0, 0], [0, 0]])
  await say(a, a.alice, 'Where? Carol?', { thread: root, mentions: [a.id(carol)] })
  expect([await unread(a.alice), await unread(bob), await unread(carol)]).toEqual([[1, 0], [1, 0], [1, 1]])
  const channelOf = async (person: Person) => (await a.does(person, { type: 'list-channels' })).channels[0]
  expect(await channelOf(carol)).toMatchObject({ unread: 1, mentions: 1 })
  expect(await channelOf(bob)).toMatchObject({ unread: 0, mentions: 0 })
  await a.does(a.alice, { type: 'mark-read', channel: a.channel, message: first })
  await a.does(carol, { type: 'mark-read', channel: a.channel, message: (await read(a, carol, root))[1]?.id as OpId })
  expect([await unread(a.alice), await unread(carol)]).toEqual([[0, 0], [0, 0]])
  await carol.restart()
  await a.room.pass(1000)
  await say(a, bob, 'By the fence', { thread: root })
  expect(await unread(carol)).toEqual([1, 0])
})

test('a forum lists its posts by what lately went on, and by tag', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const { channel: forum } = await a.does(a.alice, { type: 'create-channel', name: 'Questions', kind: 'forum' })
  await a.room.pass(1000)
  expect((await a.does(bob, { type: 'list-channels' })).channels.map((c) => c.kind)).toEqual(['text', 'forum'])
  const snails = await say(a, bob, 'They eat everything.', { title: 'Snails', tags: ['pests', 'help'] }, forum)
  await say(a, a.alice, 'Late this year.', { title: 'Plums', tags: ['fruit'] }, forum)
  expect(await threads(a, bob, forum)).toEqual(['Plums', 'Snails'])
  await say(a, a.alice, 'Beer traps.', { thread: snails }, forum)
  expect(await threads(a, bob, forum)).toEqual(['Snails', 'Plums'])
  expect(await threads(a, bob, forum, 'fruit')).toEqual(['Plums'])
  await a.does(bob, { type: 'edit-message', message: snails, text: 'They eat nearly everything.' })
  await a.room.pass(1000)
  expect((await read(a, a.alice, undefined, forum))[0]).toMatchObject({ title: 'Snails', tags: ['pests', 'help'], text: 'They eat nearly everything.', replies: { count: 1 } })
  await a.does(bob, { type: 'edit-message', message: snails, text: 'Solved', title: 'Snails (solved)', tags: [] })
  await a.does(a.alice, { type: 'delete-message', message: (await read(a, a.alice, undefined, forum))[1]?.id as OpId })
  await a.room.pass(1000)
  expect(await threads(a, a.alice, forum)).toEqual(['Snails (solved)'])
  expect((await a.room.ask(a.alice, { type: 'search-messages', query: 'solved' })).results.map((r) => r.message.title)).toEqual(['Snails (solved)'])
})

test('a forum takes posts with a title, other channels take none', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const { channel: forum } = await a.does(a.alice, { type: 'create-channel', name: 'Questions', kind: 'forum' })
  await a.room.pass(1000)
  const refused = async (channel: ChannelId, more: object) => (await a.refusal(bob, { type: 'send-message', channel, text: 'x', ...more }))?.code
  expect(await refused(forum, {})).toBe('name-empty')
  expect(await refused(forum, { title: 'x'.repeat(121) })).toBe('name-too-long')
  expect(await refused(forum, { title: 'x', tags: ['a', 'b', 'c', 'd', 'e', 'f'] })).toBe('bad-request')
  expect(await refused(forum, { title: 'x', tags: ['two\nlines'] })).toBe('bad-request')
  expect(await refused(a.channel, { title: 'x' })).toBe('bad-request')
})

test('M8 a post without a title, or by somebody without the permission, counts for nobody', async () => {
  const a = await Allotment.begin(), bob = await a.joins('Bob')
  const { channel: forum } = await a.does(a.alice, { type: 'create-channel', name: 'Questions', kind: 'forum' })
  const post = await say(a, a.alice, 'Answers welcome', { title: 'Open' }, forum)
  await a.does(a.alice, { type: 'set-override', channel: forum, member: a.id(bob), allow: [], deny: ['thread'] })
  await a.room.pass(1000)
  expect(await a.refusal(bob, { type: 'send-message', channel: forum, text: 'x', title: 'Mine' })).toMatchObject({ code: 'not-allowed', reason: 'no-permission' })
  const replica = bob.space(a.space)
  for (const title of [undefined, 'Mine']) {
    const op = await replica.appendContent({ now: a.room.now, out: new Out() }, forum, replica.groups.tip() as EpochId, { type: 'message', text: 'Forced', ...(title === undefined ? {} : { title }) })
    await a.hand(a.alice, [op.bytes])
  }
  expect(await threads(a, a.alice, forum)).toEqual(['Open'])
  expect((await read(a, a.alice, undefined, forum)).map((m) => m.title)).toEqual(['Open'])
  await a.hand(a.alice, [(await replica.appendContent({ now: a.room.now, out: new Out() }, forum, replica.groups.tip() as EpochId, { type: 'message', text: 'An answer', thread: post })).bytes])
  expect((await read(a, a.alice, post, forum)).map((m) => m.text)).toEqual(['An answer'])
})
