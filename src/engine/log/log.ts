/**
 * The log of one space on this device: which ops are in, which wait for a predecessor.
 *
 * An op is accepted when its predecessor in its device's chain of its channel and all the authority heads it names are in, and it is signed:
 * by its own signature, or by a later one of its chain in the same batch (its hash is in that one's `chanPrev`, so one signature
 * authenticates all before it). Authority and group ops are always verified one by one. What can't be accepted yet is parked, bounded.
 *
 * A device that signs two ops for one place forks its chain. Both branches are taken in, so that everyone comes to hold the same, whichever came
 * first; what they are worth is authority's to say. A chain therefore has tips: one, or one for each branch. Of authority the whole chain is in
 * memory; of content only the tips are, so whether an older place holds something else is looked up on disk (`unsure`).
 */
import type { Ciphersuite } from '../../ports.ts'
import type { ChainEnd, Ends } from '../../wire/authority.ts'
import { concat, fromHex, putHex, putU64, toHex, u64 } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type OpId } from '../../wire/ids.ts'
import { HLC_STEP, isSigned, MAX_OP_BYTES, type Op, type OpHeader, opSignedBytes } from '../../wire/op.ts'
import type { HeadRecord } from '../../wire/records.ts'
import type { Vector, VectorEntry } from '../../wire/vector.ts'
import { LABELS } from '../labels.ts'
import { MAX_ASK_OPS, MAX_AUTHORITY_BYTES_A_DAY, MAX_BRANCHES, MAX_OPS_A_DAY, MAX_UNSIGNED, REMEMBERED_OPS } from '../limits.ts'
import { predecessors } from '../space/history.ts'
import { Parked, type Sender } from './parked.ts'
import { linksIn, neededIn } from './vouching.ts'

export interface Chain { readonly channel: ChannelId; readonly device: DeviceId }
export type ChainKey = string
export const chainKey = (channel: ChannelId, device: DeviceId): ChainKey => channel + device

/** The end of one branch. `branch`: the op that left the chain's first branch; undefined for that one. */
export interface Tip extends HeadRecord { readonly branch: OpId | undefined }

/**
 * Where an op stands. unsure: another op may have its place on disk. contradictory: its own chain shows it to be wrong. full: its chain has too many branches.
 * beyond: its device wrote more in a day than is taken in.
 * `strays`: it waits for a predecessor where we have another op already.
 */
export type Place = { readonly type: 'known' | 'next' | 'contradictory' | 'full' | 'unsure' | 'beyond' } | { readonly type: 'waits'; readonly for: string; readonly strays?: true }

/** Of each op that is proven: by its own signature, or the op after it that speaks for it. */
export type Proofs = Map<OpId, 'own' | Op>

interface Remembered { readonly id: OpId; readonly channel: ChannelId; readonly chanSeq: number }

const KNOWN: Place = { type: 'known' }, NEXT: Place = { type: 'next' }, CONTRADICTORY: Place = { type: 'contradictory' }, FULL: Place = { type: 'full' }, BEYOND: Place = { type: 'beyond' }, UNSURE: Place = { type: 'unsure' }
export const DAY_MS = 24 * 3600_000
/** In labels. */
const DAY = HLC_STEP * DAY_MS
const NO_TIPS: readonly Tip[] = []
const NONE: ReadonlySet<OpId> = new Set()

export class Log {
  /** Authority and group ops, whole, by id. */
  readonly authority = new Map<OpId, Op>()
  /** Of each chain, its first branch first. */
  private readonly tips = new Map<ChannelId, Map<DeviceId, Tip[]>>()
  private readonly digests = new Map<ChannelId, string>()
  /** Bytes of authority in the day of an op, up to it: of ends of chains, where somebody has asked. */
  private readonly written = new Map<OpId, number>()
  /** The authority ops at each place. */
  private readonly places = new Map<string, OpId[]>()
  /** Highest number each device has used in this space, over all its channels. */
  readonly deviceHeads = new Map<DeviceId, { seq: number; id: OpId }>()
  /** Chains of which an op came whose predecessor is on a branch that isn't here: asked for from further back. */
  private readonly disputed = new Map<ChainKey, OpId>()
  /** Which op had which number of its device; and where they are, the newest written over the oldest. */
  private readonly recent = new Map<DeviceId, Map<number, Remembered>>()
  private readonly remembered: { readonly device: DeviceId; readonly seq: number }[] = []
  private oldest = 0
  /** Ops of authority that are on the disk and can't be placed, as a part of it that was lost had what they follow; and what that is. */
  private readonly asleep = new Set<OpId>()
  private readonly lostBefore = new Set<OpId>()
  readonly parked = new Parked()
  /** Highest hybrid time seen: our next op is labelled later. */
  maxHlc = 0
  private readonly suite: Ciphersuite

