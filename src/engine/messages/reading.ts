/** Reading messages from the disk: first their rows, then what was noted about them, then what they answer to. Each step asks and goes on when the rows are here. */
import type { MessageInfo } from '../../api.ts'
import type { Row } from '../../ports.ts'
import { decodeMessage, decodeNote, type MessageRecord, type NoteRecord } from '../../wire/content-records.ts'
import type { Words } from '../../wire/content.ts'
import type { ChannelId, OpId } from '../../wire/ids.ts'
import { saidIn } from '../content/kept.ts'
import type { Engine } from '../engine.ts'
import { MAX_BRANCHES, MAX_NOTES_READ } from '../limits.ts'
import { opKey } from '../log/log.ts'
import type { Questions } from '../questions.ts'
import type { ReadMarks } from '../read-marks.ts'
import type { Reading } from '../reading.ts'
import { opsPartition, type Replica } from '../replica.ts'
import type { Turn } from '../turn.ts'
import type { Reason } from '../space/reasons.ts'
import { messageCounts, whyUnheard } from './counting.ts'
import { firstOfEach, fold, type Folded, PLAIN } from './fold.ts'
import { messageInfo } from './infos.ts'
import { after, decodePlace, messageRow, noteRows, placeRow } from './places.ts'

/** Whose disk is asked, and about which space. */
export interface Reader { readonly questions: Questions; readonly marks: ReadMarks; readonly replica: Replica }

export const reader = (engine: Pick<Engine, 'questions' | 'reading'>, replica: Replica): Reader => ({ questions: engine.questions, marks: engine.reading, replica })

export interface Located { readonly channel: ChannelId; readonly record: MessageRecord }

/** A message with what the notes make of it. `unheard`: notes that don't count, as things stand; `spare`: those beyond what one device may say about it, which never will. */
export interface Seen extends Located { readonly notes: readonly NoteRecord[]; readonly unheard: readonly Unheard[]; readonly spare: readonly NoteRecord[]; readonly folded: Folded
  /** Its words are not in its row, but in the log. */
  readonly isRestored?: true }
export interface Unheard { readonly note: NoteRecord; readonly reason: Reason }

type Then<T> = (turn: Turn, found: readonly T[]) => void | Promise<void>
type Going = void | Promise<void>

/** Those that are here, of any channel, in the order of `ids`. */
export function* located(replica: Replica, ids: readonly OpId[]): Reading<Located[]> {
  const places = (yield ids.map((id) => placeRow(replica.id, id))).map(([row]) => decodePlace(row)).filter((place) => place !== undefined)
  const rows = yield places.map((place) => messageRow(replica.id, place))
  return places.flatMap(({ channel }, i) => {
    const row = rows[i]?.[0], record = row === undefined ? undefined : decodeMessage(row.value)
    return record === undefined ? [] : [{ channel, record }]
  })
}

export function findMessages(at: Reader, turn: Turn, ids: readonly OpId[], then: Then<Located>): Going {
  return at.questions.follow(turn, () => located(at.replica, ids), then)
}

/** With their notes; `all`: also of those whose rows say that there are none. */
export function readNotes(at: Reader, turn: Turn, messages: readonly Located[], all: boolean, then: Then<Seen>): Going {
  return at.questions.follow(turn, () => withNotes(at.replica, messages, all), then)
}

export function* withNotes(replica: Replica, messages: readonly Located[], all: boolean): Reading<Seen[]> {
  const noted = new Map(messages.filter(({ record }) => all || record.noted).map((message) => [message, [] as NoteRecord[]]))
  let open = [...noted.keys()].map((message) => ({ message, from: undefined as Uint8Array | undefined }))
  while (open.length > 0) {
    const answers: readonly (readonly Row[])[] = yield open.map(({ message: { channel, record }, from }) => noteRows(replica.id, channel, record.id, MAX_NOTES_READ, from))
    for (const [i, { message }] of open.entries()) noted.get(message)?.push(...notesIn(answers[i] ?? []))
    open = open.flatMap(({ message }, i) => {
      const last = answers[i]?.[MAX_NOTES_READ - 1]
      return last === undefined ? [] : [{ message, from: after(last.key) }]
    })
  }
  return yield* withWords(replica, messages.map((message) => look(replica, message, noted.get(message) ?? [])))
}

/** The words that a deletion took off the disk which doesn't count, as turned out later: the log has them still. Their rows are set right soon. */
function* withWords(replica: Replica, all: readonly Seen[]): Reading<Seen[]> {
  const emptied = all.filter(({ record, folded }) => record.content === undefined && record.noted && !folded.isDeleted)
  const rows: readonly (readonly Row[])[] = emptied.length === 0 ? [] : yield emptied.map(({ channel, record: { device, chanSeq } }) =>
    ({ partition: opsPartition(replica.id, channel), query: { from: opKey(device, chanSeq), to: opKey(device, chanSeq + 1), limit: MAX_BRANCHES + 1 } }))
  const found = new Map(emptied.map((seen, i) => [seen, (rows[i] ?? []).map((row) => saidIn(replica, seen.channel, row, seen.record.id)).find((said) => said?.type === 'message')]))
  return all.map((seen) => {
    const content = found.get(seen)
    if (content === undefined) return seen
    replica.inbox.change(seen.record.id)
    return { ...seen, record: { ...seen.record, content }, isRestored: true as const }
  })
}

const notesIn = (rows: readonly Row[]): NoteRecord[] => rows.map((row) => decodeNote(row.value)).filter((note) => note !== undefined)

/** What its notes make of a message. */
function look(replica: Replica, { channel, record }: Located, all: readonly NoteRecord[]): Seen {
  if (all.length === 0) return { channel, record, notes: all, unheard: [], spare: all, folded: PLAIN }
  const { heard, spare } = firstOfEach(all), notes: NoteRecord[] = [], unheard: Unheard[] = []
  for (const note of heard) {
    const reason = whyUnheard(replica, channel, record, note)
    if (reason === undefined) notes.push(note); else unheard.push({ note, reason })
  }
  return { channel, record, notes, unheard, spare, folded: notes.length === 0 ? PLAIN : fold(record, notes) }
}

/** What it says now; undefined when it was deleted. */
export const wordsOf = ({ folded, record }: Pick<Seen, 'folded' | 'record'>): Words | undefined => (folded.isDeleted ? undefined : folded.edit?.words ?? record.content)

/** As clients see them, with the first words of what they answer to. */
export function* described(replica: Replica, marks: ReadMarks, seen: readonly Seen[]): Reading<MessageInfo[]> {
  const known = new Map(seen.map((s) => [s.record.id, s]))
  const targets = new Set(seen.map((s) => s.record.content?.replyTo).filter((id) => id !== undefined && !known.has(id)) as OpId[])
  for (const other of yield* withNotes(replica, yield* located(replica, [...targets]), false)) known.set(other.record.id, other)
  return seen.map((one) => {
    const { replyTo } = one.record.content ?? {}
    const target = replyTo === undefined ? undefined : known.get(replyTo)
    const isShown = target !== undefined && target.channel === one.channel && messageCounts(replica, target.channel, target.record)
    return messageInfo(replica, one, isShown ? target : undefined, marks.unread({ space: replica.id, channel: one.channel, thread: one.record.id }))
  })
}
