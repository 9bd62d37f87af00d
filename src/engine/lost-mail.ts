/**
 * A relay forgot a topic, by accident or by intent. Whoever notices posts again what nobody else would: the own changes of the space and the newest of
 * the own messages, those that everybody here has as well, since who comes later reads them at the relay. Each goes out under the epoch it went out
 * under at first, since those who lack it may know no later one. What others made is theirs to post: they notice as well.
 */
import type { Row } from '../ports.ts'
import { AUTHORITY_CHANNEL, type EpochId, type OpId, type SpaceId } from '../wire/ids.ts'
import { decodeOp, type Op } from '../wire/op.ts'
import type { Engine } from './engine.ts'
import { isLive, layKit } from './invites.ts'
import { MAX_REPOSTED_MESSAGES, REPOST_EVERY_MS } from './limits.ts'
import { opKey } from './log/log.ts'
import { batchesOf } from './mailbox/mail.ts'
import { opsPartition, type Replica } from './replica.ts'
import type { Turn } from './turn.ts'

export class LostMail {
  private readonly engine: Engine
  /** When each place was last filled again: a relay that forgets all the time must not have us post all the time. */
  private readonly filledAt = new Map<string, number>()

  constructor(engine: Engine) { this.engine = engine }

  async rolledBack(turn: Turn, replica: Replica, relay: string, topic: string): Promise<void> {
    if (replica.state() !== 'member' || !replica.mail.relays.includes(relay)) return
    const place = `${replica.id}|${topic}|${relay}`
    const last = this.filledAt.get(place) ?? -Infinity
    if (turn.now - last < REPOST_EVERY_MS) return turn.out.wake(`repost|${place}`, last + REPOST_EVERY_MS)
    this.filledAt.set(place, turn.now)
    const under = epochsOfOwn(replica)
    for (const [epoch, ops] of under) {
      for (const batch of batchesOf(ops)) await this.post(turn, replica, relay, topic, epoch, batch)
    }
    for (const [channel, chanSeq] of ownContentHeads(replica)) {
      turn.out.read({
        tag: `${replica.id}|again|${topic}|${relay}`, partition: opsPartition(replica.id, channel),
        query: { from: opKey(replica.me.device, 1), to: opKey(replica.me.device, chanSeq + 1), limit: MAX_REPOSTED_MESSAGES, reverse: true },
      })
    }
    const newest = replica.everyone.relayKeysInUse()[0]
    if (newest !== undefined && (await replica.mail.topicOf(newest)).topic === topic) await this.layKitsAgain(turn, replica, relay)
  }

  async onTimer(turn: Turn, tag: string): Promise<void> {
    const [, space = '', topic = '', relay = ''] = tag.split('|')
    const replica = this.engine.replicas.get(space as SpaceId)
    if (replica !== undefined) await this.rolledBack(turn, replica, relay, topic)
  }

  /** Own messages that the roll-back asked the disk for, newest first. */
  async onRows(turn: Turn, replica: Replica, tag: string, rows: readonly Row[]): Promise<void> {
    const [, , topic = '', relay = ''] = tag.split('|')
    const ops = [...rows].reverse().map((row) => decodeOp(row.value, (b) => this.engine.world.suite.sha256(b))).filter((op): op is Op => op !== undefined)
    for (const [epoch, said] of Map.groupBy(ops, (op) => op.header.epoch)) {
      if (epoch !== undefined) for (const batch of batchesOf(said)) await this.post(turn, replica, relay, topic, epoch, batch)
    }
  }

  /** Posts only what belongs into the topic that was lost. */
  private async post(turn: Turn, replica: Replica, relay: string, topic: string, epoch: EpochId, ops: readonly Uint8Array[]): Promise<void> {
    const audience = replica.audienceOf(epoch)
    const relayKey = audience.groups.keys.relayKeys.get(epoch) ?? audience.relayKeysInUse()[0]
    const key = relayKey === undefined ? undefined : await replica.mail.topicOf(relayKey)
    if (key?.topic !== topic) return
    const bytes = replica.mail.seal(epoch, { type: 'ops', ops })
    if (bytes !== undefined) replica.mail.post(turn, key, bytes, undefined, [relay])
  }

  /** Members don't read the topics of invites, so their loss shows only here. Who made an invite lays its kit again; while they are away, one of those who are here. */
  private async layKitsAgain(turn: Turn, replica: Replica, relay: string): Promise<void> {
    const online = this.engine.onlineDevices(replica, turn.now)
    const first = [...online, replica.me.device].sort()[0]
    const isHere = (identity: string): boolean => [...online].some((device) => replica.authority.identityOf(device) === identity)
    for (const [invite, info] of replica.authority.state.invites) {
      if (!isLive(info, turn.now)) continue
      if (info.creator === replica.me.identity || (!isHere(info.creator) && first === replica.me.device)) await layKit(turn, replica, invite, [relay])
    }
  }
}

/** Own authority and group ops by the epoch they went out under: a commit's parent, else the deepest epoch in the op's past that can be sealed for. */
function epochsOfOwn(replica: Replica): Map<EpochId, Op[]> {
  const { groups, log, me } = replica
  const depth = (epoch: EpochId | undefined): number => (epoch === undefined ? -1 : groups.tree.nodes.get(epoch)?.depth ?? -1)
  const canSeal = (epoch: EpochId): boolean => groups.keys.envelope(epoch) !== undefined
  const known = new Map<OpId, EpochId | undefined>()
  const out = new Map<EpochId, Op[]>()
  for (const op of log.authority.values()) {
    let before: EpochId | undefined
    for (const id of op.header.chanPrev === undefined ? op.header.deps : [op.header.chanPrev, ...op.header.deps]) {
      const epoch = known.get(id)
      if (depth(epoch) > depth(before)) before = epoch
    }
    const parent = groups.commits.get(op.id)?.parent
    known.set(op.id, groups.tree.nodes.has(op.id as EpochId) && canSeal(op.id as EpochId) ? op.id as EpochId : before)
    if (op.header.device !== me.device) continue
    const under = parent !== undefined && canSeal(parent) ? parent : before ?? groups.tip()
    if (under !== undefined) out.set(under, [...out.get(under) ?? [], op])
  }
  return out
}

function ownContentHeads(replica: Replica): [channel: Op['header']['channel'], chanSeq: number][] {
  const out: [Op['header']['channel'], number][] = []
  for (const channel of replica.authority.state.channels.keys()) {
    const head = replica.log.head(channel, replica.me.device)
    if (channel !== AUTHORITY_CHANNEL && head !== undefined) out.push([channel, head.chanSeq])
  }
  return out
}
