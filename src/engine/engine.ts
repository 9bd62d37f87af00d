/**
 * The engine: one input in, one step out. Pure: it has no clock, chance, disk or network of its own, awaits only the ciphersuite,
 * and everything it wants done is data in the step. The host saves, then reads, then sends, then tells.
 *
 * Here inputs are handed to the part that knows them, and afterwards `conclude` says what follows for each space that was touched.
 */
import type { MailboxEvent, Parcel, Random, Ciphersuite, Row } from '../ports.ts'
import { encodeAuthorityBody } from '../wire/authority.ts'
import { equal } from '../wire/bytes.ts'
import type { Payload } from '../wire/envelope.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type EpochId, type OpId, type SpaceId } from '../wire/ids.ts'
import type { Op } from '../wire/op.ts'
import { LOST_PARTITION } from '../wire/losses.ts'
import { decodeMe, type MeRecord } from '../wire/records.ts'
import { Audits } from './audit.ts'
import { Checked } from './checked.ts'
import { Copying } from './copying.ts'
import { runCommand } from './commands/commands.ts'
import { HeldActs } from './commands/held.ts'
import { openAside } from './asides.ts'
import { takeContact } from './contacts.ts'
import { distribute, postLateTree, tellBack } from './distribute.ts'
import { Drafts } from './drafts.ts'
import { Farewells, type Said } from './farewells.ts'
import { planProofs, proveForks } from './forks.ts'
import { Groupwork } from './groupwork.ts'
import type { Input, Step, Stepper } from './input.ts'
import { Joins } from './joins.ts'
import { LateKits } from './late-kits.ts'
import { MAX_NEWS, MAX_UNNAMED_TREES, SYNC_EVERY_MS } from './limits.ts'
import { restoreMe } from './me.ts'
import { Meeting } from './meeting.ts'
import { Mending } from './mending.ts'
import { planMarks, shareMarks, takeMarks } from './messages/own-marks.ts'
import { refresh } from './messages/refresh.ts'
import { Typing } from './messages/typing.ts'
import { Watching } from './messages/watching.ts'
import { Opening, openPartitions } from './opening.ts'
import { Out } from './out.ts'
import { OWN_PARTITION, OwnNotes } from './own-notes.ts'
import { Present } from './present.ts'
import { PROFILE_KEY, Profiles } from './profiles.ts'
import { Questions } from './questions.ts'
import { ReadMarks } from './read-marks.ts'
import { followRelays } from './relays.ts'
import type { Replica } from './replica.ts'
import { indexPartitions } from './search/search-index.ts'
import { Retaining } from './retention/retaining.ts'
import { SetBack } from './set-back.ts'
import { Tidying } from './retention/room.ts'
import { Searching } from './search/searching.ts'
import { sendDrafts } from './sending.ts'
import { Succession } from './succession.ts'
import { Peers } from './sync/peers.ts'
import type { Intake } from './sync/receiving.ts'
import { planReceipts, postReceipts, takeReceipt } from './sync/receipts.ts'
import { Tally } from './tally.ts'
import { Telling } from './telling.ts'
import type { Me, Turn, World } from './turn.ts'
import { dropSpace, saveMe, Twice } from './twice.ts'

/** `hearsAll`: whether clients want to be told of messages besides what they watch; they do unless it is said. */
export interface EngineOptions { readonly suite: Ciphersuite; readonly random: Random; readonly appBase?: string; readonly hearsAll?: boolean; readonly saidADay?: number }

export function createEngine(options: EngineOptions): Stepper { return new Engine(options) }

export class Engine implements Stepper {
  readonly world: World
  readonly appBase: string
  readonly replicas = new Map<SpaceId, Replica>()
  readonly peers: Peers
  readonly meeting: Meeting
  readonly present: Present
  readonly joins: Joins
  readonly typing: Typing
  readonly groupwork: Groupwork
  readonly questions = new Questions()
  readonly reading = new ReadMarks()
  readonly drafts = new Map<SpaceId, Drafts>()
  readonly telling: Telling
  readonly searching: Searching
  readonly watching: Watching
  readonly retaining: Retaining
  readonly tidying: Tidying
  me: Me | undefined
  readonly relaysUp = new Set<string>()
  /** Relays in use by any space. */
  usedRelays: readonly string[] = []
  private readonly touched = new Set<SpaceId>()
  readonly opening: Opening
  private readonly audits: Audits
  private readonly farewells: Farewells
  readonly succession: Succession
  readonly mending: Mending
  private readonly twice: Twice
  readonly profiles: Profiles
  readonly tally: Tally
  readonly copying: Copying
  readonly held = new HeldActs()
  private readonly lateKits = new LateKits()
  readonly ownNotes: OwnNotes
  readonly checked: Checked
  private readonly setBack = new SetBack()

