/** What Alice has begun to write. */
import { expect, test } from 'vitest'
import { Room } from './engines.test-support.ts'
import { MAX_DRAFT_CHARS } from './limits.ts'

test('a draft waits in its channel, over a restart as well, until it is sent or emptied', async () => {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment' })
  const other = (await room.ask(alice, { type: 'create-channel', space, name: 'shed' })).channel
  const draft = async (where = channel): Promise<string> => (await room.ask(alice, { type: 'get-draft', space, channel: where })).text
  expect(await draft()).toBe('')

  await room.ask(alice, { type: 'keep-draft', space, channel, text: ' The key is 🔑' })
  await alice.restart()
  expect(await draft()).toBe(' The key is 🔑')
  expect(await draft(other)).toBe('')

  await room.ask(alice, { type: 'keep-draft', space, channel, text: '' })
  expect(await draft()).toBe('')
})

test('a draft has a limit, and belongs to a channel that there is', async () => {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment' })
  const keep = async (text: string, where: typeof channel): Promise<unknown> => {
    const reply = await room.reply(alice, { type: 'keep-draft', space, channel: where, text })
    return reply?.ok === false && reply.error.code
  }
  expect(await keep('x'.repeat(MAX_DRAFT_CHARS + 1), channel)).toBe('text-too-long')
  expect(await keep('x', '0'.repeat(32) as typeof channel)).toBe('unknown-channel')
})

test('a thread has a draft of its own', async () => {
  const room = new Room()
  const alice = await room.person('Alice')
  const { space, channel } = await room.ask(alice, { type: 'create-space', name: 'Allotment' })
  const thread = (await room.ask(alice, { type: 'send-message', space, channel, text: 'What shall we plant?' })).messageId
  await room.ask(alice, { type: 'keep-draft', space, channel, thread, text: 'Beans' })
  expect((await room.ask(alice, { type: 'get-draft', space, channel })).text).toBe('')
  await room.ask(alice, { type: 'keep-draft', space, channel, text: 'By the way' })
  await alice.restart()
  expect((await room.ask(alice, { type: 'get-draft', space, channel, thread })).text).toBe('Beans')
  expect((await room.ask(alice, { type: 'get-draft', space, channel })).text).toBe('By the way')
})
