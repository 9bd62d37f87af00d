/** Searching what was said. */
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { parseQuery } from '../search/query.ts'
import { isListed } from '../views.ts'
import type { Asked, Refusal, Run } from './asked.ts'

const DEFAULT_LIMIT = 25
const MINUTE_MS = 60_000

export async function searchMessages({ engine, turn, asker }: Asked, c: Run<'search-messages'>): Promise<Refusal> {
  const open = [...engine.replicas.values()].filter((replica) => replica.record.state === 'open')
  const replicas = c.space === undefined ? open : open.filter((replica) => replica.id === c.space)
  if (c.space !== undefined && replicas.length === 0) return fail('unknown-space')
  if (c.channel !== undefined && !replicas.some((replica) => c.channel !== undefined && isListed(replica, c.channel))) return fail('unknown-channel')
  const query = parseQuery(c.query, turn.now, (c.utcOffsetMinutes ?? 0) * MINUTE_MS)
  const limit = Math.min(c.limit ?? DEFAULT_LIMIT, limits.MAX_FOUND_PAGE)
  const search = { query, replicas, channel: c.channel, order: c.order ?? 'newest', limit } as const
  if (c.before === undefined) {
    await engine.searching.search(turn, { ...search, from: undefined }, (later, found) => later.out.reply(asker, found))
    return undefined
  }
  await engine.searching.locate(turn, replicas, c.before, (later, from) => (
    from === undefined ? later.out.refuse(asker, fail('unknown-message')) : engine.searching.search(later, { ...search, from }, (last, found) => last.out.reply(asker, found))
  ))
  return undefined
}
