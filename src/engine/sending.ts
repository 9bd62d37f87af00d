/** What was said while nothing could be sealed goes out. */
import type { EpochId } from '../wire/ids.ts'
import type { Draft } from './drafts.ts'
import type { Engine } from './engine.ts'
import { maySeal } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

/** Seals what waited for the group, oldest first. */
export async function sendDrafts(engine: Engine, turn: Turn, replica: Replica): Promise<void> {
  const drafts = engine.drafts.get(replica.id)
  if (drafts === undefined || drafts.empty || !engine.succession.isSure(replica, turn.now)) return
  const mayGo = (draft: Draft): boolean => { const audience = replica.audienceFor(draft.channel); return audience !== undefined && maySeal(audience) && replica.pace.mayGo(turn, replica, draft) }
  for (const draft of drafts.take(turn, mayGo)) {
    const tip = replica.audienceFor(draft.channel)?.groups.tip() as EpochId
    const op = await replica.appendContent(turn, draft.channel, tip, draft.content)
    engine.telling.replaced.set(op.id, draft.id)
    await engine.distribute(turn, replica, [op])
  }
}
