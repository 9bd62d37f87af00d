/**
 * Bringing a disk to today's form before an engine runs on it. Where most of what there is will be written anew, the person is told first and can save a copy: nothing begins before they say so.
 */
import { migrate, migrationsDue } from '../adapters/disk-forms.ts'
import type { DoorAnswer, DoorAsk, MovingInfo } from '../api.ts'
import { MIN_PASSPHRASE_CHARS } from '../adapters/vault-ways.ts'
import type { Copies, CopyEnd, Disk } from '../ports.ts'

export interface MovingParts {
  readonly disk: Disk
  readonly copies: Copies
  readonly tell: (info: MovingInfo) => void
}

const no = (message: string): DoorAnswer => ({ ok: false, message })
const WHY: Readonly<Record<Exclude<CopyEnd['type'], 'done'>, string>> = {
  cancelled: 'Stopped. No copy was kept.',
  locked: 'Choose another passphrase.', invalid: 'Choose another passphrase.', newer: 'Reload the page to update.',
  damaged: 'A part of this device’s storage could not be read, so there can be no copy of all of it. You can go on all the same: what can’t be read is fetched again from others afterwards.',
  full: 'There is no room left on this device for a copy. Free some, then try again.',
  failed: 'The copy could not be written. Try again.',
}

export class Moving {
  private readonly parts: MovingParts
  info: MovingInfo
  private goOn: (() => void) | undefined

  constructor(parts: MovingParts, rewrites: boolean) {
    this.parts = parts
    this.info = { type: 'moving', step: rewrites ? 'asked' : 'moving', part: 0 }
  }

  /** undefined: the disk is of today's form. */
  static async due(parts: MovingParts): Promise<Moving | undefined> {
    const due = await migrationsDue(parts.disk)
    return due.length === 0 ? undefined : new Moving(parts, due.some(({ rewrites }) => rewrites))
  }

  /** Resolves when it is. */
  async run(): Promise<void> {
    if (this.info.step === 'asked') await new Promise<void>((resolve) => { this.goOn = resolve })
    this.say({ step: 'moving', part: 0 })
    await migrate(this.parts.disk)
  }

  async ask(ask: DoorAsk): Promise<DoorAnswer> {
    switch (ask.type) {
      case 'save-copy': return this.save(ask.passphrase)
      case 'cancel-copy': this.parts.copies.cancel(); return { ok: true }
      case 'go-on':
        if (this.info.step !== 'asked') return no('Wait until the copy is saved.')
        this.goOn?.()
        return { ok: true }
      default: return no('Thicket is bringing your data to a new form first.')
    }
  }

  private async save(passphrase: string): Promise<DoorAnswer> {
    const { disk, copies } = this.parts
    if (this.info.step !== 'asked') return no('Wait a moment.')
    if (passphrase.length < MIN_PASSPHRASE_CHARS) return no(`Use at least ${MIN_PASSPHRASE_CHARS} characters.`)
    this.say({ step: 'copying', part: 0 })
    const end = await copies.save(disk, passphrase, (done, all) => { this.say({ part: done / Math.max(all, 1) }) })
    this.say({ step: 'asked' })
    return end.type === 'done' ? { ok: true, file: end.file } : no(WHY[end.type])
  }

  private say(news: Partial<MovingInfo>): void {
    this.info = { ...this.info, ...news }
    this.parts.tell(this.info)
  }
}
