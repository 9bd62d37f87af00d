/** Bodies of authority ops: what we write reads back, nothing else does, and the bytes are those of the vectors. */
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AuthorityBody, certBoxKey, certSignature, certSignedBytes, type Cut, decodeAuthorityBody, deviceConsentBytes, encodeAuthorityBody, encodeCert, EVERYONE, hashCert, identityOfKey,
  isAuthorityType, joinProofBytes, MAX_AUTHORITY_BYTES, MAX_CUT_CHAINS, MAX_CUT_DEVICES, parseRoleId, recoverBytes, revokeProofBytes, selfAddBytes, type RoleId,
} from './authority.ts'
import { concat, equal, fromHex, toHex, utf8 } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { FUZZ, fuzz, FUZZ_TIMEOUT_MS } from './fuzz.test-support.ts'
import { parseChannelId, parseDeviceId, parseIdentityId, parseInviteId, parseOpId, type SpaceId } from './ids.ts'
import vectors from './vectors/authority.json' with { type: 'json' }

const hash = (...parts: readonly Uint8Array[]): Uint8Array => sha256(concat(...parts))
const fill = (n: number, byte: number): Uint8Array => new Uint8Array(n).fill(byte)
const device = parseDeviceId(fill(32, 1))!, phone = parseDeviceId(fill(32, 2))!, identity = parseIdentityId(fill(32, 3))!, other = parseIdentityId(fill(32, 4))!
const op = parseOpId(fill(32, 5))!, channel = parseChannelId(fill(16, 6))!, category = parseChannelId(fill(16, 7))!, invite = parseInviteId(fill(16, 8))!
const role = parseRoleId(fill(16, 9)) as RoleId, space = toHex(fill(32, 10)) as SpaceId
const key = fill(32, 11), sig = fill(64, 12), cert = encodeCert(fill(32, 13), sig)
const cuts: readonly Cut[] = [{ device, seq: 7, head: op, authority: op }, { device: phone, seq: 0, head: undefined, authority: undefined }]
const relays = ['https://relay.example', 'https://two.example:8443']

