/**
 * Rows in memory, sorted: what a paged disk has saved lately and not yet folded into pages, and all there is of a disk in memory.
 * An overlay is never changed, only replaced, so a reader that holds one sees one moment.
 */
import { DiskError, type RangeQuery, type Row, type Save } from '../ports.ts'
import { compare, utf8 } from '../wire/bytes.ts'
import { afterPrefix, partitionPrefix } from '../wire/losses.ts'
import { type Entry, entryBytes } from './disk-format.ts'
import { type Edits, inRange, lowerBound, mergeEntries } from './disk-tree.ts'

/** A partition's name in UTF-8: its length stands in one byte. */
const MAX_PARTITION_BYTES = 255
const MAX_KEY_BYTES = 1024
/** The largest row is a parcel that waits for its relay, below 2 MiB. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024

/** What happened to a partition: perhaps emptied, then these rows put (or, without a value, deleted). Ascending by key. */
export interface PartitionEdits { readonly isDropped: boolean; readonly entries: readonly Entry[] }
export type Overlay = ReadonlyMap<string, PartitionEdits>

export const NO_EDITS: PartitionEdits = { isDropped: false, entries: [] }

/** The bytes of the rows. Throws for what no disk takes: that is a mistake of ours, found before anything is written. */
export function checkSaves(saves: readonly Save[]): number {
  const names = new Map<string, number>()
  let bytes = 0
  for (const save of saves) {
    const name = names.get(save.partition) ?? checkName(save.partition)
    names.set(save.partition, name)
    if (save.type === 'drop') continue
    if (save.key.length > MAX_KEY_BYTES) throw refused(`a key of ${save.key.length} bytes`)
    if (save.type === 'put' && save.value.length > MAX_VALUE_BYTES) throw refused(`a value of ${save.value.length} bytes`)
    bytes += name + save.key.length + (save.type === 'put' ? save.value.length : 0)
  }
  return bytes
}

function checkName(partition: string): number {
  const bytes = utf8(partition).length
  if (bytes > MAX_PARTITION_BYTES || !partition.isWellFormed()) throw refused(`a partition's name of ${bytes} bytes, or one that isn't Unicode`)
  return bytes
}

export function checkQuery(query: RangeQuery): void {
  if (!Number.isSafeInteger(query.limit) || query.limit < 0) throw refused(`a limit of ${query.limit} rows`)
}

const refused = (what: string): DiskError => new DiskError('failed', `The disk does not take ${what}.`)

/** The overlay after these saves, in their order. The rows are kept, not copied. */
export function overlaySaves(overlay: Overlay, saves: readonly Save[]): Overlay {
  const touched = new Map<string, { isDropped: boolean; before: readonly Entry[]; fresh: Entry[] }>()
  for (const save of saves) {
    let partition = touched.get(save.partition)
    if (partition === undefined) {
      const { isDropped, entries } = overlay.get(save.partition) ?? NO_EDITS
      partition = { isDropped, before: entries, fresh: [] }
      touched.set(save.partition, partition)
    }
    if (save.type === 'drop') { partition.isDropped = true; partition.before = []; partition.fresh = [] }
    else partition.fresh.push({ key: save.key, value: save.type === 'put' ? save.value : undefined })
  }
  const out = new Map(overlay)
  for (const [name, { isDropped, before, fresh }] of touched) out.set(name, { isDropped, entries: lay(before, ascending(fresh)) })
  return out
}

/** Where in an overlay: the partition's number in its order, the entry's in that. */
export interface OverlayPlace { readonly part: number; readonly entry: number }
export const OVERLAY_START: OverlayPlace = { part: 0, entry: 0 }

