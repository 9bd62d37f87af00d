/** What is offered while somebody writes: people after @, channels after #, emoji after a colon. And whom a finished text means. */
import type { MentionsInfo, WordsGiven } from '../../api/messages.ts'
import type { RoleId } from '../../wire/authority.ts'
import type { IdentityId } from '../../wire/ids.ts'
import { fuzzy } from './fuzzy.ts'
import { findEmoji } from './emoji.ts'
import { marksOf, withMark } from './namesakes.ts'

export type Sign = '@' | '#' | ':'
/** The word that is being written, from its sign on. */
export interface Begun { readonly sign: Sign; readonly query: string; readonly from: number; readonly to: number }
export interface Offer { readonly key: string; readonly label: string; readonly hint: string; readonly text: string }

interface Named { readonly member: IdentityId; readonly name: string }
/** Who can be called. Roles and everyone only by whom the engine lets: `mayCallMany`. */
export interface Callable { readonly members: readonly Named[]; readonly roles: readonly { readonly role: RoleId; readonly name: string }[]; readonly mayCallMany: boolean }
export interface Known extends Callable { readonly channels: readonly { readonly channel: string; readonly name: string }[] }

/** As many as are looked through at a glance. */
const OFFERED = 8
/** Letters of a word that somebody may still mean as a name. */
const MAX_QUERY = 32
const BEGUN = /(?:^|[\s([{"'])([@#:])([^\n@#:]*)$/u
/** A smiley or a time is no emoji: it takes two letters. */
const EMOJI_NAME = /^[\p{L}\d_+-]{2,}$/u

export function begunAt(text: string, caret: number): Begun | undefined {
  const match = BEGUN.exec(text.slice(0, caret))
  const [, sign, query = ''] = match ?? []
  if ((sign !== '@' && sign !== '#' && sign !== ':') || query.length > MAX_QUERY || query.startsWith(' ')) return undefined
  if (sign === ':' && !EMOJI_NAME.test(query)) return undefined
  return { sign, query, from: caret - query.length - 1, to: caret }
}

export function offersFor({ sign, query }: Begun, { members, roles, mayCallMany, channels }: Known): readonly Offer[] {
  const named = (all: readonly Offer[]): Offer[] => {
    const byKey = new Map(all.map((offer) => [offer.key, offer]))
    // After a space the sentence may have gone on: only a name of several words that starts so can still be meant.
    if (/\s/.test(query)) return all.filter(({ label }) => label.length > query.length && label.toLocaleLowerCase().startsWith(query.toLocaleLowerCase()))
    return fuzzy(all.map(({ key, label }) => ({ key, label, under: '', go: () => undefined })), query).flatMap(({ key }) => byKey.get(key) ?? [])
  }
  switch (sign) {
    case '@': {
      const marks = marksOf(members)
      const called = (key: string, name: string): Offer => ({ key, label: name, hint: marks.has(key) ? `#${marks.get(key)}` : '', text: `@${marks.has(key) ? withMark(name, key) : name} ` })
      const many = mayCallMany ? [...roles.map(({ role, name }) => called(role, name)), called(EVERYONE, EVERYONE)] : []
      return named([...members.map(({ member, name }) => called(member, name)), ...many]).slice(0, OFFERED)
    }
    case '#': return named(channels.map(({ channel, name }) => ({ key: channel, label: name, hint: '', text: `#${name} ` }))).slice(0, OFFERED)
    case ':': return findEmoji(query.replaceAll('_', ' ')).slice(0, OFFERED).map(({ emoji, words }) => ({ key: emoji, label: emoji, hint: words, text: `${emoji} ` }))
    default: return sign satisfies never
  }
}

/** The word that means all of them. */
export const EVERYONE = 'everyone'

/** Text with the word replaced, and where the caret goes. */
export function completed(text: string, { from, to }: Begun, { text: word }: Offer): { readonly text: string; readonly caret: number } {
  const after = text.slice(to)
  // What follows has a space of its own.
  const put = after.startsWith(' ') ? word.trimEnd() : word
  return { text: text.slice(0, from) + put + after, caret: from + word.length }
}

/** Whom a text names, and where: the longest name first, so that Ann isn't meant by @Anna. */
export function namedIn<T extends { readonly name: string }>(text: string, people: readonly T[]): { readonly who: T; readonly from: number; readonly to: number }[] {
  const longest = people.filter((p) => p.name !== '').sort((a, b) => b.name.length - a.name.length)
  const out: { who: T; from: number; to: number }[] = []
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) continue
    const who = longest.find(({ name }) => text.startsWith(name, at + 1) && !/[\p{L}\p{N}]/u.test(text[at + 1 + name.length] ?? ''))
    if (who !== undefined) out.push({ who, from: at, to: at + 1 + who.name.length })
  }
  return out
}

/** By their names, and by these with their marks. */
export const namesOf = (members: readonly Named[]): Named[] => members.flatMap(({ member, name }) => [{ member, name }, { member, name: withMark(name, member) }])

/** Whom a text means, to be said beside it: by a name alone all who have it. */
export function meantIn(text: string, { members, roles, mayCallMany }: Callable): Omit<WordsGiven, 'text'> {
  type Called = { readonly type: 'member'; readonly name: string; readonly id: IdentityId } | { readonly type: 'role'; readonly name: string; readonly id: RoleId } | { readonly type: 'everyone'; readonly name: string }
  const people = namesOf(members).map(({ member, name }): Called => ({ type: 'member', name, id: member }))
  const many = mayCallMany ? [...roles.map(({ role, name }): Called => ({ type: 'role', name, id: role })), { type: 'everyone', name: EVERYONE } as const] : []
  const called = namedIn<Called>(text, [...people, ...many]).map(({ who }) => who)
  const mentions = [...new Set(called.flatMap((who) => (who.type === 'member' ? people.flatMap((one) => (one.type === 'member' && one.name === who.name ? one.id : [])) : [])))]
  const mentionRoles = [...new Set(called.flatMap((who) => (who.type === 'role' ? who.id : [])))]
  const mentionEveryone = called.some((who) => who.type === 'everyone')
  return { ...(mentions.length > 0 && { mentions }), ...(mentionRoles.length > 0 && { mentionRoles }), ...(mentionEveryone && { mentionEveryone }) }
}

/** Whom a changed text means. Who was meant before and has taken another name since stands nowhere in it, and is still meant. */
export function stillMeantIn(text: string, before: { readonly text: string; readonly mentions: MentionsInfo | undefined }, callable: Callable): Omit<WordsGiven, 'text'> {
  const meant = meantIn(text, callable)
  const renamed = (before.mentions?.members ?? []).filter((m) => namedIn(before.text, namesOf([m])).length === 0).map((m) => m.member)
  const mentions = [...new Set([...(meant.mentions ?? []), ...renamed])]
  return { ...meant, ...(mentions.length > 0 && { mentions }) }
}
