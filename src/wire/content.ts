/**
 * The plaintext of a content op, and its padding. Sealed by src/engine/content.
 *
 *   message   [text, more]                what a person wrote
 *   edit      [message id, text, more]    its author's new words, instead of all the former ones
 *   delete    [message id]                by its author
 *   remove    [message id]                by somebody who may manage messages: a type of its own, so that authority judges it like any op that needs a permission
 *   reaction  [message id, emoji]         unreact  [message id, [op id of a reaction, ...]]
 *   pin       [message id]                unpin    [message id, [op id of a pin, ...]]
 *
 * `more` is a map of what few messages have, each field left out where there is nothing to say. Fields unknown to this version are passed over:
 *
 *   re     the message answered to          th    the message that began the thread this one is in
 *   at     [identity mentioned, ...]        rl    [role mentioned, ...]        all   everybody is meant
 *   title  of a forum post                  tags  [tag, ...] of a forum post
 *
 * Taking back names what is taken back: a reaction that its undoing had not seen stays, whatever anybody's clock says.
 */
import { parseRoleId, type RoleId } from './authority.ts'
import { fromHex } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, isArray, isBytes, isText } from './cbor.ts'
import { type IdentityId, type OpId, parseIdentityId, parseOpId } from './ids.ts'

/** Four bytes a character at most, and the frame around it. */
export const MAX_CONTENT_BYTES = 64 * 1024
/** UTF-16 units of one emoji: the longest families and flags have fewer. */
export const MAX_EMOJI_UNITS = 32
export const MAX_MENTIONS = 100
export const MAX_TITLE_CHARS = 120
export const MAX_TAGS = 5
export const MAX_TAG_CHARS = 32
/** Notes taken back at once: more than one person's devices make of one thing. */
export const MAX_TAKEN_BACK = 64

/** What a message says, and its author may say anew. */
export interface Words {
  readonly text: string
  readonly mentions?: readonly IdentityId[]
  readonly roles?: readonly RoleId[]
  readonly everyone?: true
  readonly title?: string
  readonly tags?: readonly string[]
}

export interface MessageContent extends Words {
  readonly type: 'message'
  readonly replyTo?: OpId
  readonly thread?: OpId
}

/** What is said about a message after it was written. */
export type NoteContent =
  | ({ readonly type: 'edit'; readonly message: OpId } & Words)
  | { readonly type: 'delete' | 'remove' | 'pin'; readonly message: OpId }
  | { readonly type: 'reaction'; readonly message: OpId; readonly emoji: string }
  | { readonly type: 'unreact' | 'unpin'; readonly message: OpId; readonly notes: readonly OpId[] }

const EMPTY = new Uint8Array()

export type Content = MessageContent | NoteContent

const raw = (id: string): Uint8Array => fromHex(id) as Uint8Array

export function encodeContent(content: Content): Uint8Array {
  switch (content.type) {
    case 'message': return encodeCbor([content.text, encodeMore(content)])
    case 'edit': return encodeCbor([raw(content.message), content.text, encodeMore(content)])
    case 'delete': case 'remove': case 'pin': return encodeCbor([raw(content.message)])
    case 'reaction': return encodeCbor([raw(content.message), content.emoji])
    case 'unreact': case 'unpin': return encodeCbor([raw(content.message), content.notes.map(raw)])
  }
}

function encodeMore(c: Words & { readonly replyTo?: OpId; readonly thread?: OpId }): Cbor {
  return {
    ...(c.replyTo === undefined ? {} : { re: raw(c.replyTo) }),
    ...(c.thread === undefined ? {} : { th: raw(c.thread) }),
    ...(c.mentions === undefined ? {} : { at: c.mentions.map(raw) }),
    ...(c.roles === undefined ? {} : { rl: c.roles.map(raw) }),
    ...(c.everyone === undefined ? {} : { all: true }),
    ...(c.title === undefined ? {} : { title: c.title }),
    ...(c.tags === undefined ? {} : { tags: [...c.tags] }),
  }
}

/** Something to react with: short, whole, and without room for a sentence. Which signs are emoji changes every year, so no list decides. */
export const isEmoji = (text: string): boolean => text !== '' && text.length <= MAX_EMOJI_UNITS && text.isWellFormed() && !/[\s\p{Cc}]/u.test(text)

/** Nothing to read, or something that would look like another: a tag is trimmed, of one line, and short. */
export const isTag = (text: string): boolean => text !== '' && text.length <= MAX_TAG_CHARS && text.isWellFormed() && text.trim() === text && !/\p{Cc}/u.test(text)

export function decodeContent(type: string, bytes: Uint8Array, maxChars: number): Content | undefined {
  const v = decodeCbor(bytes, MAX_CONTENT_BYTES)
  if (!isArray(v)) return undefined
  if (type === 'message') {
    const words = decodeWords(v[0], v[1], maxChars), links = decodeLinks(v[1])
    return v.length === 2 && words !== undefined && links !== undefined ? { type, ...words, ...links } : undefined
  }
  const [target, second, third] = v
  const message = idFrom(target)
  if (message === undefined) return undefined
  switch (type) {
    case 'edit': {
      const words = decodeWords(second, third, maxChars)
      return v.length === 3 && words !== undefined ? { type, message, ...words } : undefined
    }
    case 'delete': case 'remove': case 'pin': return v.length === 1 ? { type, message } : undefined
    case 'reaction': return v.length === 2 && typeof second === 'string' && isEmoji(second) ? { type, message, emoji: second } : undefined
    case 'unreact': case 'unpin': {
      const notes = listOf(second, MAX_TAKEN_BACK, idFrom)
      return v.length === 2 && notes !== undefined && notes.length > 0 ? { type, message, notes } : undefined
    }
    default: return undefined
  }
}

