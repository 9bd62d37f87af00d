import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row, Save } from '../ports.ts'
import { compare, concat, toHex } from '../wire/bytes.ts'
import { FUZZ, fuzz, FUZZ_TIMEOUT_MS } from '../wire/fuzz.test-support.ts'
import {
  decodeHead, decodeJournal, decodeNote, decodePage, decodeRecord, encodeHead, encodeJournal, encodeNote, encodePage, encodeRecords, type Entry, FORMAT_VERSION, type Head, MAX_NOTED, type Page, type Ref,
} from './disk-format.ts'
import { PackedLeaf } from './disk-leaf.ts'

const bytes = (max: number) => fc.uint8Array({ maxLength: max })
const ascending = <T>(items: readonly T[], key: (item: T) => Uint8Array): T[] =>
  [...items].sort((a, b) => compare(key(a), key(b))).filter((item, i, all) => i === 0 || compare(key(all[i - 1] as T), key(item)) < 0)
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex)

const row: fc.Arbitrary<Row> = fc.record({ key: bytes(12), value: bytes(300) })
const entry: fc.Arbitrary<Entry> = fc.record({ key: bytes(12), value: fc.option(bytes(40), { nil: undefined }) })
const ref: fc.Arbitrary<Ref> = fc.record({ id, first: bytes(12), bytes: fc.nat() })
const page: fc.Arbitrary<Page> = fc.oneof(
  fc.array(row).map(rows => ({ type: 'leaf' as const, rows: ascending(rows, r => r.key) })),
  fc.tuple(fc.integer({ min: 1, max: 8 }), fc.array(ref, { minLength: 1 }), fc.array(entry)).map(([level, refs, buffer]) =>
    ({ type: 'inner' as const, level, refs: ascending(refs, r => r.first), buffer: ascending(buffer, e => e.key) })),
)
const partition = fc.string({ unit: 'grapheme', maxLength: 20 })
const save: fc.Arbitrary<Save> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), partition, key: bytes(12), value: bytes(300) }),
  fc.record({ type: fc.constant('delete' as const), partition, key: bytes(12) }),
  fc.record({ type: fc.constant('drop' as const), partition }),
)
const head: fc.Arbitrary<Head> = fc.record({
  journalFrom: fc.integer({ min: 1, max: 2 ** 40 }), more: fc.nat(4000),
  root: fc.option(fc.record({ id, level: fc.nat(8) }), { nil: undefined }),
  runs: fc.array(fc.record({ partition: fc.string({ unit: 'grapheme', maxLength: 20 }), id, level: fc.nat(8), bytes: fc.nat() }), { maxLength: 20 }),
}).map(({ journalFrom, more, root, runs }) => ({ writes: journalFrom + more, root, runs, journalFrom }))

const FORMATS = [
  { name: 'page', made: page.map(encodePage), again: (b: Uint8Array) => { const v = decodePage(b); return v && encodePage(v) } },
  { name: 'journal', made: fc.array(save).map(encodeJournal), again: (b: Uint8Array) => { const v = decodeJournal(b); return v && encodeJournal(v) } },
  { name: 'note', made: fc.array(id, { maxLength: MAX_NOTED }).map(encodeNote), again: (b: Uint8Array) => { const v = decodeNote(b); return v && encodeNote(v) } },
  { name: 'head', made: head.map(encodeHead), again: (b: Uint8Array) => {
    const v = decodeHead(b)
    // An older version's head means the same; what is written is always today's.
    return v && !('newer' in v) ? encodeHead(v).with(1, Math.min(b[1] as number, FORMAT_VERSION)) : undefined
  } },
]

