/** What devices and relays say to find out what differs: formats, the mathematics, and the dialog. */
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toHex, u64 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import {
  type Ask, decodeCompareAnswer, decodeCompareRequest, decodeFetchAnswer, decodeFetchRequest, encodeCompareAnswer, encodeCompareRequest, encodeFetchAnswer, encodeFetchRequest,
  MAX_FETCHED, MAX_LISTED, type Told,
} from './compare.ts'
import { Comparison, packed } from './comparison.ts'
import { Coder, Decoder, ID_BYTES, MAX_SYMBOLS, readSymbols, storeOf, SYMBOL_BYTES, symbolsCbor } from './rateless.ts'
import { describeFormats, expectVectors, sample, type Sample } from './samples.test-support.ts'

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const signed = { pk: bytes(32, 1), sig: bytes(64, 2), challenge: bytes(40, 3) }
const head = { cursor: 900, hash: bytes(32, 4), sig: bytes(64, 5) }
const idsFrom = (from: number, to: number): Uint8Array => concat(...Array.from({ length: to - from }, (_, n) => sha256(u64(from + n)).subarray(0, ID_BYTES)))
const hexOf = (ids: Uint8Array): string[] => Array.from({ length: ids.length / ID_BYTES }, (_, n) => toHex(ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES)))

const asked: Ask = { type: 'symbols', seed: 7, from: 32, count: 8 }
function symbols(): Told {
  const coder = new Coder(storeOf(idsFrom(0, 100)), 7)
  coder.skip(32)
  return { type: 'symbols', symbols: coder.block(8) }
}
const told: Told = { type: 'ids', ids: idsFrom(0, 3), next: 900, end: true }

const samples: readonly Sample[] = [
  sample('request for symbols', { ...signed, upTo: 900, ask: asked }, encodeCompareRequest, decodeCompareRequest),
  sample('request for ids', { ...signed, upTo: 0, ask: { type: 'ids', since: 12 } as const }, encodeCompareRequest, decodeCompareRequest),
  sample('symbols', { head, upTo: 900, told: symbols() }, encodeCompareAnswer, (b) => decodeCompareAnswer(b, asked)),
  sample('ids', { head, upTo: 900, told }, encodeCompareAnswer, (b) => decodeCompareAnswer(b, asked)),
  sample('request for parcels', { ...signed, ids: idsFrom(0, 2) }, encodeFetchRequest, decodeFetchRequest),
  sample('fetched parcels', { parcels: [{ cursor: 9, bytes: bytes(9, 9) }, { cursor: 4, bytes: bytes(1, 1) }], looked: 3 }, encodeFetchAnswer, decodeFetchAnswer),
]
describeFormats(samples)

test('vectors: the encodings of released versions stay readable, byte for byte', () => expectVectors('compare', samples.map((s) => [s.name, s.encoded])))

test('what is beyond the limits, or answers another question, is refused', () => {
  const request = (ask: Cbor): unknown => decodeCompareRequest(encodeCbor([signed.pk, signed.sig, signed.challenge, 0, ask]))
  expect(request([0, 1, 0, MAX_SYMBOLS])).toBeDefined()
  for (const ask of [[0, 1, 0, MAX_SYMBOLS + 1], [0, 1, 0, 0], [0, 2 ** 32, 0, 1], [0, 1, -1, 1], [2, 1], [1], [1, 1, 1], []]) expect(request(ask)).toBeUndefined()
  const fetch = (ids: Uint8Array): unknown => decodeFetchRequest(encodeFetchRequest({ ...signed, ids }))
  expect(fetch(idsFrom(0, MAX_FETCHED))).toBeDefined()
  for (const ids of [idsFrom(0, MAX_FETCHED + 1), bytes(15, 1), bytes(0, 0)]) expect(fetch(ids)).toBeUndefined()
  const answer = (given: Told, ask: Ask = { type: 'ids', since: 5 }, upTo = 900): unknown => decodeCompareAnswer(encodeCompareAnswer({ head, upTo, told: given }), ask)
  expect(answer(told)).toBeDefined()
  expect(answer(symbols())).toBeUndefined()
  expect(answer(symbols(), { ...asked, from: 33 })).toBeUndefined()
  expect(answer(symbols(), { ...asked, count: 7 })).toBeUndefined()
  expect(answer(told, asked, 901)).toBeUndefined()
  expect(answer({ ...told, next: 901 })).toBeUndefined()
  expect(answer({ ...told, next: 5, end: false })).toBeUndefined()
  expect(answer({ ...told, ids: new Uint8Array((MAX_LISTED + 1) * ID_BYTES) })).toBeUndefined()
})

