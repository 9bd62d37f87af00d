/**
 * Damage to a disk: some rows that lie one after the other, as a page of them does, can't be read any more. Whether their page was flipped, dropped, swapped or rolled back, the paged disk finds that it
 * is none of its own and says 'corrupt' (adapters/disk-pages.ts, whose tests damage real pages), and so does this one, which has no pages. What was saved there since lies in the journal, and
 * stays when the rest is cut out.
 */
import type { DiskSnapshot, MemoryDisk } from '../adapters/disk-memory.ts'
import { type Disk, DiskError, type Lost, type Row, type Save } from '../ports.ts'
import { compare, concat, toHex, u64 } from '../wire/bytes.ts'
import { encodeLoss, LOST_PARTITION, partitionPrefix } from '../wire/losses.ts'
import type { Chance } from './world.ts'

/** How many rows one damage takes: a page has 128, and often rows of several partitions. */
const ROWS = [1, 4, 16, 128]

const FIRST = 8

export interface LostRow extends Row { readonly partition: string }
/** Whether what these rows held could be had from nowhere, of `all` that there are. */
export type StaysLost = (rows: readonly LostRow[], all: readonly LostRow[]) => boolean
interface Broken extends Lost { readonly rows: Map<string, LostRow> }

export const nameOf = ({ partition, key }: Pick<LostRow, 'partition' | 'key'>): string => `${partition} ${toHex(key)}`
const placeOf = ({ partition, key }: LostRow): Uint8Array => concat(partitionPrefix(partition), key)

/** In the disk's own order. */
function rowsOf({ partitions }: DiskSnapshot): LostRow[] {
  const names = [...partitions.keys()].sort((a, b) => compare(partitionPrefix(a), partitionPrefix(b)))
  return names.flatMap((partition) => (partitions.get(partition)?.entries ?? []).flatMap(({ key, value }) => (value === undefined ? [] : [{ partition, key, value }])))
}

export class Damage {
  private broken: Broken[] = []
  private losses = 0

  get isThere(): boolean { return this.broken.length > 0 }
  /** Another disk takes its place. */
  clear(): void { this.broken = [] }

  /** Takes some rows, or none where that could never be mended. */
  strike(disk: MemoryDisk, chance: Chance, stays: StaysLost): readonly LostRow[] {
    const all = rowsOf(disk.snapshot())
    if (all.length === 0) return []
    // What tells who this is, and where, is a few rows of thousands, at the beginning.
    const at = chance.percent(20) ? chance.int(Math.min(FIRST, all.length)) : chance.between(0, all.length - 1), rows = all.slice(at, at + chance.between(1, chance.pick(ROWS) as number)), next = all[at + rows.length]
    if (stays(rows, all)) return []
    this.broken.push({ from: placeOf(rows[0] as LostRow), to: next && placeOf(next), rows: new Map(rows.map((row) => [nameOf(row), row])) })
    return rows
  }

  /** `disk` as it can be read; `cut` is told which rows went when it was mended, and `found` when some could not be read. */
  over(disk: MemoryDisk, found: () => void, cut: (rows: readonly LostRow[]) => void): Disk {
    const range: Disk['range'] = async (partition, query) => {
      const rows = await disk.range(partition, query)
      if (!this.broken.some((broken) => rows.some(({ key }) => broken.rows.has(nameOf({ partition, key }))))) return rows
      found()
      throw new DiskError('corrupt', 'A page is damaged, as it was told to be.')
    }
    return {
      ...disk, range,
      get: async (partition, key) => {
        const [row] = await range(partition, { from: key, limit: 1 })
        return row !== undefined && compare(row.key, key) === 0 ? row.value : undefined
      },
      save: async (saves) => { await disk.save(saves); for (const save of saves) this.isSaved(save) },
      check: async (tell) => { tell?.(1, 1); return this.broken },
      mend: async () => {
        const lost = this.broken, rows = lost.flatMap((one) => [...one.rows.values()])
        await disk.save([
          ...rows.map(({ partition, key }): Save => ({ type: 'delete', partition, key })),
          ...lost.map((loss): Save => ({ type: 'put', partition: LOST_PARTITION, key: u64(this.losses++), value: encodeLoss(loss) })),
        ])
        this.broken = []
        cut(rows)
        return lost
      },
    }
  }

  private isSaved(save: Save): void {
    for (const { rows } of this.broken) {
      if (save.type !== 'drop') rows.delete(nameOf(save))
      else for (const [name, { partition }] of rows) if (partition === save.partition) rows.delete(name)
    }
  }
}
