/** Fields of commands: how each kind of value is read from JSON. Limits only keep out what no answer could be useful for. */
import type { UtcOffset } from '../api.ts'
import { parseRoleId } from './authority.ts'
import { parseChannelId, parseDeviceId, parseIdentityId, parseInviteId, parseOpId, parseSpaceId } from './ids.ts'
import { type Permission, PERMISSION_NAMES } from './permissions.ts'

/** Characters of any text in a command: far beyond what the engine accepts. */
export const MAX_COMMAND_TEXT = 64 * 1024
const MAX_COMMAND_TEXTS = 16

export type Field<T> = (value: unknown) => T | undefined
export type Form<F> = { readonly [K in keyof F]-?: undefined extends F[K] ? Optional<NonNullable<F[K]>> : Field<F[K]> }
export interface Optional<T> { readonly optional: Field<T> }

/** Text that UTF-8 can carry: a lone surrogate would not survive the way. */
export const text: Field<string> = (v) => (typeof v === 'string' && v.length <= MAX_COMMAND_TEXT && v.isWellFormed() ? v : undefined)
export const count: Field<number> = (v) => (typeof v === 'number' && Number.isSafeInteger(v) && v >= 1 ? v : undefined)
/** A whole number from 0 on. */
export const amount: Field<number> = (v) => (v === 0 ? 0 : count(v))
/** The world's clocks differ from UTC by quarters of an hour, up to 14 hours. */
const minutesAhead: Field<number> = (v) => (typeof v === 'number' && Number.isSafeInteger(v) && Math.abs(v) <= 14 * 60 && v % 15 === 0 ? v : undefined)
/** Thirty years of summer times. */
const MAX_UTC_OFFSETS = 64
/** In the order of time. */
export const utcOffsets: Field<readonly UtcOffset[]> = (v) => {
  if (!Array.isArray(v) || v.length === 0 || v.length > MAX_UTC_OFFSETS) return undefined
  const out: UtcOffset[] = []
  for (const pair of v) {
    const [from, minutes] = Array.isArray(pair) && pair.length === 2 ? [amount(pair[0]), minutesAhead(pair[1])] : []
    if (from === undefined || minutes === undefined || from < (out.at(-1)?.[0] ?? 0)) return undefined
    out.push([from, minutes])
  }
  return out
}
export const flag: Field<boolean> = (v) => (typeof v === 'boolean' ? v : undefined)
export const oneOf = <T extends string>(...values: readonly T[]): Field<T> => (v) => values.find((value) => value === v)
const id = <T>(parse: (value: string) => T | undefined): Field<T> => (v) => (typeof v === 'string' ? parse(v) : undefined)

/** A list of at most `max`, none twice. */
export const list = <T>(item: Field<T>, max: number): Field<readonly T[]> => (v) => {
  if (!Array.isArray(v) || v.length > max) return undefined
  const out = v.map(item).filter((x): x is NonNullable<typeof x> => x !== undefined)
  return out.length === v.length && new Set(out).size === out.length ? out : undefined
}
export const texts: Field<readonly string[]> = list(text, MAX_COMMAND_TEXTS)
export const permissions: Field<readonly Permission[]> = list(oneOf(...PERMISSION_NAMES), PERMISSION_NAMES.length)

export const space = id(parseSpaceId), channel = id(parseChannelId), message = id(parseOpId), member = id(parseIdentityId), invite = id(parseInviteId)
export const role = id(parseRoleId), device = id(parseDeviceId)

/** Decodes an object with a `type` and that type's fields; undefined for an unknown type, a missing, misshapen or unknown field. Never throws. */
export function decodeForm<F extends { readonly type: string }>(forms: { readonly [T in F['type']]: Form<Omit<Extract<F, { type: T }>, 'type'>> }, value: unknown): F | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const given = new Map<string, unknown>(Object.entries(value)), type = given.get('type')
  const form = typeof type === 'string' && Object.hasOwn(forms, type) ? forms[type as F['type']] : undefined
  if (form === undefined) return undefined
  given.delete('type')
  const out: Record<string, unknown> = { type }
  for (const [name, field] of Object.entries<Field<unknown> | Optional<unknown>>(form)) {
    const isOptional = typeof field !== 'function'
    const raw = given.get(name)
    given.delete(name)
    if (isOptional && raw === undefined) continue
    const decoded = isOptional ? field.optional(raw) : field(raw)
    if (decoded === undefined) return undefined
    out[name] = decoded
  }
  // The forms have, by their type, every field of every kind: an object filled from one is of that kind.
  return given.size === 0 ? (out as unknown as F) : undefined
}
