/** The log's own rules, with ops that Alice's and Bob's devices really signed. */
import { beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../adapters/random.ts'
import { createSuite } from '../../adapters/suite.ts'
import type { Ciphersuite, SigningKey } from '../../ports.ts'
import { toHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type OpId, type SpaceId } from '../../wire/ids.ts'
import { decodeOp, encodeHeader, encodeOp, type Op, opSignedBytes } from '../../wire/op.ts'
import { MAX_PARKED_OPS } from '../limits.ts'
import { Log } from './log.ts'

let suite: Ciphersuite
let alice: SigningKey
const space = 'ab'.repeat(32) as SpaceId
const channel = 'cd'.repeat(16) as ChannelId

beforeAll(async () => {
  suite = await createSuite(seededRandom(1))
  alice = await suite.signingKey(new Uint8Array(32).fill(1))
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
    expect(log.park(second, (log.place(second) as { for: string }).for)).toBe(true)
    expect(log.place(first)).toEqual({ type: 'next' })
    expect(log.add(first)).toEqual([second])
    expect(log.parkedCount).toBe(0)
    expect(log.place(second)).toEqual({ type: 'next' })
  })

  test('S1 an op waits for the authority heads it names', async () => {
    const log = new Log(suite)
    const rule = await write({ chanSeq: 1, channel: AUTHORITY_CHANNEL, text: 'rule' })
    const said = await write({ chanSeq: 1, deps: [rule.id] })
    expect(log.place(said)).toEqual({ type: 'waits', for: rule.id })
    log.park(said, rule.id)
    expect(log.add(rule)).toEqual([said])
  })

  test('S2 a second op in one place is refused and kept as proof, a repeated one is known', async () => {
    const log = new Log(suite)
    const [first, second] = await chain(2) as [Op, Op]
    log.add(first)
    expect(log.place(first)).toEqual({ type: 'known' })
    const twin = await write({ chanSeq: 1, text: 'not what I said before' })
    expect(log.place(twin)).toEqual({ type: 'refused' })
    expect(log.forks).toEqual([{ known: first.id, other: twin }])
    log.add(second)
    const onTwin = await write({ chanSeq: 3, chanPrev: twin.id })
    expect(log.place(onTwin)).toEqual({ type: 'refused' })
  })

  test('S3 what waits is bounded', async () => {
    const log = new Log(suite)
    const far = await write({ chanSeq: 9, chanPrev: 'ee'.repeat(32) as OpId })
    for (let n = 0; n < MAX_PARKED_OPS; n++) expect(log.park({ ...far, id: n.toString(16).padStart(64, '0') as OpId }, 'x')).toBe(true)
    expect(log.park(far, 'x')).toBe(false)
  })
})

describe('verification of a batch', () => {
  test('S4 one good signature vouches for all before it in its chain', async () => {
    const ops = await chain(5)
    const unsigned = ops.map((op, i) => (i < 4 ? { ...op, sig: new Uint8Array(64) } : op))
    expect([...await new Log(suite).vouched(unsigned)].sort()).toEqual(ops.map((op) => op.id).sort())
  })

  test('S4 nothing vouches forwards, across a gap, or for a chain whose links differ', async () => {
    const ops = await chain(5) as [Op, Op, Op, Op, Op]
    const forged = { ...ops[4], sig: new Uint8Array(64) }
    expect(await new Log(suite).vouched([...ops.slice(0, 4), forged])).not.toContain(forged.id)
    const bare = { ...ops[1], sig: new Uint8Array(64) }
    expect(await new Log(suite).vouched([bare, ops[3]])).not.toContain(bare.id)
    const other = await write({ chanSeq: 2, chanPrev: ops[0].id, text: 'another second' })
    expect(await new Log(suite).vouched([{ ...other, sig: new Uint8Array(64) }, ops[2]])).not.toContain(other.id)
  })

  test('S5 authority ops are never vouched for by a later one', async () => {
    const rule = await write({ chanSeq: 1, channel: AUTHORITY_CHANNEL })
    expect((await new Log(suite).vouched([rule])).size).toBe(0)
  })
})
