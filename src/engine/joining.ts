/**
 * Joining through a link while everyone may be offline: the kit at the relays holds the authority log and the group as it stood; this device adds
 * its join op and an external commit, and is in. Members accept it because authority does, not because anyone approved.
 */
import type { ApiError } from '../api.ts'
import type { MailboxEvent, TopicKey } from '../ports.ts'
import { concat, equal, fromHex } from '../wire/bytes.ts'
import { encodeAuthorityBody, joinProofBytes } from '../wire/authority.ts'
import { decodeKit, type InviteLink, type Kit } from '../wire/invite.ts'
import type { EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Gain } from './group/groups.ts'
import { fail } from './errors.ts'
import { fullness, groupTopic, type InviteKeys, inviteKeys, inviteTopic, openKit } from './invites.ts'
import { GROUPS_AHEAD, MAX_GROUPS_TRIED, MAX_KITS_OF_EPOCH } from './limits.ts'
import type { Asker } from './out.ts'
import { refusal } from './refusals.ts'
import { publishKeyPackage } from './key-packages.ts'
import { joinFromOutside, wayInto, type WayIn } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

type GroupKit = Kit & { readonly type: 'group' }
/** What was laid for an epoch, and the way in that it is. */
interface Found { readonly kit: GroupKit; readonly way: WayIn }

export type JoinResult =
  | { readonly type: 'waiting' }
  /** All relays have told all they have, and this invite is not among it: not yet, or no more. */
  | { readonly type: 'unknown' }
  | { readonly type: 'refused'; readonly error: ApiError }
  | { readonly type: 'joined'; readonly ops: readonly Op[]; readonly parent: EpochId }

/** Where one epoch's group may lie, and the relays that have told all they have there. */
interface Place { readonly key: TopicKey; readonly epoch: EpochId; readonly heard: Set<string> }

export class Joining {
  readonly replica: Replica
  readonly link: InviteLink
  /** Whoever asked and still waits for the answer. */
  asker: Asker | undefined
  readonly topic: TopicKey
  private readonly keys: InviteKeys
  /** What was laid as the group of an epoch, in the order it was: whoever is a member may lay something there. */
  private readonly groups = new Map<EpochId, GroupKit[]>()
  /** Relays that have told all they have of the authority log. */
  private readonly heard = new Set<string>()
  /** Epochs whose group is looked for, by topic. */
  private readonly places = new Map<string, Place>()

  private constructor(replica: Replica, link: InviteLink, keys: InviteKeys, topic: TopicKey, asker: Asker | undefined) {
    this.replica = replica
    this.link = link
    this.keys = keys
    this.topic = topic
    this.asker = asker
  }

  static async begin(turn: Turn, replica: Replica, link: InviteLink, asker: Asker | undefined): Promise<Joining> {
    const keys = await inviteKeys(replica.world.suite, link.secret)
    const joining = new Joining(replica, link, keys, await inviteTopic(replica.world, keys.topicSeed), asker)
    joining.watch(turn)
    return joining
  }

  /** From the start each time: what is known already is recognised. */
  watch(turn: Turn): void {
    for (const key of this.keysWatched()) this.watchTopic(turn, key)
  }

  private watchTopic(turn: Turn, key: TopicKey): void {
    for (const relay of this.link.relays) turn.out.send({ type: 'watch', relay, key, since: 0 })
  }

  end(turn: Turn): void {
    for (const relay of this.link.relays) for (const { topic } of this.keysWatched()) turn.out.send({ type: 'unwatch', relay, topic })
  }

  private keysWatched(): TopicKey[] { return [this.topic, ...[...this.places.values()].map(({ key }) => key)] }

  /** Whether what comes in this topic is for whoever joins here. */
  reads(topic: string): boolean { return topic === this.topic.topic || this.places.has(topic) }

  async onParcels(turn: Turn, event: MailboxEvent & { type: 'parcels' }): Promise<JoinResult> {
    for (const parcel of event.parcels) {
      const plain = await openKit(this.replica.world.suite, this.keys.box, this.replica.id, this.keys.invite, parcel.bytes)
      const kit = plain === undefined ? undefined : decodeKit(plain)
      if (kit?.type === 'ops') await this.replica.receive(turn, kit.ops)
      if (kit?.type === 'group') this.noteGroup(kit)
    }
    if (!event.end) return { type: 'waiting' }
    const heard = this.places.get(event.topic)?.heard ?? this.heard
    heard.add(event.relay)
    return this.heard.size === 0 ? { type: 'waiting' } : this.attempt(turn)
  }

  private noteGroup(kit: GroupKit): void {
    const known = this.groups.get(kit.epoch) ?? []
    if (known.length < MAX_KITS_OF_EPOCH) this.groups.set(kit.epoch, [...known, kit])
  }

  private async attempt(turn: Turn): Promise<JoinResult> {
    const refusal = this.refusal(turn)
    // Another relay may know more: only when all have been heard is a no final.
    if (refusal !== undefined && this.heard.size < this.link.relays.length) return { type: 'waiting' }
    // A link can be opened before what belongs to it has reached the relay.
    if (refusal?.code === 'link-unknown') return { type: 'unknown' }
    if (refusal !== undefined) return { type: 'refused', error: refusal }
    const found = await this.bestGroup(turn)
    if (found === 'looking') return { type: 'waiting' }
    if (found !== undefined) return this.enter(turn, found, this.replica)
    // Who was in before may know of the invite, and that it was taken back be told nowhere: of a link that is dead nobody lays the kit again.
    return { type: this.heard.size < this.link.relays.length ? 'waiting' : 'unknown' }
  }

