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
