/**
 * What must hold while everything goes wrong, looked at as it happens on every honest device:
 *
 *   S1  a device never signs two ops with one number of its chain
 *   S2  no own op is in a frame before it is on the disk
 *   S3  a message says what its author said, and is by its author
 *   S4  the engine never throws but where the disk was told to fail
 *   S5  every op that a device keeps carries its author's signature
 *   S6  nobody mutes an honest peer
 *   S7  of what one device says no device takes in more on one day than it may (S31)
 *   I1 … I14 of the groups (invariants-group.ts), P1 … P15 of authority (invariants-authority.ts)
 *
 * What must come true after the healing is in liveness.ts.
 */
import { createPublicKey, verify } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import type { SaveFault } from '../adapters/disk-memory.ts'
import type { MessageInfo, MutedPeer, Update } from '../api.ts'
import type { Engine } from '../engine/engine.ts'
import { keptOp } from '../engine/content/kept.ts'
import type { Input, Step } from '../engine/input.ts'
import { PAST_DAYS_A_DAY } from '../engine/limits.ts'
import type { Replica } from '../engine/replica.ts'
import type { Ciphersuite, Save } from '../ports.ts'
import { decodeFrame } from '../wire/frame.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type EpochId, type IdentityId, NO_SPACE, type OpId, type SpaceId } from '../wire/ids.ts'
import { decodeOpOrHusk, HLC_STEP, isSigned, type Op, opSignedBytes } from '../wire/op.ts'
import * as authority from './invariants-authority.ts'
import * as group from './invariants-group.ts'
import { Ledger } from './ledger.ts'
import { u1OthersHoldNothing } from './secrecy.ts'
import type { Said } from './liveness.ts'
import { type LostRow, nameOf } from './damage.ts'
import { type Past, SAID_A_DAY, type SimNode, type Witness } from './node.ts'
import { Spans } from './spans.ts'
import type { World } from './world.ts'

export class Violation extends Error {
  constructor(rule: string, what: string) { super(`${rule}: ${what}`); this.name = 'Violation' }
}

/** The op of a row that is being saved, by what its saver knows. */
function opOf(engine: Engine | undefined, { partition, key, value }: Save & { type: 'put' }): Op | undefined {
  const [, space, channel] = partition.split('/') as [string, SpaceId, ChannelId]
  const replica = engine?.replicas.get(space)
  return replica === undefined ? decodeOpOrHusk(value, sha256) : keptOp(replica, channel, { key, value })
}

/** Each of these days ends behind a signature (S15), which may vouch for 65 ops; and a restart forgets a little. */
const SAID_SLACK = 2 * SAID_A_DAY
const DAY_MS = 24 * 3600_000

/** Histories up to so many authority ops are replayed and given to the reference resolver, which is slow on purpose. */
const MAX_REPLAYED = 1000

export class Checks implements Witness {
  violation: Violation | undefined
  /** By text. */
  readonly said = new Map<string, Said>()
  /** Those whose author was told that they are kept. */
  readonly accepted = new Set<Said>()
  private readonly world: World
  private readonly liars: ReadonlySet<string>
  /** By device, space and number: the op. */
  private readonly signed = new Map<string, string>()
  /** Ops on each device's disk, and when they were there. */
  private readonly saved = new Map<string, Map<OpId, Spans>>()
  /** What a process saved as it died, by device: until it runs again nothing of that was sent. */
  private readonly dying = new Map<string, readonly Op[]>()
  /** Ops among the rows that a disk lost, by row. */
  private readonly lost = new Map<string, Map<string, OpId>>()
  /** On any disk. */
  private readonly savedAnywhere = new Set<string>()
  /** Ops of content that another one follows on the same disk. */
  private readonly followed = new Map<string, Set<string>>()
  /** What people said who had been removed, as if they hadn't. */
  readonly late: Op[] = []
  private readonly nameOfIdentity = new Map<string, string>()
  private readonly nameOfDevice = new Map<string, string>()
  private readonly excused = new Set<string>()
  /** By device that takes in, its day, space and author: bytes dated yesterday or later, and before. */
  private readonly takenIn = new Map<string, [number, number]>()
  private readonly ledger = new Ledger()
  private readonly switches = new group.Switches()
  private readonly majorities = new group.Majorities()
  /** Epochs whose key, and whose state, was looked at, by device. */
  private readonly seen = new Set<string>()
  private readonly stateHashes = new Map<string, string>()
  private readonly memories = new Map<string, readonly group.Memory[]>()

