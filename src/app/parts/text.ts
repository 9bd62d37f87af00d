/**
 * What people type becomes blocks and marks, as they know it from other chats: **bold**, *italic* or _italic_, ~~strike~~, ||spoiler||, `code`, ``` blocks, > quotes,
 * lists with - or 1., web addresses. The result is data that components draw: no HTML is ever made of it. What isn't closed stays as it was typed.
 */
export type MarkType = 'bold' | 'italic' | 'strike' | 'spoiler'
export type Inline =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'link'; readonly text: string; readonly href: string }
  | { readonly type: MarkType; readonly inside: readonly Inline[] }
export type Block =
  | { readonly type: 'text' | 'quote'; readonly inside: readonly Inline[] }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'list'; readonly items: readonly Item[] }
/** `number`: as it was typed, of a numbered one. */
export interface Item { readonly number: number | undefined; readonly depth: number; readonly inside: readonly Inline[] }

/** Marks in marks, so deep. */
const MAX_DEPTH = 8
const MARKS: readonly (readonly [marker: string, type: MarkType])[] = [['**', 'bold'], ['~~', 'strike'], ['||', 'spoiler'], ['*', 'italic'], ['_', 'italic']]
/** Only http and https: nothing that a click could run. */
const ADDRESS = /https?:\/\/[^\s<>"']+/y
/** What closes a sentence is not part of the address before it; a bracket is when it was opened in it. */
const TRAILING = /[.,;:!?*_~|]+$/
const WORD = /[\p{L}\p{N}]/u
const FENCE = /```(?:[\w+-]*\n)?([\s\S]*?)\n?```\n?/g
/** What comes before an item, two spaces for each step inwards; what stands before a word; and the rest of the line. 007 is a name, not a number. */
const ITEM = /^( {0,8})(?:[-*]|(0|[1-9]\d{0,8})\.) (?=\S)(.*)$/
const MAX_ITEM_DEPTH = 2
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s*){1,6}$/v

export function blocksOf(text: string): Block[] {
  const out: Block[] = []
  let at = 0
  for (const match of text.matchAll(FENCE)) {
    const code = match[1] ?? ''
    if (code.trim() === '') continue
    out.push(...linesOf(text.slice(at, match.index).replace(/\n$/, '')), { type: 'code', text: code })
    at = match.index + match[0].length
  }
  out.push(...linesOf(text.slice(at)))
  return out
}

/** Lines that begin with `> ` are somebody else's words, those that begin with `- ` or `1. ` items. */
function linesOf(text: string): Block[] {
  const out: Block[] = []
  let run: string[] = [], items: Item[] = []
  let type: 'text' | 'quote' | 'list' = 'text'
  const flush = (): void => {
    const joined = run.join('\n')
    if (type === 'list') out.push({ type, items })
    else if (joined !== '') out.push({ type, inside: inlinesOf(joined) })
    run = []
    items = []
  }
  for (const line of text.split('\n')) {
    const item = itemOf(line), isQuoted = line.startsWith('> ')
    const next = item !== undefined ? 'list' : isQuoted ? 'quote' : 'text'
    if (next !== type) { flush(); type = next }
    if (item !== undefined) items.push(item); else run.push(isQuoted ? line.slice(2) : line)
  }
  flush()
  return out
}

function itemOf(line: string): Item | undefined {
  const [, indent = '', number, words] = ITEM.exec(line) ?? []
  if (words === undefined) return undefined
  return { number: number === undefined ? undefined : Number(number), depth: Math.min(MAX_ITEM_DEPTH, Math.floor(indent.length / 2)), inside: inlinesOf(words) }
}