/** From a place on about so many bytes of it. `next`: where the rest begins, if there is one. A partition that was emptied is so in the first part of it alone. */
export function partOf(overlay: Overlay, from: OverlayPlace, bytes: number): { readonly part: Overlay; readonly next: OverlayPlace | undefined } {
  const out = new Map<string, PartitionEdits>(), all = [...overlay]
  let left = bytes
  for (let part = from.part; part < all.length; part++) {
    const [name, { isDropped, entries }] = all[part] as readonly [string, PartitionEdits], first = part === from.part ? from.entry : 0
    let end = first
    for (; end < entries.length && left > 0; end++) left -= entryBytes(entries[end] as Entry)
    out.set(name, { isDropped: isDropped && first === 0, entries: entries.slice(first, end) })
    if (end < entries.length) return { part: out, next: { part, entry: end } }
  }
  return { part: out, next: undefined }
}

/** By key; of several with one key the last. */
function ascending(entries: readonly Entry[]): readonly Entry[] {
  const isSo = entries.every((entry, i) => i === 0 || compare((entries[i - 1] as Entry).key, entry.key) < 0)
  if (isSo) return entries
  const sorted = [...entries].sort((a, b) => compare(a.key, b.key))
  return sorted.filter((entry, i) => i === sorted.length - 1 || compare(entry.key, (sorted[i + 1] as Entry).key) < 0)
}

/** Both ascending. In one pass: to make room for each by itself, among some ten thousand, would take most of the time of a large save. */
function lay(before: readonly Entry[], fresh: readonly Entry[]): Entry[] {
  const out: Entry[] = []
  let at = 0
  for (const entry of fresh) {
    const end = lowerBound(before, entry.key, item => item.key, at)
    for (; at < end; at++) out.push(before[at] as Entry)
    if (at < before.length && compare((before[at] as Entry).key, entry.key) === 0) at++
    out.push(entry)
  }
  for (; at < before.length; at++) out.push(before[at] as Entry)
  return out
}

/** A row's key in that tree. */
export function prefixed(prefix: Uint8Array, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(prefix.length + key.length)
  out.set(prefix)
  out.set(key, prefix.length)
  return out
}

/** What happened to a partition, as it is known in that tree. */
export interface PlacedEdits extends PartitionEdits { readonly partition: string; readonly prefix: Uint8Array }

/** In the order of the tree. */
export const placed = (overlay: Overlay): PlacedEdits[] => [...overlay]
  .map(([partition, { isDropped, entries }]): PlacedEdits => { const prefix = partitionPrefix(partition); return { partition, prefix, isDropped, entries: underPrefix(prefix, entries) } })
  .sort((a, b) => compare(a.prefix, b.prefix))

/** Bytes of keys that are made at once. */
const KEYS_BYTES = 16 * 1024

/** Many to a buffer: one for each key takes longer than all else that is done with a row. */
function underPrefix(prefix: Uint8Array, entries: readonly Entry[]): Entry[] {
  let space = new Uint8Array(), at = 0
  return entries.map(({ key, value }) => {
    const length = prefix.length + key.length
    if (at + length > space.length) { space = new Uint8Array(entries.length === 1 ? length : Math.max(KEYS_BYTES, length)); at = 0 }
    space.set(prefix, at)
    space.set(key, at + prefix.length)
    return { key: space.subarray(at, (at += length)), value }
  })
}

export const editsOf = (parts: readonly PlacedEdits[]): Edits => ({
  drops: parts.filter(({ isDropped }) => isDropped).map(({ prefix }) => ({ from: prefix, to: afterPrefix(prefix) })),
  entries: parts.flatMap(({ entries }) => entries),
})

/**
 * A range over rows below, `wanted` of them, and edits above. Keys and values are copied: what a caller does to them reaches
 * neither cache nor overlay.
 */
export async function mergeRange(edits: PartitionEdits, query: RangeQuery, below: (wanted: number) => Promise<readonly Row[]>): Promise<Row[]> {
  const entries = inRange(edits.entries, { from: query.from ?? new Uint8Array(), to: query.to })
  const rows = await mergeEntries(entries, query.limit, query.reverse ?? false, edits.isDropped ? async () => [] : below)
  return rows.map(({ key, value }) => ({ key: key.slice(), value: value.slice() }))
}
