/**
 * Bundles, grants and back-links that tell wrong keys. Nobody believes them (C6), and only who could open them knows: whoever made one had the right keys, or none to tell. So each
 * who can tell says so to their own person, and counts it against the device that signed it, whoever brought it.
 */
import type { DeviceId, OpId } from '../../wire/ids.ts'

export class Lies {
  private readonly known = new Set<OpId>()
  private fresh: DeviceId[] = []

  note(op: OpId, device: DeviceId): void {
    if (this.known.has(op)) return
    this.known.add(op)
    this.fresh.push(device)
  }

  has(op: OpId): boolean { return this.known.has(op) }

  /** Who signed those that were found out since the last call. */
  takeFresh(): DeviceId[] { return this.fresh.splice(0) }
}
