/**
 * What a link's kit lacks because it was done by people who didn't know of the link yet. Whoever changes the space adds the change to the kits of the links that they know of; so what was done
 * at the same time as a link was made, or was on its way to its maker, would be in no kit, and a newcomer who meets nobody could place nothing of what rests on it.
 * Two add it, since either may be gone by then: who made the link, when it comes in, and who did it, when they hear of the link.
 */
import { decodeAuthorityBody } from '../wire/authority.ts'
import { AUTHORITY_CHANNEL, type DeviceId, type InviteId, type SpaceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { addToKit, isLive } from './invites.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** By device the number of its first act that knew of a link. A chain that knew of it goes on knowing. */
type Knowers = Map<DeviceId, number>

export class LateKits {
  private readonly spaces = new Map<SpaceId, { readonly news: Op[]; readonly own: Map<InviteId, Knowers | undefined> }>()

  /** Acts of others that came in. */
  came(replica: Replica, ops: readonly Op[]): void {
    const news = ops.filter(({ header }) => header.channel === AUTHORITY_CHANNEL)
    if (news.length === 0) return
    const known = this.spaces.get(replica.id)
    if (known === undefined) this.spaces.set(replica.id, { news, own: new Map() })
    else known.news.push(...news)
  }

  /** Adds what is lacking, once the group has been settled after it. */
  async fill(turn: Turn, replica: Replica): Promise<void> {
    const known = this.spaces.get(replica.id)
    const news = known?.news.splice(0) ?? []
    if (known === undefined || news.length === 0 || replica.state() !== 'member') return
    const live = [...replica.authority.state.invites].filter(([, info]) => isLive(info, turn.now)).map(([invite]) => invite)
    for (const op of news) {
      const invite = madeBy(op)
      if (invite !== undefined && live.includes(invite)) await addToKit(turn, replica, invite, ownBeside(replica, op))
    }
    for (const invite of [...known.own.keys()]) if (!live.includes(invite)) known.own.delete(invite)
    for (const invite of live) {
      if (!known.own.has(invite)) known.own.set(invite, knowersOf(replica, invite))
      const knowers = known.own.get(invite)
      if (knowers !== undefined) await addToKit(turn, replica, invite, news.filter((op) => !learns(replica, knowers, op)))
    }
  }
}

function madeBy({ header, body }: Op): InviteId | undefined {
  const decoded = header.type === 'invite' ? decodeAuthorityBody(header.type, body) : undefined
  return decoded?.type === 'invite' ? decoded.invite : undefined
}

/** This device's acts that the op's author didn't know of. */
function ownBeside({ log, me }: Replica, op: Op): Op[] {
  const past = log.authorityPast([op.id])
  return [...log.authority.values()].filter(({ id, header }) => header.device === me.device && !past.has(id))
}

/** Of a link that this device made, who of those in the log knew of it; undefined for another's. */
function knowersOf(replica: Replica, invite: InviteId): Knowers | undefined {
  const ops = [...replica.log.authority.values()], made = ops.find((op) => op.header.device === replica.me.device && madeBy(op) === invite)
  if (made === undefined) return undefined
  const knowers: Knowers = new Map([[made.header.device, made.header.chanSeq]])
  for (const op of ops) learns(replica, knowers, op)
  return knowers
}

/** Whether the author of an act knew of the link. Predecessors first. */
function learns({ log }: Replica, knowers: Knowers, { header }: Op): boolean {
  const knows = ({ device, chanSeq }: { readonly device: DeviceId; readonly chanSeq: number }): boolean => chanSeq >= (knowers.get(device) ?? Infinity)
  if (knows(header)) return true
  const before = header.deps.map((dep) => log.authority.get(dep)?.header).filter((dep) => dep !== undefined)
  if (!before.some(knows)) return false
  knowers.set(header.device, header.chanSeq)
  return true
}
