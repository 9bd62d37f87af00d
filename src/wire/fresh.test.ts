/** What is told of a fresh op. Bob reads what Alice wrote, or nothing, and never more than he has room for. */
import { deflateSync } from 'fflate'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, toHex, utf8 } from './bytes.ts'
import { MAX_CONTENT_BYTES } from './content.ts'
import { fuzz, FUZZ_TIMEOUT_MS } from './fuzz.test-support.ts'
import { decodeFresh, decodeFreshText, encodeFresh, encodeFreshText, type FreshOp, type FreshText } from './fresh.ts'

const RUNS = 2000
const hex = (length: number): fc.Arbitrary<string> => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
const texts: fc.Arbitrary<FreshText> = fc.record({
  chanSeq: fc.integer({ min: 1, max: 2 ** 40 }), seq: fc.nat(2 ** 30), later: fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), type: fc.constantFrom('message', 'edit', 'unpin'), link: fc.constantFrom('none', 'channel', 'last'),
  deps: fc.array(hex(4), { maxLength: 16 }), id: hex(4), text: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }).map(utf8)),
}).map((t) => ({ ...t, seq: t.chanSeq + t.seq }))
const said: FreshText = { chanSeq: 7, seq: 9, later: 1024, type: 'message', link: 'channel', deps: ['01020304'], id: '05060708', text: utf8('The slugs came back.') }
const op = (sealed: Uint8Array, device: string | undefined): FreshOp => ({ channel: '01010101', epoch: '02020202', device, sig: new Uint8Array(64).fill(3), variant: new Uint8Array(4).fill(4), sealed })

test('reads back what was written, in whole steps of 16 bytes', () => {
  fc.assert(fc.property(texts, fc.boolean(), (text, isOwn) => {
    const bytes = encodeFreshText(text), fresh = op(bytes, isOwn ? undefined : '05'.repeat(8))
    expect(bytes.length % 16).toBe(0)
    expect(decodeFreshText(bytes)).toEqual(text)
    expect(decodeFresh(encodeFresh(fresh))).toEqual(fresh)
  }), { numRuns: RUNS / 4 })
})

test('cut anywhere or longer, a text is nothing', () => {
  const bytes = encodeFreshText(said)
  for (let n = 0; n < bytes.length; n++) expect(decodeFreshText(bytes.subarray(0, n))).toBeUndefined()
  expect(decodeFreshText(concat(bytes, new Uint8Array(16)))).toBeUndefined()
})

test('changed anywhere, it is something else or nothing, and nothing throws', () => {
  const bytes = encodeFreshText(said)
  fuzz('fresh text', bytes, (damaged) => { decodeFreshText(damaged) })
  fuzz('fresh op', encodeFresh(op(bytes, undefined)), (damaged) => { decodeFresh(damaged) })
}, FUZZ_TIMEOUT_MS)

test('too short, too long, or with flags that nobody knows, an op is nothing', () => {
  const bytes = encodeFresh(op(new Uint8Array(16), undefined))
  for (let n = 0; n < bytes.length; n++) expect(decodeFresh(bytes.subarray(0, n))).toBeUndefined()
  expect(decodeFresh(concat(Uint8Array.of(2), bytes.subarray(1)))).toBeUndefined()
  expect(decodeFresh(encodeFresh(op(new Uint8Array(MAX_CONTENT_BYTES + 2048), undefined)))).toBeUndefined()
})

test('what swells to more than a text may have is nothing, and soon', () => {
  const empty = encodeFreshText({ ...said, text: new Uint8Array() }), head = empty.subarray(0, empty.lastIndexOf(0x80) - deflateSync(new Uint8Array()).length)
  const swollen = (length: number): Uint8Array => {
    const plain = concat(head, deflateSync(new Uint8Array(length)), Uint8Array.of(0x80))
    return concat(plain, new Uint8Array((16 - (plain.length % 16)) % 16))
  }
  expect(decodeFreshText(swollen(MAX_CONTENT_BYTES))?.text.length).toBe(MAX_CONTENT_BYTES)
  expect(decodeFreshText(swollen(MAX_CONTENT_BYTES + 1))).toBeUndefined()
  expect(decodeFreshText(swollen(64 * 1024 * 1024))).toBeUndefined()
})
