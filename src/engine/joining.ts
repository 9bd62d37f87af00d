/**
 * Joining through a link while everyone may be offline: the kit at the relays holds the authority log and the group as it stood; this device adds
 * its join op and an external commit, and is in. Members accept it because authority does, not because anyone approved.
 */
import type { ApiError } from '../api.ts'
import type { MailboxEvent, TopicKey } from '../ports.ts'
import { concat, fromHex } from '../wire/bytes.ts'
import { encodeAuthorityBody, joinProofBytes } from '../wire/authority.ts'
import { decodeKit, type InviteLink, type Kit } from '../wire/invite.ts'
import type { EpochId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import type { Gain } from './group/groups.ts'
import { fail } from './errors.ts'
import { fullness, type InviteKeys, inviteKeys, inviteTopic, openKit } from './invites.ts'
import type { Asker } from './out.ts'
import { refusal } from './refusals.ts'
import { publishKeyPackage } from './key-packages.ts'
import { joinFromOutside } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { Turn } from './turn.ts'

type GroupKit = Kit & { readonly type: 'group' }

export type JoinResult =
  | { readonly type: 'waiting' }
  /** All relays have told all they have, and this invite is not among it: not yet, or no more. */
  | { readonly type: 'unknown' }
  | { readonly type: 'refused'; readonly error: ApiError }
  | { readonly type: 'joined'; readonly ops: readonly Op[]; readonly parent: EpochId }

export class Joining {
  readonly replica: Replica
  readonly link: InviteLink
  /** Whoever asked and still waits for the answer. */
  asker: Asker | undefined
  readonly topic: TopicKey
  private readonly keys: InviteKeys
  private readonly groups = new Map<EpochId, GroupKit>()
  /** Relays that have told all they have. */
  private readonly heard = new Set<string>()

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
    for (const relay of this.link.relays) turn.out.send({ type: 'watch', relay, key: this.topic, since: 0 })
  }

  end(turn: Turn): void {
    for (const relay of this.link.relays) turn.out.send({ type: 'unwatch', relay, topic: this.topic.topic })
  }

  async onParcels(turn: Turn, event: MailboxEvent & { type: 'parcels' }): Promise<JoinResult> {
    for (const parcel of event.parcels) {
      const plain = await openKit(this.replica.world.suite, this.keys.box, this.replica.id, this.keys.invite, parcel.bytes)
      const kit = plain === undefined ? undefined : decodeKit(plain)
      if (kit?.type === 'ops') await this.replica.receive(turn, kit.ops)
      if (kit?.type === 'group') this.groups.set(kit.epoch, kit)
    }
    if (!event.end) return { type: 'waiting' }
    this.heard.add(event.relay)
    return this.attempt(turn)
  }

  private async attempt(turn: Turn): Promise<JoinResult> {
    const refusal = this.refusal(turn)
    // Another relay may know more: only when all have been heard is a no final.
    if (refusal !== undefined && this.heard.size < this.link.relays.length) return { type: 'waiting' }
    // A link can be opened before what belongs to it has reached the relay.
    if (refusal?.code === 'link-unknown') return { type: 'unknown' }
    if (refusal !== undefined) return { type: 'refused', error: refusal }
    const kit = this.bestGroup()
    if (kit !== undefined) return this.enter(turn, kit, this.replica)
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

  /**
   * The kit of the tip, or else of the deepest epoch on the canonical path. Votes in content aren't in the kit: what looks like the path here may be another
   * than the members', and then any branch that they laid a kit of is a way in.
   */
  private bestGroup(): GroupKit | undefined {
    const { groups } = this.replica
    for (const epoch of [...this.replica.groups.tree.path()].reverse()) {
      const kit = this.groups.get(epoch)
      if (kit !== undefined) return kit
    }
    const depth = (kit: GroupKit): number => groups.tree.nodes.get(kit.epoch)?.depth ?? -1
    const others = [...this.groups.values()].filter((kit) => depth(kit) >= 0 && groups.stands(kit.epoch))
    return others.sort((a, b) => depth(b) - depth(a) || (a.epoch < b.epoch ? -1 : 1))[0]
  }

  private async enter(turn: Turn, kit: GroupKit, replica: Replica): Promise<JoinResult> {
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
    const commit = await joinFromOutside(turn, replica.everyone, kit.epoch, kit.groupInfo, kit.tree, kit.relayKey)
    if (commit === undefined) return { type: 'refused', error: fail('internal') }
    ops.push(commit)
    ops.push(await publishKeyPackage(turn, replica))
    replica.save(turn, { ...replica.record, state: 'open', link: '' })
    return { type: 'joined', ops, parent: kit.epoch }
  }
}
