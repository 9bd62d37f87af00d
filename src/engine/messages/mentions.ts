/** Whom a message calls. Names in the text mean nothing: who is meant stands beside it, and whether everyone or a role may be called is authority's to say (M7). */
import type { MentionsInfo } from '../../api/messages.ts'
import type { Origin } from '../../wire/content-records.ts'
import type { Words } from '../../wire/content.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { Replica } from '../replica.ts'
import { counts } from './counting.ts'

/** `origin`: of the op that has the words, a message or an edit; undefined for words of our own that are not sealed yet. Nobody meant: undefined. */
export function mentionsInfo(replica: Replica, channel: ChannelId, words: Words, origin: Origin | undefined): MentionsInfo | undefined {
  if (words.mentions === undefined && words.roles === undefined && words.everyone === undefined) return undefined
  const { authority, me } = replica
  const mayCallMany = (words.roles === undefined && words.everyone === undefined) || origin === undefined || counts(replica, channel, origin, 'everyone')
  const members = (words.mentions ?? []).map((member) => ({ member, name: authority.nameOf(member) }))
  const roles = mayCallMany ? (words.roles ?? []).flatMap((role) => { const known = authority.state.roles.get(role); return known === undefined ? [] : [{ role, name: known.name }] }) : []
  const everyone = mayCallMany && words.everyone === true
  if (members.length === 0 && roles.length === 0 && !everyone) return undefined
  const mine = authority.state.members.get(me.identity)?.roles ?? []
  return { members, roles, everyone, me: everyone || members.some((m) => m.member === me.identity) || roles.some((r) => mine.includes(r.role)) }
}
