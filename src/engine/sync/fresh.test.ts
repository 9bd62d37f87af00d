/** Fresh messages between connected people, told without what their logs have in common. Mallory's app packs what it likes. */
import { expect, test } from 'vitest'
import { concat, fromHex } from '../../wire/bytes.ts'
import { decodeFrame, type Frame } from '../../wire/frame.ts'
import { decodeFreshText, encodeFreshText, type FreshOp, type FreshText } from '../../wire/fresh.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import type { EpochId } from '../../wire/ids.ts'
import { huskOf, type Op, withSignature } from '../../wire/op.ts'
import { textOf } from '../content/content.ts'
import { LABELS } from '../labels.ts'
import { opKey } from '../log/log.ts'
import { keptOp } from '../content/kept.ts'
import { opsPartition, type Replica } from '../replica.ts'
import { packFresh, unpackFresh } from './fresh.ts'
import { home, type Home, sendFrame, sessionToken, signMessage, signMessages, signRule, view } from './mallory.test-support.ts'

const TEXT = 'The slugs have eaten all of the salad again, and the neighbours say that it is our own fault: we leave the gate open overnight.'.slice(0, 124)

const packed = (replica: Replica, op: Op): FreshOp => packFresh(replica, op) ?? expect.fail('not packed')
const reachOf = (h: Home, person: Home['alice']): number => person.space(h.space).log.head(h.channel, h.mallory.space(h.space).me.device)?.chanSeq ?? 0
const tells = (h: Home, ops: readonly FreshOp[], to = h.alice): void =>
  sendFrame(h.mallory, to, { type: 'fresh', token: sessionToken(h.mallory, to, h.space).subarray(0, 4), ops: ops.map((op) => ({ ...op, device: undefined })) })

/** What Mallory's app says in the place of what an op says. */
function lie(mallory: Replica, op: Op, change: Partial<FreshText>): FreshOp {
  const { suite } = mallory.world, { channel, device } = op.header, epoch = op.header.epoch as EpochId
  const key = mallory.groups.keys.contentKey(epoch, channel) ?? expect.fail('no key'), own = suite.expand(key.key, 32, LABELS.fresh)
  const bound = concat(...[mallory.id, channel, epoch, device].map((id) => fromHex(id) as Uint8Array))
  const nonce = (fresh: FreshOp): Uint8Array => suite.hmac(own, fresh.sig, fresh.variant).subarray(0, 24), honest = packed(mallory, op)
  const said = decodeFreshText(suite.open(own, nonce(honest), bound, honest.sealed) ?? expect.fail('not opened')) ?? expect.fail('no text')
  const plain = encodeFreshText({ ...said, ...change }), fresh = { ...honest, variant: suite.hmac(own, plain).subarray(0, 4) }
  return { ...fresh, sealed: suite.seal(own, nonce(fresh), bound, plain) }
}

test('S16 a fresh message costs less than 130 bytes over its text, and is on every disk as its author signed it', async () => {
  const h = await home(), sizes: number[] = []
  h.room.seesFrame = (bytes, from) => { if (from === h.alice && decodeFrame(bytes)?.type === 'fresh') sizes.push(bytes.length) }
  for (let n = 0; n < 3; n++) await h.room.ask(h.alice, { type: 'send-message', space: h.space, channel: h.channel, text: TEXT })
  expect(sizes).toHaveLength(9)
  expect(Math.max(...sizes) - TEXT.length).toBeLessThan(130)
  const rows = await Promise.all([h.alice, h.bob, h.carol].map(async (person) => (
    (await person.disk.range(opsPartition(h.space, h.channel), { from: opKey(h.alice.space(h.space).me.device, 0), limit: 10 })).map((row) => keptOp(person.space(h.space), h.channel, row)?.bytes)
  )))
  expect(rows[0]).toHaveLength(3)
  expect(rows[0]?.every((bytes) => bytes !== undefined)).toBe(true)
  for (const one of rows) expect(one).toEqual(rows[0])
})

