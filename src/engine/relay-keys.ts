/** The relay keys that epochs carry, kept beside the epochs' secrets: whoever opens a space with a thousand epochs need not open a thousand seals again. What is not there is opened, and kept. */
import type { Row } from '../ports.ts'
import { fromHex, toHex } from '../wire/bytes.ts'
import type { EpochId, SpaceId } from '../wire/ids.ts'
import type { Groups } from './group/groups.ts'
import type { Turn } from './turn.ts'

export const relayKeysPartition = (space: SpaceId): string => `relay-keys/${space}`

export class RelayKeys {
  private readonly space: SpaceId
  /** From the disk, until the epoch's secret is in. */
  private readonly known = new Map<string, Uint8Array>()
  private lacking: { readonly epoch: EpochId; readonly key: Uint8Array }[] = []

  constructor(space: SpaceId) { this.space = space }

  load(rows: readonly Row[]): void { for (const { key, value } of rows) if (value.length === 32) this.known.set(toHex(key), value) }

  /** An epoch's secret, as it comes from the disk, to the group that the epoch is of. */
  regain(groups: Groups | undefined, epoch: EpochId, secret: Uint8Array): void {
    groups?.gainKey(epoch, secret, this.known.get(epoch))
    const key = groups?.keys.relayKeys.get(epoch)
    if (!this.known.delete(epoch) && key !== undefined) this.lacking.push({ epoch, key })
  }

  keep(turn: Turn, epoch: EpochId, key: Uint8Array | undefined): void { if (key !== undefined) turn.out.put(relayKeysPartition(this.space), fromHex(epoch) as Uint8Array, key) }

  keepLacking(turn: Turn): void { for (const { epoch, key } of this.lacking.splice(0)) this.keep(turn, epoch, key) }
}
