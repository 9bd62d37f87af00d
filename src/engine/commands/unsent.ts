/** What somebody has begun to write in a channel, or in a thread, and not sent: kept on this device, sealed like everything else, and nobody else's business. */
import { concat, equal, fromHex, fromUtf8, utf8 } from '../../wire/bytes.ts'
import type { ChannelId, OpId } from '../../wire/ids.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

/** One row a channel, and one a thread in it, by the message that began it: the text in UTF-8. */
const partition = (space: string): string => `unsent/${space}`

const keyOf = ({ channel, thread }: { readonly channel: ChannelId; readonly thread?: OpId }): Uint8Array => concat(...[channel, ...(thread === undefined ? [] : [thread])].map((id) => fromHex(id) as Uint8Array))

export function keepDraft({ turn, asker, replica }: AskedIn, c: Run<'keep-draft'>): Refusal {
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  if (c.text.length > limits.MAX_DRAFT_CHARS) return fail('text-too-long')
  const key = keyOf(c)
  if (c.text === '') turn.out.delete(partition(replica.id), key); else turn.out.put(partition(replica.id), key, utf8(c.text))
  turn.out.reply(asker, {})
  return undefined
}

export function getDraft({ engine, turn, asker, replica }: AskedIn, c: Run<'get-draft'>): undefined {
  const from = keyOf(c)
  engine.questions.ask(turn, partition(replica.id), { from, limit: 1 }, (later, [row]) => {
    const text = row !== undefined && equal(row.key, from) ? fromUtf8(row.value) : undefined
    later.out.reply(asker, { text: text ?? '' })
  })
}
