/**
 * One space on this device: its log, what its ops mean, its group, its mail. Ops come in by `receive`, own ones are made by `append`,
 * and `settle` draws the conclusions: keys that became known, messages that became readable, commits that are due.
 */
import type { SpaceInfo } from '../api.ts'
import type { Row } from '../ports.ts'
import { fromHex, toHex, u64 } from '../wire/bytes.ts'
import { encodeMessage, type MessageRecord, type Origin } from '../wire/content-records.ts'
import { type Content, encodeContent, type MessageContent } from '../wire/content.ts'
import type { Payload } from '../wire/envelope.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type EpochId, type IdentityId, NO_SPACE, type OpId, parseOpId, type SpaceId } from '../wire/ids.ts'
import { decodeOpOrHusk, decodeWholeKept, HLC_STEP, type Op, type OpHeader } from '../wire/op.ts'
import { decodeHead, encodeHead, type SpaceRecord } from '../wire/records.ts'
import { Audience } from './audience.ts'
import { openContent, sealContent } from './content/content.ts'
import { keptBytes, keptOp, withText } from './content/kept.ts'
import { Locked } from './content/locked.ts'
import { Ground } from './ground.ts'
import type { Gain, Groups, Shared } from './group/groups.ts'
import { Lies } from './group/lies.ts'
import { interpretGroup } from './group/taking.ts'
import { voteRow } from './group/votes.ts'
import { splitPackage } from './key-packages.ts'
import { FORGOTTEN_OPS } from './limits.ts'
import { causally } from './log/causally.ts'
import { Holes } from './log/holes.ts'
import { Log, opKey, type Tip, tipKey } from './log/log.ts'
import type { Sender } from './log/parked.ts'
import { freshPartition } from './mailbox/had.ts'
import { Mail } from './mailbox/mail.ts'
import { counts } from './messages/counting.ts'
import { Inbox } from './messages/inbox.ts'
import { labelAt, placeAt } from './messages/labels.ts'
import { Pace } from './messages/pace.ts'
import { after, encodePlace, placeOf, placesPartition, rowKey, rowsOf } from './messages/places.ts'
import type { Located } from './messages/reading.ts'
import { activeKey, activePartition, Threads } from './messages/threads.ts'
import { partitionsOf } from './partitions.ts'
import { Proofs, proofsPartition } from './proofs.ts'
import { OF_GROUPS, type OfGroups, regain, retell } from './regain.ts'
import { RelayKeys, relayKeysPartition } from './relay-keys.ts'
import { Retention } from './retention/retention.ts'
import { signOp } from './signing.ts'
import { Authority } from './space/authority.ts'
import type { Proof } from './space/checks.ts'
import type { Verdict } from './space/reasons.ts'
import { Opened } from './sync/comparing.ts'
import { Delivery } from './sync/delivery.ts'
import { DeviceNames } from './sync/names.ts'
import { Quota, quotaPartition } from './sync/quota.ts'
import { type Intake, Receiving } from './sync/receiving.ts'
import type { Me, Turn, World } from './turn.ts'
import { saveSpace } from './twice.ts'

const EMPTY = new Uint8Array()
const NOBODY: ReadonlyMap<IdentityId, readonly DeviceId[]> = new Map()

export class Replica {
  readonly id: SpaceId
  readonly world: World
  readonly me: Me
  readonly log: Log
  readonly authority: Authority
  private readonly proofs: Proofs
  readonly relayKeys: RelayKeys
  private readonly shared: Shared = { trees: new Map(), packages: new Map(), unusable: new Set(), lies: new Lies() }
  /** By number. */
  readonly audiences = new Map<number, Audience>()
  /** The audience of all members. */
  readonly everyone: Audience
  /** Everyone's group. */
  readonly groups: Groups
  readonly mail: Mail
  readonly delivery: Delivery
  readonly receiving: Receiving
  readonly opened = new Opened()
  /** Channels in which somebody else had, at some time since this app was opened, just what is here. */
  readonly agreed = new Set<ChannelId>()
  readonly inbox: Inbox
  readonly threads = new Threads()
  readonly pace = new Pace()
  readonly holes: Holes
  readonly ground: Ground
  readonly retention = new Retention(this)
  readonly quota = new Quota(this)
  readonly names: DeviceNames
  record: SpaceRecord
  /** When this device last laid out a key package, by its own clock (ms). */
  packagedAt = 0
  readonly locked: Locked
  /** Keys and states found while loading: saved with the first step. */
  private atStart: Gain[] = []
  /** The tips when states were last dropped, and how much had been told by bundles: on both depends which are needed. */
  private tidiedAt: string | undefined
  /** Upheavals of authority up to which the audiences are those that count. */
  private openedAt = 0
  /** An audience was opened of which the disk may have something. */
  private isRegaining = false
  /** Messages read for the first time since the last `takeFresh`. */
  private fresh: Located[] = []

