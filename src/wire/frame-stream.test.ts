import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, equal, fromHex, toHex, utf8 } from './bytes.ts'
import { encodeGreeting, encodeLength, FrameStreamDecoder, MAX_FRAME_BYTES, MOVED, type StreamItem } from './frame-stream.ts'
import vectors from './vectors/frame-stream.json' with { type: 'json' }

const greeting = { session: new Uint8Array(8).fill(1), answering: new Uint8Array(8).fill(2), before: 3 }
const framed = (bytes: Uint8Array): Uint8Array => concat(encodeLength(bytes.length), bytes)

/** All items of a stream that comes in these pieces; undefined when the decoder refuses one. */
function read(pieces: readonly Uint8Array[]): StreamItem[] | undefined {
  const decoder = new FrameStreamDecoder()
  const all: StreamItem[] = []
  for (const piece of pieces) {
    const items = decoder.push(piece)
    if (!items) return undefined
    all.push(...items)
  }
  return all
}

/** Cuts bytes at these places, in any order and number. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map(place => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return sorted.slice(1).map((end, n) => bytes.subarray(sorted[n], end))
}

test('frames come out whole and in order, however the bytes were cut', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (frames, places, moved) => {
    const bytes = concat(encodeGreeting(greeting), ...frames.map(framed), ...moved ? [MOVED] : [])
    expect(read(cut(bytes, places))).toEqual([
      { type: 'greeting', greeting }, ...frames.map(frame => ({ type: 'frame', bytes: frame })), ...moved ? [{ type: 'moved' }] : [],
    ])
  }))
})

test('the largest frame passes, a larger one is neither written nor read', () => {
  const largest = new Uint8Array(MAX_FRAME_BYTES).fill(7)
  const last = read([encodeGreeting(greeting), framed(largest)])?.at(-1)
  expect(last?.type === 'frame' && equal(last.bytes, largest)).toBe(true)
  expect(() => encodeLength(MAX_FRAME_BYTES + 1)).toThrow(RangeError)
  expect(() => encodeLength(0)).toThrow(RangeError)
  const tooLong = new Uint8Array(4)
  new DataView(tooLong.buffer).setUint32(0, MAX_FRAME_BYTES + 1)
  expect(read([encodeGreeting(greeting), tooLong, Uint8Array.of(1)])).toBeUndefined()
  expect(read([encodeGreeting(greeting), fromHex('ffffffff') as Uint8Array, Uint8Array.of(1)])).toBeUndefined()
})

test('a stream cut short at any length gives only what was complete', () => {
  const bytes = concat(encodeGreeting(greeting), framed(utf8('hello')), framed(utf8('Bob')), MOVED)
  const whole = read([bytes]) as StreamItem[]
  for (let length = 0; length < bytes.length; length++) {
    const items = read([bytes.subarray(0, length)]) as StreamItem[]
    expect(items.length).toBeLessThan(whole.length)
    expect(items).toEqual(whole.slice(0, items.length))
  }
})

test('nothing may follow moved, and another version is refused, for good', () => {
  expect(read([encodeGreeting(greeting), MOVED, Uint8Array.of(0)])).toBeUndefined()
  const other = encodeGreeting(greeting)
  other[0] = 2
  const decoder = new FrameStreamDecoder()
  expect(decoder.push(other)).toBeUndefined()
  expect(decoder.push(encodeGreeting(greeting))).toBeUndefined()
})

test('changed bytes give other items or none, never a throw', () => {
  const bytes = concat(encodeGreeting(greeting), framed(utf8('hello')), MOVED)
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const changed = bytes.slice()
    changed[at] = (changed[at] as number) ^ flip
    expect(read([changed])).not.toEqual(read([bytes]))
  }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), random => { read([random]) }))
})

test('the bytes are the ones that other programs write', () => {
  expect(toHex(encodeGreeting(greeting))).toBe(vectors.greeting)
  expect(toHex(framed(utf8('hello')))).toBe(vectors.hello)
  expect(toHex(MOVED)).toBe(vectors.moved)
})
