/** How far this device's clocks are ahead of UTC, and were: a day in summer begins at another hour than one in winter. */
import type { UtcOffset } from '../api.ts'

const DAY_MS = 24 * 3600_000, MINUTE_MS = 60_000
const SINCE = Date.UTC(2020, 0, 1)

/** `aheadAt`: minutes at a time. */
export function utcOffsets(now: number, aheadAt = (at: number): number => -new Date(at).getTimezoneOffset()): UtcOffset[] {
  const out: UtcOffset[] = [[0, aheadAt(SINCE)]]
  for (let at = SINCE + DAY_MS; at <= now + DAY_MS; at += DAY_MS) {
    const minutes = aheadAt(at)
    if (minutes !== out.at(-1)?.[1]) out.push([changeIn(at - DAY_MS, at, aheadAt), minutes])
  }
  return out
}

/** The minute in which clocks were changed. */
function changeIn(before: number, after: number, aheadAt: (at: number) => number): number {
  let [from, to] = [before, after]
  while (to - from > MINUTE_MS) {
    const middle = from + Math.floor((to - from) / 2 / MINUTE_MS) * MINUTE_MS
    if (aheadAt(middle) === aheadAt(after)) to = middle; else from = middle
  }
  return to
}
