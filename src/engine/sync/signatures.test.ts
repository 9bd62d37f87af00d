/** Content with few signatures: what Mallory wrote goes from Alice to Bob and from Bob to Carol, and each can show to the next that he wrote it. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import type { ChannelId, DeviceId, SpaceId } from '../../wire/ids.ts'
import { decodeOpOrHusk, isSigned, type Op, withSignature } from '../../wire/op.ts'
import { type Person } from '../engines.test-support.ts'
import { MAX_UNSIGNED, SIGNED_EVERY } from '../limits.ts'
import { opKey } from '../log/log.ts'
import { unvouched } from '../log/vouching.ts'
import { Out } from '../out.ts'
import { keptOp } from '../content/kept.ts'
import { opsPartition } from '../replica.ts'
import { home, type Home, signMessages, signRule, unsigned, view, whisper } from './mallory.test-support.ts'
import { unpack } from './packing.ts'
import type { Intake } from './receiving.ts'
import { Answer } from './serving.ts'

const texts = (n: number): string[] => Array.from({ length: n }, (_, i) => `Message ${i + 1}`)
const bare = (op: Op): Op => withSignature(op, new Uint8Array())
/** With signatures at these places only, from 1. */
const signedAt = (chain: readonly Op[], ...places: readonly number[]): Op[] => chain.map((op, n) => (places.includes(n + 1) ? op : bare(op)))

interface Scene extends Home { readonly chain: readonly Op[]; readonly author: DeviceId }

async function scene(length: number): Promise<Scene> {
  const h = await home(), mallory = h.mallory.space(h.space)
  return { ...h, chain: await signMessages(mallory, h.channel, texts(length), h.room.now), author: mallory.me.device }
}

async function give({ room, space, author }: Scene, to: Person, ops: readonly Op[]): Promise<Intake> {
  const out = new Out()
  const intake = await to.space(space).receive({ now: room.now, out }, ops.map((op) => op.bytes), author)
  await to.disk.save(out.saves)
  return intake
}

const reach = ({ space, channel, author }: Scene, person: Person): number => person.space(space).log.head(channel, author)?.chanSeq ?? 0

async function onDisk(person: Person, space: SpaceId, channel: ChannelId, device: DeviceId): Promise<Op[]> {
  const rows = await person.disk.range(opsPartition(space, channel), { from: opKey(device, 0), to: opKey(device, Number.MAX_SAFE_INTEGER), limit: 10_000 })
  return rows.flatMap((row) => keptOp(person.space(space), channel, row) ?? [])
}

/** What somebody gives of a chain, frame by frame, as another makes it anew. */
async function answered({ space, channel, author }: Scene, from: Person, to: Person, first: number, last: number, isPlain = false): Promise<Op[][]> {
  const answer = new Answer([{ channel, device: author, from: first, to: last }], isPlain), frames = []
  for (let read = answer.next(); read !== undefined; read = answer.next()) {
    const full = answer.took(from.space(space), await from.disk.range(opsPartition(space, channel), read.query))
    if (full !== undefined) frames.push(full)
  }
  frames.push(answer.rest(from.space(space)))
  return frames.map(({ packed, ops }) => [...ops.map((bytes) => decodeOpOrHusk(bytes, (b) => to.space(space).world.suite.sha256(b)) as Op), ...unpack(to.space(space), packed, ops.length).ops])
}

test('S15 of a chain that is given in bulk one signature in 33 goes, and as many are kept: each was checked', async () => {
  const s = await scene(100)
  await give(s, s.alice, s.chain)
  const [frame = []] = await answered(s, s.alice, s.bob, 1, 100)
  expect(frame.filter(isSigned).map((op) => op.header.chanSeq)).toEqual([1, 34, 67, 100])
  expect(await give(s, s.bob, frame)).toMatchObject({ accepted: s.chain.map(({ id }) => ({ id })), faults: [] })
  const kept = await onDisk(s.bob, s.space, s.channel, s.author)
  expect(kept.filter(isSigned).map((op) => op.header.chanSeq)).toEqual([1, 34, 67, 100])
})

test('S15 a signature that was not checked is not kept: it may be false, and a later one speaks for its op', async () => {
  const s = await scene(5)
  await give(s, s.alice, [...s.chain.slice(0, 4).map(unsigned), s.chain[4] as Op])
  expect((await onDisk(s.alice, s.space, s.channel, s.author)).map(isSigned)).toEqual([false, false, false, false, true])
})