  constructor(world: World, me: Me, id: SpaceId, record: SpaceRecord) {
    this.world = world
    this.me = me
    this.id = id
    this.record = record
    this.log = new Log(world.suite)
    this.authority = new Authority(world.suite)
    this.proofs = new Proofs(id, this.authority)
    this.relayKeys = new RelayKeys(id)
    this.names = new DeviceNames(this.authority)
    this.everyone = new Audience(this, 0, id as string as OpId, this.shared)
    this.groups = this.everyone.groups
    this.audiences.set(0, this.everyone)
    this.mail = new Mail(world, id, {
      envelope: (epoch) => this.audienceOf(epoch).groups.keys.envelope(epoch) ?? this.ground.keys.envelope(epoch),
      byHint: (hint) => first(this.audiences.values(), (a) => a.groups.keys.envelopeByHint(hint)) ?? this.ground.keys.envelopeByHint(hint),
    }, record.relays)
    this.delivery = new Delivery(id)
    this.receiving = new Receiving(this, (turn, op) => this.accept(turn, op))
    this.inbox = new Inbox(id)
    this.locked = new Locked(id)
    this.holes = new Holes(id)
    this.ground = new Ground(world)
  }

  // ---- disk ----

  static partitions(space: SpaceId): readonly string[] {
    return [`ops/${space}/${AUTHORITY_CHANNEL}`, `heads/${space}`, `keys/${space}`, `states/${space}`, `votes/${space}`, `locked/${space}`, `packages/${space}`,
      `trees/${space}`, `parked/${space}`, `outbox/${space}`, `cursors/${space}`, `unopened/${space}`, `acks/${space}`, `retention/${space}`, freshPartition(space), proofsPartition(space), relayKeysPartition(space), quotaPartition(space)]
  }

  /** Rebuilds everything from the rows of `partitions`, in that order. */
  async load(rows: readonly (readonly Row[])[]): Promise<void> {
    const [ops = [], heads = [], keys = [], states = [], votes = [], locked = [], packages = [], trees = [], parked = [], outbox = [], cursors = [], unopened = [], acks = [], retention = [], had = [], proofs = [], relayKeys = [], quota = []] = rows
    this.retention.load(retention)
    this.quota.load(quota)
    for (const row of packages) this.groups.packages.set(toHex(row.key), splitPackage(row.value))
    for (const row of trees) this.groups.trees.set(toHex(row.key), row.value)
    this.proofs.load(proofs)
    this.relayKeys.load(relayKeys)
    await this.loadOps(ops)
    for (const row of heads) {
      const head = decodeHead(row.value)
      const branch = row.key.length > 48 ? parseOpId(row.key.subarray(48)) : undefined
      if (head !== undefined) this.log.restoreTip(toHex(row.key.subarray(0, 16)) as ChannelId, toHex(row.key.subarray(16, 48)) as DeviceId, { ...head, branch })
    }
    this.log.retrace()
    this.regains('states', states)
    this.regains('keys', keys)
    for (const { key, value } of keys) {
      const epoch = parseOpId(key.subarray(0, 32))
      if (epoch !== undefined && key.length > 32) this.audienceOf(epoch).groups.keys.addEnvelope(epoch, value)
    }
    this.regains('votes', votes)
    this.isRegaining = false
    this.locked.load(locked)
    for (const row of parked) {
      const op = decodeOpOrHusk(row.value, (b) => this.world.suite.sha256(b))
      const place = op === undefined ? undefined : this.log.place(op)
      if (op === undefined || place?.type !== 'waits') continue
      this.log.park(op, place.for, 'mail')
      if (place.strays) this.log.dispute(op)
    }
    this.mail.load(outbox, cursors, unopened, had)
    this.delivery.load(acks)
    for (const audience of this.audiences.values()) this.atStart.push(...(await retell(audience.groups)), ...(await audience.advance()))
    // They were counted when they came.
    this.takeLiars()
  }

