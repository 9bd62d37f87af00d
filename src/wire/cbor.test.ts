/** Our CBOR against a general codec told to be canonical: the same bytes for a value, and of all bytes the same are read. */
import { decode as generalDecode, encode as generalEncode } from 'cborg'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, equal, fromHex, toHex } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor, encodeItems } from './cbor.ts'

const RUNS = 2000
const leaf: fc.Arbitrary<Cbor> = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 70_000 }), fc.string({ unit: 'grapheme' }), fc.string({ maxLength: 300 }), fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 300 }))
const { tree } = fc.letrec<{ tree: Cbor }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('tree'), { maxLength: 30 }), fc.dictionary(fc.string({ maxLength: 40 }).filter((key) => key !== '__proto__'), tie('tree'), { maxKeys: 5, noNullPrototype: true })),
}))

/** What the general codec reads and would have written so, without the kinds that our formats don't have. */
function general(bytes: Uint8Array): Cbor | undefined {
  try {
    const value: unknown = generalDecode(bytes, { strict: true, allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false, rejectDuplicateMapKeys: true })
    return equal(new Uint8Array(generalEncode(value, { float64: true })), bytes) && !hasFraction(value) ? (value as Cbor) : undefined
  } catch { return undefined }
}

const hasFraction = (value: unknown): boolean =>
  typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.values(value).some(hasFraction)

/** Bytes near to what is canonical: most mistakes are small. */
const near = fc.tuple(tree, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom('change', 'cut', 'insert')).map(([value, where, byte, how]) => {
  const bytes = encodeCbor(value), at = where % bytes.length
  if (how === 'cut') return bytes.slice(0, at)
  if (how === 'insert') return concat(bytes.subarray(0, at), new Uint8Array([byte]), bytes.subarray(at))
  bytes[at] = byte
  return bytes
})

test('any value has the bytes that a general codec gives it, and reads back', () => {
  fc.assert(fc.property(tree, (value) => {
    const bytes = encodeCbor(value)
    expect(toHex(bytes)).toBe(toHex(generalEncode(value, { float64: true })))
    expect(decodeCbor(bytes, bytes.length)).toEqual(value)
    expect(decodeCbor(bytes, bytes.length - 1)).toBeUndefined()
  }), { numRuns: RUNS })
})

test('of changed, cut and random bytes those are read that a general codec reads and would have written', () => {
  fc.assert(fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 12 })), (bytes) => { expect(decodeCbor(bytes, 1_000_000)).toEqual(general(bytes)) }), { numRuns: RUNS * 5 })
})

test.each([
  ['the largest integer', '1b001fffffffffffff', Number.MAX_SAFE_INTEGER], ['one more', '1b0020000000000000', undefined],
  ['the smallest integer', '3b001ffffffffffffe', Number.MIN_SAFE_INTEGER], ['one less', '3b001fffffffffffff', undefined],
  ['a length beyond the end', '5affffffff', undefined], ['a list longer than its bytes', '9affffffff00', undefined], ['a map longer than its bytes', 'baffffffff6000', undefined],
  ['a float', 'fb3ff8000000000000', undefined], ['a key that would set a prototype', 'a1695f5f70726f746f5f5f80', undefined], ['a list for a key', 'a1806161', undefined],
  ['text that begins with a byte order mark', '64efbbbf61', '\ufeffa'], ['half of a surrogate pair', '63eda080', undefined],
])('%s', (_, hex, value) => { expect(decodeCbor(fromHex(hex) as Uint8Array, 100)).toEqual(value) })

test('what is written item by item has the same bytes, and keeps them while more is written behind it', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 3000 }), fc.maxSafeInteger().map(Math.abs)), { minLength: 20, maxLength: 40 }), (values) => {
    const written = values.map(([bytes, n]) => encodeItems((out) => { out.list(2); out.bytes(bytes); out.uint(n) }))
    encodeCbor(new Uint8Array(40_000))
    expect(written.map(toHex)).toEqual(values.map((value) => toHex(encodeCbor(value))))
  }), { numRuns: 50 })
})

test('a number that is no safe integer is a mistake of ours', () => {
  for (const n of [0.5, Number.NaN, Infinity, 2 ** 53]) expect(() => encodeCbor([n])).toThrow()
})

test('a value is written whole wherever the buffer has to grow in the middle of it', () => {
  const kinds: readonly Cbor[] = ['a text of 19 letters', 'naïve café au lait', 'x'.repeat(60), new Uint8Array(60).fill(7), 2 ** 40, -(2 ** 40), { 'a key of its own': true }]
  // Something so large that the buffer isn't kept: the next value begins in a small one again.
  const begin = (): void => { encodeCbor(new Uint8Array(20_000)) }
  for (const kind of kinds) {
    for (let n = 16_338; n < 16_384; n++) {
      const value = [new Uint8Array(n), kind, 1]
      begin()
      expect(equal(encodeCbor(value), generalEncode(value, { float64: true })), `${n} bytes, then ${JSON.stringify(kind)}`).toBe(true)
    }
  }
})

test('what was written stays as it was when something larger is written next', () => {
  const small = encodeCbor(['small']), before = small.slice()
  const large = encodeCbor([new Uint8Array(3_000_000).fill(7)])
  expect([small, large.length]).toEqual([before, 3_000_006])
  expect(encodeCbor(['small'])).toEqual(before)
})
