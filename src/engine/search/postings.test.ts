import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Packer, Unpacker } from './packed.ts'
import { Bits, inBoth, type List, NO_WORD, packPiece, readPiece } from './postings.ts'

const DOCS = 300_000
const rising = fc.uniqueArray(fc.oneof(fc.nat(40), fc.nat(DOCS - 1)), { minLength: 1, maxLength: 200 }).map((numbers) => numbers.sort((a, b) => a - b))
const listOf = (numbers: readonly number[], places: number): List => ({ numbers: Uint32Array.from(numbers), places: Uint16Array.from(numbers, (n) => (places === 0 ? 0 : ((n * places) & 0xffff) || 1)) })

function packed(term: string, list: List, base: number): Uint8Array {
  const bits = new Bits()
  // Something else was in it before.
  bits.put(0xfffff, 20)
  packPiece(bits, term, list, base)
  const packer = new Packer()
  bits.give(packer)
  return new Unpacker(packer.take()).sized()
}

function unpacked(term: string, bytes: Uint8Array, base: number, docs = DOCS): { numbers: number[]; places: number[] } | undefined {
  const numbers: number[] = [], places: number[] = []
  return readPiece(term, bytes, base, docs, (number, at) => { numbers.push(number); places.push(at) }) ? { numbers, places } : undefined
}

test('a piece of a list is read as it was packed, from whatever number it counts', () => {
  fc.assert(fc.property(rising, fc.boolean(), fc.boolean(), (numbers, isWord, fromFirst) => {
    const term = isWord ? 'moon' : `${NO_WORD}a`, list = listOf(numbers, isWord ? 77 : 0), base = fromFirst ? numbers[0] as number : 0
    expect(unpacked(term, packed(term, list, base), base)).toEqual({ numbers, places: [...list.places] })
  }))
})

test('messages may be as far apart as there are any', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(2 ** 31), { minLength: 1, maxLength: 20 }).map((numbers) => numbers.sort((a, b) => a - b)), fc.boolean(), (numbers, isWord) => {
    const term = isWord ? 'moon' : NO_WORD, list = listOf(numbers, isWord ? 77 : 0)
    expect(unpacked(term, packed(term, list, 0), 0, 2 ** 31 + 1)).toEqual({ numbers, places: [...list.places] })
  }), { numRuns: 5000 })
})

test('what is no piece is refused, and no number is beyond the messages there are', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(50), fc.boolean(), (bytes, base, isWord) => {
    for (const n of unpacked(isWord ? 'moon' : NO_WORD, bytes, base, 60)?.numbers ?? []) expect(n >= base && n < 60).toBe(true)
  }), { numRuns: 2000 })
  const bytes = packed('moon', listOf([3, 9], 1), 0)
  expect(unpacked('moon', bytes, 0, 10)).toBeDefined()
  expect(unpacked('moon', bytes, 0, 9)).toBeUndefined()
  expect(unpacked('moon', new Uint8Array([...bytes, 0]), 0, 10)).toBeUndefined()
  for (let length = 0; length < bytes.length; length++) expect(unpacked('moon', bytes.subarray(0, length), 0, 10)?.numbers ?? []).not.toEqual([3, 9])
})

test('in both of two lists is what is in each', () => {
  fc.assert(fc.property(rising, rising, (a, b) => { expect([...inBoth(Uint32Array.from(a), Uint32Array.from(b))]).toEqual(a.filter((n) => b.includes(n))) }))
})