/** At least one body of each type; several where a field may be missing. */
const SAMPLES: readonly AuthorityBody[] = [
  { type: 'genesis', name: 'Home', nonce: fill(16, 1), identityPk: key, cert, displayName: 'Alice', historyPolicy: 'all', relays, dm: undefined },
  { type: 'genesis', name: '家 👋', nonce: fill(16, 0), identityPk: key, cert, displayName: 'Ä', historyPolicy: 'fromJoin', relays: [], dm: [identity, other].sort() },
  { type: 'invite', invite, joinPk: key, sealPk: key, topicSeed: key, role, uses: 3, expiresAt: 1_790_000_000_000, relays },
  { type: 'invite', invite, joinPk: key, sealPk: key, topicSeed: key, role: undefined, uses: 0, expiresAt: 0, relays: [] },
  { type: 'inviteRevoke', invite },
  { type: 'join', invite, identityPk: key, cert, displayName: 'Bob', proof: sig },
  { type: 'leave' },
  { type: 'kick', identity, cuts },
  { type: 'ban', identity, cuts: [] },
  { type: 'unban', identity },
  { type: 'timeout', identity, until: 1_790_000_000_000 },
  { type: 'deviceAdd', device: phone, identityPk: key, cert, consent: sig },
  { type: 'deviceRevoke', device: phone, cuts, proof: undefined },
  { type: 'deviceRevoke', device: phone, cuts: [], proof: { identityPk: key, signature: sig } },
  { type: 'keyPackage', bytes: fill(288, 14), lastResort: true },
  { type: 'profile', name: 'Bobby' },
  { type: 'roleCreate', role, name: 'mod', power: 50, permissions: 255 },
  { type: 'roleName', role, name: 'helper' },
  { type: 'rolePower', role, power: 99, cuts },
  { type: 'rolePermissions', role: EVERYONE, permissions: 0, cuts },
  { type: 'roleDelete', role, cuts: [] },
  { type: 'roleAssign', role, identity },
  { type: 'roleUnassign', role, identity, cuts },
  { type: 'channelCreate', channel, name: 'garden', kind: 'forum', audience: 3 },
  { type: 'channelRename', channel, name: 'yard' },
  { type: 'channelTopic', channel, topic: '' },
  { type: 'channelPlace', channel, category, place: '80' },
  { type: 'channelPlace', channel, category: undefined, place: '7f80' },
  { type: 'channelDelete', channel },
  { type: 'channelOverride', channel, role, identity: undefined, allow: 1, deny: 256 },
  { type: 'channelOverride', channel, role: undefined, identity, allow: 0, deny: 0 },
  { type: 'audience', audience: 63, roles: [role], identities: [identity, other], cuts: [] },
  { type: 'spaceRename', name: 'Hut' },
  { type: 'spaceHistory', historyPolicy: 'fromJoin' },
  { type: 'spaceRelays', relays },
  { type: 'ownerTransfer', to: identity, cuts },
  { type: 'recoverySet', threshold: 2, identities: [identity, other] },
  { type: 'recover', to: other, set: op, cuts, signatures: [{ identityPk: key, signature: sig }] },
  { type: 'forkProof', first: fill(300, 1), firstRun: [], firstSig: sig, second: fill(300, 2), secondRun: [fill(300, 3), fill(300, 4)], secondSig: sig },
  { type: 'channelAudience', channel, audience: 0xffff_ffff },
  { type: 'retention', channel: undefined, follows: false, afterMs: 30 * 24 * 3600_000, maxBytes: 0 },
  { type: 'retention', channel, follows: true, afterMs: 0, maxBytes: 0 },
  { type: 'clear', channel, before: 1_800_000_000_000 },
  { type: 'audienceHistory', audience: 63, historyPolicy: 'all' },
  { type: 'about', text: 'Bees, mostly', emoji: '🐝', colour: 12 },
  { type: 'about', text: '', emoji: undefined, colour: undefined },
  { type: 'slowMode', channel, everyMs: 30_000 },
  { type: 'ban', identity, cuts: [{ ...cuts[0] as Cut, ends: { all: true, chains: [] } }, { ...cuts[1] as Cut, ends: { all: false, chains: [{ channel, chanSeq: 0 }, { channel: category, chanSeq: 5000 }] } }] },
]

describe.each(SAMPLES.map((body, n) => [`${body.type} ${n}`, body] as const))('%s', (name, body) => {
  const bytes = encodeAuthorityBody(body)

  test('reads back as written', () => { expect(decodeAuthorityBody(body.type, bytes)).toEqual(body) })

  test('is the vector', () => { expect(toHex(bytes)).toBe((vectors as Record<string, string>)[name]) })

  test('cut short anywhere or longer by a byte it is nothing', () => {
    for (let length = 0; length < bytes.length; length++) expect(decodeAuthorityBody(body.type, bytes.subarray(0, length))).toBeUndefined()
    expect(decodeAuthorityBody(body.type, concat(bytes, fill(1, 0)))).toBeUndefined()
  })

  test('damaged it is nothing, or another body with exactly these bytes', () => {
    fuzz(name, bytes, (damaged) => {
      const read = decodeAuthorityBody(body.type, damaged)
      if (read !== undefined && !equal(encodeAuthorityBody(read), damaged)) throw new Error('two encodings of one body')
    }, FUZZ / 5)
  }, FUZZ_TIMEOUT_MS)
})

test('every vector has its sample', () => { expect(Object.keys(vectors)).toEqual(SAMPLES.map((body, n) => `${body.type} ${n}`)) })

test('random bytes of any type never throw and never have two readings', () => {
  const types = [...new Set(SAMPLES.map((s) => s.type as string)), 'commit', 'constructor', '__proto__', '']
  fc.assert(fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 80 }), (type, bytes) => {
    const read = decodeAuthorityBody(type, bytes)
    if (read !== undefined && !equal(encodeAuthorityBody(read), bytes)) throw new Error('not canonical')
  }), { numRuns: 30_000 })
})

test('other types are not authority\'s', () => {
  for (const type of ['commit', 'bundle', '', 'toString', 'constructor', 'Genesis']) {
    expect(isAuthorityType(type)).toBe(false)
    expect(decodeAuthorityBody(type, encodeCbor([]))).toBeUndefined()
  }
})

