/**
 * What time it is, as far as deleting goes. A clock that is a year ahead would take a year more than it should, for good, and nothing on its device shows that it is. So it is believed only up
 * to what another device of the space has said (the label of an op, an announcement that it is here), and from there on by what passes between two looks here, a day at most: who is alone
 * with a wrong clock loses a day too early, not a year. Who has seen nobody for long, and was off for long, deletes later than it could. In a space without other devices the own clock is all there is.
 *
 *   ms that is believed (8) || what the own clock said then (8)
 */
import { concat, fromU64, u64 } from '../../wire/bytes.ts'
import { RETENTION_EVERY_MS } from '../limits.ts'

const DAY_MS = 24 * 3600_000

export class BelievedClock {
  private at = 0
  private looked = 0
  private kept = { at: 0, looked: 0 }

  load(row: Uint8Array): void {
    if (row.length !== 16) return
    this.at = fromU64(row)
    this.looked = fromU64(row.subarray(8))
    this.kept = { at: this.at, looked: this.looked }
  }

  /** What is to be saved; undefined: what was saved last says nearly the same, since what passes from there on counts as well. An opening need not wait for it. */
  news(): Uint8Array | undefined {
    const { at, looked, kept } = this
    if (Math.abs(at - kept.at) < RETENTION_EVERY_MS && Math.abs(looked - kept.looked) < RETENTION_EVERY_MS) return undefined
    this.kept = { at, looked }
    return concat(u64(at), u64(looked))
  }

  /** `said`: the latest that another device is known to have said; undefined: there is no other. */
  look(now: number, said: number | undefined): void {
    const passed = this.looked === 0 ? 0 : Math.max(0, Math.min(now - this.looked, DAY_MS))
    this.at = said === undefined ? now : Math.min(now, Math.max(this.at + passed, said))
    this.looked = now
  }

  time(now: number): number { return Math.min(now, this.at) }
}
