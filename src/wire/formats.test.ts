/** What every format here promises: what we write reads back, and nothing else does. Each sample stands for one shape of one format. */
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMarks, encodeMarks } from './marks.ts'
import type { RoleId } from './authority.ts'
import { concat, fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from './bytes.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import { decodeContent, encodeContent, MAX_CONTENT_BYTES, padEnvelope, padText, unpad } from './content.ts'
import { decodePayload, encodePayload } from './envelope.ts'
import { decodeFrame, encodeFrame } from './frame.ts'
import { decodeGroupBody, decodeSecrets, encodeGroupBody, encodeSecrets } from './group.ts'
import type { ChannelId, DeviceId, EpochId, IdentityId, OpId, SpaceId } from './ids.ts'
import { decodeKit, decodeLink, encodeKit, encodeLink, type InviteLink } from './invite.ts'
import { decodeKeptOp, encodeKeptOp } from './kept-op.ts'
import { decodeHeader, decodeOp, decodeOpOrHusk, encodeHeader, encodeOp, headerBytes, isHeader, MAX_CONTENT_BODY_BYTES, type OpHeader, withSignature } from './op.ts'
import { COPY_PREFACE_BYTES, decodeCopyHello, decodeCopyPreface, decodeCopyRows, encodeCopyHead, encodeCopyHello, encodeCopyRows } from './copy.ts'
import { decodeMessage, decodeNote, encodeMessage, encodeNote } from './content-records.ts'
import {
  decodeDraft, decodeHead, decodeMe, decodeNumber, decodeParcel, decodeProfile, decodeProof, decodeSpace,
  encodeDraft, encodeHead, encodeMe, encodeNumber, encodeParcel, encodeProfile, encodeProof, encodeSpace,
} from './records.ts'
import { decodeCursor, decodeHad, decodeOwed, encodeCursor, encodeHad, encodeOwed } from './mail-records.ts'
import { decodeOwnNote, decodeOwnNotes, encodeOwnNote, encodeOwnNotes, ownNoteKey } from './own-notes.ts'
import { decodeLinkParcel, decodeLinkRequest, encodeLinkParcel, encodeLinkRequest } from './linking.ts'
import { decodeRecoverySignature, encodeRecoverySignature } from './recovery.ts'
import { decodeTally, encodeTally } from './tally.ts'
import { decodeGreeting, encodeGreeting } from './greeting.ts'
import { decodeVector, encodeVector } from './vector.ts'
import { describeFormats, expectVectors, sample, type Sample } from './samples.test-support.ts'

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const id = <T extends string>(length: number, fill: number): T => toHex(bytes(length, fill)) as T
const op = id<OpId>(32, 1), other = id<OpId>(32, 2), device = id<DeviceId>(32, 3), channel = id<ChannelId>(16, 4), identity = id<IdentityId>(32, 5), space = id<SpaceId>(32, 6), role = id<RoleId>(16, 7)
const vector = [{ channel, device, chanSeq: 7, head: '0102030405060708' }, { channel, device: id<DeviceId>(32, 9), chanSeq: 1, head: '0102030405060709' }]
const sha = (b: Uint8Array): Uint8Array => sha256(b)

const body = utf8('body')
const header: OpHeader = {
  space, audience: 0, channel, device, seq: 3, prev: op, chanSeq: 2, chanPrev: other, deps: [op, other], type: 'message', hlc: 1_800_000_000_000 * 1024,
  kid: bytes(16, 8), epoch: op, bodyHash: sha(body),
}
const husk = encodeCbor([encodeHeader(header), bytes(64, 1)]), whole = encodeOp(encodeHeader(header), body, bytes(64, 1))
const link: InviteLink = { space, secret: bytes(16, 7), expiresAt: 1_800_000_000_000, spaceName: 'Föhr', inviterName: 'Alice', relays: ['https://relay.example'] }

const origin = { id: op, device, author: identity, audience: 0x89abcdef, seq: 4, chanSeq: 1, hlc: 2, deps: [other] }
const post = { type: 'message', text: 'Wer kommt?', replyTo: op, thread: other, mentions: [identity], roles: [role], everyone: true, title: 'Sonntag', tags: ['Garten'] } as const
const commit = { type: 'commit', parent: op, mls: bytes(300, 1), external: true, welcome: bytes(9, 2), groupInfo: bytes(30, 3), treeHash: bytes(32, 4), check: bytes(32, 5), backLink: bytes(72, 6), relayKey: bytes(72, 7), kitCheck: bytes(32, 8) } as const
/** White space around it is of the pasting, and belongs to no reading of it. */
function decodePasted(bytes: Uint8Array): unknown {
  const text = String.fromCharCode(...bytes)
  return text === text.trim() ? decodeLinkRequest(text, sha) : undefined
}
const samples: readonly Sample[] = [
  sample('commit', commit, encodeGroupBody, (b) => decodeGroupBody('commit', b)),
  sample('commit of before', { ...commit, kitCheck: undefined } as const, encodeGroupBody, (b) => decodeGroupBody('commit', b)),
  sample('commit without options', { ...commit, external: false, welcome: undefined, backLink: undefined, relayKey: undefined }, encodeGroupBody, (b) => decodeGroupBody('commit', b)),
  sample('bundle', { type: 'bundle', under: op, secrets: [{ epoch: other, sealed: bytes(72, 1) }] } as const, encodeGroupBody, (b) => decodeGroupBody('bundle', b)),
  sample('commit reject for its tree', { type: 'commitReject', epoch: op, why: 'tree' } as const, encodeGroupBody, (b) => decodeGroupBody('commitReject', b)),
  sample('commit reject', { type: 'commitReject', epoch: op, why: 'check' } as const, encodeGroupBody, (b) => decodeGroupBody('commitReject', b)),
  sample('key want', { type: 'keyWant', epochs: [op, other] } as const, encodeGroupBody, (b) => decodeGroupBody('keyWant', b)),
  sample('grant', { type: 'grant', want: op, sealed: bytes(120, 3) } as const, encodeGroupBody, (b) => decodeGroupBody('grant', b)),
  sample('history share', { type: 'historyShare', identity } as const, encodeGroupBody, (b) => decodeGroupBody('historyShare', b)),
  sample('granted secrets', [{ epoch: op, secret: bytes(32, 2) }], encodeSecrets, decodeSecrets),
  sample('message', { type: 'message', text: 'Grüß dich 👋' } as const, encodeContent, (b) => decodeContent('message', b, 100)),
  sample('message with all there is', post, encodeContent, (b) => decodeContent('message', b, 100)),
  sample('edit', { type: 'edit', message: op, text: 'Guten Tag', mentions: [identity] } as const, encodeContent, (b) => decodeContent('edit', b, 100)),
  sample('delete', { type: 'delete', message: op } as const, encodeContent, (b) => decodeContent('delete', b, 100)),
  sample('remove', { type: 'remove', message: op } as const, encodeContent, (b) => decodeContent('remove', b, 100)),
  sample('reaction', { type: 'reaction', message: op, emoji: '👩🏽‍🌾' } as const, encodeContent, (b) => decodeContent('reaction', b, 100)),
  sample('unreact', { type: 'unreact', message: op, notes: [other] } as const, encodeContent, (b) => decodeContent('unreact', b, 100)),
  sample('pin', { type: 'pin', message: op } as const, encodeContent, (b) => decodeContent('pin', b, 100)),
  sample('unpin', { type: 'unpin', message: op, notes: [other, op] } as const, encodeContent, (b) => decodeContent('unpin', b, 100)),
  sample('ops payload', { type: 'ops', ops: [bytes(5, 1), bytes(0, 0)] } as const, encodePayload, decodePayload),
  sample('contact', { type: 'contact', sealed: bytes(40, 3) } as const, encodePayload, decodePayload),
  sample('aside', { type: 'aside', sealed: bytes(40, 4) } as const, encodePayload, decodePayload),
  sample('marks payload', { type: 'marks', sealed: bytes(104, 1) } as const, encodePayload, decodePayload),
  sample('marks', [{ channel, thread: undefined, hlc: 5 }, { channel, thread: op, hlc: 6 }], encodeMarks, decodeMarks),
  sample('own notes', [{ kind: 'check', id: id(32, 1), value: bytes(32, 2), at: 5 }, { kind: 'device', id: id(32, 3), value: bytes(0, 0), at: 6 }] as const, encodeOwnNotes, decodeOwnNotes),
  sample('own note row', { kind: 'check', id: id(32, 1), value: bytes(32, 2), at: 5 } as const, encodeOwnNote, (b) => decodeOwnNote(ownNoteKey({ kind: 'check', id: id(32, 1) }), b)),
  sample('typing', { type: 'typing', device, channel, at: 5, sig: bytes(64, 1) } as const, encodePayload, decodePayload),
  sample('presence', { type: 'presence', device, peer: '12D3', addresses: ['/dns4/a'], at: 5, sig: bytes(64, 1) } as const, encodePayload, decodePayload),
  sample('receipt', { type: 'receipt', device, at: 5, vector, sig: bytes(64, 1) } as const, encodePayload, decodePayload),
  sample('tree payload', { type: 'tree', tree: bytes(50, 1) } as const, encodePayload, decodePayload),
  sample('hello frame', { type: 'hello', spaces: [{ token: bytes(16, 1), nonce: bytes(24, 2), sealed: bytes(112, 3) }] } as const, encodeFrame, decodeFrame),
  sample('hello with digests', { device, sig: bytes(64, 1), channels: [{ channel, digest: '0102030405060708' }, { channel: id<ChannelId>(16, 9), digest: '0102030405060709' }] }, encodeGreeting, decodeGreeting),
  sample('hello without digests', { device, sig: bytes(64, 1), channels: undefined }, encodeGreeting, decodeGreeting),
  sample('vector frame', { type: 'vector', token: bytes(4, 1), told: [{ channel: id<ChannelId>(16, 9), chains: [{ device: '01'.repeat(8), chanSeq: 300, head: '02'.repeat(8) }, { device, chanSeq: 1, head: '03'.repeat(8) }] }, { channel, chains: [] }], asks: true } as const, encodeFrame, decodeFrame),
  sample('digest frame', { type: 'digest', token: bytes(16, 1), channels: [{ channel, digest: '0102030405060708' }, { channel: id<ChannelId>(16, 9), digest: '0102030405060709' }] } as const, encodeFrame, decodeFrame),
  sample('ask frame', { type: 'ask', token: bytes(16, 1), ranges: [{ channel, device, from: 1, to: 5 }], trees: [bytes(32, 2)] } as const, encodeFrame, decodeFrame),
  sample('ask frame for what is not packed', { type: 'ask', token: bytes(16, 1), ranges: [{ channel, device, from: 1, to: 5 }], trees: [], plain: true } as const, encodeFrame, decodeFrame),
  sample('packed ops frame', { type: 'ops', token: bytes(16, 1), ops: [], packed: [{ channel, epoch: op, sealed: bytes(60, 1), sigs: bytes(128, 2) }], more: true } as const, encodeFrame, decodeFrame),
  sample('ops frame', { type: 'ops', token: bytes(16, 1), ops: [bytes(7, 1)], more: false } as const, encodeFrame, decodeFrame),
  sample('fresh frame', { type: 'fresh', token: bytes(4, 1), ops: [{ channel: '01'.repeat(4), epoch: '02'.repeat(4), device: undefined, sig: bytes(64, 3), variant: bytes(4, 4), sealed: bytes(48, 5) }, { channel: '01'.repeat(4), epoch: '02'.repeat(4), device: '06'.repeat(8), sig: bytes(64, 3), variant: bytes(4, 4), sealed: bytes(48, 5) }] } as const, encodeFrame, decodeFrame),
  sample('signal frame', { type: 'signal', token: bytes(16, 1), sealed: bytes(300, 1) } as const, encodeFrame, decodeFrame),
  sample('tree frame', { type: 'tree', token: bytes(16, 1), tree: bytes(7, 1) } as const, encodeFrame, decodeFrame),
  sample('vector', vector, (v) => encodeCbor(encodeVector(v)), (b) => decodeVector(decodeCbor(b, 1000))),
  sample('kit of ops', { type: 'ops', ops: [bytes(7, 1)] } as const, encodeKit, decodeKit),
  sample('kit of a group', { type: 'group', epoch: op, groupInfo: bytes(9, 1), tree: bytes(9, 2), envelopeSecret: bytes(32, 3), secrets: [{ epoch: other, secret: bytes(32, 4) }], relayKey: bytes(32, 5) } as const, encodeKit, decodeKit),
  sample('me record', { identity: { type: 'held', secret: bytes(32, 1) }, deviceSeed: bytes(32, 2), boxSeed: bytes(32, 3), cert: bytes(96, 4), name: 'Alice' } as const, encodeMe, decodeMe),
  sample('me record with a phrase', { identity: { type: 'held', secret: bytes(16, 1) }, deviceSeed: bytes(32, 2), boxSeed: bytes(32, 3), cert: bytes(96, 4), name: 'Alice' } as const, encodeMe, decodeMe),
  sample('me record of a linked device', { identity: { type: 'certified', publicKey: bytes(32, 1), ownKey: bytes(32, 5) }, deviceSeed: bytes(32, 2), boxSeed: bytes(32, 3), cert: bytes(96, 4), name: 'Alice' } as const, encodeMe, decodeMe),
  sample('profile record', { about: 'Bees, mostly', emoji: '🐝', colour: 4 }, encodeProfile, decodeProfile),
  sample('tally', { nonce: bytes(24, 1), sealed: bytes(21, 2) }, encodeTally, decodeTally),
  sample('space record', { state: 'joining', relays: ['http://localhost:8080'], link: 'x', createdAt: 1 } as const, encodeSpace, decodeSpace),
  sample<'fine' | 'forged' | OpId>('proof record', 'fine', encodeProof, decodeProof),
  sample<'fine' | 'forged' | OpId>('proof record of an invite', op, encodeProof, decodeProof),
  sample('head record', { chanSeq: 1, id: op, seq: 2, hlc: 3 }, encodeHead, decodeHead),
  sample('head record with its day', { chanSeq: 9, id: op, seq: 12, hlc: 3, day: { number: 20_000, from: 4 } }, encodeHead, decodeHead),
  sample('message record', { ...origin, place: 2, thread: undefined, content: { type: 'message', text: 'hello' }, noted: false, replies: 0, lastReply: 0 } as const, encodeMessage, decodeMessage),
  sample('message record in a slow channel', { ...origin, place: 2, thread: undefined, content: { type: 'message', text: 'hello' }, noted: true, replies: 0, lastReply: 0, gap: 30_000 } as const, encodeMessage, decodeMessage),
  sample('message record of a post', { ...origin, place: 2, thread: other, content: post, noted: true, replies: 3, lastReply: 9 }, encodeMessage, decodeMessage),
  sample('message record without its text', { ...origin, place: 2, thread: undefined, content: undefined, noted: true, replies: 0, lastReply: 0 }, encodeMessage, decodeMessage),
  sample('note record', { ...origin, content: { type: 'reaction', message: other, emoji: '🌱' } } as const, encodeNote, decodeNote),
  sample('parcel record', { relay: 'http://r', seed: bytes(32, 1), topic: 'ab', bytes: bytes(9, 2), covers: { channel, chanSeq: 4 } }, encodeParcel, decodeParcel),
  sample('parcel record that covers nothing', { relay: 'http://r', seed: bytes(32, 1), topic: 'ab', bytes: bytes(9, 2), covers: undefined }, encodeParcel, decodeParcel),
  sample('draft record', { channel, content: { type: 'message', text: 'later' }, at: 5 } as const, encodeDraft, decodeDraft),
  sample('link request', { devicePk: bytes(32, 6), boxPk: bytes(32, 7) }, (v) => utf8(encodeLinkRequest(v, sha)), decodePasted),
  sample('link parcel', { identityPk: bytes(32, 7), cert: bytes(96, 8), ownKey: bytes(32, 9), name: 'Alice', links: ['https://thicket.example/#/join/x'] }, encodeLinkParcel, decodeLinkParcel),
  sample('recovery signature', { space, set: op, to: identity, identityPk: bytes(32, 7), signature: bytes(64, 8) },
    (v) => utf8(encodeRecoverySignature(v, sha)), (b) => decodeRecoverySignature(String.fromCharCode(...b), sha)),
  sample('cursor', { cursor: 700, hash: bytes(32, 7), comparedAt: 1_800_000_000_000 }, encodeCursor, decodeCursor),
  sample('cursor without a hash', { cursor: 0, hash: undefined, comparedAt: 0 }, encodeCursor, decodeCursor, [encodeCbor(0)]),
  sample('what was had', { topic: id(16, 9), at: 1_800_000_000_000, ids: [id(16, 1), id(16, 2)] }, encodeHad, decodeHad),
  sample('what is owed', { at: 1_800_000_000_000, epoch: id<EpochId>(32, 1), ids: [id(16, 1), id(16, 2)] }, encodeOwed, decodeOwed),
  sample('number', 1_800_000_000_000, encodeNumber, decodeNumber),
  sample('copy preface', { lockBytes: 25 }, () => encodeCopyHead(bytes(25, 1)).subarray(0, COPY_PREFACE_BYTES), decodeCopyPreface),
  sample('copy hello', { madeAt: 1_800_000_000_000 }, encodeCopyHello, decodeCopyHello),
  sample('copy rows', { partition: 'ops/ab', rows: [{ key: bytes(40, 1), value: bytes(90, 2) }, { key: bytes(0, 1), value: bytes(0, 1) }] }, encodeCopyRows, decodeCopyRows),
  sample('kept op', { type: 'message', audience: 7, deps: [id<OpId>(32, 1), id<OpId>(32, 2)], epoch: id<EpochId>(32, 3), seq: 9, hlc: 1_800_000_000_000, prev: id<OpId>(32, 4), chanPrev: id<OpId>(32, 5), mark: bytes(4, 6), sig: bytes(64, 7), text: bytes(120, 8) }, encodeKeptOp, decodeKeptOp),
  sample('kept op whose predecessors are one', { type: 'edit', audience: 0, deps: [], epoch: id<EpochId>(32, 3), seq: 2, hlc: 5, prev: id<OpId>(32, 4), chanPrev: id<OpId>(32, 4), mark: bytes(4, 6), sig: bytes(0, 7), text: bytes(3, 8) }, encodeKeptOp, decodeKeptOp),
  sample('kept op without predecessors', { type: 'message', audience: 0, deps: [], epoch: id<EpochId>(32, 3), seq: 1, hlc: 5, prev: undefined, chanPrev: undefined, mark: bytes(4, 6), sig: bytes(64, 7), text: bytes(3, 8) }, encodeKeptOp, decodeKeptOp),
  sample('husk', decodeOpOrHusk(husk, sha), () => husk, (b) => decodeOpOrHusk(b, sha)),
  sample('op', decodeOp(whole, sha), () => whole, (b) => decodeOp(b, sha)),
]

describeFormats(samples)

test('vectors: the encodings of released versions stay readable, byte for byte', () => expectVectors('formats', samples.map((s) => [s.name, s.encoded])))

describe('canonical CBOR', () => {
  test('is plain bytes: a slice of it is a copy, at every length', () => {
    for (let n = 0; n < 600; n += 7) {
      const encoded = encodeCbor([bytes(n, 1)])
      encoded.slice().fill(0)
      expect(decodeCbor(encoded, 1000)).toEqual([bytes(n, 1)])
    }
  })
  test('reads back whatever our formats may hold', () => {
    const leaf: fc.Arbitrary<Cbor> = fc.oneof(fc.maxSafeInteger(), fc.string(), fc.boolean(), fc.constant(null), fc.uint8Array())
    const { tree } = fc.letrec<{ tree: Cbor }>((tie) => ({ tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('tree'), { maxLength: 5 })) }))
    fc.assert(fc.property(tree, (value) => { expect(decodeCbor(encodeCbor(value), 1_000_000)).toEqual(value) }))
  })
  test.each([
    ['a longer integer than needed', '1800'], ['an indefinite array', '9f01ff'], ['a float that is an integer', 'fb3ff0000000000000'],
    ['unsorted keys', 'a2616201616101'], ['a duplicate key', 'a2616101616101'], ['a tag', 'c100'], ['undefined', 'f7'], ['text that is not UTF-8', '61ff'],
  ])('refuses %s', (_, hex) => { expect(decodeCbor(fromHex(hex) as Uint8Array, 100)).toBeUndefined() })
  test('refuses nesting that would exhaust the stack, before reading it', () => {
    expect(decodeCbor(bytes(100_000, 0x81), 200_000)).toBeUndefined()
  })
})