describe('what is read is what was written', () => {
  test('pages', () => fc.assert(fc.property(page, p => {
    const again = decodePage(encodePage(p))
    expect(again?.type === 'leaf' ? { type: again.type, rows: again.rows } : again).toEqual(p)
  })))
  test('some rows of a leaf, from either end of a range', () => fc.assert(fc.property(fc.array(row), bytes(12), fc.option(bytes(12), { nil: undefined }), fc.nat(9), fc.boolean(), (rows, from, to, limit, reverse) => {
    const all = ascending(rows, r => r.key), within = all.filter(({ key }) => compare(key, from) >= 0 && (to === undefined || compare(key, to) < 0))
    const leaf = decodePage(encodePage({ type: 'leaf', rows: all }))
    expect(leaf).toBeInstanceOf(PackedLeaf)
    expect((leaf as PackedLeaf).some({ from, to }, limit, reverse)).toEqual((reverse ? within.reverse() : within).slice(0, limit))
  })))
  test('journals', () => fc.assert(fc.property(fc.array(save), saves => { expect(decodeJournal(encodeJournal(saves))).toEqual(saves) })))
  test('journals in several records, none longer than wanted but for a single row', () => fc.assert(fc.property(fc.array(save), fc.nat(1000), (saves, most) => {
    const records = encodeRecords(saves, most).records.map((record) => ({ bytes: record.length, ...(decodeRecord(record) ?? { saves: [], isUnfinished: false }) }))
    expect(records.map((record) => record.isUnfinished)).toEqual(records.map((_, i) => i < records.length - 1))
    expect(records.flatMap((record) => record.saves)).toEqual(saves)
    expect(encodeRecords(saves, most).kept).toEqual(saves)
    for (const record of records) expect(record.bytes <= most + 32 || record.saves.length === 1).toBe(true)
  })))
  test('what is kept of saves stays as it was, whatever is done to theirs', () => {
    const mine: Save = { type: 'put', partition: 'p', key: Uint8Array.of(1), value: Uint8Array.of(2) }
    const { kept } = encodeRecords([mine], 100)
    mine.key[0] = mine.value[0] = 9
    expect(kept).toEqual([{ type: 'put', partition: 'p', key: Uint8Array.of(1), value: Uint8Array.of(2) }])
  })
  test('heads', () => fc.assert(fc.property(head, h => { expect(decodeHead(encodeHead(h))).toEqual(h) })))
})

for (const { name, made, again } of FORMATS) {
  describe(`a ${name} that nobody wrote`, () => {
    test('cut off anywhere, it is refused', () => fc.assert(fc.property(made, b => {
      for (let length = 0; length < b.length; length++) expect(again(b.slice(0, length))).toBeUndefined()
    }), { numRuns: 30 }))
    test('with a byte behind its end, it is refused', () => fc.assert(fc.property(made, fc.nat(255), (b, more) => {
      expect(again(concat(b, Uint8Array.of(more)))).toBeUndefined()
    })))
    test('damaged or made up, it is refused or means just what it says', () => {
      const all = fc.sample(made, { numRuns: 20, seed: 1 })
      for (const [n, written] of all.entries()) {
        fuzz(`${name} ${n}`, written, (damaged) => {
          const read = again(damaged)
          if (read !== undefined && toHex(read) !== toHex(damaged)) throw new Error('other bytes mean the same')
        }, FUZZ / all.length)
      }
    }, FUZZ_TIMEOUT_MS)
  })
}

test('a head of a newer format says so instead of being guessed at', () => {
  const newer = encodeHead({ writes: 1, root: undefined, runs: [], journalFrom: 1 }).slice()
  newer[1] = FORMAT_VERSION + 1
  expect(decodeHead(newer)).toEqual({ newer: FORMAT_VERSION + 1 })
})

test('a head without runs can be read by programs that know none', () => {
  expect(encodeHead({ writes: 1, root: undefined, runs: [], journalFrom: 1 })[1]).toBe(2)
  expect(encodeHead({ writes: 1, root: undefined, runs: [{ partition: 'places', id: 'ab'.repeat(16), level: 0, bytes: 9 }], journalFrom: 1 })[1]).toBe(3)
})

test('a count that promises more than there is costs nothing', () => {
  expect(decodePage(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f))).toBeUndefined()
  expect(decodeJournal(Uint8Array.of(3, 0xff, 0xff, 0xff, 0xff, 0x0f))).toBeUndefined()
})
