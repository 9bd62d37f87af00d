/**
 * Taking in a history that somebody sends: what signatures cost when every op's is checked, and when those at the ends of chains vouch for the rest; and
 * beside the whole of it the least that it can cost with this ciphersuite, which is to hash each op's header and body and to open it.
 */
import { Log } from '../engine/log/log.ts'
import { MAX_ASK_OPS, SERVED_ROWS } from '../engine/limits.ts'
import { Out } from '../engine/out.ts'
import { decodeOp, headerBytes, type Op } from '../wire/op.ts'
import type { Person } from '../engine/engines.test-support.ts'
import { AUTHORS, Circle } from './circle.ts'
import { type Figure, worked } from './table.ts'

/** Libsodium is asked for by the first hundreds of calls (adapters/suite-xchacha.ts). */
const LOADED_AFTER_MS = 1000

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
  const batches = inBatches(strangers, MAX_ASK_OPS)
  const log = new Log(suite)
  const decoding = await worked(() => { for (const op of strangers) if (decodeOp(op.bytes, (b) => suite.sha256(b)) === undefined) throw new Error('an op does not decode') })
  const ends = await worked(async () => { for (const batch of batches) if ((await log.proven(batch)).size !== batch.length) throw new Error('an op was not vouched for') })
  const each = await worked(async () => { for (const op of strangers) if (!(await log.verify(op))) throw new Error('a signature was not good') })
  const key = new Uint8Array(32)
  const least = (): void => {
    for (const op of strangers) {
      const header = headerBytes(op)
      suite.sha256(header)
      suite.sha256(op.body)
      // Sealing costs what opening does.
      suite.seal(key, op.body.subarray(0, 24), header, op.body.subarray(24))
    }
  }
  least()
  // What seals much is loaded by now, or never.
  await new Promise((resolve) => { setTimeout(resolve, LOADED_AFTER_MS) })
  least()
  const floor = await worked(least)
  let taken = 0
  // As they come: so many rows a frame.
  const taking = await worked(async () => { for (const batch of inBatches(strangers, SERVED_ROWS)) taken += (await replica.receive({ now: circle.room.now, out: new Out() }, batch.map((op) => op.bytes))).accepted.length })
  if (taken !== strangers.length) throw new Error(`took in ${taken} of ${strangers.length}`)
  const bytes = strangers.reduce((sum, op) => sum + op.bytes.length, 0)
  const rate = (what: string, ms: number, beside?: string): Figure => ({ what, value: strangers.length / (ms / 1000), unit: '/s', at: ops.length, ...(beside === undefined ? {} : { beside }) })
  return [
    rate('decode and hash', decoding),
    rate('verify: every signature', each),
    rate('verify: ends of chains vouch', ends, `${(each / ends).toFixed(1)} x every signature, in batches of ${MAX_ASK_OPS}`),
    rate('floor: two hashes and one AEAD an op', floor),
    rate('take in: decode, verify, place, decrypt, rows to save', taking, `${(floor / taking).toFixed(2)} of the floor`),
    { what: 'bytes of an op on the wire', value: bytes / strangers.length, unit: 'B', at: ops.length, beside: 'text of 124' },
  ]
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = []
  for (let n = 0; n < items.length; n += size) out.push(items.slice(n, n + size))
  return out
}