  /** The audience that an epoch is of. What belongs to none that is here must not get into another's hands: it would be told to all its readers. */
  private holderOf(epoch: EpochId): Audience | undefined { return first(this.audiences.values(), (a) => (a.groups.tree.nodes.has(epoch) ? a : undefined)) }

  private regains(what: OfGroups, rows: readonly Row[]): void { regain(what, rows, (epoch) => this.holderOf(epoch)?.groups, this) }

  /** As far as it matters for what nobody reads: whoever comes by a kit knows everyone's envelope before the commit it is of. */
  audienceOf(epoch: EpochId): Audience { return this.holderOf(epoch) ?? this.everyone }

  private async loadOps(rows: readonly Row[]): Promise<void> {
    const ops = rows.map((r) => decodeWholeKept(r.value, (b) => this.world.suite.sha256(b))).filter((op): op is Op => op !== undefined)
    for (const op of causally(ops, (id) => this.log.authority.has(id))) {
      this.log.restoreAuthority(op)
      await this.interpret(op, this.proofs.take(op.id))
    }
    for (const op of ops) if (!this.log.authority.has(op.id)) this.log.sleeps(op)
    this.openAudiences()
  }

  // ---- ops in ----

  /** Takes ops from anyone. What is new is saved in this step; what is malformed, forged or foreign is dropped and counted. */
  receive(turn: Turn, arrived: readonly (Uint8Array | Op)[], sender: Sender = 'mail'): Promise<Intake> { return this.receiving.take(turn, arrived, sender) }

  /** Puts a verified op that is next in its chain into the log and returns those that waited for it; undefined when its author has no business here. */
  private accept(turn: Turn, op: Op): Op[] | undefined | Promise<Op[]> {
    const h = op.header
    if (h.channel !== AUTHORITY_CHANNEL) {
      if (h.epoch === undefined || h.kid === undefined || !this.authority.everHad(h.channel)) return undefined
      // What was never to count is kept all the same, unless it is a stranger's.
      if (this.authority.identityOf(h.device) === undefined) return undefined
    }
    const readable = withText(this, op), kept = keptBytes(readable)
    if (h.channel !== AUTHORITY_CHANNEL) this.quota.took(turn, h, kept.length)
    const { tip, freed } = this.log.add(op)
    const rowKey = opKey(h.device, h.chanSeq, tip.branch === undefined ? undefined : op.id)
    turn.out.put(opsPartition(this.id, h.channel), rowKey, kept)
    this.keepEnd(turn, h, tip)
    if (h.channel === AUTHORITY_CHANNEL) return this.interpret(op).then(() => { this.proofs.keep(turn, op.id); this.vote(turn, op); if (this.log.wakes(op.id)) turn.out.startAgain(); return freed })
    this.takeContent(turn, readable, rowKey)
    this.vote(turn, op)
    return freed
  }

  /** What an authority or group op changes. */
  private async interpret(op: Op, proof?: Proof): Promise<void> {
    await this.authority.add(op, proof)
    if (op.header.type === 'keyPackage') {
      this.groups.unusable.delete(op.header.device)
      if (op.header.device === this.me.device) this.packagedAt = op.header.hlc / HLC_STEP
    }
    // Whoever signs another genesis must not get a second root under the group.
    if (op.id === (this.id as string)) this.groups.addRoot(op.id, op.header.device, op.header.hlc)
    const groups = this.audiences.get(op.header.audience)?.groups
    if (groups !== undefined) interpretGroup(groups, op)
    if (op.header.type === 'audience') this.openAudiences(op.id)
  }

