/**
 * Proving forks. A device that signed two ops for one place is frozen on every device alike once the two signed headers are an op that all have:
 * whoever holds both publishes them, the first in rank at once, the others only if it is still missing then.
 */
import { encodeAuthorityBody } from '../wire/authority.ts'
import { encodeHeader, type Op } from '../wire/op.ts'
import type { Engine } from './engine.ts'
import { COMMIT_RANK_MS } from './limits.ts'
import type { Replica } from './replica.ts'
import type { Fork } from './sync/receiving.ts'
import type { Turn } from './turn.ts'

/** Arms a proof for each fork that isn't proved yet. */
export function planProofs(engine: Engine, turn: Turn, replica: Replica): void {
  if (unproved(replica).length === 0) return
  const online = [...engine.onlineDevices(replica, turn.now)].filter((d) => d < replica.me.device && replica.authority.state.devices.has(d))
  turn.out.wake(`proof|${replica.id}`, turn.now + online.length * COMMIT_RANK_MS)
}

export async function proveForks(engine: Engine, turn: Turn, replica: Replica): Promise<void> {
  if (replica.state() !== 'member' || !replica.authority.state.devices.has(replica.me.device)) return
  for (const { first, second } of unproved(replica)) {
    const body = { type: 'forkProof', first: encodeHeader(first.header), firstSig: first.sig, second: encodeHeader(second.header), secondSig: second.sig } as const
    await engine.distribute(turn, replica, [await replica.append(turn, 'forkProof', encodeAuthorityBody(body))])
  }
}

/** Forks by devices of this space that no proof shows from so early on. */
function unproved(replica: Replica): Fork[] {
  const { forks } = replica.receiving
  for (const [device, fork] of forks) if ((replica.authority.provenFrom(device) ?? Infinity) <= seqOf(fork)) forks.delete(device)
  return [...forks.values()].filter((fork) => replica.authority.identityOf(fork.first.header.device) !== undefined)
}

const seqOf = ({ first, second }: { readonly first: Op; readonly second: Op }): number => Math.min(first.header.seq, second.header.seq)