  constructor(suite: Ciphersuite) { this.suite = suite }

  tipsOf(channel: ChannelId, device: DeviceId): readonly Tip[] { return this.tips.get(channel)?.get(device) ?? NO_TIPS }

  /** The highest label of content that ends a chain; 0 where nothing was said. */
  get lastContent(): number {
    let last = 0
    for (const [channel, chains] of this.tips) if (channel !== AUTHORITY_CHANNEL) for (const tips of chains.values()) for (const { hlc } of tips) last = Math.max(last, hlc)
    return last
  }

  /** The end of a chain's first branch. */
  head(channel: ChannelId, device: DeviceId): Tip | undefined { return this.tipsOf(channel, device)[0] }

  /** Restores a branch's tip from disk. */
  restoreTip(channel: ChannelId, device: DeviceId, tip: Tip): void {
    this.setTips(channel, device, [...this.tipsOf(channel, device), tip].sort((a, b) => ((a.branch ?? '') < (b.branch ?? '') ? -1 : 1)))
    this.noteDevice(device, tip.seq, tip.id)
    this.maxHlc = Math.max(this.maxHlc, tip.hlc)
  }

  /** Restores an authority op that was verified before it was saved. Tips come from `restoreTip`. */
  restoreAuthority(op: Op): void { this.noteAuthority(op) }

  /** On the disk, and not restored. */
  sleeps(op: Op): void {
    this.asleep.add(op.id)
    for (const id of predecessors(op)) if (!this.authority.has(id)) this.lostBefore.add(id)
  }

  /** Whether something on the disk can be placed now that this is here: by whoever reads the disk anew, as it is in the tips already. */
  wakes(id: OpId): boolean { return this.lostBefore.has(id) }

  /** Chains of authority whose ends a damaged disk lost end where their ops do: these are known, and would not be taken in again; and who went on from before them would fork. */
  retrace(): void {
    const known = new Set(this.devicesIn(AUTHORITY_CHANNEL))
    for (const op of this.authority.values()) if (!known.has(op.header.device)) this.goOn(op)
  }

  /** The same of a chain of content, of which an op was found on the disk; undefined where its end is here, or beyond. */
  retraceTo(op: Op): Tip | undefined {
    const { channel, device, chanSeq } = op.header
    if (this.tipsOf(channel, device).some((tip) => tip.chanSeq >= chanSeq)) return undefined
    this.setTips(channel, device, [])
    return this.goOn(op)
  }

  private noteAuthority(op: Op): void {
    this.authority.set(op.id, op)
    const place = `${op.header.device}${op.header.chanSeq}`
    const ids = this.places.get(place)
    if (ids === undefined) this.places.set(place, [op.id]); else ids.push(op.id)
  }

  private noteDevice(device: DeviceId, seq: number, id: OpId): void {
    const known = this.deviceHeads.get(device)
    if (known === undefined || known.seq < seq) this.deviceHeads.set(device, { seq, id })
  }

  private setTips(channel: ChannelId, device: DeviceId, tips: Tip[]): void {
    const chains = this.tips.get(channel) ?? new Map<DeviceId, Tip[]>()
    this.tips.set(channel, chains.set(device, tips))
    this.digests.delete(channel)
  }

  devicesIn(channel: ChannelId): Iterable<DeviceId> { return this.tips.get(channel)?.keys() ?? [] }

  /** Those of which something is here. */
  get channels(): Iterable<ChannelId> { return this.tips.keys() }

