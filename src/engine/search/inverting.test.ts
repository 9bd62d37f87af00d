import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf, Inverting, type Spoken } from './inverting.ts'

type Said = readonly (readonly [places: number, term: string])[]

const whole = (said: Said): Spoken => ({ forEach: (visit) => { for (const [places, term] of said) visit(places, term) } })
const inParts = (said: Said): Spoken => ({ ...whole(said), forEachPart: (visit) => { for (const [places, term] of said) visit(places, `x${term}y`, 1, 1 + term.length) } })

function lists(said: readonly Said[], as: (said: Said) => Spoken): Map<string, [number, number][]> {
  const inverting = new Inverting(), out = new Map<string, [number, number][]>()
  for (const [n, one] of said.entries()) inverting.add(n, as(one))
  inverting.each((term, { numbers, places }, from, end) => { out.set(term, Array.from(numbers.subarray(from, end), (number, i) => [number, places[from + i] as number])) })
  return out
}

function naive(said: readonly Said[]): Map<string, [number, number][]> {
  const out = new Map<string, Map<number, number>>()
  for (const [n, one] of said.entries()) for (const [places, term] of one) { const list = out.get(term) ?? new Map<number, number>(); out.set(term, list.set(n, (list.get(n) ?? 0) | places)) }
  return new Map([...out].sort(([a], [b]) => (a < b ? -1 : 1)).map(([term, list]) => [term, [...list]]))
}

test('terms come with their messages, in order, whether they are words or parts of texts', () => fc.assert(fc.property(
  fc.array(fc.array(fc.tuple(fc.nat(0xffff), fc.string({ maxLength: 4 })), { maxLength: 12 }), { maxLength: 20 }),
  (said) => { for (const as of [whole, inParts]) expect([...lists(said, as)]).toEqual([...naive(said)]) },
)))

test('many terms, as a history has, are each found again', () => {
  const said = Array.from({ length: 300 }, (_, n): Said => Array.from({ length: 40 }, (_, i) => [1 << (i % 16), `word${(n * 40 + i) % 9000}`]))
  expect([...lists(said, inParts)]).toEqual([...naive(said)])
})

/** Words of one hash: of each three letters there are two choices that lead to the same (Joux, CRYPTO 2004). */
function alike(steps: number): string[] {
  const after = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193)
  let words = [''], before = 3 * steps
  for (let n = 0; n < steps; n++) {
    /** Two letters and what they lead to, by its higher half: the third letter makes the lower half the same. */
    const seen = new Map<number, { readonly two: string; readonly hash: number }>()
    for (let tried = 0; ; tried++) {
      const two = String.fromCharCode(97 + (tried % 26), 97 + Math.floor(tried / 26)), hash = after(after(before, two.charCodeAt(0)), two.charCodeAt(1)), other = seen.get(hash >>> 16)
      if (other === undefined) { seen.set(hash >>> 16, { two, hash }); continue }
      const third = 0x4e00, otherThird = third ^ ((hash ^ other.hash) & 0xffff)
      words = words.flatMap((word) => [`${word}${two}${String.fromCharCode(third)}`, `${word}${other.two}${String.fromCharCode(otherThird)}`])
      before = after(hash, third)
      break
    }
  }
  return words
}

test('words of one hash, however many, are told apart', () => {
  const words = alike(6), said = Array.from({ length: 3 }, (_, n): Said => [...words.map((word) => [1, word] as const), ...Array.from({ length: 1500 }, (_word, i) => [2, `other${n * 1500 + i}`] as const)])
  expect([words.length, new Set(words.map((word) => hashOf(word, 0, word.length))).size]).toEqual([64, 1])
  expect([...lists(said, whole)]).toEqual([...naive(said)])
})