describe('invite links', () => {
  const text = encodeLink(link, 'https://thicket.example/', sha)
  test('open on the app that made them and read back', () => {
    expect(text.startsWith('https://thicket.example/#/join/')).toBe(true)
    expect(decodeLink(text, sha)).toEqual(link)
  })
  test('a link that lost or changed one character is refused', () => {
    const start = text.indexOf('#/join/') + 7
    for (let i = start; i < text.length; i++) {
      expect(decodeLink(text.slice(0, i) + text.slice(i + 1), sha)).toBeUndefined()
      const swapped = text[i] === 'A' ? 'B' : 'A'
      expect(decodeLink(text.slice(0, i) + swapped + text.slice(i + 1), sha)).toBeUndefined()
    }
  })
  test('a link of a later version says so', () => {
    const later = encodeCbor([2, 'anything'])
    expect(decodeLink(`https://x/#/join/${toBase64Url(concat(later, sha(later).subarray(0, 4)))}`, sha)).toBe('newer')
  })
  test('a relay that is not a web address is refused', () => {
    expect(decodeLink(encodeLink({ ...link, relays: ['javascript:alert(1)'] }, 'https://x', sha), sha)).toBeUndefined()
  })
})

test('a header that no op may have is read by nobody, nor taken for one before it is written', () => {
  const [a, b] = header.deps.length > 1 ? header.deps : [], none = '00'.repeat(32) as OpId
  expect([isHeader(header), decodeHeader(encodeHeader(header))]).toEqual([true, header])
  const wrong: Partial<OpHeader>[] = [
    { audience: 2 ** 32 }, { seq: header.chanSeq - 1 }, { seq: 0 }, { chanSeq: 0 }, { prev: undefined }, { prev: none }, { chanPrev: undefined }, { chanPrev: none }, { seq: 1, chanSeq: 1 },
    { type: '' }, { type: 'x'.repeat(25) }, { deps: [b, a] as OpId[] }, { deps: [a, a] as OpId[] }, { deps: Array.from({ length: 17 }, (_, n) => toHex(new Uint8Array(32).fill(n + 1)) as OpId) },
  ]
  for (const change of wrong) expect([isHeader({ ...header, ...change }), decodeHeader(encodeHeader({ ...header, ...change }))], JSON.stringify(change)).toEqual([false, undefined])
})