  /** Why this link lets nobody in, as far as is known now. */
  private refusal(turn: Turn): ApiError | undefined {
    const { state } = this.replica.authority
    const invite = state.invites.get(this.keys.invite)
    if (!this.replica.log.authority.has(this.replica.id as unknown as EpochId) || invite === undefined) return fail('link-unknown')
    const { me, authority } = this.replica
    // Who is only contacted comes into nothing but a conversation: a link to anything else is not theirs to follow.
    if (this.replica.record.state === 'contacted' && state.dm === undefined) return fail('link-invalid')
    const reason = authority.refuseJoin(me.identity, me.device, this.keys.invite, turn.now)
    // Who is a member already needs no use of the link, only the way in.
    const isIn = reason?.code === 'exists' || (reason?.code === 'invite-used-up' && state.members.has(me.identity))
    return reason !== undefined && !isIn ? refusal(reason) : isIn ? undefined : fullness(this.replica)
  }

  /** The group of the first of the epochs to try that has one; 'looking' while a relay that has told of the log has not told of an epoch before it. */
  private async bestGroup(turn: Turn): Promise<Found | 'looking' | undefined> {
    let ahead = 0
    for (const epoch of this.epochsToTry()) {
      const found = await this.wayBy(epoch)
      if (found !== undefined) return ahead === 0 ? found : 'looking'
      const place = await this.placeOf(turn, epoch)
      if (place === undefined) break
      if ([...this.heard].every((relay) => place.heard.has(relay))) continue
      if (++ahead === GROUPS_AHEAD) break
    }
    return ahead > 0 ? 'looking' : undefined
  }

  /** The first that was laid for this epoch and leads in: its tree and its keys are those that the epoch's signed commit names. */
  private async wayBy(epoch: EpochId): Promise<Found | undefined> {
    const { everyone, groups, world } = this.replica, named = groups.commits.get(epoch)
    for (const kit of this.groups.get(epoch) ?? []) {
      if (named === undefined || !equal(world.suite.sha256(kit.tree), named.treeHash)) continue
      if (named.kitCheck !== undefined && !equal(groups.keys.kitCheckOf(kit.envelopeSecret, kit.relayKey), named.kitCheck)) continue
      const way = await wayInto(everyone, epoch, kit.groupInfo, kit.tree)
      if (way !== undefined) return { kit, way }
    }
    return undefined
  }

  /** Watched from the first time it is asked for; undefined when that would be too many. */
  private async placeOf(turn: Turn, epoch: EpochId): Promise<Place | undefined> {
    const key = await groupTopic(this.replica.world, this.keys.topicSeed, epoch)
    const known = this.places.get(key.topic)
    if (known !== undefined || this.places.size >= MAX_GROUPS_TRIED) return known
    const place = { key, epoch, heard: new Set<string>() }
    this.places.set(key.topic, place)
    this.watchTopic(turn, key)
    return place
  }

  /**
   * The tip and those before it on the canonical path. Votes in content aren't in the kit: what looks like the path here may be another than the members',
   * and then any branch that they laid a group of is a way in.
   */
  private epochsToTry(): EpochId[] {
    const { groups } = this.replica, path = [...groups.tree.path()].reverse(), onPath = new Set(path)
    const others = [...groups.tree.nodes.values()].filter(({ id }) => !onPath.has(id) && groups.stands(id))
    return [...path, ...others.sort((a, b) => b.depth - a.depth || (a.id < b.id ? -1 : 1)).map(({ id }) => id)]
  }

  private async enter(turn: Turn, { kit, way }: Found, replica: Replica): Promise<JoinResult> {
    const { suite } = replica.world
    const { me, groups } = replica
    const gains: Gain[] = []
    groups.keys.addEnvelope(kit.epoch, kit.envelopeSecret)
    turn.out.put(`keys/${replica.id}`, concat(fromHex(kit.epoch) as Uint8Array, new Uint8Array([1])), kit.envelopeSecret)
    for (const { epoch, secret } of kit.secrets) if (!groups.keys.has(epoch)) groups.believe(epoch, secret, gains)
    replica.saveGains(turn, gains)
    const proof = await suite.sign(this.keys.join.secretKey, joinProofBytes(replica.id, this.keys.invite, me.device, me.identity))
    const ops: Op[] = []
    ops.push(await replica.append(turn, 'join', encodeAuthorityBody({
      type: 'join', invite: this.keys.invite, identityPk: me.identityPk, cert: me.cert, displayName: me.name, proof,
    })))
    ops.push(await joinFromOutside(turn, replica.everyone, way, kit.relayKey))
    ops.push(await publishKeyPackage(turn, replica))
    replica.save(turn, { ...replica.record, state: 'open', link: '' })
    return { type: 'joined', ops, parent: kit.epoch }
  }
}
