/** What watched windows hold, and how it changes: pure functions. */
import type { MessageInfo } from '../../api.ts'
import type { WindowChange, WindowEnds, WindowRow } from '../../api/windows.ts'
import type { OpId } from '../../wire/ids.ts'
import { MAX_WATCHED_ROWS } from '../limits.ts'

export interface Page { readonly rows: readonly WindowRow[]; readonly ends: WindowEnds; readonly firstUnread?: OpId | undefined }

const isSame = (a: WindowRow, b: WindowRow): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** What has to be done to one list so that it becomes another: nothing is said of rows that stay what and where they are. undefined: nothing has changed. */
export function changeOf(before: readonly WindowRow[], now: readonly WindowRow[]): Pick<WindowChange, 'gone' | 'rows'> | undefined {
  const known = new Map(before.map((row) => [row.message.id, row])), here = new Set(now.map((row) => row.message.id))
  const stays = (row: WindowRow): boolean => { const other = known.get(row.message.id); return other !== undefined && isSame(other, row) }
  const kept = new Set(now.filter(stays).map((row) => row.message.id))
  // Of those that are as they were, whoever is not next in the former order has moved.
  const order: readonly OpId[] = before.map((row) => row.message.id).filter((id) => kept.has(id)), moved = new Set<OpId>()
  let next = 0
  for (const { message: { id } } of now) {
    if (!kept.has(id) || moved.has(id)) continue
    for (let over = order[next]; over !== undefined && over !== id; over = order[next]) { moved.add(over); next++ }
    next++
  }
  const gone = before.map((row) => row.message.id).filter((id) => !here.has(id))
  const rows = now.flatMap((row, at) => (kept.has(row.message.id) && !moved.has(row.message.id) ? [] : [{ ...row, at }]))
  return gone.length + rows.length === 0 ? undefined : { gone, rows }
}

const inLine = (a: WindowRow, b: WindowRow): number => isBefore(a.message, b.message) ? -1 : 1
const isBefore = (a: MessageInfo, b: MessageInfo): boolean => a.order < b.order || (a.order === b.order && a.id < b.id)

/** What is new or changed takes its place between the ends; what it stands for leaves its own. A line that is followed for long lets go of its oldest. */
export function withNews(page: Page, news: readonly MessageInfo[]): Page {
  const rows = new Map(page.rows.map((row) => [row.message.id, row])), first = page.rows[0]?.message, last = page.rows.at(-1)?.message
  const { more, newer } = page.ends
  for (const message of news) {
    const isBetween = (!more || (first !== undefined && isBefore(first, message))) && (!newer || (last !== undefined && isBefore(message, last)))
    if (!isBetween && !rows.has(message.id) && (message.replaces === undefined || !rows.has(message.replaces))) continue
    if (message.replaces !== undefined) rows.delete(message.replaces)
    rows.set(message.id, { message })
  }
  const sorted = [...rows.values()].sort(inLine)
  // Not at each message that comes: whoever has scrolled far up is not to lose a row with each.
  return sorted.length <= 2 * MAX_WATCHED_ROWS ? { ...page, rows: sorted } : { ...page, rows: sorted.slice(-MAX_WATCHED_ROWS), ends: { ...page.ends, more: true } }
}

/** A line with a further page at one end. Of too many, those at the other end are let go. */
export function grown(before: Page, page: Page, to: 'older' | 'newer'): Page {
  const known = new Set(before.rows.map((row) => row.message.id)), added = page.rows.filter((row) => !known.has(row.message.id))
  const rows = [...before.rows, ...added].sort(inLine), over = rows.length - MAX_WATCHED_ROWS
  if (to === 'older') return { rows: rows.slice(0, MAX_WATCHED_ROWS), ends: { ...before.ends, more: page.ends.more, newer: before.ends.newer || over > 0 } }
  return { rows: rows.slice(-MAX_WATCHED_ROWS), ends: { ...before.ends, newer: page.ends.newer, more: before.ends.more || over > 0 } }
}