  constructor(world: World, liars: ReadonlySet<string> = new Set()) { this.world = world; this.liars = liars }

  isHonest(name: string): boolean { return !this.liars.has(name) }
  personOf(identity: IdentityId): string { return this.nameOfIdentity.get(identity) ?? '' }
  speakerOf(device: DeviceId): string { return this.nameOfDevice.get(device) ?? '' }
  isHonestDevice(device: DeviceId): boolean { return this.isHonest(this.speakerOf(device)) }

  private fail(rule: string, what: string): void { this.violation ??= new Violation(rule, what) }
  private hold(rule: string, name: string, problem: group.Problem): void { if (problem !== undefined) this.fail(rule, `${name}: ${problem}`) }

  // ---- as it happens ----

  saving(node: SimNode, saves: readonly Save[], fault: SaveFault): void {
    const { name, engine } = node
    const isKept = fault === 'none' || fault === 'die-after'
    if (!isKept) this.excused.add(name)
    if (fault !== 'none') this.forgetState(name)
    if (!this.isHonest(name)) return
    const ops: Op[] = [], again = new Set<OpId>()
    for (const save of saves) {
      if (save.type !== 'put' || !save.partition.startsWith('ops/')) continue
      // Of a deleted channel, or one that doesn't keep everything, husks stay.
      const op = opOf(engine, save)
      if (op === undefined) { this.fail('S1', `${name} saves an op that can't be read`); continue }
      ops.push(op)
      if (isKept) this.takes(node, op, save.value.length)
      if (this.savedAnywhere.has(op.id)) again.add(op.id)
      this.once(name, op)
      if (isKept) { this.spansOf(name, op.id).begin(this.world.now); this.savedAnywhere.add(op.id) }
    }
    if (fault === 'die-after') this.dying.set(name, ops)
    this.authored(name, ops, isKept)
    if (engine?.me !== undefined) this.hold('I10', name, group.i10CheckpointBeforeSending(engine.me.device, saves, again))
  }

  /** Each has its author's signature, or is named by one that is kept with it: the last of these is signed. */
  private authored(name: string, ops: readonly Op[], isKept: boolean): void {
    const kept = this.followed.get(name) ?? new Set<string>(), followed = isKept ? kept : new Set(kept)
    this.followed.set(name, kept)
    for (const { header: h } of ops) if (h.chanPrev !== undefined && h.channel !== AUTHORITY_CHANNEL) followed.add(h.chanPrev)
    for (const op of ops) {
      if (isSigned(op) ? !isSignatureGood(op) : !followed.has(op.id)) this.fail('S5', `${name} keeps ${op.header.type} ${op.id.slice(0, 8)}, which its author didn't sign`)
    }
  }

  /** By the labels as they are, not as the engine takes them: no later than that. What was here before is written again by many who tidy. */
  private takes({ name, engine, clock }: SimNode, { id, header: { channel, device, hlc, space } }: Op, bytes: number): void {
    if (channel === AUTHORITY_CHANNEL || device === engine?.me?.device || this.saved.get(name)?.has(id) === true) return
    const today = Math.floor(clock / DAY_MS), key = `${name} ${today} ${space} ${device}`, taken = this.takenIn.get(key) ?? [0, 0]
    taken[hlc / HLC_STEP / DAY_MS >= today - 1 ? 0 : 1] += bytes
    this.takenIn.set(key, taken)
    const [late, past] = taken
    if (late > 2 * SAID_A_DAY + SAID_SLACK) this.fail('S7', `${name} takes in ${late} bytes of what ${device.slice(0, 8)} says today`)
    else if (late + past > (2 + PAST_DAYS_A_DAY) * SAID_A_DAY + SAID_SLACK) this.fail('S7', `${name} takes in ${past} bytes of what ${device.slice(0, 8)} dates back`)
  }