test('S16 who lacks what came before, or an op of authority, compares at once and has all of it in a moment', async () => {
  const h = await home(), mallory = h.mallory.space(h.space)
  const asked: Frame['type'][] = []
  h.room.seesFrame = (bytes, from, to) => { const type = decodeFrame(bytes)?.type; if (from === h.alice && to === h.mallory && type !== undefined) asked.push(type) }
  // His own log has them; nobody was told.
  h.room.goesOffline(h.mallory)
  await h.room.ask(h.mallory, { type: 'set-name', name: 'Mal' })
  for (const text of ['One', 'Two', 'Three']) await h.room.ask(h.mallory, { type: 'send-message', space: h.space, channel: h.channel, text })
  expect(reachOf(h, h.alice)).toBe(0)
  await h.room.comesOnline(h.mallory)
  await h.room.ask(h.mallory, { type: 'send-message', space: h.space, channel: h.channel, text: 'Four' })
  await h.room.pass(5000)
  expect(reachOf(h, h.alice)).toBe(4)
  const [ahead] = (await signMessages(mallory, h.channel, ['Five', 'Six'], h.room.now)).slice(1) as [Op]
  asked.length = 0
  tells(h, [packed(mallory, ahead)])
  tells(h, [packed(mallory, ahead)])
  await h.room.pass(50)
  expect(asked.filter((type) => type === 'digest')).toHaveLength(1)
  expect(reachOf(h, h.alice)).toBe(4)
  expect(view(h.alice, h.space)).toEqual(view(h.bob, h.space))
})

test('S16 what goes as it is: authority, husks, and what has no signature of its own', async () => {
  const h = await home(), mallory = h.mallory.space(h.space)
  const said = await signMessage(mallory, h.channel, 'Hello', h.room.now)
  const rule = await signRule(mallory, 'profile', encodeAuthorityBody({ type: 'profile', name: 'Mal' }), h.room.now)
  expect([rule, huskOf(said), withSignature(said, new Uint8Array())].map((op) => packFresh(mallory, op))).toEqual([undefined, undefined, undefined])
  expect(packFresh(h.alice.space(h.space), said)).toEqual(packFresh(mallory, said))
})

test('S16 nothing is believed: words, times or names that an author did not sign are not theirs', async () => {
  const h = await home(), mallory = h.mallory.space(h.space), alice = h.alice.space(h.space)
  const said = await signMessage(mallory, h.channel, 'Hello', h.room.now), { device } = said.header
  expect(unpackFresh(alice, packed(mallory, said), device)).toMatchObject({ id: said.id, bytes: said.bytes })
  const other = await signMessage(mallory, h.channel, 'Goodbye', h.room.now)
  const key = mallory.groups.keys.contentKey(said.header.epoch as EpochId, h.channel) ?? expect.fail('no key')
  const words = textOf(mallory.world.suite, key, other) ?? expect.fail('no text')
  const changes: readonly Partial<FreshText>[] = [{ text: words }, { later: 5 }, { type: 'edit' }, { seq: said.header.seq + 1 }, { chanSeq: 2, seq: said.header.seq }, { link: 'none' }, { deps: [] }, { id: '00000000' }]
  for (const change of changes) expect(unpackFresh(alice, lie(mallory, said, change), device)).toBe('unclear')
  // Under the right name for the wrong words only the signature tells.
  tells(h, [lie(mallory, said, { text: words, id: other.id.slice(0, 8) })])
  await h.room.pass(50)
  expect(reachOf(h, h.alice)).toBe(0)
  for (const fresh of [{ ...packed(mallory, said), sig: other.sig }, { ...packed(mallory, said), channel: '00000000' }, { ...packed(mallory, said), epoch: '00000000' }, { ...packed(mallory, said), device: '0'.repeat(16) }]) {
    expect(unpackFresh(alice, fresh, device)).toBe('unclear')
  }
  expect(unpackFresh(alice, { ...packed(mallory, said), device: undefined }, alice.me.device)).toBe('unclear')
})

test('S16 what is here already costs no signature; another op at its place is found by comparing, and freezes its device', async () => {
  const h = await home(), mallory = h.mallory.space(h.space)
  const one = await signMessage(mallory, h.channel, 'One', h.room.now), other = await signMessage(mallory, h.channel, 'Other', h.room.now)
  tells(h, [packed(mallory, one)])
  tells(h, [packed(mallory, other)], h.carol)
  await h.room.pass(50)
  expect(unpackFresh(h.alice.space(h.space), packed(mallory, one), one.header.device)).toBe('known')
  h.room.leaves(h.mallory)
  await h.room.pass(90_000)
  for (const person of [h.alice, h.bob, h.carol]) {
    expect(person.space(h.space).authority.equivocations).toEqual([one.header.device])
    expect(view(person, h.space)).toEqual(view(h.alice, h.space))
    expect((await h.room.ask(person, { type: 'status' })).muted).toEqual([])
  }
})
