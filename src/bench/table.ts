/** Figures as people and programs read them: a table on stdout, and one JSON line. */

export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The size it was measured at, where it is measured at several: then one row holds them all and says how they grow. */
  readonly at?: number
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

/** Runs `work` and gives the processor's milliseconds for it, waiting not counted: what others do on the machine changes them little. */
export async function worked(work: () => unknown): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

/** Runs `work` and gives the milliseconds that passed. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const digits = (n: number): string => (n >= 1000 ? Math.round(n).toLocaleString('en-US') : n >= 10 ? n.toFixed(1) : n.toFixed(2))

/**
 * How a figure grows: the exponent e of size^e that leads from its first size to its last. 0 is flat, 1 is linear. Over several sizes it is what a
 * plot with two logarithmic axes would show as a slope.
 */
export function growth(figures: readonly Figure[]): number {
  const some = figures.filter((f) => f.at !== undefined && f.at > 0)
  const first = some[0], last = some[some.length - 1]
  return first?.at === undefined || last?.at === undefined ? Number.NaN : Math.log(last.value / first.value) / Math.log(last.at / first.at)
}

/** One figure in a line of its own, for who waits for the table. */
export const told = ({ what, value, unit, at, beside }: Figure): string => `${at === undefined ? '' : `${digits(at)}: `}${what} ${digits(value)} ${unit}${beside === undefined ? '' : ` (${beside})`}`

/** The figures as lines, those measured at several sizes first. */
export function lines(figures: readonly Figure[]): string[] {
  const sized = figures.filter((f) => f.at !== undefined), single = figures.filter((f) => f.at === undefined)
  const width = Math.max(...figures.map((f) => f.what.length))
  const sizes = [...new Set(sized.map((f) => f.at as number))].sort((a, b) => a - b)
  const out: string[] = []
  if (sizes.length > 0) out.push(`${''.padEnd(width)}  ${sizes.map((n) => n.toLocaleString('en-US').padStart(10)).join('')}`)
  for (const what of new Set(sized.map((f) => f.what))) {
    const row = sized.filter((f) => f.what === what), e = growth(row)
    const cells = sizes.map((n) => { const found = row.find((f) => f.at === n); return (found === undefined ? '' : digits(found.value)).padStart(10) }).join('')
    out.push(`${what.padEnd(width)}  ${cells} ${(row[0]?.unit ?? '').padEnd(6)} ${Number.isFinite(e) ? `size^${e.toFixed(1)}`.padEnd(9) : ''.padEnd(9)} ${row[row.length - 1]?.beside ?? ''}`.trimEnd())
  }
  for (const f of single) out.push(`${f.what.padEnd(width)}  ${digits(f.value).padStart(10)} ${f.unit.padEnd(6)} ${f.beside ?? ''}`.trimEnd())
  return out
}

export function print(title: string, figures: readonly Figure[]): void {
  console.log(`\n${title}\n`)
  for (const line of lines(figures)) console.log(`  ${line}`)
  console.log(`\n${JSON.stringify({ title, figures })}`)
}
