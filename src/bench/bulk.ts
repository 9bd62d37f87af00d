/** Taking in a history that somebody sends: what signatures cost when every op's is checked, and when those at the ends of chains vouch for the rest. */
import { Log } from '../engine/log/log.ts'
import { MAX_ASK_OPS } from '../engine/limits.ts'
import { Out } from '../engine/out.ts'
import { decodeOp, type Op } from '../wire/op.ts'
import type { Person } from '../engine/engines.test-support.ts'
import { AUTHORS, Circle } from './circle.ts'
import { type Figure, worked } from './table.ts'

export async function benchBulk(sizes: readonly number[], authors = AUTHORS): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const size of sizes) {
    const circle = await Circle.gather(authors)
    const written = await circle.say(size)
    // As a peer serves them: chain by chain.
    const chain = new Map(circle.people.map((person, n) => [circle.replica(person).me.device, n]))
    const ops = written.sort((a, b) => (chain.get(a.header.device) ?? 0) - (chain.get(b.header.device) ?? 0) || a.header.chanSeq - b.header.chanSeq)
    figures.push(...await measure(circle, ops))
  }
  return figures
}

async function measure(circle: Circle, ops: readonly Op[]): Promise<Figure[]> {
  const [alice] = circle.people as [Person]
  const replica = circle.replica(alice), { suite } = replica.world
  const strangers = ops.filter((op) => op.header.device !== replica.me.device)
  const batches: Op[][] = []
  for (let n = 0; n < strangers.length; n += MAX_ASK_OPS) batches.push(strangers.slice(n, n + MAX_ASK_OPS))
  const log = new Log(suite)
  const decoding = await worked(() => { for (const op of strangers) if (decodeOp(op.bytes, (b) => suite.sha256(b)) === undefined) throw new Error('an op does not decode') })
  const ends = await worked(async () => { for (const batch of batches) if ((await log.proven(batch)).size !== batch.length) throw new Error('an op was not vouched for') })
  const each = await worked(async () => { for (const op of strangers) if (!(await log.verify(op))) throw new Error('a signature was not good') })
  let taken = 0
  const taking = await worked(async () => { for (const batch of batches) taken += (await replica.receive({ now: circle.room.now, out: new Out() }, batch.map((op) => op.bytes))).accepted.length })
  if (taken !== strangers.length) throw new Error(`took in ${taken} of ${strangers.length}`)
  const bytes = strangers.reduce((sum, op) => sum + op.bytes.length, 0)
  const rate = (what: string, ms: number, beside?: string): Figure => ({ what, value: strangers.length / (ms / 1000), unit: '/s', at: ops.length, ...(beside === undefined ? {} : { beside }) })
  return [
    rate('decode and hash', decoding),
    rate('verify: every signature', each),
    rate('verify: ends of chains vouch', ends, `${(each / ends).toFixed(1)} x every signature, in batches of ${MAX_ASK_OPS}`),
    rate('take in: decode, verify, place, decrypt, rows to save', taking),
    { what: 'bytes of an op on the wire', value: bytes / strangers.length, unit: 'B', at: ops.length, beside: 'text of 124' },
  ]
}
