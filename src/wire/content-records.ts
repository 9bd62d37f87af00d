/** Rows of what was said, opened: messages, and notes about them. Each keeps of its op's header what authority judges it by, so that it can be judged again. */
import { type Cbor, decodeCbor, encodeItems, isArray, isBytes, isText, isUint, type Items } from './cbor.ts'
import { decodeContent, encodeContent, type MessageContent, type NoteContent } from './content.ts'
import { type DeviceId, type IdentityId, type OpId, parseDeviceId, parseIdentityId, parseOpId } from './ids.ts'

/** Whatever the limit of a text was when it was written. */
const MAX_CHARS = 65536
const MAX_ROW_BYTES = 128 * 1024

/** Who wrote it, where it lies in the log, and what its author had seen. */
export interface Origin {
  readonly id: OpId
  readonly device: DeviceId
  readonly author: IdentityId
  /** For whom it was sealed. */
  readonly audience: number
  readonly seq: number
  readonly chanSeq: number
  readonly hlc: number
  readonly deps: readonly OpId[]
}

const ORIGIN_FIELDS = 8

function putOrigin(out: Items, o: Origin): void {
  out.hex(o.id)
  out.hex(o.device)
  out.hex(o.author)
  out.uint(o.audience)
  out.uint(o.seq)
  out.uint(o.chanSeq)
  out.uint(o.hlc)
  out.list(o.deps.length)
  for (const dep of o.deps) out.hex(dep)
}

function decodeOrigin(v: readonly Cbor[]): Origin | undefined {
  const [idBytes, ownBytes, identityBytes, audience, seq, chanSeq, hlc, list] = v
  const id = idFrom(idBytes)
  const device = isBytes(ownBytes, 32) ? parseDeviceId(ownBytes) : undefined
  const author = isBytes(identityBytes, 32) ? parseIdentityId(identityBytes) : undefined
  if (id === undefined || device === undefined || author === undefined || !isUint(audience) || !isUint(seq) || !isUint(chanSeq) || !isUint(hlc) || !isArray(list)) return undefined
  const deps = list.map(idFrom).filter((dep) => dep !== undefined)
  return deps.length === list.length ? { id, device, author, audience, seq, chanSeq, hlc, deps } : undefined
}

const idFrom = (v: Cbor | undefined): OpId | undefined => (isBytes(v, 32) ? parseOpId(v) : undefined)

export interface MessageRecord extends Origin {
  /** The hlc of its place in the channel: its own, unless its author's clock was unbelievably far ahead. */
  readonly place: number
  /** The message that began the thread it is in. */
  readonly thread: OpId | undefined
  /** undefined: it was deleted, and what it said is off this disk. */
  readonly content: MessageContent | undefined
  /** Notes about it are on this device: to show it they are read, too. */
  readonly noted: boolean
  /** Messages in the thread that it began, and the place of the last. */
  readonly replies: number
  readonly lastReply: number
  /** In a channel that ever had a slow mode: how much later it is labelled than its device's last message before it there (ms). */
  readonly gap?: number
}

/** `said`: its content encoded, where it was just read from that. */
export function encodeMessage(m: MessageRecord, said = m.content === undefined ? undefined : encodeContent(m.content)): Uint8Array {
  return encodeItems((out) => {
    out.list(1 + ORIGIN_FIELDS + 6 + (m.gap === undefined ? 0 : 1))
    out.uint(1)
    putOrigin(out, m)
    out.uint(m.place)
    if (m.thread === undefined) out.none(); else out.hex(m.thread)
    if (said === undefined) out.none(); else out.bytes(said)
    out.yes(m.noted)
    out.uint(m.replies)
    out.uint(m.lastReply)
    if (m.gap !== undefined) out.uint(m.gap)
  })
}

export function decodeMessage(bytes: Uint8Array): MessageRecord | undefined {
  const v = decodeCbor(bytes, MAX_ROW_BYTES)
  if (!isArray(v) || v.length < 1 + ORIGIN_FIELDS + 6 || v.length > 1 + ORIGIN_FIELDS + 7 || v[0] !== 1) return undefined
  const origin = decodeOrigin(v.slice(1, 1 + ORIGIN_FIELDS))
  const [place, root, said, noted, replies, lastReply, gap] = v.slice(1 + ORIGIN_FIELDS)
  const thread = idFrom(root), content = isBytes(said) ? decodeContent('message', said, MAX_CHARS) : undefined
  if (origin === undefined || !isUint(place) || (root !== null && thread === undefined) || (said !== null && content?.type !== 'message')) return undefined
  if (typeof noted !== 'boolean' || !isUint(replies) || !isUint(lastReply) || (gap !== undefined && !isUint(gap))) return undefined
  return { ...origin, place, thread, content: content?.type === 'message' ? content : undefined, noted, replies, lastReply, ...(gap === undefined ? {} : { gap }) }
}

/** A note about a message. */
export interface NoteRecord extends Origin { readonly content: NoteContent }

export function encodeNote(n: NoteRecord): Uint8Array {
  const said = encodeContent(n.content)
  return encodeItems((out) => {
    out.list(1 + ORIGIN_FIELDS + 2)
    out.uint(1)
    putOrigin(out, n)
    out.text(n.content.type)
    out.bytes(said)
  })
}

export function decodeNote(bytes: Uint8Array): NoteRecord | undefined {
  const v = decodeCbor(bytes, MAX_ROW_BYTES)
  if (!isArray(v, 1 + ORIGIN_FIELDS + 2) || v[0] !== 1) return undefined
  const origin = decodeOrigin(v.slice(1, 1 + ORIGIN_FIELDS))
  const [type, said] = v.slice(1 + ORIGIN_FIELDS)
  const content = isText(type, 16) && isBytes(said) ? decodeContent(type, said, MAX_CHARS) : undefined
  return origin === undefined || content === undefined || content.type === 'message' ? undefined : { ...origin, content }
}