  constructor(options: EngineOptions) {
    this.world = { suite: options.suite, random: options.random, saidADay: options.saidADay }
    this.appBase = options.appBase ?? ''
    this.peers = new Peers(this.world, this.replicas, {
      ops: (turn, replica, ops, from, device) => this.take(turn, replica, ops, from, device),
      met: (turn, replica) => this.touch(turn, replica),
      vector: (turn, replica, device, vector) => { if (this.noteHeld(turn, replica, device, vector)) this.touch(turn, replica) },
      told: (turn, replica) => this.succession.peerTold(turn, replica),
      tree: (turn, replica, tree) => this.takeTree(turn, replica, tree),
      signal: (turn, replica, sealed) => this.onSignal(turn, replica, sealed),
    })
    this.meeting = new Meeting(this)
    this.present = new Present(this)
    this.joins = new Joins(this)
    this.typing = new Typing(this)
    this.groupwork = new Groupwork(this)
    this.telling = new Telling(this)
    this.searching = new Searching(this)
    this.watching = new Watching(this, options.hearsAll ?? true)
    this.retaining = new Retaining(this)
    this.tidying = new Tidying(this)
    this.opening = new Opening(this)
    this.audits = new Audits(this)
    this.farewells = new Farewells(this)
    this.succession = new Succession(this)
    this.mending = new Mending(this)
    this.twice = new Twice(this)
    this.profiles = new Profiles(this)
    this.tally = new Tally(this.world)
    this.copying = new Copying(this)
    this.ownNotes = new OwnNotes(this)
    this.checked = new Checked(this)
  }

  async step(input: Input, now: number): Promise<Step> {
    const turn: Turn = { now, out: new Out() }
    this.touched.clear()
    await this.take1(turn, input)
    if (turn.out.startsAgain) return this.concluded(turn)
    for (const id of [...this.touched]) {
      const replica = this.replicas.get(id)
      if (replica !== undefined) await this.conclude(turn, replica)
    }
    this.telling.status(turn)
    this.watching.hear(turn)
    return this.concluded(turn)
  }

  private concluded(turn: Turn): Step {
    if (this.setBack.isBy(turn.now)) turn.out.startAgain()
    if (turn.out.hasSigned) { this.tally.notch(turn); this.copying.signed(turn) }
    return turn.out.step()
  }

  touch(_turn: Turn, replica: Replica): void { this.touched.add(replica.id) }

  private async take1(turn: Turn, input: Input): Promise<void> {
    switch (input.type) {
      case 'start': this.tally.begin(input.tally); return this.start(turn)
      case 'rows': return this.onRows(turn, input.tag, input.rows)
      case 'answers': return this.questions.onAnswers(turn, input.tag, input.answers)
      case 'command': return runCommand(this, turn, { client: input.client, id: input.id }, input.command)
      case 'client-gone': return this.watching.clientGone(input.client)
      case 'measured': return this.questions.onMeasured(turn, input.tag, input.bytes)
      case 'checked': return this.mending.onChecked(turn, input)
      case 'copied': return this.copying.onCopied(turn, input)
      case 'mended': return turn.out.startAgain()
      case 'compacted': return this.questions.onCompacted(turn, input)
      case 'timer': return this.onTimer(turn, input.tag)
      case 'self': this.peers.self = { peer: input.peer, addresses: input.addresses }; return this.meeting.moved(turn)
      case 'peer-up': return this.peers.up(turn, input.peer, input.path)
      case 'peer-path': return this.peers.path(input.peer, input.path)
      case 'peer-down':
        if (this.peers.down(input.peer)) this.meeting.redial(turn, input.peer)
        for (const replica of this.replicas.values()) this.touch(turn, replica)
        return
      case 'frame': return this.peers.onFrame(turn, input.peer, input.bytes)
      case 'gossip': return this.onGossip(turn, { topic: input.topic, relay: undefined, bytes: input.bytes })
      case 'relay-up': case 'relay-down': case 'parcels': case 'found': case 'compared': case 'posted': case 'refused': case 'announced': case 'rolled-back':
        return this.onMail(turn, input)
    }
  }

