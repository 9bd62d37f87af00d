/** What the disk has of the groups of all audiences, under the ids of their epochs: given to each group when a space is opened, and to one that counts again when it does. */
import type { Row } from '../ports.ts'
import { type EpochId, parseOpId } from '../wire/ids.ts'
import type { Gain, Groups } from './group/groups.ts'
import { readVote } from './group/votes.ts'
import type { RelayKeys } from './relay-keys.ts'

export const OF_GROUPS = ['states', 'keys', 'votes'] as const
export type OfGroups = (typeof OF_GROUPS)[number]

/** Rows to the groups that their epochs are of, where these lack them. Votes for what is of none that is here stay with everyone's group, where they do nothing. */
export function regain(what: OfGroups, rows: readonly Row[], groupOf: (epoch: EpochId) => Groups | undefined, { groups: everyones, relayKeys }: { readonly groups: Groups; readonly relayKeys: RelayKeys }): void {
  for (const row of rows) {
    const epoch = parseOpId(row.key.subarray(0, 32)), groups = epoch && groupOf(epoch)
    if (what === 'votes') { const vote = readVote(row); if (vote !== undefined) (groups ?? everyones).tree.vote(...vote) }
    else if (epoch === undefined || row.key.length > 32) continue
    else if (what === 'states') { if (groups?.states.has(epoch) === false) groups.states.restore(epoch, row.value) }
    else if (groups?.keys.has(epoch) !== true) relayKeys.regain(groups, epoch, row.value)
  }
}

/** A damaged disk may have lost the newest secret, by which the others are found, and have its state: that tells it again. */
export async function retell(groups: Groups): Promise<Gain[]> {
  const tip = groups.tip(), gains: Gain[] = []
  const body = tip === undefined || groups.keys.has(tip) ? undefined : groups.commits.get(tip), state = body && groups.states.get(tip as EpochId)
  if (body !== undefined && state !== undefined) groups.believe(tip as EpochId, await groups.secretOf(state, body.parent, body.mls), gains)
  return gains
}