test('padding reads back and shows only its bucket', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (plain) => {
    const { length } = padText(plain)
    expect(unpad(padText(plain))).toEqual(plain)
    expect(padText(plain, new Uint8Array(2048).fill(7))).toEqual(padText(plain))
    expect(length % 32).toBe(0)
    expect(length - plain.length).toBeLessThanOrEqual(Math.max(64, plain.length / 8))
    expect(unpad(padEnvelope(plain))).toEqual(plain)
    expect(Math.log2(padEnvelope(plain).length / 256) % 1).toBe(0)
  }))
  const large = bytes(100_000, 1)
  expect(unpad(padEnvelope(large))).toEqual(large)
  expect(padEnvelope(large).length / large.length).toBeLessThan(1.12)
})

test('base64url reads back, and only its canonical form', () => {
  fc.assert(fc.property(fc.uint8Array(), (plain) => { expect(fromBase64Url(toBase64Url(plain))).toEqual(plain) }))
  expect(fromBase64Url('AB')).toBeUndefined()
})

describe('content', () => {
  const read = (type: string, v: Cbor): unknown => decodeContent(type, encodeCbor(v), 100)
  const text = 'Hello'
  test('passes over what a later version adds', () => {
    expect(read('message', [text, { 'later': [1, 2] }])).toEqual({ type: 'message', text })
  })
  test.each<[string, Cbor]>([
    ['an empty text', ['', {}]], ['a text that is too long', ['x'.repeat(101), {}]], ['a text that is a number', [5, {}]], ['no map', [text]], ['a list for a map', [text, []]],
    ['a short id', [text, { re: bytes(31, 1) }]], ['a thread that is text', [text, { th: 'x' }]], ['an empty title', [text, { title: '' }]], ['a title that is too long', [text, { title: 'x'.repeat(121) }]],
    ['a tag of spaces', [text, { tags: ['  '] }]], ['a tag of two lines', [text, { tags: ['a\nb'] }]], ['too many tags', [text, { tags: ['a', 'b', 'c', 'd', 'e', 'f'] }]],
    ['too many mentions', [text, { at: Array.from({ length: 101 }, () => bytes(32, 1)) }]], ['a mention of nobody', [text, { at: [bytes(3, 1)] }]],
  ])('a message with %s is none', (_, v) => { expect(read('message', v)).toBeUndefined() })
  test.each<[string, string, Cbor]>([
    ['reaction', 'a sentence', [bytes(32, 1), 'good morning to you']], ['reaction', 'nothing', [bytes(32, 1), '']], ['reaction', 'something longer than any emoji', [bytes(32, 1), 'x'.repeat(33)]],
    ['unreact', 'no list', [bytes(32, 1)]], ['unreact', 'an empty list', [bytes(32, 1), []]], ['unpin', 'a list of texts', [bytes(32, 1), ['a']]],
    ['delete', 'something more', [bytes(32, 1), true]], ['edit', 'no text', [bytes(32, 1), '', {}]], ['nonsense', 'any body', [bytes(32, 1)]],
  ])('a %s with %s is none', (type, _, v) => { expect(read(type, v)).toBeUndefined() })
})

