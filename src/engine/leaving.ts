/**
 * Who leaves a space says so once, and relays may forget it before anybody has read it: the others would list them for good. So while nobody is known to have it, the leaving is said again to each member
 * that this device is connected with, which it may be by another space; and nothing else is said or asked there.
 */
import type { Frame } from '../wire/frame.ts'
import { AUTHORITY_CHANNEL, type DeviceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** This device's leaving, while no other device is known to have it. */
export function unheardLeaving({ record, log, me, delivery }: Replica): Op | undefined {
  if (record.state !== 'left') return undefined
  const end = log.head(AUTHORITY_CHANNEL, me.device), op = end === undefined ? undefined : log.authority.get(end.id)
  return op?.header.type === 'leave' && delivery.keptElsewhere(AUTHORITY_CHANNEL) < op.header.chanSeq ? op : undefined
}

/** A member tells how far it has this device's chain. */
export function noteHeard(turn: Turn, { names, me, delivery }: Replica, device: DeviceId, frame: Frame): void {
  if (frame.type !== 'vector') return
  for (const e of names.vectorOf(frame.told).vector) if (e.channel === AUTHORITY_CHANNEL && e.device === me.device) delivery.note(turn, AUTHORITY_CHANNEL, device, e.chanSeq)
}