  /**
   * Every audience that somebody has opened, with the group that hangs off the op that opened it. When what counts has changed, that may be another op
   * than before, and what hung off the other one is out. Of one that counts again the disk has the keys. `fresh`: what came in just now, of which it has none.
   */
  private openAudiences(fresh?: OpId): void {
    this.openedAt = this.authority.upheavals
    for (const number of this.authority.state.audiences.keys()) {
      const root = this.authority.openingOf(number)
      const op = root === undefined ? undefined : this.log.authority.get(root)
      if (op === undefined || this.audiences.get(number)?.root === op.id) continue
      const audience = new Audience(this, number, op.id, this.shared)
      this.audiences.set(number, audience)
      this.isRegaining ||= op.id !== fresh
      audience.groups.addRoot(op.id, op.header.device, op.header.hlc)
      for (const other of this.log.authority.values()) if (other.header.audience === number) interpretGroup(audience.groups, other)
    }
  }

  /** Support for an epoch: content names it, a commit is it. Of an audience that isn't here, as it doesn't count, everyone's group keeps it: it may come to count. */
  vote(turn: Turn, op: Op): void {
    const epoch = op.header.type === 'commit' ? op.id : op.header.epoch
    const { device, seq, channel, chanSeq } = op.header
    if (epoch === undefined || !(this.audiences.get(op.header.audience) ?? this.everyone).groups.tree.vote(epoch, device, seq, op.id, channel, chanSeq)) return
    const { key, value } = voteRow(epoch, op)
    turn.out.put(`votes/${this.id}`, key, value)
  }

  /** Devices that told wrong keys, as was found out since the last call. */
  takeLiars(): DeviceId[] { return this.shared.lies.takeFresh().filter((device) => device !== this.me.device) }

  // ---- content ----

  /** Epochs of an audience under which something is sealed that this device can't open. */
  lockedEpochs({ groups }: Audience): EpochId[] { return this.locked.epochs.filter((epoch) => groups.tree.nodes.has(epoch)) }

  private takeContent(turn: Turn, op: Op, opRow: Uint8Array): void {
    const { channel, epoch } = op.header
    this.retention.cameIn(turn, op.header)
    if (op.isHusk === true) return
    if (this.holes.mayHaveHad(op.header)) this.locked.lock(turn, epoch as EpochId, channel, opRow, true); else this.readContent(turn, op, opRow)
  }

  /** Opens a content op into the row of a message or of a note, or notes that its key isn't here. `opRow`: its key on the disk; `place`: where it stood before. */
  readContent(turn: Turn, op: Op, opRow: Uint8Array, place?: number): void {
    const h = op.header
    const epoch = h.epoch as EpochId
    const key = this.audiences.get(h.audience)?.groups.keys.contentKey(epoch, h.channel)
    if (key === undefined) return this.locked.lock(turn, epoch, h.channel, opRow)
    const content = openContent(this.world.suite, key, op)
    const author = this.authority.identityOf(h.device)
    if (content === undefined || author === undefined) return
    const origin: Origin = { id: op.id, device: h.device, author, audience: h.audience, seq: h.seq, chanSeq: h.chanSeq, hlc: h.hlc, deps: h.deps }
    if (content.type === 'message') this.keepMessage(turn, h.channel, origin, content, op.plain, place); else this.inbox.take(turn, h.channel, { ...origin, content }, counts(this, h.channel, origin, content.type))
  }

  private keepMessage(turn: Turn, channel: ChannelId, origin: Origin, content: MessageContent, said: Uint8Array | undefined, stood?: number): void {
    const record: MessageRecord = {
      ...origin, place: stood ?? placeAt(origin.hlc, turn.now), thread: content.thread, content, noted: this.pace.cameIn(turn, this, channel, origin), replies: 0, lastReply: 0,
    }
    const place = placeOf(channel, record)
    turn.out.put(rowsOf(this.id, channel, record.thread), rowKey(place), encodeMessage(record, said))
    turn.out.put(placesPartition(this.id), fromHex(record.id) as Uint8Array, encodePlace(place))
    if (content.title !== undefined && record.thread === undefined) turn.out.put(activePartition(this.id, channel), activeKey(record.place, record.id), new Uint8Array(1))
    if (record.thread !== undefined) {
      this.threads.replied(record.thread, record)
      this.inbox.expect(turn, record.thread)
    }
    this.fresh.push({ channel, record })
  }

