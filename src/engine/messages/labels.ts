/**
 * What orders messages where people read them: labels, that is, times by their authors' clocks, each later than all that its author had seen. They decide nothing
 * else. A clock may be wrong by years, the author's or the reader's, and nobody can tell whose.
 */
import { HLC_STEP } from '../../wire/op.ts'
import { MAX_CLOCK_AHEAD_MS, MAX_LABEL_AHEAD_MS, UNBELIEVED_SPREAD_MS } from '../limits.ts'

/** What is this far ahead stands in the middle of the spread. */
const MIDDLE_MS = 365 * 24 * 3600_000

/** For an own op: later than the last that was seen, unless that is from too far ahead. `now` in ms. */
export const labelAt = (now: number, last: number): number => Math.max(now * HLC_STEP, Math.min(last + 1, (now + MAX_LABEL_AHEAD_MS) * HLC_STEP))

/**
 * Where a message with this label stands on a device whose clock says `now` (ms). A clock far ahead must not pin its messages to the end for ever; and who reads, with a
 * clock far behind, all that was said meanwhile must find it in order: so what is not believed stands close behind what is, the later the further.
 */
export function placeAt(label: number, now: number): number {
  const last = (now + MAX_CLOCK_AHEAD_MS) * HLC_STEP, ahead = label - last
  return ahead <= 0 ? label : last + Math.floor(UNBELIEVED_SPREAD_MS * HLC_STEP * (ahead / (ahead + MIDDLE_MS * HLC_STEP)))
}
