/**
 * A disk that was put back to what it once was: a profile restored from a backup, or copied. This device has signed more than it remembers, and would sign
 * other ops for the same places: a fork, which freezes it. Nothing on a disk can show that; others can.
 *
 *   opened ──► unsure ──► sure                    others know no more of our chains than we do: go on
 *                 └─────► an own op comes that is news here ──► quiet for a while ──► a new key
 *   the tally shows it ──► somebody has told what they have ──► quiet for a while ──► a new key
 *
 * Until somebody has told, what is said waits unsigned with the drafts, acts and the group wait too; without any connection it is signed all the same, after a
 * moment, or nobody could write on a train; but not where the tally (tally.ts) shows that the disk is older than what was last signed. The proof is such a tally, or an
 * op that only this device can have signed: nobody's word is enough. Then the rest of what it
 * once signed is fetched, and a device with a new key adds itself by its person's key (A9), under which nothing was ever signed.
 * So it is where a damaged disk lost the end of an own chain, and nobody has it.
 * The engine starts again as that device. The old one is ended a week later: at once would make void what it said and others have not passed on yet.
 *
 * A device that was only certified by another one can certify nothing (A34). It is stuck: it reads, and signs nothing more, until its person types in the phrase or links it again. In the
 * second case its last act is to vouch for its new key, under a number far beyond all that may still be out there.
 */
import type { MailboxEvent, Row } from '../ports.ts'
import { encodeAuthorityBody, revokeProofBytes, selfAddBytes } from '../wire/authority.ts'
import { equal } from '../wire/bytes.ts'
import type { DeviceId, SpaceId } from '../wire/ids.ts'
import { decodeFormer, encodeFormer, type Former, type MeRecord } from '../wire/records.ts'
import { vouching } from './copying.ts'
import type { Engine } from './engine.ts'
import { fail } from './errors.ts'
import { END_FORMER_AFTER_MS, SUCCEED_AFTER_MS, SUCCEED_AT_LAST_MS, SUCCEED_UNREAD_MS, UNSURE_ALONE_MS } from './limits.ts'
import { makeMe, restoreMe } from './me.ts'
import type { Op } from '../wire/op.ts'
import type { Replica } from './replica.ts'
import type { Me, Turn } from './turn.ts'
import { saveMe } from './twice.ts'

const FORMER_KEY = Uint8Array.of(1)
/** A row there: stuck. */
const STUCK_KEY = Uint8Array.of(2)
const ASK_AGAIN_MS = 3600_000

export const STUCK = fail('put-back', 'This device’s storage was put back to an earlier state, so it may not write with its old key. Enter your recovery phrase in Settings, Devices, or link this device again there.')

const TWIN = fail('put-back', 'This copy is in use on another device already, so this one can only read. To write here too, save another copy there, clear this site’s data here, and open that one.')

interface Unsure {
  /** When the space was opened. */
  readonly since: number
  /** Topics of which a relay has told all it has, by relay. */
  readonly told: Map<string, Set<string>>
}

export class Succession {
  private readonly engine: Engine
  private readonly unsure = new Map<SpaceId, Unsure>()
  /** Spaces in which the end of this device's chain is lost, and since when others could have given it. */
  private readonly endless = new Map<SpaceId, number>()
  /** Spaces in which an own op came that was news here. */
  private readonly behind = new Set<SpaceId>()
  /** When somebody first told of it, or, where the tally had shown it already, of anything. */
  private behindSince = 0
  former: readonly Former[] = []
  isStuck = false
  /** The tally shows that the disk is from before what was last signed. */
  isOlder = false

  constructor(engine: Engine) { this.engine = engine }

  /** A space was read from the disk. Where nobody else could know of it, there is nobody to wait for. */
  opened(turn: Turn, replica: Replica): void {
    const isAlone = replica.record.relays.length === 0 && replica.authority.state.devices.size < 2
    if (replica.state() !== 'member') return
    if (isAlone) return this.waitForEnd(turn, replica)
    this.unsure.set(replica.id, { since: turn.now, told: new Map() })
    turn.out.wake(`unsure|${replica.id}`, turn.now + UNSURE_ALONE_MS)
  }

  /** Whoever can be reached has told: if they have the lost end of this device's chain, it comes. */
  private waitForEnd(turn: Turn, replica: Replica): void {
    if (replica.hasOwnEnd) return
    this.endless.set(replica.id, turn.now)
    turn.out.wake(`unsure|${replica.id}`, turn.now + SUCCEED_AT_LAST_MS)
  }

  /** The tally knows of more than the disk. Where nobody else is in any space it goes on at once, else when somebody has told. */
  begins(turn: Turn): void {
    this.isOlder = true
    turn.out.update({ type: 'notice', error: fail('older') })
    turn.out.wake('succeed', turn.now + SUCCEED_AFTER_MS)
  }

