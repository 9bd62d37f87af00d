/** Timers by the system's clock, for the host loop of the worker and the headless peer. */

/** What setTimeout can wait at most: longer waits would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

export interface SystemTimers {
  /** Calls `fire` once at `atMs` (ms since 1970), or earlier when that is more than 24 days ahead: the host looks and waits again. */
  set(atMs: number, fire: () => void): unknown
  clear(handle: unknown): void
}

export const systemTimers = (): SystemTimers => ({
  set: (atMs, fire) => setTimeout(fire, Math.min(Math.max(atMs - Date.now(), 0), MAX_DELAY_MS)),
  clear: (handle) => { clearTimeout(handle as ReturnType<typeof setTimeout>) },
})

/** Resolves after so long. */
export const systemPause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms) })

/** Calls it after so long. No process is kept running for it. */
export function unhurried(ms: number, fire: () => void): void {
  const timer: unknown = setTimeout(fire, ms)
  // Node's timers are objects, a browser's are numbers.
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
}
