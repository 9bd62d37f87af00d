/** Making audiences: who reads is said in an authority op, and the group that follows starts with whoever said so. */
import type { ApiError, Readers } from '../api.ts'
import { type Cut, encodeAuthorityBody, MAX_READERS, type RoleId } from '../wire/authority.ts'
import type { IdentityId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Audience } from './audience.ts'
import { cutsOf } from './cuts.ts'
import { fail } from './errors.ts'
import { refusal } from './refusals.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

interface Named { readonly roles: readonly RoleId[]; readonly identities: readonly IdentityId[] }

/** Readers as authority writes them: each once, in order, and all of them here. */
export function readersFor(replica: Replica, readers: Readers): Named | ApiError {
  const { state } = replica.authority
  const roles = [...new Set(readers.roles ?? [])].sort(), identities = [...new Set(readers.members ?? [])].sort()
  if (identities.some((identity) => !state.members.has(identity))) return fail('unknown-member')
  if (roles.some((role) => !state.roles.has(role))) return fail('unknown-role')
  if (identities.length > MAX_READERS || roles.length > MAX_READERS) return fail('limit-reached', 'A channel is for 1,024 people by name at most. Give them a role, and choose that.')
  return roles.length + identities.length === 0 ? fail('bad-request', 'Choose at least one role or member who may read this channel.') : { roles, identities }
}

/** The audience with these readers and this device's person: one that is there, or a new one with its group. */
export async function audienceOf(turn: Turn, replica: Replica, readers: Readers | undefined): Promise<{ readonly audience: number; readonly ops: readonly Op[] } | ApiError> {
  if (readers === undefined) return { audience: 0, ops: [] }
  const named = readersFor(replica, { ...readers, members: [...readers.members ?? [], replica.me.identity] })
  if ('code' in named) return named
  const { state } = replica.authority
  for (const [number, other] of state.audiences) if (isSame(named, other) && replica.audiences.has(number) && !replica.authority.hasEnded(number)) return { audience: number, ops: [] }
  // At random, so that what two people open at the same time are two audiences.
  const number = Math.max(1, new DataView(replica.world.random.bytes(4).slice().buffer).getUint32(0))
  const body = { type: 'audience' as const, audience: number, ...named, cuts: [] }
  const reason = replica.authority.refuse(replica.me.identity, body)
  if (reason !== undefined) return refusal(reason)
  return { audience: number, ops: [await replica.append(turn, 'audience', encodeAuthorityBody(body))] }
}

const isSame = (a: Named, b: Named): boolean => a.roles.join() === b.roles.join() && a.identities.join() === b.identities.join()

/** How far we have seen those who read an audience and won't any more: what they write beyond it in its channels is void. */
export function cutsOfExcluded(replica: Replica, audience: Audience, named: Named): Cut[] {
  const { members } = replica.authority.state
  const stays = (identity: IdentityId): boolean => named.identities.includes(identity) || members.get(identity)?.roles.some((role) => named.roles.includes(role)) === true
  return cutsOf(replica, [...members.keys()].filter((identity) => audience.isRead(identity) && !stays(identity)))
}