  private once(name: string, op: Op): void {
    const { device, seq, space } = op.header
    if (!this.isHonestDevice(device)) return
    // A save that failed was never sent: its number is free again. S2 keeps it from being sent.
    const place = `${device} ${space === NO_SPACE ? op.id : space} ${seq}`
    const known = this.signed.get(place)
    if (known !== undefined && known !== op.id && this.savedAnywhere.has(known)) this.fail('S1', `${name} has a second op with number ${seq} of ${device.slice(0, 8)} in ${space.slice(0, 8)}`)
    this.signed.set(place, op.id)
  }

  private spansOf(name: string, id: OpId): Spans {
    const known = this.saved.get(name) ?? new Map<OpId, Spans>(), spans = known.get(id) ?? new Spans()
    this.saved.set(name, known.set(id, spans))
    return spans
  }

  stepped({ name }: SimNode, engine: Engine, _input: Input, step: Step): void {
    if (!this.isHonest(name)) return
    const saved = new Map<string, Op>()
    const touched = new Set<SpaceId>(), ruled = new Set<SpaceId>()
    for (const save of step.saves) {
      if (save.type !== 'put') continue
      const [kind, space, channel] = save.partition.split('/') as [string, SpaceId, string]
      if (kind === 'ops' || kind === 'keys' || kind === 'states' || kind === 'votes') touched.add(space)
      if (kind !== 'ops') continue
      if (channel === AUTHORITY_CHANNEL) ruled.add(space)
      const op = opOf(engine, save)
      if (op !== undefined) saved.set(op.id, op)
    }
    this.sent(name, step, saved)
    // What comes next is read from the disk anew.
    if (step.startAgain === true) return this.forgetState(name)
    for (const space of touched) {
      const replica = engine.replicas.get(space)
      if (replica !== undefined) this.look(name, replica, ruled.has(space), [...saved.values()].filter((op) => op.header.space === space))
    }
  }

  private sent(name: string, step: Step, inThisStep: ReadonlyMap<string, Op>): void {
    for (const send of step.sends) {
      if (send.type !== 'frame') continue
      const frame = decodeFrame(send.bytes)
      if (frame?.type !== 'ops') continue
      for (const bytes of frame.ops) {
        const op = decodeOpOrHusk(bytes, sha256)
        if (op === undefined) this.fail('S2', `${name} sends an op that can't be read`)
        else if (!inThisStep.has(op.id) && !this.spansOf(name, op.id).isOpen) this.fail('S2', `${name} sends ${op.header.type} ${op.id.slice(0, 8)}, which its disk doesn't hold`)
      }
    }
  }

  /** A space in which this step changed something. */
  private look(name: string, replica: Replica, isRuled: boolean, ops: readonly Op[]): void {
    if (!replica.log.authority.has(replica.id as string as never)) return
    const key = `${name} ${replica.id}`
    const before = this.stateHashes.get(key)
    if (isRuled || before === undefined) {
      this.hold('P1', name, authority.p1SameOpsSameState(this.ledger, name, replica))
      this.hold('P4', name, authority.p4OneOwner(replica))
      this.hold('P12', name, authority.p12ForksAreKnownAlike(this.ledger, name, replica))
      this.stateHashes.set(key, replica.authority.stateHash())
    } else this.hold('P14', name, authority.p14ContentChangesNothing(before, replica))
    for (const op of ops) {
      // Made in this step: own ops also come back to a disk that was put back, when others are no readers any more.
      if (op.header.device === replica.me.device && op.header.epoch !== undefined && !this.savedAnywhere.has(op.id)) this.hold('I13', name, group.i13NobodyElseReads(replica, op))
    }
    for (const audience of replica.audiences.values()) {
      const held = { name, audience }
      const isNew = (what: string) => (epoch: EpochId): boolean => this.isNew(`${name} ${what} ${epoch}`)
      this.hold('I1', name, group.i1SameOpsSamePath(this.ledger, held))
      this.hold('I7', name, group.i7StatesAreBounded(held))
      this.hold('I8', name, this.switches.i8SwitchesAreFew(held))
      this.hold('I12', name, group.i12KeysMatchTheirCommits(held, isNew('key')))
      this.hold('I14', name, group.i14SameEpochSameAuthenticator(this.ledger, held, isNew('state')))
    }
  }

