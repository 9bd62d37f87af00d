/** Commands about what people say, by their names. */
import type { MessageAct, MessageQuestion } from '../../api/messages.ts'
import { fail } from '../errors.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { sendMessage } from './messages.ts'
import { deleteMessage, editMessage, pinMessage, react } from './notes.ts'
import { getDraft, keepDraft } from './unsent.ts'
import { getMessages, listPins, listThreads, markRead, retryMessage } from './windows.ts'

export function answerMessage(asked: AskedIn, c: MessageQuestion): Promise<Refusal> | Refusal {
  switch (c.type) {
    case 'get-messages': return getMessages(asked, c)
    case 'list-threads': return listThreads(asked, c)
    case 'list-pins': return listPins(asked, c)
    case 'mark-read': return markRead(asked, c)
    case 'retry-message': return retryMessage(asked, c)
    case 'keep-draft': return keepDraft(asked, c)
    case 'get-draft': return getDraft(asked, c)
  }
}

export function doMessage(asked: AskedIn, c: MessageAct): Promise<Refusal> | Refusal {
  switch (c.type) {
    case 'send-message': return sendMessage(asked, c)
    case 'edit-message': return editMessage(asked, c)
    case 'delete-message': return deleteMessage(asked, c)
    case 'react': return react(asked, c)
    case 'pin-message': return pinMessage(asked, c)
    case 'typing': return typing(asked, c)
  }
}

async function typing({ engine, turn, asker, replica }: AskedIn, c: Run<'typing'>): Promise<Refusal> {
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  await engine.typing.say(turn, replica, c.channel)
  turn.out.reply(asker, {})
  return undefined
}
