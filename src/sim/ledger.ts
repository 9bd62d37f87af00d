/** What must be the same wherever it is seen: the first to see it writes it down, everyone else is held against that. */
import { createHash } from 'node:crypto'

export class Ledger {
  private readonly known = new Map<string, { readonly value: string; readonly by: string }>()

  /** What differs; undefined when it agrees, or is new. */
  differs(subject: string, value: string, by: string): string | undefined {
    const short = fingerprint(value)
    const first = this.known.get(subject)
    if (first === undefined) { this.known.set(subject, { value: short, by }); return undefined }
    return first.value === short ? undefined : `${first.by} and ${by} differ`
  }
}

export const fingerprint = (text: string): string => createHash('sha256').update(text).digest('base64url')