  /** What we hold, for peers to compare with: of these channels, or of all. */
  vector(channels: Iterable<ChannelId> = this.tips.keys()): Vector {
    const out: VectorEntry[] = []
    for (const channel of channels) for (const [device, tips] of this.tips.get(channel) ?? []) out.push(...entriesOf(channel, device, tips))
    return out.sort(byPlace)
  }

  /** What we hold of one chain. */
  vectorOf(channel: ChannelId, device: DeviceId): Vector { return [...entriesOf(channel, device, this.tipsOf(channel, device))].sort(byPlace) }

  /** The newest label of a device's, in any channel; 0: nothing of it is here. */
  newestLabelBy(device: DeviceId): number {
    let newest = 0
    for (const chains of this.tips.values()) for (const tip of chains.get(device) ?? NO_TIPS) newest = Math.max(newest, tip.hlc)
    return newest
  }

  /** Where a device's chains of content end here. `all`: with that of authority they hold each of its numbers, so that there is nothing else of it up to its last. */
  endsOf(device: DeviceId): Ends {
    const chains: ChainEnd[] = []
    let held = 0
    for (const [channel, devices] of this.tips) {
      const chanSeq = (devices.get(device) ?? NO_TIPS).reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
      held += chanSeq
      if (chanSeq > 0 && channel !== AUTHORITY_CHANNEL) chains.push({ channel, chanSeq })
    }
    return { all: held === (this.deviceHeads.get(device)?.seq ?? 0), chains: chains.sort((a, b) => (a.channel < b.channel ? -1 : 1)) }
  }

  /** What we hold of one device's. */
  vectorBy(device: DeviceId): Vector { return [...this.tips.keys()].flatMap((channel) => entriesOf(channel, device, this.tipsOf(channel, device))).sort(byPlace) }

  /** Equal where the vectors of a channel are equal. Hex of 8 bytes; undefined where nothing is here. */
  digest(channel: ChannelId): string | undefined {
    const known = this.digests.get(channel)
    if (known !== undefined || !this.tips.has(channel)) return known
    const parts = this.vector([channel]).map((e) => concat(fromHex(e.device) as Uint8Array, u64(e.chanSeq), fromHex(e.head) as Uint8Array))
    const digest = toHex(this.suite.sha256(LABELS.vectorDigest, fromHex(channel) as Uint8Array, ...parts).subarray(0, 8))
    this.digests.set(channel, digest)
    return digest
  }

  /**
   * The part of a chain that its holder has and we lack, as far as the tip it shows tells. `isForked`: it shows several tips of this chain;
   * `again`: it covers places of which we have an op already.
   */
  lacks(e: VectorEntry, isForked: boolean): { readonly from: number; readonly to: number; readonly again: boolean } | undefined {
    const tips = this.tipsOf(e.channel, e.device)
    const reach = tips.reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
    const isHere = (id: OpId): boolean => id.startsWith(e.head)
    if (tips.some((tip) => isHere(tip.id))) return undefined
    // Where branches part isn't known: what is near the end is asked for, then what that rests on.
    const back = { from: Math.max(1, e.chanSeq - MAX_ASK_OPS + 1), to: e.chanSeq, again: true }
    if (this.disputed.has(chainKey(e.channel, e.device))) return back
    if (e.chanSeq > reach) return { from: reach + 1, to: e.chanSeq, again: false }
    if (e.channel === AUTHORITY_CHANNEL) return this.places.get(`${e.device}${e.chanSeq}`)?.some(isHere) === true ? undefined : back
    return isForked || tips.some((tip) => tip.chanSeq === e.chanSeq) ? back : undefined
  }

  /** Where another op has this number of its device, as far as is remembered: then its key was used twice. */
  twinOf(h: OpHeader, id: OpId): Remembered | undefined {
    const known = this.recent.get(h.device)?.get(h.seq)
    return known?.id === id ? undefined : known
  }

  /** Whether an op that came lately has this number of its device, and an id that begins so. */
  isRemembered(device: DeviceId, seq: number, begin: string): boolean { return this.recent.get(device)?.get(seq)?.id.startsWith(begin) === true }

