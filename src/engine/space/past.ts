/**
 * Sets of op numbers, for the causal past of every op. Numbers are given in causal order, so nearly every past is "everything up to here":
 * the leading full chunks are one integer, and a chunk that two pasts share is one object. 10,000 ops of a usual history cost about 2 MB.
 */
const WORDS = 16
const BITS = WORDS * 32

export class Past {
  static readonly EMPTY = new Past(0, [])
  /** So many leading chunks hold all their numbers. */
  private readonly full: number
  /** The chunks after those; a missing one is empty. */
  private readonly chunks: readonly (Uint32Array | undefined)[]

  private constructor(full: number, chunks: readonly (Uint32Array | undefined)[]) { this.full = full; this.chunks = chunks }

  has(n: number): boolean {
    const chunk = Math.floor(n / BITS) - this.full
    if (chunk < 0) return true
    const words = this.chunks[chunk]
    return words !== undefined && ((words[(n % BITS) >> 5] as number) & (1 << (n & 31))) !== 0
  }

  /** The union of the sets and the single numbers. */
  static of(sets: readonly Past[], numbers: readonly number[]): Past {
    const full = sets.reduce((most, s) => Math.max(most, s.full), 0)
    let end = sets.reduce((most, s) => Math.max(most, s.full + s.chunks.length), full)
    for (const n of numbers) end = Math.max(end, Math.floor(n / BITS) + 1)
    const chunks: (Uint32Array | undefined)[] = []
    for (let at = full; at < end; at++) chunks.push(merged(sets.map((s) => s.chunks[at - s.full]), at, numbers))
    let lead = 0
    while (lead < chunks.length && chunks[lead]?.every((word) => word === 0xffffffff)) lead++
    return new Past(full + lead, chunks.slice(lead))
  }
}

/** One chunk of a union: one of the given objects where it holds everything already. */
function merged(parts: readonly (Uint32Array | undefined)[], at: number, numbers: readonly number[]): Uint32Array | undefined {
  let first: Uint32Array | undefined
  let own = false
  const write = (): Uint32Array => {
    if (!own) { first = first === undefined ? new Uint32Array(WORDS) : first.slice(); own = true }
    return first as Uint32Array
  }
  for (const part of parts) {
    if (part === undefined || part === first) continue
    if (first === undefined) { first = part; continue }
    for (let w = 0; w < WORDS; w++) {
      const missing = ((part[w] as number) & ~(first[w] as number)) >>> 0
      if (missing !== 0) { const words = write(); words[w] = ((words[w] as number) | missing) >>> 0 }
    }
  }
  for (const n of numbers) {
    if (Math.floor(n / BITS) !== at) continue
    const w = (n % BITS) >> 5
    const words = write()
    words[w] = ((words[w] as number) | (1 << (n & 31))) >>> 0
  }
  return first
}