const idFrom = (v: Cbor | undefined): OpId | undefined => (isBytes(v, 32) ? parseOpId(v) : undefined)
const identityFrom = (v: Cbor | undefined): IdentityId | undefined => (isBytes(v, 32) ? parseIdentityId(v) : undefined)
const roleFrom = (v: Cbor | undefined): RoleId | undefined => (isBytes(v, 16) ? parseRoleId(v) : undefined)
const isMap = (v: Cbor | undefined): v is { readonly [key: string]: Cbor } => typeof v === 'object' && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array)

function listOf<T>(v: Cbor | undefined, max: number, read: (item: Cbor) => T | undefined): T[] | undefined {
  if (!isArray(v) || v.length > max) return undefined
  const out = v.map(read).filter((item) => item !== undefined)
  return out.length === v.length ? out : undefined
}

function decodeWords(text: Cbor | undefined, more: Cbor | undefined, maxChars: number): Words | undefined {
  if (!isText(text, maxChars) || text === '' || !isMap(more)) return undefined
  const { at, rl, all, title, tags } = more
  const mentions = at === undefined ? [] : listOf(at, MAX_MENTIONS, identityFrom)
  const roles = rl === undefined ? [] : listOf(rl, MAX_MENTIONS, roleFrom)
  const tagList = tags === undefined ? [] : listOf(tags, MAX_TAGS, (tag) => (typeof tag === 'string' && isTag(tag) ? tag : undefined))
  if (mentions === undefined || roles === undefined || tagList === undefined || (title !== undefined && (!isText(title, MAX_TITLE_CHARS) || title === ''))) return undefined
  // Most say nothing more, and this runs for every message of a history.
  const words: { -readonly [K in keyof Words]: Words[K] } = { text }
  if (mentions.length > 0) words.mentions = mentions
  if (roles.length > 0) words.roles = roles
  if (all === true) words.everyone = true
  if (title !== undefined) words.title = title
  if (tagList.length > 0) words.tags = tagList
  return words
}

function decodeLinks(more: Cbor | undefined): { readonly replyTo?: OpId; readonly thread?: OpId } | undefined {
  if (!isMap(more)) return undefined
  const replyTo = idFrom(more['re']), thread = idFrom(more['th'])
  if ((more['re'] !== undefined && replyTo === undefined) || (more['th'] !== undefined && thread === undefined)) return undefined
  return { ...(replyTo === undefined ? {} : { replyTo }), ...(thread === undefined ? {} : { thread }) }
}

/**
 * Pads what somebody writes to 64 bytes, or else by steps of 32 and, above 512, of an eighth of the power of two below: on average 16 bytes of a usual message. Those who may
 * not read it see its length so; a relay sees that of its envelope, in steps of powers of two.
 */
export function padText(bytes: Uint8Array, space?: Uint8Array): Uint8Array {
  const length = bytes.length + 1
  const step = Math.max(32, 2 ** (Math.ceil(Math.log2(length)) - 4))
  return padTo(bytes, Math.max(64, Math.ceil(length / step) * step), space)
}

/** A one and zeros (ISO/IEC 7816-4). `space`: where it is to stand, if there is room. */
function padTo(bytes: Uint8Array, size: number, space: Uint8Array = EMPTY): Uint8Array {
  const out = size <= space.length ? space.subarray(0, size).fill(0, bytes.length) : new Uint8Array(size)
  out.set(bytes)
  out[bytes.length] = 0x80
  return out
}

/** Pads to 64 bytes times a power of two, so that lengths tell little. */
export function pad(bytes: Uint8Array, smallest = 64): Uint8Array {
  let size = smallest
  while (size < bytes.length + 1) size *= 2
  return padTo(bytes, size)
}

/** undefined when the padding is not of the form above. */
export function unpad(bytes: Uint8Array): Uint8Array | undefined {
  let end = bytes.length - 1
  while (end >= 0 && bytes[end] === 0) end--
  return end >= 0 && bytes[end] === 0x80 ? bytes.subarray(0, end) : undefined
}

/** Pads to Padmé sizes (Nikitin et al., PETS 2019) above 8 KiB and to 256 B * 2^k below: what a relay sees of a parcel's size. */
export function padEnvelope(bytes: Uint8Array): Uint8Array {
  const length = bytes.length + 1
  if (length <= 8192) return pad(bytes, 256)
  const exponent = Math.floor(Math.log2(length))
  const last = exponent - (Math.floor(Math.log2(exponent)) + 1)
  const step = 2 ** last
  return padTo(bytes, Math.ceil(length / step) * step)
}
