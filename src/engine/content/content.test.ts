/** Content keys and what they seal. Alice seals; Bob, who has the epoch's secret, opens; a changed place or key opens nothing. */
import { beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import type { Ciphersuite } from '../../ports.ts'
import { toHex } from '../../wire/bytes.ts'
import type { Content } from '../../wire/content.ts'
import type { ChannelId, DeviceId, EpochId, OpId, SpaceId } from '../../wire/ids.ts'
import { decodeOp, encodeHeader, encodeOp, type Op, type OpHeader } from '../../wire/op.ts'
import { LABELS } from '../labels.ts'
import { openContent, sealContent } from './content.ts'
import { EpochKeys } from './keys.ts'

let suite: Ciphersuite
let keys: EpochKeys
const epoch = '11'.repeat(32) as EpochId
const general = '22'.repeat(16) as ChannelId, random = '33'.repeat(16) as ChannelId
const secret = new Uint8Array(32).fill(9)

beforeAll(async () => {
  suite = await createSuite(seededRandom(1))
  keys = new EpochKeys(suite)
  keys.add(epoch, secret)
})

const keyOf = (channel: ChannelId) => keys.contentKey(epoch, channel) ?? expect.fail('no key')

function header(channel = general): OpHeader {
  return {
    space: 'ab'.repeat(32) as SpaceId, audience: 0, channel, device: 'cd'.repeat(32) as DeviceId, seq: 4, prev: 'ef'.repeat(32) as OpId, chanSeq: 1, chanPrev: undefined, deps: [],
    type: 'message', hlc: 5, kid: keyOf(channel).kid, epoch, bodyHash: new Uint8Array(),
  }
}

function sealed(text: string, h = header()): Op {
  const body = sealContent(suite, keyOf(h.channel), h, { type: 'message', text })
  return op({ ...h, bodyHash: suite.sha256(body) }, body)
}

const op = (h: OpHeader, body: Uint8Array): Op =>
  decodeOp(encodeOp(encodeHeader(h), body, new Uint8Array(64)), (b) => suite.sha256(b)) ?? expect.fail('no op')

test('C1 whoever holds the epoch reads what was sealed', () => {
  expect(openContent(suite, keyOf(general), sealed('hello'))).toEqual({ type: 'message', text: 'hello' } satisfies Content)
})

test('C2 content opens in its own place only: any other header, channel or key opens nothing', () => {
  const said = sealed('hello')
  for (const change of [{ seq: 5 }, { hlc: 6 }, { channel: random }, { type: 'edit' }, { device: '99'.repeat(32) as DeviceId }, { prev: '98'.repeat(32) as OpId }]) {
    expect(openContent(suite, keyOf(general), op({ ...said.header, ...change } as OpHeader, said.body))).toBeUndefined()
  }
  expect(openContent(suite, keyOf(random), said)).toBeUndefined()
  for (let i = 0; i < said.body.length; i += 7) {
    const body = said.body.slice()
    body[i] = (body[i] as number) ^ 1
    expect(openContent(suite, keyOf(general), op({ ...said.header, bodyHash: suite.sha256(body) }, body))).toBeUndefined()
  }
})

test('C3 the key id commits to the key: each epoch and channel has its own', () => {
  const ids = new Set<string>()
  for (const fill of [1, 2, 3]) {
    const other = `${fill}${fill}`.repeat(32) as EpochId
    keys.add(other, new Uint8Array(32).fill(fill))
    for (const channel of [general, random]) ids.add(toHex(keys.contentKey(other, channel)?.kid ?? expect.fail('no key')))
  }
  expect(ids.size).toBe(6)
  // Sealed with one key and naming another: it would be two texts for those who hold two keys.
  const h = { ...header(), kid: keyOf(random).kid }, body = sealContent(suite, keyOf(general), h, { type: 'message', text: 'hello' })
  for (const channel of [general, random]) expect(openContent(suite, keyOf(channel), op({ ...h, bodyHash: suite.sha256(body) }, body))).toBeUndefined()
})

test('C4 the nonce depends on header and text: the same words elsewhere look different, and a repetition is the same', () => {
  const once = sealed('hello'), again = sealed('hello'), later = sealed('hello', { ...header(), seq: 5 })
  expect(again.body).toEqual(once.body)
  expect(toHex(later.body.subarray(0, 24))).not.toBe(toHex(once.body.subarray(0, 24)))
})

test('C5 lengths show only their bucket', () => {
  expect(sealed('a').body.length).toBe(sealed('a'.repeat(50)).body.length)
  expect(sealed('a').body.length).toBeLessThan(sealed('a'.repeat(64)).body.length)
})

test('C6 a sealed secret opens under its own key and label only, and is believed only if it matches its commitment', () => {
  const under = new Uint8Array(32).fill(1), past = new Uint8Array(32).fill(2)
  const link = keys.sealSecret(under, LABELS.backLink, past)
  expect(keys.openSecret(under, LABELS.backLink, link)).toEqual(past)
  expect(keys.openSecret(past, LABELS.backLink, link)).toBeUndefined()
  expect(keys.openSecret(under, LABELS.bundle, link)).toBeUndefined()
  expect(keys.matches(past, keys.check(past))).toBe(true)
  expect(keys.matches(under, keys.check(past))).toBe(false)
})

test('an epoch is found by the hint of its envelope, whatever was asked before, also where only the envelope is known', () => {
  const many = new EpochKeys(suite), epochs = Array.from({ length: 5 }, (_, n) => `${n}${n}`.repeat(32) as EpochId)
  for (const [n, one] of epochs.entries()) many.add(one, new Uint8Array(32).fill(n))
  const kit = '77'.repeat(32) as EpochId
  many.addEnvelope(kit, new Uint8Array(32).fill(77))
  const hints = [...epochs, kit].map((one) => [one, many.envelope(one)?.hint as Uint8Array] as const)
  expect(many.epochByHint(new Uint8Array(8))).toBeUndefined()
  const again = new EpochKeys(suite)
  for (const [n, one] of epochs.entries()) again.add(one, new Uint8Array(32).fill(n))
  again.addEnvelope(kit, new Uint8Array(32).fill(77))
  for (const n of [3, 0, 5, 4, 1, 2]) {
    const [one, hint] = hints[n] as (typeof hints)[number]
    expect(again.epochByHint(hint)).toBe(one)
    expect(again.envelopeByHint(hint)).toEqual(many.envelope(one)?.key)
  }
  // Its secret came after a kit that said something else of it.
  again.add(kit, new Uint8Array(32).fill(8))
  expect(again.envelope(kit)?.key).not.toEqual(many.envelope(kit)?.key)
  expect(again.epochByHint(again.envelope(kit)?.hint as Uint8Array)).toBe(kit)
})
