/** Reading channels and threads, and what this device has seen of them. */
import { fail } from '../errors.ts'
import { linePage, pageOf, pinsPage, threadsPage } from '../messages/pages.ts'
import { recount } from '../messages/unread.ts'
import { isListed } from '../views.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'
import { find } from './messages.ts'

export async function getMessages({ engine, turn, asker, replica }: AskedIn, c: Run<'get-messages'>): Promise<Refusal> {
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  if ([c.before, c.after, c.around, c.unread].filter((given) => given !== undefined && given !== false).length > 1) return fail('bad-request', 'Only one of before, after, around and unread can be given.')
  replica.opened.note(c.channel)
  await engine.questions.follow(turn, (running) => linePage(engine, running, replica, c), (later, answer) => {
    if (answer === undefined) return later.out.refuse(asker, fail('unknown-message'))
    for (const record of answer.own) engine.telling.recent.note(replica.id, c.channel, record)
    return later.out.reply(asker, answer.result)
  })
  return undefined
}

export async function listThreads({ engine, turn, asker, replica }: AskedIn, c: Run<'list-threads'>): Promise<Refusal> {
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  await engine.questions.follow(turn, () => threadsPage(engine, replica, c, pageOf(c.limit)), (later, answer) => (answer === undefined ? later.out.refuse(asker, fail('unknown-message')) : later.out.reply(asker, answer)))
  return undefined
}

export async function listPins({ engine, turn, asker, replica }: AskedIn, c: Run<'list-pins'>): Promise<Refusal> {
  if (!isListed(replica, c.channel)) return fail('unknown-channel')
  await engine.questions.follow(turn, () => pinsPage(engine, replica, c.channel), (later, messages) => { later.out.reply(asker, { messages }) })
  return undefined
}

export async function markRead(asked: AskedIn, c: Run<'mark-read'>): Promise<undefined> {
  await find(asked, c.message, ({ engine, turn, asker, replica }, { channel, record }) => {
    const spot = { space: replica.id, channel, thread: record.thread }
    engine.reading.mark(turn, spot, record.place)
    recount(engine, turn, replica, spot, (later) => {
      // The root says what is unread of its thread.
      if (record.thread !== undefined) replica.inbox.change(record.thread)
      later.out.reply(asker, {})
    })
  })
}

export async function retryMessage(asked: AskedIn, c: Run<'retry-message'>): Promise<undefined> {
  await find(asked, c.message, ({ engine, turn, asker, replica }, { channel, record }) => {
    replica.mail.retry(turn, channel, record.chanSeq)
    engine.telling.statesChanged(replica.id, channel)
    engine.touch(turn, replica)
    turn.out.reply(asker, {})
  })
}
