/** Whether a content op counts. Content never changes authority; it is judged by it. */
import type { Cut } from '../../wire/authority.ts'
import { AUTHORITY_CHANNEL, type IdentityId } from '../../wire/ids.ts'
import { type ChainPlace, HLC_STEP, type OpHeader } from '../../wire/op.ts'
import type { History } from './history.ts'
import type { Past } from './past.ts'
import type { Permission } from '../../wire/permissions.ts'
import { has } from './permissions.ts'
import type { Reason } from './reasons.ts'
import { type Freeze, type Resolution, shownBy } from './resolve.ts'
import type { Restriction } from './restrict.ts'
import { slowMode } from './slow.ts'
import { until } from './state.ts'
import type { View } from './view.ts'

/** Answers remembered of one past. */
const MAX_KNOWN = 4096

/** What of a header content is judged by. */
export type ContentHeader = Pick<OpHeader, 'device' | 'channel' | 'audience' | 'seq' | 'chanSeq' | 'hlc' | 'deps' | 'type'> & {
  /** Of a message: how much later it is labelled than its device's last one before it in the channel (ms), where that is known. */
  readonly gap?: number | undefined
}
/** `known`: what was found of this past so far, as long as no op of authority comes in. */
export interface ContentQuestion { readonly author: IdentityId | undefined; readonly header: ContentHeader; readonly past: Past; readonly known: Answered }
/** Why somebody may not say such a thing there, or, where they may, labelled from when on (ms), and a message so long after the one before (ms). */
export interface May { readonly reason: Reason | undefined; readonly from: number; readonly every: number }
type MakeView = (past: Past, also?: number) => View

/** Who may say what, of one past. A history asks the same a thousand times, most of them in a row. */
export class Answered {
  private readonly all = new Map<string, May>()
  private last: { readonly author: IdentityId; readonly asked: ContentHeader; readonly may: May } | undefined

  may(author: IdentityId, asked: ContentHeader, find: () => May): May {
    const { last } = this, { device, channel, audience, type } = asked
    if (last?.author === author && last.asked.device === device && last.asked.channel === channel && last.asked.audience === audience && last.asked.type === type) return last.may
    const name = `${author}${device}${channel}${audience} ${type}`, may = this.all.get(name) ?? find()
    if (this.all.size < MAX_KNOWN) this.all.set(name, may)
    this.last = { author, asked, may }
    return may
  }
}

/** Types of content that need a permission of their own; all others need `send`. `everyone` and `thread` are no types, but what a message may ask for besides. */
const NEEDS: ReadonlyMap<string, Permission> = new Map([['reaction', 'react'], ['unreact', 'react'], ['pin', 'messages'], ['unpin', 'messages'], ['remove', 'messages'], ['everyone', 'everyone'], ['thread', 'thread']])

export function judgeContent(history: History, resolution: Resolution, question: ContentQuestion, viewOf: MakeView): Reason | undefined {
  const { author, header, past, known } = question
  if (author === undefined) return { code: 'not-a-member' }
  const reason = reasonIn(known.may(author, header, () => maySay(author, header, viewOf(past))), header)
  if (reason !== undefined) return reason
  const unseen = resolution.against(author).filter((r) => !past.has(r.index))
  const taken = unseen.find((r) => isBeyondAll(history, header, r, unseen))
  if (taken !== undefined) return { code: taken.code, by: history.node(taken.index).id }
  const freeze = resolution.freezeOf(header.device)
  if (freeze !== undefined && isAfterFork(history, header, freeze)) return { code: 'forked', by: shownBy(freeze, header.seq) }
  for (const r of unseen) {
    if (r.takes !== 'power' && r.takes !== 'reading') continue
    if (!isWithin(header, r, history) && reasonIn(maySay(author, header, viewOf(past, r.index)), header) !== undefined) return { code: r.code, by: history.node(r.index).id }
  }
  return undefined
}

function reasonIn({ reason, from, every }: May, { hlc, type, gap }: ContentHeader): Reason | undefined {
  if (reason !== undefined || hlc / HLC_STEP < from) return reason ?? { code: 'timed-out' }
  return type === 'message' && gap !== undefined && gap < every ? { code: 'too-soon' } : undefined
}

