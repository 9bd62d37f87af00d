/** What is done with a message after it was written: correcting, deleting, reacting, pinning. */
import type { Content, MessageContent, Words } from '../../wire/content.ts'
import { isEmoji, MAX_TAKEN_BACK } from '../../wire/content.ts'
import type { OpId } from '../../wire/ids.ts'
import type { MessageDraft } from '../drafts.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { livePins, liveReactions } from '../messages/fold.ts'
import { messageCounts } from '../messages/counting.ts'
import { draftInfo } from '../messages/infos.ts'
import { nowPinned } from '../messages/pages.ts'
import { readNotes, reader, type Seen } from '../messages/reading.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { asWords, find, say } from './messages.ts'

type Going = void | Promise<void>

/** Looks for a message that is shown, with its notes, and refuses when there is none. */
async function look(asked: AskedIn, message: OpId, then: (asked: AskedIn, seen: Seen) => Going): Promise<undefined> {
  await find(asked, message, (found, located) => readNotes(reader(found.engine, found.replica), found.turn, [located], true, (turn, [seen]) => {
    const isShown = seen !== undefined && seen.record.content !== undefined && !seen.folded.isDeleted && messageCounts(found.replica, seen.channel, seen.record)
    return isShown ? then({ ...found, turn }, seen) : turn.out.refuse(found.asker, fail('unknown-message'))
  }))
}

/** Says this about the message and answers; undefined: it is so already. */
async function note(asked: AskedIn, seen: Seen, content: Content | undefined): Promise<void> {
  const { channel, notes, unheard } = seen, { device } = asked.replica.me
  const isMine = (n: Seen['notes'][number]): boolean => n.device === device && n.content.type === content?.type
  // Nobody would hear of it (M11).
  if (notes.filter(isMine).length + unheard.filter((u) => isMine(u.note)).length >= limits.MAX_NOTES_OF_ONE) {
    return asked.turn.out.refuse(asked.asker, fail('limit-reached', 'This was done with this message as often as can be.'))
  }
  const said = content === undefined ? undefined : await say(asked, channel, content)
  if (said !== undefined && 'code' in said) asked.turn.out.refuse(asked.asker, said); else asked.turn.out.reply(asked.asker, {})
}

export async function editMessage(asked: AskedIn, c: Run<'edit-message'>): Promise<Refusal> {
  const draft = draftOf(asked, c.message)
  if (draft !== undefined) {
    const { title, tags = [] } = draft.content
    const words = title === undefined ? asWords(asked, draft.channel, c, 'message') : asWords(asked, draft.channel, { title, tags, ...c }, 'post')
    return 'code' in words ? words : changeDraft(asked, draft, words)
  }
  return look(asked, c.message, (found, seen) => {
    if (seen.record.author !== found.replica.me.identity) return found.turn.out.refuse(found.asker, fail('not-allowed'))
    const now = seen.folded.edit?.words ?? seen.record.content
    // A post keeps its title and tags where nothing is said of them.
    const words = now?.title === undefined ? asWords(found, seen.channel, c, 'message') : asWords(found, seen.channel, { title: now.title, tags: now.tags ?? [], ...c }, 'post')
    return 'code' in words ? found.turn.out.refuse(found.asker, words) : note(found, seen, { type: 'edit', message: c.message, ...words })
  })
}

export async function deleteMessage(asked: AskedIn, c: Run<'delete-message'>): Promise<Refusal> {
  const draft = draftOf(asked, c.message)
  if (draft !== undefined) return changeDraft(asked, draft, undefined)
  return look(asked, c.message, (found, seen) =>
    note(found, seen, { type: seen.record.author === found.replica.me.identity ? 'delete' : 'remove', message: c.message }))
}

function draftOf({ engine, replica }: AskedIn, message: OpId): MessageDraft | undefined {
  const draft = engine.drafts.get(replica.id)?.get(message)
  return draft?.content.type === 'message' ? { ...draft, content: draft.content } : undefined
}

/** What waits to be secured was seen by nobody: it is said otherwise, or not at all. */
function changeDraft({ engine, turn, asker, replica }: AskedIn, draft: MessageDraft, words: Words | undefined): undefined {
  const { content } = draft
  const next: MessageContent | undefined = words === undefined ? undefined : { type: 'message', ...words, ...(content.replyTo === undefined ? {} : { replyTo: content.replyTo }), ...(content.thread === undefined ? {} : { thread: content.thread }) }
  engine.drafts.get(replica.id)?.change(turn, draft.id, next)
  turn.out.reply(asker, {})
  const info = draftInfo(replica, next === undefined ? draft : { ...draft, content: next })
  turn.out.update({ type: 'messages', space: replica.id, channel: draft.channel, messages: [next === undefined ? { ...info, text: '', deleted: true } : info] })
}

export async function react(asked: AskedIn, c: Run<'react'>): Promise<Refusal> {
  if (!isEmoji(c.emoji)) return fail('bad-request')
  return look(asked, c.message, (found, seen) => {
    const mine = liveReactions(seen.notes).filter((r) => r.author === found.replica.me.identity && r.emoji === c.emoji).map((r) => r.id)
    if (!c.on) return note(found, seen, mine.length === 0 ? undefined : { type: 'unreact', message: c.message, notes: mine.slice(0, MAX_TAKEN_BACK) })
    if (mine.length > 0) return note(found, seen, undefined)
    const { reactions } = seen.folded
    if (!reactions.has(c.emoji) && reactions.size >= limits.MAX_REACTION_KINDS) return found.turn.out.refuse(found.asker, fail('limit-reached', 'This message has as many kinds of reactions as fit.'))
    return note(found, seen, { type: 'reaction', message: c.message, emoji: c.emoji })
  })
}

export function pinMessage(asked: AskedIn, c: Run<'pin-message'>): Promise<undefined> {
  return look(asked, c.message, (found, seen) => {
    const pins = livePins(seen.notes)
    if (!c.on) return note(found, seen, pins.length === 0 ? undefined : { type: 'unpin', message: c.message, notes: pins.slice(0, MAX_TAKEN_BACK) })
    if (pins.length > 0) return note(found, seen, undefined)
    return found.engine.questions.follow(found.turn, () => nowPinned(found.replica, seen.channel), (turn, all) => {
      if (all.length >= limits.MAX_PINS) return turn.out.refuse(found.asker, fail('limit-reached', 'Fifty messages are pinned here already. Unpin one first.'))
      return note({ ...found, turn }, seen, { type: 'pin', message: c.message })
    })
  })
}
