/** Channels under their categories, and where one goes when it is moved by a step, over the edge of its category as well, or is dropped somewhere. */
import type { CategoryInfo, ChannelInfo } from '../../api.ts'
import type { ChannelId } from '../../wire/ids.ts'

/** `category` is undefined for channels in none: they come first. */
export interface Group { readonly category: CategoryInfo | undefined; readonly channels: readonly ChannelInfo[] }

/** Behind `after`, or left out: to the front. */
export interface Spot { readonly category?: ChannelId; readonly after?: ChannelId }

export function groupsOf(channels: readonly ChannelInfo[], categories: readonly CategoryInfo[]): Group[] {
  return [undefined, ...categories].map((category) => ({ category, channels: channels.filter((c) => c.category === category?.category) }))
}

function spot(group: Group, index: number): Spot {
  const after = group.channels[index - 1]?.channel
  return { ...(group.category && { category: group.category.category }), ...(after && { after }) }
}

/** undefined: there is no further place that way. */
export function stepOf(groups: readonly Group[], channel: ChannelId, step: -1 | 1): Spot | undefined {
  const at = groups.findIndex((g) => g.channels.some((c) => c.channel === channel)), group = groups[at]
  if (group === undefined) return undefined
  const others: Group = { ...group, channels: group.channels.filter((c) => c.channel !== channel) }
  const index = group.channels.findIndex((c) => c.channel === channel) + step
  if (index >= 0 && index <= others.channels.length) return spot(others, index)
  const next = groups[at + step]
  return next && spot(next, step < 0 ? next.channels.length : 0)
}

/** In front of another channel, or behind it. */
export function dropOf(groups: readonly Group[], channel: ChannelId, on: ChannelId, isBehind: boolean): Spot | undefined {
  const group = groups.find((g) => g.channels.some((c) => c.channel === on))
  if (group === undefined || channel === on) return undefined
  const others: Group = { ...group, channels: group.channels.filter((c) => c.channel !== channel) }
  return spot(others, others.channels.findIndex((c) => c.channel === on) + (isBehind ? 1 : 0))
}

export const endOf = (group: Group, channel: ChannelId): Spot => {
  const others = group.channels.filter((c) => c.channel !== channel)
  return spot({ ...group, channels: others }, others.length)
}

/** What a move comes to, in words' numbers. */
export function landingOf(groups: readonly Group[], channel: ChannelId, { category, after }: Spot): { readonly place: number; readonly of: number; readonly category: string | undefined } {
  const group = groups.find((g) => g.category?.category === category)
  const others = (group?.channels ?? []).filter((c) => c.channel !== channel)
  return { place: others.findIndex((c) => c.channel === after) + 2, of: others.length + 1, category: group?.category?.name }
}

export function categoryStep(categories: readonly CategoryInfo[], category: ChannelId, step: -1 | 1): Spot | undefined {
  const index = categories.findIndex((c) => c.category === category) + step
  if (index < 0 || index >= categories.length) return undefined
  const after = categories.filter((c) => c.category !== category)[index - 1]?.category
  return after === undefined ? {} : { after }
}
