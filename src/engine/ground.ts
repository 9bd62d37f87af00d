/**
 * A damaged disk has lost acts of authority that this device's own place in the space follows from (S13): the first op, its own joining, or what that rests on. By what is left of the log it is no member,
 * and nothing can be placed in the tree of epochs. Its keys still open what others say, and show where they are: under these it says where it is, and asks peers and relays for what was lost.
 *
 * It tells nobody anything: whoever speaks with it by an old key may be no member any more, which it couldn't know. If it was itself put out, nobody answers.
 */
import type { Row } from '../ports.ts'
import { fromHex, toHex } from '../wire/bytes.ts'
import { type EpochId, parseOpId } from '../wire/ids.ts'
import { EpochKeys } from './content/keys.ts'
import { isWholeState } from './group/states.ts'
import { MAX_GROUND_ENDS, MAX_GROUND_TOPICS } from './limits.ts'
import type { Reading } from './reading.ts'
import { relayKeysPartition } from './relay-keys.ts'
import type { Replica } from './replica.ts'
import type { World } from './turn.ts'

const ALL = { limit: Number.MAX_SAFE_INTEGER }

export class Ground {
  readonly keys: EpochKeys
  private relayKeys: readonly Uint8Array[] = []
  /** To say where this device is under: the last that it knows of each group. */
  ends: readonly EpochId[] = []

  constructor({ suite }: World) { this.keys = new EpochKeys(suite) }

  /** Those of the newest epochs first. */
  relayKeysInUse(): readonly Uint8Array[] { return this.relayKeys }

  load(keys: readonly Row[], relayKeys: readonly Row[], states: readonly Row[]): void {
    for (const { key, value } of keys) if (key.length === 32) this.keys.add(toHex(key) as EpochId, value)
    for (const { key, value } of relayKeys) if (value.length === 32) this.keys.relayKeys.set(toHex(key) as EpochId, value)
    // Which epochs began a relay key, only their commits would tell: one of these is right, where it isn't kept.
    for (const { key, value } of keys) if (key.length === 32 && !this.keys.relayKeys.has(toHex(key) as EpochId)) this.keys.relayKeys.set(toHex(key) as EpochId, this.keys.relayKeyOf(value))
    // Only the end of a group's way lies there as a whole, and states are kept of the newest epochs.
    const kept = [...states.filter(({ value }) => isWholeState(value)), ...states].flatMap(({ key }) => parseOpId(key) ?? []), known = this.keys.relayKeys
    const found = [...kept, ...known.keys()].flatMap((epoch) => { const key = known.get(epoch); return key === undefined ? [] : [toHex(key)] })
    this.relayKeys = [...new Set(found)].slice(0, MAX_GROUND_TOPICS).map((key) => fromHex(key) as Uint8Array)
    this.ends = [...new Set(kept)].filter((epoch) => this.keys.has(epoch)).slice(0, MAX_GROUND_ENDS)
  }
}

/** What a device whose ground is lost has of keys. */
export function* readGround({ id, ground }: Replica): Reading<void> {
  const [keys = [], relayKeys = [], states = []]: readonly (readonly Row[])[] = yield [`keys/${id}`, relayKeysPartition(id), `states/${id}`].map((partition) => ({ partition, query: ALL }))
  ground.load(keys, relayKeys, states)
}
