/**
 * Finding out what one lacks of a space that another has, and in which order to ask for it.
 *
 * Each tells the other a digest of what it holds of every channel. Where they differ, each tells its version vector of that channel, which shows the other what it lacks
 * and asks for what the other has beyond it, so that the answer is on its way after one round trip; where they are equal, nothing more is said, and each knows that the other
 * has all of it. What one such answer can't hold, what was lost and branches of forked chains are asked for by name. Authority comes first, by itself, since nothing can be
 * placed without it; then the channels that somebody here has opened, the last opened first; then the others.
 */
import { toHex } from '../../wire/bytes.ts'
import { type AskRange, type ChannelDigest, MAX_DIGESTS } from '../../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId } from '../../wire/ids.ts'
import { type DeviceName, MAX_VECTOR_CHANNELS, type Told, type ToldChain, type Vector, type VectorEntry } from '../../wire/vector.ts'
import { MAX_ASK_OPS, MAX_ASK_RANGES, MAX_ASKED_TREES, MAX_BRANCH_ASKS, MAX_LACKING, MAX_OPENED_CHANNELS, MAX_VECTOR_PART, TREE_ASKED_AGAIN_MS } from '../limits.ts'
import { type ChainKey, chainKey } from '../log/log.ts'
import type { Replica } from '../replica.ts'

const NONE: ReadonlySet<ChannelId> = new Set()

/** What one peer has of a space and we lack, as far as it told. */
export class Wants {
  private readonly peer: DeviceId
  /** Chains with something missing: all the tips that the peer showed of each. */
  private readonly lacking = new Map<ChainKey, readonly VectorEntry[]>()
  /** Tips of other branches that were asked for: once each, since not every branch has room here. */
  private readonly branches = new Set<string>()
  private asked = ''

  constructor(peer: DeviceId) { this.peer = peer }

  /** Notes what a vector shows. Beyond the bound nothing is noted: it shows again once the rest is here. */
  note(replica: Replica, vector: Vector): void {
    for (const [chain, tips] of byChain(vector)) {
      if (tips.some((tip) => replica.log.lacks(tip, tips.length > 1) !== undefined) && (this.lacking.has(chain) || this.lacking.size < MAX_LACKING)) this.lacking.set(chain, tips)
      else this.lacking.delete(chain)
    }
  }

  /** Whether something of this device's is lacking. */
  hasOf(device: DeviceId): boolean { return [...this.lacking.keys()].some((chain) => chain.endsWith(device)) }

  /** What to ask for next. `isAgain`: an answer just came; the same is not asked for twice in a row in the same way, since it brought nothing. `plain`: channels that are asked for in another way. */
  next(replica: Replica, isAgain: boolean, plain: ReadonlySet<ChannelId> = NONE): readonly AskRange[] {
    // What was lost first: it is older than anything that is missing. Who may not have it isn't to hear of it either.
    const whole: AskRange[] = [...replica.holes.wanted(MAX_ASK_OPS / 2, (channel) => replica.mayHave(this.peer, channel) && (channel === AUTHORITY_CHANNEL || !replica.isMending))]
    /** Of the channel that comes now; how many ops are missing of it, and how many of them will come at least. */
    let some: AskRange[] = [], missing = 0, least = 0, room = MAX_ASK_OPS - opsIn(whole)
    for (const chain of this.inOrder(replica)) {
      const tips = this.lacking.get(chain) as readonly VectorEntry[], channel = tips[0]?.channel
      if (some[0] !== undefined && channel !== some[0].channel) {
        if (missing >= room) break
        whole.push(...some)
        room -= missing
        some = []
        missing = least = 0
      }
      if (whole.length + some.length >= MAX_ASK_RANGES || least >= room) break
      if ((whole[0] ?? some[0])?.channel === AUTHORITY_CHANNEL && channel !== AUTHORITY_CHANNEL) break
      if (replica.quota.isStopped(chain)) continue
      const found = this.rangesOf(replica, tips)
      if (found === undefined) { this.lacking.delete(chain); continue }
      some.push(...found)
      missing += opsIn(found)
      least += found.reduce((sum, range) => sum + Math.min(LEAST_SHARE, opsIn([range])), 0)
    }
    const ranges = [...whole, ...shared(some, room)]
    const asked = ranges.map((r) => `${r.channel}${r.device}${r.from}${plain.has(r.channel) ? ' plain' : ''}`).join()
    if (isAgain && asked === this.asked) return []
    this.asked = asked
    return ranges
  }

