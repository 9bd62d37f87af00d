/** The order of channels and categories: moving one writes its own place alone, so that two people who move different things don't disturb each other. */
import type { AuthorityBody } from '../../wire/authority.ts'
import type { ChannelId } from '../../wire/ids.ts'
import { fail } from '../errors.ts'
import type { Replica } from '../replica.ts'
import { inPlace, placeBetween, placesFor } from '../space/order.ts'
import { categoryOf, isListed } from '../views.ts'
import { type AskedIn, changeAll, type Refusal, type Run } from './asked.ts'

export function moveChannel(asked: AskedIn, c: Run<'move-channel'>): Promise<Refusal> | Refusal {
  const { replica } = asked, { channels } = replica.authority.state
  const kind = channels.get(c.channel)?.kind
  if (kind === undefined || !isListed(replica, c.channel)) return fail('unknown-channel')
  if (c.category !== undefined && channels.get(c.category)?.kind !== 'category') return fail('unknown-channel')
  if (c.category !== undefined && kind === 'category') return fail('bad-request', 'A category can’t be inside another one.')
  const siblings = siblingsOf(replica, c.category, kind === 'category').filter(([id]) => id !== c.channel)
  const at = c.after === undefined ? 0 : siblings.findIndex(([id]) => id === c.after) + 1
  if (c.after !== undefined && at === 0) return fail('unknown-channel')
  const place = placeBetween(siblings[at - 1]?.[1] ?? '', siblings[at]?.[1] ?? '')
  if (place !== undefined) return changeAll(asked, [{ type: 'channelPlace', channel: c.channel, category: c.category, place }])
  // Two stand in one place, or the gap is used up: all get places anew.
  const order = siblings.map(([id]) => id)
  order.splice(at, 0, c.channel)
  const places = placesFor(order.length)
  return changeAll(asked, order.map((channel, i): AuthorityBody => ({ type: 'channelPlace', channel, category: c.category, place: places[i] as string })))
}

/** In their order, with their places: the categories, or the channels in one, or those in none. */
export function siblingsOf(replica: Replica, category: ChannelId | undefined, areCategories: boolean): [ChannelId, string][] {
  const { state } = replica.authority
  return inPlace(state.channels, (c) => c.place)
    .filter(([, c]) => (c.kind === 'category') === areCategories && categoryOf(state, c) === category)
    .map(([id, c]) => [id as ChannelId, c.place])
}
