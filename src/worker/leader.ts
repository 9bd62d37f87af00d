/**
 * One tab leads. Each asks for the same lock and waits; who gets it starts the worker, and when that tab closes, crashes or is frozen, the browser passes the lock on.
 */
import { LEADER_LOCK } from './tabs.ts'

/** Takes a lock as soon as it's free and keeps it until the returned function is called, which may be before it was got. */
export function holdLock(locks: Pick<LockManager, 'request'>, name: string, held: () => void): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  let over = false
  void locks.request(name, () => {
    if (!over) held()
    return promise
  })
  return () => {
    over = true
    resolve()
  }
}

export interface LeaderParts {
  readonly locks: Pick<LockManager, 'request'>
  /** Starts to lead; what it returns ends that. */
  readonly lead: () => () => void
}

export class Leadership {
  private readonly parts: LeaderParts
  private release: (() => void) | undefined
  private stop: (() => void) | undefined

  constructor(parts: LeaderParts) {
    this.parts = parts
  }

  get leads(): boolean { return this.stop !== undefined }

  /** Leads as soon as nobody else does. */
  stand(): void {
    this.release ??= holdLock(this.parts.locks, LEADER_LOCK, () => { this.stop = this.parts.lead() })
  }

  /** Stops leading, or waiting to. */
  resign(): void {
    this.stop?.()
    this.stop = undefined
    this.release?.()
    this.release = undefined
  }
}
