/**
 * Messages of one space that have to be looked at again: a note about one came, or it came after its notes.
 *
 *   noted/<space>   message id -> nothing: notes are here that its row doesn't say yet. In the same save as the note, so that a crash loses
 *                   nothing; taken away when the message was looked at. The note of a message that isn't here yet waits for it in this way.
 */
import type { Row } from '../../ports.ts'
import { fromHex } from '../../wire/bytes.ts'
import type { NoteRecord } from '../../wire/content-records.ts'
import { encodeNote } from '../../wire/content-records.ts'
import { type ChannelId, type OpId, parseOpId, type SpaceId } from '../../wire/ids.ts'
import { MAX_EXPECTED, MAX_LOOKED_AT } from '../limits.ts'
import type { Turn } from '../turn.ts'
import { noteKey, notesPartition, pinsPartition, voidPinsPartition } from './places.ts'

const raw = (id: OpId): Uint8Array => fromHex(id) as Uint8Array
const NOTHING = new Uint8Array(1)

export class Inbox {
  private readonly space: SpaceId
  private readonly expected = new Set<OpId>()
  private readonly changed = new Set<OpId>()
  private isLooking = false

  constructor(space: SpaceId) { this.space = space }

  get partition(): string { return `noted/${this.space}` }

  /** What was not finished before the restart is looked at again. */
  load(rows: readonly Row[]): OpId[] {
    for (const row of rows) {
      const id = parseOpId(row.key)
      if (id === undefined) continue
      this.expected.add(id)
      this.changed.add(id)
    }
    return [...this.changed]
  }

  /** Keeps a note. Putting one twice changes nothing: notes are a set. `counts`: as far as is known now. */
  take(turn: Turn, channel: ChannelId, note: NoteRecord, counts: boolean): void {
    const { message, type } = note.content
    turn.out.put(notesPartition(this.space, channel), noteKey(note), encodeNote(note))
    if (type === 'pin') turn.out.put((counts ? pinsPartition : voidPinsPartition)(this.space, channel), raw(message), NOTHING)
    this.expect(turn, message)
  }

  /** Whatever its row says, this message has to be looked at, now or when it comes. */
  expect(turn: Turn, message: OpId): void {
    this.changed.add(message)
    if (this.expected.has(message)) return
    this.expected.add(message)
    turn.out.put(this.partition, raw(message), NOTHING)
    for (const oldest of this.expected) {
      if (this.expected.size <= MAX_EXPECTED) break
      this.changed.delete(oldest)
      this.done(turn, oldest)
    }
  }

  isExpected(message: OpId): boolean { return this.expected.has(message) }
  /** To be looked at; it is lost in a crash, and so is what was to be told. */
  change(message: OpId): void { this.changed.add(message) }

  done(turn: Turn, message: OpId): void {
    if (this.expected.delete(message)) turn.out.delete(this.partition, raw(message))
  }

  /** Some of those to be looked at; none while others are: so nobody writes a row that somebody else has read. */
  begin(): OpId[] {
    if (this.isLooking) return []
    const some = [...this.changed].slice(0, MAX_LOOKED_AT)
    for (const id of some) this.changed.delete(id)
    this.isLooking = some.length > 0
    return some
  }

  end(): void { this.isLooking = false }
}