test('limits hold', () => {
  const cut = (n: number) => ({ device: parseDeviceId(concat(fill(30, 0), new Uint8Array([n >> 8, n & 255])))!, seq: 1, head: op, authority: op })
  const kick = (n: number): AuthorityBody => ({ type: 'kick', identity, cuts: Array.from({ length: n }, (_, i) => cut(i)) })
  const chain = (n: number) => ({ channel: parseChannelId(concat(fill(14, 0), new Uint8Array([n >> 8, n & 255])))!, chanSeq: Number.MAX_SAFE_INTEGER })
  const naming = (n: number): AuthorityBody => ({ type: 'kick', identity, cuts: [{ ...cut(0), ends: { all: false, chains: Array.from({ length: n }, (_, i) => chain(i)) } }] })
  expect(decodeAuthorityBody('kick', encodeAuthorityBody(naming(MAX_CUT_CHAINS)))).toEqual(naming(MAX_CUT_CHAINS))
  expect(decodeAuthorityBody('kick', encodeAuthorityBody(naming(MAX_CUT_CHAINS + 1)))).toBeUndefined()
  const each: AuthorityBody = { type: 'kick', identity, cuts: Array.from({ length: MAX_CUT_DEVICES }, (_, i) => ({ ...cut(i), ends: { all: false, chains: i < MAX_CUT_CHAINS ? [chain(i)] : [] } })) }
  expect(encodeAuthorityBody(each).length).toBeLessThan(MAX_AUTHORITY_BYTES)
  const largest = encodeAuthorityBody(kick(MAX_CUT_DEVICES))
  expect(largest.length).toBeLessThan(MAX_AUTHORITY_BYTES)
  expect(decodeAuthorityBody('kick', largest)).toEqual(kick(MAX_CUT_DEVICES))
  expect(decodeAuthorityBody('kick', encodeAuthorityBody(kick(MAX_CUT_DEVICES + 1)))).toBeUndefined()
  const refused: AuthorityBody[] = [
    { type: 'spaceRename', name: '' }, { type: 'spaceRename', name: 'x'.repeat(65) }, { type: 'rolePower', role, power: 100, cuts: [] },
    { type: 'kick', identity, cuts: [...cuts].reverse() }, { type: 'kick', identity, cuts: [cuts[0]!, cuts[0]!] },
    { type: 'audience', audience: 0x1_0000_0000, roles: [], identities: [], cuts: [] }, { type: 'audience', audience: 1, roles: [], identities: [other, identity], cuts: [] },
    { type: 'spaceRelays', relays: Array.from({ length: 5 }, () => 'https://r.example') }, { type: 'keyPackage', bytes: fill(4097, 1), lastResort: false },
    { type: 'keyPackage', bytes: fill(0, 1), lastResort: false }, { type: 'rolePermissions', role, permissions: 65536, cuts: [] }, { type: 'channelPlace', channel, category: undefined, place: '' },
    { type: 'about', text: 'x'.repeat(191), emoji: undefined, colour: undefined }, { type: 'about', text: undefined, emoji: 'x'.repeat(33), colour: undefined }, { type: 'about', text: undefined, emoji: undefined, colour: 13 },
  ]
  for (const body of refused) expect(decodeAuthorityBody(body.type, encodeAuthorityBody(body)), JSON.stringify(body)).toBeUndefined()
})

test('what identities and devices sign differs in its label, and certificates come apart as they were put together', () => {
  const signed = [
    certSignedBytes(device, key), joinProofBytes(space, invite, device, identity), deviceConsentBytes(space, device, identity), selfAddBytes(space, device), revokeProofBytes(space, device), recoverBytes(space, op, identity),
  ]
  expect(new Set(signed.map((b) => toHex(b.subarray(0, 8)))).size).toBe(signed.length)
  expect(certBoxKey(cert)).toEqual(fill(32, 13))
  expect(certSignature(cert)).toEqual(sig)
  expect(toHex(hashCert(key, device, cert, hash))).toBe(toHex(hash(key, fromHex(device)!, cert)))
  expect(identityOfKey(key, hash)).toBe(toHex(hash(utf8('tk1 id'), key)))
})