test('S15 where what speaks for the first of a chain has to wait for authority, these are taken in by their own signatures, which are kept', async () => {
  const s = await scene(3), mallory = s.mallory.space(s.space), [, , last] = s.chain as [Op, Op, Op]
  const rule = await signRule(mallory, 'profile', encodeAuthorityBody({ type: 'profile', name: 'M.' }), s.room.now, { seq: last.header.seq + 1, prev: last.id })
  const [late, later] = await signMessages(mallory, s.channel, ['After it', 'And more'], s.room.now, {
    deps: [rule.id], seq: last.header.seq + 2, prev: rule.id, chanSeq: last.header.chanSeq + 1, chanPrev: last.id,
  }) as [Op, Op]
  expect(await give(s, s.alice, [...s.chain, late, later])).toMatchObject({ accepted: s.chain.map(({ id }) => ({ id })), faults: [] })
  const kept = await onDisk(s.alice, s.space, s.channel, s.author)
  expect(unvouched(kept).size).toBe(0)
  await give(s, s.alice, [rule])
  await give(s, s.alice, [late, later])
  expect(reach(s, s.alice)).toBe(5)
})

test('S15 whoever holds a chain can give every part of it: a little more than was asked for, up to the next signature', async () => {
  const s = await scene(100)
  await give(s, s.alice, signedAt(s.chain, 10, 40, 70, 100))
  for (const [first, last, upTo] of [[1, 1, 10], [5, 10, 10], [11, 39, 40], [38, 90, 100], [71, 99, 100]] as const) {
    for (const isPlain of [false, true]) {
      const ops = (await answered(s, s.alice, s.bob, first, last, isPlain)).flat()
      expect(ops.map((op) => op.header.chanSeq)).toEqual(Array.from({ length: upTo - first + 1 }, (_, n) => first + n))
      expect(unvouched(ops).size).toBe(0)
    }
  }
})

test('S15 from hand to hand a chain keeps its signatures close to each other, wherever the parts were cut', async () => {
  const s = await scene(150)
  await give(s, s.alice, s.chain)
  let from = s.alice
  for (const [to, cut] of [[s.bob, 41], [s.carol, 77]] as const) {
    for (const [first, last] of [[1, cut], [cut + 1, 150]] as const) for (const frame of await answered(s, from, to, Math.max(first, reach(s, to) + 1), last)) await give(s, to, frame)
    expect(reach(s, to)).toBe(150)
    const places = (await onDisk(to, s.space, s.channel, s.author)).filter(isSigned).map((op) => op.header.chanSeq)
    expect(Math.max(...places.map((place, n) => place - (places[n - 1] ?? 0) - 1))).toBeLessThanOrEqual(SIGNED_EVERY)
    from = to
  }
})

test('S15 what nothing speaks for, since a disk lost it, is not given: others have it, and nobody is blamed', async () => {
  const s = await scene(40)
  await give(s, s.alice, signedAt(s.chain, 8, 40))
  await s.alice.disk.save([{ type: 'delete', partition: opsPartition(s.space, s.channel), key: opKey(s.author, 15) }])
  const ops = (await answered(s, s.alice, s.bob, 1, 40)).flat()
  expect(ops.map((op) => op.header.chanSeq)).toEqual(s.chain.map((op) => op.header.chanSeq).filter((n) => n <= 8 || n > 15))
  expect((await give(s, s.bob, ops)).accepted).toHaveLength(8)
  expect(s.bob.space(s.space).receiving.finish(s.author)).toBe(0)
})

test('S15 under a good end a false middle is not its author\'s: what is before it has to come again', async () => {
  const s = await scene(10)
  const [lie] = await signMessages(s.mallory.space(s.space), s.channel, ['Never said'], s.room.now, { seq: s.chain[4]?.header.seq ?? 0, prev: s.chain[3]?.id, chanSeq: 5, chanPrev: s.chain[3]?.id }) as [Op]
  const given = signedAt(s.chain, 10)
  given[4] = bare(lie)
  expect((await give(s, s.alice, given)).accepted).toEqual([])
  expect(s.alice.space(s.space).receiving.finish(s.author)).toBe(5)
  await give(s, s.alice, signedAt(s.chain, 10).slice(0, 5))
  expect(reach(s, s.alice)).toBe(0)
  await give(s, s.alice, signedAt(s.chain, 10))
  expect((await onDisk(s.alice, s.space, s.channel, s.author)).map((op) => op.id)).toEqual(s.chain.map((op) => op.id))
})

