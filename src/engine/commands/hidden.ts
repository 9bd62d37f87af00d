/**
 * Messages, and what was said about messages (edits, reactions, pins, removals), that are here and count no longer, or never did, with the reason: what somebody
 * did without knowing that they had been removed. Everyone's for those who manage messages; of others only their own, so that nobody wonders where their words went.
 */
import type { Results } from '../../api.ts'
import type { HiddenInfo, HiddenNote } from '../../api/authority.ts'
import type { Row } from '../../ports.ts'
import type { OpId } from '../../wire/ids.ts'
import { decodeMessage, type NoteRecord } from '../../wire/content-records.ts'
import { HLC_STEP } from '../../wire/op.ts'
import { Teller } from '../acts.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { isLater, PLAIN } from '../messages/fold.ts'
import { messageInfo } from '../messages/infos.ts'
import { messageRows, placeOf, rowKey, threadsPartition } from '../messages/places.ts'
import { located, type Seen, withNotes } from '../messages/reading.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { permissionsIn } from '../rights.ts'
import { has } from '../space/permissions.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

export async function listHidden(asked: AskedIn, c: Run<'list-hidden'>): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  await engine.questions.follow(turn, () => hiddenIn(asked, c), (later, answer) => (answer === undefined ? later.out.refuse(asker, fail('unknown-message')) : later.out.reply(asker, answer)))
  return undefined
}

/** First what stands in the channel, then what stands in its threads, each message with the notes about it. Looks through a bounded number of messages at a time; whoever wants more asks on from `next`. */
function* hiddenIn(asked: AskedIn, c: Run<'list-hidden'>): Reading<Results['list-hidden'] | undefined> {
  const { replica } = asked, limit = Math.min(c.limit ?? 50, limits.MAX_MESSAGES_PAGE), hidden: HiddenInfo[] = []
  const [before] = c.before === undefined ? [] : yield* located(replica, [c.before])
  if (c.before !== undefined && before?.channel !== c.channel) return undefined
  let last = c.before, looked = 0
  for (const inThreads of before?.record.thread === undefined ? [false, true] : [true]) {
    let to = before !== undefined && (before.record.thread !== undefined) === inThreads ? rowKey(placeOf(c.channel, before.record)) : undefined
    const partition = inThreads ? threadsPartition(replica.id, c.channel) : messageRows(replica.id, c.channel, undefined).partition
    for (;;) {
      const [rows = []]: readonly (readonly Row[])[] = yield [{ partition, query: { ...(to === undefined ? {} : { to }), limit: limits.MAX_LOOKED_AT, reverse: true } }]
      const messages = rows.map((row) => decodeMessage(row.value)).filter((record) => record !== undefined)
      for (const seen of yield* withNotes(replica, messages.map((record) => ({ channel: c.channel, record })), false)) {
        if (hidden.length >= limit) return page(hidden, last)
        last = seen.record.id
        hidden.push(...hiddenOf(asked, seen))
      }
      to = rows.at(-1)?.key
      if (rows.length < limits.MAX_LOOKED_AT) break
      looked += rows.length
      if (looked >= limits.MAX_HIDDEN_LOOKED) return page(hidden, last)
    }
  }
  return page(hidden, undefined)
}

const page = (newestFirst: HiddenInfo[], next: OpId | undefined): Results['list-hidden'] => ({ messages: newestFirst.reverse(), ...(next === undefined ? {} : { next }) })

/** The message itself where it doesn't count, before that what was said about it and doesn't, the newest first. */
function hiddenOf({ replica }: AskedIn, { channel, record, unheard }: Seen): HiddenInfo[] {
  const { authority, me } = replica, shape = authority.state.channels.get(channel)
  const seesAll = shape !== undefined && has(permissionsIn(authority.state, me.identity, shape), 'messages')
  const verdict = authority.contentVerdict({ ...record, channel, type: 'message' })
  const isTold = verdict.type === 'void' && (seesAll || record.author === me.identity)
  const notes = unheard.filter(({ note }) => seesAll || note.author === me.identity).sort((a, b) => (isLater(a.note, b.note) ? -1 : 1)).slice(0, limits.MAX_HIDDEN_NOTES)
  if (!isTold && notes.length === 0) return []
  const message = messageInfo(replica, { channel, record, folded: PLAIN }, undefined), teller = new Teller(replica)
  const told = notes.map(({ note, reason }) => ({ message, note: noteInfo(replica, note), ...teller.why(reason) }))
  return verdict.type === 'void' && isTold ? [...told, { message, ...teller.why(verdict.reason) }] : told
}

function noteInfo({ authority }: Replica, { id, author, hlc, content }: NoteRecord): HiddenNote {
  const text = content.type === 'edit' ? content.text : content.type === 'reaction' ? content.emoji : undefined
  return { id, kind: content.type, by: author, byName: authority.nameOf(author), at: Math.floor(hlc / HLC_STEP), ...(text === undefined ? {} : { text }) }
}