  // ---- start ----

  private start(turn: Turn): void {
    turn.out.read({ tag: 'me', partition: 'me', query: { limit: 10 } })
    turn.out.read({ tag: 'own', partition: OWN_PARTITION, query: { limit: Number.MAX_SAFE_INTEGER } })
    turn.out.read({ tag: 'lost', partition: LOST_PARTITION, query: { limit: 1000 } })
    turn.out.read({ tag: 'spaces', partition: 'spaces', query: { limit: 1000 } })
  }

  private async onRows(turn: Turn, tag: string, rows: readonly { key: Uint8Array; value: Uint8Array }[]): Promise<void> {
    const [first = '', second = '', third = ''] = tag.split('|')
    if (first === 'me') return this.twice.awaitsMe(rows) ? undefined : this.isMe(turn, rows)
    if (first === 'own') return this.ownNotes.load(rows)
    if (first === 'lost') return this.mending.load(turn, rows)
    if (first === 'spaces') return this.twice.awaitsSpaces(turn, rows) ? undefined : this.isIn(turn, rows)
    if (first === 'second') return this.twice.onRows(turn, rows)
    if (first === 'open') return this.opening.onRows(turn, second as SpaceId, third, rows)
    const replica = this.replicas.get(first as SpaceId)
    if (replica === undefined) return
    if (second === 'audit') return this.audits.onRows(turn, replica, tag, rows)
    if (second === 'serve') return this.peers.onRows(turn, replica.id, third, rows)
    if (second === 'behind') { replica.receiving.onBehind(turn, third as OpId, rows); return this.touch(turn, replica) }
    if (second === 'twin') return this.taken(turn, replica, await replica.receiving.onTwins(turn, third as OpId, rows))
    for (const payload of await replica.onRows(turn, tag, rows)) await this.onPayload(turn, replica, payload)
    this.touch(turn, replica)
  }

  /** What the disk tells of who this is. */
  async isMe(turn: Turn, rows: readonly Row[]): Promise<void> {
    const row = rows.find(({ key }) => key[0] === 0), record = row && decodeMe(row.value)
    if (record !== undefined) this.setMe(await restoreMe(this.world.suite, record), record)
    this.succession.load(turn, rows)
    this.copying.load(rows)
    this.profiles.load(rows.find(({ key }) => equal(key, PROFILE_KEY))?.value)
    if (record !== undefined && (this.tally.load(turn, record, rows) || this.copying.isPutBack)) this.succession.begins(turn)
    this.telling.me(turn)
  }

  /** Which spaces the disk tells of. */
  isIn(turn: Turn, rows: readonly Row[]): void {
    if (!this.copying.becomes(turn, rows)) this.opening.begin(turn, rows)
  }

  setMe(me: Me, record: MeRecord): void {
    this.me = me
    this.meRecord = record
  }

  meRecord: MeRecord | undefined

  /** Another name, here and in every space. */
  async rename(turn: Turn, name: string): Promise<void> {
    if (this.me === undefined || this.meRecord === undefined) return
    this.me.name = name
    this.meRecord = { ...this.meRecord, name }
    saveMe(turn, this.meRecord)
    this.telling.me(turn)
    for (const replica of this.replicas.values()) {
      if (replica.state() !== 'member') continue
      await this.distribute(turn, replica, [await replica.append(turn, 'profile', encodeAuthorityBody({ type: 'profile', name }))])
    }
  }

  /** Makes a space known to every part. */
  addReplica(turn: Turn, replica: Replica): Drafts {
    this.replicas.set(replica.id, replica)
    const drafts = new Drafts(replica.id)
    this.drafts.set(replica.id, drafts)
    this.useRelays(turn)
    this.searching.begin(turn, replica)
    this.retaining.begin(turn, replica)
    this.touch(turn, replica)
    return drafts
  }

