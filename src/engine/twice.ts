/**
 * Who this device is, and in which spaces, would be brought back by nobody else. So it is kept at both ends of the disk, and one page that can't be read any more takes one of the two (S13). The second is read where
 * the first has gaps, and looked at once in a while, long after the start, so that it is as the first.
 */
import type { Row } from '../ports.ts'
import { equal, fromHex, toHex } from '../wire/bytes.ts'
import type { SpaceId } from '../wire/ids.ts'
import { encodeMe, encodeSpace, type MeRecord, type SpaceRecord } from '../wire/records.ts'
import type { Engine } from './engine.ts'
import type { Turn } from './turn.ts'

/** A disk keeps its partitions in the order of their names' lengths: this one is the last. */
export const SECOND_PARTITION = 'second'.padEnd(250, '-')
export const ME_KEY = Uint8Array.of(0)

export function saveMe(turn: Turn, record: MeRecord): void {
  for (const partition of ['me', SECOND_PARTITION]) turn.out.put(partition, ME_KEY, encodeMe(record))
}

export function saveSpace(turn: Turn, space: SpaceId, record: SpaceRecord): void {
  for (const partition of ['spaces', SECOND_PARTITION]) turn.out.put(partition, fromHex(space) as Uint8Array, encodeSpace(record))
}

export function dropSpace(turn: Turn, space: SpaceId): void {
  for (const partition of ['spaces', SECOND_PARTITION]) turn.out.delete(partition, fromHex(space) as Uint8Array)
}

export class Twice {
  private readonly engine: Engine
  /** Rows of the first that wait for the second. */
  private me: readonly Row[] | undefined
  private spaces: readonly Row[] | undefined
  private isRead = false
  private isLookedAt = false

  constructor(engine: Engine) { this.engine = engine }

  /** Who this is: true when that has to wait for the second. */
  awaitsMe(rows: readonly Row[]): boolean {
    if (this.isRead || rows.some(({ key }) => equal(key, ME_KEY))) return false
    this.me = rows
    return true
  }

  /** The spaces, which are read behind who this is. */
  awaitsSpaces(turn: Turn, rows: readonly Row[]): boolean {
    if (this.isRead || (this.me === undefined && !this.engine.mending.hasLost('spaces'))) return false
    this.spaces = rows
    turn.out.read({ tag: 'second', partition: SECOND_PARTITION, query: { limit: 1001 } })
    return true
  }

  async onRows(turn: Turn, second: readonly Row[]): Promise<void> {
    if (this.isRead) return this.compare(turn, second)
    this.isRead = true
    const { me, spaces = [] } = this, isHere = new Set(spaces.map(({ key }) => toHex(key)))
    const lostMe = me === undefined ? [] : second.filter(({ key }) => equal(key, ME_KEY))
    const lostSpaces = this.engine.mending.hasLost('spaces') ? second.filter(({ key }) => !equal(key, ME_KEY) && !isHere.has(toHex(key))) : []
    for (const { key, value } of lostMe) turn.out.put('me', key, value)
    for (const { key, value } of lostSpaces) turn.out.put('spaces', key, value)
    if (me !== undefined) await this.engine.isMe(turn, [...me, ...lostMe])
    this.engine.isIn(turn, [...spaces, ...lostSpaces])
  }

  /** Long after the start: a disk from before there was a second has none. */
  look(turn: Turn): void {
    if (this.isLookedAt || this.engine.meRecord === undefined) return
    this.isLookedAt = this.isRead = true
    turn.out.read({ tag: 'second', partition: SECOND_PARTITION, query: { limit: 1001 } })
  }

  private compare(turn: Turn, second: readonly Row[]): void {
    const { meRecord, replicas } = this.engine, there = new Map(second.map(({ key, value }) => [toHex(key), value]))
    const differs = (key: string, value: Uint8Array): boolean => { const known = there.get(key); return known === undefined || !equal(known, value) }
    if (meRecord !== undefined && differs(toHex(ME_KEY), encodeMe(meRecord))) saveMe(turn, meRecord)
    for (const { id, record } of replicas.values()) if (differs(id, encodeSpace(record))) saveSpace(turn, id, record)
  }
}
