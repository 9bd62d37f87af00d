/**
 * Proving forks. A device that signed two ops for one place is frozen on every device alike once the two signed headers are an op that all have:
 * whoever holds both publishes them, the first in rank at once, the others only if it is still missing then.
 */
import { encodeAuthorityBody } from '../wire/authority.ts'
import { headerBytes, isSigned, type Op } from '../wire/op.ts'
import type { Engine } from './engine.ts'
import { COMMIT_RANK_MS, MAX_BRANCHES, MAX_UNSIGNED } from './limits.ts'
import { keptOp } from './content/kept.ts'
import { opKey } from './log/log.ts'
import { runFrom } from './log/vouching.ts'
import type { Reading } from './reading.ts'
import { opsPartition, type Replica } from './replica.ts'
import type { Fork } from './sync/receiving.ts'
import type { Turn } from './turn.ts'

/** Arms a proof for each fork that isn't proved yet. */
export function planProofs(engine: Engine, turn: Turn, replica: Replica): void {
  if (unproved(replica).length === 0) return
  const online = [...engine.present.devices(replica, turn.now)].filter((d) => d < replica.me.device && replica.authority.state.devices.has(d))
  turn.out.wake(`proof|${replica.id}`, turn.now + online.length * COMMIT_RANK_MS)
}

export async function proveForks(engine: Engine, turn: Turn, replica: Replica): Promise<void> {
  if (replica.state() !== 'member' || !replica.authority.state.devices.has(replica.me.device)) return
  for (const fork of unproved(replica)) {
    await engine.questions.follow(turn, () => signedHeaders(replica, fork), async (later, sides) => {
      if (sides === undefined || !unproved(replica).includes(fork)) return
      const [first, second] = sides
      const body = { type: 'forkProof', first: first.header, firstRun: first.run, firstSig: first.sig, second: second.header, secondRun: second.run, secondSig: second.sig } as const
      await engine.distribute(later, replica, [await replica.append(later, 'forkProof', encodeAuthorityBody(body))])
    })
  }
}

interface Side { readonly header: Uint8Array; readonly run: readonly Uint8Array[]; readonly sig: Uint8Array }

/** Both sides of a fork, each with the headers up to one that is signed; undefined where the disk doesn't have them. */
function* signedHeaders(replica: Replica, { first, second }: Fork): Reading<readonly [Side, Side] | undefined> {
  const one = yield* signedSide(replica, first), other = yield* signedSide(replica, second)
  return one === undefined || other === undefined ? undefined : [one, other]
}

function* signedSide(replica: Replica, op: Op): Reading<Side | undefined> {
  const { device, channel, chanSeq } = op.header
  const query = { from: opKey(device, chanSeq), to: opKey(device, chanSeq + MAX_UNSIGNED + 1), limit: (MAX_BRANCHES + 1) * (MAX_UNSIGNED + 1) }
  const [rows = []] = isSigned(op) ? [] : yield [{ partition: opsPartition(replica.id, channel), query }]
  const ops = rows.map((row) => keptOp(replica, channel, row)).filter((other) => other !== undefined)
  const run = runFrom(op, ops), last = run?.[run.length - 1]
  return run === undefined || last === undefined ? undefined : { header: headerBytes(op), run: run.slice(1).map(headerBytes), sig: last.sig }
}

/** Forks by devices of this space that no proof shows from so early on. */
function unproved(replica: Replica): Fork[] {
  const { forks } = replica.receiving
  for (const [device, fork] of forks) if ((replica.authority.provenFrom(device) ?? Infinity) <= seqOf(fork)) forks.delete(device)
  return [...forks.values()].filter((fork) => replica.authority.identityOf(fork.first.header.device) !== undefined)
}

const seqOf = ({ first, second }: { readonly first: Op; readonly second: Op }): number => Math.min(first.header.seq, second.header.seq)