  /** Messages that became readable since the last call. */
  takeFresh(): readonly Located[] {
    const { fresh } = this
    this.fresh = []
    return fresh
  }

  // ---- own ops ----

  private header(turn: Turn, type: string, channel: ChannelId, audience: number, sealedUnder: { epoch: EpochId; kid: Uint8Array } | undefined, { device } = this.me): OpHeader {
    const head = this.log.head(channel, device)
    const last = this.log.deviceHeads.get(device)
    return {
      space: type === 'genesis' ? NO_SPACE : this.id, audience, channel, device, seq: (last?.seq ?? 0) + 1, prev: last?.id,
      chanSeq: (head?.chanSeq ?? 0) + 1, chanPrev: head?.id, deps: this.authority.heads(), type, hlc: labelAt(turn.now, this.log.maxHlc),
      kid: sealedUnder?.kid, epoch: sealedUnder?.epoch, bodyHash: EMPTY,
    }
  }

  /** `plain`: what the body says, which need not be opened to be known. */
  private async finish(turn: Turn, header: OpHeader, body: Uint8Array, by = this.me, plain?: Uint8Array): Promise<Op> {
    const signed = await signOp(this.world, by, header, body), op = plain === undefined ? signed : { ...signed, plain }
    turn.out.hasSigned = true
    if ((await this.accept(turn, op)) === undefined) throw new Error(`own ${header.type} op was not accepted`)
    return op
  }

  /** Makes, signs and takes in an own authority or group op. `audience`: whose group it is about. `by`: another key of this person's, which has signed nothing yet. */
  append(turn: Turn, type: string, body: Uint8Array, audience = 0, by = this.me): Promise<Op> {
    return this.finish(turn, this.header(turn, type, AUTHORITY_CHANNEL, audience, undefined, by), body, by)
  }

  /** The last op under this device's key: beyond all that it has signed and forgotten. */
  appendLast(turn: Turn, type: string, body: Uint8Array): Promise<Op> {
    const header = this.header(turn, type, AUTHORITY_CHANNEL, 0, undefined)
    return this.finish(turn, { ...header, seq: header.seq + FORGOTTEN_OPS }, body)
  }

  /** Takes in the genesis op that made this space's id. */
  async found(turn: Turn, genesis: Op): Promise<void> {
    turn.out.hasSigned = true
    if ((await this.accept(turn, genesis)) === undefined) throw new Error('own genesis was not accepted')
  }

  /** Seals and takes in own content under the tip. The caller has made sure that the tip's leaves may all read it. */
  async appendContent(turn: Turn, channel: ChannelId, epoch: EpochId, content: Content): Promise<Op> {
    const audience = this.audienceOf(epoch)
    const key = audience.groups.keys.contentKey(epoch, channel)
    if (key === undefined) throw new Error('no key for the epoch to seal under')
    const header = this.pace.spaced(this, this.header(turn, content.type, channel, audience.number, { epoch, kid: key.kid }))
    return this.finish(turn, header, sealContent(this.world.suite, key, header, content), this.me, encodeContent(content))
  }

  isFull(turn: Turn, channel: ChannelId): boolean { return this.log.isFull(channel, this.me.device, labelAt(turn.now, this.log.maxHlc)) || (channel !== AUTHORITY_CHANNEL && this.quota.isFull(turn)) }
  /** What authority would say of own content, before any is made. */
  contentVerdict(turn: Turn, channel: ChannelId, type: Content['type'] | 'everyone' | 'thread'): Verdict { return this.authority.contentVerdict(this.header(turn, type, channel, this.authority.state.channels.get(channel)?.audience ?? 0, undefined)) }

  // ---- conclusions ----

