/** The log's own rules, with ops that Alice's and Bob's devices really signed. */
import { beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import type { Ciphersuite, SigningKey } from '../../ports.ts'
import { toHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type OpId, type SpaceId } from '../../wire/ids.ts'
import { decodeOp, encodeHeader, encodeOp, type Op, opSignedBytes } from '../../wire/op.ts'
import { decodeVector, encodeVector } from '../../wire/vector.ts'
import { decodeCbor, encodeCbor } from '../../wire/cbor.ts'
import { MAX_BRANCHES, MAX_PARKED_OPS, MAX_UNVERIFIED_BYTES } from '../limits.ts'
import { Log } from './log.ts'

let suite: Ciphersuite
let alice: SigningKey
let bob: SigningKey
const space = 'ab'.repeat(32) as SpaceId
const channel = 'cd'.repeat(16) as ChannelId

beforeAll(async () => {
  suite = await createSuite(seededRandom(1))
  alice = await suite.signingKey(new Uint8Array(32).fill(1))
  bob = await suite.signingKey(new Uint8Array(32).fill(2))
})

interface Spec { readonly chanSeq: number; readonly chanPrev?: OpId | undefined; readonly deps?: readonly OpId[]; readonly channel?: ChannelId; readonly text?: string }

async function write(spec: Spec, key = alice): Promise<Op> {
  const body = new TextEncoder().encode(spec.text ?? `op ${spec.chanSeq}`)
  const header = encodeHeader({
    space, audience: 0, channel: spec.channel ?? channel, device: toHex(key.publicKey) as DeviceId, seq: spec.chanSeq, prev: spec.chanPrev, chanSeq: spec.chanSeq, chanPrev: spec.chanPrev,
    deps: spec.deps ?? [], type: 'message', hlc: spec.chanSeq, kid: undefined, epoch: undefined, bodyHash: suite.sha256(body),
  })
  const op = decodeOp(encodeOp(header, body, await suite.sign(key.secretKey, opSignedBytes(suite.sha256(header)))), (b) => suite.sha256(b))
  if (op === undefined) throw new Error('the test made an op that does not decode')
  return op
}

async function chain(length: number): Promise<Op[]> {
  const out: Op[] = []
  for (let n = 1; n <= length; n++) out.push(await write({ chanSeq: n, chanPrev: out[n - 2]?.id }))
  return out
}

describe('a chain', () => {
  test('S1 an op is next only after its predecessor, and waits for it by name', async () => {
    const log = new Log(suite)
    const [first, second] = await chain(2) as [Op, Op]
    expect(log.place(second)).toEqual({ type: 'waits', for: `${channel}${first.header.device}:1` })
    log.park(second, (log.place(second) as { for: string }).for, 'mail')
    expect(log.place(first)).toEqual({ type: 'next' })
    expect(log.add(first).freed).toEqual([second])
    expect(log.parked.count).toBe(0)
    expect(log.place(second)).toEqual({ type: 'next' })
  })

  test('S1 an op waits for the authority heads it names', async () => {
    const log = new Log(suite)
    const rule = await write({ chanSeq: 1, channel: AUTHORITY_CHANNEL, text: 'rule' })
    const said = await write({ chanSeq: 1, deps: [rule.id] })
    expect(log.place(said)).toEqual({ type: 'waits', for: rule.id })
    log.park(said, rule.id, 'mail')
    expect(log.add(rule).freed).toEqual([said])
  })

  test('S2 both branches of a forked authority chain come in, in either order, and the vector shows both', async () => {
    const one = await write({ chanSeq: 1, channel: AUTHORITY_CHANNEL })
    const two = await write({ chanSeq: 2, chanPrev: one.id, channel: AUTHORITY_CHANNEL })
    const twin = await write({ chanSeq: 2, chanPrev: one.id, channel: AUTHORITY_CHANNEL, text: 'not what I said before' })
    const onTwin = await write({ chanSeq: 3, chanPrev: twin.id, channel: AUTHORITY_CHANNEL })
    const vectors = [[one, two, twin, onTwin], [one, twin, onTwin, two], [one, twin, two, onTwin]].map((order) => {
      const log = new Log(suite)
      for (const op of order) {
        expect(log.place(op)).toEqual({ type: 'next' })
        log.add(op)
      }
      expect(log.rivals(two)).toEqual([twin])
      return log.vector()
    })
    expect(vectors[1]).toEqual(vectors[0])
    expect(vectors[2]).toEqual(vectors[0])
    expect(vectors[0]?.map((e) => e.chanSeq).sort()).toEqual([2, 3])
    expect(decodeVector(decodeCbor(encodeCbor(encodeVector(vectors[0] ?? [])), 10_000))).toEqual(vectors[0])
  })

  test('S2 what may be a twin of old content is looked up on disk, and a branch that rests on one strays', async () => {
    const log = new Log(suite)
    const [first, second] = await chain(2) as [Op, Op]
    log.add(first)
    expect(log.place(first)).toEqual({ type: 'known' })
    const twin = await write({ chanSeq: 1, text: 'not what I said before' })
    expect(log.place(twin)).toEqual({ type: 'unsure' })
    log.add(second)
    const onTwin = await write({ chanSeq: 2, chanPrev: twin.id })
    const third = await write({ chanSeq: 3, chanPrev: onTwin.id })
    expect(log.place(third)).toEqual({ type: 'waits', for: onTwin.id, strays: true })
    const entry = { channel, device: third.header.device, chanSeq: 3, head: third.id.slice(0, 16) }
    expect(log.lacks(entry, false)).toEqual({ from: 3, to: 3, again: false })
    log.dispute(third)
    expect(log.lacks(entry, false)).toEqual({ from: 1, to: 3, again: true })
    log.add(onTwin)
    expect(log.place(third)).toEqual({ type: 'next' })
    expect(log.tipsOf(channel, third.header.device).map((tip) => tip.branch)).toEqual([undefined, onTwin.id])
  })

  test('S2 a chain may have a few branches only, unless others rest on one more', async () => {
    const log = new Log(suite)
    const branch = (n: number): Promise<Op> => write({ chanSeq: 1, channel: AUTHORITY_CHANNEL, text: `branch ${n}` })
    for (let n = 0; n < MAX_BRANCHES; n++) log.add(await branch(n))
    const more = await branch(MAX_BRANCHES)
    expect(log.place(more)).toEqual({ type: 'full' })
    log.park(await write({ chanSeq: 1, deps: [more.id] }), more.id, 'mail')
    expect(log.place(more)).toEqual({ type: 'next' })
  })

  test('S2 every branch is shown to others, those beyond the usual few too, and the same ones after a restart', async () => {
    const log = new Log(suite), restarted = new Log(suite)
    const device = toHex(alice.publicKey) as DeviceId
    const branches = await Promise.all(Array.from({ length: MAX_BRANCHES + 3 }, (_, n) => write({ chanSeq: 1, channel: AUTHORITY_CHANNEL, text: `branch ${n}` })))
    for (const branch of branches) log.add(branch)
    expect(log.vector().map((e) => e.head)).toEqual(branches.map((op) => op.id.slice(0, 16)).sort())
    for (const tip of log.tipsOf(AUTHORITY_CHANNEL, device)) restarted.restoreTip(AUTHORITY_CHANNEL, device, tip)
    expect(restarted.vector()).toEqual(log.vector())
    expect(restarted.digest(AUTHORITY_CHANNEL)).toBe(log.digest(AUTHORITY_CHANNEL))
  })

  test('S2 an op that says it follows an op of another place, or goes back in number, is refused', async () => {
    const log = new Log(suite)
    const [first] = await chain(1) as [Op]
    log.add(first)
    expect(log.place(await write({ chanSeq: 3, chanPrev: first.id }))).toEqual({ type: 'contradictory' })
    const rule = await write({ chanSeq: 1, channel: AUTHORITY_CHANNEL })
    log.add(rule)
    expect(log.place(await write({ chanSeq: 3, chanPrev: rule.id, channel: AUTHORITY_CHANNEL }))).toEqual({ type: 'contradictory' })
    expect(log.place(await write({ chanSeq: 2, chanPrev: rule.id, channel: AUTHORITY_CHANNEL }, bob))).toEqual({ type: 'contradictory' })
  })

  test('S3 what waits is bounded, and who sends the most loses the oldest of it', async () => {
    const log = new Log(suite)
    const far = await write({ chanSeq: 9, chanPrev: 'ee'.repeat(32) as OpId })
    const numbered = (n: number): Op => ({ ...far, id: n.toString(16).padStart(64, '0') as OpId })
    expect(log.park(far, 'x', 'b0'.repeat(32) as DeviceId)).toEqual([])
    for (let n = 0; n < MAX_PARKED_OPS - 1; n++) expect(log.park(numbered(n), 'x', 'mail')).toEqual([])
    expect(log.park(numbered(MAX_PARKED_OPS), 'x', 'mail')).toEqual([numbered(0)])
    expect(log.parked.count).toBe(MAX_PARKED_OPS)
    expect(log.parked.has(far.id)).toBe(true)
  })

  test('S3 one sender has no more than its share of bytes waiting', async () => {
    const log = new Log(suite)
    const far = await write({ chanSeq: 9, chanPrev: 'ee'.repeat(32) as OpId })
    const big = (n: number): Op => ({ ...far, id: n.toString(16).padStart(64, '0') as OpId, bytes: new Uint8Array(MAX_UNVERIFIED_BYTES / 2) })
    expect(log.park(big(1), 'x', 'mail')).toEqual([])
    expect(log.park(big(2), 'y', 'mail')).toEqual([])
    expect(log.park(big(3), 'x', 'mail').map((op) => op.id)).toEqual([big(1).id])
    expect(log.parked.isWanted('x' as OpId)).toBe(true)
    expect(log.parked.take('x').map((op) => op.id)).toEqual([big(3).id])
  })
})

describe('verification of a batch', () => {
  test('S4 one good signature vouches for all before it in its chain', async () => {
    const ops = await chain(5)
    const unsigned = ops.map((op, i) => (i < 4 ? { ...op, sig: new Uint8Array(64) } : op))
    expect([...(await new Log(suite).proven(unsigned)).keys()].sort()).toEqual(ops.map((op) => op.id).sort())
  })

  test('S4 nothing vouches forwards, across a gap, or for a chain whose links differ', async () => {
    const ops = await chain(5) as [Op, Op, Op, Op, Op]
    const forged = { ...ops[4], sig: new Uint8Array(64) }
    expect([...(await new Log(suite).proven([...ops.slice(0, 4), forged])).keys()]).not.toContain(forged.id)
    const bare = { ...ops[1], sig: new Uint8Array(64) }
    expect([...(await new Log(suite).proven([bare, ops[3]])).keys()]).not.toContain(bare.id)
    const other = await write({ chanSeq: 2, chanPrev: ops[0].id, text: 'another second' })
    expect([...(await new Log(suite).proven([{ ...other, sig: new Uint8Array(64) }, ops[2]])).keys()]).not.toContain(other.id)
  })

  test('S5 authority ops are never vouched for by a later one', async () => {
    const rule = await write({ chanSeq: 1, channel: AUTHORITY_CHANNEL })
    const next = await write({ chanSeq: 2, chanPrev: rule.id, channel: AUTHORITY_CHANNEL })
    expect([...(await new Log(suite).proven([{ ...rule, sig: new Uint8Array(64) }, next])).keys()]).toEqual([next.id])
  })
})
