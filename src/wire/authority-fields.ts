/**
 * Fields of authority bodies: how each kind of value is written and read back, with its limit. A form is a list of fields in a fixed order,
 * encoded as a canonical CBOR array of them: one table (authority.ts) describes every body, so that both directions can't drift apart.
 */
import { fromHex } from './bytes.ts'
import { type Cbor, isArray, isBytes, isText, isUint } from './cbor.ts'
import { type ChannelId, type DeviceId, type IdentityId, type InviteId, type OpId, parseChannelId, parseDeviceId, parseIdentityId, parseInviteId, parseOpId } from './ids.ts'

/** What `read` gives for anything that `write` would not have made. Not undefined: that is a value of optional fields. */
export const BAD: unique symbol = Symbol('bad field')
export type Bad = typeof BAD

export interface Field<T> {
  write(value: T): Cbor
  read(value: Cbor | undefined): T | Bad
}
export type ValueOf<F> = F extends Field<infer T> ? T : never

const NONE = new Uint8Array()

/** A missing value is undefined in memory and an empty byte string on the wire, which no other field here can be. */
export const optional = <T>(inner: Field<T>): Field<T | undefined> => ({
  write: (v) => (v === undefined ? NONE : inner.write(v)),
  read: (v) => (isBytes(v, 0) ? undefined : inner.read(v)),
})

/** Text of 1 (or `min`) to `max` UTF-16 units, as people see lengths; well-formed, since CBOR text is UTF-8. */
export const text = (max: number, min = 1): Field<string> => ({
  write: (v) => v,
  read: (v) => (isText(v, max) && v.length >= min && v.isWellFormed() ? v : BAD),
})

export const uint = (max = Number.MAX_SAFE_INTEGER): Field<number> => ({ write: (v) => v, read: (v) => (isUint(v, max) ? v : BAD) })
export const flag: Field<boolean> = { write: (v) => v, read: (v) => (typeof v === 'boolean' ? v : BAD) }
export const bytes = (length: number): Field<Uint8Array> => ({ write: (v) => v, read: (v) => (isBytes(v, length) ? v : BAD) })
export const blob = (max: number): Field<Uint8Array> => ({ write: (v) => v, read: (v) => (isBytes(v) && v.length > 0 && v.length <= max ? v : BAD) })

const id = <T extends string>(length: number, parse: (bytes: Uint8Array) => T | undefined): Field<T> => ({
  write: (v) => fromHex(v) as Uint8Array,
  read: (v) => (isBytes(v, length) ? (parse(v) ?? BAD) : BAD),
})
export const opId: Field<OpId> = id(32, parseOpId)
export const deviceId: Field<DeviceId> = id(32, parseDeviceId)
export const identityId: Field<IdentityId> = id(32, parseIdentityId)
export const channelId: Field<ChannelId> = id(16, parseChannelId)
export const inviteId: Field<InviteId> = id(16, parseInviteId)

/** One of a closed list, as its index. */
export const oneOf = <T extends string>(...values: readonly T[]): Field<T> => ({
  write: (v) => values.indexOf(v),
  read: (v) => (isUint(v) ? (values[v] ?? BAD) : BAD),
})

export const list = <T>(inner: Field<T>, max: number): Field<readonly T[]> => ({
  write: (v) => v.map((item) => inner.write(item)),
  read: (v) => {
    if (!isArray(v) || v.length > max) return BAD
    const out: T[] = []
    for (const item of v) {
      const value = inner.read(item)
      if (value === BAD) return BAD
      out.push(value)
    }
    return out
  },
})

/** A list that is a set: strictly ascending by `key`, so that one set has one encoding. */
export const sorted = <T>(inner: Field<T>, max: number, key: (item: T) => string): Field<readonly T[]> => {
  const plain = list(inner, max)
  return {
    write: (v) => plain.write(v),
    read: (v) => {
      const items = plain.read(v)
      if (items === BAD) return BAD
      for (let i = 1; i < items.length; i++) if (key(items[i - 1] as T) >= key(items[i] as T)) return BAD
      return items
    },
  }
}

export type Form<B> = { readonly [K in keyof B]: Field<B[K]> }

/** Fields in the order they are named. */
export const record = <B extends object>(form: Form<B>): Field<B> => {
  const names = Object.keys(form) as (keyof B)[]
  return {
    write: (v) => names.map((name) => form[name].write(v[name])),
    read: (v) => {
      if (!isArray(v, names.length)) return BAD
      const out: Partial<B> = {}
      for (const [i, name] of names.entries()) {
        const value = form[name].read(v[i])
        if (value === BAD) return BAD
        out[name] = value
      }
      return out as B
    },
  }
}
