/**
 * The states of one group that this device holds, by epoch. Those that come from the disk stay bytes until somebody asks for them: of the dozens that are kept for late commits few are ever used again.
 *
 * The row of the tip's state is the whole state. That of another is what it has that a later one has not, by way of which it hangs off the tip's, so that opening a space of many reads
 * one ratchet tree and not dozens:
 *
 *   row = 1 || state   or   2 || epoch of its base (32) || difference from it
 */
import { concat, fromHex, toHex } from '../../wire/bytes.ts'
import type { EpochId } from '../../wire/ids.ts'
import { decodeDifference, encodeDifference } from './differences.ts'
import { decodeState, encodeState, type MlsState } from './mls.ts'

const DIFFERENCE = 2, BASE_ENDS = 33
/** Made into differences at once: a disk from before there were any has dozens of whole ones, and whoever opens it waits. */
const MOST_AT_ONCE = 4

/** Whether a row holds all of its state: that of a group's tip does. */
export const isWholeState = (row: Uint8Array): boolean => row[0] !== DIFFERENCE

/** `row`: as it lies on the disk; none before it has been written. */
interface Held { readonly state: MlsState | undefined; readonly row: Uint8Array | undefined }

export class States {
  private readonly sha256: (bytes: Uint8Array) => Uint8Array
  private readonly held = new Map<EpochId, Held>()
  /** Whose rows are others than those on the disk. */
  private readonly changed = new Set<EpochId>()

  constructor(sha256: (bytes: Uint8Array) => Uint8Array) { this.sha256 = sha256 }

  get size(): number { return this.held.size }

  keys(): Iterable<EpochId> { return this.held.keys() }

  has(epoch: EpochId): boolean { return this.held.has(epoch) }

  set(epoch: EpochId, state: MlsState): void { this.held.set(epoch, { state, row: undefined }) }

  /** As it lies on the disk. */
  restore(epoch: EpochId, row: Uint8Array): void { this.held.set(epoch, { state: undefined, row }) }

  /** One that turns out not to be a state is as if it had never been here: then this device comes back from outside. */
  get(epoch: EpochId): MlsState | undefined {
    const held = this.held.get(epoch)
    if (held === undefined || held.state !== undefined) return held?.state
    const bytes = this.bytesOf(epoch), state = bytes && decodeState(bytes)
    if (state === undefined) this.held.delete(epoch); else this.held.set(epoch, { ...held, state })
    return state
  }

  /** Nothing of these is left, nor in the rows of others. */
  delete(epochs: readonly EpochId[]): void {
    const gone = new Set(epochs)
    for (const epoch of gone.size === 0 ? [] : this.held.keys()) {
      let base = this.baseOf(epoch)
      if (gone.has(epoch) || base === undefined || !gone.has(base)) continue
      while (base !== undefined && gone.has(base)) base = this.baseOf(base)
      const bytes = this.bytesOf(epoch)
      // Without its base it says nothing.
      if (bytes === undefined) gone.add(epoch); else this.put(epoch, this.rowOf(bytes, base))
    }
    for (const epoch of gone) { this.held.delete(epoch); this.changed.delete(epoch) }
  }

  /** Rows that have to be written now that this epoch is the tip. */
  rows(tip: EpochId | undefined): (readonly [EpochId, Uint8Array])[] {
    const whole = tip === undefined ? undefined : this.bytesOf(tip), base = whole === undefined ? undefined : tip
    // First, since another may be what it was a difference from.
    if (base !== undefined && whole !== undefined && !this.isWhole(base)) this.put(base, whole)
    let made = 0
    for (const [epoch, { row }] of this.held) {
      // Written already: as a difference, or whole where there is nothing that it could be a difference from, or enough has been done.
      if (epoch === base || (row !== undefined && (!this.isWhole(epoch) || base === undefined || ++made > MOST_AT_ONCE))) continue
      const bytes = this.bytesOf(epoch)
      if (bytes !== undefined) this.put(epoch, this.rowOf(bytes, base))
    }
    const out = [...this.changed].flatMap((epoch) => { const row = this.held.get(epoch)?.row; return row === undefined ? [] : [[epoch, row] as const] })
    this.changed.clear()
    return out
  }

  private isWhole(epoch: EpochId): boolean { return this.held.get(epoch)?.row !== undefined && this.baseOf(epoch) === undefined }

  private put(epoch: EpochId, row: Uint8Array): void {
    this.held.set(epoch, { state: this.held.get(epoch)?.state, row })
    this.changed.add(epoch)
  }

  /** A state as the row says it: whole, or against a base that is here. */
  private rowOf(bytes: Uint8Array, base: EpochId | undefined): Uint8Array {
    const from = base === undefined ? undefined : this.bytesOf(base)
    return from === undefined ? bytes : concat(Uint8Array.of(DIFFERENCE), fromHex(base as EpochId) as Uint8Array, encodeDifference(from, bytes, this.sha256))
  }

  /** The whole of it, by way of all between it and one whose row is whole. */
  private bytesOf(epoch: EpochId): Uint8Array | undefined {
    const differences: Uint8Array[] = []
    for (let at: EpochId | undefined = epoch; ;) {
      const held: Held | undefined = this.held.get(at)
      // More than there are: what was damaged leads in a circle.
      if (held === undefined || differences.length > this.held.size) return undefined
      const { state, row } = held, base = this.baseOf(at)
      if (row === undefined || base === undefined) return differences.reduceRight<Uint8Array | undefined>((from, difference) => from && decodeDifference(from, difference, this.sha256), row ?? (state && encodeState(state)))
      differences.push(row.subarray(BASE_ENDS))
      at = base
    }
  }

  /** The epoch that its row is a difference from; undefined for a whole one, and before it has a row. */
  private baseOf(epoch: EpochId): EpochId | undefined {
    const row = this.held.get(epoch)?.row
    return row?.[0] === DIFFERENCE ? toHex(row.subarray(1, BASE_ENDS)) as EpochId : undefined
  }
}