  /** undefined: of this chain nothing is missing any more. */
  private rangesOf(replica: Replica, tips: readonly VectorEntry[]): AskRange[] | undefined {
    const ranges: AskRange[] = []
    let isDone = true
    for (const tip of tips) {
      const lacks = replica.log.lacks(tip, tips.length > 1)
      if (lacks === undefined) continue
      isDone = false
      if (lacks.again && (this.branches.has(tip.head) || this.branches.size >= MAX_BRANCH_ASKS)) continue
      if (lacks.again) this.branches.add(tip.head)
      ranges.push({ channel: tip.channel, device: tip.device, from: lacks.from, to: lacks.to })
    }
    return isDone ? undefined : ranges
  }

  private inOrder(replica: Replica): ChainKey[] {
    const rank = (chain: ChainKey): number => (chain.startsWith(AUTHORITY_CHANNEL) ? -1 : replica.opened.rank(chain.slice(0, 32) as ChannelId))
    return [...this.lacking.keys()].map((chain) => ({ chain, rank: rank(chain) })).sort((a, b) => a.rank - b.rank || (a.chain < b.chain ? -1 : 1)).map(({ chain }) => chain)
  }
}

const opsIn = (ranges: readonly AskRange[]): number => ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)

/** Where not all fits into one ask, each chain's share of it is that of what is missing, and no less than this. */
const LEAST_SHARE = 64

/**
 * The beginnings of these parts of chains, so many ops in all. What was written at one time comes at one time in this way, whoever wrote it, and is kept side by side on
 * the disk: chain after chain, each would be laid between the rows of those before it.
 */
function shared(ranges: readonly AskRange[], room: number): AskRange[] {
  const all = opsIn(ranges), out: AskRange[] = []
  let left = room
  for (const range of ranges) {
    const length = range.to - range.from + 1
    const share = Math.min(length, left, all <= room ? length : Math.max(LEAST_SHARE, Math.ceil((length * room) / all)))
    if (share <= 0) break
    out.push({ ...range, to: range.from + share - 1 })
    left -= share
  }
  return out
}

/** Trees that one peer was asked for, for as long as it is connected: the answer may come when the session in which it was asked has been followed by another. */
export class AskedTrees {
  /** By the hex of their hash: when last. */
  private readonly trees = new Map<string, number>()

  /** Those that weren't asked for lately. From now on they were. */
  toAsk(hashes: readonly Uint8Array[], now: number): Uint8Array[] {
    const out = hashes.filter((hash) => now - (this.trees.get(toHex(hash)) ?? -Infinity) >= TREE_ASKED_AGAIN_MS).slice(0, MAX_ASKED_TREES)
    for (const hash of out) this.trees.set(toHex(hash), now)
    return out
  }

  has(hash: Uint8Array): boolean { return this.trees.has(toHex(hash)) }
}

/** Channels that somebody here looked at, the last first. */
export class Opened {
  private channels: readonly ChannelId[] = []

  note(channel: ChannelId): void { this.channels = [channel, ...this.channels.filter((c) => c !== channel)].slice(0, MAX_OPENED_CHANNELS) }

  /** Smaller is more wanted. */
  rank(channel: ChannelId): number {
    const at = this.channels.indexOf(channel)
    return at < 0 ? this.channels.length : at
  }
}

/**
 * The channels that a device may be told about, ascending: those of the space that it reads. There are fewer than a digest can hold, but for those that were
 * deleted: of these some are left out, as nothing in them is shown any more.
 */
function channelsFor(replica: Replica, device: DeviceId): ChannelId[] {
  const all = [...replica.log.channels].filter((channel) => replica.mayHave(device, channel)).sort()
  if (all.length <= MAX_DIGESTS) return all
  const { channels } = replica.authority.state
  const isLive = (channel: ChannelId): boolean => channel === AUTHORITY_CHANNEL || channels.has(channel)
  return [...all.filter(isLive), ...all.filter((channel) => !isLive(channel))].slice(0, MAX_DIGESTS).sort()
}

/** What to tell a device of what is here. */
export function digestsFor(replica: Replica, device: DeviceId): ChannelDigest[] {
  return channelsFor(replica, device).map((channel) => ({ channel, digest: replica.log.digest(channel) as string }))
}

/** What to tell a device that told these digests, of all channels that differ, in parts that fit a frame each; and our own chains, where it has all that we have. */
export function answerDigests(replica: Replica, device: DeviceId, theirs: readonly ChannelDigest[]): { readonly parts: readonly (readonly Told[])[]; readonly same: Vector } {
  const told = new Map(theirs.map((c) => [c.channel, c.digest]))
  const ours = digestsFor(replica, device)
  const same = new Set(ours.filter(({ channel, digest }) => told.get(channel) === digest).map((c) => c.channel))
  const others = ours.map((c) => c.channel).filter((channel) => !same.has(channel))
  const unheard = theirs.map((c) => c.channel).filter((channel) => replica.log.digest(channel) === undefined)
  return { parts: toldParts(replica, replica.log.vector(others), unheard), same: replica.log.vectorBy(replica.me.device).filter((e) => same.has(e.channel)) }
}

