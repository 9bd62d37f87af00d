/** The lock of the disk as tabs see it: who may open it, locking it now or after a while without anybody, and changing how it opens. */
import type { DoorAnswer, DoorAsk, LockInfo, Secret } from '../api.ts'
import type { Door as VaultDoor, Vault } from '../adapters/vault.ts'
import { MIN_PASSPHRASE_CHARS } from '../adapters/vault-ways.ts'

export interface DoorParts {
  readonly vault: Pick<Vault, 'ways' | 'door' | 'check' | 'setPassphrase' | 'addPasskey' | 'removePasskeys' | 'removeLock' | 'lockAfter' | 'setLockAfter'>
  readonly now: () => number
  /** Everything that knows the key is thrown away. */
  readonly lock: () => void
  readonly tell: (lock: LockInfo) => void
}

const MAX_LOCK_AFTER_MINUTES = 24 * 60
const MINUTE_MS = 60_000

const no = (message: string): DoorAnswer => ({ ok: false, message })
const YES: DoorAnswer = { ok: true }
const NOT_LOCKED = no('There is no lock yet. Choose a passphrase first.')

/** What is told of a closed door. Keys that browsers are asked for go as they are; nothing here opens anything. */
export const closedInfo = ({ ways, failed, waitUntil }: VaultDoor): LockInfo => ({ type: 'locked', ways, failed, waitUntil })

/** What is said to whoever tried and failed. */
export const wrong = (mustWait: boolean): string => (mustWait ? 'That does not open it. Wait a moment before the next try.' : 'That does not open it. Try again.')

export class Door {
  private readonly parts: DoorParts
  private activeAt: number
  private lockAfter = 0

  constructor(parts: DoorParts) {
    this.parts = parts
    this.activeAt = parts.now()
  }

  async begin(): Promise<void> {
    this.lockAfter = await this.parts.vault.lockAfter()
    await this.tell()
  }

  private async tell(): Promise<void> { this.parts.tell({ type: 'open', ways: await this.parts.vault.ways(), lockAfterMinutes: this.lockAfter }) }

  /** Somebody is at the device. */
  active(): void { this.activeAt = this.parts.now() }

  /** Asked now and then: locks when nobody has been here for long. A device that slept has a clock that jumped, which is just right. */
  async look(): Promise<void> {
    if (this.lockAfter > 0 && this.parts.now() - this.activeAt >= this.lockAfter * MINUTE_MS && (await this.parts.vault.ways()).length > 0) this.parts.lock()
  }

  async ask(ask: DoorAsk): Promise<DoorAnswer> {
    const { vault } = this.parts
    const ways = await vault.ways()
    switch (ask.type) {
      case 'unlock': return YES
      case 'lock':
        if (ways.length === 0) return NOT_LOCKED
        this.parts.lock()
        return YES
      case 'set-passphrase': {
        const problem = await this.proven(ask.current)
        if (problem !== undefined) return problem
        const recovery = await vault.setPassphrase(ask.passphrase)
        if (recovery === undefined) return no(`Use at least ${MIN_PASSPHRASE_CHARS} characters. Four words that don’t belong together are easy to keep in mind.`)
        await this.tell()
        return { ok: true, recovery }
      }
      case 'prove': case 'remove-lock': case 'add-passkey': case 'remove-passkeys': {
        const problem = await this.proven(ask.current)
        if (problem !== undefined) return problem
        if (ask.type === 'add-passkey' && !(await vault.addPasskey(ask.credential, ask.salt, ask.output))) return NOT_LOCKED
        if (ask.type === 'remove-passkeys') await vault.removePasskeys()
        if (ask.type === 'remove-lock') await vault.removeLock()
        if (ask.type !== 'prove') await this.tell()
        return YES
      }
      case 'lock-after':
        if (ways.length === 0) return NOT_LOCKED
        this.lockAfter = Math.min(MAX_LOCK_AFTER_MINUTES, Math.max(0, Math.floor(ask.minutes)))
        await vault.setLockAfter(this.lockAfter)
        await this.tell()
        return YES
      case 'save-copy': case 'cancel-copy': case 'go-on': return YES
    }
  }

  /** Whoever changes the lock shows that they can open it; where there is none, nobody has to. */
  private async proven(current: Secret | undefined): Promise<DoorAnswer | undefined> {
    const { vault, now } = this.parts
    const door = await vault.door()
    if (door.ways.length === 0) return undefined
    if (current !== undefined && await vault.check(current)) return undefined
    const { waitUntil } = await vault.door()
    return no(wrong(waitUntil > now()))
  }
}
