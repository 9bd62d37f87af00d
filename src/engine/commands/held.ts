/**
 * Acts that people ask for while nobody has told yet how far this device's chains are known (S9): they wait, as what is written waits with the drafts. A moment as a rule;
 * who can't be answered in time is told so.
 */
import type { Command } from '../../api.ts'
import type { SpaceId } from '../../wire/ids.ts'
import { fail } from '../errors.ts'
import { HOLD_MS, MAX_HELD } from '../limits.ts'
import { STUCK } from '../succession.ts'
import type { Replica } from '../replica.ts'
import type { Asker } from '../out.ts'
import type { Turn } from '../turn.ts'
import type { Asked, Refusal } from './asked.ts'

export interface Held { readonly asker: Asker; readonly command: Command }

export class HeldActs {
  private readonly held = new Map<SpaceId, readonly Held[]>()

  /** Keeps it for when this device may sign in the space. */
  hold({ turn, asker, engine }: Asked, { id }: Replica, command: Command): Refusal {
    if (engine.succession.isStuck) return STUCK
    if (engine.succession.isOlder) return fail('older')
    const before = this.held.get(id) ?? []
    if (before.length >= MAX_HELD) return fail('busy')
    if (before.length === 0) turn.out.wake(`held|${id}`, turn.now + HOLD_MS)
    this.held.set(id, [...before, { asker, command }])
    return undefined
  }

  /** What may be done now. */
  take({ id }: Replica): readonly Held[] {
    const held = this.held.get(id) ?? []
    this.held.delete(id)
    return held
  }

  /** It takes too long. */
  giveUp(turn: Turn, replica: Replica): void { for (const { asker } of this.take(replica)) turn.out.refuse(asker, fail('busy')) }
}
