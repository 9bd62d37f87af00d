/**
 * What notes make of a message: a pure function of a set. Notes are kept as they came, one row each, and nothing is ever merged on disk, so the order
 * and the number of times they arrive can't matter: two devices with the same notes show the same message (rules M1-M6 in ../RULES.md).
 */
import type { IdentityId, OpId } from '../../wire/ids.ts'
import type { MessageRecord, NoteRecord, Origin } from '../../wire/content-records.ts'
import type { Words } from '../../wire/content.ts'
import { MAX_NOTES_OF_ONE, MAX_REACTION_KINDS } from '../limits.ts'

export interface Folded {
  readonly isDeleted: boolean
  /** undefined: as it was written. */
  readonly edit: { readonly words: Words; readonly by: Origin } | undefined
  /** By emoji, in the order of first use. */
  readonly reactions: ReadonlyMap<string, readonly IdentityId[]>
  readonly isPinned: boolean
}

export const PLAIN: Folded = { isDeleted: false, edit: undefined, reactions: new Map(), isPinned: false }

/** Later by label, then by id: the same answer everywhere. Labels follow what their author had seen, so a correction is later than what it corrects. */
export const isLater = (a: Pick<Origin, 'hlc' | 'id'>, b: Pick<Origin, 'hlc' | 'id'>): boolean => a.hlc > b.hlc || (a.hlc === b.hlc && a.id > b.id)

/**
 * Of what one device says of one kind about one message the first so many are heard, in the order of its chain (M11): nobody can put anything before what they have said, so a
 * flood takes the place of nothing, and which these are never changes. On a branch of a fork nothing counts anyway.
 */
export function firstOfEach(notes: readonly NoteRecord[]): { readonly heard: readonly NoteRecord[]; readonly spare: readonly NoteRecord[] } {
  if (notes.length <= MAX_NOTES_OF_ONE) return { heard: notes, spare: [] }
  const heard: NoteRecord[] = [], spare: NoteRecord[] = []
  for (const all of Map.groupBy(notes, (note) => note.device + note.content.type).values()) {
    const inOrder = all.length <= MAX_NOTES_OF_ONE ? all : [...all].sort((a, b) => a.chanSeq - b.chanSeq || (a.id < b.id ? -1 : 1))
    heard.push(...inOrder.slice(0, MAX_NOTES_OF_ONE))
    spare.push(...inOrder.slice(MAX_NOTES_OF_ONE))
  }
  return { heard, spare }
}

/** `notes` are those that count: of this message's channel and not void. */
export function fold(message: Pick<MessageRecord, 'author'>, notes: readonly NoteRecord[]): Folded {
  const byAuthor = (note: NoteRecord): boolean => note.author === message.author
  // A tombstone keeps nothing: what else was said about the message goes with it.
  if (notes.some((n) => n.content.type === 'remove' || (n.content.type === 'delete' && byAuthor(n)))) return { ...PLAIN, isDeleted: true }
  let edit: Folded['edit']
  for (const note of notes) {
    const { content } = note
    if (content.type === 'edit' && byAuthor(note) && (edit === undefined || isLater(note, edit.by))) edit = { words: content, by: note }
  }
  return { isDeleted: false, edit, reactions: reactionsOf(notes), isPinned: livePins(notes).length > 0 }
}

/** Pins that nobody has taken back. Whoever may pin may unpin what others pinned. */
export function livePins(notes: readonly NoteRecord[]): OpId[] {
  const gone = new Set(notes.flatMap((n) => (n.content.type === 'unpin' ? n.content.notes : [])))
  return notes.filter((n) => n.content.type === 'pin' && !gone.has(n.id)).map((n) => n.id)
}

/** Reactions that their own author has not taken back, oldest first. */
export function liveReactions(notes: readonly NoteRecord[]): (Origin & { readonly emoji: string })[] {
  const gone = new Set(notes.flatMap((n) => (n.content.type === 'unreact' ? n.content.notes.map((id) => n.author + id) : [])))
  const live: (Origin & { readonly emoji: string })[] = []
  for (const note of notes) {
    if (note.content.type === 'reaction' && !gone.has(note.author + note.id)) live.push({ ...note, emoji: note.content.emoji })
  }
  return live.sort((a, b) => (isLater(a, b) ? 1 : -1))
}

function reactionsOf(notes: readonly NoteRecord[]): Folded['reactions'] {
  const kinds = new Map<string, IdentityId[]>()
  for (const { author, emoji } of liveReactions(notes)) {
    const by = kinds.get(emoji)
    if (by === undefined) { if (kinds.size < MAX_REACTION_KINDS) kinds.set(emoji, [author]) } else if (!by.includes(author)) by.push(author)
  }
  return kinds
}
