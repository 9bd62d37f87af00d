/** Columns of ops. Bob reads what Alice packed, or nothing: never a part, never more than he has room for. */
import { deflateSync } from 'fflate'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, fromHex, utf8 } from './bytes.ts'
import { decodeColumns, encodeColumns, MAX_FLAT_BYTES, type Said } from './columns.ts'
import { fuzz, FUZZ_TIMEOUT_MS } from './fuzz.test-support.ts'
import type { DeviceId, OpId } from './ids.ts'

const RUNS = 2000
const id = <T extends string>(fill: number): T => fill.toString(16).padStart(64, '0') as T

/** Chains of a few devices, with gaps in the whole chain where they wrote elsewhere. */
const history = fc.array(fc.record({ device: fc.nat(3), from: fc.integer({ min: 1, max: 2 ** 40 }), ops: fc.array(fc.record({
  elsewhere: fc.nat(3), isSigned: fc.boolean(), hlc: fc.bigInt(0n, 2n ** 52n - 1n).map(Number), deps: fc.uniqueArray(fc.nat(9), { maxLength: 3 }), type: fc.constantFrom('message', 'reaction', 'edit'),
  text: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'grapheme' }).map(utf8)),
}), { minLength: 1, maxLength: 8 }) }), { maxLength: 5 }).map((chains) => chains.flatMap((chain, c) => {
  const out: Said[] = []
  let seq = chain.from
  for (const [n, op] of chain.ops.entries()) {
    const before = out[out.length - 1], isFirst = n === 0 && chain.from === 1
    if (n > 0) seq += 1 + op.elsewhere
    out.push({
      id: id<OpId>(1_000_000 * (c + 1) + n), device: id<DeviceId>(chain.device), seq, chanSeq: chain.from + n, chanPrev: isFirst ? undefined : before?.id ?? id<OpId>(77),
      prev: isFirst ? undefined : before !== undefined && op.elsewhere === 0 ? before.id : op.hlc % 2 === 0 ? before?.id ?? id<OpId>(77) : id<OpId>(88),
      hlc: op.hlc, deps: op.deps.sort((a, b) => a - b).map((d) => id<OpId>(d)), type: op.type, text: op.text, isSigned: op.isSigned,
    })
  }
  return out
}))

/** With the links that the reader makes: from the ids that it made. */
function linked(bytes: Uint8Array, ops: readonly Said[]): unknown {
  const columns = decodeColumns(bytes)
  return columns && { ...columns, ops: columns.ops.map((op, n) => {
    const before = ops[n - 1]?.id
    return { ...op, id: ops[n]?.id, prev: op.prev === 'before' ? before : op.prev, chanPrev: op.chanPrev === 'before' ? before : op.chanPrev }
  }) }
}

const said = (n: number, text: string): Said => ({
  id: id<OpId>(100 + n), device: id<DeviceId>(1), seq: n, prev: n === 1 ? undefined : id<OpId>(99 + n), chanSeq: n, chanPrev: n === 1 ? undefined : id<OpId>(99 + n), deps: [id<OpId>(5)], type: 'message', hlc: 1_800_000_000_000 * 1024 + n, text: utf8(text), isSigned: n % 8 === 0,
})
const talk = Array.from({ length: 40 }, (_, n) => said(n + 1, `The slugs came back on day ${n}.`))

test('reads back what was packed, whatever chains and links it has', () => {
  fc.assert(fc.property(fc.nat(0xffff_ffff), history, (audience, ops) => { expect(linked(encodeColumns(audience, ops), ops)).toEqual({ audience, ops }) }), { numRuns: RUNS / 4 })
})

test('of a chain that goes on, an op takes little more than its text', () => {
  const one = encodeColumns(0, talk.slice(0, 1)).length, all = encodeColumns(0, talk).length
  expect((all - one) / (talk.length - 1)).toBeLessThan(16)
})

test('cut anywhere, it is nothing', () => {
  const bytes = encodeColumns(0, talk)
  for (let n = 0; n < bytes.length; n++) expect(decodeColumns(bytes.subarray(0, n))).toBeUndefined()
})

test('changed anywhere, it is something else or nothing, and nothing throws', () => {
  const bytes = encodeColumns(0, talk)
  fuzz('columns', bytes, (damaged) => { decodeColumns(damaged) })
}, FUZZ_TIMEOUT_MS)

const packed = (flat: Uint8Array, size = flat.length): Uint8Array => concat(Uint8Array.of(size >>> 24, size >>> 16, size >>> 8, size), deflateSync(flat))

test('what swells to more than it says, or than there is room for, is nothing, and soon', () => {
  const bomb = new Uint8Array(64 * 1024 * 1024)
  expect(decodeColumns(packed(bomb, 1000))).toBeUndefined()
  expect(decodeColumns(packed(new Uint8Array(MAX_FLAT_BYTES + 1)))).toBeUndefined()
  expect(decodeColumns(packed(utf8('x'), 2))).toBeUndefined()
})

test('what released versions packed stays readable', () => {
  const vector = '000000a96b676f6c895060c00f1819991c1ad373538b8b13d3531b1b09aa670d65646c6a6898b26ec631362690003383ac2c03834384554846aa42714e697ab14272626eaa42526272b6427e9e424a62a582811e1e49433d00'
  expect(linked(fromHex(vector) ?? expect.fail('no hex'), talk)).toEqual({ audience: 7, ops: talk.slice(0, 2) })
})
