/** What was done in a space by whom, and why some of it does not count. */
import { actsInOrder, isListedAct, isTold, Teller } from '../acts.ts'
import { fail } from '../errors.ts'
import * as limits from '../limits.ts'
import type { AskedIn, Refusal, Run } from './asked.ts'

export function listAudit({ turn, asker, replica }: AskedIn, c: Run<'list-audit'>): Refusal {
  const acts = actsInOrder(replica)
  const end = c.before === undefined ? acts.length : acts.findIndex((node) => node.id === c.before)
  if (end < 0) return fail('unknown-act')
  const start = Math.max(0, end - Math.min(c.limit ?? 50, limits.MAX_AUDIT_PAGE))
  const teller = new Teller(replica)
  turn.out.reply(asker, { acts: acts.slice(start, end).map((node) => teller.act(node)), more: start > 0 })
  return undefined
}

/** From the act itself to the one that counts and decided the matter; just the act where it counts. */
export function explainAct({ turn, asker, replica }: AskedIn, c: Run<'explain'>): Refusal {
  const { authority } = replica
  const node = authority.node(c.op), told = isTold(replica)
  if (node === undefined || !isListedAct(replica, node) || !told(node)) return fail('unknown-act')
  const teller = new Teller(replica)
  const steps = authority.explain(c.op).flatMap((step) => authority.node(step.op) ?? []).filter(told)
  turn.out.reply(asker, { steps: (steps.length > 0 ? steps : [node]).map((step) => teller.act(step)) })
  return undefined
}
