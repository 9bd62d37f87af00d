/**
 * The form of what is in a disk's rows, as a number on the disk, and the steps from each form to the next. A program that keeps something otherwise than before adds a step here, with a disk of the
 * form before it in `formats/`.
 *
 * A step goes on piece by piece. Where it stands is saved with each piece's rows, in one transaction: whatever kills it, it goes on from there and does nothing twice. Nobody reads the disk meanwhile.
 * A disk of a newer form than this program knows is refused: it would be read wrongly, and written so.
 */
import { type Disk, DiskError, type Save } from '../ports.ts'
import { decodeNumber, encodeNumber } from '../wire/records.ts'
import { partitionPrefix } from '../wire/losses.ts'
import { compare, concat, fromUtf8 } from '../wire/bytes.ts'

export interface Piece { readonly saves: readonly Save[]; readonly next: Uint8Array | undefined }

export interface Migration {
  readonly to: number
  /** Most of what there is is written anew: whoever has it should save a copy first. */
  readonly rewrites: boolean
  /** What one piece, from `at` on, changes, and where the next begins; nothing for `at` is the beginning, undefined for `next` the end. Some tens of milliseconds long. */
  piece(disk: Disk, at: Uint8Array): Promise<Piece>
}

/** Rows written anew in one piece. */
const PIECE_ROWS = 512

/** Pages were not squeezed before; writing their rows anew does that, and halves the room they take. */
const SQUEEZED: Migration = { to: 2, rewrites: true, piece: writeAnew }

/** Rows of the log may be such as programs before didn't know (wire/kept-op.ts). Those that are there can stay as they are: they are told apart. */
const KEPT_AS_TEXT: Migration = { to: 3, rewrites: false, piece: async () => ({ saves: [], next: undefined }) }

/** In their order, without a gap. */
export const MIGRATIONS: readonly Migration[] = [SQUEEZED, KEPT_AS_TEXT]

/** Rows of the partition 'form': which it is, and where the step under way stands. */
export const FORM = { partition: 'form', key: Uint8Array.of(0) } as const
const AT_KEY = Uint8Array.of(1)
/** Disks say nothing of their form that are from before there were forms; those of before pages were squeezed are marked as they are opened (disk-pages.ts). */
const UNSAID = 2

const todayOf = (list: readonly Migration[]): number => list.at(-1)?.to ?? UNSAID

/** Infinity for what can't be read: somebody newer must have written it. */
async function formSaid(disk: Disk): Promise<number | undefined> {
  const row = await disk.get(FORM.partition, FORM.key)
  return row && (decodeNumber(row) ?? Infinity)
}

/** Whether a newer program has written what is on the disk. */
export async function isNewer(disk: Disk): Promise<boolean> { return (await formSaid(disk) ?? 0) > todayOf(MIGRATIONS) }

/** What has to be done before this disk is of today's form, in order. Says so on a disk that is new. Rejects with DiskError for one that is newer. */
export async function migrationsDue(disk: Disk, list: readonly Migration[] = MIGRATIONS): Promise<readonly Migration[]> {
  const said = await formSaid(disk), today = todayOf(list)
  const form = said ?? ((await disk.partitions()).length === 0 ? today : UNSAID)
  if (form > today) throw new DiskError('failed', 'A newer version of the program keeps this disk. Update, then open it.')
  if (said === undefined && form === today) await disk.save([{ type: 'put', ...FORM, value: encodeNumber(today) }])
  return list.filter(({ to }) => to > form)
}

/** Brings a disk to today's form. `tell`: so many pieces are done. */
export async function migrate(disk: Disk, tell: (pieces: number) => void = () => undefined, list: readonly Migration[] = MIGRATIONS): Promise<void> {
  let pieces = 0
  for (const { to, piece } of await migrationsDue(disk, list)) {
    for (let at = await disk.get(FORM.partition, AT_KEY) ?? new Uint8Array();;) {
      const { saves, next } = await piece(disk, at)
      const stands: readonly Save[] = next === undefined
        ? [{ type: 'put', ...FORM, value: encodeNumber(to) }, { type: 'delete', partition: FORM.partition, key: AT_KEY }]
        : [{ type: 'put', partition: FORM.partition, key: AT_KEY, value: next }]
      await disk.save([...saves, ...stands])
      tell(++pieces)
      if (next === undefined) break
      at = next
    }
  }
}

/** Every row once more, in the disk's own order. A place in it is a partition's name with its length in front, and a key. */
async function writeAnew(disk: Disk, at: Uint8Array): Promise<Piece> {
  const names = (await disk.partitions()).filter((name) => name !== FORM.partition).sort((a, b) => compare(partitionPrefix(a), partitionPrefix(b)))
  const length = at[0] ?? 0, from = fromUtf8(at.subarray(1, 1 + length)) ?? ''
  const partition = names.find((name) => compare(partitionPrefix(name), partitionPrefix(from)) >= 0)
  if (partition === undefined) return { saves: [], next: undefined }
  const rows = await disk.range(partition, { limit: PIECE_ROWS, ...(partition === from ? { from: at.slice(1 + length) } : {}) })
  const last = rows[PIECE_ROWS - 1], later = names[names.indexOf(partition) + 1]
  const next = last !== undefined ? concat(partitionPrefix(partition), last.key, Uint8Array.of(0)) : later === undefined ? undefined : partitionPrefix(later)
  return { saves: rows.map((row): Save => ({ type: 'put', partition, ...row })), next }
}