function maySay(author: IdentityId, header: ContentHeader, view: View): May {
  const reason = whyNot(author, header, view)
  const timeout = reason === undefined ? view.register(`timeout ${author}`, (a, b) => until(b) - until(a)) : undefined
  const every = reason === undefined && header.type === 'message' && !has(view.permissionsIn(author, header.channel), 'messages') ? slowMode(view, header.channel) : 0
  return { reason, from: timeout === undefined ? 0 : until(view.history.node(timeout).body ?? {}), every }
}

function whyNot(author: IdentityId, header: ContentHeader, view: View): Reason | undefined {
  if (!view.isMember(author)) return { code: 'not-a-member' }
  if (view.deviceOwner(header.device) !== author) return { code: view.any(`revoke ${header.device}`) ? 'device-revoked' : 'device-not-authorised' }
  if (!view.channelExists(header.channel)) return { code: 'unknown-channel' }
  // Sealed for others than the channel's readers, or by somebody who isn't one.
  if (view.channelAudience(header.channel) !== header.audience) return { code: 'unknown-audience' }
  if (!view.reads(author, header.audience)) return { code: 'not-a-reader' }
  const permission = NEEDS.get(header.type) ?? 'send'
  return has(view.permissionsIn(author, header.channel), permission) ? undefined : { code: 'no-permission', permission }
}

const takesAll = (header: ChainPlace, r: Restriction, history: History): boolean => {
  if (r.takes === 'membership') return true
  const body = history.node(r.index).body
  return r.takes === 'device' && body?.type === 'deviceRevoke' && body.device === header.device
}

/**
 * Numbers of the whole chain are not enough: some may have been left out, or used where others don't read, and be used later. The chain of a channel has no holes, and whoever reads there sees it fork.
 * So what a cut says of the channel goes before what it says of the device.
 */
function isWithin(header: ChainPlace, r: Restriction, history: History): boolean {
  const cut = r.cuts.get(header.device)
  if (cut === undefined || header.seq > cut.seq) return false
  const { channel, chanSeq } = header
  if (cut.ends === undefined || channel === undefined || chanSeq === undefined) return true
  const end = channel === AUTHORITY_CHANNEL ? authorityEnd(history, cut) : cut.ends.chains.find((chain) => chain.channel === channel)?.chanSeq
  return end === undefined ? !cut.ends.all : chanSeq <= end
}

function authorityEnd(history: History, { authority }: Cut): number {
  const last = authority === undefined ? undefined : history.indexOf(authority)
  return last === undefined ? 0 : history.node(last).chanSeq
}

/** Of removals at the same time the larger cut counts for content: no honest message is lost because one admin was behind. */
function isBeyondAll(history: History, header: ChainPlace, r: Restriction, unseen: readonly Restriction[]): boolean {
  if (!takesAll(header, r, history) || isWithin(header, r, history)) return false
  const own = history.node(r.index)
  return !unseen.some((other) => takesAll(header, other, history) && isWithin(header, other, history)
    && !history.node(other.index).past.has(r.index) && !own.past.has(other.index))
}

/**
 * What a removal's cut holds is no exception here, as it is for authority: of content a cut fixes where chains end, not what stands in them. Whoever was removed could put something else there,
 * and all that it costs them to be frozen for it is what they said themselves.
 */
function isAfterFork(history: History, header: ChainPlace, freeze: Freeze): boolean {
  const chain = history.byDevice.get(header.device) ?? []
  const at = chain.map((i) => history.node(i)).filter((n) => n.chanSeq >= freeze.chanSeq).reduce((least, n) => Math.min(least, n.seq), freeze.seq)
  return header.seq >= at
}

/**
 * Whether what a device did at this place of its chains was taken back: beyond the cut of a removal that it had not seen by then, or after a fork.
 * What it had seen is told by its authority ops up to there, so that no header need be kept for the question.
 */
export function isTakenBack(history: History, resolution: Resolution, place: ChainPlace, author: IdentityId): boolean {
  const last = (history.byDevice.get(place.device) ?? []).map((i) => history.node(i)).filter((n) => n.seq <= place.seq).at(-1)
  const unseen = resolution.against(author).filter((r) => last?.past.has(r.index) !== true)
  if (unseen.some((r) => isBeyondAll(history, place, r, unseen))) return true
  const freeze = resolution.freezeOf(place.device)
  if (freeze === undefined || freeze.fixers.some((r) => r.targets.includes(author) && takesAll(place, r, history) && isWithin(place, r, history))) return false
  return isAfterFork(history, place, freeze)
}
