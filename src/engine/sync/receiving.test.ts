/** Ops as they come from outside: many under one signature, in pieces, damaged, too early. Mallory writes them, Alice's device takes them in. */
import { expect, test } from 'vitest'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import type { DeviceId } from '../../wire/ids.ts'
import { encodeHeader, encodeOp, type Op, type OpHeader } from '../../wire/op.ts'
import { MAX_UNVERIFIED_BYTES } from '../limits.ts'
import { opKey } from '../log/log.ts'
import { Out } from '../out.ts'
import { keptOp } from '../content/kept.ts'
import { opsPartition, type Replica } from '../replica.ts'
import { signOp } from '../signing.ts'
import { home, type Home, nextHeader, sendOps, signMessages, signRule, unsigned, view, whisper } from './mallory.test-support.ts'
import type { Intake } from './receiving.ts'

const texts = (n: number): string[] => Array.from({ length: n }, (_, i) => `Message ${i + 1}`)

interface Scene extends Home { readonly replica: Replica; readonly from: DeviceId; readonly chain: readonly Op[]; readonly give: (ops: readonly Op[]) => Promise<Intake>; readonly at: () => number }

/** A chain that Mallory signed and Alice doesn't know of. */
async function scene(length: number): Promise<Scene> {
  const h = await home()
  const replica = h.alice.space(h.space), mallory = h.mallory.space(h.space)
  const from = mallory.me.device
  const chain = await signMessages(mallory, h.channel, texts(length), h.room.now)
  const give = (ops: readonly Op[]): Promise<Intake> => replica.receive({ now: h.room.now, out: new Out() }, ops.map((op) => op.bytes), from)
  return { ...h, replica, from, chain, give, at: () => replica.log.head(h.channel, from)?.chanSeq ?? 0 }
}

/** How many signatures are checked meanwhile. */
async function countVerified(replica: Replica, work: () => Promise<unknown>): Promise<number> {
  const suite = replica.world.suite as { verify: typeof replica.world.suite.verify }
  const { verify } = suite
  let n = 0
  suite.verify = (...args) => { n++; return verify.call(replica.world.suite, ...args) }
  try { await work() } finally { suite.verify = verify }
  return n
}

test('S4 a long chain costs a signature for every 33 ops', async () => {
  const { replica, chain, give, at } = await scene(200)
  expect(await countVerified(replica, () => give(chain))).toBe(7)
  expect(at()).toBe(200)
})

test('S4 a chain that comes in pieces is held until the signature that vouches for it is there', async () => {
  const { replica, chain, give, at } = await scene(9)
  const bare = chain.map((op, i) => (i === 8 ? op : unsigned(op)))
  expect(await give(bare.slice(0, 4))).toEqual({ accepted: [], faults: [] })
  await give(bare.slice(4, 8))
  expect(at()).toBe(0)
  expect(replica.receiving.unprovenBytes).toBeGreaterThan(0)
  await give(bare.slice(8))
  expect(at()).toBe(9)
  expect(replica.receiving.unprovenBytes).toBe(0)
})

test('S4 without the signature at the end the rest is let go of, and comes in when it is sent again', async () => {
  const { replica, from, chain, give, at } = await scene(6)
  await give([...chain.slice(0, 3), ...chain.slice(3).map(unsigned)])
  expect(at()).toBe(3)
  expect(replica.receiving.finish(from)).toBe(3)
  expect(replica.receiving.unprovenBytes).toBe(0)
  await give(chain.slice(3))
  expect(at()).toBe(6)
})

test('S4 damage in the middle costs what is damaged: what is before counts, what is after waits for it', async () => {
  const { replica, chain, give, at } = await scene(7)
  const third = chain[2] as Op
  const flipped = third.body.map((b, i) => (i === 0 ? b ^ 1 : b))
  const damaged = { ...third, bytes: encodeOp(encodeHeader(third.header), flipped, third.sig) }
  expect((await give([...chain.slice(0, 2), damaged, ...chain.slice(3)])).faults).toEqual(['malformed'])
  expect(at()).toBe(2)
  expect(replica.log.parked.count).toBe(4)
  await give([third])
  expect(at()).toBe(7)
  expect(replica.log.parked.count).toBe(0)
})

test('S4 of a forked chain each branch is vouched for by its own end', async () => {
  const { mallory, room, space, channel, chain, give, replica, from } = await scene(4)
  const first = chain[0] as Op
  const [, twin] = await signMessages(mallory.space(space), channel, ['Message 1', 'Not message 2'], room.now) as [Op, Op]
  expect(twin.header.chanPrev).toBe(first.id)
  const intake = await give([unsigned(first), unsigned(chain[1] as Op), chain[2] as Op, unsigned(twin)])
  expect(intake.accepted.map((op) => op.id)).toEqual(chain.slice(0, 3).map((op) => op.id))
  expect(replica.log.tipsOf(channel, from).map((tip) => tip.id)).toEqual([chain[2]?.id])
})

