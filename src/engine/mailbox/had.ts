/**
 * What this device has had of each topic, as ids of parcels, so that a relay's topic can be compared (wire/compare.ts) where it would have to be read again. Ids are
 * noted in small rows as parcels come; those are here in memory too, until there are enough to be packed into a large one, which is read only to compare.
 */
import type { Parcel, Row } from '../../ports.ts'
import { fromU64, toHex, u64 } from '../../wire/bytes.ts'
import type { SpaceId } from '../../wire/ids.ts'
import { decodeHad, encodeHad } from '../../wire/mail-records.ts'
import { ID_BYTES } from '../../wire/rateless.ts'
import { PACKED_IDS, PARCELS_KEPT_MS } from '../limits.ts'
import type { Turn, World } from '../turn.ts'

/** `at`: when something of it came last (ms). */
interface Fresh { readonly ids: Set<string>; readonly rows: number[]; at: number }

export class Had {
  private readonly fresh = new Map<string, Fresh>()
  private next = 1
  private readonly world: World
  private readonly space: SpaceId

  constructor(world: World, space: SpaceId) {
    this.world = world
    this.space = space
  }

  idOf(parcel: Uint8Array): string { return toHex(this.world.suite.sha256(parcel).subarray(0, ID_BYTES)) }

  load(rows: readonly Row[]): void {
    for (const row of rows) {
      const had = decodeHad(row.value), n = fromU64(row.key)
      this.next = Math.max(this.next, n + 1)
      if (had !== undefined) this.add(had.topic, had.ids, n, had.at)
    }
  }

  private add(topic: string, ids: readonly string[], row: number, at: number): Fresh {
    const fresh = this.fresh.get(topic) ?? { ids: new Set(), rows: [], at }
    this.fresh.set(topic, fresh)
    fresh.at = Math.max(fresh.at, at)
    for (const id of ids) fresh.ids.add(id)
    fresh.rows.push(row)
    return fresh
  }

  note(turn: Turn, topic: string, parcels: readonly Parcel[]): void {
    const ids = parcels.map(({ bytes }) => this.idOf(bytes)).filter((id) => this.fresh.get(topic)?.ids.has(id) !== true)
    if (ids.length === 0) return
    const row = this.next++
    turn.out.put(freshPartition(this.space), u64(row), encodeHad({ topic, at: turn.now, ids }))
    const fresh = this.add(topic, ids, row, turn.now)
    if (fresh.ids.size < PACKED_IDS) return
    const key = this.world.suite.sha256(u64(turn.now), u64(row)).subarray(0, ID_BYTES)
    turn.out.put(packedPartition(this.space, topic), key, encodeHad({ topic, at: turn.now, ids: [...fresh.ids] }))
    for (const n of fresh.rows) if (n !== row) turn.out.delete(freshPartition(this.space), u64(n))
    // One stays, and says that there are others.
    this.fresh.delete(topic)
    this.add(topic, ids.slice(-1), row, turn.now)
    turn.out.put(freshPartition(this.space), u64(row), encodeHad({ topic, at: turn.now, ids: ids.slice(-1) }))
  }

  forget(turn: Turn): void {
    for (const topic of this.fresh.keys()) turn.out.drop(packedPartition(this.space, topic))
    turn.out.drop(freshPartition(this.space))
    this.fresh.clear()
  }

  /** Topics of which nothing came for so long that no relay keeps any of it. */
  quiet(now: number): string[] { return [...this.fresh].filter(([, { at }]) => at < now - PARCELS_KEPT_MS).map(([topic]) => topic) }

  forgetTopic(turn: Turn, topic: string): void {
    turn.out.drop(packedPartition(this.space, topic))
    for (const n of this.fresh.get(topic)?.rows ?? []) turn.out.delete(freshPartition(this.space), u64(n))
    this.fresh.delete(topic)
  }

  /** Whether anything was ever had of a topic. */
  knows(topic: string): boolean { return this.fresh.has(topic) }

  /** All ids of a topic, with its packed rows as the disk gives them; those that a relay keeps no longer are left out, and their rows deleted. */
  all(turn: Turn, topic: string, packed: readonly Row[]): Set<string> {
    const out = new Set(this.fresh.get(topic)?.ids)
    for (const row of packed) {
      const had = decodeHad(row.value)
      if (had === undefined || had.at < turn.now - PARCELS_KEPT_MS) turn.out.delete(packedPartition(this.space, topic), row.key)
      else for (const id of had.ids) out.add(id)
    }
    return out
  }
}

export const freshPartition = (space: SpaceId): string => `had/${space}`
export const packedPartition = (space: SpaceId, topic: string): string => `had/${space}/${topic}`