  useRelays(turn: Turn): void {
    const urls = [...new Set([...this.replicas.values()].filter((r) => r.record.state !== 'left').flatMap((r) => r.mail.read))]
    if (urls.join(' ') === this.usedRelays.join(' ')) return
    this.usedRelays = urls
    turn.out.send({ type: 'use-relays', urls })
  }

  // ---- ops ----

  /** Takes ops that came from a peer, a relay or gossip. */
  async take(turn: Turn, replica: Replica, ops: readonly (Uint8Array | Op)[], from?: string, device?: DeviceId): Promise<Intake> {
    const waiting = replica.log.parked.count
    const intake = await replica.receive(turn, ops, device)
    if (!replica.holes.isEmpty) this.touch(turn, replica)
    // What comes before them came to us by no other way: somebody who is here has it.
    if (replica.log.parked.count > waiting) this.peers.compareSoon(turn)
    this.taken(turn, replica, intake, from)
    return intake
  }

  /** What follows from ops that came in. */
  private taken(turn: Turn, replica: Replica, { accepted }: Intake, from?: string): void {
    if (accepted.length === 0) return
    this.touch(turn, replica)
    this.succession.came(turn, replica, accepted)
    const fresh = accepted.filter((op) => op.header.device !== replica.me.device)
    this.lateKits.came(replica, fresh)
    if (fresh.length < accepted.length) this.audits.suspect(turn, replica)
    this.peers.acknowledge(turn, replica, fresh)
    // What came over one connection goes on to the others: they may not be connected to its author.
    if (from !== undefined && accepted.length <= MAX_NEWS) this.peers.spread(turn, replica, accepted, from)
    if (fresh.length > 0) planReceipts(turn, replica, this.meeting.crowd(replica))
  }

  distribute(turn: Turn, replica: Replica, ops: readonly Op[], under?: EpochId): Promise<void> { return distribute(this, turn, replica, ops, under) }

  /** `said`: where it was read, if it was just now. */
  private async onPayload(turn: Turn, replica: Replica, payload: Payload, said?: Said): Promise<void> {
    switch (payload.type) {
      case 'ops': {
        const { accepted } = await this.take(turn, replica, payload.ops)
        if (said === undefined) return
        for (const device of new Set(accepted.map((op) => op.header.device))) this.farewells.heard(turn, replica, device, said)
        await this.farewells.leftBehind(turn, replica, accepted, said)
        return
      }
      case 'presence':
        await this.meeting.heard(turn, replica, payload)
        if (said !== undefined) await this.farewells.announced(turn, replica, payload, said)
        return
      case 'receipt': {
        const held = await takeReceipt(replica, payload)
        if (held && this.noteHeld(turn, replica, payload.device, payload.vector)) this.touch(turn, replica)
        return
      }
      case 'tree': return this.takeTree(turn, replica, payload.tree)
      case 'typing': return this.typing.heard(turn, replica, payload)
      case 'marks': return takeMarks(this, turn, replica, payload.sealed)
      case 'contact': return takeContact(this, turn, replica, payload.sealed)
      case 'aside': { const inside = await openAside(replica, payload.sealed); return inside && this.onPayload(turn, replica, inside, said) }
    }
  }

  /** A tree may come before the commit that names it: a few such are kept. */
  private takeTree(turn: Turn, replica: Replica, tree: Uint8Array): void {
    const { groups } = replica
    const hash = this.world.suite.sha256(tree)
    const isWanted = replica.wantedTrees().some((wanted) => equal(wanted, hash))
    if (!isWanted && (replica.unnamedTrees() >= MAX_UNNAMED_TREES || groups.hasTree(hash))) return
    groups.addTree(tree)
    turn.out.put(`trees/${replica.id}`, hash, tree)
    this.touch(turn, replica)
  }

