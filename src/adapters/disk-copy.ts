/** Reading all there is on a disk, as of one moment: what a copy in a file is made of (copies.ts). */
import type { Copied, RangeQuery, Row } from '../ports.ts'
import { compare, concat, fromUtf8 } from '../wire/bytes.ts'
import { afterPrefix, partitionPrefix } from '../wire/losses.ts'
import { entryBytes, sumBytes } from './disk-format.ts'
import type { Overlay } from './disk-overlay.ts'
import type { Trees } from './disk-runs.ts'
import { type PageSource, scan } from './disk-tree.ts'

/** Rows of one piece. The largest row has below 4 MiB, the usual one some hundred bytes. */
const PIECE_ROWS = 128

/** Partitions in the disk's own order. Of those below the overlay one row each is read. */
export async function namesIn(pages: PageSource, { root, runs }: Trees, overlay: Overlay): Promise<string[]> {
  const names = new Set([...overlay.keys(), ...runs.map(({ partition }) => partition)])
  for (let from: Uint8Array | undefined = new Uint8Array(); from !== undefined;) {
    const [row]: readonly Row[] = await scan(pages, root, { from, to: undefined }, 1, false)
    const name = row && fromUtf8(row.key.subarray(1, 1 + (row.key[0] ?? 0)))
    if (name !== undefined) names.add(name)
    from = name === undefined ? undefined : afterPrefix(partitionPrefix(name))
  }
  return [...names].sort((a, b) => compare(partitionPrefix(a), partitionPrefix(b)))
}

/** `range` must read one and the same moment, however long this takes. `all`: bytes, about. */
export async function * copyOf(names: readonly string[], range: (partition: string, query: RangeQuery) => Promise<Row[]>, all: number): AsyncGenerator<Copied> {
  let done = 0
  for (const partition of names) {
    for (let from: Uint8Array | undefined = new Uint8Array(); from !== undefined;) {
      const rows: readonly Row[] = await range(partition, { from, limit: PIECE_ROWS })
      done += sumBytes(rows, entryBytes)
      if (rows.length > 0) yield { partition, rows, done, all: Math.max(all, done) }
      const last: Row | undefined = rows[PIECE_ROWS - 1]
      from = last && concat(last.key, Uint8Array.of(0))
    }
  }
}
