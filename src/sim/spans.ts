/** When something was on a disk that can be put back to any time that it was ever at: also to one before it was put back already. */
export class Spans {
  private readonly spans: { readonly from: number; until: number }[] = []

  get isOpen(): boolean { return this.spans.at(-1)?.until === Infinity }

  begin(now: number): void { if (!this.isOpen) this.spans.push({ from: now, until: Infinity }) }

  end(now: number): void { const last = this.spans.at(-1); if (last?.until === Infinity) last.until = now }

  /** What was there at that time is there now, and nothing else. */
  backTo(at: number, now: number): void {
    const was = this.spans.some(({ from, until }) => from <= at && at < until), last = this.spans.at(-1)
    if (last !== undefined) last.until = Math.min(last.until, now)
    if (was) this.begin(now)
  }
}
