/** Who could be taken for somebody else is marked, and nobody else. */
import { expect, test } from 'vitest'
import { looks, marksOf } from './namesakes.ts'

const member = (n: string, name: string) => ({ member: n.repeat(64), name })

test.each([
  ['Alice', 'alice'], ['Alice', 'Аlіce'], ['Alice', 'A l i c e'], ['Alice', 'Al\u200bice'], ['Alice', 'Álice'], ['Bill', 'BiII'], ['Bob', 'B0b'], ['Ａnna', 'Anna'], ['Σ', 'ς'.toUpperCase()],
])('%s and %s look alike', (a, b) => { expect(looks(a)).toBe(looks(b)) })

test.each([['Alice', 'Alicia'], ['Анна', 'Оля'], ['🐝', '🐌'], ['李', '王']])('%s and %s do not', (a, b) => { expect(looks(a)).not.toBe(looks(b)) })

test('both Alices have letters of their own beside them, Bob has none', () => {
  expect([...marksOf([member('a', 'Alice'), member('b', 'Bob'), member('c', 'AIice')])]).toEqual([['a'.repeat(64), 'aaaaaa'], ['c'.repeat(64), 'cccccc']])
})
