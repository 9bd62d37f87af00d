/**
 * The simulated world: virtual time, one heap of things to come, chance from a seed, and a trace of all that happened.
 *
 * Nothing here runs by itself. `next` takes the earliest event, moves the clock to it, runs it, and waits until every engine that got
 * something to do has done it; so the order of everything is the order in the heap, and the same seed gives the same bytes.
 */
import { createHash } from 'node:crypto'
import { seededRandom } from '../adapters/random.ts'
import type { Random } from '../ports.ts'
import { nothingVerified } from './verified.ts'

/** Where virtual time begins: any moment will do, so long as it is always the same. */
export const BEGINNING = 1_800_000_000_000

interface Event { readonly at: number; readonly sequence: number; readonly what: string; readonly run: () => void; isCancelled: boolean }

/** Chance in whole numbers: no floating point, which engines may round differently. */
export class Chance {
  readonly random: Random
  constructor(seed: string) { this.random = seededRandom(seed) }

  /** 0 … n-1; n is at least 1 and at most 2^32. */
  int(n: number): number {
    const b = this.random.bytes(4)
    return new DataView(b.buffer, b.byteOffset).getUint32(0) % n
  }
  between(from: number, to: number): number { return from + this.int(to - from + 1) }
  percent(p: number): boolean { return this.int(100) < p }
  perMille(p: number): boolean { return this.int(1000) < p }
  pick<T>(from: readonly T[]): T | undefined { return from.length === 0 ? undefined : from[this.int(from.length)] }
  shuffle<T>(list: readonly T[]): T[] {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1)
      ;[out[i], out[j]] = [out[j] as T, out[i] as T]
    }
    return out
  }
}

/** Whatever has things to do. */
export interface Member {
  idle(): Promise<void>
  /** false: there is nothing to wait for, which of a thousand is worth knowing. */
  readonly isBusy?: boolean
}

/** Of a failing run, so many last inputs are shown, with what happened between them. */
const KEPT_INPUTS = 50

export class World {
  now = BEGINNING
  readonly chance: Chance
  /** False while the world is healed: nothing goes wrong then. */
  faults = true
  /** False where nobody asks for the trace: of a crowd it is a fifth of all work. */
  isTraced = true
  /** False where nobody's disk is put back to one of its last saves: in a crowd these would be a large part of the memory. */
  keepsPasts = true
  events = 0
  readonly verified = nothingVerified()
  private readonly heap: Event[] = []
  private sequence = 0
  private readonly hash = createHash('sha256')
  private readonly lines: { readonly text: string; readonly isInput: boolean }[] = []
  private inputs = 0
  private readonly everyone: Member[] = []

  constructor(seed: string) { this.chance = new Chance(seed) }

  /** Waits for this one after each event. */
  join(member: Member): void { this.everyone.push(member) }
  leave(member: Member): void {
    const at = this.everyone.indexOf(member)
    if (at >= 0) this.everyone.splice(at, 1)
  }

  at(atMs: number, what: string, run: () => void): () => void {
    const event: Event = { at: Math.max(atMs, this.now), sequence: this.sequence++, what, run, isCancelled: false }
    push(this.heap, event)
    return () => { event.isCancelled = true }
  }
  after(ms: number, what: string, run: () => void): () => void { return this.at(this.now + ms, what, run) }

  /** Runs the earliest event if it is not later than `until`. False when there is none. */
  async next(until: number): Promise<boolean> {
    // Between events, commands may have been given: their consequences come first.
    await this.settle()
    for (;;) {
      const first = this.heap[0]
      if (first === undefined || first.at > until) { this.now = Math.max(this.now, until); return false }
      pop(this.heap)
      if (first.isCancelled) continue
      this.now = first.at
      this.events++
      first.run()
      await this.settle()
      return true
    }
  }

  async runFor(ms: number): Promise<void> {
    const until = this.now + ms
    while (await this.next(until)) { /* until nothing is left before then */ }
  }

  /** Until nobody works at anything: what one is answered may have another asked who was done. */
  async settle(): Promise<void> {
    for (let isAgain = true; isAgain;) {
      isAgain = false
      for (let i = 0; i < this.everyone.length; i++) {
        const one = this.everyone[i]
        if (one === undefined || one.isBusy === false) continue
        isAgain ||= one.isBusy === true
        await one.idle()
      }
    }
  }

  /** One line for whoever reads a failure's last moments. */
  note(text: string, isInput = false): void {
    this.lines.push({ text: `${String(this.now - BEGINNING).padStart(9)} ${text}`, isInput })
    if (isInput) this.inputs++
    while (this.inputs > KEPT_INPUTS || this.lines.length > 4 * KEPT_INPUTS) if (this.lines.shift()?.isInput === true) this.inputs--
  }
  lastLines(): readonly string[] { return this.lines.map(({ text }) => text) }

  /** Adds a value to the trace: every byte of it counts. */
  trace(value: unknown): void { if (this.isTraced) digest(value, (part) => this.hash.update(part)) }
  traceHash(): string { return this.hash.copy().digest('hex') }
}

/** Feeds a value to a hash so that different values give different streams. */
function digest(value: unknown, update: (part: string | Uint8Array) => void): void {
  if (value instanceof Uint8Array) { update(`b${value.length}:`); update(value); return }
  if (Array.isArray(value)) {
    update(`a${value.length}:`)
    for (const item of value) digest(item, update)
    return
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    update(`o${entries.length}:`)
    for (const [key, item] of entries) { update(`k${key.length}:${key}`); digest(item, update) }
    return
  }
  const text = String(value)
  update(`${typeof value}${text.length}:${text}`)
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)

function push(heap: Event[], event: Event): void {
  heap.push(event)
  for (let i = heap.length - 1; i > 0;) {
    const up = (i - 1) >> 1
    if (!before(heap[i] as Event, heap[up] as Event)) return
    ;[heap[i], heap[up]] = [heap[up] as Event, heap[i] as Event]
    i = up
  }
}

function pop(heap: Event[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  heap[0] = last
  for (let i = 0;;) {
    const left = 2 * i + 1, right = left + 1
    let least = i
    if (left < heap.length && before(heap[left] as Event, heap[least] as Event)) least = left
    if (right < heap.length && before(heap[right] as Event, heap[least] as Event)) least = right
    if (least === i) return
    ;[heap[i], heap[least]] = [heap[least] as Event, heap[i] as Event]
    i = least
  }
}
