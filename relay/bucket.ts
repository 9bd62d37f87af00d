/** So much a second, and so much at once (token bucket). */
export interface Rate { readonly rate: number; readonly burst: number }

export class Bucket {
  private readonly limit: Rate
  private tokens: number
  private at: number

  constructor(limit: Rate, now: number) {
    this.limit = limit
    this.tokens = limit.burst
    this.at = now
  }

  /** 0 when it was taken, else the ms to wait before it can be. */
  take(now: number, cost = 1): number {
    const { rate, burst } = this.limit
    this.tokens = Math.min(burst, this.tokens + (Math.max(0, now - this.at) / 1000) * rate)
    this.at = now
    if (this.tokens < cost) return Math.ceil(((cost - this.tokens) / rate) * 1000)
    this.tokens -= cost
    return 0
  }

  /** What it came to beyond what was taken: the next one waits for it. */
  owe(cost: number): void { this.tokens -= cost }
}

/** Buckets by name. A full map is emptied, which only ever lets somebody do a little more. */
export class Buckets {
  private readonly limit: Rate
  private readonly buckets = new Map<string, Bucket>()

  constructor(limit: Rate) { this.limit = limit }

  of(name: string, now: number): Bucket {
    if (this.buckets.size >= MAX_BUCKETS) this.buckets.clear()
    const bucket = this.buckets.get(name) ?? new Bucket(this.limit, now)
    this.buckets.set(name, bucket)
    return bucket
  }
}

const MAX_BUCKETS = 100_000
