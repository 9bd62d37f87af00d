/**
 * Which MLS states a device still needs. A state opens all that follows it on its branch, so each kept one is a risk: an old one is kept only while a
 * late commit may still come that hangs off it. Clocks decide here, since nobody else has to agree: who dropped a state too early comes back from outside.
 */
import type { EpochId } from '../../wire/ids.ts'
import { BUNDLED_STATE_KEPT_MS, KEPT_EPOCH_STATES, MAX_SIDE_STATES, STATE_KEPT_MS } from '../limits.ts'
import type { EpochTree } from './tree.ts'

/**
 * `held`: epochs with a state here. `bundledAt`: when the secrets of losing epochs were told to the others (ms). Of the canonical
 * path the newest held state always stays: nothing replaces it, however long the group was quiet.
 */
export function beyondHorizon(tree: EpochTree, held: Iterable<EpochId>, bundledAt: ReadonlyMap<EpochId, number>, now: number): EpochId[] {
  const path = tree.path()
  const onPath = new Map(path.map((epoch, i) => [epoch, path[i + 1]]))
  const least = path.length - 1 - KEPT_EPOCH_STATES
  const ends = now - STATE_KEPT_MS
  const labelled = (epoch: EpochId | undefined): number => (epoch === undefined ? Infinity : tree.nodes.get(epoch)?.at ?? 0)
  const out: EpochId[] = []
  const aside: EpochId[] = []
  let newest: EpochId | undefined
  for (const epoch of held) {
    const node = tree.nodes.get(epoch)
    if (node === undefined) { out.push(epoch); continue }
    if (onPath.has(epoch)) {
      if (newest === undefined || (tree.nodes.get(newest)?.depth ?? 0) < node.depth) newest = epoch
      // It was in use until the next epoch came, which was no earlier than its own beginning, whatever its author's clock says.
      if (node.depth < least || Math.max(node.at, labelled(onPath.get(epoch))) < ends) out.push(epoch)
    } else if (node.depth < least || node.at < ends || (bundledAt.get(epoch) ?? Infinity) < now - BUNDLED_STATE_KEPT_MS) out.push(epoch)
    else aside.push(epoch)
  }
  // Not in the order in which they were gained: after a restart nobody knows that, and the same must stay.
  const worth = (epoch: EpochId): readonly [number, number, number] => [Number(tree.stands(epoch)), tree.nodes.get(epoch)?.depth ?? 0, labelled(epoch)]
  const ranked = aside.map((epoch) => ({ epoch, worth: worth(epoch) })).sort(({ worth: a, epoch: x }, { worth: b, epoch: y }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (x < y ? -1 : 1))
  return [...out, ...ranked.slice(0, -MAX_SIDE_STATES).map(({ epoch }) => epoch)].filter((epoch) => epoch !== newest)
}
