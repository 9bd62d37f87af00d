/** What has become of an own message, in words. */
import type { IdentityId } from '../../wire/ids.ts'
import { because } from '../acts.ts'
import type { MessageLine } from '../parts/rows.ts'
import { number } from './formats.ts'

export function sendState({ state, author, authorName }: Pick<MessageLine, 'state' | 'author' | 'authorName'>): string {
  switch (state.type) {
    case 'received': return ''
    case 'saving': return 'Saving…'
    case 'securing': return 'Securing: waiting until it can be encrypted'
    case 'queued': return 'Queued on this device'
    case 'relay': return 'At the relay'
    case 'delivered':
      if (state.of === 1) return 'Delivered'
      return state.to === state.of ? `Delivered to all ${number(state.of)}` : `Delivered to ${number(state.to)} of ${number(state.of)}`
    case 'failed': return `Not sent: ${state.reason}`
    case 'refused': return `Not saved: ${state.reason}`
    case 'void': return `This doesn’t count, and nobody else is shown it: ${because({ by: author as IdentityId, byName: authorName, ...state }, author as IdentityId)}.`
    default: return state satisfies never
  }
}
