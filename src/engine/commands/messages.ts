/** Writing messages. */
import type { ApiError } from '../../api.ts'
import type { WordsGiven } from '../../api/messages.ts'
import { type Content, isTag, MAX_TAGS, MAX_TITLE_CHARS, type MessageContent, type Words } from '../../wire/content.ts'
import type { ChannelId, EpochId, OpId } from '../../wire/ids.ts'
import type { Audience } from '../audience.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { draftInfo } from '../messages/infos.ts'
import { rootOf } from '../messages/pages.ts'
import { findMessages, type Located, reader } from '../messages/reading.ts'
import { act, due, maySeal } from '../reconcile.ts'
import { refusal } from '../refusals.ts'
import type { Turn } from '../turn.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

export async function sendMessage(asked: AskedIn, c: Run<'send-message'>): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  const kind = replica.authority.state.channels.get(c.channel)?.kind
  if (kind === undefined || kind === 'category' || !isListed(replica, c.channel)) return fail('unknown-channel')
  const isPost = kind === 'forum' && c.thread === undefined
  const words = asWords(asked, c.channel, c, isPost ? 'post' : 'message')
  if ('code' in words) return words
  const content: MessageContent = { type: 'message', ...words, ...(c.replyTo === undefined ? {} : { replyTo: c.replyTo }), ...(c.thread === undefined ? {} : { thread: c.thread }) }
  if (c.thread === undefined) return send(asked, c.channel, content, isPost)
  await engine.questions.follow(turn, () => rootOf(replica, c.channel, c.thread as OpId), async (later, root) => {
    if (root?.record.content === undefined) return later.out.refuse(asker, fail('unknown-message'))
    const refused = await send({ ...asked, turn: later }, c.channel, content, kind !== 'forum' && root.record.replies === 0)
    if (refused !== undefined) later.out.refuse(asker, refused)
  })
  return undefined
}

async function send(asked: AskedIn, channel: ChannelId, content: MessageContent, beginsThread: boolean): Promise<Refusal> {
  const { engine, turn, asker, replica } = asked
  const verdict = beginsThread ? replica.contentVerdict(turn, channel, 'thread') : undefined
  if (verdict?.type === 'void') return refusal(verdict.reason)
  if (replica.pace.nextAt(replica, channel) > turn.now) return refusal({ code: 'too-soon' })
  const said = await say(asked, channel, content)
  if ('code' in said) return said
  engine.typing.sent(replica.id, channel)
  turn.out.reply(asker, { messageId: said.id })
  return undefined
}

/** The words of a message as they go into it, or what is wrong with them. */
export function asWords({ turn, replica }: AskedIn, channel: ChannelId, given: WordsGiven, kind: 'post' | 'message'): Words | ApiError {
  const { text, mentions = [], mentionRoles: roles = [], mentionEveryone: everyone = false } = given
  if (text.trim() === '') return fail('text-empty')
  if (text.length > limits.MAX_MESSAGE_CHARS) return fail('text-too-long')
  const { state } = replica.authority
  if (mentions.some((member) => !state.members.has(member))) return fail('unknown-member')
  if (roles.some((role) => !state.roles.has(role))) return fail('unknown-role')
  const verdict = roles.length > 0 || everyone ? replica.contentVerdict(turn, channel, 'everyone') : undefined
  if (verdict?.type === 'void') return refusal(verdict.reason)
  const head = kind === 'post' ? asHead(given) : given.title === undefined && given.tags === undefined ? {} : fail('bad-request', 'Only posts of a forum have a title and tags.')
  if ('code' in head) return head
  return { text, ...head, ...(mentions.length === 0 ? {} : { mentions }), ...(roles.length === 0 ? {} : { roles }), ...(everyone ? { everyone } : {}) }
}

/** What a forum lists a post by. */
function asHead({ title: given = '', tags: givenTags = [] }: WordsGiven): Pick<Words, 'title' | 'tags'> | ApiError {
  const title = given.trim(), tags = [...new Set(givenTags.map((tag) => tag.trim()))]
  if (title === '') return fail('name-empty', 'Give the post a title.')
  if (title.length > MAX_TITLE_CHARS) return fail('name-too-long', 'This title is too long. Use 120 characters or fewer.')
  if (tags.length > MAX_TAGS || !tags.every(isTag)) return fail('bad-request', 'A post has at most five tags, each of one line and at most 32 characters.')
  return { title, ...(tags.length === 0 ? {} : { tags }) }
}

/** Seals and sends content, or keeps it until it may be sealed. The id is the op's, or for now the draft's. */
export async function say({ engine, turn, replica }: AskedIn, channel: ChannelId, content: Content): Promise<{ readonly id: OpId } | ApiError> {
  const audience = replica.audienceFor(channel)
  if (audience?.isRead(replica.me.identity) !== true) return fail('unknown-channel')
  const drafts = engine.drafts.get(replica.id)
  if (drafts === undefined) return fail('internal')
  const verdict = replica.contentVerdict(turn, channel, content.type)
  if (verdict.type === 'void') return refusal(verdict.reason)
  if (replica.isFull(turn, channel)) return fail('limit-reached', 'You have written as much here today as others take in. Go on tomorrow.')
  const isSure = engine.succession.isSure(replica, turn.now)
  if (isSure && !maySeal(audience)) {
    // Somebody was removed and nobody has changed the group yet: with the tip's state at hand this device does it now.
    const op = await act(turn, audience, changeOnly(turn, audience))
    if (op !== undefined) { await replica.settle(turn); await engine.distribute(turn, replica, [op]) }
  }
  if (!isSure || !maySeal(audience) || !drafts.empty) {
    if (drafts.full) return fail('limit-reached', 'Too many messages wait to be secured. Wait until you are connected again.')
    const draft = drafts.add(turn, engine.world, channel, content)
    if (content.type === 'message') replica.pace.drafts(turn, channel)
    if (content.type === 'message') turn.out.update({ type: 'messages', space: replica.id, channel, messages: [draftInfo(replica, { ...draft, content })] })
    engine.touch(turn, replica)
    return draft
  }
  const op = await replica.appendContent(turn, channel, audience.groups.tip() as EpochId, content)
  await engine.distribute(turn, replica, [op])
  return op
}

/** Only a change of the group that this device can make at once; joining again takes its time. */
function changeOnly(turn: Turn, audience: Audience): ReturnType<typeof due> {
  const what = due(audience, turn.now)
  return what.type === 'change' ? what : { type: 'nothing' }
}

/** Looks for a message, and refuses when it isn't here. */
export function find(asked: AskedIn, message: OpId, then: (asked: AskedIn, found: Located) => void | Promise<void>): void | Promise<void> {
  return findMessages(reader(asked.engine, asked.replica), asked.turn, [message], (turn, [found]) => {
    if (found === undefined) return turn.out.refuse(asked.asker, fail('unknown-message'))
    return then({ ...asked, turn }, found)
  })
}
