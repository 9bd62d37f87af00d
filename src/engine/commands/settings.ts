/** The frame of a space: its history policy and ownership, and what is special about single channels. */
import type { AuthorityBody } from '../../wire/authority.ts'
import { bitsOf } from '../../wire/permissions.ts'
import { fail } from '../errors.ts'
import { MAX_TOPIC_CHARS } from '../limits.ts'
import { type AskedIn, change, type Refusal, type Run } from './asked.ts'

export function setHistory(asked: AskedIn, c: Run<'set-history'>): Promise<Refusal> {
  return change(asked, { type: 'spaceHistory', historyPolicy: c.history === 'all' ? 'all' : 'fromJoin' })
}

export function transferOwnership(asked: AskedIn, c: Run<'transfer-ownership'>): Promise<Refusal> {
  const { authority, log, me } = asked.replica
  return change(asked, { type: 'ownerTransfer', to: c.member, cuts: authority.cutsFor(me.identity, log.deviceHeads) })
}

export function setTopic(asked: AskedIn, c: Run<'set-topic'>): Promise<Refusal> | Refusal {
  const topic = c.topic.trim()
  return topic.length > MAX_TOPIC_CHARS ? fail('text-too-long', 'This topic is too long. Use 1024 characters or fewer.') : change(asked, { type: 'channelTopic', channel: c.channel, topic })
}

export function deleteChannel(asked: AskedIn, c: Run<'delete-channel'>): Promise<Refusal> { return change(asked, { type: 'channelDelete', channel: c.channel }) }

export function setOverride(asked: AskedIn, c: Run<'set-override'>): Promise<Refusal> | Refusal {
  if ((c.role === undefined) === (c.member === undefined)) return fail('bad-request', 'An override is for one role or for one member.')
  const allow = bitsOf(c.allow), deny = bitsOf(c.deny)
  if ((allow & deny) !== 0) return fail('bad-request', 'A permission can be given or taken, not both.')
  const body: AuthorityBody = { type: 'channelOverride', channel: c.channel, role: c.role, identity: c.member, allow, deny }
  return change(asked, body)
}