  /** It is known to have forgotten something, and goes on under a new key when it has heard of that, or has waited for it for long enough. */
  get isBehind(): boolean { return this.isOlder || this.behind.size > 0 }

  /** Whether this device may sign in the space. */
  isSure(replica: Replica, now: number): boolean {
    if (this.isBehind || this.isStuck || !replica.hasOwnEnd || replica.holes.areEndsSought) return false
    const unsure = this.unsure.get(replica.id)
    if (unsure === undefined) return true
    const isReached = replica.mail.anyRelayUp || this.engine.peers.devices(replica.id).size > 0
    return !isReached && now >= unsure.since + UNSURE_ALONE_MS
  }

  /** A relay has told all it has of a topic. */
  relayTold(turn: Turn, replica: Replica, { relay, topic, end }: MailboxEvent & { type: 'parcels' }): void {
    const told = end ? this.unsure.get(replica.id)?.told : undefined
    if (told === undefined) return
    const topics = told.get(relay)
    if (topics === undefined) told.set(relay, new Set([topic])); else topics.add(topic)
    this.engine.touch(turn, replica)
  }

  /** A peer has shown all it has, and of this device's chains that is no more than is here. */
  peerTold(turn: Turn, replica: Replica): void { if (this.unsure.has(replica.id)) this.told(turn, replica) }

  private told(turn: Turn, replica: Replica): void {
    this.unsure.delete(replica.id)
    this.waitForEnd(turn, replica)
    this.engine.touch(turn, replica)
    if (!this.isOlder) return
    if (this.behindSince === 0) this.behindSince = turn.now
    turn.out.wake('succeed', turn.now + SUCCEED_AFTER_MS)
  }

  /** After each step: whether a relay of the space's, not one that it left, has told of all topics, those that only its answers led to included; and whether this device forked all the same. */
  look(turn: Turn, replica: Replica): void {
    if (!this.isStuck && !this.behind.has(replica.id) && isFrozen(replica) && isIn(replica)) this.proved(turn, replica)
    if (!this.behind.has(replica.id) && !replica.hasOwnEnd && turn.now >= (this.endless.get(replica.id) ?? Infinity) + SUCCEED_AT_LAST_MS && isIn(replica)) this.proved(turn, replica)
    const unsure = this.unsure.get(replica.id)
    const { relays, topics } = replica.mail
    if (unsure !== undefined && topics.size > 0 && [...unsure.told].some(([relay, told]) => relays.includes(relay) && [...topics.keys()].every((topic) => told.has(topic)))) this.told(turn, replica)
  }

  /** Ops came from outside. */
  came(turn: Turn, replica: Replica, ops: readonly Op[]): void {
    if (!ops.some((op) => op.header.device === replica.me.device)) return
    this.proved(turn, replica)
  }

  /** Its disk lost where its chains end, and ops besides. */
  forgot(turn: Turn, replica: Replica): void { if (isIn(replica)) this.proved(turn, replica) }

  private proved(turn: Turn, replica: Replica): void {
    if (this.behindSince === 0) this.behindSince = turn.now
    this.behind.add(replica.id)
    turn.out.wake('succeed', turn.now + SUCCEED_AFTER_MS)
  }

  /** No further own op came for a while. In other spaces it may take longer to hear: that is waited for, but not for ever. */
  async due(turn: Turn): Promise<void> {
    for (const id of [...this.behind]) if (!isIn(this.engine.replicas.get(id))) this.behind.delete(id)
    if (!this.isBehind) { this.behindSince = 0; return }
    if (this.unsure.size > 0 && this.behindSince === 0) return
    const mayCome = turn.now < this.behindSince + (this.isUnread() ? SUCCEED_UNREAD_MS : this.unsure.size > 0 ? SUCCEED_AT_LAST_MS : 0)
    if (mayCome || !this.engine.opening.done) { turn.out.wake('succeed', turn.now + SUCCEED_AFTER_MS); return }
    if (this.engine.meRecord?.identity.type === 'certified' || this.engine.copying.isFresh) return this.getStuck(turn)
    await this.succeedByItself(turn)
  }

  /** Whether further own ops may lie under an epoch whose key was forgotten, in a topic that isn't even known, and no peer is here to tell of them. */
  private isUnread(): boolean {
    return [...this.engine.replicas.values()].some((replica) => {
      const tip = replica.groups.tip()
      return isIn(replica) && tip !== undefined && !replica.groups.keys.has(tip) && this.engine.peers.devices(replica.id).size === 0
    })
  }

