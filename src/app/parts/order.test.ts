import { expect, test } from 'vitest'
import type { CategoryInfo, ChannelInfo } from '../../api.ts'
import { channelId } from '../messages.test-support.ts'
import { categoryStep, dropOf, endOf, groupsOf, landingOf, stepOf } from './order.ts'

const channel = (name: string, category?: string): ChannelInfo =>
  ({ channel: channelId(name), name, topic: '', kind: 'text', category: category === undefined ? undefined : channelId(category), unread: 0, mentions: 0, may: [], keeps: undefined, slowMs: 0, nextAt: 0, private: false, readers: undefined, history: undefined, state: 'readable' })
const category = (name: string): CategoryInfo => ({ category: channelId(name), name })
const CATEGORIES = [category('plants'), category('tools')]
const GROUPS = groupsOf([channel('general'), channel('beans', 'plants'), channel('peas', 'plants')], CATEGORIES)
const id = channelId

test('channels in no category come first, and empty categories are there', () => {
  expect(GROUPS.map((g) => [g.category?.name, g.channels.map((c) => c.name)])).toEqual([[undefined, ['general']], ['plants', ['beans', 'peas']], ['tools', []]])
})

test('a step moves a channel past its neighbour, and over the edge into the next category', () => {
  expect(stepOf(GROUPS, id('peas'), -1)).toEqual({ category: id('plants') })
  expect(stepOf(GROUPS, id('beans'), 1)).toEqual({ category: id('plants'), after: id('peas') })
  expect(stepOf(GROUPS, id('beans'), -1)).toEqual({ after: id('general') })
  expect(stepOf(GROUPS, id('general'), 1)).toEqual({ category: id('plants') })
  expect(stepOf(GROUPS, id('peas'), 1)).toEqual({ category: id('tools') })
  expect(stepOf(GROUPS, id('general'), -1)).toBeUndefined()
})

test('a channel is dropped in front of another, or behind it', () => {
  expect(dropOf(GROUPS, id('general'), id('peas'), false)).toEqual({ category: id('plants'), after: id('beans') })
  expect(dropOf(GROUPS, id('beans'), id('peas'), true)).toEqual({ category: id('plants'), after: id('peas') })
  expect(dropOf(GROUPS, id('peas'), id('beans'), false)).toEqual({ category: id('plants') })
  expect(dropOf(GROUPS, id('peas'), id('peas'), true)).toBeUndefined()
})

test('a channel goes to the end of a category', () => {
  const [none, plants, tools] = GROUPS
  if (none === undefined || plants === undefined || tools === undefined) expect.fail('a group is missing')
  expect([endOf(plants, id('beans')), endOf(plants, id('general')), endOf(tools, id('general')), endOf(none, id('beans'))])
    .toEqual([{ category: id('plants'), after: id('peas') }, { category: id('plants'), after: id('peas') }, { category: id('tools') }, { after: id('general') }])
})

test('where it comes to stand can be said beforehand', () => {
  expect(landingOf(GROUPS, id('general'), { category: id('plants'), after: id('beans') })).toEqual({ place: 2, of: 3, category: 'plants' })
  expect(landingOf(GROUPS, id('beans'), { category: id('plants'), after: id('peas') })).toEqual({ place: 2, of: 2, category: 'plants' })
  expect(landingOf(GROUPS, id('peas'), {})).toEqual({ place: 1, of: 2, category: undefined })
})

test('a category moves past its neighbour', () => {
  expect(categoryStep(CATEGORIES, id('tools'), -1)).toEqual({})
  expect(categoryStep(CATEGORIES, id('plants'), 1)).toEqual({ after: id('tools') })
  expect(categoryStep(CATEGORIES, id('plants'), -1)).toBeUndefined()
})
