/**
 * The log of one space on this device: which ops are in, which wait for a predecessor.
 *
 * An op is accepted when its predecessor in its device's chain of its channel and all the authority heads it names are in, and it is signed:
 * by its own signature, or by a later one of its chain in the same batch (its hash is in that one's `chanPrev`, so one signature
 * authenticates all before it). Authority and group ops are always verified one by one. What can't be accepted yet is parked, bounded.
 */
import type { Ciphersuite } from '../../ports.ts'
import { fromHex } from '../../wire/bytes.ts'
import { AUTHORITY_CHANNEL, type ChannelId, type DeviceId, type OpId } from '../../wire/ids.ts'
import { type Op, opSignedBytes } from '../../wire/op.ts'
import type { HeadRecord } from '../../wire/records.ts'
import type { Vector, VectorEntry } from '../../wire/vector.ts'
import { MAX_PARKED_OPS } from '../limits.ts'

export type ChainKey = string
export const chainKey = (channel: ChannelId, device: DeviceId): ChainKey => channel + device

/** Two different ops by one device at one place: proof that its key was used twice. */
export interface Fork { readonly known: OpId; readonly other: Op }

export class Log {
  /** Authority and group ops, whole, by id. */
  readonly authority = new Map<OpId, Op>()
  readonly heads = new Map<ChainKey, HeadRecord>()
  /** Highest number each device has used in this space, over all its channels. */
  readonly deviceHeads = new Map<DeviceId, { seq: number; id: OpId }>()
  readonly forks: Fork[] = []
  /** Highest hybrid time seen: our next op is labelled later. */
  maxHlc = 0
  private readonly parked = new Map<OpId, Op>()
  /** Parked ops by what they wait for: an op id, or a chain's next place. */
  private readonly waiting = new Map<string, Set<OpId>>()
  private readonly suite: Ciphersuite

  constructor(suite: Ciphersuite) { this.suite = suite }

  get parkedCount(): number { return this.parked.size }
  isParked(id: OpId): boolean { return this.parked.has(id) }
  parkedOps(): Iterable<Op> { return this.parked.values() }

  head(channel: ChannelId, device: DeviceId): HeadRecord | undefined { return this.heads.get(chainKey(channel, device)) }

  /** Restores a chain's head from disk. */
  restoreHead(channel: ChannelId, device: DeviceId, head: HeadRecord): void {
    this.heads.set(chainKey(channel, device), head)
    this.noteDevice(device, head.seq, head.id)
    this.maxHlc = Math.max(this.maxHlc, head.hlc)
  }

  /** Restores an authority op that was verified before it was saved. Chain heads come from `restoreHead`. */
  restoreAuthority(op: Op): void { this.authority.set(op.id, op) }

  private noteDevice(device: DeviceId, seq: number, id: OpId): void {
    const known = this.deviceHeads.get(device)
    if (known === undefined || known.seq < seq) this.deviceHeads.set(device, { seq, id })
  }

  /** What we hold, for peers to compare with. */
  vector(): Vector {
    const out: VectorEntry[] = []
    for (const [key, head] of this.heads) {
      out.push({ channel: key.slice(0, 32) as ChannelId, device: key.slice(32) as DeviceId, chanSeq: head.chanSeq, head: head.id.slice(0, 16) })
    }
    return out.sort((a, b) => (a.channel < b.channel ? -1 : a.channel > b.channel ? 1 : a.device < b.device ? -1 : 1))
  }

  /**
   * Where an op stands: in already, waiting (and for what), next in its chain, or refused because its chain says otherwise.
   */
  place(op: Op): { type: 'known' | 'next' | 'refused' } | { type: 'waits'; for: string } {
    const h = op.header
    const head = this.head(h.channel, h.device)
    const held = head?.chanSeq ?? 0
    if (h.chanSeq <= held) {
      const same = h.channel === AUTHORITY_CHANNEL ? this.authority.has(op.id) : h.chanSeq < held || head?.id === op.id
      if (same) return { type: 'known' }
      if (this.forks.length < 256 && head !== undefined) this.forks.push({ known: head.id, other: op })
      return { type: 'refused' }
    }
    if (h.chanSeq > held + 1) return { type: 'waits', for: `${chainKey(h.channel, h.device)}:${h.chanSeq - 1}` }
    if (h.chanPrev !== head?.id) {
      if (this.forks.length < 256 && head !== undefined) this.forks.push({ known: head.id, other: op })
      return { type: 'refused' }
    }
    for (const dep of h.deps) if (!this.authority.has(dep)) return { type: 'waits', for: dep }
    return { type: 'next' }
  }

  /** Parks an op until what it waits for is in. False when there is no room: sync will bring it again. */
  park(op: Op, waitsFor: string): boolean {
    if (this.parked.has(op.id)) return false
    if (this.parked.size >= MAX_PARKED_OPS) return false
    this.parked.set(op.id, op)
    const set = this.waiting.get(waitsFor) ?? new Set()
    set.add(op.id)
    this.waiting.set(waitsFor, set)
    return true
  }

  /** Marks an op as in; returns the parked ops that waited for it. */
  add(op: Op): Op[] {
    const h = op.header
    this.heads.set(chainKey(h.channel, h.device), { chanSeq: h.chanSeq, id: op.id, seq: h.seq, hlc: h.hlc })
    this.noteDevice(h.device, h.seq, op.id)
    this.maxHlc = Math.max(this.maxHlc, h.hlc)
    if (h.channel === AUTHORITY_CHANNEL) this.authority.set(op.id, op)
    const freed: Op[] = []
    for (const key of [op.id, `${chainKey(h.channel, h.device)}:${h.chanSeq}`]) {
      for (const id of this.waiting.get(key) ?? []) {
        const waiting = this.parked.get(id)
        if (waiting !== undefined) { this.parked.delete(id); freed.push(waiting) }
      }
      this.waiting.delete(key)
    }
    return freed
  }

  /** Authority ops outside the past of one of them, predecessors first: what somebody who knows only that one may lack. */
  authorityOutside(id: OpId): Op[] {
    const past = new Set<OpId>()
    const open: OpId[] = [id]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const header = this.authority.get(next)?.header
      if (header === undefined || past.has(next)) continue
      past.add(next)
      open.push(...header.deps)
      if (header.chanPrev !== undefined) open.push(header.chanPrev)
    }
    return [...this.authority.values()].filter((op) => !past.has(op.id))
  }

  verify(op: Op): Promise<boolean> {
    return this.suite.verify(fromHex(op.header.device) as Uint8Array, op.sig, opSignedBytes(fromHex(op.id) as Uint8Array))
  }

  /**
   * The ids in a batch that a later verified signature of the same chain vouches for. `ops` in any order;
   * only content ops: runs of consecutive numbers of one chain, linked by hash, whose last signature is good.
   */
  async vouched(ops: readonly Op[]): Promise<Set<OpId>> {
    const chains = new Map<ChainKey, Op[]>()
    for (const op of ops) {
      if (op.header.channel === AUTHORITY_CHANNEL) continue
      const key = chainKey(op.header.channel, op.header.device)
      const list = chains.get(key)
      if (list === undefined) chains.set(key, [op]); else list.push(op)
    }
    const out = new Set<OpId>()
    for (const list of chains.values()) {
      list.sort((a, b) => b.header.chanSeq - a.header.chanSeq)
      let run: Op | undefined
      for (const op of list) {
        const linked = run !== undefined && run.header.chanSeq === op.header.chanSeq + 1 && run.header.chanPrev === op.id
        if (linked || (await this.verify(op))) { out.add(op.id); run = op } else run = undefined
      }
    }
    return out
  }
}
