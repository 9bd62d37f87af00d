/** Ops given in bulk, as columns that only members who read the channel can open. Mallory writes and packs them, Alice's device makes them anew. */
import { expect, test } from 'vitest'
import { concat, fromHex } from '../../wire/bytes.ts'
import { encodeColumns, type Said } from '../../wire/columns.ts'
import { padText } from '../../wire/content.ts'
import { decodeFrame, type PackedOps } from '../../wire/frame.ts'
import type { EpochId } from '../../wire/ids.ts'
import { encodeHeader, huskOf, type Op, withSignature } from '../../wire/op.ts'
import { textOf } from '../content/content.ts'
import { home as alone, joins, of, say, texts as read } from '../group/home.test-support.ts'
import { LABELS } from '../labels.ts'
import { Out } from '../out.ts'
import { given } from '../content/given.ts'
import type { Replica } from '../replica.ts'
import { signOp } from '../signing.ts'
import { home, type Home, nextHeader, sendFrame, sessionToken, signMessages, signRule } from './mallory.test-support.ts'
import { pack, unpack } from './packing.ts'
import type { Intake } from './receiving.ts'

const WORDS = ['The slugs came back.', 'All of them?', 'It rained.', 'Grüß die Schnecken 🐌', 'x'.repeat(500)]

interface Scene extends Home { readonly alices: Replica; readonly mallorys: Replica; readonly chain: readonly Op[] }

async function scene(): Promise<Scene> {
  const h = await home()
  const mallorys = h.mallory.space(h.space)
  return { ...h, mallorys, alices: h.alice.space(h.space), chain: await signMessages(mallorys, h.channel, WORDS, h.room.now) }
}

/** The only group that these were packed into. */
function packed(replica: Replica, ops: readonly Op[]): PackedOps {
  const [group, ...others] = pack(replica, ops.map(given)).packed
  expect(others).toEqual([])
  return group ?? expect.fail('nothing was packed')
}

const made = (replica: Replica, group: PackedOps): readonly Op[] => {
  const { ops, noKey, malformed } = unpack(replica, [group], 1)
  expect({ noKey: [...noKey], malformed }).toEqual({ noKey: [], malformed: 0 })
  return ops
}

/** What nothing can be made of. */
const broken = (replica: Replica, group: PackedOps): 'malformed' | 'no-key' | 'made' => {
  const { noKey, malformed } = unpack(replica, [group], 1)
  return malformed > 0 ? 'malformed' : noKey.size > 0 ? 'no-key' : 'made'
}

const take = ({ alices, mallorys, room }: Scene, ops: readonly Op[]): Promise<Intake> => alices.receive({ now: room.now, out: new Out() }, ops, mallorys.me.device)

/** What Mallory's app would pack if it said of his ops what he likes. */
function lie({ mallorys, channel }: Scene, ops: readonly Op[], change: (said: Said[]) => void): PackedOps {
  const { suite } = mallorys.world, epoch = ops[0]?.header.epoch as EpochId
  const key = mallorys.groups.keys.contentKey(epoch, channel) ?? expect.fail('no key')
  const said = ops.map((op): Said => ({ ...op.header, id: op.id, text: textOf(suite, key, op) ?? expect.fail('no text'), isSigned: true }))
  change(said)
  const nonce = new Uint8Array(24).fill(7), bound = concat(...[mallorys.id, channel, epoch].map((id) => fromHex(id) as Uint8Array))
  const sealed = suite.seal(suite.expand(key.key, 32, LABELS.columns), nonce, bound, encodeColumns(0, said))
  return { channel, epoch, sealed: concat(nonce, sealed), sigs: concat(...ops.map((op) => op.sig)) }
}

test('S12 what is packed is made anew byte for byte, and taken in under one signature as if it had come as it is', async () => {
  const h = await scene()
  const group = packed(h.mallorys, h.chain)
  expect(group.sealed.length + group.sigs.length).toBeLessThan(h.chain.reduce((sum, op) => sum + op.bytes.length, 0) / 3)
  const ops = made(h.alices, group)
  const last = h.chain.length - 1
  expect(ops.map((op) => [op.id, op.bytes, op.header])).toEqual(h.chain.map((op, n) => [op.id, (n === last ? op : withSignature(op, new Uint8Array())).bytes, op.header]))
  expect(group.sigs).toEqual(h.chain[last]?.sig)
  expect(await take(h, ops)).toMatchObject({ accepted: h.chain.map(({ id }) => ({ id })), faults: [] })
})

test('S12 what could not be made anew goes as it is: authority, husks, and what its author sealed in a way of their own', async () => {
  const h = await scene(), { suite } = h.mallorys.world
  const [first] = h.chain as [Op], epoch = first.header.epoch as EpochId
  const key = h.mallorys.groups.keys.contentKey(epoch, h.channel) ?? expect.fail('no key')
  const oddly = async (nonce: Uint8Array, padded: Uint8Array): Promise<Op> => {
    const header = { ...nextHeader(h.mallorys, 'message', h.channel, h.room.now), kid: key.kid, epoch }
    const aad = encodeHeader({ ...header, bodyHash: new Uint8Array(32) })
    return signOp(h.mallorys.world, h.mallorys.me, header, concat(nonce, suite.seal(key.key, nonce, aad, padded)))
  }
  const text = textOf(suite, key, first) ?? expect.fail('no text')
  const odd = [await oddly(new Uint8Array(24).fill(1), padText(text)), await oddly(new Uint8Array(24).fill(1), concat(padText(text), new Uint8Array(64))), huskOf(first), await signRule(h.mallorys, 'profile', new Uint8Array(), h.room.now)]
  const packs = pack(h.mallorys, [...odd, first].map(given))
  expect(packs.ops).toEqual(odd.map((op) => op.bytes))
  expect(made(h.alices, packs.packed[0] ?? expect.fail('nothing was packed')).map((op) => op.id)).toEqual([first.id])
})

