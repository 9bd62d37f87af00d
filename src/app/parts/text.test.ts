/** What people type, as it is drawn. Whatever it is, it stays text: no part of it becomes markup, an attribute or an address that runs something. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blocksOf, inlinesOf, isOnlyEmoji, plainOf, summaryOf, type Block, type Inline, type Item } from './text.ts'

/** The same as brackets, to read in a test. */
const shown = (parts: readonly Inline[]): string => parts.map((part) => ('inside' in part ? `[${part.type} ${shown(part.inside)}]` : part.type === 'text' ? part.text : `[${part.type} ${part.text}]`)).join('')
const inline = (text: string): string => shown(inlinesOf(text))
const item = ({ number, depth, inside }: Item): string => `${'  '.repeat(depth)}${number ?? '-'} ${shown(inside)}`
const blocks = (text: string): string[] =>
  blocksOf(text).map((block) => (block.type === 'code' ? `code ${block.text}` : block.type === 'list' ? `list ${block.items.map(item).join('|')}` : `${block.type} ${shown(block.inside)}`))

describe('marks', () => {
  test.each([
    ['**bold** and *italic* and _italic_', '[bold bold] and [italic italic] and [italic italic]'],
    ['~~gone~~ ||secret|| `code`', '[strike gone] [spoiler secret] [code code]'],
    ['***both***', '[bold [italic both]]'],
    ['**bold with *italic* in it**', '[bold bold with [italic italic] in it]'],
    ['`**not bold**`', '[code **not bold**]'],
    ['snake_case_name', 'snake_case_name'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['**open', '**open'],
    ['** spaced **', '** spaced **'],
    ['**a*', '*[italic a]'],
    ['\\*as typed\\*', '*as typed*'],
    ['a ``` alone', 'a ``` alone'],
  ])('%s', (typed, drawn) => { expect(inline(typed)).toBe(drawn) })
})

describe('addresses', () => {
  test.each([
    ['see https://example.org/a.', 'see [link https://example.org/a].'],
    ['(https://example.org/a_(b))', '([link https://example.org/a_(b)])'],
    ['https://example.org/x?y=1&z=2#k!', '[link https://example.org/x?y=1&z=2#k]!'],
    ['**https://example.org**', '[bold [link https://example.org]]'],
    ['javascript:alert(1) data:text/html,x', 'javascript:alert(1) data:text/html,x'],
    ['xhttps://example.org', 'xhttps://example.org'],
    ['https://', 'https://'],
  ])('%s', (typed, drawn) => { expect(inline(typed)).toBe(drawn) })
})

describe('blocks', () => {
  test('code between fences keeps every character, and its language is not part of it', () => {
    expect(blocks('look:\n```js\nlet a = "**b**"\n\n  a\n```\nnice')).toEqual(['text look:', 'code let a = "**b**"\n\n  a', 'text nice'])
  })
  test('a fence that isn’t closed stays as typed', () => { expect(blocks('```\nlet a')).toEqual(['text ```\nlet a']) })
  test('lines with > are a quote', () => { expect(blocks('> one\n> **two**\nthree')).toEqual(['quote one\n[bold two]', 'text three']) })
  test('a comparison is no quote', () => { expect(blocks('>3 and\n1 > 0')).toEqual(['text >3 and\n1 > 0']) })
  test('lines with - or a number are items, as deep as they stand in', () => {
    expect(blocks('Bring:\n- **seeds**\n  - beans\n      - broad ones\n3. water\n4. bread\nThanks')).toEqual(['text Bring:', 'list - [bold seeds]|  - beans|    - broad ones|3 water|4 bread', 'text Thanks'])
  })
  test.each(['-5 degrees', '- ', '1.5 l', '*bold*', '1234567890. x', '007. x', '5 - 3'])('no item: %s', (line) => { expect(blocksOf(line).map((block) => block.type)).toEqual(['text']) })
  test('lines stay lines', () => { expect(blocks('a\n\nb')).toEqual(['text a\n\nb']) })
})

/** Strings rich in what has a meaning here. */
const typed = fc.array(fc.oneof(
  fc.constantFrom('*', '**', '_', '~~', '||', '`', '```', '\n', '> ', '\n- ', '\n2. ', '\\', ' ', '<', '"', "'", '&', 'https://', 'javascript:', '<script>', '(', ')', 'word', 'é', '👩‍🌾'), fc.string({ maxLength: 4 }),
), { maxLength: 60 }).map((parts) => parts.join(''))

const leaves = (parts: readonly Inline[]): Inline[] => parts.flatMap((part) => ('inside' in part ? leaves(part.inside) : [part]))
const all = (text: string): Inline[] => blocksOf(text).flatMap((block: Block) => (block.type === 'code' ? [] : block.type === 'list' ? block.items.flatMap((one) => leaves(one.inside)) : leaves(block.inside)))
const words = (text: string): string => blocksOf(text).map((block) => (block.type === 'code' ? block.text : block.type === 'list' ? block.items.map((one) => `${one.number ?? ''} ${plainOf(one.inside)}`).join('\n') : plainOf(block.inside))).join('\n')

/** Whether the letters of one stand in the other in order. */
function isWithin(part: string, whole: string): boolean {
  let at = 0
  const letters = [...part]
  for (const letter of whole) if (letter === letters[at]) at++
  return at === letters.length
}

test('whatever is typed, what is drawn was typed, in its order: nothing is added', () => {
  fc.assert(fc.property(typed, (text) => { expect(isWithin(words(text).replaceAll('\n', ''), text)).toBe(true) }), { numRuns: 500 })
})

test('whatever is typed, only marks go: every other letter stays', () => {
  const letters = (text: string): string => text.replace(/```[\w+-]*/g, '').replace(/[^\p{L}\p{N}<>"&:/]/gu, '').replaceAll('>', '')
  fc.assert(fc.property(typed.filter((text) => !text.includes('```')), (text) => { expect(letters(words(text))).toBe(letters(text)) }), { numRuns: 500 })
})

test('whatever is typed, an address is http or https and stands as it was typed', () => {
  fc.assert(fc.property(typed, (text) => {
    for (const part of all(text)) {
      if (part.type !== 'link') continue
      expect(['http:', 'https:']).toContain(new URL(part.href).protocol)
      expect(part.href).toBe(part.text)
      expect(text).toContain(part.href)
    }
  }), { numRuns: 500 })
})

test('text without marks comes back as it was', () => {
  fc.assert(fc.property(fc.string().filter((text) => !/[*_~|`\\>]|https?:|^ *(-|\d+\.) /m.test(text)), (text) => { expect(words(text)).toBe(text) }))
})

test('a summary is one line, without marks, and spoils nothing', () => {
  expect(summaryOf('> old\n**new**: ||Bob|| did\n```\nx = 1\n```')).toBe('old new: ▒▒▒ did x = 1')
})

test('a few emoji alone are shown large', () => {
  for (const text of ['👍', '👩‍🌾 🌱', '🏳️‍🌈🎉']) expect(isOnlyEmoji(text), text).toBe(true)
  for (const text of ['', 'ok 👍', '1', '#', '👍'.repeat(20)]) expect(isOnlyEmoji(text), text).toBe(false)
})
