/**
 * A channel that keeps so many bytes: who may clear it measures what is readable there, and when it is too much clears what is oldest, for everyone. So that all keep the same,
 * how much that is isn't judged by each device for itself. Of those who are here, read it and may, the first does it.
 */
import { decodeMessage } from '../../wire/content-records.ts'
import { encodeAuthorityBody } from '../../wire/authority.ts'
import type { Row } from '../../ports.ts'
import type { ChannelId, IdentityId } from '../../wire/ids.ts'
import { HLC_STEP } from '../../wire/op.ts'
import type { Engine } from '../engine.ts'
import { after } from '../messages/places.ts'
import type { Reading } from '../reading.ts'
import type { Replica } from '../replica.ts'
import { has } from '../space/permissions.ts'
import type { Turn } from '../turn.ts'
import { packedAway } from './away.ts'
import { messagePartitions, saidPartitions } from './room.ts'

/** As much of the bound is kept when it is passed: so it isn't passed again with the next message. */
export const KEPT_SHARE = 0.9
const ROWS = 500

export function clearBySize(engine: Engine, turn: Turn, replica: Replica): void {
  for (const { channel, maxBytes } of replica.retention.bySize(turn.now)) {
    if (!isFirst(engine, turn, replica, channel)) continue
    engine.questions.measure(turn, saidPartitions(replica.id, channel), (later, parts) => {
      const bytes = parts.reduce((sum, n) => sum + n, 0), isAllHere = engine.retaining.away(replica).floorOf(channel) === 0
      if (bytes <= maxBytes && isAllHere) return
      return engine.questions.follow(later, () => firstKeptOfAll(engine, replica, channel, maxBytes, bytes), (last, before) => (before === undefined ? undefined : clear(engine, last, replica, channel, before)))
    })
  }
}

interface Said { readonly hlc: number; readonly bytes: number }

const sumOf = (said: readonly Said[]): number => said.reduce((sum, { bytes }) => sum + bytes, 0)

/** With what this device has packed away (away.ts), of which the log is left: else a device that keeps little ready would let everybody keep more. undefined: it is not too much. */
function* firstKeptOfAll(engine: Engine, replica: Replica, channel: ChannelId, maxBytes: number, bytesHere: number): Reading<number | undefined> {
  const here = yield* saidHere(replica, channel), packed = yield* packedAway(engine, replica, channel)
  const bytes = here.length === 0 ? sumOf(packed) : bytesHere * (1 + sumOf(packed) / sumOf(here))
  return bytes <= maxBytes ? undefined : firstBeyond([...here, ...packed], 1 - (KEPT_SHARE * maxBytes) / bytes)
}

/** The time (ms) of the first message that stays when this share of all that is here goes, in threads or not. */
export function* firstKept(replica: Replica, channel: ChannelId, share: number): Reading<number | undefined> { return firstBeyond(yield* saidHere(replica, channel), share) }

function* saidHere(replica: Replica, channel: ChannelId): Reading<Said[]> {
  const said: Said[] = []
  for (const partition of messagePartitions(replica.id, channel)) {
    for (let from: Uint8Array | undefined = new Uint8Array(); from !== undefined;) {
      const [rows = []]: readonly (readonly Row[])[] = yield [{ partition, query: { from, limit: ROWS } }]
      for (const { key, value } of rows) {
        const record = decodeMessage(value)
        if (record !== undefined) said.push({ hlc: record.hlc, bytes: key.length + value.length })
      }
      const last: Row | undefined = rows[ROWS - 1]
      from = last === undefined ? undefined : after(last.key)
    }
  }
  return said
}

/** The newest stays in any case. What a disk takes for rows is not their length, so shares are compared. */
function firstBeyond(said: Said[], share: number): number | undefined {
  const wanted = share * sumOf(said)
  let gone = 0
  const kept = said.sort((a, b) => a.hlc - b.hlc).find(({ bytes }) => {
    const isEnough = gone >= wanted
    gone += bytes
    return isEnough
  }) ?? said.at(-1)
  return kept === undefined ? undefined : Math.floor(kept.hlc / HLC_STEP)
}

async function clear(engine: Engine, turn: Turn, replica: Replica, channel: ChannelId, before: number): Promise<void> {
  const body = { type: 'clear', channel, before: Math.min(before, turn.now) } as const
  if (!engine.succession.isSure(replica, turn.now) || replica.authority.refuse(replica.me.identity, body) !== undefined) return
  await engine.distribute(turn, replica, [await replica.append(turn, body.type, encodeAuthorityBody(body))])
}

/** Who doesn't read the channel can't measure it. */
function isFirst(engine: Engine, turn: Turn, replica: Replica, channel: ChannelId): boolean {
  const { devices, members } = replica.authority.state
  const able = [...engine.present.devices(replica, turn.now), replica.me.device].filter((device) => {
    const member = members.get(devices.get(device)?.identity as IdentityId)
    return member !== undefined && has(member.permissions, 'channels') && replica.mayHave(device, channel)
  })
  return able.sort()[0] === replica.me.device
}
