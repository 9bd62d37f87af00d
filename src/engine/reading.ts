/** A way of working that now and then needs rows from the disk: it yields what it needs and goes on when it is there. Keeps the engine pure and the code straight. */
import type { RangeQuery, Row } from '../ports.ts'

export interface Wanted { readonly partition: string; readonly query: RangeQuery }
export type Reading<T> = Generator<readonly Wanted[], T, readonly (readonly Row[])[]>

/** To yield when long work should let others have their turn. */
export const PAUSE: readonly Wanted[] = []

/** One row by its key. */
export function* readRow(partition: string, key: Uint8Array): Reading<Row | undefined> {
  const to = new Uint8Array(key.length + 1)
  to.set(key)
  const [rows = []] = yield [{ partition, query: { from: key, to, limit: 1 } }]
  return rows[0]
}

/** Several at once: what all of them want next is asked together, so that none waits for the others' rows. */
export function* all<T>(readings: readonly Reading<T>[]): Reading<T[]> {
  const steps = readings.map((reading) => reading.next())
  for (;;) {
    const wanted = steps.map((step) => (step.done === true ? [] : step.value))
    const ended = steps.flatMap((step) => (step.done === true ? [step.value] : []))
    if (ended.length === steps.length) return ended
    const answers = yield wanted.flat()
    let at = 0
    for (const [n, reading] of readings.entries()) {
      const count = wanted[n]?.length ?? 0
      if (steps[n]?.done !== true) steps[n] = reading.next(answers.slice(at, at + count))
      at += count
    }
  }
}
