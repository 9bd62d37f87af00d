/** Digits to compare with others: see ../check-codes.ts. */
import { groupCode, personCode } from '../check-codes.ts'
import { fail } from '../errors.ts'
import { epochAuthenticator } from '../group/mls.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

export function answerGroupCode({ turn, asker, replica }: AskedIn, c: Run<'group-code'>): Refusal {
  const audience = c.channel === undefined ? replica.everyone : replica.audienceFor(c.channel)
  if (audience?.isRead(replica.me.identity) !== true) return fail('unknown-channel')
  const epoch = audience.groups.tip()
  const state = epoch === undefined ? undefined : audience.groups.states.get(epoch)
  if (epoch === undefined || state === undefined) return fail('busy')
  turn.out.reply(asker, { code: groupCode(replica.world.suite, audience.root, epochAuthenticator(state)), epoch })
  return undefined
}

export function answerPersonCode({ turn, asker, replica }: AskedIn, c: Run<'person-code'>): Refusal {
  if (c.member === replica.me.identity || replica.authority.nameOf(c.member) === '') return fail('unknown-member')
  turn.out.reply(asker, { code: personCode(replica.world.suite, replica.me.identity, c.member) })
  return undefined
}

export async function markChecked({ engine, turn, asker, replica }: AskedIn, c: Run<'mark-checked'>): Promise<Refusal> {
  if (c.member === replica.me.identity || replica.authority.nameOf(c.member) === '') return fail('unknown-member')
  if (!(await engine.checked.mark(turn, c.member, c.on))) return fail('limit-reached')
  turn.out.reply(asker, {})
  return undefined
}
