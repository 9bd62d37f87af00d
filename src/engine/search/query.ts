/**
 * What people type into the search box:
 *
 *   moon landing        both words, in any order; the last one may still be half typed, and so may be the last syllable of a Korean one
 *   "moon landing"      these words in a row
 *   land*               words that begin so
 *   from:bob (a person, or all who hold a role)  in:general  mentions:me  has:link
 *   before:2026-11-01  after:2026-10  during:2025  (a year, a month, a day, or: today, yesterday)
 */
import type { UtcOffset } from '../../api.ts'
import { type Word, wordsOf } from './words.ts'

export type Has = 'link' | 'code' | 'reply'
const HAS: readonly Has[] = ['link', 'code', 'reply']

export interface Clause {
  /** In a row. */
  readonly words: readonly Pick<Word, 'text' | 'run'>[]
  /** The last word may go on. */
  readonly isOpen: boolean
}

export interface Query {
  readonly clauses: readonly Clause[]
  /** Names as typed: of several any one. */
  readonly from: readonly string[]
  readonly in: readonly string[]
  readonly mentions: readonly string[]
  readonly has: readonly Has[]
  /** Milliseconds since 1970: from `after` on, to `before` exclusively. */
  readonly after: number
  readonly before: number
  /** Parts that can't be understood, as typed: said to the person, and otherwise left out. */
  readonly unclear: readonly string[]
  /** All that was typed is signs that nobody is found by. */
  readonly isBlank: boolean
}

export const MAX_QUERY_CHARS = 500
const MAX_CLAUSES = 16
const DAY_MS = 24 * 3600_000, MINUTE_MS = 60_000

export function parseQuery(text: string, now: number, utcOffsets: readonly UtcOffset[] = []): Query {
  const clauses: Clause[] = [], from: string[] = [], inside: string[] = [], mentions: string[] = [], has: Has[] = [], unclear: string[] = []
  let after = 0, before = Number.MAX_SAFE_INTEGER, hasFilter = false
  for (const part of partsOf(text.slice(0, MAX_QUERY_CHARS))) {
    if (part.key === undefined) {
      const words = wordsOf(part.value)
      // Written without a space, but found as words in a row: "3.5", "e-mail".
      if (words.length > 0 && clauses.length < MAX_CLAUSES) clauses.push({ words: words.map(({ text: word, run }) => ({ text: word, run })), isOpen: part.isOpen })
      continue
    }
    const { key, value } = part
    hasFilter = true
    const day = key === 'before' || key === 'after' || key === 'during' ? span(value.toLowerCase(), now, utcOffsets) : undefined
    const kind = key === 'has' ? HAS.find((known) => known === value.toLowerCase()) : undefined
    if (key === 'from') from.push(value)
    else if (key === 'in') inside.push(value)
    else if (key === 'mentions') mentions.push(value)
    else if (kind !== undefined) has.push(kind)
    else if (day !== undefined) {
      if (key !== 'after') before = Math.min(before, key === 'before' ? day.start : day.end)
      if (key !== 'before') after = Math.max(after, key === 'after' ? day.end : day.start)
    } else unclear.push(`${key}:${value}`)
  }
  return { clauses, from, in: inside, mentions, has, after, before, unclear, isBlank: !hasFilter && clauses.length === 0 && text.trim() !== '' }
}

interface Part { readonly key: string | undefined; readonly value: string; readonly isOpen: boolean }

const PART = /(?:(from|in|has|mentions|before|after|during):)?(?:"([^"]*)("?)|([^\s"]+))/giu

function partsOf(text: string): Part[] {
  const out: Part[] = []
  for (const match of text.matchAll(PART)) {
    const [whole, key, quoted, closing, bare = ''] = match
    const isAtEnd = match.index + whole.length === text.length
    if (quoted !== undefined) { out.push({ key: key?.toLowerCase(), value: quoted.trim(), isOpen: closing === '' }); continue }
    out.push({ key: key?.toLowerCase(), value: bare.replace(/^[@#]/u, ''), isOpen: bare.endsWith('*') || isAtEnd })
  }
  return out
}

/** A year, a month, a day, today or yesterday, in local time. */
function span(value: string, now: number, utcOffsets: readonly UtcOffset[]): { readonly start: number; readonly end: number } | undefined {
  const days = (start: number, end: number) => ({ start: startOf(start, utcOffsets), end: startOf(end, utcOffsets) })
  const today = Math.floor((now + aheadAt(now, utcOffsets)) / DAY_MS)
  if (value === 'today') return days(today, today + 1)
  if (value === 'yesterday') return days(today - 1, today)
  const [, y, m, d] = /^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$/u.exec(value) ?? []
  if (y === undefined) return undefined
  const year = Number(y), month = m === undefined ? undefined : Number(m) - 1, day = d === undefined ? undefined : Number(d)
  if (year < 1970 || (month !== undefined && (month < 0 || month > 11)) || (day !== undefined && (day < 1 || day > daysIn(year, month ?? 0)))) return undefined
  const start = dayNumber(year, month ?? 0, day ?? 1)
  const end = day !== undefined ? start + 1 : month !== undefined ? start + daysIn(year, month) : dayNumber(year + 1, 0, 1)
  return days(start, end)
}

const aheadAt = (at: number, utcOffsets: readonly UtcOffset[]): number => (utcOffsets.findLast(([from]) => from <= at) ?? utcOffsets[0] ?? [0, 0])[1] * MINUTE_MS

/** When a day begins where clocks are so far ahead then: what they are ahead by is known of the hours around it, and clocks change less than a day before or after. */
function startOf(day: number, utcOffsets: readonly UtcOffset[]): number {
  const utc = day * DAY_MS, guess = utc - aheadAt(utc, utcOffsets)
  return utc - aheadAt(guess, utcOffsets)
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
const daysIn = (year: number, month: number): number => (month === 1 ? (isLeap(year) ? 29 : 28) : [3, 5, 8, 10].includes(month) ? 30 : 31)

/** Days since 1970: the engine has no calendar of its own. */
function dayNumber(year: number, month: number, day: number): number {
  const y = year - 1
  const before = y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) - 719_162
  let days = before + day - 1
  for (let m = 0; m < month; m++) days += daysIn(year, m)
  return days
}
