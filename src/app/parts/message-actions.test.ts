import { expect, test } from 'vitest'
import { EMPTY_VIEW, refused, withPage, withPending } from '../channel-view.ts'
import { ALICE, fromAlice, fromBob, NOON, opId, pageOf } from '../messages.test-support.ts'
import { actionOfKey, actionsOf } from './message-actions.ts'
import { rowsOf, type MessageLine } from './rows.ts'

const MEMBER = { write: true, react: true, manage: false, thread: false }
const MODERATOR = { write: true, react: true, manage: true, thread: false }
const GONE = { write: false, react: false, manage: false, thread: false }

function row(...messages: Parameters<typeof pageOf>[0]): MessageLine {
  const last = rowsOf(withPage(EMPTY_VIEW, pageOf(messages), 0), ALICE).at(-1)
  if (last?.type !== 'message') throw new Error('No message')
  return last
}

test('one’s own can be edited and deleted, others’ not', () => {
  expect(actionsOf(row(fromAlice('hi', 1)), MEMBER)).toEqual(['react', 'reply', 'edit', 'copy', 'delete'])
  expect(actionsOf(row(fromBob('hi', 1)), MEMBER)).toEqual(['react', 'reply', 'copy'])
})

test('who manages messages pins and deletes anybody’s, but puts words in nobody’s mouth', () => {
  expect(actionsOf(row(fromBob('hi', 1)), MODERATOR)).toEqual(['react', 'reply', 'copy', 'pin', 'delete'])
  expect(actionsOf(row(fromBob('hi', 1, { pinned: true })), MODERATOR)).toContain('unpin')
})

test('where one may react and not write, one reacts', () => { expect(actionsOf(row(fromBob('hi', 1)), { ...GONE, react: true })).toEqual(['react', 'copy']) })

test('a thread begins at a message of the channel, by who may; one that began is open to all', () => {
  const replies = { count: 1, lastAt: NOON, unread: 0, mentions: 0 }
  expect(actionsOf(row(fromBob('hi', 1)), { ...MEMBER, thread: true })).toEqual(['react', 'reply', 'thread', 'copy'])
  expect(actionsOf(row(fromBob('hi', 1, { thread: opId('root') })), { ...MEMBER, thread: true })).not.toContain('thread')
  expect(actionsOf(row(fromBob('hi', 1, { replies })), GONE)).toEqual(['thread', 'copy'])
})

test('who is no longer a member can only copy', () => { expect(actionsOf(row(fromAlice('hi', 1)), GONE)).toEqual(['copy']) })

test('nothing can be done with what was deleted', () => { expect(actionsOf(row(fromBob('', 1, { deleted: true })), MODERATOR)).toEqual([]) })

test('nothing can point at a message before it has its lasting id', () => {
  expect(actionsOf(row(fromAlice('hi', 1, { state: { type: 'securing' } })), MODERATOR)).toEqual(['copy'])
})

test('what was refused can be tried again, or discarded', () => {
  const last = rowsOf(refused(withPending(EMPTY_VIEW, { key: 1, text: 'hi', at: NOON }), 1, 'Full.'), ALICE).at(-1)
  expect(last?.type === 'message' && actionsOf(last, MEMBER)).toEqual(['copy', 'retry', 'discard'])
})

test('keys do what can be done, and nothing else', () => {
  const actions = actionsOf(row(fromBob('hi', 1)), MEMBER)
  expect(actionOfKey('r', actions)).toBe('reply')
  expect(actionOfKey('+', actions)).toBe('react')
  expect(actionOfKey('e', actions)).toBeUndefined()
  expect(actionOfKey('Delete', actions)).toBeUndefined()
  expect(actionOfKey('Backspace', actionsOf(row(fromAlice('hi', 1)), MEMBER))).toBe('delete')
})