  /** Notes how far a device holds our chains; true when that changes what is shown. */
  private noteHeld(turn: Turn, replica: Replica, device: DeviceId, vector: readonly { channel: ChannelId; device: DeviceId; chanSeq: number }[]): boolean {
    let news = false
    for (const e of vector) {
      const own = e.device === replica.me.device ? replica.log.head(e.channel, e.device)?.chanSeq ?? 0 : 0
      if (own === 0 || e.channel === AUTHORITY_CHANNEL) continue
      if (replica.delivery.note(turn, e.channel, device, Math.min(e.chanSeq, own))) { news = true; this.telling.statesChanged(replica.id, e.channel) }
    }
    return news
  }

  // ---- mail ----

  private async onMail(turn: Turn, event: MailboxEvent): Promise<void> {
    switch (event.type) {
      case 'relay-up': case 'relay-down': {
        if (event.type === 'relay-up') this.relaysUp.add(event.relay); else this.relaysUp.delete(event.relay)
        for (const replica of this.replicas.values()) {
          replica.mail.relayUp(event.relay, event.type === 'relay-up')
          if (event.type === 'relay-up' && replica.mail.read.includes(event.relay)) await this.meeting.announce(turn, replica)
        }
        return
      }
      case 'parcels': return this.onParcels(turn, event)
      case 'found': return this.audits.onFound(turn, event)
      case 'compared': return this.audits.onCompared(turn, event)
      case 'posted': case 'refused': {
        for (const replica of this.replicas.values()) {
          if (!replica.mail.owns(event.parcelId)) continue
          const covers = event.type === 'posted' ? replica.mail.posted(turn, event) : replica.mail.refuse(event)
          if (covers === undefined || covers.channel === AUTHORITY_CHANNEL) continue
          if (event.type === 'posted') replica.delivery.noteRelay(turn, covers.channel, covers.chanSeq)
          this.telling.statesChanged(replica.id, covers.channel)
          this.touch(turn, replica)
        }
        return
      }
      case 'announced': return this.onGossip(turn, event)
      case 'rolled-back':
        for (const replica of this.replicas.values()) {
          if (!replica.mail.topics.has(event.topic)) continue
          replica.mail.resetCursor(turn, event.relay, event.topic)
          this.audits.rolledBack(turn, replica, event.relay, event.topic)
        }
        return
    }
  }

  private async onParcels(turn: Turn, event: MailboxEvent & { type: 'parcels' }): Promise<void> {
    await this.joins.onParcels(turn, event)
    for (const replica of this.replicas.values()) {
      if (!replica.mail.topics.has(event.topic)) continue
      await this.takeParcels(turn, replica, event, event.parcels)
      // What can't be placed yet comes again when it can.
      if (replica.isMending) continue
      replica.mail.saveCursor(turn, event.relay, event.topic, event.next, event.hash)
      this.succession.relayTold(turn, replica, event)
    }
  }

  async takeParcels(turn: Turn, replica: Replica, { topic, relay }: Pick<Said, 'topic' | 'relay'>, parcels: readonly Parcel[]): Promise<void> {
    const had: Parcel[] = []
    for (const parcel of parcels) {
      const payload = replica.mail.open(parcel.bytes), { letGo } = replica.quota
      if (payload !== undefined && payload !== 'no-key') await this.onPayload(turn, replica, payload, { topic, relay, bytes: parcel.bytes })
      if (payload === 'no-key') replica.mail.unopened.keep(turn, topic, parcel.bytes); else if (replica.quota.letGo === letGo) had.push(parcel)
    }
    if (!replica.isMending) replica.mail.had.note(turn, topic, had)
  }

  private async onGossip(turn: Turn, { topic, relay, bytes }: Said): Promise<void> {
    for (const replica of this.replicas.values()) {
      if (!replica.mail.topics.has(topic)) continue
      const payload = replica.mail.open(bytes)
      if (payload === 'no-key') await this.farewells.calls.unopened(turn, replica, { topic, relay, bytes })
      else if (payload !== undefined) await this.onPayload(turn, replica, payload, { topic, relay, bytes })
    }
  }

  /** Over a connection comes nothing but signals in this way: everything else has frames of its own. */
  private async onSignal(turn: Turn, replica: Replica, sealed: Uint8Array): Promise<void> {
    const payload = replica.mail.open(sealed)
    if (payload !== undefined && payload !== 'no-key' && (payload.type === 'typing' || payload.type === 'contact')) await this.onPayload(turn, replica, payload)
  }

