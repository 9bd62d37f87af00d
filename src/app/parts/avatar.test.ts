import { expect, test } from 'vitest'
import { emojiOf, hueOf, initials } from './avatar.ts'

test('Bob has the colour that his id gives him until he chooses another', () => {
  expect([hueOf('0000'), hueOf('ffff'), hueOf('ffff', { colour: 0 }), hueOf('ffff', { colour: 1 }), hueOf('0000', { colour: 12 })]).toEqual([0, 360, 360, 0, 330])
})

test('one sign is shown of what somebody says is an emoji, whole', () => {
  expect([emojiOf(undefined), emojiOf({ emoji: '' }), emojiOf({ emoji: '👩🏽‍🌾' }), emojiOf({ emoji: 'ADMIN' })]).toEqual(['', '', '👩🏽‍🌾', 'A'])
})

test('initials are those of two words, or a question', () => { expect([initials('Bob'), initials('ada b. lovelace'), initials(' ')]).toEqual(['B', 'AB', '?']) })
