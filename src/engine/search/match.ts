/** Whether a text is what was asked for, and where. The index only proposes; this decides, on the text as it is now. */
import { HLC_STEP } from '../../wire/op.ts'
import type { Clause, Has, Query } from './query.ts'
import { findPiece, fold, type Word, wordsOf } from './words.ts'

/** UTF-16 offsets into the text. */
export type Span = readonly [start: number, end: number]

export interface Candidate { readonly text: string; readonly author: string; readonly channel: string; readonly hlc: number; readonly isReply: boolean; readonly mentions: readonly string[] }
/** What the names in a query mean; undefined: it names none. */
export interface Names { readonly authors: readonly string[] | undefined; readonly channels: readonly string[] | undefined; readonly mentions: readonly string[] | undefined }

/** Where a message is what was asked for (nowhere in its text if that was not about words); undefined when it is not. */
export function meets(query: Query, names: Names, message: Candidate): Span[] | undefined {
  const isNamed = (wanted: readonly string[] | undefined, is: readonly string[]): boolean => wanted === undefined || wanted.some((name) => is.includes(name))
  const features = featuresOf(message), ms = message.hlc / HLC_STEP
  const isIt = isNamed(names.authors, [message.author]) && isNamed(names.channels, [message.channel]) && isNamed(names.mentions, message.mentions) &&
    query.has.every((what) => features.includes(what)) && ms >= query.after && ms < query.before
  return isIt && message.text !== '' ? matchText(query.clauses, message.text) : undefined
}

/** Where the clauses are met, in order and without overlap; undefined when one is not. */
export function matchText(clauses: readonly Clause[], text: string): Span[] | undefined {
  const words = wordsOf(text), spans: Span[] = []
  for (const clause of clauses) {
    const found = matchClause(clause, words, text)
    if (found.length === 0) return undefined
    spans.push(...found)
  }
  return merged(spans)
}

function matchClause(clause: Clause, words: readonly Word[], text: string): Span[] {
  const out: Span[] = [], { length } = clause.words
  for (let at = 0; at + length <= words.length; at++) {
    const spans: Span[] = []
    for (const [i, wanted] of clause.words.entries()) {
      const word = words[at + i]
      const span = word === undefined ? undefined : matchWord(wanted, word, text, { isFirst: i === 0, isLast: i === length - 1, isOpen: clause.isOpen })
      if (span === undefined) break
      spans.push(span)
    }
    if (spans.length === length) out.push(...spans)
  }
  return out
}

interface Standing { readonly isFirst: boolean; readonly isLast: boolean; readonly isOpen: boolean }

function matchWord(wanted: Clause['words'][number], word: Word, text: string, { isFirst, isLast, isOpen }: Standing): Span | undefined {
  if (wanted.run !== word.run) return undefined
  if (!word.run) return word.text === wanted.text || (isOpen && isLast && word.text.startsWith(wanted.text)) ? [word.start, word.end] : undefined
  // In a row with others: up to the next one, and from the last one on.
  const at = isFirst && !isLast ? word.text.length - wanted.text.length : isFirst ? findPiece(word.text, wanted.text, 0, isOpen && isLast) : 0
  if (at < 0 || findPiece(word.text.slice(0, at + wanted.text.length), wanted.text, at, isOpen && isLast) !== at || (!isLast && at + wanted.text.length < word.text.length)) return undefined
  // Folding may have changed its length; then the whole run is marked.
  const same = fold(text.slice(word.start, word.end)).length === word.end - word.start
  return same ? [word.start + at, word.start + at + wanted.text.length] : [word.start, word.end]
}

function merged(spans: readonly Span[]): Span[] {
  const out: Span[] = []
  for (const span of [...spans].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = out.at(-1)
    if (last !== undefined && span[0] <= last[1]) out[out.length - 1] = [last[0], Math.max(last[1], span[1])]
    else out.push(span)
  }
  return out
}

const LINK = /https?:\/\/\S/u

export function featuresOf(message: { readonly text: string; readonly isReply: boolean }): Has[] {
  const out: Has[] = []
  if (LINK.test(message.text)) out.push('link')
  if (message.text.includes('`')) out.push('code')
  if (message.isReply) out.push('reply')
  return out
}

const SNIPPET_CHARS = 180
const LEAD_CHARS = 40

/** A piece of the text around what was found first, with the spans that lie in it. */
export function snippetOf(text: string, spans: readonly Span[]): { readonly text: string; readonly spans: readonly Span[] } {
  const first = spans[0]?.[0] ?? 0
  let start = text.length <= SNIPPET_CHARS || first < SNIPPET_CHARS - LEAD_CHARS ? 0 : first - LEAD_CHARS
  if (start > 0) start = nextStart(text, start)
  const piece = text.slice(start, start + SNIPPET_CHARS).replace(/[\ud800-\udbff]$/u, '')
  const end = start + piece.length
  return { text: piece, spans: spans.filter(([from, to]) => from >= start && to <= end).map(([from, to]) => [from - start, to - start]) }
}

/** The next place that begins a word, so that no character is cut in two. */
function nextStart(text: string, at: number): number {
  const space = text.slice(at, at + LEAD_CHARS).search(/\s\S/u)
  return space >= 0 ? at + space + 1 : /[\udc00-\udfff]/u.test(text.charAt(at)) ? at + 1 : at
}
