/**
 * Frames on a byte stream, as one peer sends them to another. A stream runs one way and carries, in this order:
 *
 *   greeting   1 byte version || 8 bytes session || 8 bytes answering || 8 bytes before, big endian
 *   frame      4 bytes length, big endian, 1 to MAX_FRAME_BYTES || that many bytes; any number of times
 *   moved      4 bytes zero: the sender's next frames come over another stream of the same session. Nothing may follow.
 *
 * A session is what the sender counts from 'peer-up' to 'peer-down', a random number that it chose; `answering` is the receiver's own session as far as the
 * sender knows it, zeros before it knows. A stream that answers a session which its receiver has already given up is a leftover and ignored, so two
 * peers that lose each other at different moments still agree on where the frames begin. `before` counts the session's frames on earlier streams: a receiver
 * that has them all needs nothing more of those streams, even when one of them breaks instead of ending.
 */
import { concat, fromU64, u64 } from './bytes.ts'

/** The largest frame. Big enough for a batch of ops, small enough that a few of them per peer fit a phone's memory. */
export const MAX_FRAME_BYTES = 1024 * 1024

export const SESSION_BYTES = 8

const VERSION = 1
const GREETING_BYTES = 1 + 2 * SESSION_BYTES + 8
const LENGTH_BYTES = 4

export interface Greeting {
  readonly session: Uint8Array
  readonly answering: Uint8Array
  readonly before: number
}

export type StreamItem =
  | { readonly type: 'greeting'; readonly greeting: Greeting }
  | { readonly type: 'frame'; readonly bytes: Uint8Array }
  | { readonly type: 'moved' }

/** Both numbers are SESSION_BYTES long. */
export const encodeGreeting = (greeting: Greeting): Uint8Array =>
  concat(Uint8Array.of(VERSION), greeting.session, greeting.answering, u64(greeting.before))

export const MOVED: Uint8Array = new Uint8Array(LENGTH_BYTES)

/** The bytes that go before a frame of this length. */
export function encodeLength(length: number): Uint8Array {
  if (length < 1 || length > MAX_FRAME_BYTES) throw new RangeError(`A frame has 1 to ${MAX_FRAME_BYTES} bytes, not ${length}`)
  const out = new Uint8Array(LENGTH_BYTES)
  new DataView(out.buffer).setUint32(0, length)
  return out
}

/** Takes a stream's bytes as they come, in pieces of any size, and gives what is complete. */
export class FrameStreamDecoder {
  /** Holds the part that is being read; its length is known before anything is copied, so a sender can't make us allocate more than one frame. */
  private part = new Uint8Array(GREETING_BYTES)
  private filled = 0
  private state: 'greeting' | 'length' | 'frame' | 'moved' | 'broken' = 'greeting'

  /** What became complete with these bytes; undefined once the stream breaks the format, and ever after. */
  push(bytes: Uint8Array): StreamItem[] | undefined {
    const items: StreamItem[] = []
    let at = 0
    while (at < bytes.length) {
      if (this.state === 'broken' || this.state === 'moved') { this.state = 'broken'; return undefined }
      const taken = Math.min(this.part.length - this.filled, bytes.length - at)
      this.part.set(bytes.subarray(at, at + taken), this.filled)
      this.filled += taken
      at += taken
      if (this.filled < this.part.length) break
      const item = this.complete()
      if (item) items.push(item)
    }
    return this.is('broken') ? undefined : items
  }

  private is(state: FrameStreamDecoder['state']): boolean { return this.state === state }

  private complete(): StreamItem | undefined {
    const part = this.part
    if (this.state === 'greeting') {
      this.expect(part[0] === VERSION ? 'length' : 'broken', LENGTH_BYTES)
      const at = 1 + SESSION_BYTES
      return { type: 'greeting', greeting: { session: part.slice(1, at), answering: part.slice(at, at + SESSION_BYTES), before: fromU64(part.subarray(at + SESSION_BYTES)) } }
    }
    if (this.state === 'frame') {
      this.expect('length', LENGTH_BYTES)
      return { type: 'frame', bytes: part }
    }
    const length = new DataView(part.buffer).getUint32(0)
    if (length === 0) { this.state = 'moved'; return { type: 'moved' } }
    if (length > MAX_FRAME_BYTES) this.state = 'broken'
    else this.expect('frame', length)
    return undefined
  }

  private expect(state: FrameStreamDecoder['state'], length: number): void {
    this.state = state
    this.part = new Uint8Array(length)
    this.filled = 0
  }
}
