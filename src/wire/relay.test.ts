/** What devices and relays say to each other: what we write reads back, nothing else does, and the encodings stay what they are. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import {
  CHALLENGE_BYTES, decodeFromRelay, decodeKept, decodePage, decodePost, decodeRead, decodeRefusal, decodeToRelay, encodeFromRelay, encodeKept, encodePage, encodePost,
  encodeRead, encodeRefusal, encodeToRelay, headSignedBytes, isTopic, MAX_ANNOUNCE_BYTES, MAX_PAGE_PARCELS, MAX_PARCEL_BYTES, type Page, POST_HEADER_BYTES, postSignedBytes,
  readSignedBytes, watchSignedBytes,
} from './relay.ts'
import { describeFormats, expectVectors, sample, type Sample } from './samples.test-support.ts'

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const topic = toHex(bytes(16, 0xab)), pk = bytes(32, 1), sig = bytes(64, 2), challenge = bytes(CHALLENGE_BYTES, 3)
const head = { cursor: 9, hash: bytes(32, 4), sig }
const page: Page = { topic, since: 6, parcels: [{ cursor: 8, bytes: utf8('sealed') }, { cursor: 9, bytes: utf8('too') }], next: 9, end: true, head }

const samples: readonly Sample[] = [
  sample('kept', { cursor: 7, head }, encodeKept, decodeKept),
  sample('read request', { pk, sig, challenge, since: 1000 }, encodeRead, decodeRead),
  sample('page', page, encodePage, decodePage),
  sample('page in the middle', { ...page, parcels: page.parcels.slice(0, 1), next: 8, end: false }, encodePage, decodePage),
  sample('empty page', { ...page, since: 9, parcels: [] }, encodePage, decodePage),
  sample('page of expired parcels', { ...page, since: 0, parcels: [] }, encodePage, decodePage),
  sample('challenge', { type: 'challenge', challenge } as const, encodeFromRelay, decodeFromRelay),
  sample('pushed page', { type: 'page', page } as const, encodeFromRelay, decodeFromRelay),
  sample('announced', { type: 'announced', topic, bytes: utf8('here') } as const, encodeFromRelay, decodeFromRelay),
  sample('refused watch', { type: 'refused', topic, reason: 'too many topics' } as const, encodeFromRelay, decodeFromRelay),
  sample('pong', { type: 'pong' } as const, encodeFromRelay, decodeFromRelay),
  sample('watch', { type: 'watch', topic, pk, sig, since: 5 } as const, encodeToRelay, decodeToRelay),
  sample('unwatch', { type: 'unwatch', topic } as const, encodeToRelay, decodeToRelay),
  sample('announce', { type: 'announce', topic, bytes: utf8('here') } as const, encodeToRelay, decodeToRelay),
  sample('ping', { type: 'ping' } as const, encodeToRelay, decodeToRelay),
]

describeFormats(samples)

test('vectors: the encodings of released versions stay readable, byte for byte', async () => {
  const signed = {
    'post signs': postSignedBytes(topic, bytes(32, 5)), 'read signs': readSignedBytes(topic, challenge), 'watch signs': watchSignedBytes(topic, challenge), 'head signs': headSignedBytes(topic, 258, bytes(32, 4)),
    'post': encodePost(pk, sig, utf8('sealed')),
  }
  await expectVectors('relay', [...samples.map((s) => [s.name, s.encoded] as const), ...Object.entries(signed)])
})

describe('a post', () => {
  test('reads back for any parcel, and copies it out of the request', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (parcel) => {
      const encoded = encodePost(pk, sig, parcel)
      const post = decodePost(encoded)
      encoded.fill(0)
      expect(post).toEqual({ pk, sig, parcel })
    }))
  })
  test('is refused when it is too short for a parcel or larger than one', () => {
    for (let n = 0; n <= POST_HEADER_BYTES; n++) expect(decodePost(bytes(n, 1))).toBeUndefined()
    expect(decodePost(bytes(POST_HEADER_BYTES + MAX_PARCEL_BYTES, 1))?.parcel).toHaveLength(MAX_PARCEL_BYTES)
    expect(decodePost(bytes(POST_HEADER_BYTES + MAX_PARCEL_BYTES + 1, 1))).toBeUndefined()
  })
})

describe('a page that contradicts itself is refused', () => {
  const raw = [fromHex(topic) as Uint8Array, 6, [[8, utf8('a')], [9, utf8('b')]], 9, true, [9, head.hash, sig]] satisfies Cbor
  const changed = (at: number, value: Cbor): Uint8Array => encodeCbor(raw.map((v, i) => (i === at ? value : v)))
  test('as it is, it is taken', () => { expect(decodePage(encodeCbor(raw))).toBeDefined() })
  test.each<[string, Uint8Array]>([
    ['parcels out of order', changed(2, [[9, utf8('b')], [8, utf8('a')]])],
    ['a cursor twice', changed(2, [[9, utf8('b')], [9, utf8('a')]])],
    ['a parcel that was not asked for', changed(2, [[6, utf8('a')], [9, utf8('b')]])],
    ['reading on from before its last parcel', encodeCbor([...raw.slice(0, 3), 8, false, raw[5] as Cbor])],
    ['reading on from beyond the head', encodeCbor([...raw.slice(0, 3), 10, false, raw[5] as Cbor])],
    ['an end that is not where the head is', changed(5, [10, head.hash, sig])],
    ['a negative cursor', changed(1, -1)],
    ['a topic of another length', changed(0, bytes(15, 1))],
    ['more parcels than a page holds', changed(2, Array.from({ length: MAX_PAGE_PARCELS + 1 }, (_, i) => [7 + i, bytes(1, 1)]))],
    ['a parcel larger than one', encodeCbor([raw[0] as Cbor, 6, [[9, bytes(MAX_PARCEL_BYTES + 1, 1)]], 9, true, raw[5] as Cbor])],
  ])('%s', (_, encoded) => {
    expect(decodeCbor(encoded, 2 * MAX_PARCEL_BYTES)).toBeDefined()
    expect(decodePage(encoded)).toBeUndefined()
  })
})

test('announcements have a limit both ways', () => {
  const largest = { topic, bytes: bytes(MAX_ANNOUNCE_BYTES, 1) }, larger = { topic, bytes: bytes(MAX_ANNOUNCE_BYTES + 1, 1) }
  expect(decodeToRelay(encodeToRelay({ type: 'announce', ...largest }))).toBeDefined()
  expect(decodeToRelay(encodeToRelay({ type: 'announce', ...larger }))).toBeUndefined()
  expect(decodeFromRelay(encodeFromRelay({ type: 'announced', ...largest }))).toBeDefined()
  expect(decodeFromRelay(encodeFromRelay({ type: 'announced', ...larger }))).toBeUndefined()
})

test('what is signed for one purpose is signed for no other', () => {
  const hash = bytes(32, 7)
  const all = [postSignedBytes(topic, hash), readSignedBytes(topic, challenge), watchSignedBytes(topic, challenge), headSignedBytes(topic, 1, hash)]
  expect(new Set(all.map(toHex)).size).toBe(all.length)
  for (const a of all) for (const b of all) if (a !== b) expect(toHex(a).startsWith(toHex(b))).toBe(false)
})

test('a topic is 32 lower-case hexadecimal digits', () => {
  expect(isTopic(topic)).toBe(true)
  for (const other of ['', topic.slice(1), `${topic}a`, topic.toUpperCase(), `${topic.slice(1)}g`, `${topic}\n`, '../../../etc/passwd']) expect(isTopic(other)).toBe(false)
})

describe('a refusal', () => {
  test('reads back', () => {
    expect(decodeRefusal(encodeRefusal({ code: 'slow-down', message: 'Wait “a moment”.' }))).toEqual({ code: 'slow-down', message: 'Wait “a moment”.' })
  })
  test.each(['', 'null', '[]', '"no"', '{}', '{"code":"a"}', '{"code":1,"message":"m"}', '{"code":"a","message":2}', '{"code":"<b>","message":"m"}', '<html>Log in to the hotel’s network</html>', `{"code":"a","message":"${'m'.repeat(1000)}"}`])('%.60s is none', (text) => {
    expect(decodeRefusal(text)).toBeUndefined()
  })
  test('never throws', () => { fc.assert(fc.property(fc.string(), (text) => { decodeRefusal(text) })) })
})
