/** The lock of this browser's disk, as the page knows it. */
import type { DoorAnswer, DoorAsk, FromWorker, LockInfo, Secret, ToWorker } from '../api.ts'

type Heard = Extract<FromWorker, { readonly type: 'door' | 'lock' }>

/** Signs of life are told at most so often. */
const ACTIVE_EVERY_MS = 15_000

export class Door {
  /** undefined until the worker has said. */
  lock = $state.raw<LockInfo | undefined>(undefined)
  private readonly post: (message: ToWorker) => void
  private readonly newId: () => number
  private readonly onLocked: () => void
  private readonly waiting = new Map<number, (answer: DoorAnswer) => void>()
  private toldAt = 0

  constructor(post: (message: ToWorker) => void, newId: () => number, onLocked: () => void) {
    this.post = post
    this.newId = newId
    this.onLocked = onLocked
  }

  hear(message: Heard): void {
    if (message.type === 'lock') {
      this.lock = message.lock
      if (message.lock.type === 'locked') this.onLocked()
      return
    }
    const resolve = this.waiting.get(message.id)
    this.waiting.delete(message.id)
    resolve?.(message.answer)
  }

  ask(ask: DoorAsk): Promise<DoorAnswer> {
    const id = this.newId()
    return new Promise((resolve) => {
      this.waiting.set(id, resolve)
      this.post({ type: 'door', id, ask })
    })
  }

  /** What went wrong, in a sentence. */
  async unlock(secret: Secret): Promise<string> {
    const answer = await this.ask({ type: 'unlock', secret })
    return answer.ok ? '' : answer.message
  }

  /** Somebody touched or typed something. */
  active(now: number): void {
    if (this.lock?.type !== 'open' || this.lock.lockAfterMinutes === 0 || now - this.toldAt < ACTIVE_EVERY_MS) return
    this.toldAt = now
    this.post({ type: 'active' })
  }
}
