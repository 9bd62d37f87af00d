/**
 * A disk in memory: for tests, and for the simulator, which crashes it. Not sealed, and not built on pages: a second, far simpler
 * answer to the same contract, so the two can be held against each other.
 */
import { type Disk, DiskError, type Save } from '../ports.ts'
import { entryBytes, sumBytes } from './disk-format.ts'
import { copyOf } from './disk-copy.ts'
import { checkQuery, checkSaves, mergeRange, NO_EDITS, type Overlay, overlaySaves } from './disk-overlay.ts'

/** What a memory disk holds durably, as of one moment. Never changes: open a disk on it as often as you like. */
export interface DiskSnapshot { readonly partitions: Overlay }

export interface MemoryDisk extends Disk {
  /** What a crash at this moment would leave. Works on a closed disk too. */
  snapshot(): DiskSnapshot
}

export function openMemoryDisk(snapshot: DiskSnapshot = { partitions: new Map() }): MemoryDisk {
  let partitions = snapshot.partitions
  let isClosed = false
  const check = (): void => { if (isClosed) throw new DiskError('closed', 'The disk is closed.') }
  const range: Disk['range'] = async (partition, query) => {
    check()
    checkQuery(query)
    return mergeRange(partitions.get(partition) ?? NO_EDITS, query, async () => [])
  }
  return {
    range,
    async save(saves) {
      check()
      checkSaves(saves)
      partitions = withoutGaps(overlaySaves(partitions, saves.map(ownCopy)), saves)
    },
    async get(partition, key) {
      const row = (await range(partition, { from: key, limit: 1 }))[0]
      return row !== undefined && row.key.length === key.length && row.key.every((byte, i) => byte === key[i]) ? row.value : undefined
    },
    async size(partition) { check(); return sumBytes(partitions.get(partition)?.entries ?? [], entryBytes) },
    async partitions() { check(); return [...partitions.keys()] },
    copy() {
      const then = partitions
      const rows: Disk['range'] = async (partition, query) => { check(); return mergeRange(then.get(partition) ?? NO_EDITS, query, async () => []) }
      return copyOf([...then.keys()], rows, sumBytes([...then.values()], ({ entries }) => sumBytes(entries, entryBytes)))
    },
    async compact() { check(); return false },
    // Memory is whole, or the process isn't there.
    async check() { check(); return [] },
    async mend() { check(); return [] },
    async close() { isClosed = true },
    snapshot: () => ({ partitions }),
  }
}

const ownCopy = (save: Save): Save =>
  save.type === 'drop' ? save : save.type === 'delete' ? { ...save, key: save.key.slice() } : { ...save, key: save.key.slice(), value: save.value.slice() }

/** Below these rows there are no others that a deleted row would have to hide. */
function withoutGaps(partitions: Overlay, saves: readonly Save[]): Overlay {
  const out = new Map(partitions)
  for (const partition of new Set(saves.map(save => save.partition))) {
    const entries = out.get(partition)?.entries.filter(entry => entry.value !== undefined) ?? []
    if (entries.length === 0) out.delete(partition)
    else out.set(partition, { isDropped: false, entries })
  }
  return out
}

/**
 * What becomes of one save. 'fail' and 'full' reject and change nothing. The process dies in the other two, so that nobody learns
 * whether the save took place: with 'die-before' it is lost, with 'die-after' it is there when the disk is opened again.
 */
export type SaveFault = 'none' | 'fail' | 'full' | 'die-before' | 'die-after'

/** A disk that does to each save what `decide` says. Deterministic as far as `decide` is. After a death every call rejects with 'closed'. */
export function faultyDisk(disk: Disk, decide: (saves: readonly Save[]) => SaveFault): Disk {
  let isDead = false
  const check = (): void => { if (isDead) throw new DiskError('closed', 'The process died.') }
  return {
    async save(saves) {
      check()
      const fault = decide(saves)
      switch (fault) {
        case 'none': return disk.save(saves)
        case 'fail': throw new DiskError('failed', 'The disk failed, as it was told to.')
        case 'full': throw new DiskError('full', 'The disk is full, as it was told to be.')
        case 'die-before': break
        case 'die-after': await disk.save(saves); break
        default: return fault satisfies never
      }
      isDead = true
      return check()
    },
    async get(partition, key) { check(); return disk.get(partition, key) },
    async range(partition, query) { check(); return disk.range(partition, query) },
    async size(partition) { check(); return disk.size(partition) },
    async partitions() { check(); return disk.partitions() },
    async * copy() { for await (const some of disk.copy()) { check(); yield some } },
    async compact() { check(); return disk.compact() },
    async check(tell) { check(); return disk.check(tell) },
    async mend() { check(); return disk.mend() },
    async close() { if (!isDead) await disk.close() },
  }
}
