/**
 * What was found of the signatures inside authority ops, kept beside the log (A23): who opens a space of a thousand need not check two thousand of them again.
 * What is signed there says space/checks.ts: if that ever changes, the partition needs another name, or what was found of the old form would be believed for ever.
 */
import type { Row } from '../ports.ts'
import { fromHex, toHex } from '../wire/bytes.ts'
import type { OpId, SpaceId } from '../wire/ids.ts'
import { decodeProof, encodeProof } from '../wire/records.ts'
import type { Authority } from './space/authority.ts'
import type { Proof } from './space/checks.ts'
import type { Turn } from './turn.ts'

export const proofsPartition = (space: SpaceId): string => `proofs/${space}`

export class Proofs {
  private readonly space: SpaceId
  private readonly authority: Authority
  /** From the disk, until the op is in. */
  private readonly known = new Map<string, Proof>()
  /** Ops of a disk that doesn't say: an earlier version wrote it, or it was damaged. */
  private lacking: OpId[] = []

  constructor(space: SpaceId, authority: Authority) { this.space = space; this.authority = authority }

  load(rows: readonly Row[]): void {
    for (const { key, value } of rows) { const proof = decodeProof(value); if (proof !== undefined) this.known.set(toHex(key), proof) }
  }

  /** For an op that comes from the disk. */
  take(id: OpId): Proof | undefined {
    const proof = this.known.get(id)
    if (proof === undefined) this.lacking.push(id); else this.known.delete(id)
    return proof
  }

  keep(turn: Turn, id: OpId): void {
    const proof = this.authority.proofOf(id)
    if (proof !== undefined) turn.out.put(proofsPartition(this.space), fromHex(id) as Uint8Array, encodeProof(proof))
  }

  keepLacking(turn: Turn): void { for (const id of this.lacking.splice(0)) this.keep(turn, id) }
}