  /** Processes what can be processed now; saves keys and states; asks for rows that became readable. Returns what was gained. */
  async settle(turn: Turn): Promise<readonly Gain[]> {
    if (this.openedAt !== this.authority.upheavals) this.openAudiences()
    if (this.isRegaining) for (const what of OF_GROUPS) turn.out.read({ tag: `${this.id}|regain|${what}`, partition: `${what}/${this.id}`, query: { limit: Number.MAX_SAFE_INTEGER } })
    this.isRegaining = false
    const gains = this.atStart.splice(0)
    this.proofs.keepLacking(turn)
    this.relayKeys.keepLacking(turn)
    for (const audience of this.audiences.values()) gains.push(...(await audience.advance()))
    this.saveGains(turn, gains)
    for (const [epoch, rows] of this.locked.takeOpen((one) => this.audienceOf(one).groups.keys.has(one))) {
      let n = 0
      for (const { channel, key } of rows) {
        turn.out.read({ tag: `${this.id}|locked|${channel}|${epoch}|${n++}`, partition: opsPartition(this.id, channel), query: { from: key, to: after(key), limit: 1 } })
      }
    }
    for (const n of this.mail.takeOpenable()) {
      turn.out.read({ tag: `${this.id}|unopened|${n}`, partition: `unopened/${this.id}`, query: { from: u64(n), to: u64(n + 1), limit: 1 } })
    }
    // Of a space that was left only what still has to go out matters.
    if (this.record.state === 'left') return gains
    for (const audience of [...this.audiences.values(), this.ground]) {
      for (const relayKey of audience.relayKeysInUse()) this.mail.watch(turn, await this.mail.topicOf(relayKey))
    }
    return gains
  }

  saveGains(turn: Turn, gains: readonly Gain[]): void {
    const at = [...this.audiences.values()].map(({ groups }) => `${groups.tip()} ${groups.bundled}`).join()
    if (gains.length === 0 && this.tidiedAt === at && !this.retention.isLater(turn.now)) return
    this.tidiedAt = at
    const now = this.retention.borneOut(turn), old = new Set([...this.audiences.values()].flatMap(({ groups }) => groups.prune(now)))
    const made = new Set(gains.map((gain) => (gain.type === 'state' ? gain.epoch : undefined)))
    for (const gain of gains) {
      if (gain.type !== 'key') continue
      turn.out.put(`keys/${this.id}`, fromHex(gain.epoch) as Uint8Array, gain.secret)
      this.relayKeys.keep(turn, gain.epoch, this.audienceOf(gain.epoch).groups.keys.relayKeys.get(gain.epoch))
    }
    // Of a long way to the tip only the end is worth writing: what is in between has gone already.
    for (const { groups } of this.audiences.values()) for (const [epoch, row] of groups.states.rows(groups.tip())) turn.out.put(`states/${this.id}`, fromHex(epoch) as Uint8Array, row)
    for (const epoch of old) if (!made.has(epoch)) turn.out.delete(`states/${this.id}`, fromHex(epoch) as Uint8Array)
    this.pruneTrees(turn)
  }

  /** Trees are public and can be had again from whoever has the state: only those of the newest epochs stay. */
  private pruneTrees(turn: Turn): void {
    const uses = [...this.audiences.values()].map(({ groups }) => groups.treesInUse())
    for (const hash of this.groups.trees.keys()) {
      if (!uses.some(({ named }) => named.has(hash)) || uses.some(({ needed }) => needed.has(hash))) continue
      this.groups.trees.delete(hash)
      turn.out.delete(`trees/${this.id}`, fromHex(hash) as Uint8Array)
    }
  }

  /** Rows that `settle` asked for. */
  async onRows(turn: Turn, tag: string, rows: readonly Row[]): Promise<Payload[]> {
    const [, kind, which = ''] = tag.split('|')
    const payloads: Payload[] = []
    if (kind === 'regain') { this.regains(which as OfGroups, rows); return [] }
    for (const row of rows) {
      if (kind === 'locked') {
        const op = keptOp(this, which as ChannelId, row)
        if (op === undefined || op.isHusk === true) continue
        this.locked.done(turn, { channel: op.header.channel, key: row.key })
        this.readContent(turn, op, row.key)
      } else {
        turn.out.delete(`unopened/${this.id}`, row.key)
        const payload = this.mail.open(row.value)
        if (payload !== undefined && payload !== 'no-key') payloads.push(payload)
      }
    }
    return payloads
  }