  /** Takes a space that never became one off this device. */
  forget(turn: Turn, replica: Replica): void {
    this.replicas.delete(replica.id)
    this.drafts.delete(replica.id)
    this.present.forget(replica.id)
    this.searching.forget(replica.id)
    dropSpace(turn, replica.id)
    for (const partition of [...openPartitions(replica.id), ...indexPartitions(replica.id)]) turn.out.drop(partition)
    this.useRelays(turn)
    this.telling.spaces(turn)
  }

  // ---- timers ----

  private async onTimer(turn: Turn, tag: string): Promise<void> {
    const [kind = '', id = '', number = ''] = tag.split('|')
    if (kind === 'presence') return this.meeting.announceAll(turn)
    if (kind === 'succeed') return this.succession.due(turn)
    if (kind === 'former') return this.succession.endFormer(turn)
    if (kind === 'compact') return this.tidying.go(turn)
    if (kind === 'windows') return this.watching.work(turn)
    if (kind === 'go-on') return this.questions.goOn(turn, id)
    if (kind === 'sync') { this.audits.dayBegins(turn); this.peers.compareAll(turn); turn.out.wake('sync', turn.now + SYNC_EVERY_MS); return }
    if (kind === 'audit') { this.twice.look(turn); return this.audits.look(turn) }
    if (kind === 'repost') return this.audits.again(turn, tag)
    const replica = this.replicas.get(id as SpaceId)
    if (replica === undefined) return
    const audience = replica.audiences.get(Number(number))
    if (kind === 'reconcile' && audience !== undefined) { await this.groupwork.now(turn, audience); this.touch(turn, replica) }
    if (kind === 'behind' || kind === 'unsure' || kind === 'pace' || kind === 'people') this.touch(turn, replica)
    if (kind === 'ground') turn.out.startAgain()
    if (kind === 'index') await this.searching.work(turn, replica)
    if (kind === 'retention') await this.retaining.work(turn, replica)
    if (kind === 'marks') await shareMarks(this, turn, replica)
    if (kind === 'late') this.peers.askLate(turn, replica)
    if (kind === 'typing') this.typing.tell(turn, replica)
    if (kind === 'receipt') await postReceipts(turn, replica)
    if (kind === 'proof' && this.succession.isSure(replica, turn.now)) await proveForks(this, turn, replica)
    if (kind === 'held') this.held.giveUp(turn, replica)
    if (kind === 'join') this.joins.takesLong(turn, replica)
    if (kind === 'tree') await postLateTree(turn, replica)
  }

  // ---- conclusions ----

  private async conclude(turn: Turn, replica: Replica): Promise<void> {
    const before = replica.greetingKeys()[0]
    for (const { type, epoch } of await replica.settle(turn)) if (type === 'state') await tellBack(turn, replica, epoch)
    for (const device of replica.takeLiars()) this.peers.caught(turn, replica, device)
    this.mending.goOn(turn, replica)
    followRelays(this, turn, replica)
    this.audits.startUnplaced(turn, replica)
    this.succession.look(turn, replica)
    if (this.succession.isSure(replica, turn.now)) for (const { asker, command } of this.held.take(replica)) await runCommand(this, turn, asker, command)
    if (replica.record.state === 'open') {
      this.groupwork.plan(turn, replica)
      await sendDrafts(this, turn, replica)
      await this.lateKits.fill(turn, replica)
      await this.profiles.look(turn, replica)
      await this.ownNotes.look(turn, replica)
      const now = replica.greetingKeys()[0]
      // The same object while the group is as it was; else who said hello before they were known may be by now.
      if (now !== before) await this.peers.hearWaiting(turn)
      if (before === undefined || now === undefined || !equal(now, before)) await this.peers.greetAll(turn, replica)
    }
    planProofs(this, turn, replica)
    this.retaining.look(turn, replica)
    await this.meeting.welcome(turn, replica)
    this.telling.messages(turn, replica)
    await refresh(this, turn, replica)
    planMarks(this, turn, replica)
    this.telling.space(turn, replica)
  }
}
