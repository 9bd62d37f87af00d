/** The frame of a space: its history policy and ownership, and what is special about single channels. */
import { type AuthorityBody, MAX_SLOW_MS } from '../../wire/authority.ts'
import type { ChannelId } from '../../wire/ids.ts'
import { bitsOf, PERMISSIONS } from '../../wire/permissions.ts'
import { relayUrl } from '../../wire/relay.ts'
import { fail } from '../errors.ts'
import { share } from '../history.ts'
import { endInvites } from '../invites.ts'
import { MAX_RELAYS, MAX_TOPIC_CHARS } from '../limits.ts'
import { refusal } from '../refusals.ts'
import { MIN_KEPT_BYTES, MIN_KEPT_MS } from '../space/retention.ts'
import { isListed } from '../views.ts'
import { type AskedIn, change, refreshGroups, type Refusal, type Run } from './asked.ts'

/** What is said from here on is sealed under other keys at once; the links that give the past end with it. */
export async function setHistory(asked: AskedIn, c: Run<'set-history'>): Promise<Refusal> {
  const { engine, turn, replica } = asked
  if (c.channel !== undefined) return setChannelHistory(asked, c.channel, c.history)
  const isClosing = c.history === 'from-join' && replica.authority.state.historyPolicy === 'all'
  const live = isClosing ? [...replica.authority.state.invites].filter(([, i]) => !i.revoked && i.expiresAt > turn.now).map(([invite]) => invite) : []
  const refused = await change(asked, { type: 'spaceHistory', historyPolicy: c.history === 'all' ? 'all' : 'fromJoin' })
  if (refused !== undefined) return refused
  await endInvites(turn, engine, replica, live)
  await refreshGroups(asked)
  return undefined
}

/** The relays that are left hear of it too: who is away looks there first. */
export function setRelays(asked: AskedIn, c: Run<'set-relays'>): Promise<Refusal> | Refusal {
  const relays = [...new Set(c.relays.map((text) => relayUrl(text.trim())))]
  const known = relays.filter((url) => url !== undefined)
  if (known.length < relays.length || known.length === 0) return fail('bad-request', 'A relay is an address such as https://relay.example, without a path. A space needs at least one.')
  if (known.length > MAX_RELAYS) return fail('limit-reached', `A space has at most ${MAX_RELAYS} relays. Remove one first.`)
  if (known.join(' ') === asked.replica.authority.state.relays.join(' ')) return void asked.turn.out.reply(asked.asker, {})
  return change(asked, { type: 'spaceRelays', relays: known })
}

/** For the channels that have the same readers. */
async function setChannelHistory(asked: AskedIn, channel: ChannelId, history: 'all' | 'from-join'): Promise<Refusal> {
  const { engine, turn, replica } = asked
  const audience = replica.audienceFor(channel)
  if (audience === undefined || !isListed(replica, channel)) return fail('unknown-channel')
  if (audience.number === 0) return fail('bad-request', 'This channel is everyone’s: who comes later reads in it what they read in the whole space.')
  const refused = await change(asked, { type: 'audienceHistory', audience: audience.number, historyPolicy: history === 'all' ? 'all' : 'fromJoin' })
  if (refused === undefined) await engine.groupwork.now(turn, audience)
  return refused
}

export async function shareHistory({ engine, turn, asker, replica }: AskedIn, c: Run<'share-history'>): Promise<Refusal> {
  const { members } = replica.authority.state
  if (!members.has(c.member)) return fail('unknown-member')
  if (((members.get(replica.me.identity)?.permissions ?? 0) & PERMISSIONS.invite) === 0) return refusal({ code: 'no-permission', permission: 'invite' })
  await engine.distribute(turn, replica, [await share(turn, replica.everyone, c.member)])
  turn.out.reply(asker, {})
  return undefined
}

export function transferOwnership(asked: AskedIn, c: Run<'transfer-ownership'>): Promise<Refusal> {
  const { authority, log, me } = asked.replica
  return change(asked, { type: 'ownerTransfer', to: c.member, cuts: authority.cutsFor(me.identity, log.deviceHeads) })
}

export function setTopic(asked: AskedIn, c: Run<'set-topic'>): Promise<Refusal> | Refusal {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  const topic = c.topic.trim()
  return topic.length > MAX_TOPIC_CHARS ? fail('text-too-long', 'This topic is too long. Use 1024 characters or fewer.') : change(asked, { type: 'channelTopic', channel: c.channel, topic })
}

export function setRetention(asked: AskedIn, c: Run<'set-retention'>): Promise<Refusal> | Refusal {
  const { channel, follows = false, afterMs = 0, maxBytes = 0 } = c
  if (channel !== undefined && !isListed(asked.replica, channel)) return fail('unknown-channel')
  if (follows && (channel === undefined || afterMs + maxBytes > 0)) return fail('bad-request', 'Only a channel can follow the space, and then it sets no limit of its own.')
  if ((afterMs > 0 && afterMs < MIN_KEPT_MS) || (maxBytes > 0 && maxBytes < MIN_KEPT_BYTES)) return fail('bad-request', 'Messages are kept for at least an hour, and at least a mebibyte of them.')
  return change(asked, { type: 'retention', channel, follows, afterMs, maxBytes })
}

export function setSlowMode(asked: AskedIn, c: Run<'set-slow-mode'>): Promise<Refusal> | Refusal {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  return c.everyMs > MAX_SLOW_MS ? fail('bad-request', 'Slow mode is six hours at most.') : change(asked, { type: 'slowMode', channel: c.channel, everyMs: c.everyMs })
}

export function clearChannel(asked: AskedIn, c: Run<'clear-channel'>): Promise<Refusal> | Refusal {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  if (c.before > asked.turn.now) return fail('bad-request', 'A channel can only be cleared up to now.')
  return change(asked, { type: 'clear', channel: c.channel, before: c.before })
}

export function deleteChannel(asked: AskedIn, c: Run<'delete-channel'>): Promise<Refusal> | Refusal {
  return isListed(asked.replica, c.channel) ? change(asked, { type: 'channelDelete', channel: c.channel }) : fail('unknown-channel')
}

export function setOverride(asked: AskedIn, c: Run<'set-override'>): Promise<Refusal> | Refusal {
  if (!isListed(asked.replica, c.channel)) return fail('unknown-channel')
  if ((c.role === undefined) === (c.member === undefined)) return fail('bad-request', 'An override is for one role or for one member.')
  const allow = bitsOf(c.allow), deny = bitsOf(c.deny)
  if ((allow & deny) !== 0) return fail('bad-request', 'A permission can be given or taken, not both.')
  const body: AuthorityBody = { type: 'channelOverride', channel: c.channel, role: c.role, identity: c.member, allow, deny }
  return change(asked, body)
}