describe('symbols', () => {
  test('show what each of two stores lacks of the other', () => {
    const decoder = new Decoder(1)
    decoder.take(new Coder(storeOf(idsFrom(20, 1000)), 1).block(100), new Coder(storeOf(idsFrom(0, 990)), 1).block(100))
    expect(decoder.isDone).toBe(true)
    expect(new Set(decoder.theirs)).toEqual(new Set(hexOf(idsFrom(990, 1000))))
    expect(new Set(decoder.ours)).toEqual(new Set(hexOf(idsFrom(0, 20))))
  })

  test('what one block left open the next ones settle, and a block is the same whatever was told before', () => {
    const full = storeOf(idsFrom(0, 2000)), ours = new Coder(storeOf(idsFrom(200, 2000)), 3), decoder = new Decoder(3)
    let blocks = 0
    for (; !decoder.isDone && blocks < 20; blocks++) {
      const theirs = new Coder(full, 3)
      theirs.skip(64 * blocks)
      decoder.take(theirs.block(64), ours.block(64))
    }
    expect(blocks).toBeGreaterThan(3)
    expect(blocks).toBeLessThan(8)
    expect(new Set(decoder.theirs)).toEqual(new Set(hexOf(idsFrom(0, 200))))
  })

  test('that are lies end in nothing found that was not told, and never in an endless search', () => {
    const lies = fc.record({ sums: fc.uint8Array({ minLength: 32 * 24, maxLength: 32 * 24 }), counts: fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 32, maxLength: 32 }) })
    fc.assert(fc.property(lies, ({ sums, counts }) => {
      const decoder = new Decoder(1)
      decoder.take({ size: 100, from: 0, sums: new Uint32Array(sums.slice().buffer), counts: Int32Array.from(counts) }, new Coder(storeOf(idsFrom(0, 100)), 1).block(32))
      expect(decoder.theirs.length).toBeLessThanOrEqual(32)
    }))
  })

  test('come back from bytes as they were', () => {
    const block = new Coder(storeOf(idsFrom(0, 500)), 1).block(32)
    expect(readSymbols(decodeCbor(encodeCbor(symbolsCbor(block)), 1e6), 0, 32)).toEqual(block)
  })
})

/** A relay's answers, and what they take. */
function relay(ids: Uint8Array): { answer(ask: Ask): Told; bytes: number } {
  const self = {
    bytes: 0,
    answer(ask: Ask): Told {
      const size = ids.length / ID_BYTES
      if (ask.type === 'symbols' && ids.length > ask.count * SYMBOL_BYTES) {
        const coder = new Coder(storeOf(ids), ask.seed)
        coder.skip(ask.from)
        self.bytes += ask.count * SYMBOL_BYTES
        return { type: 'symbols', symbols: coder.block(ask.count) }
      }
      const since = ask.type === 'ids' ? ask.since : 0, next = Math.min(since + 100, size)
      self.bytes += (next - since) * ID_BYTES
      return { type: 'ids', ids: ids.slice(since * ID_BYTES, next * ID_BYTES), next, end: next === size }
    },
  }
  return self
}

function compare(held: Uint8Array, kept: Uint8Array): { lacking: Set<string>; surplus: Set<string>; bytes: number } {
  const comparison = new Comparison(held, 11), other = relay(kept)
  for (let ask = comparison.ask, rounds = 0; ask !== undefined; ask = comparison.ask) {
    expect(rounds++).toBeLessThan(100)
    expect(comparison.take(other.answer(ask))).toBe(true)
  }
  return { lacking: new Set(comparison.lacking), surplus: new Set(comparison.surplus), bytes: other.bytes }
}

describe('a comparison', () => {
  test('finds exactly what each lacks, whatever both have', () => {
    const range = fc.tuple(fc.nat(400), fc.nat(400), fc.nat(400)).map((cuts) => cuts.sort((a, b) => a - b))
    fc.assert(fc.property(range, fc.boolean(), ([a = 0, b = 0, c = 0], isLess) => {
      const held = idsFrom(isLess ? a : 0, b), kept = idsFrom(a, c)
      const { lacking, surplus } = compare(held, kept)
      const ours = hexOf(held), theirs = hexOf(kept)
      expect(lacking).toEqual(new Set(theirs.filter((id) => !ours.includes(id))))
      expect(surplus).toEqual(new Set(ours.filter((id) => !theirs.includes(id))))
    }), { numRuns: 60 })
  })

  test('what was noted twice counts once', () => {
    const held = concat(idsFrom(0, 300), idsFrom(10, 20))
    expect(compare(held, idsFrom(0, 302))).toMatchObject({ lacking: new Set(hexOf(idsFrom(300, 302))), surplus: new Set() })
  })

  test('costs what differs, not what is there', () => {
    expect(compare(idsFrom(0, 20_000), idsFrom(0, 20_005)).bytes).toBeLessThan(1000)
    expect(compare(idsFrom(0, 20_000), idsFrom(100, 20_100)).bytes).toBeLessThan(200 * 60)
  })

  test('with nothing in common it costs little more than the list', () => {
    expect(compare(idsFrom(0, 3000), idsFrom(3000, 6000)).bytes).toBeLessThan(2.2 * 3000 * ID_BYTES)
    expect(compare(idsFrom(0, 3000), new Uint8Array()).bytes).toBe(0)
    expect(compare(idsFrom(0, 30_000), idsFrom(0, 40)).bytes).toBe(40 * ID_BYTES)
  })

  test('a relay whose number of parcels changes on the way is told from one that goes on', () => {
    const comparison = new Comparison(idsFrom(0, 2000), 1)
    expect(comparison.take(relay(idsFrom(500, 2500)).answer(comparison.ask as Ask))).toBe(true)
    expect(comparison.take(relay(idsFrom(500, 2501)).answer(comparison.ask as Ask))).toBe(false)
  })

  test('ids as text and as bytes are the same', () => {
    expect(packed(hexOf(idsFrom(0, 5)))).toEqual(idsFrom(0, 5))
    expect(packed([])).toEqual(new Uint8Array())
  })
})