  private isNew(what: string): boolean {
    if (this.seen.has(what)) return false
    this.seen.add(what)
    return true
  }

  updated({ name, person }: SimNode, update: Update): void {
    if (update.type === 'me' && update.me !== undefined) {
      this.nameOfIdentity.set(update.me.identity, person)
      this.nameOfDevice.set(update.me.device, person)
    }
    if (!this.isHonest(name)) return
    if (update.type === 'status') for (const mute of update.status.muted) if (this.isHonest(this.nameOf(mute))) this.fail('S6', `${name} mutes an honest peer as ${mute.fault}`)
    if (update.type !== 'messages') return
    for (const message of update.messages) this.same(name, message)
  }

  /** A peer is named after its machine. */
  private nameOf(mute: MutedPeer): string { return ('device' in mute ? this.nameOfDevice.get(mute.device) : /^peer-(.*)-\d+$/.exec(mute.peer)?.[1]) ?? '' }

  same(name: string, message: MessageInfo): void {
    const said = this.said.get(message.text)
    const author = this.nameOfIdentity.get(message.author)
    if (message.deleted === true || (author !== undefined && !this.isHonest(author))) return
    if (said === undefined) this.fail('S3', `${name} reads ${JSON.stringify(message.text)}, which nobody said`)
    else if (said.author !== author || said.channel !== message.channel) this.fail('S3', `${name} reads ${JSON.stringify(message.text)} by ${author}, but ${said.author} said it, or elsewhere`)
  }

  failed(name: string, line: string): void {
    this.world.note(`${name} ${line}`)
    this.forgetState(name)
    if (!this.excused.delete(name) && this.isHonest(name)) this.fail('S4', `${name}: ${line}`)
  }

  /** Its memory was ahead of its disk, or is gone. */
  private forgetState(name: string): void { for (const key of this.stateHashes.keys()) if (key.startsWith(`${name} `)) this.stateHashes.delete(key) }

  ended({ name, isDamaged }: SimNode, engine: Engine): void {
    this.forgetState(name)
    if (isDamaged) return
    this.memories.set(name, [...engine.replicas.values()].filter((replica) => replica.record.state === 'open').map((replica) => group.remember(replica)))
  }

  /** Whatever it had said since, others may never have got. */
  putBack({ name, person }: SimNode, { at }: Past): void {
    this.memories.delete(name)
    this.forgetState(name)
    for (const said of this.accepted) if (said.author === person && said.at >= at) this.accepted.delete(said)
    for (const { id } of this.dying.get(name) ?? []) this.savedAnywhere.delete(id)
    for (const spans of this.saved.get(name)?.values() ?? []) spans.backTo(at, this.world.now)
  }

  /** Some rows of a running device can't be read any more. What of its own words nobody else has may be gone. */
  struck({ name, person, engine }: SimNode, rows: readonly LostRow[]): void {
    this.memories.delete(name)
    const lost = this.lost.get(name) ?? new Map<string, OpId>()
    this.lost.set(name, lost)
    for (const row of rows) {
      const [kind, space] = row.partition.split('/') as [string, SpaceId], op = kind === 'ops' ? opOf(engine, { type: 'put', ...row }) : undefined
      if (op !== undefined) lost.set(nameOf(row), op.id)
      const isHere = op !== undefined && [...this.saved].some(([other, ids]) => other !== name && ids.get(op.id)?.isOpen === true)
      const isOwn = kind === 'drafts' || kind === 'outbox' || (op !== undefined && op.header.device === engine?.me?.device && !isHere)
      if (isOwn) for (const said of this.accepted) if (said.author === person && said.space === space) this.accepted.delete(said)
    }
  }

