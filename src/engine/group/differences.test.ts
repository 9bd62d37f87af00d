import { expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import { concat, toHex } from '../../wire/bytes.ts'
import { decodeDifference, encodeDifference } from './differences.ts'
import { pick } from './mls-people.ts'

const random = seededRandom('differences')
const { sha256 } = await createSuite(random)

const hexOf = (bytes: Uint8Array | undefined): string | undefined => bytes && toHex(bytes)

/** Some pieces of it left out, said otherwise, moved or brought in. */
function edited(base: Uint8Array, edits: number): Uint8Array {
  let out = base
  for (let n = 0; n < edits; n++) {
    const at = pick(random, out.length + 1), until = Math.min(out.length, at + pick(random, 60)), piece = out.slice(at, until)
    out = [concat(out.subarray(0, at), out.subarray(until)), concat(out.subarray(0, at), random.bytes(piece.length), out.subarray(until)), concat(piece, out.subarray(0, at), out.subarray(until)), concat(out.subarray(0, at), random.bytes(40), out.subarray(at))][n % 4] as Uint8Array
  }
  return out
}

test('whatever was changed, base and difference give the target, and little that was changed is little to say', () => {
  for (let size = 0; size < 3000; size = size * 2 + 1) {
    const base = random.bytes(size)
    for (const target of [base, random.bytes(size), new Uint8Array(), concat(base, base), ...[1, 3, 9, 40].map((edits) => edited(base, edits))]) {
      expect(hexOf(decodeDifference(base, encodeDifference(base, target, sha256), sha256))).toBe(toHex(target))
    }
  }
  const tree = random.bytes(100_000)
  expect(encodeDifference(tree, edited(tree, 12), sha256).length).toBeLessThan(1500)
})

test('cut anywhere, changed anywhere, or applied to another base, it gives the target or nothing', () => {
  const base = random.bytes(700), target = edited(base, 4), difference = encodeDifference(base, target, sha256)
  for (let n = 0; n < difference.length; n++) {
    const changed = difference.slice()
    changed[n] = (changed[n] as number) ^ 0x80
    for (const given of [difference.subarray(0, n), changed]) expect([undefined, toHex(target)]).toContain(hexOf(decodeDifference(base, given, sha256)))
  }
  expect(decodeDifference(random.bytes(700), difference, sha256)).toBeUndefined()
})
