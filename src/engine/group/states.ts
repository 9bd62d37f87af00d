/** The states of one group that this device holds, by epoch. Those that come from the disk stay bytes until somebody asks for them: of the dozens that are kept for late commits few are ever used again. */
import type { EpochId } from '../../wire/ids.ts'
import { decodeState, type MlsState } from './mls.ts'

export class States {
  private readonly held = new Map<EpochId, MlsState | Uint8Array>()

  get size(): number { return this.held.size }

  keys(): Iterable<EpochId> { return this.held.keys() }

  has(epoch: EpochId): boolean { return this.held.has(epoch) }

  set(epoch: EpochId, state: MlsState): void { this.held.set(epoch, state) }

  /** As it lies on the disk. */
  restore(epoch: EpochId, bytes: Uint8Array): void { this.held.set(epoch, bytes) }

  /** One that turns out not to be a state is as if it had never been here: then this device comes back from outside. */
  get(epoch: EpochId): MlsState | undefined {
    const held = this.held.get(epoch)
    if (!(held instanceof Uint8Array)) return held
    const state = decodeState(held)
    if (state === undefined) this.held.delete(epoch); else this.held.set(epoch, state)
    return state
  }

  delete(epoch: EpochId): void { this.held.delete(epoch) }
}
