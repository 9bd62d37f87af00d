import { expect, test } from 'vitest'
import { EMOJI, findEmoji, USUAL } from './emoji.ts'
import { isOnlyEmoji } from './text.ts'

const find = (query: string): string[] => findEmoji(query).map((e) => e.emoji)

test('each stands there once, is one emoji, and has words', () => {
  expect(new Set(EMOJI.map((e) => e.emoji)).size).toBe(EMOJI.length)
  for (const { emoji, words } of EMOJI) {
    expect(isOnlyEmoji(emoji), emoji).toBe(true)
    expect(words, emoji).toMatch(/^[a-z ]+$/)
  }
  for (const emoji of USUAL) expect(EMOJI.map((e) => e.emoji)).toContain(emoji)
})

test('words find emoji by their beginnings, the best first', () => {
  expect(find('thumbs')).toEqual(['👍', '👎'])
  expect(find('heart red')).toEqual(['❤️'])
  expect(find(':tada:')).toEqual(['🎉'])
  expect(find('heart')[0]).toBe('❤️')
  expect(find('🌱')).toEqual(['🌱'])
  expect(find('xyzzy')).toEqual([])
})