  /** An op at this place whose id begins so, as far as is remembered: that of a tip, or one that came lately. */
  idAt(channel: ChannelId, device: DeviceId, chanSeq: number, begin: string): OpId | undefined {
    const isIt = (one: { readonly id: OpId; readonly chanSeq: number }): boolean => one.chanSeq === chanSeq && one.id.startsWith(begin)
    const tip = this.tipsOf(channel, device).find(isIt)
    if (tip !== undefined) return tip.id
    for (const one of this.recent.get(device)?.values() ?? []) if (one.channel === channel && isIt(one)) return one.id
    return undefined
  }

  /** Whether it is here, as far as is remembered: then its place is known. */
  isKnown(op: Op): boolean {
    const h = op.header
    if (h.channel === AUTHORITY_CHANNEL) return this.authority.has(op.id) || this.asleep.has(op.id)
    return this.recent.get(h.device)?.get(h.seq)?.id === op.id || this.tipsOf(h.channel, h.device).some((tip) => tip.id === op.id)
  }

  place(op: Op): Place {
    if (this.isKnown(op)) return KNOWN
    const h = op.header
    const tips = this.tipsOf(h.channel, h.device)
    const extended = tips.find((tip) => tip.id === h.chanPrev)
    if (extended !== undefined && (extended.chanSeq + 1 !== h.chanSeq || extended.seq >= h.seq)) return CONTRADICTORY
    // Content that was made anew is not put together only to be measured.
    if (extended !== undefined && (isBeyond(extended, h) || (h.channel === AUTHORITY_CHANNEL && this.isTooMuch(extended, h, op.bytes.length)))) return BEYOND
    const isLinked = extended !== undefined || (tips.length === 0 && h.chanSeq === 1)
    if (!isLinked) {
      const off = h.channel === AUTHORITY_CHANNEL ? this.branching(op) : this.strayed(h, tips)
      if (off !== undefined) return off
    }
    // The chain's end is known, and the op itself was lost with a part of the disk (S13).
    if (h.channel === AUTHORITY_CHANNEL && h.chanPrev !== undefined && !this.authority.has(h.chanPrev)) return { type: 'waits', for: h.chanPrev }
    for (const dep of h.deps) if (!this.authority.has(dep)) return { type: 'waits', for: dep }
    return NEXT
  }

  /** An authority op that follows no tip: a branch leaves where its predecessor is. undefined when it may. */
  private branching(op: Op): Place | undefined {
    const h = op.header
    const before = h.chanPrev === undefined ? undefined : this.authority.get(h.chanPrev)
    if (h.chanPrev !== undefined && before === undefined) return this.after(h.chanPrev, h)
    if (before !== undefined && (before.header.device !== h.device || before.header.chanSeq + 1 !== h.chanSeq || before.header.seq >= h.seq)) return CONTRADICTORY
    return this.hasRoom(op) ? undefined : FULL
  }

  /** A content op that follows no tip. */
  private strayed(h: OpHeader, tips: readonly Tip[]): Place | undefined {
    const reach = tips.reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
    if (h.chanSeq <= reach) return UNSURE
    return h.chanSeq === reach + 1 && h.chanPrev !== undefined ? this.after(h.chanPrev, h) : { type: 'waits', for: `${chainKey(h.channel, h.device)}:${h.chanSeq - 1}` }
  }

  /** What comes next rests on a branch that isn't here. */
  private after(id: OpId, h: OpHeader): Place {
    const reach = this.tipsOf(h.channel, h.device).reduce((most, tip) => Math.max(most, tip.chanSeq), 0)
    return h.chanSeq <= reach + 1 ? { type: 'waits', for: id, strays: true } : { type: 'waits', for: id }
  }

  /** An op with a good signature strays: its chain is asked for from further back until what it follows is here. */
  dispute(op: Op): void {
    if (op.header.chanPrev !== undefined) this.disputed.set(chainKey(op.header.channel, op.header.device), op.header.chanPrev)
  }

  /** Room for one more branch, or a need: others' ops may rest on any branch. */
  hasRoom(op: Op): boolean {
    return this.tipsOf(op.header.channel, op.header.device).length < MAX_BRANCHES || this.parked.isWanted(op.id)
  }

  /** The other ops at an authority op's place. */
  rivals(op: Op): Op[] {
    const ids = op.header.channel === AUTHORITY_CHANNEL ? this.places.get(`${op.header.device}${op.header.chanSeq}`) ?? [] : []
    return ids.filter((id) => id !== op.id).map((id) => this.authority.get(id) as Op)
  }