test('S15 a false signature costs what it alone would speak for', async () => {
  const s = await scene(12)
  const given = signedAt(s.chain, 5)
  given[11] = unsigned(s.chain[11] as Op)
  expect((await give(s, s.alice, given)).accepted).toHaveLength(5)
  expect(s.alice.space(s.space).receiving.finish(s.author)).toBe(7)
})

test('S15 more in a row than anybody should have to look through is nobody\'s honest doing', async () => {
  const s = await scene(MAX_UNSIGNED + 2)
  expect((await give(s, s.alice, signedAt(s.chain, MAX_UNSIGNED + 2))).accepted).toEqual([])
  expect((await give(s, s.alice, signedAt(s.chain.slice(1), MAX_UNSIGNED + 1))).accepted).toEqual([])
  expect((await give(s, s.alice, signedAt(s.chain, 1, MAX_UNSIGNED + 2))).accepted).toHaveLength(MAX_UNSIGNED + 2)
})

test('S15 what has no signature waits with what speaks for it until all of that can be taken in', async () => {
  const s = await scene(0), mallory = s.mallory.space(s.space)
  const rule = await signRule(mallory, 'profile', encodeAuthorityBody({ type: 'profile', name: 'Mal' }), s.room.now)
  const before = await signMessages(mallory, s.channel, ['One', 'Two'], s.room.now, { seq: rule.header.seq + 1, prev: rule.id })
  const second = before[1] as Op
  const after = await signMessages(mallory, s.channel, ['Three', 'Four'], s.room.now, { seq: second.header.seq + 1, prev: second.id, chanSeq: 3, chanPrev: second.id, deps: [rule.id] })
  const run = signedAt([...before, ...after], 4)
  expect((await give(s, s.alice, run)).accepted).toEqual([])
  await give(s, s.alice, [rule])
  expect((await give(s, s.alice, run)).accepted).toHaveLength(4)
})

test('S15 what came fresh and waits speaks for what comes after it in bulk', async () => {
  const s = await scene(6)
  await give(s, s.alice, [s.chain[5] as Op])
  expect(s.alice.space(s.space).log.parked.count).toBe(1)
  await give(s, s.alice, signedAt(s.chain, 6))
  expect(reach(s, s.alice)).toBe(6)
  expect(s.alice.space(s.space).log.parked.count).toBe(0)
  expect((await onDisk(s.alice, s.space, s.channel, s.author)).map(isSigned)).toEqual([false, false, false, false, false, true])
})

test('S15 own ops that come from others are signed again: it is their author who puts them at relays', async () => {
  const s = await scene(6)
  const out = new Out()
  await s.mallory.space(s.space).receive({ now: s.room.now, out }, signedAt(s.chain, 6).map((op) => op.bytes), s.alice.space(s.space).me.device)
  await s.mallory.disk.save(out.saves)
  expect((await onDisk(s.mallory, s.space, s.channel, s.author)).map((op) => op.bytes)).toEqual(s.chain.map((op) => op.bytes))
})

test('S10 a fork between ops without signatures is proved by the headers that lead to signed ones, and all freeze the device alike', async () => {
  const s = await scene(12)
  const fourth = s.chain[3] as Op
  const branch = [...s.chain.slice(0, 4), ...await signMessages(s.mallory.space(s.space), s.channel, texts(6), s.room.now, { seq: fourth.header.seq + 1, prev: fourth.id, chanSeq: 5, chanPrev: fourth.id, hlc: (s.room.now + 1) * 1024 })]
  s.room.leaves(s.mallory)
  whisper(s.mallory, s.alice, s.space, signedAt(s.chain, 12))
  whisper(s.mallory, s.bob, s.space, signedAt(branch, 10))
  await s.room.pass(90_000)
  for (const person of [s.alice, s.bob, s.carol]) {
    expect(person.space(s.space).authority.equivocations).toEqual([s.author])
    expect(person.space(s.space).log.tipsOf(s.channel, s.author).map((tip) => tip.chanSeq).sort((a, b) => a - b)).toEqual([10, 12])
    expect(view(person, s.space)).toEqual(view(s.alice, s.space))
    expect(person.space(s.space).authority.contentVerdict(fourth.header).type).toBe('valid')
    expect((await s.room.ask(person, { type: 'status' })).muted).toEqual([])
  }
  const proofs = [...s.alice.space(s.space).log.authority.values()].filter((op) => op.header.type === 'forkProof')
  expect(proofs.length).toBeGreaterThan(0)
})
