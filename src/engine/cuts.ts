/**
 * How far this device has seen what somebody's devices did, for a restriction made now. Of each chain of content that it reads it says where that ends, so that nobody who was put out
 * says anything more as if they had said it before: numbers that were left out, or used only where others don't read, are no way around that.
 *
 * An end that is said too early takes away what was said in good faith. So ends are said of a device whose numbers are all here, and else of channels in which all that somebody else had was here, too, since
 * this app was opened. Of the others its last number is said.
 */
import { type Cut, type Ends, MAX_CUT_CHAINS } from '../wire/authority.ts'
import type { DeviceId, IdentityId } from '../wire/ids.ts'
import type { Replica } from './replica.ts'

export function cutsOf(replica: Replica, identities: Iterable<IdentityId>): Cut[] {
  const { authority, log } = replica
  let room = MAX_CUT_CHAINS
  const cuts = [...identities].flatMap((identity) => authority.cutsFor(identity, log.deviceHeads)).sort((a, b) => (a.device < b.device ? -1 : 1))
  return cuts.map((cut) => {
    const ends = endsOf(replica, cut.device)
    if (ends === undefined || ends.chains.length > room) return cut
    room -= ends.chains.length
    return { ...cut, ends }
  })
}

function endsOf(replica: Replica, device: DeviceId): Ends | undefined {
  const known = replica.log.endsOf(device)
  if (known.all) return known
  const reach = new Map(known.chains.map(({ channel, chanSeq }) => [channel, chanSeq]))
  const channels = [...replica.agreed].filter((channel) => replica.mayHave(replica.me.device, channel)).sort()
  return channels.length === 0 ? undefined : { all: false, chains: channels.map((channel) => ({ channel, chanSeq: reach.get(channel) ?? 0 })) }
}