  park(op: Op, waitsFor: string, sender: Sender): Op[] { return this.parked.add(op, waitsFor, sender) }

  /** Marks an op as in: the tip that is now its branch's, and the parked ops that waited for it. */
  add(op: Op): { readonly tip: Tip; readonly freed: Op[] } {
    const h = op.header
    const key = chainKey(h.channel, h.device), tip = this.goOn(op)
    this.remember(h, op.id)
    if (this.disputed.get(key) === op.id) this.disputed.delete(key)
    if (h.channel === AUTHORITY_CHANNEL) this.noteAuthority(op)
    return { tip, freed: [...this.parked.take(op.id), ...this.parked.take(`${key}:${h.chanSeq}`)] }
  }

  /** Makes an op the end of its chain, or of a branch. */
  private goOn({ header: h, id }: Op): Tip {
    const tips = [...this.tipsOf(h.channel, h.device)], here = tips.find((tip) => tip.id === id)
    // Of what a damaged disk lost the end of the chain may still tell.
    if (here !== undefined) return here
    const at = tips.findIndex((tip) => tip.id === h.chanPrev)
    const tip: Tip = { chanSeq: h.chanSeq, id, seq: h.seq, hlc: h.hlc, day: dayAfter(tips[at], h), branch: tips.length === 0 ? undefined : at >= 0 ? tips[at]?.branch : id }
    if (at >= 0) tips[at] = tip; else tips.push(tip)
    this.setTips(h.channel, h.device, tips)
    this.noteDevice(h.device, h.seq, id)
    this.maxHlc = Math.max(this.maxHlc, h.hlc)
    return tip
  }

  /** The day of an op that may go on from what is here, by the labels of its chain. */
  dayOf(h: OpHeader): number { return dayAfter(this.tipsOf(h.channel, h.device).find((tip) => tip.id === h.chanPrev), h).number }

  /** Whether nobody would take in what this device writes there now: as much as anybody may write in a day is written. */
  isFull(channel: ChannelId, device: DeviceId, hlc: number): boolean {
    const head = this.head(channel, device)
    const next = { channel, chanSeq: (head?.chanSeq ?? 0) + 1, hlc }
    return head !== undefined && (isBeyond(head, next) || this.isTooMuch(head, next, MAX_OP_BYTES))
  }

  /** Whether an op of authority is beyond the bytes of its chain's day. Of content that can't be asked: where its bodies are gone nobody knows how long they were, and all must stop at the same op. */
  private isTooMuch(before: Tip, next: Pick<OpHeader, 'channel' | 'chanSeq' | 'hlc'>, bytes: number): boolean {
    return next.channel === AUTHORITY_CHANNEL && dayAfter(before, next).from !== next.chanSeq && this.writtenOn(before) + bytes > MAX_AUTHORITY_BYTES_A_DAY
  }

  /** Bytes of authority in the day of a branch's end, up to there. */
  private writtenOn({ id, day }: Tip): number {
    let sum = 0
    for (let op = this.authority.get(id); op !== undefined && op.header.chanSeq >= (day?.from ?? Infinity); op = op.header.chanPrev === undefined ? undefined : this.authority.get(op.header.chanPrev)) {
      const known = this.written.get(op.id)
      sum += known ?? op.bytes.length
      // It is no end any more.
      if (known !== undefined) { this.written.delete(op.id); break }
    }
    this.written.set(id, sum)
    return sum
  }

  private remember(h: OpHeader, id: OpId): void {
    const { device, seq } = h
    const known = this.recent.get(device) ?? new Map<number, Remembered>()
    if (known.has(seq)) return
    this.recent.set(device, known.set(seq, { id, channel: h.channel, chanSeq: h.chanSeq }))
    const gone = this.remembered[this.oldest]
    this.remembered[this.oldest] = { device, seq }
    this.oldest = (this.oldest + 1) % REMEMBERED_OPS
    if (gone === undefined) return
    const those = this.recent.get(gone.device)
    those?.delete(gone.seq)
    if (those?.size === 0) this.recent.delete(gone.device)
  }