export function inlinesOf(text: string, depth = 0): Inline[] {
  const out: Inline[] = []
  let plain = ''
  let at = 0
  const push = (inline: Inline, length: number): void => {
    if (plain !== '') out.push({ type: 'text', text: plain })
    plain = ''
    out.push(inline)
    at += length
  }
  while (at < text.length) {
    if (text[at] === '\\' && /[*_~|`\\>]/.test(text[at + 1] ?? '')) { plain += text[at + 1]; at += 2; continue }
    const found = codeAt(text, at) ?? linkAt(text, at) ?? (depth < MAX_DEPTH ? markAt(text, at, depth) : undefined)
    if (found !== undefined) push(found.inline, found.length)
    else plain += text[at++]
  }
  if (plain !== '') out.push({ type: 'text', text: plain })
  return out
}

interface Found { readonly inline: Inline; readonly length: number }

function codeAt(text: string, at: number): Found | undefined {
  if (text[at] !== '`') return undefined
  const end = text.indexOf('`', at + 1)
  return end > at + 1 ? { inline: { type: 'code', text: text.slice(at + 1, end) }, length: end + 1 - at } : undefined
}

function linkAt(text: string, at: number): Found | undefined {
  if (text[at] !== 'h' || WORD.test(text[at - 1] ?? '')) return undefined
  ADDRESS.lastIndex = at
  let address = ADDRESS.exec(text)?.[0]
  if (address === undefined) return undefined
  for (let before = ''; before !== address;) {
    before = address
    address = address.replace(TRAILING, '')
    for (const [open, close] of ['()', '[]', '{}']) if (open && close && address.endsWith(close) && count(address, close) > count(address, open)) address = address.slice(0, -1)
  }
  return URL.canParse(address) ? { inline: { type: 'link', text: address, href: address }, length: address.length } : undefined
}

const count = (text: string, letter: string): number => text.split(letter).length - 1

function markAt(text: string, at: number, depth: number): Found | undefined {
  for (const [marker, type] of MARKS) {
    if (!text.startsWith(marker, at)) continue
    const end = closing(text, at, marker)
    if (end === undefined) continue
    return { inline: { type, inside: inlinesOf(text.slice(at + marker.length, end), depth + 1) }, length: end + marker.length - at }
  }
  return undefined
}

/** Where the mark that opens here closes: marks hug what they mark, and _ inside a word is a letter, as in snake_case. */
function closing(text: string, at: number, marker: string): number | undefined {
  const start = at + marker.length
  const isUnderscore = marker === '_'
  if (/\s/.test(text[start] ?? ' ') || (marker === '*' && text[start] === '*') || (isUnderscore && WORD.test(text[at - 1] ?? ''))) return undefined
  for (let end = text.indexOf(marker, start + 1); end >= 0; end = text.indexOf(marker, end + 1)) {
    const [before = '', after = ''] = [text[end - 1], text[end + marker.length]]
    if (/\s|\\/.test(before) || (isUnderscore && WORD.test(after))) continue
    // One of two stars closes nothing that one star opened; of three, the last one or two do.
    if (marker === '*' && after === '*') { end++; continue }
    return marker === '**' && after === '*' ? end + 1 : end
  }
  return undefined
}

/** All of it on one line, for where it is only pointed at: spoilers stay hidden. */
export function summaryOf(text: string): string {
  const words = (inside: readonly Inline[]): string => inside.map((part) => (part.type === 'spoiler' ? '▒▒▒' : 'inside' in part ? words(part.inside) : part.text)).join('')
  const line = (block: Block): string => (block.type === 'code' ? block.text : block.type === 'list' ? block.items.map((item) => words(item.inside)).join(', ') : words(block.inside))
  return blocksOf(text).map(line).join(' ').replace(/\s+/g, ' ').trim()
}

/** What a screen reader or a hidden spoiler may need: the words alone. */
export const plainOf = (inside: readonly Inline[]): string => inside.map((part) => ('inside' in part ? plainOf(part.inside) : part.text)).join('')

export const isOnlyEmoji = (text: string): boolean => text.length <= 80 && ONLY_EMOJI.test(text)
