/** The forms of commands about what people say. */
import type { MessageCommand } from '../api/messages.ts'
import type { WatchedQuestion } from '../api/windows.ts'
import { channel, count, decodeForm, type Field, flag, type Form, list, member, message, oneOf, role, space, text, texts, utcOffsets } from './command-fields.ts'
import { MAX_MENTIONS } from './content.ts'

type Fields<T extends MessageCommand['type']> = Omit<Extract<MessageCommand, { type: T }>, 'type'>

const MORE = {
  mentions: { optional: list(member, MAX_MENTIONS) }, mentionRoles: { optional: list(role, MAX_MENTIONS) }, mentionEveryone: { optional: flag },
  title: { optional: text }, tags: { optional: texts },
}

const QUESTION_FORMS: { readonly [T in WatchedQuestion['type']]: Form<Fields<T>> } = {
  'get-messages': {
    space, channel, thread: { optional: message }, limit: { optional: count }, before: { optional: message }, after: { optional: message }, around: { optional: message }, order: { optional: count }, unread: { optional: flag },
  },
  'list-threads': { space, channel, tag: { optional: text }, limit: { optional: count }, before: { optional: message } },
  'list-pins': { space, channel },
  'search-messages': {
    query: text, space: { optional: space }, channel: { optional: channel }, limit: { optional: count }, before: { optional: message },
    order: { optional: oneOf('newest', 'best') }, utcOffsets: { optional: utcOffsets },
  },
}

const question: Field<WatchedQuestion> = (v) => decodeForm(QUESTION_FORMS, v)

export const MESSAGE_FORMS: { readonly [T in MessageCommand['type']]: Form<Fields<T>> } = {
  ...QUESTION_FORMS,
  'watch-messages': { window: count, question },
  'grow-window': { window: count, to: oneOf('older', 'newer'), limit: { optional: count } },
  'close-window': { window: count },
  'send-message': { space, channel, text, replyTo: { optional: message }, thread: { optional: message }, ...MORE },
  'edit-message': { space, message, text, ...MORE },
  'delete-message': { space, message },
  'react': { space, message, emoji: text, on: flag },
  'pin-message': { space, message, on: flag },
  'typing': { space, channel },
  'retry-message': { space, message },
  'mark-read': { space, channel, message },
  'keep-draft': { space, channel, text, thread: { optional: message } },
  'get-draft': { space, channel, thread: { optional: message } },
}
