/** Who and where is meant by the names in a query: the exact ones if there are, otherwise those that begin so. Where nobody is called so, a role's name means all who hold it. */
import type { Replica } from '../replica.ts'
import { isListed } from '../views.ts'
import type { Names } from './match.ts'
import type { Query } from './query.ts'
import { EVERYONE } from './terms.ts'
import { fold } from './words.ts'

/** `unknown`: names as typed that are nobody's here. */
export function namesIn(query: Query, replica: Replica): { readonly names: Names; readonly unknown: readonly string[] } {
  // What somebody said who is no longer here is still found by their name.
  const people = [...replica.authority.everJoined].map((id): Named => [id, fold(replica.authority.nameOf(id))])
  const channels = [...replica.authority.state.channels].filter(([id]) => isListed(replica, id)).map(([id, { name }]): Named => [id, fold(name)])
  const roles = [...replica.authority.state.roles].map(([id, { name }]): Named => [id, fold(name)])
  const called = [...people, ...roles, [EVERYONE, EVERYONE] as const]
  /** Whatever calls me. */
  const mine = [replica.me.identity, ...(replica.authority.state.members.get(replica.me.identity)?.roles ?? []), EVERYONE]
  /** Who holds a role now. */
  const holders = (name: string): string[] => idsOf(name, roles).flatMap((role) => [...replica.authority.state.members].filter(([, m]) => m.roles.some((held) => held === role)).map(([id]) => id))
  const unknown: string[] = []
  const all = (typed: readonly string[], among: readonly Named[]): readonly string[] | undefined => {
    if (typed.length === 0) return undefined
    return typed.flatMap((name) => {
      const ids = fold(name) !== 'me' || among === channels ? idsOf(fold(name), among) : among === people ? [replica.me.identity] : mine
      const found = ids.length > 0 || among !== people ? ids : [...new Set(holders(fold(name)))]
      if (found.length === 0) unknown.push(name)
      return found
    })
  }
  return { names: { authors: all(query.from, people), channels: all(query.in, channels), mentions: all(query.mentions, called) }, unknown }
}

type Named = readonly [id: string, name: string]

function idsOf(name: string, among: readonly Named[]): string[] {
  const exact = among.filter(([, known]) => known === name)
  return (exact.length > 0 ? exact : among.filter(([, known]) => name !== '' && known.startsWith(name))).map(([id]) => id)
}
