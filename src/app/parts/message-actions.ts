/** What can be done with a message, by whom; and the keys for it while the message has the focus. */
import type { Profile } from '../../api.ts'
import type { Place } from './popup.ts'
import type { MessageLine } from './rows.ts'

export type Action = 'react' | 'reply' | 'thread' | 'edit' | 'copy' | 'pin' | 'unpin' | 'retry' | 'discard' | 'delete'

/** What the person may do in the space, as far as messages go. */
export interface Rights { readonly write: boolean; readonly react: boolean; readonly manage: boolean; readonly thread: boolean }

/** Who does it. */
export interface Actor {
  readonly rights: Rights
  /** The message whose text is being changed, and what it is by now. */
  readonly editing: { readonly key: string; readonly text: string } | undefined
  readonly nameOf: (member: string) => string
  readonly faceOf: (member: string) => Profile | undefined
  readonly markOf: (member: string) => string | undefined
  readonly act: (action: Action, row: MessageLine, place: Place) => void
  readonly openMenu: (row: MessageLine, place: Place) => void
  readonly toggleReaction: (row: MessageLine, emoji: string) => void
  /** undefined: leaves it as it was. */
  readonly edit: (text: string | undefined) => void
  readonly saveEdit: () => void
}

export function actionsOf(row: MessageLine, rights: Rights): Action[] {
  const { saved } = row
  if (row.state.type === 'refused') return ['copy', 'retry', 'discard']
  // Until it has its lasting id, nothing can point at it, nor at what doesn't count. Of what was deleted nothing is left to point at.
  if (saved === undefined || row.state.type === 'securing' || row.state.type === 'void') return ['copy']
  if (saved.deleted) return []
  const all: Action[] = []
  if (rights.react) all.push('react')
  if (rights.write) all.push('reply')
  // In a thread there is no further one; one that began is open to whoever reads.
  if (saved.thread === undefined && (rights.thread || saved.replies !== undefined)) all.push('thread')
  if (row.mine && rights.write) all.push('edit')
  all.push('copy')
  if (rights.manage) all.push(saved.pinned ? 'unpin' : 'pin')
  if (row.state.type === 'failed') all.push('retry')
  if (rights.manage || (rights.write && row.mine)) all.push('delete')
  return all
}

/** Single letters, since the message has the focus and nothing is typed there. Delete asks first. */
export const ACTION_KEYS: Readonly<Partial<Record<Action, string>>> = { react: '+', reply: 'R', thread: 'T', edit: 'E', copy: 'C', pin: 'P', unpin: 'P', delete: 'Del' }

export function actionOfKey(key: string, actions: readonly Action[]): Action | undefined {
  const wanted = key === 'Delete' || key === 'Backspace' ? 'DEL' : key.toUpperCase()
  return actions.find((action) => ACTION_KEYS[action]?.toUpperCase() === wanted)
}
