/**
 * Commands as they come from outside: a line of JSON to the headless peer, a message on the worker's port. A command is an object with
 * `type` and that type's fields, and nothing else: a misspelt field is an error, not a default.
 *
 * The limits here only keep out what no answer could be useful for. What a name or a text may be is the engine's to say, with its own error codes.
 */
import type { Command, CommandType } from '../api.ts'
import { parseChannelId, parseIdentityId, parseInviteId, parseOpId, parseSpaceId } from './ids.ts'

/** Characters of any text in a command: far beyond what the engine accepts. */
export const MAX_COMMAND_TEXT = 64 * 1024
const MAX_COMMAND_RELAYS = 16

type Field<T> = (value: unknown) => T | undefined
type Fields<T extends CommandType> = Omit<Extract<Command, { type: T }>, 'type'>
type Form<F> = { readonly [K in keyof F]-?: undefined extends F[K] ? Optional<NonNullable<F[K]>> : Field<F[K]> }
interface Optional<T> { readonly optional: Field<T> }

/** Text that UTF-8 can carry: a lone surrogate would not survive the way. */
const text: Field<string> = (v) => (typeof v === 'string' && v.length <= MAX_COMMAND_TEXT && v.isWellFormed() ? v : undefined)
const count: Field<number> = (v) => (typeof v === 'number' && Number.isSafeInteger(v) && v >= 1 ? v : undefined)
const id = <T>(parse: (value: string) => T | undefined): Field<T> => (v) => (typeof v === 'string' ? parse(v) : undefined)
const texts: Field<readonly string[]> = (v) => {
  if (!Array.isArray(v) || v.length > MAX_COMMAND_RELAYS) return undefined
  const out = v.map(text).filter((item) => item !== undefined)
  return out.length === v.length ? out : undefined
}

const space = id(parseSpaceId), channel = id(parseChannelId), message = id(parseOpId), member = id(parseIdentityId), invite = id(parseInviteId)

const FORMS: { readonly [T in CommandType]: Form<Fields<T>> } = {
  'set-up': { name: text },
  'set-name': { name: text },
  'create-space': { name: text, relays: { optional: texts } },
  'list-spaces': {},
  'rename-space': { space, name: text },
  'leave-space': { space },
  'create-channel': { space, name: text },
  'rename-channel': { space, channel, name: text },
  'list-channels': { space },
  'list-members': { space },
  'remove-member': { space, member },
  'create-invite': { space, uses: { optional: count }, expiresInMs: { optional: count }, base: { optional: text } },
  'list-invites': { space },
  'revoke-invite': { space, invite },
  'read-link': { link: text },
  'join': { link: text },
  'send-message': { space, channel, text },
  'retry-message': { space, message },
  'get-messages': { space, channel, limit: { optional: count }, before: { optional: message } },
  'mark-read': { space, channel, message },
  'keep-draft': { space, channel, text },
  'get-draft': { space, channel },
  'status': {},
}

export const COMMAND_TYPES = Object.keys(FORMS) as readonly CommandType[]

const isCommandType = (type: unknown): type is CommandType => typeof type === 'string' && Object.hasOwn(FORMS, type)

/** The fields of a command, for error messages: optional ones in brackets. undefined for a type that isn't there. */
export function fieldsOf(type: unknown): string[] | undefined {
  if (!isCommandType(type)) return undefined
  return Object.entries(FORMS[type]).map(([name, field]) => (typeof field === 'function' ? name : `[${name}]`))
}

/** Decodes one command; undefined for an unknown type, a missing, misshapen or unknown field. Never throws. */
export function decodeCommand(value: unknown): Command | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const given = new Map<string, unknown>(Object.entries(value))
  const type = given.get('type')
  if (!isCommandType(type)) return undefined
  given.delete('type')
  const out: Record<string, unknown> = { type }
  for (const [name, field] of Object.entries<Field<unknown> | Optional<unknown>>(FORMS[type])) {
    const isOptional = typeof field !== 'function'
    const raw = given.get(name)
    given.delete(name)
    if (isOptional && raw === undefined) continue
    const decoded = isOptional ? field.optional(raw) : field(raw)
    if (decoded === undefined) return undefined
    out[name] = decoded
  }
  // FORMS has, by its type, every field of every command: an object filled from it is one.
  return given.size === 0 ? (out as unknown as Command) : undefined
}
