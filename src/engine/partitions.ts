/** Names of partitions that every op of a history is written to. */
import type { ChannelId, SpaceId } from '../wire/ids.ts'

/** Gives one and the same text as long as it is asked for the same: who looks up a fresh one has to read all of it, and a disk looks up each row's. */
export function partitionsOf(kind: string): (space: SpaceId, channel?: ChannelId) => string {
  let of: { readonly space: SpaceId; readonly channel: ChannelId | undefined; readonly name: string } | undefined
  return (space, channel) => {
    if (of?.space !== space || of.channel !== channel) of = { space, channel, name: `${kind}/${space}${channel === undefined ? '' : `/${channel}`}` }
    return of.name
  }
}
