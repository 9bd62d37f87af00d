import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, toHex, utf8 } from '../wire/bytes.ts'
import { squeeze, unsqueeze } from './disk-squeeze.ts'

/** As pages are: pieces that come again, near and far, between others that don't. A page begins with 1 or 2. */
const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom('', 'a', 'the meeting is at noon ', 'noon', '\0'.repeat(300)).map(utf8), fc.uint8Array({ minLength: 200, maxLength: 600 }))
const page = fc.array(fc.tuple(piece, fc.nat(4)), { maxLength: 60 }).map((pieces) => {
  const all = pieces.map(([bytes]) => bytes)
  return concat(Uint8Array.of(1), ...pieces.flatMap(([bytes, again], i) => (again === 0 ? [bytes] : [bytes, all[Math.floor(i / again)] as Uint8Array])))
})

test('what is squeezed is again what it was, and never longer', () => fc.assert(fc.property(page, (bytes) => {
  const squeezed = squeeze(bytes)
  expect(squeezed.length).toBeLessThanOrEqual(bytes.length)
  expect(toHex(unsqueeze(squeezed) ?? new Uint8Array())).toBe(toHex(bytes))
}), { numRuns: 500 }))

test('rows that repeat each other take a small part of the room; what repeats nothing stays as it is', () => {
  const rows = utf8(Array.from({ length: 400 }, (_, n) => `row ${n} of the log of the allotment, by Alice; `).join(''))
  expect(squeeze(concat(Uint8Array.of(1), rows)).length).toBeLessThan(rows.length / 3)
  const noise = Uint8Array.from({ length: 5000 }, (_, n) => (n === 0 ? 1 : (Math.imul(n, 2654435761) >>> 13) ^ (Math.imul(n, 40503) >>> 5)))
  expect(unsqueeze(noise)).toBe(noise)
})

test('what lies farther back than a distance can say is found again all the same', () => {
  const start = crypto.getRandomValues(new Uint8Array(500)), between = crypto.getRandomValues(new Uint8Array(65_000))
  for (const more of [0, 40, 500, 2000]) {
    const bytes = concat(Uint8Array.of(1), start, between, start.subarray(0, 30), new Uint8Array(more), start)
    expect(toHex(unsqueeze(squeeze(bytes)) ?? new Uint8Array())).toBe(toHex(bytes))
  }
})

test('cut off, lengthened or changed anywhere, it is refused or is some page, of the length that it says', () => fc.assert(fc.property(page, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, mask) => {
  const squeezed = squeeze(concat(bytes, new Uint8Array(100)))
  for (let length = 0; length < squeezed.length; length += 7) expect(unsqueeze(squeezed.slice(0, length))?.length ?? 0).toBeLessThanOrEqual(bytes.length + 100)
  const changed = squeezed.slice()
  changed[at % changed.length] = (changed[at % changed.length] as number) ^ mask
  const read = unsqueeze(changed)
  if (read !== undefined && changed[0] === 5) expect(read.length).toBe(new DataView(changed.buffer).getUint32(1))
}), { numRuns: 300 }))

test('a few bytes that promise a giant page cost nothing', () => {
  expect(unsqueeze(Uint8Array.of(5, 0xff, 0xff, 0xff, 0xff, 0))).toBeUndefined()
  expect(unsqueeze(Uint8Array.of(5))).toBeUndefined()
})
