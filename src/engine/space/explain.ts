/** Why an op does not count, in steps that a person can follow: "Bob's rename was undone: Alice had removed him before he saw it". */
import type { IdentityId, OpId } from '../../wire/ids.ts'
import { type History, keysOf, type Node } from './history.ts'
import { permitted } from './permitted.ts'
import type { Reason } from './reasons.ts'
import type { Resolution } from './resolve.ts'
import { type Decided, View } from './view.ts'

export interface Step {
  readonly op: OpId
  readonly type: string
  readonly author: IdentityId | undefined
  /** undefined for the last step: an op that counts, and decided the matter. */
  readonly reason: Reason | undefined
}

/** Steps shown: further ones only repeat "and that was void, too". */
const MAX_STEPS = 16

/** From the op itself to the one that decided. Empty for an op that counts. */
export function explain(history: History, resolution: Resolution, index: number): Step[] {
  const steps: Step[] = []
  for (let at: number | undefined = index; at !== undefined && steps.length < MAX_STEPS;) {
    const node: Node = history.node(at)
    const reason = resolution.reason(at)
    if (reason === undefined && steps.length === 0) return []
    steps.push({ op: node.id, type: node.type, author: node.author, reason })
    at = reason === undefined ? undefined : cause(history, resolution, node, reason)
  }
  return steps
}

function cause(history: History, resolution: Resolution, node: Node, reason: Reason): number | undefined {
  if (reason.by !== undefined) return history.indexOf(reason.by)
  if (node.flaw !== undefined) return undefined
  // The void op in its past that it rested on: counting that one alone, or else all of them, it would have been permitted.
  const rested = pillars(history, node).filter((i) => node.past.has(i) && resolution.isVoid(i) && history.node(i).flaw === undefined)
  const alone = rested.find((i) => standsWith(history, resolution, node, new Set([i])))
  return alone ?? (standsWith(history, resolution, node, new Set(rested)) ? rested[0] : undefined)
}

function standsWith(history: History, resolution: Resolution, node: Node, revived: ReadonlySet<number>): boolean {
  const decided: Decided = { isVoid: (i) => resolution.isVoid(i) && !revived.has(i), powerOf: (i) => resolution.powerOf(i) }
  return permitted(node, new View(history, decided, node.past)) === undefined
}

/** Ops that may have given the author, the device or the thing acted on. */
function pillars(history: History, node: Node): number[] {
  const { author, device, body } = node
  const keys = [`in ${author}`, `grants ${author}`, `cert ${device}`, 'owner', ...keysOf(node, history)]
  if (body !== undefined && 'identity' in body && body.identity !== undefined) keys.push(`in ${body.identity}`, `grants ${body.identity}`)
  if (body !== undefined && 'to' in body) keys.push(`in ${body.to}`)
  if (body !== undefined && 'role' in body && body.role !== undefined) keys.push(`role ${body.role}`)
  if (body !== undefined && 'channel' in body) keys.push(`channel ${body.channel}`)
  if (body !== undefined && 'invite' in body) keys.push(`invite ${body.invite}`)
  return [...new Set(keys.flatMap((key) => [...history.writes(key)]))].sort((a, b) => a - b).slice(0, 256)
}
