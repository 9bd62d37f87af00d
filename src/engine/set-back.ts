/**
 * A clock that is set back, as people do who find it wrong. What an engine remembers of when things were is of no worth then: it would hold what was a moment ago for something
 * to come, and answer, ask or forgive nobody until then, which may be a year. So it starts again from its disk, where times are only of what others said.
 */
import { CLOCK_SET_BACK_MS } from './limits.ts'

export class SetBack {
  private latest = -Infinity

  /** Whether the clock is that much behind what it was. Clocks that are kept right by a network go back a little all the time. */
  isBy(now: number): boolean {
    const isBack = now < this.latest - CLOCK_SET_BACK_MS
    this.latest = Math.max(this.latest, now)
    return isBack
  }
}