  private getStuck(turn: Turn): void {
    if (this.isStuck) return
    this.isStuck = true
    turn.out.put('me', STUCK_KEY, new Uint8Array())
    this.engine.tally.keep(turn)
    turn.out.update({ type: 'notice', error: this.engine.copying.isFresh ? TWIN : STUCK })
    this.engine.telling.me(turn)
  }

  /** Where the secret is a new key needs nobody else. */
  async succeedByItself(turn: Turn): Promise<void> {
    const { world, me, meRecord } = this.engine
    if (me !== undefined && meRecord?.identity.type === 'held') await this.succeed(turn, await makeMe(world, me.name, meRecord.identity.secret))
  }

  /** Goes on as the device of this record. */
  async succeed(turn: Turn, record: MeRecord): Promise<void> {
    const { engine } = this, { world } = engine
    if (engine.me === undefined) return
    const me = await restoreMe(world.suite, record)
    for (const replica of engine.replicas.values()) {
      // The word of a frozen device is worth nothing; the person's key still is.
      if (isIn(replica) && (me.identityKey !== undefined || !isFrozen(replica))) await engine.distribute(turn, replica, [await vouchFor(engine, turn, replica, me)])
      // They are the old device's, and would pass for the new one's, also where its person is out now, and may come again.
      for (const partition of [`states/${replica.id}`, `packages/${replica.id}`]) turn.out.drop(partition)
    }
    saveMe(turn, record)
    turn.out.delete('me', STUCK_KEY)
    engine.copying.settled(turn)
    turn.out.put('me', FORMER_KEY, encodeFormer([...this.former, { device: engine.me.device, endsAt: turn.now + END_FORMER_AFTER_MS }]))
    engine.tally.begins(turn, record)
    turn.out.update({ type: 'notice', error: fail('put-back') })
    turn.out.startAgain()
  }

  /** Keys that this device once had. */
  load(turn: Turn, rows: readonly Row[]): void {
    const at = (key: Uint8Array): Row | undefined => rows.find((row) => equal(row.key, key))
    const former = decodeFormer(at(FORMER_KEY)?.value ?? new Uint8Array()) ?? []
    this.former = former
    this.isStuck = at(STUCK_KEY) !== undefined
    const first = Math.min(...former.map(({ endsAt }) => endsAt))
    if (former.length > 0) turn.out.wake('former', Math.max(first, turn.now))
  }

  /** Ends those whose time has come, in each space where they still count. Without the identity's key this waits for it. */
  async endFormer(turn: Turn): Promise<void> {
    if (this.engine.me?.identityKey === undefined) return
    const { engine } = this, over = this.former.filter(({ endsAt }) => endsAt <= turn.now)
    let open = over.length < this.former.length
    for (const replica of engine.replicas.values()) {
      for (const { device } of over) {
        if (replica.state() !== 'member' || replica.authority.state.devices.get(device)?.identity !== replica.me.identity) continue
        if (this.isSure(replica, turn.now) && replica.authority.state.devices.has(replica.me.device)) await end(engine, turn, replica, device); else open = true
      }
    }
    if (open) turn.out.wake('former', turn.now + ASK_AGAIN_MS)
  }
}

const isIn = (replica: Replica | undefined): boolean => replica?.state() === 'member' && replica.authority.state.devices.has(replica.me.device)

/** Whether it signed two things at once: then nothing that it signs counts any more. */
const isFrozen = ({ authority, me }: Replica): boolean => authority.isFrozen(me.device)

/** With the person's key here the old chain isn't touched: nobody may know its end, and an act after it that was forgotten, too, would be another one's twin. */
async function vouchFor(engine: Engine, turn: Turn, replica: Replica, me: Me): Promise<Op> {
  const { device, identityPk, identityKey, cert } = me
  if (identityKey === undefined) return replica.appendLast(turn, 'deviceAdd', await vouching(engine, replica.id, me))
  const consent = await engine.world.suite.sign(identityKey.secretKey, selfAddBytes(replica.id, device))
  return replica.append(turn, 'deviceAdd', encodeAuthorityBody({ type: 'deviceAdd', device, identityPk, cert, consent }), 0, me)
}

async function end(engine: Engine, turn: Turn, replica: Replica, device: DeviceId): Promise<void> {
  const { me, id, authority, log } = replica
  const cuts = authority.cutsFor(me.identity, log.deviceHeads).filter((cut) => cut.device === device)
  if (me.identityKey === undefined) return
  const proof = { identityPk: me.identityPk, signature: await engine.world.suite.sign(me.identityKey.secretKey, revokeProofBytes(id, device)) }
  await engine.distribute(turn, replica, [await replica.append(turn, 'deviceRevoke', encodeAuthorityBody({ type: 'deviceRevoke', device, cuts, proof }))])
}