/** Notes in which channels a device that told these digests has just what is here: also in those where neither has anything. */
export function noteAgreed(replica: Replica, device: DeviceId, theirs: readonly ChannelDigest[]): void {
  const told = new Map(theirs.map((c) => [c.channel, c.digest]))
  for (const channel of replica.authority.state.channels.keys()) if (replica.mayHave(device, channel) && told.get(channel) === replica.log.digest(channel)) replica.agreed.add(channel)
}

/** A vector as it is told, the most wanted channels first; and channels of which nothing is here. */
export function toldParts(replica: Replica, vector: Vector, unheard: readonly ChannelId[] = []): Told[][] {
  const rank = (channel: ChannelId): number => (channel === AUTHORITY_CHANNEL ? -1 : replica.opened.rank(channel))
  const parts = partsOf(vector).map((part) => {
    const channels = new Map<ChannelId, ToldChain[]>()
    for (const { channel, device, chanSeq, head } of part) {
      const chains = channels.get(channel) ?? []
      // Who lacks a part of authority doesn't know all devices.
      chains.push({ device: channel === AUTHORITY_CHANNEL ? device : replica.names.of(device), chanSeq, head })
      channels.set(channel, chains)
    }
    return [...channels].map(([channel, chains]) => ({ channel, chains }))
  })
  const last = parts[parts.length - 1], room = MAX_VECTOR_CHANNELS - (last?.length ?? 0), empty = unheard.slice(0, room).map((channel) => ({ channel, chains: [] }))
  if (last !== undefined) last.push(...empty); else if (empty.length > 0) parts.push(empty)
  for (const part of parts) part.sort((a, b) => rank(a.channel) - rank(b.channel) || (a.channel < b.channel ? -1 : 1))
  return parts
}

/** What a device that told this lacks and may have, as far as the numbers of its chains show: authority, or else the rest in the order in which it wants it. `heads`: the first bytes of what it has. */
export function lackedBy(replica: Replica, device: DeviceId, told: readonly Told[]): { readonly ranges: readonly AskRange[]; readonly heads: ReadonlySet<string> } {
  const ranges: AskRange[] = [], heads = new Set<string>()
  for (const { channel, chains } of told) {
    if (!replica.mayHave(device, channel)) continue
    const reach = new Map<DeviceName, number>()
    for (const { device: name, chanSeq, head } of chains) { reach.set(name, Math.max(chanSeq, reach.get(name) ?? 0)); heads.add(head) }
    for (const author of replica.log.devicesIn(channel)) {
      const has = Math.max(reach.get(author) ?? 0, reach.get(replica.names.of(author)) ?? 0), to = replica.log.tipsOf(channel, author).reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
      if (to > has) ranges.push({ channel, device: author, from: has + 1, to })
    }
  }
  const authority = ranges.filter(({ channel }) => channel === AUTHORITY_CHANNEL)
  return { ranges: inOneAnswer(authority.length > 0 ? authority : ranges).slice(0, MAX_ASK_RANGES), heads }
}

/** Whole channels as far as they fit, and of the next one a part of each chain. */
function inOneAnswer(ranges: readonly AskRange[]): AskRange[] {
  const out: AskRange[] = []
  for (const channel of new Set(ranges.map((range) => range.channel))) out.push(...shared(ranges.filter((range) => range.channel === channel), MAX_ASK_OPS - opsIn(out)))
  return out
}

/** A chain's tips stay together. */
export function partsOf(vector: Vector): Vector[] {
  const out: VectorEntry[][] = []
  let last: VectorEntry[] | undefined, channels = new Set<ChannelId>()
  for (const tips of byChain(vector).values()) {
    const [{ channel }] = tips as [VectorEntry]
    const isFull = last === undefined || last.length + tips.length > MAX_VECTOR_PART || (channels.size >= MAX_VECTOR_CHANNELS && !channels.has(channel))
    if (last === undefined || isFull) { out.push((last = [])); channels = new Set() }
    last.push(...tips)
    channels.add(channel)
  }
  return out
}

export function byChain(vector: Vector): Map<ChainKey, VectorEntry[]> {
  const out = new Map<ChainKey, VectorEntry[]>()
  for (const e of vector) {
    const chain = chainKey(e.channel, e.device)
    const tips = out.get(chain)
    if (tips === undefined) out.set(chain, [e]); else tips.push(e)
  }
  return out
}
