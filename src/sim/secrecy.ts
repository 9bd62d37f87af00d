/** U1: of a channel that was never for somebody, their devices hold nothing: no op, however well sealed, and nothing of its group's secrets. */
import type { Replica } from '../engine/replica.ts'
import { type AuthorityBody, decodeAuthorityBody } from '../wire/authority.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type IdentityId } from '../wire/ids.ts'
import type { Problem } from './invariants-group.ts'

/**
 * `others`: replicas of the same space that may know of more readers than the one that is looked at. What liars say anywhere, also where they read nothing, is their own, and
 * under everyone's key: nobody told them anything.
 */
export function u1OthersHoldNothing(replica: Replica, others: readonly Replica[], isHonest: (device: DeviceId) => boolean = () => true): Problem {
  const { identity } = replica.me
  const said = [replica, ...others].flatMap(({ log }) => [...log.authority.values()].map((op) => decodeAuthorityBody(op.header.type, op.body)))
  const held = replica.log.vector().find(({ channel, device }) => channel !== AUTHORITY_CHANNEL && isHonest(device) && !wasFor(said, channel, identity))
  if (held !== undefined) return `holds ops of channel ${held.channel.slice(0, 8)}, which was never for them`
  for (const [number, { groups: { keys, states } }] of replica.audiences) {
    if (number !== 0 && !wasNamed(said, number, identity) && keys.size + states.size + keys.relayKeys.size > 0) return `holds secrets of audience ${number}, which was never theirs`
  }
  return undefined
}

type Said = readonly (AuthorityBody | undefined)[]

/** By anybody, whether they might or not. Of a channel that nobody made nothing is known. */
function wasFor(said: Said, channel: ChannelId, identity: IdentityId): boolean {
  const numbers = said.flatMap((body) => ((body?.type === 'channelCreate' || body?.type === 'channelAudience') && body.channel === channel ? [body.audience] : []))
  return numbers.length === 0 || numbers.some((number) => number === 0 || wasNamed(said, number, identity))
}

const wasNamed = (said: Said, number: number, identity: IdentityId): boolean =>
  said.some((body) => body?.type === 'audience' && body.audience === number && (body.identities.includes(identity) || body.roles.length > 0))