  stumbled({ name }: SimNode): void { this.excused.add(name) }

  /** Until they come back it sends nothing of them. */
  cut({ name }: SimNode, rows: readonly LostRow[]): void {
    this.forgetState(name)
    for (const row of rows) {
      const id = this.lost.get(name)?.get(nameOf(row))
      if (id !== undefined) this.spansOf(name, id).end(this.world.now)
    }
  }

  /** After a start, once the engine has loaded. */
  restarted({ name, engine }: SimNode): void {
    const before = this.memories.get(name) ?? []
    this.memories.delete(name)
    this.dying.delete(name)
    // Its disk may have failed it at once: then it has not loaded yet.
    if (engine?.me === undefined || !this.isHonest(name)) return
    for (const memory of before) {
      const replica = engine.replicas.get(memory.space as SpaceId)
      if (replica === undefined) return this.fail('I11', `${name} has lost ${memory.space.slice(0, 8)} in a restart`)
      this.hold('I11', name, group.i11RestartChangesNothing(memory, group.remember(replica)))
    }
  }

  // ---- when the people pause ----

  /** The costly ones, on one device that has seen much. `isWell`: everyone has everything. */
  async ponder(nodes: readonly SimNode[], spaces: readonly { readonly id: SpaceId; readonly judge: SimNode }[], isWell: boolean): Promise<void> {
    for (const { id, judge: { name: by, engine: theirs } } of spaces) {
      const judge = theirs?.replicas.get(id)
      if (judge === undefined) continue
      for (const { name, engine } of nodes) {
        const replica = engine?.replicas.get(id)
        if (replica !== undefined) this.hold('U1', name, u1OthersHoldNothing(replica, [judge], (device) => this.isHonestDevice(device)))
        for (const audience of replica?.audiences.values() ?? []) {
          this.hold('I4', name, group.i4RemovedGetNoKeys(judge, { name, audience }))
          if (!this.isHonest(name)) continue
          this.hold('I2', name, group.i2PathIsValid({ name, audience }))
          if (isWell) this.hold('I9', name, this.majorities.i9MajorityStays({ name, audience }))
        }
      }
      await this.ponderAuthority(by, judge.world.suite, judge)
    }
  }

  private async ponderAuthority(name: string, suite: Ciphersuite, replica: Replica): Promise<void> {
    const ops = [...replica.log.authority.values()]
    this.hold('P8', name, await authority.p8AgainChangesNothing(replica, ops))
    if (ops.length > MAX_REPLAYED) return
    this.hold('P2', name, authority.p2NothingSeenIsVoided(replica, ops))
    this.hold('P3', name, authority.p3NobodyGivesItsOwnPower(replica, ops))
    this.hold('P5', name, await authority.p5BeyondCutsIsNothing(suite, replica, ops))
    this.hold('P6', name, await authority.p6BannedChangeNothing(suite, replica, ops))
    this.hold('P7', name, authority.p7WhatCountsWasPermitted(replica, ops))
    this.hold('P9', name, authority.p9RolesAboveStay(replica, ops))
    this.hold('P10', name, authority.p10LateOpsDontCount(replica, ops))
    this.hold('P10', name, authority.p10LateWordsDontCount(replica, ops, this.late))
    this.hold('P11', name, authority.p11NoCircleStands(replica, ops))
    this.hold('P13', name, await authority.p13FromScratchIsTheSame(suite, replica, ops, this.world.chance))
    this.hold('P15', name, authority.p15ReferenceAgrees(replica, ops))
  }
}

/** By another implementation of Ed25519 than the engine's. */
function isSignatureGood(op: Op): boolean {
  const x = Buffer.from(op.header.device, 'hex').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, opSignedBytes(Buffer.from(op.id, 'hex')), key, op.sig)
}
