/** What somebody has begun to write in a channel and not sent: kept on this device, sealed like everything else, and nobody else's business. */
import { fromHex, fromUtf8, utf8 } from '../../wire/bytes.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

/** One row a channel: the text in UTF-8. */
const partition = (space: string): string => `unsent/${space}`

export function keepDraft({ turn, asker, replica }: AskedIn, c: Run<'keep-draft'>): Refusal {
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  if (c.text.length > limits.MAX_DRAFT_CHARS) return fail('text-too-long')
  const key = fromHex(c.channel) as Uint8Array
  if (c.text === '') turn.out.delete(partition(replica.id), key); else turn.out.put(partition(replica.id), key, utf8(c.text))
  turn.out.reply(asker, {})
  return undefined
}

export function getDraft({ engine, turn, asker, replica }: AskedIn, c: Run<'get-draft'>): undefined {
  const from = fromHex(c.channel) as Uint8Array
  engine.questions.ask(turn, partition(replica.id), { from, limit: 1 }, (later, [row]) => {
    const text = row !== undefined && row.key.every((byte, i) => byte === from[i]) ? fromUtf8(row.value) : undefined
    later.out.reply(asker, { text: text ?? '' })
  })
}
