/**
 * One set of readers of a space, and the group that follows it. Audience 0 is everyone, whom the space's own channels are for; each private channel
 * is for another. Who reads is authority's to say: here is what this device holds of their group, and where their sealed content goes.
 */
import { fromHex, toHex } from '../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type EpochId, type IdentityId, type OpId, type SpaceId } from '../wire/ids.ts'
import { type Gain, Groups, type Shared } from './group/groups.ts'
import { openGrants } from './history.ts'
import type { Due } from './reconcile.ts'
import type { Replica } from './replica.ts'
import { readerDevices, reads } from './space/readers.ts'
import type { DeviceState, HistoryPolicy, SpaceState } from './space/state.ts'
import { Receipted } from './sync/receipts.ts'

/** Topics of one audience that are read at once: mail of late writers still comes to the older ones. */
const MAX_TOPICS = 16
/** Of those, topics that were in use long before, on the way to the tip. */
const MAX_MILESTONES = 4
/** And topics that one device began beside that way. */
const MAX_TOPICS_OF_ONE = 2

export class Audience {
  readonly replica: Replica
  /** As in the headers of its commits and its content. */
  readonly number: number
  /** The op that its group hangs off, and is named after. */
  readonly root: OpId
  readonly groups: Groups
  /** What is to be told to others, as of a while ago. */
  telling: { readonly of: string; readonly due: Due } | undefined
  /** What of these leaves and these readers is not in both. */
  difference: { readonly leaves: readonly (DeviceId | undefined)[]; readonly devices: ReadonlyMap<DeviceId, DeviceState>; readonly outside: readonly DeviceId[]; readonly remove: readonly number[] } | undefined
  readonly receipted = new Receipted()
  /** When this device last put fresh keys into this tip's branch (ms). */
  renewed: { readonly tip: EpochId; readonly at: number } | undefined
  /** Whether what is told because of an op can't be taken back any more, as of so many ops. */
  readonly settled = new Map<OpId, { readonly of: number; readonly is: boolean }>()
  private known: { readonly state: SpaceState; readonly devices: ReadonlyMap<DeviceId, DeviceState> } | undefined
  private knownOthers: { readonly state: SpaceState; readonly others: ReadonlyMap<IdentityId, readonly DeviceId[]> } | undefined

  constructor(replica: Replica, number: number, root: OpId, shared: Shared) {
    const { authority, me, world } = replica
    this.replica = replica
    this.number = number
    this.root = root
    this.groups = new Groups(world.suite, root as string as SpaceId, { identity: fromHex(me.identity) as Uint8Array, device: me.deviceKey, certHash: me.certHash }, {
      certificateAt: (op, device) => authority.certificateAt(op, device, number),
      powerBehind: (op) => authority.powerBehind(op),
      isVoid: (op) => authority.verdict(op).type === 'void',
      hasSeen: (op, other) => authority.hasSeen(op, other),
      identityOf: (device) => authority.identityOf(device),
      isCut: (place) => authority.isCut(place) || !this.isKnownToAll(place.channel),
      size: () => authority.size,
      upheavals: () => authority.upheavals,
    }, shared)
  }

  /** What all readers can know: who comes after a channel was deleted, or given to others, never gets what was said there. */
  private isKnownToAll(channel: ChannelId | undefined): boolean {
    return channel === undefined || channel === AUTHORITY_CHANNEL || this.replica.authority.state.channels.get(channel)?.audience === this.number
  }

  /** Those that may read what is sealed now. */
  get devices(): ReadonlyMap<DeviceId, DeviceState> {
    const { state } = this.replica.authority
    if (this.known?.state !== state) this.known = { state, devices: readerDevices(state, this.number) }
    return this.known.devices
  }

  /** Devices of each other reader: asked for with every own message that is shown. */
  get others(): ReadonlyMap<IdentityId, readonly DeviceId[]> {
    const { authority: { state }, me } = this.replica
    if (this.knownOthers?.state === state) return this.knownOthers.others
    const others = new Map<IdentityId, DeviceId[]>()
    for (const identity of state.members.keys()) if (identity !== me.identity && this.isRead(identity)) others.set(identity, [])
    for (const [device, { identity }] of state.devices) others.get(identity)?.push(device)
    this.knownOthers = { state, others }
    return others
  }

  /** Whether who comes later reads what was said before. */
  get historyPolicy(): HistoryPolicy {
    const { state } = this.replica.authority
    return this.number === 0 ? state.historyPolicy : state.audiences.get(this.number)?.historyPolicy ?? 'fromJoin'
  }

