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

/** Two at once: what both want next is asked together, so that one doesn't wait for the other's rows. */
export function* both<A, B>(one: Reading<A>, other: Reading<B>): Reading<readonly [A, B]> {
  let a = one.next(), b = other.next()
  while (a.done !== true || b.done !== true) {
    const wantedByOne = a.done === true ? [] : a.value, wantedByOther = b.done === true ? [] : b.value
    const answers = yield [...wantedByOne, ...wantedByOther]
    if (a.done !== true) a = one.next(answers.slice(0, wantedByOne.length))
    if (b.done !== true) b = other.next(answers.slice(wantedByOne.length))
  }
  return [a.value, b.value]
}