test('an op or a husk without its signature is what it would be if it had been encoded so', () => {
  for (const encoded of [whole, husk]) {
    const op = decodeOpOrHusk(encoded, sha) ?? expect.fail('no op'), bare = withSignature(op, new Uint8Array())
    expect(bare.bytes).toEqual(encodeCbor(op.isHusk === true ? [headerBytes(op), new Uint8Array()] : [headerBytes(op), op.body, new Uint8Array()]))
    expect(bare.body).toEqual(op.body)
    expect(bare.sig).toHaveLength(0)
    expect(withSignature(bare, op.sig).bytes).toEqual(encoded)
  }
})

test('content of the most bytes there may be fits into an op, and nothing larger does', () => {
  const most = 40 + padText(new Uint8Array(MAX_CONTENT_BYTES)).length
  const of = (length: number, change: Partial<OpHeader>) => decodeOp(encodeOp(encodeHeader({ ...header, ...change, bodyHash: sha(bytes(length, 1)) }), bytes(length, 1), bytes(64, 1)), sha)
  expect([of(most, {})?.body.length, of(MAX_CONTENT_BODY_BYTES, {})?.body.length, of(MAX_CONTENT_BODY_BYTES + 1, {})]).toEqual([most, most, undefined])
  expect(of(MAX_CONTENT_BODY_BYTES + 1, { kid: undefined, epoch: undefined })?.body).toHaveLength(MAX_CONTENT_BODY_BYTES + 1)
})
