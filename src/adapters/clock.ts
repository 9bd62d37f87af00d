/** The time of day, for labels and timers. */
import type { Clock } from '../ports.ts'

export const systemClock = (): Clock => ({ now: () => Date.now() })
