/** Damage by chance to the blocks of a disk, wherever they are kept: vitest plays it on memory and SQLite, Playwright on a browser's IndexedDB. */
import { type Disk, DiskError, type Save } from '../ports.ts'
import { concat, toHex, u64, utf8 } from '../wire/bytes.ts'
import { LOST_PARTITION } from '../wire/losses.ts'
import type { BlockId } from './disk-blocks.ts'
import { seededRandom } from './random.ts'

export type Blocks = Map<BlockId, Uint8Array>
export type Dice = (below: number) => number

export function dice(seed: string): Dice {
  const random = seededRandom(seed)
  return (below) => new DataView(random.bytes(4).buffer).getUint32(0) % below
}

/** One to three blocks damaged in one of six ways. What was done, in words. `older`: every block that there once was. */
export function damage({ blocks, older }: { readonly blocks: Blocks; readonly older: Blocks }, roll: Dice): { readonly damaged: Blocks; readonly how: string } {
  const damaged: Blocks = new Map(blocks), ids = [...blocks.keys()], how: string[] = []
  for (let left = 1 + roll(3); left > 0; left--) {
    const id = ids[roll(ids.length)] as BlockId, other = ids[roll(ids.length)] as BlockId
    const bytes = blocks.get(id) as Uint8Array
    const flipped = bytes.slice(), at = roll(bytes.length)
    flipped[at] = (flipped[at] as number) ^ (1 << roll(8))
    const past = [...older.values()], before = past[roll(past.length)] as Uint8Array
    const ways: readonly (readonly [string, () => void])[] = [
      ['flip', () => damaged.set(id, flipped)], ['truncate', () => damaged.set(id, bytes.slice(0, at))], ['drop', () => damaged.delete(id)],
      ['swap', () => { damaged.set(id, blocks.get(other) as Uint8Array); damaged.set(other, bytes) }],
      ['grow', () => damaged.set(id, concat(bytes, Uint8Array.of(0)))], ['roll back', () => damaged.set(id, before)],
    ]
    const [name, act] = ways[roll(ways.length)] as (typeof ways)[number]
    act()
    how.push(`${name} ${ids.indexOf(id)}`)
  }
  return { damaged, how: how.join(', ') }
}

export const isSame = (a: Blocks, b: Blocks): boolean => a.size === b.size && [...a].every(([id, bytes]) => { const other = b.get(id); return other !== undefined && toHex(other) === toHex(bytes) })

/** A place where blocks are kept, looked at and changed from outside while no disk is open on it. */
export interface Place { open(): Promise<Disk>; read(): Promise<Blocks>; write(blocks: Blocks): Promise<void> }

async function allOf(disk: Disk): Promise<string> {
  const all: string[] = []
  for await (const { partition, rows } of disk.copy()) for (const { key, value } of rows) all.push(`${partition} ${toHex(key)} ${toHex(value)}`)
  return all.join()
}

/** Writes a disk, and damages it so many times. Throws, with what was done, where damage is neither found nor mended without any loss. How often the disk opened all the same. */
export async function damageIsFound({ open, read, write }: Place, cases: number): Promise<number> {
  const random = seededRandom('rows'), older: Blocks = new Map(), roll = dice('places')
  for (let round = 0; round < 6; round++) {
    const disk = await open()
    const saves = Array.from({ length: 150 }, (_, i): Save => ({ type: 'put', partition: round % 2 === 0 ? 'log' : 'by id', key: concat(random.bytes(2), u64(i)), value: random.bytes(400) }))
    await disk.save(saves)
    await disk.save([{ type: 'put', partition: 'heads', key: utf8('alice'), value: u64(round) }])
    await disk.close()
    for (const [id, bytes] of await read()) older.set(id, bytes)
  }
  const blocks = await read(), whole = await open(), rows = await allOf(whole)
  await whole.close()
  let opened = 0
  for (let n = 0; n < cases; n++) {
    const { damaged, how } = damage({ blocks, older }, roll)
    if (isSame(damaged, blocks)) continue
    await write(damaged)
    const disk = await open().catch((error: unknown) => {
      if (!(error instanceof DiskError && error.reason === 'corrupt')) throw error
      return undefined
    })
    if (disk === undefined) continue
    opened++
    const lost = await disk.check(), noted = await disk.range(LOST_PARTITION, { limit: 1 }).catch(() => [])
    // One head, or the journal's last, may be whole elsewhere: then nothing is other than it was.
    if (lost.length + noted.length === 0 && await allOf(disk) !== rows) throw new Error(`Not found: ${how}`)
    await disk.close()
  }
  await write(blocks)
  const disk = await open()
  if ((await disk.check()).length > 0) throw new Error('A sound disk was found damaged')
  await disk.close()
  return opened
}
