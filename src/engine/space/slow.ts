/**
 * Slow mode: how long (ms) a device waits between two messages in a channel, unless its person may manage messages. A message counts only if its label is so much later than
 * that of the last one before it in its device's chain of the channel, whether that one counts or not (A35).
 */
import type { AuthorityBody } from '../../wire/authority.ts'
import type { ChannelId } from '../../wire/ids.ts'
import type { View } from './view.ts'

const everyMs = (body: AuthorityBody): number => (body.type === 'slowMode' ? body.everyMs : 0)

/** Of several at the same time the longest. */
export function slowMode(view: View, channel: ChannelId): number {
  const index = view.register(`slow ${channel}`, (a, b) => everyMs(b) - everyMs(a))
  const body = index === undefined ? undefined : view.body(index, 'slowMode')
  return body === undefined ? 0 : body.everyMs
}
