/** Removals, bans and time-outs. They work on people who are away, and the groups' keys follow at once. */
import type { AuthorityBody } from '../../wire/authority.ts'
import type { IdentityId } from '../../wire/ids.ts'
import { cutsOf } from '../cuts.ts'
import { fail } from '../errors.ts'
import { endInvites, invitesKnownTo } from '../invites.ts'
import { refreshGroups, type AskedIn, change, type Refusal, type Run } from './asked.ts'

export function removeMember(asked: AskedIn, c: Run<'remove-member'>): Promise<Refusal> | Refusal {
  const { authority } = asked.replica
  if (!authority.state.members.has(c.member)) return fail('unknown-member')
  return remove(asked, c.member, { type: 'kick', identity: c.member, cuts: cutsOf(asked.replica, [c.member]) })
}

export function banMember(asked: AskedIn, c: Run<'ban-member'>): Promise<Refusal> | Refusal {
  const { authority } = asked.replica
  // Who is out already may be banned as well; of whom nobody here has heard is a mistake of the one who asks.
  if (authority.nameOf(c.member) === '') return fail('unknown-member')
  return remove(asked, c.member, { type: 'ban', identity: c.member, cuts: cutsOf(asked.replica, [c.member]) })
}

/** Puts somebody out, takes back the links they have, and changes the groups' keys. */
async function remove(asked: AskedIn, member: IdentityId, body: AuthorityBody): Promise<Refusal> {
  const { engine, turn, replica } = asked
  const known = invitesKnownTo(turn, replica, member)
  const refused = await change(asked, body)
  if (refused !== undefined) return refused
  await endInvites(turn, engine, replica, known)
  await refreshGroups(asked)
  return undefined
}

export function unbanMember(asked: AskedIn, c: Run<'unban-member'>): Promise<Refusal> { return change(asked, { type: 'unban', identity: c.member }) }

export function timeOut(asked: AskedIn, c: Run<'time-out-member'>): Promise<Refusal> | Refusal {
  if (c.until <= asked.turn.now) return fail('bad-request', 'A time-out ends in the future.')
  return change(asked, { type: 'timeout', identity: c.member, until: c.until })
}

export function endTimeOut(asked: AskedIn, c: Run<'end-time-out'>): Promise<Refusal> | Refusal {
  const { replica, turn, asker } = asked
  if ((replica.authority.state.members.get(c.member)?.timeoutUntil ?? 1) > 0) return change(asked, { type: 'timeout', identity: c.member, until: 0 })
  turn.out.reply(asker, {})
  return undefined
}
