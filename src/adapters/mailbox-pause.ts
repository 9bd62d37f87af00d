/** Waits that grow from try to try, half of each left to chance, so that a relay that comes back isn't met by everyone at once. */
export const FIRST_RETRY_MS = 500
export const LAST_RETRY_MS = 30_000

export class Pause {
  private tries = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private work: (() => void) | undefined
  private readonly chance: () => number

  /** `chance` gives numbers from 0 to 1. */
  constructor(chance: () => number) { this.chance = chance }

  get isWaiting(): boolean { return this.work !== undefined }

  /** Does the work after the next wait; what was waiting before is dropped. */
  then(work: () => void, atLeastMs = 0): void {
    this.clear()
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.tries++)
    this.work = work
    this.timer = setTimeout(() => this.now(), Math.max(atLeastMs, longest / 2 + (longest / 2) * this.chance()))
  }

  /** Ends the wait, if there is one. */
  now(): void {
    const { work } = this
    this.clear()
    work?.()
  }

  /** It worked: the next wait is a short one again. */
  worked(): void { this.tries = 0 }

  clear(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.work = undefined
  }
}
