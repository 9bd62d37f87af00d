/** Messages as clients see them. */
import type { MessageInfo, ReactionInfo, ReplyInfo } from '../../api.ts'
import type { Words } from '../../wire/content.ts'
import type { IdentityId, OpId } from '../../wire/ids.ts'
import { HLC_STEP } from '../../wire/op.ts'
import { MAX_QUOTE_CHARS } from '../limits.ts'
import type { MessageDraft } from '../drafts.ts'
import type { Replica } from '../replica.ts'
import { NOTHING_UNREAD, type Unread } from '../views.ts'
import { mentionsInfo } from './mentions.ts'
import type { Seen } from './reading.ts'
import { sendState } from './sent.ts'

type Shown = Pick<Seen, 'channel' | 'record' | 'folded'>

export function messageInfo(replica: Replica, seen: Shown, target: Shown | undefined, inThread: Unread = NOTHING_UNREAD): MessageInfo {
  const { channel, record, folded } = seen
  const { content } = record
  const head = {
    id: record.id, channel, author: record.author, authorName: replica.authority.nameOf(record.author), sentAt: Math.floor(record.hlc / HLC_STEP), order: record.place,
    mine: record.author === replica.me.identity, state: sendState(replica, channel, record),
  }
  const thread = {
    ...(record.thread === undefined ? {} : { thread: record.thread }),
    ...(record.replies === 0 ? {} : { replies: { count: record.replies, lastAt: Math.floor(record.lastReply / HLC_STEP), unread: inThread.unread, mentions: inThread.mentions } }),
  }
  if (content === undefined || folded.isDeleted) return { ...head, ...thread, text: '', deleted: true }
  const words = folded.edit?.words ?? content
  const mentions = mentionsInfo(replica, channel, words, folded.edit?.by ?? record)
  return {
    ...head, ...thread, text: words.text, ...postInfo(words),
    ...(folded.edit === undefined ? {} : { editedAt: Math.floor(folded.edit.by.hlc / HLC_STEP) }),
    ...(content.replyTo === undefined ? {} : { replyTo: replyInfo(replica, content.replyTo, target) }),
    ...(mentions === undefined ? {} : { mentions }),
    ...(folded.reactions.size === 0 ? {} : { reactions: reactionInfos(folded.reactions, replica.me.identity) }),
    ...(folded.isPinned ? { pinned: true } : {}),
  }
}

const postInfo = ({ title, tags }: Words): Pick<MessageInfo, 'title' | 'tags'> => ({ ...(title === undefined ? {} : { title }), ...(tags === undefined ? {} : { tags }) })

const reactionInfos = (reactions: ReadonlyMap<string, readonly IdentityId[]>, me: IdentityId): ReactionInfo[] =>
  [...reactions].map(([emoji, by]) => ({ emoji, by, mine: by.includes(me) }))

function replyInfo(replica: Replica, id: OpId, target: Shown | undefined): ReplyInfo {
  if (target === undefined) return { id, state: 'missing', authorName: '', text: '' }
  const { record, folded } = target
  const authorName = replica.authority.nameOf(record.author)
  if (record.content === undefined || folded.isDeleted) return { id, state: 'deleted', author: record.author, authorName, text: '' }
  const { text } = folded.edit?.words ?? record.content
  return { id, state: 'shown', author: record.author, authorName, text: firstChars(text) }
}

/** By characters: a pair of surrogates is never torn. */
const firstChars = (text: string): string => [...text.slice(0, 2 * MAX_QUOTE_CHARS)].slice(0, MAX_QUOTE_CHARS).join('').toWellFormed()

/** A message that waits for the group. */
export function draftInfo(replica: Replica, { id, channel, at, content }: MessageDraft): MessageInfo {
  const mentions = mentionsInfo(replica, channel, content, undefined)
  return {
    id, channel, author: replica.me.identity, authorName: replica.me.name, text: content.text, sentAt: at, order: at * HLC_STEP, mine: true, state: { type: 'securing' },
    ...(content.replyTo === undefined ? {} : { replyTo: replyInfo(replica, content.replyTo, undefined) }),
    ...(content.thread === undefined ? {} : { thread: content.thread }), ...postInfo(content),
    ...(mentions === undefined ? {} : { mentions }),
  }
}