  // ---- what others ask ----

  /** Those whom a channel is for; undefined for a channel that isn't there. */
  audienceFor(channel: ChannelId): Audience | undefined {
    const found = this.authority.state.channels.get(channel)
    return found === undefined ? undefined : this.audiences.get(found.audience)
  }

  /** Whether a device may be told of a channel's ops, and be given them. The pseudo-channel's are everybody's. */
  mayHave(device: DeviceId, channel: ChannelId): boolean { return channel === AUTHORITY_CHANNEL || this.audienceFor(channel)?.devices.has(device) === true }

  /** Devices of each other reader of a channel. */
  others(channel: ChannelId): ReadonlyMap<IdentityId, readonly DeviceId[]> { return this.audienceFor(channel)?.others ?? NOBODY }

  /** Trees that some audience's group needs. */
  wantedTrees(): Uint8Array[] { return [...this.audiences.values()].flatMap(({ groups }) => groups.wantedTrees(groups.tip())) }
  treeFor(hash: Uint8Array): Uint8Array | undefined { return first(this.audiences.values(), (a) => a.groups.treeFor(hash)) }

  /** How many trees are kept that no commit here names: they came early, or never belonged. */
  unnamedTrees(): number {
    const named = new Set([...this.audiences.values()].flatMap(({ groups }) => [...groups.commits.values()].map((body) => toHex(body.treeHash))))
    return [...this.shared.trees.keys()].filter((hash) => !named.has(hash)).length
  }

  /** Where a chain ends stands beside its ops: the last of a save is enough. */
  keepEnd(turn: Turn, { channel, device }: OpHeader, tip: Tip): void {
    turn.out.putLast(headsPartition(this.id), `${channel}${device}${tip.branch ?? ''}`, () => ({ key: tipKey(channel, device, tip.branch), value: encodeHead(tip) }))
  }

  /** This person, on this device: a revoked one is out, whoever else is in. */
  isMember(): boolean { return this.authority.state.devices.get(this.me.device)?.identity === this.me.identity }

  /** Whether what says that this device is a member may be among what a damaged disk has lost (S13). */
  get isMending(): boolean { return this.record.state === 'open' && !this.isMember() && this.holes.count(AUTHORITY_CHANNEL) > 0 }

  /** What devices show each other that they know, when they meet. The newest first. */
  greetingKeys(): readonly Uint8Array[] { return (this.isMending ? this.ground : this.everyone).relayKeysInUse() }

  /** Whether this device speaks with that one: whose ground is lost knows nobody. */
  speaksWith(device: DeviceId): boolean { return this.authority.state.devices.has(device) || this.isMending }

  /** Whether the end of this device's own chain of authority is here, which nothing can go on from where a damaged disk has lost it (S13). */
  get hasOwnEnd(): boolean { const end = this.log.head(AUTHORITY_CHANNEL, this.me.device); return end === undefined || this.log.authority.has(end.id) }

  /** Whether this person ever belonged here, by this device or another: then there is something to keep. */
  wasIn(): boolean { return this.authority.identityOf(this.me.device) !== undefined || this.authority.everJoined.has(this.me.identity) }

  state(): SpaceInfo['state'] {
    if (this.record.state === 'joining' || this.record.state === 'contacted') return 'joining'
    return this.isMember() ? 'member' : this.isMending ? 'mending' : 'removed'
  }

  save(turn: Turn, record: SpaceRecord): void { this.record = record; saveSpace(turn, this.id, record) }
}

export const opsPartition: (space: SpaceId, channel: ChannelId) => string = partitionsOf('ops')
const headsPartition = partitionsOf('heads')

/** What `find` gives for the first item it gives anything for. */
function first<T, R>(items: Iterable<T>, find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
