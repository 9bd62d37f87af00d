/**
 * Reminds a person to write their recovery phrase down: not while they have a first look, when there is nothing to lose yet, and once a week at most.
 * What is remembered is no secret: it may lie in the browser's own storage.
 */
const KEY = 'thicket-phrase'
const FIRST_LOOK_MS = 3600_000
const WEEK_MS = 7 * 24 * 3600_000

/** When it is next due (ms); Infinity: it is written down. Undefined: nothing is known. */
function read(): number | undefined {
  try {
    const text = localStorage.getItem(KEY)
    if (text === null) return undefined
    const at = text === 'written' ? Infinity : Number(text)
    return Number.isNaN(at) ? undefined : at
  } catch { return Infinity }
}

function write(at: number): void {
  try { localStorage.setItem(KEY, at === Infinity ? 'written' : String(at)) } catch { /* Private windows forget it. */ }
}

export class PhraseReminder {
  isDue = $state(false)

  /** Looked at when the app has opened: nobody is interrupted in the middle. */
  constructor(now: number) {
    const at = read()
    if (at === undefined) write(now + FIRST_LOOK_MS)
    // A clock that was wrong once puts it off no longer than a week.
    else this.isDue = at !== Infinity && (at <= now || at > now + WEEK_MS)
  }

  later(now: number): void { this.next(now + WEEK_MS) }
  written(): void { this.next(Infinity) }

  private next(at: number): void {
    this.isDue = false
    write(at)
  }
}

/** One for the page, wherever it is shown. */
export const phraseReminder = new PhraseReminder(Date.now())
