/**
 * Commands as they come from outside: a line of JSON to the headless peer, a message on the worker's port. A command is an object with
 * `type` and that type's fields, and nothing else: a misspelt field is an error, not a default.
 *
 * The limits here only keep out what no answer could be useful for. What a name or a text may be is the engine's to say, with its own error codes.
 */
import type { Command, CommandType, Readers } from '../api.ts'
import { MAX_DM_MEMBERS } from './authority.ts'
import { AUTHORITY_FORMS } from './command-authority.ts'
import { amount, channel, count, decodeForm, device, type Field, flag, type Form, invite, list, member, oneOf, role, space, text, texts } from './command-fields.ts'
import { MESSAGE_FORMS } from './command-messages.ts'

const MAX_COMMAND_READERS = 1024

type Fields<T extends CommandType> = Omit<Extract<Command, { type: T }>, 'type'>

/** At least one of either kind. */
const readers: Field<Readers> = (v) => {
  if (typeof v !== 'object' || v === null || Object.keys(v).some((key) => key !== 'roles' && key !== 'members')) return undefined
  const given = new Map<string, unknown>(Object.entries(v))
  const roles = list(role, MAX_COMMAND_READERS)(given.get('roles') ?? []), members = list(member, MAX_COMMAND_READERS)(given.get('members') ?? [])
  return roles === undefined || members === undefined || roles.length + members.length === 0 ? undefined : { roles, members }
}

const FORMS: { readonly [T in CommandType]: Form<Fields<T>> } = {
  'set-up': { name: text, anew: { optional: flag } },
  'set-name': { name: text },
  'set-profile': { about: { optional: text }, emoji: { optional: text }, colour: { optional: amount } },
  'ask-to-link': {},
  'link-device': { request: text },
  'finish-link': { answer: text },
  'name-device': { device, name: text },
  'recovery-phrase': {},
  'enter-phrase': { phrase: text, name: { optional: text } },
  'create-space': { name: text, relays: { optional: texts } },
  'list-spaces': {},
  'open-dm': { space, members: list(member, MAX_DM_MEMBERS) },
  'rename-space': { space, name: text },
  'leave-space': { space },
  'create-channel': { space, name: text, kind: { optional: oneOf('text', 'forum', 'category') }, category: { optional: channel }, readers: { optional: readers } },
  'set-readers': { space, channel, readers: { optional: readers } },
  'move-channel': { space, channel, category: { optional: channel }, after: { optional: channel } },
  'rename-channel': { space, channel, name: text },
  'list-channels': { space },
  'list-members': { space },
  'remove-member': { space, member },
  'create-invite': { space, role: { optional: role }, uses: { optional: count }, expiresInMs: { optional: count }, base: { optional: text } },
  'list-invites': { space },
  'revoke-invite': { space, invite },
  'read-link': { link: text },
  'join': { link: text },
  'status': {},
  'storage': {},
  'compact': {},
  'keep-here': { space, channel: { optional: channel }, maxBytes: { optional: amount } },
  'check-storage': {},
  'save-copy': { passphrase: text },
  'take-copy': { file: text, passphrase: text },
  'cancel-copy': {},
  ...AUTHORITY_FORMS,
  ...MESSAGE_FORMS,
}

export const COMMAND_TYPES = Object.keys(FORMS) as readonly CommandType[]

const isCommandType = (type: unknown): type is CommandType => typeof type === 'string' && Object.hasOwn(FORMS, type)

/** The fields of a command, for error messages: optional ones in brackets. undefined for a type that isn't there. */
export function fieldsOf(type: unknown): string[] | undefined {
  if (!isCommandType(type)) return undefined
  return Object.entries(FORMS[type]).map(([name, field]) => (typeof field === 'function' ? name : `[${name}]`))
}

/** Decodes one command; undefined for an unknown type, a missing, misshapen or unknown field. Never throws. */
export const decodeCommand = (value: unknown): Command | undefined => decodeForm(FORMS, value)
