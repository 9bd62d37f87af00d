/** Figures as people and programs read them: a table on stdout, and one JSON line. */

export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The floor, peer or goal it stands beside, with its own figure from the same run where there is one. */
  readonly beside?: string
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The value below which a share of all values lies, 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** The median and, of twenty values or more, what 95 of 100 stay below. */
export function spread(what: string, values: readonly number[], unit: string, beside = ''): Figure[] {
  const middle: Figure = { what, value: median(values), unit, beside: beside === '' ? `median of ${values.length}` : beside }
  return values.length < 20 ? [middle] : [middle, { what: `${what}, p95`, value: quantile(values, 0.95), unit }]
}

/** Runs `work` and gives its milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const digits = (n: number): string => (n >= 1000 ? Math.round(n).toLocaleString('en-US') : n >= 10 ? n.toFixed(1) : n.toFixed(2))

export function print(title: string, figures: readonly Figure[]): void {
  const width = Math.max(...figures.map((f) => f.what.length))
  console.log(`\n${title}\n`)
  for (const f of figures) console.log(`  ${f.what.padEnd(width)}  ${digits(f.value).padStart(10)} ${f.unit.padEnd(8)} ${f.beside ?? ''}`)
  console.log(`\n${JSON.stringify({ title, figures })}`)
}
