/**
 * Which epochs' secrets lead to which others: by back-links, from an epoch to its parent, and by bundles, from the epoch they are sealed under to those
 * they tell. What nothing leads to must be told beside (kits, bundles, grants), or it is lost to those who come later.
 *
 * A back-link left out is a border: whoever came in there was not to read what lies behind it.
 */
import type { EpochId } from '../../wire/ids.ts'

/** The group, as far as links go. */
export interface Links {
  parentOf(epoch: EpochId): EpochId | undefined
  depthOf(epoch: EpochId): number
  /** Where an epoch's secret leads, by true back-links and bundles. */
  linksOf(epoch: EpochId): readonly EpochId[]
  /** True where somebody came in without the past, or might have. */
  isBorder(epoch: EpochId): boolean
}

/** Of the epochs wanted, the few whose secrets, told beside the tip's, lead to all of them: newest of the tip's own path first, then side branches. */
export function leftOut(tip: EpochId, wanted: ReadonlySet<EpochId>, links: Links): EpochId[] {
  const reached = new Set<EpochId>()
  spread(tip, reached, links)
  const out: EpochId[] = []
  const take = (epoch: EpochId): void => {
    if (!wanted.has(epoch) || reached.has(epoch)) return
    out.push(epoch)
    spread(epoch, reached, links)
  }
  for (let at: EpochId | undefined = tip; at !== undefined; at = links.parentOf(at)) take(at)
  for (const epoch of [...wanted].sort((a, b) => links.depthOf(b) - links.depthOf(a) || (a < b ? -1 : 1))) take(epoch)
  return out
}

function spread(from: EpochId, reached: Set<EpochId>, links: Links): void {
  const open = [from]
  for (let epoch = open.pop(); epoch !== undefined; epoch = open.pop()) {
    if (reached.has(epoch)) continue
    reached.add(epoch)
    open.push(...links.linksOf(epoch))
  }
}

/** Whether an epoch's branch leaves the tip's path at or after the last border: then all who are at the tip may read it. */
export function isWithinBorders(epoch: EpochId, tip: EpochId, links: Links): boolean {
  const path = new Set<EpochId>()
  for (let at: EpochId | undefined = tip; at !== undefined; at = links.parentOf(at)) {
    path.add(at)
    if (links.isBorder(at)) break
  }
  for (let at: EpochId | undefined = epoch; at !== undefined; at = links.parentOf(at)) if (path.has(at)) return true
  return false
}