test('S12 nothing is believed of what is packed: another text, place or author makes another op, which nobody signed', async () => {
  const changes: readonly ((said: Said[]) => void)[] = [
    (said) => { said[1] = { ...said[1] as Said, text: (said[0] as Said).text } },
    (said) => { said[1] = { ...said[1] as Said, hlc: 5 } },
    (said) => { said[1] = { ...said[1] as Said, type: 'edit' } },
    (said) => { said[1] = { ...said[1] as Said, prev: (said[3] as Said).id } },
  ]
  for (const change of changes) {
    const h = await scene()
    const ops = made(h.alices, lie(h, h.chain, change))
    expect(ops.map((op, n) => op.id === h.chain[n]?.id)).toEqual([true, false, false, false, false])
    const { accepted } = await take(h, ops)
    expect(accepted.map((op) => op.id)).toEqual([h.chain[0]?.id])
  }
  const h = await scene()
  const alice = h.alices.me.device
  const ops = made(h.alices, lie(h, h.chain, (said) => { for (const [n, op] of said.entries()) said[n] = { ...op, device: alice } }))
  expect((await take(h, ops)).accepted).toEqual([])
})

test('S12 a header that no decoder takes is not made by packing either', async () => {
  const h = await scene()
  const heads = h.mallorys.authority.nodes.slice(0, 2).map((node) => node.id).sort().reverse()
  expect(heads.length).toBe(2)
  expect(broken(h.alices, lie(h, h.chain, (said) => { said[1] = { ...said[1] as Said, deps: heads } }))).toBe('malformed')
})

test('S12 packed bytes that were changed or cut, or have another number of signatures, are nothing', async () => {
  const h = await scene()
  const group = packed(h.mallorys, h.chain)
  for (let at = 0; at < group.sealed.length; at += 5) {
    expect(broken(h.alices, { ...group, sealed: group.sealed.map((b, i) => (i === at ? b ^ 1 : b)) })).toBe('malformed')
    expect(broken(h.alices, { ...group, sealed: group.sealed.subarray(0, at) })).toBe('malformed')
  }
  expect(broken(h.alices, { ...group, sigs: group.sigs.subarray(64) })).toBe('malformed')
  expect(broken(h.alices, { ...group, sigs: concat(group.sigs, group.sigs) })).toBe('malformed')
  expect(broken(h.alices, { ...group, channel: 'ab'.repeat(16) as PackedOps['channel'] })).toBe('no-key')
  expect(h.alices.groups.keys.contentKey('ab'.repeat(32) as EpochId, h.channel)).toBeUndefined()
})

test('S12 of channels that nobody made nothing is remembered, however many Mallory packs', async () => {
  const h = await scene()
  const group = packed(h.mallorys, h.chain)
  const channels = Array.from({ length: 500 }, (_, n) => n.toString(16).padStart(32, '0') as PackedOps['channel'])
  const token = sessionToken(h.mallory, h.alice, h.space)
  sendFrame(h.mallory, h.alice, { type: 'ops', token, ops: [], packed: channels.map((channel) => ({ ...group, channel, sealed: group.sealed.subarray(0, 40) })), more: true })
  // And of one that is there, under an epoch that isn't.
  sendFrame(h.mallory, h.alice, { type: 'ops', token, ops: [], packed: [{ ...group, epoch: 'ab'.repeat(32) as EpochId }], more: true })
  await h.room.pass(100)
  const { peers } = h.alice.engine.peers as unknown as { readonly peers: ReadonlyMap<string, { readonly sessions: ReadonlyMap<string, { readonly unopened: ReadonlySet<string> }> }> }
  expect([...peers.get(h.mallory.peer)?.sessions.get(h.space)?.unopened ?? expect.fail('no session')]).toEqual([h.channel])
})

test('S12 who may not read the past can open none of it packed, asks for it as it is, and holds the same as all', async () => {
  const h = await alone()
  await say(h, h.alice, 'Before')
  await h.room.ask(h.alice, { type: 'set-history', space: h.space, history: 'from-join' })
  await say(h, h.alice, 'Still before')
  const asked: (boolean | undefined)[] = []
  const before: PackedOps[] = []
  h.room.seesFrame = (bytes) => {
    const frame = decodeFrame(bytes)
    if (frame?.type === 'vector' && frame.asks && frame.told.some(({ channel }) => channel === h.channel)) asked.push(undefined)
    if (frame?.type === 'ask' && frame.ranges.some((range) => range.channel === h.channel)) asked.push(frame.plain)
    if (frame?.type === 'ops') before.push(...frame.packed ?? [])
  }
  const bob = await joins(h, 'Bob', (await h.room.ask(h.alice, { type: 'create-invite', space: h.space })).link)
  await h.room.pass(60_000)
  expect(asked.slice(0, 2)).toEqual([undefined, true])
  expect(before.length).toBeGreaterThan(0)
  for (const group of before) expect(broken(of(h, bob), group)).toBe('no-key')
  expect(of(h, bob).log.vector([h.channel])).toEqual(of(h, h.alice).log.vector([h.channel]))
  await say(h, h.alice, 'After')
  expect(await read(h, bob)).toEqual(['After'])
})