test('S4 what was vouched for and has to wait is not asked for its own signature when its time comes', async () => {
  const h = await home()
  const mallory = h.mallory.space(h.space), replica = h.alice.space(h.space)
  const rule = await signRule(mallory, 'profile', encodeAuthorityBody({ type: 'profile', name: 'Mal' }), h.room.now)
  const [one, two] = await signMessages(mallory, h.channel, ['After my rename', 'And on'], h.room.now, { seq: rule.header.seq + 1, prev: rule.id, deps: [rule.id] }) as [Op, Op]
  sendOps(h.mallory, h.alice, h.space, [unsigned(one), two])
  await h.room.pass(1)
  expect(replica.log.parked.count).toBe(2)
  sendOps(h.mallory, h.alice, h.space, [rule])
  await h.room.pass(1)
  expect(replica.log.parked.count).toBe(0)
  expect(replica.log.head(h.channel, mallory.me.device)?.id).toBe(two.id)
})

test('S4 what one device took in by links, others take from it, wherever an answer is cut', async () => {
  const h = await home()
  const mallory = h.mallory.space(h.space)
  const chain = await signMessages(mallory, h.channel, texts(30), h.room.now)
  h.room.leaves(h.mallory)
  h.room.leaves(h.bob)
  whisper(h.mallory, h.alice, h.space, chain.map((op, i) => (i % 10 === 9 ? op : unsigned(op))))
  await h.room.pass(1000)
  await h.room.comesBack(h.bob)
  await h.room.pass(60_000)
  expect(h.bob.space(h.space).log.head(h.channel, mallory.me.device)?.chanSeq).toBe(30)
  expect(view(h.bob, h.space)).toEqual(view(h.alice, h.space))
  expect((await h.room.ask(h.bob, { type: 'status' })).muted).toEqual([])
})

test('S3 what nothing vouches for takes so much memory and no more', async () => {
  const { mallory, space, channel, room, replica, from, give } = await scene(0)
  const liar = mallory.space(space)
  let before: Op | undefined
  for (let frame = 0; frame < 12; frame++) {
    const ops: Op[] = []
    for (let n = 0; n < 8; n++) {
      const header: OpHeader = { ...nextHeader(liar, 'message', channel, room.now), kid: new Uint8Array(16), epoch: liar.groups.tip() }
      const seq: number = (before?.header.seq ?? header.seq - 1) + 1
      before = await signOp(liar.world, liar.me, { ...header, seq, prev: before?.id ?? header.prev, chanSeq: (before?.header.chanSeq ?? 0) + 1, chanPrev: before?.id }, new Uint8Array(60_000))
      ops.push(unsigned(before))
    }
    await give(ops)
    expect(replica.receiving.unprovenBytes).toBeLessThanOrEqual(MAX_UNVERIFIED_BYTES)
  }
  expect(replica.receiving.unprovenBytes).toBeGreaterThan(MAX_UNVERIFIED_BYTES - 65_536)
  expect(replica.receiving.finish(from)).toBeGreaterThan(60)
  expect(replica.receiving.unprovenBytes).toBe(0)
})

test('S3 what waits is on disk, and is in its place again after a restart', async () => {
  const h = await home()
  const chain = await signMessages(h.mallory.space(h.space), h.channel, texts(3), h.room.now)
  h.room.leaves(h.mallory)
  whisper(h.mallory, h.alice, h.space, chain.slice(1))
  await h.room.pass(10)
  await h.alice.restart()
  await h.room.pass(10)
  expect(h.alice.space(h.space).log.parked.count).toBe(2)
  whisper(h.mallory, h.alice, h.space, chain.slice(0, 1))
  await h.room.pass(10)
  const device = h.mallory.space(h.space).me.device
  expect(h.alice.space(h.space).log.head(h.channel, device)?.chanSeq).toBe(3)
  expect(await h.alice.disk.range(`parked/${h.space}`, { limit: 10 })).toEqual([])
  const [row] = await h.alice.disk.range(opsPartition(h.space, h.channel), { from: opKey(device, 3), limit: 1 })
  expect(row && keptOp(h.alice.space(h.space), h.channel, row)?.bytes).toEqual(chain[2]?.bytes)
})

test('S13 for a place that was lost another op of a forked chain is not taken: what follows it here names the one that was', async () => {
  const h = await home(), mallory = h.mallory.space(h.space), alice = h.alice.space(h.space), { device } = mallory.me
  const chain = await signMessages(mallory, h.channel, ['One', 'Two', 'Three', 'Four'], h.room.now), [, second, third] = chain as [Op, Op, Op]
  const [rival] = await signMessages(mallory, h.channel, ['Never Three'], h.room.now, { seq: third.header.seq, prev: second.id, chanSeq: 3, chanPrev: second.id }) as [Op]
  const takes = async (ops: readonly Op[]): Promise<void> => {
    const out = new Out()
    await alice.receive({ now: h.room.now, out }, ops.map((op) => op.bytes), device)
    await h.room.carryOut(h.alice, out.step())
    await h.room.pass(10)
  }
  const here = async (): Promise<(string | undefined)[]> =>
    (await h.alice.disk.range(opsPartition(h.space, h.channel), { from: opKey(device, 1), to: opKey(device, 9), limit: 9 })).map((row) => keptOp(alice, h.channel, row)?.id)
  await takes(chain)
  const out = new Out()
  alice.holes.note({ now: h.room.now, out }, { channel: h.channel, device, from: 3, to: 3 })
  await h.alice.disk.save([...out.saves, { type: 'delete', partition: opsPartition(h.space, h.channel), key: opKey(device, 3) }])
  await takes([rival])
  expect(alice.holes.count(h.channel)).toBe(1)
  await takes([third])
  expect(alice.holes.count(h.channel)).toBe(0)
  expect(await here()).toEqual(chain.map((op) => op.id))
})