  /** Everyone's always; another while some channel is for it. */
  get isUsed(): boolean {
    return this.number === 0 || [...this.replica.authority.state.channels.values()].some((c) => c.audience === this.number)
  }

  /** True when this device could read what is written now. */
  get isReadable(): boolean {
    const tip = this.groups.tip()
    return tip !== undefined && this.groups.keys.has(tip)
  }

  isRead(identity: IdentityId): boolean { return reads(this.replica.authority.state, this.number, identity) }

  /** Whether what was said in this epoch is also for those who come later: so it is where the author of its commit knew that policy. */
  isOpen(epoch: EpochId): boolean {
    const { upheavals } = this.replica.authority
    if (this.opened.of !== upheavals) this.opened = { of: upheavals, epochs: new Map() }
    const { epochs } = this.opened
    const known = epochs.get(epoch)
    if (known !== undefined) return known
    const isOpen = this.policyBehind(epoch) === 'all'
    epochs.set(epoch, isOpen)
    return isOpen
  }

  private opened: { readonly of: number; readonly epochs: Map<EpochId, boolean> } = { of: -1, epochs: new Map() }

  private policyBehind(epoch: EpochId): HistoryPolicy { return this.replica.authority.historyBehind(epoch, this.number) }

  /** Processes what can be processed now. Returns what must be saved. */
  async advance(): Promise<Gain[]> {
    const gains = await openGrants(this)
    gains.push(...(await this.groups.advance()))
    return gains
  }

  /**
   * The newest relay keys first: that of the tip and of its way, then those of other branches, where somebody may still write who has not heard of this one.
   * Each author has a few places there, and what is void comes last: a storm of commits must not close the topics that others write to.
   */
  relayKeysInUse(): readonly Uint8Array[] {
    const { tree, keys: { relayKeys } } = this.groups, way = tree.path()
    // The path is the same object while nothing has changed in the tree, nor in what stands.
    if (this.inUse?.path !== way || this.inUse.size !== relayKeys.size) this.inUse = { path: way, size: relayKeys.size, keys: this.relayKeysNow(way) }
    return this.inUse.keys
  }

  private inUse: { readonly path: readonly EpochId[]; readonly size: number; readonly keys: readonly Uint8Array[] } | undefined

  private relayKeysNow(canonical: readonly EpochId[]): Uint8Array[] {
    const { tree, keys: { relayKeys } } = this.groups
    const path = new Set(canonical.toReversed())
    const depth = (epoch: EpochId): number => tree.nodes.get(epoch)?.depth ?? 0
    const beside = [...relayKeys.keys()].filter((epoch) => !path.has(epoch)).sort((a, b) => Number(this.groups.stands(b)) - Number(this.groups.stands(a)) || depth(b) - depth(a))
    const way = distinct(path, relayKeys)
    const places = new Map<DeviceId | undefined, number>()
    const others = [...distinct(beside, relayKeys)].filter(([, epoch]) => {
      const author = tree.nodes.get(epoch)?.author, n = (places.get(author) ?? 0) + 1
      places.set(author, n)
      return n <= MAX_TOPICS_OF_ONE
    })
    const keys = new Set([...[...way.keys()].slice(0, MAX_TOPICS / 2), ...milestones(canonical, relayKeys), ...others.map(([key]) => key), ...way.keys()])
    return [...keys].slice(0, MAX_TOPICS).map((key) => fromHex(key) as Uint8Array)
  }
}

/**
 * What was in use at depths that two devices choose alike, however much further one has gone: it is where they find each other who have no other topic in common any more. Of a path twice as
 * long every second is left.
 */
function milestones(path: readonly EpochId[], relayKeys: ReadonlyMap<EpochId, Uint8Array>): Iterable<string> {
  const step = 2 ** Math.ceil(Math.log2(Math.max(1, path.length / MAX_MILESTONES)))
  return distinct(path.filter((_epoch, depth) => depth % step === 1 % step), relayKeys).keys()
}

/** The relay keys of these epochs (hex), each with the first that has it. */
function distinct(epochs: Iterable<EpochId>, relayKeys: ReadonlyMap<EpochId, Uint8Array>): Map<string, EpochId> {
  const out = new Map<string, EpochId>()
  for (const epoch of epochs) {
    const key = relayKeys.get(epoch), id = key === undefined ? undefined : toHex(key)
    if (id !== undefined && !out.has(id)) out.set(id, epoch)
  }
  return out
}