  /** Authority ops outside the past of one of them, predecessors first: what somebody who knows only that one may lack. */
  authorityOutside(id: OpId): Op[] {
    const past = this.authorityPast([id])
    return [...this.authority.values()].filter((op) => !past.has(op.id))
  }

  /** These authority ops and all that they rest on. */
  authorityPast(ids: readonly OpId[]): Set<OpId> {
    const past = new Set<OpId>()
    const open = [...ids]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const header = this.authority.get(next)?.header
      if (header === undefined || past.has(next)) continue
      past.add(next)
      open.push(...header.deps)
      if (header.chanPrev !== undefined) open.push(header.chanPrev)
    }
    return past
  }

  verify(op: Op): Promise<boolean> {
    return this.suite.verify(fromHex(op.header.device) as Uint8Array, op.sig, opSignedBytes(fromHex(op.id) as Uint8Array))
  }

  /**
   * What shows of the ops in a batch that their authors made them. A content op counts by its own good signature, or because an op that counts names it as its predecessor:
   * so a few of the signatures are checked (vouching.ts), and the rest by links. Authority and group ops count by their own only. In any order. `trusted`: those that
   * were verified before.
   */
  async proven(ops: readonly Op[], trusted: ReadonlySet<OpId> = NONE): Promise<Proofs> {
    const out: Proofs = new Map()
    const links = linksIn(ops), needed = neededIn(ops, links)
    /** How many without a signature stand between each op and one that has a good one, and what speaks for it. */
    const between = new Int32Array(ops.length).fill(MAX_UNSIGNED), by = new Int32Array(ops.length).fill(-1)
    for (const n of links.order) {
      const op = ops[n] as Op, next = ops[by[n] as number], place = links.before[n] as number
      const isOwn = trusted.has(op.id) || (isSigned(op) && (next === undefined || needed[n] === 1) && (await this.verify(op)))
      if (!isOwn && next === undefined) continue
      out.set(op.id, isOwn || next === undefined ? 'own' : next)
      const far = isOwn ? 0 : (between[n] as number) + 1
      if (place >= 0 && far < (between[place] as number)) { between[place] = far; by[place] = n }
    }
    return out
  }
}

/**
 * The day of an op by the labels of its chain, and with which op that began (S28). A label that goes back belongs to the day it follows: whoever dates back and forth gains nothing.
 */
function dayAfter(before: HeadRecord | undefined, { chanSeq, hlc }: Pick<OpHeader, 'chanSeq' | 'hlc'>): NonNullable<HeadRecord['day']> {
  const number = Math.max(Math.floor(hlc / DAY), before?.day?.number ?? 0)
  return before?.day?.number === number ? before.day : { number, from: chanSeq }
}

const isBeyond = (before: HeadRecord, next: Pick<OpHeader, 'chanSeq' | 'hlc'>): boolean => next.chanSeq - dayAfter(before, next).from >= MAX_OPS_A_DAY

/** All of a chain's tips: a branch beyond the usual few is here because others' ops rest on it, and shown to few it would keep them waiting. */
const entriesOf = (channel: ChannelId, device: DeviceId, tips: readonly Tip[]): VectorEntry[] =>
  tips.map((tip) => ({ channel, device, chanSeq: tip.chanSeq, head: tip.id.slice(0, 16) }))

/** Ids are of equal length, so the order of the vector is that of these put together. */
const byPlace = (a: VectorEntry, b: VectorEntry): number => (a.channel + a.device + a.head < b.channel + b.device + b.head ? -1 : 1)

/** The row of a tip: a chain's first branch under the chain, others under the op that left it. */
export const tipKey = (channel: ChannelId, device: DeviceId, branch: OpId | undefined): Uint8Array =>
  concat(fromHex(channel) as Uint8Array, fromHex(device) as Uint8Array, branch === undefined ? new Uint8Array() : fromHex(branch) as Uint8Array)

/** The row of an op: by its place in its chain, and with its id where another op has that place, or may come to have it. */
export function opKey(device: DeviceId, chanSeq: number, besides?: OpId): Uint8Array {
  const out = new Uint8Array(besides === undefined ? 40 : 72)
  putHex(out, 0, device)
  putU64(out, 32, chanSeq)
  if (besides !== undefined) putHex(out, 40, besides)
  return out
}
