/**
 * One fresh op of content, as members who hold its key give it to each other at once: what it says, and of its header only what its reader can't know. The rest, which is
 * most of it, is as the reader's own log has it: where its chain ends, which ops of authority nobody has seen another after. Whoever gets it makes the op anew; where
 * their log differs another op comes of it, which shows by the first bytes of its id, and they compare what they hold (engine/sync/fresh.ts).
 *
 *   fresh = flags (1) || channel (4) || epoch (4) || [device (8)] || signature (64) || variant (4) || sealed           flags 1: by another device than the sender's
 *   what is sealed = number in its channel, what its number in the whole chain adds to that, label (less that of its epoch, zigzag), type, link, number of heads (LEB128 each)
 *                    || heads (4 each) || op id (4) || raw DEFLATE of the text                                         then a one and zeros, to 16 bytes
 *
 * Ids are cut to their first bytes: a name for what both know, which proves nothing. The signature covers the whole op.
 */
import { deflateSync, Inflate } from 'fflate'
import { concat, hexAt, putHex } from './bytes.ts'
import { MAX_CONTENT_BYTES, unpad } from './content.ts'
import { MAX_DEPS } from './op.ts'

const NAME_BYTES = 4, DEVICE_BYTES = 8, SIG_BYTES = 64, STEP = 16
/** The nonce hangs on what is sealed by so much: two apps may deflate one text differently. */
export const VARIANT_BYTES = 4
/** Types by their number here: of others ops go as they are. */
const TYPES = ['message', 'edit', 'delete', 'remove', 'reaction', 'unreact', 'pin', 'unpin'] as const
/** How an op names the one before it in its whole chain: there is none, it is the one before in the channel, or its author's last anywhere. */
const LINKS = ['none', 'channel', 'last'] as const
const LEVEL = 9
/** Room for deflating what doesn't get smaller, and for the rest. */
const MAX_SEALED_BYTES = MAX_CONTENT_BYTES + 1024

/** First bytes of ids, as hex. */
export interface FreshOp {
  readonly channel: string
  readonly epoch: string
  /** undefined: the sender's. */
  readonly device: string | undefined
  readonly sig: Uint8Array
  readonly variant: Uint8Array
  readonly sealed: Uint8Array
}

export interface FreshText {
  readonly chanSeq: number
  readonly seq: number
  /** Its label less that of its epoch. */
  readonly later: number
  readonly type: string
  readonly link: typeof LINKS[number]
  readonly deps: readonly string[]
  readonly id: string
  readonly text: Uint8Array
}

export const nameOf = (id: string): string => id.slice(0, 2 * NAME_BYTES)
export const deviceNameOf = (id: string): string => id.slice(0, 2 * DEVICE_BYTES)
export const hasNumber = (type: string): boolean => (TYPES as readonly string[]).includes(type)

function name(hex: string): Uint8Array {
  const out = new Uint8Array(hex.length / 2)
  putHex(out, 0, hex)
  return out
}

export const encodeFresh = (f: FreshOp): Uint8Array =>
  concat(Uint8Array.of(f.device === undefined ? 0 : 1), name(f.channel), name(f.epoch), f.device === undefined ? new Uint8Array() : name(f.device), f.sig, f.variant, f.sealed)

export function decodeFresh(bytes: Uint8Array): FreshOp | undefined {
  const flags = bytes[0], at = 1 + 2 * NAME_BYTES, sig = flags === 1 ? at + DEVICE_BYTES : at, variant = sig + SIG_BYTES, sealed = variant + VARIANT_BYTES
  if ((flags !== 0 && flags !== 1) || bytes.length < sealed + STEP || bytes.length > sealed + MAX_SEALED_BYTES) return undefined
  return {
    channel: hexAt(bytes, 1, NAME_BYTES), epoch: hexAt(bytes, 1 + NAME_BYTES, NAME_BYTES), device: flags === 1 ? hexAt(bytes, at, DEVICE_BYTES) : undefined,
    sig: bytes.slice(sig, variant), variant: bytes.slice(variant, sealed), sealed: bytes.slice(sealed),
  }
}

export function encodeFreshText(t: FreshText): Uint8Array {
  const numbers: number[] = []
  for (const value of [t.chanSeq, t.seq - t.chanSeq, t.later < 0 ? -2 * t.later - 1 : 2 * t.later, TYPES.indexOf(t.type as typeof TYPES[number]), LINKS.indexOf(t.link), t.deps.length]) {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) numbers.push((rest % 128) | 128)
    numbers.push(rest)
  }
  const plain = concat(Uint8Array.from(numbers), ...t.deps.map(name), name(t.id), deflateSync(t.text, { level: LEVEL }))
  const out = new Uint8Array(Math.ceil((plain.length + 1) / STEP) * STEP)
  out.set(plain)
  out[plain.length] = 0x80
  return out
}

export function decodeFreshText(padded: Uint8Array): FreshText | undefined {
  const bytes = padded.length % STEP === 0 ? unpad(padded) : undefined
  if (bytes === undefined || padded.length - bytes.length > STEP) return undefined
  let at = 0
  const number = (): number => {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined || (byte === 0 && scale > 1)) return NaN
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return NaN
  }
  const chanSeq = number(), seq = chanSeq + number(), turned = number(), type = TYPES[number()], link = LINKS[number()], heads = number()
  if (!(chanSeq >= 1) || !Number.isSafeInteger(seq) || !Number.isSafeInteger(turned) || type === undefined || link === undefined || !(heads <= MAX_DEPS) || bytes.length < at + (heads + 1) * NAME_BYTES) return undefined
  const names = Array.from({ length: heads + 1 }, (_, n) => hexAt(bytes, at + n * NAME_BYTES, NAME_BYTES))
  const text = inflated(bytes.subarray(at + names.length * NAME_BYTES))
  const later = turned % 2 === 1 ? -(turned + 1) / 2 : turned / 2
  return text === undefined ? undefined : { chanSeq, seq, later, type, link, deps: names.slice(0, heads), id: names[heads] as string, text }
}

/** No more than a text may have: what is small may be the beginning of much. */
function inflated(bytes: Uint8Array): Uint8Array | undefined {
  const parts: Uint8Array[] = []
  let size = 0, isWhole = false
  const inflater = new Inflate((part, isLast) => {
    size += part.length
    isWhole = isLast
    if (size <= MAX_CONTENT_BYTES) parts.push(part.slice())
  })
  try {
    for (let from = 0; from < bytes.length && size <= MAX_CONTENT_BYTES; from += INFLATED_AT_ONCE) inflater.push(bytes.subarray(from, from + INFLATED_AT_ONCE), from + INFLATED_AT_ONCE >= bytes.length)
  } catch { return undefined }
  return isWhole && size <= MAX_CONTENT_BYTES ? concat(...parts) : undefined
}
const INFLATED_AT_ONCE = 1024
