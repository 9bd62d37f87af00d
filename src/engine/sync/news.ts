/**
 * Fresh ops on their way from peer to peer. Their author sends them to all it is connected with. Whoever gets one tells a few others that it is here: who has it lets that
 * pass, who expects it from its author waits a little, and who lacks it asks, and is sent from then on what that author says. So each hears an op once, where it would come
 * from everybody, and nobody waits for it who is connected with its author. (The same idea: Leitao, Pereira, Rodrigues, "Epidemic Broadcast Trees", 2007; gossipsub's IHAVE.)
 */
import type { Random } from '../../ports.ts'
import { AUTHORITY_CHANNEL } from '../../wire/ids.ts'
import type { Op } from '../../wire/op.ts'
import type { Vector } from '../../wire/vector.ts'
import { MAX_NEWS } from '../limits.ts'
import { type Chain, chainKey } from '../log/log.ts'
import type { Replica } from '../replica.ts'
import type { Session } from './session.ts'

/** Whether an op of somebody else's is sent, not told of. Authority goes to a few at once: what others say may rest on it. */
export const isSentOn = ({ follows }: Session, { header: h }: Op, isOneOfFew: boolean): boolean => (h.channel === AUTHORITY_CHANNEL ? isOneOfFew : follows.has(h.device))

/** Whether others' news may come without being asked for: their authors are telling it right now, or somebody was asked already. */
export function mayStillCome({ log }: Replica, { device }: Session, vector: Vector, sessions: readonly Session[]): boolean {
  const lacking = vector.filter((e) => log.lacks(e, false) !== undefined)
  if (lacking.length === 0 || vector.length > MAX_NEWS || vector.some((e) => e.channel === AUTHORITY_CHANNEL || e.device === device)) return false
  return sessions.some((other) => other.asking && other.device !== device) || lacking.every((e) => sessions.some((other) => other.device === e.device))
}

/** How far these chains go here. */
export function vectorOf({ log }: Replica, chains: readonly Chain[]): Vector {
  const known = new Map(chains.map((chain) => [chainKey(chain.channel, chain.device), chain]))
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, { channel, device }]) => log.vectorOf(channel, device))
}

/** So many of these, by chance: all where there are no more. Changes their order. */
export function someOf<T>(random: Random, all: T[], most: number): Set<T> {
  if (all.length <= most) return new Set(all)
  const out = new Set<T>(), dice = new DataView(random.bytes(4 * most).buffer)
  for (let n = 0; n < most; n++) {
    const at = n + (dice.getUint32(4 * n) % (all.length - n)), chosen = all[at] as T
    all[at] = all[n] as T
    out.add(chosen)
  }
  return out
}
