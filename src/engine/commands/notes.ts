/** What is done with a message after it was written: correcting, deleting, reacting, pinning. */
import type { Row } from '../../ports.ts'
import type { Content } from '../../wire/content.ts'
import { isEmoji, MAX_TAKEN_BACK } from '../../wire/content.ts'
import { type OpId, parseOpId } from '../../wire/ids.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { livePins, liveReactions } from '../messages/fold.ts'
import { draftInfo } from '../messages/infos.ts'
import { pinsPartition } from '../messages/places.ts'
import { counts, describe, findMessages, readNotes, type Seen } from '../messages/reading.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { find, say, worded } from './messages.ts'

type Going = void | Promise<void>

/** Looks for a message that is shown, with its notes, and refuses when there is none. */
async function look(asked: AskedIn, message: OpId, then: (asked: AskedIn, seen: Seen) => Going): Promise<undefined> {
  await find(asked, message, (found, located) => readNotes({ questions: found.engine.questions, replica: found.replica }, found.turn, [located], true, (turn, [seen]) => {
    const isShown = seen !== undefined && seen.record.content !== undefined && !seen.folded.isDeleted && counts(found.replica, seen.channel, seen.record, 'message')
    return isShown ? then({ ...found, turn }, seen) : turn.out.refuse(found.asker, fail('unknown-message'))
  }))
}

/** Says this about the message and answers; undefined: it is so already. */
async function note(asked: AskedIn, { channel }: Seen, content: Content | undefined): Promise<void> {
  const said = content === undefined ? undefined : await say(asked, channel, content)
  if (said !== undefined && 'code' in said) asked.turn.out.refuse(asked.asker, said); else asked.turn.out.reply(asked.asker, {})
}

export async function editMessage(asked: AskedIn, c: Run<'edit-message'>): Promise<Refusal> {
  const wrong = worded(c.text)
  if (wrong !== undefined) return wrong
  if (changeDraft(asked, c.message, c.text)) return undefined
  return look(asked, c.message, (found, seen) => {
    if (seen.record.author !== found.replica.me.identity) return found.turn.out.refuse(found.asker, fail('not-allowed'))
    return note(found, seen, { type: 'edit', message: c.message, text: c.text })
  })
}

export async function deleteMessage(asked: AskedIn, c: Run<'delete-message'>): Promise<Refusal> {
  if (changeDraft(asked, c.message, undefined)) return undefined
  return look(asked, c.message, (found, seen) =>
    note(found, seen, { type: seen.record.author === found.replica.me.identity ? 'delete' : 'remove', message: c.message }))
}

/** What waits to be secured was seen by nobody: it is said otherwise, or not at all. */
function changeDraft({ engine, turn, asker, replica }: AskedIn, message: OpId, text: string | undefined): boolean {
  const drafts = engine.drafts.get(replica.id)
  const draft = drafts?.get(message)
  if (draft?.content.type !== 'message') return false
  const content = text === undefined ? undefined : { ...draft.content, text }
  drafts?.change(turn, message, content)
  const info = draftInfo(replica, content === undefined ? draft : { ...draft, content })
  turn.out.reply(asker, {})
  turn.out.update({ type: 'messages', space: replica.id, channel: draft.channel, messages: [content === undefined ? { ...info, text: '', deleted: true } : info] })
  return true
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
    return pinned(found, seen, (later, all) => {
      if (all.length >= limits.MAX_PINS) return later.turn.out.refuse(later.asker, fail('limit-reached', 'Fifty messages are pinned here already. Unpin one first.'))
      return note(later, seen, { type: 'pin', message: c.message })
    })
  })
}

export async function listPins(asked: AskedIn, c: Run<'list-pins'>): Promise<Refusal> {
  if (!asked.replica.authority.state.channels.has(c.channel)) return fail('unknown-channel')
  await pinned(asked, c, ({ engine, turn, asker, replica }, seen) =>
    describe({ questions: engine.questions, replica }, turn, seen, (later, messages) => { later.out.reply(asker, { messages }) }))
  return undefined
}

/** Everything pinned in the channel, the newest messages first. */
function pinned(asked: AskedIn, { channel }: Pick<Seen, 'channel'>, then: (asked: AskedIn, seen: readonly Seen[]) => Going): Going {
  const { engine, turn, replica } = asked
  const at = { questions: engine.questions, replica }
  const all = { partition: pinsPartition(replica.id, channel), query: { limit: limits.MAX_PINS_READ } }
  return engine.questions.askAll(turn, [all], (asking, [rows]) => findMessages(at, asking, idsOf(rows ?? []), (found, messages) => readNotes(at, found, messages, false, (later, seen) => {
    const shown = seen.filter((s) => s.channel === channel && s.folded.isPinned && s.record.content !== undefined && counts(replica, channel, s.record, 'message'))
    return then({ ...asked, turn: later }, shown.sort((a, b) => b.record.place - a.record.place))
  })))
}

const idsOf = (rows: readonly Row[]): OpId[] => rows.map((row) => parseOpId(row.key)).filter((id) => id !== undefined)
